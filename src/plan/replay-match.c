/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whose kill is whose. In order: the same victim in the same trouble at about the same time; another victim then and
 * there; the same victim further away. What is left appears or vanishes. So a victim that goes in place of another one, and
 * would have gone later anyway, is told as what it is: somebody else's death in its place.
 */

#include <string.h>

#include "plan/replay-state.h"

/* Two kills in one domain so close to each other answer the same shortage. */
#define TROUBLE_USEC (10 * USEC_PER_SEC)

const char *replay_change_to_string(ReplayChange c) {
        static const char *const names[] = {
                [REPLAY_SAME] = "same",   [REPLAY_APPEARS] = "appears",           [REPLAY_VANISHES] = "vanishes",
                [REPLAY_MOVES] = "moves", [REPLAY_OTHER_VICTIM] = "other-victim",
        };
        return (size_t)c < ARRAY_SIZE(names) ? names[c] : NULL;
}

void replay_side_count(ReplaySide *side, const TraceDecision *d) {
        side->n_steps++;
        for (uint32_t i = 0; i < MIN(d->n_changes, (uint32_t)LEVEL_CHANGES_MAX); i++)
                if (d->changes[i].to > d->changes[i].from && d->changes[i].to > LEVEL_CALM && d->changes[i].to < _LEVEL_MAX)
                        side->n_raised[d->changes[i].to]++;
        for (uint32_t i = 0; i < MIN(d->n_measures, (uint32_t)MEASURES_MAX); i++)
                if (d->measures[i].verb == MEASURE_BEGIN && d->measures[i].step >= 0 && d->measures[i].step < _STEP_MAX)
                        side->n_measures[d->measures[i].step]++;
        if (d->has_kill)
                *(d->kill.is_escalation ? &side->n_escalations : &side->n_kills) += 1;
}

ReplayKill *replay_side_kill(PlanReplay *r, ReplaySide *side, const Snapshot *s, const TraceKill *k,
                             const KillDecision *decision) {
        if (side->n_kept == REPLAY_KILLS_MAX)
                return NULL;
        if (!side->kills)
                side->kills = calloc(REPLAY_KILLS_MAX, sizeof(*side->kills));
        if (!side->kills)
                return NULL;
        ReplayKill *kept = &side->kills[side->n_kept++];
        *kept = (ReplayKill){
                .boot = r->boot,
                .mono_usec = s->mono_usec,
                .real_usec = s->real_usec,
                .kill = *k,
                .is_counterfactual = side == &r->result.other && r->result.has_diverged,
        };
        kept->decision = decision ? malloc(sizeof(*decision)) : NULL;
        if (kept->decision)
                memcpy(kept->decision, decision, sizeof(*decision));
        return kept;
}

void replay_view(const DecideState *s, const Decision *d, const Snapshot *snap, uint64_t domain_id, KillDecision *scratch,
                 ReplayView *ret) {
        *ret = (ReplayView){ 0 };
        if (d->has_kill && d->kill.domain_id == domain_id) {
                ret->is_known = true;
                ret->condition = d->kill.condition;
        } else if (d->has_held && d->held.domain_id == domain_id) {
                ret->is_known = true;
                ret->hold = d->held.hold;
                ret->condition = d->held.condition;
        } else if (decide_explain(s, snap, domain_id, scratch) >= 0) {
                ret->is_known = true;
                ret->condition = scratch->condition;
        }
}

void replay_diverge(PlanReplay *r, const Snapshot *s) {
        if (r->result.has_diverged)
                return;
        r->result.has_diverged = true;
        r->result.diverged_mono_usec = s->mono_usec;
        r->result.diverged_real_usec = s->real_usec;
}

bool replay_same_victim(const TraceKill *a, const TraceKill *b) {
        if (a->victim_kind != b->victim_kind)
                return false;
        if (a->victim_kind == CANDIDATE_CGROUP)
                return a->cgroup_id == b->cgroup_id && strcmp(a->cgroup_path, b->cgroup_path) == 0;
        return a->pid == b->pid && a->start_ticks == b->start_ticks;
}

typedef struct Pairing {
        bool same_domain, same_victim;
        uint64_t window_usec;
} Pairing;

static void diff_add(PlanReplay *r, ReplayChange c, const ReplayKill *recorded, const ReplayKill *other) {
        ReplayResult *x = &r->result;
        ReplayDiff *d = &x->diffs[x->n_diffs++];

        *d = (ReplayDiff){ .change = c, .recorded = recorded, .other = other };
        if (recorded && other)
                d->moved_usec = (int64_t)(other->mono_usec - recorded->mono_usec);
        d->is_counterfactual = (other && other->is_counterfactual) ||
                               (!other && x->has_diverged && recorded->mono_usec > x->diverged_mono_usec);
        x->n_change[c]++;
}

/* The nearest in time that fits. */
static ReplayKill *partner(PlanReplay *r, const ReplayKill *a, const Pairing *p) {
        ReplayKill *best = NULL;
        uint64_t best_usec = UINT64_MAX;

        for (uint32_t i = 0; i < r->result.other.n_kept; i++) {
                ReplayKill *b = &r->result.other.kills[i];
                uint64_t apart = a->mono_usec > b->mono_usec ? a->mono_usec - b->mono_usec : b->mono_usec - a->mono_usec;
                if (b->is_matched || b->is_cancelled || a->boot != b->boot || apart > p->window_usec || apart >= best_usec ||
                    (p->same_domain && strcmp(a->kill.domain_path, b->kill.domain_path) != 0) ||
                    (p->same_victim && !replay_same_victim(&a->kill, &b->kill)))
                        continue;
                best = b;
                best_usec = apart;
        }
        return best;
}

static void pair(PlanReplay *r, const Pairing *p) {
        for (uint32_t i = 0; i < r->result.recorded.n_kept; i++) {
                ReplayKill *a = &r->result.recorded.kills[i];
                if (a->is_matched || a->is_cancelled)
                        continue;
                ReplayKill *b = partner(r, a, p);
                if (!b)
                        continue;
                a->is_matched = b->is_matched = true;
                ReplayChange c = !p->same_victim                                              ? REPLAY_OTHER_VICTIM
                                 : a->mono_usec == b->mono_usec && a->kill.step == b->kill.step ? REPLAY_SAME
                                                                                                : REPLAY_MOVES;
                diff_add(r, c, a, b);
        }
}

static uint64_t diff_time(const ReplayDiff *d) {
        return d->recorded ? d->recorded->mono_usec : d->other->mono_usec;
}

static int diff_compare(const void *a, const void *b) {
        const ReplayDiff *x = a, *y = b;
        uint64_t xb = x->recorded ? x->recorded->boot : x->other->boot, yb = y->recorded ? y->recorded->boot : y->other->boot;
        if (xb != yb)
                return xb < yb ? -1 : 1;
        uint64_t xt = diff_time(x), yt = diff_time(y);
        if (xt != yt)
                return xt < yt ? -1 : 1;
        return (int)x->change - (int)y->change;
}

int replay_match(PlanReplay *r) {
        ReplayResult *x = &r->result;

        x->diffs = calloc(MAX(x->recorded.n_kept + x->other.n_kept, 1u), sizeof(*x->diffs));
        if (!x->diffs)
                return -ENOMEM;
        pair(r, &(Pairing){ true, true, MIN(TROUBLE_USEC, r->options.window_usec) });
        pair(r, &(Pairing){ true, false, TROUBLE_USEC });
        pair(r, &(Pairing){ true, true, r->options.window_usec });
        pair(r, &(Pairing){ false, true, r->options.window_usec });
        for (uint32_t i = 0; i < x->recorded.n_kept; i++)
                if (!x->recorded.kills[i].is_matched && !x->recorded.kills[i].is_cancelled)
                        diff_add(r, REPLAY_VANISHES, &x->recorded.kills[i], NULL);
        for (uint32_t i = 0; i < x->other.n_kept; i++)
                if (!x->other.kills[i].is_matched && !x->other.kills[i].is_cancelled)
                        diff_add(r, REPLAY_APPEARS, NULL, &x->other.kills[i]);
        if (x->n_diffs > 1)
                qsort(x->diffs, x->n_diffs, sizeof(*x->diffs), diff_compare);
        return 0;
}

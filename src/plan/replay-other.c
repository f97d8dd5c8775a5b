/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Another policy on the recorded samples.
 *
 * What it asks for has happened where the recorded policy asked for the same in the same sample: then how that went stands
 * in the trace, and is handed on. Everything else is made up as a dry run would: a kill has worked by the next sample,
 * a measure was done and is not felt.
 */

#include <string.h>

#include "plan/replay-state.h"

/* A sample, then at most two more of the same moment with what was asked for, as the daemon does it. */
#define ROUNDS_MAX 3

int replay_other_init(PlanReplay *r) {
        ReplayOther *o = &r->other;

        o->policy = *r->options.other;
        o->decision = calloc(1, sizeof(*o->decision));
        o->linked = calloc(1, sizeof(*o->linked));
        if (!o->decision || !o->linked)
                return -ENOMEM;
        int n = rematch_new(&o->policy, &o->rematch);
        return n < 0 ? n : plan_world_new(NULL, &r->world);
}

void replay_other_done(PlanReplay *r) {
        ReplayOther *o = &r->other;

        replay_state_end(&o->state);
        o->rematch = rematch_free(o->rematch);
        free(o->decision);
        free(o->linked);
        free(o->cgroups);
        free(o->processes);
        free(o->extra);
        *o = (ReplayOther){ 0 };
}

/* With each state of the recorder one of our own: a daemon that starts knows nothing. */
int replay_other_begin(PlanReplay *r) {
        ReplayOther *o = &r->other;

        o->policy.daemon.dry_run = r->options.other->daemon.dry_run || r->is_dry;
        o->need = 0;
        o->n_kills = o->n_measures = 0;
        memset(o->links, 0, sizeof(o->links));
        memset(o->measure_links, 0, sizeof(o->measure_links));
        o->linked_recorded_id = 0;
        rematch_set_recorded(o->rematch, r->same.state_policy);
        int n = replay_state_begin(&o->state, &o->policy, &r->limits);
        if (n == -ENOSPC)
                n = replay_state_begin(&o->state, &o->policy, &(DecideLimits){ 512, 8192, 65536 });
        return n;
}

/* ---- links ---- */

static uint64_t link_find(const ReplayOther *o, uint64_t recorded_id) {
        for (uint32_t i = 0; i < REPLAY_LINKS_MAX; i++)
                if (o->links[i].recorded_id == recorded_id && o->links[i].other_id != 0)
                        return o->links[i].other_id;
        return 0;
}

static void link_add(ReplayOther *o, uint64_t recorded_id, uint64_t other_id) {
        o->links[o->next_link] = (ReplayLink){ recorded_id, other_id };
        o->next_link = (o->next_link + 1) % REPLAY_LINKS_MAX;
}

static void link_remove(ReplayOther *o, uint64_t recorded_id) {
        for (uint32_t i = 0; i < REPLAY_LINKS_MAX; i++)
                if (o->links[i].recorded_id == recorded_id)
                        o->links[i] = (ReplayLink){ 0 };
}

/* What the trace says of kills and measures, as far as they are this side's too; and what is made up. */
static void tell(ReplayOther *o, const Snapshot *recorded, Snapshot *s) {
        s->n_kills = s->n_measures = 0;
        for (uint32_t i = 0; i < o->n_kills; i++) {
                s->kills[s->n_kills] = o->kills[i];
                s->kills[s->n_kills++].exited_usec = s->mono_usec;
        }
        for (uint32_t i = 0; i < o->n_measures; i++)
                s->measures[s->n_measures++] = o->measures[i];
        o->n_kills = o->n_measures = 0;
        for (uint32_t i = 0; i < recorded->n_kills && s->n_kills < KILLS_MAX; i++) {
                uint64_t id = link_find(o, recorded->kills[i].kill_id);
                if (id == 0)
                        continue;
                s->kills[s->n_kills] = recorded->kills[i];
                s->kills[s->n_kills++].kill_id = id;
                if (recorded->kills[i].outcome != KILL_PENDING)
                        link_remove(o, recorded->kills[i].kill_id);
        }
        for (uint32_t i = 0; i < recorded->n_measures && s->n_measures < MEASURE_STATUSES_MAX; i++)
                for (uint32_t k = 0; k < REPLAY_MEASURES_MAX; k++) {
                        ReplayMeasureLink *l = &o->measure_links[k];
                        if (l->other_id == 0 || l->recorded_id != recorded->measures[i].measure_id ||
                            l->verb != recorded->measures[i].verb)
                                continue;
                        s->measures[s->n_measures] = recorded->measures[i];
                        s->measures[s->n_measures++].measure_id = l->other_id;
                        *l = (ReplayMeasureLink){ 0 };
                        break;
                }
}

/* ---- what this side has decided ---- */

static void take_measure(PlanReplay *r, const Measure *m, const TraceDecision *recorded) {
        ReplayOther *o = &r->other;

        for (uint32_t i = 0; recorded && i < recorded->n_measures; i++) {
                const TraceMeasure *t = &recorded->measures[i];
                if (t->step != m->step || t->verb != m->verb || t->domain_id != m->domain_id || t->cgroup_id != m->cgroup_id)
                        continue;
                o->measure_links[o->next_measure_link] = (ReplayMeasureLink){ t->measure_id, m->measure_id, m->verb };
                o->next_measure_link = (o->next_measure_link + 1) % REPLAY_MEASURES_MAX;
                return;
        }
        decide_measure_virtually(o->state.state, m->measure_id);
        if (o->n_measures == MEASURE_STATUSES_MAX)
                return;
        bool is_relief = m->step == STEP_RECLAIM || m->step == STEP_PAGEOUT;
        o->measures[o->n_measures++] = (MeasureStatus){ .measure_id = m->measure_id, .verb = m->verb,
                                                        .done_bytes = is_relief ? m->value : 0,
                                                        .ended_usec = o->snap.mono_usec };
}

static void make_virtual(PlanReplay *r, uint64_t kill_id, const Snapshot *s) {
        ReplayOther *o = &r->other;

        decide_kill_virtually(o->state.state, kill_id);
        if (o->n_kills < KILLS_MAX)
                o->kills[o->n_kills++] = (KillStatus){ .kill_id = kill_id, .outcome = KILL_EXITED,
                                                       .signalled_usec = s->mono_usec };
}

static void take_kill(PlanReplay *r, const TraceDecision *recorded, const TraceDecision *now) {
        ReplayOther *o = &r->other;
        const KillDecision *k = &o->decision->kill;
        bool is_shared = recorded && recorded->has_kill && !recorded->kill.is_escalation &&
                         replay_same_victim(&recorded->kill, &now->kill);

        if (k->is_escalation)
                return; /* of one that is shared, and how that goes stands in the trace */
        ReplayKill *kept = replay_side_kill(r, &r->result.other, &o->snap, &now->kill, k);
        if (is_shared) {
                link_add(o, recorded->kill.kill_id, k->kill_id);
                memcpy(o->linked, k, sizeof(*k));
                o->linked_recorded_id = recorded->kill.kill_id;
        } else {
                make_virtual(r, k->kill_id, &o->snap);
                replay_diverge(r, &o->snap);
                if (kept)
                        kept->is_virtual = true;
        }
        if (kept && r->same.is_stepped && r->same.state.state) {
                KillDecision *scratch = calloc(1, sizeof(*scratch));
                if (scratch)
                        replay_view(r->same.state.state, r->same.decision, &o->snap, k->domain_id, scratch, &kept->other);
                free(scratch);
        }
}

/* The recorded policy has killed here: what did this one make of it? */
static void view_recorded_kill(PlanReplay *r, const TraceRecord *record, bool is_shared) {
        ReplaySide *side = &r->result.recorded;
        ReplayOther *o = &r->other;

        if (!record->has_decision || !record->decision.has_kill || record->decision.kill.is_escalation)
                return;
        if (!is_shared)
                replay_diverge(r, &record->snap);
        ReplayKill *last = side->n_kept > 0 ? &side->kills[side->n_kept - 1] : NULL;
        if (!last || last->mono_usec != record->snap.mono_usec || last->kill.kill_id != record->decision.kill.kill_id)
                return;
        KillDecision *scratch = calloc(1, sizeof(*scratch));
        if (scratch)
                replay_view(o->state.state, o->decision, &o->snap, record->decision.kill.domain_id, scratch, &last->other);
        free(scratch);
}

static int step(PlanReplay *r, const TraceRecord *record, bool *ret_is_shared) {
        ReplayOther *o = &r->other;
        const TraceDecision *recorded = record->has_decision ? &record->decision : NULL;
        TraceDecision now;

        int n = decide_step(o->state.state, &o->snap, o->decision);
        if (n < 0)
                return 0; /* not well formed: nothing is decided */
        trace_decision_from(o->decision, &now);
        replay_side_count(&r->result.other, &now);
        o->need = o->decision->need;
        for (uint32_t i = 0; i < MIN(o->decision->n_measures, (uint32_t)MEASURES_MAX); i++)
                take_measure(r, &o->decision->measures[i], recorded);
        if (o->decision->has_kill) {
                *ret_is_shared |= recorded && recorded->has_kill && replay_same_victim(&recorded->kill, &now.kill);
                take_kill(r, recorded, &now);
        }
        return 1;
}

/* Does the next record, as the recorder asked for it, hold what this side wants now? */
static bool comes_next(const TraceRecord *record, uint32_t need) {
        return record->has_decision && record->decision.need_now && !(need & ~plan_detail_answers(record->decision.need));
}

int replay_other_sample(PlanReplay *r, const TraceRecord *record) {
        ReplayOther *o = &r->other;
        bool is_shared = false;
        uint32_t done = 0;

        if (!o->state.state || r->same.is_fresh) {
                int n = replay_other_begin(r);
                if (n < 0)
                        return n;
        }
        for (uint32_t round = 0; round < ROUNDS_MAX; round++) {
                int n = replay_other_take(r, &record->snap, o->need);
                if (n < 0)
                        return n;
                if (round == 0)
                        tell(o, &record->snap, &o->snap);
                else
                        o->snap.n_kills = o->snap.n_measures = 0;
                done |= o->snap.detail;
                n = step(r, record, &is_shared);
                if (n <= 0)
                        return n;
                const Decision *d = o->decision;
                if (d->has_kill || !d->need_now || !(d->need & ~done) || comes_next(record, d->need))
                        break;
        }
        view_recorded_kill(r, record, is_shared);
        return 0;
}

/* ---- the second look ---- */

static void cancel_last(PlanReplay *r, uint64_t kill_id) {
        ReplaySide *side = &r->result.other;
        ReplayKill *last = side->n_kept > 0 ? &side->kills[side->n_kept - 1] : NULL;

        if (!last || last->kill.kill_id != kill_id || last->is_cancelled)
                return;
        last->is_cancelled = true;
        side->n_cancelled++;
}

static void resolve(PlanReplay *r, Hold recorded, Hold now, const Snapshot *s) {
        ReplayOther *o = &r->other;
        uint64_t id = o->linked->kill_id;

        if (now != HOLD_NONE) {
                decide_cancel(o->state.state, id, now);
                link_remove(o, o->linked_recorded_id);
                cancel_last(r, id);
        } else if (recorded != HOLD_NONE) {
                link_remove(o, o->linked_recorded_id);
                make_virtual(r, id, s);
        }
        if ((now == HOLD_NONE) != (recorded == HOLD_NONE))
                replay_diverge(r, s);
        o->linked_recorded_id = 0;
}

int replay_other_confirm(PlanReplay *r, const TraceRecord *record) {
        ReplayOther *o = &r->other;

        if (!o->state.state || o->linked_recorded_id == 0 || o->linked_recorded_id != record->kill_id)
                return 0;
        int n = replay_other_take(r, &record->snap, 0);
        if (n < 0)
                return n;
        Hold now = decide_confirm(o->state.state, &o->snap, o->linked);
        /* confirmed by both: it stays linked, and may still fail */
        if (now == HOLD_NONE && record->hold == HOLD_NONE)
                return 0;
        resolve(r, record->hold, now, &o->snap);
        return 0;
}

/* It was not carried out: not confirmed, or nobody could be signalled. */
void replay_other_cancel(PlanReplay *r, uint64_t recorded_id, Hold why) {
        ReplayOther *o = &r->other;

        if (o->state.state && o->linked_recorded_id != 0 && o->linked_recorded_id == recorded_id)
                resolve(r, why, why, &o->snap);
}

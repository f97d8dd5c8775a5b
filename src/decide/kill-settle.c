/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * After the kill: how it went, what is remembered of victims that did not go, and of those that only dry-run
 * counts as gone.
 */

#include "decide/kill.h"

#include <string.h>

#include "decide/domain.h"
#include "model/cgroup-path.h"

/* A kill whose status never comes (the daemon was restarted in between) is given up after this. */
#define STATUS_LOST_USEC  (5 * USEC_PER_SEC)
/* After a victim is gone its memory shows in the next samples: no further kill for lack of memory before. */
#define SETTLE_USEC       (200 * USEC_PER_MSEC)
/*
 * Kills of which every candidate fails (no right to signal, a read-only cgroup file system): the first one is
 * followed up at once, since candidates may just have ended; then ever more slowly.
 */
#define FAILED_PAUSE_USEC     (100 * USEC_PER_MSEC)
#define FAILED_PAUSE_MAX_USEC (5 * USEC_PER_SEC)
#define FAILED_FORGET_USEC    (30 * USEC_PER_SEC)

static void tried_add(DecideState *s, const Candidate *c, bool was_only_asked, uint64_t now_usec) {
        uint32_t at = 0;
        for (uint32_t i = 0; i < s->n_tried; i++)
                if (s->tried[i].until_usec < s->tried[at].until_usec)
                        at = i;
        if (s->n_tried < TRIED_MAX)
                at = s->n_tried++;
        s->tried[at] = (TriedVictim){
                .kind = c->kind,
                .was_only_asked = was_only_asked,
                .pid = c->kind == CANDIDATE_GROUP ? c->pgid : c->pid,
                .start_ticks = c->start_ticks,
                .cgroup_id = c->cgroup_id,
                .until_usec = now_usec + TRIED_USEC,
        };
}

/* Did @c, a process, outlast an earlier SIGTERM? */
bool kill_ignored_sigterm(const DecideState *s, const Candidate *c, uint64_t now_usec) {
        for (uint32_t i = 0; i < s->n_tried; i++) {
                const TriedVictim *t = &s->tried[i];
                if (t->was_only_asked && t->until_usec > now_usec && t->kind == c->kind && t->pid == c->pid &&
                    t->start_ticks == c->start_ticks)
                        return true;
        }
        return false;
}

static void virtual_add(DecideState *s, const Candidate *c) {
        if (s->n_virtuals == VIRTUALS_MAX)
                return;
        VirtualVictim *v = &s->virtuals[s->n_virtuals++];
        *v = (VirtualVictim){
                .kind = c->kind,
                .pid = c->pid,
                .pgid = c->pgid,
                .start_ticks = c->start_ticks,
                .cgroup_id = c->cgroup_id,
                .freed_bytes = c->freeable_bytes,
        };
        memcpy(v->cgroup_path, c->cgroup_path, sizeof(v->cgroup_path));
}

bool virtual_victim_holds(const VirtualVictim *v, const ProcessSample *p) {
        switch (v->kind) {
        case CANDIDATE_PROCESS:
                return p->pid == v->pid && p->start_ticks == v->start_ticks;
        case CANDIDATE_GROUP:
                return p->pgid == v->pgid && p->cgroup_id == v->cgroup_id;
        case CANDIDATE_CGROUP:
                return v->cgroup_path[0] && cgroup_path_inside(p->cgroup_path, v->cgroup_path);
        case _CANDIDATE_KIND_MAX:
                break;
        }
        return false;
}

void kill_prune_virtuals(DecideState *s, const Snapshot *snap) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < s->n_virtuals; i++) {
                VirtualVictim v = s->virtuals[i];
                uint64_t pages = 0;
                bool lives = false, was_read = true;
                for (uint32_t k = 0; k < snap->n_processes; k++) {
                        const ProcessSample *p = &snap->processes[k];
                        if (!virtual_victim_holds(&v, p))
                                continue;
                        lives = true;
                        was_read &= (p->flags & PROCESS_SIZES) != 0;
                        pages += p->rss_anon + p->swap + p->pgtables;
                }
                if (!lives)
                        continue;
                if (was_read)
                        v.freed_bytes = u64_mul_sat(pages, snap->page_size);
                s->virtuals[kept++] = v;
        }
        s->n_virtuals = kept;
}

const KillStatus *kill_status_find(const Snapshot *snap, uint64_t kill_id) {
        for (uint32_t i = 0; i < snap->n_kills; i++)
                if (snap->kills[i].kill_id == kill_id)
                        return &snap->kills[i];
        return NULL;
}

/* What it gave back shows in all of them, a moment later. */
static void victim_is_gone(DecideState *s, const Domain *d, uint64_t now_usec) {
        for (uint32_t i = 0; i < s->n_domains; i++) {
                Domain *other = &s->domains[i];
                if (!domains_are_related(d, other))
                        continue;
                domain_forget_stalls(s, other);
                other->cooldown_usec = MAX(other->cooldown_usec, now_usec + SETTLE_USEC);
        }
}

static uint64_t failed_pause_usec(Domain *d, uint64_t now_usec) {
        d->n_failed = now_usec - d->failed_usec > FAILED_FORGET_USEC ? 1 : d->n_failed + 1;
        d->failed_usec = now_usec;
        return d->n_failed == 1 ? 0 : MIN(FAILED_PAUSE_USEC << MIN(d->n_failed - 2, 16u), FAILED_PAUSE_MAX_USEC);
}

static void settle_one(DecideState *s, Domain *d, const Snapshot *snap) {
        const KillDecision *k = &s->flights[d->kill.flight];
        const KillStatus *st = kill_status_find(snap, d->kill.id);
        uint64_t now = snap->mono_usec;

        if (!st) {
                if (now < u64_add_sat(d->kill.deadline_usec, STATUS_LOST_USEC))
                        return;
                d->kill = (KillInFlight){ 0 };
                return;
        }
        uint32_t victim = MIN(st->candidate, k->n_candidates - 1);
        switch (st->outcome) {
        case KILL_PENDING:
                return;
        case KILL_EXITED:
                if (k->dry_run)
                        virtual_add(s, &k->candidates[victim]);
                d->cooldown_usec = now + (d->kill.is_memory_low ? 0 : s->policy->cgroups[d->policy].cooldown_usec);
                d->n_failed = 0;
                victim_is_gone(s, d, now);
                break;
        case KILL_FAILED:
                for (uint32_t i = 0; i < k->n_candidates; i++)
                        tried_add(s, &k->candidates[i], /* was_only_asked= */ false, now);
                d->cooldown_usec = now + failed_pause_usec(d, now);
                break;
        case KILL_EXPIRED:
                tried_add(s, &k->candidates[victim],
                          /* was_only_asked= */ d->kill.step == STEP_TERMINATE && d->kill.escalate_usec != USEC_INFINITY, now);
                d->n_failed = 0;
                break;
        case _KILL_OUTCOME_MAX:
        case _KILL_OUTCOME_INVALID:
                break;
        }
        d->kill = (KillInFlight){ 0 };
}

void kills_settle(DecideState *s, const Snapshot *snap) {
        for (uint32_t i = 0; i < s->n_domains; i++)
                if (s->domains[i].kill.id != 0)
                        settle_one(s, &s->domains[i], snap);
}

void decide_kill_virtually(DecideState *s, uint64_t kill_id) {
        for (uint32_t i = 0; i < s->n_domains; i++)
                if (kill_id != 0 && s->domains[i].kill.id == kill_id)
                        s->flights[s->domains[i].kill.flight].dry_run = true;
}

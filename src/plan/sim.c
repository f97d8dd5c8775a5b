/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A what-if in closed loop. The record says what was asked of a host; the question says of which host, by which policy.
 *
 * As long as neither differs from the record and the record holds decisions, it is followed to the letter: the same
 * snapshots into the same decide_step(), which does the same. That ends with the first kill that is here and not there,
 * or there and not here (a dry run of the record is such a one). From then on, and from the start where something
 * differs, the snapshots are made: demand (sim-demand.c) changed by copies and victims (sim-copies.c) on the supply of
 * the question (sim-supply.c, sim-memory.c), seen as sense would (sim-view.c); kills (sim-kill.c) change the demand.
 *
 * What is assumed, for whoever reads the numbers:
 *
 *  1. Demand is what the record shows: nobody asks for more because there is more, or for less because there is less.
 *     Programs that size themselves by the host (databases, JVMs) must be scaled by hand.
 *  2. What a process asks for between two looks at it follows the movement of the host's whole demand.
 *  3. A machine's MemTotal is its RAM less the kernel's image and 1.6 % struct page, both as on the recorded machine;
 *     watermarks grow with the square root of it.
 *  4. Page cache is needed as far as it was active in the record; the rest can be dropped without a stall.
 *  5. Half of all anonymous memory is used again within 10 s, and so may not be in swap for longer without stalls.
 *     Who is in swap is not told apart: each has the same share there.
 *  6. Stall is the time that the moved pages take. How long that is, is measured on the record where it saw pressure of
 *     at least a second; otherwise the device is taken to move 100 MB/s (zram 400 MB/s) and the numbers are marked low.
 *  7. Swap and zram that the record does not have: compressed to half, speed as in 6, marked low.
 *  8. A victim ends by the first signal, in 20 ms and 150 ms more a GiB, and stays gone until its recorded end; its
 *     recorded restart starts. Its children are gone with it. Survivors do not ask for more.
 *  9. Who was killed in the record and not here asks for what it had at last, for 5 min or until its restart: a lower bound.
 * 10. The kernel kills by oom_badness when neither cache nor swap has anything left above the minimum watermark.
 * 11. A throttle or freeze keeps a cgroup from growing while it is in force; reclaim and page-out bring nothing more.
 * 12. A copy of a cgroup asks for what the recorded one does, page by page; pages that copies would share are counted in
 *     the cache of each, since the record does not tell them apart.
 * 13. Gaps are not bridged; after another boot, and after lost records, rates begin anew.
 * 14. Near a limit, a policy that has done nothing for 10 s is asked every fourth time only where the record has no sample:
 *     what it finds then it finds up to three of its least intervals later, for each look that it needs.
 */

#include <string.h>

#include "config/config.h"
#include "plan/sim-state.h"

/* Longer without a sample than this, and than ten intervals of the recorder, is a gap, as after a suspend. */
#define SILENCE_USEC      (60 * USEC_PER_SEC)
#define SILENCE_INTERVALS 10
/* Whatever the recorder says of its interval: a step this long is no more simulated, which would take as long as it says. */
#define SILENCE_MOST_USEC (3600 * USEC_PER_SEC)
/* For this long the record's next look at processes is waited for. */
#define SPAN_LEAST_USEC (30 * USEC_PER_SEC)
#define SPAN_INTERVALS  3
#define SPAN_MOST_USEC  (600 * USEC_PER_SEC)

/* Asks for nothing else than another supply, if that; whether it is another one, the samples tell. */
static bool is_plain(const PlanQuestion *q) {
        return q->overcommit_ratio == 0 && q->n_scales == 0 && q->n_limits == 0;
}

/**
 * plan_sim_new() - ask a question
 * @q: copied; its patterns and its policy are borrowed and must outlive the object
 *
 * Return: 0; -EINVAL: more scales or limits than there are places, or a negative number of something; -ENOMEM.
 */
int plan_sim_new(const PlanQuestion *q, PlanSim **ret) {
        if (q->n_scales > PLAN_SCALES_MAX || q->n_limits > PLAN_SCALES_MAX || q->swappiness > 200)
                return -EINVAL;
        _cleanup_(plan_sim_freep) PlanSim *s = calloc(1, sizeof(PlanSim));
        if (!s)
                return -ENOMEM;
        s->question = *q;
        s->outcome.events = calloc(PLAN_EVENTS_MAX, sizeof(PlanEvent));
        s->decision = calloc(1, sizeof(Decision));
        if (!s->outcome.events || !s->decision || demand_init(&s->demand) < 0)
                return -ENOMEM;
        s->outcome.headroom_min_bytes = UINT64_MAX;
        histogram_init(&s->outcome.headroom);
        *ret = TAKE_PTR(s);
        return 0;
}

PlanSim *plan_sim_free(PlanSim *s) {
        if (!s)
                return NULL;
        sim_facts_clear(s);
        demand_done(&s->demand);
        plan_outcome_done(&s->outcome);
        (void)policy_free(s->own_policy);
        free(s->memory);
        free(s->decision);
        free(s->facts);
        free(s->facts_index.slots);
        free(s->touched);
        free(s->roots);
        free(s->monitored);
        free(s->limited);
        free(s->cgroups);
        free(s->processes);
        free(s->cgroup_rows);
        free(s->arena);
        free(s);
        return NULL;
}

/* ---- policy ---- */

static int policy_use(PlanSim *s, const Policy *p, bool is_foreign) {
        s->policy = *p;
        s->policy.daemon.dry_run = false; /* the question is what would happen */
        s->has_policy = true;
        s->is_foreign = is_foreign;
        s->is_exact = !is_foreign && !s->is_left && s->start.decides && is_plain(&s->question);
        return sim_state_reset(s);
}

static int take_policy(PlanSim *s, const TracePolicy *p) {
        ConfigReport report = { 0 };
        Policy *policy = NULL;

        /* each file begins with it; the state goes on */
        if (s->goes_on && s->has_policy && p->hash == s->recorded_hash)
                return 0;
        s->recorded_hash = p->hash;
        if (s->question.policy)
                return policy_use(s, s->question.policy, s->question.policy->hash != p->hash);
        int r = policy_load_text(p->text ? p->text : "", p->text ? p->n : 0, "trace", &report, &policy);
        config_report_done(&report);
        if (r < 0)
                return r == -EINVAL ? -EBADMSG : r;
        /* the state of the old one refers to it until the new one is made */
        Policy *old = s->own_policy;
        s->own_policy = policy;
        r = policy_use(s, policy, false);
        (void)policy_free(old);
        return r;
}

/* ---- breaks ---- */

/* What was gathered so far is simulated; nothing is carried over the break but who is gone. */
static int flush(PlanSim *s) {
        if (s->demand.n_points == 0 || !demand_flush(&s->demand))
                return 0;
        if (!s->is_exact)
                return sim_run_span(s);
        demand_close(&s->demand);
        return demand_next(&s->demand, demand_end_usec(&s->demand));
}

static int break_off(PlanSim *s) {
        int r = flush(s);
        if (r < 0)
                return r;
        demand_break(&s->demand);
        s->has_now = s->has_unconfirmed = s->has_recorded_kill = false;
        s->n_holds = s->n_statuses = s->n_pending = 0;
        for (uint32_t i = 0; i < FLIGHTS_MAX; i++)
                s->flights[i].is_used = false;
        for (uint32_t i = 0; i < s->demand.n_processes; i++) {
                Copies *c = &s->demand.processes[i].copies;
                c->gone |= c->dying;
                c->dying = 0;
        }
        s->kernel_pause_usec = s->last_policy_kill_usec = 0;
        sim_stall_reset(s);
        return s->has_policy ? sim_state_reset(s) : 0;
}

static int new_boot(PlanSim *s) {
        int r = break_off(s);
        if (r < 0)
                return r;
        demand_reset(&s->demand);
        memory_reset(&s->host_memory);
        sim_facts_clear(s);
        s->n_touched = s->n_still = s->n_roots = s->n_limited = s->n_monitored = s->n_saws = 0;
        s->is_still_summed = false;
        s->is_diverged = s->is_left = s->is_commit_short = false;
        s->psi_some_usec = s->psi_full_usec = s->oom_kills = 0;
        return 0;
}

static int take_start(PlanSim *s, const TraceStart *start) {
        bool is_first = !s->has_start, is_same_boot = !is_first && strcmp(s->start.boot_id, start->boot_id) == 0;
        int r = 0;

        /* the next file of the same recorder, whose state went on; or another run of it */
        s->goes_on = is_same_boot && start->mono_usec == s->start.mono_usec && start->real_usec == s->start.real_usec;
        if (!is_first && !s->goes_on) {
                s->outcome.n_gaps++;
                r = is_same_boot ? break_off(s) : new_boot(s);
        }
        if (r < 0)
                return r;
        s->start = *start;
        s->has_start = true;
        uint64_t span = u64_mul_sat(start->detail_interval_usec, SPAN_INTERVALS);
        s->demand.span_max_usec = MIN(MAX(SPAN_LEAST_USEC, span), SPAN_MOST_USEC);
        if (s->question.policy && !start->decides && !s->has_policy)
                return policy_use(s, s->question.policy, true);
        return 0;
}

/* ---- samples ---- */

static bool is_same_kill(const KillDecision *k, const TraceKill *t) {
        const Candidate *c = &k->candidates[0];
        return k->step == t->step && c->kind == t->victim_kind && c->pid == t->pid && c->start_ticks == t->start_ticks &&
               c->cgroup_id == t->cgroup_id;
}

/* From here on the snapshots are made: of what is known now. */
static void leave(PlanSim *s) {
        s->is_exact = false;
        s->is_left = true;
        memory_reset(&s->host_memory);
}

static bool has_recorded_supply(const PlanSim *s, const HostSample *h) {
        HostDemand d;
        Supply supply;
        host_demand_of(h, &d);
        supply_of(&s->question, h, &d, &supply);
        return !d.is_known || supply.is_recorded;
}

static int follow(PlanSim *s, const TraceRecord *r, bool is_complete) {
        int error = sim_follow(s, &r->snap, r->has_decision);
        if (error < 0)
                return error;
        const TraceDecision *t = &r->decision;
        s->has_unconfirmed = r->has_decision && s->decision->has_kill;
        if (is_complete) {
                demand_close(&s->demand);
                if ((error = sim_ghosts(s)) < 0 || (error = demand_next(&s->demand, s->now_usec)) < 0)
                        return error;
        }
        if (!r->has_decision)
                return 0;
        bool is_same = s->decision->has_kill == t->has_kill && (!t->has_kill || is_same_kill(&s->decision->kill, &t->kill));
        if (!is_same)
                leave(s);
        s->is_diverged |= !is_same && t->has_kill;
        return 0;
}

static bool is_silence(const PlanSim *s, const Snapshot *snap) {
        if (s->demand.n_points == 0)
                return false;
        uint64_t last = demand_end_usec(&s->demand);
        uint64_t limit = MAX(SILENCE_USEC, MIN(u64_mul_sat(s->start.interval_usec, SILENCE_INTERVALS), SILENCE_MOST_USEC));
        return snap->mono_usec < last || snap->mono_usec - last > limit;
}

static int take_sample(PlanSim *s, const TraceRecord *r) {
        int error;

        if (!s->has_start || r->snap.page_size == 0)
                return s->has_start ? 0 : -EBADMSG;
        if (!s->has_policy) {
                if (!s->question.policy)
                        return -EBADMSG;
                if ((error = policy_use(s, s->question.policy, true)) < 0)
                        return error;
        }
        if (s->has_unconfirmed && !s->is_exact) {
                /* the kill by which the record was left: nobody else will confirm it */
                s->has_unconfirmed = false;
                sim_kill_policy(s, &s->decision->kill);
        }
        if (is_silence(s, &r->snap)) {
                s->outcome.n_gaps++;
                if ((error = break_off(s)) < 0)
                        return error;
        }
        s->outcome.n_samples++;
        s->goes_on = false;
        s->has_recorded_kill = r->has_decision && r->decision.has_kill && !r->decision.kill.dry_run &&
                               !r->decision.kill.is_escalation;
        if (s->has_recorded_kill)
                s->recorded_kill = r->decision.kill;
        int complete = demand_add(&s->demand, &r->snap);
        if (complete < 0)
                return complete;
        if (s->is_exact && !has_recorded_supply(s, &r->snap.host))
                leave(s);
        if (s->is_exact)
                return follow(s, r, complete > 0);
        return complete > 0 ? sim_run_span(s) : 0;
}

/* The record's own second look at a kill; followed, also ours. */
static void take_confirm(PlanSim *s, const TraceRecord *r) {
        if (s->has_recorded_kill && r->hold == HOLD_NONE)
                sim_saw_kill(s, &s->recorded_kill, r->snap.mono_usec, r->snap.real_usec);
        if (!s->has_unconfirmed)
                return;
        KillDecision *k = &s->decision->kill;
        Hold hold = decide_confirm(s->state, &r->snap, k);
        s->has_unconfirmed = false;
        bool is_there = s->has_recorded_kill || k->is_escalation || r->hold != HOLD_NONE;
        if (s->is_exact && hold == r->hold && is_there) {
                /* it shows in the record; where it was not confirmed, a CANCEL follows */
                if (hold == HOLD_NONE && !k->is_escalation)
                        sim_note_kill(s, k, 0, k->candidates[0].freeable_bytes, NULL);
                return;
        }
        leave(s);
        if (hold == HOLD_NONE)
                sim_kill_policy(s, k);
        else
                decide_cancel(s->state, k->kill_id, hold);
}

/**
 * plan_sim_feed() - the next record of the trace
 *
 * Return: 0; -ENOMEM; -EBADMSG: it is no trace that can be simulated (no START, no policy in it or with the question).
 */
int plan_sim_feed(PlanSim *s, const TraceRecord *r) {
        switch (r->kind) {
        case TRACE_START:
                return take_start(s, &r->start);
        case TRACE_POLICY:
                if (s->demand.n_points > 0) { /* a reload */
                        int error = flush(s);
                        if (error < 0)
                                return error;
                }
                return take_policy(s, &r->policy);
        case TRACE_SAMPLE:
                return take_sample(s, r);
        case TRACE_CONFIRM:
                take_confirm(s, r);
                return 0;
        case TRACE_CANCEL:
                if (s->is_exact && s->state)
                        decide_cancel(s->state, r->kill_id, r->hold);
                return 0;
        case TRACE_FACTS:
                return sim_facts_add(s, &r->facts);
        case TRACE_GAP:
                s->outcome.n_gaps++;
                return break_off(s);
        case TRACE_END:
        case _TRACE_KIND_MAX:
        case _TRACE_KIND_INVALID:
                break;
        }
        return 0;
}

/**
 * plan_sim_finish() - after the last record
 * @ret: the caller's from here on, for plan_outcome_done(); the simulation is only to be freed
 *
 * Return: 0; -ENOMEM; -EBADMSG where there was no sample.
 */
int plan_sim_finish(PlanSim *s, PlanOutcome *ret) {
        int r = flush(s);
        if (r < 0)
                return r;
        PlanOutcome *o = &s->outcome;
        if (o->n_samples == 0)
                return -EBADMSG;
        if (o->headroom_min_bytes == UINT64_MAX)
                o->headroom_min_bytes = 0;
        o->is_stall_calibrated = s->host_memory.scale.is_calibrated;
        uint64_t bound = u64_mul_div(sim_stall_bound_usec(s), PERMYRIAD, STALL_BUCKETS * USEC_PER_SEC);
        o->is_safe = o->n_kills == 0 && o->n_kernel_kills == 0 && o->worst_stall_permyriad < bound;
        *ret = *o;
        s->outcome = (PlanOutcome){ 0 };
        return 0;
}

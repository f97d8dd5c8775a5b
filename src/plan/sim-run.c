/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Time passes. The decision says when the next sample is due: every 50 ms near a limit, and there the record is
 * interpolated. Where nothing happens, neither in the simulation nor in the record's next sample, one step for each of
 * its samples does, so that a week takes seconds.
 */

#include <string.h>

#include "plan/sim-state.h"

/* need_now: the next sample is taken at once; that takes the time of a walk over /proc. */
#define AT_ONCE_USEC (5 * USEC_PER_MSEC)
/* A jump to the record's next sample must not pass over more than this part of what is available. */
#define CALM_DIVISOR 4
/*
 * A host that is too small stands in the same trouble for hours, and the policy wants to look every interval_min all that
 * time. When nothing was done for SETTLED_USEC, and the record moves as little as on a calm host, it looks every fourth
 * time only: between two samples of the record there is a line, which has no more to show. No step is longer for it than
 * what clocks count of one (FOR_CREDIT_USEC and its like).
 */
#define SETTLED_USEC      (10 * USEC_PER_SEC)
#define SETTLED_INTERVALS 4
#define SETTLED_STEP_USEC USEC_PER_SEC

/* What the daemon has. Memory that is not needed is not touched. */
#define DOMAINS_MIN   512u
#define CGROUPS_MIN   8192u
#define PROCESSES_MIN 65536u
/* Whatever a trace says, as for its replay: no state of ours had more. */
#define DOMAINS_MAX   (UINT32_C(1) << 14)
#define CGROUPS_MAX   (UINT32_C(1) << 18)
#define PROCESSES_MAX (UINT32_C(1) << 21)

int sim_state_reset(PlanSim *s) {
        /* copies need room that the recorder had no need of */
        bool is_exact = s->is_exact && s->start.max_domains && s->start.max_cgroups && s->start.max_processes;
        const DecideLimits recorded = {
                .max_domains = MIN(s->start.max_domains, DOMAINS_MAX),
                .max_cgroups = MIN(s->start.max_cgroups, CGROUPS_MAX),
                .max_processes = MIN(s->start.max_processes, PROCESSES_MAX),
        };
        const DecideLimits limits = {
                .max_domains = is_exact ? recorded.max_domains : MAX(recorded.max_domains, DOMAINS_MIN),
                .max_cgroups = is_exact ? recorded.max_cgroups : MAX(recorded.max_cgroups, CGROUPS_MIN),
                .max_processes = is_exact ? recorded.max_processes : MAX(recorded.max_processes, PROCESSES_MIN),
        };
        size_t size = decide_state_size(&s->policy, &limits);

        if (size > s->memory_size) {
                free(s->memory);
                s->memory_size = 0;
                s->memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
                if (!s->memory)
                        return -ENOMEM;
                s->memory_size = size;
        }
        s->need = DETAIL_CGROUPS | DETAIL_PROCESSES | DETAIL_STATS;
        int r = decide_state_init(s->memory, s->memory_size, &s->policy, &limits, &s->state);
        return r == -ENOSPC ? -EBADMSG : r;
}

static uint64_t delta(const HostSample *before, const HostSample *now, HostField f) {
        return host_has(before, f) && host_has(now, f) ? u64_sub_sat(now->value[f], before->value[f]) : 0;
}

static bool is_settled(const PlanSim *s) {
        return u64_sub_sat(s->now_usec, s->restless_usec) >= SETTLED_USEC && s->delay_usec >= s->policy.daemon.interval_min_usec &&
               s->delay_usec < s->policy.daemon.interval_max_usec;
}

/* What comes and goes in a step is bounded: one that is longer than the policy asked for is as many as it would have been. */
static uint32_t amounts_parts(const PlanSim *s, uint64_t usec) {
        return is_settled(s) ? (uint32_t)MIN(MAX(usec / s->delay_usec, UINT64_C(1)), (uint64_t)SETTLED_INTERVALS) : 1;
}

/* The amounts at s->now_usec, @usec after the last ones. */
static void amounts_step(PlanSim *s, const HostSample *before, uint64_t usec, const DemandChange *change) {
        const HostDemand *d = &s->host_demand;
        uint64_t some = MIN(delta(before, &s->host, HOST_PSI_SOME_USEC), usec);
        uint64_t full = MIN(delta(before, &s->host, HOST_PSI_FULL_USEC), some);
        bool has_scanned = delta(before, &s->host, HOST_VM_PGSCAN_KSWAPD) > 0 || delta(before, &s->host, HOST_VM_PGSCAN_DIRECT) > 0;

        host_demand_of(&s->host, &s->host_demand);
        if (!d->is_known)
                return;
        supply_of(&s->question, &s->host, d, &s->supply);
        memory_calibrate(&s->host_memory, before, &s->host, usec, s->demand.page_size);
        HostMemory *m = &s->host_memory;
        uint64_t some_sum = 0, full_sum = 0, modelled_sum = 0;
        uint32_t n = amounts_parts(s, usec);
        for (uint32_t i = 0; i < n; i++) {
                memory_step(m, &s->supply, d, change, usec / n, some / n, full / n, has_scanned, s->demand.page_size);
                some_sum += m->some_usec;
                full_sum += m->full_usec;
                modelled_sum += m->modelled_usec;
        }
        m->some_usec = some_sum;
        m->full_usec = full_sum;
        m->modelled_usec = modelled_sum;
        s->psi_some_usec = u64_add_sat(s->psi_some_usec, m->some_usec);
        s->psi_full_usec = u64_add_sat(s->psi_full_usec, m->full_usec);
}

static void commit_step(PlanSim *s) {
        const HostSample *h = &s->snap.host;
        bool is_short = s->question.overcommit_ratio > 0 && host_has(h, HOST_COMMITTED_AS) && host_has(h, HOST_COMMIT_LIMIT) &&
                        h->value[HOST_COMMITTED_AS] > h->value[HOST_COMMIT_LIMIT];
        if (is_short && !s->is_commit_short) {
                sim_event(s, PLAN_EVENT_FORK_FAILED, /* rests_on_stall= */ false);
                s->outcome.n_fork_failures++;
        }
        s->is_commit_short = is_short;
}

/* One call of the core with the snapshot of now. */
static int decide_now(PlanSim *s) {
        Decision *d = s->decision;
        int r = sim_view(s, s->need);
        if (r < 0)
                return r;
        commit_step(s);
        if (decide_step(s->state, &s->snap, d) < 0)
                return -EBADMSG;
        s->n_statuses = 0;
        s->need = d->need;
        s->delay_usec = d->need_now ? AT_ONCE_USEC : MAX(d->next_usec, AT_ONCE_USEC);
        if (d->has_kill || d->need_now || d->n_changes > 0 || d->n_measures > 0 || sim_flights_busy(s))
                s->restless_usec = s->now_usec;
        if (d->has_kill) {
                if ((r = sim_view(s, 0)) < 0)
                        return r;
                Hold hold = decide_confirm(s->state, &s->snap, &d->kill);
                if (hold == HOLD_NONE)
                        sim_kill_policy(s, &d->kill);
                else
                        decide_cancel(s->state, d->kill.kill_id, hold);
        }
        sim_take_measures(s, d);
        return 0;
}

static int advance(PlanSim *s, uint64_t to_usec) {
        HostSample before = s->host;
        uint64_t usec = s->has_now ? to_usec - s->now_usec : 0;
        DemandChange change;

        demand_host_at(&s->demand, to_usec, &s->host, &s->real_usec);
        if (!s->has_now) {
                s->restless_usec = to_usec;
                before = s->host;
                s->psi_some_usec = MAX(s->psi_some_usec, s->host.value[HOST_PSI_SOME_USEC]);
                s->psi_full_usec = MAX(s->psi_full_usec, s->host.value[HOST_PSI_FULL_USEC]);
        }
        s->now_usec = to_usec;
        s->has_now = true;
        sim_flights_step(s);
        sim_change_at(s, to_usec, &change);
        amounts_step(s, &before, usec, &change);
        sim_limits_step(s, usec);
        if (s->host_memory.is_oom && !sim_flights_busy(s))
                sim_kill_kernel(s, NULL, s->host_memory.deficit);
        sim_outcome_step(s, usec);
        sim_regret_step(s);
        return decide_now(s);
}

/*
 * When to look next, at most the end of the span. Where the record has a sample on the way, that one: what it saw, and
 * perhaps acted upon, is seen here as well.
 */
static uint64_t next_usec(const PlanSim *s) {
        const DaemonPolicy *daemon = &s->policy.daemon;
        const Demand *d = &s->demand;
        uint64_t end = demand_end_usec(d), due = u64_add_sat(s->now_usec, s->delay_usec);
        uint32_t i = d->at;

        while (i + 1 < d->n_points && d->points[i].mono_usec <= s->now_usec)
                i++;
        const DemandPoint *next = &d->points[i], *last = i > 0 ? next - 1 : next;
        if (next->mono_usec <= s->now_usec)
                return end;
        if (next->mono_usec <= due) {
                while (next + 1 < d->points + d->n_points && next[1].mono_usec <= due)
                        next++;
                return next->mono_usec;
        }
        bool is_slow = next->up - last->up <= s->host_memory.available / CALM_DIVISOR / (1 + s->n_roots);
        bool is_calm = is_slow && s->delay_usec >= daemon->interval_max_usec && !sim_flights_busy(s);
        /* growth of a limited cgroup and of a copied one does not show in the host's */
        if (is_slow && s->n_limited == 0 && s->n_roots == 0 && is_settled(s)) {
                uint64_t step = MIN(SETTLED_INTERVALS * daemon->interval_min_usec, SETTLED_STEP_USEC);
                due = MIN(MAX(due, s->now_usec + step), next->mono_usec);
        }
        /* a sample that is almost due is taken a little early rather than twice */
        uint64_t slack = (next->mono_usec - s->now_usec) / 8;
        return MIN(is_calm || next->mono_usec - due <= slack ? next->mono_usec : due, end);
}

static int span_begin(PlanSim *s) {
        int r;

        demand_close(&s->demand);
        if ((r = sim_match(s)) < 0 || (r = sim_ghosts(s)) < 0)
                return r;
        sim_inherit(s);
        return sim_rebuild_touched(s);
}

int sim_run_span(PlanSim *s) {
        int r = span_begin(s);

        if (r < 0)
                return r;
        uint64_t end = demand_end_usec(&s->demand);
        if (!s->has_now && (r = advance(s, demand_begin_usec(&s->demand))) < 0)
                return r;
        while (s->now_usec < end)
                if ((r = advance(s, MAX(next_usec(s), s->now_usec + 1))) < 0)
                        return r;
        return demand_next(&s->demand, end);
}

/**
 * sim_follow() - one sample of a record that is followed to the letter
 *
 * The record's snapshot decides, its kills show in it. Return: 0; -ENOMEM; -EBADMSG.
 */
int sim_follow(PlanSim *s, const Snapshot *snap, bool is_decided) {
        HostSample before = s->has_now ? s->host : snap->host;
        uint64_t usec = s->has_now ? u64_sub_sat(snap->mono_usec, s->now_usec) : 0;
        const DemandChange none = { 0 };

        s->host = snap->host;
        s->now_usec = snap->mono_usec;
        s->real_usec = snap->real_usec;
        s->has_now = true;
        s->restless_usec = s->now_usec; /* what is followed is never settled, nor what has just been left */
        amounts_step(s, &before, usec, &none);
        s->psi_some_usec = snap->host.value[HOST_PSI_SOME_USEC];
        s->psi_full_usec = snap->host.value[HOST_PSI_FULL_USEC];
        sim_outcome_step(s, usec);
        if (!is_decided)
                return 0;
        int r = decide_step(s->state, snap, s->decision);
        s->need = s->decision->need;
        s->delay_usec = MAX(s->decision->next_usec, AT_ONCE_USEC);
        return r < 0 ? -EBADMSG : 0;
}

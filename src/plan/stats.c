/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/stats.h"

#include <string.h>

#define MINUTE_USEC (60 * USEC_PER_SEC)

int plan_stats_new(const char *const *patterns, uint32_t n_patterns, PlanStats **ret) {
        _cleanup_(plan_stats_freep) PlanStats *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->seen = calloc(PLAN_SEEN_KILLS_MAX, sizeof(*s->seen));
        s->densities = calloc(MAX(n_patterns, UINT32_C(1)), sizeof(*s->densities));
        if (!s->seen || !s->densities)
                return -ENOMEM;
        s->n_densities = n_patterns;
        for (uint32_t i = 0; i < n_patterns; i++)
                density_init(&s->densities[i], patterns[i]);
        plan_clock_init(&s->clock);
        timeline_init(&s->series);
        forecast_init(&s->forecast);
        histogram_init(&s->headroom);
        histogram_init(&s->demand);
        histogram_init(&s->committed);
        s->worst.headroom_bytes = UINT64_MAX;
        s->mem_total_min = UINT64_MAX;
        *ret = TAKE_PTR(s);
        return 0;
}

PlanStats *plan_stats_free(PlanStats *s) {
        if (!s)
                return NULL;
        cgroup_table_done(&s->cgroups);
        free(s->seen);
        free(s->densities);
        free(s);
        return NULL;
}

static uint64_t host_or_0(const HostSample *h, HostField f) {
        return host_has(h, f) ? h->value[f] : 0;
}

static HostMoment moment_of(const PlanStats *s, const Snapshot *snap, uint64_t headroom_bytes) {
        const HostSample *h = &snap->host;
        HostMoment m = {
                .axis_usec = s->clock.axis_usec,
                .real_usec = snap->real_usec,
                .headroom_bytes = headroom_bytes,
                .total_bytes = host_or_0(h, HOST_MEM_TOTAL),
                .available_bytes = host_or_0(h, HOST_MEM_AVAILABLE),
        };
        m.has_stack = host_has(h, HOST_MEM_TOTAL) && host_has(h, HOST_MEM_FREE) && host_has(h, HOST_CACHED) &&
                      host_has(h, HOST_SHMEM) && host_has(h, HOST_ANON_PAGES);
        if (!m.has_stack)
                return m;
        m.stack[STACK_ANON] = h->value[HOST_ANON_PAGES];
        m.stack[STACK_SHMEM] = h->value[HOST_SHMEM];
        /* Cached counts shmem, but not buffers and not what lies in swap as well. */
        m.stack[STACK_FILE] = u64_add_sat(u64_sub_sat(h->value[HOST_CACHED], h->value[HOST_SHMEM]),
                                          u64_add_sat(host_or_0(h, HOST_BUFFERS), host_or_0(h, HOST_SWAP_CACHED)));
        m.stack[STACK_FREE] = h->value[HOST_MEM_FREE];
        m.stack[STACK_KERNEL] = m.total_bytes;
        for (StackPart p = STACK_ANON; p < STACK_SWAP; p++)
                if (p != STACK_KERNEL)
                        m.stack[STACK_KERNEL] = u64_sub_sat(m.stack[STACK_KERNEL], m.stack[p]);
        m.stack[STACK_SWAP] = u64_sub_sat(host_or_0(h, HOST_SWAP_TOTAL), host_or_0(h, HOST_SWAP_FREE));
        return m;
}

static void add_headroom(PlanStats *s, const Snapshot *snap, uint64_t weight_msec) {
        uint64_t headroom, total = host_or_0(&snap->host, HOST_MEM_TOTAL), demand;

        if (!host_headroom(&snap->host, s->protected_bytes, &headroom))
                return;
        s->has_headroom = true;
        histogram_add(&s->headroom, headroom, weight_msec);
        HostMoment m = moment_of(s, snap, headroom);
        timeline_add(&s->series, &m);
        if (headroom < s->worst.headroom_bytes)
                s->worst = m;
        forecast_add(&s->forecast, s->clock.axis_usec, headroom, total);
        if (host_need(&snap->host, &demand)) {
                histogram_add(&s->demand, demand, weight_msec);
                s->demand_peak_bytes = MAX(s->demand_peak_bytes, demand);
        }
}

static void add_sizes(PlanStats *s, const HostSample *h, uint64_t dt_usec, uint64_t weight_msec) {
        if (host_has(h, HOST_MEM_TOTAL)) {
                s->mem_total_min = MIN(s->mem_total_min, h->value[HOST_MEM_TOTAL]);
                s->mem_total_max = MAX(s->mem_total_max, h->value[HOST_MEM_TOTAL]);
        }
        s->swap_total_max = MAX(s->swap_total_max, host_or_0(h, HOST_SWAP_TOTAL));
        s->zram_total_max = MAX(s->zram_total_max, host_or_0(h, HOST_ZRAM_SWAP_TOTAL));
        s->usable_swap_max = MAX(s->usable_swap_max, host_usable_swap(h));
        if (host_has(h, HOST_COMMITTED_AS)) {
                s->has_committed = true;
                histogram_add(&s->committed, h->value[HOST_COMMITTED_AS], weight_msec);
                s->commit_limit_latest = host_or_0(h, HOST_COMMIT_LIMIT);
                if (host_has(h, HOST_COMMIT_LIMIT) && h->value[HOST_COMMITTED_AS] > h->value[HOST_COMMIT_LIMIT])
                        s->commit_over_usec += dt_usec;
        }
}

/* Of @h since the previous sample; 0 where one of them lacks it or it was reset. */
static uint64_t grown(const PlanStats *s, const HostSample *h, HostField f) {
        return host_has(h, f) && host_has(&s->previous, f) ? u64_sub_sat(h->value[f], s->previous.value[f]) : 0;
}

static void add_seen(PlanStats *s, const SeenKill *k) {
        if (s->n_seen < PLAN_SEEN_KILLS_MAX)
                s->seen[s->n_seen++] = *k;
}

static void add_pressure(PlanStats *s, const Snapshot *snap, uint64_t dt_usec) {
        uint64_t full = grown(s, &snap->host, HOST_PSI_FULL_USEC), now = s->clock.axis_usec;

        s->has_psi |= host_has(&snap->host, HOST_PSI_FULL_USEC);
        /* More than all of the time cannot be: late updates of the kernel's counters. */
        full = MIN(full, dt_usec);
        s->full_usec += full;
        s->some_usec += MIN(grown(s, &snap->host, HOST_PSI_SOME_USEC), dt_usec);
        s->minute_full_usec += full;
        if (now - s->minute_from_usec >= MINUTE_USEC) {
                uint64_t share = u64_mul_div(s->minute_full_usec, PERMYRIAD, now - s->minute_from_usec);
                s->worst_minute_permyriad = MAX(s->worst_minute_permyriad, share);
                s->minute_from_usec = now;
                s->minute_full_usec = 0;
        }
        uint64_t n = grown(s, &snap->host, HOST_VM_OOM_KILL);
        if (n > 0) {
                s->n_kernel_kills += n;
                add_seen(s, &(SeenKill){ .axis_usec = now, .mono_usec = snap->mono_usec, .real_usec = snap->real_usec,
                                         .is_kernel = true, .n = n });
        }
}

static void add_decision(PlanStats *s, const TraceRecord *r) {
        s->has_decisions = true;
        /* SIGKILL after SIGTERM is the same kill. */
        if (!r->decision.has_kill || r->decision.kill.is_escalation)
                return;
        s->n_kills++;
        s->has_dry_run |= r->decision.kill.dry_run;
        add_seen(s, &(SeenKill){ .axis_usec = s->clock.axis_usec, .mono_usec = r->snap.mono_usec,
                                 .real_usec = r->snap.real_usec, .n = 1, .kill = r->decision.kill });
}

static void take_back(PlanStats *s, uint64_t kill_id) {
        for (uint32_t i = s->n_seen; i-- > 0;) {
                SeenKill *k = &s->seen[i];
                if (k->is_kernel || k->kill.kill_id != kill_id)
                        continue;
                if (!k->is_cancelled) {
                        k->is_cancelled = true;
                        s->n_kills--;
                        s->n_cancelled++;
                }
                return;
        }
}

static int add_sample(PlanStats *s, const TraceRecord *r) {
        const Snapshot *snap = &r->snap;
        bool was_first = !s->clock.has_sample;
        uint64_t n_gaps = s->clock.n_gaps, dt = plan_clock_step(&s->clock, snap->mono_usec, snap->real_usec);
        bool is_gap = s->clock.n_gaps != n_gaps;
        /* The first sample, and the first behind a gap, count as a moment. */
        uint64_t weight_msec = MAX(dt / USEC_PER_MSEC, (uint64_t)1);

        s->n_samples++;
        s->page_size = snap->page_size;
        if (is_gap || was_first) {
                s->previous = (HostSample){ 0 };
                s->minute_from_usec = s->clock.axis_usec;
                s->minute_full_usec = 0;
                forecast_break(&s->forecast);
        }
        if (snap->detail & DETAIL_ANY_CGROUPS) {
                s->protected_bytes = protected_unused(snap);
                s->n_detailed++;
        }
        add_headroom(s, snap, weight_msec);
        add_sizes(s, &snap->host, dt, weight_msec);
        add_pressure(s, snap, dt);
        int ret = cgroup_table_add(&s->cgroups, snap, s->clock.axis_usec, is_gap);
        for (uint32_t i = 0; i < s->n_densities && ret >= 0; i++)
                density_add(&s->densities[i], snap, s->clock.axis_usec);
        s->previous = snap->host;
        if (r->has_decision)
                add_decision(s, r);
        return ret;
}

static void add_policy(PlanStats *s, uint64_t hash) {
        s->n_policy_changes++;
        for (uint32_t i = 0; i < s->n_policies; i++)
                if (s->policy_hashes[i] == hash)
                        return;
        if (s->n_policies < PLAN_POLICIES_MAX)
                s->policy_hashes[s->n_policies++] = hash;
}

int plan_stats_feed(PlanStats *s, const TraceRecord *r) {
        s->n_records++;
        plan_clock_note(&s->clock, r);
        switch (r->kind) {
        case TRACE_START:
                s->start = r->start;
                s->has_start = true;
                s->has_dry_run |= r->start.dry_run;
                return 0;
        case TRACE_POLICY:
                add_policy(s, r->policy.hash);
                return 0;
        case TRACE_SAMPLE:
                return add_sample(s, r);
        case TRACE_CONFIRM:
                s->n_confirms++;
                if (r->hold != HOLD_NONE)
                        take_back(s, r->kill_id);
                return 0;
        case TRACE_CANCEL:
                take_back(s, r->kill_id);
                return 0;
        case TRACE_FACTS:
        case TRACE_GAP:
        case TRACE_END:
        case _TRACE_KIND_MAX:
        case _TRACE_KIND_INVALID:
                break;
        }
        return 0;
}

void plan_stats_finish(PlanStats *s) {
        cgroup_table_finish(&s->cgroups);
        if (s->mem_total_min == UINT64_MAX)
                s->mem_total_min = 0;
        if (s->page_size == 0)
                s->page_size = s->start.page_size;
}

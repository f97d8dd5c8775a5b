/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "plan/stats.h"

#define MIB (UINT64_C(1) << 20)
#define S   USEC_PER_SEC

static void test_estimators(void **unused) {
        (void)unused;
        CgroupSample c = { .path = "/a" };
        uint64_t v = 4711;
        for (Estimator e = 0; e < _ESTIMATOR_MAX; e++)
                assert_false(estimate(&c, e, &v));
        assert_int_equal(v, 4711);
        cgroup_set(&c, CGROUP_CURRENT, 1000);
        cgroup_set(&c, CGROUP_INACTIVE_FILE, 300);
        cgroup_set(&c, CGROUP_ACTIVE_FILE, 200);
        cgroup_set(&c, CGROUP_ANON, 350);
        cgroup_set(&c, CGROUP_SHMEM, 50);
        cgroup_set(&c, CGROUP_KERNEL, 90);
        cgroup_set(&c, CGROUP_SLAB_RECLAIMABLE, 40);
        cgroup_set(&c, CGROUP_SOCK, 7);
        cgroup_set(&c, CGROUP_UNEVICTABLE, 10);
        cgroup_set(&c, CGROUP_FILE_DIRTY, 20);
        assert_true(estimate(&c, ESTIMATE_CURRENT, &v) && v == 1000);
        assert_true(estimate(&c, ESTIMATE_NOT_INACTIVE, &v) && v == 700);
        assert_true(estimate(&c, ESTIMATE_ACTIVE, &v) && v == 350 + 50 + 200 + 50 + 7);
        assert_true(estimate(&c, ESTIMATE_FLOOR, &v) && v == 350 + 50 + 10 + 50 + 10);
        cgroup_set(&c, CGROUP_UNEVICTABLE, 900); /* what is locked is anonymous as well: never more than there is */
        assert_true(estimate(&c, ESTIMATE_FLOOR, &v) && v == 1000);
        cgroup_set(&c, CGROUP_INACTIVE_FILE, 2000); /* read at two moments */
        assert_true(estimate(&c, ESTIMATE_NOT_INACTIVE, &v) && v == 0);
}

static void test_headroom(void **unused) {
        (void)unused;
        HostSample h = { 0 };
        uint64_t v;
        assert_false(host_headroom(&h, 0, &v));
        host_set(&h, HOST_MEM_AVAILABLE, 1000);
        assert_true(host_headroom(&h, 100, &v) && v == 900);
        assert_true(host_headroom(&h, 2000, &v) && v == 0);
        host_set(&h, HOST_SWAP_FREE, 600);
        assert_true(host_headroom(&h, 0, &v) && v == 1600);
        /* 400 of the free swap are zram's, where a page takes a quarter of itself again */
        host_set(&h, HOST_ZRAM_SWAP_TOTAL, 500);
        host_set(&h, HOST_ZRAM_SWAP_USED, 100);
        host_set(&h, HOST_ZRAM_ORIG, 100);
        host_set(&h, HOST_ZRAM_MEM_USED, 25);
        assert_int_equal(host_usable_swap(&h), 200 + 300);
        host_set(&h, HOST_ZRAM_MEM_USED, 130); /* incompressible: no gain, never a loss */
        assert_int_equal(host_usable_swap(&h), 200);
}

typedef struct Feeder {
        PlanStats *s;
        CgroupSample cgroup;
        TraceRecord r;
} Feeder;

static void begin(Feeder *f) {
        memset(f, 0, sizeof(*f));
        assert_int_equal(plan_stats_new(NULL, 0, &f->s), 0);
        TraceRecord start = { .kind = TRACE_START, .start = { .boot_id = "a", .interval_usec = S, .page_size = 4096 } };
        assert_int_equal(plan_stats_feed(f->s, &start), 0);
        f->cgroup = (CgroupSample){ .id = 7, .path = "/a.service", .parent = INDEX_NONE, .policy = -1 };
        f->r = (TraceRecord){ .kind = TRACE_SAMPLE,
                              .snap = { .mono_usec = 100 * S, .real_usec = 1000 * S, .detail = DETAIL_CGROUPS | DETAIL_STATS,
                                        .cgroups = &f->cgroup, .n_cgroups = 1, .page_size = 4096 } };
        host_set(&f->r.snap.host, HOST_MEM_TOTAL, 1000 * MIB);
        host_set(&f->r.snap.host, HOST_MEM_AVAILABLE, 500 * MIB);
        host_set(&f->r.snap.host, HOST_PSI_FULL_USEC, 0);
        host_set(&f->r.snap.host, HOST_VM_OOM_KILL, 3);
        cgroup_set(&f->cgroup, CGROUP_CURRENT, 100 * MIB);
}

static void sample(Feeder *f, uint64_t after_usec) {
        f->r.snap.mono_usec += after_usec;
        f->r.snap.real_usec += after_usec;
        assert_int_equal(plan_stats_feed(f->s, &f->r), 0);
}

static void test_differences(void **unused) {
        (void)unused;
        Feeder f;
        begin(&f);
        sample(&f, 0);
        for (int i = 0; i < 120; i++) {
                f.r.snap.host.value[HOST_PSI_FULL_USEC] += S / 4;
                sample(&f, S);
        }
        assert_int_equal(f.s->full_usec, 30 * S);
        assert_int_equal(f.s->worst_minute_permyriad, 2500);
        /* what was there before the trace is no kill in it */
        assert_int_equal(f.s->n_kernel_kills, 0);
        f.r.snap.host.value[HOST_VM_OOM_KILL] += 2;
        sample(&f, S);
        assert_int_equal(f.s->n_kernel_kills, 2);
        assert_true(f.s->n_seen == 1 && f.s->seen[0].is_kernel && f.s->seen[0].n == 2);
        /* over a gap nothing is counted, whatever the counters say */
        TraceRecord gap = { .kind = TRACE_GAP };
        assert_int_equal(plan_stats_feed(f.s, &gap), 0);
        f.r.snap.host.value[HOST_PSI_FULL_USEC] += 100 * S;
        f.r.snap.host.value[HOST_VM_OOM_KILL] += 9;
        sample(&f, S);
        assert_int_equal(f.s->n_kernel_kills, 2);
        assert_int_equal(f.s->full_usec, 30 * S);
        assert_int_equal(f.s->clock.n_gaps, 1);
        plan_stats_finish(f.s);
        plan_stats_free(f.s);
}

static void test_recreated(void **unused) {
        (void)unused;
        Feeder f;
        begin(&f);
        cgroup_set(&f.cgroup, CGROUP_EVENT_OOM_KILL, 5);
        cgroup_set(&f.cgroup, CGROUP_PSI_FULL_USEC, 9 * S);
        sample(&f, 0);
        f.cgroup.value[CGROUP_EVENT_OOM_KILL] = 6;
        f.cgroup.value[CGROUP_PSI_FULL_USEC] = 10 * S;
        f.cgroup.value[CGROUP_CURRENT] = 200 * MIB;
        sample(&f, S);
        f.cgroup.id = 8; /* made anew: its counters begin at 0, and its next ones are no difference */
        f.cgroup.value[CGROUP_EVENT_OOM_KILL] = 90;
        f.cgroup.value[CGROUP_PSI_FULL_USEC] = 70 * S;
        f.cgroup.value[CGROUP_CURRENT] = 50 * MIB;
        sample(&f, S);
        plan_stats_finish(f.s);
        const CgroupStats *c = cgroup_table_find(&f.s->cgroups, "/a.service");
        assert_non_null(c);
        assert_int_equal(f.s->cgroups.n_cgroups, 1);
        assert_int_equal(c->n_created, 2);
        assert_int_equal(c->n_oom_kills, 1);
        assert_int_equal(c->stall_usec, S);
        assert_int_equal(c->estimates[ESTIMATE_CURRENT].max, 200 * MIB);
        assert_int_equal(c->estimates[ESTIMATE_CURRENT].min, 50 * MIB);
        assert_int_equal(c->estimates[ESTIMATE_FLOOR].total, 0); /* no memory.stat: absent, not 0 */
        plan_stats_free(f.s);
}

/* The sample behind a gap holds other cgroups, or other fields: the next that does holds no difference either. */
static void test_gap_unseen(void **unused) {
        (void)unused;
        Feeder f;
        begin(&f);
        cgroup_set(&f.cgroup, CGROUP_PSI_FULL_USEC, 0);
        cgroup_set(&f.cgroup, CGROUP_EVENT_OOM_KILL, 0);
        cgroup_set(&f.cgroup, CGROUP_EVENT_MAX, 0);
        for (int i = 0; i < 2; i++) {
                sample(&f, S);
                f.cgroup.value[CGROUP_PSI_FULL_USEC] += S / 2;
                f.cgroup.value[CGROUP_EVENT_OOM_KILL]++;
                f.cgroup.value[CGROUP_EVENT_MAX]++;
                sample(&f, S);
                TraceRecord gap = { .kind = TRACE_GAP };
                assert_int_equal(plan_stats_feed(f.s, &gap), 0);
                f.r.snap.n_cgroups = i == 0 ? 0 : 1;
                uint64_t have = f.cgroup.have;
                f.cgroup.have = UINT64_C(1) << CGROUP_CURRENT;
                sample(&f, S);
                f.cgroup.have = have;
                f.r.snap.n_cgroups = 1;
                f.cgroup.value[CGROUP_PSI_FULL_USEC] += 100 * S;
                f.cgroup.value[CGROUP_EVENT_OOM_KILL] += 100;
                f.cgroup.value[CGROUP_EVENT_MAX] += 100;
        }
        sample(&f, S);
        const CgroupStats *c = cgroup_table_find(&f.s->cgroups, "/a.service");
        assert_int_equal(f.s->clock.n_gaps, 2);
        assert_int_equal(c->stall_usec, S);
        assert_int_equal(c->n_oom_kills, 2);
        assert_int_equal(c->n_max_events, 2);
        assert_true(c->observed_usec <= 4 * S);
        plan_stats_free(f.s);
}

static void test_interval_peak(void **unused) {
        (void)unused;
        Feeder f;
        begin(&f);
        /* it only grows: the sampled maximum of each minute is what there is */
        cgroup_set(&f.cgroup, CGROUP_PEAK, 900 * MIB);
        for (int i = 0; i < 180; i++)
                sample(&f, S);
        CgroupStats *c = f.s->cgroups.cgroups[0];
        assert_false(c->is_peak_reset);
        assert_int_equal(c->estimates[ESTIMATE_PEAK].max, 100 * MIB);
        assert_int_equal(c->lifetime_peak, 900 * MIB);
        /* it falls: somebody resets it, and from there on it is the measure */
        f.cgroup.value[CGROUP_PEAK] = 150 * MIB;
        sample(&f, S);
        f.cgroup.value[CGROUP_PEAK] = 170 * MIB;
        sample(&f, S);
        assert_true(c->is_peak_reset);
        plan_stats_finish(f.s);
        assert_int_equal(c->estimates[ESTIMATE_PEAK].total, 3);
        assert_int_equal(c->estimates[ESTIMATE_PEAK].min, 150 * MIB);
        plan_stats_free(f.s);
}

static void test_vpa(void **unused) {
        (void)unused;
        CgroupStats c = { .n_days = 3, .day_peaks = { 1000 * MIB, 500 * MIB, 600 * MIB }, .observed_usec = UINT64_C(3 * 86400) * S };
        VpaAdvice v;
        assert_true(cgroup_vpa(&c, &v));
        /* weights 1, 2, 4: 90 % of 7 is beyond the two smaller ones */
        assert_int_equal(v.target_bytes / MIB, 1150);
        assert_true(v.upper_bytes > v.target_bytes && v.lower_bytes < v.target_bytes);
        c.day_peaks[0] = 10 * MIB;
        assert_true(cgroup_vpa(&c, &v));
        assert_int_equal(v.target_bytes / MIB, 690);
        c = (CgroupStats){ .n_days = 1, .day_peaks = { MIB } };
        assert_true(cgroup_vpa(&c, &v));
        assert_int_equal(v.target_bytes, 250 * MIB);
        /* a trace may say anything */
        c.day_peaks[0] = UINT64_MAX;
        assert_true(cgroup_vpa(&c, &v));
        assert_true(v.target_bytes == UINT64_MAX && v.upper_bytes == UINT64_MAX);
        c.n_days = 0;
        assert_false(cgroup_vpa(&c, &v));
}

static void test_kills(void **unused) {
        (void)unused;
        Feeder f;
        begin(&f);
        f.r.has_decision = true;
        f.r.decision.has_kill = true;
        f.r.decision.kill.kill_id = 5;
        sample(&f, 0);
        f.r.decision.kill.is_escalation = true; /* SIGKILL after SIGTERM */
        sample(&f, S);
        assert_int_equal(f.s->n_kills, 1);
        f.r.decision.kill.is_escalation = false;
        f.r.decision.kill.kill_id = 6;
        sample(&f, S);
        assert_int_equal(f.s->n_kills, 2);
        TraceRecord confirm = { .kind = TRACE_CONFIRM, .kill_id = 6, .hold = HOLD_NOT_CONFIRMED };
        assert_int_equal(plan_stats_feed(f.s, &confirm), 0);
        assert_int_equal(plan_stats_feed(f.s, &confirm), 0);
        assert_int_equal(f.s->n_kills, 1);
        assert_true(f.s->seen[1].is_cancelled && !f.s->seen[0].is_cancelled);
        confirm.hold = HOLD_NONE;
        confirm.kill_id = 5;
        assert_int_equal(plan_stats_feed(f.s, &confirm), 0);
        assert_int_equal(f.s->n_kills, 1);
        plan_stats_free(f.s);
}

static void test_many_cgroups(void **unused) {
        (void)unused;
        Feeder f;
        char path[32];
        begin(&f);
        for (int i = 0; i < PLAN_CGROUPS_MAX + 50; i++) {
                (void)snprintf(path, sizeof(path), "/c%d", i);
                f.cgroup.path = path;
                sample(&f, S / 100);
        }
        assert_int_equal(f.s->cgroups.n_cgroups, PLAN_CGROUPS_MAX);
        assert_int_equal(f.s->cgroups.n_untracked, 50);
        assert_non_null(cgroup_table_find(&f.s->cgroups, "/c17"));
        assert_null(cgroup_table_find(&f.s->cgroups, "/nobody"));
        plan_stats_free(f.s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_estimators), cmocka_unit_test(test_headroom), cmocka_unit_test(test_differences),
                cmocka_unit_test(test_recreated),  cmocka_unit_test(test_gap_unseen), cmocka_unit_test(test_interval_peak), cmocka_unit_test(test_vpa),
                cmocka_unit_test(test_kills),      cmocka_unit_test(test_many_cgroups),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

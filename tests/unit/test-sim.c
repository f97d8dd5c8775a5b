/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A leak on hosts of other sizes: who ends, when, and from which size on nobody does. */

#include "test.h"

#include "sim-host.h"

#define GB (1024 * MB)

/* When the policy's limit, a tenth of MemTotal, is crossed by a leak of 10 MB/s on a host of @total. */
static uint64_t leak_kill_usec(Host *h, uint64_t total) {
        uint64_t at = h->now_usec, lo = h->begin_usec, hi = h->begin_usec + 1000 * USEC_PER_SEC;
        while (hi - lo > 1000) {
                h->now_usec = lo + (hi - lo) / 2;
                if (host_available_on(h, total, host_demand_bytes(h)) < total / 10)
                        hi = h->now_usec;
                else
                        lo = h->now_usec;
        }
        h->now_usec = at;
        return hi;
}

static void test_leak_is_killed_in_time(void **state) {
        (void)state;
        static const uint64_t sizes[] = { 512 * MB, 768 * MB, GB };

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                Host *h = host_with_leak(2 * GB, 1500 * MB);
                PlanQuestion q = host_question(h);
                q.ram_bytes = sizes[i];
                uint64_t due = leak_kill_usec(h, sizes[i]);
                PlanOutcome o = host_answer(h, &q, 140 * USEC_PER_SEC);
                const PlanEvent *e = event_find(&o, PLAN_EVENT_KILL);

                assert_non_null(e);
                assert_int_equal(o.n_kills, 1);
                assert_int_equal(o.n_kernel_kills, 0);
                assert_string_equal(e->comm, "leak");
                assert_string_equal(e->cgroup_path, "/bench.slice/leak.service");
                assert_int_equal(e->confidence, PLAN_MODELLED);
                assert_false(o.is_safe);
                /* within two looks of the time at which it must be */
                assert_true(e->mono_usec + 60 * USEC_PER_MSEC >= due);
                assert_true(e->mono_usec <= due + 150 * USEC_PER_MSEC);
                /* freed: what it had by then */
                uint64_t had = 20 * MB + (e->mono_usec - h->begin_usec) * 10 * MB / USEC_PER_SEC;
                assert_true(e->freed_bytes + 3 * MB >= had && e->freed_bytes <= had + 3 * MB);
                plan_outcome_done(&o);
                host_free(h);
        }
}

/*
 * A minute in the same trouble, which is looked at every fourth time for it: what comes then is seen by the next look, and
 * one that comes fast by the next of the policy's own. The record's samples, none of which is passed over, do not lie on
 * the grid of the looks.
 */
static void check_after_long_trouble(uint64_t interval_usec, uint64_t bytes_per_sec, uint64_t phase_usec, uint64_t late_usec) {
        Host *h = host_with_leak(2 * GB, 0);
        HostProcess *leak = &h->processes[1];
        h->interval_usec = interval_usec;
        h->detail_usec = 10 * h->interval_usec;
        leak->begin_usec = h->begin_usec + 60 * USEC_PER_SEC + phase_usec;
        leak->bytes_per_sec = bytes_per_sec;
        h->world->policy.cgroups[0].levels[LEVEL_RELIEVE] = (LevelPolicy){
                .when = world_share(h->world, METRIC_AVAILABLE, COMPARE_LT, 95, 0),
                .until = EXPR_NONE,
                .steps = STEP_BIT(STEP_NOTIFY),
        };
        PlanQuestion q = host_question(h);
        q.ram_bytes = GB;
        uint64_t due = leak_kill_usec(h, GB);
        assert_true(due > leak->begin_usec + h->interval_usec);
        PlanOutcome o = host_answer(h, &q, 70 * USEC_PER_SEC + GB * USEC_PER_SEC / bytes_per_sec);
        const PlanEvent *e = event_find(&o, PLAN_EVENT_KILL);

        assert_non_null(e);
        assert_string_equal(e->comm, "leak");
        assert_in_range(e->mono_usec, due - 10 * USEC_PER_MSEC, due + late_usec);
        assert_int_equal(o.n_kernel_kills, 0);
        plan_outcome_done(&o);
        host_free(h);
}

static void test_long_trouble_hides_nothing(void **state) {
        (void)state;
        const uint64_t msec = USEC_PER_MSEC;
        for (uint64_t phase = 0; phase < 930; phase += 93) {
                check_after_long_trouble(930 * msec, 10 * MB, phase * msec, 215 * msec);
                check_after_long_trouble(930 * msec, 400 * MB, phase * msec, 65 * msec);
                check_after_long_trouble(60 * msec, 10 * MB, phase * msec, 75 * msec);
        }
}

static bool is_killed_with(uint64_t ram) {
        Host *h = host_with_leak(2 * GB, 800 * MB);
        PlanQuestion q = host_question(h);
        q.ram_bytes = ram;
        PlanOutcome o = host_answer(h, &q, 120 * USEC_PER_SEC);
        bool killed = o.n_kills + o.n_kernel_kills > 0;
        assert_true(o.is_safe == !killed);
        plan_outcome_done(&o);
        host_free(h);
        return killed;
}

static void test_smallest_safe_ram(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 800 * MB);
        uint64_t demand = h->kernel + 100 * MB + 800 * MB, lo = 512 * MB, hi = 2 * GB, exact;

        for (exact = 512 * MB; host_available_on(h, exact, demand) < exact / 10;)
                exact += MB;
        host_free(h);
        assert_true(is_killed_with(lo));
        assert_false(is_killed_with(hi));
        while (hi - lo > 2 * MB) {
                uint64_t mid = lo + (hi - lo) / 2;
                if (is_killed_with(mid))
                        lo = mid;
                else
                        hi = mid;
        }
        assert_true(hi >= exact - exact * 3 / 100);
        assert_true(hi <= exact + exact * 3 / 100);
}

static void test_recorded_supply_is_quiet(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 800 * MB);
        PlanQuestion q = host_question(h);
        PlanOutcome o = host_answer(h, &q, 120 * USEC_PER_SEC);

        assert_int_equal(o.n_events, 0);
        assert_true(o.is_safe);
        assert_int_equal(o.confidence, PLAN_REPLAYED);
        assert_int_equal(o.span_usec, 119 * USEC_PER_SEC);
        assert_int_equal(o.n_samples, 120);
        assert_int_equal(o.demand_peak_bytes, h->kernel + 900 * MB);
        /* weighted by time: 119 s */
        assert_int_equal(o.headroom.total, 119 * 1000);
        assert_true(o.headroom_min_bytes == host_available_on(h, 2 * GB, h->kernel + 900 * MB));
        plan_outcome_done(&o);
        host_free(h);
}

static uint64_t first_kill(const PlanOutcome *o) {
        uint64_t at = UINT64_MAX;
        for (uint32_t i = 0; i < o->n_events; i++)
                if (o->events[i].kind == PLAN_EVENT_KILL || o->events[i].kind == PLAN_EVENT_KERNEL_KILL)
                        at = MIN(at, o->events[i].mono_usec);
        return at;
}

static void test_swap_and_zram_put_it_off(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 1500 * MB);
        PlanQuestion none = host_question(h), disk = none, zram = none, worse = none;
        none.ram_bytes = disk.ram_bytes = zram.ram_bytes = worse.ram_bytes = 640 * MB;
        disk.has_swap = true;
        disk.swap_bytes = 256 * MB;
        zram.has_zram = worse.has_zram = true;
        zram.zram_bytes = worse.zram_bytes = 256 * MB;
        zram.zram_permyriad = 2500;
        worse.zram_permyriad = 9000;
        PlanSim *sims[] = { host_ask(h, &none), host_ask(h, &disk), host_ask(h, &zram), host_ask(h, &worse) };
        host_start(h);
        host_record(h, 150 * USEC_PER_SEC);
        PlanOutcome o[4];
        for (size_t i = 0; i < 4; i++)
                o[i] = host_finish(sims[i]);

        assert_true(first_kill(&o[0]) < first_kill(&o[3]));
        assert_true(first_kill(&o[3]) < first_kill(&o[2]));
        assert_true(first_kill(&o[2]) < first_kill(&o[1]));
        /* a device that the record has never seen */
        assert_int_equal(event_find(&o[1], PLAN_EVENT_KILL)->confidence, PLAN_LOW);
        /* 256 MB at 10 MB/s are 26 s, less what is still free of it at the kill and what the kernel keeps in memory */
        uint64_t later = first_kill(&o[1]) - first_kill(&o[0]);
        assert_true(later > 12 * USEC_PER_SEC && later < 30 * USEC_PER_SEC);
        for (size_t i = 0; i < 4; i++)
                plan_outcome_done(&o[i]);
        host_free(h);
}

/* Faster than anybody can look: the kernel is first. */
static void test_kernel_is_first_where_memory_vanishes(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 1200 * MB);
        h->processes[1].begin_usec = h->begin_usec + 20500 * USEC_PER_MSEC;
        h->processes[1].bytes = 1200 * MB;
        h->world->policy.daemon.interval_min_usec = 900 * USEC_PER_MSEC; /* a policy that looks too seldom */
        PlanQuestion q = host_question(h);
        q.ram_bytes = 768 * MB;
        PlanOutcome o = host_answer(h, &q, 60 * USEC_PER_SEC);
        const PlanEvent *e = event_find(&o, PLAN_EVENT_KERNEL_KILL);

        assert_non_null(e);
        assert_string_equal(e->comm, "leak");
        assert_true(e->regret & PLAN_REGRET_MISSED);
        assert_int_equal(o.n_regret[1], 0);
        assert_int_equal(o.n_regret[2], 1);
        assert_true(o.deficit_peak_bytes > 300 * MB);
        plan_outcome_done(&o);
        host_free(h);
}

static void test_limit_kills_within_the_cgroup(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 800 * MB);
        PlanQuestion q = host_question(h);
        q.n_limits = 1;
        q.limits[0] = (PlanLimit){ .pattern = "bench.slice/leak.service", .bytes = 300 * MB };
        PlanOutcome o = host_answer(h, &q, 120 * USEC_PER_SEC);
        const PlanEvent *e = event_find(&o, PLAN_EVENT_KERNEL_KILL);

        assert_non_null(e);
        assert_int_equal(o.n_kernel_kills, 1);
        assert_string_equal(e->comm, "leak");
        /* 20 + 10 t = 300 */
        uint64_t due = h->begin_usec + 28 * USEC_PER_SEC;
        assert_true(e->mono_usec >= due && e->mono_usec <= due + 1100 * USEC_PER_MSEC);
        plan_outcome_done(&o);
        host_free(h);
}

/* What a victim would have had counts no more once the record has it gone as well: the next one is full size. */
static void test_victim_that_the_record_ends_is_forgotten(void **state) {
        (void)state;
        Host *h = host_new(4 * GB);
        uint32_t root = host_cgroup(h, "/", INDEX_NONE, 0, 0), slice = host_cgroup(h, "/bench.slice", root, 0, 0);
        CgroupPolicy *p = world_policy_add(h->world, "slice");
        p->levels[LEVEL_KILL] = (LevelPolicy){
                .when = world_term(h->world, METRIC_USAGE, COMPARE_GT, UNIT_BYTES, 400 * MB, 0, false),
                .until = EXPR_NONE,
                .steps = STEP_BIT(STEP_KILL),
        };
        p->pattern = (char *)"bench.slice";
        uint64_t begin = h->begin_usec;
        HostProcess *one = host_process(h, "one", host_cgroup(h, "/bench.slice/one.service", slice, 0, 0), 20 * MB, 10 * MB, 500 * MB);
        one->begin_usec = begin;
        one->end_usec = begin + 60 * USEC_PER_SEC;
        HostProcess *two = host_process(h, "two", host_cgroup(h, "/bench.slice/two.service", slice, 0, 0), 20 * MB, 10 * MB, 500 * MB);
        two->begin_usec = begin + 80 * USEC_PER_SEC;
        PlanQuestion q = host_question(h);
        PlanOutcome o = host_answer(h, &q, 140 * USEC_PER_SEC);

        assert_int_equal(o.n_kills, 2);
        for (uint32_t i = 0, n = 0; i < o.n_events; i++) {
                const PlanEvent *e = &o.events[i];
                if (e->kind != PLAN_EVENT_KILL)
                        continue;
                uint64_t due = begin + (n++ == 0 ? 38 : 118) * USEC_PER_SEC;
                assert_true(e->mono_usec + USEC_PER_SEC >= due && e->mono_usec <= due + 2 * USEC_PER_SEC);
        }
        plan_outcome_done(&o);
        host_free(h);
}

static void test_two_copies_need_twice(void **state) {
        (void)state;
        Host *h = host_with_leak(4 * GB, 500 * MB);
        PlanQuestion one = host_question(h), two = one, three = one;
        one.ram_bytes = two.ram_bytes = three.ram_bytes = 1536 * MB;
        two.n_scales = three.n_scales = 1;
        two.scales[0] = (PlanScale){ .pattern = "bench.slice/leak.service", .permyriad = 20000 };
        three.scales[0] = (PlanScale){ .pattern = "bench.slice/leak.service", .permyriad = 30000 };
        PlanSim *sims[] = { host_ask(h, &one), host_ask(h, &two), host_ask(h, &three) };
        host_start(h);
        host_record(h, 90 * USEC_PER_SEC);
        PlanOutcome o[3];
        for (size_t i = 0; i < 3; i++)
                o[i] = host_finish(sims[i]);
        assert_true(o[0].is_safe);
        assert_true(o[1].is_safe);
        assert_int_equal(o[1].demand_peak_bytes - o[0].demand_peak_bytes, 500 * MB);
        /* 164 + 3 * 500 does not fit: one of the copies goes, the two others do */
        assert_int_equal(o[2].n_kills, 1);
        assert_string_equal(event_find(&o[2], PLAN_EVENT_KILL)->comm, "leak");
        assert_true(event_find(&o[2], PLAN_EVENT_KILL)->freed_bytes < 510 * MB);
        for (size_t i = 0; i < 3; i++)
                plan_outcome_done(&o[i]);
        host_free(h);
}

static void test_strict_overcommit_refuses_once(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 800 * MB);
        PlanQuestion q = host_question(h), wide = q;
        q.overcommit_ratio = 50;   /* 1 GiB; Committed_AS grows to 1928 MB */
        wide.overcommit_ratio = 100;
        PlanSim *a = host_ask(h, &q), *b = host_ask(h, &wide);
        host_start(h);
        host_record(h, 120 * USEC_PER_SEC);
        PlanOutcome oa = host_finish(a), ob = host_finish(b);
        assert_int_equal(oa.n_fork_failures, 1);
        assert_int_equal(ob.n_fork_failures, 0);
        /* 2 x (64 + 100 + 20 + 10 t) = 1024 */
        uint64_t due = h->begin_usec + 32800 * USEC_PER_MSEC, at = event_find(&oa, PLAN_EVENT_FORK_FAILED)->mono_usec;
        assert_true(at >= due && at <= due + 1100 * USEC_PER_MSEC);
        plan_outcome_done(&oa);
        plan_outcome_done(&ob);
        host_free(h);
}

/* With processes and meminfo only. */
static void test_without_memory_controller(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 1500 * MB);
        h->has_no_stat = true;
        PlanQuestion q = host_question(h), scaled = q;
        q.ram_bytes = scaled.ram_bytes = GB;
        scaled.n_scales = 1;
        scaled.scales[0] = (PlanScale){ .pattern = "bench.slice/*", .permyriad = 20000 };
        uint64_t due = leak_kill_usec(h, GB);
        PlanSim *a = host_ask(h, &q), *b = host_ask(h, &scaled);
        host_start(h);
        host_record(h, 140 * USEC_PER_SEC);
        PlanOutcome oa = host_finish(a), ob = host_finish(b);
        uint64_t at = first_kill(&oa);
        assert_string_equal(event_find(&oa, PLAN_EVENT_KILL)->comm, "leak");
        assert_true(at + 60 * USEC_PER_MSEC >= due && at <= due + 150 * USEC_PER_MSEC);
        assert_true(first_kill(&ob) < h->begin_usec + (at - h->begin_usec) / 2);
        plan_outcome_done(&oa);
        plan_outcome_done(&ob);
        host_free(h);
}

/* With cgroups only, as an import of metrics has them: each stands for one process. */
static void test_without_processes(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 1500 * MB);
        h->has_no_processes = true;
        PlanQuestion q = host_question(h);
        q.ram_bytes = GB;
        uint64_t due = leak_kill_usec(h, GB);
        PlanOutcome o = host_answer(h, &q, 140 * USEC_PER_SEC);
        const PlanEvent *e = event_find(&o, PLAN_EVENT_KILL);
        assert_non_null(e);
        assert_int_equal(o.n_kills, 1);
        assert_string_equal(e->cgroup_path, "/bench.slice/leak.service");
        assert_string_equal(e->comm, "leak.service");
        assert_true(e->mono_usec + 60 * USEC_PER_MSEC >= due && e->mono_usec <= due + 150 * USEC_PER_MSEC);
        plan_outcome_done(&o);
        host_free(h);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_leak_is_killed_in_time),
                cmocka_unit_test(test_long_trouble_hides_nothing),
                cmocka_unit_test(test_smallest_safe_ram),
                cmocka_unit_test(test_recorded_supply_is_quiet),
                cmocka_unit_test(test_swap_and_zram_put_it_off),
                cmocka_unit_test(test_kernel_is_first_where_memory_vanishes),
                cmocka_unit_test(test_limit_kills_within_the_cgroup),
                cmocka_unit_test(test_victim_that_the_record_ends_is_forgotten),
                cmocka_unit_test(test_two_copies_need_twice),
                cmocka_unit_test(test_strict_overcommit_refuses_once),
                cmocka_unit_test(test_without_memory_controller),
                cmocka_unit_test(test_without_processes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

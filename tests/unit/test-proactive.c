/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Reclaim before there is any need: how much, how often, and what makes it stop. */

#include "test.h"

#include "world.h"

#define SERVICE 11
#define OTHER   12

enum { SYSTEM, SERVICE_AT, OTHER_AT };

static World *start(void) {
        World *w = world_new(4096 * MB, 1024 * MB);
        world_host_policy(w);
        CgroupPolicy *c = world_policy_add(w, "cold");
        c->proactive = (ProactivePolicy){
                .pressure_permyriad = 10, /* 0.1 % */
                .step_permyriad = 100,
                .floor_bytes = 64 * MB,
                .backoff_usec = 30 * USEC_PER_SEC,
        };
        world_start(w);
        w->snap.detail = DETAIL_CGROUPS | DETAIL_STATS;
        world_unit(w, 10, "/system.slice", INDEX_NONE, 600 * MB)->marks = 0;
        world_unit(w, SERVICE, "/system.slice/service.service", SYSTEM, 1000 * MB)->policy = 1;
        world_unit(w, OTHER, "/system.slice/other.service", SYSTEM, 1000 * MB);
        return w;
}

/* A second with @stall_usec of stall; what was asked for is done. Returns the bytes asked for. */
static uint64_t second(World *w, uint64_t stall_usec, int error, uint64_t done_percent) {
        CgroupSample *c = &w->cgroups[SERVICE_AT];
        world_answer(w, error, 0);
        for (uint32_t i = 0; i < w->snap.n_measures; i++) {
                uint64_t done = w->decision.measures[i].value * done_percent / 100;
                w->snap.measures[i].done_bytes = done;
                c->value[CGROUP_CURRENT] -= done;
        }
        c->value[CGROUP_PSI_SOME_USEC] += stall_usec;
        (void)world_step(w, USEC_PER_SEC, 0, 0);
        const Measure *m = world_measure(w, STEP_RECLAIM, MEASURE_BEGIN);
        if (!m)
                return 0;
        assert_int_equal(w->decision.n_measures, 1);
        assert_true(m->is_proactive);
        assert_int_equal(m->cgroup_id, SERVICE);
        assert_int_equal(m->domain_id, SERVICE);
        assert_string_equal(m->policy_name, "cold");
        assert_int_equal(m->level, LEVEL_CALM);
        assert_int_equal(m->swappiness, -1);
        assert_int_equal(m->value % WORLD_PAGE, 0);
        return m->value;
}

static uint64_t seconds(World *w, int n, uint64_t stall_usec) {
        uint64_t sum = 0;
        for (int i = 0; i < n; i++)
                sum += second(w, stall_usec, 0, 100);
        return sum;
}

static void settle(World *w) {
        assert_int_equal(seconds(w, 10, 0), 0); /* no word before the window has passed */
}

static void test_grows_by_doubling(void **state) {
        (void)state;
        World *w = start();
        settle(w);
        uint64_t usage = w->cgroups[SERVICE_AT].value[CGROUP_CURRENT];
        assert_in_range(second(w, 0, 0, 0), usage / 400 - WORLD_PAGE, usage / 400);
        assert_in_range(second(w, 0, 0, 100), usage / 202, usage / 200);
        usage = w->cgroups[SERVICE_AT].value[CGROUP_CURRENT];
        assert_in_range(second(w, 0, 0, 100), usage / 102, usage / 100);
        usage = w->cgroups[SERVICE_AT].value[CGROUP_CURRENT];
        assert_in_range(second(w, 0, 0, 100), usage / 103, usage / 100);
        world_free(w);
}

static void test_stops_at_the_floor_and_at_what_was_promised(void **state) {
        (void)state;
        static const uint64_t low[] = { 0, 300 * MB };
        for (size_t i = 0; i < ARRAY_SIZE(low); i++) {
                World *w = start();
                cgroup_set(&w->cgroups[SERVICE_AT], CGROUP_LOW, low[i]);
                settle(w);
                (void)seconds(w, 600, 0);
                uint64_t floor = MAX(low[i], 64 * MB), usage = w->cgroups[SERVICE_AT].value[CGROUP_CURRENT];
                assert_in_range(usage, floor, floor + 120 * MB);
                assert_true(usage - floor <= 2 * MB || usage / 100 < MB);
                world_free(w);
        }
}

static void test_backs_off_when_it_is_felt(void **state) {
        (void)state;
        World *w = start();
        settle(w);
        assert_true(seconds(w, 5, 0) > 0);
        uint64_t last = second(w, 0, 0, 100);
        /* between half the target and the target: half */
        uint64_t half = second(w, 1600, 0, 100);
        assert_in_range(half, last / 2 - MB, last / 2 + MB);
        /* above: nothing, for the time of Backoff= and as long as the window holds it */
        assert_int_equal(second(w, 20000, 0, 100), 0);
        uint32_t n = 0;
        while (second(w, 0, 0, 100) == 0 && n < 100)
                n++;
        assert_in_range(n, 28, 45);
        world_free(w);
}

/* A stall of the last 2 s counts although the 10 s are still fine. */
static void test_short_window_counts(void **state) {
        (void)state;
        World *w = start();
        settle(w);
        assert_true(seconds(w, 5, 0) > 0);
        assert_int_equal(second(w, 4000, 0, 100), 0); /* 0.04 % of 10 s, 0.2 % of 2 s */
        world_free(w);
}

static void test_finding_nothing_is_a_reason_to_stop(void **state) {
        (void)state;
        static const int errors[] = { 0, -EAGAIN, -ETIME };
        for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                World *w = start();
                settle(w);
                uint32_t n = 0;
                for (int k = 0; k < 40; k++)
                        n += second(w, 0, errors[i], 0) > 0;
                assert_in_range(n, 1, 4);
                for (int k = 0; k < 40; k++)
                        n += second(w, 0, 0, 100) > 0;
                assert_true(n > 4);
                world_free(w);
        }
}

static void test_not_supported(void **state) {
        (void)state;
        World *w = start();
        settle(w);
        assert_true(second(w, 0, 0, 0) > 0);
        for (int k = 0; k < 55; k++)
                assert_int_equal(second(w, 0, -EOPNOTSUPP, 0), 0);
        world_free(w);
}

/* What comes back was not cold, even where nobody stalls for it. */
static void test_refaults_stop_it(void **state) {
        (void)state;
        World *w = start();
        settle(w);
        uint64_t sum = seconds(w, 15, 0);
        assert_true(sum > 50 * MB);
        uint32_t n = 0;
        for (int k = 0; k < 30; k++) {
                w->cgroups[SERVICE_AT].value[CGROUP_REFAULT_FILE] += 8 * MB / WORLD_PAGE;
                n += second(w, 0, 0, 100) > 0;
        }
        assert_in_range(n, 1, 12);
        world_free(w);
}

/* Where the sample does not show them it is asked for, now and then. */
static void test_refaults_are_looked_for(void **state) {
        (void)state;
        World *w = start();
        settle(w);
        uint32_t n = 0;
        uint64_t have = w->cgroups[SERVICE_AT].have;
        for (int k = 0; k < 60; k++) {
                bool is_asked = w->decision.need & DETAIL_STATS;
                w->snap.detail = is_asked ? DETAIL_CGROUPS | DETAIL_STATS : 0;
                w->cgroups[SERVICE_AT].have = is_asked ? have : have & ~(UINT64_C(1) << CGROUP_REFAULT_FILE);
                n += is_asked;
                (void)second(w, 0, 0, 100);
        }
        assert_in_range(n, 4, 12);
        world_free(w);
}

typedef void (*Hinder)(World *w);

static void hinder_by_kill_level(World *w) {
        world_available(w, 5);
        w->snap.host.value[HOST_SWAP_FREE] = 0;
}
static void hinder_by_self(World *w) {
        w->cgroups[SERVICE_AT].marks |= CGROUP_MARK_SELF;
}
static void hinder_by_unread_use(World *w) {
        w->cgroups[SERVICE_AT].have &= ~(UINT64_C(1) << CGROUP_CURRENT);
}
static void hinder_by_unread_pressure(World *w) {
        w->cgroups[SERVICE_AT].have &= ~(UINT64_C(1) << CGROUP_PSI_SOME_USEC);
}
static void hinder_by_policy(World *w) {
        w->cgroup_policies[1].proactive.pressure_permyriad = 0;
}

static void test_not_now(void **state) {
        (void)state;
        static const Hinder hinders[] = {
                hinder_by_kill_level, hinder_by_self, hinder_by_unread_use, hinder_by_unread_pressure, hinder_by_policy,
        };
        for (size_t i = 0; i < ARRAY_SIZE(hinders); i++) {
                World *w = start();
                settle(w);
                hinders[i](w);
                for (int k = 0; k < 15; k++)
                        assert_int_equal(second(w, 0, 0, 100), 0);
                world_free(w);
        }
}

static void test_dry_run(void **state) {
        (void)state;
        World *w = start();
        w->policy.daemon.dry_run = true;
        world_start(w);
        settle(w);
        uint32_t n = 0;
        for (int k = 0; k < 500; k++)
                n += second(w, 0, 0, 0) > 0;
        assert_int_equal(n, 1);
        world_free(w);
}

/* More domains than there are places: each has its turn. */
static void test_many(void **state) {
        (void)state;
        World *w = start();
        static char paths[20][64];
        uint32_t n[20] = { 0 };
        for (uint32_t i = 0; i < 20; i++) {
                snprintf(paths[i], sizeof(paths[i]), "/system.slice/many-%u.service", i);
                world_unit(w, 100 + i, paths[i], SYSTEM, 800 * MB)->policy = 1;
        }
        for (int k = 0; k < 600; k++) {
                world_answer(w, 0, 4 * MB);
                (void)world_step(w, STEP_USEC, 0, 0);
                for (uint32_t i = 0; i < w->decision.n_measures; i++)
                        if (w->decision.measures[i].cgroup_id >= 100)
                                n[w->decision.measures[i].cgroup_id - 100]++;
        }
        for (uint32_t i = 0; i < 20; i++)
                assert_in_range(n[i], 20, 50);
        world_free(w);
}

/* Pages that we take show as the group's own scanning: no sign that memory is short. */
static void test_own_reclaim_is_no_evidence(void **state) {
        (void)state;
        World *w = start();
        uint16_t full = world_term(w, METRIC_FULL, COMPARE_GT, UNIT_SHARE, 3000, 2 * USEC_PER_SEC, false);
        w->cgroup_policies[1].levels[LEVEL_KILL] = (LevelPolicy){ .when = full, .until = EXPR_NONE, .steps = STEP_BIT(STEP_KILL) };
        world_start(w);
        w->snap.detail |= DETAIL_PROCESSES;
        world_process(w, 100, "service", 900 * MB, SERVICE_AT);
        CgroupSample *c = &w->cgroups[SERVICE_AT];
        c->value[CGROUP_HIGH] = 1001 * MB;
        settle(w);
        for (int i = 0; i < 8; i++) {
                c->value[CGROUP_PGSCAN] += w->decision.n_measures > 0 ? 1000 : 0;
                c->value[CGROUP_CURRENT] = 1000 * MB;
                c->value[CGROUP_PSI_FULL_USEC] += USEC_PER_SEC / 2; /* without `some`, which would end the reclaim */
                world_answer(w, 0, 8 * MB);
                (void)world_step(w, USEC_PER_SEC, 0, 0);
                assert_false(w->decision.has_kill);
        }
        assert_true(w->decision.has_held);
        assert_int_equal(w->decision.held.hold, HOLD_NO_EVIDENCE);
        /* scanned long after the last of ours: for want of memory */
        w->cgroup_policies[1].proactive.pressure_permyriad = 0;
        bool is_killed = false;
        for (int i = 0; i < 20 && !is_killed; i++) {
                c->value[CGROUP_PGSCAN] += 1000;
                c->value[CGROUP_PSI_FULL_USEC] += USEC_PER_SEC / 2;
                world_answer(w, 0, 8 * MB);
                (void)world_step(w, USEC_PER_SEC, 0, 0);
                is_killed = w->decision.has_kill;
        }
        assert_true(is_killed);
        world_free(w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_grows_by_doubling),
                cmocka_unit_test(test_stops_at_the_floor_and_at_what_was_promised),
                cmocka_unit_test(test_backs_off_when_it_is_felt),
                cmocka_unit_test(test_short_window_counts),
                cmocka_unit_test(test_finding_nothing_is_a_reason_to_stop),
                cmocka_unit_test(test_not_supported),
                cmocka_unit_test(test_refaults_stop_it),
                cmocka_unit_test(test_refaults_are_looked_for),
                cmocka_unit_test(test_not_now),
                cmocka_unit_test(test_dry_run),
                cmocka_unit_test(test_many),
                cmocka_unit_test(test_own_reclaim_is_no_evidence),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

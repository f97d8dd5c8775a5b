/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Our own throttle is no pressure: what it excuses, for how long, and what not. */

#include "ladder-world.h"

/* kill: full 2s > 40% for 6s and available < 20%, as the default has it; amounts alone do not kill here */
static World *start_throttled(void) {
        World *w = start(STEP_BIT(STEP_THROTTLE));
        w->cgroup_policies[0].levels[LEVEL_RELIEVE].until = world_share(w, METRIC_AVAILABLE, COMPARE_GT, 90, 0);
        world_start(w);
        for (int i = 0; i < 20; i++)
                (void)grow(w, MB);
        world_available(w, 15);
        (void)grow(w, MB);
        assert_non_null(world_measure(w, STEP_THROTTLE, MEASURE_BEGIN));
        world_available(w, 19);
        return w;
}

/* All stalls in the cgroup and with it in the slice and on the host; @others: how much of it others feel, too. */
static bool stalls_until_kill(World *w, uint64_t others_percent, uint64_t max_usec, uint64_t *ret_usec) {
        uint64_t begin = w->snap.mono_usec;
        while (w->snap.mono_usec - begin < max_usec) {
                static const uint32_t stalled[] = { SYSTEM, HOG_AT };
                for (size_t i = 0; i < ARRAY_SIZE(stalled); i++) {
                        w->cgroups[stalled[i]].value[CGROUP_PSI_FULL_USEC] += STEP_USEC;
                        w->cgroups[stalled[i]].value[CGROUP_PSI_SOME_USEC] += STEP_USEC;
                }
                w->cgroups[DB_AT].value[CGROUP_PSI_FULL_USEC] += STEP_USEC * others_percent / 100;
                w->cgroups[DB_AT].value[CGROUP_PSI_SOME_USEC] += STEP_USEC * others_percent / 100;
                world_answer(w, 0, 0);
                (void)world_step(w, STEP_USEC, 100, 100);
                *ret_usec = w->snap.mono_usec - begin;
                if (w->decision.has_kill)
                        return true;
        }
        return false;
}

static void test_stall_that_only_the_throttled_feels_is_excused_for_a_while(void **state) {
        (void)state;
        World *w = start_throttled();
        uint64_t usec;
        /* the relieve condition stays true: the throttle brings no relief, and its excuse ends */
        assert_true(stalls_until_kill(w, 0, 60 * USEC_PER_SEC, &usec));
        assert_in_range(usec, 12 * USEC_PER_SEC, 17 * USEC_PER_SEC);
        assert_int_equal(w->decision.kill.reason, REASON_HOST_PRESSURE);
        world_free(w);
}

static void test_stall_with_relief_is_excused_for_ever(void **state) {
        (void)state;
        World *w = start_throttled();
        uint64_t usec;
        world_available(w, 25); /* relief; kill asks for available < 20% */
        assert_false(stalls_until_kill(w, 0, 120 * USEC_PER_SEC, &usec));
        DomainView v;
        assert_int_equal(decide_domains(w->state, &v, 1), 1);
        assert_true(v.full_permyriad < 100);
        world_free(w);
}

static void test_stall_that_others_feel_counts(void **state) {
        (void)state;
        World *w = start_throttled();
        uint64_t usec;
        assert_true(stalls_until_kill(w, 100, 60 * USEC_PER_SEC, &usec));
        assert_in_range(usec, 6 * USEC_PER_SEC, 11 * USEC_PER_SEC);
        world_free(w);
}

/*
 * As the default has it, from the first moment of the stall to the kill: the worst is a share of others that is too
 * much for relief and too little for a kill, and a throttle that comes as late as it can.
 */
static void test_without_relief_a_kill_follows_in_time(void **state) {
        (void)state;
        for (uint64_t others = 0; others <= 100; others += 5) {
                for (uint64_t late_usec = 0; late_usec <= 6 * USEC_PER_SEC; late_usec += USEC_PER_SEC) {
                        World *w = start(STEP_BIT(STEP_TRIM) | STEP_BIT(STEP_THROTTLE));
                        LevelPolicy *lp = &w->cgroup_policies[0].levels[LEVEL_RELIEVE];
                        uint16_t stall = world_share(w, METRIC_FULL, COMPARE_GT, 15, 2 * USEC_PER_SEC);
                        lp->when = world_expr(w, EXPR_FOR, stall, 0, 2 * USEC_PER_SEC);
                        lp->until = world_share(w, METRIC_AVAILABLE, COMPARE_GT, 90, 0);
                        world_start(w);
                        for (int i = 0; i < 20; i++)
                                (void)grow(w, MB);
                        world_available(w, 19);
                        uint64_t usec = 0, before = w->snap.mono_usec;
                        if (late_usec > 0) {
                                w->snap.detail = 0;
                                assert_false(stalls_until_kill(w, others, late_usec, &usec));
                                w->snap.detail = DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES;
                        }
                        bool is_killed = stalls_until_kill(w, others, 60 * USEC_PER_SEC, &usec);
                        usec = w->snap.mono_usec - before;
                        /* less than 15 % of others' stall is relief */
                        if (others > 15 && !is_killed)
                                fail_msg("others %lu %%, late %lu: no kill", (unsigned long)others, (unsigned long)late_usec);
                        if (is_killed && usec > 20 * USEC_PER_SEC)
                                fail_msg("others %lu %%, late %lu: %lu us", (unsigned long)others, (unsigned long)late_usec,
                                         (unsigned long)usec);
                        world_free(w);
                }
        }
}

/* The condition and Until= of the default: when the hog ends in a cgroup that stays, all is back within 10 s. */
static void test_put_back_soon_after_the_hog_ends(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE));
        LevelPolicy *lp = &w->cgroup_policies[0].levels[LEVEL_RELIEVE];
        lp->when = world_share(w, METRIC_FULL, COMPARE_GT, 15, 2 * USEC_PER_SEC);
        uint16_t quiet = world_share(w, METRIC_FULL, COMPARE_LT, 5, 2 * USEC_PER_SEC);
        quiet = world_expr(w, EXPR_FOR, quiet, 0, 6 * USEC_PER_SEC);
        lp->until = world_expr(w, EXPR_AND, quiet, world_share(w, METRIC_AVAILABLE, COMPARE_GT, 15, 0), 0);
        world_start(w);
        for (int i = 0; i < 30; i++)
                (void)grow(w, MB);
        world_available(w, 12);
        uint64_t usec;
        for (int i = 0; i < 40; i++)
                assert_false(stalls_until_kill(w, 30, STEP_USEC, &usec));
        MeasureView v[MEASURES_IN_FORCE_MAX];
        assert_int_equal(decide_measures(w->state, v, ARRAY_SIZE(v)), 1);
        w->cgroups[HOG_AT].value[CGROUP_CURRENT] = w->cgroups[HOG_AT].value[CGROUP_ANON] = 3 * MB;
        world_available(w, 60);
        uint64_t at = w->snap.mono_usec;
        while (decide_measures(w->state, v, ARRAY_SIZE(v)) > 0) {
                world_answer(w, 0, 0);
                (void)world_step(w, STEP_USEC, 0, 0);
                assert_in_range(w->snap.mono_usec - at, 0, 10 * USEC_PER_SEC);
        }
        world_free(w);
}

/* Nobody knows what the database feels: everything counts. */
static void test_unknown_stall_of_others_counts(void **state) {
        (void)state;
        World *w = start_throttled();
        w->cgroups[DB_AT].have &= ~(UINT64_C(1) << CGROUP_PSI_FULL_USEC | UINT64_C(1) << CGROUP_PSI_SOME_USEC);
        uint64_t usec;
        assert_true(stalls_until_kill(w, 0, 60 * USEC_PER_SEC, &usec));
        assert_in_range(usec, 6 * USEC_PER_SEC, 11 * USEC_PER_SEC);
        world_free(w);
}

/* Amounts are no pressure, and were never excused. */
static void test_amounts_kill_all_the_same(void **state) {
        (void)state;
        World *w = start_throttled();
        world_available(w, 5);
        w->snap.host.value[HOST_SWAP_FREE] = 0;
        world_answer(w, 0, 0);
        (void)world_step(w, STEP_USEC, 100, 100);
        assert_true(w->decision.has_kill);
        assert_int_equal(w->decision.kill.reason, REASON_HOST_MEMORY_LOW);
        world_free(w);
}

/* A policy for limited cgroups matches what only we have limited: nothing is done to it. */
static void test_cgroup_that_only_we_limited(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE));
        CgroupPolicy *limited = world_limited_policy(w);
        limited->limited_only = true;
        uint16_t usage = world_term(w, METRIC_USAGE, COMPARE_GT, UNIT_SHARE, 9500, 0, false);
        limited->levels[LEVEL_KILL].when = usage;
        w->cgroup_policies[0].levels[LEVEL_RELIEVE].until = world_share(w, METRIC_AVAILABLE, COMPARE_GT, 90, 0);
        world_start(w);
        for (int i = 0; i < 20; i++)
                (void)grow(w, MB);
        world_available(w, 15);
        (void)grow(w, MB);
        const Measure *m = world_measure(w, STEP_THROTTLE, MEASURE_BEGIN);
        assert_non_null(m);
        w->cgroups[HOG_AT].policy = 1;
        w->cgroups[HOG_AT].value[CGROUP_HIGH] = m->value;
        world_available(w, 25);
        for (int i = 0; i < 100; i++) {
                w->cgroups[HOG_AT].value[CGROUP_EVENT_HIGH] += 10;
                w->cgroups[HOG_AT].value[CGROUP_PSI_FULL_USEC] += STEP_USEC;
                world_answer(w, 0, 0);
                (void)grow(w, 0);
                assert_false(w->decision.has_kill);
        }
        /* put back, but the sample still has our value: discovery is only now and then */
        world_available(w, 95);
        uint64_t current = w->cgroups[HOG_AT].value[CGROUP_CURRENT];
        bool is_released = false;
        hog_ends(w);
        for (int i = 0; i < 20; i++) {
                world_answer(w, 0, 0);
                (void)grow(w, 0);
                is_released |= world_measure(w, STEP_THROTTLE, MEASURE_RELEASE) != NULL;
                assert_false(w->decision.has_kill);
        }
        assert_true(is_released);
        w->cgroups[HOG_AT].value[CGROUP_CURRENT] = current;
        /* a limit of its own is another matter */
        w->cgroups[HOG_AT].value[CGROUP_HIGH] = w->cgroups[HOG_AT].value[CGROUP_CURRENT] + 4 * MB;
        (void)grow(w, 0);
        assert_true(w->decision.has_kill);
        world_free(w);
}

/* A service throttled under its own policy then matches that for limited cgroups, which comes first: no flutter. */
static void test_own_limit_does_not_change_the_policy(void **state) {
        (void)state;
        World *w = start(0);
        CgroupPolicy *limited = world_limited_policy(w), *own = world_policy_add(w, "own");
        limited->limited_only = true;
        own->levels[LEVEL_RELIEVE] = w->cgroup_policies[0].levels[LEVEL_RELIEVE];
        own->levels[LEVEL_RELIEVE].steps = STEP_BIT(STEP_THROTTLE);
        world_start(w);
        w->cgroups[HOG_AT].policy = 2;
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        const Measure *m = world_measure(w, STEP_THROTTLE, MEASURE_BEGIN);
        assert_non_null(m);
        assert_string_equal(m->policy_name, "own");
        assert_int_equal(m->domain_id, HOG);
        w->cgroups[HOG_AT].value[CGROUP_HIGH] = m->value;
        w->cgroups[HOG_AT].policy = 1;
        for (int i = 0; i < 50; i++) {
                world_answer(w, 0, 0);
                (void)grow(w, MB);
                assert_null(world_measure(w, STEP_THROTTLE, MEASURE_RELEASE));
                assert_null(world_measure(w, STEP_THROTTLE, MEASURE_BEGIN));
        }
        world_free(w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stall_that_only_the_throttled_feels_is_excused_for_a_while),
                cmocka_unit_test(test_stall_with_relief_is_excused_for_ever),
                cmocka_unit_test(test_stall_that_others_feel_counts),
                cmocka_unit_test(test_without_relief_a_kill_follows_in_time),
                cmocka_unit_test(test_put_back_soon_after_the_hog_ends),
                cmocka_unit_test(test_unknown_stall_of_others_counts),
                cmocka_unit_test(test_amounts_kill_all_the_same),
                cmocka_unit_test(test_cgroup_that_only_we_limited),
                cmocka_unit_test(test_own_limit_does_not_change_the_policy),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

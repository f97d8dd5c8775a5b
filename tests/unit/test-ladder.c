/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The steps below the kill: their order and time, and what a level is to them. */

#include "ladder-world.h"

/* ---- order and time ---- */

static void test_steps_come_in_order_and_in_time(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_TRIM) | STEP_BIT(STEP_THROTTLE) | STEP_BIT(STEP_SLOW) | STEP_BIT(STEP_FREEZE));
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        /* the first one at once */
        assert_int_equal(w->decision.n_measures, 1);
        const Measure *m = &w->decision.measures[0];
        assert_int_equal(m->step, STEP_TRIM);
        assert_int_equal(m->value, 100);
        assert_int_equal(m->level, LEVEL_RELIEVE);
        assert_string_equal(m->policy_name, "host");
        assert_int_equal(m->condition.truth, TRUTH_TRUE);
        assert_int_equal(m->cgroup_id, 0);
        uint64_t at = w->snap.mono_usec;
        m = run_until(w, STEP_THROTTLE, MEASURE_BEGIN, 20);
        assert_in_range(w->snap.mono_usec - at, 300 * USEC_PER_MSEC, 500 * USEC_PER_MSEC);
        assert_int_equal(m->cgroup_id, HOG);
        assert_string_equal(m->cgroup_path, "/system.slice/hog.service");
        assert_true(m->has_contribution);
        assert_int_equal(m->contribution_permyriad, 10000);
        assert_true(m->growth_bytes > 0 && m->span_usec > 0);
        assert_int_equal(m->old_value, CGROUP_NO_LIMIT);
        assert_int_equal(m->value % WORLD_PAGE, 0);
        assert_true(m->value < m->usage_bytes && m->value > m->usage_bytes / 2);
        at = w->snap.mono_usec;
        m = run_until(w, STEP_SLOW, MEASURE_BEGIN, 40);
        assert_in_range(w->snap.mono_usec - at, 2 * USEC_PER_SEC, 3 * USEC_PER_SEC);
        assert_int_equal(m->value, 10);
        assert_false(m->is_to_last); /* throttled straight in the cgroup: what a manager writes would lift that */
        m = run_until(w, STEP_FREEZE, MEASURE_BEGIN, 40);
        assert_int_equal(m->cgroup_id, HOG);
        world_free(w);
}

/* Everybody is within what was promised: nobody is left for the throttle, and that is said with the step after it. */
static void test_step_on_nobody_is_told(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        for (uint32_t i = 0; i < w->snap.n_cgroups; i++)
                cgroup_set(&w->cgroups[i], CGROUP_LOW, 1024 * MB);
        world_available(w, 15);
        Decision *d = NULL;
        for (int i = 0; i < 60 && !(d && d->has_skipped); i++)
                d = grow(w, MB);
        assert_true(d->has_skipped);
        assert_int_equal(d->n_measures, 0);
        assert_int_equal(d->skipped.step, STEP_THROTTLE);
        assert_int_equal(d->skipped.level, LEVEL_RELIEVE);
        assert_int_equal(d->skipped.level_steps, STEP_BIT(STEP_THROTTLE));
        assert_string_equal(d->skipped.domain_path, "/");
        assert_true(d->skipped.has_controller);
        world_free(w);
}

/* At first nobody moves; the one who then does is taken soon, without the ladder being climbed anew. */
static void test_who_begins_later_is_found_soon(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE) | STEP_BIT(STEP_SLOW));
        for (int i = 0; i < 100; i++) /* whoever grew at the start has done so long ago */
                (void)grow(w, 0);
        world_available(w, 15);
        uint32_t n_told = 0;
        for (int i = 0; i < 25; i++)
                n_told += grow(w, 0)->has_skipped;
        assert_int_equal(n_told, 1); /* both at once, and only once */
        uint64_t at = w->snap.mono_usec;
        assert_int_equal(run_until(w, STEP_THROTTLE, MEASURE_BEGIN, 20)->cgroup_id, HOG);
        assert_in_range(w->snap.mono_usec - at, 0, 1100 * USEC_PER_MSEC);
        world_free(w);
}

static void test_step_without_controller_is_told(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE) | STEP_BIT(STEP_FREEZE));
        for (uint32_t i = 0; i < w->snap.n_cgroups; i++)
                w->cgroups[i].have = 0;
        world_available(w, 15);
        Decision *d = NULL;
        for (int i = 0; i < 60 && !(d && d->has_skipped); i++)
                d = world_step(w, STEP_USEC, 0, 100);
        assert_true(d->has_skipped);
        assert_int_equal(d->skipped.step, STEP_THROTTLE);
        assert_false(d->skipped.has_controller);
        world_free(w);
}

static void test_failed_step_is_followed_at_once(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_TRIM) | STEP_BIT(STEP_RECLAIM) | STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        assert_non_null(world_measure(w, STEP_TRIM, MEASURE_BEGIN));
        world_answer(w, -EOPNOTSUPP, 0);
        (void)grow(w, MB);
        assert_non_null(world_measure(w, STEP_RECLAIM, MEASURE_BEGIN));
        assert_int_equal(world_measure(w, STEP_RECLAIM, MEASURE_BEGIN)->swappiness, 77);
        world_answer(w, -EOPNOTSUPP, 0);
        (void)grow(w, MB);
        const Measure *m = world_measure(w, STEP_THROTTLE, MEASURE_BEGIN);
        assert_non_null(m);
        /* a throttle that could not be set is over: nothing to adjust, nothing to release */
        world_answer(w, -EACCES, 0);
        for (int i = 0; i < 30; i++) {
                (void)grow(w, MB);
                assert_null(world_measure(w, STEP_THROTTLE, MEASURE_ADJUST));
                assert_null(world_measure(w, STEP_THROTTLE, MEASURE_RELEASE));
                world_answer(w, 0, 0);
        }
        MeasureView v[MEASURES_IN_FORCE_MAX];
        assert_int_equal(decide_measures(w->state, v, ARRAY_SIZE(v)), 0);
        world_free(w);
}

/* The next step only while the condition is true, not as long as Until= keeps the level. */
static void test_no_further_step_after_relief(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_TRIM) | STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        world_available(w, 25);
        for (int i = 0; i < 40; i++) {
                world_answer(w, 0, 0);
                assert_int_equal(grow(w, MB)->n_measures, 0);
        }
        world_free(w);
}

static void test_reclaim_in_rounds_while_it_brings_something(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_RECLAIM));
        cgroup_set(&w->cgroups[DB_AT], CGROUP_INACTIVE_FILE, 100 * MB);
        cgroup_set(&w->cgroups[DB_AT], CGROUP_LOW, 150 * MB);
        quiet_history(w);
        world_available(w, 15);
        uint32_t n = 0;
        (void)grow(w, MB);
        for (int i = 0; i < 50; i++) {
                const Measure *m = world_measure(w, STEP_RECLAIM, MEASURE_BEGIN);
                if (m) {
                        n++;
                        assert_true(m->value <= 1024 * MB / 20);
                        assert_true(m->cgroup_id != DB || m->value <= 50 * MB);
                }
                world_answer(w, 0, m ? m->value : 0);
                (void)grow(w, 0);
        }
        assert_in_range(n, 10, 30);
        /* three in a row that bring nothing: a pause */
        for (int i = 0; i < 40; i++) {
                world_answer(w, -EAGAIN, 0);
                (void)grow(w, 0);
        }
        n = 0;
        for (int i = 0; i < 40; i++) {
                world_answer(w, -EAGAIN, 0);
                (void)grow(w, 0);
                n += world_measure(w, STEP_RECLAIM, MEASURE_BEGIN) != NULL;
        }
        assert_in_range(n, 0, 4);
        world_free(w);
}

static void test_details_are_asked_for(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        world_available(w, 15);
        w->snap.detail = 0;
        w->snap.mono_usec += USEC_PER_SEC;
        Decision *d = grow(w, 20 * MB);
        assert_int_equal(d->n_measures, 0);
        assert_true(d->need_now);
        assert_int_equal(d->need & (DETAIL_CGROUPS | DETAIL_STATS), DETAIL_CGROUPS | DETAIL_STATS);
        w->snap.detail = DETAIL_CGROUPS | DETAIL_STATS;
        (void)grow(w, 0);
        assert_non_null(world_measure(w, STEP_THROTTLE, MEASURE_BEGIN));
        world_free(w);
}

/* ---- levels ---- */

/* From relieve to kill what is in force stays; the kill level does not take it again. */
static void test_steps_survive_the_rise_to_kill(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE));
        w->cgroup_policies[0].levels[LEVEL_KILL].steps = STEP_BIT(STEP_THROTTLE); /* and no kill */
        w->cgroup_policies[0].levels[LEVEL_KILL].throttle_floor_permyriad = 5000;
        world_start(w);
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        assert_non_null(world_measure(w, STEP_THROTTLE, MEASURE_BEGIN));
        world_available(w, 5);
        w->snap.host.value[HOST_SWAP_FREE] = 0;
        for (int i = 0; i < 30; i++) {
                world_answer(w, 0, 0);
                (void)grow(w, MB);
                const Measure *m = world_measure(w, STEP_THROTTLE, MEASURE_BEGIN);
                assert_null(world_measure(w, STEP_THROTTLE, MEASURE_RELEASE));
                assert_true(!m || m->cgroup_id != HOG);
        }
        DomainView v;
        assert_int_equal(decide_domains(w->state, &v, 1), 1);
        assert_int_equal(v.level, LEVEL_KILL);
        world_free(w);
}

static void test_nothing_is_begun_while_a_kill_is_in_flight(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE));
        w->cgroup_policies[0].levels[LEVEL_KILL].steps |= STEP_BIT(STEP_THROTTLE) | STEP_BIT(STEP_RECLAIM);
        w->cgroup_policies[0].levels[LEVEL_KILL].grace_usec = 20 * USEC_PER_SEC;
        world_start(w);
        quiet_history(w);
        world_available(w, 5);
        w->snap.host.value[HOST_SWAP_FREE] = 0;
        (void)grow(w, MB);
        assert_true(w->decision.has_kill);
        assert_int_equal(w->decision.n_measures, 0);
        uint64_t id = w->decision.kill.kill_id;
        for (int i = 0; i < 20; i++) {
                world_kill_status(w, id, KILL_PENDING, 0);
                assert_int_equal(grow(w, 0)->n_measures, 0);
        }
        world_free(w);
}

static void test_trim_is_not_repeated_all_the_time(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_TRIM));
        world_available(w, 15);
        uint32_t n = 0;
        for (int i = 0; i < 600; i++) {
                (void)grow(w, 0);
                n += world_measure(w, STEP_TRIM, MEASURE_BEGIN) != NULL;
                world_answer(w, 0, 0);
        }
        assert_in_range(n, 3, 4);
        world_free(w);
}

static void test_dry_run_does_not_repeat_itself(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_TRIM) | STEP_BIT(STEP_RECLAIM) | STEP_BIT(STEP_THROTTLE) | STEP_BIT(STEP_FREEZE));
        w->policy.daemon.dry_run = true;
        world_start(w);
        quiet_history(w);
        world_available(w, 15);
        uint32_t begun = 0, adjusted = 0;
        for (int i = 0; i < 600; i++) {
                (void)grow(w, MB / 4);
                for (uint32_t k = 0; k < w->decision.n_measures; k++) {
                        assert_true(w->decision.measures[k].dry_run);
                        begun += w->decision.measures[k].verb == MEASURE_BEGIN;
                        adjusted += w->decision.measures[k].verb == MEASURE_ADJUST;
                }
                world_answer(w, 0, 0);
        }
        assert_int_equal(begun, 4);
        assert_in_range(adjusted, 1, 8);
        world_free(w);
}

/* No dry run, but each measure is taken virtually. */
static void test_virtual_measures(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_TRIM) | STEP_BIT(STEP_RECLAIM) | STEP_BIT(STEP_THROTTLE) | STEP_BIT(STEP_FREEZE));
        world_start(w);
        quiet_history(w);
        world_available(w, 15);
        decide_measure_virtually(w->state, 4711);
        uint32_t begun = 0, others = 0;
        for (int i = 0; i < 600; i++) {
                (void)grow(w, MB / 4);
                for (uint32_t k = 0; k < w->decision.n_measures; k++) {
                        const Measure *m = &w->decision.measures[k];
                        decide_measure_virtually(w->state, m->measure_id);
                        /* from then on it is known as one that is not really in force */
                        assert_true(m->verb == MEASURE_BEGIN ? !m->dry_run : m->dry_run);
                        begun += m->verb == MEASURE_BEGIN;
                        others += m->verb != MEASURE_BEGIN;
                }
                world_answer(w, 0, 0);
        }
        assert_true(begun >= 4 && others > 0);
        world_free(w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_steps_come_in_order_and_in_time),
                cmocka_unit_test(test_step_on_nobody_is_told),
                cmocka_unit_test(test_who_begins_later_is_found_soon),
                cmocka_unit_test(test_step_without_controller_is_told),
                cmocka_unit_test(test_failed_step_is_followed_at_once),
                cmocka_unit_test(test_no_further_step_after_relief),
                cmocka_unit_test(test_reclaim_in_rounds_while_it_brings_something),
                cmocka_unit_test(test_details_are_asked_for),
                cmocka_unit_test(test_steps_survive_the_rise_to_kill),
                cmocka_unit_test(test_nothing_is_begun_while_a_kill_is_in_flight),
                cmocka_unit_test(test_trim_is_not_repeated_all_the_time),
                cmocka_unit_test(test_dry_run_does_not_repeat_itself),
                cmocka_unit_test(test_virtual_measures),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

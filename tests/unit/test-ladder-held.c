/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is in force: how a throttle is lowered and raised, what is put back and when, what answers do to it. */

#include "ladder-world.h"

static void test_throttle_goes_down_to_its_floor_and_up_again(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        const Measure *m = world_measure(w, STEP_THROTTLE, MEASURE_BEGIN);
        assert_non_null(m);
        uint64_t value = m->value, usage = m->usage_bytes, id = m->measure_id, last = w->snap.mono_usec;
        for (int i = 0; i < 120; i++) {
                world_answer(w, 0, 0);
                (void)grow(w, 0);
                m = world_measure(w, STEP_THROTTLE, MEASURE_ADJUST);
                if (!m)
                        continue;
                assert_int_equal(m->measure_id, id);
                assert_true(m->value < value);
                assert_true(m->value >= usage / 2);
                assert_int_equal(m->value % WORLD_PAGE, 0);
                assert_true(w->snap.mono_usec - last >= USEC_PER_SEC);
                value = m->value;
                last = w->snap.mono_usec;
        }
        assert_in_range(value, usage / 2, usage / 2 + WORLD_PAGE);
        /* better, though not well: up in steps, no further than where it began */
        world_available(w, 25);
        for (int i = 0; i < 300; i++) {
                world_answer(w, 0, 0);
                (void)grow(w, 0);
                m = world_measure(w, STEP_THROTTLE, MEASURE_ADJUST);
                assert_null(world_measure(w, STEP_THROTTLE, MEASURE_RELEASE));
                if (!m)
                        continue;
                assert_true(m->value > value && m->value <= usage);
                value = m->value;
        }
        assert_true(value > usage - WORLD_PAGE);
        /* the level is left, and nobody presses any more: put back */
        world_available(w, 50);
        hog_ends(w);
        (void)grow(w, 0);
        m = world_measure(w, STEP_THROTTLE, MEASURE_RELEASE);
        assert_non_null(m);
        assert_int_equal(m->end, MEASURE_END_LEVEL);
        assert_int_equal(m->measure_id, id);
        assert_int_equal(m->old_value, CGROUP_NO_LIMIT);
        assert_int_equal(m->condition.truth, TRUTH_TRUE);
        MeasureView v[MEASURES_IN_FORCE_MAX];
        assert_int_equal(decide_measures(w->state, v, ARRAY_SIZE(v)), 1);
        world_answer(w, 0, 0);
        (void)grow(w, 0);
        assert_int_equal(decide_measures(w->state, v, ARRAY_SIZE(v)), 0);
        world_free(w);
}

/* The throttle is let up as far as there is room, and not again and again beyond it: each time is a burst of swapping. */
static void test_steps_up_in_vain_become_rare(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        const Measure *m = world_measure(w, STEP_THROTTLE, MEASURE_BEGIN);
        assert_non_null(m);
        uint64_t value = m->value, usage = m->usage_bytes, room = usage * 3 / 4, downs[2] = { 0 }, before = 0;
        for (uint64_t i = 0; i < 4000; i++) {
                world_answer(w, 0, 0);
                /* what it may have is what it has; above so much the host is short again */
                w->cgroups[HOG_AT].value[CGROUP_CURRENT] = value;
                world_available(w, value > room ? 19 : 25);
                (void)world_step(w, STEP_USEC, 0, 0);
                m = world_measure(w, STEP_THROTTLE, MEASURE_ADJUST);
                if (!m)
                        continue;
                if (m->value < value) {
                        downs[i >= 2000]++;
                        if (before > 0) /* undone, and no more than that */
                                assert_in_range(m->value, before - 2 * WORLD_PAGE, before);
                        before = 0;
                } else
                        before = value;
                value = m->value;
        }
        assert_in_range(value, room / 2, usage);
        assert_in_range(downs[1], 1, 4); /* of 200 s */
        assert_true(downs[0] > downs[1]);
        world_free(w);
}

/* What the others need to get on stays theirs: no step up that would leave as little as there was when it began. */
static void test_throttle_is_raised_only_into_room(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        world_available(w, 19);
        (void)grow(w, MB);
        const Measure *m = world_measure(w, STEP_THROTTLE, MEASURE_BEGIN);
        assert_non_null(m);
        uint64_t value = m->value, step = m->usage_bytes / 16, total = w->snap.host.value[HOST_MEM_TOTAL];
        uint64_t tight = total / 100 * 19, room = total / 100 * 29;
        for (int i = 0; i < 1200; i++) {
                world_answer(w, 0, 0);
                w->cgroups[HOG_AT].value[CGROUP_CURRENT] = value;
                w->snap.host.value[HOST_MEM_AVAILABLE] = room;
                (void)world_step(w, STEP_USEC, 0, 0);
                m = world_measure(w, STEP_THROTTLE, MEASURE_ADJUST);
                if (!m)
                        continue;
                assert_true(m->value > value);
                room -= m->value - value;
                assert_true(room >= tight + step - WORLD_PAGE);
                value = m->value;
        }
        assert_in_range(room, tight + step - WORLD_PAGE, tight + 2 * step);
        world_free(w);
}

/* What was promised stays out of reach, and a low limit that is there already is not raised. */
static void test_throttle_floor_respects_promise_and_old_limit(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE));
        cgroup_set(&w->cgroups[HOG_AT], CGROUP_LOW, 300 * MB);
        cgroup_set(&w->cgroups[SYSTEM], CGROUP_LOW, 0);
        cgroup_set(&w->cgroups[HOG_AT], CGROUP_HIGH, 410 * MB);
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        const Measure *m = world_measure(w, STEP_THROTTLE, MEASURE_BEGIN);
        assert_non_null(m);
        assert_int_equal(m->old_value, 410 * MB);
        assert_int_equal(m->protected_bytes, 300 * MB);
        uint64_t value = m->value;
        assert_true(value < 410 * MB);
        for (int i = 0; i < 120; i++) {
                world_answer(w, 0, 0);
                (void)grow(w, 0);
                m = world_measure(w, STEP_THROTTLE, MEASURE_ADJUST);
                value = m ? m->value : value;
                assert_true(value >= 316 * MB);
        }
        world_free(w);
}

/* Down from [Kill], and the trouble that the throttle is for goes on: it is not let up. */
static void test_throttle_is_not_raised_below_the_kill(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        uint64_t value = world_measure(w, STEP_THROTTLE, MEASURE_BEGIN)->value;
        uint64_t swap = w->snap.host.value[HOST_SWAP_FREE];
        world_available(w, 5);
        w->snap.host.value[HOST_SWAP_FREE] = 0;
        world_answer(w, 0, 0);
        (void)grow(w, 0);
        assert_true(w->decision.has_kill);
        world_kill_status(w, w->decision.kill.kill_id, KILL_EXITED, 0);
        world_available(w, 15);
        w->snap.host.value[HOST_SWAP_FREE] = swap;
        uint32_t n_down = 0;
        for (int i = 0; i < 45; i++) {
                world_answer(w, 0, 0);
                (void)grow(w, 0);
                const Measure *m = world_measure(w, STEP_THROTTLE, MEASURE_ADJUST);
                if (!m)
                        continue;
                assert_true(m->value < value);
                assert_int_equal(m->condition.truth, TRUTH_TRUE);
                value = m->value;
                n_down++;
        }
        assert_true(n_down > 0);
        world_free(w);
}

/* Runs into trouble until the hog is throttled, then to its end; returns how long it was held. */
static uint64_t throttled_usec(World *w) {
        world_available(w, 15);
        (void)run_until(w, STEP_THROTTLE, MEASURE_BEGIN, 100);
        world_answer(w, 0, 0);
        (void)grow(w, 0);
        uint64_t at = w->snap.mono_usec;
        world_available(w, 50);
        while (!world_measure(w, STEP_THROTTLE, MEASURE_RELEASE)) {
                world_answer(w, 0, 0);
                (void)grow(w, 0);
                if (w->snap.mono_usec - at > 600 * USEC_PER_SEC)
                        fail_msg("never released");
        }
        assert_int_equal(world_measure(w, STEP_THROTTLE, MEASURE_RELEASE)->end, MEASURE_END_LEVEL);
        uint64_t held = w->snap.mono_usec - at;
        world_answer(w, 0, 0);
        (void)grow(w, 0);
        return held;
}

/* A hog that presses is held for a while, ever longer as it comes back, and no longer than it presses. */
static void test_throttle_remembers_who_comes_back(void **state) {
        (void)state;
        static const uint64_t at_least_sec[] = { 60, 120, 240, 300, 300 };
        World *w = start(STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        for (size_t i = 0; i < ARRAY_SIZE(at_least_sec); i++) {
                uint64_t held = throttled_usec(w);
                assert_in_range(held, at_least_sec[i] * USEC_PER_SEC, (at_least_sec[i] + 2) * USEC_PER_SEC);
        }
        world_available(w, 15);
        (void)run_until(w, STEP_THROTTLE, MEASURE_BEGIN, 100);
        world_available(w, 50);
        for (int i = 0; i < 50; i++) {
                world_answer(w, 0, 0);
                (void)grow(w, 0);
                assert_null(world_measure(w, STEP_THROTTLE, MEASURE_RELEASE));
        }
        /* cheap samples do not show its use: not taken for less */
        w->snap.detail = 0;
        uint32_t n = w->snap.n_cgroups;
        w->cgroups[HOG_AT].value[CGROUP_CURRENT] = 30 * MB;
        w->snap.n_cgroups = 0;
        (void)world_step(w, STEP_USEC, 0, 0);
        assert_null(world_measure(w, STEP_THROTTLE, MEASURE_RELEASE));
        w->snap.n_cgroups = n;
        w->snap.detail = DETAIL_CGROUPS | DETAIL_STATS;
        (void)world_step(w, STEP_USEC, 0, 0);
        assert_non_null(world_measure(w, STEP_THROTTLE, MEASURE_RELEASE));
        /* forgotten after a while without */
        world_answer(w, 0, 0);
        w->cgroups[HOG_AT].value[CGROUP_CURRENT] = 400 * MB;
        for (int i = 0; i < 620; i++) {
                (void)grow(w, 0);
                world_answer(w, 0, 0);
        }
        assert_in_range(throttled_usec(w), 60 * USEC_PER_SEC, 62 * USEC_PER_SEC);
        world_free(w);
}

/* A leak that has filled the swap can give nothing more: it is not kept standing, but let go, for [Kill] to see. */
static void test_throttle_is_not_kept_when_swap_is_spent(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        world_available(w, 15);
        (void)run_until(w, STEP_THROTTLE, MEASURE_BEGIN, 100);
        world_available(w, 50);
        w->snap.host.value[HOST_SWAP_FREE] = w->snap.host.value[HOST_SWAP_TOTAL] / 10 + MB;
        for (int i = 0; i < 20; i++) {
                world_answer(w, 0, 0);
                (void)grow(w, 0);
                assert_null(world_measure(w, STEP_THROTTLE, MEASURE_RELEASE));
        }
        uint64_t total = w->snap.host.value[HOST_SWAP_TOTAL];
        w->snap.host.value[HOST_SWAP_FREE] = w->snap.host.value[HOST_SWAP_TOTAL] = 0;
        world_answer(w, 0, 0);
        (void)grow(w, 0);
        assert_null(world_measure(w, STEP_THROTTLE, MEASURE_RELEASE));
        w->snap.host.value[HOST_SWAP_TOTAL] = total;
        w->snap.host.value[HOST_SWAP_FREE] = total / 10;
        world_answer(w, 0, 0);
        (void)grow(w, 0);
        assert_non_null(world_measure(w, STEP_THROTTLE, MEASURE_RELEASE));
        world_free(w);
}

/* The same where the level stays: quiet only because of the throttle, and nothing can become of it. */
static void test_throttle_ends_when_swap_is_spent(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        world_available(w, 15);
        (void)run_until(w, STEP_THROTTLE, MEASURE_BEGIN, 100);
        world_available(w, 25);
        w->snap.host.value[HOST_SWAP_FREE] = w->snap.host.value[HOST_SWAP_TOTAL] / 10;
        uint64_t begin = w->snap.mono_usec;
        const Measure *m = run_until(w, STEP_THROTTLE, MEASURE_RELEASE, 100);
        assert_int_equal(m->end, MEASURE_END_SPENT);
        assert_in_range(w->snap.mono_usec - begin, 3 * USEC_PER_SEC, 4 * USEC_PER_SEC);
        world_free(w);
}

static void test_somebody_else_has_set_another_value(void **state) {
        (void)state;
        World *w = start(STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        uint64_t id = world_measure(w, STEP_THROTTLE, MEASURE_BEGIN)->measure_id;
        (void)run_until(w, STEP_THROTTLE, MEASURE_ADJUST, 20);
        world_answer(w, -ESTALE, 0);
        (void)grow(w, MB);
        const Measure *m = world_measure(w, STEP_THROTTLE, MEASURE_RELEASE);
        assert_non_null(m);
        assert_int_equal(m->measure_id, id);
        assert_int_equal(m->end, MEASURE_END_FOREIGN);
        world_answer(w, -ESTALE, 0);
        /* not sent again, and not taken on it again while the trouble lasts */
        for (int i = 0; i < 200; i++) {
                (void)grow(w, MB);
                assert_null(world_measure(w, STEP_THROTTLE, MEASURE_RELEASE));
                m = world_measure(w, STEP_THROTTLE, MEASURE_BEGIN);
                assert_true(!m || m->cgroup_id != HOG);
                world_answer(w, 0, 0);
        }
        world_free(w);
}

static void test_release_is_sent_until_it_is_done(void **state) {
        (void)state;
        World *w = start_taken(STEP_THROTTLE);
        world_answer(w, 0, 0);
        world_available(w, 50);
        hog_ends(w);
        (void)grow(w, 0);
        uint32_t n = 0;
        uint64_t gap = 0, last = w->snap.mono_usec;
        for (int i = 0; i < 600; i++) {
                if (world_measure(w, STEP_THROTTLE, MEASURE_RELEASE)) {
                        n++;
                        assert_true(w->snap.mono_usec - last >= gap);
                        gap = MAX(gap, w->snap.mono_usec - last);
                        last = w->snap.mono_usec;
                }
                world_answer(w, -EIO, 0);
                (void)grow(w, 0);
        }
        assert_in_range(n, 5, 12);
        for (int i = 0; i < 400 && !world_measure(w, STEP_THROTTLE, MEASURE_RELEASE); i++) {
                world_answer(w, -EIO, 0);
                (void)grow(w, 0);
        }
        assert_non_null(world_measure(w, STEP_THROTTLE, MEASURE_RELEASE));
        world_answer(w, 0, 0);
        for (int i = 0; i < 600; i++) {
                (void)grow(w, 0);
                assert_int_equal(w->decision.n_measures, 0);
                w->snap.n_measures = 0;
        }
        world_free(w);
}

/* An answer that never comes: what may be in force is put back all the same. */
static void test_lost_answer(void **state) {
        (void)state;
        World *w = start_taken(STEP_THROTTLE);
        world_available(w, 50);
        hog_ends(w);
        int at = 0;
        for (; at < 300 && !world_measure(w, STEP_THROTTLE, MEASURE_RELEASE); at++)
                (void)grow(w, 0);
        assert_in_range(at, 100, 200);
        world_free(w);
}

static void test_gone_cgroup(void **state) {
        (void)state;
        World *w = start_taken(STEP_THROTTLE);
        world_answer(w, 0, 0);
        w->cgroups[HOG_AT].id = 99; /* another one under the same name */
        (void)grow(w, 0);
        const Measure *m = world_measure(w, STEP_THROTTLE, MEASURE_RELEASE);
        assert_non_null(m);
        assert_int_equal(m->end, MEASURE_END_GONE);
        assert_int_equal(m->cgroup_id, HOG);
        world_free(w);
}

/* ---- freeze ---- */

static void test_freeze_ends_by_time_and_is_not_repeated(void **state) {
        (void)state;
        World *w = start_taken(STEP_FREEZE);
        uint64_t at = w->snap.mono_usec;
        const Measure *m = run_until(w, STEP_FREEZE, MEASURE_RELEASE, 120);
        assert_int_equal(m->end, MEASURE_END_TIME);
        assert_in_range(w->snap.mono_usec - at, 8 * USEC_PER_SEC, 9 * USEC_PER_SEC);
        for (int i = 0; i < 400; i++) {
                world_answer(w, 0, 0);
                (void)grow(w, MB / 4);
                assert_null(world_measure(w, STEP_FREEZE, MEASURE_BEGIN));
        }
        world_free(w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_throttle_goes_down_to_its_floor_and_up_again),
                cmocka_unit_test(test_steps_up_in_vain_become_rare),
                cmocka_unit_test(test_throttle_is_raised_only_into_room),
                cmocka_unit_test(test_throttle_floor_respects_promise_and_old_limit),
                cmocka_unit_test(test_throttle_is_not_raised_below_the_kill),
                cmocka_unit_test(test_throttle_remembers_who_comes_back),
                cmocka_unit_test(test_throttle_is_not_kept_when_swap_is_spent),
                cmocka_unit_test(test_throttle_ends_when_swap_is_spent),
                cmocka_unit_test(test_somebody_else_has_set_another_value),
                cmocka_unit_test(test_release_is_sent_until_it_is_done),
                cmocka_unit_test(test_lost_answer),
                cmocka_unit_test(test_gone_cgroup),
                cmocka_unit_test(test_freeze_ends_by_time_and_is_not_repeated),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

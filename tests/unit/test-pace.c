/* SPDX-License-Identifier: GPL-2.0-or-later */

/* When the next look is due, and from when on it holds who has grown. */

#include "test.h"

#include "world.h"

#define HOG 11

enum { SLICE, HOG_AT };

/*
 * 256 GB, so far from the limits of [Kill] that these do not count, and swap, so that nothing runs out. The slice is
 * relieved below 30 % of what the host has.
 */
static World *start(void) {
        World *w = world_new(256 * 1024 * MB, 1024 * 1024 * MB);
        world_host_policy(w);
        CgroupPolicy *c = world_policy_add(w, "batch");
        c->levels[LEVEL_RELIEVE] = (LevelPolicy){
                .when = world_share(w, METRIC_AVAILABLE, COMPARE_LT, 30, 0),
                .until = EXPR_NONE,
                .steps = STEP_BIT(STEP_THROTTLE),
                .throttle_floor_permyriad = 2500,
        };
        world_start(w);
        w->snap.detail = DETAIL_CGROUPS | DETAIL_STATS;
        world_unit(w, 10, "/bench.slice", INDEX_NONE, 100 * MB)->policy = 1;
        world_unit(w, HOG, "/bench.slice/hog.service", SLICE, 100 * MB);
        return w;
}

static Decision *at(World *w, uint64_t percent) {
        world_available(w, percent);
        return world_step(w, USEC_PER_SEC, 0, 0);
}

static void test_steady_host_is_left_alone(void **state) {
        (void)state;
        World *w = start();
        /* right above a limit, but not on its way there: as most hosts that are well used */
        for (int i = 0; i < 20; i++)
                (void)at(w, 31);
        assert_int_equal(w->decision.next_usec, USEC_PER_SEC);
        assert_int_equal(w->decision.need, 0);
        (void)at(w, 35); /* and on its way up */
        assert_int_equal(w->decision.next_usec, USEC_PER_SEC);
        assert_int_equal(w->decision.need, 0);
        world_free(w);
}

static void test_limit_ahead_is_looked_for_in_time(void **state) {
        (void)state;
        World *w = start();
        for (int i = 0; i < 5; i++)
                (void)at(w, 80);
        assert_int_equal(w->decision.next_usec, USEC_PER_SEC);
        assert_int_equal(w->decision.need, 0);
        w->snap.detail = 0;
        /* 10 % a second, 40 % to go: in 4 s, and until then there is to be something to compare with */
        (void)at(w, 70);
        assert_in_range(w->decision.next_usec, 990 * USEC_PER_MSEC, USEC_PER_SEC);
        assert_int_equal(w->decision.need & (DETAIL_CGROUPS | DETAIL_STATS), DETAIL_CGROUPS | DETAIL_STATS);
        (void)at(w, 60);
        (void)at(w, 50);
        assert_in_range(w->decision.next_usec, 490 * USEC_PER_MSEC, 510 * USEC_PER_MSEC);
        (void)at(w, 40);
        assert_in_range(w->decision.next_usec, 240 * USEC_PER_MSEC, 260 * USEC_PER_MSEC);
        (void)at(w, 31);
        assert_int_equal(w->decision.next_usec, 50 * USEC_PER_MSEC);
        world_free(w);
}

static void test_slow_decline_needs_no_look_at_everybody(void **state) {
        (void)state;
        World *w = start();
        for (uint64_t percent = 80; percent > 40; percent--)
                assert_int_equal(at(w, percent)->need, 0);
        world_free(w);
}

/* One that fills the host at once is known when the limit is crossed, and held in that very step. */
static void test_the_first_sample_below_the_limit_holds_the_hog(void **state) {
        (void)state;
        World *w = start();
        for (int i = 0; i < 5; i++)
                (void)at(w, 80);
        w->snap.detail = 0;
        for (uint64_t percent = 70; percent >= 30; percent -= 10) {
                w->cgroups[HOG_AT].value[CGROUP_CURRENT] += 100 * MB;
                w->snap.detail = w->decision.need;
                (void)at(w, percent);
        }
        assert_null(world_measure(w, STEP_THROTTLE, MEASURE_BEGIN));
        w->cgroups[HOG_AT].value[CGROUP_CURRENT] += 20 * MB;
        w->snap.detail = w->decision.need;
        (void)at(w, 28);
        const Measure *m = world_measure(w, STEP_THROTTLE, MEASURE_BEGIN);
        assert_non_null(m);
        assert_int_equal(m->cgroup_id, HOG);
        world_free(w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_steady_host_is_left_alone),
                cmocka_unit_test(test_limit_ahead_is_looked_for_in_time),
                cmocka_unit_test(test_slow_decline_needs_no_look_at_everybody),
                cmocka_unit_test(test_the_first_sample_below_the_limit_holds_the_hog),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The steps below the kill: their order and time, what is put back and when, and what our own throttle excuses. */

#include "test.h"

#include "world.h"

#define HOG 11
#define DB  12

enum { SYSTEM, HOG_AT, DB_AT, USER, SESSION };

/* relieve: available < 20%, left at once when available > 30% */
static void relieve(World *w, uint32_t steps) {
        CgroupPolicy *c = &w->cgroup_policies[0];
        c->levels[LEVEL_RELIEVE] = (LevelPolicy){
                .when = world_share(w, METRIC_AVAILABLE, COMPARE_LT, 20, 0),
                .until = world_share(w, METRIC_AVAILABLE, COMPARE_GT, 30, 0),
                .steps = steps,
                .reclaim_swappiness = 77,
                .throttle_floor_permyriad = 5000,
                .slow_weight = 10,
                .freeze_max_usec = 8 * USEC_PER_SEC,
        };
}

/* 1 GB, 512 MB of swap; a hog of 400 MB, a database of 200, a session with a terminal. */
static World *start(uint32_t steps) {
        World *w = world_new(1024 * MB, 512 * MB);
        world_host_policy(w);
        relieve(w, steps);
        world_start(w);
        w->snap.detail = DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES;
        world_unit(w, 10, "/system.slice", INDEX_NONE, 600 * MB)->marks = 0;
        world_unit(w, HOG, "/system.slice/hog.service", SYSTEM, 400 * MB);
        world_unit(w, DB, "/system.slice/db.service", SYSTEM, 200 * MB);
        world_unit(w, 20, "/user.slice", INDEX_NONE, 50 * MB)->marks = 0;
        world_unit(w, 21, "/user.slice/session-1.scope", USER, 50 * MB);
        world_process(w, 1, "systemd", 5 * MB, INDEX_NONE)->flags |= PROCESS_INIT;
        world_process(w, 100, "hog", 390 * MB, HOG_AT);
        world_process(w, 200, "db", 190 * MB, DB_AT);
        world_process(w, 300, "bash", 40 * MB, SESSION)->flags |= PROCESS_HAS_TTY;
        return w;
}

/* One step of 100 ms in which the hog grows; the answers to what the last step asked for have come. */
static Decision *grow(World *w, uint64_t bytes) {
        w->cgroups[HOG_AT].value[CGROUP_CURRENT] += bytes;
        w->cgroups[HOG_AT].value[CGROUP_ANON] += bytes;
        Decision *d = world_step(w, STEP_USEC, 0, 100);
        return d;
}

/* Runs on with all answered by @error until @step with @verb is asked for; fails after @max steps. */
static const Measure *run_until(World *w, Step step, MeasureVerb verb, int max) {
        for (int i = 0; i < max; i++) {
                world_answer(w, 0, 0);
                (void)grow(w, MB);
                const Measure *m = world_measure(w, step, verb);
                if (m)
                        return m;
        }
        fail_msg("no %s of %s in %d steps", measure_verb_to_string(verb), step_to_string(step), max);
        return NULL;
}

static void quiet_history(World *w) {
        for (int i = 0; i < 15; i++)
                (void)grow(w, MB);
        assert_int_equal(w->decision.n_measures, 0);
}

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

/* ---- throttle ---- */

/* Its cgroup stays, with little in it. */
static void hog_ends(World *w) {
        w->cgroups[HOG_AT].value[CGROUP_CURRENT] = 30 * MB;
}

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
        World *w = start(STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        assert_non_null(world_measure(w, STEP_THROTTLE, MEASURE_BEGIN));
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
        World *w = start(STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        assert_non_null(world_measure(w, STEP_THROTTLE, MEASURE_BEGIN));
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
        World *w = start(STEP_BIT(STEP_THROTTLE));
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        assert_non_null(world_measure(w, STEP_THROTTLE, MEASURE_BEGIN));
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
        World *w = start(STEP_BIT(STEP_FREEZE));
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        assert_non_null(world_measure(w, STEP_FREEZE, MEASURE_BEGIN));
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

/* ---- our own throttle is no pressure ---- */

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
                cmocka_unit_test(test_steps_come_in_order_and_in_time),
                cmocka_unit_test(test_step_on_nobody_is_told),
                cmocka_unit_test(test_who_begins_later_is_found_soon),
                cmocka_unit_test(test_step_without_controller_is_told),
                cmocka_unit_test(test_failed_step_is_followed_at_once),
                cmocka_unit_test(test_no_further_step_after_relief),
                cmocka_unit_test(test_reclaim_in_rounds_while_it_brings_something),
                cmocka_unit_test(test_details_are_asked_for),
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
                cmocka_unit_test(test_steps_survive_the_rise_to_kill),
                cmocka_unit_test(test_nothing_is_begun_while_a_kill_is_in_flight),
                cmocka_unit_test(test_trim_is_not_repeated_all_the_time),
                cmocka_unit_test(test_dry_run_does_not_repeat_itself),
                cmocka_unit_test(test_virtual_measures),
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

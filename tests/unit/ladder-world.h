/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A host on which one service grows beside another and a session, and a policy that relieves it. */

#include "test.h"

#include "world.h"

#define HOG 11
#define DB  12

enum { SYSTEM, HOG_AT, DB_AT, USER, SESSION };

/* relieve: available < 20%, left at once when available > 30% */
static inline void relieve(World *w, uint32_t steps) {
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
static inline World *start(uint32_t steps) {
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
static inline Decision *grow(World *w, uint64_t bytes) {
        w->cgroups[HOG_AT].value[CGROUP_CURRENT] += bytes;
        w->cgroups[HOG_AT].value[CGROUP_ANON] += bytes;
        Decision *d = world_step(w, STEP_USEC, 0, 100);
        return d;
}

/* Runs on with all answered by @error until @step with @verb is asked for; fails after @max steps. */
static inline const Measure *run_until(World *w, Step step, MeasureVerb verb, int max) {
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

static inline void quiet_history(World *w) {
        for (int i = 0; i < 15; i++)
                (void)grow(w, MB);
        assert_int_equal(w->decision.n_measures, 0);
}

/* Memory gets short, and @step is taken on the hog; nothing has answered yet. */
static inline World *start_taken(Step step) {
        World *w = start(STEP_BIT(step));
        quiet_history(w);
        world_available(w, 15);
        (void)grow(w, MB);
        assert_non_null(world_measure(w, step, MEASURE_BEGIN));
        return w;
}

/* Its cgroup stays, with little in it. */
static inline void hog_ends(World *w) {
        w->cgroups[HOG_AT].value[CGROUP_CURRENT] = 30 * MB;
}

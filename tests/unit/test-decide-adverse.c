/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What goes wrong around the decision: victims that will not go, values that are not there, and people who cheat. */

#include "test.h"

#include "world.h"

static Decision *kill_hog(World *w) {
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        world_find(w, 200)->rss_anon += 100 * MB / WORLD_PAGE;
        world_available(w, 8);
        Decision *d = world_step(w, STEP_USEC, 0, 10);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 200);
        return d;
}

/* ---- what a ranking needs ---- */

/* Processes alone say nothing of marks, oom.group and memory.low: whom a mark exempts would be the victim. */
static void test_ranks_only_what_it_knows_the_cgroups_of(void **state) {
        World *w = *state;
        world_cgroup(w, 10, "/omit.service", INDEX_NONE, -1)->marks |= CGROUP_MARK_OMIT;
        world_process(w, 400, "omitted", 200 * MB, 0);
        world_available(w, 5);
        w->snap.detail = DETAIL_PROCESSES;
        w->snap.n_cgroups = 0;
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_false(d->has_kill);
        assert_int_equal(d->held.hold, HOLD_NEEDS_DETAIL);
        assert_true(d->need_now);
        assert_true(d->need & DETAIL_PROCESSES);
        w->snap.detail = DETAIL_PROCESSES | DETAIL_CGROUPS;
        w->snap.n_cgroups = 1;
        d = world_step(w, 0, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 100);
}

/* ---- victims that will not go ---- */

/* It frees a little at SIGTERM, sits the wait out and goes on: no innocent one is next, and no second SIGTERM. */
static void test_deaf_to_sigterm_is_not_spared(void **state) {
        World *w = *state;
        Decision *d = kill_hog(w);
        assert_int_equal(d->kill.step, STEP_TERMINATE);
        uint64_t id = d->kill.kill_id;
        world_kill_status(w, id, KILL_PENDING, 0);
        world_available(w, 20);
        for (int i = 0; i < 40; i++)
                assert_false(world_step(w, STEP_USEC, 0, 0)->has_kill);
        world_kill_status(w, id, KILL_EXPIRED, 0);
        (void)world_step(w, STEP_USEC, 0, 0);
        w->snap.n_kills = 0;
        world_find(w, 200)->rss_anon += 10 * MB / WORLD_PAGE;
        world_available(w, 8);
        d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 200);
        assert_int_equal(d->kill.step, STEP_KILL);
        /* that was all there is: after it the next one */
        world_kill_status(w, d->kill.kill_id, KILL_EXPIRED, 0);
        d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 100);
}

/* Where SIGTERM is all that the policy allows, a victim that ignores it is passed over. */
static void test_deaf_to_sigterm_without_sigkill(void **state) {
        World *w = *state;
        w->cgroup_policies[0].levels[LEVEL_KILL].steps = 1u << STEP_TERMINATE;
        Decision *d = kill_hog(w);
        world_kill_status(w, d->kill.kill_id, KILL_EXPIRED, 0);
        d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 100);
}

/* MemAvailable is 0 long before the last page is gone: half of nothing is no reason to wait. */
static void test_nothing_left_waits_for_no_grace(void **state) {
        World *w = *state;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        world_available(w, 0);
        Decision *d = world_step(w, STEP_USEC, 0, 10);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.step, STEP_TERMINATE);
        world_kill_status(w, d->kill.kill_id, KILL_PENDING, 0);
        d = world_step(w, STEP_USEC, 0, 10);
        assert_true(d->has_kill && d->kill.is_escalation);
}

/* No right to signal anybody: it goes on trying, but does not fill the journal. */
static void test_refused_everywhere(void **state) {
        World *w = *state;
        for (int32_t pid = 1000; pid < 1100; pid++)
                world_process(w, pid, "other", 4 * MB, INDEX_NONE);
        world_available(w, 5);
        uint32_t n = 0, late = 0;
        for (int i = 0; i < 1200; i++) {
                Decision *d = world_step(w, 50 * USEC_PER_MSEC, 0, 0);
                w->snap.n_kills = 0;
                if (!d->has_kill)
                        continue;
                n++;
                late += i > 600;
                world_kill_status(w, d->kill.kill_id, KILL_FAILED, 0);
        }
        assert_in_range(n, 8, 30);
        assert_in_range(late, 1, 10);
        /* after a while of peace a failure is a surprise again */
        world_available(w, 50);
        for (int i = 0; i < 40; i++)
                (void)world_step(w, USEC_PER_SEC, 0, 0);
        world_available(w, 5);
        uint64_t start = w->snap.mono_usec;
        n = 0;
        while (n < 2) {
                Decision *d = world_step(w, 50 * USEC_PER_MSEC, 0, 0);
                w->snap.n_kills = 0;
                if (!d->has_kill)
                        continue;
                n++;
                world_kill_status(w, d->kill.kill_id, KILL_FAILED, 0);
        }
        assert_true(w->snap.mono_usec - start <= 100 * USEC_PER_MSEC);
}

/* Nobody is left to kill: all processes of a host are not read twenty times a second to find that out again. */
static void test_nobody_is_looked_for_with_pauses(void **state) {
        World *w = *state;
        world_find(w, 100)->tier = TIER_NEVER;
        world_find(w, 200)->tier = TIER_NEVER;
        world_available(w, 5);
        uint32_t n = 0, n_processes = w->snap.n_processes;
        for (int i = 0; i < 200; i++) {
                w->snap.detail = 0;
                w->snap.n_processes = 0;
                Decision *d = world_step(w, 50 * USEC_PER_MSEC, 0, 0);
                w->snap.n_processes = n_processes;
                if (!d->need_now) {
                        assert_int_equal(d->held.hold, HOLD_NO_CANDIDATE);
                        continue;
                }
                n++;
                w->snap.detail = DETAIL_PROCESSES | DETAIL_CGROUPS;
                assert_false(world_step(w, 0, 0, 0)->has_kill);
        }
        assert_in_range(n, 8, 25);
        /* a sample that holds them anyway is used at once */
        w->snap.detail = DETAIL_PROCESSES | DETAIL_CGROUPS;
        world_process(w, 300, "new", 60 * MB, INDEX_NONE);
        assert_true(world_step(w, 50 * USEC_PER_MSEC, 0, 0)->has_kill);
}

/* ---- who is to blame ---- */

/* Pages of mapped files come and go with reclaim; whoever reads a big file that way takes no memory from others. */
static void test_mapped_file_is_no_growth(void **state) {
        World *w = *state;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        world_find(w, 100)->rss_file += 250 * MB / WORLD_PAGE;
        world_find(w, 200)->rss_anon += 60 * MB / WORLD_PAGE;
        world_available(w, 8);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 200);
        assert_int_equal(d->kill.rank, RANK_GROWTH);
}

/* Its base comes from oom_score, which holds file pages too: growth is never more than what is there without them. */
static void test_mapped_file_with_a_base_from_the_score(void **state) {
        World *w = *state;
        ProcessSample *p = world_find(w, 100);
        p->flags &= ~(uint32_t)PROCESS_SIZES;
        p->oom_score = 667; /* less than a thousandth */
        p->rss_anon = 0;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        p->flags |= PROCESS_SIZES;
        p->rss_anon = 30 * MB / WORLD_PAGE;
        p->rss_file = 300 * MB / WORLD_PAGE;
        world_find(w, 200)->rss_anon += 60 * MB / WORLD_PAGE;
        world_available(w, 8);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 200);
        for (uint32_t i = 0; i < d->kill.n_candidates; i++)
                if (d->kill.candidates[i].pid == 100)
                        assert_true(d->kill.candidates[i].growth_bytes <= 30 * MB);
}

/* One that could not be read in one scan did not start after it. */
static void test_missed_by_one_scan_is_not_new(void **state) {
        World *w = *state;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        world_find(w, 100)->flags &= ~(uint32_t)(PROCESS_SIZES | PROCESS_SCORE);
        (void)world_step(w, 5 * USEC_PER_SEC, 0, 0);
        world_find(w, 100)->flags |= PROCESS_SIZES;
        world_find(w, 200)->rss_anon += 60 * MB / WORLD_PAGE;
        world_available(w, 8);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 200);
        assert_int_equal(d->kill.rank, RANK_GROWTH);
}

static void test_empty_scan_makes_nobody_new(void **state) {
        World *w = *state;
        uint32_t n = w->snap.n_processes;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        w->snap.n_processes = 0;
        (void)world_step(w, 5 * USEC_PER_SEC, 0, 0);
        w->snap.n_processes = n;
        world_process(w, 300, "burst", 70 * MB, INDEX_NONE);
        world_available(w, 8);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 300);
}

/* ---- memory.low ---- */

static CgroupSample *protect(World *w, uint64_t id, const char *path, uint32_t parent, uint64_t low) {
        CgroupSample *c = world_cgroup(w, id, path, parent, -1);
        cgroup_set(c, CGROUP_MIN, 0);
        cgroup_set(c, CGROUP_LOW, low);
        cgroup_set(c, CGROUP_CURRENT, 200 * MB);
        return c;
}

/* Whoever owns a delegated cgroup may write any memory.low below it; the kernel grants no more than the unit has. */
static void test_nobody_protects_himself(void **state) {
        World *w = *state;
        protect(w, 10, "/user.slice", INDEX_NONE, 0);
        protect(w, 11, "/user.slice/user@1000.service", 0, 0);
        protect(w, 12, "/user.slice/user@1000.service/app.slice", 1, CGROUP_NO_LIMIT);
        protect(w, 13, "/user.slice/user@1000.service/app.slice/run-1.service", 2, CGROUP_NO_LIMIT);
        world_process(w, 400, "sly", 200 * MB, 3);
        world_available(w, 5);
        for (int i = 0; i < 2; i++) {
                world_start(w);
                Decision *d = world_step(w, STEP_USEC, 0, 0);
                assert_true(d->has_kill);
                assert_int_equal(d->kill.candidates[0].pid, 400);
                assert_false(d->kill.candidates[0].is_protected);
                cgroup_set(&w->cgroups[2], CGROUP_LOW, 0);
        }
}

/* What the manager has promised to the unit counts, also where the slice above has been forgotten. */
static void test_promise_to_the_unit_counts(void **state) {
        World *w = *state;
        protect(w, 10, "/system.slice", INDEX_NONE, 0);
        protect(w, 11, "/system.slice/db.service", 0, 300 * MB);
        protect(w, 12, "/system.slice/db.service/workers", 1, 300 * MB);
        world_process(w, 400, "db", 200 * MB, 2);
        world_available(w, 5);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 100);
}

/* ---- levels, guards ---- */

/* A host without PSI has no stall figures: what waits for them to fall would wait for ever. */
static void test_until_that_cannot_be_read(void **state) {
        World *w = *state;
        uint16_t plenty = world_share(w, METRIC_AVAILABLE, COMPARE_GT, 20, 0);
        uint16_t quiet = world_share(w, METRIC_FULL, COMPARE_LT, 10, 10 * USEC_PER_SEC);
        w->cgroup_policies[0].levels[LEVEL_WARN].until = world_expr(w, EXPR_AND, plenty, quiet, 0);
        world_start(w);
        w->snap.host.have &= ~(UINT64_C(1) << HOST_PSI_FULL_USEC | UINT64_C(1) << HOST_PSI_SOME_USEC);
        world_available(w, 14);
        assert_int_equal(world_step(w, USEC_PER_SEC, 0, 0)->n_changes, 1);
        world_available(w, 16); /* false, not unknown: it stays */
        for (int i = 0; i < 120; i++)
                assert_int_equal(world_step(w, USEC_PER_SEC, 0, 0)->n_changes, 0);
        world_available(w, 80);
        int i = 0;
        while (world_step(w, USEC_PER_SEC, 0, 0)->n_changes == 0)
                assert_true(++i < 60);
        assert_int_equal(w->decision.changes[0].to, LEVEL_CALM);
}

/* An Until= that never comes true keeps the level, but not the pace of an emergency. */
static void test_until_that_never_comes(void **state) {
        World *w = *state;
        LevelPolicy *lp = &w->cgroup_policies[0].levels[LEVEL_KILL];
        lp->until = world_share(w, METRIC_AVAILABLE, COMPARE_GT, 100, 0);
        world_start(w);
        w->snap.host.value[HOST_MEM_TOTAL] = 64 * 1024 * MB;
        world_available(w, 5);
        assert_true(world_step(w, STEP_USEC, 0, 0)->next_usec == 50 * USEC_PER_MSEC);
        w->cgroup_policies[0].levels[LEVEL_KILL].steps = 0;
        world_available(w, 90);
        for (int i = 0; i < 60; i++)
                assert_int_equal(world_step(w, USEC_PER_SEC, 0, 0)->n_changes, 0);
        assert_true(w->decision.next_usec >= 200 * USEC_PER_MSEC);
}

/* Refaults are counted for the host also where a cgroup thrashes within its own limit. */
static void test_refaults_of_a_limited_cgroup_are_no_evidence(void **state) {
        World *w = *state;
        world_available(w, 12);
        for (int i = 0; i < 300; i++) {
                w->snap.host.value[HOST_VM_REFAULT_FILE] += 100;
                w->snap.host.value[HOST_VM_REFAULT_ANON] += 100;
                assert_false(world_step(w, STEP_USEC, 90, 0)->has_kill);
        }
        assert_int_equal(w->decision.held.hold, HOLD_NO_EVIDENCE);
        host_set(&w->snap.host, HOST_VM_ALLOCSTALL, 0);
        (void)world_step(w, STEP_USEC, 90, 0);
        host_set(&w->snap.host, HOST_VM_ALLOCSTALL, 1);
        assert_true(world_step(w, STEP_USEC, 90, 0)->has_kill);
}

/* "not some < 40%" rests on pressure just as "some >= 40%" does. */
static void test_negated_pressure_is_guarded(void **state) {
        World *w = *state;
        uint16_t still = world_share(w, METRIC_FULL, COMPARE_LT, 40, 2 * USEC_PER_SEC);
        w->cgroup_policies[0].levels[LEVEL_KILL].when = world_expr(w, EXPR_NOT, still, 0, 0);
        world_start(w);
        world_available(w, 60);
        for (int i = 0; i < 100; i++)
                assert_false(world_step(w, STEP_USEC, 90, 100)->has_kill);
        assert_int_equal(w->decision.held.hold, HOLD_NOT_SHORT);
}

/* The memory of a victim in a cgroup shows on the host a moment later, too. */
static void test_host_waits_for_what_a_cgroup_gave_back(void **state) {
        World *w = *state;
        world_limited_policy(w);
        world_start(w);
        CgroupSample *c = world_cgroup(w, 50, "/bench.slice/web.service", INDEX_NONE, 1);
        cgroup_set(c, CGROUP_HIGH, 80 * MB);
        cgroup_set(c, CGROUP_CURRENT, 80 * MB);
        cgroup_set(c, CGROUP_EVENT_HIGH, 0);
        world_process(w, 600, "web", 78 * MB, 0);
        Decision *d;
        do {
                c->value[CGROUP_PSI_FULL_USEC] += STEP_USEC * 9 / 10;
                c->value[CGROUP_EVENT_HIGH]++;
                d = world_step(w, STEP_USEC, 0, 0);
        } while (!d->has_kill && w->snap.mono_usec < 200 * USEC_PER_SEC);
        assert_int_equal(d->kill.domain_id, 50);
        world_exit(w, 600);
        world_available(w, 8);
        world_kill_status(w, d->kill.kill_id, KILL_EXITED, 0);
        d = world_step(w, STEP_USEC, 0, 0);
        assert_false(d->has_kill);
        assert_int_equal(d->held.hold, HOLD_COOLDOWN);
        assert_int_equal(d->held.domain_id, 0);
        w->snap.n_kills = 0;
        (void)world_step(w, STEP_USEC, 0, 0);
        assert_true(world_step(w, STEP_USEC, 0, 0)->has_kill);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(test_ranks_only_what_it_knows_the_cgroups_of),
                T(test_deaf_to_sigterm_is_not_spared),
                T(test_deaf_to_sigterm_without_sigkill),
                T(test_nothing_left_waits_for_no_grace),
                T(test_refused_everywhere),
                T(test_nobody_is_looked_for_with_pauses),
                T(test_mapped_file_is_no_growth),
                T(test_mapped_file_with_a_base_from_the_score),
                T(test_missed_by_one_scan_is_not_new),
                T(test_empty_scan_makes_nobody_new),
                T(test_nobody_protects_himself),
                T(test_promise_to_the_unit_counts),
                T(test_until_that_cannot_be_read),
                T(test_until_that_never_comes),
                T(test_refaults_of_a_limited_cgroup_are_no_evidence),
                T(test_negated_pressure_is_guarded),
                T(test_host_waits_for_what_a_cgroup_gave_back),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

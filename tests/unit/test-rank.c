/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Who goes, and who must not: candidates, tiers, scores, storms, cgroups as a whole. */

#include "test.h"

#include "world.h"

/* ---- candidates ---- */

static void expect_rejected(const KillDecision *k, int32_t pid, Reject why) {
        for (uint32_t i = 0; i < k->n_candidates; i++)
                assert_int_not_equal(k->candidates[i].pid, pid);
        for (uint32_t i = 0; i < k->n_rejected; i++)
                if (k->rejected[i].pid == pid) {
                        assert_string_equal(reject_to_string(k->rejected[i].reject), reject_to_string(why));
                        return;
                }
        fail_msg("pid %d is not among the rejected", pid);
}

static void test_never(void **state) {
        World *w = *state;
        world_process(w, 10, "adj", 200 * MB, INDEX_NONE)->oom_score_adj = -1000;
        world_process(w, 11, "never", 200 * MB, INDEX_NONE)->tier = TIER_NEVER;
        world_process(w, 12, "self", 200 * MB, INDEX_NONE)->flags |= PROCESS_SELF;
        world_process(w, 13, "dying", 200 * MB, INDEX_NONE)->flags |= PROCESS_DYING;
        world_process(w, 14, "vfork", 200 * MB, INDEX_NONE)->flags |= PROCESS_VFORK;
        world_process(w, 15, "unread", 200 * MB, INDEX_NONE)->flags &= ~(uint32_t)PROCESS_SIZES;
        world_process(w, 16, "kthread", 0, INDEX_NONE)->flags |= PROCESS_KTHREAD;
        world_available(w, 5);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 100);
        expect_rejected(&d->kill, 1, REJECT_INIT);
        expect_rejected(&d->kill, 10, REJECT_ADJ);
        expect_rejected(&d->kill, 11, REJECT_NEVER);
        expect_rejected(&d->kill, 12, REJECT_SELF);
        expect_rejected(&d->kill, 13, REJECT_DYING);
        expect_rejected(&d->kill, 14, REJECT_VFORK);
        for (uint32_t i = 0; i < d->kill.n_candidates; i++)
                assert_true(d->kill.candidates[i].pid == 100 || d->kill.candidates[i].pid == 200);
}

static void test_nobody_to_blame(void **state) {
        World *w = *state;
        world_exit(w, 100);
        world_exit(w, 200);
        for (int32_t pid = 500; pid < 520; pid++)
                world_process(w, pid, "tiny", 300 * 1024, INDEX_NONE);
        world_available(w, 2);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_false(d->has_kill);
        assert_int_equal(d->held.hold, HOLD_NO_CANDIDATE);
}

static void test_tiers(void **state) {
        World *w = *state;
        world_find(w, 100)->tier = TIER_AVOID;
        world_process(w, 300, "small", 30 * MB, INDEX_NONE)->tier = TIER_PREFER;
        world_process(w, 301, "guarded", 60 * MB, INDEX_NONE)->tier = TIER_PREFER;
        world_find(w, 301)->oom_score_adj = -500;
        world_available(w, 5);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 300);
        assert_int_equal(d->kill.candidates[1].pid, 200); /* 20 MB with adj 0 before 60 MB with adj -500 */
        assert_int_equal(d->kill.candidates[2].pid, 301);
        assert_int_equal(d->kill.candidates[2].tier, TIER_NORMAL);
        assert_int_equal(d->kill.candidates[3].pid, 100);
}

static void test_lowered_score_is_not_condemned_by_growth(void **state) {
        World *w = *state;
        world_find(w, 200)->oom_score_adj = -900;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        world_find(w, 200)->rss_anon += 50 * MB / WORLD_PAGE;
        world_available(w, 8);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 100);
        assert_int_equal(d->kill.rank, RANK_BADNESS);
}

static void test_rule_adjust_counts_in_adj_units(void **state) {
        World *w = *state;
        world_find(w, 100)->rule_adjust = -300;
        world_available(w, 5);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 200);
        const Candidate *c = &d->kill.candidates[1];
        assert_int_equal(c->pid, 100);
        /* totalpages / 1000 = 131, as the kernel divides first */
        assert_int_equal(c->badness_pages, 25600);
        assert_int_equal(c->score_pages, 25600 - 300 * 131);
}

/*
 * ApplyToKernel= moves the adjustment into oom_score_adj; the ranking must not see a difference, whatever part of it
 * was moved, and however the kernel's range has cut it.
 */
static void test_score_is_the_same_with_apply_to_kernel(void **state) {
        World *w = *state;
        static const struct {
                int32_t own, rules, written; /* written: what oom_score_adj became */
        } rows[] = {
                { 0, 300, 300 },     { 0, -300, -300 },  { 200, 300, 500 }, { -500, 300, -200 }, { 900, 300, 1000 },
                { -900, -300, -999 }, { 100, 300, 250 }, { 100, -300, 100 }, { 0, 0, 0 },
        };
        (void)world_step(w, STEP_USEC, 0, 0);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Candidate c[2] = { 0 };
                for (int applied = 0; applied < 2; applied++) {
                        ProcessSample *p = world_find(w, 100);
                        KillDecision *k = calloc(1, sizeof(*k));
                        assert_non_null(k);
                        p->rule_adjust = rows[i].rules;
                        p->oom_score_adj = applied ? rows[i].written : rows[i].own;
                        p->kernel_adjust = applied ? rows[i].written - rows[i].own : 0;
                        p->tier = TIER_PREFER; /* which a negative value of its own, but not ours, takes away */
                        assert_int_equal(decide_explain(w->state, &w->snap, 0, k), 0);
                        bool is_found = false;
                        for (uint32_t n = 0; n < k->n_candidates && !is_found; n++)
                                if (k->candidates[n].pid == 100) {
                                        c[applied] = k->candidates[n];
                                        is_found = true;
                                }
                        assert_true(is_found);
                        free(k);
                }
                assert_int_equal(c[0].score_pages, c[1].score_pages);
                assert_int_equal(c[0].tier, c[1].tier);
                assert_int_equal(c[0].tier, rows[i].own < 0 ? TIER_NORMAL : TIER_PREFER);
                assert_int_equal(c[1].kernel_adjust, rows[i].written - rows[i].own);
                assert_int_equal(c[1].badness_pages - c[0].badness_pages, (rows[i].written - rows[i].own) * 131);
        }
}

/* ---- cgroups ---- */

static void test_storm_goes_as_one(void **state) {
        World *w = *state;
        world_cgroup(w, 10, "/bench.slice", INDEX_NONE, -1);
        world_cgroup(w, 11, "/bench.slice/storm.service", 0, -1);
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        for (int32_t pid = 1000; pid < 1060; pid++)
                world_process(w, pid, "child", 5 * MB, 1)->pgid = 1000;
        world_available(w, 5);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].kind, CANDIDATE_CGROUP);
        assert_int_equal(d->kill.candidates[0].cgroup_id, 11);
        assert_string_equal(d->kill.candidates[0].cgroup_path, "/bench.slice/storm.service");
        assert_int_equal(d->kill.candidates[0].n_processes, 60);
        assert_int_equal(d->kill.step, STEP_KILL);
        assert_int_equal(d->kill.rank, RANK_GROWTH);
}

/*
 * At the limit next to nothing is missing, and some child is always a little bigger than that: its death would last
 * for a moment. Seen on a busy machine, where the children did not grow evenly, and a bystander went first.
 */
static void test_storm_of_uneven_children_goes_as_one(void **state) {
        World *w = *state;
        world_cgroup(w, 10, "/bench.slice", INDEX_NONE, -1);
        world_cgroup(w, 11, "/bench.slice/storm.service", 0, -1);
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        for (int32_t pid = 1000; pid < 1060; pid++)
                world_process(w, pid, "child", (pid % 20 == 0 ? 30 : 3) * MB, 1)->pgid = 1000;
        world_available(w, 9);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_true(d->kill.deficit_bytes < 30 * MB);
        assert_int_equal(d->kill.candidates[0].kind, CANDIDATE_CGROUP);
        assert_int_equal(d->kill.candidates[0].cgroup_id, 11);
        assert_int_equal(d->kill.rank, RANK_GROWTH);
}

/* Slow workers of one service: one of them is enough, and it is one of them, not the big one next door. */
static void test_one_worker_of_many_is_enough(void **state) {
        World *w = *state;
        world_cgroup(w, 10, "/bench.slice", INDEX_NONE, -1);
        world_cgroup(w, 11, "/bench.slice/workers.service", 0, -1);
        for (int32_t pid = 1000; pid < 1010; pid++)
                world_process(w, pid, "worker", 20 * MB, 1)->pgid = 1000;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        for (int i = 0; i < 20; i++) {
                for (int32_t pid = 1000; pid < 1010; pid++)
                        world_find(w, pid)->rss_anon += (pid == 1007 ? 2 : 1) * MB / 8 / w->snap.page_size;
                host_set(&w->snap.host, HOST_MEM_AVAILABLE, w->snap.host.value[HOST_MEM_TOTAL] / 10 + (uint64_t)(20 - i) * MB / 8);
                (void)world_step(w, USEC_PER_SEC, 0, 0);
        }
        host_set(&w->snap.host, HOST_MEM_AVAILABLE, w->snap.host.value[HOST_MEM_TOTAL] / 10 - MB / 8);
        Decision *d = world_step(w, USEC_PER_SEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].kind, CANDIDATE_PROCESS);
        assert_int_equal(d->kill.candidates[0].pid, 1007);
        assert_int_equal(d->kill.rank, RANK_GROWTH);
}

static World *storm_in_session(World *w) {
        world_cgroup(w, 10, "/user.slice", INDEX_NONE, -1);
        world_cgroup(w, 11, "/user.slice/session-3.scope", 0, -1);
        ProcessSample *shell = world_process(w, 900, "bash", 3 * MB, 1);
        shell->flags |= PROCESS_HAS_TTY;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        for (int32_t pid = 1000; pid < 1060; pid++) {
                ProcessSample *p = world_process(w, pid, "child", 5 * MB, 1);
                p->pgid = 1000;
                p->sid = 900;
                p->flags |= PROCESS_HAS_TTY;
        }
        world_available(w, 5);
        return w;
}

/* The whole login session must not die for one hog in it: only the process group does. */
static void test_storm_in_a_session_spares_the_session(void **state) {
        World *w = storm_in_session(*state);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].kind, CANDIDATE_GROUP);
        assert_int_equal(d->kill.candidates[0].pgid, 1000);
        assert_int_equal(d->kill.n_members, 60);
        assert_int_equal(d->kill.members[0].pid, 1000); /* the oldest first */
        for (uint32_t i = 0; i < d->kill.n_members; i++)
                assert_int_not_equal(d->kill.members[i].pid, 900);
}

static void test_blast_radius(void **state) {
        World *w = *state;
        w->cgroup_policies[0].max_processes = 16;
        storm_in_session(w);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].kind, CANDIDATE_GROUP);
        assert_int_equal(d->kill.n_members, 16);
}

static void test_protected_member_saves_the_cgroup(void **state) {
        World *w = *state;
        world_cgroup(w, 10, "/bench.slice", INDEX_NONE, -1);
        world_cgroup(w, 11, "/bench.slice/storm.service", 0, -1);
        world_process(w, 999, "keeper", 1 * MB, 1)->tier = TIER_NEVER;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        for (int32_t pid = 1000; pid < 1060; pid++)
                world_process(w, pid, "child", 5 * MB, 1)->pgid = 1000;
        world_available(w, 5);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_not_equal(d->kill.candidates[0].kind, CANDIDATE_CGROUP);
}

static void test_oom_group(void **state) {
        World *w = *state;
        world_cgroup(w, 10, "/a.service", INDEX_NONE, -1);
        world_cgroup(w, 11, "/a.service/sub", 0, -1);
        cgroup_set(&w->cgroups[0], CGROUP_OOM_GROUP, 1);
        world_process(w, 400, "one", 150 * MB, 1);
        world_process(w, 401, "two", 10 * MB, 0);
        world_available(w, 5);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].kind, CANDIDATE_CGROUP);
        assert_int_equal(d->kill.candidates[0].cgroup_id, 10);
        assert_string_equal(d->kill.candidates[0].cgroup_path, "/a.service");
        assert_int_equal(d->kill.candidates[0].n_processes, 2);
}

static void test_marks(void **state) {
        World *w = *state;
        world_cgroup(w, 10, "/omit.service", INDEX_NONE, -1)->marks |= CGROUP_MARK_OMIT;
        world_cgroup(w, 11, "/avoid.service", INDEX_NONE, -1)->marks |= CGROUP_MARK_AVOID;
        world_cgroup(w, 12, "/avoid.service/payload", 1, -1);
        world_process(w, 400, "omitted", 200 * MB, 0);
        world_process(w, 401, "avoided", 200 * MB, 2);
        world_available(w, 5);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 100);
        assert_int_equal(d->kill.candidates[d->kill.n_candidates - 1].pid, 401);
        expect_rejected(&d->kill, 400, REJECT_OMIT);
}

static void test_protected_memory_goes_last(void **state) {
        World *w = *state;
        CgroupSample *c = world_cgroup(w, 10, "/db.service", INDEX_NONE, -1);
        cgroup_set(c, CGROUP_LOW, 300 * MB);
        cgroup_set(c, CGROUP_CURRENT, 250 * MB);
        world_process(w, 400, "db", 250 * MB, 0);
        world_available(w, 5);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 100);
        cgroup_set(c, CGROUP_CURRENT, 301 * MB);
        world_start(w);
        assert_int_equal(world_step(w, STEP_USEC, 0, 0)->kill.candidates[0].pid, 400);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(test_never),
                T(test_nobody_to_blame),
                T(test_tiers),
                T(test_lowered_score_is_not_condemned_by_growth),
                T(test_rule_adjust_counts_in_adj_units),
                T(test_score_is_the_same_with_apply_to_kernel),
                T(test_storm_goes_as_one),
                T(test_storm_of_uneven_children_goes_as_one),
                T(test_one_worker_of_many_is_enough),
                T(test_storm_in_a_session_spares_the_session),
                T(test_blast_radius),
                T(test_protected_member_saves_the_cgroup),
                T(test_oom_group),
                T(test_marks),
                T(test_protected_memory_goes_last),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

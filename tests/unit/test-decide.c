/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include "world.h"

static void grow_hog(World *w, uint64_t bytes) {
        world_find(w, 200)->rss_anon += bytes / WORLD_PAGE;
}

/* ---- lack of memory ---- */

static void test_low_memory_kills_the_grower(void **state) {
        World *w = *state;
        for (int i = 0; i < 20; i++)
                assert_false(world_step(w, USEC_PER_SEC, 0, 0)->has_kill);
        grow_hog(w, 60 * MB);
        world_available(w, 9);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 200); /* though the steady one is bigger */
        assert_int_equal(d->kill.rank, RANK_GROWTH);
        assert_int_equal(d->kill.reason, REASON_HOST_MEMORY_LOW);
        assert_int_equal(d->kill.step, STEP_TERMINATE);
        assert_int_equal(d->kill.kill_id, 1);
        assert_int_equal(d->kill.candidates[1].pid, 100);
        assert_int_equal(d->kill.condition.truth, TRUTH_TRUE);
        assert_int_equal(d->kill.condition.n_terms, 4);
        assert_true(d->kill.condition.terms[0].effective_limit == 512 * MB / 10);
        /* available < 20% is true as well, but stands beside a stall that is not there */
        assert_true(d->kill.condition.terms[0].is_decisive && d->kill.condition.terms[1].is_decisive);
        assert_int_equal(d->kill.condition.terms[3].truth, TRUTH_TRUE);
        assert_false(d->kill.condition.terms[3].is_decisive);
}

static void test_just_above_the_limit_nothing(void **state) {
        World *w = *state;
        for (int i = 0; i < 50; i++) {
                grow_hog(w, 1 * MB);
                world_available(w, 10);
                assert_false(world_step(w, USEC_PER_SEC, 0, 100)->has_kill);
        }
}

static void test_free_swap_holds_the_kill(void **state) {
        World *w = *state;
        host_set(&w->snap.host, HOST_SWAP_TOTAL, 256 * MB);
        host_set(&w->snap.host, HOST_SWAP_FREE, 26 * MB);
        world_available(w, 3);
        assert_false(world_step(w, STEP_USEC, 0, 0)->has_kill);
        host_set(&w->snap.host, HOST_SWAP_FREE, 25 * MB);
        assert_true(world_step(w, STEP_USEC, 0, 0)->has_kill);
}

/* zram: 300 MB free in name, but each of them costs 0.95 of a page of RAM */
static void test_incompressible_zram_is_not_free_memory(void **state) {
        World *w = *state;
        HostSample *h = &w->snap.host;
        host_set(h, HOST_SWAP_TOTAL, 512 * MB);
        host_set(h, HOST_SWAP_FREE, 300 * MB);
        host_set(h, HOST_ZRAM_SWAP_TOTAL, 512 * MB);
        host_set(h, HOST_ZRAM_SWAP_USED, 212 * MB);
        host_set(h, HOST_ZRAM_ORIG, 212 * MB);
        host_set(h, HOST_ZRAM_MEM_USED, 201 * MB);
        world_available(w, 3);
        (void)world_step(w, STEP_USEC, 0, 0);
        DomainView v;
        assert_int_equal(decide_domains(w->state, &v, 1), 1);
        assert_in_range(v.swap_free_bytes, 15 * MB, 17 * MB);
}

static void test_absent_value_never_kills(void **state) {
        static const HostField needed[] = { HOST_MEM_AVAILABLE, HOST_MEM_TOTAL, HOST_SWAP_TOTAL, HOST_SWAP_FREE };
        World *w = *state;
        world_available(w, 1);
        for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
                world_start(w);
                uint64_t have = w->snap.host.have;
                w->snap.host.have &= ~(UINT64_C(1) << needed[i]);
                for (int n = 0; n < 20; n++)
                        assert_false(world_step(w, USEC_PER_SEC, i < 2 ? 95 : 0, 1000)->has_kill);
                w->snap.host.have = have;
        }
        world_start(w);
        assert_true(world_step(w, USEC_PER_SEC, 0, 0)->has_kill);
}

static void test_negated_absence_never_kills(void **state) {
        World *w = *state;
        uint16_t plenty = world_share(w, METRIC_AVAILABLE, COMPARE_GT, 10, 0);
        w->cgroup_policies[0].levels[LEVEL_KILL].when = world_expr(w, EXPR_NOT, plenty, 0, 0);
        world_start(w);
        w->snap.host.have &= ~(UINT64_C(1) << HOST_MEM_AVAILABLE);
        assert_false(world_step(w, USEC_PER_SEC, 0, 0)->has_kill);
}

static void test_asks_for_processes_first(void **state) {
        World *w = *state;
        uint32_t n = w->snap.n_processes;
        world_available(w, 5);
        w->snap.detail = 0;
        w->snap.n_processes = 0;
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_false(d->has_kill);
        assert_true(d->need_now);
        assert_true(d->need & DETAIL_PROCESSES);
        assert_int_equal(d->held.hold, HOLD_NEEDS_DETAIL);
        /* what was known of them before is not enough to kill by */
        w->snap.detail = DETAIL_RECORD;
        w->snap.n_processes = n;
        d = world_step(w, 0, 0, 0);
        assert_false(d->has_kill);
        assert_true(d->need_now);
        assert_true(d->need & DETAIL_PROCESSES);
        assert_int_equal(d->held.hold, HOLD_NEEDS_DETAIL);
        w->snap.detail = DETAIL_PROCESSES | DETAIL_KNOWN_CGROUPS;
        assert_true(world_step(w, 0, 0, 0)->has_kill);
}

/* ---- stall ---- */

static Decision *stall_for(World *w, uint64_t usec, uint64_t percent, uint64_t scanned) {
        Decision *d = NULL;
        for (uint64_t t = 0; t < usec; t += STEP_USEC) {
                d = world_step(w, STEP_USEC, percent, scanned);
                if (d->has_kill)
                        return d;
        }
        return d;
}

static void test_stall_kills_after_its_time(void **state) {
        World *w = *state;
        (void)stall_for(w, 3 * USEC_PER_SEC, 0, 0);
        world_available(w, 12);
        uint64_t before = w->snap.mono_usec;
        Decision *d = stall_for(w, 30 * USEC_PER_SEC, 60, 50);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.reason, REASON_HOST_PRESSURE);
        uint64_t after = w->snap.mono_usec - before;
        assert_in_range(after, 6 * USEC_PER_SEC, 8 * USEC_PER_SEC);
}

static void test_stall_just_below_or_too_short(void **state) {
        World *w = *state;
        world_available(w, 12);
        assert_false(stall_for(w, 30 * USEC_PER_SEC, 39, 50)->has_kill);
        for (int i = 0; i < 5; i++) {
                assert_false(stall_for(w, 5 * USEC_PER_SEC, 60, 50)->has_kill);
                assert_false(stall_for(w, 5 * USEC_PER_SEC, 0, 50)->has_kill);
        }
}

static void test_stall_without_evidence_is_held(void **state) {
        World *w = *state;
        world_available(w, 12);
        Decision *d = stall_for(w, 30 * USEC_PER_SEC, 80, /* scanned= */ 0);
        assert_false(d->has_kill);
        assert_true(d->has_held);
        assert_int_equal(d->held.hold, HOLD_NO_EVIDENCE);
        assert_true(stall_for(w, 2 * STEP_USEC, 80, 10)->has_kill);
}

/* The rule of thumb that peers got wrong: pressure from I/O or a limited cgroup, with plenty of memory. */
static void test_stall_with_plenty_of_memory_is_held(void **state) {
        World *w = *state;
        uint16_t full = world_share(w, METRIC_FULL, COMPARE_GT, 40, 2 * USEC_PER_SEC);
        w->cgroup_policies[0].levels[LEVEL_KILL].when = full;
        world_start(w);
        world_available(w, 60);
        Decision *d = stall_for(w, 30 * USEC_PER_SEC, 90, 1000);
        assert_false(d->has_kill);
        assert_int_equal(d->held.hold, HOLD_NOT_SHORT);
}

static void test_counter_reset_is_no_stall(void **state) {
        World *w = *state;
        world_available(w, 12);
        (void)stall_for(w, 3 * USEC_PER_SEC, 0, 10);
        w->snap.host.value[HOST_PSI_FULL_USEC] = 1000 * USEC_PER_SEC;
        /* one jump forward is a stall of 100 % for one window, but not for 6 s */
        assert_false(stall_for(w, 5 * USEC_PER_SEC, 0, 10)->has_kill);
        w->snap.host.value[HOST_PSI_FULL_USEC] = 0;
        assert_false(stall_for(w, 5 * USEC_PER_SEC, 0, 10)->has_kill);
        assert_true(stall_for(w, 10 * USEC_PER_SEC, 60, 10)->has_kill);
}

static void test_suspend_gives_no_credit(void **state) {
        World *w = *state;
        uint16_t low = world_share(w, METRIC_AVAILABLE, COMPARE_LT, 30, 0);
        w->cgroup_policies[0].levels[LEVEL_KILL].when = world_expr(w, EXPR_FOR, low, 0, 10 * USEC_PER_SEC);
        world_start(w);
        world_available(w, 20);
        (void)world_step(w, USEC_PER_SEC, 0, 0);
        assert_false(world_step(w, 3600 * USEC_PER_SEC, 0, 0)->has_kill);
        for (int i = 0; i < 7; i++)
                assert_false(world_step(w, USEC_PER_SEC, 0, 0)->has_kill);
        assert_true(world_step(w, USEC_PER_SEC, 0, 0)->has_kill);
}

static void test_time_backwards_is_ignored(void **state) {
        World *w = *state;
        (void)world_step(w, USEC_PER_SEC, 0, 0);
        w->snap.mono_usec -= 10 * USEC_PER_SEC;
        world_available(w, 1);
        assert_int_equal(decide_step(w->state, &w->snap, &w->decision), 0);
        assert_false(w->decision.has_kill);
        w->snap.mono_usec += 10 * USEC_PER_SEC;
        assert_true(world_step(w, STEP_USEC, 0, 0)->has_kill);
}

/* A loop that was starved for 9 s sees one delta over 9 s: exact, and it counts, with 2 s of credit a step. */
static void test_starved_loop_still_kills(void **state) {
        World *w = *state;
        world_available(w, 12);
        (void)stall_for(w, 3 * USEC_PER_SEC, 0, 10);
        int steps = 0;
        while (!world_step(w, 9 * USEC_PER_SEC, 90, 100)->has_kill)
                assert_true(++steps < 6);
}

/* ---- exhaustion ---- */

static void test_exhaustion(void **state) {
        World *w = *state;
        uint16_t soon = world_term(w, METRIC_EXHAUSTION, COMPARE_LT, UNIT_USEC, 1500 * USEC_PER_MSEC, USEC_PER_SEC, true);
        w->cgroup_policies[0].levels[LEVEL_KILL].when = soon;
        world_start(w);
        /* 1 % of RAM every 100 ms: from 80 % it is gone in 8 s; below 1.5 s it is time */
        for (uint64_t percent = 80; percent >= 16; percent--) {
                world_available(w, percent);
                assert_false(world_step(w, STEP_USEC, 0, 0)->has_kill);
        }
        world_available(w, 14);
        grow_hog(w, 50 * MB);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.reason, REASON_HOST_EXHAUSTION);
}

/* ---- after the kill ---- */

static Decision *kill_hog(World *w) {
        grow_hog(w, 100 * MB);
        world_available(w, 8);
        Decision *d = world_step(w, STEP_USEC, 0, 10);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 200);
        return d;
}

static void test_one_kill_in_flight(void **state) {
        World *w = *state;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        uint64_t id = kill_hog(w)->kill.kill_id;
        world_kill_status(w, id, KILL_PENDING, 0);
        for (int i = 0; i < 19; i++) {
                Decision *d = world_step(w, STEP_USEC, 0, 10);
                assert_false(d->has_kill);
        }
}

static void test_escalates_after_grace_if_still_needed(void **state) {
        World *w = *state;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        uint64_t id = kill_hog(w)->kill.kill_id, start = w->snap.mono_usec;
        world_kill_status(w, id, KILL_PENDING, 0);
        Decision *d;
        do
                d = world_step(w, STEP_USEC, 0, 10);
        while (!d->has_kill && w->snap.mono_usec < start + 10 * USEC_PER_SEC);
        assert_true(d->has_kill && d->kill.is_escalation);
        assert_int_equal(d->kill.kill_id, id);
        assert_int_equal(d->kill.step, STEP_KILL);
        assert_int_equal(d->kill.n_candidates, 1);
        assert_int_equal(d->kill.candidates[0].pid, 200);
        assert_true(w->snap.mono_usec - start == 2 * USEC_PER_SEC);
}

static void test_escalates_at_once_when_it_gets_worse(void **state) {
        World *w = *state;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        uint64_t id = kill_hog(w)->kill.kill_id;
        world_kill_status(w, id, KILL_PENDING, 0);
        world_available(w, 3);
        Decision *d = world_step(w, STEP_USEC, 0, 10);
        assert_true(d->has_kill && d->kill.is_escalation);
}

static void test_no_escalation_when_memory_is_back(void **state) {
        World *w = *state;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        uint64_t id = kill_hog(w)->kill.kill_id;
        world_kill_status(w, id, KILL_PENDING, 0);
        world_available(w, 40);
        for (int i = 0; i < 60; i++)
                assert_false(world_step(w, STEP_USEC, 0, 0)->has_kill);
}

static void test_failed_candidates_are_passed_over(void **state) {
        World *w = *state;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        uint64_t id = kill_hog(w)->kill.kill_id;
        world_process(w, 300, "late", 60 * MB, INDEX_NONE);
        world_kill_status(w, id, KILL_FAILED, 0);
        Decision *d = world_step(w, STEP_USEC, 0, 10);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 300);
        assert_int_equal(d->kill.n_candidates, 1);
        bool found = false;
        for (uint32_t i = 0; i < d->kill.n_rejected; i++)
                found |= d->kill.rejected[i].pid == 200 && d->kill.rejected[i].reject == REJECT_TRIED;
        assert_true(found);
}

static void test_expired_victim_then_the_next(void **state) {
        World *w = *state;
        w->cgroup_policies[0].levels[LEVEL_KILL].steps = 1u << STEP_KILL;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        uint64_t id = kill_hog(w)->kill.kill_id;
        world_kill_status(w, id, KILL_EXPIRED, 0);
        Decision *d = world_step(w, STEP_USEC, 0, 10);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.candidates[0].pid, 100);
        assert_int_equal(d->kill.kill_id, id + 1);
}

static void test_after_exit_it_waits_for_the_memory_to_show(void **state) {
        World *w = *state;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        uint64_t id = kill_hog(w)->kill.kill_id;
        world_exit(w, 200);
        world_kill_status(w, id, KILL_EXITED, 0);
        Decision *d = world_step(w, STEP_USEC, 0, 10);
        assert_false(d->has_kill);
        assert_int_equal(d->held.hold, HOLD_COOLDOWN);
        w->snap.n_kills = 0;
        d = world_step(w, STEP_USEC, 0, 10);
        assert_false(d->has_kill);
        assert_true(world_step(w, STEP_USEC, 0, 10)->has_kill); /* still low 200 ms later: the next one */
}

static void test_stall_starts_anew_after_a_kill(void **state) {
        World *w = *state;
        world_available(w, 12);
        Decision *d = stall_for(w, 30 * USEC_PER_SEC, 80, 10);
        assert_true(d->has_kill);
        world_exit(w, d->kill.candidates[0].pid);
        world_kill_status(w, d->kill.kill_id, KILL_EXITED, 0);
        uint64_t start = w->snap.mono_usec;
        d = stall_for(w, 30 * USEC_PER_SEC, 80, 10);
        assert_true(d->has_kill);
        assert_true(w->snap.mono_usec - start >= 8 * USEC_PER_SEC);
}

/* ---- in a cgroup ---- */

static CgroupSample *limited_world(World *w) {
        world_limited_policy(w);
        world_start(w);
        CgroupSample *c = world_cgroup(w, 50, "/bench.slice/web.service", INDEX_NONE, 1);
        cgroup_set(c, CGROUP_HIGH, 80 * MB);
        cgroup_set(c, CGROUP_MAX, CGROUP_NO_LIMIT);
        cgroup_set(c, CGROUP_CURRENT, 80 * MB);
        cgroup_set(c, CGROUP_EVENT_HIGH, 0);
        world_process(w, 600, "web", 78 * MB, 0);
        return c;
}

static Decision *stall_cgroup(World *w, CgroupSample *c, uint64_t usec, uint64_t percent, uint64_t events) {
        for (uint64_t t = 0; t < usec; t += STEP_USEC) {
                c->value[CGROUP_PSI_FULL_USEC] += STEP_USEC * percent / 100;
                c->value[CGROUP_EVENT_HIGH] += events;
                if (world_step(w, STEP_USEC, 0, 0)->has_kill)
                        break;
        }
        return &w->decision;
}

/* Without swap pgscan stays 0 for ever: events.high is the evidence. The host is not the matter. */
static void test_own_limit(void **state) {
        World *w = *state;
        CgroupSample *c = limited_world(w);
        Decision *d = stall_cgroup(w, c, 30 * USEC_PER_SEC, 90, 1);
        assert_true(d->has_kill);
        assert_int_equal(d->kill.reason, REASON_CGROUP_OWN_LIMIT);
        assert_int_equal(d->kill.domain_id, 50);
        assert_int_equal(d->kill.candidates[0].pid, 600);
        assert_int_equal(d->kill.n_candidates, 1); /* nobody outside the cgroup in trouble */
}

static void test_own_limit_without_events_is_held(void **state) {
        World *w = *state;
        CgroupSample *c = limited_world(w);
        Decision *d = stall_cgroup(w, c, 30 * USEC_PER_SEC, 90, 0);
        assert_false(d->has_kill);
        assert_int_equal(d->held.hold, HOLD_NO_EVIDENCE);
}

static void test_recreated_cgroup_starts_calm(void **state) {
        World *w = *state;
        CgroupSample *c = limited_world(w);
        assert_false(stall_cgroup(w, c, 7 * USEC_PER_SEC, 90, 1)->has_kill);
        c->id = 51;
        assert_false(stall_cgroup(w, c, 7 * USEC_PER_SEC, 90, 1)->has_kill);
        assert_true(stall_cgroup(w, c, 6 * USEC_PER_SEC, 90, 1)->has_kill);
}

static void test_host_waits_for_the_kill_in_a_cgroup(void **state) {
        World *w = *state;
        CgroupSample *c = limited_world(w);
        Decision *d = stall_cgroup(w, c, 30 * USEC_PER_SEC, 90, 1);
        assert_true(d->has_kill);
        world_kill_status(w, d->kill.kill_id, KILL_PENDING, 0);
        world_available(w, 5);
        d = world_step(w, STEP_USEC, 0, 0);
        assert_int_equal(d->held.hold, HOLD_KILL_IN_FLIGHT);
        assert_int_equal(d->held.domain_id, 0);
        /* but not for that one's grace: a user must not hold the host up with a victim deaf to SIGTERM */
        assert_true(d->has_kill && d->kill.is_escalation);
        assert_int_equal(d->kill.domain_id, 50);
        d = world_step(w, STEP_USEC, 0, 0);
        assert_false(d->has_kill);
        assert_int_equal(d->held.hold, HOLD_KILL_IN_FLIGHT);
}

/* ---- levels ---- */

static void test_levels_and_hysteresis(void **state) {
        World *w = *state;
        world_available(w, 14);
        Decision *d = world_step(w, STEP_USEC, 0, 0);
        assert_int_equal(d->n_changes, 1);
        assert_int_equal(d->changes[0].from, LEVEL_CALM);
        assert_int_equal(d->changes[0].to, LEVEL_WARN);
        assert_int_equal(d->changes[0].steps, 1u << STEP_NOTIFY);
        for (int i = 0; i < 40; i++) { /* flutters around the limit: no further change */
                world_available(w, i % 2 ? 14 : 16);
                assert_int_equal(world_step(w, STEP_USEC, 0, 0)->n_changes, 0);
        }
        world_available(w, 30);
        uint64_t start = w->snap.mono_usec;
        while (world_step(w, STEP_USEC, 0, 0)->n_changes == 0)
                assert_true(w->snap.mono_usec - start < 10 * USEC_PER_SEC);
        assert_int_equal(w->decision.changes[0].to, LEVEL_CALM);
        assert_true(w->snap.mono_usec - start >= 5 * USEC_PER_SEC);
}

static void test_calm_host_sleeps(void **state) {
        World *w = *state;
        /* a clock that runs as long as all is well, as in Until=full < 5% for 10s, is no reason to wake up */
        uint16_t quiet = world_share(w, METRIC_FULL, COMPARE_LT, 5, 10 * USEC_PER_SEC);
        w->cgroup_policies[0].levels[LEVEL_WARN].until = world_expr(w, EXPR_FOR, quiet, 0, 10 * USEC_PER_SEC);
        world_start(w);
        w->snap.host.value[HOST_MEM_TOTAL] = 64 * 1024 * MB;
        world_available(w, 90);
        Decision *d = NULL;
        for (int i = 0; i < 20; i++)
                d = world_step(w, USEC_PER_SEC, 0, 0);
        assert_true(d->next_usec == USEC_PER_SEC);
        assert_int_equal(d->need, 0);
        world_available(w, 5);
        assert_true(world_step(w, USEC_PER_SEC, 0, 0)->next_usec == 50 * USEC_PER_MSEC);
}

/* ---- confirm, dry-run ---- */

static void test_confirm(void **state) {
        World *w = *state;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        Decision *d = kill_hog(w);
        w->snap.mono_usec += 5 * USEC_PER_MSEC;
        w->snap.detail = 0;
        w->snap.n_processes = 0;
        assert_int_equal(decide_confirm(w->state, &w->snap, &d->kill), HOLD_NONE);
        world_available(w, 50);
        assert_int_equal(decide_confirm(w->state, &w->snap, &d->kill), HOLD_NOT_CONFIRMED);
        w->snap.host.have &= ~(UINT64_C(1) << HOST_MEM_AVAILABLE);
        assert_int_equal(decide_confirm(w->state, &w->snap, &d->kill), HOLD_NOT_CONFIRMED);
        decide_cancel(w->state, d->kill.kill_id, HOLD_NOT_CONFIRMED);
        DomainView v;
        assert_int_equal(decide_domains(w->state, &v, 1), 1);
        assert_true(v.kill_in_flight == 0);
}

static void test_dry_run_does_not_repeat_itself(void **state) {
        World *w = *state;
        w->policy.daemon.dry_run = true;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        Decision *d = kill_hog(w);
        assert_true(d->kill.dry_run);
        world_kill_status(w, d->kill.kill_id, KILL_EXITED, 0);
        (void)world_step(w, STEP_USEC, 0, 0);
        w->snap.n_kills = 0;
        /* the hog lives on in truth, and memory stays low: its memory counts as free, nobody else is named */
        for (int i = 0; i < 300; i++)
                assert_false(world_step(w, STEP_USEC, 60, 10)->has_kill);
        /* the hog is gone, and memory is low all the same: now it is somebody else */
        world_exit(w, 200);
        assert_true(world_step(w, STEP_USEC, 0, 10)->has_kill);
        assert_int_equal(w->decision.kill.candidates[0].pid, 100);
}

/* One kill alone is not carried out, in a state that is no dry run: as there, and only that one. */
static void test_virtual_kill(void **state) {
        World *w = *state;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        Decision *d = kill_hog(w);
        assert_false(d->kill.dry_run);
        decide_kill_virtually(w->state, d->kill.kill_id);
        decide_kill_virtually(w->state, 4711);
        world_kill_status(w, d->kill.kill_id, KILL_EXITED, 0);
        (void)world_step(w, STEP_USEC, 0, 0);
        w->snap.n_kills = 0;
        for (int i = 0; i < 300; i++)
                assert_false(world_step(w, STEP_USEC, 60, 10)->has_kill);
        world_exit(w, 200);
        d = world_step(w, STEP_USEC, 0, 10);
        assert_true(d->has_kill && !d->kill.dry_run);
        assert_int_equal(d->kill.candidates[0].pid, 100);
}

static void test_explain_changes_nothing(void **state) {
        World *w = *state;
        (void)world_step(w, 20 * USEC_PER_SEC, 0, 0);
        KillDecision *k = calloc(1, sizeof(*k));
        assert_int_equal(decide_explain(w->state, &w->snap, 0, k), 0);
        assert_int_equal(k->candidates[0].pid, 100);
        assert_int_equal(k->condition.truth, TRUTH_FALSE);
        assert_int_equal(decide_explain(w->state, &w->snap, 4711, k), -ENOENT);
        free(k);
        assert_int_equal(kill_hog(w)->kill.kill_id, 1);
}

static void test_malformed_snapshot(void **state) {
        World *w = *state;
        world_available(w, 1);
        w->snap.page_size = 0;
        assert_int_equal(decide_step(w->state, &w->snap, &w->decision), -EINVAL);
        w->snap.page_size = WORLD_PAGE;
        w->snap.n_processes = WORLD_PROCESSES + 1;
        assert_int_equal(decide_step(w->state, &w->snap, &w->decision), -EINVAL);
        w->snap.n_processes = 3;
        world_cgroup(w, 10, "/x", /* parent= */ 99999, 77);
        assert_int_equal(decide_step(w->state, &w->snap, &w->decision), -EINVAL);
        w->cgroups[0].policy = -1;
        w->processes[1].cgroup = 4711; /* indices out of range are read as none */
        assert_int_equal(decide_step(w->state, &w->snap, &w->decision), 0);
        assert_true(w->decision.has_kill);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(test_low_memory_kills_the_grower),
                T(test_just_above_the_limit_nothing),
                T(test_free_swap_holds_the_kill),
                T(test_incompressible_zram_is_not_free_memory),
                T(test_absent_value_never_kills),
                T(test_negated_absence_never_kills),
                T(test_asks_for_processes_first),
                T(test_stall_kills_after_its_time),
                T(test_stall_just_below_or_too_short),
                T(test_stall_without_evidence_is_held),
                T(test_stall_with_plenty_of_memory_is_held),
                T(test_counter_reset_is_no_stall),
                T(test_suspend_gives_no_credit),
                T(test_time_backwards_is_ignored),
                T(test_starved_loop_still_kills),
                T(test_exhaustion),
                T(test_one_kill_in_flight),
                T(test_escalates_after_grace_if_still_needed),
                T(test_escalates_at_once_when_it_gets_worse),
                T(test_no_escalation_when_memory_is_back),
                T(test_failed_candidates_are_passed_over),
                T(test_expired_victim_then_the_next),
                T(test_after_exit_it_waits_for_the_memory_to_show),
                T(test_stall_starts_anew_after_a_kill),
                T(test_own_limit),
                T(test_own_limit_without_events_is_held),
                T(test_recreated_cgroup_starts_calm),
                T(test_host_waits_for_the_kill_in_a_cgroup),
                T(test_levels_and_hysteresis),
                T(test_calm_host_sleeps),
                T(test_confirm),
                T(test_dry_run_does_not_repeat_itself),
                T(test_virtual_kill),
                T(test_explain_changes_nothing),
                T(test_malformed_snapshot),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Was a kill right? One history for each answer; and what is claimed of stalls. */

#include "test.h"

#include "sim-host.h"

#define GB (1024 * MB)

/* It would have ended by itself two seconds later. */
static void test_unnecessary(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 0);
        PlanQuestion q = host_question(h);
        q.ram_bytes = GB;
        h->processes[1].end_usec = h->begin_usec + 73 * USEC_PER_SEC; /* 1 GiB is short from 72.x s on */
        PlanOutcome o = host_answer(h, &q, 500 * USEC_PER_SEC);
        const PlanEvent *e = event_find(&o, PLAN_EVENT_KILL);
        assert_non_null(e);
        assert_int_equal(o.n_kills, 1);
        assert_int_equal(e->regret, PLAN_REGRET_UNNECESSARY);
        assert_int_equal(o.n_regret[0], 1);
        plan_outcome_done(&o);
        host_free(h);
}

/* It would have gone on, and taken all there is; or stayed where it was, with nothing left. */
static void test_necessary(void **state) {
        (void)state;
        static const uint64_t ends[] = { 0, 780 * MB };
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                Host *h = host_with_leak(2 * GB, ends[i]);
                h->total = i == 0 ? 8 * GB : h->total; /* as big as the leak will be */
                PlanQuestion q = host_question(h);
                q.ram_bytes = GB;
                PlanOutcome o = host_answer(h, &q, 500 * USEC_PER_SEC);
                assert_int_equal(o.n_kills, 1);
                assert_int_equal(o.n_regret[0], 0);
                plan_outcome_done(&o);
                host_free(h);
        }
}

/* The record ends before it can be told. */
static void test_not_told(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 0);
        PlanQuestion q = host_question(h);
        q.ram_bytes = GB;
        h->processes[1].end_usec = h->begin_usec + 73 * USEC_PER_SEC;
        PlanOutcome o = host_answer(h, &q, 200 * USEC_PER_SEC);
        assert_int_equal(o.n_kills, 1);
        assert_int_equal(o.n_regret[0], 0);
        plan_outcome_done(&o);
        host_free(h);
}

/* Who is steady and big goes by badness, though another one grows: the policy says so, and is told that it was wrong. */
static void test_wrong_victim(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 0);
        PlanQuestion q = host_question(h);
        q.ram_bytes = GB;
        h->processes[0].bytes = 550 * MB;
        h->world->cgroup_policies[0].rank = RANK_BADNESS;
        PlanOutcome o = host_answer(h, &q, 60 * USEC_PER_SEC);
        const PlanEvent *e = event_find(&o, PLAN_EVENT_KILL);
        assert_non_null(e);
        assert_string_equal(e->comm, "service");
        assert_true(e->regret & PLAN_REGRET_WRONG_VICTIM);
        plan_outcome_done(&o);
        host_free(h);
}

/* A stall that the record itself has seen, a quarter of a minute long, before memory ran out. */
static void test_late(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 0);
        PlanQuestion q = host_question(h), patient = q;
        q.ram_bytes = patient.ram_bytes = GB;
        patient.stall_bound_permyriad = 5000;
        PlanSim *a = host_ask(h, &q), *b = host_ask(h, &patient);
        host_start(h);
        host_record(h, 50 * USEC_PER_SEC);
        for (int i = 0; i < 15; i++) {
                host_record(h, USEC_PER_SEC);
                h->full_usec += USEC_PER_SEC;
        }
        host_record(h, 30 * USEC_PER_SEC);
        PlanOutcome oa = host_finish(a), ob = host_finish(b);
        assert_int_equal(event_find(&oa, PLAN_EVENT_KILL)->regret, PLAN_REGRET_LATE);
        assert_int_equal(event_find(&ob, PLAN_EVENT_KILL)->regret, 0);
        assert_true(event_find(&oa, PLAN_EVENT_KILL)->stall_usec >= 14 * USEC_PER_SEC);
        assert_true(oa.stall_usec >= 15 * USEC_PER_SEC);
        /* a quarter of a minute, and what is modelled of the last look */
        assert_true(oa.worst_stall_permyriad >= 2500 && oa.worst_stall_permyriad < 2700);
        plan_outcome_done(&oa);
        plan_outcome_done(&ob);
        host_free(h);
}

/* Cache that is used and does not fit is a stall; without any pressure in the record its length is a guess, and says so. */
static void test_stall_of_a_cache_that_does_not_fit(void **state) {
        (void)state;
        for (int calibrated = 0; calibrated < 2; calibrated++) {
                Host *h = host_with_leak(2 * GB, 100 * MB);
                h->cgroups[2].file = h->cgroups[2].active = 500 * MB;
                PlanQuestion q = host_question(h), enough = q;
                q.ram_bytes = 600 * MB;
                enough.ram_bytes = GB;
                PlanSim *a = host_ask(h, &q), *b = host_ask(h, &enough);
                host_start(h);
                host_record(h, 30 * USEC_PER_SEC);
                if (calibrated) { /* 64 MB came back in two seconds of stall */
                        h->full_usec += 2 * USEC_PER_SEC;
                        h->refaulted += 64 * MB / WORLD_PAGE;
                        h->now_usec += 2 * USEC_PER_SEC;
                }
                host_record(h, 90 * USEC_PER_SEC);
                PlanOutcome oa = host_finish(a), ob = host_finish(b);
                assert_int_equal(oa.is_stall_calibrated, calibrated);
                assert_true(oa.worst_stall_permyriad > 500);
                assert_true(ob.worst_stall_permyriad < 500);
                if (!calibrated) {
                        assert_int_equal(oa.confidence, PLAN_LOW);
                        assert_int_equal(ob.confidence, PLAN_MODELLED);
                }
                plan_outcome_done(&oa);
                plan_outcome_done(&ob);
                host_free(h);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unnecessary),   cmocka_unit_test(test_necessary),
                cmocka_unit_test(test_not_told),      cmocka_unit_test(test_wrong_victim),
                cmocka_unit_test(test_late),          cmocka_unit_test(test_stall_of_a_cache_that_does_not_fit),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

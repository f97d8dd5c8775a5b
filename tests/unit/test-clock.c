/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "plan/clock.h"

#define S USEC_PER_SEC

static void start(PlanClock *c, const char *boot) {
        TraceRecord r = { .kind = TRACE_START, .start.interval_usec = 10 * S };
        (void)strcpy(r.start.boot_id, boot);
        plan_clock_note(c, &r);
}

static void test_steps(void **unused) {
        (void)unused;
        PlanClock c;
        plan_clock_init(&c);
        start(&c, "a");
        assert_int_equal(plan_clock_step(&c, 100 * S, 1000 * S), 0);
        assert_int_equal(plan_clock_step(&c, 101 * S, 1001 * S), S);
        assert_int_equal(plan_clock_step(&c, 111 * S, 1011 * S), 10 * S);
        assert_int_equal(c.n_gaps, 0);
        assert_int_equal(c.observed_usec, 11 * S);
        assert_int_equal(c.axis_usec, 11 * S);
        /* the next file of the same recorder is no gap */
        start(&c, "a");
        assert_int_equal(plan_clock_step(&c, 112 * S, 1012 * S), S);
        assert_int_equal(c.n_gaps, 0);
        assert_int_equal(c.n_boots, 1);
}

/* A recorder that claims to be silent for years: what lies between two samples is a gap all the same. */
static void test_absurd_interval(void **unused) {
        (void)unused;
        TraceRecord r = { .kind = TRACE_START, .start = { .boot_id = "a", .interval_usec = UINT64_MAX } };
        PlanClock c;
        plan_clock_init(&c);
        plan_clock_note(&c, &r);
        assert_int_equal(plan_clock_step(&c, 100 * S, 1000 * S), 0);
        assert_int_equal(plan_clock_step(&c, 1000 * S, 1900 * S), 900 * S);
        assert_int_equal(plan_clock_step(&c, 9000 * S, 9900 * S), 0);
        assert_int_equal(c.n_gaps, 1);
        assert_int_equal(c.observed_usec, 900 * S);
}

static void test_gaps(void **unused) {
        (void)unused;
        static const struct {
                PlanGapWhy why;
                bool lost;
                const char *boot;
                uint64_t mono, real, span;
        } rows[] = {
                { PLAN_GAP_LOST, true, NULL, 101, 1001, 1 },
                { PLAN_GAP_SILENCE, false, NULL, 100 + 41, 1041, 41 },  /* four intervals are 40 s */
                { PLAN_GAP_CLOCK, false, NULL, 101, 1001 + 600, 601 },  /* suspend: only the wall clock went on */
                { PLAN_GAP_CLOCK, false, NULL, 101, 900, 1 },           /* somebody has set it back */
                { PLAN_GAP_BOOT, false, "b", 5, 1100, 100 },
                { PLAN_GAP_BOOT, true, "b", 500, 1100, 100 },           /* the reboot explains the loss */
                { PLAN_GAP_BOOT, false, NULL, 5, 1100, 100 },           /* time that runs backwards is another boot */
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                PlanClock c;
                plan_clock_init(&c);
                start(&c, "a");
                (void)plan_clock_step(&c, 100 * S, 1000 * S);
                if (rows[i].lost)
                        plan_clock_note(&c, &(TraceRecord){ .kind = TRACE_GAP });
                if (rows[i].boot)
                        start(&c, rows[i].boot);
                assert_int_equal(plan_clock_step(&c, rows[i].mono * S, rows[i].real * S), 0);
                assert_int_equal(c.n_gaps, 1);
                if (c.gaps[0].why != rows[i].why)
                        fail_msg("row %zu: %s", i, plan_gap_why_to_string(c.gaps[0].why));
                assert_int_equal(c.gaps[0].span_usec, rows[i].span * S);
                assert_int_equal(c.axis_usec, rows[i].span * S);
                assert_int_equal(c.observed_usec, 0);
                /* and from there on as before */
                assert_int_equal(plan_clock_step(&c, (rows[i].mono + 1) * S, (rows[i].real + 1) * S), S);
                assert_int_equal(c.observed_usec, S);
        }
}

static void test_many_gaps(void **unused) {
        (void)unused;
        PlanClock c;
        plan_clock_init(&c);
        start(&c, "a");
        for (uint64_t i = 0; i < 2 * PLAN_GAPS_MAX; i++)
                (void)plan_clock_step(&c, i * 3600 * S, i * 3600 * S + 1);
        assert_int_equal(c.n_gaps, 2 * PLAN_GAPS_MAX - 1);
        assert_int_equal(c.gaps[PLAN_GAPS_MAX - 1].axis_usec, (PLAN_GAPS_MAX - 1) * 3600 * S);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_steps),
                cmocka_unit_test(test_absurd_interval), cmocka_unit_test(test_gaps),
                cmocka_unit_test(test_many_gaps),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include "plan/timeline.h"

/* Whatever the length: the least and the most are there, and no sample is lost. */
static void test_extremes(void **unused) {
        (void)unused;
        static const uint64_t lengths[] = { 1, 7, TIMELINE_POINTS, TIMELINE_POINTS + 1, 10000, 1000000 };

        for (size_t k = 0; k < ARRAY_SIZE(lengths); k++) {
                Timeline *t = calloc(1, sizeof(*t));
                uint64_t dip = lengths[k] * 2 / 3, least = UINT64_MAX, most = 0, n = 0;
                assert_non_null(t);
                timeline_init(t);
                for (uint64_t i = 0; i < lengths[k]; i++) {
                        HostMoment m = { .axis_usec = i * USEC_PER_SEC, .headroom_bytes = i == dip ? 5 : 1000 + i % 10 };
                        m.stack[STACK_ANON] = m.headroom_bytes;
                        timeline_add(t, &m);
                }
                assert_true(t->n_points > 0 && t->n_points <= TIMELINE_POINTS);
                for (uint32_t i = 0; i < t->n_points; i++) {
                        const TimelinePoint *p = &t->points[i];
                        n += p->n;
                        if (p->n == 0)
                                continue;
                        /* the moment is whole: its parts belong to its headroom */
                        assert_int_equal(p->worst.stack[STACK_ANON], p->worst.headroom_bytes);
                        assert_int_equal(p->worst.axis_usec / t->width_usec, i);
                        least = MIN(least, p->worst.headroom_bytes);
                        most = MAX(most, p->headroom_max_bytes);
                }
                assert_int_equal(n, lengths[k]);
                assert_int_equal(least, 5);
                if (lengths[k] >= 30)
                        assert_int_equal(most, 1009);
                free(t);
        }
}

static void test_hole(void **unused) {
        (void)unused;
        Timeline *t = calloc(1, sizeof(*t));
        assert_non_null(t);
        timeline_init(t);
        timeline_add(t, &(HostMoment){ .axis_usec = 0, .headroom_bytes = 1 });
        timeline_add(t, &(HostMoment){ .axis_usec = UINT64_C(1) << 60, .headroom_bytes = 2 });
        assert_true(t->n_points <= TIMELINE_POINTS);
        assert_int_equal(t->points[0].n, 1);
        assert_int_equal(t->points[t->n_points - 1].n, 1);
        assert_int_equal(t->points[t->n_points / 2].n, 0);
        free(t);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_extremes), cmocka_unit_test(test_hole) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

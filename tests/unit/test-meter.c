/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include "daemon/meter.h"

static void test_quantiles(void **state) {
        (void)state;
        Meter m = { 0 };
        assert_int_equal(meter_quantile(&m, 9900), 0);
        assert_int_equal(meter_mean(&m), 0);
        for (uint64_t i = 1; i <= 1000; i++)
                meter_add(&m, i);
        assert_int_equal(m.n, 1000);
        assert_int_equal(m.max_usec, 1000);
        assert_int_equal(meter_mean(&m), 500);
        /* an upper bound, at most a quarter too big */
        assert_in_range(meter_quantile(&m, 5000), 500, 625);
        assert_in_range(meter_quantile(&m, 9900), 990, 1000);
        assert_int_equal(meter_quantile(&m, PERMYRIAD), 1000);
        assert_int_equal(meter_quantile(&m, 0), 1);
}

static void test_one_outlier_of_two(void **state) {
        (void)state;
        Meter m = { 0 };
        meter_add(&m, 10);
        meter_add(&m, 5000);
        assert_int_equal(meter_quantile(&m, 9900), 5000);
}

static void test_extremes(void **state) {
        (void)state;
        Meter m = { 0 };
        for (unsigned i = 0; i < 64; i++) {
                meter_add(&m, UINT64_C(1) << i);
                meter_add(&m, (UINT64_C(1) << i) - 1);
        }
        meter_add(&m, UINT64_MAX);
        assert_true(m.max_usec == UINT64_MAX);
        assert_true(meter_quantile(&m, PERMYRIAD) == UINT64_MAX);
        assert_true(m.sum_usec == UINT64_MAX);
        /* every duration lies at or below the quantile that it determines */
        for (uint64_t v = 0; v < 100000; v = v * 9 / 8 + 1) {
                Meter one = { 0 };
                meter_add(&one, v);
                meter_add(&one, v * 2 + 2);
                assert_in_range(meter_quantile(&one, 1), v, v + v / 4);
        }
}

static uint64_t recent_n(const MeterRecent *r, uint64_t now) {
        Meter m;
        meter_recent_get(r, now, &m);
        return m.n;
}

/* What is older than two minutes is forgotten, what is younger than one never. */
static void test_recent(void **state) {
        (void)state;
        const uint64_t minute = METER_RECENT_USEC, start = 1000 * minute + 5;
        MeterRecent r = { 0 };
        Meter m;

        assert_int_equal(recent_n(&r, start), 0);
        for (uint64_t i = 0; i < 60; i++)
                meter_recent_add(&r, start + i * USEC_PER_SEC, 100);
        assert_int_equal(recent_n(&r, start + 59 * USEC_PER_SEC), 60);
        meter_recent_add(&r, start + minute, 7000);
        assert_in_range(recent_n(&r, start + minute), 55, 61);
        meter_recent_get(&r, start + minute, &m);
        assert_int_equal(m.max_usec, 7000);
        assert_in_range(meter_quantile(&m, 5000), 100, 125);
        assert_int_equal(meter_quantile(&m, PERMYRIAD), 7000);
        /* the outlier leaves with its minute */
        meter_recent_add(&r, start + 3 * minute, 50);
        meter_recent_get(&r, start + 3 * minute, &m);
        assert_int_equal(m.n, 1);
        assert_int_equal(m.max_usec, 50);
        /* nothing came for long: nothing is said */
        assert_int_equal(recent_n(&r, start + 10 * minute), 0);
        /* at least the last minute is always there, wherever the halves begin */
        MeterRecent s = { 0 };
        for (uint64_t i = 0; i < 500; i++) {
                uint64_t now = start + i * USEC_PER_SEC;
                meter_recent_add(&s, now, 1);
                assert_in_range(recent_n(&s, now), MIN(i + 1, UINT64_C(60)), 121);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_quantiles),
                cmocka_unit_test(test_one_outlier_of_two),
                cmocka_unit_test(test_extremes),
                cmocka_unit_test(test_recent),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

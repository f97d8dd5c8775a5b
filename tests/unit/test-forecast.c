/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <math.h>

#include "plan/forecast.h"
#include "plan/round.h"

#define GIB (UINT64_C(1) << 30)
#define S   USEC_PER_SEC

static uint64_t state = 1234567;

static double noise(void) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (double)(state % 2001) / 1000 - 1;
}

static void test_slope_exact(void **unused) {
        (void)unused;
        SlopePoint p[20];
        Slope s;
        for (int i = 0; i < 20; i++)
                p[i] = (SlopePoint){ i * 3, 100 - 2.5 * i * 3 };
        assert_true(slope_fit(p, 20, 100, &s));
        assert_true(fabs(s.slope + 2.5) < 1e-9 && fabs(s.offset - 100) < 1e-6);
        assert_true(s.low <= s.slope + 1e-9 && s.high >= s.slope - 1e-9 && s.high - s.low < 1e-6);
        assert_false(slope_fit(p, 4, 100, &s));
        assert_false(slope_fit(p, SLOPE_POINTS_MAX + 1, 100, &s));
}

/* A third of the points is nonsense: least squares would be far off. */
static void test_slope_robust(void **unused) {
        (void)unused;
        SlopePoint p[30];
        Slope s;
        for (int i = 0; i < 30; i++)
                p[i] = (SlopePoint){ i, i % 4 == 1 ? 5000 : 1000 + 7.0 * i };
        assert_true(slope_fit(p, 30, 0, &s));
        assert_true(fabs(s.slope - 7) < 0.5);
}

static void test_slope_interval(void **unused) {
        (void)unused;
        unsigned n_in = 0;
        for (int k = 0; k < 60; k++) {
                SlopePoint p[32];
                Slope s, again;
                for (int i = 0; i < 32; i++)
                        p[i] = (SlopePoint){ i, 50 - 1.0 * i + 6 * noise() };
                assert_true(slope_fit(p, 32, 200, &s) && slope_fit(p, 32, 200, &again));
                assert_memory_equal(&s, &again, sizeof(s));
                assert_true(s.low <= s.slope && s.slope <= s.high);
                n_in += s.low <= -1 && -1 <= s.high;
        }
        /* a 90 % interval, from blocks of a short window: not far below that */
        assert_true(n_in >= 40);
}

static void feed(Forecast *f, uint64_t seconds, uint64_t from, double per_second) {
        forecast_init(f);
        for (uint64_t t = 0; t < seconds; t++) {
                double v = (double)from + per_second * (double)t + noise() * 1e6;
                forecast_add(f, t * S, v > 0 ? (uint64_t)v : 0, 8 * GIB);
        }
}

static void test_falling(void **unused) {
        (void)unused;
        static Forecast f;
        ForecastResult r;
        /* 4 GiB falling by 1 MB a second: an hour later 600 MB above the floor of 1 % are left */
        feed(&f, 3600, 4 * GIB, -1e6);
        assert_true(forecast_earliest(&f, &r));
        double left = ((double)(4 * GIB) - 3600e6 - (double)(8 * GIB) / 100) / 1e6;
        assert_true(fabs((double)r.exhausted_usec / 1e6 - left) < left * 0.15);
        assert_true(r.low_usec <= r.exhausted_usec && r.exhausted_usec <= r.high_usec);
}

static void test_flat_and_growing(void **unused) {
        (void)unused;
        static const double slopes[] = { 0, 1e5 };
        static Forecast f;
        ForecastResult r;
        for (size_t i = 0; i < ARRAY_SIZE(slopes); i++) {
                feed(&f, 7200, 4 * GIB, slopes[i]);
                assert_false(forecast_earliest(&f, &r));
        }
        forecast_init(&f);
        assert_false(forecast_earliest(&f, &r));
}

/* A line that is nearly level falls to the floor later than 64 bits of microseconds can say. */
static void test_beyond_integers(void **unused) {
        (void)unused;
        assert_true(u64_of_double(4e9 / 1e-5 * 1e6) == UINT64_MAX);
        assert_true(u64_of_double(0x1p64) == UINT64_MAX && u64_of_double((double)INFINITY) == UINT64_MAX);
        assert_int_equal(u64_of_double(1.9), 1);
        assert_int_equal(u64_of_double(-1e30), 0);
        assert_int_equal(u64_of_double((double)NAN), 0);
        assert_true(i64_of_double(1e300) == INT64_MAX && i64_of_double(-1e300) == INT64_MIN);
        assert_true(i64_of_double(-1.9) == -1 && i64_of_double((double)NAN) == 0);
}

static void test_back_test(void **unused) {
        (void)unused;
        static Forecast f;
        /* A straight fall over hours: every forecast can be compared, and none is far off. */
        feed(&f, 3 * 3600, 7 * GIB, -6e5);
        const ForecastRecord *r = &f.windows[0].record;
        assert_true(r->n >= 10);
        assert_true(r->sum_abs_bytes / (double)r->n < 20e6);
        assert_int_equal(r->n_missed, 0);
        /* It ends at nothing: those that were near it have said so. */
        feed(&f, 4 * 3600, 7 * GIB, -6e5);
        assert_true(r->n_hits > 0);
        assert_true(r->sum_abs_time_usec / (double)r->n_hits < 120e6);
}

static void test_break(void **unused) {
        (void)unused;
        static Forecast f;
        ForecastResult r;
        feed(&f, 3600, 4 * GIB, -1e6);
        forecast_break(&f);
        forecast_window(&f, 0, &r);
        assert_false(r.has_slope);
        assert_false(forecast_earliest(&f, &r));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_slope_exact), cmocka_unit_test(test_slope_robust), cmocka_unit_test(test_slope_interval),
                cmocka_unit_test(test_falling),     cmocka_unit_test(test_flat_and_growing),
                cmocka_unit_test(test_back_test),   cmocka_unit_test(test_break),        cmocka_unit_test(test_beyond_integers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

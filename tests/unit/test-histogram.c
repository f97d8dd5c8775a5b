/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "plan/histogram.h"

static uint64_t state = 88172645463325252u;

static uint64_t random_bytes(void) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        /* All magnitudes alike, from 0 to 64 TiB. */
        return state >> 18 >> (state % 46);
}

static void test_edges(void **unused) {
        (void)unused;
        assert_int_equal(histogram_edge(0), 1 << 20);
        assert_int_equal(histogram_edge(1), (1 << 20) + (1 << 20) / 20);
        for (uint32_t i = 1; i + 1 < HISTOGRAM_BUCKETS; i++) {
                uint64_t low = histogram_edge(i - 1), high = histogram_edge(i);
                assert_true(high > low);
                assert_true((high - low) * 20 <= low);
        }
        assert_true(histogram_edge(HISTOGRAM_BUCKETS - 2) > UINT64_C(64) << 40);
        assert_true(histogram_edge(HISTOGRAM_BUCKETS - 1) == UINT64_MAX);
        assert_true(histogram_edge(HISTOGRAM_BUCKETS) == UINT64_MAX);
}

static void test_edge_values(void **unused) {
        (void)unused;
        for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i += 25) {
                Histogram h;
                histogram_init(&h);
                histogram_add(&h, histogram_edge(i), 1);
                assert_int_equal(h.weight[i], 1);
                histogram_add(&h, histogram_edge(i) + 1, 1);
                assert_int_equal(h.weight[i + 1], 1);
        }
}

static void test_empty(void **unused) {
        (void)unused;
        Histogram h;
        histogram_init(&h);
        assert_int_equal(histogram_percentile(&h, 0), 0);
        assert_int_equal(histogram_percentile(&h, 10000), 0);
        histogram_add(&h, 5 << 20, 0);
        assert_int_equal(h.total, 0);
        assert_true(h.min == UINT64_MAX && h.max == 0);
}

static void test_one(void **unused) {
        (void)unused;
        Histogram h;
        histogram_init(&h);
        histogram_add(&h, 123456789, 7);
        for (uint32_t p = 0; p <= 10000; p += 500)
                assert_int_equal(histogram_percentile(&h, p), 123456789);
        histogram_init(&h);
        histogram_add(&h, 0, 1);
        histogram_add(&h, UINT64_MAX, 1);
        assert_int_equal(histogram_percentile(&h, 0), 0);
        assert_true(histogram_percentile(&h, 10000) == UINT64_MAX);
        assert_int_equal(h.weight[HISTOGRAM_BUCKETS - 1], 1);
}

static int by_bytes(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
        return x < y ? -1 : x > y;
}

/* Against the exact percentile of the same values. */
static void test_error_bound(void **unused) {
        (void)unused;
        enum { N = 5000 };
        uint64_t *v = calloc(N, sizeof(*v));
        Histogram h;
        histogram_init(&h);
        assert_non_null(v);
        for (int i = 0; i < N; i++) {
                v[i] = random_bytes();
                histogram_add(&h, v[i], 1);
        }
        qsort(v, N, sizeof(*v), by_bytes);
        for (uint32_t p = 1; p <= 10000; p += 7) {
                uint64_t exact = v[((uint64_t)p * N + 9999) / 10000 - 1], got = histogram_percentile(&h, p);
                assert_true(got >= exact);
                assert_true(got - exact <= MAX(exact / 20, (uint64_t)1 << 20));
        }
        free(v);
}

static void test_merge(void **unused) {
        (void)unused;
        Histogram part[3], all, left, right;
        histogram_init(&all);
        for (int k = 0; k < 3; k++) {
                histogram_init(&part[k]);
                for (int i = 0; i < 100 * k; i++) {
                        uint64_t v = random_bytes(), w = 1 + v % 9;
                        histogram_add(&part[k], v, w);
                        histogram_add(&all, v, w);
                }
        }
        left = part[0];
        histogram_merge(&left, &part[1]);
        histogram_merge(&left, &part[2]);
        right = part[2];
        histogram_merge(&right, &part[1]);
        histogram_merge(&right, &part[0]);
        assert_memory_equal(&left, &right, sizeof(left));
        assert_memory_equal(&left, &all, sizeof(left));
}

static void test_saturation(void **unused) {
        (void)unused;
        Histogram h;
        histogram_init(&h);
        histogram_add(&h, 1 << 20, UINT64_MAX);
        histogram_add(&h, UINT64_C(1) << 40, UINT64_MAX);
        assert_true(h.total == UINT64_MAX);
        assert_int_equal(histogram_percentile(&h, 5000), 1 << 20);
        assert_true(histogram_percentile(&h, 10000) <= UINT64_C(1) << 40);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_edges),       cmocka_unit_test(test_edge_values), cmocka_unit_test(test_empty),
                cmocka_unit_test(test_one),         cmocka_unit_test(test_error_bound), cmocka_unit_test(test_merge),
                cmocka_unit_test(test_saturation),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

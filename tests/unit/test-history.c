/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Windows: which sample a rate is taken from, whatever the samples' distance. */

#include "test.h"

#include "decide/history.h"

#define MSEC UINT64_C(1000)

static uint64_t random_number(void) {
        static uint64_t x = 88172645463325252u;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        return x;
}

/* As history.h says it: of all slots, the youngest that is at least a window older. */
static bool plain_base(const Series *s, uint64_t usec, uint64_t window_usec, SeriesSample *ret) {
        bool found = false;
        for (uint32_t i = 0; i < s->n; i++) {
                const SeriesSample *slot = &s->slots[(s->head + SERIES_SLOTS - i) % SERIES_SLOTS];
                if (slot->usec >= usec || usec - slot->usec < window_usec || (found && slot->usec <= ret->usec))
                        continue;
                *ret = *slot;
                found = true;
        }
        return found;
}

static void test_base(void **state) {
        (void)state;
        Series s;
        SeriesSample base;
        series_init(&s, USEC_PER_SEC);
        assert_false(series_base(&s, 5 * USEC_PER_SEC, &base));
        for (uint64_t i = 1; i <= 100; i++)
                series_push(&s, i * 100 * MSEC, i, true);
        /* 10 s: a second before it, and half of one */
        assert_true(series_base(&s, 100 * 100 * MSEC, &base));
        assert_int_equal(base.value, 90);
        assert_true(series_base_of(&s, 100 * 100 * MSEC, 500 * MSEC, &base));
        assert_int_equal(base.value, 95);
        /* as long as it goes back, and no further */
        assert_true(series_base_of(&s, 100 * 100 * MSEC, 1900 * MSEC, &base));
        assert_int_equal(base.value, 81);
        assert_false(series_base_of(&s, 100 * 100 * MSEC, 1901 * MSEC, &base));
        /* not of the future */
        assert_false(series_base(&s, 100 * MSEC, &base));
        /* a reset ends it */
        series_push(&s, 101 * 100 * MSEC, 1, true);
        assert_false(series_base(&s, 101 * 100 * MSEC, &base));
}

/* Steady, bursting, stopped for a while; windows of all lengths; times that are asked for again. */
static void test_same_as_defined(void **state) {
        (void)state;
        static const uint64_t windows[] = { 0, 1, 50 * MSEC, 500 * MSEC, USEC_PER_SEC, 10 * USEC_PER_SEC, 60 * USEC_PER_SEC };
        uint64_t n_found = 0, n_none = 0;
        for (int round = 0; round < 200; round++) {
                Series s;
                uint64_t now = random_number() % (100 * USEC_PER_SEC);
                series_init(&s, windows[random_number() % ARRAY_SIZE(windows)]);
                for (int i = 0; i < 200; i++) {
                        uint64_t kind = random_number() % 16;
                        now += kind == 0 ? random_number() % (120 * USEC_PER_SEC) : kind < 3 ? 0 : random_number() % (1000 * MSEC);
                        series_push(&s, now, random_number() % 1000, false);
                        uint64_t asked = now + (kind == 4 ? random_number() % USEC_PER_SEC : 0);
                        asked -= kind == 5 ? MIN(asked, random_number() % USEC_PER_SEC) : 0;
                        /* its own window at the time of the last push: kept, not looked for */
                        SeriesSample kept = { 0 }, found = { 0 };
                        assert_int_equal(series_base(&s, now, &kept), plain_base(&s, now, s.window_usec, &found));
                        assert_int_equal(kept.usec, found.usec);
                        assert_int_equal(kept.value, found.value);
                        for (size_t k = 0; k < ARRAY_SIZE(windows); k++) {
                                SeriesSample a = { 0 }, b = { 0 };
                                bool has = series_base_of(&s, asked, windows[k], &a);
                                assert_int_equal(has, plain_base(&s, asked, windows[k], &b));
                                assert_int_equal(a.usec, b.usec);
                                n_found += has;
                                n_none += !has;
                        }
                }
        }
        assert_true(n_found > 1000 && n_none > 1000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_base),
                cmocka_unit_test(test_same_as_defined),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include "daemon/leftover.h"

static void test_nothing_left(void **state) {
        (void)state;
        Leftover l = { 0 };
        assert_false(leftover_is_due(&l, UINT64_MAX));
        leftover_begin(&l, 7, 0, 100);
        assert_false(leftover_is_due(&l, UINT64_MAX));
}

static void test_ever_more_rarely(void **state) {
        (void)state;
        uint64_t now = 1000, delay = LEFTOVER_FIRST_USEC;
        Leftover l;

        leftover_begin(&l, 7, 3, now);
        assert_int_equal(l.last_serial, 7);
        for (int i = 0; i < 20; i++) {
                assert_false(leftover_is_due(&l, now + delay - 1));
                now += delay;
                assert_true(leftover_is_due(&l, now));
                leftover_tried(&l, 3, now);
                delay = MIN(2 * delay, LEFTOVER_MAX_USEC);
        }
        assert_int_equal(delay, LEFTOVER_MAX_USEC);
        /* one of them went: the others soon */
        leftover_tried(&l, 2, now);
        assert_true(leftover_is_due(&l, now + LEFTOVER_FIRST_USEC));
        leftover_tried(&l, 0, now);
        assert_false(leftover_is_due(&l, UINT64_MAX));
}

static void test_far_away(void **state) {
        (void)state;
        Leftover l;
        leftover_begin(&l, 1, 1, UINT64_MAX - 1);
        assert_true(leftover_is_due(&l, UINT64_MAX));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_left),
                cmocka_unit_test(test_ever_more_rarely),
                cmocka_unit_test(test_far_away),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

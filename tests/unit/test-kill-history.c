/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <sys/resource.h>

#include "daemon/kill-history.h"

static void test_ring(void **state) {
        (void)state;
        _cleanup_(kill_history_freep) KillHistory *h = NULL;
        assert_int_equal(kill_history_new(3, &h), 0);
        assert_null(kill_history_get(h, 0));
        assert_null(kill_history_find(h, 0));
        for (uint64_t id = 1; id <= 5; id++) {
                KillRecord *r = kill_history_add(h);
                assert_int_equal(r->decision.kill_id, 0); /* also where an old one made room */
                r->decision.kill_id = id;
        }
        assert_int_equal(kill_history_count(h), 3);
        assert_int_equal(kill_history_total(h), 5);
        assert_int_equal(kill_history_get(h, 0)->decision.kill_id, 5);
        assert_int_equal(kill_history_get(h, 2)->decision.kill_id, 3);
        assert_null(kill_history_get(h, 3));
        assert_null(kill_history_find(h, 2));
        assert_ptr_equal(kill_history_find(h, 4), kill_history_get(h, 1));
}

static void test_escalation_is_found_first(void **state) {
        (void)state;
        _cleanup_(kill_history_freep) KillHistory *h = NULL;
        assert_int_equal(kill_history_new(4, &h), 0);
        for (int i = 0; i < 2; i++) {
                KillRecord *r = kill_history_add(h);
                r->decision.kill_id = 7;
                r->decision.is_escalation = i;
        }
        assert_true(kill_history_find(h, 7)->decision.is_escalation);
}

static void test_limits(void **state) {
        (void)state;
        KillHistory *h = NULL;
        assert_int_equal(kill_history_new(0, &h), -ENOMEM);
        assert_int_equal(kill_history_new(SIZE_MAX / 2, &h), -ENOMEM);
        assert_null(h);
        assert_null(kill_history_free(NULL));
}

static long faults(void) {
        struct rusage u;
        assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
        return u.ru_minflt;
}

/* What was prepared costs no page; what was not does, or this test would show nothing. */
static void test_prepared_records_cost_no_page(void **state) {
        (void)state;
        _cleanup_(kill_history_freep) KillHistory *h = NULL;
        assert_int_equal(kill_history_new(8, &h), 0);
        (void)faults();
        long before = faults();
        kill_history_add(h)->decision.kill_id = 1;
        assert_true(faults() - before >= 1);
        kill_history_prepare(h);
        before = faults();
        for (uint64_t id = 2; id <= 5; id++)
                kill_history_add(h)->decision.kill_id = id;
        assert_int_equal(faults() - before, 0);
        kill_history_prepare(h);
        assert_int_equal(kill_history_count(h), 5); /* nothing is lost or added by it */
        for (uint64_t id = 1; id <= 5; id++)
                assert_non_null(kill_history_find(h, id));
        for (uint64_t id = 6; id <= 20; id++) {
                kill_history_add(h)->decision.kill_id = id;
                kill_history_prepare(h);
        }
        assert_int_equal(kill_history_get(h, 7)->decision.kill_id, 13);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ring),
                cmocka_unit_test(test_escalation_is_found_first),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_prepared_records_cost_no_page),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

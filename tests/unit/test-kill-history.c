/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <sys/mman.h>
#include <unistd.h>

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

/* How many pages of the @n-th record behind @first are in memory; the ring lies in one piece. */
static unsigned pages_of(const KillRecord *first, size_t n) {
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)(first + n) / page * page;
        uintptr_t end = ((uintptr_t)(first + n + 1) + page - 1) / page * page;
        unsigned char in_memory[64];
        unsigned count = 0;

        assert_true((end - begin) / page <= sizeof(in_memory));
        assert_int_equal(mincore((void *)begin, end - begin, in_memory), 0);
        for (size_t i = 0; i < (end - begin) / page; i++)
                count += in_memory[i] & 1;
        return count;
}

/* What was prepared is in memory; what was not is not, or this test would show nothing. A record shares its first and
 * last page with its neighbours. */
static void test_prepared_records_cost_no_page(void **state) {
        (void)state;
        _cleanup_(kill_history_freep) KillHistory *h = NULL;
        const unsigned whole = (unsigned)(sizeof(KillRecord) / (size_t)sysconf(_SC_PAGESIZE));
        assert_int_equal(kill_history_new(8, &h), 0);
        KillRecord *first = kill_history_add(h);
        first->decision.kill_id = 1;
        assert_in_range(pages_of(first, 2), 0, 1);
        kill_history_prepare(h);
        for (size_t i = 0; i <= 4; i++)
                assert_true(pages_of(first, i) >= whole);
        assert_in_range(pages_of(first, 6), 0, 1);
        for (uint64_t id = 2; id <= 5; id++)
                assert_ptr_equal(kill_history_add(h), first + id - 1);
        for (uint64_t id = 2; id <= 5; id++)
                first[id - 1].decision.kill_id = id;
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

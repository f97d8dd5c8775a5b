/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "sense/facts-book.h"

static ProcessSample process(int32_t pid, uint64_t start, const char *comm) {
        ProcessSample p = { .pid = pid, .start_ticks = start, .flags = PROCESS_IDENTITY };
        (void)strncpy(p.comm, comm, COMM_MAX - 1);
        return p;
}

static void see(FactsBook *b, ProcessSample *p, uint32_t n) {
        const Snapshot s = { .processes = p, .n_processes = n };
        facts_book_see(b, &s);
}

/* Takes all that are to be told of; returns their pids in the digits of a number. */
static uint64_t tell(FactsBook *b) {
        const FactsEntry *e;
        uint64_t pids = 0;
        while ((e = facts_book_next(b))) {
                assert_ptr_equal(facts_book_next(b), e);
                pids = pids * 10 + (uint64_t)e->pid;
                facts_book_told(b, e);
        }
        assert_int_equal(b->n_untold, 0);
        return pids;
}

static void test_once(void **state) {
        (void)state;
        FactsBook b;
        assert_int_equal(facts_book_init(&b, 8), 0);
        assert_null(facts_book_next(&b));
        ProcessSample p[] = { process(1, 5, "init"), process(2, 5, "kthread"), process(3, 9, "a"), process(7, 9, "b") };
        p[1].flags |= PROCESS_KTHREAD;
        see(&b, p, 4);
        assert_int_equal(tell(&b), 137);
        see(&b, p, 4);
        assert_int_equal(tell(&b), 0);
        /* one is gone, one has executed another program, one is another one under an old pid, one is not readable yet */
        ProcessSample q[] = { process(1, 5, "systemd"), process(3, 10, "a"), process(4, 20, "c"), process(8, 20, "d") };
        q[3].flags = 0;
        see(&b, q, 4);
        assert_int_equal(tell(&b), 134);
        see(&b, p, 4);
        assert_int_equal(tell(&b), 137);
        facts_book_forget(&b);
        assert_int_equal(tell(&b), 137);
        facts_book_done(&b);
}

/* What is told of in part goes on where it was, also when others come between. */
static void test_in_parts(void **state) {
        (void)state;
        FactsBook b;
        assert_int_equal(facts_book_init(&b, 4), 0);
        ProcessSample p[] = { process(2, 1, "a"), process(3, 1, "b"), process(5, 1, "c") };
        see(&b, p, 3);
        facts_book_told(&b, facts_book_next(&b));
        ProcessSample q[] = { process(1, 1, "z"), process(2, 1, "a"), process(3, 1, "b"), process(5, 1, "c"), process(6, 1, "d") };
        see(&b, q, 5);
        assert_int_equal(b.n, 4); /* the cap: the last one is left out */
        assert_int_equal(tell(&b), 135);
        facts_book_done(&b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_once),
                cmocka_unit_test(test_in_parts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>

#include <string.h>

#include "sense/process-table.h"
#include "tree.h"

static void list(ProcessTable *t, const int32_t *pids, uint32_t n) {
        if (n > 0)
                memcpy(process_table_pids(t), pids, n * sizeof(*pids));
        process_table_merge(t, n);
}

static void test_merge(void **state) {
        (void)state;
        ProcessTable t;
        assert_int_equal(process_table_init(&t, 16), 0);
        list(&t, (int32_t[]){ 5, 9, 20 }, 3);
        assert_int_equal(t.n, 3);
        for (uint32_t i = 0; i < t.n; i++) {
                process_table_rows(&t)[i].start_ticks = (uint64_t)process_table_rows(&t)[i].pid * 100;
                process_table_extras(&t)[i].is_known = true;
        }
        /* unsorted, with one twice; 9 is gone; new ones before, between and behind */
        list(&t, (int32_t[]){ 30, 5, 1, 20, 7, 30, 21 }, 7);
        static const int32_t want[] = { 1, 5, 7, 20, 21, 30 };
        assert_int_equal(t.n, ARRAY_SIZE(want));
        for (uint32_t i = 0; i < t.n; i++) {
                const ProcessSample *p = &process_table_rows(&t)[i];
                bool is_old = p->pid == 5 || p->pid == 20;
                assert_int_equal(p->pid, want[i]);
                assert_int_equal(p->start_ticks, is_old ? p->pid * 100 : 0);
                assert_int_equal(process_table_extras(&t)[i].is_known, is_old);
                assert_int_equal(p->tier, TIER_NORMAL);
                assert_int_equal(p->rule, -1);
                assert_ptr_equal(process_table_find(&t, want[i]), p);
        }
        assert_null(process_table_find(&t, 9));
        assert_null(process_table_find(&t, 31));
        assert_null(process_table_find(&t, -1));
        process_table_extras(&t)[0].is_dead = process_table_extras(&t)[3].is_dead = true;
        process_table_drop_dead(&t);
        assert_int_equal(t.n, 4);
        assert_null(process_table_find(&t, 20));
        assert_int_equal(process_table_find(&t, 5)->start_ticks, 500);
        list(&t, NULL, 0);
        assert_int_equal(t.n, 0);
        process_table_done(&t);
}

/* Against a plain model: random listings, in random order. */
static void test_merge_random(void **state) {
        (void)state;
        enum {
                PIDS = 200
        };
        ProcessTable t;
        uint32_t seed = 1, born[PIDS + 1] = {};
        assert_int_equal(process_table_init(&t, PIDS), 0);
        for (uint32_t round = 1; round <= 300; round++) {
                int32_t pids[PIDS];
                uint32_t n = 0;
                for (int32_t pid = 1; pid <= PIDS; pid++) {
                        seed = seed * 1664525u + 1013904223u;
                        bool is_there = (seed >> 16) % 100 < round % 100;
                        if (is_there)
                                pids[n++] = pid;
                        if (!is_there)
                                born[pid] = 0;
                        else if (born[pid] == 0)
                                born[pid] = round;
                }
                for (uint32_t i = n; i > 1; i--) {
                        seed = seed * 1664525u + 1013904223u;
                        uint32_t k = (seed >> 8) % i;
                        int32_t x = pids[k];
                        pids[k] = pids[i - 1];
                        pids[i - 1] = x;
                }
                list(&t, pids, n);
                assert_int_equal(t.n, n);
                for (uint32_t i = 0; i < t.n; i++) {
                        ProcessSample *p = &process_table_rows(&t)[i];
                        assert_true(i == 0 || p[-1].pid < p->pid);
                        if (p->start_ticks == 0)
                                p->start_ticks = round;
                        assert_int_equal(p->start_ticks, born[p->pid]);
                }
        }
        process_table_done(&t);
}

static void test_kept_descriptors(void **state) {
        (void)state;
        ProcessTable t;
        unsigned fds = tree_count_fds();
        assert_int_equal(process_table_init(&t, 8), 0);
        t.max_fds = 2;
        for (int32_t pid = 1; pid <= 3; pid++)
                process_table_pids(&t)[pid - 1] = pid;
        process_table_merge(&t, 3);
        ProcessExtra *x = process_table_extras(&t);
        for (uint32_t i = 0; i < 3; i++)
                process_score_fd_keep(&t, &x[i], open("/dev/null", O_RDONLY | O_CLOEXEC));
        assert_true(x[0].score_fd >= 0 && x[1].score_fd >= 0);
        assert_true(x[2].score_fd < 0); /* beyond the cap it is closed, not kept */
        assert_int_equal(tree_count_fds(), fds + 2);

        /* 1 is gone, 2 moves and keeps its own, 4 is new and has none */
        int kept = x[1].score_fd;
        process_table_pids(&t)[0] = 2;
        process_table_pids(&t)[1] = 4;
        process_table_merge(&t, 2);
        assert_int_equal(x[0].score_fd, kept);
        assert_true(x[1].score_fd < 0);
        assert_int_equal(tree_count_fds(), fds + 1);
        x[0].is_dead = true;
        process_table_drop_dead(&t);
        assert_int_equal(tree_count_fds(), fds);
        assert_int_equal(t.n_fds, 0);
        process_score_fd_keep(&t, &x[0], open("/dev/null", O_RDONLY | O_CLOEXEC));
        process_table_done(&t);
        assert_int_equal(tree_count_fds(), fds);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_merge),
                cmocka_unit_test(test_merge_random),
                cmocka_unit_test(test_kept_descriptors),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "sense/path-store.h"
#include "sense/pick.h"

static PathEntry *intern(PathStore *s, const char *path) {
        return path_store_intern(s, path, strlen(path));
}

static void test_intern(void **state) {
        (void)state;
        PathStore s;
        assert_int_equal(path_store_init(&s, 4096), 0);
        PathEntry *a = intern(&s, "/a"), *e = intern(&s, "");
        assert_non_null(a);
        assert_ptr_not_equal(a, e);
        assert_ptr_equal(intern(&s, "/a"), a);
        assert_ptr_equal(path_store_find(&s, "/ab", 2), a);
        assert_null(path_store_find(&s, "/b", 2));
        assert_string_equal(a->path, "/a");
        /* the table grows on the way; addresses stay */
        for (int i = 0; i < 4000; i++) {
                char p[32];
                (void)sprintf(p, "/x/%d", i);
                assert_non_null(intern(&s, p));
        }
        assert_ptr_equal(intern(&s, "/a"), a);
        assert_int_equal(s.n_entries, 4002);
        path_store_done(&s);
}

static void test_sweep(void **state) {
        (void)state;
        PathStore s;
        assert_int_equal(path_store_init(&s, 2048), 0);
        PathEntry *keep = intern(&s, "/keep");
        keep->id = 42;
        /* churn for ever: what is swept makes room again */
        for (int round = 0; round < 50; round++) {
                for (int i = 0; i < 1500; i++) {
                        char p[64];
                        (void)sprintf(p, "/system.slice/run-r%d-%d.scope", round, i);
                        assert_non_null(intern(&s, p));
                }
                path_store_sweep_begin(&s);
                PathEntry *again = path_store_keep(&s, keep);
                assert_ptr_equal(path_store_keep(&s, keep), again);
                assert_null(path_store_keep(&s, NULL));
                path_store_sweep_end(&s);
                keep = again;
                assert_int_equal(s.n_entries, 1);
                assert_int_equal(keep->id, 42);
                assert_ptr_equal(intern(&s, "/keep"), keep);
                assert_null(path_store_find(&s, "/system.slice/run-r0-0.scope", 28));
        }
        path_store_done(&s);
}

static void test_full(void **state) {
        (void)state;
        PathStore s;
        char p[500];
        int n = 0;
        assert_int_equal(path_store_init(&s, 64), 0);
        memset(p, 'x', sizeof(p));
        do
                memcpy(p, &n, sizeof(n));
        while (path_store_intern(&s, p, sizeof(p)) && ++n < 1000);
        /* 64 paths of average length, so fewer of these; what is in stays in */
        assert_in_range(n, 20, 64);
        for (int i = 0; i < n; i++) {
                memcpy(p, &i, sizeof(i));
                assert_non_null(path_store_find(&s, p, sizeof(p)));
                assert_non_null(path_store_intern(&s, p, sizeof(p)));
        }
        path_store_done(&s);
}

static void test_pick(void **state) {
        (void)state;
        Pick p;
        uint32_t seed = 7;
        uint64_t all[500];
        pick_init(&p, 10);
        for (uint32_t i = 0; i < 500; i++) {
                seed = seed * 1664525u + 1013904223u;
                all[i] = (seed >> 16) % 50; /* many ties, some zeros */
                pick_offer(&p, all[i], i);
        }
        assert_int_equal(p.n, 10);
        /* nobody outside is bigger, or as big with a lower index, than the least inside */
        PickItem least = p.items[0];
        for (uint32_t i = 0; i < 500; i++) {
                bool inside = false;
                for (uint32_t k = 0; k < p.n; k++)
                        inside |= p.items[k].index == i;
                bool wants = all[i] > least.key || (all[i] == least.key && i <= least.index);
                assert_int_equal(inside, wants);
        }
        pick_init(&p, 3);
        pick_offer(&p, 0, 1);
        assert_int_equal(p.n, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_intern),
                cmocka_unit_test(test_sweep),
                cmocka_unit_test(test_full),
                cmocka_unit_test(test_pick),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

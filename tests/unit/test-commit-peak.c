/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The file of the highest Committed_AS: written in one go, and nothing but our own text is taken for it. */

#include "test.h"

#include <string.h>

#include "daemon/commit-peak.h"
#include "tree.h"

static void test_round_trip(void **state) {
        (void)state;
        static const uint64_t values[] = { 0, 1, 4096, UINT64_C(123456789012), UINT64_MAX };
        Tree t;
        tree_open(&t);
        uint64_t v = 4711;
        assert_int_equal(commit_peak_load(t.path, &v), -ENOENT);
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
                assert_int_equal(commit_peak_save(t.path, values[i]), 0);
                assert_int_equal(commit_peak_load(t.path, &v), 0);
                assert_true(v == values[i]);
        }
        assert_int_equal(faccessat(t.fd, ".commit-peak.new", F_OK, 0), -1);
        tree_close(&t);
}

static void test_hostile(void **state) {
        (void)state;
        static const char *const texts[] = {
                "",
                "\n",
                "commit_peak_bytes \n",
                "commit_peak_bytes 12", /* cut: it may have been 123 */
                "commit_peak_bytes -1\n",
                "commit_peak_bytes 12 13\n",
                "commit_peak_bytes 12\n\n",
                "commit_peak_bytes 99999999999999999999\n",
                "peak 12\n",
                "commit_peak_bytes 00000000000000000000000000000000000000000000000000000000000001\n",
        };
        Tree t;
        tree_open(&t);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                uint64_t v = 4711;
                tree_write(&t, "commit-peak", texts[i]);
                if (commit_peak_load(t.path, &v) != -EBADMSG || v != 4711)
                        fail_msg("'%s' was taken", texts[i]);
        }
        tree_close(&t);
}

static void test_no_place(void **state) {
        (void)state;
        Tree t;
        uint64_t v;
        tree_open(&t);
        char path[96];
        (void)snprintf(path, sizeof(path), "%s/none", t.path);
        assert_int_equal(commit_peak_save(path, 1), -ENOENT);
        assert_int_equal(commit_peak_load(path, &v), -ENOENT);
        /* a link that somebody has put there is not followed */
        tree_write(&t, "victim", "precious\n");
        assert_int_equal(symlinkat("victim", t.fd, ".commit-peak.new"), 0);
        assert_int_equal(commit_peak_save(t.path, 1), -ELOOP);
        struct stat st;
        assert_int_equal(fstatat(t.fd, "victim", &st, 0), 0);
        assert_int_equal(st.st_size, 9);
        tree_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_no_place),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

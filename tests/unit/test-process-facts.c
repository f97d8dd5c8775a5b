/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <string.h>

#include "sense/process-facts.h"
#include "sense/process.h"
#include "sense/read.h"
#include "tree.h"

#define STAT(start) "42 (a) b) S 1 42 42 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 " start " 1000 10 0 0 0\n"

static void test_tree(void **state) {
        (void)state;
        Tree t;
        char exe[64], cmdline[64];
        tree_open(&t);
        tree_write_n(&t, "42/stat", STAT("777"), strlen(STAT("777")));
        assert_int_equal(symlinkat("/usr/bin/odd name", t.fd, "42/exe"), 0);
        tree_write_n(&t, "42/cmdline", "odd\0--secret=1\0\0", 16);
        assert_int_equal(process_facts_read(t.fd, 42, 777, exe, sizeof(exe), cmdline, sizeof(cmdline)), 0);
        assert_string_equal(exe, "/usr/bin/odd name");
        assert_string_equal(cmdline, "odd --secret=1");
        /* without a buffer for it the command line is not even opened */
        (void)strcpy(cmdline, "untouched");
        assert_int_equal(process_facts_read(t.fd, 42, 777, exe, sizeof(exe), NULL, 0), 0);
        assert_string_equal(cmdline, "untouched");
        /* another process has the pid by now; nobody has it */
        assert_int_equal(process_facts_read(t.fd, 42, 778, exe, sizeof(exe), NULL, 0), READ_E_GONE);
        assert_int_equal(process_facts_read(t.fd, 43, 777, exe, sizeof(exe), NULL, 0), READ_E_GONE);
        tree_close(&t);
}

/* A kernel thread has neither; a long command line is cut. */
static void test_nothing_to_see(void **state) {
        (void)state;
        Tree t;
        char exe[64] = "x", cmdline[8] = "x";
        tree_open(&t);
        tree_write_n(&t, "2/stat", STAT("1"), strlen(STAT("1")));
        assert_int_equal(process_facts_read(t.fd, 2, 1, exe, sizeof(exe), cmdline, sizeof(cmdline)), 0);
        assert_string_equal(exe, "");
        assert_string_equal(cmdline, "");
        tree_write_n(&t, "2/cmdline", "aaaaaaaaaaaaaaaa", 16);
        assert_int_equal(process_facts_read(t.fd, 2, 1, exe, sizeof(exe), cmdline, sizeof(cmdline)), 0);
        assert_string_equal(cmdline, "aaaaaaa");
        tree_write_n(&t, "2/stat", "garbage", 7);
        assert_int_equal(process_facts_read(t.fd, 2, 1, exe, sizeof(exe), NULL, 0), READ_E_GONE);
        tree_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tree),
                cmocka_unit_test(test_nothing_to_see),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

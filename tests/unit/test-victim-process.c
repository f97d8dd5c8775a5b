/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "act/victim-process.h"

#define TAIL " 5 0 -1 4194560 103 0 0 0 0 0 0 0 20 0 1 0 "

static void test_parse_stat(void **state) {
        (void)state;
        static const struct {
                const char *text;
                int r;
                int32_t ppid;
                uint64_t start;
        } rows[] = {
                { "7 (cat) R 3 7" TAIL "98765 1 2 3\n", 0, 3, 98765 },
                { "7 (a) Z 1 (b) S 3 7" TAIL "98765 1\n", 0, 3, 98765 },
                { "7 (evil) R 9 9 9 9 9) S 3 7" TAIL "98765 1\n", 0, 3, 98765 },
                { "7 (new\nline) S 3 7" TAIL "98765 1\n", 0, 3, 98765 },
                { "7 () S 0 7" TAIL "0\n", 0, 0, 0 },
                { "7 (x) S 3 7" TAIL "18446744073709551615\n", 0, 3, UINT64_MAX },
                { "7 (x) S 3 7" TAIL "18446744073709551616\n", -EBADMSG, 0, 0 },
                { "7 (x) S -3 7" TAIL "1\n", -EBADMSG, 0, 0 },
                { "7 (x) S 4294967296 7" TAIL "1\n", -EBADMSG, 0, 0 },
                { "7 (x) S 3 7 5 5\n", -EBADMSG, 0, 0 }, /* cut */
                { "7 (x) S 3 7" TAIL, -EBADMSG, 0, 0 },
                { "7 (x)", -EBADMSG, 0, 0 },
                { "7 x S 3 7" TAIL "1\n", -EBADMSG, 0, 0 },
                { "7 (x)S 3 7" TAIL "1\n", -EBADMSG, 0, 0 },
                { "", -EBADMSG, 0, 0 },
                { ")", -EBADMSG, 0, 0 },
                { ") ", -EBADMSG, 0, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                VictimStat s = { .ppid = -7, .start_ticks = 4711 };
                assert_int_equal(victim_process_parse_stat(rows[i].text, &s), rows[i].r);
                assert_int_equal(s.ppid, rows[i].r == 0 ? rows[i].ppid : -7);
                assert_true(s.start_ticks == (rows[i].r == 0 ? rows[i].start : 4711));
        }
}

static void test_read_self(void **state) {
        (void)state;
        VictimStat a, b;
        int32_t adj = 4711;
        int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

        /* a name that looks like the rest of the line */
        assert_int_equal(prctl(PR_SET_NAME, "x) Z 1 1 1 1 1"), 0);
        assert_int_equal(victim_process_read_stat(root, getpid(), &a), 0);
        assert_int_equal(a.ppid, getppid());
        assert_true(a.start_ticks > 0);
        assert_int_equal(victim_process_read_stat(root, getpid(), &b), 0);
        assert_true(a.start_ticks == b.start_ticks);
        assert_int_equal(victim_process_read_adj(root, getpid(), &adj), 0);
        assert_in_range(adj + 1000, 0, 2000);
        assert_int_equal(victim_process_read_stat(root, INT32_MAX, &a), -ESRCH);
        assert_int_equal(victim_process_read_adj(root, INT32_MAX, &adj), -ESRCH);
        (void)close(root);
}

static void write_adj(int root, int pid, const char *text) {
        char path[64];
        (void)mkdirat(root, "proc", 0700);
        (void)snprintf(path, sizeof(path), "proc/%d", pid);
        (void)mkdirat(root, path, 0700);
        (void)snprintf(path, sizeof(path), "proc/%d/oom_score_adj", pid);
        int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        (void)close(fd);
}

static void test_protected(void **state) {
        (void)state;
        static const struct {
                const char *text;
                bool is_protected;
        } rows[] = {
                { "-1000\n", true }, { "-999\n", false }, { "0\n", false }, { "1000\n", false },
                /* not understood: nobody is killed on a value that was not read */
                { "", true }, { "x\n", true }, { "-1001\n", true }, { "1001\n", true },
                { "0000000000000000000000000000000000000000000000000000000", true },
        };
        char dir[] = "/tmp/headroom-test-XXXXXX";
        assert_non_null(mkdtemp(dir));
        int root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                write_adj(root, 4711, rows[i].text);
                assert_int_equal(victim_process_is_protected(root, 4711), rows[i].is_protected);
        }
        assert_false(victim_process_is_protected(root, 4712)); /* gone */
        assert_true(victim_process_is_protected(root, 1));
        assert_true(victim_process_is_protected(root, 0));
        assert_true(victim_process_is_protected(root, -1));
        assert_true(victim_process_is_protected(root, getpid()));

        assert_int_equal(unlinkat(root, "proc/4711/oom_score_adj", 0), 0);
        assert_int_equal(unlinkat(root, "proc/4711", AT_REMOVEDIR), 0);
        assert_int_equal(unlinkat(root, "proc", AT_REMOVEDIR), 0);
        assert_int_equal(rmdir(dir), 0);
        (void)close(root);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse_stat),
                cmocka_unit_test(test_read_self),
                cmocka_unit_test(test_protected),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

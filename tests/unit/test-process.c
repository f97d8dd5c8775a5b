/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "sense/process.h"

#define TAIL " 10 11 34816 -1 4194560 1 0 0 0 2 1 3 1 20 0 7 0 987654321 4096 10 184467\n"

static void test_stat(void **state) {
        (void)state;
        static const struct {
                const char *text;
                int r;
                const char *comm;
                char st;
        } rows[] = {
                { "5 (bash) S 4" TAIL, 0, "bash", 'S' },
                { "5 (foo) Z ) R 4" TAIL, 0, "foo) Z ", 'R' },
                { "5 (a\nb (c) D) Z 4" TAIL, 0, "a\nb (c) D", 'Z' },
                { "5 () S 4" TAIL, 0, "", 'S' },
                { "5 (((((() S 4" TAIL, 0, "(((((", 'S' },
                { "5 (kworker/u8:3-events_unbound) I 4" TAIL, 0, "kworker/u8:3-ev", 'I' },
                { "5 (a) S 4 10 11 0 -1 1 1 0 0 0 2 1 3 1 20 0 7 0 98765", -EBADMSG, NULL, 0 },
                { "5 (a) S 4 10 11 0", -EBADMSG, NULL, 0 },
                { "5 (a) S 4  10 11 0 -1 1 1 0 0 0 2 1 3 1 20 0 7 0 98765 0\n", -EBADMSG, NULL, 0 },
                { "5 (a) SS 4" TAIL, -EBADMSG, NULL, 0 },
                { "5 (a) S x" TAIL, -EBADMSG, NULL, 0 },
                { "5 (a) S 99999999999" TAIL, -EBADMSG, NULL, 0 },
                { "5 (a)S 4" TAIL, -EBADMSG, NULL, 0 },
                { "5 a S 4" TAIL, -EBADMSG, NULL, 0 },
                { "5 )a( S 4" TAIL, -EBADMSG, NULL, 0 },
                { "5 (a)", -EBADMSG, NULL, 0 },
                { "", -EBADMSG, NULL, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ProcessStat s = { .ppid = 4711 };
                assert_int_equal(process_stat_parse(rows[i].text, &s), rows[i].r);
                if (rows[i].r < 0) {
                        assert_int_equal(s.ppid, 4711);
                        continue;
                }
                assert_string_equal(s.comm, rows[i].comm);
                assert_int_equal(s.state, rows[i].st);
                assert_int_equal(s.ppid, 4);
                assert_int_equal(s.pgid, 10);
                assert_int_equal(s.sid, 11);
                assert_int_equal(s.tty, 34816);
                assert_int_equal(s.pf_flags, 4194560);
                assert_int_equal(s.n_threads, 7);
                assert_int_equal(s.start_ticks, 987654321);
        }
}

#define STATUS_HEAD "Name:\tx\nState:\tS (sleeping)\nTracerPid:\t0\nUid:\t1\t2\t3\t4\n"
#define STATUS_SIZES \
        "VmSize:\t 4096 kB\nRssAnon:\t 1 kB\nRssFile:\t 2 kB\nRssShmem:\t 3 kB\nVmPTE:\t 4 kB\nVmSwap:\t 5 kB\n"
#define STATUS_TAIL "Threads:\t3\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n"

static void test_status(void **state) {
        (void)state;
        ProcessStatus s = {};
        assert_int_equal(process_status_parse(STATUS_HEAD STATUS_SIZES STATUS_TAIL, &s), 0);
        assert_true(s.has_sizes && s.vm_size_kb == 4096 && s.rss_anon_kb == 1 && s.rss_file_kb == 2);
        assert_true(s.rss_shmem_kb == 3 && s.pgtables_kb == 4 && s.swap_kb == 5);
        assert_true(s.has_euid && s.euid == 2 && s.n_threads == 3 && s.state == 'S' && !s.is_sigkill_pending);
        assert_int_equal(process_status_parse(STATUS_HEAD STATUS_TAIL, &s), 0);
        assert_false(s.has_sizes);

        static const struct {
                const char *text;
                bool pending;
        } signals[] = {
                { "SigPnd:\t0000000000000100\n", true },  { "ShdPnd:\t0000000000000100\n", true },
                { "SigPnd:\tfffffffffffffeff\n", false }, { "SigPnd:\t0000000000004000\n", false },
                { "SigPnd:\t0000000000000fff\n", true },  { "SigBlk:\t0000000000000100\n", false },
        };
        for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
                char text[256] = STATUS_HEAD;
                (void)strcat(text, signals[i].text);
                assert_int_equal(process_status_parse(text, &s), 0);
                assert_int_equal(s.is_sigkill_pending, signals[i].pending);
        }
        static const char *const bad[] = {
                "",
                "Name:\tx\n",
                STATUS_HEAD "VmSwap:\t 5",
                STATUS_HEAD "RssAnon:\t 1 kB\n",
                STATUS_HEAD STATUS_SIZES "VmSwap:\t 6 kB\n",
                "State:\t\n",
                STATUS_HEAD "SigPnd:\tzz\n",
                STATUS_HEAD "SigPnd:\t0\n",
                STATUS_HEAD "Threads:\t-1\n",
                "Name:\tx\nState:\tS\nUid:\t1\n",
                "Name:\tx\nState:\tS\nUid:\t1\t99999999999\t1\t1\n",
                STATUS_HEAD "RssAnon:\t 1 MB\n",
                STATUS_HEAD "RssAnon:\t 99999999999999999999999 kB\n",
        };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                s.euid = 4711;
                assert_int_equal(process_status_parse(bad[i], &s), -EBADMSG);
                assert_int_equal(s.euid, 4711);
        }
}

static void test_cgroup(void **state) {
        (void)state;
        static const struct {
                const char *text;
                int r;
                const char *path;
        } rows[] = {
                { "0::/\n", 0, "/" },
                { "12:memory:/x\n1:name=systemd:/y\n0::/a/b.service\n", 0, "/a/b.service" },
                { "0::/../..\n", 0, "/../.." },
                { "0::/x:y 0::/z\n", 0, "/x:y 0::/z" },
                { "1:memory:/0::/fake\n", -ENOENT, NULL },
                { "", -ENOENT, NULL },
                { "10::/x\n", -ENOENT, NULL },
                { "0::/cut", -EBADMSG, NULL },
                { "0::\n", -EBADMSG, NULL },
                { "0::relative\n", -EBADMSG, NULL },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const char *p = NULL;
                size_t n = 0;
                assert_int_equal(process_cgroup_parse(rows[i].text, &p, &n), rows[i].r);
                if (rows[i].path) {
                        assert_int_equal(n, strlen(rows[i].path));
                        assert_memory_equal(p, rows[i].path, n);
                }
        }
}

static void test_number(void **state) {
        (void)state;
        int64_t v = 5;
        assert_int_equal(process_number_parse("-1000\n", -1000, 1000, &v), 0);
        assert_int_equal(v, -1000);
        static const char *const bad[] = { "",        "\n",   "1",    "1\n2\n", "1001\n",
                                           "-1001\n", " 1\n", "1 \n", "x\n",    "99999999999999999999\n" };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(process_number_parse(bad[i], -1000, 1000, &v), -EBADMSG);
        assert_int_equal(v, -1000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stat),
                cmocka_unit_test(test_status),
                cmocka_unit_test(test_cgroup),
                cmocka_unit_test(test_number),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

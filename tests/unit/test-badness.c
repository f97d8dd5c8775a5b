/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <signal.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/text.h"
#include "decide/badness.h"

static ProcessSample sized(uint64_t pages, int32_t adj) {
        return (ProcessSample){ .pid = 100, .flags = PROCESS_SIZES | PROCESS_IDENTITY, .rss_anon = pages, .oom_score_adj = adj };
}

static void test_formula(void **state) {
        (void)state;
        static const struct {
                uint64_t pages;
                int32_t adj;
                uint64_t total;
                int64_t points;
        } rows[] = {
                { 0, 0, 1000000, 0 },
                { 5000, 0, 1000000, 5000 },
                { 5000, 500, 1000000, 505000 },
                { 5000, -500, 1000000, -495000 }, /* negative, no clamp */
                { 5000, -999, 1000999, -994000 }, /* integer division first: 1000999 / 1000 = 1000 */
                { 5000, 1000, 999, 5000 },        /* a domain of less than 1000 pages: adj has no weight */
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ProcessSample p = sized(rows[i].pages, rows[i].adj);
                Reject why;
                assert_true(badness_pages(&p, rows[i].total, &why) == rows[i].points);
                assert_int_equal(why, REJECT_NONE);
        }
}

static void test_every_part_counts(void **state) {
        (void)state;
        ProcessSample p = sized(1, 0);
        p.rss_file = 2;
        p.rss_shmem = 4;
        p.swap = 8;
        p.pgtables = 16;
        Reject why;
        assert_true(badness_pages(&p, 1000, &why) == 31);
}

static void test_never_selectable(void **state) {
        (void)state;
        static const struct {
                uint32_t flag;
                Reject why;
        } rows[] = {
                { PROCESS_INIT, REJECT_INIT },   { PROCESS_KTHREAD, REJECT_KTHREAD }, { PROCESS_NO_MM, REJECT_NO_MM },
                { PROCESS_DYING, REJECT_DYING }, { PROCESS_VFORK, REJECT_VFORK },
        };
        Reject why;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ProcessSample p = sized(1000, 1000);
                p.flags |= rows[i].flag;
                assert_true(badness_pages(&p, 1000, &why) == INT64_MIN);
                assert_int_equal(why, rows[i].why);
        }
        ProcessSample p = sized(1000, -1000);
        assert_true(badness_pages(&p, 1000, &why) == INT64_MIN);
        assert_int_equal(why, REJECT_ADJ);
        p = sized(1000, 0);
        p.flags = PROCESS_IDENTITY;
        assert_true(badness_pages(&p, 1000, &why) == INT64_MIN);
        assert_int_equal(why, REJECT_UNREAD);
}

static void test_known_scores(void **state) {
        (void)state;
        assert_int_equal(badness_to_oom_score(0, 1000000), 666);
        assert_int_equal(badness_to_oom_score(500000, 1000000), 1000);
        assert_int_equal(badness_to_oom_score(-999000, 1000000), 0);
        assert_int_equal(badness_to_oom_score(INT64_MIN, 1000000), 0);
        assert_int_equal(badness_to_oom_score(1, 0), 0);
        for (uint64_t pages = 0; pages < 1000000; pages += 997) {
                uint64_t back = badness_size_from_oom_score(badness_to_oom_score((int64_t)pages, 1000000), 0, 1000000);
                assert_true(back <= pages && pages - back <= 3000);
        }
}

static uint64_t status_kb(const char *text, const char *key) {
        const char *p = strstr(text, key);
        unsigned long v = 0;
        if (p)
                assert_int_equal(sscanf(p + strlen(key), " %lu", &v), 1);
        return v;
}

/* What a recording may say: nothing of it overflows, and the order stays. */
static void test_absurd_sizes(void **state) {
        (void)state;
        static const uint64_t totals[] = { 1, 999, 1000, UINT64_C(1) << 40, INT64_MAX, UINT64_MAX };
        static const int32_t adjs[] = { INT32_MIN, -999, 0, 1000, INT32_MAX };
        Reject why;

        for (size_t t = 0; t < ARRAY_SIZE(totals); t++)
                for (size_t a = 0; a < ARRAY_SIZE(adjs); a++) {
                        ProcessSample small = sized(1, adjs[a]), large = sized(0, adjs[a]);
                        large.rss_anon = large.rss_file = large.swap = UINT64_MAX;
                        int64_t low = badness_pages(&small, totals[t], &why), high = badness_pages(&large, totals[t], &why);
                        assert_int_equal(why, REJECT_NONE);
                        assert_true(low > INT64_MIN);
                        assert_true(high >= low);
                        assert_true(badness_to_oom_score(high, totals[t]) >= badness_to_oom_score(low, totals[t]));
                }
        assert_int_equal(badness_to_oom_score(INT64_MAX, 1), UINT32_MAX);
        assert_int_equal(badness_to_oom_score(INT64_MIN + 1, 1), 0);
        assert_int_equal(badness_to_oom_score(INT64_MAX, UINT64_MAX), 999);
}

/* The real kernel: a child of known size with several oom_score_adj must score what the replica says. */
static void test_against_the_kernel(void **state) {
        (void)state;
        static const int adjs[] = { 0, 100, 500, 1000 };
        _cleanup_close_ int proc = open("/proc", O_DIRECTORY | O_CLOEXEC);
        char path[64], text[8192];
        assert_true(proc >= 0);
        assert_true(fd_read_text_at(proc, "meminfo", text, sizeof(text)) > 0);
        uint64_t page_kb = (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
        uint64_t total = (status_kb(text, "MemTotal:") + status_kb(text, "SwapTotal:")) / page_kb;

        int up[2];
        assert_int_equal(pipe(up), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                char *m = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                memset(m, 7, 64 << 20);
                (void)!write(up[1], "x", 1);
                pause();
                _exit(0);
        }
        assert_int_equal(read(up[0], text, 1), 1);
        for (size_t i = 0; i < ARRAY_SIZE(adjs); i++) {
                char adj[16];
                uint64_t score;
                snprintf(path, sizeof(path), "%d/oom_score_adj", pid);
                snprintf(adj, sizeof(adj), "%d", adjs[i]);
                assert_int_equal(fd_write_text_at(proc, path, adj), 0);
                snprintf(path, sizeof(path), "%d/status", pid);
                assert_true(fd_read_text_at(proc, path, text, sizeof(text)) > 0);
                ProcessSample p = sized(0, adjs[i]);
                p.rss_anon = status_kb(text, "RssAnon:") / page_kb;
                p.rss_file = status_kb(text, "RssFile:") / page_kb;
                p.rss_shmem = status_kb(text, "RssShmem:") / page_kb;
                p.swap = status_kb(text, "VmSwap:") / page_kb;
                p.pgtables = status_kb(text, "VmPTE:") / page_kb;
                snprintf(path, sizeof(path), "%d/oom_score", pid);
                assert_int_equal(fd_read_u64_at(proc, path, &score), 0);
                Reject why;
                int64_t mine = badness_to_oom_score(badness_pages(&p, total, &why), total);
                /* RSS counters are per-CPU and approximate (6.2 and later): a point of 2/3 per mille */
                assert_in_range((uint64_t)(mine - (int64_t)score + 1), 0, 2);
        }
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(up[0]);
        close(up[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_formula),
                cmocka_unit_test(test_every_part_counts),
                cmocka_unit_test(test_never_selectable),
                cmocka_unit_test(test_known_scores),
                cmocka_unit_test(test_absurd_sizes),
                cmocka_unit_test(test_against_the_kernel),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

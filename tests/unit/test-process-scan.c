/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes are read in full, and that no row outlives its process. In a tree of made-up processes. */
#include "sense-world.h"

#include <stdio.h>

#include "tree.h"

#define SCAN (DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES)
#define CG   "sys/fs/cgroup/"

typedef struct Fake {
        int32_t pid, ppid;
        const char *comm;
        char state;
        unsigned long start;
        unsigned score, anon_kb, faults;
        const char *cgroup;
        bool is_kthread;
} Fake;

static void fake_write(const Tree *t, Fake f) {
        char path[64], text[1024];
        (void)snprintf(path, sizeof(path), "proc/%d/stat", f.pid);
        (void)snprintf(text, sizeof(text), "%d (%s) %c %d 7 7 0 -1 %u %u 0 0 0 2 1 3 1 20 0 1 0 %lu 0 0\n", f.pid,
                       f.comm, f.state ? f.state : 'S', f.ppid ? f.ppid : 1, f.is_kthread ? 0x00200040u : 0x400000u,
                       f.faults, f.start);
        tree_write(t, path, text);
        (void)snprintf(path, sizeof(path), "proc/%d/status", f.pid);
        (void)snprintf(text, sizeof(text),
                       "Name:\tx\nState:\t%c (x)\nUid:\t5\t5\t5\t5\nVmSize:\t %u kB\nRssAnon:\t %u kB\n"
                       "RssFile:\t 0 kB\nRssShmem:\t 0 kB\nVmPTE:\t 8 kB\nVmSwap:\t 0 kB\n",
                       f.state ? f.state : 'S', f.anon_kb * 2, f.anon_kb);
        tree_write(t, path, text);
        (void)snprintf(path, sizeof(path), "proc/%d/oom_score", f.pid);
        (void)snprintf(text, sizeof(text), "%u\n", f.score);
        tree_write(t, path, text);
        (void)snprintf(path, sizeof(path), "proc/%d/oom_score_adj", f.pid);
        tree_write(t, path, "0\n");
        (void)snprintf(path, sizeof(path), "proc/%d/cgroup", f.pid);
        (void)snprintf(text, sizeof(text), "0::%s\n", f.cgroup ? f.cgroup : "/");
        tree_write(t, path, text);
}

static void fake_remove(const Tree *t, int32_t pid) {
        static const char *const files[] = { "stat", "status", "oom_score", "oom_score_adj", "cgroup" };
        char path[64];
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                (void)snprintf(path, sizeof(path), "proc/%d/%s", pid, files[i]);
                (void)unlinkat(t->fd, path, 0);
        }
        (void)snprintf(path, sizeof(path), "proc/%d", pid);
        assert_int_equal(unlinkat(t->fd, path, AT_REMOVEDIR), 0);
}

static unsigned asked;

static void match_process(void *userdata, const ProcessFacts *facts, ProcessSample *p) {
        (void)userdata;
        asked++;
        assert_int_equal(facts->uid, 5);
        p->tier = strcmp(facts->name, "prefer-me") == 0 ? TIER_PREFER
                  : strcmp(facts->name, "never") == 0   ? TIER_NEVER
                                                        : TIER_NORMAL;
        p->rule_adjust = 7;
}

static void world(Tree *t, SenseMatchers *m) {
        *m = (SenseMatchers){ .match_cgroup = match_services, .match_process = match_process };
        asked = 0;
        tree_open(t);
        tree_write(t, CG "cgroup.controllers", "\n");
        tree_write(t, CG "small.service/cgroup.events", "populated 1\n");
        tree_write(t, CG "big.slice/cgroup.events", "populated 1\n");
        tree_write(t, "proc/meminfo", "MemTotal: 1000000 kB\n");
}

static bool is_full(const Snapshot *n, int32_t pid) {
        const ProcessSample *p = find_process(n, pid);
        assert_non_null(p);
        assert_true(p->flags & PROCESS_IDENTITY);
        return p->flags & PROCESS_SIZES;
}

static void test_shortlist(void **state) {
        (void)state;
        SenseMatchers m;
        Snapshot n;
        Tree t;
        world(&t, &m);
        /* 300 processes: the higher the pid the lower the score; the last ten in a monitored cgroup */
        for (int32_t pid = 100; pid < 400; pid++)
                fake_write(&t, (Fake){ .pid = pid,
                                       .comm = pid == 350 ? "prefer-me" : "x",
                                       .start = 9,
                                       .anon_kb = 40,
                                       .score = (unsigned)(1200 - pid),
                                       .cgroup = pid >= 390 ? "/small.service" : "/big.slice" });
        Sense *s = sense_open(t.fd, 0, 0, &m);
        (void)sense_discover(s);
        assert_int_equal(sense_sample(s, 1, 1, SCAN, &n), 0);
        assert_int_equal(n.n_processes, 300);
        assert_int_equal(asked, 300);
        for (int32_t pid = 100; pid < 400; pid++)
                assert_true(is_full(&n, pid)); /* at first sight */

        assert_int_equal(sense_sample(s, 2, 1, SCAN, &n), 0);
        assert_well_formed(&n);
        for (int32_t pid = 100; pid < 400; pid++)
                assert_int_equal(is_full(&n, pid), pid < 164 || pid == 350 || pid >= 390);
        assert_int_equal(asked, 300);
        assert_int_equal(find_process(&n, 350)->tier, TIER_PREFER);
        assert_int_equal(find_process(&n, 300)->rule_adjust, 7);
        assert_int_equal(find_process(&n, 300)->oom_score, 900);

        /* one that grows is looked at, however small; a changed name asks the rules again */
        fake_write(&t,
                   (Fake){ .pid = 370, .comm = "x", .start = 9, .anon_kb = 80, .score = 840, .cgroup = "/big.slice" });
        fake_write(&t, (Fake){ .pid = 101,
                               .comm = "never",
                               .start = 9,
                               .anon_kb = 40,
                               .score = 1099,
                               .cgroup = "/big.slice" });
        assert_int_equal(sense_sample(s, 3, 1, SCAN, &n), 0);
        assert_true(is_full(&n, 370));
        assert_int_equal(find_process(&n, 370)->rss_anon * n.page_size, 80 * 1024);
        assert_int_equal(asked, 301);
        assert_int_equal(find_process(&n, 101)->tier, TIER_NEVER);
        /* a reload asks all of them */
        sense_set_matchers(s, &m);
        (void)sense_discover(s);
        assert_int_equal(sense_sample(s, 4, 1, SCAN, &n), 0);
        assert_int_equal(asked, 601);
        assert_int_equal(sense_sample(s, 5, 1, SCAN, &n), 0);
        assert_int_equal(asked, 601);
        /* in a snapshot without the other cgroups the index is that of the monitored one */
        assert_int_equal(sense_sample(s, 6, 1, DETAIL_PROCESSES, &n), 0);
        assert_well_formed(&n);
        assert_int_equal(n.n_cgroups, 1);
        assert_int_equal(find_process(&n, 399)->cgroup, 0);
        assert_int_equal(find_process(&n, 100)->cgroup, INDEX_NONE);
        assert_string_equal(find_process(&n, 100)->cgroup_path, "/big.slice");
        sense_free(s);
        tree_close(&t);
}

static void test_reused_pids(void **state) {
        (void)state;
        SenseMatchers m;
        Snapshot n;
        Tree t;
        world(&t, &m);
        fake_write(&t, (Fake){ .pid = 10, .comm = "kworker/1:0", .start = 1, .is_kthread = true });
        fake_write(&t, (Fake){ .pid = 11, .comm = "never", .start = 1, .score = 700, .anon_kb = 40 });
        fake_write(&t, (Fake){ .pid = 12, .comm = "stays", .start = 1, .score = 700, .anon_kb = 40 });
        fake_write(&t, (Fake){ .pid = 13, .comm = "exits", .start = 1, .score = 700, .anon_kb = 40 });
        /* enough others above them that only a check of identity makes a difference */
        for (int32_t pid = 1000; pid < 1100; pid++)
                fake_write(&t, (Fake){ .pid = pid, .comm = "x", .start = 9, .anon_kb = 40, .score = 900 });
        Sense *s = sense_open(t.fd, 0, 0, &m);
        (void)sense_discover(s);
        assert_int_equal(sense_sample(s, 1000000, 1, SCAN, &n), 0);
        assert_true(find_process(&n, 10)->flags & PROCESS_KTHREAD);
        assert_int_equal(find_process(&n, 11)->tier, TIER_NEVER);

        fake_remove(&t, 13);
        fake_write(&t, (Fake){ .pid = 10, .comm = "hog", .start = 50, .score = 950, .anon_kb = 4000 });
        fake_write(&t, (Fake){ .pid = 11, .comm = "other", .start = 50, .score = 950, .anon_kb = 40 });
        assert_int_equal(sense_sample(s, 2000000, 1, SCAN, &n), 0);
        assert_well_formed(&n);
        assert_null(find_process(&n, 13));
        /* what was a kernel thread has memory: another process. What is read in full is checked. */
        const ProcessSample *p = find_process(&n, 10);
        assert_false(p->flags & PROCESS_KTHREAD);
        assert_true((p->flags & PROCESS_SIZES) && p->start_ticks == 50);
        assert_string_equal(p->comm, "hog");
        p = find_process(&n, 11);
        assert_true(p->start_ticks == 50 && p->tier == TIER_NORMAL && (p->flags & PROCESS_SIZES));
        assert_string_equal(p->comm, "other");
        /* 12 was not read in full; after a long break everybody's identity is */
        fake_write(&t, (Fake){ .pid = 12,
                               .comm = "new",
                               .start = 60,
                               .score = 700,
                               .anon_kb = 40,
                               .cgroup = "/small.service" });
        assert_int_equal(sense_sample(s, 3000000, 1, SCAN, &n), 0);
        assert_string_equal(find_process(&n, 12)->comm, "stays");
        assert_false(find_process(&n, 12)->flags & PROCESS_SIZES);
        assert_int_equal(sense_sample(s, 3000000 + 3600 * USEC_PER_SEC, 1, SCAN, &n), 0);
        p = find_process(&n, 12);
        assert_string_equal(p->comm, "new");
        assert_true(p->start_ticks == 60 && (p->flags & PROCESS_SIZES));
        assert_string_equal(p->cgroup_path, "/small.service");
        sense_free(s);
        tree_close(&t);
}

static void test_vfork(void **state) {
        (void)state;
        SenseMatchers m;
        Snapshot n;
        Tree t;
        world(&t, &m);
        fake_write(&t, (Fake){ .pid = 50, .comm = "make", .state = 'D', .start = 1, .score = 700, .anon_kb = 400 });
        fake_write(&t, (Fake){ .pid = 51, .ppid = 50, .comm = "make", .start = 2, .score = 700, .anon_kb = 400 });
        /* waits for its disk, and its child has memory of its own; a child whose parent runs */
        fake_write(&t, (Fake){ .pid = 60, .comm = "cc", .state = 'D', .start = 1, .score = 700, .anon_kb = 400 });
        fake_write(&t, (Fake){ .pid = 61, .ppid = 60, .comm = "cc", .start = 2, .score = 700, .anon_kb = 404 });
        fake_write(&t, (Fake){ .pid = 70, .comm = "sh", .start = 1, .score = 700, .anon_kb = 400 });
        fake_write(&t, (Fake){ .pid = 71, .ppid = 70, .comm = "sh", .start = 2, .score = 700, .anon_kb = 400 });
        Sense *s = sense_open(t.fd, 0, 0, &m);
        (void)sense_discover(s);
        for (int round = 0; round < 2; round++) {
                assert_int_equal(sense_sample(s, 1, 1, SCAN, &n), 0);
                assert_true(find_process(&n, 51)->flags & PROCESS_VFORK);
                static const int32_t others[] = { 50, 60, 61, 70, 71 };
                for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                        assert_false(find_process(&n, others[i])->flags & PROCESS_VFORK);
        }
        sense_free(s);
        tree_close(&t);
}

#define KNOWN (DETAIL_CGROUPS | DETAIL_STATS | DETAIL_KNOWN_PROCESSES)

static uint64_t anon_kb(const Snapshot *n, int32_t pid) {
        return find_process(n, pid)->rss_anon * n->page_size / 1024;
}

/* Who has done nothing keeps what was read of it, but not for a scan that somebody may be killed by, and not for ever. */
static void test_known(void **state) {
        (void)state;
        const uint64_t sec = USEC_PER_SEC;
        SenseMatchers m;
        Snapshot n;
        Tree t;
        world(&t, &m);
        const Fake rests = { .pid = 100, .comm = "rests", .start = 9, .anon_kb = 40, .score = 700, .cgroup = "/big.slice" };
        Fake runs = rests, shrinks = rests, reused = rests;
        runs.pid = 101, shrinks.pid = 102, reused.pid = 104;
        fake_write(&t, rests);
        fake_write(&t, runs);
        fake_write(&t, shrinks);
        fake_write(&t, reused);
        Sense *s = sense_open(t.fd, 0, 0, &m);
        (void)sense_discover(s);
        /* nothing is known yet, so everything is read; asked for both, it is a scan to kill by */
        assert_int_equal(sense_sample(s, 1000 * sec, 1, KNOWN, &n), 0);
        assert_int_equal(n.detail, KNOWN);
        assert_int_equal(anon_kb(&n, 100), 40);
        assert_int_equal(sense_sample(s, 1001 * sec, 1, KNOWN | DETAIL_PROCESSES, &n), 0);
        assert_int_equal(n.detail, SCAN);

        /* what no real process does: other sizes, and nothing else to see of it */
        Fake next = rests;
        next.anon_kb = 80, next.cgroup = "/small.service";
        fake_write(&t, next);
        runs.anon_kb = 80, runs.faults = 1, runs.ppid = 2, runs.cgroup = "/small.service";
        fake_write(&t, runs);
        shrinks.anon_kb = 8, shrinks.score = 690;
        fake_write(&t, shrinks);
        reused.anon_kb = 80, reused.start = 10, reused.comm = "new";
        fake_write(&t, reused);
        assert_int_equal(sense_sample(s, 1040 * sec, 1, KNOWN, &n), 0);
        assert_well_formed(&n);
        assert_int_equal(anon_kb(&n, 100), 40);
        assert_string_equal(find_process(&n, 100)->cgroup_path, "/big.slice");
        assert_true(is_full(&n, 100) && find_process(&n, 100)->oom_score == 700);
        assert_int_equal(anon_kb(&n, 101), 80);
        assert_int_equal(find_process(&n, 101)->ppid, 2);
        assert_string_equal(find_process(&n, 101)->cgroup_path, "/big.slice"); /* not looked at */
        assert_int_equal(anon_kb(&n, 102), 8);
        assert_int_equal(anon_kb(&n, 104), 80);
        assert_string_equal(find_process(&n, 104)->comm, "new");
        assert_int_equal(sense_sample(s, 1041 * sec, 1, SCAN, &n), 0);
        assert_int_equal(anon_kb(&n, 100), 80);
        assert_string_equal(find_process(&n, 100)->cgroup_path, "/small.service");
        assert_string_equal(find_process(&n, 101)->cgroup_path, "/small.service");

        fake_write(&t, rests);
        assert_int_equal(sense_sample(s, 1042 * sec, 1, KNOWN, &n), 0);
        assert_int_equal(anon_kb(&n, 100), 80);
        assert_int_equal(sense_sample(s, (1041 + 120) * sec, 1, KNOWN, &n), 0);
        assert_int_equal(anon_kb(&n, 100), 40);
        assert_string_equal(find_process(&n, 100)->cgroup_path, "/big.slice");
        /* a clock that goes back */
        fake_write(&t, next);
        assert_int_equal(sense_sample(s, 1, 1, KNOWN, &n), 0);
        assert_int_equal(anon_kb(&n, 100), 80);
        fake_remove(&t, 100);
        assert_int_equal(sense_sample(s, 2, 1, KNOWN, &n), 0);
        assert_null(find_process(&n, 100));
        sense_free(s);
        tree_close(&t);
}

/* Its parent runs on: the guess is made anew, though the child itself has done nothing. */
static void test_known_vfork(void **state) {
        (void)state;
        SenseMatchers m;
        Snapshot n;
        Tree t;
        world(&t, &m);
        Fake up = { .pid = 50, .comm = "make", .state = 'D', .start = 1, .score = 700, .anon_kb = 400 };
        fake_write(&t, up);
        fake_write(&t, (Fake){ .pid = 51, .ppid = 50, .comm = "make", .start = 2, .score = 700, .anon_kb = 400 });
        Sense *s = sense_open(t.fd, 0, 0, &m);
        (void)sense_discover(s);
        for (uint64_t usec = 1; usec <= 2; usec++) {
                assert_int_equal(sense_sample(s, usec, 1, KNOWN, &n), 0);
                assert_true(find_process(&n, 51)->flags & PROCESS_VFORK);
        }
        up.state = 'R';
        fake_write(&t, up);
        assert_int_equal(sense_sample(s, 3, 1, KNOWN, &n), 0);
        assert_false(find_process(&n, 51)->flags & PROCESS_VFORK);
        sense_free(s);
        tree_close(&t);
}

static void test_cap(void **state) {
        (void)state;
        SenseMatchers m;
        Snapshot n;
        Tree t;
        world(&t, &m);
        for (int32_t pid = 100; pid < 120; pid++)
                fake_write(&t, (Fake){ .pid = pid, .comm = "x", .start = 9, .anon_kb = 40, .score = 700 });
        SenseOptions o = { .root_fd = t.fd, .max_processes = 8 };
        Sense *s = NULL;
        assert_int_equal(sense_new(&o, &s), 0);
        assert_int_equal(sense_sample(s, 1, 1, SCAN, &n), 0);
        assert_int_equal(n.n_processes, 8);
        assert_well_formed(&n);
        assert_int_equal(count_complaints(s, "more than 8 processes"), 1);
        sense_free(s);
        tree_close(&t);
}

/* What rules look at and could not be read makes no victim: one of them may have said "never". */
static void test_unknown_cgroup(void **state) {
        (void)state;
        SenseMatchers m;
        Snapshot n;
        Tree t;
        world(&t, &m);
        for (int32_t pid = 100; pid < 102; pid++)
                fake_write(&t, (Fake){ .pid = pid, .comm = "x", .start = 9, .anon_kb = 40, .score = 700 });
        tree_write(&t, "proc/100/cgroup", "0::/cut");
        Sense *s = sense_open(t.fd, 0, 0, &m);
        (void)sense_discover(s);
        assert_int_equal(sense_sample(s, 1, 1, SCAN, &n), 0);
        /* no rule asks for it */
        assert_true(find_process(&n, 100)->flags & PROCESS_IDENTITY);
        assert_int_equal(asked, 2);

        m.rule_fields = 1u << RULE_UNIT;
        sense_set_matchers(s, &m);
        (void)sense_discover(s);
        assert_int_equal(sense_sample(s, 2, 1, SCAN, &n), 0);
        assert_false(find_process(&n, 100)->flags & PROCESS_IDENTITY);
        assert_true(find_process(&n, 101)->flags & PROCESS_IDENTITY);
        assert_int_equal(asked, 3);
        tree_write(&t, "proc/100/cgroup", "0::/whole\n");
        assert_int_equal(sense_sample(s, 3, 1, SCAN, &n), 0);
        assert_true(find_process(&n, 100)->flags & PROCESS_IDENTITY);
        assert_int_equal(asked, 4);
        sense_free(s);
        tree_close(&t);
}

static char asked_cgroup[CGROUP_PATH_MAX];

static void match_process_cgroup(void *userdata, const ProcessFacts *facts, ProcessSample *p) {
        (void)userdata;
        (void)snprintf(asked_cgroup, sizeof(asked_cgroup), "%s", facts->cgroup);
        p->tier = TIER_NORMAL;
}

/* Whoever makes so many cgroups that no more paths are kept must not take the rules away from the others. */
static void test_path_store_full(void **state) {
        (void)state;
        SenseMatchers m;
        char path[400];
        Snapshot n;
        Tree t;
        world(&t, &m);
        m.match_process = match_process_cgroup;
        m.rule_fields = 1u << RULE_CGROUP;
        memset(path, 'a', sizeof(path));
        path[0] = '/';
        path[sizeof(path) - 1] = '\0';
        fake_write(&t, (Fake){ .pid = 100, .comm = "x", .start = 9, .anon_kb = 40, .score = 700, .cgroup = path });
        Sense *s = sense_open(t.fd, 0, 1, &m);
        (void)sense_discover(s);
        assert_int_equal(sense_sample(s, 1, 1, SCAN, &n), 0);
        assert_string_equal(find_process(&n, 100)->cgroup_path, "");
        assert_string_equal(asked_cgroup, path);
        sense_free(s);
        tree_close(&t);
}

/* A helper that the kernel starts is a kernel thread until it executes its program. */
static void test_kthread_that_executes(void **state) {
        (void)state;
        SenseMatchers m;
        Snapshot n;
        Tree t;
        world(&t, &m);
        fake_write(&t, (Fake){ .pid = 100, .comm = "kworker", .start = 9, .is_kthread = true });
        Sense *s = sense_open(t.fd, 0, 0, &m);
        (void)sense_discover(s);
        assert_int_equal(sense_sample(s, 1, 1, SCAN, &n), 0);
        assert_true(find_process(&n, 100)->flags & PROCESS_KTHREAD);
        fake_write(&t, (Fake){ .pid = 100, .comm = "core-dumper", .start = 9, .anon_kb = 40, .score = 700 });
        assert_int_equal(sense_sample(s, 2, 1, SCAN, &n), 0);
        assert_false(find_process(&n, 100)->flags & PROCESS_KTHREAD);
        assert_true(is_full(&n, 100));
        sense_free(s);
        tree_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_shortlist),
                cmocka_unit_test(test_reused_pids),
                cmocka_unit_test(test_vfork),
                cmocka_unit_test(test_known),
                cmocka_unit_test(test_known_vfork),
                cmocka_unit_test(test_cap),
                cmocka_unit_test(test_unknown_cgroup),
                cmocka_unit_test(test_path_store_full),
                cmocka_unit_test(test_kthread_that_executes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

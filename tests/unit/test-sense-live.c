/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Against the running kernel, with children of this test as the processes. Proves what no fixture can:
 * that the cheap sample opens nothing (a seccomp filter kills it if it does) and allocates nothing, that
 * descriptors do not leak, and that processes may come and go at any moment.
 */
#include "sense-world.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tree.h"

static int live_root(void) {
        int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

/* Whatever this test was started with: one with a score of 0 is not read in full. */
static void become_candidate(void) {
        int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        (void)!write(fd, "300", 3);
        (void)close(fd);
}

/* A child that touches @kib, takes the name, reports by a byte and waits. */
static pid_t child_start(const char *comm, size_t kib) {
        int fds[2];
        char c;
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid_t pid = fork();
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)prctl(PR_SET_NAME, comm);
                become_candidate();
                if (kib > 0) {
                        char *p = mmap(NULL, kib << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                        if (p == MAP_FAILED)
                                _exit(1);
                        (void)madvise(p, kib << 10, MADV_NOHUGEPAGE);
                        memset(p, 1, kib << 10);
                }
                (void)!write(fds[1], "x", 1);
                for (;;)
                        pause();
        }
        assert_true(pid > 0);
        assert_int_equal(read(fds[0], &c, 1), 1);
        (void)close(fds[0]);
        (void)close(fds[1]);
        return pid;
}

static void child_end(pid_t pid) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
}

static void test_processes(void **state) {
        (void)state;
        Snapshot n;
        int root = live_root();
        Sense *s = sense_open(root, getpid(), 0, NULL);
        assert_true(sense_discover(s) >= 0);
        pid_t big = child_start("big", 65536), hostile = child_start("foo) Z ", 0), newline = child_start("a\nb\tc", 0);

        assert_int_equal(sense_sample(s, 1, 1, DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES, &n), 0);
        assert_well_formed(&n);
        const ProcessSample *p = find_process(&n, big);
        uint32_t want = PROCESS_SIZES | PROCESS_SCORE | PROCESS_IDENTITY;
        assert_int_equal(p->flags & (want | PROCESS_KTHREAD | PROCESS_NO_MM | PROCESS_DYING | PROCESS_VFORK), want);
        assert_in_range(p->rss_anon * n.page_size, 64u << 20, 70u << 20);
        assert_true(p->pgtables * n.page_size >= 128 * 1024);
        assert_int_equal(p->ppid, getpid());
        assert_int_equal(p->uid, geteuid());
        assert_string_equal(p->comm, "big");
        assert_string_equal(find_process(&n, hostile)->comm, "foo) Z ");
        assert_string_equal(find_process(&n, newline)->comm, "a\nb\tc");
        assert_int_equal(find_process(&n, newline)->pgid, getpgrp());
        const ProcessSample *self = find_process(&n, getpid());
        assert_true(self->flags & PROCESS_SELF);
        assert_true(self->start_ticks > 0 && self->start_ticks <= p->start_ticks);
        if (n.n_cgroups > 0) {
                assert_true(self->cgroup != INDEX_NONE && (n.cgroups[self->cgroup].marks & CGROUP_MARK_SELF));
                assert_true(n.cgroups[0].marks & CGROUP_MARK_SELF);
        }
        child_end(big);
        child_end(hostile);
        assert_int_equal(sense_sample(s, 2, 1, DETAIL_PROCESSES, &n), 0);
        assert_null(find_process(&n, big));
        assert_null(find_process(&n, hostile));
        assert_non_null(find_process(&n, newline));
        child_end(newline);
        assert_int_equal(count_complaints(s, ""), 0);
        sense_free(s);
        (void)close(root);
}

/* A child that at each byte touches, drops or unmaps a part of its memory, and answers. */
static pid_t child_of_many_sizes(const char *comm, int to[2], int from[2]) {
        assert_int_equal(pipe2(to, O_CLOEXEC), 0);
        assert_int_equal(pipe2(from, O_CLOEXEC), 0);
        pid_t pid = fork();
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)prctl(PR_SET_NAME, comm);
                become_candidate();
                char *p = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                (void)madvise(p, 64 << 20, MADV_NOHUGEPAGE);
                (void)!write(from[1], "x", 1);
                for (char c; read(to[0], &c, 1) == 1; (void)!write(from[1], "x", 1)) {
                        if (c == 't')
                                memset(p, 1, 16 << 20);
                        else if (c == 'd')
                                (void)madvise(p, 8 << 20, MADV_DONTNEED);
                        else
                                (void)munmap(p + (8 << 20), 8 << 20);
                }
                _exit(0);
        }
        char c;
        (void)close(to[0]);
        (void)close(from[1]);
        assert_int_equal(read(from[0], &c, 1), 1);
        return pid;
}

/* A sample that goes by what is known says the same of @pid as one look at that process alone. */
static void assert_known_is_true(Sense *s, uint64_t usec, pid_t pid) {
        Snapshot n;
        ProcessSample p;

        assert_int_equal(sense_sample(s, usec, 1, DETAIL_KNOWN_PROCESSES, &n), 0);
        assert_well_formed(&n);
        const ProcessSample *known = find_process(&n, pid);
        assert_int_equal(sense_process(s, pid, &p), 0);
        assert_true(known->flags & p.flags & PROCESS_SIZES);
        assert_int_equal(known->rss_anon, p.rss_anon);
        assert_int_equal(known->pgtables, p.pgtables);
        assert_int_equal(known->oom_score, p.oom_score);
}

/* So that they are read in full however big others on this host are. */
static void prefer_own(void *userdata, const ProcessFacts *f, ProcessSample *p) {
        (void)userdata;
        if (strcmp(f->name, "known") == 0)
                p->tier = TIER_PREFER;
}

static void test_known_processes(void **state) {
        (void)state;
        int to[2], from[2], root = live_root();
        pid_t pid = child_of_many_sizes("known", to, from), idle = child_start("known", 1024);
        SenseMatchers m = { .match_process = prefer_own };
        Sense *s = sense_open(root, getpid(), 0, &m);
        uint64_t usec = 1;

        for (const char *c = "tdtdtu"; *c; c++) {
                char answer;
                assert_known_is_true(s, usec++, pid);
                assert_int_equal(write(to[1], c, 1), 1);
                assert_int_equal(read(from[0], &answer, 1), 1);
                assert_known_is_true(s, usec++, pid);
                assert_known_is_true(s, usec++, idle);
        }
        child_end(pid);
        child_end(idle);
        (void)close(to[1]);
        (void)close(from[0]);
        sense_free(s);
        (void)close(root);
}

static void thread_woken(int signal) {
        (void)signal;
}

/* Drops what it holds at a SIGUSR1. */
static void *thread_hold(void *p) {
        const struct sigaction wake = { .sa_handler = thread_woken };
        (void)sigaction(SIGUSR1, &wake, NULL);
        memset(p, 1, 8 << 20);
        (void)!write(*(int *)((char *)p + (8 << 20)), "x", 1);
        for (;;) {
                pause();
                (void)madvise(p, 8 << 20, MADV_DONTNEED);
                (void)!write(*(int *)((char *)p + (8 << 20)), "x", 1);
        }
        return NULL;
}

static void test_zombies(void **state) {
        (void)state;
        Snapshot n;
        int fds[2], root = live_root();
        char c;
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        /* its leader exits, a thread with 8 MiB stays */
        pid_t odd = fork();
        if (odd == 0) {
                pthread_t t;
                char *p = mmap(NULL, (8 << 20) + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)prctl(PR_SET_NAME, "known");
                become_candidate();
                memcpy(p + (8 << 20), &fds[1], sizeof(int));
                (void)pthread_create(&t, NULL, thread_hold, p);
                syscall(SYS_exit, 0);
        }
        assert_int_equal(read(fds[0], &c, 1), 1);
        pid_t dead = fork();
        if (dead == 0)
                _exit(0);
        siginfo_t info;
        assert_int_equal(waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT), 0);

        SenseMatchers m = { .match_process = prefer_own };
        Sense *s = sense_open(root, getpid(), 0, &m);
        assert_int_equal(sense_sample(s, 1, 1, DETAIL_PROCESSES, &n), 0);
        const ProcessSample *p = find_process(&n, odd);
        assert_true(p->flags & PROCESS_SIZES);
        assert_false(p->flags & (PROCESS_NO_MM | PROCESS_DYING));
        assert_true(p->rss_anon * n.page_size >= 8u << 20);
        assert_true(p->flags & PROCESS_SCORE && p->oom_score > 0);
        p = find_process(&n, dead);
        assert_true(p->flags & PROCESS_NO_MM);
        assert_false(p->flags & PROCESS_SIZES);
        assert_int_equal(p->oom_score, 0);
        /* the leader's stat knows nothing of what its thread does: it is never taken for unchanged */
        for (uint64_t usec = 2; usec < 4; usec++) {
                assert_int_equal(sense_sample(s, usec, 1, DETAIL_KNOWN_PROCESSES, &n), 0);
                p = find_process(&n, odd);
                assert_true(p->flags & PROCESS_SIZES);
                assert_true(p->rss_anon * n.page_size >= 8u << 20);
        }
        assert_int_equal(kill(odd, SIGUSR1), 0);
        assert_int_equal(read(fds[0], &c, 1), 1);
        assert_int_equal(sense_sample(s, 4, 1, DETAIL_KNOWN_PROCESSES, &n), 0);
        p = find_process(&n, odd);
        assert_true(p->flags & PROCESS_SIZES);
        assert_true(p->rss_anon * n.page_size < 8u << 20);
        child_end(odd);
        (void)waitpid(dead, NULL, 0);
        (void)close(fds[0]);
        (void)close(fds[1]);
        sense_free(s);
        (void)close(root);
}

static void match_by_cmdline(void *userdata, const ProcessFacts *f, ProcessSample *p) {
        (void)userdata;
        if (strstr(f->exe, "test-sense-live") && strstr(f->cmdline, "test-sense-live"))
                p->rule_adjust = 5;
        assert_true(f->name[0] != '\0' && f->cgroup != NULL);
}

static void test_rules_see_exe_and_cmdline(void **state) {
        (void)state;
        Snapshot n;
        int root = live_root();
        SenseMatchers m = { .match_process = match_by_cmdline, .rule_fields = 1 << RULE_EXE | 1 << RULE_CMDLINE };
        Sense *s = sense_open(root, getpid(), 0, &m);
        assert_int_equal(sense_sample(s, 1, 1, DETAIL_PROCESSES, &n), 0);
        assert_int_equal(find_process(&n, getpid())->rule_adjust, 5);
        assert_int_equal(find_process(&n, 1) ? find_process(&n, 1)->rule_adjust : 0, 0);
        sense_free(s);
        (void)close(root);
}

/* One process, and the list of all: beside a sample, whose table they must not touch. */
static void test_one_process(void **state) {
        (void)state;
        Snapshot n;
        ProcessSample p;
        const int32_t *pids;
        int root = live_root();
        SenseMatchers m = { .match_process = match_by_cmdline, .rule_fields = 1 << RULE_EXE | 1 << RULE_CMDLINE };
        Sense *s = sense_open(root, getpid(), 0, &m);

        assert_int_equal(sense_sample(s, 1, 1, DETAIL_PROCESSES, &n), 0);
        uint32_t n_before = n.n_processes;
        ProcessSample *me = &n.processes[0];
        while (me->pid != getpid())
                me++;
        me->kernel_adjust = 77;
        int k = sense_list_processes(s, &pids);
        assert_true(k > 0);
        bool is_listed = false;
        for (int i = 0; i < k; i++) {
                assert_true(i == 0 || pids[i - 1] < pids[i]);
                is_listed |= pids[i] == getpid();
        }
        assert_true(is_listed);
        assert_int_equal(sense_process(s, getpid(), &p), 0);
        assert_true((p.flags & (PROCESS_IDENTITY | PROCESS_SELF | PROCESS_SIZES)) ==
                    (PROCESS_IDENTITY | PROCESS_SELF | PROCESS_SIZES));
        assert_int_equal(p.rule_adjust, 5);
        assert_int_equal(p.ppid, getppid());
        assert_int_equal(p.start_ticks, me->start_ticks);
        assert_int_equal(n.n_processes, n_before);
        assert_int_equal(me->kernel_adjust, 77);

        pid_t child = fork();
        if (child == 0)
                for (;;)
                        (void)pause();
        assert_int_equal(sense_process(s, child, &p), 0);
        assert_true(p.flags & PROCESS_FORKED);
        assert_int_equal(p.ppid, getpid());
        child_end(child);
        assert_int_equal(sense_process(s, child, &p), 1);
        assert_int_equal(sense_sample(s, 2, 1, DETAIL_PROCESSES, &n), 0);
        assert_int_equal(find_process(&n, getpid())->kernel_adjust, 0); /* the daemon's to fill, each time */
        sense_free(s);
        (void)close(root);
}

/* Children are born and die all the time while we scan. */
static void test_churn(void **state) {
        (void)state;
        Snapshot n;
        int root = live_root();
        unsigned fds_before = tree_count_fds();
        Sense *s = sense_open(root, getpid(), 0, NULL);
        assert_true(sense_discover(s) >= 0);
        unsigned fds = tree_count_fds();
        pid_t churner = fork();
        if (churner == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)signal(SIGCHLD, SIG_IGN);
                for (int i = 0; i < 20000; i++)
                        if (fork() == 0)
                                _exit(0);
                _exit(0);
        }
        for (unsigned i = 0; i < 60; i++) {
                assert_int_equal(sense_sample(s, i * 1000 * USEC_PER_SEC, 1, DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES, &n), 0);
                assert_well_formed(&n);
                assert_non_null(find_process(&n, getpid()));
                if (i % 10 == 0)
                        assert_true(sense_discover(s) >= 0);
        }
        child_end(churner);
        /* one kept for each process that lives, none for the thousands that came and went */
        assert_in_range(tree_count_fds(), fds, fds + n.n_processes);
        assert_int_equal(count_complaints(s, ""), 0);
        sense_free(s);
        assert_int_equal(tree_count_fds(), fds_before);
        (void)close(root);
}

#define FILTER_KILL(nr) \
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

/* From here on an open, a mapping or a growing heap is the end of the process. */
static int forbid_opening(void) {
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                FILTER_KILL(SYS_openat),
                FILTER_KILL(SYS_openat2),
                FILTER_KILL(SYS_brk),
                FILTER_KILL(SYS_mmap),
                FILTER_KILL(SYS_getdents64),
#ifdef SYS_open
                FILTER_KILL(SYS_open),
#endif
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0 ? -errno : 0;
}

static int cheap_samples_in_jail(Sense *s) {
        Snapshot n;
        if (sense_sample(s, 1, 1, 0, &n) < 0) /* the first one may look at swaps */
                return 2;
        struct mallinfo2 before = mallinfo2();
        if (forbid_opening() < 0)
                return 77;
        for (unsigned i = 0; i < 1000; i++)
                if (sense_sample(s, i, 1, 0, &n) < 0 || n.host.have == 0)
                        return 3;
        struct mallinfo2 after = mallinfo2();
        return before.uordblks == after.uordblks && before.hblkhd == after.hblkhd ? 0 : 4;
}

static void check_cheap(int root, int32_t pid, const SenseMatchers *m, size_t n_monitored) {
        int status;
        const SenseMonitored *mon;
        pid_t child = fork();
        if (child == 0) {
                SenseOptions o = { .root_fd = root, .self_pid = pid };
                Sense *s = NULL;
                if (sense_new(&o, &s) < 0)
                        _exit(1);
                sense_set_matchers(s, m);
                if (sense_discover(s) < 0 || sense_monitored(s, &mon) != n_monitored)
                        _exit(5);
                _exit(cheap_samples_in_jail(s));
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status)); /* SIGSYS: something was opened or allocated */
        if (WEXITSTATUS(status) == 77)
                skip();
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_cheap_sample_opens_nothing(void **state) {
        (void)state;
        int root = live_root();
        check_cheap(root, getpid(), NULL, 0);
        (void)close(root);
}

static void test_cheap_sample_of_cgroups_opens_nothing(void **state) {
        (void)state;
        char path[4096];
        SenseMatchers m = { .match_cgroup = match_services };
        (void)snprintf(path, sizeof(path), "%s/debian-12-6.1", FIXTURES_DIR);
        int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        Sense *s = sense_open(root, 0, 0, &m);
        const SenseMonitored *mon;
        assert_int_equal(sense_discover(s), 1);
        size_t n = sense_monitored(s, &mon);
        assert_true(n >= 6);
        sense_free(s);
        check_cheap(root, 0, &m, n);
        (void)close(root);
}

/* A real cgroup that is removed under our kept descriptors, where we may make one. */
static void test_cgroup_removed(void **state) {
        (void)state;
        SenseMatchers m = { .match_cgroup = match_services };
        Snapshot n;
        int root = live_root();
        Sense *s = sense_open(root, getpid(), 0, NULL);
        int fd = sense_cgroup_root_fd(s);
        char name[64];
        (void)snprintf(name, sizeof(name), "headroom-test-%d.service", getpid());
        if (fd < 0 || mkdirat(fd, name, 0755) < 0) {
                sense_free(s);
                (void)close(root);
                skip();
        }
        char path[80];
        (void)snprintf(path, sizeof(path), "/%s", name);
        sense_set_matchers(s, &m);
        assert_int_equal(sense_discover(s), 1);
        unsigned fds = tree_count_fds();
        assert_int_equal(sense_sample(s, 1, 1, 0, &n), 0);
        const CgroupSample *c = find_cgroup(&n, path);
        assert_non_null(c);
        assert_true(cgroup_has(c, CGROUP_PSI_SOME_USEC));
        uint64_t id = c->id;
        assert_int_equal(unlinkat(fd, name, AT_REMOVEDIR), 0);
        assert_int_equal(sense_sample(s, 2, 1, 0, &n), 0);
        assert_null(find_cgroup(&n, path));
        /* the same name again: another cgroup, and the old descriptors do not speak for it */
        assert_int_equal(mkdirat(fd, name, 0755), 0);
        assert_int_equal(sense_sample(s, 3, 1, 0, &n), 0);
        assert_null(find_cgroup(&n, path));
        assert_int_equal(sense_sample(s, 4, 1, DETAIL_CGROUPS | DETAIL_STATS, &n), 0);
        c = find_cgroup(&n, path);
        assert_true(c->id != id && (c->marks & CGROUP_MARK_NEW) && cgroup_has(c, CGROUP_PSI_SOME_USEC));
        assert_int_equal(sense_discover(s), 1);
        assert_int_equal(sense_sample(s, 5, 1, 0, &n), 0);
        assert_non_null(find_cgroup(&n, path));
        assert_int_equal(tree_count_fds(), fds);
        assert_int_equal(unlinkat(fd, name, AT_REMOVEDIR), 0);
        assert_int_equal(sense_discover(s), 1);
        assert_true(tree_count_fds() < fds);
        assert_int_equal(count_complaints(s, ""), 0);
        sense_free(s);
        (void)close(root);
}

int main(void) {
        const char *preload = getenv("LD_PRELOAD");
        if (preload && strstr(preload, "vgpreload")) {
                /* there a process is valgrind's: its memory, its name, its system calls */
                puts("1..0 # SKIP under valgrind");
                return 0;
        }
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_processes),
                cmocka_unit_test(test_known_processes),
                cmocka_unit_test(test_zombies),
                cmocka_unit_test(test_one_process),
                cmocka_unit_test(test_rules_see_exe_and_cmdline),
                cmocka_unit_test(test_churn),
                cmocka_unit_test(test_cheap_sample_opens_nothing),
                cmocka_unit_test(test_cheap_sample_of_cgroups_opens_nothing),
                cmocka_unit_test(test_cgroup_removed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

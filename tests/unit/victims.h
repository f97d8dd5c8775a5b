/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Real processes and cgroups to be killed. Everything that is started here dies with the test at the latest. */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/magic.h>

#include "act/act.h"
#include "act/victim-process.h"
#include "base/fd.h"

typedef enum VictimBehaviour {
        VICTIM_PLAIN,        /* dies of SIGTERM */
        VICTIM_IGNORES_TERM,
        VICTIM_STOPPED,
        VICTIM_FORKS,        /* forks for ever; its children wait */
} VictimBehaviour;

static inline uint64_t test_now_usec(void) {
        struct timespec ts;
        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static inline void test_sleep_usec(uint64_t usec) {
        struct timespec ts = { .tv_sec = (time_t)(usec / USEC_PER_SEC), .tv_nsec = (long)(usec % USEC_PER_SEC) * 1000 };
        (void)nanosleep(&ts, NULL);
}

static inline void victim_main(VictimBehaviour b, size_t bytes, int ready_fd) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGTERM, b == VICTIM_IGNORES_TERM ? SIG_IGN : SIG_DFL);
        if (bytes > 0) {
                char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                if (p == MAP_FAILED)
                        _exit(99);
                /* Small pages: with huge ones there is nothing to measure. */
                (void)madvise(p, bytes, MADV_NOHUGEPAGE);
                for (size_t i = 0; i < bytes; i += 4096)
                        ((volatile char *)p)[i] = 1;
        }
        (void)!write(ready_fd, "r", 1);
        if (b == VICTIM_STOPPED)
                (void)raise(SIGSTOP);
        while (b == VICTIM_FORKS) {
                if (fork() == 0) {
                        /* Does not die with its parent: whoever kills has to find it. */
                        (void)alarm(20);
                        for (;;)
                                (void)pause();
                }
                test_sleep_usec(500);
        }
        for (;;)
                (void)pause();
}

/* Starts a child and waits until it is ready. @cgroup_fd: where to put it, -EBADF for nowhere. */
static inline pid_t victim_start_in(VictimBehaviour b, size_t bytes, int cgroup_fd) {
        int p[2];
        char c;

        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (cgroup_fd >= 0) {
                        char text[16];
                        (void)snprintf(text, sizeof(text), "%d", getpid());
                        if (fd_write_text_at(cgroup_fd, "cgroup.procs", text) < 0)
                                _exit(98);
                }
                victim_main(b, bytes, p[1]);
        }
        (void)close(p[1]);
        assert_int_equal(read(p[0], &c, 1), 1);
        (void)close(p[0]);
        if (b == VICTIM_STOPPED)
                assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
        return pid;
}

static inline pid_t victim_start(VictimBehaviour b) {
        return victim_start_in(b, 0, -EBADF);
}

static inline uint64_t victim_ticks(int root_fd, pid_t pid) {
        VictimStat stat = {};
        assert_int_equal(victim_process_read_stat(root_fd, pid, &stat), 0);
        return stat.start_ticks;
}

static inline bool victim_is_alive(pid_t pid) {
        siginfo_t si = {};
        return waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && si.si_pid == 0;
}

/* Reaps a child of ours; returns the signal that ended it, 0 for an exit. */
static inline int victim_reap(pid_t pid) {
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static inline void victim_end(pid_t pid) {
        (void)kill(pid, SIGKILL);
        (void)victim_reap(pid);
}

/* For main(): prints the plan of an empty TAP run where there is nothing to test with, valgrind 3.19 for one. */
static inline bool no_pidfd_here(void) {
        int fd = act_ops_real.pidfd_open(NULL, getpid());
        if (fd >= 0)
                (void)close(fd);
        else if (fd == -ENOSYS)
                (void)puts("1..0 # SKIP no pidfd_open() here");
        return fd == -ENOSYS;
}

/* ---- Decisions ---- */

static inline KillDecision *decision_new(uint64_t kill_id, Step step, uint64_t wait_usec) {
        KillDecision *k = calloc(1, sizeof(*k));
        assert_non_null(k);
        k->kill_id = kill_id;
        k->step = step;
        k->wait_usec = wait_usec;
        return k;
}

static inline Candidate *decision_add(KillDecision *k, CandidateKind kind, pid_t pid, uint64_t ticks) {
        Candidate *c = &k->candidates[k->n_candidates++];
        c->kind = kind;
        c->pid = pid;
        c->start_ticks = ticks;
        c->n_processes = 1;
        return c;
}

static inline Candidate *decision_add_pid(KillDecision *k, int root_fd, pid_t pid) {
        return decision_add(k, CANDIDATE_PROCESS, pid, victim_ticks(root_fd, pid));
}

/* Polls until @kill_id is no longer pending, at most 20 s. */
static inline ActReport poll_until_done_at(Act *a, uint64_t kill_id, uint64_t frozen_usec) {
        KillStatus status[KILLS_MAX];
        ActReport reports[KILLS_MAX];
        uint64_t end = test_now_usec() + 20 * USEC_PER_SEC;

        while (test_now_usec() < end) {
                struct pollfd p = { .fd = act_fd(a), .events = POLLIN };
                (void)poll(&p, 1, 20);
                uint32_t n = act_poll(a, frozen_usec > 0 ? frozen_usec : test_now_usec(), status, reports);
                for (uint32_t i = 0; i < n; i++)
                        if (status[i].kill_id == kill_id && status[i].outcome != KILL_PENDING) {
                                assert_memory_equal(&status[i], &reports[i].status, sizeof(KillStatus));
                                return reports[i];
                        }
        }
        fail_msg("kill %llu is still pending after 20 s", (unsigned long long)kill_id);
        return (ActReport){};
}

static inline ActReport poll_until_done(Act *a, uint64_t kill_id) {
        return poll_until_done_at(a, kill_id, 0);
}

static inline unsigned count_fds(void) {
        unsigned n = 0;
        for (int fd = 0; fd < 4096; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

/* ---- cgroups ---- */

/* The cgroup2 mount if we may make cgroups in it; NULL with the reason otherwise. */
static inline const char *cgroup2_mount(const char **ret_reason) {
        static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
        struct statfs fs;

        *ret_reason = "no cgroup2 mount";
        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC) {
                        if (access(places[i], W_OK) == 0)
                                return places[i];
                        *ret_reason = "the cgroup2 mount is not writable: not root, or read-only";
                }
        return NULL;
}

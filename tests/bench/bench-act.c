/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a kill costs: from the decision to the signal, and from SIGKILL until the victim is gone.
 *
 *   bench-act [VICTIMS [MEGABYTES]]     200 and 256
 *
 * Decision to signal is act_kill() as the daemon calls it: pidfd_open(), identity, adj, permission, signal.
 * Gone is when the pidfd says so, with process_mrelease() on the worker and without it.
 */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <time.h>

#include "act/act.h"

#define RELEASE_ROUNDS 7

static uint64_t now_nsec(void) {
        struct timespec ts;
        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static pid_t start_victim(size_t bytes) {
        int p[2];
        char c = 0;

        if (pipe2(p, O_CLOEXEC) < 0)
                return -1;
        pid_t pid = fork();
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                char *m = bytes ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : NULL;
                if (m == MAP_FAILED)
                        _exit(1);
                if (bytes)
                        (void)madvise(m, bytes, MADV_NOHUGEPAGE);
                for (size_t i = 0; i < bytes; i += 4096)
                        ((volatile char *)m)[i] = 1;
                (void)!write(p[1], &c, 1);
                for (;;)
                        (void)pause();
        }
        (void)close(p[1]);
        if (pid > 0 && read(p[0], &c, 1) != 1)
                pid = -1;
        (void)close(p[0]);
        return pid;
}

static int by_value(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
        return (x > y) - (x < y);
}

static void print_row(const char *what, uint64_t *nsec, unsigned n) {
        qsort(nsec, n, sizeof(*nsec), by_value);
        printf("%-42s n=%-4u min %8.1f  median %8.1f  p99 %8.1f  max %8.1f us\n", what, n, (double)nsec[0] / 1e3,
               (double)nsec[n / 2] / 1e3, (double)nsec[n * 99 / 100] / 1e3, (double)nsec[n - 1] / 1e3);
}

static int no_mrelease(void *userdata, int pidfd) {
        (void)userdata;
        (void)pidfd;
        return 0;
}

typedef struct Bench {
        int root_fd;
        ActHost host;
        KillDecision *k;
} Bench;

/* One kill. Returns 0 and both times. */
static int kill_one(Bench *b, Act *a, size_t bytes, uint64_t *ret_signal, uint64_t *ret_gone) {
        ActResult r;
        uint64_t ticks;
        pid_t pid = start_victim(bytes);

        if (pid < 0 || act_ops_real.read_start_ticks(&b->host, pid, &ticks) < 0)
                return -ECHILD;
        b->k->kill_id++;
        b->k->candidates[0] = (Candidate){ .kind = CANDIDATE_PROCESS, .pid = pid, .start_ticks = ticks };
        uint64_t t = now_nsec();
        int q = act_kill(a, b->k, t / 1000, &r);
        *ret_signal = now_nsec() - t;
        if (q < 0 || r.outcome != KILL_PENDING)
                return -EIO;

        int pidfd = act_ops_real.pidfd_open(&b->host, pid);
        struct pollfd p = { .fd = pidfd, .events = POLLIN };
        (void)poll(&p, 1, 30000);
        *ret_gone = now_nsec() - t;
        (void)fd_close(pidfd);
        (void)waitpid(pid, NULL, 0);

        KillStatus status[KILLS_MAX];
        do {
                struct pollfd e = { .fd = act_fd(a), .events = POLLIN };
                (void)poll(&e, 1, 10);
        } while (act_poll(a, now_nsec() / 1000, status, NULL) > 0 && status[0].outcome == KILL_PENDING);
        return 0;
}

static int bench_signal(Bench *b, unsigned n) {
        uint64_t *nsec = calloc(n, sizeof(*nsec)), gone;
        Act *a = NULL;
        int r = nsec ? act_new(b->root_fd, -EBADF, NULL, NULL, &a) : -ENOMEM;
        if (r >= 0)
                (void)act_rehearse(a);
        for (unsigned i = 0; i < n && r >= 0; i++)
                r = kill_one(b, a, 0, &nsec[i], &gone);
        if (r >= 0)
                print_row("decision to signal", nsec, n);
        (void)act_free(a);
        free(nsec);
        return r;
}

static int bench_gone(Bench *b, size_t bytes, bool release) {
        ActOps ops = act_ops_real;
        uint64_t nsec[RELEASE_ROUNDS], signal_nsec;
        char what[64];
        Act *a = NULL;

        if (!release)
                ops.pidfd_mrelease = no_mrelease;
        int r = act_new(b->root_fd, -EBADF, &ops, &b->host, &a);
        for (unsigned i = 0; i < RELEASE_ROUNDS && r >= 0; i++)
                r = kill_one(b, a, bytes, &signal_nsec, &nsec[i]);
        (void)snprintf(what, sizeof(what), "SIGKILL to gone, %zu MB, %s mrelease", bytes >> 20, release ? "with" : "without");
        if (r >= 0)
                print_row(what, nsec, RELEASE_ROUNDS);
        (void)act_free(a);
        return r;
}

int main(int argc, char **argv) {
        unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 200;
        size_t bytes = (size_t)(argc > 2 ? atoi(argv[2]) : 256) << 20;
        struct utsname u;
        Bench b = { .root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), .k = calloc(1, sizeof(KillDecision)) };

        if (b.root_fd < 0 || !b.k || n == 0 || uname(&u) < 0)
                return 1;
        b.host = (ActHost){ .root_fd = b.root_fd, .cgroup_fd = -EBADF };
        b.k->step = STEP_KILL;
        b.k->wait_usec = 60 * USEC_PER_SEC;
        b.k->n_candidates = 1;
        printf("%s, Linux %s, %ld CPUs\n", u.nodename, u.release, sysconf(_SC_NPROCESSORS_ONLN));
        int r = bench_signal(&b, n);
        if (r >= 0)
                r = bench_gone(&b, bytes, /* release= */ true);
        if (r >= 0)
                r = bench_gone(&b, bytes, /* release= */ false);
        if (r < 0)
                fprintf(stderr, "bench-act: %s\n", strerror(-r));
        free(b.k);
        (void)close(b.root_fd);
        return r < 0;
}

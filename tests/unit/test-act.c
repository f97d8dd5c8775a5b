/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <malloc.h>
#include <sys/ptrace.h>

#include "victims.h"

static int root_fd;

/* ---- a double around the real operations ---- */

typedef struct Double {
        ActHost host;
        pid_t eperm_pid;     /* may not be signalled */
        pid_t protected_pid; /* has oom_score_adj -1000 */
        int eperm_fd;
        int mrelease_error;
        unsigned n_mrelease, n_marks, n_signals;
} Double;

static int double_pidfd_open(void *userdata, int32_t pid) {
        Double *d = userdata;
        int fd = act_ops_real.pidfd_open(&d->host, pid);
        if (pid == d->eperm_pid)
                d->eperm_fd = fd;
        else if (fd == d->eperm_fd) /* closed since, and handed out again */
                d->eperm_fd = -EBADF;
        return fd;
}
static int double_read_start_ticks(void *userdata, int32_t pid, uint64_t *ret) {
        return act_ops_real.read_start_ticks(&((Double *)userdata)->host, pid, ret);
}
static int double_read_adj(void *userdata, int32_t pid, int32_t *ret) {
        Double *d = userdata;
        if (pid != d->protected_pid)
                return act_ops_real.read_oom_score_adj(&d->host, pid, ret);
        *ret = -1000;
        return 0;
}
static int double_signal(void *userdata, int pidfd, int signo) {
        Double *d = userdata;
        d->n_signals += signo != 0;
        return d->eperm_pid > 0 && pidfd == d->eperm_fd ? -EPERM : act_ops_real.pidfd_signal(&d->host, pidfd, signo);
}
static int double_mrelease(void *userdata, int pidfd) {
        Double *d = userdata;
        (void)pidfd;
        d->n_mrelease++;
        return d->mrelease_error;
}
static int double_mark(void *userdata, const char *path, uint64_t id, int32_t pid, uint32_t n) {
        Double *d = userdata;
        (void)path;
        (void)id;
        (void)pid;
        d->n_marks += n;
        return 1;
}

static const ActOps double_ops = {
        .pidfd_open = double_pidfd_open,
        .read_start_ticks = double_read_start_ticks,
        .read_oom_score_adj = double_read_adj,
        .pidfd_signal = double_signal,
        .pidfd_mrelease = double_mrelease,
        .cgroup_mark_oom = double_mark,
};

static Act *act_real(void) {
        Act *a = NULL;
        assert_int_equal(act_new(root_fd, -EBADF, NULL, NULL, &a), 0);
        return a;
}

static Act *act_double(Double *d) {
        Act *a = NULL;
        d->host = (ActHost){ .root_fd = root_fd, .cgroup_fd = -EBADF };
        d->eperm_fd = -EBADF;
        assert_int_equal(act_new(root_fd, -EBADF, &double_ops, d, &a), 0);
        return a;
}

/* ---- single processes ---- */

static void test_terminate(void **state) {
        (void)state;
        _cleanup_(act_freep) Act *a = act_real();
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_TERMINATE, 5 * USEC_PER_SEC);
        pid_t pid = victim_start(VICTIM_PLAIN);
        KillStatus status[KILLS_MAX];
        ActResult r;

        decision_add_pid(k, root_fd, pid);
        uint64_t t = test_now_usec();
        assert_int_equal(act_kill(a, k, t, &r), 0);
        assert_int_equal(r.outcome, KILL_PENDING);
        assert_int_equal(r.n_attempts, 1);
        assert_int_equal(r.attempts[0].error, 0);
        assert_int_equal(r.n_signalled, 1);
        assert_false(r.is_virtual);

        ActReport report = poll_until_done(a, 1);
        assert_int_equal(report.status.outcome, KILL_EXITED);
        assert_true(report.status.signalled_usec == t);
        assert_true(report.status.exited_usec >= t);
        assert_false(report.mrelease_done); /* not for SIGTERM */
        assert_int_equal(act_poll(a, test_now_usec(), status, NULL), 0); /* once */
        assert_int_equal(victim_reap(pid), SIGTERM);
}

static void test_escalation(void **state) {
        (void)state;
        _cleanup_(act_freep) Act *a = act_real();
        _cleanup_free_ KillDecision *k = decision_new(7, STEP_TERMINATE, 100 * USEC_PER_MSEC);
        pid_t pid = victim_start(VICTIM_IGNORES_TERM), bystander = victim_start(VICTIM_PLAIN);
        KillStatus status[KILLS_MAX];
        ActResult r;

        decision_add(k, CANDIDATE_PROCESS, bystander, 1);
        decision_add_pid(k, root_fd, pid);
        decision_add_pid(k, root_fd, bystander);
        uint64_t t = test_now_usec();
        assert_int_equal(act_kill(a, k, t, &r), 0);
        assert_int_equal(r.n_attempts, 2);
        assert_int_equal(act_poll(a, t + 1000, status, NULL), 1);
        assert_int_equal(status[0].outcome, KILL_PENDING);
        assert_true(status[0].exited_usec == 0);
        assert_int_equal(act_kill(a, k, t, &r), -EEXIST);

        assert_int_equal(act_poll(a, t + 100 * USEC_PER_MSEC, status, NULL), 1);
        assert_int_equal(status[0].outcome, KILL_EXPIRED);
        assert_int_equal(act_poll(a, t + 200 * USEC_PER_MSEC, status, NULL), 0); /* once, then silent */

        k->step = STEP_KILL;
        k->is_escalation = true;
        k->wait_usec = 10 * USEC_PER_SEC;
        k->candidates[0] = k->candidates[1]; /* as decide does where the victim was not the first */
        k->n_candidates = 1;
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.n_attempts, 1);
        assert_int_equal(r.attempts[0].error, 0);
        assert_int_equal(r.n_signalled, 1);
        ActReport report = poll_until_done(a, 7);
        assert_int_equal(report.status.outcome, KILL_EXITED);
        assert_int_equal(report.status.candidate, 0);
        assert_int_equal(victim_reap(pid), SIGKILL);
        assert_true(victim_is_alive(bystander));
        victim_end(bystander);
}

/* An escalation whose victim has gone meanwhile must not go on to the next candidate. */
static void test_escalation_of_the_gone(void **state) {
        (void)state;
        _cleanup_(act_freep) Act *a = act_real();
        pid_t bystander = victim_start(VICTIM_PLAIN);
        KillStatus status[KILLS_MAX];
        ActResult r;

        for (unsigned forgotten = 0; forgotten < 2; forgotten++) {
                _cleanup_free_ KillDecision *k = decision_new(1 + forgotten, STEP_TERMINATE, USEC_PER_SEC);
                pid_t pid = victim_start(VICTIM_PLAIN);
                decision_add_pid(k, root_fd, pid);
                decision_add_pid(k, root_fd, bystander);
                assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
                assert_int_equal(victim_reap(pid), SIGTERM);
                if (forgotten > 0) /* its exit is already told, the slot free */
                        assert_int_equal(poll_until_done(a, k->kill_id).status.outcome, KILL_EXITED);
                k->step = STEP_KILL;
                k->is_escalation = true;
                assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
                assert_int_equal(r.outcome, KILL_PENDING);
                assert_int_equal(r.n_attempts, 1);
                assert_int_equal(r.attempts[0].error, -ESRCH);
                assert_int_equal(r.n_signalled, 0);
                assert_int_equal(act_poll(a, test_now_usec(), status, NULL), 1);
                assert_int_equal(status[0].outcome, KILL_EXITED);
                assert_true(victim_is_alive(bystander));
        }
        victim_end(bystander);
}

static void test_late_exit_after_expiry(void **state) {
        (void)state;
        _cleanup_(act_freep) Act *a = act_real();
        _cleanup_free_ KillDecision *k = decision_new(3, STEP_TERMINATE, 1000);
        pid_t pid = victim_start(VICTIM_IGNORES_TERM);
        KillStatus status[KILLS_MAX];
        ActResult r;

        decision_add_pid(k, root_fd, pid);
        assert_int_equal(act_kill(a, k, 1000, &r), 0);
        assert_int_equal(act_poll(a, 2000, status, NULL), 1);
        assert_int_equal(status[0].outcome, KILL_EXPIRED);
        victim_end(pid);
        assert_int_equal(act_poll(a, 9000, status, NULL), 1);
        assert_int_equal(status[0].outcome, KILL_EXITED);
        assert_true(status[0].kill_id == 3 && status[0].exited_usec == 9000);
        assert_int_equal(act_poll(a, 9001, status, NULL), 0);
}

static void test_stopped(void **state) {
        (void)state;
        _cleanup_(act_freep) Act *a = act_real();
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_KILL, 10 * USEC_PER_SEC);
        pid_t pid = victim_start(VICTIM_STOPPED);
        ActResult r;

        decision_add_pid(k, root_fd, pid);
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(poll_until_done(a, 1).status.outcome, KILL_EXITED);
        assert_int_equal(victim_reap(pid), SIGKILL);
}

static void test_traced(void **state) {
        (void)state;
        _cleanup_(act_freep) Act *a = act_real();
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_TERMINATE, 50 * USEC_PER_MSEC);
        pid_t pid = victim_start(VICTIM_PLAIN);
        ActResult r;
        int status;

        if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0) {
                victim_end(pid);
                print_message("# skipped: ptrace is not allowed here\n");
                skip();
        }
        decision_add_pid(k, root_fd, pid);
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        /* SIGTERM stops in front of the tracer, who sits on it */
        assert_int_equal(poll_until_done(a, 1).status.outcome, KILL_EXPIRED);
        k->step = STEP_KILL;
        k->is_escalation = true;
        k->wait_usec = 10 * USEC_PER_SEC;
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        /* gone for the pidfd once the tracer has let its zombie go */
        do
                assert_int_equal(waitpid(pid, &status, __WALL), pid);
        while (!WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGKILL);
        assert_int_equal(poll_until_done(a, 1).status.outcome, KILL_EXITED);
}

static void test_next_candidate(void **state) {
        (void)state;
        Double d = {};
        _cleanup_(act_freep) Act *a = act_double(&d);
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_KILL, 10 * USEC_PER_SEC);
        pid_t gone = victim_start(VICTIM_PLAIN), other = victim_start(VICTIM_PLAIN), eperm = victim_start(VICTIM_PLAIN);
        pid_t protected = victim_start(VICTIM_PLAIN), victim = victim_start(VICTIM_PLAIN), spare = victim_start(VICTIM_PLAIN);
        ActResult r;
        static const int errors[] = { -ESRCH, -ESTALE, -EPERM, -ECANCELED, -ECANCELED, -ECANCELED, -ENODATA, 0 };

        d.eperm_pid = eperm;
        d.protected_pid = protected;
        decision_add_pid(k, root_fd, gone);
        victim_end(gone);
        decision_add(k, CANDIDATE_PROCESS, other, victim_ticks(root_fd, other) - 1); /* pid taken by another one */
        decision_add_pid(k, root_fd, eperm);
        decision_add_pid(k, root_fd, protected);
        decision_add(k, CANDIDATE_PROCESS, 1, victim_ticks(root_fd, 1));
        decision_add_pid(k, root_fd, getpid());
        decision_add(k, CANDIDATE_GROUP, other, victim_ticks(root_fd, other)); /* whose members nobody listed */
        decision_add_pid(k, root_fd, victim);
        decision_add_pid(k, root_fd, spare);

        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.outcome, KILL_PENDING);
        assert_int_equal(r.n_attempts, ARRAY_SIZE(errors));
        for (uint32_t i = 0; i < r.n_attempts; i++) {
                assert_int_equal(r.attempts[i].candidate, i);
                assert_int_equal(r.attempts[i].error, errors[i]);
        }
        assert_int_equal(d.n_marks, 1); /* of the one that was signalled, no other */
        assert_int_equal(d.n_signals, 1);
        ActReport report = poll_until_done(a, 1);
        assert_int_equal(report.status.outcome, KILL_EXITED);
        assert_int_equal(report.status.candidate, ARRAY_SIZE(errors) - 1);
        assert_int_equal(victim_reap(victim), SIGKILL);
        assert_true(victim_is_alive(other) && victim_is_alive(eperm) && victim_is_alive(protected) && victim_is_alive(spare));
        victim_end(other);
        victim_end(eperm);
        victim_end(protected);
        victim_end(spare);
}

static void test_all_fail(void **state) {
        (void)state;
        _cleanup_(act_freep) Act *a = act_real();
        _cleanup_free_ KillDecision *k = decision_new(5, STEP_KILL, USEC_PER_SEC);
        KillStatus status[KILLS_MAX];
        ActResult r;

        decision_add(k, CANDIDATE_PROCESS, INT32_MAX, 1);
        decision_add(k, CANDIDATE_PROCESS, -5, 1);
        decision_add(k, CANDIDATE_CGROUP, 0, 0)->cgroup_id = 1;
        assert_int_equal(act_kill(a, k, 1000, &r), 0);
        assert_int_equal(r.outcome, KILL_FAILED);
        assert_int_equal(r.n_attempts, 3);
        assert_int_equal(r.attempts[2].error, -EOPNOTSUPP); /* no cgroup2 here */
        struct pollfd p = { .fd = act_fd(a), .events = POLLIN };
        assert_int_equal(poll(&p, 1, 0), 1); /* the loop hears of it at once */
        assert_int_equal(act_poll(a, 2000, status, NULL), 1);
        assert_int_equal(status[0].outcome, KILL_FAILED);
        assert_true(status[0].kill_id == 5);
        assert_int_equal(act_poll(a, 3000, status, NULL), 0);
        assert_int_equal(poll(&p, 1, 0), 0); /* and only once */

        k->kill_id = 6;
        k->n_candidates = 0;
        assert_int_equal(act_kill(a, k, 1000, &r), 0);
        assert_int_equal(r.outcome, KILL_FAILED);
        k->kill_id = 0;
        assert_int_equal(act_kill(a, k, 1000, &r), -EINVAL);
        k->kill_id = 8;
        k->step = STEP_NOTIFY;
        assert_int_equal(act_kill(a, k, 1000, &r), -EINVAL);
}

static void test_table_is_full(void **state) {
        (void)state;
        _cleanup_(act_freep) Act *a = act_real();
        pid_t pid = victim_start(VICTIM_IGNORES_TERM);
        KillStatus status[KILLS_MAX];
        ActResult r;
        uint64_t id = 0;

        /* Many more expiries than slots: the oldest are forgotten, those in flight never. */
        for (unsigned round = 0; round < 4; round++) {
                for (unsigned i = 0; i < KILLS_MAX; i++) {
                        _cleanup_free_ KillDecision *k = decision_new(++id, STEP_TERMINATE, 1000);
                        decision_add_pid(k, root_fd, pid);
                        assert_int_equal(act_kill(a, k, id * 10000, &r), 0);
                }
                _cleanup_free_ KillDecision *more = decision_new(id + 1, STEP_TERMINATE, 1000);
                decision_add_pid(more, root_fd, pid);
                assert_int_equal(act_kill(a, more, id * 10000, &r), -EBUSY);
                if (round > 0) { /* a silent one may not come back beyond the cap either */
                        more->kill_id = id - KILLS_MAX;
                        more->is_escalation = true;
                        assert_int_equal(act_kill(a, more, id * 10000, &r), -EBUSY);
                }
                assert_int_equal(act_poll(a, UINT64_MAX / 2, status, NULL), KILLS_MAX);
                for (unsigned i = 0; i < KILLS_MAX; i++) {
                        assert_true(status[i].kill_id == id - KILLS_MAX + 1 + i); /* ascending */
                        assert_int_equal(status[i].outcome, KILL_EXPIRED);
                }
        }
        victim_end(pid);
        /* two tables full have ended at once: told in two turns */
        assert_int_equal(act_poll(a, UINT64_MAX / 2, status, NULL), KILLS_MAX);
        assert_int_equal(status[0].outcome, KILL_EXITED);
        assert_int_equal(act_poll(a, UINT64_MAX / 2, status, NULL), KILLS_MAX);
        assert_int_equal(act_poll(a, UINT64_MAX / 2, status, NULL), 0);
}

/* As an ordinary user against a process of root's. */
static void test_really_not_permitted(void **state) {
        (void)state;
        if (geteuid() != 0) {
                print_message("# skipped: needs root, to be refused as somebody else\n");
                skip();
        }
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_KILL, USEC_PER_SEC);
        pid_t pid = victim_start(VICTIM_PLAIN);
        decision_add_pid(k, root_fd, pid);
        pid_t child = fork();
        if (child == 0) {
                Act *a = NULL;
                ActResult r = {};
                if (setgid(65534) < 0 || setuid(65534) < 0)
                        _exit(2);
                if (act_new(root_fd, -EBADF, NULL, NULL, &a) < 0 || act_kill(a, k, 1, &r) < 0)
                        _exit(3);
                _exit(r.outcome == KILL_FAILED && r.attempts[0].error == -EPERM ? 0 : 4);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_true(victim_is_alive(pid));
        victim_end(pid);
}

/* ---- groups ---- */

static void group_add(KillDecision *k, pid_t pid, uint64_t ticks) {
        k->members[k->n_members++] = (GroupMember){ .pid = pid, .start_ticks = ticks };
}

static void test_group(void **state) {
        (void)state;
        enum { N = 50 };
        _cleanup_(act_freep) Act *a = act_real();
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_KILL, 10 * USEC_PER_SEC);
        pid_t pids[N], stranger = victim_start(VICTIM_PLAIN);
        KillStatus status[KILLS_MAX];
        ActResult r;

        for (unsigned i = 0; i < N; i++) {
                pids[i] = victim_start(i == 7 ? VICTIM_STOPPED : VICTIM_IGNORES_TERM);
                group_add(k, pids[i], victim_ticks(root_fd, pids[i]));
        }
        victim_end(pids[3]);                                               /* gone */
        group_add(k, stranger, victim_ticks(root_fd, stranger) - 1);       /* not the one that was meant */
        group_add(k, getpid(), victim_ticks(root_fd, getpid()));           /* never */
        decision_add(k, CANDIDATE_GROUP, pids[0], k->members[0].start_ticks)->n_processes = k->n_members;

        k->step = STEP_TERMINATE;
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.outcome, KILL_PENDING);
        assert_int_equal(r.n_signalled, N - 1);
        k->step = STEP_KILL;
        k->is_escalation = true;
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.n_signalled, N - 1);
        assert_int_equal(poll_until_done(a, 1).status.outcome, KILL_EXITED);
        assert_int_equal(act_poll(a, test_now_usec(), status, NULL), 0);
        for (unsigned i = 0; i < N; i++)
                if (i != 3)
                        assert_int_equal(victim_reap(pids[i]), SIGKILL);
        assert_true(victim_is_alive(stranger));
        victim_end(stranger);
}

static void test_group_pending_until_the_last(void **state) {
        (void)state;
        _cleanup_(act_freep) Act *a = act_real();
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_TERMINATE, 10 * USEC_PER_SEC);
        pid_t soft = victim_start(VICTIM_PLAIN), hard = victim_start(VICTIM_IGNORES_TERM);
        KillStatus status[KILLS_MAX];
        ActResult r;

        group_add(k, soft, victim_ticks(root_fd, soft));
        group_add(k, hard, victim_ticks(root_fd, hard));
        decision_add(k, CANDIDATE_GROUP, soft, k->members[0].start_ticks);
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(victim_reap(soft), SIGTERM);
        assert_int_equal(act_poll(a, test_now_usec(), status, NULL), 1);
        assert_int_equal(status[0].outcome, KILL_PENDING);
        struct pollfd p = { .fd = act_fd(a), .events = POLLIN };
        assert_int_equal(poll(&p, 1, 0), 0); /* the first one's exit does not keep the loop spinning */
        victim_end(hard);
        assert_int_equal(poll(&p, 1, 5000), 1);
        assert_int_equal(poll_until_done(a, 1).status.outcome, KILL_EXITED);
}

/* ---- dry run ---- */

static void test_dry_run(void **state) {
        (void)state;
        pid_t pid = victim_start(VICTIM_PLAIN);
        KillStatus status[KILLS_MAX];
        ActResult r;

        for (unsigned whole = 0; whole < 2; whole++) { /* the daemon's setting, or that of one decision */
                _cleanup_(act_freep) Act *a = NULL;
                assert_int_equal(act_new(root_fd, -EBADF, whole ? &act_ops_dry_run : NULL, NULL, &a), 0);
                _cleanup_free_ KillDecision *k = decision_new(1, STEP_KILL, USEC_PER_SEC);
                k->dry_run = !whole;
                decision_add(k, CANDIDATE_PROCESS, pid, 1); /* checks are real */
                decision_add_pid(k, root_fd, pid);
                assert_int_equal(act_kill(a, k, 5000, &r), 0);
                assert_true(r.is_virtual);
                assert_int_equal(r.outcome, KILL_PENDING);
                assert_int_equal(r.n_attempts, 2);
                assert_int_equal(r.attempts[0].error, -ESTALE);
                struct pollfd p = { .fd = act_fd(a), .events = POLLIN };
                assert_int_equal(poll(&p, 1, 0), 1);
                assert_int_equal(act_poll(a, 5001, status, NULL), 1);
                assert_int_equal(status[0].outcome, KILL_EXITED);
                assert_int_equal(status[0].candidate, 1);
                assert_true(status[0].exited_usec == 5001);
        }
        test_sleep_usec(20 * USEC_PER_MSEC);
        assert_true(victim_is_alive(pid));
        victim_end(pid);
}

/* ---- memory ---- */

static void test_mrelease(void **state) {
        (void)state;
        _cleanup_(act_freep) Act *a = act_real();
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_KILL, 20 * USEC_PER_SEC);
        pid_t pid = victim_start_in(VICTIM_STOPPED, 256 * 1024 * 1024, -EBADF);
        ActResult r;

        decision_add_pid(k, root_fd, pid);
        uint64_t t = test_now_usec();
        assert_int_equal(act_kill(a, k, t, &r), 0);
        ActReport report = poll_until_done(a, 1);
        assert_int_equal(report.status.outcome, KILL_EXITED);
        if (report.mrelease_error == -ENOSYS || report.mrelease_error == -EPERM)
                print_message("# no process_mrelease() here: %d\n", report.mrelease_error);
        else {
                assert_true(report.mrelease_done);
                assert_int_equal(report.mrelease_error, 0);
        }
        print_message("# 256 MB gone after %llu usec, mrelease %llu usec\n",
                      (unsigned long long)(report.status.exited_usec - t), (unsigned long long)report.mrelease_usec);
        assert_int_equal(victim_reap(pid), SIGKILL);
}

static void test_mrelease_errors(void **state) {
        (void)state;
        static const struct {
                int error, told;
                unsigned n;
        } rows[] = {
                { 0, 0, 1 },
                { -ESRCH, 0, 1 },        /* the kernel is at it already */
                { -EINVAL, -EINVAL, 2 }, /* a sharer that lives on: one more try */
                { -EAGAIN, -EAGAIN, 21 },
                { -ENOSYS, -ENOSYS, 1 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Double d = { .mrelease_error = rows[i].error };
                _cleanup_(act_freep) Act *a = act_double(&d);
                _cleanup_free_ KillDecision *k = decision_new(1, STEP_KILL, 10 * USEC_PER_SEC);
                KillStatus status[KILLS_MAX];
                ActReport reports[KILLS_MAX] = {};
                pid_t pid = victim_start(VICTIM_PLAIN);
                ActResult r;

                decision_add_pid(k, root_fd, pid);
                /* Time stands still for act_poll(): it waits for mrelease, and would not wait longer than 50 ms. */
                assert_int_equal(act_kill(a, k, 1000, &r), 0);
                assert_int_equal(victim_reap(pid), SIGKILL);
                uint32_t n = 0;
                for (unsigned j = 0; j < 1000; j++) {
                        n = act_poll(a, 2000, status, reports);
                        if (n == 1 && status[0].outcome == KILL_EXITED)
                                break;
                        test_sleep_usec(5000);
                }
                assert_int_equal(n, 1);
                assert_true(reports[0].mrelease_done);
                assert_int_equal(reports[0].mrelease_error, rows[i].told);
                assert_int_equal(d.n_mrelease, rows[i].n);
        }
        /* A slow one does not hold the news back for ever. */
        Double d = { .mrelease_error = -EAGAIN };
        _cleanup_(act_freep) Act *a = act_double(&d);
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_KILL, 10 * USEC_PER_SEC);
        KillStatus status[KILLS_MAX];
        ActReport reports[KILLS_MAX];
        pid_t pid = victim_start(VICTIM_PLAIN);
        ActResult r;
        decision_add_pid(k, root_fd, pid);
        assert_int_equal(act_kill(a, k, 1000, &r), 0);
        assert_int_equal(victim_reap(pid), SIGKILL);
        assert_int_equal(act_poll(a, 2000, status, reports), 1);
        assert_int_equal(status[0].outcome, KILL_PENDING);
        assert_int_equal(act_poll(a, 2000 + 50 * USEC_PER_MSEC, status, reports), 1);
        assert_int_equal(status[0].outcome, KILL_EXITED);
        assert_true(status[0].exited_usec == 2000); /* when it happened, not when it was told */
        assert_false(reports[0].mrelease_done);
}

/* Hundreds of kills: no allocation in the kill, no descriptor left behind. */
static void test_no_allocation_no_leak(void **state) {
        (void)state;
        _cleanup_(act_freep) Act *a = act_real();
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_KILL, 10 * USEC_PER_SEC);
        KillStatus status[KILLS_MAX];
        ActResult r;
        unsigned fds = count_fds();

        assert_int_equal(act_rehearse(a), 0);
        assert_int_equal(count_fds(), fds);
        for (unsigned i = 0; i < 300; i++) {
                pid_t pid = victim_start(VICTIM_PLAIN);
                k->kill_id = i + 1;
                k->n_candidates = 0;
                k->n_members = 0;
                decision_add(k, CANDIDATE_PROCESS, pid, 1); /* a failing one in front */
                if (i % 3 == 2) {
                        group_add(k, pid, victim_ticks(root_fd, pid));
                        decision_add(k, CANDIDATE_GROUP, pid, k->members[0].start_ticks);
                        k->candidates[0] = k->candidates[1];
                        k->n_candidates = 1;
                } else
                        decision_add_pid(k, root_fd, pid);

                struct mallinfo2 before = mallinfo2();
                assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
                (void)act_poll(a, test_now_usec(), status, NULL);
                struct mallinfo2 after = mallinfo2();
                assert_int_equal(r.outcome, KILL_PENDING);
                assert_true(before.uordblks == after.uordblks && before.hblkhd == after.hblkhd);
                assert_int_equal(victim_reap(pid), SIGKILL);
                for (unsigned j = 0; act_poll(a, test_now_usec(), status, NULL) > 0; j++) {
                        assert_true(j < 10000);
                        test_sleep_usec(1000);
                }
        }
        /* the worker may still hold the last pidfd for a moment */
        for (unsigned j = 0; j < 1000 && count_fds() != fds; j++)
                test_sleep_usec(1000);
        assert_int_equal(count_fds(), fds);
}

static void test_strings(void **state) {
        (void)state;
        assert_string_equal(act_attempt_to_string(0), "signalled");
        assert_string_equal(act_attempt_to_string(-EPERM), act_attempt_to_string(-EACCES));
        assert_string_not_equal(act_attempt_to_string(-ESTALE), act_attempt_to_string(-ESRCH));
        assert_non_null(act_attempt_to_string(-12345));
        assert_null(act_free(NULL));
}

static int setup(void **state) {
        (void)state;
        root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return root_fd < 0 ? -1 : 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_terminate),
                cmocka_unit_test(test_escalation),
                cmocka_unit_test(test_escalation_of_the_gone),
                cmocka_unit_test(test_late_exit_after_expiry),
                cmocka_unit_test(test_stopped),
                cmocka_unit_test(test_traced),
                cmocka_unit_test(test_next_candidate),
                cmocka_unit_test(test_all_fail),
                cmocka_unit_test(test_table_is_full),
                cmocka_unit_test(test_really_not_permitted),
                cmocka_unit_test(test_group),
                cmocka_unit_test(test_group_pending_until_the_last),
                cmocka_unit_test(test_dry_run),
                cmocka_unit_test(test_mrelease),
                cmocka_unit_test(test_mrelease_errors),
                cmocka_unit_test(test_no_allocation_no_leak),
                cmocka_unit_test(test_strings),
        };
        return no_pidfd_here() ? 0 : cmocka_run_group_tests(tests, setup, NULL);
}

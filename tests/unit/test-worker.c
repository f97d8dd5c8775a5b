/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "act/worker.h"

typedef struct Gate {
        _Atomic bool open, is_started;
        _Atomic unsigned n_run;
} Gate;

static void nap(void) {
        (void)nanosleep(&(struct timespec){ .tv_nsec = 1000 * 1000 }, NULL);
}

static int run_gate(void *userdata, int fd) {
        Gate *g = userdata;
        atomic_store(&g->is_started, true);
        while (!atomic_load(&g->open))
                nap();
        atomic_fetch_add(&g->n_run, 1);
        return fcntl(fd, F_GETFD) < 0 ? -EBADF : -EAGAIN;
}

static int run_count(void *userdata, int fd) {
        Gate *g = userdata;
        (void)fd;
        atomic_fetch_add(&g->n_run, 1);
        return 0;
}

static int run_signals_are_blocked(void *userdata, int fd) {
        sigset_t now;
        (void)userdata;
        (void)fd;
        (void)pthread_sigmask(SIG_SETMASK, NULL, &now);
        return sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGCHLD) == 1 ? 0 : -EINVAL;
}

static WorkerResult wait_result(Worker *w, int notify_fd) {
        WorkerResult r = {};
        while (!worker_collect(w, &r)) {
                struct pollfd p = { .fd = notify_fd, .events = POLLIN };
                assert_int_equal(poll(&p, 1, 10000), 1);
                eventfd_t n;
                (void)eventfd_read(notify_fd, &n);
        }
        return r;
}

static void test_results(void **state) {
        (void)state;
        Gate g = { .open = true };
        WorkerResult r;
        int notify = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        Worker *w = NULL;

        assert_int_equal(worker_new(notify, &w), 0);
        assert_false(worker_collect(w, &r));
        for (uint64_t i = 0; i < 5000; i++) { /* the rings wrap many times */
                WorkerJob job = { .run = run_count, .userdata = &g, .fd = -EBADF, .tag = i };
                assert_int_equal(worker_submit(w, &job), 0);
                r = wait_result(w, notify);
                assert_true(r.tag == i);
                assert_int_equal(r.error, 0);
        }
        assert_int_equal(atomic_load(&g.n_run), 5000);

        WorkerJob job = { .run = run_gate, .userdata = &g, .fd = dup(notify), .tag = 77 };
        int fd = job.fd;
        assert_int_equal(worker_submit(w, &job), 0);
        r = wait_result(w, notify);
        assert_int_equal(r.error, -EAGAIN); /* the fd was open in there ... */
        assert_int_equal(fcntl(fd, F_GETFD), -1); /* ... and is closed now */

        job = (WorkerJob){ .run = run_signals_are_blocked, .fd = -EBADF };
        assert_int_equal(worker_submit(w, &job), 0);
        assert_int_equal(wait_result(w, notify).error, 0);
        assert_int_equal(worker_stop(w, USEC_PER_SEC), 0);
        (void)close(notify);
}

static void test_full(void **state) {
        (void)state;
        Gate g = {};
        WorkerResult r;
        int notify = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        Worker *w = NULL;

        assert_int_equal(worker_new(notify, &w), 0);
        WorkerJob job = { .run = run_gate, .userdata = &g, .fd = -EBADF };
        for (uint64_t i = 0; i < WORKER_JOBS_MAX; i++) {
                job.tag = i;
                assert_int_equal(worker_submit(w, &job), 0);
        }
        assert_int_equal(worker_submit(w, &job), -ENOBUFS);
        atomic_store(&g.open, true);
        while (atomic_load(&g.n_run) < WORKER_JOBS_MAX)
                nap();
        /* done but not collected: no room yet, so that no result is ever overwritten */
        assert_int_equal(worker_submit(w, &job), -ENOBUFS);
        for (uint64_t i = 0; i < WORKER_JOBS_MAX; i++) {
                r = wait_result(w, notify);
                assert_true(r.tag == i);
                assert_int_equal(r.error, -EBADF);
        }
        assert_int_equal(worker_submit(w, &job), 0);
        (void)wait_result(w, notify);
        assert_int_equal(worker_stop(w, USEC_PER_SEC), 0);
        (void)close(notify);
}

/* Given up on purpose; kept reachable, so that leak checkers see that it is no accident. */
static Worker *volatile given_up;

static void test_stop_with_jobs_left(void **state) {
        (void)state;
        Gate g = {};
        int notify = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), left;
        Worker *w = NULL;

        assert_int_equal(worker_new(notify, &w), 0);
        WorkerJob job = { .run = run_gate, .userdata = &g, .fd = dup(notify) };
        assert_int_equal(worker_submit(w, &job), 0);
        job.fd = left = dup(notify);
        assert_int_equal(worker_submit(w, &job), 0);
        while (!atomic_load(&g.is_started))
                nap();
        given_up = w;
        /* stuck in the first: bounded, and what the thread uses is left alone */
        assert_int_equal(worker_stop(w, 50 * USEC_PER_MSEC), -ETIMEDOUT);
        atomic_store(&g.open, true);
        while (atomic_load(&g.n_run) < 1)
                nap();
        for (unsigned i = 0; i < 50; i++) /* lets it end before our stack does */
                nap();
        assert_int_equal(atomic_load(&g.n_run), 1);
        (void)close(left);

        assert_int_equal(worker_stop(NULL, 0), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_results),
                cmocka_unit_test(test_full),
                cmocka_unit_test(test_stop_with_jobs_left),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

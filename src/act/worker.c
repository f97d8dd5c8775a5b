/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The worker: one thread that runs, one after the other, the calls that may block for long (today
 * process_mrelease(), which takes as long as freeing the memory takes).
 *
 * Two rings, one writer and one reader each, so that neither side ever waits for a lock that the other
 * holds: a loop that is blocked on a mutex of a thread the scheduler has forgotten is a blocked loop.
 * Submission is refused while WORKER_JOBS_MAX jobs are not collected yet, so the result ring cannot
 * overflow. Nothing is allocated after worker_new(); signals stay with the main thread.
 */

#include "act/worker.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "act/thread-clock.h"
#include "base/pages.h"

/* Deep enough for process_mrelease() and the signal frame of a sanitizer; locked memory when mlockall() is on. */
#define WORKER_STACK_BYTES (128 * 1024)

struct Worker {
        pthread_t thread;
        int wake_fd;   /* blocking eventfd; one count per submission and one for the end */
        int done_fd;   /* readable once the thread has nothing left to do but to exit */
        int notify_fd; /* borrowed */
        _Atomic bool stop;
        _Atomic uint32_t jobs_written, jobs_read, results_written;
        uint32_t results_read; /* loop side only */
        /* A job's result lies beside it, and the first ones beside all this: one page does for a host that is calm. */
        struct {
                WorkerJob job;
                WorkerResult result;
        } slots[WORKER_JOBS_MAX];
};

static void worker_run_one(Worker *w, uint32_t at) {
        WorkerJob job = w->slots[at % WORKER_JOBS_MAX].job;
        atomic_store_explicit(&w->jobs_read, at + 1, memory_order_release);

        uint64_t start = thread_now_usec();
        int r = job.run(job.userdata, job.fd);
        (void)fd_close(job.fd);

        uint32_t out = atomic_load_explicit(&w->results_written, memory_order_relaxed);
        w->slots[out % WORKER_JOBS_MAX].result = (WorkerResult){
                .tag = job.tag,
                .error = r,
                .run_usec = thread_now_usec() - start,
        };
        atomic_store_explicit(&w->results_written, out + 1, memory_order_release);
        (void)eventfd_write(w->notify_fd, 1);
}

static void worker_loop(Worker *w) {
        for (;;) {
                eventfd_t n;
                if (eventfd_read(w->wake_fd, &n) < 0 && errno != EINTR)
                        return;
                for (;;) {
                        if (atomic_load_explicit(&w->stop, memory_order_acquire))
                                return;
                        uint32_t at = atomic_load_explicit(&w->jobs_read, memory_order_relaxed);
                        if (at == atomic_load_explicit(&w->jobs_written, memory_order_acquire))
                                break;
                        worker_run_one(w, at);
                }
        }
}

static void *worker_main(void *userdata) {
        Worker *w = userdata;
        worker_loop(w);
        (void)eventfd_write(w->done_fd, 1);
        return NULL;
}

static int worker_start(Worker *w) {
        pthread_attr_t attr;
        int r = pthread_attr_init(&attr);
        if (r != 0)
                return -r;
        (void)pthread_attr_setstacksize(&attr, WORKER_STACK_BYTES);

        /* The new thread inherits the mask: every signal is the main thread's business (signalfd). */
        sigset_t all, saved;
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &saved);
        r = pthread_create(&w->thread, &attr, worker_main, w);
        (void)pthread_sigmask(SIG_SETMASK, &saved, NULL);
        (void)pthread_attr_destroy(&attr);
        return -r;
}

int worker_new(int notify_fd, Worker **ret) {
        Worker *w = pages_new(sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->notify_fd = notify_fd;
        w->wake_fd = eventfd(0, EFD_CLOEXEC);
        w->done_fd = eventfd(0, EFD_CLOEXEC);
        int r = w->wake_fd < 0 || w->done_fd < 0 ? -errno : worker_start(w);
        if (r < 0) {
                (void)fd_close(w->wake_fd);
                (void)fd_close(w->done_fd);
                (void)pages_free(w, sizeof(*w));
                return r;
        }
        *ret = w;
        return 0;
}

int worker_submit(Worker *w, const WorkerJob *job) {
        uint32_t at = atomic_load_explicit(&w->jobs_written, memory_order_relaxed);
        if (at - w->results_read >= WORKER_JOBS_MAX)
                return -ENOBUFS;
        w->slots[at % WORKER_JOBS_MAX].job = *job;
        atomic_store_explicit(&w->jobs_written, at + 1, memory_order_release);
        /* Cannot block: the counter would have to stand near 2^64. */
        (void)eventfd_write(w->wake_fd, 1);
        return 0;
}

bool worker_collect(Worker *w, WorkerResult *ret) {
        if (w->results_read == atomic_load_explicit(&w->results_written, memory_order_acquire))
                return false;
        *ret = w->slots[w->results_read % WORKER_JOBS_MAX].result;
        w->results_read++;
        return true;
}

int worker_stop(Worker *w, uint64_t wait_usec) {
        if (!w)
                return 0;
        atomic_store_explicit(&w->stop, true, memory_order_release);
        (void)eventfd_write(w->wake_fd, 1);

        struct pollfd p = { .fd = w->done_fd, .events = POLLIN };
        if (poll(&p, 1, (int)(wait_usec / USEC_PER_MSEC)) != 1) {
                /*
                 * Deliberate leak: the thread sits in an uninterruptible call and will touch @w when it
                 * returns, if it ever does. We are about to exit; an exit must not hang on it.
                 */
                (void)pthread_detach(w->thread);
                return -ETIMEDOUT;
        }
        (void)pthread_join(w->thread, NULL);

        /* Jobs that never ran still own their descriptors. */
        uint32_t end = atomic_load_explicit(&w->jobs_written, memory_order_relaxed);
        for (uint32_t i = atomic_load_explicit(&w->jobs_read, memory_order_relaxed); i != end; i++)
                (void)fd_close(w->slots[i % WORKER_JOBS_MAX].job.fd);
        (void)fd_close(w->wake_fd);
        (void)fd_close(w->done_fd);
        (void)pages_free(w, sizeof(*w));
        return 0;
}

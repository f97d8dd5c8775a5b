/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The thread that carries out measures, and how the loop talks to it.
 *
 * One ring of jobs. Who may touch a job is said by its state, which is changed by compare-and-swap only, so neither
 * side ever waits for the other:
 *
 *   FREE -> WAITING      loop, measures_submit()
 *   WAITING -> RUNNING   thread; RUNNING -> DONE when its status is written
 *   DONE -> FREE         loop, measures_collect()
 *   WAITING, RUNNING -> ABANDONED   loop: has been answered without the thread
 *   ABANDONED -> FREE    thread, when it comes across it or comes back from it
 *
 * A job ends at its limit by itself: a timer sends this thread a signal whose handler does nothing, but makes the
 * call return that it waits in, again and again until the job is over, since the first signal may come just before
 * the call. What does not even hear that (a disk that is gone) is abandoned and answered with -ETIME; until the thread
 * is back everything else is answered with -EBUSY. What lasts may be in force after -ETIME, and is released like any
 * other.
 */

#include "act/measures.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>

#include "act/measure-run.h"
#include "act/thread-clock.h"
#include "base/pages.h"

/* glibc before 2.39 has no name for it. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* Deep enough for libsystemd. */
#define STACK_BYTES (512 * 1024)

/* A power of two, so that the free-running counters wrap in step. More than decide/ has in force at once. */
#define JOBS_MAX 32

/* Between two signals to a call that has passed its limit. */
#define SIGNAL_INTERVAL_USEC (20 * USEC_PER_MSEC)
/* From the limit to giving up: what hears signals between two chunks is back by then, even from a slow disk. */
#define ABANDON_USEC (3 * USEC_PER_SEC)
/* At exit: as long as for the other worker. */
#define STOP_USEC (2 * USEC_PER_SEC)

/*
 * Reclaim is work for a CPU, seconds of it, and nobody waits for it: it must not stand in the way of the loop, whose
 * priority the thread would inherit (Nice=-20 of the unit).
 */
#define THREAD_NICE 10

/* Not one of those that people send. Goes to this thread only. */
#define BREAK_SIGNAL (SIGRTMIN + 3)

typedef enum JobState {
        JOB_FREE,
        JOB_WAITING,
        JOB_RUNNING,
        JOB_DONE,
        JOB_ABANDONED,
} JobState;

typedef struct Job {
        _Atomic int state; /* JobState */
        _Atomic uint64_t limit_at_usec;
        MeasureStatus status;
        Measure m;
} Job;

struct Measures {
        ActHost host;
        Undo *undo; /* owned as well: a thread that is stuck at the end may come back to it */
        pthread_t thread;
        int wake_fd, done_fd; /* blocking eventfds: for the thread, and from it at its start and end */
        int notify_fd;        /* for the loop */
        int start_error;
        _Atomic bool stop;
        timer_t timer;
        uint32_t next_run;             /* thread only */
        uint32_t written, head, stuck; /* loop only; @stuck: index of the job it was last given up on */
        bool has_stuck;
        Job jobs[JOBS_MAX];
};

static Job *job_at(Measures *ms, uint32_t i) {
        return &ms->jobs[i % JOBS_MAX];
}

static bool job_move(Job *j, JobState from, JobState to) {
        int expected = from;
        return atomic_compare_exchange_strong(&j->state, &expected, to);
}

static JobState job_state(Job *j) {
        return (JobState)atomic_load(&j->state);
}

/* ---- the thread ---- */

static void on_break_signal(int signo) {
        (void)signo;
}

/* 0: off. */
static void set_timer(Measures *ms, uint64_t usec) {
        const struct itimerspec t = {
                .it_value = { (time_t)(usec / USEC_PER_SEC), (long)(usec % USEC_PER_SEC) * 1000 },
                .it_interval = { 0, usec > 0 ? (long)SIGNAL_INTERVAL_USEC * 1000 : 0 },
        };
        (void)timer_settime(ms->timer, 0, &t, NULL);
}

static int run_step(MeasureRun *run) {
        switch (run->m->step) {
        case STEP_RECLAIM:
                return measure_reclaim(run);
        case STEP_PAGEOUT:
                return measure_pageout(run);
        case STEP_THROTTLE:
                return measure_throttle(run);
        case STEP_SLOW:
                return measure_slow(run);
        case STEP_FREEZE:
                return measure_freeze(run);
        case STEP_RESTART:
        case STEP_STOP:
                return measure_unit(run);
        case STEP_NOTIFY:
        case STEP_TRIM:
        case STEP_TERMINATE:
        case STEP_KILL:
        case _STEP_MAX:
        case _STEP_INVALID:
                break;
        }
        return -EINVAL;
}

static void job_run(Measures *ms, Job *j) {
        uint64_t start = thread_now_usec();
        MeasureRun run = {
                .host = &ms->host,
                .undo = ms->undo,
                .m = &j->m,
                .stop = &ms->stop,
                .deadline_usec = u64_add_sat(start, j->m.limit_usec),
        };

        atomic_store(&j->limit_at_usec, run.deadline_usec);
        if (!job_move(j, JOB_WAITING, JOB_RUNNING)) {
                atomic_store(&j->state, JOB_FREE);
                return;
        }
        /* At least one microsecond: zero would switch it off. */
        set_timer(ms, MAX(MIN(j->m.limit_usec, UINT64_C(3600) * USEC_PER_SEC), UINT64_C(1)));
        int r = run_step(&run);
        set_timer(ms, 0);

        uint64_t end = thread_now_usec();
        j->status = (MeasureStatus){
                .measure_id = j->m.measure_id,
                .verb = j->m.verb,
                .error = r,
                .by_manager = run.by_manager,
                .done_bytes = run.done_bytes,
                .run_usec = end - start,
                .ended_usec = end,
        };
        if (!job_move(j, JOB_RUNNING, JOB_DONE))
                atomic_store(&j->state, JOB_FREE);
        (void)eventfd_write(ms->notify_fd, 1);
}

static void thread_loop(Measures *ms) {
        for (;;) {
                eventfd_t n;
                if (eventfd_read(ms->wake_fd, &n) < 0 && errno != EINTR)
                        return;
                for (;;) {
                        if (atomic_load(&ms->stop))
                                return;
                        Job *j = job_at(ms, ms->next_run);
                        JobState state = job_state(j);
                        if (state != JOB_WAITING && state != JOB_ABANDONED)
                                break;
                        ms->next_run++;
                        job_run(ms, j);
                }
        }
}

static int thread_start_timer(Measures *ms) {
        struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = BREAK_SIGNAL };
        sigset_t set;

        event.sigev_notify_thread_id = gettid();
        (void)sigemptyset(&set);
        (void)sigaddset(&set, BREAK_SIGNAL);
        if (timer_create(CLOCK_MONOTONIC, &event, &ms->timer) < 0)
                return -errno;
        return -pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void *thread_main(void *userdata) {
        Measures *ms = userdata;

        /* Of this thread alone (setpriority(2), C library/kernel differences). Without it all works, less well. */
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), THREAD_NICE);
        ms->start_error = thread_start_timer(ms);
        bool is_started = ms->start_error >= 0;
        (void)eventfd_write(ms->done_fd, 1);
        if (!is_started)
                return NULL;
        thread_loop(ms);
        (void)timer_delete(ms->timer);
        (void)eventfd_write(ms->done_fd, 1);
        return NULL;
}

/* ---- life ---- */

static int start_thread(Measures *ms) {
        const struct sigaction action = { .sa_handler = on_break_signal }; /* no SA_RESTART: that is the point */
        pthread_attr_t attr;
        sigset_t all, saved;
        eventfd_t n;

        if (sigaction(BREAK_SIGNAL, &action, NULL) < 0)
                return -errno;
        int r = pthread_attr_init(&attr);
        if (r != 0)
                return -r;
        (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
        /* Inherited: every other signal is the main thread's business. */
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &saved);
        r = pthread_create(&ms->thread, &attr, thread_main, ms);
        (void)pthread_sigmask(SIG_SETMASK, &saved, NULL);
        (void)pthread_attr_destroy(&attr);
        if (r != 0)
                return -r;
        while (eventfd_read(ms->done_fd, &n) < 0 && errno == EINTR)
                ;
        if (ms->start_error < 0)
                (void)pthread_join(ms->thread, NULL);
        return ms->start_error;
}

static void release_all(Measures *ms) {
        (void)fd_close(ms->wake_fd);
        (void)fd_close(ms->done_fd);
        (void)fd_close(ms->notify_fd);
        (void)undo_free(ms->undo);
        (void)pages_free(ms, sizeof(*ms));
}

/**
 * measures_new() - the thread and its ring
 * @host: copied; its descriptors are borrowed
 * @undo: borrowed; what lasts is written there before it is done
 *
 * Return: 0; -ENOMEM, -EMFILE, -EAGAIN (threads or timers); other negative errno.
 */
int measures_new(const ActHost *host, Undo *undo, Measures **ret) {
        /* A hundred KiB, of which a calm host touches one page. */
        Measures *ms = pages_new(sizeof(*ms));
        if (!ms)
                return -ENOMEM;
        ms->host = *host;
        ms->undo = undo_ref(undo);
        ms->wake_fd = eventfd(0, EFD_CLOEXEC);
        ms->done_fd = eventfd(0, EFD_CLOEXEC);
        ms->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        int r = ms->wake_fd < 0 || ms->done_fd < 0 || ms->notify_fd < 0 ? -errno : start_thread(ms);
        if (r < 0) {
                release_all(ms);
                return r;
        }
        *ret = ms;
        return 0;
}

/* Ends what is under way, waiting at most STOP_USEC for it. What was begun stays in the undo journal. */
Measures *measures_free(Measures *ms) {
        if (!ms)
                return NULL;
        atomic_store(&ms->stop, true);
        (void)eventfd_write(ms->wake_fd, 1);
        for (uint64_t waited = 0; waited < STOP_USEC; waited += SIGNAL_INTERVAL_USEC) {
                struct pollfd p = { .fd = ms->done_fd, .events = POLLIN };
                if (poll(&p, 1, (int)(SIGNAL_INTERVAL_USEC / USEC_PER_MSEC)) == 1) {
                        (void)pthread_join(ms->thread, NULL);
                        release_all(ms);
                        return NULL;
                }
                (void)pthread_kill(ms->thread, BREAK_SIGNAL);
        }
        /* Stuck in the kernel: it will touch all this when it comes back. An exit must not hang on it. */
        (void)pthread_detach(ms->thread);
        return NULL;
}

/* ---- the loop's side ---- */

int measures_submit(Measures *ms, const Measure *m) {
        if (!(STEP_BIT((unsigned)m->step & 31) & STEPS_LADDER) || m->step == STEP_TRIM || m->step < 0 ||
            m->step >= _STEP_MAX || (unsigned)m->verb >= _MEASURE_VERB_MAX)
                return -EINVAL;
        Job *j = job_at(ms, ms->written);
        if (ms->written - ms->head >= JOBS_MAX || job_state(j) != JOB_FREE)
                return -ENOBUFS;
        j->m = *m;
        atomic_store(&j->state, JOB_WAITING);
        ms->written++;
        (void)eventfd_write(ms->wake_fd, 1);
        return 0;
}

int measures_fd(const Measures *ms) {
        return ms->notify_fd;
}

uint32_t measures_under_way(const Measures *ms) {
        return ms->written - ms->head;
}

static MeasureStatus status_without_thread(const Measure *m, int error, uint64_t mono_usec) {
        return (MeasureStatus){
                .measure_id = m->measure_id,
                .verb = m->verb,
                .error = error,
                .ended_usec = mono_usec,
        };
}

static bool is_stuck(Measures *ms) {
        ms->has_stuck = ms->has_stuck && job_state(job_at(ms, ms->stuck)) == JOB_ABANDONED;
        return ms->has_stuck;
}

/* Is the oldest job answered now? */
static bool collect_one(Measures *ms, Job *j, uint64_t mono_usec, MeasureStatus *ret) {
        if (job_state(j) == JOB_RUNNING && mono_usec >= u64_add_sat(atomic_load(&j->limit_at_usec), ABANDON_USEC)) {
                MeasureStatus status = status_without_thread(&j->m, -ETIME, mono_usec);
                if (job_move(j, JOB_RUNNING, JOB_ABANDONED)) {
                        status.run_usec = u64_add_sat(j->m.limit_usec, ABANDON_USEC);
                        ms->stuck = ms->head;
                        ms->has_stuck = true;
                        *ret = status;
                        return true;
                }
        }
        if (job_state(j) == JOB_WAITING && is_stuck(ms)) {
                MeasureStatus status = status_without_thread(&j->m, -EBUSY, mono_usec);
                if (job_move(j, JOB_WAITING, JOB_ABANDONED)) {
                        *ret = status;
                        return true;
                }
        }
        if (job_state(j) != JOB_DONE)
                return false;
        *ret = j->status;
        atomic_store(&j->state, JOB_FREE);
        return true;
}

/**
 * measures_collect() - what has ended
 * @mono_usec: now
 *
 * Never waits. Call it when measures_fd() is readable, and at every tick while something is under way: nothing
 * else notices a thread that does not come back.
 *
 * Return: number of entries, in the order in which they were submitted; call again where it is @max.
 */
uint32_t measures_collect(Measures *ms, uint64_t mono_usec, MeasureStatus *ret, uint32_t max) {
        eventfd_t drained;
        uint32_t n = 0;

        (void)eventfd_read(ms->notify_fd, &drained);
        while (n < max && ms->head != ms->written && collect_one(ms, job_at(ms, ms->head), mono_usec, &ret[n])) {
                ms->head++;
                n++;
        }
        if (n == max && ms->head != ms->written)
                (void)eventfd_write(ms->notify_fd, 1);
        return n;
}

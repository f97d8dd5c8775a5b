/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A thread that carries out measures one after the other, and how the loop talks to it.
 *
 * One ring of jobs. Who may touch a job is said by its state, which is changed by compare-and-swap only, so neither
 * side ever waits for the other:
 *
 *   FREE -> WAITING      loop, measure_lane_submit()
 *   WAITING -> RUNNING   thread; RUNNING -> DONE when its status is written
 *   DONE -> FREE         loop, measure_lane_collect()
 *   WAITING, RUNNING -> ABANDONED   loop: has been answered without the thread
 *   ABANDONED -> FREE    thread, when it comes across it or comes back from it
 *
 * A job ends at its limit by itself: a timer sends this thread a signal whose handler does nothing, but makes the
 * call return that it waits in, again and again until the job is over, since the first signal may come just before
 * the call. What does not even hear that (a disk that is gone) is abandoned and answered with -ETIME; until the thread
 * is back everything else is answered with -EBUSY. What lasts may be in force after -ETIME, and is released like any
 * other.
 */

#include "act/measure-lane.h"

#include <fcntl.h>
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

struct MeasureLane {
        ActHost host;
        Undo *undo;    /* as notify_fd it has its own: a thread that is stuck at the end may come back to them */
        int notify_fd; /* for the loop */
        int nice;
        pthread_t thread;
        int wake_fd, done_fd; /* blocking eventfds: for the thread, and from it at its start and end */
        int start_error;
        _Atomic bool stop;
        timer_t timer;
        uint32_t next_run;             /* thread only */
        uint32_t written, head, stuck; /* loop only; @stuck: index of the job it was last given up on */
        bool has_stuck;
        Job *jobs; /* JOBS_MAX of them, a hundred KiB, of which a calm host touches nothing */
};

static Job *job_at(MeasureLane *lane, uint32_t i) {
        return &lane->jobs[i % JOBS_MAX];
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
static void set_timer(MeasureLane *lane, uint64_t usec) {
        const struct itimerspec t = {
                .it_value = { (time_t)(usec / USEC_PER_SEC), (long)(usec % USEC_PER_SEC) * 1000 },
                .it_interval = { 0, usec > 0 ? (long)SIGNAL_INTERVAL_USEC * 1000 : 0 },
        };
        (void)timer_settime(lane->timer, 0, &t, NULL);
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

static void job_run(MeasureLane *lane, Job *j) {
        uint64_t start = thread_now_usec();
        MeasureRun run = {
                .host = &lane->host,
                .undo = lane->undo,
                .m = &j->m,
                .stop = &lane->stop,
                .deadline_usec = u64_add_sat(start, j->m.limit_usec),
        };

        atomic_store(&j->limit_at_usec, run.deadline_usec);
        if (!job_move(j, JOB_WAITING, JOB_RUNNING)) {
                atomic_store(&j->state, JOB_FREE);
                return;
        }
        /* At least one microsecond: zero would switch it off. */
        set_timer(lane, MAX(MIN(j->m.limit_usec, UINT64_C(3600) * USEC_PER_SEC), UINT64_C(1)));
        int r = run_step(&run);
        set_timer(lane, 0);

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
        (void)eventfd_write(lane->notify_fd, 1);
}

static void thread_loop(MeasureLane *lane) {
        for (;;) {
                eventfd_t n;
                if (eventfd_read(lane->wake_fd, &n) < 0 && errno != EINTR)
                        return;
                for (;;) {
                        if (atomic_load(&lane->stop))
                                return;
                        Job *j = job_at(lane, lane->next_run);
                        JobState state = job_state(j);
                        if (state != JOB_WAITING && state != JOB_ABANDONED)
                                break;
                        lane->next_run++;
                        job_run(lane, j);
                }
        }
}

static int thread_start_timer(MeasureLane *lane) {
        struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = BREAK_SIGNAL };
        sigset_t set;

        event.sigev_notify_thread_id = gettid();
        (void)sigemptyset(&set);
        (void)sigaddset(&set, BREAK_SIGNAL);
        if (timer_create(CLOCK_MONOTONIC, &event, &lane->timer) < 0)
                return -errno;
        return -pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void *thread_main(void *userdata) {
        MeasureLane *lane = userdata;

        /* Of this thread alone (setpriority(2), C library/kernel differences). Without it all works, less well. */
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), lane->nice);
        lane->start_error = thread_start_timer(lane);
        bool is_started = lane->start_error >= 0;
        (void)eventfd_write(lane->done_fd, 1);
        if (!is_started)
                return NULL;
        thread_loop(lane);
        (void)timer_delete(lane->timer);
        (void)eventfd_write(lane->done_fd, 1);
        return NULL;
}

/* ---- life ---- */

static int start_thread(MeasureLane *lane) {
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
        r = pthread_create(&lane->thread, &attr, thread_main, lane);
        (void)pthread_sigmask(SIG_SETMASK, &saved, NULL);
        (void)pthread_attr_destroy(&attr);
        if (r != 0)
                return -r;
        while (eventfd_read(lane->done_fd, &n) < 0 && errno == EINTR)
                ;
        if (lane->start_error < 0)
                (void)pthread_join(lane->thread, NULL);
        return lane->start_error;
}

static void release_all(MeasureLane *lane) {
        (void)fd_close(lane->wake_fd);
        (void)fd_close(lane->done_fd);
        (void)fd_close(lane->notify_fd);
        (void)undo_free(lane->undo);
        (void)pages_free(lane->jobs, JOBS_MAX * sizeof(*lane->jobs));
        free(lane);
}

/**
 * measure_lane_new() - the thread and its ring
 * @host: copied; its descriptors are borrowed
 * @undo: borrowed; what lasts is written there before it is done
 * @notify_fd: an eventfd, gets 1 added when a status is there; borrowed
 * @nice: of the thread
 *
 * Return: 0; -ENOMEM, -EMFILE, -EAGAIN (threads or timers); other negative errno.
 */
int measure_lane_new(const ActHost *host, Undo *undo, int notify_fd, int nice, MeasureLane **ret) {
        MeasureLane *lane = calloc(1, sizeof(*lane));
        if (!lane)
                return -ENOMEM;
        lane->jobs = pages_new(JOBS_MAX * sizeof(*lane->jobs));
        lane->host = *host;
        lane->undo = undo_ref(undo);
        lane->nice = nice;
        lane->wake_fd = eventfd(0, EFD_CLOEXEC);
        lane->done_fd = eventfd(0, EFD_CLOEXEC);
        lane->notify_fd = fcntl(notify_fd, F_DUPFD_CLOEXEC, 0);
        int r = !lane->jobs || lane->wake_fd < 0 || lane->done_fd < 0 || lane->notify_fd < 0 ? -errno : start_thread(lane);
        if (r < 0) {
                release_all(lane);
                return r;
        }
        *ret = lane;
        return 0;
}

void measure_lane_stop(MeasureLane *lane) {
        atomic_store(&lane->stop, true);
        (void)eventfd_write(lane->wake_fd, 1);
}

/* Ends what is under way, waiting at most STOP_USEC for it. What was begun stays in the undo journal. */
MeasureLane *measure_lane_free(MeasureLane *lane) {
        if (!lane)
                return NULL;
        measure_lane_stop(lane);
        for (uint64_t waited = 0; waited < STOP_USEC; waited += SIGNAL_INTERVAL_USEC) {
                struct pollfd p = { .fd = lane->done_fd, .events = POLLIN };
                if (poll(&p, 1, (int)(SIGNAL_INTERVAL_USEC / USEC_PER_MSEC)) == 1) {
                        (void)pthread_join(lane->thread, NULL);
                        release_all(lane);
                        return NULL;
                }
                (void)pthread_kill(lane->thread, BREAK_SIGNAL);
        }
        /* Stuck in the kernel: it will touch all this when it comes back. An exit must not hang on it. */
        (void)pthread_detach(lane->thread);
        return NULL;
}

/* ---- the loop's side ---- */

int measure_lane_submit(MeasureLane *lane, const Measure *m) {
        Job *j = job_at(lane, lane->written);
        if (lane->written - lane->head >= JOBS_MAX || job_state(j) != JOB_FREE)
                return -ENOBUFS;
        j->m = *m;
        atomic_store(&j->state, JOB_WAITING);
        lane->written++;
        (void)eventfd_write(lane->wake_fd, 1);
        return 0;
}

uint32_t measure_lane_under_way(const MeasureLane *lane) {
        return lane->written - lane->head;
}

static MeasureStatus status_without_thread(const Measure *m, int error, uint64_t mono_usec) {
        return (MeasureStatus){
                .measure_id = m->measure_id,
                .verb = m->verb,
                .error = error,
                .ended_usec = mono_usec,
        };
}

static bool is_stuck(MeasureLane *lane) {
        lane->has_stuck = lane->has_stuck && job_state(job_at(lane, lane->stuck)) == JOB_ABANDONED;
        return lane->has_stuck;
}

/* Is the oldest job answered now? */
static bool collect_one(MeasureLane *lane, Job *j, uint64_t mono_usec, MeasureStatus *ret) {
        if (job_state(j) == JOB_RUNNING && mono_usec >= u64_add_sat(atomic_load(&j->limit_at_usec), ABANDON_USEC)) {
                MeasureStatus status = status_without_thread(&j->m, -ETIME, mono_usec);
                if (job_move(j, JOB_RUNNING, JOB_ABANDONED)) {
                        status.run_usec = u64_add_sat(j->m.limit_usec, ABANDON_USEC);
                        lane->stuck = lane->head;
                        lane->has_stuck = true;
                        *ret = status;
                        return true;
                }
        }
        if (job_state(j) == JOB_WAITING && is_stuck(lane)) {
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

/* In the order in which they were submitted. */
uint32_t measure_lane_collect(MeasureLane *lane, uint64_t mono_usec, MeasureStatus *ret, uint32_t max) {
        uint32_t n = 0;

        while (n < max && lane->head != lane->written && collect_one(lane, job_at(lane, lane->head), mono_usec, &ret[n])) {
                lane->head++;
                n++;
        }
        return n;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/replay.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

/* A few entries and paths on it, and a message to the service manager. */
#define STACK_SIZE (256 * 1024)

struct Replay {
        Undo *undo;
        UndoHost host;
        bool all;
        bool only_left; /* by an earlier daemon, up to @last_serial */
        uint64_t last_serial;
        bool is_running; /* the thread has not been joined */
        pthread_t thread;
        int fd; /* written to by the thread as the last thing it does */
        sd_event_source *io;
        void (*done)(void *userdata, const ReplayReport *report);
        void *userdata;
        /* the thread's until it has been joined */
        ReplayResult *results;
        uint32_t n_results, size, n_lost;
        int n_failed;
};

static void told(void *userdata, const UndoEntry *e, UndoOutcome outcome, int error) {
        Replay *r = userdata;

        if (r->n_results == r->size) {
                uint32_t size = r->size ? 2 * r->size : 16;
                ReplayResult *bigger = reallocarray(r->results, size, sizeof(*r->results));
                if (!bigger) {
                        r->n_lost++;
                        return;
                }
                r->results = bigger;
                r->size = size;
        }
        r->results[r->n_results++] = (ReplayResult){ .entry = *e, .outcome = outcome, .error = error };
}

static void *replay_thread(void *userdata) {
        Replay *r = userdata;
        const uint64_t one = 1;

        r->n_failed = r->only_left ? undo_replay_left(r->undo, &r->host, r->last_serial, told, r) :
                                           undo_replay(r->undo, &r->host, r->all, told, r);
        (void)!write(r->fd, &one, sizeof(one));
        return NULL;
}

static ReplayReport report_of(const Replay *r) {
        return (ReplayReport){
                .results = r->results,
                .n_results = r->n_results,
                .n_failed = (uint32_t)MAX(r->n_failed, 0),
                .n_lost = r->n_lost,
        };
}

static void join(Replay *r) {
        if (r->is_running)
                (void)pthread_join(r->thread, NULL);
        r->is_running = false;
}

static int on_done(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        Replay *r = userdata;
        (void)fd;
        (void)events;

        (void)sd_event_source_set_enabled(s, SD_EVENT_OFF);
        join(r);
        const ReplayReport report = report_of(r);
        r->done(r->userdata, &report);
        return 0;
}

static int start_thread(Replay *r) {
        pthread_attr_t attr;
        sigset_t all, old;

        if (pthread_attr_init(&attr) != 0)
                return -ENOMEM;
        (void)pthread_attr_setstacksize(&attr, STACK_SIZE);
        /* Signals are the loop's. */
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &old);
        int error = pthread_create(&r->thread, &attr, replay_thread, r);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        (void)pthread_attr_destroy(&attr);
        r->is_running = error == 0;
        return -error;
}

static Replay *replay_new(Undo *undo, const UndoHost *host, bool all) {
        Replay *r = calloc(1, sizeof(*r));
        if (r)
                *r = (Replay){ .undo = undo, .host = *host, .all = all, .fd = -EBADF };
        return r;
}

static int start(sd_event *event, int64_t priority, Replay *new,
                 void (*done)(void *userdata, const ReplayReport *report), void *userdata, Replay **ret) {
        _cleanup_(replay_freep) Replay *r = new;
        if (!r)
                return -ENOMEM;
        r->done = done;
        r->userdata = userdata;
        r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (r->fd < 0)
                return -errno;
        int n = sd_event_add_io(event, &r->io, r->fd, EPOLLIN, on_done, r);
        if (n >= 0)
                n = sd_event_source_set_priority(r->io, priority);
        if (n >= 0)
                n = start_thread(r);
        if (n < 0)
                return n;
        *ret = TAKE_PTR(r);
        return 0;
}

int replay_start(sd_event *event, int64_t priority, Undo *undo, const UndoHost *host, bool all,
                 void (*done)(void *userdata, const ReplayReport *report), void *userdata, Replay **ret) {
        return start(event, priority, replay_new(undo, host, all), done, userdata, ret);
}

int replay_start_left(sd_event *event, int64_t priority, Undo *undo, const UndoHost *host, uint64_t last_serial,
                      void (*done)(void *userdata, const ReplayReport *report), void *userdata, Replay **ret) {
        Replay *r = replay_new(undo, host, /* all= */ false);
        if (r) {
                r->only_left = true;
                r->last_serial = last_serial;
        }
        return start(event, priority, r, done, userdata, ret);
}

int replay_run(Undo *undo, const UndoHost *host, bool all, ReplayReport *ret_report, Replay **ret) {
        Replay *r = replay_new(undo, host, all);
        if (!r)
                return -ENOMEM;
        r->n_failed = undo_replay(undo, host, all, told, r);
        *ret_report = report_of(r);
        *ret = r;
        return 0;
}

Replay *replay_free(Replay *r) {
        if (!r)
                return NULL;
        join(r);
        r->io = sd_event_source_disable_unref(r->io);
        r->fd = fd_close(r->fd);
        free(r->results);
        free(r);
        return NULL;
}

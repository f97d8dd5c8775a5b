/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/progress.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define WIDTH 40

struct Progress {
        PlanProgress *work;
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t ended;
        bool is_ended, is_shown;
};

static void draw(Progress *p) {
        uint64_t done = atomic_load(&p->work->done_bytes), total = atomic_load(&p->work->total_bytes);
        unsigned share = total > 0 ? (unsigned)MIN(u64_mul_div(done, 100, total), (uint64_t)100) : 0;
        char bar[WIDTH + 1];

        for (unsigned i = 0; i < WIDTH; i++)
                bar[i] = i < share * WIDTH / 100 ? '#' : '.';
        bar[WIDTH] = '\0';
        (void)fprintf(stderr, "\r[%s] %3u%%", bar, share);
        (void)fflush(stderr);
        p->is_shown = true;
}

static void *show(void *userdata) {
        Progress *p = userdata;
        struct timespec until;
        bool first = true;

        (void)pthread_mutex_lock(&p->lock);
        while (!p->is_ended) {
                (void)clock_gettime(CLOCK_REALTIME, &until);
                if (first)
                        until.tv_sec++;
                else if ((until.tv_nsec += 200000000) >= 1000000000) {
                        until.tv_nsec -= 1000000000;
                        until.tv_sec++;
                }
                if (pthread_cond_timedwait(&p->ended, &p->lock, &until) == 0)
                        continue;
                first = false;
                draw(p);
        }
        (void)pthread_mutex_unlock(&p->lock);
        return NULL;
}

Progress *progress_begin(PlanProgress *work) {
        if (!isatty(STDERR_FILENO))
                return NULL;
        Progress *p = calloc(1, sizeof(*p));
        if (!p)
                return NULL;
        p->work = work;
        (void)pthread_mutex_init(&p->lock, NULL);
        (void)pthread_cond_init(&p->ended, NULL);
        if (pthread_create(&p->thread, NULL, show, p) != 0) {
                free(p);
                return NULL;
        }
        return p;
}

Progress *progress_end(Progress *p) {
        if (!p)
                return NULL;
        (void)pthread_mutex_lock(&p->lock);
        p->is_ended = true;
        (void)pthread_cond_signal(&p->ended);
        (void)pthread_mutex_unlock(&p->lock);
        (void)pthread_join(p->thread, NULL);
        if (p->is_shown)
                (void)fprintf(stderr, "\r\x1b[K");
        (void)pthread_cond_destroy(&p->ended);
        (void)pthread_mutex_destroy(&p->lock);
        free(p);
        return NULL;
}

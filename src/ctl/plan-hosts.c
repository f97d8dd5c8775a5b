/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Many hosts on all cores. Each is planned by one thread; documents are handed over in the order of the command line, so
 * that the same traces give the same output. Whoever is far ahead waits: documents that nobody has taken yet are bounded.
 */

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "base/text.h"
#include "ctl/plan.h"
#include "plan/document.h"

#define AHEAD_MAX   64
#define THREADS_MAX 64

typedef struct Pool {
        const PlanRequest *base;
        char *const *paths;
        size_t n_paths;
        bool is_line;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        size_t next, taken;     /* to be begun; handed over */
        json_t *docs[AHEAD_MAX]; /* ring by index */
        bool is_done[AHEAD_MAX];
        bool is_failed, is_stopped;
} Pool;

void plan_say_error(const TraceError *e, int error) {
        char path[1024], text[512];
        TextBuf p = TEXT_BUF(path), t = TEXT_BUF(text);

        text_append(&p, "");
        text_append_escaped(&p, e->path);
        text_append(&t, "");
        text_append_escaped(&t, e->text);
        if (error == -EBADMSG)
                (void)fprintf(stderr, "headroomctl: %s: offset %" PRIu64 ": %s\n", path, e->offset, text);
        else if (error == -ENODATA || strcmp(e->text, strerror(-error)) == 0)
                (void)fprintf(stderr, "headroomctl: %s: %s\n", path, text);
        else
                (void)fprintf(stderr, "headroomctl: %s: %s: %s\n", path, text, strerror(-error));
}

static json_t *plan_one(const Pool *p, size_t i) {
        PlanRequest q = *p->base;
        const DocumentOptions options = { .is_report = q.is_report, .is_line = p->is_line };
        TraceError error;
        PlanRun run;

        q.path = p->paths[i];
        if (p->n_paths > 1)
                q.n_threads = 1;
        int r = plan_run(&q, &run, &error);
        if (r < 0) {
                plan_say_error(&error, r);
                return NULL;
        }
        json_t *doc = plan_document(&q, &run, &options);
        plan_run_done(&run);
        return doc;
}

static void *work(void *userdata) {
        Pool *p = userdata;

        (void)pthread_mutex_lock(&p->lock);
        for (;;) {
                while (p->next < p->n_paths && p->next >= p->taken + AHEAD_MAX && !p->is_stopped)
                        (void)pthread_cond_wait(&p->changed, &p->lock);
                if (p->next >= p->n_paths || p->is_stopped)
                        break;
                size_t i = p->next++;
                (void)pthread_mutex_unlock(&p->lock);
                json_t *doc = plan_one(p, i);
                (void)pthread_mutex_lock(&p->lock);
                p->docs[i % AHEAD_MAX] = doc;
                p->is_done[i % AHEAD_MAX] = true;
                p->is_failed |= !doc;
                (void)pthread_cond_broadcast(&p->changed);
        }
        (void)pthread_mutex_unlock(&p->lock);
        return NULL;
}

static CtlExit hand_over(Pool *p, PlanHostDone done, void *userdata) {
        CtlExit status = CTL_EXIT_OK;

        while (p->taken < p->n_paths && status == CTL_EXIT_OK) {
                size_t slot = p->taken % AHEAD_MAX;
                (void)pthread_mutex_lock(&p->lock);
                while (!p->is_done[slot])
                        (void)pthread_cond_wait(&p->changed, &p->lock);
                json_t *doc = TAKE_PTR(p->docs[slot]);
                p->is_done[slot] = false;
                (void)pthread_mutex_unlock(&p->lock);
                if (doc)
                        status = done(userdata, doc);
                json_decref(doc);
                (void)pthread_mutex_lock(&p->lock);
                p->taken++;
                p->is_stopped = status != CTL_EXIT_OK;
                (void)pthread_cond_broadcast(&p->changed);
                (void)pthread_mutex_unlock(&p->lock);
        }
        return status;
}

CtlExit plan_hosts(const PlanRequest *base, char *const *paths, size_t n_paths, bool is_line, PlanHostDone done, void *userdata) {
        Pool p = { .base = base, .paths = paths, .n_paths = n_paths, .is_line = is_line };
        pthread_t threads[THREADS_MAX];
        size_t n = MIN(MIN((size_t)base->n_threads, n_paths), (size_t)THREADS_MAX), started = 0;

        (void)pthread_mutex_init(&p.lock, NULL);
        (void)pthread_cond_init(&p.changed, NULL);
        while (started < MAX(n, (size_t)1) && pthread_create(&threads[started], NULL, work, &p) == 0)
                started++;
        CtlExit status = started > 0 ? hand_over(&p, done, userdata) : CTL_EXIT_FAILED;
        if (started == 0)
                (void)fprintf(stderr, "headroomctl: cannot start a thread\n");
        for (size_t i = 0; i < started; i++)
                (void)pthread_join(threads[i], NULL);
        for (size_t i = 0; i < AHEAD_MAX; i++)
                json_decref(p.docs[i]);
        (void)pthread_cond_destroy(&p.changed);
        (void)pthread_mutex_destroy(&p.lock);
        return status == CTL_EXIT_OK && p.is_failed ? CTL_EXIT_FAILED : status;
}

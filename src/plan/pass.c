/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/pass.h"

#include <pthread.h>

#define THREADS_MAX 64

typedef struct Worker {
        const PlanRequest *request;
        PlanRun *run;
        PlanStats *stats; /* the first worker's only */
        uint32_t first, from;
        const uint32_t *owners; /* by answer */
        PlanSim *sims[PLAN_ANSWERS_MAX]; /* by answer; NULL where it is another worker's */
        int error;
        TraceError trace_error;
        pthread_t thread;
} Worker;

static int make_sims(Worker *w) {
        for (uint32_t i = w->from; i < w->run->n_answers; i++) {
                if (w->owners[i] != w->first)
                        continue;
                int r = plan_sim_new(&w->run->answers[i].question, &w->sims[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int finish_sims(Worker *w) {
        for (uint32_t i = w->from; i < w->run->n_answers; i++) {
                PlanAnswer *a = &w->run->answers[i];
                if (!w->sims[i])
                        continue;
                int r = plan_sim_finish(w->sims[i], &a->outcome);
                if (r < 0)
                        return r;
                a->is_done = true;
        }
        return 0;
}

static int feed(Worker *w, const TraceRecord *record) {
        int r = w->stats ? plan_stats_feed(w->stats, record) : 0;

        for (uint32_t i = w->from; i < w->run->n_answers && r >= 0; i++) {
                if (!w->sims[i])
                        continue;
                r = plan_sim_feed(w->sims[i], record);
                /* A recording of a host without the daemon has no policy of its own: that one question stays open. */
                if (r == -EBADMSG) {
                        w->sims[i] = plan_sim_free(w->sims[i]);
                        r = 0;
                }
        }
        return r;
}

static int read_all(Worker *w, TraceReader *reader) {
        PlanProgress *progress = w->first == 0 ? w->request->progress : NULL;
        const TraceRecord *record;
        uint64_t told = 0;
        int r;

        while ((r = trace_reader_next(reader, &record)) > 0) {
                r = feed(w, record);
                if (r < 0)
                        return r;
                uint64_t now = trace_reader_stats(reader)->file_bytes;
                if (progress && now > told) {
                        atomic_fetch_add(&progress->done_bytes, now - told);
                        told = now;
                }
        }
        return r;
}

static void *work(void *userdata) {
        Worker *w = userdata;
        const PlanRequest *q = w->request;
        const TraceReaderOptions options = { .salvage = q->salvage };
        char *paths[] = { (char *)(uintptr_t)q->path };
        _cleanup_(trace_reader_freep) TraceReader *reader = NULL;

        w->error = trace_reader_new(q->dir_fd, paths, 1, &options, &w->trace_error, &reader);
        if (w->error >= 0)
                w->error = make_sims(w);
        if (w->error >= 0)
                w->error = read_all(w, reader);
        if (w->error == -EBADMSG && reader)
                w->trace_error = *trace_reader_error(reader);
        if (w->error >= 0)
                w->error = finish_sims(w);
        if (w->error >= 0 && w->stats) {
                w->run->reader = *trace_reader_stats(reader);
                w->run->was_damaged = w->run->reader.n_damaged > 0;
                if (w->run->was_damaged)
                        w->run->damage = *trace_reader_error(reader);
        }
        for (uint32_t i = 0; i < PLAN_ANSWERS_MAX; i++)
                plan_sim_free(w->sims[i]);
        return NULL;
}

/* A host that is too small is looked at every 50 ms, and one with room to spare once a second. */
static bool is_dearer(const PlanQuestion *a, const PlanQuestion *b) {
        return a->ram_bytes > 0 && (b->ram_bytes == 0 || a->ram_bytes < b->ram_bytes);
}

/* By turns to and fro, the dearest first, so that all workers end at about the same time. */
static void deal(const PlanRun *run, uint32_t from, uint32_t n_workers, uint32_t owners[static PLAN_ANSWERS_MAX]) {
        for (uint32_t i = from; i < run->n_answers; i++) {
                uint32_t place = 0;
                for (uint32_t k = from; k < run->n_answers; k++)
                        place += is_dearer(&run->answers[k].question, &run->answers[i].question) ||
                                 (k < i && !is_dearer(&run->answers[i].question, &run->answers[k].question));
                uint32_t turn = place / n_workers, at = place % n_workers;
                owners[i] = turn % 2 == 0 ? at : n_workers - 1 - at;
        }
}

int plan_pass(const PlanRequest *request, PlanRun *run, uint32_t from, PlanStats *stats, TraceError *ret_error) {
        uint32_t n = MIN(MAX(request->n_threads, UINT32_C(1)), MAX(run->n_answers - from, UINT32_C(1)));
        n = MIN(n, (uint32_t)THREADS_MAX);
        _cleanup_free_ Worker *workers = calloc(n, sizeof(*workers));
        uint32_t owners[PLAN_ANSWERS_MAX];
        int r = 0;

        if (!workers)
                return -ENOMEM;
        deal(run, from, n, owners);
        for (uint32_t i = 0; i < n; i++) {
                workers[i] = (Worker){ .request = request, .run = run, .stats = i == 0 ? stats : NULL,
                                       .first = i, .from = from, .owners = owners };
                /* The last one's work is done here: with one thread there is none to start. */
                if (i + 1 == n)
                        (void)work(&workers[i]);
                else if ((r = -pthread_create(&workers[i].thread, NULL, work, &workers[i])) < 0)
                        n = i;
        }
        for (uint32_t i = 0; i + 1 < n || (r < 0 && i < n); i++)
                (void)pthread_join(workers[i].thread, NULL);
        for (uint32_t i = 0; i < n && r >= 0; i++) {
                r = MIN(workers[i].error, 0);
                if (r < 0 && workers[i].trace_error.text[0])
                        *ret_error = workers[i].trace_error;
        }
        return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A host that lives: cgroups and processes that come, change and go, seen by cheap and detailed samples. By chance that
 * is the same each time. For tests of the trace, and for the figures of its bench.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "trace/trace.h"

#define HISTORY_PATH 96

typedef struct HistoryCgroup {
        CgroupSample all; /* with every field */
        char path[HISTORY_PATH];
        uint32_t parent; /* in History.cgroups, INDEX_NONE */
        bool is_active, is_monitored;
} HistoryCgroup;

typedef struct HistoryProcess {
        ProcessSample all;
        uint32_t cgroup; /* in History.cgroups */
        bool is_active;
} HistoryProcess;

typedef struct History {
        uint64_t rng;
        uint32_t max_cgroups, max_processes;
        HistoryCgroup *cgroups;
        HistoryProcess *processes;
        uint32_t n_cgroups, n_processes;
        /* one in this many, each sample; 0 for never */
        uint32_t shuffle_one_in, hole_one_in, birth_one_in, recreate_one_in, tamper_one_in;
        uint32_t n_monitored;
        int32_t next_pid;
        uint64_t next_id;
        HostSample host;
        uint64_t mono_usec, real_usec;
        Snapshot snap;
        CgroupSample *out_cgroups;
        ProcessSample *out_processes;
        uint32_t *order;
} History;

static inline uint64_t history_random(History *h, uint64_t n) {
        h->rng ^= h->rng << 13;
        h->rng ^= h->rng >> 7;
        h->rng ^= h->rng << 17;
        return h->rng % n;
}

static inline bool history_one_in(History *h, uint32_t n) {
        return n > 0 && history_random(h, n) == 0;
}

/* ---- birth ---- */

static inline void history_cgroup_begin(History *h, uint32_t i, const char *path) {
        HistoryCgroup *c = &h->cgroups[i];

        *c = (HistoryCgroup){ .parent = i == 0 ? INDEX_NONE : (uint32_t)history_random(h, i < 8 ? i : 8) };
        snprintf(c->path, sizeof(c->path), "%s", path);
        c->all.id = h->next_id++;
        c->all.policy = i < h->n_monitored ? 1 : -1;
        c->is_monitored = i < h->n_monitored;
        c->all.marks = i >= 8 ? CGROUP_MARK_LEAF : 0;
        for (CgroupField f = 0; f < _CGROUP_FIELD_MAX; f++)
                cgroup_set(&c->all, f, 0);
        cgroup_set(&c->all, CGROUP_CURRENT, 4096 * (1000 + history_random(h, 50000)));
        cgroup_set(&c->all, CGROUP_PEAK, c->all.value[CGROUP_CURRENT]);
        for (CgroupField f = CGROUP_HIGH; f <= CGROUP_SWAP_MAX; f++)
                cgroup_set(&c->all, f, CGROUP_NO_LIMIT);
        for (CgroupField f = CGROUP_ANON; f <= CGROUP_FILE_DIRTY; f++)
                cgroup_set(&c->all, f, 4096 * history_random(h, 20000));
        cgroup_set(&c->all, CGROUP_POPULATED, 1);
        c->is_active = history_random(h, 100) < 30;
}

static inline void history_process_begin(History *h, uint32_t i) {
        static const char *const names[] = { "postgres", "nginx", "sh", "kworker/0:1", "evil\n\033[31m)", "\xff\xfe", "" };
        HistoryProcess *p = &h->processes[i];

        *p = (HistoryProcess){ .cgroup = (uint32_t)history_random(h, h->n_cgroups) };
        p->all = (ProcessSample){
                .pid = h->next_pid, .ppid = 1, .pgid = h->next_pid, .sid = h->next_pid,
                .start_ticks = h->mono_usec / 10000, .uid = (uint32_t)history_random(h, 2) * 1000,
                .flags = PROCESS_SIZES | PROCESS_SCORE | PROCESS_IDENTITY, .oom_score = (uint32_t)history_random(h, 1300),
                .rule = -1, .kernel_rule = -1, .tier = TIER_NORMAL, .rss_anon = history_random(h, 100000),
                .rss_file = history_random(h, 10000), .rss_shmem = history_random(h, 100), .pgtables = history_random(h, 200),
        };
        h->next_pid += 1 + (int32_t)history_random(h, 3);
        snprintf(p->all.comm, sizeof(p->all.comm), "%s", names[history_random(h, ARRAY_SIZE(names))]);
        p->is_active = history_random(h, 100) < 20;
}

static inline History *history_new(uint64_t seed, uint32_t n_cgroups, uint32_t n_processes) {
        char path[HISTORY_PATH];
        History *h = calloc(1, sizeof(*h));

        assert(h && n_cgroups > 0);
        *h = (History){
                .rng = seed * 2654435761u + 1, .max_cgroups = n_cgroups, .max_processes = n_processes, .next_pid = 300,
                .next_id = 4000, .mono_usec = 1000 * USEC_PER_SEC, .real_usec = UINT64_C(1700000000000000),
                .n_cgroups = n_cgroups, .n_processes = n_processes, .n_monitored = n_cgroups / 5 + 1,
        };
        h->cgroups = calloc(n_cgroups, sizeof(*h->cgroups));
        h->out_cgroups = calloc(n_cgroups, sizeof(*h->out_cgroups));
        h->processes = calloc(n_processes + 1, sizeof(*h->processes));
        h->out_processes = calloc(n_processes + 1, sizeof(*h->out_processes));
        h->order = calloc(n_cgroups + n_processes + 1, sizeof(*h->order));
        assert(h->cgroups && h->out_cgroups && h->processes && h->out_processes && h->order);
        for (HostField f = 0; f < _HOST_FIELD_MAX; f++)
                host_set(&h->host, f, f >= HOST_MEM_TOTAL && f < HOST_VM_OOM_KILL ? 4096 * history_random(h, 1 << 20) : 0);
        for (uint32_t i = 0; i < n_cgroups; i++) {
                snprintf(path, sizeof(path), i == 0 ? "/" : "/system.slice/unit-%u.service", i);
                history_cgroup_begin(h, i, path);
        }
        for (uint32_t i = 0; i < n_processes; i++)
                history_process_begin(h, i);
        return h;
}

static inline void history_free(History *h) {
        free(h->cgroups);
        free(h->out_cgroups);
        free(h->processes);
        free(h->out_processes);
        free(h->order);
        free(h);
}

/* ---- life ---- */

static inline void history_move(History *h, uint64_t *v, uint64_t pages) {
        *v += 4096 * history_random(h, 2 * pages + 1) - 4096 * pages;
}

static inline void history_live_host(History *h) {
        static const HostField moving[] = {
                HOST_MEM_FREE, HOST_MEM_AVAILABLE, HOST_CACHED, HOST_ACTIVE_ANON, HOST_INACTIVE_FILE, HOST_ACTIVE_FILE,
                HOST_ANON_PAGES, HOST_DIRTY, HOST_COMMITTED_AS, HOST_KERNEL_STACK, HOST_PAGE_TABLES, HOST_SLAB_RECLAIMABLE,
        };
        for (size_t i = 0; i < ARRAY_SIZE(moving); i++)
                history_move(h, &h->host.value[moving[i]], 200);
        h->host.value[HOST_VM_PGMAJFAULT] += history_random(h, 4);
        if (history_random(h, 10) == 0)
                h->host.value[HOST_PSI_SOME_USEC] += history_random(h, 3000);
}

static inline void history_live_cgroup(History *h, HistoryCgroup *c) {
        uint64_t *v = c->all.value;

        if (!c->is_active) {
                c->is_active = history_random(h, 2000) == 0;
                return;
        }
        c->is_active = history_random(h, 1000) != 0;
        history_move(h, &v[CGROUP_CURRENT], 64);
        history_move(h, &v[CGROUP_ANON], 64);
        v[CGROUP_PEAK] = MAX(v[CGROUP_PEAK], v[CGROUP_CURRENT]);
        if (history_random(h, 3) == 0) {
                history_move(h, &v[CGROUP_FILE], 16);
                history_move(h, &v[CGROUP_INACTIVE_FILE], 16);
                v[CGROUP_KERNEL] += history_random(h, 9000) - 4500;
                v[CGROUP_SLAB_RECLAIMABLE] += history_random(h, 3000) - 1500;
        }
        if (history_random(h, 10) == 0) {
                v[CGROUP_PSI_SOME_USEC] += history_random(h, 2000);
                v[CGROUP_PGMAJFAULT] += history_random(h, 5);
        }
}

static inline void history_live(History *h, uint64_t usec) {
        history_live_host(h);
        h->mono_usec += usec + history_random(h, 2000);
        h->real_usec += usec + history_random(h, 2000);
        for (uint32_t i = 0; i < h->n_cgroups; i++)
                history_live_cgroup(h, &h->cgroups[i]);
        for (uint32_t i = 0; i < h->n_processes; i++) {
                ProcessSample *p = &h->processes[i].all;
                if (!h->processes[i].is_active)
                        continue;
                p->rss_anon += history_random(h, 3) * history_random(h, 30);
                p->oom_score += history_random(h, 8) == 0;
        }
        if (history_one_in(h, h->birth_one_in) && h->n_processes > 0) {
                uint32_t k = (uint32_t)history_random(h, h->n_processes);
                memmove(&h->processes[k], &h->processes[k + 1], (h->n_processes - 1 - k) * sizeof(*h->processes));
                history_process_begin(h, h->n_processes - 1);
        }
        if (history_one_in(h, h->recreate_one_in) && h->n_cgroups > 1) {
                char path[HISTORY_PATH];
                uint32_t k = 1 + (uint32_t)history_random(h, h->n_cgroups - 1);
                memcpy(path, h->cgroups[k].path, sizeof(path));
                history_cgroup_begin(h, k, path);
        }
}

/* ---- sight ---- */

static inline void history_holes(History *h, uint64_t *have, uint64_t *value, uint32_t n) {
        if (!history_one_in(h, h->hole_one_in))
                return;
        uint32_t k = (uint32_t)history_random(h, n);
        *have &= ~(UINT64_C(1) << k);
        value[k] = 0;
}

static inline void history_see_cgroups(History *h, bool detailed) {
        static const uint64_t cheap = 1u << CGROUP_PSI_SOME_USEC | 1u << CGROUP_PSI_FULL_USEC | 1u << CGROUP_CURRENT |
                                      1u << CGROUP_SWAP_CURRENT | 1u << CGROUP_POPULATED;
        Snapshot *s = &h->snap;
        uint32_t n = 0;

        for (uint32_t i = 0; i < h->n_cgroups; i++) {
                HistoryCgroup *c = &h->cgroups[i];
                h->order[i] = INDEX_NONE;
                if (!detailed && !c->is_monitored)
                        continue;
                if (h->shuffle_one_in > 0 && history_random(h, 50) == 0)
                        continue; /* out of sight */
                CgroupSample *o = &h->out_cgroups[n];
                *o = c->all;
                o->path = c->path;
                o->parent = INDEX_NONE;
                if (!detailed)
                        o->have &= cheap;
                for (CgroupField f = 0; f < _CGROUP_FIELD_MAX; f++)
                        if (!cgroup_has(o, f))
                                o->value[f] = 0;
                history_holes(h, &o->have, o->value, _CGROUP_FIELD_MAX);
                h->order[i] = n++;
        }
        for (uint32_t i = 0; i < h->n_cgroups; i++)
                if (h->order[i] != INDEX_NONE && h->cgroups[i].parent != INDEX_NONE)
                        h->out_cgroups[h->order[i]].parent = h->order[h->cgroups[i].parent];
        s->cgroups = h->out_cgroups;
        s->n_cgroups = n;
}

static inline void history_see_processes(History *h) {
        Snapshot *s = &h->snap;

        s->processes = h->out_processes;
        s->n_processes = h->n_processes;
        for (uint32_t i = 0; i < h->n_processes; i++) {
                ProcessSample *o = &h->out_processes[i];
                const HistoryCgroup *c = &h->cgroups[h->processes[i].cgroup];
                *o = h->processes[i].all;
                o->cgroup = h->order[h->processes[i].cgroup];
                o->cgroup_id = c->all.id;
                o->cgroup_path = c->path;
                if (history_one_in(h, h->tamper_one_in)) {
                        o->rule_adjust = (int32_t)history_random(h, 2001) - 1000;
                        o->rule = (int32_t)history_random(h, 5) - 1;
                        o->tier = (Tier)history_random(h, _TIER_MAX);
                        o->kernel_wanted = o->kernel_adjust = (int32_t)history_random(h, 2001) - 1000;
                        o->kernel_rule = (int32_t)history_random(h, 5) - 1;
                        o->flags = (uint32_t)history_random(h, PROCESS_FORKED * 2);
                        o->swap = history_random(h, UINT64_MAX);
                }
        }
        if (history_one_in(h, h->shuffle_one_in))
                for (uint32_t i = h->n_processes; i > 1; i--) {
                        uint32_t k = (uint32_t)history_random(h, i);
                        ProcessSample t = h->out_processes[i - 1];
                        h->out_processes[i - 1] = h->out_processes[k];
                        h->out_processes[k] = t;
                }
}

/* The next sample, @usec later. It stands until the next one. */
static inline const Snapshot *history_step(History *h, uint64_t usec, bool detailed) {
        history_live(h, usec);
        h->snap = (Snapshot){
                .mono_usec = h->mono_usec, .real_usec = h->real_usec, .page_size = 4096, .host = h->host,
                .detail = detailed ? DETAIL_CGROUPS | (history_one_in(h, 2) ? DETAIL_STATS | DETAIL_PROCESSES : DETAIL_KNOWN_STATS | DETAIL_KNOWN_PROCESSES) : 0,
        };
        history_holes(h, &h->snap.host.have, h->snap.host.value, _HOST_FIELD_MAX);
        history_see_cgroups(h, detailed);
        if (detailed)
                history_see_processes(h);
        if (!history_one_in(h, h->tamper_one_in))
                return &h->snap;
        h->snap.n_kills = 1 + (uint32_t)history_random(h, KILLS_MAX);
        for (uint32_t i = 0; i < h->snap.n_kills; i++)
                h->snap.kills[i] = (KillStatus){
                        history_random(h, 9), (KillOutcome)history_random(h, _KILL_OUTCOME_MAX), (uint32_t)history_random(h, 12),
                        h->mono_usec, history_random(h, 2) * h->mono_usec,
                };
        h->snap.n_measures = 1 + (uint32_t)history_random(h, MEASURE_STATUSES_MAX);
        for (uint32_t i = 0; i < h->snap.n_measures; i++)
                h->snap.measures[i] = (MeasureStatus){
                        history_random(h, 9), (MeasureVerb)history_random(h, _MEASURE_VERB_MAX), -(int32_t)history_random(h, 133),
                        history_random(h, 2), history_random(h, 1 << 30), history_random(h, 5000), h->mono_usec,
                };
        return &h->snap;
}

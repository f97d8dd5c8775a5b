/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A host made of numbers, for tests of the decision core: a policy built by hand (no parser involved), a
 * snapshot that tests change between steps, and a state. Time moves only where a test moves it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide/decide.h"

#define WORLD_PROCESSES 512
#define WORLD_CGROUPS   128
#define MB              (UINT64_C(1) << 20)
#define WORLD_PAGE      4096

typedef struct World {
        Policy policy;
        CgroupPolicy cgroup_policies[4];
        Expr exprs[64];
        Term terms[64];
        Snapshot snap;
        CgroupSample cgroups[WORLD_CGROUPS];
        ProcessSample processes[WORLD_PROCESSES];
        DecideState *state;
        void *memory;
        Decision decision;
} World;

/* ---- policy ---- */

static inline uint16_t world_term(World *w, Metric m, Comparison c, Unit unit, uint64_t limit, uint64_t window_usec, bool host) {
        uint32_t t = w->policy.n_terms++, e = w->policy.n_exprs++;
        w->terms[t] = (Term){
                .metric = m, .host = host, .comparison = c, .unit = unit, .window_usec = window_usec, .limit = limit,
                .cap_bytes = UINT64_MAX,
        };
        w->exprs[e] = (Expr){ .kind = EXPR_TERM, .a = (uint16_t)t };
        return (uint16_t)e;
}

static inline uint16_t world_expr(World *w, ExprKind kind, uint16_t a, uint16_t b, uint64_t for_usec) {
        uint32_t e = w->policy.n_exprs++;
        w->exprs[e] = (Expr){ .kind = kind, .a = a, .b = b, .for_usec = for_usec };
        return (uint16_t)e;
}

static inline uint16_t world_share(World *w, Metric m, Comparison c, uint64_t percent, uint64_t window_usec) {
        return world_term(w, m, c, UNIT_SHARE, percent * 100, window_usec, true);
}

static inline CgroupPolicy *world_policy_add(World *w, const char *name) {
        CgroupPolicy *c = &w->cgroup_policies[w->policy.n_cgroups++];
        *c = (CgroupPolicy){
                .name = (char *)name, .source = (char *)"test", .pattern = (char *)"", .victim = VICTIM_AUTO,
                .rank = RANK_AUTO, .max_processes = 200, .cooldown_usec = 2 * USEC_PER_SEC,
        };
        for (Level l = LEVEL_CALM; l < _LEVEL_MAX; l++)
                c->levels[l] = (LevelPolicy){ .when = EXPR_NONE, .until = EXPR_NONE };
        return c;
}

/* kill: (available < 10% and swap-free < 10%) or (full 2s > 40% for 6s and available < 20%); warn: available < 15% */
static inline CgroupPolicy *world_host_policy(World *w) {
        CgroupPolicy *c = world_policy_add(w, "host");
        c->host = true;
        c->levels[LEVEL_WARN] = (LevelPolicy){
                .when = world_share(w, METRIC_AVAILABLE, COMPARE_LT, 15, 0),
                .until = EXPR_NONE,
                .steps = 1u << STEP_NOTIFY,
        };
        uint16_t a = world_share(w, METRIC_AVAILABLE, COMPARE_LT, 10, 0);
        uint16_t b = world_share(w, METRIC_SWAP_FREE, COMPARE_LT, 10, 0);
        uint16_t low = world_expr(w, EXPR_AND, a, b, 0);
        a = world_share(w, METRIC_FULL, COMPARE_GT, 40, 2 * USEC_PER_SEC);
        a = world_expr(w, EXPR_FOR, a, 0, 6 * USEC_PER_SEC);
        b = world_share(w, METRIC_AVAILABLE, COMPARE_LT, 20, 0);
        uint16_t stall = world_expr(w, EXPR_AND, a, b, 0);
        c->levels[LEVEL_KILL] = (LevelPolicy){
                .when = world_expr(w, EXPR_OR, low, stall, 0),
                .until = EXPR_NONE,
                .steps = 1u << STEP_TERMINATE | 1u << STEP_KILL,
                .grace_usec = 2 * USEC_PER_SEC,
        };
        return c;
}

/* kill: full 2s > 60% for 8s; a cgroup that has a limit of its own */
static inline CgroupPolicy *world_limited_policy(World *w) {
        CgroupPolicy *c = world_policy_add(w, "limited");
        uint16_t a = world_term(w, METRIC_FULL, COMPARE_GT, UNIT_SHARE, 6000, 2 * USEC_PER_SEC, false);
        c->levels[LEVEL_KILL] = (LevelPolicy){
                .when = world_expr(w, EXPR_FOR, a, 0, 8 * USEC_PER_SEC),
                .until = EXPR_NONE,
                .steps = 1u << STEP_TERMINATE | 1u << STEP_KILL,
                .grace_usec = 2 * USEC_PER_SEC,
        };
        return c;
}

/* ---- host ---- */

static inline World *world_new(uint64_t ram_bytes, uint64_t swap_bytes) {
        World *w = calloc(1, sizeof(*w));
        assert(w);
        w->policy = (Policy){
                .daemon = { .interval_min_usec = 50 * USEC_PER_MSEC, .interval_max_usec = USEC_PER_SEC },
                .cgroups = w->cgroup_policies,
                .exprs = w->exprs,
                .terms = w->terms,
        };
        w->snap = (Snapshot){
                .mono_usec = 100 * USEC_PER_SEC,
                .page_size = WORLD_PAGE,
                .detail = DETAIL_CGROUPS | DETAIL_PROCESSES,
                .cgroups = w->cgroups,
                .processes = w->processes,
        };
        HostSample *h = &w->snap.host;
        host_set(h, HOST_PSI_SOME_USEC, 0);
        host_set(h, HOST_PSI_FULL_USEC, 0);
        host_set(h, HOST_MEM_TOTAL, ram_bytes);
        host_set(h, HOST_MEM_AVAILABLE, ram_bytes * 8 / 10);
        host_set(h, HOST_SWAP_TOTAL, swap_bytes);
        host_set(h, HOST_SWAP_FREE, swap_bytes);
        host_set(h, HOST_VM_PGSCAN_KSWAPD, 0);
        host_set(h, HOST_VM_PGSCAN_DIRECT, 0);
        host_set(h, HOST_VM_REFAULT_FILE, 0);
        host_set(h, HOST_VM_REFAULT_ANON, 0);
        host_set(h, HOST_VM_OOM_KILL, 0);
        return w;
}

static inline void world_start(World *w) {
        const DecideLimits limits = { .max_domains = 32, .max_cgroups = WORLD_CGROUPS, .max_processes = WORLD_PROCESSES };
        size_t size = decide_state_size(&w->policy, &limits);
        free(w->memory);
        w->memory = malloc(size);
        assert(w->memory);
        memset(w->memory, 0x5a, size); /* the state must not count on zeroed memory */
        int r = decide_state_init(w->memory, size, &w->policy, &limits, &w->state);
        assert(r == 0);
        (void)r;
}

static inline void world_free(World *w) {
        free(w->memory);
        free(w);
}

static inline CgroupSample *world_cgroup(World *w, uint64_t id, const char *path, uint32_t parent, int32_t policy) {
        CgroupSample *c = &w->cgroups[w->snap.n_cgroups++];
        *c = (CgroupSample){ .id = id, .path = path, .parent = parent, .policy = policy, .marks = CGROUP_MARK_LEAF };
        cgroup_set(c, CGROUP_PSI_SOME_USEC, 0);
        cgroup_set(c, CGROUP_PSI_FULL_USEC, 0);
        cgroup_set(c, CGROUP_CURRENT, 0);
        cgroup_set(c, CGROUP_SWAP_CURRENT, 0);
        return c;
}

static inline ProcessSample *world_process(World *w, int32_t pid, const char *comm, uint64_t rss_bytes, uint32_t cgroup) {
        ProcessSample *p = &w->processes[w->snap.n_processes++];
        *p = (ProcessSample){
                .pid = pid, .ppid = 1, .pgid = pid, .sid = pid, .start_ticks = (uint64_t)pid * 10,
                .cgroup = cgroup, .flags = PROCESS_SIZES | PROCESS_IDENTITY | PROCESS_SCORE, .rule = -1,
                .tier = TIER_NORMAL, .rss_anon = rss_bytes / WORLD_PAGE, .cgroup_path = "",
        };
        if (cgroup != INDEX_NONE) {
                p->cgroup_id = w->cgroups[cgroup].id;
                p->cgroup_path = w->cgroups[cgroup].path;
        }
        snprintf(p->comm, sizeof(p->comm), "%s", comm);
        return p;
}

static inline ProcessSample *world_find(World *w, int32_t pid) {
        for (uint32_t i = 0; i < w->snap.n_processes; i++)
                if (w->processes[i].pid == pid)
                        return &w->processes[i];
        return NULL;
}

static inline void world_exit(World *w, int32_t pid) {
        ProcessSample *p = world_find(w, pid);
        if (p)
                *p = w->processes[--w->snap.n_processes];
}

/* available as a share of RAM, in percent */
static inline void world_available(World *w, uint64_t percent) {
        host_set(&w->snap.host, HOST_MEM_AVAILABLE, w->snap.host.value[HOST_MEM_TOTAL] * percent / 100);
}

/* Moves time by @usec with stall and reclaim going on at the given shares, and takes a step. */
static inline Decision *world_step(World *w, uint64_t usec, uint64_t full_percent, uint64_t scanned_pages) {
        HostSample *h = &w->snap.host;
        w->snap.mono_usec += usec;
        h->value[HOST_PSI_FULL_USEC] += usec * full_percent / 100;
        h->value[HOST_PSI_SOME_USEC] += usec * full_percent / 100;
        h->value[HOST_VM_PGSCAN_DIRECT] += scanned_pages;
        int r = decide_step(w->state, &w->snap, &w->decision);
        assert(r == 0);
        (void)r;
        return &w->decision;
}

/* A unit with its memory controller on, no limits, all of its memory anonymous. */
static inline CgroupSample *world_unit(World *w, uint64_t id, const char *path, uint32_t parent, uint64_t current) {
        static const CgroupField zero[] = {
                CGROUP_MIN, CGROUP_LOW, CGROUP_FILE, CGROUP_UNEVICTABLE, CGROUP_ACTIVE_FILE, CGROUP_INACTIVE_FILE,
                CGROUP_FILE_DIRTY, CGROUP_PGSCAN, CGROUP_REFAULT_FILE, CGROUP_REFAULT_ANON, CGROUP_EVENT_HIGH, CGROUP_EVENT_MAX,
        };
        CgroupSample *c = world_cgroup(w, id, path, parent, -1);
        for (size_t i = 0; i < ARRAY_SIZE(zero); i++)
                cgroup_set(c, zero[i], 0);
        cgroup_set(c, CGROUP_HIGH, CGROUP_NO_LIMIT);
        cgroup_set(c, CGROUP_MAX, CGROUP_NO_LIMIT);
        cgroup_set(c, CGROUP_CURRENT, current);
        cgroup_set(c, CGROUP_ANON, current);
        cgroup_set(c, CGROUP_POPULATED, 1);
        return c;
}

static inline CgroupSample *world_cgroup_find(World *w, uint64_t id) {
        for (uint32_t i = 0; i < w->snap.n_cgroups; i++)
                if (w->cgroups[i].id == id)
                        return &w->cgroups[i];
        return NULL;
}

/* Every measure that the last decision asked for is answered in the next sample. */
static inline void world_answer(World *w, int error, uint64_t done_bytes) {
        w->snap.n_measures = 0;
        for (uint32_t i = 0; i < w->decision.n_measures; i++)
                w->snap.measures[w->snap.n_measures++] = (MeasureStatus){
                        .measure_id = w->decision.measures[i].measure_id,
                        .verb = w->decision.measures[i].verb,
                        .error = error,
                        .done_bytes = done_bytes,
                        .ended_usec = w->snap.mono_usec,
                };
}

/* The first measure of the last decision with this step and verb. */
static inline const Measure *world_measure(const World *w, Step step, MeasureVerb verb) {
        for (uint32_t i = 0; i < w->decision.n_measures; i++)
                if (w->decision.measures[i].step == step && w->decision.measures[i].verb == verb)
                        return &w->decision.measures[i];
        return NULL;
}

static inline void world_kill_status(World *w, uint64_t kill_id, KillOutcome outcome, uint32_t candidate) {
        w->snap.kills[0] = (KillStatus){ .kill_id = kill_id, .outcome = outcome, .candidate = candidate };
        w->snap.n_kills = 1;
}

/* ---- the host that most tests start from: 512 MB, no swap, a steady 100 MB and a hog of 20 MB ---- */

#define STEP_USEC (100 * USEC_PER_MSEC)

static inline int world_setup(void **state) {
        World *w = world_new(512 * MB, 0);
        world_host_policy(w);
        world_start(w);
        world_process(w, 1, "systemd", 5 * MB, INDEX_NONE)->flags |= PROCESS_INIT;
        world_process(w, 100, "steady", 100 * MB, INDEX_NONE);
        world_process(w, 200, "hog", 20 * MB, INDEX_NONE);
        *state = w;
        return 0;
}

static inline int world_teardown(void **state) {
        world_free(*state);
        return 0;
}

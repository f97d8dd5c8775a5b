/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A recorded host made of numbers: processes in cgroups whose sizes are known functions of time, and meminfo that adds up.
 * Every time at which something must happen on another host can so be computed by hand.
 */

#include "generate.h"
#include "plan/sim-supply.h"
#include "plan/sim.h"

#define HOST_PROCESSES 64
#define HOST_CGROUPS   32

typedef struct HostProcess {
        int32_t pid;
        const char *comm;
        uint32_t cgroup;
        uint64_t begin_usec, end_usec;        /* lives from, until (0: for ever) */
        uint64_t bytes, bytes_per_sec, bytes_max; /* at the begin; growth; 0: none */
        int32_t adj;
} HostProcess;

typedef struct HostCgroup {
        uint64_t id;
        const char *path;
        uint32_t parent;
        uint64_t file, active; /* page cache, and of it what is active */
        uint64_t limit;        /* memory.max; 0 for none */
        bool is_oom_group;
} HostCgroup;

typedef struct Host {
        World *world;       /* only its policy is used, and its arrays */
        uint64_t total, swap_total, kernel, slab, commit_factor;
        uint64_t interval_usec, detail_usec, begin_usec;
        HostProcess processes[HOST_PROCESSES];
        uint32_t n_processes;
        HostCgroup cgroups[HOST_CGROUPS];
        uint32_t n_cgroups;
        bool has_no_stat;   /* hybrid: processes only */
        bool has_no_processes; /* metrics of cgroups only */
        uint64_t now_usec;
        uint64_t full_usec, scanned, refaulted; /* counters that a test moves */
        PlanSim *sims[16];
        uint32_t n_sims;
        TraceRecord record;
        const char *boot_id;
} Host;

static inline Host *host_new(uint64_t total) {
        Host *h = calloc(1, sizeof(*h));
        assert(h);
        h->world = world_new(total, 0);
        world_host_policy(h->world);
        h->world->policy.hash = 4711;
        *h = (Host){
                .world = h->world, .total = total, .kernel = 64 * MB, .slab = 16 * MB, .interval_usec = USEC_PER_SEC,
                .detail_usec = 10 * USEC_PER_SEC, .begin_usec = 1000 * USEC_PER_SEC, .now_usec = 1000 * USEC_PER_SEC,
                .boot_id = "boot-1", .commit_factor = 2,
        };
        return h;
}

static inline void host_free(Host *h) {
        for (uint32_t i = 0; i < h->n_sims; i++)
                plan_sim_free(h->sims[i]);
        world_free(h->world);
        free(h);
}

static inline uint32_t host_cgroup(Host *h, const char *path, uint32_t parent, uint64_t file, uint64_t active) {
        h->cgroups[h->n_cgroups] = (HostCgroup){ .id = 100 + h->n_cgroups, .path = path, .parent = parent, .file = file, .active = active };
        return h->n_cgroups++;
}

static inline HostProcess *host_process(Host *h, const char *comm, uint32_t cgroup, uint64_t bytes, uint64_t bytes_per_sec, uint64_t bytes_max) {
        HostProcess *p = &h->processes[h->n_processes];
        *p = (HostProcess){
                .pid = 100 + (int32_t)h->n_processes, .comm = comm, .cgroup = cgroup, .bytes = bytes, .bytes_per_sec = bytes_per_sec,
                .bytes_max = bytes_max, .begin_usec = h->begin_usec - USEC_PER_SEC,
        };
        h->n_processes++;
        return p;
}

/* 2 GiB with plenty to spare: a service with cache, a leak of 10 MB/s that begins with the record. */
static inline Host *host_with_leak(uint64_t total, uint64_t leak_max) {
        Host *h = host_new(total);
        uint32_t root = host_cgroup(h, "/", INDEX_NONE, 0, 0), slice = host_cgroup(h, "/bench.slice", root, 0, 0);
        uint32_t service = host_cgroup(h, "/bench.slice/service.service", slice, 60 * MB, 20 * MB);
        uint32_t leak = host_cgroup(h, "/bench.slice/leak.service", slice, 0, 0);
        host_process(h, "service", service, 100 * MB, 0, 0);
        host_process(h, "leak", leak, 20 * MB, 10 * MB, leak_max)->begin_usec = h->begin_usec;
        return h;
}

static inline bool host_lives(const Host *h, const HostProcess *p) {
        return h->now_usec >= p->begin_usec && (p->end_usec == 0 || h->now_usec < p->end_usec);
}

static inline uint64_t host_size(const Host *h, const HostProcess *p) {
        if (!host_lives(h, p))
                return 0;
        uint64_t bytes = p->bytes + u64_mul_div(h->now_usec - p->begin_usec, p->bytes_per_sec, USEC_PER_SEC);
        return p->bytes_max > 0 ? MIN(bytes, p->bytes_max) : bytes;
}

static inline bool host_inside(const Host *h, uint32_t cgroup, uint32_t ancestor) {
        for (; cgroup != INDEX_NONE; cgroup = h->cgroups[cgroup].parent)
                if (cgroup == ancestor)
                        return true;
        return false;
}

static inline uint64_t host_anon(const Host *h) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < h->n_processes; i++)
                sum += host_size(h, &h->processes[i]);
        return sum;
}

static inline uint64_t host_file(const Host *h, bool is_active) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < h->n_cgroups; i++)
                sum += is_active ? h->cgroups[i].active : h->cgroups[i].file;
        return sum;
}

/* What reclaim cannot drop, at the present time. */
static inline uint64_t host_demand_bytes(const Host *h) {
        return h->kernel + host_anon(h);
}

/* MemAvailable of a host of @total bytes with this demand and enough cache, by the kernel's formula. */
static inline uint64_t host_available_on(const Host *h, uint64_t total, uint64_t demand) {
        Watermarks w = watermarks_of(total, 0);
        uint64_t cut = MIN(host_file(h, false) / 2, w.low) + MIN(h->slab / 2, w.low);
        return u64_sub_sat(total, demand + w.reserve + cut);
}

static inline void host_fill_meminfo(Host *h, HostSample *s) {
        uint64_t anon = host_anon(h), demand = h->kernel + anon, file = host_file(h, false), active = host_file(h, true);
        Watermarks w = watermarks_of(h->total, 0);
        uint64_t free = u64_sub_sat(h->total, demand + file + h->slab);
        uint64_t sum = free + file - MIN(file / 2, w.low) + h->slab - MIN(h->slab / 2, w.low);

        memset(s, 0, sizeof(*s));
        host_set(s, HOST_MEM_TOTAL, h->total);
        host_set(s, HOST_MEM_FREE, free);
        host_set(s, HOST_MEM_AVAILABLE, u64_sub_sat(sum, w.reserve));
        host_set(s, HOST_ACTIVE_FILE, active);
        host_set(s, HOST_INACTIVE_FILE, file - active);
        host_set(s, HOST_ANON_PAGES, anon);
        host_set(s, HOST_SHMEM, 0);
        host_set(s, HOST_SLAB_RECLAIMABLE, h->slab);
        host_set(s, HOST_SWAP_TOTAL, h->swap_total);
        host_set(s, HOST_SWAP_FREE, h->swap_total);
        host_set(s, HOST_COMMITTED_AS, demand * h->commit_factor);
        host_set(s, HOST_COMMIT_LIMIT, h->total / 2 + h->swap_total);
        host_set(s, HOST_PSI_SOME_USEC, h->full_usec);
        host_set(s, HOST_PSI_FULL_USEC, h->full_usec);
        host_set(s, HOST_VM_PGSCAN_KSWAPD, h->scanned);
        host_set(s, HOST_VM_PGSCAN_DIRECT, 0);
        host_set(s, HOST_VM_REFAULT_FILE, h->refaulted);
        host_set(s, HOST_VM_REFAULT_ANON, 0);
        host_set(s, HOST_VM_OOM_KILL, 0);
}

static inline void host_fill_cgroup(Host *h, uint32_t i, CgroupSample *c) {
        const HostCgroup *g = &h->cgroups[i];
        uint64_t anon = 0, file = 0, active = 0;
        bool lives = false;

        for (uint32_t p = 0; p < h->n_processes; p++)
                if (host_inside(h, h->processes[p].cgroup, i)) {
                        anon += host_size(h, &h->processes[p]);
                        lives |= host_lives(h, &h->processes[p]);
                }
        for (uint32_t k = 0; k < h->n_cgroups; k++)
                if (host_inside(h, k, i)) {
                        file += h->cgroups[k].file;
                        active += h->cgroups[k].active;
                }
        *c = (CgroupSample){ .id = g->id, .path = g->path, .parent = g->parent, .policy = -1 };
        cgroup_set(c, CGROUP_POPULATED, lives);
        if (h->has_no_stat || i == 0)
                return;
        cgroup_set(c, CGROUP_PSI_SOME_USEC, 0);
        cgroup_set(c, CGROUP_PSI_FULL_USEC, 0);
        cgroup_set(c, CGROUP_CURRENT, anon + file);
        cgroup_set(c, CGROUP_SWAP_CURRENT, 0);
        cgroup_set(c, CGROUP_MIN, 0);
        cgroup_set(c, CGROUP_LOW, 0);
        cgroup_set(c, CGROUP_HIGH, CGROUP_NO_LIMIT);
        cgroup_set(c, CGROUP_MAX, g->limit ? g->limit : CGROUP_NO_LIMIT);
        cgroup_set(c, CGROUP_ANON, anon);
        cgroup_set(c, CGROUP_FILE, file);
        cgroup_set(c, CGROUP_ACTIVE_FILE, active);
        cgroup_set(c, CGROUP_INACTIVE_FILE, file - active);
        cgroup_set(c, CGROUP_OOM_GROUP, g->is_oom_group);
}

static inline void host_fill_process(Host *h, const HostProcess *p, ProcessSample *row) {
        *row = (ProcessSample){
                .pid = p->pid, .ppid = 1, .pgid = p->pid, .sid = p->pid, .start_ticks = p->begin_usec / 10000,
                .cgroup = INDEX_NONE, .cgroup_path = "", .flags = PROCESS_SIZES | PROCESS_IDENTITY | PROCESS_SCORE, .rule = -1,
                .tier = TIER_NORMAL, .kernel_rule = -1, .rss_anon = host_size(h, p) / WORLD_PAGE, .oom_score_adj = p->adj,
        };
        if (p->cgroup != INDEX_NONE) {
                row->cgroup = p->cgroup;
                row->cgroup_id = h->cgroups[p->cgroup].id;
                row->cgroup_path = h->cgroups[p->cgroup].path;
        }
        snprintf(row->comm, sizeof(row->comm), "%s", p->comm);
}

/* The snapshot of now into h->record; the arrays are those of h->world. */
static inline Snapshot *host_snapshot(Host *h, bool is_detailed) {
        Snapshot *s = &h->record.snap;
        *s = (Snapshot){
                .mono_usec = h->now_usec, .real_usec = h->now_usec + UINT64_C(1700000000) * USEC_PER_SEC, .page_size = WORLD_PAGE,
                .cgroups = h->world->cgroups, .processes = h->world->processes,
        };
        host_fill_meminfo(h, &s->host);
        if (!is_detailed)
                return s;
        s->detail = DETAIL_CGROUPS | DETAIL_KNOWN_STATS | (h->has_no_processes ? 0 : DETAIL_KNOWN_PROCESSES);
        for (uint32_t i = 0; i < h->n_cgroups; i++)
                host_fill_cgroup(h, i, &s->cgroups[s->n_cgroups++]);
        for (uint32_t i = 0; i < h->n_processes && !h->has_no_processes; i++)
                if (host_lives(h, &h->processes[i]))
                        host_fill_process(h, &h->processes[i], &s->processes[s->n_processes++]);
        return s;
}

/* ---- questions ---- */

static inline PlanQuestion host_question(const Host *h) {
        return (PlanQuestion){ .name = "test", .swappiness = -1, .policy = &h->world->policy };
}

static inline PlanSim *host_ask(Host *h, const PlanQuestion *q) {
        int r = plan_sim_new(q, &h->sims[h->n_sims]);
        assert(r == 0);
        (void)r;
        return h->sims[h->n_sims++];
}

static inline void host_feed(Host *h, TraceKind kind) {
        h->record.kind = kind;
        for (uint32_t i = 0; i < h->n_sims; i++) {
                int r = plan_sim_feed(h->sims[i], &h->record);
                assert(r == 0);
                (void)r;
        }
}

static inline void host_start(Host *h) {
        h->record.start = (TraceStart){
                .page_size = WORLD_PAGE, .mono_usec = h->now_usec, .real_usec = h->now_usec, .interval_usec = h->interval_usec,
                .detail_interval_usec = h->detail_usec,
        };
        snprintf(h->record.start.boot_id, sizeof(h->record.start.boot_id), "%s", h->boot_id);
        host_feed(h, TRACE_START);
}

/* @usec more of the record; time stands at the first sample that was not taken. */
static inline void host_record(Host *h, uint64_t usec) {
        uint64_t end = h->now_usec + usec;
        for (; h->now_usec < end; h->now_usec += h->interval_usec) {
                h->record.has_decision = false;
                host_snapshot(h, (h->now_usec - h->begin_usec) % h->detail_usec == 0);
                host_feed(h, TRACE_SAMPLE);
        }
}

static inline PlanOutcome host_finish(PlanSim *s) {
        PlanOutcome o = { 0 };
        int r = plan_sim_finish(s, &o);
        assert(r == 0);
        (void)r;
        return o;
}

/* One question over @usec of the host. The host can be used once. */
static inline PlanOutcome host_answer(Host *h, const PlanQuestion *q, uint64_t usec) {
        PlanSim *s = host_ask(h, q);
        host_start(h);
        host_record(h, usec);
        return host_finish(s);
}

static inline const PlanEvent *event_find(const PlanOutcome *o, PlanEventKind kind) {
        for (uint32_t i = 0; i < o->n_events; i++)
                if (o->events[i].kind == kind)
                        return &o->events[i];
        return NULL;
}

/* For whoever looks into a failure. */
static inline void host_print(const Host *h, const PlanOutcome *o) {
        for (uint32_t i = 0; i < o->n_events; i++) {
                const PlanEvent *e = &o->events[i];
                fprintf(stderr, "%8.3f %-12s %-9s pid %d %s %s freed %llu available %llu stall %llu regret %x\n",
                        (double)(int64_t)(e->mono_usec - h->begin_usec) / 1e6, plan_event_kind_to_string(e->kind),
                        plan_confidence_to_string(e->confidence), e->pid, e->comm, e->step >= 0 ? step_to_string(e->step) : "-",
                        (unsigned long long)(e->freed_bytes >> 20), (unsigned long long)(e->available_bytes >> 20),
                        (unsigned long long)e->stall_usec, e->regret);
        }
}

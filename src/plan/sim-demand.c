/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Gathering a span: two tables, of cgroups and of processes, each entry with what it had at the begin and at the end. Both
 * only grow; at the end of a span those who have ended are taken out.
 */

#include "plan/sim-demand.h"

#include <string.h>

/* CLOCK_BOOTTIME ticks of /proc/PID/stat: USER_HZ is 100 on every machine Linux still runs on */
#define USEC_PER_TICK 10000
/* A record that lists processes once and then no more must not be gathered for ever. */
#define SPAN_USEC (30 * USEC_PER_SEC)
/* 4 PiB of 4K pages: a trace may say anything, and oom_badness is signed */
#define PAGES_MAX (UINT64_C(1) << 40)

int demand_init(Demand *d) {
        *d = (Demand){ .span_max_usec = SPAN_USEC };
        d->points = calloc(DEMAND_POINTS_MAX, sizeof(*d->points));
        d->pool = calloc(DEMAND_CGROUPS_MAX, sizeof(*d->pool));
        return d->points && d->pool ? 0 : -ENOMEM;
}

void demand_reset(Demand *d) {
        for (uint32_t i = 0; i < d->n_cgroups; i++)
                free(d->cgroups[i].path);
        for (uint32_t i = 0; i < d->n_processes; i++)
                free(d->processes[i].path);
        d->n_cgroups = d->n_processes = d->n_points = d->n_pool = d->at = 0;
        d->has_processes = false;
        if (d->cgroup_index.slots)
                hash_index_reset(&d->cgroup_index, d->room_cgroups);
        if (d->process_index.slots)
                hash_index_reset(&d->process_index, d->room_processes);
}

void demand_done(Demand *d) {
        demand_reset(d);
        free(d->cgroups);
        free(d->processes);
        free(d->points);
        free(d->pool);
        free(d->cgroup_index.slots);
        free(d->process_index.slots);
        *d = (Demand){ 0 };
}

/* ---- tables ---- */

static uint32_t process_hash(int32_t pid, uint64_t start_ticks) {
        return hash_index_mix((uint32_t)pid, start_ticks);
}

DemandProcess *demand_find_process(const Demand *d, int32_t pid, uint64_t start_ticks) {
        if (d->n_processes == 0)
                return NULL;
        HASH_INDEX_FOREACH(&d->process_index, process_hash(pid, start_ticks), k) {
                DemandProcess *p = &d->processes[k];
                if (p->last.pid == pid && p->last.start_ticks == start_ticks)
                        return p;
        }
        return NULL;
}

DemandCgroup *demand_find_cgroup(const Demand *d, uint64_t id) {
        if (d->n_cgroups == 0 || id == 0)
                return NULL;
        HASH_INDEX_FOREACH(&d->cgroup_index, hash_index_mix(id, 0), k) {
                if (d->cgroups[k].last.id == id)
                        return &d->cgroups[k];
        }
        return NULL;
}

/* Room for @n entries in a table and for their index; both only grow. */
static int table_reserve(void **table, uint32_t *room, size_t each, uint32_t n, HashIndex *ix, uint32_t *slots, bool *ret_grown) {
        if (n > *room) {
                uint32_t want = MAX(n, *room + *room / 2 + 16);
                void *p = realloc(*table, want * each);
                if (!p)
                        return -ENOMEM;
                *table = p;
                *room = want;
        }
        uint32_t want = hash_index_slots(*room);
        if (want > *slots) {
                uint32_t *p = realloc(ix->slots, want * sizeof(uint32_t));
                if (!p)
                        return -ENOMEM;
                ix->slots = p;
                *slots = want;
                *ret_grown = true;
        }
        return 0;
}

static void index_rebuild(Demand *d) {
        if (d->process_index.slots) {
                hash_index_reset(&d->process_index, d->room_processes);
                for (uint32_t i = 0; i < d->n_processes; i++) {
                        const ProcessSample *p = &d->processes[i].last;
                        hash_index_add(&d->process_index, process_hash(p->pid, p->start_ticks), i);
                }
        }
        if (d->cgroup_index.slots) {
                hash_index_reset(&d->cgroup_index, d->room_cgroups);
                for (uint32_t i = 0; i < d->n_cgroups; i++)
                        hash_index_add(&d->cgroup_index, hash_index_mix(d->cgroups[i].last.id, 0), i);
        }
}

static int cgroup_append(Demand *d, const CgroupSample *c, DemandCgroup **ret) {
        bool is_grown = false;
        char *path = strdup(c->path);
        if (!path)
                return -ENOMEM;
        int r = table_reserve((void **)&d->cgroups, &d->room_cgroups, sizeof(DemandCgroup), d->n_cgroups + 1, &d->cgroup_index,
                              &d->cgroup_slots, &is_grown);
        if (r < 0) {
                free(path);
                return r;
        }
        DemandCgroup *n = &d->cgroups[d->n_cgroups++];
        *n = (DemandCgroup){
                .last = { .id = c->id, .path = path, .policy = -1 },
                .path = path, .parent = INDEX_NONE, .is_new = true,
                .copies.base_permyriad = PERMYRIAD, .limit_bytes = CGROUP_NO_LIMIT,
        };
        if (is_grown)
                index_rebuild(d);
        else
                hash_index_add(&d->cgroup_index, hash_index_mix(c->id, 0), d->n_cgroups - 1);
        *ret = n;
        return 0;
}

static int process_append(Demand *d, const ProcessSample *p, DemandProcess **ret) {
        bool is_grown = false;
        char *path = strdup(p->cgroup_path);
        if (!path)
                return -ENOMEM;
        int r = table_reserve((void **)&d->processes, &d->room_processes, sizeof(DemandProcess), d->n_processes + 1,
                              &d->process_index, &d->process_slots, &is_grown);
        if (r < 0) {
                free(path);
                return r;
        }
        DemandProcess *n = &d->processes[d->n_processes++];
        *n = (DemandProcess){ .last = *p, .path = path, .gone_usec = UINT64_MAX, .copies.base_permyriad = PERMYRIAD };
        if (is_grown)
                index_rebuild(d);
        else
                hash_index_add(&d->process_index, process_hash(p->pid, p->start_ticks), d->n_processes - 1);
        *ret = n;
        return 0;
}

/* ---- gathering ---- */

static int add_cgroup(Demand *d, const CgroupSample *c, bool is_detail) {
        DemandCgroup *e = demand_find_cgroup(d, c->id);
        int r;

        if (c->id == 0)
                return 0;
        if (!e && (r = cgroup_append(d, c, &e)) < 0)
                return r;
        if (strcmp(e->path, c->path) != 0) {
                char *path = strdup(c->path);
                if (!path)
                        return -ENOMEM;
                free(e->path);
                e->path = path;
        }
        e->last.path = e->path;
        e->last.marks = c->marks;
        e->last.policy = c->policy;
        for (uint64_t left = c->have; left != 0; left &= left - 1) {
                int f = __builtin_ctzll(left);
                e->last.value[f] = c->value[f];
        }
        e->last.have |= c->have;
        e->is_in_end |= is_detail;
        if (d->n_pool < DEMAND_CGROUPS_MAX && (cgroup_has(c, CGROUP_PSI_FULL_USEC) || cgroup_has(c, CGROUP_CURRENT))) {
                d->pool[d->n_pool++] = (PointCgroup){
                        .index = (uint32_t)(e - d->cgroups),
                        .have = c->have,
                        .some_usec = c->value[CGROUP_PSI_SOME_USEC],
                        .full_usec = c->value[CGROUP_PSI_FULL_USEC],
                        .current = c->value[CGROUP_CURRENT],
                        .swap_current = c->value[CGROUP_SWAP_CURRENT],
                };
        }
        return 0;
}

static int add_cgroups(Demand *d, const Snapshot *snap) {
        bool is_detail = snap->detail & DETAIL_ANY_CGROUPS;
        DemandPoint *point = &d->points[d->n_points - 1];
        int r;

        point->first_cgroup = d->n_pool;
        for (uint32_t i = 0; i < snap->n_cgroups; i++)
                if ((r = add_cgroup(d, &snap->cgroups[i], is_detail)) < 0)
                        return r;
        point->n_cgroups = d->n_pool - point->first_cgroup;
        for (uint32_t i = 0; is_detail && i < snap->n_cgroups; i++) {
                DemandCgroup *c = demand_find_cgroup(d, snap->cgroups[i].id);
                uint32_t parent = snap->cgroups[i].parent;
                DemandCgroup *up = parent < snap->n_cgroups ? demand_find_cgroup(d, snap->cgroups[parent].id) : NULL;
                if (c)
                        c->parent = up && up != c ? (uint32_t)(up - d->cgroups) : INDEX_NONE;
        }
        return 0;
}

static void sizes_of(const ProcessSample *p, uint64_t ret[static _SIZE_MAX]) {
        ret[SIZE_ANON] = MIN(p->rss_anon, PAGES_MAX);
        ret[SIZE_FILE] = MIN(p->rss_file, PAGES_MAX);
        ret[SIZE_SHMEM] = MIN(p->rss_shmem, PAGES_MAX);
        ret[SIZE_SWAP] = MIN(p->swap, PAGES_MAX);
        ret[SIZE_TABLES] = MIN(p->pgtables, PAGES_MAX);
}

static bool is_pid(int32_t pid) {
        return pid >= 0 && pid < CLONE_PIDS;
}

static int add_process(Demand *d, const ProcessSample *p, uint64_t begin_usec, uint64_t now_usec) {
        DemandProcess *e = demand_find_process(d, p->pid, p->start_ticks);
        int r;

        if (!is_pid(p->pid) || p->pid == 0 || (p->flags & PROCESS_KTHREAD))
                return 0;
        if (!e) {
                if ((r = process_append(d, p, &e)) < 0)
                        return r;
                uint64_t born = u64_mul_sat(p->start_ticks, USEC_PER_TICK);
                e->born_usec = MIN(MAX(born, begin_usec), now_usec);
        }
        if (strcmp(e->path, p->cgroup_path) != 0) {
                char *path = strdup(p->cgroup_path);
                if (!path)
                        return -ENOMEM;
                free(e->path);
                e->path = path;
        }
        bool was_read = p->flags & PROCESS_SIZES;
        uint32_t flags = p->flags | (e->last.flags & PROCESS_SIZES);
        e->last = *p;
        e->last.flags = flags;
        e->last.cgroup_path = e->path;
        e->last.pgid = is_pid(p->pgid) ? p->pgid : 0;
        e->last.sid = is_pid(p->sid) ? p->sid : 0;
        e->last.oom_score_adj = MIN(MAX(p->oom_score_adj, -1000), 1000);
        DemandCgroup *c = demand_find_cgroup(d, p->cgroup_id);
        e->last.cgroup = c ? (uint32_t)(c - d->cgroups) : INDEX_NONE;
        if (was_read)
                sizes_of(p, e->end);
        e->is_in_end = true;
        e->is_ghost = false;
        return 0;
}

/*
 * A record without processes (an import of metrics): each cgroup that holds no other stands for one process, so that
 * there is somebody to kill. Its start time is the cgroup's id, which no two share.
 */
static int add_stand_in(Demand *d, const Snapshot *snap, uint32_t i, uint64_t begin_usec) {
        const CgroupSample *c = &snap->cgroups[i];
        const char *slash = strrchr(c->path, '/'), *name = slash ? slash + 1 : c->path;
        uint64_t file;

        for (uint32_t k = 0; k < snap->n_cgroups; k++)
                if (snap->cgroups[k].parent == i)
                        return 0;
        if (c->id == 0 || *name == '\0' || (!cgroup_has(c, CGROUP_CURRENT) && !cgroup_has(c, CGROUP_ANON)))
                return 0;
        ProcessSample p = {
                .pid = 1 + (int32_t)(c->id % (CLONE_PIDS - 1)),
                .ppid = 1,
                .start_ticks = c->id,
                .cgroup_id = c->id,
                .cgroup_path = c->path,
                .flags = PROCESS_IDENTITY | PROCESS_SIZES | PROCESS_SCORE,
                .rule = -1,
                .kernel_rule = -1,
                .tier = TIER_NORMAL,
                .rss_anon = cgroup_demand(c, &file) / d->page_size,
        };
        p.pgid = p.sid = p.pid;
        strncpy(p.comm, name, sizeof(p.comm) - 1);
        return add_process(d, &p, begin_usec, snap->mono_usec);
}

/* What is in the first sample has no begin. */
static void begin_as_end(Demand *d) {
        for (uint32_t i = 0; i < d->n_processes; i++) {
                DemandProcess *p = &d->processes[i];
                memcpy(p->begin, p->end, sizeof(p->begin));
                p->is_in_begin = true;
                p->born_usec = 0;
        }
        for (uint32_t i = 0; i < d->n_cgroups; i++) {
                memcpy(d->cgroups[i].begin, d->cgroups[i].last.value, sizeof(d->cgroups[i].begin));
                d->cgroups[i].begin_have = d->cgroups[i].last.have;
        }
}

/* Nobody was asked. */
static void nobody_ended(Demand *d) {
        for (uint32_t i = 0; i < d->n_processes; i++)
                d->processes[i].is_in_end |= !d->processes[i].is_ghost;
}

/**
 * demand_add() - take a sample in
 *
 * Return: 1: the span is complete (it holds processes, or cgroups where the record knows no processes; or nothing more
 *         fits): demand_close(), simulate, demand_next(). 0: more is needed. -ENOMEM.
 */
int demand_add(Demand *d, const Snapshot *snap) {
        bool is_first = d->n_points == 0;
        int r;

        d->page_size = snap->page_size;
        d->places_at = INDEX_NONE;
        d->parts_usec = UINT64_MAX;
        DemandPoint *p = &d->points[d->n_points++];
        *p = (DemandPoint){ .mono_usec = snap->mono_usec, .real_usec = snap->real_usec, .host = snap->host };
        if ((r = add_cgroups(d, snap)) < 0)
                return r;
        bool has_processes = snap->detail & DETAIL_ANY_PROCESSES;
        uint64_t begin_usec = demand_begin_usec(d);
        for (uint32_t i = 0; has_processes && i < snap->n_processes; i++)
                if ((r = add_process(d, &snap->processes[i], begin_usec, snap->mono_usec)) < 0)
                        return r;
        bool has_stand_ins = !has_processes && !d->has_processes && (snap->detail & DETAIL_CGROUPS);
        for (uint32_t i = 0; has_stand_ins && i < snap->n_cgroups; i++)
                if ((r = add_stand_in(d, snap, i, begin_usec)) < 0)
                        return r;
        bool is_complete = has_processes || (!d->has_processes && (snap->detail & DETAIL_CGROUPS)) ||
                           (!d->has_processes && d->n_cgroups == 0);
        d->has_processes |= has_processes;
        if (!has_processes && !has_stand_ins)
                for (uint32_t i = 0; i < d->n_processes; i++)
                        d->processes[i].is_in_end |= is_first;
        if (is_first)
                begin_as_end(d);
        bool is_full = d->n_points == DEMAND_POINTS_MAX || d->n_pool + 256 > DEMAND_CGROUPS_MAX ||
                       snap->mono_usec - begin_usec > d->span_max_usec;
        if (is_full && !is_complete)
                nobody_ended(d);
        return is_complete || is_full || is_first;
}

bool demand_flush(Demand *d) {
        nobody_ended(d);
        return d->n_points > 1;
}

void demand_break(Demand *d) {
        d->n_points = d->n_pool = d->at = 0;
}

/* Forgets what has ended, and makes the end of this span the begin of the next. */
int demand_next(Demand *d, uint64_t now_usec) {
        bool is_moved = false, has_all_cgroups = false;
        uint32_t n = 0;

        d->places_at = INDEX_NONE;
        for (uint32_t i = 0; i < d->n_processes; i++) {
                DemandProcess *p = &d->processes[i];
                if (p->is_ghost && now_usec >= p->ghost_until_usec)
                        p->is_ghost = false;
                if (!p->is_in_end && !p->is_ghost) {
                        free(p->path);
                        is_moved = true;
                        continue;
                }
                memcpy(p->begin, p->end, sizeof(p->begin));
                p->is_in_begin = true;
                p->born_usec = 0;
                p->is_in_end = p->is_still = false;
                d->processes[n++] = *p;
        }
        d->n_processes = n;
        for (uint32_t i = 0; i < d->n_cgroups; i++)
                has_all_cgroups |= d->cgroups[i].is_in_end;
        _cleanup_free_ uint32_t *to = has_all_cgroups ? malloc(d->n_cgroups * sizeof(uint32_t)) : NULL;
        if (has_all_cgroups && !to)
                return -ENOMEM;
        n = 0;
        for (uint32_t i = 0; i < d->n_cgroups; i++) {
                DemandCgroup *c = &d->cgroups[i];
                if (has_all_cgroups && !c->is_in_end) {
                        free(c->path);
                        to[i] = INDEX_NONE;
                        is_moved = true;
                        continue;
                }
                memcpy(c->begin, c->last.value, sizeof(c->begin));
                c->begin_have = c->last.have;
                c->is_in_end = c->is_new = false;
                if (to)
                        to[i] = n;
                d->cgroups[n++] = *c;
        }
        uint32_t before = d->n_cgroups;
        d->n_cgroups = n;
        for (uint32_t i = 0; to && i < n; i++)
                d->cgroups[i].parent = d->cgroups[i].parent < before ? to[d->cgroups[i].parent] : INDEX_NONE;
        for (uint32_t i = 0; to && i < d->n_processes; i++) {
                ProcessSample *p = &d->processes[i].last;
                p->cgroup = p->cgroup < before ? to[p->cgroup] : INDEX_NONE;
        }
        if (is_moved)
                index_rebuild(d);
        d->points[0] = d->points[d->n_points - 1];
        memmove(d->pool, d->pool + d->points[0].first_cgroup, d->points[0].n_cgroups * sizeof(*d->pool));
        for (uint32_t i = 0; to && i < d->points[0].n_cgroups; i++)
                d->pool[i].index = to[d->pool[i].index];
        d->points[0].first_cgroup = d->points[0].up = d->points[0].down = 0;
        d->n_pool = d->points[0].n_cgroups;
        d->n_points = 1;
        return 0;
}

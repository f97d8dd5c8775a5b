/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The host's own demand is in each sample. What a cgroup or a process has of it is known at both ends of a span; between
 * them it follows the host: who has grown did so when the host did, who has shrunk when the host did. Only where the
 * host's movement does not account for it (less than half), it is a straight line. A process that began within the
 * span did so at its start time; one that ended, when the host's demand fell most.
 */

#include "plan/sim-demand.h"

#include <string.h>

/* CLOCK_BOOTTIME ticks of /proc/PID/stat: USER_HZ is 100 on every machine Linux still runs on */
#define USEC_PER_TICK 10000
/* A record that lists processes once and then no more must not be gathered for ever. */
#define SPAN_USEC (30 * USEC_PER_SEC)
#define PARTS_MAX 1000000
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
                for (uint32_t i = 0; i < d->n_processes; i++)
                        hash_index_add(&d->process_index, process_hash(d->processes[i].last.pid, d->processes[i].last.start_ticks), i);
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
        bool is_detail = snap->detail & (DETAIL_CGROUPS | DETAIL_KNOWN_CGROUPS);
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
        d->parts_usec = UINT64_MAX;
        DemandPoint *p = &d->points[d->n_points++];
        *p = (DemandPoint){ .mono_usec = snap->mono_usec, .real_usec = snap->real_usec, .host = snap->host };
        if ((r = add_cgroups(d, snap)) < 0)
                return r;
        bool has_processes = snap->detail & DETAIL_PROCESSES;
        uint64_t begin_usec = demand_begin_usec(d);
        for (uint32_t i = 0; has_processes && i < snap->n_processes; i++)
                if ((r = add_process(d, &snap->processes[i], begin_usec, snap->mono_usec)) < 0)
                        return r;
        bool is_complete = has_processes || (!d->has_processes && (snap->detail & DETAIL_CGROUPS)) ||
                           (!d->has_processes && d->n_cgroups == 0);
        d->has_processes |= has_processes;
        if (!has_processes)
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

/* ---- movement ---- */

static uint64_t parts_of(uint64_t a, uint64_t whole) {
        return whole > 0 ? u64_mul_div(MIN(a, whole), PARTS_MAX, whole) : PARTS_MAX;
}

static void sum_items(const Demand *d, uint64_t *ret_up, uint64_t *ret_down) {
        *ret_up = *ret_down = 0;
        for (uint32_t i = 0; i < d->n_processes; i++) {
                const DemandProcess *p = &d->processes[i];
                uint64_t before = u64_add_sat(p->begin[SIZE_ANON], p->begin[SIZE_SWAP]);
                uint64_t after = p->is_in_end || p->is_ghost ? u64_add_sat(p->end[SIZE_ANON], p->end[SIZE_SWAP]) : 0;
                *ret_up = u64_add_sat(*ret_up, u64_sub_sat(after, before));
                *ret_down = u64_add_sat(*ret_down, u64_sub_sat(before, after));
        }
}

void demand_close(Demand *d) {
        uint64_t up, down, drop = 0;
        HostDemand before = { 0 };

        d->at = 0;
        d->parts_usec = UINT64_MAX;
        d->drop_usec = demand_end_usec(d);
        for (uint32_t i = 0; i < d->n_points; i++) {
                DemandPoint *p = &d->points[i];
                HostDemand now;
                host_demand(&p->host, &now);
                p->up = i > 0 ? p[-1].up : 0;
                p->down = i > 0 ? p[-1].down : 0;
                if (i > 0 && now.is_known && before.is_known) {
                        p->up = u64_add_sat(p->up, u64_sub_sat(now.demand, before.demand));
                        uint64_t fall = u64_sub_sat(before.demand, now.demand);
                        p->down = u64_add_sat(p->down, fall);
                        if (fall > drop) {
                                drop = fall;
                                d->drop_usec = p->mono_usec;
                        }
                }
                before = now;
        }
        sum_items(d, &up, &down);
        const DemandPoint *end = &d->points[d->n_points - 1];
        d->is_up_warped = end->up / d->page_size >= up / 2 && end->up > 0;
        d->is_down_warped = end->down / d->page_size >= down / 2 && end->down > 0;
        for (uint32_t i = 0; i < d->n_processes; i++) {
                DemandProcess *p = &d->processes[i];
                p->gone_usec = p->is_in_end || p->is_ghost ? UINT64_MAX : MAX(d->drop_usec, p->born_usec);
        }
}

/* Forgets what has ended, and makes the end of this span the begin of the next. */
int demand_next(Demand *d, uint64_t now_usec) {
        bool is_moved = false, has_all_cgroups = false;
        uint32_t n = 0;

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
                p->is_in_end = false;
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

/* ---- asking ---- */

static uint64_t between(uint64_t a, uint64_t b, uint64_t parts) {
        uint64_t way = b >= a ? b - a : a - b;
        if (way < UINT64_MAX / PARTS_MAX) { /* without a division of 128 bits: this is asked for most */
                way = way * parts / PARTS_MAX;
                return b >= a ? a + way : a - way;
        }
        return b >= a ? a + u64_mul_div(b - a, parts, PARTS_MAX) : a - u64_mul_div(a - b, parts, PARTS_MAX);
}

static const DemandPoint *point_at(const Demand *d, uint64_t usec) {
        const DemandPoint *p = &d->points[d->at];
        while (p > d->points && p->mono_usec > usec)
                p--;
        while (p + 1 < d->points + d->n_points && p[1].mono_usec <= usec)
                p++;
        return p;
}

static uint64_t parts_at(const Demand *d, const DemandPoint *p, uint64_t usec) {
        if (p + 1 >= d->points + d->n_points)
                return 0;
        return parts_of(u64_sub_sat(usec, p->mono_usec), p[1].mono_usec - p->mono_usec);
}

void demand_host_at(Demand *d, uint64_t usec, HostSample *ret, uint64_t *ret_real_usec) {
        const DemandPoint *p = point_at(d, usec);
        uint64_t parts = parts_at(d, p, usec);

        d->at = (uint32_t)(p - d->points);
        *ret = p->host;
        *ret_real_usec = p->real_usec;
        if (parts == 0)
                return;
        ret->have &= p[1].host.have;
        for (HostField f = 0; f < _HOST_FIELD_MAX; f++)
                ret->value[f] = (ret->have >> f) & 1 ? between(ret->value[f], p[1].host.value[f], parts) : 0;
        *ret_real_usec = between(p->real_usec, p[1].real_usec, parts);
}

/* How much of its way something has gone that moves from begin to end of the span. */
static void parts_take(Demand *d, uint64_t usec) {
        const DemandPoint *p = point_at(d, usec), *end = &d->points[d->n_points - 1];
        uint64_t parts = parts_at(d, p, usec), begin_usec = demand_begin_usec(d);

        if (d->parts_usec == usec)
                return;
        d->parts_usec = usec;
        d->clock_parts = parts_of(u64_sub_sat(usec, begin_usec), end->mono_usec - begin_usec);
        d->up_parts = d->down_parts = d->clock_parts;
        if (d->is_up_warped && usec < end->mono_usec)
                d->up_parts = parts_of(parts ? between(p->up, p[1].up, parts) : p->up, end->up);
        if (d->is_down_warped && usec < end->mono_usec)
                d->down_parts = parts_of(parts ? between(p->down, p[1].down, parts) : p->down, end->down);
}

/* One that began within the span, and that the host's movement says nothing of: a line from there. */
static uint64_t parts_since(const Demand *d, uint64_t usec, uint64_t born_usec) {
        uint64_t end_usec = demand_end_usec(d);
        if (d->is_up_warped || usec >= end_usec || born_usec <= demand_begin_usec(d))
                return d->up_parts;
        return parts_of(u64_sub_sat(usec, born_usec), u64_sub_sat(end_usec, born_usec));
}

bool demand_process_at(Demand *d, const DemandProcess *p, uint64_t usec, uint64_t ret[static _SIZE_MAX]) {
        if (p->is_ghost) {
                memcpy(ret, p->end, sizeof(p->end));
                return usec < p->ghost_until_usec;
        }
        if (usec < p->born_usec || usec >= p->gone_usec) {
                memset(ret, 0, _SIZE_MAX * sizeof(*ret));
                return false;
        }
        if (!p->is_in_end) {
                memcpy(ret, p->is_in_begin ? p->begin : p->end, sizeof(p->begin));
                return true;
        }
        parts_take(d, usec);
        uint64_t up = parts_since(d, usec, p->born_usec);
        for (int i = 0; i < _SIZE_MAX; i++) {
                uint64_t a = p->begin[i], b = p->end[i];
                ret[i] = a == b ? a : between(a, b, b > a ? up : d->down_parts);
        }
        return true;
}

static const PointCgroup *point_cgroup(const Demand *d, const DemandPoint *p, uint32_t index) {
        for (uint32_t i = 0; i < p->n_cgroups; i++)
                if (d->pool[p->first_cgroup + i].index == index)
                        return &d->pool[p->first_cgroup + i];
        return NULL;
}

/* What the cheap samples hold of it is better than a line from one end to the other. */
static void refine(const Demand *d, const DemandCgroup *c, uint64_t usec, CgroupSample *ret) {
        const DemandPoint *p = point_at(d, usec);
        uint64_t parts = parts_at(d, p, usec);
        const PointCgroup *a = point_cgroup(d, p, (uint32_t)(c - d->cgroups)), *b = a;

        if (a && parts > 0)
                b = point_cgroup(d, p + 1, (uint32_t)(c - d->cgroups));
        if (!a || !b)
                return;
        const struct {
                CgroupField field;
                uint64_t a, b;
        } known[] = {
                { CGROUP_PSI_SOME_USEC, a->some_usec, b->some_usec },
                { CGROUP_PSI_FULL_USEC, a->full_usec, b->full_usec },
                { CGROUP_CURRENT, a->current, b->current },
                { CGROUP_SWAP_CURRENT, a->swap_current, b->swap_current },
        };
        for (size_t i = 0; i < ARRAY_SIZE(known); i++)
                if (((a->have & b->have) >> known[i].field) & 1)
                        cgroup_set(ret, known[i].field, between(known[i].a, known[i].b, parts));
}

static bool is_setting(CgroupField f) {
        return (f >= CGROUP_MIN && f <= CGROUP_SWAP_MAX) || f == CGROUP_OOM_GROUP || f == CGROUP_POPULATED;
}

void demand_cgroup_at(Demand *d, const DemandCgroup *c, uint64_t usec, CgroupSample *ret) {
        parts_take(d, usec);
        *ret = c->last;
        if (d->clock_parts == PARTS_MAX)
                return;
        for (uint64_t left = ret->have; left != 0; left &= left - 1) {
                CgroupField f = (CgroupField)__builtin_ctzll(left);
                bool had = (c->begin_have >> f) & 1;
                if (is_setting(f) || (!had && !c->is_new))
                        continue;
                uint64_t from = c->is_new && !had ? 0 : c->begin[f], to = c->last.value[f];
                bool is_counter = f <= CGROUP_PSI_FULL_USEC || (f >= CGROUP_PGSCAN && f <= CGROUP_EVENT_OOM_KILL);
                if (from != to)
                        ret->value[f] = between(from, to, is_counter ? d->clock_parts : to >= from ? d->up_parts : d->down_parts);
        }
        refine(d, c, usec, ret);
}

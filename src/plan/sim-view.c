/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The snapshot of the other host at s->now_usec, as sense would take it: cheap (the host and the monitored cgroups), or
 * with what the decision asked for. What the record lacks is lacking here, too.
 *
 * While the host is the recorded one (HostMemory.is_own is not set), its fields are the recorded ones. Else where memory
 * lies is told of the host as a whole: each cgroup and process has the same share of its anonymous memory in swap, and of
 * its page cache still there.
 */

#include <stdio.h>
#include <string.h>

#include "decide/badness.h"
#include "plan/sim-state.h"

/* ---- rooms ---- */

static int room_for(void **table, uint32_t *room, size_t each, uint32_t n) {
        if (n <= *room)
                return 0;
        uint32_t want = MAX(n, *room + *room / 2 + 16);
        void *p = realloc(*table, want * each);
        if (!p)
                return -ENOMEM;
        *table = p;
        *room = want;
        return 0;
}

/* Nothing is moved while rows point into it: what does not fit is left out, and the room is larger the next time. */
static const char *clone_path(PlanSim *s, const char *path, const Copies *c, uint32_t copy) {
        size_t n = strlen(path), n_root = MIN((size_t)c->n_root, n);

        if (copy == 0)
                return path;
        if (s->room_arena - s->n_arena < n + 8 || n + 8 > CGROUP_PATH_MAX)
                return path;
        char *at = s->arena + s->n_arena;
        s->n_arena += (size_t)snprintf(at, n + 8, "%.*s~%u%s", (int)n_root, path, copy + 1, path + n_root) + 1;
        return at;
}

static uint64_t clone_id(uint64_t id, uint32_t copy) {
        return id ^ (uint64_t)copy << 56;
}

static int arena_reserve(PlanSim *s, uint32_t n) {
        size_t want = (size_t)n * 128 + 4096;
        if (s->room_arena < want) {
                char *p = realloc(s->arena, want);
                if (!p)
                        return -ENOMEM;
                s->arena = p;
                s->room_arena = want;
        }
        s->n_arena = 0;
        return 0;
}

/* ---- the host ---- */

static void swap_fields(const PlanSim *s, HostSample *h) {
        const HostMemory *m = &s->host_memory;
        const Supply *p = &s->supply;
        uint64_t total = u64_add_sat(p->swap_disk, p->swap_zram), used = u64_add_sat(m->swapped_disk, m->swapped_zram);

        host_set(h, HOST_SWAP_TOTAL, total);
        host_set(h, HOST_SWAP_FREE, u64_sub_sat(total, used));
        host_set(h, HOST_SWAP_CACHED, 0);
        if (p->swap_zram > 0 || host_has(h, HOST_ZRAM_SWAP_TOTAL)) {
                host_set(h, HOST_ZRAM_SWAP_TOTAL, p->swap_zram);
                host_set(h, HOST_ZRAM_SWAP_USED, m->swapped_zram);
                host_set(h, HOST_ZRAM_ORIG, m->swapped_zram);
                host_set(h, HOST_ZRAM_MEM_USED, u64_mul_div(m->swapped_zram, p->zram_permyriad, PERMYRIAD));
        }
}

static void commit_fields(const PlanSim *s, HostSample *h) {
        const HostMemory *m = &s->host_memory;
        const HostDemand *d = &s->host_demand;

        if (!host_has(h, HOST_COMMITTED_AS))
                return;
        /* what is promised grows and falls with what is used */
        if (d->demand > 0)
                h->value[HOST_COMMITTED_AS] = u64_mul_div(h->value[HOST_COMMITTED_AS], m->demand, d->demand);
        uint64_t swap = u64_add_sat(s->supply.swap_disk, s->supply.swap_zram);
        if (s->question.overcommit_ratio > 0)
                host_set(h, HOST_COMMIT_LIMIT, u64_add_sat(u64_mul_div(s->supply.total, s->question.overcommit_ratio, 100), swap));
        else if (host_has(h, HOST_COMMIT_LIMIT))
                host_set(h, HOST_COMMIT_LIMIT,
                         u64_add_sat(u64_mul_div(u64_sub_sat(h->value[HOST_COMMIT_LIMIT], s->host.value[HOST_SWAP_TOTAL]),
                                                 s->supply.total, MAX(d->total, UINT64_C(1))), swap));
}

static void amount_fields(const PlanSim *s, HostSample *h) {
        const HostMemory *m = &s->host_memory;
        const HostDemand *d = &s->host_demand;
        const HostField scaled[] = { HOST_ACTIVE_FILE, HOST_INACTIVE_FILE, HOST_BUFFERS };

        host_set(h, HOST_MEM_TOTAL, s->supply.total);
        host_set(h, HOST_MEM_AVAILABLE, m->available);
        host_set(h, HOST_MEM_FREE, m->free);
        for (size_t i = 0; i < ARRAY_SIZE(scaled); i++)
                if (host_has(h, scaled[i]))
                        h->value[scaled[i]] = d->file > 0 ? u64_mul_div(h->value[scaled[i]], m->file, d->file) : 0;
        if (host_has(h, HOST_CACHED))
                h->value[HOST_CACHED] = u64_add_sat(u64_sub_sat(h->value[HOST_CACHED], d->file), m->file);
        if (host_has(h, HOST_SLAB_RECLAIMABLE))
                h->value[HOST_SLAB_RECLAIMABLE] = m->slab;
        if (host_has(h, HOST_ANON_PAGES)) {
                uint64_t kept = u64_sub_sat(m->swappable, u64_add_sat(m->swapped_disk, m->swapped_zram));
                h->value[HOST_ANON_PAGES] = u64_sub_sat(kept, host_has(h, HOST_SHMEM) ? h->value[HOST_SHMEM] : 0);
        }
}

static void host_view(const PlanSim *s, HostSample *h) {
        const HostMemory *m = &s->host_memory;
        const struct {
                HostField field;
                uint64_t more;
        } counters[] = {
                { HOST_VM_PGSCAN_KSWAPD, m->scanned_kswapd }, { HOST_VM_PGSCAN_DIRECT, m->scanned_direct },
                { HOST_VM_PGSTEAL_KSWAPD, m->stolen_kswapd }, { HOST_VM_PGSTEAL_DIRECT, m->stolen_direct },
                { HOST_VM_REFAULT_FILE, m->refault_file },    { HOST_VM_REFAULT_ANON, m->refault_anon },
                { HOST_VM_PGMAJFAULT, m->refault_file + m->refault_anon },
                { HOST_VM_PSWPIN, m->swapped_in },            { HOST_VM_PSWPOUT, m->swapped_out },
                { HOST_VM_ALLOCSTALL, m->allocstall },        { HOST_VM_OOM_KILL, s->oom_kills },
        };

        *h = s->host;
        if (host_has(h, HOST_PSI_SOME_USEC))
                h->value[HOST_PSI_SOME_USEC] = s->psi_some_usec;
        if (host_has(h, HOST_PSI_FULL_USEC))
                h->value[HOST_PSI_FULL_USEC] = s->psi_full_usec;
        for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
                if (host_has(h, counters[i].field))
                        h->value[counters[i].field] = u64_add_sat(h->value[counters[i].field], counters[i].more);
        if (m->is_own) {
                amount_fields(s, h);
                swap_fields(s, h);
        }
        if (m->is_own || s->question.overcommit_ratio > 0)
                commit_fields(s, h);
}

/* ---- where anonymous memory and cache lie ---- */

typedef struct Shares {
        bool is_own;
        uint64_t swapped_permyriad, file_permyriad;
} Shares;

static Shares shares_of(const PlanSim *s) {
        const HostMemory *m = &s->host_memory;
        uint64_t file = s->host_demand.file;
        uint64_t swapped = u64_add_sat(m->swapped_disk, m->swapped_zram);
        return (Shares){
                .is_own = m->is_own,
                .swapped_permyriad = m->swappable > 0 ? u64_mul_div(MIN(swapped, m->swappable), PERMYRIAD, m->swappable) : 0,
                .file_permyriad = file > 0 ? MIN(u64_mul_div(m->file, PERMYRIAD, file), PERMYRIAD) : PERMYRIAD,
        };
}

/* ---- processes ---- */

static bool process_row(PlanSim *s, const DemandProcess *p, uint32_t copy, const uint64_t size[static _SIZE_MAX], const Shares *sh,
                        ProcessSample *ret) {
        if ((p->copies.gone >> copy) & 1)
                return false;
        uint64_t permyriad = copy == 0 ? p->copies.base_permyriad : p->copies.clone_permyriad;
        uint64_t part[_SIZE_MAX];
        for (int i = 0; i < _SIZE_MAX; i++)
                part[i] = permyriad == PERMYRIAD ? size[i] : u64_mul_div(size[i], permyriad, PERMYRIAD);
        if (sh->is_own) {
                uint64_t anon = u64_add_sat(part[SIZE_ANON], part[SIZE_SWAP]);
                part[SIZE_SWAP] = u64_mul_div(anon, sh->swapped_permyriad, PERMYRIAD);
                part[SIZE_ANON] = anon - part[SIZE_SWAP];
                part[SIZE_FILE] = u64_mul_div(part[SIZE_FILE], sh->file_permyriad, PERMYRIAD);
        }
        *ret = p->last;
        ret->rss_anon = part[SIZE_ANON];
        ret->rss_file = part[SIZE_FILE];
        ret->rss_shmem = part[SIZE_SHMEM];
        ret->swap = part[SIZE_SWAP];
        ret->pgtables = part[SIZE_TABLES];
        ret->cgroup_path = clone_path(s, p->path, &p->copies, copy);
        ret->cgroup_id = p->last.cgroup_id ? clone_id(p->last.cgroup_id, p->copies.n_root ? copy : 0) : 0;
        ret->cgroup = INDEX_NONE;
        if (copy > 0) {
                ret->pid += (int32_t)copy * CLONE_PIDS;
                ret->pgid += (int32_t)copy * CLONE_PIDS;
                ret->sid += (int32_t)copy * CLONE_PIDS;
        }
        if ((p->copies.dying >> copy) & 1)
                ret->flags |= PROCESS_DYING;
        return true;
}

static void score(ProcessSample *p, uint64_t total_pages) {
        Reject reject;
        int64_t points = badness_pages(p, total_pages, &reject);
        p->oom_score = badness_to_oom_score(points, total_pages);
        p->flags |= PROCESS_SCORE;
}

static uint32_t row_of(const PlanSim *s, const DemandProcess *p, uint32_t copy) {
        if (p->last.cgroup >= s->demand.n_cgroups || s->cgroup_rows[p->last.cgroup] == INDEX_NONE)
                return INDEX_NONE;
        return s->cgroup_rows[p->last.cgroup] + copy;
}

static void processes_view(PlanSim *s, bool has_cgroups, const Shares *sh) {
        const HostSample *h = &s->snap.host;
        uint64_t total = u64_add_sat(h->value[HOST_MEM_TOTAL], h->value[HOST_SWAP_TOTAL]) / s->demand.page_size;
        bool is_scored = sh->is_own || s->n_touched > 0;

        for (uint32_t i = 0; i < s->demand.n_processes; i++) {
                const DemandProcess *p = &s->demand.processes[i];
                uint64_t size[_SIZE_MAX];
                if (!demand_process_at(&s->demand, p, s->now_usec, size))
                        continue;
                for (uint32_t copy = 0; copy <= p->copies.n_clones && s->snap.n_processes < s->room_processes; copy++) {
                        ProcessSample *row = &s->processes[s->snap.n_processes];
                        if (!process_row(s, p, copy, size, sh, row))
                                continue;
                        if (is_scored || copy > 0)
                                score(row, total);
                        row->cgroup = has_cgroups ? row_of(s, p, copy) : INDEX_NONE;
                        s->snap.n_processes++;
                }
        }
}

/* ---- cgroups ---- */

static void take_off(CgroupSample *c, CgroupField f, uint64_t bytes) {
        if (cgroup_has(c, f))
                c->value[f] = u64_sub_sat(c->value[f], bytes);
}

static void put_on(CgroupSample *c, CgroupField f, uint64_t more) {
        if (cgroup_has(c, f))
                c->value[f] = u64_add_sat(c->value[f], more);
}

/* Of a victim, what was in swap goes with it. */
static void victims_leave(CgroupSample *row, uint64_t bytes) {
        uint64_t swap = cgroup_has(row, CGROUP_SWAP_CURRENT) ? row->value[CGROUP_SWAP_CURRENT] : 0;
        bool has_anon = cgroup_has(row, CGROUP_ANON);
        uint64_t anon = has_anon ? row->value[CGROUP_ANON] : 0, whole = u64_add_sat(anon, swap);
        uint64_t swap_less = has_anon && whole > 0 ? MIN(u64_mul_div(bytes, swap, whole), bytes) : 0;

        take_off(row, CGROUP_ANON, bytes - swap_less);
        take_off(row, CGROUP_CURRENT, bytes - swap_less);
        take_off(row, CGROUP_SWAP_CURRENT, swap_less);
}

static void cgroup_move(const PlanSim *s, const DemandCgroup *c, const Shares *sh, CgroupSample *row) {
        if (s->n_touched > 0 && c->less_pages > 0) /* else they are of a time when there were victims */
                victims_leave(row, u64_mul_sat(c->less_pages, s->demand.page_size));
        if (!sh->is_own || !cgroup_has(row, CGROUP_ANON))
                return;
        uint64_t swap = cgroup_has(row, CGROUP_SWAP_CURRENT) ? row->value[CGROUP_SWAP_CURRENT] : 0;
        uint64_t anon = u64_add_sat(row->value[CGROUP_ANON], swap);
        uint64_t out = u64_mul_div(anon, sh->swapped_permyriad, PERMYRIAD), file = 0, file_left = 0;
        const CgroupField caches[] = { CGROUP_ACTIVE_FILE, CGROUP_INACTIVE_FILE };
        for (size_t i = 0; i < ARRAY_SIZE(caches); i++)
                if (cgroup_has(row, caches[i])) {
                        file = u64_add_sat(file, row->value[caches[i]]);
                        row->value[caches[i]] = u64_mul_div(row->value[caches[i]], sh->file_permyriad, PERMYRIAD);
                        file_left = u64_add_sat(file_left, row->value[caches[i]]);
                }
        take_off(row, CGROUP_FILE, file - file_left);
        take_off(row, CGROUP_CURRENT, file - file_left);
        if (cgroup_has(row, CGROUP_CURRENT))
                row->value[CGROUP_CURRENT] =
                        u64_add_sat(u64_sub_sat(row->value[CGROUP_CURRENT], row->value[CGROUP_ANON]), anon - out);
        row->value[CGROUP_ANON] = anon - out;
        if (cgroup_has(row, CGROUP_SWAP_CURRENT) || out > 0)
                cgroup_set(row, CGROUP_SWAP_CURRENT, out);
}

static void cgroup_scale(CgroupSample *row, uint64_t permyriad) {
        if (permyriad == PERMYRIAD)
                return;
        for (CgroupField f = CGROUP_CURRENT; f <= CGROUP_FILE_DIRTY; f++)
                if (cgroup_has(row, f) && !(f >= CGROUP_MIN && f <= CGROUP_SWAP_MAX))
                        row->value[f] = u64_mul_div(row->value[f], permyriad, PERMYRIAD);
}

static void cgroup_row(PlanSim *s, const DemandCgroup *c, uint32_t copy, const Shares *sh, CgroupSample *row) {
        const MeasureHold *hold = NULL;

        demand_cgroup_at(&s->demand, c, s->now_usec, row);
        cgroup_move(s, c, sh, row);
        cgroup_scale(row, copy == 0 ? c->copies.base_permyriad : c->copies.clone_permyriad);
        row->path = clone_path(s, c->path, &c->copies, copy);
        row->id = clone_id(c->last.id, copy);
        row->parent = INDEX_NONE;
        if (c->limit_bytes != CGROUP_NO_LIMIT) {
                cgroup_set(row, CGROUP_MAX, c->limit_bytes);
                if (cgroup_has(row, CGROUP_CURRENT))
                        row->value[CGROUP_CURRENT] = MIN(row->value[CGROUP_CURRENT], c->limit_bytes);
                put_on(row, CGROUP_PSI_SOME_USEC, c->more_some_usec);
                put_on(row, CGROUP_PSI_FULL_USEC, c->more_full_usec);
                put_on(row, CGROUP_EVENT_OOM_KILL, c->more_oom_kills);
                put_on(row, CGROUP_EVENT_MAX, c->more_some_usec / USEC_PER_MSEC);
                put_on(row, CGROUP_PGSCAN, c->more_some_usec / USEC_PER_MSEC);
        }
        for (uint32_t i = 0; i < s->n_holds; i++)
                if (s->holds[i].cgroup_id == row->id)
                        hold = &s->holds[i];
        if (hold && cgroup_has(row, CGROUP_CURRENT))
                row->value[CGROUP_CURRENT] = MIN(row->value[CGROUP_CURRENT], MAX(hold->bytes, (uint64_t)1));
}

static void cgroups_view(PlanSim *s, bool has_all, const Shares *sh) {
        Demand *d = &s->demand;
        uint32_t n = has_all ? d->n_cgroups : s->n_monitored;

        if (s->n_touched > 0)
                sim_less_pages(s, has_all);
        if (d->n_cgroups > 0)
                memset(s->cgroup_rows, 0xff, d->n_cgroups * sizeof(*s->cgroup_rows)); /* INDEX_NONE */
        for (uint32_t k = 0; k < n; k++) {
                uint32_t i = has_all ? k : s->monitored[k];
                const DemandCgroup *c = &d->cgroups[i];
                if (s->snap.n_cgroups + c->copies.n_clones + 1 > s->room_cgroups)
                        continue;
                s->cgroup_rows[i] = s->snap.n_cgroups;
                for (uint32_t copy = 0; copy <= c->copies.n_clones; copy++)
                        cgroup_row(s, c, copy, sh, &s->cgroups[s->snap.n_cgroups++]);
        }
        for (uint32_t k = 0; k < n; k++) {
                uint32_t i = has_all ? k : s->monitored[k];
                const DemandCgroup *c = &d->cgroups[i];
                if (s->cgroup_rows[i] == INDEX_NONE || c->parent >= d->n_cgroups || s->cgroup_rows[c->parent] == INDEX_NONE)
                        continue;
                bool is_inner = c->copies.n_clones > 0 && d->cgroups[c->parent].copies.n_clones == c->copies.n_clones;
                for (uint32_t copy = 0; copy <= c->copies.n_clones; copy++)
                        s->cgroups[s->cgroup_rows[i] + copy].parent = s->cgroup_rows[c->parent] + (is_inner ? copy : 0);
        }
}

/* ---- statuses ---- */

static void statuses_view(PlanSim *s) {
        for (uint32_t i = 0; i < FLIGHTS_MAX; i++) {
                Flight *f = &s->flights[i];
                if (!f->is_used || f->is_kernel || s->snap.n_kills == KILLS_MAX)
                        continue;
                bool is_over = s->now_usec >= f->exit_usec;
                s->snap.kills[s->snap.n_kills++] = (KillStatus){
                        .kill_id = f->kill_id,
                        .outcome = is_over ? KILL_EXITED : KILL_PENDING,
                        .signalled_usec = f->signalled_usec,
                        .exited_usec = is_over ? f->exit_usec : 0,
                };
                f->is_told = is_over;
        }
        s->snap.n_measures = s->n_statuses;
        memcpy(s->snap.measures, s->statuses, s->n_statuses * sizeof(*s->statuses));
}

/**
 * sim_view() - build s->snap
 * @detail: what it shall hold beyond the cheap part
 *
 * Return: 0; -ENOMEM.
 */
int sim_view(PlanSim *s, uint32_t detail) {
        uint32_t n_cgroups = 0, n_processes = 0;
        Shares sh = shares_of(s);
        int r;

        for (uint32_t i = 0; s->question.n_scales > 0 && i < s->demand.n_cgroups; i++)
                n_cgroups += s->demand.cgroups[i].copies.n_clones;
        for (uint32_t i = 0; s->question.n_scales > 0 && i < s->demand.n_processes; i++)
                n_processes += s->demand.processes[i].copies.n_clones;
        if ((r = arena_reserve(s, n_cgroups + n_processes)) < 0 ||
            (r = room_for((void **)&s->cgroups, &s->room_cgroups, sizeof(*s->cgroups), s->demand.n_cgroups + n_cgroups)) < 0 ||
            (r = room_for((void **)&s->cgroup_rows, &s->room_rows, sizeof(*s->cgroup_rows), s->demand.n_cgroups)) < 0 ||
            (r = room_for((void **)&s->processes, &s->room_processes, sizeof(*s->processes),
                          s->demand.n_processes + n_processes)) < 0)
                return r;
        s->snap = (Snapshot){
                .mono_usec = s->now_usec,
                .real_usec = s->real_usec,
                .page_size = s->demand.page_size,
                .detail = detail,
                .cgroups = s->cgroups,
                .processes = s->processes,
        };
        bool has_all = detail & DETAIL_ANY_CGROUPS;
        host_view(s, &s->snap.host);
        cgroups_view(s, has_all, &sh);
        if (detail & DETAIL_PROCESSES)
                processes_view(s, /* has_cgroups= */ true, &sh);
        statuses_view(s);
        return 0;
}

DemandProcess *sim_find_victim(PlanSim *s, int32_t pid, uint64_t start_ticks, uint32_t *ret_copy) {
        *ret_copy = pid > 0 ? (uint32_t)(pid / CLONE_PIDS) : 0;
        return pid > 0 ? demand_find_process(&s->demand, pid % CLONE_PIDS, start_ticks) : NULL;
}

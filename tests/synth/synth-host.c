/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The host: what its services want, what they get of it, what the kernel would show. */

#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "synth/synth-state.h"

#define MIB          (UINT64_C(1) << 20)
#define KERNEL_BYTES (96 * MIB)
#define DAY_USEC     (24 * 3600 * USEC_PER_SEC)
#define RESTART_USEC (20 * USEC_PER_SEC)

uint64_t synth_random(Synth *s, uint64_t below) {
        s->rng ^= s->rng << 13;
        s->rng ^= s->rng >> 7;
        s->rng ^= s->rng << 17;
        return below ? (s->rng >> 11) % below : 0;
}

/* ---- services and processes ---- */

static void service_start(Synth *s, uint32_t at) {
        Service *v = &s->services[at];

        v->cgroup_id = s->next_cgroup_id++;
        v->is_down = false;
        v->up_usec = s->now_usec;
        v->anon_bytes = v->base_bytes;
        v->cache_bytes = MIB;
        v->swap_bytes = v->psi_some = v->psi_full = v->pgscan = v->refaults = v->event_high = v->event_max = 0;
        v->peak_bytes = v->storm = 0;
        for (uint32_t i = 0; i < s->n_processes; i++) {
                Process *p = &s->processes[i];
                if (p->service != at || p->is_child)
                        continue;
                *p = (Process){ .pid = s->next_pid++, .start_ticks = s->next_ticks++, .service = at, .is_alive = true };
        }
}

int synth_host_init(Synth *s) {
        uint32_t patterns = s->o.patterns ? s->o.patterns : (1u << _SYNTH_PATTERN_MAX) - 1;
        uint32_t pattern = 0;

        s->n_processes = s->o.n_processes + SYNTH_STORM;
        s->services = calloc(s->o.n_cgroups, sizeof(*s->services));
        s->processes = calloc(s->n_processes, sizeof(*s->processes));
        s->cgroups = calloc(s->o.n_cgroups + 2, sizeof(*s->cgroups));
        s->samples = calloc(s->n_processes + 1, sizeof(*s->samples));
        if (!s->services || !s->processes || !s->cgroups || !s->samples)
                return -ENOMEM;
        /* 55 % of RAM when all are at their base */
        uint64_t each = s->o.ram_bytes * 55 / 100 / s->o.n_cgroups;
        for (uint32_t i = 0; i < s->o.n_cgroups; i++) {
                static const char *const names[] = { "idle", "leak", "web", "batch", "cache", "forks" };
                Service *v = &s->services[i];
                while (!(patterns >> pattern % _SYNTH_PATTERN_MAX & 1))
                        pattern++;
                v->pattern = (SynthPattern)(pattern++ % _SYNTH_PATTERN_MAX);
                v->base_bytes = (each / 2 + synth_random(s, each)) / SYNTH_PAGE * SYNTH_PAGE;
                if (v->pattern == SYNTH_CACHE)
                        v->base_bytes /= 4;
                v->is_limited = i % s->o.monitored_every == 0;
                (void)snprintf(v->name, sizeof(v->name), "%s-%u", names[v->pattern], i);
                (void)snprintf(v->path, sizeof(v->path), "/system.slice/%s.service", v->name);
        }
        for (uint32_t i = 0; i < s->n_processes; i++) {
                s->processes[i].is_child = i >= s->o.n_processes;
                s->processes[i].service = i % s->o.n_cgroups;
                if (!s->processes[i].is_child)
                        s->services[s->processes[i].service].n_processes++;
        }
        return 0;
}

void synth_host_begin(Synth *s) {
        s->next_pid = 300;
        s->next_cgroup_id = 100;
        s->next_ticks = 1000;
        s->psi_some = s->psi_full = s->pgscan = s->pgsteal = s->refaults = s->majfaults = s->oom_kills = s->pswpin = 0;
        s->pswpout = s->allocstall = s->swap_used_bytes = 0;
        for (uint32_t i = s->o.n_processes; i < s->n_processes; i++)
                s->processes[i].is_alive = false;
        for (uint32_t i = 0; i < s->o.n_cgroups; i++)
                service_start(s, i);
        synth_host_advance(s, 0);
}

static void storm_set(Synth *s, uint32_t at, uint32_t n) {
        Service *v = &s->services[at];

        for (uint32_t i = s->o.n_processes; i < s->n_processes && v->storm != n; i++) {
                Process *p = &s->processes[i];
                if (v->storm < n && !p->is_alive) {
                        *p = (Process){ .pid = s->next_pid++, .start_ticks = s->next_ticks++, .service = at, .is_alive = true,
                                        .is_child = true };
                        v->storm++;
                } else if (v->storm > n && p->is_alive && p->service == at) {
                        p->is_alive = false;
                        v->storm--;
                }
        }
}

/* What it wants to have of its own by now. */
static uint64_t wanted(Synth *s, uint32_t at) {
        Service *v = &s->services[at];
        uint64_t t = s->now_usec - s->begin_usec, up = s->now_usec - v->up_usec, base = v->base_bytes;
        uint64_t phase = (uint64_t)at * 37 * USEC_PER_SEC;

        switch (v->pattern) {
        case SYNTH_LEAK:
                return base + u64_mul_div(up, s->o.leak_bytes_per_sec, USEC_PER_SEC);
        case SYNTH_DIURNAL: {
                uint64_t of_day = (t + phase) % DAY_USEC, half = DAY_USEC / 2;
                return base + u64_mul_div(of_day < half ? of_day : DAY_USEC - of_day, base / 2, half);
        }
        case SYNTH_BURST:
                return (t + phase) % (900 * USEC_PER_SEC) < 60 * USEC_PER_SEC ? 4 * base : base;
        case SYNTH_FORKS:
                storm_set(s, at, (t + phase) % (7200 * USEC_PER_SEC) < 60 * USEC_PER_SEC ? SYNTH_STORM / 2 : 0);
                return base + v->storm * 8 * MIB;
        case SYNTH_IDLE:
        case SYNTH_CACHE:
        case _SYNTH_PATTERN_MAX:
                break;
        }
        return base;
}

static void service_advance(Synth *s, uint32_t at, uint64_t dt_usec) {
        Service *v = &s->services[at];

        if (v->is_down) {
                if (s->now_usec >= v->down_until_usec)
                        service_start(s, at);
                return;
        }
        uint64_t want = wanted(s, at), most = v->anon_bytes + u64_mul_div(dt_usec, 64 * MIB, USEC_PER_SEC);
        v->anon_bytes = MIN(want, most) / SYNTH_PAGE * SYNTH_PAGE;
        /* no two looks are the same at most of them, and at some they are */
        if (v->pattern != SYNTH_IDLE && synth_random(s, 3) == 0)
                v->anon_bytes += synth_random(s, 16) * SYNTH_PAGE;
        if (v->pattern == SYNTH_CACHE)
                v->cache_bytes += u64_mul_div(dt_usec, 4 * MIB, USEC_PER_SEC) / SYNTH_PAGE * SYNTH_PAGE;
        v->slab_bytes = v->base_bytes / 40 + synth_random(s, 2) * SYNTH_PAGE;
        v->peak_bytes = MAX(v->peak_bytes, v->anon_bytes + v->cache_bytes);
}

static void spread(Synth *s) {
        for (uint32_t i = 0; i < s->n_processes; i++) {
                Process *p = &s->processes[i];
                const Service *v = &s->services[p->service];
                if (!p->is_alive)
                        continue;
                p->rss_pages = p->is_child ? 8 * MIB / SYNTH_PAGE
                                           : u64_sub_sat(v->anon_bytes - v->swap_bytes, v->storm * 8 * MIB) / SYNTH_PAGE / MAX(v->n_processes, 1u);
                p->file_pages = 800 + p->pid % 200;
        }
}

/* ---- the kernel ---- */

static void kernel_kill(Synth *s) {
        Service *worst = NULL;
        for (uint32_t i = 0; i < s->o.n_cgroups; i++)
                if (!s->services[i].is_down && (!worst || s->services[i].anon_bytes > worst->anon_bytes))
                        worst = &s->services[i];
        if (!worst)
                return;
        s->oom_kills++;
        s->stats.n_kernel_kills++;
        worst->is_down = true;
        worst->down_until_usec = s->now_usec + RESTART_USEC;
}

static void bury(Synth *s) {
        for (uint32_t i = 0; i < s->n_processes; i++)
                if (s->services[s->processes[i].service].is_down)
                        s->processes[i].is_alive = false;
        for (uint32_t i = 0; i < s->o.n_cgroups; i++) {
                Service *v = &s->services[i];
                if (v->is_down)
                        v->anon_bytes = v->cache_bytes = v->swap_bytes = v->storm = 0;
        }
}

static uint64_t sum_anon(const Synth *s) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < s->o.n_cgroups; i++)
                sum += s->services[i].anon_bytes;
        return sum;
}

/* Swap takes what goes beyond 85 % of RAM, of each its share. */
static void swap_out(Synth *s, uint64_t anon) {
        uint64_t over = MIN(u64_sub_sat(anon + KERNEL_BYTES, s->o.ram_bytes * 85 / 100), s->o.swap_bytes), used = 0;

        for (uint32_t i = 0; i < s->o.n_cgroups; i++) {
                Service *v = &s->services[i];
                v->swap_bytes = u64_mul_div(v->anon_bytes, over, MAX(anon, UINT64_C(1))) / SYNTH_PAGE * SYNTH_PAGE;
                used += v->swap_bytes;
        }
        if (used > s->swap_used_bytes)
                s->pswpout += (used - s->swap_used_bytes) / SYNTH_PAGE;
        s->swap_used_bytes = used;
}

static void pressure(Synth *s, uint64_t dt_usec) {
        uint64_t permille = s->available_bytes * 1000 / s->o.ram_bytes, full = 0, some = 0;

        if (permille < 50)
                full = 600, some = 800;
        else if (permille < 100)
                full = 150, some = 300;
        else if (permille < 150)
                full = 10, some = 40;
        s->psi_full += dt_usec * full / 1000;
        s->psi_some += dt_usec * some / 1000;
        if (permille >= 150)
                return;
        uint64_t pages = u64_mul_div(dt_usec, 20000, USEC_PER_SEC);
        s->pgscan += pages;
        s->pgsteal += pages / 3;
        s->refaults += pages / 10;
        s->majfaults += pages / 20;
        s->allocstall += dt_usec * full / 100000;
        for (uint32_t i = 0; i < s->o.n_cgroups; i++) {
                Service *v = &s->services[i];
                v->psi_full += dt_usec * full / 2000;
                v->psi_some += dt_usec * some / 1500;
                v->pgscan += pages / s->o.n_cgroups;
                v->refaults += pages / 10 / s->o.n_cgroups;
        }
}

void synth_host_advance(Synth *s, uint64_t dt_usec) {
        for (uint32_t i = 0; i < s->o.n_cgroups; i++)
                service_advance(s, i, dt_usec);
        bury(s);
        uint64_t anon = sum_anon(s);
        swap_out(s, anon);
        uint64_t used = anon - s->swap_used_bytes + KERNEL_BYTES;
        if (used + 8 * MIB > s->o.ram_bytes) {
                kernel_kill(s);
                bury(s);
                anon = sum_anon(s);
                swap_out(s, anon);
                used = anon - s->swap_used_bytes + KERNEL_BYTES;
        }
        s->anon_bytes = anon - s->swap_used_bytes;
        uint64_t room = u64_sub_sat(s->o.ram_bytes, used), cache = 0;
        for (uint32_t i = 0; i < s->o.n_cgroups; i++)
                cache += s->services[i].cache_bytes;
        /* the cache gives way */
        if (cache > room * 9 / 10)
                for (uint32_t i = 0; i < s->o.n_cgroups; i++) {
                        Service *v = &s->services[i];
                        v->cache_bytes = u64_mul_div(v->cache_bytes, room * 9 / 10, cache) / SYNTH_PAGE * SYNTH_PAGE;
                }
        s->cached_bytes = MIN(cache, room * 9 / 10) / SYNTH_PAGE * SYNTH_PAGE;
        s->free_bytes = room - s->cached_bytes;
        s->available_bytes = u64_sub_sat(room, 8 * MIB);
        pressure(s, dt_usec);
        spread(s);
}

void synth_host_kill(Synth *s, const KillDecision *k) {
        const Candidate *c = &k->candidates[0];
        uint32_t at = INDEX_NONE;

        for (uint32_t i = 0; i < s->n_processes; i++)
                if (s->processes[i].is_alive && s->processes[i].pid == c->pid && s->processes[i].start_ticks == c->start_ticks)
                        at = s->processes[i].service;
        for (uint32_t i = 0; at == INDEX_NONE && i < s->o.n_cgroups; i++)
                if (s->services[i].cgroup_id == c->cgroup_id)
                        at = i;
        if (at == INDEX_NONE)
                return;
        /* the service ends with its process, as most do, and its manager starts it again */
        s->services[at].is_down = true;
        s->services[at].down_until_usec = s->now_usec + RESTART_USEC;
        bury(s);
}

void synth_host_reclaim(Synth *s, uint64_t cgroup_id, uint64_t bytes) {
        for (uint32_t i = 0; i < s->o.n_cgroups; i++)
                if (s->services[i].cgroup_id == cgroup_id)
                        s->services[i].cache_bytes = u64_sub_sat(s->services[i].cache_bytes, bytes) / SYNTH_PAGE * SYNTH_PAGE;
}

/* ---- what it looks like ---- */

static void host_sample(const Synth *s, HostSample *h) {
        h->have = 0;
        host_set(h, HOST_PSI_SOME_USEC, s->psi_some);
        host_set(h, HOST_PSI_FULL_USEC, s->psi_full);
        host_set(h, HOST_MEM_TOTAL, s->o.ram_bytes);
        host_set(h, HOST_MEM_FREE, s->free_bytes);
        host_set(h, HOST_MEM_AVAILABLE, s->available_bytes);
        host_set(h, HOST_BUFFERS, 2 * MIB);
        host_set(h, HOST_CACHED, s->cached_bytes);
        host_set(h, HOST_SWAP_CACHED, 0);
        host_set(h, HOST_ACTIVE_ANON, s->anon_bytes / 3);
        host_set(h, HOST_INACTIVE_ANON, s->anon_bytes - s->anon_bytes / 3);
        host_set(h, HOST_ACTIVE_FILE, s->cached_bytes / 2);
        host_set(h, HOST_INACTIVE_FILE, s->cached_bytes - s->cached_bytes / 2);
        host_set(h, HOST_UNEVICTABLE, 0);
        host_set(h, HOST_ANON_PAGES, s->anon_bytes);
        host_set(h, HOST_SHMEM, MIB);
        host_set(h, HOST_SLAB_RECLAIMABLE, 20 * MIB);
        host_set(h, HOST_SLAB_UNRECLAIMABLE, 30 * MIB);
        host_set(h, HOST_KERNEL_STACK, 4 * MIB);
        host_set(h, HOST_PAGE_TABLES, 6 * MIB);
        host_set(h, HOST_DIRTY, 0);
        host_set(h, HOST_WRITEBACK, 0);
        host_set(h, HOST_COMMIT_LIMIT, s->o.ram_bytes / 2 + s->o.swap_bytes);
        host_set(h, HOST_COMMITTED_AS, (s->anon_bytes + s->swap_used_bytes) * 13 / 10);
        host_set(h, HOST_SWAP_TOTAL, s->o.swap_bytes);
        host_set(h, HOST_SWAP_FREE, s->o.swap_bytes - s->swap_used_bytes);
        host_set(h, HOST_VM_OOM_KILL, s->oom_kills);
        host_set(h, HOST_VM_PGSCAN_KSWAPD, s->pgscan);
        host_set(h, HOST_VM_PGSCAN_DIRECT, s->pgscan / 8);
        host_set(h, HOST_VM_PGSTEAL_KSWAPD, s->pgsteal);
        host_set(h, HOST_VM_PGSTEAL_DIRECT, s->pgsteal / 8);
        host_set(h, HOST_VM_REFAULT_FILE, s->refaults);
        host_set(h, HOST_VM_REFAULT_ANON, s->refaults / 4);
        host_set(h, HOST_VM_PGMAJFAULT, s->majfaults);
        host_set(h, HOST_VM_PSWPIN, s->pswpin);
        host_set(h, HOST_VM_PSWPOUT, s->pswpout);
        host_set(h, HOST_VM_ALLOCSTALL, s->allocstall);
}

static void cgroup_cheap(const Synth *s, const Service *v, CgroupSample *c) {
        *c = (CgroupSample){ .id = v->cgroup_id, .parent = INDEX_NONE, .marks = CGROUP_MARK_LEAF, .path = v->path };
        c->policy = s->o.policy ? policy_match_cgroup(s->o.policy, v->path, v->is_limited) : -1;
        cgroup_set(c, CGROUP_PSI_SOME_USEC, v->psi_some);
        cgroup_set(c, CGROUP_PSI_FULL_USEC, v->psi_full);
        cgroup_set(c, CGROUP_CURRENT, v->anon_bytes - v->swap_bytes + v->cache_bytes + v->slab_bytes);
        cgroup_set(c, CGROUP_SWAP_CURRENT, v->swap_bytes);
        if (v->is_limited) {
                cgroup_set(c, CGROUP_EVENT_HIGH, v->event_high);
                cgroup_set(c, CGROUP_EVENT_MAX, v->event_max);
        }
}

static void cgroup_full(const Service *v, uint64_t ram_bytes, CgroupSample *c) {
        cgroup_set(c, CGROUP_PEAK, v->peak_bytes);
        cgroup_set(c, CGROUP_MIN, 0);
        cgroup_set(c, CGROUP_LOW, 0);
        cgroup_set(c, CGROUP_HIGH, CGROUP_NO_LIMIT);
        cgroup_set(c, CGROUP_MAX, v->is_limited ? ram_bytes : CGROUP_NO_LIMIT);
        cgroup_set(c, CGROUP_SWAP_MAX, CGROUP_NO_LIMIT);
        cgroup_set(c, CGROUP_ANON, v->anon_bytes - v->swap_bytes);
        cgroup_set(c, CGROUP_FILE, v->cache_bytes);
        cgroup_set(c, CGROUP_SHMEM, 0);
        cgroup_set(c, CGROUP_KERNEL, v->slab_bytes);
        cgroup_set(c, CGROUP_SOCK, 0);
        cgroup_set(c, CGROUP_UNEVICTABLE, 0);
        cgroup_set(c, CGROUP_SLAB_RECLAIMABLE, v->slab_bytes / 2);
        cgroup_set(c, CGROUP_ACTIVE_FILE, v->cache_bytes / 2);
        cgroup_set(c, CGROUP_INACTIVE_FILE, v->cache_bytes - v->cache_bytes / 2);
        cgroup_set(c, CGROUP_FILE_DIRTY, 0);
        cgroup_set(c, CGROUP_PGSCAN, v->pgscan);
        cgroup_set(c, CGROUP_PGSTEAL, v->pgscan / 3);
        cgroup_set(c, CGROUP_REFAULT_FILE, v->refaults);
        cgroup_set(c, CGROUP_REFAULT_ANON, v->refaults / 4);
        cgroup_set(c, CGROUP_PGMAJFAULT, v->refaults / 2);
        cgroup_set(c, CGROUP_EVENT_LOW, 0);
        cgroup_set(c, CGROUP_EVENT_HIGH, v->event_high);
        cgroup_set(c, CGROUP_EVENT_MAX, v->event_max);
        cgroup_set(c, CGROUP_EVENT_OOM, 0);
        cgroup_set(c, CGROUP_EVENT_OOM_KILL, 0);
        cgroup_set(c, CGROUP_OOM_GROUP, 0);
        cgroup_set(c, CGROUP_POPULATED, 1);
}

static void process_sample(const Synth *s, const Process *p, ProcessSample *ret) {
        const Service *v = &s->services[p->service];
        int32_t leader = p->pid;

        for (uint32_t i = 0; p->is_child && i < s->o.n_processes; i++)
                if (s->processes[i].service == p->service)
                        leader = s->processes[i].pid;
        *ret = (ProcessSample){
                .pid = p->pid, .ppid = p->is_child ? leader : 1, .pgid = leader, .sid = leader, .start_ticks = p->start_ticks,
                .cgroup_id = v->cgroup_id, .cgroup = v->at, .uid = 1000 + p->service % 8,
                .flags = PROCESS_SIZES | PROCESS_SCORE | PROCESS_IDENTITY, .rule = -1, .kernel_rule = -1, .tier = TIER_NORMAL,
                .oom_score = 666, .rss_anon = p->rss_pages, .rss_file = p->file_pages, .pgtables = 20 + p->rss_pages / 512,
                .swap = v->swap_bytes / SYNTH_PAGE / MAX(v->n_processes, 1u), .cgroup_path = v->path,
        };
        memcpy(ret->comm, v->name, sizeof(ret->comm));
        ret->comm[sizeof(ret->comm) - 1] = '\0';
        if (s->o.policy && s->o.policy->n_rules > 0) {
                const ProcessFacts facts = { .name = ret->comm, .exe = "", .cmdline = "", .cgroup = v->path, .uid = ret->uid };
                policy_match_process(s->o.policy, &facts, ret);
        }
}

void synth_host_sample(Synth *s, uint32_t detail, Snapshot *ret) {
        *ret = (Snapshot){ .mono_usec = s->now_usec, .real_usec = s->real_base_usec + s->now_usec, .page_size = SYNTH_PAGE,
                           .detail = detail, .cgroups = s->cgroups, .processes = s->samples };
        host_sample(s, &ret->host);
        if (detail & DETAIL_ANY_CGROUPS) {
                s->cgroups[ret->n_cgroups++] = (CgroupSample){ .id = 1, .parent = INDEX_NONE, .policy = -1, .path = "/" };
                s->cgroups[ret->n_cgroups++] = (CgroupSample){ .id = 2, .parent = 0, .policy = -1, .path = "/system.slice" };
        }
        for (uint32_t i = 0; i < s->o.n_cgroups; i++) {
                Service *v = &s->services[i];
                CgroupSample *c = &s->cgroups[ret->n_cgroups];
                v->at = INDEX_NONE;
                if (v->is_down)
                        continue;
                if (!(detail & DETAIL_ANY_CGROUPS) && !v->is_limited)
                        continue;
                cgroup_cheap(s, v, c);
                if (!(detail & DETAIL_ANY_CGROUPS) && c->policy < 0)
                        continue;
                if (detail & DETAIL_ANY_CGROUPS) {
                        c->parent = 1;
                        cgroup_full(v, s->o.ram_bytes, c);
                }
                v->at = ret->n_cgroups++;
        }
        if (!(detail & DETAIL_ANY_PROCESSES))
                return;
        for (uint32_t i = 0; i < s->n_processes; i++) {
                const Process *p = &s->processes[i];
                if (p->is_alive)
                        process_sample(s, p, &s->samples[ret->n_processes++]);
        }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Kills of the simulation, and those that stood in the record.
 *
 * A victim ends by the first signal, SIGTERM as well: what a program does on SIGTERM no record knows. Its memory is back
 * after a time that grows with its size. It stays gone until the record's own end of it, and so do the children it would
 * have had; what the record starts anew under the same name, does start.
 *
 * The kernel kills by oom_badness: of the host, or within a cgroup whose memory.max the question sets; with
 * memory.oom.group the whole cgroup. It waits while a victim is on its way.
 *
 * Who was killed in the record, by its policy or by its kernel, and not here, asks for what it had at last: a lower
 * bound, since nobody knows what it would have asked for. That ends when the same program starts again in the same
 * cgroup, and after GHOST_USEC.
 */

#include <string.h>

#include "decide/badness.h"
#include "model/cgroup-path.h"
#include "plan/sim-state.h"

#define GIB (UINT64_C(1) << 30)
/* SIGKILL to gone: measured 90 to 220 ms a GiB of 4K pages, and some milliseconds for a small one. */
#define EXIT_USEC     (20 * USEC_PER_MSEC)
#define EXIT_GIB_USEC (150 * USEC_PER_MSEC)
#define GHOST_USEC    (300 * USEC_PER_SEC)
/* Of a kernel kill the record has no name: it is taken to be the biggest that ended, if it was at least this big. */
#define SEEN_LEAST_BYTES (UINT64_C(10) << 20)
/* Nobody is left to kill: the kernel would panic. Said once. */
#define NOBODY_USEC (60 * USEC_PER_SEC)

/* ---- who ends ---- */

static uint64_t size_bytes(PlanSim *s, const DemandProcess *p, uint32_t copy) {
        uint64_t pages;
        if (!demand_process_private_at(&s->demand, p, s->now_usec, &pages))
                return 0;
        uint64_t permyriad = copy == 0 ? p->copies.base_permyriad : p->copies.clone_permyriad;
        return u64_mul_div(u64_mul_sat(pages, s->demand.page_size), permyriad, PERMYRIAD);
}

static uint64_t victim_add(PlanSim *s, DemandProcess *p, uint32_t copy, uint32_t number) {
        uint64_t bit = UINT64_C(1) << copy;

        if (copy > p->copies.n_clones || ((p->copies.gone | p->copies.dying) & bit))
                return 0;
        if (sim_touch(s, (uint32_t)(p - s->demand.processes)) < 0)
                return 0;
        p->copies.dying |= bit;
        p->killed_by = number;
        return size_bytes(s, p, copy);
}

/* All processes in the cgroup @path of which copy @copy is meant. */
static uint64_t victims_inside(PlanSim *s, const char *path, uint32_t copy, uint32_t number) {
        uint64_t bytes = 0;
        for (uint32_t i = 0; i < s->demand.n_processes; i++) {
                DemandProcess *p = &s->demand.processes[i];
                Reject reject;
                /* init, and what the kernel never selects, is left alone by act as well */
                if (cgroup_path_inside(p->path, path) && p->last.oom_score_adj != -1000 && !(p->last.flags & PROCESS_INIT) &&
                    (badness_pages(&p->last, 0, &reject) != INT64_MIN || reject == REJECT_UNREAD))
                        bytes = u64_add_sat(bytes, victim_add(s, p, copy, number));
        }
        return bytes;
}

static uint32_t copy_of_id(const PlanSim *s, uint64_t cgroup_id, const DemandCgroup **ret) {
        *ret = demand_find_cgroup(&s->demand, cgroup_id);
        if (*ret)
                return 0;
        uint32_t copy = (uint32_t)(cgroup_id >> 56) & CLONES_MAX;
        *ret = demand_find_cgroup(&s->demand, cgroup_id ^ (uint64_t)copy << 56);
        return copy;
}

static uint64_t victims_of(PlanSim *s, const KillDecision *k, const Candidate *c, uint32_t number) {
        const DemandCgroup *cgroup;
        uint64_t bytes = 0;
        uint32_t copy;

        if (c->kind == CANDIDATE_CGROUP) {
                copy = copy_of_id(s, c->cgroup_id, &cgroup);
                return cgroup ? victims_inside(s, cgroup->path, copy, number) : victims_inside(s, c->cgroup_path, 0, number);
        }
        for (uint32_t i = 0; c->kind == CANDIDATE_GROUP && i < MIN(k->n_members, (uint32_t)GROUP_MEMBERS_MAX); i++) {
                DemandProcess *p = sim_find_victim(s, k->members[i].pid, k->members[i].start_ticks, &copy);
                if (p)
                        bytes = u64_add_sat(bytes, victim_add(s, p, copy, number));
        }
        DemandProcess *p = sim_find_victim(s, c->pid, c->start_ticks, &copy);
        return p ? u64_add_sat(bytes, victim_add(s, p, copy, number)) : bytes;
}

/* ---- flights ---- */

static Flight *flight_new(PlanSim *s) {
        for (uint32_t i = 0; i < FLIGHTS_MAX; i++)
                if (!s->flights[i].is_used)
                        return &s->flights[i];
        return NULL;
}

bool sim_flights_busy(const PlanSim *s) {
        for (uint32_t i = 0; i < FLIGHTS_MAX; i++)
                if (s->flights[i].is_used && s->now_usec < s->flights[i].exit_usec)
                        return true;
        return false;
}

static void flight_start(PlanSim *s, Flight *f, uint64_t kill_id, bool is_kernel, uint64_t bytes, uint32_t number) {
        *f = (Flight){
                .is_used = true,
                .is_kernel = is_kernel,
                .kill_id = kill_id,
                .number = number,
                .signalled_usec = s->now_usec,
                .exit_usec = u64_add_sat(s->now_usec, EXIT_USEC + u64_mul_div(bytes, EXIT_GIB_USEC, GIB)),
                .freed_bytes = bytes,
        };
}

/* The memory of victims whose time is over is back. */
void sim_flights_step(PlanSim *s) {
        for (uint32_t i = 0; i < FLIGHTS_MAX; i++) {
                Flight *f = &s->flights[i];
                if (!f->is_used || s->now_usec < f->exit_usec)
                        continue;
                for (uint32_t k = 0; f->number > 0 && k < s->n_touched; k++) {
                        DemandProcess *p = &s->demand.processes[s->touched[k].process];
                        if (p->killed_by != f->number)
                                continue;
                        p->copies.gone |= p->copies.dying;
                        p->copies.dying = 0;
                        s->is_still_summed = false;
                }
                if (f->number > 0)
                        memory_release(&s->host_memory, f->freed_bytes);
                f->number = 0;
                if (f->is_kernel || f->is_told)
                        f->is_used = false;
        }
}

void sim_note_kill(PlanSim *s, const KillDecision *k, uint32_t number, uint64_t freed_bytes, const Candidate *victim) {
        const Candidate *c = victim ? victim : &k->candidates[0];
        bool is_stall = k->reason == REASON_HOST_PRESSURE || k->reason == REASON_CGROUP_PRESSURE ||
                        k->reason == REASON_CGROUP_OWN_LIMIT;

        PlanEvent *e = sim_event(s, PLAN_EVENT_KILL, is_stall);
        if (e) {
                e->step = k->step;
                e->reason = k->reason;
                e->pid = c->pid;
                memcpy(e->comm, c->comm, sizeof(e->comm));
                memcpy(e->cgroup_path, c->cgroup_path, sizeof(e->cgroup_path));
                memcpy(e->policy_name, k->policy_name, sizeof(e->policy_name));
                e->freed_bytes = freed_bytes;
                if (k->available_bytes != UINT64_MAX)
                        e->available_bytes = k->available_bytes;
        }
        sim_regret_kill(s, k, e, number, freed_bytes);
        s->last_policy_kill_usec = s->now_usec;
        s->outcome.n_kills++;
}

/**
 * sim_kill_policy() - the policy's kill was confirmed
 *
 * The first candidate that is still there is the victim. An escalation changes nothing: the victim is on its way.
 */
void sim_kill_policy(PlanSim *s, const KillDecision *k) {
        Flight *f = k->is_escalation ? NULL : flight_new(s);
        uint64_t bytes = 0;
        uint32_t chosen = 0, number = f ? ++s->n_numbers : 0;

        if (!f)
                return;
        for (uint32_t i = 0; bytes == 0 && i < MIN(k->n_candidates, (uint32_t)CANDIDATES_MAX); i++) {
                chosen = i;
                bytes = victims_of(s, k, &k->candidates[i], number);
        }
        sim_note_kill(s, k, number, bytes, &k->candidates[bytes > 0 ? chosen : 0]);
        flight_start(s, f, k->kill_id, /* is_kernel= */ false, bytes, number);
        s->is_diverged = true;
}

/* ---- the kernel ---- */

static const char *oom_group_of(const PlanSim *s, const DemandProcess *p, const DemandCgroup *domain) {
        const char *path = NULL;
        uint32_t c = p->last.cgroup;
        /* the highest one within the domain */
        for (uint32_t depth = 0; c < s->demand.n_cgroups && depth < 64; depth++) {
                const DemandCgroup *at = &s->demand.cgroups[c];
                if (cgroup_has(&at->last, CGROUP_OOM_GROUP) && at->last.value[CGROUP_OOM_GROUP] == 1)
                        path = at->path;
                if (at == domain)
                        break;
                c = at->parent;
        }
        return path;
}

static DemandProcess *kernel_choose(PlanSim *s, const DemandCgroup *domain, uint32_t *ret_copy) {
        uint64_t ram = domain ? domain->limit_bytes : s->supply.total;
        uint64_t total = u64_add_sat(ram, u64_add_sat(s->supply.swap_disk, s->supply.swap_zram)) / s->demand.page_size;
        int64_t worst = INT64_MIN;
        DemandProcess *found = NULL;

        for (uint32_t i = 0; i < s->demand.n_processes; i++) {
                DemandProcess *p = &s->demand.processes[i];
                uint64_t size[_SIZE_MAX];
                Reject reject;
                if ((domain && !cgroup_path_inside(p->path, domain->path)) ||
                    !demand_process_at(&s->demand, p, s->now_usec, size))
                        continue;
                for (uint32_t copy = 0; copy <= p->copies.n_clones; copy++) {
                        if (((p->copies.gone | p->copies.dying) >> copy) & 1)
                                continue;
                        uint64_t permyriad = copy == 0 ? p->copies.base_permyriad : p->copies.clone_permyriad;
                        ProcessSample row = p->last;
                        row.rss_anon = u64_mul_div(size[SIZE_ANON], permyriad, PERMYRIAD);
                        row.rss_file = size[SIZE_FILE];
                        row.rss_shmem = size[SIZE_SHMEM];
                        row.swap = u64_mul_div(size[SIZE_SWAP], permyriad, PERMYRIAD);
                        row.pgtables = size[SIZE_TABLES];
                        int64_t points = badness_pages(&row, total, &reject);
                        if (points == INT64_MIN || (found && points < worst))
                                continue;
                        worst = points;
                        found = p;
                        *ret_copy = copy;
                }
        }
        return found;
}

/**
 * sim_kill_kernel() - the kernel finds nothing more to reclaim
 * @domain: the cgroup whose memory.max it is; NULL for the host
 */
void sim_kill_kernel(PlanSim *s, const DemandCgroup *domain, uint64_t deficit_bytes) {
        Flight *f = flight_new(s);
        uint32_t copy = 0, number = s->n_numbers + 1;
        uint64_t bytes = 0;

        if (!f || s->now_usec < s->kernel_pause_usec)
                return;
        DemandProcess *p = kernel_choose(s, domain, &copy);
        PlanEvent *e = sim_event(s, PLAN_EVENT_KERNEL_KILL, /* rests_on_stall= */ false);
        if (e)
                e->step = STEP_KILL;
        s->n_numbers = number;
        if (p) {
                const char *group = oom_group_of(s, p, domain);
                bytes = group ? victims_inside(s, group, copy, number) : victim_add(s, p, copy, number);
                if (e) {
                        e->pid = p->last.pid + (int32_t)copy * CLONE_PIDS;
                        memcpy(e->comm, p->last.comm, sizeof(e->comm));
                        memcpy(e->cgroup_path, p->path, MIN(strlen(p->path), sizeof(e->cgroup_path) - 1));
                }
        } else
                s->kernel_pause_usec = u64_add_sat(s->now_usec, NOBODY_USEC);
        if (e)
                e->freed_bytes = bytes;
        (void)deficit_bytes;
        sim_regret_kernel(s, e);
        flight_start(s, f, 0, /* is_kernel= */ true, bytes, p ? number : 0);
        s->oom_kills++;
        s->is_diverged = true;
        s->outcome.n_kernel_kills++;
}

/* ---- what stood in the record ---- */

void sim_saw_kill(PlanSim *s, const TraceKill *k, uint64_t mono_usec, uint64_t real_usec) {
        PlanEvent *e = sim_event(s, PLAN_EVENT_SAW_KILL, false);

        s->outcome.n_saw_kills++;
        if (e) {
                e->confidence = PLAN_MEASURED;
                e->mono_usec = mono_usec;
                e->real_usec = real_usec;
                e->step = k->step;
                e->reason = k->reason;
                e->pid = k->pid;
                memcpy(e->comm, k->comm, sizeof(e->comm));
                memcpy(e->cgroup_path, k->cgroup_path, sizeof(e->cgroup_path));
                memcpy(e->policy_name, k->policy_name, sizeof(e->policy_name));
                e->freed_bytes = k->freeable_bytes;
                e->available_bytes = k->available_bytes;
        }
        if (s->n_saws == SAW_MAX)
                memmove(s->saws, s->saws + 1, --s->n_saws * sizeof(*s->saws));
        SawKill *saw = &s->saws[s->n_saws++];
        *saw = (SawKill){ .kind = k->victim_kind, .pid = k->pid, .start_ticks = k->start_ticks, .usec = mono_usec };
        memcpy(saw->cgroup_path, k->cgroup_path, sizeof(saw->cgroup_path));
}

static bool saw_means(const PlanSim *s, const SawKill *k, const DemandProcess *p) {
        const DemandProcess *named;
        switch (k->kind) {
        case CANDIDATE_PROCESS:
                return p->last.pid == k->pid && p->last.start_ticks == k->start_ticks;
        case CANDIDATE_CGROUP:
                return k->cgroup_path[0] && cgroup_path_inside(p->path, k->cgroup_path);
        case CANDIDATE_GROUP:
                named = demand_find_process(&s->demand, k->pid, k->start_ticks);
                return named && p->last.pgid == named->last.pgid && strcmp(p->path, named->path) == 0;
        case _CANDIDATE_KIND_MAX:
                break;
        }
        return false;
}

static bool was_restarted(const Demand *d, const DemandProcess *ghost) {
        for (uint32_t i = 0; i < d->n_processes; i++) {
                const DemandProcess *p = &d->processes[i];
                if (p != ghost && !p->is_ghost && !p->is_in_begin && p->is_in_end && strcmp(p->path, ghost->path) == 0 &&
                    strncmp(p->last.comm, ghost->last.comm, COMM_MAX) == 0)
                        return true;
        }
        return false;
}

static void see_kernel_kills(PlanSim *s) {
        const Demand *d = &s->demand;
        const HostSample *a = &d->points[0].host, *b = &d->points[d->n_points - 1].host;
        DemandProcess *biggest = NULL;
        uint64_t most = SEEN_LEAST_BYTES / MAX(d->page_size, 1u);

        if (!host_has(a, HOST_VM_OOM_KILL) || !host_has(b, HOST_VM_OOM_KILL) ||
            b->value[HOST_VM_OOM_KILL] <= a->value[HOST_VM_OOM_KILL])
                return;
        for (uint32_t i = 0; i < d->n_processes; i++) {
                DemandProcess *p = &d->processes[i];
                if (p->is_in_end || !p->is_in_begin || p->is_ghost || process_private_pages(p->begin) < most)
                        continue;
                most = process_private_pages(p->begin);
                biggest = p;
        }
        TraceKill k = { .step = STEP_KILL, .available_bytes = b->value[HOST_MEM_AVAILABLE] };
        if (biggest) {
                k.pid = biggest->last.pid;
                k.start_ticks = biggest->last.start_ticks;
                memcpy(k.comm, biggest->last.comm, sizeof(k.comm));
                memcpy(k.cgroup_path, biggest->path, MIN(strlen(biggest->path), sizeof(k.cgroup_path) - 1));
                k.freeable_bytes = u64_mul_sat(most, d->page_size);
        }
        sim_saw_kill(s, &k, demand_end_usec(d), d->points[d->n_points - 1].real_usec);
}

int sim_ghosts(PlanSim *s) {
        Demand *d = &s->demand;

        see_kernel_kills(s);
        for (uint32_t i = 0; i < d->n_processes; i++) {
                DemandProcess *p = &d->processes[i];
                if (p->is_ghost) {
                        p->gone_usec = 0;
                        if (was_restarted(d, p))
                                p->ghost_until_usec = MIN(p->ghost_until_usec, demand_end_usec(d));
                        continue;
                }
                for (uint32_t k = 0; k < s->n_saws && !p->saw_killed; k++)
                        p->saw_killed = saw_means(s, &s->saws[k], p);
                uint64_t copies = copies_permyriad(&p->copies);
                if (!p->saw_killed || p->is_in_end || copies == 0 || s->is_exact)
                        continue;
                p->is_ghost = true;
                s->outcome.n_unknown_demands++;
                p->ghost_until_usec = u64_add_sat(demand_end_usec(d), GHOST_USEC);
                if (p->is_in_begin)
                        memcpy(p->end, p->begin, sizeof(p->end));
                s->is_diverged = true;
        }
        return 0;
}

/* ---- children of victims ---- */

/* A child of a victim would not have been born. */
static void inherit(PlanSim *s, DemandProcess *p) {
        for (uint32_t i = 0; i < s->demand.n_processes; i++) {
                const DemandProcess *parent = &s->demand.processes[i];
                if (parent->copies.gone && parent->last.pid == p->last.ppid && parent != p && !parent->is_ghost &&
                    parent->last.start_ticks <= p->last.start_ticks) {
                        p->copies.gone = parent->copies.gone;
                        p->killed_by = parent->killed_by;
                }
        }
}

void sim_inherit(PlanSim *s) {
        bool has_victims = false;

        for (uint32_t i = 0; i < s->demand.n_processes; i++)
                has_victims |= s->demand.processes[i].copies.gone != 0;
        for (uint32_t i = 0; has_victims && i < s->demand.n_processes; i++) {
                DemandProcess *p = &s->demand.processes[i];
                if (!p->is_in_begin && !p->is_ghost && p->killed_by == 0 && p->last.ppid > 1)
                        inherit(s, p);
        }
}

/* ---- measures ---- */

static void hold_release(PlanSim *s, uint64_t measure_id) {
        for (uint32_t i = 0; i < s->n_holds; i++)
                if (s->holds[i].measure_id == measure_id)
                        s->holds[i--] = s->holds[--s->n_holds];
}

static void hold_begin(PlanSim *s, const Measure *m) {
        const DemandCgroup *c;
        CgroupSample now;
        uint64_t file;

        (void)copy_of_id(s, m->cgroup_id, &c);
        if (s->n_holds == HOLDS_MAX || !c)
                return;
        demand_cgroup_at(&s->demand, c, s->now_usec, &now);
        s->holds[s->n_holds++] = (MeasureHold){
                .measure_id = m->measure_id, .cgroup_id = m->cgroup_id, .bytes = cgroup_demand(&now, &file)
        };
}

static void take_measure(PlanSim *s, const Measure *m) {
        const DemandCgroup *c;

        if (m->verb == MEASURE_RELEASE)
                hold_release(s, m->measure_id);
        if (m->verb != MEASURE_BEGIN)
                return;
        PlanEvent *e = sim_event(s, PLAN_EVENT_MEASURE, /* rests_on_stall= */ true);
        s->outcome.n_measures++;
        if (e) {
                e->step = m->step;
                e->reason = m->reason;
                e->pid = m->pid;
                memcpy(e->comm, m->comm, sizeof(e->comm));
                memcpy(e->cgroup_path, m->cgroup_path, sizeof(e->cgroup_path));
                memcpy(e->policy_name, m->policy_name, sizeof(e->policy_name));
        }
        s->is_diverged = true;
        if (m->step == STEP_THROTTLE || m->step == STEP_FREEZE)
                hold_begin(s, m);
        Flight *f = m->step == STEP_RESTART || m->step == STEP_STOP ? flight_new(s) : NULL;
        uint32_t copy = f ? copy_of_id(s, m->cgroup_id, &c) : 0;
        if (!f || !c)
                return;
        /* the unit's processes end; a restarted one begins with next to nothing */
        uint64_t bytes = victims_inside(s, c->path, copy, ++s->n_numbers);
        flight_start(s, f, 0, /* is_kernel= */ true, bytes, s->n_numbers);
        if (e)
                e->freed_bytes = bytes;
}

/**
 * sim_take_measures() - what the steps below the kill do
 *
 * Simple and on the safe side: reclaim and page-out move nothing that the host's own reclaim would not; a throttle or
 * freeze keeps a cgroup from growing while it is in force, after which all of its demand is there again at once.
 */
void sim_take_measures(PlanSim *s, const Decision *d) {
        for (uint32_t i = 0; i < d->n_measures; i++) {
                const Measure *m = &d->measures[i];
                take_measure(s, m);
                if (s->n_statuses < MEASURE_STATUSES_MAX)
                        s->statuses[s->n_statuses++] = (MeasureStatus){
                                .measure_id = m->measure_id,
                                .verb = m->verb,
                                .done_bytes = 0,
                                .ended_usec = s->now_usec,
                        };
        }
}

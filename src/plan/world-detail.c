/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Details for a sample that lacks them, out of what earlier samples had. Amounts are as old as they are; counters are
 * left out unless they are of this very sample.
 */

#include "plan/world-state.h"

/* A rate needs two of them from their own times. */
#define CGROUP_COUNTERS                                                                                            \
        (UINT64_C(1) << CGROUP_PSI_SOME_USEC | UINT64_C(1) << CGROUP_PSI_FULL_USEC | UINT64_C(1) << CGROUP_PGSCAN | \
         UINT64_C(1) << CGROUP_PGSTEAL | UINT64_C(1) << CGROUP_REFAULT_FILE | UINT64_C(1) << CGROUP_REFAULT_ANON |  \
         UINT64_C(1) << CGROUP_PGMAJFAULT | UINT64_C(1) << CGROUP_EVENT_LOW | UINT64_C(1) << CGROUP_EVENT_HIGH |    \
         UINT64_C(1) << CGROUP_EVENT_MAX | UINT64_C(1) << CGROUP_EVENT_OOM | UINT64_C(1) << CGROUP_EVENT_OOM_KILL)

static void complete_cgroup(const WorldCgroup *wc, const Snapshot *base, CgroupSample *c) {
        for (uint64_t left = wc->have & ~c->have; left != 0; left &= left - 1) {
                int f = __builtin_ctzll(left);
                if ((CGROUP_COUNTERS >> f & 1) && wc->seen_usec[f] != base->mono_usec)
                        continue;
                cgroup_set(c, (CgroupField)f, wc->value[f]);
        }
}

/* All cgroups: those of @base first, then the others. */
static int add_cgroups(PlanWorld *w, const Snapshot *base, Snapshot *ret) {
        uint32_t n = 0;

        if (world_reserve(&w->out_cgroups, base->n_cgroups + w->n_cgroups, &w->size_out_cgroups, sizeof(*w->out_cgroups)) < 0)
                return -ENOMEM;
        for (uint32_t i = 0; i < w->n_cgroups; i++)
                w->cgroups[i].at = INDEX_NONE;
        for (uint32_t i = 0; i < base->n_cgroups; i++) {
                WorldCgroup *wc = world_cgroup_find(w, base->cgroups[i].id);
                w->out_cgroups[n] = base->cgroups[i];
                if (wc) {
                        complete_cgroup(wc, base, &w->out_cgroups[n]);
                        wc->at = n;
                }
                n++;
        }
        for (uint32_t i = 0; i < w->n_cgroups; i++) {
                WorldCgroup *wc = &w->cgroups[i];
                if (wc->at != INDEX_NONE)
                        continue;
                w->out_cgroups[n] = (CgroupSample){
                        .id = wc->id, .parent = INDEX_NONE, .policy = wc->policy, .marks = wc->marks, .path = wc->path
                };
                complete_cgroup(wc, base, &w->out_cgroups[n]);
                wc->at = n++;
        }
        for (uint32_t i = 0; i < n; i++) {
                const WorldCgroup *wc = world_cgroup_find(w, w->out_cgroups[i].id),
                                  *parent = wc && wc->parent_id ? world_cgroup_find(w, wc->parent_id) : NULL;
                if (w->out_cgroups[i].parent == INDEX_NONE && parent)
                        w->out_cgroups[i].parent = parent->at;
        }
        ret->cgroups = w->out_cgroups;
        ret->n_cgroups = n;
        return 0;
}

static uint32_t cgroup_at(const PlanWorld *w, const Snapshot *s, uint64_t id) {
        const WorldCgroup *wc = id ? world_cgroup_find(w, id) : NULL;
        if (wc && wc->at < s->n_cgroups && s->cgroups[wc->at].id == id)
                return wc->at;
        for (uint32_t i = 0; !wc && id && i < s->n_cgroups; i++)
                if (s->cgroups[i].id == id)
                        return i;
        return INDEX_NONE;
}

static int add_processes(PlanWorld *w, Snapshot *ret, bool from_world) {
        uint32_t n = 0;

        if (world_reserve(&w->out_processes, MAX(w->n_processes, ret->n_processes), &w->size_out_processes,
                    sizeof(*w->out_processes)) < 0)
                return -ENOMEM;
        for (uint32_t i = 0; i < ret->n_cgroups; i++) {
                WorldCgroup *wc = world_cgroup_find(w, ret->cgroups[i].id);
                if (wc)
                        wc->at = i;
        }
        for (uint32_t i = 0; from_world && i < w->n_processes; i++)
                if (w->processes[i].last_usec > 0)
                        w->out_processes[n++] = w->processes[i].sample;
        for (uint32_t i = 0; !from_world && i < ret->n_processes; i++)
                w->out_processes[n++] = ret->processes[i];
        for (uint32_t i = 0; i < n; i++)
                w->out_processes[i].cgroup = cgroup_at(w, ret, w->out_processes[i].cgroup_id);
        ret->processes = w->out_processes;
        ret->n_processes = n;
        return 0;
}

uint32_t plan_detail_answers(uint32_t detail) {
        return detail | (detail & DETAIL_CGROUPS ? (uint32_t)DETAIL_KNOWN_CGROUPS : 0) |
               (detail & DETAIL_KNOWN_PROCESSES ? (uint32_t)DETAIL_PROCESSES : 0) |
               (detail & DETAIL_KNOWN_STATS ? (uint32_t)DETAIL_STATS : 0);
}

int plan_world_detailed(PlanWorld *w, const Snapshot *base, uint32_t detail, Snapshot *ret, uint64_t *ret_age_usec) {
        const WorldInfo *info = &w->info;
        uint64_t oldest = base->mono_usec;
        Snapshot s = *base;
        int r = 0;

        uint32_t missing = detail & ~plan_detail_answers(base->detail);
        if ((missing & DETAIL_ANY_CGROUPS && info->cgroups_usec == 0) || (missing & DETAIL_STATS && info->stats_usec == 0) ||
            (missing & DETAIL_PROCESSES && info->processes_usec == 0))
                r = -ENODATA;
        if (info->cgroups_usec == 0)
                missing &= ~(uint32_t)DETAIL_ANY_CGROUPS;
        if (info->stats_usec == 0)
                missing &= ~(uint32_t)DETAIL_STATS;
        if (info->processes_usec == 0)
                missing &= ~(uint32_t)DETAIL_PROCESSES;
        if (missing & (DETAIL_ANY_CGROUPS | DETAIL_STATS)) {
                if (add_cgroups(w, base, &s) < 0)
                        return -ENOMEM;
                if (missing & DETAIL_ANY_CGROUPS)
                        oldest = MIN(oldest, info->cgroups_usec);
                if (missing & DETAIL_STATS)
                        oldest = MIN(oldest, info->stats_usec);
        }
        if (missing) {
                if (add_processes(w, &s, missing & DETAIL_PROCESSES) < 0)
                        return -ENOMEM;
                if (missing & DETAIL_PROCESSES)
                        oldest = MIN(oldest, info->processes_usec);
        }
        s.detail = detail_plain(s.detail | missing | (detail & plan_detail_answers(base->detail) & (DETAIL_PROCESSES | DETAIL_STATS)));
        *ret = s;
        *ret_age_usec = base->mono_usec - oldest;
        return r;
}

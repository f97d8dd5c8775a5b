/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A recorded sample as the other policy would have had it: with the details that it asked for, its own choice of cgroups,
 * and what its own rules say of each process. The record itself belongs to its source and is not touched.
 */

#include <string.h>

#include "plan/replay-state.h"

/* Cgroups that only the other policy watches stand in the detailed samples only; in between their use is as of then. */
#define EXTRA_AGE_USEC (30 * USEC_PER_SEC)

static int reserve_cgroups(ReplayOther *o, uint32_t n) {
        if (n <= o->size_cgroups)
                return 0;
        CgroupSample *bigger = reallocarray(o->cgroups, n + n / 2 + 64, sizeof(*bigger));
        if (!bigger)
                return -ENOMEM;
        o->cgroups = bigger;
        o->size_cgroups = n + n / 2 + 64;
        return 0;
}

static int copy_lists(ReplayOther *o, const Snapshot *s) {
        if (reserve_cgroups(o, s->n_cgroups) < 0)
                return -ENOMEM;
        if (s->n_processes > o->size_processes) {
                ProcessSample *bigger = reallocarray(o->processes, s->n_processes + 64, sizeof(*bigger));
                if (!bigger)
                        return -ENOMEM;
                o->processes = bigger;
                o->size_processes = s->n_processes + 64;
        }
        if (s->n_cgroups > 0)
                memcpy(o->cgroups, s->cgroups, s->n_cgroups * sizeof(*s->cgroups));
        if (s->n_processes > 0)
                memcpy(o->processes, s->processes, s->n_processes * sizeof(*s->processes));
        o->snap = *s;
        o->snap.cgroups = o->cgroups;
        o->snap.processes = o->processes;
        return 0;
}

/* After a sample of all cgroups: which does this side watch that the recorder does not? */
static int find_extra(PlanReplay *r, const Snapshot *recorded) {
        ReplayOther *o = &r->other;

        o->n_extra = 0;
        for (uint32_t i = 0; i < recorded->n_cgroups; i++) {
                if (o->cgroups[i].policy < 0 || recorded->cgroups[i].policy >= 0)
                        continue;
                if (o->n_extra == o->size_extra) {
                        uint32_t size = MAX(2 * o->size_extra, UINT32_C(16));
                        uint64_t *bigger = reallocarray(o->extra, size, sizeof(*bigger));
                        if (!bigger)
                                return -ENOMEM;
                        o->extra = bigger;
                        o->size_extra = size;
                }
                o->extra[o->n_extra++] = recorded->cgroups[i].id;
        }
        r->result.n_watched_coarsely = MAX(r->result.n_watched_coarsely, (uint64_t)o->n_extra);
        return 0;
}

/* Amounts only: a counter of another time makes no rate. */
static int add_extra(PlanReplay *r) {
        ReplayOther *o = &r->other;
        static const CgroupField amounts[] = { CGROUP_CURRENT, CGROUP_SWAP_CURRENT, CGROUP_MIN, CGROUP_LOW, CGROUP_HIGH,
                                               CGROUP_MAX, CGROUP_SWAP_MAX };

        if (reserve_cgroups(o, o->snap.n_cgroups + o->n_extra) < 0)
                return -ENOMEM;
        o->snap.cgroups = o->cgroups;
        for (uint32_t i = 0; i < o->n_extra; i++) {
                const WorldCgroup *wc = plan_world_cgroup(r->world, o->extra[i]);
                if (!wc || o->snap.mono_usec - wc->last_usec > EXTRA_AGE_USEC)
                        continue;
                CgroupSample *c = &o->cgroups[o->snap.n_cgroups++];
                *c = (CgroupSample){ .id = wc->id, .parent = INDEX_NONE, .policy = wc->policy, .marks = wc->marks,
                                     .path = wc->path };
                for (size_t f = 0; f < ARRAY_SIZE(amounts); f++)
                        if (wc->have >> amounts[f] & 1)
                                cgroup_set(c, amounts[f], wc->value[amounts[f]]);
        }
        return 0;
}

int replay_other_take(PlanReplay *r, const Snapshot *recorded, uint32_t detail) {
        ReplayOther *o = &r->other;
        Snapshot s;
        uint64_t age;

        int n = plan_world_detailed(r->world, recorded, detail, &s, &age);
        if (n < 0 && n != -ENODATA)
                return n;
        r->result.n_synthesised += (s.detail & ~plan_detail_answers(recorded->detail)) != 0;
        r->result.age_max_usec = MAX(r->result.age_max_usec, age);
        if (copy_lists(o, &s) < 0)
                return -ENOMEM;
        bool is_all = (o->snap.detail & DETAIL_ANY_CGROUPS) != 0;
        n = is_all || o->n_extra == 0 ? 0 : add_extra(r);
        if (n >= 0)
                n = rematch_cgroups(o->rematch, r->world, o->cgroups, o->snap.n_cgroups);
        if (n >= 0 && (recorded->detail & DETAIL_CGROUPS))
                n = find_extra(r, recorded);
        rematch_processes(o->rematch, r->world, o->processes, o->snap.n_processes);
        return n;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* For properties over generated histories: chance that is the same each time, and snapshots in another order. */

#include "world.h"

static inline uint64_t random_next(uint64_t *s) {
        *s ^= *s << 13;
        *s ^= *s >> 7;
        *s ^= *s << 17;
        return *s;
}

static inline uint64_t random_below(uint64_t *s, uint64_t n) {
        return random_next(s) % n;
}

/* The same snapshot with everything in another order. */
static inline void snapshot_shuffle(const Snapshot *in, Snapshot *ret, CgroupSample *cgroups, ProcessSample *processes, uint64_t *rng) {
        uint32_t to[WORLD_CGROUPS];
        *ret = *in;
        ret->cgroups = cgroups;
        ret->processes = processes;
        for (uint32_t i = 0; i < in->n_cgroups; i++)
                to[i] = i;
        for (uint32_t i = in->n_cgroups; i > 1; i--) {
                uint32_t k = (uint32_t)random_below(rng, i), t = to[i - 1];
                to[i - 1] = to[k];
                to[k] = t;
        }
        for (uint32_t i = 0; i < in->n_cgroups; i++) {
                cgroups[to[i]] = in->cgroups[i];
                if (in->cgroups[i].parent < in->n_cgroups)
                        cgroups[to[i]].parent = to[in->cgroups[i].parent];
        }
        memcpy(processes, in->processes, in->n_processes * sizeof(*processes));
        for (uint32_t i = in->n_processes; i > 1; i--) {
                uint32_t k = (uint32_t)random_below(rng, i);
                ProcessSample t = processes[i - 1];
                processes[i - 1] = processes[k];
                processes[k] = t;
        }
        for (uint32_t i = 0; i < in->n_processes; i++)
                if (processes[i].cgroup < in->n_cgroups)
                        processes[i].cgroup = to[processes[i].cgroup];
}

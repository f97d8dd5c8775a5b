/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * For Rank=pressure and Rank=scan: deltas, never the counters themselves, since a cgroup that was
 * scanned a lot last week is not the one that is scanned now. A cgroup that was re-created has another
 * id and starts anew; a counter that goes backwards has no delta.
 */

#include "decide/stall.h"

size_t stall_table_size(uint32_t max_cgroups) {
        return 2 * (size_t)max_cgroups * sizeof(StallEntry) + (size_t)hash_index_slots(max_cgroups) * sizeof(uint32_t);
}

void stall_table_init(StallTable *t, void *memory, uint32_t max_cgroups) {
        StallEntry *e = memory;
        *t = (StallTable){
                .entries = { e, e + max_cgroups },
                .index.slots = (uint32_t *)(e + 2 * (size_t)max_cgroups),
                .max = max_cgroups,
        };
}

const StallEntry *stall_table_find(const StallTable *t, uint64_t cgroup_id) {
        if (t->n == 0)
                return NULL;
        HASH_INDEX_FOREACH(&t->index, hash_index_mix(cgroup_id, 0), k) {
                if (t->entries[t->present][k].id == cgroup_id)
                        return &t->entries[t->present][k];
        }
        return NULL;
}

void stall_table_update(StallTable *t, const Snapshot *snap) {
        StallEntry *next = t->entries[!t->present];
        uint32_t n = 0;

        for (uint32_t i = 0; i < snap->n_cgroups && n < t->max; i++) {
                const CgroupSample *c = &snap->cgroups[i];
                const StallEntry *before = stall_table_find(t, c->id);
                StallEntry e = {
                        .id = c->id,
                        .usec = snap->mono_usec,
                        .has_full = cgroup_has(c, CGROUP_PSI_FULL_USEC),
                        .has_scan = cgroup_has(c, CGROUP_PGSCAN),
                        .full_usec = c->value[CGROUP_PSI_FULL_USEC],
                        .pgscan = c->value[CGROUP_PGSCAN],
                };
                if (before && e.has_full && before->has_full && e.full_usec >= before->full_usec) {
                        e.has_full_delta = true;
                        e.full_delta = e.full_usec - before->full_usec;
                }
                if (before && e.has_scan && before->has_scan && e.pgscan >= before->pgscan) {
                        e.has_scan_delta = true;
                        e.scan_delta = e.pgscan - before->pgscan;
                }
                next[n++] = e;
        }
        t->present = !t->present;
        t->n = n;
        hash_index_reset(&t->index, n);
        for (uint32_t k = 0; k < n; k++)
                hash_index_add(&t->index, hash_index_mix(next[k].id, 0), k);
}

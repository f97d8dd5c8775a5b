/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/macros.h"
#include "decide/hash-index.h"
#include "model/snapshot.h"

/* How much each cgroup stalled and was scanned between the last two detailed samples. */
typedef struct StallEntry {
        uint64_t id, usec;
        uint64_t full_usec, pgscan;   /* counters as last seen */
        uint64_t full_delta, scan_delta;
        bool has_full, has_scan, has_full_delta, has_scan_delta;
} StallEntry;

typedef struct StallTable {
        StallEntry *entries[2];
        HashIndex index;
        uint32_t present, n, max;
} StallTable;

size_t stall_table_size(uint32_t max_cgroups);
void stall_table_init(StallTable *t, void *memory, uint32_t max_cgroups);
/* Takes in a snapshot with DETAIL_CGROUPS. */
void stall_table_update(StallTable *t, const Snapshot *snap);
const StallEntry *stall_table_find(const StallTable *t, uint64_t cgroup_id);

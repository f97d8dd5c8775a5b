/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/macros.h"
#include "decide/hash-index.h"
#include "model/snapshot.h"

/* The two kinds of stall, as indices. */
enum { STALL_SOME, STALL_FULL, N_STALLS };

/* What a cgroup used, what came back to it and how long it stood still, as seen at one time. */
typedef struct UsagePoint {
        uint64_t usec;
        uint64_t bytes;         /* memory and swap */
        uint64_t refault_pages; /* anonymous and file */
        uint64_t full_usec;
        bool has_bytes, has_refaults, has_full;
} UsagePoint;

typedef struct UsageEntry {
        uint64_t id;
        UsagePoint last;
        UsagePoint base; /* that differences are taken from */
        UsagePoint next; /* becomes the base when it is old enough */
        /* pressure: the last reading, and how much it was above the one before */
        uint64_t stall_seen_usec, stall[N_STALLS], stall_delta[N_STALLS];
        bool has_stall, has_stall_delta;
} UsageEntry;

typedef struct UsageTable {
        UsageEntry *entries[2];
        HashIndex index;
        uint32_t present, n, max;
        uint64_t usec; /* time of the last update, 0 before the first */
} UsageTable;

/* How a cgroup has changed over the recent past. */
typedef struct UsageChange {
        bool has_growth, has_refaults, has_stall;
        uint64_t growth_bytes, refault_pages, span_usec;
        uint32_t stall_permyriad; /* `full` */
} UsageChange;

size_t usage_table_size(uint32_t max_cgroups);
void usage_table_init(UsageTable *t, void *memory, uint32_t max_cgroups);
/* Takes in a snapshot with DETAIL_CGROUPS and DETAIL_STATS; forgets cgroups that are not in it. */
void usage_table_update(UsageTable *t, const Snapshot *snap);
const UsageEntry *usage_table_find(const UsageTable *t, uint64_t cgroup_id);
/* False where it has been seen only once, or not at all. */
bool usage_change(const UsageTable *t, uint64_t cgroup_id, UsageChange *ret);

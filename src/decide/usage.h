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

/* Two readings of a counter, one look apart. */
typedef struct UsageCounter {
        uint64_t value, delta;
        bool has_value, has_delta;
} UsageCounter;

/* What the steps of the ladder go by, as of the last look that was for them. */
typedef struct UsageLadder {
        bool is_known;
        UsagePoint last;
        UsagePoint base; /* that differences are taken from */
        UsagePoint next; /* becomes the base when it is old enough */
        UsageCounter stall[N_STALLS];
} UsageLadder;

typedef struct UsageEntry {
        uint64_t id;
        UsageCounter full, scan; /* for Rank=pressure and Rank=scan, of every look */
        UsageLadder ladder;
} UsageEntry;

typedef struct UsageTable {
        UsageEntry *entries[2];
        HashIndex index;
        uint32_t present, n, max;
        uint64_t ladder_usec; /* time of the last look for the ladder, 0 before the first */
} UsageTable;

/* How a cgroup has changed over the recent past. */
typedef struct UsageChange {
        bool has_growth, has_refaults, has_stall;
        uint64_t growth_bytes, refault_pages, span_usec;
        uint32_t stall_permyriad; /* `full` */
} UsageChange;

size_t usage_table_size(uint32_t max_cgroups);
void usage_table_init(UsageTable *t, void *memory, uint32_t max_cgroups);
/* Takes in a snapshot with DETAIL_CGROUPS; forgets cgroups that are not in it. @for_ladder: it holds DETAIL_STATS, and
 * what the steps of the ladder go by is wanted. */
void usage_table_update(UsageTable *t, const Snapshot *snap, bool for_ladder);
const UsageEntry *usage_table_find(const UsageTable *t, uint64_t cgroup_id);
/* False where it has been seen only once for the ladder, or not at all. */
bool usage_change(const UsageTable *t, uint64_t cgroup_id, UsageChange *ret);

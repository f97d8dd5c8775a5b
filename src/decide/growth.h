/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/macros.h"
#include "decide/hash-index.h"
#include "model/snapshot.h"

/* A size in pages as it was seen at one time. */
typedef struct GrowthPoint {
        uint64_t usec, pages;
        uint64_t file_pages; /* of these, mapped from files; UINT64_MAX where only oom_score was read */
} GrowthPoint;

/* What is remembered of one process, to see how it has grown. */
typedef struct GrowthEntry {
        int32_t pid;
        uint64_t start_ticks;
        GrowthPoint base; /* that growth is measured from */
        GrowthPoint next; /* becomes the base when it is GROWTH_STEP_USEC old */
} GrowthEntry;

/* Two dense generations, the present and the one being built, and a hash index over the present. */
typedef struct GrowthTable {
        GrowthEntry *entries[2];
        HashIndex index;
        uint32_t present; /* which generation */
        uint32_t n, max;
        uint64_t scan_usec; /* time of the last scan, 0 before the first */
        uint64_t youngest_ticks; /* latest start of a process that was seen in any scan */
} GrowthTable;

size_t growth_table_size(uint32_t max_processes);
void growth_table_init(GrowthTable *t, void *memory, uint32_t max_processes);
/* Takes in a snapshot with all processes; forgets processes that are not in it. */
void growth_table_update(GrowthTable *t, const Snapshot *snap, uint64_t total_pages);
/* Pages that @p has grown since its base and the base's age; false where that is not known. */
bool growth_of(const GrowthTable *t, const ProcessSample *p, uint64_t size_pages, uint64_t now_usec,
               uint64_t *ret_pages, uint64_t *ret_span_usec);
/* Its size now, file pages included: exact where it was read, else from oom_score; false where neither is known. */
bool growth_size_pages(const ProcessSample *p, uint64_t total_pages, uint64_t *ret);

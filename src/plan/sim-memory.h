/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The host of the question while time passes: where the demand lies (RAM, page cache, zram, disk swap), what reclaim
 * does, how long tasks stand still.
 */

#include "base/macros.h"
#include "plan/sim-supply.h"

/* What the simulation adds to the recorded demand, and takes away: copies, ghosts; victims, what is held back. */
typedef struct DemandChange {
        uint64_t more, less;           /* bytes of demand */
        uint64_t more_file, less_file; /* of page cache */
} DemandChange;

/* How fast the devices are and how stall follows; measured on the record where it has seen any. */
typedef struct StallScale {
        bool is_calibrated;
        uint64_t bytes, some_usec, full_usec; /* of the record while it moved pages and tasks stood still */
} StallScale;

typedef struct HostMemory {
        bool is_own; /* no more the recorded one */
        bool has_last;
        HostDemand last;
        /* state, bytes */
        uint64_t swapped_disk, swapped_zram, file, slab;
        /* outcome of the latest step */
        uint64_t demand, swappable, free, available, room_swap;
        uint64_t deficit; /* demand that had no place */
        bool is_oom;      /* and none could be made: the kernel would kill */
        uint64_t some_usec, full_usec; /* of the step */
        uint64_t modelled_usec;        /* of full_usec, what the record did not have */
        /* what the record's counters lack; pages and events */
        uint64_t scanned_kswapd, scanned_direct, stolen_kswapd, stolen_direct, refault_file, refault_anon, swapped_in,
                swapped_out, allocstall;
        StallScale scale;
} HostMemory;

void memory_reset(HostMemory *m);
/* What the record's own pressure teaches: two of its samples, @usec apart. */
void memory_calibrate(HostMemory *m, const HostSample *before, const HostSample *now, uint64_t usec, uint32_t page_size);
/*
 * One step of @usec. @some_usec, @full_usec: what the record stood still in it; @has_scanned: and whether it was short of
 * memory meanwhile.
 */
void memory_step(HostMemory *m, const Supply *s, const HostDemand *d, const DemandChange *change, uint64_t usec,
                 uint64_t some_usec, uint64_t full_usec, bool has_scanned, uint32_t page_size);
/* @bytes of demand have ended: what of it was in swap is free. */
void memory_release(HostMemory *m, uint64_t bytes);
/* Of what swap still takes, what is a gain: zram gives back less than it takes in. */
uint64_t memory_usable_swap(const HostMemory *m, const Supply *s);

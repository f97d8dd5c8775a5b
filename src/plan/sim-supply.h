/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a host asks for and what it has, in bytes, out of one sample of it; and what another host would have.
 */

#include "base/macros.h"
#include "model/snapshot.h"
#include "plan/sim.h"

/* One sample of a host, taken apart. */
typedef struct HostDemand {
        bool is_known; /* MemTotal and MemAvailable or MemFree were read; all else is 0 where not */
        uint64_t total, free, available;
        uint64_t file, hot_file; /* page cache that reclaim may drop, and of it what is used again */
        uint64_t slab;           /* reclaimable */
        uint64_t swapped_disk, swapped_zram, zram_stored;
        uint64_t demand;    /* what reclaim can only move to swap or not at all, what is in swap included */
        uint64_t swappable; /* of @demand */
        uint64_t raised_min; /* min_free_kbytes where it is more than the kernel's own choice by size; 0: it is not */
        uint64_t low;       /* watermark */
        uint64_t reserve;   /* what MemAvailable leaves out of free memory by the kernel's formula */
} HostDemand;

void host_demand_of(const HostSample *h, HostDemand *ret);

/* The kernel's watermarks of a host, all zones together. */
typedef struct Watermarks {
        uint64_t min, low, high, reserve;
} Watermarks;

/* @raised_min: min_free_kbytes where it is known to be more than the kernel's own choice; 0 otherwise. */
Watermarks watermarks_of(uint64_t total_bytes, uint64_t raised_min);

typedef struct Supply {
        bool is_recorded; /* the very host of the record */
        uint64_t total;   /* MemTotal */
        Watermarks marks;
        uint64_t swap_disk, swap_zram;
        uint64_t zram_permyriad; /* stored to original size */
        uint32_t swappiness;
        PlanConfidence confidence; /* the best that a number can have that rests on this */
        bool is_swap_new;          /* the record has no swap of this kind: its speed is assumed */
} Supply;

void supply_of(const PlanQuestion *q, const HostSample *h, const HostDemand *d, Supply *ret);
/* MemAvailable as the kernel would print it. */
uint64_t supply_available(const Supply *s, uint64_t free, uint64_t file, uint64_t slab);
/* MemTotal of a machine with @ram_bytes, out of that of the recorded one: less what the kernel keeps to itself. */
uint64_t supply_total_of_ram(uint64_t recorded_total, uint64_t ram_bytes);
/* RAM of a machine whose MemTotal is @total_bytes: sizes as one can buy or configure them. */
uint64_t supply_ram_of_total(uint64_t total_bytes);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* /proc/swaps, and what zram swap really frees: /sys/block/zramN/mm_stat. */

#include "base/macros.h"

/* zram devices used as swap that are looked at. One is usual; the kernel allows 32 swap areas at most. */
#define SWAPS_ZRAM_MAX 32

typedef struct Swaps {
        uint32_t n_areas;
        uint64_t total_bytes, used_bytes;
        uint64_t zram_total_bytes, zram_used_bytes;
        uint32_t n_zram;
        uint32_t zram[SWAPS_ZRAM_MAX]; /* device numbers: the N of zramN */
} Swaps;

typedef struct ZramStat {
        uint64_t orig_bytes;     /* what is stored, uncompressed */
        uint64_t mem_used_bytes; /* RAM that it takes, allocator's overhead included */
} ZramStat;

int swaps_parse(const char *text, Swaps *ret);
int zram_mm_stat_parse(const char *text, ZramStat *ret);

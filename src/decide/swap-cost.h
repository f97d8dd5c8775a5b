/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a page from swap takes, and what one of a file takes, on this host and under its present load. */

#include "base/macros.h"
#include "model/sysctl.h"

/* A window ends when it holds enough, not before this; one that does not fill up in time is dropped. */
#define SWAP_COST_WINDOW_USEC     (8 * USEC_PER_SEC)
#define SWAP_COST_WINDOW_MAX_USEC (120 * USEC_PER_SEC)
/* Enough, of each of the two. zram is counted in clock ticks: with fewer pages a single tick would decide. */
#define SWAP_COST_PAGES_MIN 2000
#define SWAP_COST_READS_MIN 100

/* Both above 0, in the same unit. */
typedef struct PageCost {
        uint64_t swap_nsec, file_nsec;       /* a page of 4 KiB */
        uint64_t n_swap_pages, n_file_pages; /* read, the latest windows; 0 of each where nothing was measured */
} PageCost;

/* All zero is a good beginning. */
typedef struct SwapCost {
        bool has_window;
        uint64_t window_begin_usec, block_set;
        BlockIo window_swap, window_file; /* as they were when it began */
        BlockIo swap, file;               /* what was seen so far; each window counts half of the one after it */
} SwapCost;

/* True where a window has ended that holds enough: @ret is what the latest ones say. Untouched otherwise. */
bool swap_cost_step(SwapCost *s, const SysctlSample *sample, uint64_t now_usec, PageCost *ret);
/* What the kernel's documentation makes of it: 200 x / (1 + x) where swap is x times as fast. 0 to 200. */
uint32_t swap_cost_swappiness(const PageCost *c);

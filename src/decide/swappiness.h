/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Swappiness=auto: what it should be, and why. Part of tune.h, and asked at its pace. */

#include "base/macros.h"
#include "decide/swap-cost.h"
#include "model/snapshot.h"
#include "model/sysctl.h"

/* Refaults are weighed over windows of at least this; a step that comes much later has missed something. */
#define TUNE_WINDOW_USEC     (8 * USEC_PER_SEC)
#define TUNE_WINDOW_MAX_USEC (120 * USEC_PER_SEC)
/* Fewer refaulted pages in a window than this say nothing: 2 MiB in ten seconds with pages of 4 KiB. */
#define TUNE_REFAULTS_MIN 500
/* One move, where the formula does not ask for more, and what must lie between two. */
#define TUNE_MOVE          10
#define TUNE_MOVE_GAP_USEC (60 * USEC_PER_SEC)
/* Windows in a row that ask for the same: before such a move, and before one that the formula asks for, too. */
#define TUNE_WINDOWS         9
#define TUNE_WINDOWS_FORMULA 3
/* A move back takes twice as many, and twice that after each further turn, this often at most. */
#define TUNE_REVERSALS_MAX 4

/* All zero is a good beginning. */
typedef struct SwappinessState {
        bool has_value;
        SwapKind kind; /* that @value began from */
        uint32_t value;
        PageCost cost; /* by the kind of swap, then as measured */
        bool is_measured;
        SwapCost measuring;
        SysctlAdvice advice; /* why it is what it is */
        bool has_moved;      /* or has begun */
        uint64_t moved_usec;
        bool has_window;
        uint64_t window_begin_usec, window_anon, window_file;
        int32_t direction, direction_moved; /* -1, 0, 1: of the windows in a row; of the last move */
        uint32_t n_windows, n_reversals;
} SwappinessState;

void swappiness_step(SwappinessState *s, const SysctlPolicy *p, const SysctlSample *sample, const Snapshot *snap,
                     SysctlAdvice *ret);
/* It is not auto any more. What must lie between two moves still must. */
void swappiness_forget(SwappinessState *s);
/* The swappiness that suits a kind of swap by itself; false for kinds without one. */
bool swappiness_of_kind(SwapKind kind, uint32_t *ret);

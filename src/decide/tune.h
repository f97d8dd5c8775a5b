/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the kernel's memory settings should be now. Pure like the rest of decide/, but with a state and a pace of its
 * own: it is asked every ten seconds, not at every tick, and nothing that it says is urgent.
 */

#include "base/macros.h"
#include "model/snapshot.h"
#include "model/sysctl.h"

/* Refaults are weighed over windows of at least this; a step that comes much later has missed something. */
#define TUNE_WINDOW_USEC     (30 * USEC_PER_SEC)
#define TUNE_WINDOW_MAX_USEC (120 * USEC_PER_SEC)
/* One move, and what must lie between two. */
#define TUNE_MOVE           10
#define TUNE_MOVE_GAP_USEC  (60 * USEC_PER_SEC)
/* Windows in a row that ask for the same, before the first move and before one back. */
#define TUNE_WINDOWS         3
#define TUNE_WINDOWS_BACK    6
#define TUNE_REVERSALS_MAX   4
/* Fewer refaulted pages in a window than this say nothing: 4 MiB in half a minute with pages of 4 KiB. */
#define TUNE_REFAULTS_MIN 1000
/* Bounds of OvercommitRatio=auto, and what it is rounded up to, so that not each new peak is a change. */
#define TUNE_RATIO_MIN  UINT64_C(50)
#define TUNE_RATIO_MAX  UINT64_C(400)
#define TUNE_RATIO_STEP UINT64_C(5)

typedef struct TuneState {
        /* swappiness */
        bool has_swappiness;
        SwapKind kind; /* that @swappiness began from */
        uint32_t swappiness;
        SysctlAdvice advice; /* why it is what it is */
        bool has_moved;
        uint64_t moved_usec;
        bool has_window;
        uint64_t window_begin_usec, window_anon, window_file;
        int32_t direction, direction_moved; /* -1, 0, 1: of the windows in a row; of the last move */
        uint32_t n_windows, n_reversals;
        /* overcommit */
        bool has_peak;
        uint64_t peak_bytes; /* highest Committed_AS that was seen or handed in */
} TuneState;

void tune_init(TuneState *s, bool has_peak, uint64_t peak_bytes);
void tune_step(TuneState *s, const SysctlPolicy *p, const SysctlSample *sample, const Snapshot *snap,
               TuneDecision *ret);
/* The swappiness that suits a kind of swap by itself; false for kinds without one. */
bool tune_swappiness_base(SwapKind kind, uint32_t *ret);

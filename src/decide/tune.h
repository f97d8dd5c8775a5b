/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the kernel's memory settings should be now. Pure like the rest of decide/, but with a state and a pace of its
 * own: it is asked every ten seconds, not at every tick, and nothing that it says is urgent.
 */

#include "base/macros.h"
#include "decide/swappiness.h"
#include "model/snapshot.h"
#include "model/sysctl.h"

/* Bounds of OvercommitRatio=auto, and what it is rounded up to, so that not each new peak is a change. */
#define TUNE_RATIO_MIN  UINT64_C(50)
#define TUNE_RATIO_MAX  UINT64_C(400)
#define TUNE_RATIO_STEP UINT64_C(5)

typedef struct TuneState {
        SwappinessState swappiness;
        /* overcommit */
        bool has_peak;
        uint64_t peak_bytes; /* highest Committed_AS that was seen or handed in */
} TuneState;

void tune_init(TuneState *s, bool has_peak, uint64_t peak_bytes);
void tune_step(TuneState *s, const SysctlPolicy *p, const SysctlSample *sample, const Snapshot *snap,
               TuneDecision *ret);

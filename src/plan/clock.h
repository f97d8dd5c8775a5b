/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The time of a trace: how long it was really watched, and where it was not. A gap is never bridged: nobody takes a
 * difference over it (facts of the planner: rule 8), and it is shown.
 */

#include "base/macros.h"
#include "trace/trace.h"

typedef enum PlanGapWhy {
        PLAN_GAP_LOST,    /* the recorder, or damage in the file, lost records */
        PLAN_GAP_SILENCE, /* longer without a sample than the recorder's interval explains */
        PLAN_GAP_CLOCK,   /* the clocks moved apart: suspended, or the wall clock was set */
        PLAN_GAP_BOOT,    /* another boot of the host */
        _PLAN_GAP_WHY_MAX,
} PlanGapWhy;

typedef struct PlanGap {
        PlanGapWhy why;
        uint64_t axis_usec; /* where on the axis it begins */
        uint64_t real_usec; /* of the last sample before it */
        uint64_t span_usec; /* 0 where not known */
} PlanGap;

#define PLAN_GAPS_MAX 256

typedef struct PlanClock {
        bool has_sample, is_broken;
        PlanGapWhy broken_why;
        uint64_t mono_usec, real_usec; /* of the latest sample */
        uint64_t first_real_usec;
        uint64_t axis_usec;            /* since the first sample, gaps included */
        uint64_t observed_usec;        /* the same without gaps */
        uint64_t silence_usec;         /* a longer step is a gap */
        char boot_id[40];
        uint32_t n_boots;
        uint64_t n_gaps;               /* of which the first PLAN_GAPS_MAX are kept */
        PlanGap gaps[PLAN_GAPS_MAX];
} PlanClock;

void plan_clock_init(PlanClock *c);
/* A record that is no sample: it may end the continuity. */
void plan_clock_note(PlanClock *c, const TraceRecord *r);
/* The next sample. Return: usec since the one before; 0 where no difference may be taken. */
uint64_t plan_clock_step(PlanClock *c, uint64_t mono_usec, uint64_t real_usec);
const char *plan_gap_why_to_string(PlanGapWhy w);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * ApplyToKernel=: the adjustment of the rules, written to oom_score_adj of the processes that match. See adjust.c for
 * what is written, to whom, and what is left alone.
 */

#include "act/undo.h"
#include "base/macros.h"
#include "model/snapshot.h"

typedef enum AdjustOutcome {
        ADJUST_NOTHING,  /* is as it should be, or is not ours to change */
        ADJUST_WRITTEN,  /* another value than its own now */
        ADJUST_RESTORED, /* its own value again */
        ADJUST_LATER,    /* look again: it was forked a moment ago, or could not be read */
        ADJUST_FOREIGN,  /* somebody else has set a value after us: left alone from now on */
        ADJUST_REFUSED,  /* see the error: -EACCES, the right to lower it is missing (CAP_SYS_RESOURCE) */
        ADJUST_FULL,     /* the journal or the table has no room: left alone */
        ADJUST_GONE,     /* it has ended meanwhile */
        _ADJUST_OUTCOME_MAX,
        _ADJUST_OUTCOME_INVALID = -EINVAL,
} AdjustOutcome;

typedef struct AdjustCounts {
        uint32_t n_adjusted; /* have another value than their own, because of us */
        uint32_t n_wanted;   /* would have one, if everything could be written; in a dry run the only one that counts */
        uint32_t n_foreign;
        uint32_t n_refused;
} AdjustCounts;

typedef struct Adjust Adjust;

/* @root_fd, @undo: borrowed, must outlive it. @undo NULL: nothing is ever written. @max_processes: 0 for 65536. */
int adjust_new(int root_fd, Undo *undo, uint32_t max_processes, Adjust **ret);
/* Restores nothing: that is adjust_restore()'s or, after a crash, undo_replay()'s. */
Adjust *adjust_free(Adjust *a);
DEFINE_TRIVIAL_CLEANUP(Adjust, adjust_free)

/* From the next adjust_see() on: true writes nothing but what puts a process's own value back. */
void adjust_set_dry_run(Adjust *a, bool dry_run);
/* After a replay of the journal: a child that inherited the value, but had no entry yet, is known by it. */
void adjust_remember(Adjust *a, const UndoEntry *e);

/*
 * @p as it was read this moment, its rules asked. @now_ticks: CLOCK_BOOTTIME in the unit of start_ticks.
 * @ret_error may be NULL.
 */
AdjustOutcome adjust_see(Adjust *a, const ProcessSample *p, uint64_t now_usec, uint64_t now_ticks, int *ret_error);
/* After a replay of the journal while we run: what was put back is not ours any more. */
void adjust_forget_released(Adjust *a);
/* It has ended: its entry is struck out. */
void adjust_end(Adjust *a, int32_t pid);
/* Gives all processes that were seen their own values back. Returns how many could not be. */
uint32_t adjust_restore(Adjust *a, uint64_t now_ticks);

/*
 * Which processes to look at, given all that there are (sorted): new ones, young ones (they may execute their program
 * yet), and some of the others in turn; with @all, all. Writes at most @max to @ret, returns how many.
 */
uint32_t adjust_plan(Adjust *a, const int32_t *pids, uint32_t n, uint64_t now_usec, bool all, int32_t *ret,
                     uint32_t max);
/* After all of a plan were looked at: strikes out those that were not in its listing. */
void adjust_sweep(Adjust *a);

bool adjust_knows(const Adjust *a, int32_t pid);
/* Has it, by us, another value than its own? Then a child of it inherits that. */
bool adjust_has_changed(const Adjust *a, int32_t pid);
/* Fills kernel_adjust of all processes, and the oom_score_adj of those that were not read since it was written. */
void adjust_annotate(const Adjust *a, Snapshot *snap);
AdjustCounts adjust_counts(const Adjust *a);

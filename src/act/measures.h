/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Carries out the measures of the ladder. Every call that may block (memory.high and memory.reclaim hold their
 * writer for as long as reclaim takes, the service manager may not answer) runs on threads of its own, not on
 * the one that releases victims' memory: one for what frees memory, one for what holds a cgroup. What lasts is written to the undo journal before it is done.
 */

#include "act/act.h"
#include "act/undo.h"
#include "base/macros.h"
#include "model/measure.h"

typedef struct Measures Measures;

/* @host, @undo: borrowed, must outlive it. */
int measures_new(const ActHost *host, Undo *undo, Measures **ret);
/* Ends what is under way and frees; releases nothing: that is undo_replay()'s. */
Measures *measures_free(Measures *ms);
DEFINE_TRIVIAL_CLEANUP(Measures, measures_free)

/* Never waits, never allocates. 0: a status will follow, also for a dry run; -ENOBUFS: too many under way, no status.
 * STEP_TRIM is not for it: -EINVAL. */
int measures_submit(Measures *ms, const Measure *m);
/* An eventfd that is readable when a status is there; borrowed. */
int measures_fd(const Measures *ms);
/* What has ended since, at most @max; each once. Breaks off what has passed its limit. */
uint32_t measures_collect(Measures *ms, uint64_t mono_usec, MeasureStatus *ret, uint32_t max);
uint32_t measures_under_way(const Measures *ms);

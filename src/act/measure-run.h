/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The measures themselves: one function a step, called on the thread of measures.c. They may block; a signal breaks
 * a call off at the deadline, and each looks at measure_run_is_over() between its calls.
 */

#include <stdatomic.h>

#include "act/act.h"
#include "act/undo.h"
#include "model/measure.h"

typedef struct MeasureRun {
        const ActHost *host;
        Undo *undo;
        const Measure *m;
        const _Atomic bool *stop; /* we are to end */
        uint64_t deadline_usec;
        /* answers */
        bool by_manager;
        uint64_t done_bytes;
} MeasureRun;

bool measure_run_is_over(const MeasureRun *run);

/* All: 0 or negative errno, as MeasureStatus.error says. */
int measure_reclaim(MeasureRun *run);
int measure_pageout(MeasureRun *run);
int measure_throttle(MeasureRun *run);
int measure_slow(MeasureRun *run);
int measure_freeze(MeasureRun *run);
int measure_unit(MeasureRun *run); /* restart and stop */

/* What they share; see measure-setting.c. */

/* The cgroup meant, or -ENOENT; other negative errno. */
int measure_open_cgroup(const MeasureRun *run);
/* The larger of memory.min and memory.low. */
int measure_read_protection(int cgroup_fd, uint64_t *ret);
/* What one call that reclaims is asked for, of a cgroup that uses @current_bytes: milliseconds, even to a disk. */
uint64_t measure_chunk(uint64_t current_bytes);
/* A number out of a file of the cgroup: -EOPNOTSUPP where there is no such file. */
int measure_read_u64(int cgroup_fd, const char *file, uint64_t *ret);
/* -ECANCELED: holds us, pid 1, or what is protected from the kernel's OOM killer. */
int measure_check_members(const MeasureRun *run, int cgroup_fd);

/* Journals, then writes @value to @file of the cgroup. -EBUSY: that setting is changed already. */
int measure_setting_begin(const MeasureRun *run, int cgroup_fd, const char *file, const char *value);
/* Another value; -ESTALE: it is not ours any more, and forgotten. */
int measure_setting_adjust(const MeasureRun *run, int cgroup_fd, const char *file, const char *value);
/* Puts back what is open for this setting of the measure's cgroup, if anything. */
int measure_setting_release(const MeasureRun *run, UndoKind kind, const char *key);
/* Writes our value of @file again where the manager has just put the old one back, with all else of the unit. */
void measure_setting_again(const MeasureRun *run, int cgroup_fd, const char *file);
/* @kind and @key of the measure's cgroup, for the journal. */
void measure_setting_entry(const MeasureRun *run, UndoKind kind, const char *key, UndoEntry *ret);
UndoHost measure_undo_host(const MeasureRun *run);

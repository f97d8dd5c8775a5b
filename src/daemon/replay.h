/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Puts everything back that the undo journal holds, on a thread of its own: the service manager may not answer, and
 * the loop must not wait for it. One at a time.
 */

#include <systemd/sd-event.h>

#include "act/undo.h"
#include "base/macros.h"

typedef struct ReplayResult {
        UndoEntry entry;
        UndoOutcome outcome;
        int error;
} ReplayResult;

/* What came of it, the latest change first. Borrowed until the Replay goes. */
typedef struct ReplayReport {
        const ReplayResult *results;
        uint32_t n_results;
        uint32_t n_failed;
        uint32_t n_lost; /* done, but there was no memory to say so */
} ReplayReport;

typedef struct Replay Replay;

/*
 * @undo, @host and what it points to must outlive it. @done is called on the loop, once. -EAGAIN: no thread could be
 * made.
 */
int replay_start(sd_event *event, int64_t priority, Undo *undo, const UndoHost *host, bool all,
                 void (*done)(void *userdata, const ReplayReport *report), void *userdata, Replay **ret);
/* The same with undo_replay_left(). */
int replay_start_left(sd_event *event, int64_t priority, Undo *undo, const UndoHost *host, uint64_t last_serial,
                      void (*done)(void *userdata, const ReplayReport *report), void *userdata, Replay **ret);
/* Waits for the thread where it still runs. */
Replay *replay_free(Replay *r);
DEFINE_TRIVIAL_CLEANUP(Replay, replay_free)

/* The same here and now, by the caller, for when there is no loop yet or no more; replay_free() frees the report. */
int replay_run(Undo *undo, const UndoHost *host, bool all, ReplayReport *ret_report, Replay **ret);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon's trace. Whoever records never waits and never allocates: a record is encoded into a ring of fixed size,
 * and a thread of its own opens the file, compresses, and writes to the disk. A disk that hangs or is full costs records
 * (counted, and a gap in the trace), never a tick.
 */

#include "daemon/record-place.h"
#include "trace/file.h"

typedef struct Recorder Recorder;

typedef struct RecorderOptions {
        TraceEncoderOptions encoder;
        RecordPlace place; /* copied */
        uint64_t file_bytes_max, total_bytes_max;
        uint64_t stop_usec; /* how long recorder_free() waits for the disk, in whole seconds; 0: 2 s */
        Recorder *after;    /* taken in any case, or NULL: gets no more records, and writes its rest before this one begins there */
} RecorderOptions;

/* Starts the thread, which opens the file. Records may come at once. -ENAMETOOLONG, -ENOMEM; -EAGAIN: no thread. */
int recorder_new(const RecorderOptions *o, Recorder **ret);
/* Is the file open? -EINPROGRESS: not known yet; 0: it is; errors of record_place_open() and trace_file_new(). */
int recorder_opened(const Recorder *r);
/* The same, after waiting until it is known, but not for longer than @timeout_usec; USEC_INFINITY: for ever. */
int recorder_wait(Recorder *r, uint64_t timeout_usec);
/* Waits at most @stop_usec for the rest to be written; then as recorder_leave(). */
Recorder *recorder_free(Recorder *r);
/* No more records will come: the thread writes the rest and lets go of the place. Does not wait; again is fine. */
void recorder_end(Recorder *r);
/* The same, and frees everything when it is done. */
Recorder *recorder_leave(Recorder *r);
DEFINE_TRIVIAL_CLEANUP(Recorder, recorder_free)

/*
 * Encodes @record into the ring; it may go at once. @is_urgent: it is to be on the disk soon, not only with the next
 * ones. Return: 0; -ENOBUFS, -ENOSPC and what trace_encode() returns: it is lost, and the next one follows on a gap.
 */
int recorder_put(Recorder *r, const TraceRecord *record, bool is_urgent);

typedef struct RecorderStats {
        uint64_t n_records, n_lost, n_encoded_bytes;
        uint64_t n_gaps; /* put where something was lost, with records behind them */
        uint64_t n_disk_errors;
        int disk_error; /* the latest, negative errno; 0 */
} RecorderStats;
void recorder_stats(const Recorder *r, RecorderStats *ret);

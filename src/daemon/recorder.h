/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon's trace. Whoever records never waits and never allocates: a record is encoded into a ring of fixed size,
 * and a thread of its own compresses it and writes it to the disk. A disk that hangs or is full costs records (counted,
 * and a gap in the trace), never a tick.
 */

#include "trace/file.h"

typedef struct Recorder Recorder;

typedef struct RecorderOptions {
        TraceEncoderOptions encoder;
        int dir_fd;       /* borrowed: duplicated */
        const char *name; /* as in TraceFileOptions */
        bool is_single;
        uint64_t file_bytes_max, total_bytes_max;
        uint64_t stop_usec; /* how long recorder_free() waits for the disk, in whole seconds; 0: 2 s */
} RecorderOptions;

/* Opens the file and starts the thread. Errors of trace_file_new(); -EAGAIN where there is no thread. */
int recorder_new(const RecorderOptions *o, Recorder **ret);
/* Waits at most @stop_usec for the rest to be written. Where the thread is stuck, its memory is left to it. */
Recorder *recorder_free(Recorder *r);
DEFINE_TRIVIAL_CLEANUP(Recorder, recorder_free)

/*
 * Encodes @record into the ring; it may go at once. @is_urgent: it is to be on the disk soon, not only with the next
 * ones. Return: 0; -ENOBUFS, -ENOSPC and what trace_encode() returns: it is lost, and the next one follows on a gap.
 */
int recorder_put(Recorder *r, const TraceRecord *record, bool is_urgent);

typedef struct RecorderStats {
        uint64_t n_records, n_lost, n_encoded_bytes;
        uint64_t n_disk_errors;
        int disk_error; /* the latest, negative errno; 0 */
} RecorderStats;
void recorder_stats(const Recorder *r, RecorderStats *ret);

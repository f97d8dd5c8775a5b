/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Records -> a file. Two halves, so that a loop that may not wait or allocate can record:
 *
 * TraceEncoder turns records into bytes: in memory that was taken at the start, change-coded against what it has
 * encoded before. It says where a new segment begins: there everything is encoded whole, so that a reader can begin.
 * TraceFile takes these bytes, compresses, checksums and writes them; it may block and belongs on a thread of its own.
 */

#include "trace/trace.h"

typedef struct TraceEncoderOptions {
        uint32_t max_cgroups, max_processes; /* more in one snapshot: -ENOSPC for that record, which is then a gap */
        uint64_t segment_usec;               /* a new segment after this much time; 0: 10 min */
} TraceEncoderOptions;

typedef struct TraceEncoder TraceEncoder;

/* The memory is reserved, and touched only as far as it is needed. */
int trace_encoder_new(const TraceEncoderOptions *o, TraceEncoder **ret);
TraceEncoder *trace_encoder_free(TraceEncoder *e);
DEFINE_TRIVIAL_CLEANUP(TraceEncoder, trace_encoder_free)

/*
 * Appends the bytes of @r to @buf. No allocation, no I/O. Return: how many bytes (> 0), *ret_segment says whether they
 * begin a segment; -ENOBUFS: do not fit into @size: the record is lost: encode a TRACE_GAP next, which begins a segment by
 * itself (so does any other record after an error); -ENOSPC: see above; -EINVAL: not a record that a reader would take.
 * START and POLICY are kept, and stand again at the beginning of each later segment. FACTS are not: where some may have
 * been lost, the recorder has to tell them again. A POLICY that did not fit is kept as well: it is in force, and whoever
 * reads on has it from the next segment.
 */
ssize_t trace_encode(TraceEncoder *e, const TraceRecord *r, void *buf, size_t size, bool *ret_segment);

typedef struct TraceFileOptions {
        int dir_fd;                 /* borrowed; directory of the files */
        const char *name;           /* "headroom": files are NAME-REALTIMEUSEC.trace; or, with is_single, the file itself */
        bool is_single;             /* one file, no rotation (headroomctl record FILE) */
        uint64_t real_usec;         /* the time now, for the names: src/trace reads no clock. Later ones go by mono_usec */
        uint64_t file_bytes_max;    /* begin a new file at the next segment; 0: 16 MiB */
        uint64_t total_bytes_max;   /* remove the oldest files of this NAME beyond; 0: no limit. The current one stays, and is a quarter of it at most */
        uint64_t flush_usec;        /* what is lost at most in a crash; 0: 10 s */
} TraceFileOptions;

typedef struct TraceFile TraceFile;

/* The file is mode 0600. An existing single file is replaced when it is empty or a trace, else -EBADMSG. */
int trace_file_new(const TraceFileOptions *o, TraceFile **ret);
/* Bytes of trace_encode(), in order. May block on the disk. @mono_usec: of the record, for the flush interval. */
int trace_file_append(TraceFile *f, const void *data, size_t n, bool is_segment, uint64_t mono_usec);
int trace_file_flush(TraceFile *f);
/* Flushes and closes; NULL is fine. */
TraceFile *trace_file_free(TraceFile *f);
DEFINE_TRIVIAL_CLEANUP(TraceFile, trace_file_free)

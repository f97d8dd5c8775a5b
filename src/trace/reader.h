/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * File -> records. Everything in a file is input: truncated, bit-flipped, foreign and newer-versioned ones are told by
 * their offset; memory is bounded whatever a file says.
 */

#include "trace/trace.h"

typedef struct TraceReader TraceReader;

typedef struct TraceReaderOptions {
        bool salvage; /* go on at the next segment behind damage, with a TRACE_GAP in between */
} TraceReaderOptions;

typedef struct TraceError {
        char path[256];
        uint64_t offset;
        char text[160]; /* what is wrong, what was expected */
} TraceError;

/*
 * @paths: files, or directories of which all *.trace files are read in the order of their names. Relative ones begin at
 * @dir_fd. A torn tail of the last segment of a file is no error: everything before it is read (trace_reader_torn()).
 * Return: 0; negative errno from open(2); -EBADMSG: not a trace, or of a newer version; @ret_error says where and what.
 */
int trace_reader_new(int dir_fd, char *const *paths, size_t n_paths, const TraceReaderOptions *o, TraceError *ret_error,
                     TraceReader **ret);
TraceReader *trace_reader_free(TraceReader *r);
DEFINE_TRIVIAL_CLEANUP(TraceReader, trace_reader_free)
/* As TraceSource.next. */
int trace_reader_next(TraceReader *r, const TraceRecord **ret);
TraceSource trace_reader_source(TraceReader *r);
/* Of the latest -EBADMSG, or of damage that was passed over. */
const TraceError *trace_reader_error(const TraceReader *r);

typedef struct TraceReaderStats {
        uint64_t file_bytes, raw_bytes, n_records, n_segments, n_damaged, n_torn, n_files;
        uint64_t hash; /* of the bytes read so far */
} TraceReaderStats;
const TraceReaderStats *trace_reader_stats(const TraceReader *r);

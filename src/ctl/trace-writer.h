/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Records -> one file, for programs that may wait: the encoder's bytes go straight to the file. */

#include "trace/file.h"

typedef struct TraceWriter {
        TraceEncoder *encoder;
        TraceFile *file;
        int dir_fd;
        char *buf;
        size_t size;
        uint64_t n_records, n_lost;
} TraceWriter;

#define TRACE_WRITER_NULL ((TraceWriter){ .dir_fd = -EBADF })

/* @path: begun anew where it is a trace or empty, never another kind of file. Errors are said. */
int trace_writer_open(TraceWriter *w, const char *path);
int trace_writer_put(TraceWriter *w, const TraceRecord *r);
/* What is still in memory goes to the disk. */
int trace_writer_close(TraceWriter *w);
void trace_writer_done(TraceWriter *w);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "synth/write.h"

/* A whole sample of a host of 8192 cgroups and 16384 processes. */
#define BUFFER_BYTES (16u << 20)

static int put(TraceEncoder *e, TraceFile *f, const TraceRecord *r, void *buf, uint64_t *bytes) {
        bool is_segment;
        ssize_t n = trace_encode(e, r, buf, BUFFER_BYTES, &is_segment);

        if (n < 0)
                return (int)n;
        *bytes += (uint64_t)n;
        return trace_file_append(f, buf, (size_t)n, is_segment, r->kind == TRACE_START ? r->start.mono_usec : r->snap.mono_usec);
}

int synth_write(Synth *s, const TraceFileOptions *options, uint64_t *ret_bytes) {
        const TraceEncoderOptions limits = { .max_cgroups = 8192, .max_processes = 16384 };
        _cleanup_(trace_encoder_freep) TraceEncoder *e = NULL;
        _cleanup_(trace_file_freep) TraceFile *f = NULL;
        _cleanup_free_ void *buf = malloc(BUFFER_BYTES);
        TraceSource source = synth_source(s);
        const TraceRecord *record;
        uint64_t bytes = 0;

        if (!buf)
                return -ENOMEM;
        int r = trace_encoder_new(&limits, &e);
        if (r >= 0)
                r = trace_file_new(options, &f);
        while (r >= 0 && (r = trace_next(&source, &record)) > 0)
                r = put(e, f, record, buf, &bytes);
        if (r >= 0)
                r = trace_file_flush(f);
        if (r >= 0)
                *ret_bytes = bytes;
        return r;
}

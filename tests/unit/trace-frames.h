/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Frames of an encoder through a decoder, without a file between them. */

#include "trace/decoder.h"
#include "trace/file.h"

/* The bytes of one trace_encode(). *ret: the record that is no repetition; NULL for none. 0 or -EBADMSG. */
static inline int frames_decode(TraceDecoder *d, const uint8_t *p, size_t n, bool segment, const TraceRecord **ret) {
        WireIn w = { .p = p, .end = p + n };
        const TraceRecord *r;

        *ret = NULL;
        if (segment)
                decoder_begin(d);
        while (w.p < w.end) {
                uint64_t length = wire_get_varint(&w);
                const uint8_t *frame = wire_get_bytes(&w, length);
                if (w.is_bad)
                        return -EBADMSG;
                int q = decoder_frame(d, frame, (size_t)length, &r);
                if (q < 0)
                        return q;
                if (q > 0 && !d->is_repeated)
                        *ret = r;
        }
        return 0;
}

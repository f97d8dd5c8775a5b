/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Numbers as bytes. A write beyond the end is dropped and remembered, a read beyond the end gives 0 and is remembered:
 * callers look once, at the end of a record.
 *
 * varint: seven bits a byte, least significant first, the top bit says that more follow.
 * zigzag: a signed difference as an unsigned number that is small where the difference is (0, -1, 1, -2 ...).
 * scaled: six bits and a flag in the first byte. The flag says that the number is to be multiplied by 4096: most sizes
 *         are whole pages, and their differences then take two bytes less.
 */

#include <string.h>

#include "base/macros.h"

#define WIRE_VARINT_MAX 10
#define WIRE_SCALE      UINT64_C(4096)

typedef struct WireOut {
        uint8_t *p;
        size_t size, n;
        bool is_full;
} WireOut;

typedef struct WireIn {
        const uint8_t *p, *end;
        bool is_bad;
} WireIn;

static inline void wire_put_byte(WireOut *w, uint8_t b) {
        if (w->n < w->size)
                w->p[w->n++] = b;
        else
                w->is_full = true;
}

static inline void wire_put_bytes(WireOut *w, const void *data, size_t n) {
        if (n > w->size - w->n) {
                w->is_full = true;
                return;
        }
        memcpy(w->p + w->n, data, n);
        w->n += n;
}

static inline void wire_put_varint(WireOut *w, uint64_t v) {
        for (; v >= 0x80; v >>= 7)
                wire_put_byte(w, (uint8_t)(v | 0x80));
        wire_put_byte(w, (uint8_t)v);
}

static inline void wire_put_fixed64(WireOut *w, uint64_t v) {
        for (int i = 0; i < 8; i++)
                wire_put_byte(w, (uint8_t)(v >> (8 * i)));
}

static inline uint64_t wire_zigzag(uint64_t delta) {
        return (delta << 1) ^ (0 - (delta >> 63));
}

static inline uint64_t wire_unzigzag(uint64_t v) {
        return (v >> 1) ^ (0 - (v & 1));
}

static inline void wire_put_scaled(WireOut *w, uint64_t delta) {
        bool whole = delta % WIRE_SCALE == 0;
        uint64_t v = wire_zigzag(whole ? (uint64_t)((int64_t)delta / (int64_t)WIRE_SCALE) : delta);
        uint8_t first = (uint8_t)((v & 0x3f) << 1 | whole);

        v >>= 6;
        wire_put_byte(w, (uint8_t)(first | (v ? 0x80 : 0)));
        if (v)
                wire_put_varint(w, v);
}

static inline uint8_t wire_get_byte(WireIn *w) {
        if (w->p < w->end)
                return *w->p++;
        w->is_bad = true;
        return 0;
}

static inline uint64_t wire_get_varint(WireIn *w) {
        uint64_t v = 0;

        for (unsigned shift = 0; shift < 70; shift += 7) {
                uint8_t b = wire_get_byte(w);
                if (shift == 63 && b > 1)
                        break; /* more than 64 bits */
                v |= (uint64_t)(b & 0x7f) << shift;
                if (!(b & 0x80))
                        return v;
        }
        w->is_bad = true;
        return 0;
}

static inline uint64_t wire_get_fixed64(WireIn *w) {
        uint64_t v = 0;

        for (int i = 0; i < 8; i++)
                v |= (uint64_t)wire_get_byte(w) << (8 * i);
        return v;
}

static inline uint64_t wire_get_scaled(WireIn *w) {
        uint8_t first = wire_get_byte(w);
        uint64_t v = (first >> 1) & 0x3f;

        if (first & 0x80) {
                uint64_t rest = wire_get_varint(w);
                if (rest >> 58)
                        w->is_bad = true;
                v |= rest << 6;
        }
        v = wire_unzigzag(v);
        return first & 1 ? v * WIRE_SCALE : v;
}

/* @n bytes inside the input, NULL where there are not as many. */
static inline const uint8_t *wire_get_bytes(WireIn *w, uint64_t n) {
        const uint8_t *p = w->p;

        if (n > (uint64_t)(w->end - w->p)) {
                w->is_bad = true;
                return NULL;
        }
        w->p += n;
        return p;
}

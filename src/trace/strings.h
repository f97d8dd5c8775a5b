/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The strings of a segment, each of them once: names and paths are numbers everywhere else. Number 0 is the empty one.
 * The encoder looks them up by their text, the decoder only by number.
 */

#include "trace/chains.h"

typedef struct Strings {
        char *bytes; /* each with its NUL */
        uint32_t *offset;
        size_t size, used;
        uint32_t n, max;
        uint32_t n_sent; /* of the encoder: those below are in the trace */
        bool is_full;    /* one did not fit since the last reset */
        Chains index;
} Strings;

int strings_init(Strings *s, size_t size, uint32_t max, bool with_index);
void strings_done(Strings *s);
void strings_reset(Strings *s);
/* Number of the new string; 0 with is_full set where there is no room. @text without NUL inside. */
uint32_t strings_add(Strings *s, const void *text, size_t n);
/* Number of the string, which is added where it is new. */
uint32_t strings_intern(Strings *s, const char *text, size_t n);

static inline const char *strings_get(const Strings *s, uint32_t i) {
        return s->bytes + s->offset[i];
}
static inline size_t strings_length(const Strings *s, uint32_t i) {
        return (i + 1 < s->n ? s->offset[i + 1] : s->used) - s->offset[i] - 1;
}
bool strings_equal(const Strings *s, uint64_t i, const char *text, size_t n);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/macros.h"

/* One window of one raw value: enough slots to find a sample that is just older than the window. */
#define SERIES_SLOTS 20

typedef struct SeriesSample {
        uint64_t usec, value;
} SeriesSample;

/* What a push mostly needs lies in front, in one cache line: the slots are looked at when one of them is due. */
typedef struct Series {
        uint64_t window_usec;
        SeriesSample last;
        SeriesSample base; /* series_base_of(last.usec, window_usec), where has_base */
        uint64_t due_usec; /* a push before this neither makes a slot nor moves the base */
        uint16_t head, n;  /* slots[head] is the newest */
        uint16_t n_young;  /* slots that are less than a window older than last.usec: those before the base */
        bool has_last, has_base;
        SeriesSample slots[SERIES_SLOTS];
} Series;

void series_init(Series *s, uint64_t window_usec);
void series_clear(Series *s);
/* The rest of series_push(): slots and base. */
void series_advance(Series *s);
/* A counter (@is_counter) that goes backwards was reset: what came before is dropped. */
static inline void series_push(Series *s, uint64_t usec, uint64_t value, bool is_counter) {
        if (s->has_last && (usec < s->last.usec || (is_counter && value < s->last.value)))
                series_clear(s);
        s->last = (SeriesSample){ usec, value };
        s->has_last = true;
        if (usec >= s->due_usec)
                series_advance(s);
}
/* The youngest sample that is at least a window older than @usec; false until there is one. */
bool series_base_of(const Series *s, uint64_t usec, uint64_t window_usec, SeriesSample *ret);
/* The same for the series' own window; of a shorter one it is no finer than a sixteenth of that. */
static inline bool series_base(const Series *s, uint64_t usec, SeriesSample *ret) {
        if (!s->has_last || usec != s->last.usec)
                return series_base_of(s, usec, s->window_usec, ret);
        if (s->has_base)
                *ret = s->base;
        return s->has_base;
}

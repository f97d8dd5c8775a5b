/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/macros.h"

/* One window of one raw value: enough slots to find a sample that is just older than the window. */
#define SERIES_SLOTS 20

typedef struct SeriesSample {
        uint64_t usec, value;
} SeriesSample;

typedef struct Series {
        uint64_t window_usec;
        uint32_t head, n; /* slots[head] is the newest */
        SeriesSample last;
        bool has_last;
        SeriesSample slots[SERIES_SLOTS];
} Series;

void series_init(Series *s, uint64_t window_usec);
void series_clear(Series *s);
/* A counter (@is_counter) that goes backwards was reset: what came before is dropped. */
void series_push(Series *s, uint64_t usec, uint64_t value, bool is_counter);
/* The youngest sample that is at least a window older than @usec; false until there is one. */
bool series_base_of(const Series *s, uint64_t usec, uint64_t window_usec, SeriesSample *ret);
/* The same for the series' own window; of a shorter one it is no finer than a sixteenth of that. */
static inline bool series_base(const Series *s, uint64_t usec, SeriesSample *ret) {
        return series_base_of(s, usec, s->window_usec, ret);
}

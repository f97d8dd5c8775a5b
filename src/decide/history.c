/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Windows over raw values. A rate over "the last 2 s" needs a sample that is 2 s old; samples come at
 * any interval between 50 ms and many seconds (the loop itself may be starved), so each series keeps
 * slots a sixteenth of its window apart and a rate is taken over the time that really passed.
 *
 * A long gap is not bridged wrongly: PSI totals and counters are cumulative, so the delta over the gap
 * is exact, and the span that the rate is divided by is the gap itself.
 */

#include "decide/history.h"

#include <string.h>

#define SLOTS_PER_WINDOW 16

void series_init(Series *s, uint64_t window_usec) {
        memset(s, 0, sizeof(*s));
        s->window_usec = window_usec;
}

void series_clear(Series *s) {
        series_init(s, s->window_usec);
}

void series_push(Series *s, uint64_t usec, uint64_t value, bool is_counter) {
        if (s->has_last && (usec < s->last.usec || (is_counter && value < s->last.value)))
                series_clear(s);
        s->last = (SeriesSample){ usec, value };
        s->has_last = true;
        if (s->n > 0 && usec - s->slots[s->head].usec < s->window_usec / SLOTS_PER_WINDOW)
                return;
        s->head = (s->head + 1) % SERIES_SLOTS;
        s->slots[s->head] = s->last;
        s->n = MIN(s->n + 1, (uint32_t)SERIES_SLOTS);
}

/* @i: 0 is the newest. */
static const SeriesSample *slot_of_age(const Series *s, uint32_t i) {
        return &s->slots[s->head >= i ? s->head - i : s->head + SERIES_SLOTS - i];
}

bool series_base_of(const Series *s, uint64_t usec, uint64_t window_usec, SeriesSample *ret) {
        uint32_t young = 0, old = s->n;

        /* Times only fall with age, so that the youngest of those that are old enough is found by halving: each term of
         * each domain asks at each step, and mostly it is far back. */
        while (young < old) {
                uint32_t middle = (young + old) / 2;
                uint64_t slot_usec = slot_of_age(s, middle)->usec;
                if (slot_usec < usec && usec - slot_usec >= window_usec)
                        old = middle;
                else
                        young = middle + 1;
        }
        if (old == s->n)
                return false;
        *ret = *slot_of_age(s, old);
        return true;
}

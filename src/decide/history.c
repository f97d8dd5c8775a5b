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

/* @i: 0 is the newest. */
static const SeriesSample *slot_of_age(const Series *s, uint32_t i) {
        return &s->slots[s->head >= i ? s->head - i : s->head + SERIES_SLOTS - i];
}

static bool is_old_enough(const SeriesSample *slot, uint64_t usec, uint64_t window_usec) {
        return slot->usec < usec && usec - slot->usec >= window_usec;
}

/*
 * Time goes forward from push to push, so that the base only ever moves to younger slots: it is kept from step to step
 * rather than looked for by each term of each domain.
 */
void series_advance(Series *s) {
        uint64_t usec = s->last.usec, spacing = s->window_usec / SLOTS_PER_WINDOW;

        if (s->n == 0 || usec - s->slots[s->head].usec >= spacing) {
                s->head = (uint16_t)((s->head + 1) % SERIES_SLOTS);
                s->slots[s->head] = s->last;
                s->n = MIN((uint16_t)(s->n + 1), (uint16_t)SERIES_SLOTS);
                s->n_young = MIN((uint16_t)(s->n_young + 1), s->n);
        }
        while (s->n_young > 0 && is_old_enough(slot_of_age(s, s->n_young - 1u), usec, s->window_usec))
                s->n_young--;
        s->has_base = s->n_young < s->n;
        if (s->has_base)
                s->base = *slot_of_age(s, s->n_young);
        s->due_usec = u64_add_sat(s->slots[s->head].usec, spacing);
        if (s->n_young == 0)
                return;
        uint64_t age = MAX(s->window_usec, UINT64_C(1)); /* a window of nothing still wants a slot that is older */
        s->due_usec = MIN(s->due_usec, u64_add_sat(slot_of_age(s, s->n_young - 1u)->usec, age));
}

bool series_base_of(const Series *s, uint64_t usec, uint64_t window_usec, SeriesSample *ret) {
        uint32_t young = 0, old = s->n;

        /* Times only fall with age, so that the youngest of those that are old enough is found by halving. */
        while (young < old) {
                uint32_t middle = (young + old) / 2;
                if (is_old_enough(slot_of_age(s, middle), usec, window_usec))
                        old = middle;
                else
                        young = middle + 1;
        }
        if (old == s->n)
                return false;
        *ret = *slot_of_age(s, old);
        return true;
}

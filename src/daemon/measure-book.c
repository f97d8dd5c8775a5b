/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/measure-book.h"

#include <string.h>

#include "base/pages.h"

struct MeasureBook {
        uint64_t base, last; /* ids of the state begin after base; last: the highest given out */
        MeasureStatus answers[BOOK_ANSWERS_MAX];
        uint32_t n_answers;
        uint32_t n_used; /* entries beyond have never been touched, or are free */
        BookEntry entries[BOOK_ENTRIES_MAX];
};

int measure_book_new(MeasureBook **ret) {
        /* A quarter of a megabyte, of which a calm host touches nothing: what is zero is not set to zero. */
        MeasureBook *b = pages_new(sizeof(*b));
        if (!b)
                return -ENOMEM;
        *ret = b;
        return 0;
}

MeasureBook *measure_book_free(MeasureBook *b) {
        return pages_free(b, sizeof(*b));
}

static bool is_lasting(const Measure *m) {
        return (STEPS_LASTING & STEP_BIT(m->step)) != 0;
}

static BookEntry *entry_find(const MeasureBook *b, uint64_t id) {
        for (uint32_t i = 0; i < b->n_used; i++)
                if (b->entries[i].is_used && b->entries[i].measure.measure_id == id)
                        return (BookEntry *)&b->entries[i];
        return NULL;
}

static BookEntry *entry_new(MeasureBook *b) {
        for (uint32_t i = 0; i < BOOK_ENTRIES_MAX; i++)
                if (!b->entries[i].is_used) {
                        b->n_used = MAX(b->n_used, i + 1);
                        b->entries[i].is_used = true;
                        return &b->entries[i];
                }
        return NULL;
}

static void entry_drop(MeasureBook *b, BookEntry *e) {
        e->is_used = false;
        while (b->n_used > 0 && !b->entries[b->n_used - 1].is_used)
                b->n_used--;
}

void measure_book_new_state(MeasureBook *b) {
        if (b->last == 0 && b->n_answers == 0)
                return; /* nothing was ever entered */
        b->base = b->last;
        b->n_answers = 0;
        for (uint32_t i = b->n_used; i > 0; i--) {
                BookEntry *e = &b->entries[i - 1];
                if (!e->is_used)
                        continue;
                e->is_orphan = true;
                if (!e->is_in_force && !e->is_under_way)
                        entry_drop(b, e);
        }
}

static void entry_begin(BookEntry *e, const Measure *m, uint64_t id, uint64_t mono_usec) {
        memcpy(&e->measure, m, sizeof(*m));
        e->measure.measure_id = id;
        e->is_under_way = true;
        e->is_in_force = e->is_orphan = e->is_void = e->is_own = e->by_manager = false;
        e->n_adjusts = 0;
        e->value = m->value;
        e->begin_usec = mono_usec;
        e->retry_usec = 0;
}

int measure_book_enter(MeasureBook *b, const Measure *m, uint64_t mono_usec, BookEntry **ret) {
        uint64_t id = u64_add_sat(m->measure_id, b->base);
        BookEntry *e = entry_find(b, id);

        if (m->verb == MEASURE_BEGIN) {
                if (e)
                        return -EPROTO;
                e = entry_new(b);
                if (!e)
                        return -ENOBUFS;
                b->last = MAX(b->last, id);
                entry_begin(e, m, id, mono_usec);
                *ret = e;
                return 0;
        }
        if (!e)
                return -ENOENT;
        if (e->is_void) {
                /* The state knows now; what is still to be released the book sees to alone. */
                e->is_orphan = true;
                if (!e->is_in_force && !e->is_under_way)
                        entry_drop(b, e);
                return -ESTALE;
        }
        if (e->is_under_way)
                return -EPROTO;
        memcpy(&e->measure, m, sizeof(*m));
        e->measure.measure_id = id;
        e->is_under_way = true;
        e->n_adjusts += m->verb == MEASURE_ADJUST;
        *ret = e;
        return 0;
}

void measure_book_revoke(MeasureBook *b, BookEntry *e) {
        e->is_under_way = e->is_own = false;
        if (!e->is_in_force)
                entry_drop(b, e);
}

static void put_down(MeasureBook *b, const MeasureStatus *s) {
        if (s->measure_id <= b->base || b->n_answers == BOOK_ANSWERS_MAX)
                return;
        b->answers[b->n_answers] = *s;
        b->answers[b->n_answers++].measure_id -= b->base;
}

/* Does the measure hold after this answer? */
static bool is_in_force_after(const BookEntry *e, const MeasureStatus *s) {
        if (!is_lasting(&e->measure))
                return false;
        switch (s->verb) {
        case MEASURE_BEGIN:
                /* A call that was broken off may have written its value before: it is released like any other. */
                return s->error == 0 || s->error == -ETIME;
        case MEASURE_ADJUST:
                return s->error != -ESTALE && s->error != -ENOENT;
        case MEASURE_RELEASE:
                return s->error != 0 && s->error != -ESTALE && s->error != -ENOENT;
        case _MEASURE_VERB_MAX:
        case _MEASURE_VERB_INVALID:
                break;
        }
        return false;
}

bool measure_book_answer(MeasureBook *b, const MeasureStatus *s, BookEntry *ret) {
        BookEntry *e = entry_find(b, s->measure_id);

        if (!e || !e->is_under_way)
                return false;
        if (!e->is_own)
                put_down(b, s);
        e->by_manager |= s->by_manager;
        memcpy(ret, e, sizeof(*ret));
        bool is_over_for_state = !is_lasting(&e->measure) || e->is_orphan ||
                                 (!e->is_own && s->verb == MEASURE_RELEASE) ||
                                 (!e->is_own && s->verb == MEASURE_BEGIN && s->error < 0);
        if (s->verb == MEASURE_ADJUST && s->error == 0)
                e->value = e->measure.value;
        e->is_under_way = e->is_own = false;
        e->is_in_force = is_in_force_after(e, s);
        e->retry_usec = s->verb == MEASURE_RELEASE ? u64_add_sat(s->ended_usec, BOOK_RETRY_USEC) : 0;
        /* A void one stays until the state has heard of it. */
        if (!e->is_in_force && (!e->is_void || is_over_for_state))
                entry_drop(b, e);
        return true;
}

void measure_book_make_up(MeasureBook *b, uint64_t measure_id, MeasureVerb verb, int error, uint64_t mono_usec) {
        const MeasureStatus s = {
                .measure_id = u64_add_sat(measure_id, b->base), .verb = verb, .error = error, .ended_usec = mono_usec
        };
        put_down(b, &s);
}

uint32_t measure_book_room(const MeasureBook *b) {
        /* Some for those that are made up: at most MEASURES_MAX of them each round, and the trims. */
        uint32_t room = BOOK_ANSWERS_MAX - b->n_answers;
        return room > BOOK_ANSWERS_MAX / 2 ? room - BOOK_ANSWERS_MAX / 2 : 0;
}

uint32_t measure_book_answers(const MeasureBook *b, MeasureStatus ret[static MEASURE_STATUSES_MAX]) {
        uint32_t n = MIN(b->n_answers, (uint32_t)MEASURE_STATUSES_MAX);
        memcpy(ret, b->answers, n * sizeof(*ret));
        return n;
}

void measure_book_told(MeasureBook *b, uint32_t n) {
        n = MIN(n, b->n_answers);
        if (n == 0)
                return;
        b->n_answers -= n;
        memmove(b->answers, b->answers + n, b->n_answers * sizeof(*b->answers));
}

BookEntry *measure_book_next_release(MeasureBook *b, uint64_t mono_usec) {
        for (uint32_t i = 0; i < b->n_used; i++) {
                BookEntry *e = &b->entries[i];
                if (!e->is_used || !(e->is_orphan || e->is_void) || e->is_under_way || !e->is_in_force ||
                    mono_usec < e->retry_usec)
                        continue;
                e->measure.verb = MEASURE_RELEASE;
                e->measure.end = MEASURE_END_NONE;
                e->measure.held_usec = u64_sub_sat(mono_usec, e->begin_usec);
                e->is_under_way = e->is_own = true;
                return e;
        }
        return NULL;
}

void measure_book_void(MeasureBook *b) {
        for (uint32_t i = b->n_used; i > 0; i--) {
                BookEntry *e = &b->entries[i - 1];
                if (!e->is_used || !is_lasting(&e->measure))
                        continue;
                e->is_void = true;
                e->retry_usec = 0;
        }
}

bool measure_book_is_void(const MeasureBook *b, uint64_t measure_id) {
        const BookEntry *e = entry_find(b, u64_add_sat(measure_id, b->base));
        return e && e->is_void;
}

uint32_t measure_book_orphans(const MeasureBook *b) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < b->n_used; i++)
                n += b->entries[i].is_used && b->entries[i].is_orphan;
        return n;
}

const BookEntry *measure_book_lasting(const MeasureBook *b, uint32_t i) {
        for (uint32_t k = 0; k < b->n_used; k++) {
                const BookEntry *e = &b->entries[k];
                if (e->is_used && is_lasting(&e->measure) && (e->is_in_force || e->is_under_way) && i-- == 0)
                        return e;
        }
        return NULL;
}

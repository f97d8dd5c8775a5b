/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which measures are under way or in force, between the decision state, that asked for them, and act, that carries
 * them out. Moves no bytes of the host and says nothing; see manager-measure.c for both.
 *
 * Ids: a decision state counts from 1, and a reload makes a new state; act and the book see the id of the state plus
 * a base. What was in force for an older state is released by the book itself, and the new state hears nothing of it.
 *
 * A measure that somebody has released by hand is "void": act is told to release it as well, which finds nothing to
 * put back or what has just been begun, and whatever the state still asks of it is answered with -ESTALE, so that the
 * state lets go of it.
 */

#include "act/measures.h"
#include "base/macros.h"
#include "model/measure.h"

/* Under way or in force at once; further ones are answered with -ENOBUFS. */
#define BOOK_ENTRIES_MAX 64
/* Answers that the state has not taken yet. */
#define BOOK_ANSWERS_MAX 32
/* A release that failed is tried again after this. */
#define BOOK_RETRY_USEC USEC_PER_SEC

typedef struct BookEntry {
        Measure measure;   /* the last verb; measure_id with the base; of an entry in force, what it stands at */
        bool is_used;
        bool is_under_way; /* no answer yet */
        bool is_in_force;
        bool is_orphan;    /* of an older state: released as soon as nothing is under way */
        bool is_void;
        bool is_own;       /* the verb under way is the book's own, not the state's */
        bool by_manager;
        uint32_t n_adjusts;
        uint64_t value;    /* that was answered last: what stands */
        uint64_t begin_usec, retry_usec;
} BookEntry;

typedef struct MeasureBook MeasureBook;

int measure_book_new(MeasureBook **ret);
MeasureBook *measure_book_free(MeasureBook *b);
DEFINE_TRIVIAL_CLEANUP(MeasureBook, measure_book_free)

/* A new decision state begins. What is in force or under way becomes an orphan; its answers are dropped. */
void measure_book_new_state(MeasureBook *b);
/*
 * Enters what the state asks for. 0 with the entry, to be submitted as it stands; -ENOBUFS: no room; -ESTALE: void;
 * -ENOENT: not known; -EPROTO: begun already, or not answered yet. Other than with 0 the caller answers with that
 * error.
 */
int measure_book_enter(MeasureBook *b, const Measure *m, uint64_t mono_usec, BookEntry **ret);
/* It could not be submitted after all: as if it had not been asked for. */
void measure_book_revoke(MeasureBook *b, BookEntry *e);
/*
 * An answer of act. Fills *ret with the entry as it was asked for, for the log, and settles the entry; false where
 * nobody asked. It is put down for the state, if that is still the one that asked.
 */
bool measure_book_answer(MeasureBook *b, const MeasureStatus *s, BookEntry *ret);
/* An answer that was made up for @measure_id of the present state. */
void measure_book_make_up(MeasureBook *b, uint64_t measure_id, MeasureVerb verb, int error, uint64_t mono_usec);
/* Room for answers of act that may be collected now. */
uint32_t measure_book_room(const MeasureBook *b);
/* The answers for the next step, ids of the state; measure_book_told() after the step has seen them. */
uint32_t measure_book_answers(const MeasureBook *b, MeasureStatus ret[static MEASURE_STATUSES_MAX]);
void measure_book_told(MeasureBook *b, uint32_t n);
/* The next orphan or void one that can be released now: entered as a RELEASE, to be submitted as it stands, or NULL. */
BookEntry *measure_book_next_release(MeasureBook *b, uint64_t mono_usec);
/* Everything that lasts has been put back by other means, or will be when what is under way has ended. */
void measure_book_void(MeasureBook *b);
/* Is the measure of the present state void? Then it is not in force, whatever the state thinks. */
bool measure_book_is_void(const MeasureBook *b, uint64_t measure_id);
/* Orphans that are not released yet. */
uint32_t measure_book_orphans(const MeasureBook *b);
/* The @i-th, from 0, of those that last and are in force or about to be; NULL at the end. */
const BookEntry *measure_book_lasting(const MeasureBook *b, uint32_t i);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Of which processes a recorder has told already what their program is. A process is one of the same pid, start and
 * name: one that executes another program is told of again.
 */

#include "model/snapshot.h"
#include "sense/reserve.h"

typedef struct FactsEntry {
        int32_t pid;
        bool is_told;
        char comm[COMM_MAX];
        uint64_t start_ticks;
} FactsEntry;

typedef struct FactsBook {
        Reserve memory[2];           /* room for @max each, touched as far as it is needed */
        FactsEntry *entries, *spare; /* sorted by pid */
        uint32_t n, max;
        uint32_t n_untold, at; /* nobody before @at is untold */
} FactsBook;

int facts_book_init(FactsBook *b, uint32_t max);
void facts_book_done(FactsBook *b);
/* All are to be told of again. */
void facts_book_forget(FactsBook *b);
void facts_book_see(FactsBook *b, const Snapshot *snap);
const FactsEntry *facts_book_next(FactsBook *b);
void facts_book_told(FactsBook *b, const FactsEntry *e);

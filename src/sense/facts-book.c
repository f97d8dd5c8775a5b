/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense/facts-book.h"

#include <string.h>

int facts_book_init(FactsBook *b, uint32_t max) {
        *b = (FactsBook){ 0 };
        int r = reserve_init(&b->memory[0], max * sizeof(FactsEntry));
        if (r < 0)
                return r;
        r = reserve_init(&b->memory[1], max * sizeof(FactsEntry));
        if (r < 0) {
                reserve_done(&b->memory[0]);
                return r;
        }
        b->entries = b->memory[0].data;
        b->spare = b->memory[1].data;
        b->max = max;
        return 0;
}

void facts_book_done(FactsBook *b) {
        if (b->max > 0) {
                reserve_done(&b->memory[0]);
                reserve_done(&b->memory[1]);
        }
        *b = (FactsBook){ 0 };
}

static bool is_same(const FactsEntry *e, const ProcessSample *p) {
        return e->pid == p->pid && e->start_ticks == p->start_ticks && strncmp(e->comm, p->comm, COMM_MAX) == 0;
}

/**
 * facts_book_see() - the processes of a detailed sample: new ones are to be told of, those that are gone are forgotten
 * @snap: its processes are sorted by pid; those without identity are left for later
 *
 * Kernel threads have nothing to tell.
 */
void facts_book_see(FactsBook *b, const Snapshot *snap) {
        uint32_t n = 0, old = 0, n_untold = 0;

        for (uint32_t i = 0; i < snap->n_processes && n < b->max; i++) {
                const ProcessSample *p = &snap->processes[i];
                if (!(p->flags & PROCESS_IDENTITY) || (p->flags & PROCESS_KTHREAD))
                        continue;
                while (old < b->n && b->entries[old].pid < p->pid)
                        old++;
                FactsEntry *e = &b->spare[n++];
                *e = (FactsEntry){ .pid = p->pid, .start_ticks = p->start_ticks };
                memcpy(e->comm, p->comm, COMM_MAX);
                e->is_told = old < b->n && is_same(&b->entries[old], p) && b->entries[old].is_told;
                n_untold += !e->is_told;
        }
        FactsEntry *entries = b->spare;
        b->spare = b->entries;
        b->entries = entries;
        b->n = n;
        b->n_untold = n_untold;
        b->at = 0;
}

/* The next one to be told of; NULL where there is none. It stays the next until facts_book_told(). */
const FactsEntry *facts_book_next(FactsBook *b) {
        if (b->n_untold == 0)
                return NULL;
        while (b->at < b->n && b->entries[b->at].is_told)
                b->at++;
        return b->at < b->n ? &b->entries[b->at] : NULL;
}

/* @e: what facts_book_next() gave; also where there was nothing to tell. */
void facts_book_told(FactsBook *b, const FactsEntry *e) {
        FactsEntry *mine = &b->entries[e - b->entries];

        if (mine->is_told)
                return;
        mine->is_told = true;
        b->n_untold--;
}

void facts_book_forget(FactsBook *b) {
        for (uint32_t i = 0; i < b->n; i++)
                b->entries[i].is_told = false;
        b->n_untold = b->n;
        b->at = 0;
}

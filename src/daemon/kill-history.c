/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kill-history.h"

#include <string.h>

#include "base/pages.h"

/*
 * Each new record is six pages of which the first touch may wait for reclaim: after a signal in a livelock the loop was
 * late by up to 2 s. So some are touched while memory is plenty, as many as trouble hardly ever kills in one go.
 */
#define RECORDS_READY 4

struct KillHistory {
        size_t max, n;
        size_t n_touched; /* from the first on */
        uint64_t total;
        KillRecord *records; /* mapped, not allocated: a record is about 25 KiB, and most hosts never kill */
};

int kill_history_new(size_t max, KillHistory **ret) {
        _cleanup_(kill_history_freep) KillHistory *h = calloc(1, sizeof(*h));
        if (!h || max == 0 || max > SIZE_MAX / sizeof(KillRecord))
                return -ENOMEM;
        h->max = max;
        h->records = pages_new(max * sizeof(KillRecord));
        if (!h->records)
                return -ENOMEM;
        *ret = TAKE_PTR(h);
        return 0;
}

KillHistory *kill_history_free(KillHistory *h) {
        if (!h)
                return NULL;
        h->records = pages_free(h->records, h->max * sizeof(KillRecord));
        free(h);
        return NULL;
}

KillRecord *kill_history_add(KillHistory *h) {
        KillRecord *r = &h->records[h->total % h->max];

        h->total++;
        h->n = MIN(h->n + 1, h->max);
        h->n_touched = MAX(h->n_touched, h->n);
        memset(r, 0, sizeof(*r));
        return r;
}

void kill_history_prepare(KillHistory *h) {
        for (; h->n_touched < MIN(h->n + RECORDS_READY, h->max); h->n_touched++)
                memset(&h->records[h->n_touched], 0, sizeof(KillRecord));
}

size_t kill_history_count(const KillHistory *h) {
        return h->n;
}

uint64_t kill_history_total(const KillHistory *h) {
        return h->total;
}

KillRecord *kill_history_get(const KillHistory *h, size_t age) {
        return age < h->n ? &h->records[(h->total - 1 - age) % h->max] : NULL;
}

KillRecord *kill_history_find(const KillHistory *h, uint64_t kill_id) {
        for (size_t age = 0; age < h->n; age++) {
                KillRecord *r = kill_history_get(h, age);
                if (r->decision.kill_id == kill_id)
                        return r;
        }
        return NULL;
}

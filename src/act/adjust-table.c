/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A sorted array. New pids are nearly always the highest, so that an insertion moves nothing; after the pids have
 * wrapped around it moves some hundred KiB on a host with thousands of processes, which is some 50 us.
 */

#include "act/adjust-table.h"

#include <string.h>
#include <sys/mman.h>

int adjust_table_init(AdjustTable *t, uint32_t max) {
        void *p = mmap(NULL, (size_t)max * sizeof(AdjustRow), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED)
                return -errno;
        *t = (AdjustTable){ .rows = p, .max = max };
        return 0;
}

void adjust_table_done(AdjustTable *t) {
        if (t->rows)
                (void)munmap(t->rows, (size_t)t->max * sizeof(AdjustRow));
        *t = (AdjustTable){ 0 };
}

uint32_t adjust_table_from(const AdjustTable *t, int32_t pid) {
        uint32_t lo = 0, hi = t->n;

        while (lo < hi) {
                uint32_t mid = lo + (hi - lo) / 2;
                if (t->rows[mid].pid < pid)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo;
}

AdjustRow *adjust_table_find(const AdjustTable *t, int32_t pid) {
        uint32_t i = adjust_table_from(t, pid);
        return i < t->n && t->rows[i].pid == pid ? &t->rows[i] : NULL;
}

AdjustRow *adjust_table_add(AdjustTable *t, int32_t pid) {
        uint32_t i = adjust_table_from(t, pid);

        if (i < t->n && t->rows[i].pid == pid)
                return &t->rows[i];
        if (t->n == t->max)
                return NULL;
        memmove(&t->rows[i + 1], &t->rows[i], (size_t)(t->n - i) * sizeof(AdjustRow));
        t->rows[i] = (AdjustRow){ .pid = pid };
        t->n++;
        return &t->rows[i];
}

void adjust_table_remove(AdjustTable *t, AdjustRow *row) {
        size_t i = (size_t)(row - t->rows);

        memmove(row, row + 1, (t->n - i - 1) * sizeof(AdjustRow));
        t->n--;
}

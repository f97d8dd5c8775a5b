/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What adjust.c remembers of each process, by pid. Address space is set aside once; pages are touched as needed. */

#include "base/macros.h"
#include "model/snapshot.h"

/*
 * The value of oom_score_adj that a process has, and the one that it would have without us. Both are the same where
 * we have done nothing. What it had before the latest change tells a child that was forked before it.
 */
typedef struct AdjustRow {
        int32_t pid;
        bool is_known;    /* the values below were read at least once */
        bool has_entry;   /* @serial is an open entry of the undo journal */
        bool is_foreign;  /* somebody else has set a value after ours: left alone from then on */
        bool is_touched;  /* we have written it at least once */
        bool is_counted;  /* a rule wants another value than the process's own */
        bool has_former;
        bool has_refused; /* the kernel did not let us write @refused */
        bool is_gone;     /* not in the latest listing; kept until all who may be its children were seen */
        int16_t base, value;
        int16_t former, former_base;
        int16_t refused;
        uint64_t start_ticks;
        uint64_t cgroup_id;
        uint64_t serial;
        uint64_t since_ticks; /* of @value; in the unit of start_ticks */
        uint64_t seen_usec;   /* first sight */
        char comm[COMM_MAX];  /* when @value was written */
} AdjustRow;

typedef struct AdjustTable {
        AdjustRow *rows; /* mapped, n of max in use */
        uint32_t n, max;
} AdjustTable;

int adjust_table_init(AdjustTable *t, uint32_t max);
void adjust_table_done(AdjustTable *t);
AdjustRow *adjust_table_find(const AdjustTable *t, int32_t pid);
/* The row of @pid, a blank one where there was none. NULL at the cap. Moves the rows behind it. */
AdjustRow *adjust_table_add(AdjustTable *t, int32_t pid);
void adjust_table_remove(AdjustTable *t, AdjustRow *row);
/* Index of the first row whose pid is at least @pid; t->n where there is none. */
uint32_t adjust_table_from(const AdjustTable *t, int32_t pid);

static inline bool adjust_row_is_ours(const AdjustRow *r) {
        return r->is_known && r->value != r->base;
}

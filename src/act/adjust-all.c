/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * All processes at once: which of them to look at, which have ended, and what a snapshot has to know of them.
 *
 * A listing costs 0.5 us a process, a look at one some 60. So only those are looked at that are new, or young enough to
 * execute another program yet, and of the others some at a time.
 */

#include "act/adjust-inherit.h"
#include "act/adjust-state.h"

/* Who was first seen so long ago has executed what it was forked for; a later exec is found in turn. */
#define YOUNG_USEC (10 * USEC_PER_SEC)
/* Of the others one in so many is looked at each time, but at least some. */
#define TURN_DIVISOR 64u
#define TURN_MIN     32u

static void mark_gone(Adjust *a, const int32_t *pids, uint32_t n) {
        uint32_t k = 0;

        for (uint32_t i = 0; i < a->table.n; i++) {
                while (k < n && pids[k] < a->table.rows[i].pid)
                        k++;
                a->table.rows[i].is_gone = k == n || pids[k] != a->table.rows[i].pid;
        }
}

static uint32_t turn_take(Adjust *a, uint64_t young_usec, int32_t *ret, uint32_t max) {
        uint32_t wanted = MIN(MAX(a->table.n / TURN_DIVISOR, TURN_MIN), max), n = 0;
        uint32_t i = adjust_table_from(&a->table, a->turn_pid), looked = 0;

        for (; n < wanted && looked < a->table.n; i++, looked++) {
                if (i >= a->table.n)
                        i = 0;
                const AdjustRow *row = &a->table.rows[i];
                if (!row->is_gone && row->seen_usec < young_usec)
                        ret[n++] = row->pid;
        }
        a->turn_pid = i < a->table.n ? a->table.rows[i].pid : 0;
        return n;
}

uint32_t adjust_plan(Adjust *a, const int32_t *pids, uint32_t n, uint64_t now_usec, bool all, int32_t *ret,
                     uint32_t max) {
        uint64_t young_usec = u64_sub_sat(now_usec, YOUNG_USEC);
        uint32_t n_ret = 0;

        mark_gone(a, pids, n);
        for (uint32_t i = 0; i < n && n_ret < max; i++) {
                const AdjustRow *row = all ? NULL : adjust_table_find(&a->table, pids[i]);
                if (!row || row->seen_usec >= young_usec)
                        ret[n_ret++] = pids[i];
        }
        return all ? n_ret : n_ret + turn_take(a, young_usec, ret + n_ret, max - n_ret);
}

void adjust_sweep(Adjust *a) {
        for (uint32_t i = a->table.n; i-- > 0;)
                if (a->table.rows[i].is_gone)
                        adjust_end(a, a->table.rows[i].pid);
}

bool adjust_knows(const Adjust *a, int32_t pid) {
        const AdjustRow *row = adjust_table_find(&a->table, pid);
        return row && row->is_known;
}

bool adjust_has_changed(const Adjust *a, int32_t pid) {
        const AdjustRow *row = adjust_table_find(&a->table, pid);
        return row && adjust_row_is_ours(row);
}

/*
 * A row of the scan that was not read in full in this sample may have the value of before; its oom_score is of now,
 * and the two together must not look like growth.
 */
static void annotate_one(const Adjust *a, const Snapshot *snap, ProcessSample *p) {
        const AdjustRow *row = adjust_table_find(&a->table, p->pid);

        p->kernel_adjust = 0;
        if (!(p->flags & PROCESS_IDENTITY))
                return;
        if (!row || row->start_ticks != p->start_ticks || !row->is_known) {
                p->kernel_adjust = adjust_inherited(&a->table, snap, p);
                return;
        }
        if (row->is_touched && !(p->flags & (PROCESS_SIZES | PROCESS_NO_MM)))
                p->oom_score_adj = row->value;
        if (adjust_row_is_ours(row) && p->oom_score_adj == row->value)
                p->kernel_adjust = row->value - row->base;
}

void adjust_annotate(const Adjust *a, Snapshot *snap) {
        for (uint32_t i = 0; i < snap->n_processes; i++)
                annotate_one(a, snap, &snap->processes[i]);
}

AdjustCounts adjust_counts(const Adjust *a) {
        AdjustCounts c = { 0 };

        for (uint32_t i = 0; i < a->table.n; i++) {
                const AdjustRow *row = &a->table.rows[i];
                c.n_adjusted += adjust_row_is_ours(row);
                c.n_wanted += row->is_counted;
                c.n_foreign += row->is_foreign;
                c.n_refused += row->has_refused;
        }
        return c;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * oom_score_adj is passed on by fork(2). By whom, is told by:
 *  - the parent: it has, or had when the child began, just this value;
 *  - where the parent has ended and another process took its place: one of the same cgroup that has this value by us,
 *    and had it already when the child began. Whoever sets a value of his own on purpose hits ours by chance only.
 * Anything else is the process's own.
 */

#include "act/adjust-inherit.h"

#include <string.h>

/* start_ticks is rounded down to a hundredth of a second. */
#define ROUNDING_TICKS 1u
/* Generations that may have begun since we last looked. */
#define GENERATIONS_MAX 16

typedef struct Origin {
        int16_t base;
        bool is_foreign;
} Origin;

static bool origin_of_parent(const AdjustRow *parent, const ProcessSample *p, Origin *ret) {
        if (!parent->is_known || parent->start_ticks > p->start_ticks)
                return false;
        if (p->oom_score_adj == parent->value) {
                *ret = (Origin){ .base = parent->base, .is_foreign = parent->is_foreign };
                return true;
        }
        if (parent->has_former && p->oom_score_adj == parent->former &&
            p->start_ticks <= u64_add_sat(parent->since_ticks, ROUNDING_TICKS)) {
                *ret = (Origin){ .base = parent->former_base };
                return true;
        }
        return false;
}

static bool origin_of_cgroup(const AdjustTable *t, const ProcessSample *p, Origin *ret) {
        if (p->cgroup_id == 0)
                return false;
        for (uint32_t i = 0; i < t->n; i++) {
                const AdjustRow *row = &t->rows[i];
                if (adjust_row_is_ours(row) && row->pid != p->pid && row->cgroup_id == p->cgroup_id &&
                    row->value == p->oom_score_adj &&
                    u64_add_sat(p->start_ticks, ROUNDING_TICKS) >= row->since_ticks) {
                        *ret = (Origin){ .base = row->base };
                        return true;
                }
        }
        return false;
}

void adjust_inherit(const AdjustTable *t, AdjustRow *row, const ProcessSample *p) {
        Origin origin = { .base = (int16_t)p->oom_score_adj };
        const AdjustRow *parent = adjust_table_find(t, p->ppid);

        if (!parent || !origin_of_parent(parent, p, &origin))
                (void)origin_of_cgroup(t, p, &origin);
        row->is_known = true;
        row->value = (int16_t)p->oom_score_adj;
        row->base = origin.base;
        row->is_foreign = origin.is_foreign;
        row->since_ticks = p->start_ticks;
        memcpy(row->comm, p->comm, sizeof(row->comm));
}

bool adjust_is_shared(const AdjustTable *t, const AdjustRow *row, int16_t value) {
        if (row->cgroup_id == 0)
                return false;
        for (uint32_t i = 0; i < t->n; i++) {
                const AdjustRow *other = &t->rows[i];
                if (other != row && adjust_row_is_ours(other) && other->cgroup_id == row->cgroup_id &&
                    other->value == value && other->base == row->base)
                        return true;
        }
        return false;
}

static const ProcessSample *sample_find(const Snapshot *snap, int32_t pid) {
        uint32_t lo = 0, hi = snap->n_processes;

        while (lo < hi) {
                uint32_t mid = lo + (hi - lo) / 2;
                if (snap->processes[mid].pid < pid)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo < snap->n_processes && snap->processes[lo].pid == pid ? &snap->processes[lo] : NULL;
}

int32_t adjust_inherited(const AdjustTable *t, const Snapshot *snap, const ProcessSample *p) {
        const ProcessSample *up = p;
        Origin origin;

        for (unsigned i = 0; i < GENERATIONS_MAX && up; i++) {
                const AdjustRow *parent = adjust_table_find(t, up->ppid);
                if (parent && parent->is_known)
                        return origin_of_parent(parent, p, &origin) ? p->oom_score_adj - origin.base : 0;
                up = sample_find(snap, up->ppid);
        }
        return 0;
}

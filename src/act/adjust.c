/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What is written is the process's own value plus the sum of Adjust= of the matching rules that have ApplyToKernel=,
 * within -1000 and 1000. Tier= is ours alone: "never" does not become -1000, since that would be passed on to
 * everything the process starts, for good, and would hide from the kernel's last resort what the operator only took
 * out of our choice. Who wants that writes Adjust=-1000.
 *
 * A process's own value is the one it had when it was first seen: from its parent, its service manager, or itself.
 * oom_score_adj is passed on by fork(2); a child that has its parent's adjusted value therefore has its parent's own
 * value as its own (adjust-inherit.c), and is neither adjusted twice nor left with it when no rule matches it.
 *
 * Left alone: pid 1, kernel threads, ourselves; who has -1000 of his own; whoever got a value from somebody else after
 * ours (unless it became another program meanwhile: service managers set it between fork and exec); what the kernel
 * refuses, which is lowering without CAP_SYS_RESOURCE.
 *
 * Everything of one process goes through one descriptor of its directory in proc: once that is open, a pid that is
 * used again gives ESRCH and never another process. A changed value has an entry in the undo journal from before it
 * is written until after it was put back.
 */

#include "act/adjust.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "act/adjust-inherit.h"
#include "act/adjust-state.h"
#include "act/victim-process.h"
#include "base/fd.h"
#include "base/text.h"

#define MAX_PROCESSES_DEFAULT 65536u
#define ENTRY_KEY             "oom_score_adj"
#define ADJ_MIN               (-1000)
#define ADJ_MAX               1000

int adjust_new(int root_fd, Undo *undo, uint32_t max_processes, Adjust **ret) {
        _cleanup_(adjust_freep) Adjust *a = calloc(1, sizeof(*a));

        if (!a)
                return -ENOMEM;
        a->root_fd = root_fd;
        a->undo = undo;
        a->is_dry = !undo;
        int r = adjust_table_init(&a->table, max_processes ? max_processes : MAX_PROCESSES_DEFAULT);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(a);
        return 0;
}

Adjust *adjust_free(Adjust *a) {
        if (!a)
                return NULL;
        adjust_table_done(&a->table);
        free(a);
        return NULL;
}

void adjust_set_dry_run(Adjust *a, bool dry_run) {
        a->is_dry = dry_run || !a->undo;
        for (uint32_t i = 0; i < a->table.n; i++)
                a->table.rows[i].has_refused = false;
}

static bool parse_adj(const char *text, int16_t *ret) {
        int64_t v;
        if (text_parse_i64_n(text, strcspn(text, "\n"), &v) < 0 || v < ADJ_MIN || v > ADJ_MAX)
                return false;
        *ret = (int16_t)v;
        return true;
}

void adjust_remember(Adjust *a, const UndoEntry *e) {
        int16_t base, former;

        if (e->kind != UNDO_OOM_SCORE_ADJ || !parse_adj(e->old_value, &base) || !parse_adj(e->new_value, &former))
                return;
        AdjustRow *row = adjust_table_add(&a->table, e->pid);
        if (!row)
                return;
        *row = (AdjustRow){ .pid = e->pid, .start_ticks = e->id, .is_known = true, .is_touched = true,
                            .base = base, .value = base, .has_former = true, .former = former, .former_base = base,
                            .since_ticks = UINT64_MAX };
}

/* ---- the file ---- */

/* Returns 0; -ESRCH: gone, or another process by now; -ESTALE: the value is not @expected any more; or as write(2). */
static int adj_write(const Adjust *a, const AdjustRow *row, int16_t expected, int16_t value) {
        char path[32], text[1536];
        int16_t now;
        VictimStat stat;

        (void)snprintf(path, sizeof(path), "proc/%" PRId32, row->pid);
        _cleanup_close_ int dir = openat(a->root_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r = dir < 0 ? -errno : fd_read_text_at(dir, "stat", text, sizeof(text));
        if (r >= 0)
                r = victim_process_parse_stat(text, &stat);
        if (r >= 0 && stat.start_ticks != row->start_ticks)
                return -ESRCH;
        if (r >= 0)
                r = fd_read_text_at(dir, "oom_score_adj", text, sizeof(text));
        if (r >= 0) {
                if (!parse_adj(text, &now))
                        return -EBADMSG;
                if (now != expected)
                        return -ESTALE;
                (void)snprintf(text, sizeof(text), "%" PRId16 "\n", value);
                r = fd_write_text_at(dir, "oom_score_adj", text);
        }
        return r == -ENOENT ? -ESRCH : MIN(r, 0);
}

/* ---- the journal ---- */

static void entry_end(Adjust *a, AdjustRow *row) {
        if (row->has_entry)
                (void)undo_end(a->undo, row->serial);
        row->has_entry = false;
}

/* An entry that is open already, which a replay could not close: what it says is the process's own value, is. */
static int entry_adopt(Adjust *a, AdjustRow *row, const UndoEntry *wanted) {
        UndoEntry e;
        int16_t base;
        int r = undo_find(a->undo, wanted->kind, wanted->id, wanted->pid, wanted->path, wanted->key, &e, &row->serial);
        if (r < 0)
                return r;
        if (parse_adj(e.old_value, &base))
                row->base = base;
        return undo_update(a->undo, row->serial, wanted->new_value);
}

/* Before @value is written, or because it was inherited. */
static int entry_write(Adjust *a, AdjustRow *row, int16_t value) {
        UndoEntry e = { .kind = UNDO_OOM_SCORE_ADJ, .id = row->start_ticks, .pid = row->pid, .key = ENTRY_KEY };
        char text[UNDO_VALUE_MAX];

        (void)snprintf(text, sizeof(text), "%" PRId16, value);
        if (row->has_entry)
                return undo_update(a->undo, row->serial, text);
        /* What is there now first: the journal knows the last two values, and this one may stay. */
        bool is_inherited = row->value != row->base;
        (void)snprintf(e.old_value, sizeof(e.old_value), "%" PRId16, row->base);
        (void)snprintf(e.new_value, sizeof(e.new_value), "%" PRId16, is_inherited ? row->value : value);
        int r = undo_begin(a->undo, &e, &row->serial);
        if (r == -EEXIST)
                r = entry_adopt(a, row, &e);
        if (r < 0)
                return r;
        row->has_entry = true;
        return is_inherited && value != row->value ? undo_update(a->undo, row->serial, text) : 0;
}

/* ---- one process ---- */

static void row_set_value(AdjustRow *row, const ProcessSample *p, int16_t value, uint64_t now_ticks) {
        row->former = row->value;
        row->former_base = row->base;
        row->has_former = true;
        row->is_touched = true;
        row->has_refused = false;
        row->value = value;
        row->since_ticks = now_ticks;
        if (p)
                memcpy(row->comm, p->comm, sizeof(row->comm));
}

/* Somebody else's value is the process's own from now on. */
static void row_take_value(AdjustRow *row, int16_t value, uint64_t now_ticks) {
        row_set_value(row, NULL, value, now_ticks);
        row->base = value;
}

static AdjustOutcome refused(AdjustRow *row, int16_t value, int error, int *ret_error) {
        if (error == -ESRCH)
                return ADJUST_GONE;
        if (error == -ESTALE) /* set since it was read: looked at anew next time */
                return ADJUST_LATER;
        *ret_error = error;
        row->has_refused = true;
        row->refused = value;
        return error == -ENOBUFS ? ADJUST_FULL : ADJUST_REFUSED;
}

static AdjustOutcome apply(Adjust *a, AdjustRow *row, const ProcessSample *p, int16_t value, uint64_t now_ticks,
                           int *ret_error) {
        bool had_entry = row->has_entry;

        int r = entry_write(a, row, value);
        if (r < 0)
                return refused(row, value, r, ret_error);
        if (value == row->value) /* inherited: now in the journal, and nothing else to do */
                return ADJUST_WRITTEN;
        r = adj_write(a, row, row->value, value);
        if (r >= 0) {
                row_set_value(row, p, value, now_ticks);
                return ADJUST_WRITTEN;
        }
        /* The entry must name the value that is there, however many more are tried. */
        if (had_entry || row->value != row->base)
                (void)entry_write(a, row, row->value);
        else
                entry_end(a, row);
        return refused(row, value, r, ret_error);
}

static AdjustOutcome restore(Adjust *a, AdjustRow *row, uint64_t now_ticks, int *ret_error) {
        const UndoHost host = { .root_fd = a->root_fd, .cgroup_fd = -EBADF };
        int error = 0;

        if (!row->has_entry) {
                /* Inherited and not in the journal: a way back needs none. */
                int r = adj_write(a, row, row->value, row->base);
                if (r < 0)
                        return refused(row, row->base, r, ret_error);
                row_set_value(row, NULL, row->base, now_ticks);
                return ADJUST_RESTORED;
        }
        UndoOutcome outcome = undo_restore(a->undo, row->serial, &host, &error);
        row->has_entry = outcome == UNDO_FAILED || outcome == UNDO_KEPT;
        switch (outcome) {
        case UNDO_RESTORED:
        case UNDO_UNCHANGED:
                row_set_value(row, NULL, row->base, now_ticks);
                return ADJUST_RESTORED;
        case UNDO_FOREIGN:
                return ADJUST_LATER; /* what it is, the next look tells */
        case UNDO_GONE:
                return ADJUST_GONE;
        case UNDO_KEPT:
        case UNDO_FAILED:
        case _UNDO_OUTCOME_MAX:
        case _UNDO_OUTCOME_INVALID:
                break;
        }
        return refused(row, row->base, error < 0 ? error : -EIO, ret_error);
}

/* What an earlier rule wanted is worse than nothing where the present one cannot be carried out. */
static void settle_for_own(Adjust *a, AdjustRow *row, int16_t target, uint64_t now_ticks) {
        int ignored;
        if (restore(a, row, now_ticks, &ignored) == ADJUST_RESTORED) {
                row->has_refused = true;
                row->refused = target;
        }
}

/* Takes what was read into the row. Returns ADJUST_NOTHING to go on. */
static AdjustOutcome take(Adjust *a, AdjustRow *row, const ProcessSample *p, uint64_t now_ticks) {
        int16_t value = (int16_t)p->oom_score_adj;

        row->cgroup_id = p->cgroup_id;
        if (value == row->value)
                return ADJUST_NOTHING;
        bool was_ours = adjust_row_is_ours(row);
        if (!was_ours && adjust_is_shared(&a->table, row, value)) {
                row->value = value;
                return ADJUST_NOTHING;
        }
        /* the same program, so it was none who sets things up between fork and exec */
        bool is_same = strcmp(row->comm, p->comm) == 0;
        entry_end(a, row);
        row_take_value(row, value, now_ticks);
        row->is_touched = was_ours;
        if (!was_ours || !is_same)
                return ADJUST_NOTHING;
        row->is_foreign = true;
        return ADJUST_FOREIGN;
}

/* The row of @p, with what is known of where its value comes from. NULL at the cap. */
static AdjustRow *row_of(Adjust *a, const ProcessSample *p, uint64_t now_usec, bool *ret_is_new) {
        AdjustRow *row = adjust_table_find(&a->table, p->pid);

        if (row && row->start_ticks != p->start_ticks && row->start_ticks != 0) {
                adjust_end(a, p->pid);
                row = NULL;
        }
        *ret_is_new = !row || !row->is_known;
        if (!row)
                row = adjust_table_add(&a->table, p->pid);
        if (!row)
                return NULL;
        row->is_gone = false;
        if (row->seen_usec == 0)
                row->seen_usec = now_usec;
        row->start_ticks = p->start_ticks;
        if (*ret_is_new && (p->flags & PROCESS_IDENTITY))
                adjust_inherit(&a->table, row, p);
        return row;
}

static int16_t wanted_value(const AdjustRow *row, const ProcessSample *p) {
        if (row->base == ADJ_MIN)
                return row->base;
        return (int16_t)MAX(ADJ_MIN, MIN(ADJ_MAX, row->base + p->kernel_wanted));
}

AdjustOutcome adjust_see(Adjust *a, const ProcessSample *p, uint64_t now_usec, uint64_t now_ticks, int *ret_error) {
        bool is_new, is_exempt = p->flags & (PROCESS_KTHREAD | PROCESS_INIT | PROCESS_SELF | PROCESS_NO_MM);
        int ignored;

        if (!ret_error)
                ret_error = &ignored;
        *ret_error = 0;
        AdjustRow *row = row_of(a, p, now_usec, &is_new);
        if (!row) {
                *ret_error = -ENOBUFS;
                return ADJUST_FULL;
        }
        if (!(p->flags & PROCESS_IDENTITY))
                return is_exempt ? ADJUST_NOTHING : ADJUST_LATER;
        AdjustOutcome outcome = take(a, row, p, now_ticks);
        if (outcome != ADJUST_NOTHING)
                row->is_counted = false;
        if (outcome != ADJUST_NOTHING || is_exempt || row->is_foreign)
                return outcome;

        int16_t wanted = wanted_value(row, p), target = a->is_dry ? row->base : wanted;
        row->is_counted = wanted != row->base;
        if (target == row->value && (target == row->base || row->has_entry))
                return ADJUST_NOTHING;
        if (row->has_refused && row->refused == target)
                return ADJUST_NOTHING;
        /* It may be about to get a value from whoever forked it, who would then be taken for somebody else. */
        if (is_new && (p->flags & PROCESS_FORKED) && row->value == row->base)
                return ADJUST_LATER;
        outcome = target == row->base ? restore(a, row, now_ticks, ret_error)
                                      : apply(a, row, p, target, now_ticks, ret_error);
        if (outcome == ADJUST_REFUSED && target != row->base && adjust_row_is_ours(row))
                settle_for_own(a, row, target, now_ticks);
        if (outcome == ADJUST_GONE)
                adjust_end(a, p->pid);
        return outcome;
}

void adjust_forget_released(Adjust *a) {
        for (uint32_t i = 0; i < a->table.n; i++) {
                AdjustRow *row = &a->table.rows[i];
                if (!row->has_entry || undo_find(a->undo, UNDO_OOM_SCORE_ADJ, row->start_ticks, row->pid, "",
                                                 ENTRY_KEY, NULL, NULL) >= 0)
                        continue;
                row->has_entry = false;
                row_set_value(row, NULL, row->base, row->since_ticks);
        }
}

void adjust_end(Adjust *a, int32_t pid) {
        AdjustRow *row = adjust_table_find(&a->table, pid);

        if (!row)
                return;
        entry_end(a, row);
        adjust_table_remove(&a->table, row);
}

uint32_t adjust_restore(Adjust *a, uint64_t now_ticks) {
        uint32_t n_failed = 0;
        int error;

        for (uint32_t i = 0; i < a->table.n; i++) {
                AdjustRow *row = &a->table.rows[i];
                if (!adjust_row_is_ours(row))
                        continue;
                AdjustOutcome outcome = restore(a, row, now_ticks, &error);
                n_failed += outcome == ADJUST_REFUSED || outcome == ADJUST_FULL;
        }
        return n_failed;
}

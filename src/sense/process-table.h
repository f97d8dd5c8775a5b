/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is known of each process, kept from scan to scan, sorted by pid. The rows are the very array that
 * a snapshot hands out; what decide does not need to see stands in the parallel array of extras.
 */

#include "model/snapshot.h"
#include "sense/path-store.h"
#include "sense/reserve.h"

typedef struct ProcessExtra {
        int32_t score_fd;    /* on its oom_score, kept from scan to scan; -EBADF for none */
        uint32_t whole_sec;  /* CLOCK_MONOTONIC at the latest full reading */
        uint64_t stat_hash;  /* of the text of its stat when its sizes were read; 0: it does not tell of them */
        PathEntry *cgroup;   /* NULL where unknown */
        uint64_t vm_size_kb; /* with PROCESS_SIZES */
        uint32_t last_score; /* oom_score of the scan before */
        bool has_last_score;
        bool is_known;   /* was read in full at least once */
        bool is_matched; /* the rules have been asked */
        bool is_dead;    /* vanished during this scan */
} ProcessExtra;

typedef struct ProcessTable {
        Reserve rows, extras, pids, order;
        uint32_t n, max;
        uint32_t n_fds, max_fds; /* score_fd's in use and allowed */
} ProcessTable;

int process_table_init(ProcessTable *t, uint32_t max);
void process_table_done(ProcessTable *t);
void process_table_merge(ProcessTable *t, uint32_t n_pids);
void process_table_drop_dead(ProcessTable *t);
ProcessSample *process_table_find(const ProcessTable *t, int32_t pid);
/* Keeps @fd with the row or closes it, where there is no more room. */
void process_score_fd_keep(ProcessTable *t, ProcessExtra *x, int take_fd);
void process_score_fd_drop(ProcessTable *t, ProcessExtra *x);
void process_row_reset(ProcessSample *p, ProcessExtra *x, int32_t pid);
uint32_t process_pids_sort(int32_t *a, uint32_t n);

static inline ProcessSample *process_table_rows(const ProcessTable *t) {
        return t->rows.data;
}
static inline ProcessExtra *process_table_extras(const ProcessTable *t) {
        return t->extras.data;
}
/* Room for a listing: the input of process_table_merge(). */
static inline int32_t *process_table_pids(const ProcessTable *t) {
        return t->pids.data;
}

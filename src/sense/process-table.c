/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pid that is missing in one listing is dropped at once, so that a later process of the same pid
 * starts as unknown. Only a pid reused between two scans keeps a stale row; whatever is read in full is
 * checked against its start time.
 */
#include "sense/process-table.h"

#include <string.h>
#include <sys/resource.h>

/*
 * A read of a kept descriptor costs 1.1 us, an open, a read and a close 7 us, and a kept one can never be
 * another process's: once the process is gone it says ESRCH. Each pins about 1.2 KiB of kernel memory, so
 * there is a cap; processes beyond it are read the dear way. Some descriptors are left to everything else.
 */
#define SCORE_FDS_MAX     16384u
#define SCORE_FDS_RESERVE 768u

static uint32_t score_fds_allowed(void) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= SCORE_FDS_RESERVE)
                return 0;
        return (uint32_t)MIN(limit.rlim_cur - SCORE_FDS_RESERVE, (rlim_t)SCORE_FDS_MAX);
}

void process_score_fd_keep(ProcessTable *t, ProcessExtra *x, int take_fd) {
        if (t->n_fds >= t->max_fds) {
                (void)fd_close(take_fd);
                return;
        }
        x->score_fd = take_fd;
        t->n_fds++;
}

void process_score_fd_drop(ProcessTable *t, ProcessExtra *x) {
        if (x->score_fd < 0)
                return;
        x->score_fd = fd_close(x->score_fd);
        t->n_fds--;
}

int process_table_init(ProcessTable *t, uint32_t max) {
        int r;

        *t = (ProcessTable){ .max = max, .max_fds = score_fds_allowed() };
        if ((r = reserve_init(&t->rows, (size_t)max * sizeof(ProcessSample))) < 0 ||
            (r = reserve_init(&t->extras, (size_t)max * sizeof(ProcessExtra))) < 0 ||
            (r = reserve_init(&t->pids, (size_t)max * sizeof(int32_t))) < 0 ||
            (r = reserve_init(&t->order, (size_t)max * sizeof(uint32_t))) < 0) {
                process_table_done(t);
                return r;
        }
        return 0;
}

void process_table_done(ProcessTable *t) {
        for (uint32_t i = 0; i < t->n; i++)
                process_score_fd_drop(t, &process_table_extras(t)[i]);
        reserve_done(&t->rows);
        reserve_done(&t->extras);
        reserve_done(&t->pids);
        reserve_done(&t->order);
        *t = (ProcessTable){};
}

/* Makes the row blank; its score_fd is the caller's to drop before, if it has one. */
void process_row_reset(ProcessSample *p, ProcessExtra *x, int32_t pid) {
        *p = (ProcessSample){ .pid = pid, .cgroup = INDEX_NONE, .rule = -1, .tier = TIER_NORMAL, .kernel_rule = -1,
                               .cgroup_path = "" };
        *x = (ProcessExtra){ .score_fd = -EBADF };
}

/* Heap sort: the kernel lists pids in order and this is never needed there, but a captured tree does not. */
static void sift_down(int32_t *a, uint32_t i, uint32_t n) {
        for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
                if (child + 1 < n && a[child + 1] > a[child])
                        child++;
                if (a[i] >= a[child])
                        return;
                int32_t t = a[i];
                a[i] = a[child];
                a[child] = t;
        }
}

/* Sorts in place and takes out what is there twice. Returns how many are left. */
uint32_t process_pids_sort(int32_t *a, uint32_t n) {
        bool is_sorted = true;
        uint32_t w = 0;

        for (uint32_t i = 1; i < n && is_sorted; i++)
                is_sorted = a[i - 1] < a[i];
        if (is_sorted)
                return n;
        for (uint32_t i = n / 2; i-- > 0;)
                sift_down(a, i, n);
        for (uint32_t end = n; end-- > 1;) {
                int32_t t = a[0];
                a[0] = a[end];
                a[end] = t;
                sift_down(a, 0, end);
        }
        for (uint32_t i = 0; i < n; i++)
                if (w == 0 || a[w - 1] != a[i])
                        a[w++] = a[i];
        return w;
}

static void row_move(ProcessTable *t, uint32_t to, uint32_t from) {
        if (to == from)
                return;
        process_table_rows(t)[to] = process_table_rows(t)[from];
        process_table_extras(t)[to] = process_table_extras(t)[from];
}

/**
 * process_table_merge() - bring the table in line with a listing
 * @n_pids: of process_table_pids(), in any order
 *
 * Afterwards the table holds exactly those, sorted; rows of those that were there before are kept, those
 * of new ones are blank. In place: first the gone are squeezed out, then room is made from the end.
 */
void process_table_merge(ProcessTable *t, uint32_t n_pids) {
        ProcessSample *rows = process_table_rows(t);
        int32_t *pids = process_table_pids(t);
        uint32_t kept = 0, i = 0;

        n_pids = process_pids_sort(pids, n_pids);
        for (uint32_t row = 0; row < t->n; row++) {
                while (i < n_pids && pids[i] < rows[row].pid)
                        i++;
                if (i < n_pids && pids[i] == rows[row].pid)
                        row_move(t, kept++, row);
                else
                        process_score_fd_drop(t, &process_table_extras(t)[row]);
        }
        for (uint32_t to = n_pids; to-- > 0;) {
                if (kept > 0 && rows[kept - 1].pid == pids[to])
                        row_move(t, to, --kept);
                else
                        process_row_reset(&rows[to], &process_table_extras(t)[to], pids[to]);
        }
        t->n = n_pids;
}

void process_table_drop_dead(ProcessTable *t) {
        uint32_t kept = 0;

        for (uint32_t i = 0; i < t->n; i++)
                if (!process_table_extras(t)[i].is_dead)
                        row_move(t, kept++, i);
                else
                        process_score_fd_drop(t, &process_table_extras(t)[i]);
        t->n = kept;
}

ProcessSample *process_table_find(const ProcessTable *t, int32_t pid) {
        ProcessSample *rows = process_table_rows(t);
        uint32_t lo = 0, hi = t->n;

        while (lo < hi) {
                uint32_t mid = lo + (hi - lo) / 2;
                if (rows[mid].pid < pid)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo < t->n && rows[lo].pid == pid ? &rows[lo] : NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cost that matters is per process and sample: listing it and one open, read and close of oom_score,
 * the kernel's own figure. That is 6.0 of the 6.5 us that a scan takes (Linux 6.18, 10,000 processes).
 * Identity, name, cgroup and rules are read when a process is first seen, and remembered.
 *
 * Only a process that was read in full in this very scan (PROCESS_SIZES) can become a victim, its
 * identity having been checked then. Which are read in full: see shortlist_read(). A scan that is not
 * for killing leaves out what is known: 15 us for a process that has done nothing since, not 70.
 */
#include "sense/process-scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "sense/pick.h"
#include "sense/read.h"

/* A full read is about 50 us; a list of candidates has 12 places. */
#define PICK_BIGGEST 64
#define PICK_GROWN   64
#define PICK_PREFER  64
/* Of each monitored cgroup, and of all of them together: the victim has to come from within. */
#define INSIDE_EACH 48
#define INSIDE_ALL  256
/*
 * After such a break any pid may have been reused: every row's identity is checked, at 10 us each. The
 * scans of one crisis follow each other within seconds.
 */
#define STALE_USEC (20 * USEC_PER_SEC)
/* Of the listing per system call: some 2000 processes. */
#define LISTING_BYTES ((size_t)64 << 10)
/* oom_score goes up to about 2000; the few above share the last class. */
#define SCORE_CLASSES 2048u

int process_scan_init(ProcessScan *s, int root_fd, uint32_t max_processes, uint32_t max_cgroups) {
        int r;

        *s = (ProcessScan){ .proc_fd = -EBADF };
        if ((r = process_table_init(&s->table, max_processes)) < 0 ||
            (r = reserve_init(&s->quota, (size_t)max_cgroups * sizeof(uint16_t))) < 0) {
                process_scan_done(s);
                return r;
        }
        process_scan_open(s, root_fd);
        return 0;
}

/* Tried again at discoveries while there is no proc. */
void process_scan_open(ProcessScan *s, int root_fd) {
        s->proc_fd = fd_close(s->proc_fd);
        s->proc_fd = openat(root_fd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void process_scan_done(ProcessScan *s) {
        process_table_done(&s->table);
        reserve_done(&s->quota);
        s->proc_fd = fd_close(s->proc_fd);
}

/* The rules have changed: the next scan reads every process in full and asks them again. */
void process_scan_forget_matches(ProcessScan *s) {
        for (uint32_t i = 0; i < s->table.n; i++)
                process_table_extras(&s->table)[i].is_matched = false;
}

/* Lists the numeric names of proc into the table's pids. Returns how many, or negative errno. */
int process_scan_list(ProcessScan *s, const ProcessReader *r) {
        int32_t *pids = process_table_pids(&s->table);
        uint32_t n = 0;

        if (s->proc_fd < 0)
                return -ENOENT;
        if (lseek(s->proc_fd, 0, SEEK_SET) < 0)
                return -errno;
        for (;;) {
                ssize_t got = getdents64(s->proc_fd, r->scratch, MIN(r->scratch_size, LISTING_BYTES));
                if (got < 0)
                        return -errno;
                if (got == 0)
                        return (int)n;
                for (ssize_t at = 0; at < got;) {
                        const struct dirent64 *d = (const struct dirent64 *)(r->scratch + at);
                        uint64_t pid;
                        at += d->d_reclen;
                        if (d->d_type != DT_DIR && d->d_type != DT_UNKNOWN)
                                continue;
                        if (d->d_name[0] < '1' || d->d_name[0] > '9' || text_parse_u64(d->d_name, &pid) < 0 ||
                            pid > INT32_MAX)
                                continue;
                        if (n == s->table.max) {
                                complaint_raise(r->complaints, COMPLAINT_PROCESS_CAP,
                                                "more than %u processes: leaving the rest out", s->table.max);
                                return (int)n;
                        }
                        pids[n++] = (int32_t)pid;
                }
        }
}

/* Returns false where the row has to be read in full. */
static bool row_is_enough(const ProcessReader *r, ProcessSample *p, ProcessExtra *x, bool is_stale) {
        bool is_kthread = p->flags & PROCESS_KTHREAD;

        if (!x->is_known || (!x->is_matched && !is_kthread) || (is_stale && !process_is_same(r, p)))
                return false;
        /* No such file: the process is gone, or another has its pid, or a capture lacks the file. */
        if (process_read_score(r, p, x) == READ_E_GONE)
                return false;
        /* A kernel thread has no memory and never will: one that has is another process by now. */
        return !is_kthread || p->oom_score == 0;
}

static void rows_read(ProcessScan *s, const ProcessReader *r, bool may_be_known) {
        ProcessSample *rows = process_table_rows(&s->table);
        ProcessExtra *extras = process_table_extras(&s->table);
        bool is_stale = r->mono_usec < s->last_usec || r->mono_usec - s->last_usec > STALE_USEC;

        for (uint32_t i = 0; i < s->table.n; i++) {
                if (may_be_known && process_read_known(r, &rows[i], &extras[i]) == 0)
                        continue;
                if (!row_is_enough(r, &rows[i], &extras[i], is_stale))
                        extras[i].is_dead = process_read_whole(r, &rows[i], &extras[i]) == READ_E_GONE;
        }
        process_table_drop_dead(&s->table);
}

/* Counting sort: biggest oom_score first; among equals the youngest pid, as the likelier culprit. */
static void order_by_score(ProcessScan *s) {
        const ProcessSample *rows = process_table_rows(&s->table);
        uint32_t *order = s->table.order.data, start[SCORE_CLASSES + 1] = {};

        for (uint32_t i = 0; i < s->table.n; i++)
                start[SCORE_CLASSES - 1 - MIN(rows[i].oom_score, SCORE_CLASSES - 1) + 1]++;
        for (uint32_t c = 1; c <= SCORE_CLASSES; c++)
                start[c] += start[c - 1];
        for (uint32_t i = s->table.n; i-- > 0;)
                order[start[SCORE_CLASSES - 1 - MIN(rows[i].oom_score, SCORE_CLASSES - 1)]++] = i;
}

/* Is there still room for this process on the account of a monitored cgroup that it is in? */
static bool inside_take(ProcessScan *s, const ProcessReader *r, const ProcessExtra *x) {
        const CgroupSample *samples = cgroup_tree_samples(r->tree);
        uint16_t *quota = s->quota.data;
        bool is_wanted = false;

        for (uint32_t c = cgroup_tree_index(r->tree, x->cgroup); c != INDEX_NONE; c = samples[c].parent)
                if (samples[c].policy >= 0 && quota[c] < INSIDE_EACH) {
                        quota[c]++;
                        is_wanted = true;
                }
        return is_wanted;
}

static void whole_read(ProcessScan *s, const ProcessReader *r, uint32_t i) {
        ProcessSample *p = &process_table_rows(&s->table)[i];
        ProcessExtra *x = &process_table_extras(&s->table)[i];

        if (!(p->flags & (PROCESS_SIZES | PROCESS_NO_MM)) && !x->is_dead)
                x->is_dead = process_read_whole(r, p, x) == READ_E_GONE;
}

/*
 * Reads in full: the biggest by oom_score; of each monitored cgroup its biggest, since a cgroup in
 * trouble may hold none of the host's biggest; those whose score rose most since the last scan; those
 * that a rule prefers. Unkillable ones have a score of 0 and are not read again.
 */
static void shortlist_read(ProcessScan *s, const ProcessReader *r) {
        const ProcessSample *rows = process_table_rows(&s->table);
        const ProcessExtra *extras = process_table_extras(&s->table);
        const uint32_t *order = s->table.order.data;
        uint32_t n_inside = 0, n_prefer = 0;
        Pick grown;

        memset(s->quota.data, 0, cgroup_tree_size(r->tree) * sizeof(uint16_t));
        pick_init(&grown, PICK_GROWN);
        order_by_score(s);
        for (uint32_t k = 0; k < s->table.n; k++) {
                uint32_t i = order[k];
                if (rows[i].oom_score == 0)
                        break;
                if (extras[i].has_last_score && rows[i].oom_score > extras[i].last_score)
                        pick_offer(&grown, rows[i].oom_score - extras[i].last_score, i);
                bool is_wanted = k < PICK_BIGGEST;
                /* the biggest count on their cgroup's account as well */
                if (n_inside < INSIDE_ALL && inside_take(s, r, &extras[i]) && !is_wanted) {
                        n_inside++;
                        is_wanted = true;
                }
                if (!is_wanted && rows[i].tier == TIER_PREFER && n_prefer < PICK_PREFER) {
                        n_prefer++;
                        is_wanted = true;
                }
                if (is_wanted)
                        whole_read(s, r, i);
        }
        for (uint32_t k = 0; k < grown.n; k++)
                whole_read(s, r, grown.items[k].index);
}

/*
 * A child in vfork() shares its parent's memory and the parent waits in D state: killing the child would
 * free nothing, and the kernel refuses to choose it too. All sizes being equal to the page is as good
 * as it gets without kcmp(); a forked child has page tables of its own size.
 */
static void vfork_guess(ProcessScan *s, const ProcessReader *r) {
        ProcessSample *rows = process_table_rows(&s->table);
        ProcessExtra *extras = process_table_extras(&s->table);

        for (uint32_t i = 0; i < s->table.n; i++) {
                ProcessSample *p = &rows[i];
                if (!(p->flags & PROCESS_SIZES) || p->ppid <= 1)
                        continue;
                ProcessSample *up = process_table_find(&s->table, p->ppid);
                /* one of another score has other memory, or another adj: then it is no guess but a wish */
                if (!up || up->oom_score != p->oom_score || extras[up - rows].is_dead)
                        continue;
                whole_read(s, r, (uint32_t)(up - rows));
                if ((up->flags & PROCESS_SIZES) && (up->flags & PROCESS_DSTATE) &&
                    extras[up - rows].vm_size_kb == extras[i].vm_size_kb && up->rss_anon == p->rss_anon &&
                    up->rss_file == p->rss_file && up->rss_shmem == p->rss_shmem && up->swap == p->swap &&
                    up->pgtables == p->pgtables)
                        p->flags |= PROCESS_VFORK;
        }
}

static void rows_finish(ProcessScan *s, const CgroupTree *t) {
        ProcessSample *rows = process_table_rows(&s->table);
        ProcessExtra *extras = process_table_extras(&s->table);

        for (uint32_t i = 0; i < s->table.n; i++) {
                const PathEntry *e = extras[i].cgroup;
                extras[i].has_last_score = rows[i].flags & PROCESS_SCORE;
                extras[i].last_score = rows[i].oom_score;
                rows[i].kernel_adjust = 0; /* not ours to know */
                if (cgroup_tree_index(t, e) != INDEX_NONE && !(rows[i].flags & PROCESS_SIZES))
                        rows[i].cgroup_id = e->id;
        }
}

/**
 * process_scan_take() - bring the table up to date
 * @may_be_known: what is known of a process need not be read anew (DETAIL_KNOWN_PROCESSES)
 *
 * No allocation. Processes that vanish meanwhile are left out. Afterwards process_table_rows() is the
 * sample, except for the index of the cgroup, which depends on what cgroups the snapshot holds.
 *
 * Return: 0; negative errno where proc cannot be listed, and the table is empty then.
 */
int process_scan_take(ProcessScan *s, const ProcessReader *r, bool may_be_known) {
        int n = process_scan_list(s, r);

        if (n < 0) {
                complaint_raise_file(r->complaints, COMPLAINT_PROCESS_SCAN, "", "proc", n);
                s->table.n = 0;
                return n;
        }
        process_table_merge(&s->table, (uint32_t)n);
        rows_read(s, r, may_be_known);
        s->last_usec = r->mono_usec;
        shortlist_read(s, r);
        vfork_guess(s, r);
        process_table_drop_dead(&s->table);
        rows_finish(s, r->tree);
        return 0;
}

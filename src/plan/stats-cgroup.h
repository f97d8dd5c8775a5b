/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is kept of each cgroup path over a trace, in bounded memory: a histogram for each estimator, peaks, counters. A
 * cgroup that was made anew (another id) goes on under its path and is counted; its counters begin anew.
 */

#include "base/macros.h"
#include "plan/estimate.h"
#include "plan/histogram.h"
#include "trace/trace.h"

#define PLAN_CGROUPS_MAX 1024
#define PLAN_DAYS_MAX    8

typedef struct CgroupStats {
        char *path;             /* owned */
        uint64_t id;            /* the latest */
        uint32_t n_created;     /* ids seen under this path */
        uint64_t n_samples;
        uint64_t seen_usec;     /* axis time of the latest sample, plus 1; 0 for none */
        uint64_t observed_usec;
        Histogram estimates[_ESTIMATOR_MAX];
        uint64_t lifetime_peak; /* memory.peak, as far as it goes back before the trace */
        bool is_peak_reset;     /* memory.peak was seen to fall: it is one of each interval */
        uint64_t latest_peak;
        uint64_t interval_max, interval_end_usec; /* sampled maximum of the running interval */
        /* mean and spread of ESTIMATE_ACTIVE (else CURRENT), Welford */
        uint64_t n_moments;
        double mean, m2;
        /* counters since the first sample of each id, usec and events */
        bool has_last_full, has_last_oom_kill, has_last_max; /* of this id, without a gap since */
        uint64_t last_full_usec, last_oom_kill, last_max;
        bool has_psi;
        uint64_t n_gaps;        /* of the table, at the latest sample */
        uint64_t stall_usec, n_oom_kills, n_max_events;
        uint64_t limit_min;     /* least memory.max seen, CGROUP_NO_LIMIT for none */
        uint64_t high_min;
        uint64_t low_latest;
        uint64_t swap_peak;
        /* VPA's samples: the peak of each day, the latest last */
        uint64_t day_peaks[PLAN_DAYS_MAX];
        uint64_t day;           /* number of the latest */
        uint32_t n_days;
} CgroupStats;

typedef struct CgroupTable {
        CgroupStats **cgroups;  /* owned; in the order in which they appeared */
        uint32_t n_cgroups, n_room;
        uint32_t *index;        /* open addressing by hash of the path, INDEX_NONE for free */
        uint32_t n_index;
        uint64_t n_gaps;
        uint64_t n_untracked;   /* samples of paths beyond PLAN_CGROUPS_MAX */
} CgroupTable;

void cgroup_table_done(CgroupTable *t);
/*
 * All cgroups of a snapshot. @axis_usec: of the plan's clock. @is_gap: no difference to what was before may be taken.
 * Return: 0; -ENOMEM.
 */
int cgroup_table_add(CgroupTable *t, const Snapshot *s, uint64_t axis_usec, bool is_gap);
/* After the last sample: running intervals are closed. */
void cgroup_table_finish(CgroupTable *t);
const CgroupStats *cgroup_table_find(const CgroupTable *t, const char *path);

/* What VPA's recommender would say: decayed percentile of daily peaks and its margins. False without a sample. */
typedef struct VpaAdvice {
        uint64_t lower_bytes, target_bytes, upper_bytes;
} VpaAdvice;
bool cgroup_vpa(const CgroupStats *c, VpaAdvice *ret);
/* Of what is needed: n - 1 degrees of freedom; 0 with fewer than two samples. */
double cgroup_sigma(const CgroupStats *c);

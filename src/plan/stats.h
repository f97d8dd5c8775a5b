/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What stood in a trace, gathered record by record in bounded memory: headroom, the memory stack, stalls, kills, gaps,
 * each cgroup. Everything in here is measured; nothing is counterfactual.
 */

#include "base/macros.h"
#include "plan/clock.h"
#include "plan/density.h"
#include "plan/forecast.h"
#include "plan/histogram.h"
#include "plan/timeline.h"
#include "plan/stats-cgroup.h"
#include "trace/trace.h"

#define PLAN_SEEN_KILLS_MAX 512
#define PLAN_POLICIES_MAX   8
/* Full stall over a minute from which on a trace counts as one that has seen pressure. */
#define PLAN_CALIBRATED_PERMYRIAD 100

typedef struct SeenKill {
        uint64_t axis_usec, mono_usec, real_usec;
        bool is_kernel;    /* the kernel's: who went is not known from the counter */
        bool is_cancelled; /* the second look said no, or every attempt failed */
        uint64_t n;        /* is_kernel: how many between two samples */
        TraceKill kill;
} SeenKill;

typedef struct PlanStats {
        TraceStart start;  /* the latest */
        bool has_start, has_decisions, has_dry_run;
        uint64_t policy_hashes[PLAN_POLICIES_MAX];
        uint32_t n_policies, n_policy_changes;
        uint32_t page_size;

        uint64_t n_records, n_samples, n_detailed, n_confirms;
        PlanClock clock;
        Timeline series;
        Forecast forecast;
        CgroupTable cgroups;
        Histogram headroom, demand, committed; /* weighted by msec */
        bool has_headroom, has_psi, has_committed;
        HostMoment worst;  /* least headroom */
        uint64_t demand_peak_bytes;
        uint64_t mem_total_min, mem_total_max, swap_total_max, usable_swap_max, zram_total_max;
        uint64_t commit_limit_latest, commit_over_usec; /* time with Committed_AS above CommitLimit */
        uint64_t protected_bytes; /* unused minimums, of the latest sample of all cgroups */

        uint64_t some_usec, full_usec;     /* stalled, gaps left out */
        uint64_t worst_minute_permyriad;   /* full */
        uint64_t minute_from_usec, minute_full_usec;
        HostSample previous;               /* of the sample before, for differences */

        uint64_t n_kills, n_kernel_kills, n_cancelled;
        uint32_t n_seen;
        SeenKill *seen;    /* owned */

        DensityTrack *densities; /* owned */
        uint32_t n_densities;
} PlanStats;

/* @patterns: globs of cgroups whose density is asked for; borrowed until plan_stats_free(). */
int plan_stats_new(const char *const *patterns, uint32_t n_patterns, PlanStats **ret);
PlanStats *plan_stats_free(PlanStats *s);
DEFINE_TRIVIAL_CLEANUP(PlanStats, plan_stats_free)
/* 0; -ENOMEM */
int plan_stats_feed(PlanStats *s, const TraceRecord *r);
/* After the last record. */
void plan_stats_finish(PlanStats *s);

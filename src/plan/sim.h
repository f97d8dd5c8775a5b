/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One what-if: the recorded demand against another supply or another policy, in closed loop through decide_step().
 *
 * Records are fed one by one, so that any number of questions is answered in one pass over a trace and in bounded memory.
 * Up to the first decision that differs from what happened, and with the recorded supply, everything is exact; after
 * that every number is a model's and says so (PlanConfidence).
 */

#include "base/macros.h"
#include "model/decision.h"
#include "model/policy.h"
#include "plan/histogram.h"
#include "trace/trace.h"

typedef enum PlanConfidence {
        PLAN_MEASURED, /* stood in the trace */
        PLAN_REPLAYED, /* recomputed, nothing was changed yet */
        PLAN_ESTIMATED, /* a rule applied to measured values, as a sum of peaks or a margin: nothing was simulated */
        PLAN_MODELLED, /* counterfactual, within what the trace has seen (pressure included) */
        PLAN_LOW,      /* counterfactual beyond it: no pressure seen, a device it never had, after a diverging kill */
        _PLAN_CONFIDENCE_MAX,
        _PLAN_CONFIDENCE_INVALID = -EINVAL,
} PlanConfidence;

#define PLAN_SCALES_MAX 16

typedef struct PlanScale {
        const char *pattern;  /* glob on the cgroup path without its leading slash; borrowed */
        uint64_t permyriad;   /* copies: 20000 is two of it */
} PlanScale;

typedef struct PlanLimit {
        const char *pattern;
        uint64_t bytes; /* its memory.max */
} PlanLimit;

typedef struct PlanQuestion {
        char name[64];            /* as the report prints it: "ram 4G, swap 1G" */
        uint64_t ram_bytes;       /* of the machine: MemTotal is less by what the kernel keeps; 0: as recorded */
        bool has_swap;
        uint64_t swap_bytes;      /* of the disk */
        bool has_zram;
        uint64_t zram_bytes;      /* disksize */
        uint32_t zram_permyriad;  /* compressed to original size; 0: as recorded, else 5000 and low confidence */
        int32_t swappiness;       /* -1: as recorded */
        uint32_t overcommit_ratio;/* strict with this ratio; 0: not strict */
        uint32_t n_scales, n_limits;
        PlanScale scales[PLAN_SCALES_MAX];
        PlanLimit limits[PLAN_SCALES_MAX];
        const Policy *policy;     /* borrowed; NULL: the recorded ones */
        uint64_t stall_bound_permyriad; /* a run is safe while full stall stays below this share over any minute; 0: 1000 */
} PlanQuestion;

typedef enum PlanEventKind {
        PLAN_EVENT_KILL,        /* the policy would kill */
        PLAN_EVENT_KERNEL_KILL, /* the kernel would */
        PLAN_EVENT_MEASURE,     /* a step of the ladder would begin */
        PLAN_EVENT_FORK_FAILED, /* strict overcommit would refuse */
        PLAN_EVENT_SAW_KILL,    /* stood in the trace */
        _PLAN_EVENT_KIND_MAX,
} PlanEventKind;

/* facts/planning.md, section 3; several may hold. */
typedef enum PlanRegret {
        PLAN_REGRET_UNNECESSARY = 1 << 0,
        PLAN_REGRET_LATE = 1 << 1,
        PLAN_REGRET_MISSED = 1 << 2,
        PLAN_REGRET_WRONG_VICTIM = 1 << 3,
} PlanRegret;

typedef struct PlanEvent {
        PlanEventKind kind;
        PlanConfidence confidence;
        uint32_t regret; /* PlanRegret */
        uint64_t mono_usec, real_usec; /* of the trace */
        Step step;
        Reason reason;
        int32_t pid;
        char comm[COMM_MAX];
        char cgroup_path[CGROUP_PATH_MAX];
        char policy_name[64];
        uint64_t freed_bytes;
        uint64_t available_bytes; /* before */
        uint64_t stall_usec;      /* full stall of the minute before */
} PlanEvent;

#define PLAN_EVENTS_MAX 1024

typedef struct PlanOutcome {
        PlanConfidence confidence; /* the weakest that any number here rests on */
        uint64_t span_usec, n_samples, n_gaps;
        uint64_t n_kills, n_kernel_kills, n_measures, n_fork_failures, n_saw_kills;
        uint64_t n_regret[4]; /* by bit of PlanRegret */
        /* processes that the record's kill ended and none here: what they would have asked for later is not known, so
         * that "safe" is a lower bound where this is not 0 */
        uint64_t n_unknown_demands;
        uint32_t n_events;    /* those that are kept: the first PLAN_EVENTS_MAX */
        PlanEvent *events;    /* owned */
        bool is_safe;         /* no kill, no kernel kill, stall under the bound */
        uint64_t stall_usec;  /* full, modelled or measured */
        uint64_t worst_stall_permyriad; /* over a minute */
        bool is_stall_calibrated;       /* the trace has seen pressure */
        uint64_t headroom_min_bytes;
        Histogram headroom;   /* bytes, weighted by time in msec */
        uint64_t demand_peak_bytes;     /* what could not have been reclaimed, host */
        uint64_t deficit_peak_bytes;    /* by how much it did not fit */
} PlanOutcome;
void plan_outcome_done(PlanOutcome *o);

typedef struct PlanSim PlanSim;
int plan_sim_new(const PlanQuestion *q, PlanSim **ret);
PlanSim *plan_sim_free(PlanSim *s);
DEFINE_TRIVIAL_CLEANUP(PlanSim, plan_sim_free)
/* 0; -ENOMEM; -EBADMSG: the trace lacks what the question needs (no policy, no START). */
int plan_sim_feed(PlanSim *s, const TraceRecord *r);
/* After the last record; @ret is to be given to plan_outcome_done(). */
int plan_sim_finish(PlanSim *s, PlanOutcome *ret);
const char *plan_confidence_to_string(PlanConfidence c);
const char *plan_event_kind_to_string(PlanEventKind k);

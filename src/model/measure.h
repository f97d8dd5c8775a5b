/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Measure: one step of the ladder below the kill, as decide/ wants it done and act/ reports it back. Like a
 * Decision it holds everything that is needed to explain it, and no pointers.
 *
 * Life: BEGIN, for a throttle any number of ADJUST, and for what lasts one RELEASE, all with the same
 * measure_id. Each of them is answered by exactly one MeasureStatus, in a later Snapshot; until then no
 * other verb of that measure is sent. A BEGIN that failed is over, but for -ETIME of a step that lasts, which may be
 * in force; a RELEASE that failed is sent again.
 */

#include "base/macros.h"
#include "model/condition.h"
#include "model/policy.h"
#include "model/snapshot.h"

/* Why a lasting measure was released, or a measure is no longer repeated. */
typedef enum MeasureEnd {
        MEASURE_END_NONE,
        MEASURE_END_LEVEL,   /* the level was left: Until= holds */
        MEASURE_END_TIME,    /* freeze: its max= is over */
        MEASURE_END_GONE,    /* the cgroup is gone, or empty */
        MEASURE_END_FOREIGN, /* somebody else has set another value since: left alone */
        MEASURE_END_SPENT,   /* throttle: the swap is spent, so that it only makes the cgroup stand still */
        _MEASURE_END_MAX,
        _MEASURE_END_INVALID = -EINVAL,
} MeasureEnd;

typedef struct Measure {
        uint64_t measure_id; /* 1, 2, 3 ... of this state */
        Step step;           /* one of STEPS_LADDER */
        MeasureVerb verb;
        MeasureEnd end;      /* of a RELEASE */
        bool dry_run;        /* nothing is written; answered as if it had been */
        bool is_proactive;   /* by [Proactive], not by a level */
        bool is_to_last;     /* slow: through the service manager where that owns the cgroup */
        int32_t policy;      /* index in Policy.cgroups */
        char policy_name[64];
        uint64_t domain_id;  /* cgroup in trouble; 0 for the host */
        char domain_path[CGROUP_PATH_MAX];
        Level level;         /* the one that asks for it */
        Reason reason;
        /* the target; none of it for trim */
        uint64_t cgroup_id;
        char cgroup_path[CGROUP_PATH_MAX];
        int32_t pid; /* pageout: the process */
        uint64_t start_ticks;
        char comm[COMM_MAX];
        /*
         * reclaim, pageout: bytes wanted. throttle: memory.high in bytes, a multiple of the page size. slow: weight.
         * freeze: 1. trim: level of LowMemoryWarning, 50, 100 or 255. restart, stop: 0. RELEASE: unused.
         */
        uint64_t value;
        uint64_t old_value;  /* throttle: memory.high as it was seen before, CGROUP_NO_LIMIT for max */
        int32_t swappiness;  /* reclaim: 0-200, -1 for none */
        uint64_t limit_usec; /* how long the call may take; then it is broken off and answered with what it did */
        /* why this cgroup: its part in the trouble over the recent past */
        uint64_t usage_bytes;
        uint64_t protected_bytes; /* memory.min or memory.low, whichever is more */
        bool has_contribution;
        uint64_t growth_bytes, refault_bytes, span_usec;
        uint32_t stall_permyriad;        /* its own `full` share */
        uint32_t contribution_permyriad; /* of all cgroups that were looked at */
        char runner_up_path[CGROUP_PATH_MAX]; /* "" for nobody */
        uint32_t runner_up_permyriad;
        ConditionReport condition; /* When= of the level; of a RELEASE by level its Until= */
        /* for the report only; 0 where nothing is to be said */
        uint64_t floor_bytes; /* throttle: memory.high never goes below */
        uint64_t held_usec;   /* RELEASE: how long it has been in force */
        uint32_t level_steps; /* LevelPolicy.steps of @level: which one follows where this one fails */
} Measure;

const char *measure_verb_to_string(MeasureVerb v);
const char *measure_end_to_string(MeasureEnd e);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a condition came to, comparison by comparison: the part of a Decision that says why. */

#include "base/macros.h"
#include "model/policy.h"

typedef enum Truth {
        TRUTH_FALSE,
        TRUTH_TRUE,
        TRUTH_UNKNOWN, /* a value was absent: never enough to act on */
} Truth;

/* One comparison as it was evaluated. */
typedef struct TermReport {
        Term term;
        Truth truth;
        bool is_decisive; /* everything above it, up to the whole condition, is true: the condition rests on it */
        bool has_value;
        uint64_t value;           /* in the term's unit */
        uint64_t effective_limit; /* after caps, in the term's unit; bytes where a cap decided */
        Unit effective_unit;
        uint64_t span_usec; /* the time that the value really covers; 0 where it is no rate */
        uint64_t held_usec; /* of the closest `for` around it */
        uint64_t for_usec;
} TermReport;

typedef struct ConditionReport {
        uint32_t n_terms;
        TermReport terms[CONDITION_TERMS_MAX];
        Truth truth;
} ConditionReport;

typedef enum Reason {
        REASON_HOST_MEMORY_LOW,      /* memory and usable swap of the host run out */
        REASON_HOST_EXHAUSTION,      /* ... at the present rate within the limit */
        REASON_HOST_PRESSURE,        /* the host stalls on memory */
        REASON_CGROUP_OWN_LIMIT,     /* the cgroup is against its own memory.high or memory.max; the host is not */
        REASON_CGROUP_MEMORY_LOW,    /* the cgroup runs out of what it may have */
        REASON_CGROUP_PRESSURE,      /* the cgroup stalls on memory, for want of the host's memory */
        REASON_OTHER_CONDITION,      /* any other condition the operator wrote */
        _REASON_MAX,
        _REASON_INVALID = -EINVAL,
} Reason;

const char *reason_to_string(Reason r);

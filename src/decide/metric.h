/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/macros.h"
#include "decide/history.h"
#include "decide/usage.h"
#include "model/policy.h"
#include "model/snapshot.h"

/* What a metric is computed from. */
typedef struct MetricInput {
        const Snapshot *snap;
        const CgroupSample *cgroup; /* NULL: the host */
        uint64_t credit_bytes;      /* dry-run: memory of virtual victims, counted as free */
        /* of its pressure counters, what our own throttles have caused and does not count; NULL: nothing */
        const uint64_t *own_stall, *host_own_stall; /* [N_STALLS] */
        bool has_old_high; /* memory.high is ours: its old value counts instead */
        uint64_t old_high;
} MetricInput;

typedef struct MetricValue {
        uint64_t value; /* in @unit */
        Unit unit;
        uint64_t total; /* what a share of it refers to; 0 where there is no such thing */
        uint64_t span_usec;
} MetricValue;

/* Is it computed from two samples? Then the raw value goes into a Series first. */
bool metric_is_rate(Metric m);
bool metric_is_pressure(Metric m);
/* Raw counter or gauge; false where it is absent. @ret_needs_detail: a detailed sample would have it. */
bool metric_raw(const Term *t, const MetricInput *in, uint64_t *ret, bool *ret_needs_detail);
/* @series: of a rate, with the present raw value pushed or not; @raw: the present raw value. */
bool metric_value(const Term *t, const MetricInput *in, const Series *series, uint64_t raw, MetricValue *ret);

bool metric_available(const MetricInput *in, uint64_t *ret_bytes, uint64_t *ret_total);
/* Usable swap: what filling it would really gain. */
bool metric_swap_free(const MetricInput *in, uint64_t *ret_bytes, uint64_t *ret_total);
/* The smaller of memory.high and memory.max; false on the host, and where neither is set or was read. */
bool metric_cgroup_limit(const MetricInput *in, uint64_t *ret_bytes);
/* USEC_INFINITY where memory is not shrinking; false until a window has passed. */
bool metric_exhaustion(const Series *left, uint64_t now_usec, uint64_t left_bytes, uint64_t *ret_usec,
                       uint64_t *ret_span_usec);

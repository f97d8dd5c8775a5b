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
static inline bool metric_is_rate(Metric m) {
        const uint32_t rates = 1u << METRIC_SOME | 1u << METRIC_FULL | 1u << METRIC_EXHAUSTION | 1u << METRIC_REFAULTS |
                               1u << METRIC_SCAN_RATE | 1u << METRIC_KERNEL_OOM;
        return m >= 0 && m < _METRIC_MAX && (rates >> m & 1);
}
static inline bool metric_is_pressure(Metric m) {
        return m == METRIC_SOME || m == METRIC_FULL;
}
/* May its raw value be in a detailed sample only? */
static inline bool metric_may_need_detail(Metric m) {
        return m == METRIC_AVAILABLE || (metric_is_rate(m) && !metric_is_pressure(m));
}
/* METRIC_SOME or METRIC_FULL of that very cgroup or host: as metric_raw(). */
static inline bool metric_stall(Metric m, const MetricInput *in, uint64_t *ret) {
        bool is_some = m == METRIC_SOME;
        CgroupField of_cgroup = is_some ? CGROUP_PSI_SOME_USEC : CGROUP_PSI_FULL_USEC;
        HostField of_host = is_some ? HOST_PSI_SOME_USEC : HOST_PSI_FULL_USEC;

        if (in->cgroup ? !cgroup_has(in->cgroup, of_cgroup) : !host_has(&in->snap->host, of_host))
                return false;
        uint64_t raw = in->cgroup ? in->cgroup->value[of_cgroup] : in->snap->host.value[of_host];
        uint64_t excused = in->own_stall ? in->own_stall[is_some ? STALL_SOME : STALL_FULL] : 0;
        /* a counter that is below what was excused of it has been reset since */
        *ret = raw - (raw >= excused ? excused : 0);
        return true;
}
/* The share of @span_usec that @stall_usec are. Most stand still at most times, and a division is what this costs. */
static inline uint64_t metric_share(uint64_t stall_usec, uint64_t span_usec) {
        return stall_usec == 0 ? 0 : MIN(u64_mul_div(stall_usec, PERMYRIAD, span_usec), PERMYRIAD);
}
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

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Metrics: what the words of the condition language mean in numbers. A metric whose raw values are
 * absent is absent itself; it is never guessed.
 */

#include "decide/metric.h"

bool metric_cgroup_limit(const MetricInput *in, uint64_t *ret_bytes) {
        const CgroupSample *c = in->cgroup;
        uint64_t limit = CGROUP_NO_LIMIT;
        if (!c)
                return false;
        if (cgroup_has(c, CGROUP_HIGH))
                limit = MIN(limit, in->has_old_high ? in->old_high : c->value[CGROUP_HIGH]);
        if (cgroup_has(c, CGROUP_MAX))
                limit = MIN(limit, c->value[CGROUP_MAX]);
        if (limit == CGROUP_NO_LIMIT)
                return false;
        *ret_bytes = limit;
        return true;
}

/*
 * zram swap is not free memory: filling it takes RAM for the compressed pages. Its gain is what is free
 * times (1 - ratio), the ratio as measured by the kernel on what is stored now (mm_stat); while next to
 * nothing is stored yet, half is assumed. A share is taken of the whole in the same measure, so that an
 * empty zram is 100 % free.
 */
static bool host_swap_free(const HostSample *h, uint64_t *ret_bytes, uint64_t *ret_total) {
        if (!host_has(h, HOST_SWAP_TOTAL) || !host_has(h, HOST_SWAP_FREE))
                return false;
        uint64_t total = h->value[HOST_SWAP_TOTAL], left = MIN(h->value[HOST_SWAP_FREE], total);
        if (host_has(h, HOST_ZRAM_SWAP_TOTAL) && host_has(h, HOST_ZRAM_SWAP_USED)) {
                uint64_t zram = MIN(h->value[HOST_ZRAM_SWAP_TOTAL], total);
                uint64_t zram_free = MIN(u64_sub_sat(zram, h->value[HOST_ZRAM_SWAP_USED]), left);
                uint64_t gain = PERMYRIAD / 2;
                if (host_has(h, HOST_ZRAM_ORIG) && host_has(h, HOST_ZRAM_MEM_USED) &&
                    h->value[HOST_ZRAM_ORIG] >= (1 << 20)) {
                        uint64_t cost = u64_mul_div(h->value[HOST_ZRAM_MEM_USED], PERMYRIAD, h->value[HOST_ZRAM_ORIG]);
                        gain = u64_sub_sat(PERMYRIAD, cost);
                }
                left = left - zram_free + u64_mul_div(zram_free, gain, PERMYRIAD);
                total = total - zram + u64_mul_div(zram, gain, PERMYRIAD);
        }
        *ret_bytes = left;
        *ret_total = total;
        return true;
}

bool metric_swap_free(const MetricInput *in, uint64_t *ret_bytes, uint64_t *ret_total) {
        uint64_t bytes, total;
        if (!host_swap_free(&in->snap->host, &bytes, &total))
                return false;
        if (in->cgroup && cgroup_has(in->cgroup, CGROUP_SWAP_MAX) && cgroup_has(in->cgroup, CGROUP_SWAP_CURRENT) &&
            in->cgroup->value[CGROUP_SWAP_MAX] != CGROUP_NO_LIMIT) {
                total = MIN(total, in->cgroup->value[CGROUP_SWAP_MAX]);
                bytes = MIN(bytes, u64_sub_sat(total, in->cgroup->value[CGROUP_SWAP_CURRENT]));
        }
        *ret_bytes = bytes;
        *ret_total = total;
        return true;
}

static bool host_available(const MetricInput *in, uint64_t *ret_bytes, uint64_t *ret_total) {
        const HostSample *h = &in->snap->host;
        if (!host_has(h, HOST_MEM_AVAILABLE) || !host_has(h, HOST_MEM_TOTAL))
                return false;
        *ret_total = h->value[HOST_MEM_TOTAL];
        *ret_bytes = MIN(u64_add_sat(h->value[HOST_MEM_AVAILABLE], in->credit_bytes), *ret_total);
        return true;
}

/*
 * What a cgroup may still take before its own limit: the limit less its use, plus what reclaim could drop
 * (clean file pages and reclaimable slab). Without memory.stat only the limit less the use is known, a
 * lower bound: good enough while it is large, else absent. Never more than the host has.
 */
static bool cgroup_available(const MetricInput *in, uint64_t *ret_bytes, uint64_t *ret_total, bool *ret_needs_detail) {
        const CgroupSample *c = in->cgroup;
        uint64_t bytes, total, limit;

        if (!host_available(in, &bytes, &total))
                return false;
        if (metric_cgroup_limit(in, &limit)) {
                if (!cgroup_has(c, CGROUP_CURRENT))
                        return false;
                uint64_t room = u64_add_sat(u64_sub_sat(limit, c->value[CGROUP_CURRENT]), in->credit_bytes);
                if (cgroup_has(c, CGROUP_INACTIVE_FILE) && cgroup_has(c, CGROUP_ACTIVE_FILE)) {
                        uint64_t clean = u64_add_sat(c->value[CGROUP_INACTIVE_FILE], c->value[CGROUP_ACTIVE_FILE]);
                        clean = u64_sub_sat(clean, c->value[CGROUP_FILE_DIRTY]);
                        room = u64_add_sat(room, u64_add_sat(clean, c->value[CGROUP_SLAB_RECLAIMABLE]));
                } else if (room < limit / 4) {
                        *ret_needs_detail = true;
                        return false;
                }
                total = MIN(total, limit);
                bytes = MIN(bytes, MIN(room, limit));
        }
        *ret_bytes = bytes;
        *ret_total = total;
        return true;
}

bool metric_available(const MetricInput *in, uint64_t *ret_bytes, uint64_t *ret_total) {
        bool needs_detail;
        return in->cgroup ? cgroup_available(in, ret_bytes, ret_total, &needs_detail)
                          : host_available(in, ret_bytes, ret_total);
}

static bool sum_host(const HostSample *h, HostField a, HostField b, uint64_t *ret) {
        if (!host_has(h, a) || !host_has(h, b))
                return false;
        *ret = u64_add_sat(h->value[a], h->value[b]);
        return true;
}

static bool cgroup_raw(Metric m, const CgroupSample *c, uint64_t *ret, bool *ret_needs_detail) {
        CgroupField f;
        switch (m) {
        case METRIC_REFAULTS:
                f = CGROUP_REFAULT_FILE;
                *ret_needs_detail = !cgroup_has(c, f);
                break;
        case METRIC_SCAN_RATE:
                f = CGROUP_PGSCAN;
                *ret_needs_detail = !cgroup_has(c, f);
                break;
        case METRIC_KERNEL_OOM:
                f = CGROUP_EVENT_OOM_KILL;
                *ret_needs_detail = !cgroup_has(c, f);
                break;
        default:
                return false;
        }
        *ret = c->value[f];
        return cgroup_has(c, f);
}

static bool host_raw(Metric m, const HostSample *h, uint64_t *ret) {
        HostField f;
        switch (m) {
        case METRIC_REFAULTS:
                f = HOST_VM_REFAULT_FILE;
                break;
        case METRIC_SCAN_RATE:
                return sum_host(h, HOST_VM_PGSCAN_KSWAPD, HOST_VM_PGSCAN_DIRECT, ret);
        case METRIC_KERNEL_OOM:
                f = HOST_VM_OOM_KILL;
                break;
        default:
                return false;
        }
        *ret = h->value[f];
        return host_has(h, f);
}

/* The metric as the term means it: host. metrics look at the host from anywhere. */
static const MetricInput *term_input(const Term *t, const MetricInput *in, MetricInput *host) {
        if (!t->host || !in->cgroup)
                return in;
        *host = (MetricInput){ .snap = in->snap, .credit_bytes = in->credit_bytes, .own_stall = in->host_own_stall };
        return host;
}

bool metric_raw(const Term *t, const MetricInput *domain, uint64_t *ret, bool *ret_needs_detail) {
        MetricInput host;
        const MetricInput *in = term_input(t, domain, &host);
        const HostSample *h = &in->snap->host;
        uint64_t total, swap, swap_total;

        *ret_needs_detail = false;
        switch (t->metric) {
        case METRIC_SOME:
        case METRIC_FULL:
                return metric_stall(t->metric, in, ret);
        case METRIC_REFAULTS:
        case METRIC_SCAN_RATE:
        case METRIC_KERNEL_OOM:
                return in->cgroup ? cgroup_raw(t->metric, in->cgroup, ret, ret_needs_detail) : host_raw(t->metric, h, ret);
        case METRIC_AVAILABLE:
                return in->cgroup ? cgroup_available(in, ret, &total, ret_needs_detail) : host_available(in, ret, &total);
        case METRIC_EXHAUSTION:
                if (in->cgroup ? !cgroup_available(in, ret, &total, ret_needs_detail) : !host_available(in, ret, &total))
                        return false;
                if (!metric_swap_free(in, &swap, &swap_total))
                        return false;
                *ret = u64_add_sat(*ret, swap);
                return true;
        case METRIC_SWAP_FREE:
                return metric_swap_free(in, ret, &total);
        case METRIC_SWAP_USED:
                if (in->cgroup) {
                        *ret = in->cgroup->value[CGROUP_SWAP_CURRENT];
                        return cgroup_has(in->cgroup, CGROUP_SWAP_CURRENT);
                }
                if (!host_has(h, HOST_SWAP_TOTAL) || !host_has(h, HOST_SWAP_FREE))
                        return false;
                *ret = u64_sub_sat(h->value[HOST_SWAP_TOTAL], h->value[HOST_SWAP_FREE]);
                return true;
        case METRIC_USAGE:
                if (in->cgroup) {
                        *ret = u64_sub_sat(in->cgroup->value[CGROUP_CURRENT], in->credit_bytes);
                        return cgroup_has(in->cgroup, CGROUP_CURRENT);
                }
                if (!host_available(in, ret, &total))
                        return false;
                *ret = u64_sub_sat(total, *ret);
                return true;
        case METRIC_COMMIT:
                *ret = h->value[HOST_COMMITTED_AS];
                return host_has(h, HOST_COMMITTED_AS);
        case _METRIC_MAX:
        case _METRIC_INVALID:
                break;
        }
        return false;
}

/* What a share of a byte metric refers to; 0 where there is none. */
static uint64_t metric_total(const Term *t, const MetricInput *in) {
        const HostSample *h = &in->snap->host;
        uint64_t bytes, total;

        switch (t->metric) {
        case METRIC_AVAILABLE:
                return metric_available(in, &bytes, &total) ? total : 0;
        case METRIC_USAGE:
                if (metric_cgroup_limit(in, &total))
                        return total;
                return host_has(h, HOST_MEM_TOTAL) ? h->value[HOST_MEM_TOTAL] : 0;
        case METRIC_SWAP_FREE:
                return metric_swap_free(in, &bytes, &total) ? total : 0;
        case METRIC_SWAP_USED:
                if (in->cgroup && cgroup_has(in->cgroup, CGROUP_SWAP_MAX) &&
                    in->cgroup->value[CGROUP_SWAP_MAX] != CGROUP_NO_LIMIT)
                        return in->cgroup->value[CGROUP_SWAP_MAX];
                return host_has(h, HOST_SWAP_TOTAL) ? h->value[HOST_SWAP_TOTAL] : 0;
        case METRIC_COMMIT:
                return host_has(h, HOST_COMMIT_LIMIT) ? h->value[HOST_COMMIT_LIMIT] : 0;
        default:
                return 0;
        }
}

static bool file_lru_bytes(const MetricInput *in, uint64_t *ret) {
        const HostSample *h = &in->snap->host;
        if (!in->cgroup)
                return sum_host(h, HOST_ACTIVE_FILE, HOST_INACTIVE_FILE, ret);
        if (!cgroup_has(in->cgroup, CGROUP_ACTIVE_FILE) || !cgroup_has(in->cgroup, CGROUP_INACTIVE_FILE))
                return false;
        *ret = u64_add_sat(in->cgroup->value[CGROUP_ACTIVE_FILE], in->cgroup->value[CGROUP_INACTIVE_FILE]);
        return true;
}

bool metric_exhaustion(const Series *left, uint64_t now_usec, uint64_t left_bytes, uint64_t *ret_usec,
                       uint64_t *ret_span_usec) {
        SeriesSample base;
        if (!series_base(left, now_usec, &base))
                return false;
        *ret_span_usec = now_usec - base.usec;
        uint64_t lost = u64_sub_sat(base.value, left_bytes);
        *ret_usec = lost > 0 ? u64_mul_div(left_bytes, *ret_span_usec, lost) : USEC_INFINITY;
        return true;
}

bool metric_value(const Term *t, const MetricInput *domain, const Series *series, uint64_t raw, MetricValue *ret) {
        MetricInput host;
        const MetricInput *in = term_input(t, domain, &host);
        uint64_t now = in->snap->mono_usec, lru;
        SeriesSample base;

        if (!metric_is_rate(t->metric)) {
                *ret = (MetricValue){ .value = raw, .unit = UNIT_BYTES, .total = metric_total(t, in) };
                return true;
        }
        if (t->metric == METRIC_EXHAUSTION) {
                *ret = (MetricValue){ .unit = UNIT_USEC };
                return metric_exhaustion(series, now, raw, &ret->value, &ret->span_usec);
        }
        if (!series_base(series, now, &base) || raw < base.value)
                return false;
        uint64_t delta = raw - base.value, span = now - base.usec;
        *ret = (MetricValue){ .span_usec = span };
        switch (t->metric) {
        case METRIC_SOME:
        case METRIC_FULL:
                ret->unit = UNIT_SHARE;
                ret->value = metric_share(delta, span);
                return true;
        case METRIC_REFAULTS:
                /* an empty LRU counts as one page: every refault is then all of it */
                if (!file_lru_bytes(in, &lru))
                        return false;
                lru = MAX(lru, (uint64_t)in->snap->page_size);
                ret->unit = UNIT_SHARE;
                ret->value = u64_mul_div(u64_mul_div(u64_mul_sat(delta, in->snap->page_size), PERMYRIAD, lru),
                                         USEC_PER_SEC, span);
                return true;
        case METRIC_SCAN_RATE:
                ret->unit = UNIT_BYTES;
                ret->value = u64_mul_div(u64_mul_sat(delta, in->snap->page_size), USEC_PER_SEC, span);
                return true;
        case METRIC_KERNEL_OOM:
                ret->unit = UNIT_COUNT;
                ret->value = delta;
                return true;
        default:
                return false;
        }
}

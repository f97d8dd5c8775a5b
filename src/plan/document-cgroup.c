/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Sections of the plan document about cgroups: what they used, and what their units should be given. */

#include <string.h>

#include "plan/document-parts.h"
#include "report/json.h"

static uint64_t weight_of(const CgroupStats *c) {
        return MAX(c->estimates[ESTIMATE_NOT_INACTIVE].max, c->estimates[ESTIMATE_CURRENT].max);
}

static int by_peak(const void *a, const void *b) {
        const CgroupStats *x = *(CgroupStats *const *)a, *y = *(CgroupStats *const *)b;
        uint64_t p = weight_of(x), q = weight_of(y);
        return p != q ? (p > q ? -1 : 1) : strcmp(x->path, y->path);
}

static json_t *estimator(const CgroupStats *c, Estimator e) {
        static const struct {
                const char *key;
                uint32_t permyriad;
        } percentiles[] = { { "p50", 5000 }, { "p95", 9500 }, { "p99", 9900 }, { "max", 10000 } };
        const Histogram *h = &c->estimates[e];
        const Basis b = { PLAN_MEASURED, e == ESTIMATE_PEAK ? h->total : c->n_samples, c->observed_usec };

        if (h->total == 0)
                return json_null();
        json_t *o = json_object();
        for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++)
                doc_set(o, percentiles[i].key, doc_number(&b, "bytes", histogram_percentile(h, percentiles[i].permyriad)));
        doc_set(o, "histogram", histogram_to_json(h));
        return o;
}

static json_t *vpa(const CgroupStats *c) {
        /* Measured peaks with made-up margins: a rule, not a measurement. */
        const Basis b = { PLAN_ESTIMATED, c->n_days, c->observed_usec };
        VpaAdvice v;

        if (!cgroup_vpa(c, &v))
                return json_null();
        json_t *o = json_object();
        doc_set(o, "lower", doc_number(&b, "bytes", v.lower_bytes));
        doc_set(o, "target", doc_number(&b, "bytes", v.target_bytes));
        doc_set(o, "upper", doc_number(&b, "bytes", v.upper_bytes));
        return o;
}

static json_t *cgroup(const CgroupStats *c) {
        json_t *o = json_object(), *estimators = json_object();

        doc_set(o, "path", json_escaped(c->path));
        doc_set(o, "created", json_integer(c->n_created));
        doc_set(o, "samples", json_u64(c->n_samples, UINT64_MAX));
        doc_set(o, "observed_usec", json_u64(c->observed_usec, UINT64_MAX));
        for (Estimator e = 0; e < _ESTIMATOR_MAX; e++)
                doc_set(estimators, estimator_to_string(e), estimator(c, e));
        /* senpai's way needs a probe that shrinks the workload on purpose; no recorder does. */
        doc_set(estimators, "psi-probed", json_null());
        doc_set(o, "estimators", estimators);
        doc_set(o, "peak_is_of_interval", json_boolean(c->is_peak_reset));
        doc_set(o, "lifetime_peak_bytes", json_u64(c->lifetime_peak, 0));
        doc_set(o, "swap_peak_bytes", json_u64(c->swap_peak, UINT64_MAX));
        doc_set(o, "vpa", vpa(c));
        doc_set(o, "stall_full_usec", c->has_psi ? json_u64(c->stall_usec, UINT64_MAX) : json_null());
        doc_set(o, "oom_kills", json_u64(c->n_oom_kills, UINT64_MAX));
        doc_set(o, "limit_hits", json_u64(c->n_max_events, UINT64_MAX));
        doc_set(o, "memory_max_bytes", json_u64(c->limit_min, CGROUP_NO_LIMIT));
        doc_set(o, "memory_high_bytes", json_u64(c->high_min, CGROUP_NO_LIMIT));
        return o;
}

json_t *doc_cgroups(const PlanStats *s) {
        json_t *o = json_object(), *list = json_array(), *names = json_object();
        uint32_t n = s->cgroups.n_cgroups;
        _cleanup_free_ CgroupStats **sorted = calloc(MAX(n, UINT32_C(1)), sizeof(*sorted));

        for (uint32_t i = 0; sorted && i < n; i++)
                sorted[i] = s->cgroups.cgroups[i];
        if (sorted && n > 1)
                qsort(sorted, n, sizeof(*sorted), by_peak);
        for (uint32_t i = 0; sorted && i < MIN(n, (uint32_t)PLAN_DOCUMENT_CGROUPS); i++)
                (void)json_array_append_new(list, cgroup(sorted[i]));
        for (Estimator e = 0; e < _ESTIMATOR_MAX; e++)
                doc_set(names, estimator_to_string(e), json_string(estimator_describe(e)));
        doc_set(names, "psi-probed", json_string("not in this trace: nobody probed these cgroups"));
        doc_set(o, "n", json_integer(n));
        doc_set(o, "samples_beyond_the_cap", json_u64(s->cgroups.n_untracked, UINT64_MAX));
        doc_set(o, "estimators", names);
        doc_set(o, "list", list);
        return o;
}

static json_t *text_of(void (*append)(TextBuf *b, const Advice *a), const Advice *a) {
        char buf[2048];
        TextBuf b = TEXT_BUF(buf);

        text_append(&b, "");
        append(&b, a);
        /* All in it was checked to be plain ASCII. */
        return b.len > 0 && !b.truncated ? json_string(buf) : json_null();
}

static json_t *advice(const Advice *a) {
        const CgroupStats *c = a->cgroup;
        const Basis measured = { PLAN_MEASURED, c->n_samples, c->observed_usec };
        const Basis estimated = { a->is_short || a->was_limited ? PLAN_LOW : PLAN_ESTIMATED, c->n_samples, c->observed_usec };
        json_t *o = json_object();

        doc_set(o, "unit", json_string(a->unit));
        doc_set(o, "cgroup", json_escaped(c->path));
        doc_set(o, "memory_low", doc_number(&estimated, "bytes", a->low_bytes));
        if (!a->is_slice) {
                doc_set(o, "memory_high", doc_number(&estimated, "bytes", a->high_bytes));
                doc_set(o, "memory_max", doc_number(&estimated, "bytes", a->max_bytes));
                doc_set(o, "floor_peak", doc_number(&measured, "bytes", a->floor_peak_bytes));
                doc_set(o, "comfortable", doc_number(&measured, "bytes", a->comfortable_bytes));
                doc_set(o, "needed", doc_number(&measured, "bytes", a->need_bytes));
                doc_set(o, "margin_permyriad", json_integer(a->margin_permyriad));
        }
        doc_set(o, "was_limited", json_boolean(a->was_limited));
        doc_set(o, "dropin", text_of(advice_append_dropin, a));
        doc_set(o, "policy", text_of(advice_append_policy, a));
        return o;
}

json_t *doc_advice(const PlanStats *s) {
        json_t *o = json_object(), *units = json_array(), *skipped = json_object();
        uint32_t counts[_ADVICE_SKIP_MAX] = { 0 };
        AdviceList l;

        if (advise(&s->cgroups, &l) >= 0) {
                for (uint32_t i = 0; i < l.n; i++)
                        if (l.advices[i].skip != ADVICE_GIVEN)
                                counts[l.advices[i].skip]++;
                        else if (i < PLAN_DOCUMENT_CGROUPS)
                                (void)json_array_append_new(units, advice(&l.advices[i]));
                doc_set(o, "low_sum_bytes", json_u64(l.low_sum_bytes, UINT64_MAX));
                advice_list_done(&l);
        }
        for (AdviceSkip k = ADVICE_GIVEN + 1; k < _ADVICE_SKIP_MAX; k++)
                if (counts[k] > 0)
                        doc_set(skipped, advice_skip_to_string(k), json_integer(counts[k]));
        doc_set(o, "units", units);
        doc_set(o, "skipped", skipped);
        return o;
}

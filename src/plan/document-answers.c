/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Sections of the plan document that are simulated, and density. Each carries its confidence. */

#include "plan/document-parts.h"
#include "plan/round.h"
#include "report/json.h"

/* Events of one answer that are kept in the document. */
#define EVENTS_MAX       256
#define EVENTS_CURVE_MAX 8

static json_t *regrets(uint32_t bits) {
        static const char *const names[] = { "unnecessary", "late", "missed", "wrong-victim" };
        json_t *a = json_array();

        for (uint32_t i = 0; i < ARRAY_SIZE(names); i++)
                if (bits & (1u << i))
                        (void)json_array_append_new(a, json_string(names[i]));
        return a;
}

static json_t *event(const PlanEvent *e) {
        json_t *o = json_object();

        doc_set(o, "kind", json_string(plan_event_kind_to_string(e->kind)));
        doc_set(o, "source", json_string(plan_confidence_to_string(e->confidence)));
        doc_set(o, "regret", regrets(e->regret));
        doc_set(o, "mono_usec", json_u64(e->mono_usec, UINT64_MAX));
        doc_set(o, "real_usec", json_u64(e->real_usec, 0));
        doc_set(o, "step", json_string(step_to_string(e->step)));
        doc_set(o, "reason", json_string(reason_to_string(e->reason)));
        doc_set(o, "pid", e->pid > 0 ? json_integer(e->pid) : json_null());
        doc_set(o, "comm", json_escaped(e->comm));
        doc_set(o, "cgroup", json_escaped(e->cgroup_path));
        doc_set(o, "policy", json_escaped(e->policy_name));
        doc_set(o, "freed_bytes", json_u64(e->freed_bytes, UINT64_MAX));
        doc_set(o, "available_bytes", json_u64(e->available_bytes, UINT64_MAX));
        doc_set(o, "stall_usec", json_u64(e->stall_usec, UINT64_MAX));
        return o;
}

static json_t *percentiles(const PlanOutcome *p, const Basis *b) {
        json_t *o = json_object();

        if (p->headroom.total == 0)
                return json_null();
        doc_set(o, "min", doc_number(b, "bytes", p->headroom_min_bytes));
        doc_set(o, "p1", doc_number(b, "bytes", histogram_percentile(&p->headroom, 100)));
        doc_set(o, "p5", doc_number(b, "bytes", histogram_percentile(&p->headroom, 500)));
        doc_set(o, "p50", doc_number(b, "bytes", histogram_percentile(&p->headroom, 5000)));
        doc_set(o, "p95", doc_number(b, "bytes", histogram_percentile(&p->headroom, 9500)));
        return o;
}

json_t *doc_outcome(const PlanQuestion *q, const PlanOutcome *p, uint32_t n_events) {
        static const char *const regret_keys[4] = { "unnecessary", "late", "missed", "wrong-victim" };
        const Basis b = { p->confidence, p->n_samples, p->span_usec };
        json_t *o = json_object(), *regret = json_object(), *events = json_array();

        doc_set(o, "name", json_escaped(q->name));
        doc_set(o, "source", json_string(plan_confidence_to_string(p->confidence)));
        doc_set(o, "is_counterfactual", json_boolean(p->confidence >= PLAN_MODELLED));
        doc_set(o, "is_safe", json_boolean(p->is_safe));
        doc_set(o, "samples", json_u64(p->n_samples, UINT64_MAX));
        doc_set(o, "span_usec", json_u64(p->span_usec, UINT64_MAX));
        doc_set(o, "gaps", json_u64(p->n_gaps, UINT64_MAX));
        doc_set(o, "kills", doc_number(&b, "n", p->n_kills));
        doc_set(o, "kernel_kills", doc_number(&b, "n", p->n_kernel_kills));
        doc_set(o, "measures", doc_number(&b, "n", p->n_measures));
        doc_set(o, "fork_failures", doc_number(&b, "n", p->n_fork_failures));
        doc_set(o, "stall", doc_number(&b, "usec", p->stall_usec));
        doc_set(o, "worst_stall", doc_number(&b, "permyriad", p->worst_stall_permyriad));
        doc_set(o, "is_stall_calibrated", json_boolean(p->is_stall_calibrated));
        doc_set(o, "headroom", percentiles(p, &b));
        doc_set(o, "demand_peak", doc_number(&b, "bytes", p->demand_peak_bytes));
        doc_set(o, "deficit_peak", doc_number(&b, "bytes", p->deficit_peak_bytes));
        for (size_t i = 0; i < ARRAY_SIZE(regret_keys); i++)
                doc_set(regret, regret_keys[i], json_u64(p->n_regret[i], UINT64_MAX));
        doc_set(o, "regret", regret);
        uint32_t n_kept = 0, n_left_out = 0;
        for (uint32_t i = 0; i < p->n_events; i++) {
                /* What stood in the record has a section of its own. */
                if (p->events[i].kind == PLAN_EVENT_SAW_KILL)
                        continue;
                if (n_kept == n_events) {
                        n_left_out++;
                        continue;
                }
                (void)json_array_append_new(events, event(&p->events[i]));
                n_kept++;
        }
        doc_set(o, "events_left_out", json_integer(n_left_out));
        doc_set(o, "events", events);
        return o;
}

json_t *doc_answers(const PlanRun *r) {
        json_t *o = json_object();

        doc_set(o, "recorded", json_null());
        doc_set(o, "asked", json_null());
        for (uint32_t i = 0; i < r->n_answers; i++) {
                const PlanAnswer *a = &r->answers[i];
                if (a->is_done && (a->role == PLAN_ROLE_RECORDED || a->role == PLAN_ROLE_ASKED))
                        doc_set(o, a->role == PLAN_ROLE_RECORDED ? "recorded" : "asked",
                                doc_outcome(&a->question, &a->outcome, EVENTS_MAX));
        }
        return o;
}

static int by_ram(const void *a, const void *b) {
        const PlanAnswer *x = *(PlanAnswer *const *)a, *y = *(PlanAnswer *const *)b;
        return x->question.ram_bytes < y->question.ram_bytes ? -1 : x->question.ram_bytes > y->question.ram_bytes;
}

static json_t *doc_safe(const PlanRun *r) {
        const RamAnswer *a = &r->ram;
        const Basis b = { a->confidence, r->stats->n_samples, r->stats->clock.observed_usec };

        if (!a->has_safe)
                return json_null();
        json_t *o = doc_number(&b, "bytes", a->safe_bytes);
        doc_set(o, "low_bytes", json_u64(a->unsafe_bytes, 0));
        doc_set(o, "high_bytes", json_u64(a->safe_bytes, UINT64_MAX));
        doc_set(o, "is_lower_bound_known", json_boolean(a->unsafe_bytes > 0));
        doc_set(o, "is_monotone", json_boolean(a->is_monotone));
        doc_set(o, "margin_permyriad", json_integer(a->margin_permyriad));
        doc_set(o, "advised", doc_number(&b, "bytes", a->advised_bytes));
        return o;
}

json_t *doc_ram(const PlanRun *r) {
        json_t *o = json_object(), *curve = json_array();
        const PlanAnswer *sorted[PLAN_ANSWERS_MAX];
        size_t n = 0;

        for (uint32_t i = 0; i < r->n_answers; i++)
                if (r->answers[i].role == PLAN_ROLE_RAM && r->answers[i].is_done)
                        sorted[n++] = &r->answers[i];
        if (n > 1)
                qsort(sorted, n, sizeof(*sorted), by_ram);
        for (size_t i = 0; i < n; i++) {
                json_t *point = doc_outcome(&sorted[i]->question, &sorted[i]->outcome, EVENTS_CURVE_MAX);
                doc_set(point, "ram_bytes", json_u64(sorted[i]->question.ram_bytes, UINT64_MAX));
                (void)json_array_append_new(curve, point);
        }
        doc_set(o, "recorded_bytes", json_u64(r->stats->mem_total_max, 0));
        doc_set(o, "safe", doc_safe(r));
        doc_set(o, "curve", curve);
        return o;
}

static json_t *first_break(const PlanRun *r, uint32_t density) {
        for (uint32_t i = 0; i < r->n_answers; i++) {
                const PlanAnswer *a = &r->answers[i];
                if (!a->is_done || a->role != PLAN_ROLE_COPIES || a->density != density)
                        continue;
                json_t *o = doc_outcome(&a->question, &a->outcome, 0), *first = json_array();
                /* Measures come before; what breaks is a kill, or a fork that is refused. */
                for (uint32_t k = 0; k < a->outcome.n_events && json_array_size(first) == 0; k++) {
                        const PlanEvent *e = &a->outcome.events[k];
                        if (e->kind != PLAN_EVENT_SAW_KILL && e->kind != PLAN_EVENT_MEASURE)
                                (void)json_array_append_new(first, event(e));
                }
                doc_set(o, "events", first);
                doc_set(o, "more_copies", json_u64(a->n_copies, UINT64_MAX));
                return o;
        }
        return json_null();
}

static json_t *density(const DensityTrack *t, const DensityResult *d) {
        static const char *const keys[] = { "sigma2", "sigma3", "sigma4", "sigma5" };
        /* A sum of measured peaks assumes nothing; a spread of many copies, or their course, is a model of them. */
        const Basis measured = { PLAN_MEASURED, t->n_samples, 0 }, estimated = { PLAN_ESTIMATED, t->n_samples, 0 };
        const Basis modelled = { PLAN_MODELLED, t->n_samples, 0 };
        json_t *o = json_object();

        doc_set(o, "pattern", json_escaped(t->pattern));
        doc_set(o, "copies", json_integer(t->n_copies_max));
        doc_set(o, "has_copy", json_boolean(d->has_copy));
        if (!d->has_copy)
                return o;
        doc_set(o, "copy_peak", doc_number(&measured, "bytes", t->copy_peak_bytes));
        doc_set(o, "copy_mean", doc_number(&measured, "bytes", u64_of_double(d->mean_bytes)));
        doc_set(o, "copy_sigma", doc_number(&measured, "bytes", u64_of_double(d->sigma_bytes)));
        doc_set(o, "correlation_permyriad", json_integer((json_int_t)(d->correlation * 10000 + 0.5)));
        doc_set(o, "is_correlation_estimated", json_boolean(d->is_correlation_estimated));
        doc_set(o, "base_peak", doc_number(&measured, "bytes", t->base_peak_bytes));
        doc_set(o, "reserve_bytes", json_u64(d->reserve_bytes, UINT64_MAX));
        doc_set(o, "budget_bytes", json_u64(d->budget_bytes, UINT64_MAX));
        doc_set(o, "budget_with_swap_bytes", json_u64(d->budget_swap_bytes, UINT64_MAX));
        doc_set(o, "conservative", doc_number(&estimated, "n", d->n_conservative));
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                doc_set(o, keys[i], doc_number(&modelled, "n", d->n_sigma[i]));
        doc_set(o, "as_recorded", doc_number(&modelled, "n", d->n_recorded));
        doc_set(o, "limited_by", json_string(d->is_parent_limited ? "memory.max of the parent" : "memory of the host"));
        if (t->parent_limit_bytes != CGROUP_NO_LIMIT) {
                doc_set(o, "parent", json_escaped(t->parent_path));
                doc_set(o, "parent_limit_bytes", json_u64(t->parent_limit_bytes, UINT64_MAX));
                doc_set(o, "parent_fits", doc_number(&estimated, "n", d->n_parent));
        }
        doc_set(o, "peak_copies", json_u64(d->break_copies, 0));
        doc_set(o, "peak_bytes", json_u64(d->break_peak.bytes, 0));
        doc_set(o, "peak_real_usec", json_u64(d->break_peak.real_usec, 0));
        return o;
}

json_t *doc_density(const PlanRequest *q, const PlanRun *r) {
        json_t *a = json_array();

        for (uint32_t i = 0; i < q->n_densities && i < r->stats->n_densities; i++) {
                json_t *o = density(&r->stats->densities[i], &r->densities[i]);
                doc_set(o, "first_break", first_break(r, i));
                (void)json_array_append_new(a, o);
        }
        return a;
}

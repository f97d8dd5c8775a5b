/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Conditions over three truths. A comparison whose value is absent is unknown, and unknown stays
 * unknown through `not`; only a condition that is true acts. So no kill ever rests on a value that was
 * not read, not even through `not (available > 10%)`.
 *
 * A `for` clock counts time in which its operand was true at both ends, at most FOR_CREDIT_USEC a step:
 * a host that was suspended, or a daemon that was stopped for an hour, cannot find that a condition has
 * "held for an hour".
 */

#include "decide/condition.h"

#include <string.h>

#define FOR_CREDIT_USEC (2 * USEC_PER_SEC)

static Truth truth_and(Truth a, Truth b) {
        if (a == TRUTH_FALSE || b == TRUTH_FALSE)
                return TRUTH_FALSE;
        return a == TRUTH_TRUE && b == TRUTH_TRUE ? TRUTH_TRUE : TRUTH_UNKNOWN;
}

static Truth truth_not(Truth a) {
        return a == TRUTH_UNKNOWN ? TRUTH_UNKNOWN : a == TRUTH_TRUE ? TRUTH_FALSE : TRUTH_TRUE;
}

static Truth truth_or(Truth a, Truth b) {
        return truth_not(truth_and(truth_not(a), truth_not(b)));
}

static bool compare(Comparison c, uint64_t a, uint64_t b) {
        switch (c) {
        case COMPARE_LT:
                return a < b;
        case COMPARE_LE:
                return a <= b;
        case COMPARE_GT:
                return a > b;
        case COMPARE_GE:
                return a >= b;
        case _COMPARISON_MAX:
        case _COMPARISON_INVALID:
                break;
        }
        return false;
}

uint64_t condition_limit_bytes(const Term *t, uint64_t total) {
        uint64_t limit = t->unit == UNIT_SHARE ? u64_mul_div(total, t->limit, PERMYRIAD) : t->limit;
        return MIN(MAX(limit, t->floor_bytes), t->cap_bytes);
}

/*
 * Value and limit in one unit. A share of a byte metric is compared in bytes, so that caps apply;
 * but a share of nothing (no swap at all) is compared as a share, 0 %, since 0 bytes of 0 says nothing.
 */
static Truth term_compare(const Term *t, const MetricValue *v, uint64_t *ret_limit, Unit *ret_unit) {
        *ret_unit = v->unit;
        *ret_limit = t->limit;
        if (v->unit == UNIT_BYTES && t->unit == UNIT_SHARE) {
                if (v->total > 0)
                        *ret_limit = condition_limit_bytes(t, v->total);
                else {
                        if (v->value > 0)
                                return TRUTH_UNKNOWN;
                        *ret_unit = UNIT_SHARE;
                }
        }
        return compare(t->comparison, v->value, *ret_limit) ? TRUTH_TRUE : TRUTH_FALSE;
}

/* Without the report: each term of each domain at each step. */
static Truth term_truth(const Term *t, const MetricInput *in, const Series *series, uint64_t raw) {
        MetricValue v;
        uint64_t limit;
        Unit unit;

        return metric_value(t, in, series, raw, &v) ? term_compare(t, &v, &limit, &unit) : TRUTH_UNKNOWN;
}

static Truth term_evaluate(const Term *t, const MetricInput *in, const Series *series, TermReport *r, bool *ret_needs_detail) {
        MetricValue v;
        uint64_t raw;

        *r = (TermReport){ .term = *t, .truth = TRUTH_UNKNOWN, .effective_unit = t->unit, .effective_limit = t->limit };
        if (metric_raw(t, in, &raw, ret_needs_detail) && metric_value(t, in, series, raw, &v)) {
                r->truth = term_compare(t, &v, &r->effective_limit, &r->effective_unit);
                r->has_value = true;
                r->span_usec = v.span_usec;
                r->value = v.value;
        }
        return r->truth;
}

static const PolicyRange *domain_range(const DecideState *s, const Domain *d) {
        return &s->ranges[d->policy];
}

/* Truth of @expr where @term tells that of a term. The one place that knows how operators combine. */
typedef Truth (*TermTruthFn)(const void *userdata, const DecideState *s, const Domain *d, uint16_t term);

static Truth expr_truth(const DecideState *s, const Domain *d, uint16_t expr, TermTruthFn term, const void *userdata) {
        if (expr == EXPR_NONE)
                return TRUTH_FALSE;
        const Expr *e = &s->policy->exprs[expr];
        Truth a;

        switch (e->kind) {
        case EXPR_TERM:
                return term(userdata, s, d, e->a);
        case EXPR_AND: /* what the first one settles, the second one cannot change */
                a = expr_truth(s, d, e->a, term, userdata);
                return a == TRUTH_FALSE ? a : truth_and(a, expr_truth(s, d, e->b, term, userdata));
        case EXPR_OR:
                a = expr_truth(s, d, e->a, term, userdata);
                return a == TRUTH_TRUE ? a : truth_or(a, expr_truth(s, d, e->b, term, userdata));
        case EXPR_NOT:
                return truth_not(expr_truth(s, d, e->a, term, userdata));
        case EXPR_FOR:
                a = expr_truth(s, d, e->a, term, userdata);
                if (a == TRUTH_TRUE && d->held[expr - domain_range(s, d)->first_expr] < e->for_usec)
                        return TRUTH_FALSE;
                return a;
        case _EXPR_KIND_MAX:
                break;
        }
        return TRUTH_UNKNOWN;
}

static Truth term_truth_stored(const void *userdata, const DecideState *s, const Domain *d, uint16_t term) {
        uint32_t without = *(const uint32_t *)userdata;
        if (without & (1u << s->policy->terms[term].metric))
                return TRUTH_UNKNOWN; /* and not false, which a `not` would make true */
        return d->truths[term - domain_range(s, d)->first_term];
}

Truth condition_eval(const DecideState *s, const Domain *d, uint16_t expr, uint32_t without) {
        return expr_truth(s, d, expr, term_truth_stored, &without);
}

/* A value that this cheap sample does not hold keeps the truth it had in the sample that was decided on. */
static Truth term_truth_peek(const void *userdata, const DecideState *s, const Domain *d, uint16_t term) {
        uint16_t i = (uint16_t)(term - domain_range(s, d)->first_term);
        TermReport r;
        bool needs_detail;
        Truth t = term_evaluate(&s->policy->terms[term], userdata, &d->series[i], &r, &needs_detail);
        return t == TRUTH_UNKNOWN && needs_detail ? d->truths[i] : t;
}

Truth condition_peek(const DecideState *s, const Domain *d, uint16_t expr, const MetricInput *in) {
        return expr_truth(s, d, expr, term_truth_peek, in);
}

/* term_truth() of a stall of that very cgroup or host: most terms are. */
static Truth stall_truth(const Term *t, const Series *series, uint64_t now_usec, uint64_t raw) {
        SeriesSample base;
        if (!series_base(series, now_usec, &base) || raw < base.value)
                return TRUTH_UNKNOWN;
        uint64_t share = metric_share(raw - base.value, now_usec - base.usec);
        return compare(t->comparison, share, t->limit) ? TRUTH_TRUE : TRUTH_FALSE;
}

/* What is available to the domain, for all terms that ask. */
typedef struct Available {
        bool is_known, has;
        uint64_t bytes, total;
} Available;

/* term_truth() of what is available on the host to the host: a third of the terms of its policy. */
static Truth available_truth(const Term *t, const MetricInput *in, Available *a) {
        if (!a->is_known)
                a->has = metric_available(in, &a->bytes, &a->total);
        a->is_known = true;
        if (!a->has)
                return TRUTH_UNKNOWN;
        const MetricValue v = { .unit = UNIT_BYTES, .value = a->bytes, .total = a->total };
        uint64_t limit;
        Unit unit;
        return term_compare(t, &v, &limit, &unit);
}

/*
 * The new values and the truths of all terms. Returns the missing Detail bits. @ret_any: one that a When= or a `for` looks
 * at is true.
 */
static uint32_t terms_update(const DecideState *s, Domain *d, const MetricInput *in, bool *ret_any) {
        const PolicyRange *range = domain_range(s, d);
        const Term *terms = &s->policy->terms[range->first_term];
        const TermUse *uses = &s->uses[range->first_term];
        bool is_calm = d->level == LEVEL_CALM && s->n_held == 0; /* a release tells of Until= when it is calm already */
        uint64_t now = in->snap->mono_usec;
        Available available = { .is_known = false };
        uint32_t need = 0;

        *ret_any = false;
        for (uint16_t i = 0; i < range->n_terms; i++) {
                const Term *t = &terms[i];
                bool is_rate = metric_is_rate(t->metric), needs_detail;
                uint64_t raw;

                /* nothing asks a calm domain for its Until=; what a window or a need rests on goes on */
                bool is_idle = is_calm && !uses[i].is_watched;
                d->truths[i] = TRUTH_UNKNOWN;
                if (metric_is_pressure(t->metric) && (!t->host || !in->cgroup)) {
                        if (!metric_stall(t->metric, in, &raw))
                                continue;
                        series_push(&d->series[i], now, raw, /* is_counter= */ true);
                        if (!is_idle)
                                d->truths[i] = stall_truth(t, &d->series[i], now, raw);
                        *ret_any |= d->truths[i] == TRUTH_TRUE && uses[i].is_watched;
                        continue;
                }
                if (!in->cgroup && t->metric == METRIC_AVAILABLE) { /* no detailed sample would hold more of it */
                        if (!is_idle)
                                d->truths[i] = available_truth(t, in, &available);
                        *ret_any |= d->truths[i] == TRUTH_TRUE && uses[i].is_watched;
                        continue;
                }
                if (is_idle && !is_rate && !metric_may_need_detail(t->metric))
                        continue;
                if (!metric_raw(t, in, &raw, &needs_detail)) {
                        need |= needs_detail ? DETAIL_CGROUPS | DETAIL_STATS : 0;
                        continue;
                }
                if (is_rate)
                        series_push(&d->series[i], now, raw, /* is_counter= */ t->metric != METRIC_EXHAUSTION);
                if (!is_idle)
                        d->truths[i] = term_truth(t, in, &d->series[i], raw);
                *ret_any |= d->truths[i] == TRUTH_TRUE && uses[i].is_watched;
        }
        return need;
}

/* Children before parents: config/ appends an expression after its operands. */
static void clocks_update(const DecideState *s, Domain *d, uint64_t dt_usec) {
        const PolicyRange *range = domain_range(s, d);
        const uint32_t nothing_left_out = 0, end = (uint32_t)range->first_expr + range->n_exprs;

        d->has_clock = d->has_kill_clock = false;
        for (uint32_t i = s->next_for[range->first_expr]; i < end; i = s->next_for[i + 1]) {
                uint64_t *held = &d->held[i - range->first_expr];
                Truth a = expr_truth(s, d, s->policy->exprs[i].a, term_truth_stored, &nothing_left_out);
                if (a != TRUTH_TRUE)
                        *held = 0;
                else if (*held == 0)
                        *held = 1; /* true from now on; counts from the next step */
                else
                        *held = u64_add_sat(*held, MIN(dt_usec, FOR_CREDIT_USEC));
                d->has_clock |= *held > 0;
                d->has_kill_clock |= *held > 0 && s->kill_for[i] == d->policy + 1;
        }
}

uint32_t condition_update(const DecideState *s, Domain *d, const MetricInput *in, uint64_t dt_usec) {
        const PolicyRange *range = domain_range(s, d);
        bool any;
        uint32_t need = terms_update(s, d, in, &any);

        memset(d->is_when, 0, sizeof(d->is_when));
        /* without a `not` nothing is true of which no part is: so it is of most domains at most times */
        if (!any && !range->has_not) {
                if (d->has_clock)
                        memset(d->held, 0, range->n_exprs * sizeof(*d->held));
                d->has_clock = d->has_kill_clock = false;
                return need;
        }
        clocks_update(s, d, dt_usec);
        for (Level l = LEVEL_WARN; l < _LEVEL_MAX; l++)
                d->is_when[l] = condition_eval(s, d, s->policy->cgroups[d->policy].levels[l].when, 0) == TRUTH_TRUE;
        return need;
}

typedef struct ReportWalk {
        const DecideState *s;
        const Domain *d;
        const MetricInput *in;
        ConditionReport *ret;
} ReportWalk;

/* @is_decisive: all that stands above is true because of this one. Of an `or` only the branches that are true are. */
static void report_expr(const ReportWalk *w, uint16_t expr, uint64_t held_usec, uint64_t for_usec, bool is_decisive) {
        const Expr *e = &w->s->policy->exprs[expr];
        const PolicyRange *range = domain_range(w->s, w->d);

        switch (e->kind) {
        case EXPR_TERM: {
                if (w->ret->n_terms == CONDITION_TERMS_MAX)
                        return;
                bool needs_detail;
                TermReport *r = &w->ret->terms[w->ret->n_terms++];
                term_evaluate(&w->s->policy->terms[e->a], w->in, &w->d->series[e->a - range->first_term], r, &needs_detail);
                r->held_usec = held_usec;
                r->for_usec = for_usec;
                r->is_decisive = is_decisive;
                return;
        }
        case EXPR_AND:
                report_expr(w, e->a, held_usec, for_usec, is_decisive);
                report_expr(w, e->b, held_usec, for_usec, is_decisive);
                return;
        case EXPR_OR:
                report_expr(w, e->a, held_usec, for_usec, is_decisive && condition_eval(w->s, w->d, e->a, 0) == TRUTH_TRUE);
                report_expr(w, e->b, held_usec, for_usec, is_decisive && condition_eval(w->s, w->d, e->b, 0) == TRUTH_TRUE);
                return;
        case EXPR_NOT:
                report_expr(w, e->a, held_usec, for_usec, is_decisive);
                return;
        case EXPR_FOR:
                report_expr(w, e->a, w->d->held[expr - range->first_expr], e->for_usec, is_decisive);
                return;
        case _EXPR_KIND_MAX:
                return;
        }
}

void condition_report(const DecideState *s, const Domain *d, uint16_t expr, const MetricInput *in, ConditionReport *ret) {
        memset(ret, 0, sizeof(*ret));
        if (expr == EXPR_NONE)
                return;
        ReportWalk w = { .s = s, .d = d, .in = in, .ret = ret };
        ret->truth = condition_eval(s, d, expr, 0);
        report_expr(&w, expr, 0, 0, ret->truth == TRUTH_TRUE);
}

void condition_each_term(const Policy *p, uint16_t expr, ConditionTermFn fn, void *userdata) {
        if (expr == EXPR_NONE)
                return;
        const Expr *e = &p->exprs[expr];
        switch (e->kind) {
        case EXPR_TERM:
                fn(userdata, &p->terms[e->a], e->a);
                return;
        case EXPR_AND:
        case EXPR_OR:
                condition_each_term(p, e->a, fn, userdata);
                condition_each_term(p, e->b, fn, userdata);
                return;
        case EXPR_NOT:
        case EXPR_FOR:
                condition_each_term(p, e->a, fn, userdata);
                return;
        case _EXPR_KIND_MAX:
                return;
        }
}

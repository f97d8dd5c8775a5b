/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Conditions are looked at as alternatives, each a set of comparisons that must hold together. An
 * alternative with `not`, or with `or` inside parentheses, is left alone: what it means as a whole is not
 * for a few plain checks to say.
 */

#include <string.h>

#include "base/text.h"
#include "config/expression.h"
#include "config/lint.h"

typedef struct Branch {
        const Term *terms[CONDITION_TERMS_MAX];
        size_t n_terms;
        bool is_plain; /* comparisons joined by and, perhaps with for */
} Branch;

typedef struct Branches {
        Branch list[CONDITION_TERMS_MAX];
        size_t n;
} Branches;

typedef struct LintContext {
        const Policy *policy;
        const CgroupPolicy *cgroup;
        ConfigReport *report;
} LintContext;

static void branch_collect(const Policy *p, uint16_t expr, Branch *b) {
        const Expr *e = &p->exprs[expr];

        if (e->kind == EXPR_TERM && b->n_terms < CONDITION_TERMS_MAX)
                b->terms[b->n_terms++] = &p->terms[e->a];
        else if (e->kind == EXPR_AND) {
                branch_collect(p, e->a, b);
                branch_collect(p, e->b, b);
        } else if (e->kind == EXPR_FOR)
                branch_collect(p, e->a, b);
        else
                b->is_plain = false;
}

static void branches_collect(const Policy *p, uint16_t expr, Branches *ret) {
        if (expr == EXPR_NONE)
                return;
        if (p->exprs[expr].kind == EXPR_OR) {
                branches_collect(p, p->exprs[expr].a, ret);
                branches_collect(p, p->exprs[expr].b, ret);
        } else if (ret->n < CONDITION_TERMS_MAX) {
                Branch *b = &ret->list[ret->n++];
                *b = (Branch){ .is_plain = true };
                branch_collect(p, expr, b);
        }
}

const char *lint_section_name(Level level) {
        static const char *const names[] = {
                [LEVEL_CALM] = "",
                [LEVEL_WARN] = "[Warn]",
                [LEVEL_RELIEVE] = "[Relieve]",
                [LEVEL_KILL] = "[Kill]",
        };
        return names[level];
}

static bool is_above(const Term *t) {
        return t->comparison == COMPARE_GT || t->comparison == COMPARE_GE;
}

static void term_text(const LintContext *c, const Term *t, char *buf, size_t size) {
        Policy one = { .terms = (Term *)t, .n_terms = 1 };
        Expr e = { .kind = EXPR_TERM };
        TextBuf b = { .data = buf, .size = size };

        one.exprs = &e;
        one.n_exprs = 1;
        expression_append(&b, &one, 0, c->cgroup->host ? SCOPE_HOST : SCOPE_CGROUP, EXACT_PLAIN);
}

/* ---- single comparisons ---- */

/* Shares that cannot pass 100 %: a cgroup's usage can, against a memory.high. */
static bool is_bounded_share(const Term *t) {
        if (t->unit != UNIT_SHARE)
                return false;
        switch (t->metric) {
        case METRIC_SOME:
        case METRIC_FULL:
        case METRIC_AVAILABLE:
        case METRIC_SWAP_FREE:
        case METRIC_SWAP_USED:
                return true;
        case METRIC_USAGE:
                return t->host;
        case METRIC_EXHAUSTION:
        case METRIC_REFAULTS:
        case METRIC_SCAN_RATE:
        case METRIC_COMMIT:
        case METRIC_KERNEL_OOM:
        case _METRIC_MAX:
        case _METRIC_INVALID:
                break;
        }
        return false;
}

static void lint_term_range(const LintContext *c, const char *section, const Term *t) {
        bool capped = t->cap_bytes != UINT64_MAX || t->floor_bytes > 0, bounded = is_bounded_share(t);
        const char *always = NULL;
        char text[128];

        if (t->limit == 0 && (t->comparison == COMPARE_LT || t->comparison == COMPARE_GE) && t->floor_bytes == 0)
                always = t->comparison == COMPARE_LT ? "never" : "always";
        else if (bounded && !capped && t->limit >= PERMYRIAD) {
                if (t->comparison == COMPARE_GT || (t->limit > PERMYRIAD && t->comparison == COMPARE_GE))
                        always = "never";
                else if (t->comparison == COMPARE_LE || (t->limit > PERMYRIAD && t->comparison == COMPARE_LT))
                        always = "always";
        }
        if (!always)
                return;
        term_text(c, t, text, sizeof(text));
        lint_warn(c->report, c->cgroup->source, "%s: %s is %s true", section, text, always);
}

static void lint_stall_term(const LintContext *c, Level level, const Branch *b, const Term *t) {
        const uint64_t high = t->metric == METRIC_FULL ? 8000 : 9500;
        const char *section = lint_section_name(level);
        char text[128];

        if (t->metric != METRIC_FULL && t->metric != METRIC_SOME)
                return;
        term_text(c, t, text, sizeof(text));
        if (is_above(t) && t->limit >= high && t->limit <= PERMYRIAD)
                lint_warn(
                        c->report, c->cgroup->source,
                        "%s: %s reads like a limit on memory in use, but is a share of time stalled, hardly ever reached; write usage or available if memory is meant",
                        section, text);
        if (is_above(t) && t->limit <= 500 && level == LEVEL_KILL && b->n_terms == 1)
                lint_warn(
                        c->report, c->cgroup->source,
                        "%s: %s alone is a stall that healthy hosts show; a kill needs more, or a condition on memory beside it",
                        section, text);
        if (!is_above(t) && b->n_terms == 1)
                lint_warn(c->report, c->cgroup->source, "%s: %s holds while nothing stalls; was > meant?", section,
                          text);
}

/* ---- one level against another ---- */

/* Is @a reached before @b as memory gets shorter? 1 before, 0 same, -1 after, -2 cannot be said. */
static int compare_terms(const Term *a, const Term *b) {
        if (a->metric != b->metric || a->host != b->host || a->unit != b->unit || is_above(a) != is_above(b))
                return -2;
        int sign = is_above(a) ? -1 : 1;
        int limit = a->limit > b->limit ? sign : a->limit < b->limit ? -sign : 0;
        int cap = a->cap_bytes > b->cap_bytes ? sign : a->cap_bytes < b->cap_bytes ? -sign : 0;
        int floor = a->floor_bytes > b->floor_bytes ? sign : a->floor_bytes < b->floor_bytes ? -sign : 0;
        int least = MIN(limit, MIN(cap, floor)), most = MAX(limit, MAX(cap, floor));
        if (least < 0 && most > 0)
                return -2;
        return most > 0 ? 1 : least;
}

/* Every comparison of @a has one in @b of the same kind, none of them later, one at least earlier. */
static bool branch_is_weaker(const Branch *a, const Branch *b) {
        bool weaker = false;

        if (!a->is_plain || !b->is_plain || a->n_terms != b->n_terms)
                return false;
        for (size_t i = 0; i < a->n_terms; i++) {
                int best = -2;
                for (size_t k = 0; k < b->n_terms; k++)
                        best = MAX(best, compare_terms(a->terms[i], b->terms[k]));
                if (best < 0)
                        return false;
                weaker = weaker || best > 0;
        }
        return weaker;
}

static void lint_order(const LintContext *c, Level low, const Branches *lower, Level high, const Branches *higher) {
        char text[128];

        for (size_t i = 0; i < higher->n; i++)
                for (size_t k = 0; k < lower->n; k++) {
                        if (!branch_is_weaker(&higher->list[i], &lower->list[k]))
                                continue;
                        term_text(c, higher->list[i].terms[0], text, sizeof(text));
                        lint_warn(c->report, c->cgroup->source, "%s comes before %s: %s is reached first",
                                  lint_section_name(high), lint_section_name(low), text);
                        return;
                }
}

/* Until= that holds while When= still does: the level would come and go with every sample. */
static void lint_until(const LintContext *c, Level level, const Branches *when, const Branches *until) {
        char a[128], b[128];

        for (size_t i = 0; i < when->n; i++)
                for (size_t k = 0; k < until->n; k++) {
                        const Branch *w = &when->list[i], *u = &until->list[k];
                        if (!w->is_plain || !u->is_plain || w->n_terms != 1 || u->n_terms != 1 ||
                            is_above(w->terms[0]) == is_above(u->terms[0]))
                                continue;
                        /* mirrored, so that the two can be compared */
                        Term mirrored = *u->terms[0];
                        mirrored.comparison = w->terms[0]->comparison;
                        if (compare_terms(w->terms[0], &mirrored) != 1)
                                continue;
                        term_text(c, u->terms[0], a, sizeof(a));
                        term_text(c, w->terms[0], b, sizeof(b));
                        lint_warn(c->report, c->cgroup->source, "%s: Until= %s can hold while When= %s does",
                                  lint_section_name(level), a, b);
                        return;
                }
}

void lint_conditions(const Policy *p, const CgroupPolicy *cp, ConfigReport *report) {
        const LintContext c = { .policy = p, .cgroup = cp, .report = report };
        Branches when[_LEVEL_MAX] = {};

        for (Level level = LEVEL_WARN; level < _LEVEL_MAX; level++) {
                Branches until = {};
                branches_collect(p, cp->levels[level].when, &when[level]);
                branches_collect(p, cp->levels[level].until, &until);
                for (size_t i = 0; i < when[level].n; i++) {
                        const Branch *b = &when[level].list[i];
                        for (size_t k = 0; k < b->n_terms; k++) {
                                lint_term_range(&c, lint_section_name(level), b->terms[k]);
                                if (b->is_plain)
                                        lint_stall_term(&c, level, b, b->terms[k]);
                        }
                }
                for (size_t i = 0; i < until.n; i++)
                        for (size_t k = 0; k < until.list[i].n_terms; k++)
                                lint_term_range(&c, lint_section_name(level), until.list[i].terms[k]);
                lint_until(&c, level, &when[level], &until);
                for (Level lower = LEVEL_WARN; lower < level; lower++)
                        lint_order(&c, lower, &when[lower], level, &when[level]);
        }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Compiled conditions back to text that compiles to the same expression: parentheses exactly where the
 * grammar needs them. EXACT_PLAIN writes windows out; EXACT_SHORT leaves out what is the default, so
 * that a condition is never longer than the line it was read from.
 */

#include "config/expression.h"

/* Binding strength of what stands there; a weaker child needs parentheses. */
typedef enum Strength {
        STRENGTH_OR,
        STRENGTH_AND,
        STRENGTH_UNARY,   /* not x, x for 2s */
        STRENGTH_PRIMARY, /* a comparison */
} Strength;

static Strength expr_strength(const Expr *e) {
        switch (e->kind) {
        case EXPR_OR:
                return STRENGTH_OR;
        case EXPR_AND:
                return STRENGTH_AND;
        case EXPR_NOT:
        case EXPR_FOR:
                return STRENGTH_UNARY;
        case EXPR_TERM:
        case _EXPR_KIND_MAX:
                break;
        }
        return STRENGTH_PRIMARY;
}

static void append_limit(TextBuf *b, const Term *t, ExactStyle style) {
        const char *comma = style == EXACT_SHORT ? "," : ", ";

        if (t->floor_bytes > 0)
                text_append(b, "max(");
        if (t->cap_bytes != UINT64_MAX)
                text_append(b, "min(");
        exact_append(b, t->unit, t->limit, style);
        if (t->cap_bytes != UINT64_MAX) {
                text_append(b, comma);
                exact_append(b, UNIT_BYTES, t->cap_bytes, style);
                text_append(b, ")");
        }
        if (t->floor_bytes > 0) {
                text_append(b, comma);
                exact_append(b, UNIT_BYTES, t->floor_bytes, style);
                text_append(b, ")");
        }
}

static void append_term(TextBuf *b, const Term *t, ExpressionScope scope, ExactStyle style) {
        const MetricInfo *info = expression_metric(t->metric);
        const char *space = style == EXACT_SHORT ? "" : " ";

        if (t->host && scope != SCOPE_HOST)
                text_append(b, "host.");
        text_append(b, metric_to_string(t->metric));
        if (t->window_usec > 0 && (style == EXACT_PLAIN || t->window_usec != info->window_usec)) {
                text_append(b, " ");
                exact_append(b, UNIT_USEC, t->window_usec, style);
        }
        text_appendf(b, "%s%s%s", space, comparison_to_string(t->comparison), space);
        append_limit(b, t, style);
        if (info->per_second && style == EXACT_PLAIN)
                text_append(b, "/s");
}

static void append_expr(TextBuf *b, const Policy *p, uint16_t expr, Strength least, ExpressionScope scope,
                        ExactStyle style);

static void append_binary(TextBuf *b, const Policy *p, const Expr *e, const char *word, Strength strength,
                          ExpressionScope scope, ExactStyle style) {
        append_expr(b, p, e->a, strength, scope, style);
        text_append(b, word);
        /* chains grow to the left: an equal operator on the right was in parentheses */
        append_expr(b, p, e->b, strength + 1, scope, style);
}

static void append_expr(TextBuf *b, const Policy *p, uint16_t expr, Strength least, ExpressionScope scope,
                        ExactStyle style) {
        const Expr *e = &p->exprs[expr];
        bool parentheses = expr_strength(e) < least;

        if (parentheses)
                text_append(b, "(");
        switch (e->kind) {
        case EXPR_TERM:
                append_term(b, &p->terms[e->a], scope, style);
                break;
        case EXPR_AND:
                append_binary(b, p, e, " and ", STRENGTH_AND, scope, style);
                break;
        case EXPR_OR:
                append_binary(b, p, e, " or ", STRENGTH_OR, scope, style);
                break;
        case EXPR_NOT:
                text_append(b, "not ");
                append_expr(b, p, e->a, STRENGTH_UNARY, scope, style);
                break;
        case EXPR_FOR:
                append_expr(b, p, e->a, STRENGTH_PRIMARY, scope, style);
                text_append(b, " for ");
                exact_append(b, UNIT_USEC, e->for_usec, style);
                break;
        case _EXPR_KIND_MAX:
                break;
        }
        if (parentheses)
                text_append(b, ")");
}

/**
 * expression_append() - append a condition in the language it is written in
 * @expr:  index in p->exprs, not EXPR_NONE
 * @scope: of the file it will stand in: with SCOPE_HOST no host. is written
 */
void expression_append(TextBuf *b, const Policy *p, uint16_t expr, ExpressionScope scope, ExactStyle style) {
        append_expr(b, p, expr, STRENGTH_OR, scope, style);
}

size_t expression_alternatives(const Policy *p, uint16_t expr, uint16_t ret[static CONDITION_TERMS_MAX]) {
        size_t n = 0;

        if (expr == EXPR_NONE)
                return 0;
        for (; n + 1 < CONDITION_TERMS_MAX && p->exprs[expr].kind == EXPR_OR; expr = p->exprs[expr].a)
                ret[n++] = p->exprs[expr].b;
        ret[n++] = expr;
        for (size_t i = 0; i < n / 2; i++) {
                uint16_t t = ret[i];
                ret[i] = ret[n - 1 - i];
                ret[n - 1 - i] = t;
        }
        return n;
}

uint32_t expression_count_terms(const Policy *p, uint16_t expr) {
        if (expr == EXPR_NONE)
                return 0;
        const Expr *e = &p->exprs[expr];
        switch (e->kind) {
        case EXPR_TERM:
                return 1;
        case EXPR_AND:
        case EXPR_OR:
                return expression_count_terms(p, e->a) + expression_count_terms(p, e->b);
        case EXPR_NOT:
        case EXPR_FOR:
                return expression_count_terms(p, e->a);
        case _EXPR_KIND_MAX:
                break;
        }
        return 0;
}

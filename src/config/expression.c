/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Recursive descent over one line of text. Types are checked while parsing, where the column is known:
 * each metric says which units it is compared in and what a limit of it looks like, so that the message
 * for `full > 200M` can say what was probably meant. The first error ends the parse; the tables of the
 * Policy are then as they were before.
 */

#include "config/expression.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"
#include "config/expression-token.h"
#include "config/grow.h"

/* Parentheses and `not` inside each other; keeps every recursion over an expression short. */
#define NESTING_MAX  16
#define FOR_USEC_MAX (3600 * USEC_PER_SEC)

#define SHARE (1u << UNIT_SHARE)
#define BYTES (1u << UNIT_BYTES)

typedef struct Parser {
        Policy *policy;
        const char *text;
        ExpressionScope scope;
        Token token; /* looked at, not taken */
        unsigned depth;
        uint32_t n_terms; /* of this condition */
        ExpressionError *error;
} Parser;

static bool token_is(const Parser *p, const char *word) {
        return p->token.kind == TOKEN_WORD && strlen(word) == p->token.n && memcmp(p->token.s, word, p->token.n) == 0;
}

static _printf_(3, 4) int fail_at(Parser *p, const char *at, const char *format, ...) {
        va_list ap;

        p->error->offset = (size_t)(at - p->text);
        va_start(ap, format);
        (void)vsnprintf(p->error->text, sizeof(p->error->text), format, ap);
        va_end(ap);
        return -EINVAL;
}

/* "expected X, found Y" at the present token, with a word on the mistakes that are often made. */
static int fail_expected(Parser *p, const char *expected) {
        static const char *const keywords[] = { "and", "or", "not", "for", "min", "max", "host" };
        const Token *t = &p->token;
        int shown = (int)MIN(t->n, (size_t)40);

        if (t->kind == TOKEN_END)
                return fail_at(p, t->s, "the condition ends here, expected %s", expected);
        if (*t->s == '"' || *t->s == '\'')
                return fail_at(p, t->s, "quote, expected %s (quotes are not needed and not taken)", expected);
        if (*t->s == '&' || *t->s == '|' || *t->s == '!')
                return fail_at(p, t->s, "'%c', expected %s (write and, or, not in words)", *t->s, expected);
        if (t->kind == TOKEN_WORD)
                for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
                        if (strlen(keywords[i]) == t->n && strncasecmp(keywords[i], t->s, t->n) == 0 &&
                            token_is_capital(t))
                                return fail_at(p, t->s, "'%.*s', expected %s (write '%s' in lower case)", shown, t->s,
                                               expected, keywords[i]);
        return fail_at(p, t->s, "'%.*s', expected %s", shown, t->s, expected);
}

/* ---- emission ---- */

static int emit_expr(Policy *p, Expr e, uint16_t *ret) {
        if (p->n_exprs >= POLICY_EXPRS_MAX)
                return -ENOSPC;
        if (array_reserve(&p->exprs, p->n_exprs, sizeof(Expr)) < 0)
                return -ENOMEM;
        *ret = (uint16_t)p->n_exprs;
        p->exprs[p->n_exprs++] = e;
        return 0;
}

static int parser_emit(Parser *p, Expr e, uint16_t *ret) {
        int r = emit_expr(p->policy, e, ret);
        if (r == -ENOSPC)
                return fail_at(p, p->token.s, "more than %d operators in all conditions together", POLICY_EXPRS_MAX);
        return r;
}

static int parser_emit_term(Parser *p, const Term *t, const char *at, uint16_t *ret) {
        Policy *policy = p->policy;

        if (++p->n_terms > CONDITION_TERMS_MAX)
                return fail_at(p, at, "more than %d comparisons in one condition", CONDITION_TERMS_MAX);
        if (policy->n_terms >= POLICY_TERMS_MAX)
                return fail_at(p, at, "more than %d comparisons in all conditions together", POLICY_TERMS_MAX);
        if (array_reserve(&policy->terms, policy->n_terms, sizeof(Term)) < 0)
                return -ENOMEM;
        uint16_t a = (uint16_t)policy->n_terms;
        policy->terms[policy->n_terms++] = *t;
        return parser_emit(p, (Expr){ .kind = EXPR_TERM, .a = a, .b = EXPR_NONE }, ret);
}

int expression_or(Policy *p, uint16_t a, uint16_t b, uint16_t *ret) {
        if (a == EXPR_NONE) {
                *ret = b;
                return 0;
        }
        return emit_expr(p, (Expr){ .kind = EXPR_OR, .a = a, .b = b }, ret);
}

/* ---- limits ---- */

static bool unit_is_one_of(const char *s, size_t n, const char *const *names) {
        for (; *names; names++)
                if (strlen(*names) == n && memcmp(s, *names, n) == 0)
                        return true;
        return false;
}

/* A number and its unit, whatever the metric: -EINVAL with the message where it is none at all. */
static int parse_number(Parser *p, size_t n, Unit *ret_unit, uint64_t *ret) {
        static const char *const sizes[] = { "B", "K", "M", "G", "T", NULL };
        static const char *const times[] = { "us", "ms", "s", "sec", "min", "h", "d", NULL };
        const Token *t = &p->token;
        size_t at = token_number_length(t), k = n - MIN(at, n);
        const char *unit = t->s + at;
        int r;

        if (k == 0) {
                *ret_unit = UNIT_COUNT;
                r = text_parse_u64_n(t->s, n, ret);
        } else if (k == 1 && *unit == '%') {
                *ret_unit = UNIT_SHARE;
                r = units_parse_share(t->s, n, ret);
        } else if (unit_is_one_of(unit, k, sizes)) {
                *ret_unit = UNIT_BYTES;
                r = units_parse_bytes(t->s, n, ret);
        } else if (unit_is_one_of(unit, k, times)) {
                *ret_unit = UNIT_USEC;
                r = units_parse_usec(t->s, n, ret);
        } else
                return fail_at(p, unit,
                               "unknown unit '%.*s', expected %% for shares, K M G T for sizes or ms s min for times",
                               (int)MIN(k, (size_t)40), unit);
        if (r == -ERANGE || (r == 0 && *ret > INT64_MAX))
                return fail_at(p, t->s, "'%.*s' is too large", (int)MIN(n, (size_t)40), t->s);
        if (r < 0)
                return fail_at(p, t->s, "'%.*s', expected a number such as 5%%, 12.5%%, 500M or 1500ms",
                               (int)MIN(n, (size_t)40), t->s);
        return 0;
}

static int parse_time(Parser *p, const char *expected, uint64_t *ret) {
        Unit unit;

        if (p->token.kind != TOKEN_NUMBER)
                return fail_expected(p, expected);
        int r = parse_number(p, p->token.n, &unit, ret);
        if (r < 0)
                return r;
        if (unit != UNIT_USEC)
                return fail_expected(p, expected);
        return 0;
}

/* A plain value of a metric, unit checked. */
static int parse_value(Parser *p, Metric metric, Term *t) {
        const MetricInfo *info = expression_metric(metric);
        const Token token = p->token;
        size_t n = token.n;
        uint64_t value;
        Unit unit;

        if (token.kind != TOKEN_NUMBER)
                return fail_expected(p, "a limit such as 5%, 500M or 1500ms");
        const char *slash = memchr(token.s, '/', n);
        if (slash) {
                if (!info->per_second)
                        return fail_at(p, slash, "%s is no rate, expected a limit without /s",
                                       metric_to_string(metric));
                if (n - (size_t)(slash - token.s) != 2 || slash[1] != 's')
                        return fail_at(p, slash, "'%.*s', expected /s",
                                       (int)MIN(n - (size_t)(slash - token.s), (size_t)40), slash);
                n = (size_t)(slash - token.s);
        }
        int r = parse_number(p, n, &unit, &value);
        if (r < 0)
                return r;
        if (unit == UNIT_COUNT && value == 0 && (info->units & BYTES))
                unit = UNIT_BYTES;
        if (unit == UNIT_COUNT && (info->units & BYTES))
                return fail_at(p, token.s, "'%.*s' has no unit; %s", (int)MIN(n, (size_t)40), token.s, info->meaning);
        if (!(info->units & (1u << unit)))
                return fail_at(p, token.s, "%s", info->meaning);
        t->unit = unit;
        t->limit = value;
        p->token = token_next(p->token);
        return 0;
}

static int parse_limit(Parser *p, Metric metric, unsigned depth, Term *t);

/* Makes one term of the two arguments: a share (perhaps capped already) and a size. */
static int combine_cap(Parser *p, const char *at, bool is_min, const Term *a, const Term *b, Term *t) {
        const Term *share = a->unit == UNIT_SHARE ? a : b, *size = share == a ? b : a;
        const char *name = is_min ? "min" : "max";

        if (share->unit != UNIT_SHARE || size->unit != UNIT_BYTES)
                return fail_at(p, at, "%s() of two %s, expected a share and a size, such as %s(5%%, 1G)", name,
                               a->unit == UNIT_SHARE ? "shares" : "sizes", name);
        *t = *share;
        if (is_min ? share->cap_bytes != UINT64_MAX : share->floor_bytes != 0)
                return fail_at(p, at, "%s() inside %s(), expected at most max(min(5%%, 1G), 64M)", name, name);
        if (size->limit == 0)
                return fail_at(p, at, "%s() with a size of 0 is always the same, expected a size such as 1G", name);
        if (is_min)
                t->cap_bytes = size->limit;
        else
                t->floor_bytes = size->limit;
        if (t->floor_bytes > t->cap_bytes)
                return fail_at(p, at,
                               "the size in max() is above the size in min(), expected the share to be able to count");
        return 0;
}

static int parse_cap(Parser *p, Metric metric, unsigned depth, Term *t) {
        const MetricInfo *info = expression_metric(metric);
        bool is_min = token_is(p, "min");
        const char *at = p->token.s;
        Term a = *t, b = *t;
        int r;

        if ((info->units & (SHARE | BYTES)) != (SHARE | BYTES))
                return fail_at(p, at, "min() and max() combine a share with a size, %s does not take both; %s",
                               metric_to_string(metric), info->meaning);
        if (depth >= 2)
                return fail_at(p, at, "nested too deeply, expected at most max(min(5%%, 1G), 64M)");
        p->token = token_next(p->token);
        if (p->token.kind != TOKEN_OPEN)
                return fail_expected(p, "(");
        p->token = token_next(p->token);
        r = parse_limit(p, metric, depth + 1, &a);
        if (r < 0)
                return r;
        if (p->token.kind != TOKEN_COMMA)
                return fail_expected(p, "a comma");
        p->token = token_next(p->token);
        r = parse_limit(p, metric, depth + 1, &b);
        if (r < 0)
                return r;
        if (p->token.kind != TOKEN_CLOSE)
                return fail_expected(p, ")");
        p->token = token_next(p->token);
        return combine_cap(p, at, is_min, &a, &b, t);
}

static int parse_limit(Parser *p, Metric metric, unsigned depth, Term *t) {
        if (token_is(p, "min") || token_is(p, "max"))
                return parse_cap(p, metric, depth, t);
        return parse_value(p, metric, t);
}

/* ---- comparisons ---- */

static int parse_metric(Parser *p, Term *t) {
        static const char expected[] =
                "a metric (some, full, available, swap-free, swap-used, usage, exhaustion, refaults, scan-rate, commit, kernel-oom)";
        const Token token = p->token;
        char word[24];

        if (token.kind != TOKEN_WORD)
                return fail_expected(p, expected);
        size_t skip = token.n > 5 && memcmp(token.s, "host.", 5) == 0 ? 5 : 0, n = token.n - skip;
        Metric m = _METRIC_INVALID;
        if (n < sizeof(word)) {
                memcpy(word, token.s + skip, n);
                word[n] = '\0';
                m = metric_from_string(word);
        }
        if (m < 0) {
                p->token.s += skip;
                p->token.n -= skip;
                return fail_expected(p, expected);
        }
        t->metric = m;
        t->host = skip > 0 || p->scope == SCOPE_HOST;
        if (expression_metric(m)->host_only && !t->host && p->scope == SCOPE_CGROUP)
                return fail_at(p, token.s, "%s exists for the host only, expected host.%s", word, word);
        p->token = token_next(p->token);
        return 0;
}

static int parse_window(Parser *p, Term *t) {
        const MetricInfo *info = expression_metric(t->metric);
        const char *name = metric_to_string(t->metric), *at = p->token.s;
        char range[64];
        TextBuf b = TEXT_BUF(range);

        t->window_usec = info->window_usec;
        if (p->token.kind != TOKEN_NUMBER)
                return 0;
        if (info->window_usec == 0)
                return fail_at(p, at, "%s is the present value and has no window, expected <, <=, > or >=", name);
        int r = parse_time(p, "a window such as 2s, or <, <=, > or >=", &t->window_usec);
        if (r < 0)
                return r;
        if (t->window_usec < info->window_min_usec || t->window_usec > info->window_max_usec) {
                exact_append(&b, UNIT_USEC, info->window_min_usec, EXACT_PLAIN);
                text_append(&b, " to ");
                exact_append(&b, UNIT_USEC, info->window_max_usec, EXACT_PLAIN);
                return fail_at(p, at, "window of '%.*s', expected %s", (int)MIN(p->token.n, (size_t)40), at, range);
        }
        p->token = token_next(p->token);
        return 0;
}

static int parse_comparison(Parser *p, uint16_t *ret) {
        Term t = { .cap_bytes = UINT64_MAX };
        const char *at = p->token.s;
        int r;

        r = parse_metric(p, &t);
        if (r < 0)
                return r;
        bool takes_window = expression_metric(t.metric)->window_usec > 0, has_window = p->token.kind == TOKEN_NUMBER;
        r = parse_window(p, &t);
        if (r < 0)
                return r;
        if (p->token.kind != TOKEN_COMPARE)
                return fail_expected(p, takes_window && !has_window ? "a window or <, <=, > or >=" : "<, <=, > or >=");
        bool or_equal = p->token.n == 2;
        if (*p->token.s == '<')
                t.comparison = or_equal ? COMPARE_LE : COMPARE_LT;
        else
                t.comparison = or_equal ? COMPARE_GE : COMPARE_GT;
        p->token = token_next(p->token);
        r = parse_limit(p, t.metric, 0, &t);
        if (r < 0)
                return r;
        return parser_emit_term(p, &t, at, ret);
}

/* ---- expressions ---- */

static int parse_or(Parser *p, uint16_t *ret);

static int parse_primary(Parser *p, uint16_t *ret) {
        if (p->token.kind != TOKEN_OPEN)
                return parse_comparison(p, ret);
        if (p->depth >= NESTING_MAX)
                return fail_at(p, p->token.s, "more than %d parentheses or 'not' inside each other", NESTING_MAX);
        p->depth++;
        p->token = token_next(p->token);
        int r = parse_or(p, ret);
        if (r < 0)
                return r;
        if (p->token.kind != TOKEN_CLOSE)
                return fail_expected(p, "'and', 'or', 'for' or )");
        p->token = token_next(p->token);
        p->depth--;
        return 0;
}

static int parse_for(Parser *p, uint16_t *expr) {
        uint64_t usec;

        if (!token_is(p, "for"))
                return 0;
        p->token = token_next(p->token);
        int r = parse_time(p, "a time such as 4s", &usec);
        if (r < 0)
                return r;
        if (usec == 0 || usec > FOR_USEC_MAX)
                return fail_at(p, p->token.s, "'for %.*s', expected a time above 0 and up to 1h",
                               (int)MIN(p->token.n, (size_t)40), p->token.s);
        p->token = token_next(p->token);
        return parser_emit(p, (Expr){ .kind = EXPR_FOR, .a = *expr, .b = EXPR_NONE, .for_usec = usec }, expr);
}

static int parse_unary(Parser *p, uint16_t *ret) {
        int r;

        if (token_is(p, "not")) {
                uint16_t a;
                if (p->depth >= NESTING_MAX)
                        return fail_at(p, p->token.s, "more than %d parentheses or 'not' inside each other",
                                       NESTING_MAX);
                p->depth++;
                p->token = token_next(p->token);
                r = parse_unary(p, &a);
                if (r < 0)
                        return r;
                p->depth--;
                return parser_emit(p, (Expr){ .kind = EXPR_NOT, .a = a, .b = EXPR_NONE }, ret);
        }
        r = parse_primary(p, ret);
        if (r < 0)
                return r;
        return parse_for(p, ret);
}

static int parse_and(Parser *p, uint16_t *ret) {
        uint16_t a, b;
        int r = parse_unary(p, &a);

        while (r >= 0 && token_is(p, "and")) {
                p->token = token_next(p->token);
                r = parse_unary(p, &b);
                if (r >= 0)
                        r = parser_emit(p, (Expr){ .kind = EXPR_AND, .a = a, .b = b }, &a);
        }
        if (r >= 0)
                *ret = a;
        return r;
}

static int parse_or(Parser *p, uint16_t *ret) {
        uint16_t a, b;
        int r = parse_and(p, &a);

        while (r >= 0 && token_is(p, "or")) {
                p->token = token_next(p->token);
                r = parse_and(p, &b);
                if (r >= 0)
                        r = parser_emit(p, (Expr){ .kind = EXPR_OR, .a = a, .b = b }, &a);
        }
        if (r >= 0)
                *ret = a;
        return r;
}

/**
 * expression_parse() - compile one condition into the tables of @p
 * @scope: whose memory a bare metric means
 * @ret:   index in p->exprs
 * @error: filled with -EINVAL: where in @text, what is there and what was expected
 *
 * Return: 0; -EINVAL; -ENOMEM. The tables are unchanged on failure.
 */
int expression_parse(Policy *p, const char *text, ExpressionScope scope, uint16_t *ret, ExpressionError *error) {
        Parser parser = {
                .policy = p,
                .text = text,
                .scope = scope,
                .token = { .s = text },
                .error = error,
        };
        uint32_t n_terms = p->n_terms, n_exprs = p->n_exprs;
        uint16_t expr = EXPR_NONE;

        *error = (ExpressionError){};
        parser.token = token_next(parser.token);
        int r = parse_or(&parser, &expr);
        if (r >= 0 && parser.token.kind != TOKEN_END)
                r = fail_expected(&parser, "'and', 'or', 'for' or the end");
        if (r < 0) {
                p->n_terms = n_terms;
                p->n_exprs = n_exprs;
                return r;
        }
        *ret = expr;
        return 0;
}

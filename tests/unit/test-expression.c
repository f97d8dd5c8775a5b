/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "config/expression.h"

static void policy_clear(Policy *p) {
        free(p->terms);
        free(p->exprs);
        *p = (Policy){};
}

static bool same_expr(const Policy *a, uint16_t x, const Policy *b, uint16_t y) {
        const Expr *e = &a->exprs[x], *f = &b->exprs[y];
        if (e->kind != f->kind || e->for_usec != f->for_usec)
                return false;
        if (e->kind == EXPR_TERM) {
                const Term *t = &a->terms[e->a], *u = &b->terms[f->a];
                return t->metric == u->metric && t->host == u->host && t->comparison == u->comparison && t->unit == u->unit &&
                        t->window_usec == u->window_usec && t->limit == u->limit && t->cap_bytes == u->cap_bytes &&
                        t->floor_bytes == u->floor_bytes;
        }
        if (!same_expr(a, e->a, b, f->a))
                return false;
        return (e->kind != EXPR_AND && e->kind != EXPR_OR) || same_expr(a, e->b, b, f->b);
}

/* Parses, prints in both styles, parses again: the same expression, and children before parents. */
static void check_round_trip(const Policy *p, uint16_t expr, ExpressionScope scope, const char *plain) {
        for (ExactStyle style = EXACT_PLAIN; style <= EXACT_SHORT; style++) {
                char text[1024];
                TextBuf b = TEXT_BUF(text);
                Policy again = {};
                ExpressionError error;
                uint16_t e;
                expression_append(&b, p, expr, scope, style);
                assert_false(b.truncated);
                if (style == EXACT_PLAIN && plain)
                        assert_string_equal(text, plain);
                if (expression_parse(&again, text, scope, &e, &error) != 0)
                        fail_msg("%s: %s", text, error.text);
                if (!same_expr(p, expr, &again, e))
                        fail_msg("not the same: %s", text);
                policy_clear(&again);
        }
        for (uint32_t i = 0; i < p->n_exprs; i++) {
                const Expr *x = &p->exprs[i];
                if (x->kind == EXPR_TERM)
                        assert_true(x->a < p->n_terms);
                else
                        assert_true(x->a < i && (x->b < i || x->b == EXPR_NONE));
        }
}

static const struct {
        const char *text, *plain; /* plain: NULL where it is the same */
        ExpressionScope scope;
} good[] = {
        { "full 2s > 10%", NULL },
        { "full>10%", "full 2s > 10%" },
        { "some 100ms >= 12.34%", NULL },
        { "some 10min <= 0%", NULL },
        { "available < 6%", NULL },
        { "available<500M", "available < 500M" },
        { "available < 1.5G", "available < 1536M" },
        { "available < 1.3G", "available < 1395864371B" },
        { "available > 0", "available > 0B" },
        { "swap-free > 0%", NULL },
        { "swap-used >= 4G", NULL },
        { "usage > 95%", NULL },
        { "usage > 120%", NULL },
        { "exhaustion < 1500ms", "exhaustion 1s < 1500ms" },
        { "exhaustion 200ms < 90s", NULL },
        { "exhaustion 1min < 2min", NULL },
        { "refaults > 30%", "refaults 2s > 30%/s" },
        { "refaults 5s > 30%/s", NULL },
        { "scan-rate > 200M", "scan-rate 2s > 200M/s" },
        { "scan-rate 10s > 200M/s", NULL },
        { "kernel-oom > 0", "kernel-oom 1min > 0" },
        { "kernel-oom 10s >= 3", NULL },
        { "host.commit > 95%", NULL },
        { "commit > 95%", NULL, SCOPE_HOST },
        { "host.commit > 95%", "commit > 95%", SCOPE_HOST },
        { "commit > 95%", NULL, SCOPE_UNKNOWN },
        { "host.available < 5% and available < 5%", NULL },
        { "available < min(5%, 1G)", NULL },
        { "available < min(1G, 5%)", "available < min(5%, 1G)" },
        { "available < max(5%,64M)", "available < max(5%, 64M)" },
        { "available < max(min(5%, 1G), 64M)", NULL },
        { "available < min(max(5%, 64M), 1G)", "available < max(min(5%, 1G), 64M)" },
        { "available < min(64M, max(5%, 64M))", "available < max(min(5%, 64M), 64M)" },
        { "available < 1% or available < 2% or available < 3%", NULL },
        { "available < 1% or (available < 2% or available < 3%)", NULL },
        { "(available < 1% or available < 2%) or available < 3%", "available < 1% or available < 2% or available < 3%" },
        { "available < 1% and (available < 2% and available < 3%)", NULL },
        { "available < 1% and available < 2% or available < 3%", NULL },
        { "available < 1% and (available < 2% or available < 3%)", NULL },
        { "(available < 1% or available < 2%) and available < 3%", NULL },
        { "not available < 1%", NULL },
        { "not not available < 1%", NULL },
        { "not (available < 1% or usage > 5%)", NULL },
        { "not available < 1% for 3s", NULL },
        { "(not available < 1%) for 3s", NULL },
        { "available < 1% for 3s and usage > 1% for 500ms", NULL },
        { "(available < 1% and usage > 1%) for 3s", NULL },
        { "((available < 1% for 1s)) for 3s", "(available < 1% for 1s) for 3s" },
        { "((((((((available < 1%))))))))", "available < 1%" },
        { " \tavailable\t<\t1% ", "available < 1%" },
        { "(available<1%)and(usage>2%)or(usage>3%)", "available < 1% and usage > 2% or usage > 3%" },
        { "full 2s > 15% for 3sec", "full 2s > 15% for 3s" },
};

static void test_good(void **state) {
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                Policy p = {};
                ExpressionError error;
                uint16_t e;
                if (expression_parse(&p, good[i].text, good[i].scope, &e, &error) != 0)
                        fail_msg("%s: %zu: %s", good[i].text, error.offset, error.text);
                check_round_trip(&p, e, good[i].scope, good[i].plain ? good[i].plain : good[i].text);
                policy_clear(&p);
        }
}

static const struct {
        const char *text;
        unsigned column; /* from 1 */
        const char *message;
        ExpressionScope scope;
} bad[] = {
        { "", 1, "the condition ends here, expected a metric" },
        { "   ", 4, "ends here, expected a metric" },
        { "full > 200M", 8, "full is a share of time stalled, not memory; write e.g. full > 20%" },
        { "some > 200M", 8, "some is a share of time stalled, not memory" },
        { "full > 5s", 8, "full is a share of time stalled" },
        { "full > 5", 8, "full is a share of time stalled" },
        { "full 2s > 5%/s", 13, "full is no rate, expected a limit without /s" },
        { "available < 6s", 13, "available is an amount of memory; write e.g. available < 6%" },
        { "available < 500", 13, "'500' has no unit" },
        { "available 2s < 6%", 11, "available is the present value and has no window" },
        { "swap-free 5s < 6%", 11, "has no window" },
        { "commit 5s < 6%", 8, "has no window", SCOPE_HOST },
        { "exhaustion < 5%", 14, "exhaustion is the time until memory is gone; write e.g. exhaustion < 1500ms" },
        { "exhaustion < 5", 14, "exhaustion is the time" },
        { "refaults > 100M", 12, "refaults is a share of the file cache per second" },
        { "scan-rate > 10%", 13, "scan-rate is memory scanned per second" },
        { "scan-rate > 10M/min", 16, "'/min', expected /s" },
        { "kernel-oom > 1%", 14, "kernel-oom is a number of kills" },
        { "commit > 5%", 1, "commit exists for the host only, expected host.commit" },
        { "full 50ms > 5%", 6, "window of '50ms', expected 100ms to 10min" },
        { "full 11min > 5%", 6, "expected 100ms to 10min" },
        { "exhaustion 100ms < 5s", 12, "expected 200ms to 1min" },
        { "kernel-oom 500ms > 0", 12, "expected 1s to 10min" },
        { "full 2 > 5%", 6, "'2', expected a window such as 2s" },
        { "full 2s", 8, "the condition ends here, expected <, <=, > or >=" },
        { "full", 5, "ends here, expected a window or <" },
        { "full >", 7, "ends here, expected a limit" },
        { "full = 5%", 6, "'=', expected" },
        { "full == 5%", 6, "'=', expected" },
        { "full > > 5%", 8, "'>', expected a limit" },
        { "full > five", 8, "'five', expected a limit" },
        { "full > -5%", 8, "'-', expected a limit" },
        { "full > 5%%", 9, "unknown unit '%%'" },
        { "full > 5.123%", 8, "'5.123%', expected a number" },
        { "full > .5%", 8, "'.5%', expected a number" },
        { "full > 5 %", 8, "full is a share of time" },
        { "available < 5g", 14, "unknown unit 'g'" },
        { "available < 5MB", 14, "unknown unit 'MB'" },
        { "available < 5MiB", 14, "unknown unit 'MiB'" },
        { "available < 99999999999T", 13, "is too large" },
        { "available < 18446744073709551615B", 13, "is too large" },
        { "full > 100001%", 8, "is too large" },
        { "fulll > 5%", 1, "'fulll', expected a metric (some, full, available" },
        { "Full > 5%", 1, "'Full', expected a metric" },
        { "host.foo > 5%", 6, "'foo', expected a metric" },
        { "host. > 5%", 1, "'host.', expected a metric" },
        { "host > 5%", 1, "'host', expected a metric" },
        { "memory > 5%", 1, "'memory', expected a metric" },
        { "and full > 5%", 1, "'and', expected a metric" },
        { "full > 5% and", 14, "ends here, expected a metric" },
        { "full > 5% or or full > 6%", 14, "'or', expected a metric" },
        { "full > 5% AND available < 5%", 11, "write 'and' in lower case" },
        { "NOT full > 5%", 1, "write 'not' in lower case" },
        { "full > 5% For 3s", 11, "write 'for' in lower case" },
        { "full > 5% && some > 5%", 11, "write and, or, not in words" },
        { "full > 5% || some > 5%", 11, "write and, or, not in words" },
        { "!full > 5%", 1, "write and, or, not in words" },
        { "full > 5% full > 6%", 11, "'full', expected 'and', 'or', 'for' or the end" },
        { "full > 5%, full > 6%", 10, "',', expected 'and', 'or', 'for' or the end" },
        { "full > 5%)", 10, "')', expected" },
        { "(full > 5%", 11, "ends here, expected 'and', 'or', 'for' or )" },
        { "()", 2, "')', expected a metric" },
        { "full > 5% for", 14, "ends here, expected a time such as 4s" },
        { "full > 5% for 3", 15, "'3', expected a time such as 4s" },
        { "full > 5% for 0s", 15, "'for 0s', expected a time above 0" },
        { "full > 5% for 61min", 15, "expected a time above 0 and up to 1h" },
        { "full > 5% for 3s for 4s", 18, "'for', expected 'and'" },
        { "\"full > 5%\"", 1, "quotes are not needed" },
        { "full > '5%'", 8, "quotes are not needed" },
        { "full > min(5%, 1G)", 8, "min() and max() combine a share with a size, full does not take both" },
        { "exhaustion < min(5s, 6s)", 14, "min() and max() combine" },
        { "available < min(5%, 6%)", 13, "min() of two shares" },
        { "available < max(5M, 6M)", 13, "max() of two sizes" },
        { "available < min(5%)", 19, "')', expected a comma" },
        { "available < min(5%, 1G", 23, "ends here, expected )" },
        { "available < min 5%", 17, "'5%', expected (" },
        { "available < min(min(5%, 1G), 2G)", 13, "min() inside min()" },
        { "available < max(max(5%, 1G), 2G)", 13, "max() inside max()" },
        { "available < max(min(max(5%, 1M), 1G), 2G)", 21, "nested too deeply" },
        { "available < max(min(5%, 1G), 2G)", 13, "is above the size in min()" },
        { "available < min(5%, 0)", 13, "size of 0" },
        { "available < med(5%, 1G)", 13, "'med', expected a limit" },
        { "((((((((((((((((( full > 5%", 17, "parentheses or 'not' inside each other" },
        { "not not not not not not not not not not not not not not not not not full > 5%", 65, "inside each other" },
        { "available < 5% \xc3\xa4", 16, "'\xc3\xa4', expected" },
        { "available < 5\xe2\x80\x89%", 13, "'5' has no unit" },
        { "usage>1% or usage>1% or usage>1% or usage>1% or usage>1% or usage>1% or usage>1% or usage>1% or usage>1% or usage>1% or "
          "usage>1% or usage>1% or usage>1%",
          145, "more than 12 comparisons in one condition" },
};

static void test_bad(void **state) {
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                Policy p = {};
                ExpressionError error;
                uint16_t e = 4711, first;
                /* something before it in the tables, which must stay as it is */
                assert_int_equal(expression_parse(&p, "full > 1%", SCOPE_HOST, &first, &error), 0);
                if (expression_parse(&p, bad[i].text, bad[i].scope, &e, &error) != -EINVAL)
                        fail_msg("accepted: %s", bad[i].text);
                if (error.offset + 1 != bad[i].column || !strstr(error.text, bad[i].message))
                        fail_msg("%s: %zu: %s, not %u: %s", bad[i].text, error.offset + 1, error.text, bad[i].column, bad[i].message);
                assert_int_equal(e, 4711);
                assert_int_equal(p.n_terms, 1);
                assert_int_equal(p.n_exprs, 1);
                policy_clear(&p);
        }
}

static void test_host_scope(void **state) {
        (void)state;
        static const struct {
                const char *text;
                ExpressionScope scope;
                bool host;
        } rows[] = {
                { "full > 5%", SCOPE_HOST, true },
                { "full > 5%", SCOPE_CGROUP, false },
                { "host.full > 5%", SCOPE_CGROUP, true },
                { "host.full > 5%", SCOPE_HOST, true },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Policy p = {};
                ExpressionError error;
                uint16_t e;
                assert_int_equal(expression_parse(&p, rows[i].text, rows[i].scope, &e, &error), 0);
                assert_int_equal(p.terms[0].host, rows[i].host);
                policy_clear(&p);
        }
}

/* The term as decide will read it. */
static void test_terms(void **state) {
        (void)state;
        Policy p = {};
        ExpressionError error;
        uint16_t e;
        assert_int_equal(expression_parse(&p, "available <= max(min(12.5%, 1G), 64M) and kernel-oom >= 2 for 250ms", SCOPE_CGROUP, &e, &error), 0);
        assert_int_equal(p.n_terms, 2);
        assert_int_equal(p.terms[0].metric, METRIC_AVAILABLE);
        assert_int_equal(p.terms[0].comparison, COMPARE_LE);
        assert_int_equal(p.terms[0].unit, UNIT_SHARE);
        assert_true(p.terms[0].limit == 1250 && p.terms[0].cap_bytes == 1u << 30 && p.terms[0].floor_bytes == 64u << 20);
        assert_true(p.terms[0].window_usec == 0);
        assert_true(p.terms[1].unit == UNIT_COUNT && p.terms[1].limit == 2 && p.terms[1].window_usec == 60 * USEC_PER_SEC);
        assert_true(p.terms[1].cap_bytes == UINT64_MAX && p.terms[1].floor_bytes == 0);
        assert_int_equal(p.exprs[e].kind, EXPR_AND);
        assert_int_equal(p.exprs[p.exprs[e].b].kind, EXPR_FOR);
        assert_true(p.exprs[p.exprs[e].b].for_usec == 250 * USEC_PER_MSEC);
        policy_clear(&p);
}

static void test_or_joins(void **state) {
        (void)state;
        static const char *const lines[] = { "full > 1%", "some > 2% or usage > 3%", "usage > 4%" };
        Policy p = {}, q = {};
        ExpressionError error;
        uint16_t joined = EXPR_NONE, e, alternatives[CONDITION_TERMS_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                assert_int_equal(expression_parse(&p, lines[i], SCOPE_CGROUP, &e, &error), 0);
                assert_int_equal(expression_or(&p, joined, e, &joined), 0);
        }
        assert_int_equal(expression_parse(&q, "full > 1% or (some > 2% or usage > 3%) or usage > 4%", SCOPE_CGROUP, &e, &error), 0);
        assert_true(same_expr(&p, joined, &q, e));
        assert_int_equal(expression_count_terms(&p, joined), 4);
        assert_int_equal(expression_alternatives(&p, joined, alternatives), 3);
        assert_int_equal(p.exprs[alternatives[1]].kind, EXPR_OR);
        policy_clear(&p);
        policy_clear(&q);
}

static void test_tables_full(void **state) {
        (void)state;
        Policy p = {};
        ExpressionError error;
        uint16_t e;
        int r = 0;
        for (int i = 0; i < POLICY_TERMS_MAX; i++)
                assert_int_equal(expression_parse(&p, "full > 1%", SCOPE_CGROUP, &e, &error), 0);
        r = expression_parse(&p, "full > 1%", SCOPE_CGROUP, &e, &error);
        assert_int_equal(r, -EINVAL);
        assert_non_null(strstr(error.text, "in all conditions together"));
        while ((r = expression_or(&p, 0, 0, &e)) == 0)
                ;
        assert_int_equal(r, -ENOSPC);
        assert_int_equal(p.n_exprs, POLICY_EXPRS_MAX);
        policy_clear(&p);
}

/* Deterministic pseudo-random numbers: the same conditions in every run. */
static uint32_t next_random(uint32_t *seed) {
        *seed = *seed * 1664525u + 1013904223u;
        return *seed >> 8;
}

static void append_random(TextBuf *b, uint32_t *seed, unsigned depth, unsigned *n_terms) {
        static const char *const terms[] = {
                "full 1500ms>1.01%", "available<1.000001G", "usage >= 123456789B", "host.swap-free < max(min(99.99%,1025K),3B)",
                "exhaustion<=1000001us", "refaults>7%", "scan-rate 3s>1.5M/s", "kernel-oom>17", "host.commit>1T",
        };
        uint32_t k = next_random(seed) % 8;
        if (*n_terms >= 8 || depth > 5 || k < 3) {
                text_append(b, terms[next_random(seed) % ARRAY_SIZE(terms)]);
                (*n_terms)++;
                return;
        }
        if (k == 3) {
                text_append(b, "not (");
                append_random(b, seed, depth + 1, n_terms);
                text_append(b, ")");
        } else if (k == 4) {
                text_append(b, "(");
                append_random(b, seed, depth + 1, n_terms);
                text_append(b, ") for 1.5s");
        } else {
                bool parentheses = next_random(seed) % 2;
                text_append(b, parentheses ? "(" : "");
                append_random(b, seed, depth + 1, n_terms);
                text_append(b, k == 5 ? " or " : " and ");
                append_random(b, seed, depth + 1, n_terms);
                text_append(b, parentheses ? ")" : "");
        }
}

static void test_random_round_trip(void **state) {
        (void)state;
        uint32_t seed = 1, n_accepted = 0;
        for (int i = 0; i < 3000; i++) {
                char text[1024];
                TextBuf b = TEXT_BUF(text);
                unsigned n_terms = 0;
                Policy p = {};
                ExpressionError error;
                uint16_t e;
                append_random(&b, &seed, 0, &n_terms);
                int r = expression_parse(&p, text, SCOPE_CGROUP, &e, &error);
                if (r == 0) {
                        check_round_trip(&p, e, SCOPE_CGROUP, NULL);
                        n_accepted++;
                } else if (n_terms <= CONDITION_TERMS_MAX)
                        fail_msg("%s: %s", text, error.text);
                policy_clear(&p);
        }
        assert_true(n_accepted > 2500);
}

static void test_exact(void **state) {
        (void)state;
        static const struct {
                Unit unit;
                uint64_t value;
                const char *plain, *brief;
        } rows[] = {
                { UNIT_BYTES, 0, "0B", "0B" },
                { UNIT_BYTES, 1, "1B", "1B" },
                { UNIT_BYTES, 1536u << 20, "1536M", "1.5G" },
                { UNIT_BYTES, 1395864371, "1395864371B", "1.3G" },
                { UNIT_BYTES, UINT64_C(1) << 40, "1T", "1T" },
                { UNIT_BYTES, INT64_MAX, "9223372036854775807B", "9223372036854775807B" },
                { UNIT_USEC, 0, "0s", "0s" },
                { UNIT_USEC, 1500 * USEC_PER_MSEC, "1500ms", "1.5s" },
                { UNIT_USEC, 60 * USEC_PER_SEC, "1min", "60s" },
                { UNIT_USEC, 1, "1us", "1us" },
                { UNIT_SHARE, 1234, "12.34%", "12.34%" },
                { UNIT_SHARE, 1250, "12.5%", "12.5%" },
                { UNIT_SHARE, 1, "0.01%", "0.01%" },
                { UNIT_SHARE, 10000, "100%", "100%" },
                { UNIT_COUNT, 7, "7", "7" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char buf[64];
                TextBuf b = TEXT_BUF(buf);
                exact_append(&b, rows[i].unit, rows[i].value, EXACT_PLAIN);
                assert_string_equal(buf, rows[i].plain);
                b.len = 0;
                exact_append(&b, rows[i].unit, rows[i].value, EXACT_SHORT);
                assert_string_equal(buf, rows[i].brief);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_host_scope),
                cmocka_unit_test(test_terms),
                cmocka_unit_test(test_or_joins),
                cmocka_unit_test(test_tables_full),
                cmocka_unit_test(test_random_round_trip),
                cmocka_unit_test(test_exact),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

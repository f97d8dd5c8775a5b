/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The condition language. What is accepted must print to text that compiles to the same tables. */

#include <stdio.h>
#include <string.h>

#include "config/expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok) {
        if (!ok)
                abort();
}

static bool same(const Policy *a, const Policy *b) {
        if (a->n_terms != b->n_terms || a->n_exprs != b->n_exprs)
                return false;
        for (uint32_t i = 0; i < a->n_terms; i++) {
                const Term *t = &a->terms[i], *u = &b->terms[i];
                if (t->metric != u->metric || t->host != u->host || t->comparison != u->comparison ||
                    t->unit != u->unit || t->window_usec != u->window_usec || t->limit != u->limit ||
                    t->cap_bytes != u->cap_bytes || t->floor_bytes != u->floor_bytes)
                        return false;
        }
        for (uint32_t i = 0; i < a->n_exprs; i++) {
                const Expr *e = &a->exprs[i], *f = &b->exprs[i];
                if (e->kind != f->kind || e->a != f->a || e->b != f->b || e->for_usec != f->for_usec)
                        return false;
        }
        return true;
}

static void try_scope(const char *text, ExpressionScope scope) {
        Policy p = {};
        ExpressionError error;
        uint16_t expr, again;

        if (expression_parse(&p, text, scope, &expr, &error) != 0) {
                require(p.n_terms == 0 && p.n_exprs == 0);
                require(error.offset <= strlen(text) && error.text[0]);
        } else {
                for (ExactStyle style = EXACT_PLAIN; style <= EXACT_SHORT; style++) {
                        char out[4096];
                        TextBuf b = TEXT_BUF(out);
                        Policy q = {};
                        expression_append(&b, &p, expr, scope, style);
                        require(!b.truncated);
                        require(expression_parse(&q, out, scope, &again, &error) == 0);
                        require(expr == again && same(&p, &q));
                        free(q.terms);
                        free(q.exprs);
                }
        }
        free(p.terms);
        free(p.exprs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = malloc(size + 1);

        if (!text)
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';
        try_scope(text, SCOPE_CGROUP);
        try_scope(text, SCOPE_HOST);
        free(text);
        return 0;
}

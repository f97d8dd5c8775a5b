/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The condition language of When= and Until=, compiled into the tables of a Policy.
 *
 *   expr       := and { "or" and }
 *   and        := unary { "and" unary }
 *   unary      := "not" unary | primary [ "for" TIME ]
 *   primary    := "(" expr ")" | comparison
 *   comparison := ["host."] METRIC [WINDOW] ( "<" | "<=" | ">" | ">=" ) limit
 *   limit      := SHARE | SIZE | TIME | COUNT | "min(" limit "," limit ")" | "max(" limit "," limit ")"
 *
 * Children stand before their parents in Policy.exprs, so that the tables read as postfix.
 */

#include "base/text.h"
#include "config/exact.h"
#include "model/policy.h"

/* Whose memory a bare metric means. */
typedef enum ExpressionScope {
        SCOPE_CGROUP,
        SCOPE_HOST,
        SCOPE_UNKNOWN, /* a drop-in checked on its own: both are let pass */
} ExpressionScope;

typedef struct ExpressionError {
        size_t offset; /* in the text, from 0 */
        char text[320];
} ExpressionError;

/* What a metric may be compared with. */
typedef struct MetricInfo {
        uint32_t units;                                         /* bit (1 << Unit) */
        uint64_t window_usec, window_min_usec, window_max_usec; /* 0: has no window */
        bool per_second;                                        /* a limit may end in /s */
        bool host_only;
        const char *meaning; /* "a share of ...; write e.g. ..." for the message on a wrong unit */
} MetricInfo;
const MetricInfo *expression_metric(Metric m);

int expression_parse(Policy *p, const char *text, ExpressionScope scope, uint16_t *ret, ExpressionError *error);
/* a or b; a may be EXPR_NONE. -ENOSPC where the table is full. */
int expression_or(Policy *p, uint16_t a, uint16_t b, uint16_t *ret);
uint32_t expression_count_terms(const Policy *p, uint16_t expr);

void expression_append(TextBuf *b, const Policy *p, uint16_t expr, ExpressionScope scope, ExactStyle style);
/* The operands of the topmost chain of `or`, left to right; returns their number, at most CONDITION_TERMS_MAX. */
size_t expression_alternatives(const Policy *p, uint16_t expr, uint16_t ret[static CONDITION_TERMS_MAX]);

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The conditions of [Warn], [Relieve] and [Kill].
 *
 * Lines of When= add up with `or`, since a line may hold 198 bytes only. A condition that could not be
 * written back within such a line is refused, so that every dump can be loaded again.
 */

#include <string.h>

#include "base/units.h"
#include "config/ini-file.h"
#include "config/values.h"

/* "KEY=CONDITION" in the plain style, or in the short one where the plain does not fit a line. */
static bool format_condition(TextBuf *b, const ConfigItem *item, const Policy *p, uint16_t expr,
                             ExpressionScope scope) {
        for (ExactStyle style = EXACT_PLAIN; style <= EXACT_SHORT; style++) {
                b->len = 0;
                b->truncated = false;
                text_appendf(b, "%s=", item->key);
                expression_append(b, p, expr, scope, style);
                if (!b->truncated && b->len <= INI_LINE_BYTES_MAX)
                        return true;
        }
        return false;
}

static int parse_condition(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        char line[INI_LINE_BYTES_MAX + 64];
        TextBuf b = TEXT_BUF(line);
        uint16_t *target = field, expr;
        ExpressionError error;

        int r = expression_parse(c->policy, value, c->scope, &expr, &error);
        if (r == -EINVAL)
                config_context_error(c, error.offset, "%s", error.text);
        if (r < 0)
                return r;
        if (!format_condition(&b, item, c->policy, expr, c->scope)) {
                config_context_error(c, 0, "condition too long when written out, expected it split over several lines");
                return -EINVAL;
        }
        if (expression_count_terms(c->policy, *target) + expression_count_terms(c->policy, expr) >
            CONDITION_TERMS_MAX) {
                config_context_error(c, 0, "more than %d comparisons in all %s= lines of [%s] together",
                                     CONDITION_TERMS_MAX, item->key, item->section);
                return -EINVAL;
        }
        r = expression_or(c->policy, *target, expr, &expr);
        if (r == -ENOSPC) {
                config_context_error(c, 0, "more than %d operators in all conditions together", POLICY_EXPRS_MAX);
                return -EINVAL;
        }
        if (r < 0)
                return r;
        *target = expr;
        return 0;
}

static void print_condition(FILE *f, const ConfigItem *item, const void *field, const Policy *p,
                            ExpressionScope scope) {
        uint16_t expr = *(const uint16_t *)field, alternatives[CONDITION_TERMS_MAX];
        char line[INI_LINE_BYTES_MAX + 64];
        TextBuf b = TEXT_BUF(line);
        size_t n = 1;

        if (expr == EXPR_NONE)
                return;
        alternatives[0] = expr;
        if (item->is_list)
                n = expression_alternatives(p, expr, alternatives);
        for (size_t i = 0; i < n; i++) {
                (void)format_condition(&b, item, p, alternatives[i], scope);
                fprintf(f, "%s\n", line);
        }
}

const ConfigType type_condition = { "a condition, such as full 2s > 20% for 4s or available < 6%", parse_condition,
                                    print_condition };

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A condition is reported as the flat list of its comparisons: what a reader wants is which of them held
 * and by how much, not the tree of operators, which stands in the policy. The value comes first, then the
 * limit as it took effect, then, where that differs, the limit as it was written. Of a condition that is
 * true only what it rests on is named: a true comparison in a branch that failed explains nothing.
 */

#include "report/condition.h"

#include <inttypes.h>

#include "base/units.h"

void condition_append_value(TextBuf *b, Unit unit, uint64_t value) {
        switch (unit) {
        case UNIT_SHARE:
                units_append_share(b, value);
                return;
        case UNIT_BYTES:
                units_append_bytes(b, value);
                return;
        case UNIT_USEC:
                units_append_usec(b, value);
                return;
        case UNIT_COUNT:
                text_appendf(b, "%" PRIu64, value);
                return;
        case _UNIT_MAX:
        case _UNIT_INVALID:
                break;
        }
        text_append(b, "?");
}

void condition_append_term(TextBuf *b, const TermReport *t) {
        const char *metric = metric_to_string(t->term.metric);
        const char *comparison = comparison_to_string(t->term.comparison);

        text_append(b, metric ? metric : "?");
        if (t->term.window_usec > 0) {
                text_append(b, " ");
                units_append_usec(b, t->term.window_usec);
        }
        text_append(b, " ");
        if (t->has_value)
                condition_append_value(b, t->effective_unit, t->value);
        else
                text_append(b, "unknown");
        text_appendf(b, " %s ", comparison ? comparison : "?");
        condition_append_value(b, t->effective_unit, t->effective_limit);
        if (t->effective_unit != t->term.unit) {
                text_append(b, " (");
                condition_append_value(b, t->term.unit, t->term.limit);
                text_append(b, ")");
        }
        if (t->for_usec > 0) {
                text_append(b, " for ");
                units_append_usec(b, t->for_usec);
        }
}

static uint32_t append_terms(TextBuf *b, const ConditionReport *c, bool only_decisive) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < MIN(c->n_terms, (uint32_t)CONDITION_TERMS_MAX); i++) {
                if (only_decisive && !c->terms[i].is_decisive)
                        continue;
                if (n++ > 0)
                        text_append(b, ", ");
                condition_append_term(b, &c->terms[i]);
        }
        return n;
}

void condition_append(TextBuf *b, const ConditionReport *c) {
        if (append_terms(b, c, /* only_decisive= */ true) == 0)
                (void)append_terms(b, c, /* only_decisive= */ false);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What stands in [Warn], [Relieve] and [Kill]: conditions and steps.
 *
 * Lines of When= add up with `or`, since a line may hold 198 bytes only. A condition that could not be
 * written back within such a line is refused, so that every dump can be loaded again.
 */

#include <string.h>

#include "base/units.h"
#include "config/ini-file.h"
#include "config/values.h"

#define GRACE_USEC_MIN     (100 * USEC_PER_MSEC)
#define GRACE_USEC_MAX     (300 * USEC_PER_SEC)
#define GRACE_USEC_DEFAULT (2 * USEC_PER_SEC)

/* ---- conditions ---- */

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

/* ---- steps ---- */

static bool word_is(const char *s, size_t n, const char *word) {
        return strlen(word) == n && memcmp(s, word, n) == 0;
}

/* Steps that the design has and a later version carries out: naming one must not read as a typing error. */
static bool is_later_step(const char *s, size_t n) {
        static const char *const later[] = { "trim", "reclaim", "pageout", "throttle",
                                             "slow", "freeze",  "restart", "stop" };
        for (size_t i = 0; i < ARRAY_SIZE(later); i++)
                if (word_is(s, n, later[i]))
                        return true;
        return false;
}

static int parse_grace(const ConfigContext *c, const char *value, const char *s, size_t n, LevelPolicy *level) {
        static const char prefix[] = "grace=";
        const size_t k = sizeof(prefix) - 1;
        uint64_t usec;

        if (n <= k || memcmp(s, prefix, k) != 0) {
                config_context_error(c, (size_t)(s - value), "'%.*s', expected grace=TIME or a comma",
                                     (int)MIN(n, (size_t)40), s);
                return -EINVAL;
        }
        if (units_parse_usec(s + k, n - k, &usec) < 0 || usec < GRACE_USEC_MIN || usec > GRACE_USEC_MAX) {
                config_context_error(c, (size_t)(s - value) + k, "grace=%.*s, expected a time from 100ms to 5min",
                                     (int)MIN(n - k, (size_t)40), s + k);
                return -EINVAL;
        }
        level->grace_usec = usec;
        return 0;
}

static int parse_step(const ConfigContext *c, const ConfigItem *item, const char *value, const char *s, size_t n,
                      LevelPolicy *level, Step *ret) {
        bool kills = item->type == &type_steps;
        const char *expected = item->type->expected;
        char name[16] = "";

        if (n < sizeof(name))
                memcpy(name, s, n);
        *ret = step_from_string(name);
        if (is_later_step(s, n)) {
                config_context_error(c, (size_t)(s - value),
                                     "'%s' is a known step that this version does not carry out, expected %s", name,
                                     expected);
                return -EINVAL;
        }
        if (*ret < 0) {
                config_context_error(c, (size_t)(s - value), "'%.*s', expected %s", (int)MIN(n, (size_t)40), s,
                                     expected);
                return -EINVAL;
        }
        if (*ret != STEP_NOTIFY && !kills) {
                config_context_error(c, (size_t)(s - value), "'%s' belongs into [Kill], expected %s", name, expected);
                return -EINVAL;
        }
        if (level->steps & (1u << *ret)) {
                config_context_error(c, (size_t)(s - value), "'%s' again, expected each step once", name);
                return -EINVAL;
        }
        if (*ret == STEP_TERMINATE && (level->steps & (1u << STEP_KILL))) {
                config_context_error(c, (size_t)(s - value), "'terminate' behind 'kill', expected it before");
                return -EINVAL;
        }
        level->steps |= 1u << *ret;
        return 0;
}

/* "notify, terminate grace=3s, kill" */
static int parse_steps(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        LevelPolicy *target = field, level = *target;
        const char *s = value;

        level.steps = 0;
        level.grace_usec = GRACE_USEC_DEFAULT;
        for (;;) {
                Step step;
                s += strspn(s, " \t");
                size_t n = strcspn(s, " \t,");
                if (n == 0) {
                        config_context_error(c, (size_t)(s - value), "a step is missing here, expected %s",
                                             item->type->expected);
                        return -EINVAL;
                }
                int r = parse_step(c, item, value, s, n, &level, &step);
                if (r < 0)
                        return r;
                s += n;
                s += strspn(s, " \t");
                n = strcspn(s, " \t,");
                if (n > 0 && step != STEP_TERMINATE) {
                        config_context_error(c, (size_t)(s - value), "'%.*s', expected a comma or the end",
                                             (int)MIN(n, (size_t)40), s);
                        return -EINVAL;
                }
                if (n > 0) {
                        r = parse_grace(c, value, s, n, &level);
                        if (r < 0)
                                return r;
                        s += n;
                        s += strspn(s, " \t");
                }
                if (*s == '\0')
                        break;
                if (*s != ',') {
                        config_context_error(c, (size_t)(s - value), "'%.20s', expected a comma or the end", s);
                        return -EINVAL;
                }
                s++;
        }
        *target = level;
        return 0;
}

static void print_steps(FILE *f, const ConfigItem *item, const void *field, const Policy *p, ExpressionScope scope) {
        const LevelPolicy *level = field;
        const char *comma = "";
        char buf[40];
        TextBuf b = TEXT_BUF(buf);
        (void)p;
        (void)scope;

        if (level->steps == 0)
                return;
        fprintf(f, "%s=", item->key);
        for (Step s = 0; s < _STEP_MAX; s++) {
                if (!(level->steps & (1u << s)))
                        continue;
                fprintf(f, "%s%s", comma, step_to_string(s));
                comma = ", ";
                if (s == STEP_TERMINATE) {
                        exact_append(&b, UNIT_USEC, level->grace_usec, EXACT_PLAIN);
                        fprintf(f, " grace=%s", buf);
                }
        }
        fputc('\n', f);
}

const ConfigType type_steps = { "notify, terminate [grace=TIME] or kill", parse_steps, print_steps };
const ConfigType type_notices = { "notify", parse_steps, print_steps };

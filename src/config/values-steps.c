/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Do= of [Warn], [Relieve] and [Kill]: steps of the ladder, each with the one option it may have. They stand in
 * the order in which they are taken, mild before severe, so that a line reads as what will happen; another order
 * would be a promise that the daemon does not keep.
 */

#include <string.h>

#include "base/units.h"
#include "config/values.h"

/* What a level may do: a warning may ask and tidy up, but hold nobody; only [Kill] ends processes by signals. */
#define STEPS_WARN    (STEP_BIT(STEP_NOTIFY) | STEP_BIT(STEP_TRIM) | STEP_BIT(STEP_RECLAIM) | STEP_BIT(STEP_PAGEOUT))
#define STEPS_RELIEVE (STEP_BIT(STEP_NOTIFY) | STEPS_LADDER)
#define STEPS_ALL     (STEPS_RELIEVE | STEPS_KILL)

/* Nobody has said anything; beyond every value that may be given. */
#define OPTION_UNSET UINT64_MAX

/* The option of a step, and what it is where nobody says anything. */
typedef struct StepOption {
        const char *key, *shape; /* "grace", "TIME" */
        Unit unit;
        uint64_t min, max, initial; /* initial OPTION_UNSET: only written where it was given */
        const char *expected;
} StepOption;

static const StepOption step_options[_STEP_MAX] = {
        [STEP_RECLAIM] = { "swappiness", "N", UNIT_COUNT, 0, 200, OPTION_UNSET, "a number from 0 to 200" },
        /* below a hundredth of what it had nothing runs at all; at 100% it may no longer grow */
        [STEP_THROTTLE] = { "floor", "N%", UNIT_SHARE, 100, PERMYRIAD, 2500, "a share from 1% to 100%" },
        [STEP_SLOW] = { "weight", "N", UNIT_COUNT, 1, 10000, 10, "a number from 1 to 10000" },
        /* whoever talks to a frozen program gives it up after some time, as does its watchdog */
        [STEP_FREEZE] = { "max", "TIME", UNIT_USEC, 100 * USEC_PER_MSEC, 600 * USEC_PER_SEC, 30 * USEC_PER_SEC,
                          "a time from 100ms to 10min" },
        [STEP_TERMINATE] = { "grace", "TIME", UNIT_USEC, 100 * USEC_PER_MSEC, 300 * USEC_PER_SEC, 2 * USEC_PER_SEC,
                             "a time from 100ms to 5min" },
};

static uint64_t option_get(const LevelPolicy *level, Step step) {
        switch ((int)step) {
        case STEP_RECLAIM:
                return level->reclaim_swappiness < 0 ? OPTION_UNSET : (uint64_t)level->reclaim_swappiness;
        case STEP_THROTTLE:
                return level->throttle_floor_permyriad;
        case STEP_SLOW:
                return level->slow_weight;
        case STEP_FREEZE:
                return level->freeze_max_usec;
        case STEP_TERMINATE:
                return level->grace_usec;
        }
        return OPTION_UNSET;
}

static void option_set(LevelPolicy *level, Step step, uint64_t value) {
        switch ((int)step) {
        case STEP_RECLAIM:
                level->reclaim_swappiness = value == OPTION_UNSET ? -1 : (int32_t)value;
                break;
        case STEP_THROTTLE:
                level->throttle_floor_permyriad = (uint32_t)value;
                break;
        case STEP_SLOW:
                level->slow_weight = (uint32_t)value;
                break;
        case STEP_FREEZE:
                level->freeze_max_usec = value;
                break;
        case STEP_TERMINATE:
                level->grace_usec = value;
                break;
        }
}

LevelPolicy level_policy_unused(void) {
        return (LevelPolicy){ .when = EXPR_NONE, .until = EXPR_NONE, .reclaim_swappiness = -1 };
}

void level_policy_normalize(LevelPolicy *level) {
        for (Step step = 0; step < _STEP_MAX; step++)
                if (step_options[step].key && !(level->steps & STEP_BIT(step)))
                        option_set(level, step, step == STEP_RECLAIM ? OPTION_UNSET : 0);
}

/* ---- reading ---- */

static int parse_value(const StepOption *o, const char *s, size_t n, uint64_t *ret) {
        switch (o->unit) {
        case UNIT_SHARE:
                return units_parse_share(s, n, ret);
        case UNIT_USEC:
                return units_parse_usec(s, n, ret);
        case UNIT_COUNT:
                return text_parse_u64_n(s, n, ret);
        case UNIT_BYTES:
        case _UNIT_MAX:
        case _UNIT_INVALID:
                break;
        }
        return -EINVAL;
}

static int parse_option(const ConfigContext *c, const char *value, Step step, const char *s, size_t n,
                        LevelPolicy *level) {
        const StepOption *o = &step_options[step];
        size_t k = o->key ? strlen(o->key) : 0;
        uint64_t v;

        if (!o->key) {
                config_context_error(c, (size_t)(s - value), "'%.*s', expected a comma or the end",
                                     (int)MIN(n, (size_t)40), s);
                return -EINVAL;
        }
        if (n <= k + 1 || memcmp(s, o->key, k) != 0 || s[k] != '=') {
                config_context_error(c, (size_t)(s - value), "'%.*s', expected %s=%s or a comma",
                                     (int)MIN(n, (size_t)40), s, o->key, o->shape);
                return -EINVAL;
        }
        k++;
        if (parse_value(o, s + k, n - k, &v) < 0 || v < o->min || v > o->max) {
                config_context_error(c, (size_t)(s - value) + k, "%s=%.*s, expected %s", o->key,
                                     (int)MIN(n - k, (size_t)40), s + k, o->expected);
                return -EINVAL;
        }
        option_set(level, step, v);
        return 0;
}

static uint32_t allowed_steps(const ConfigItem *item) {
        if (item->type == &type_steps_warn)
                return STEPS_WARN;
        return item->type == &type_steps_relieve ? STEPS_RELIEVE : STEPS_ALL;
}

/* The first of the steps of @level that is more severe than @step; -1. */
static int find_behind(const LevelPolicy *level, Step step) {
        for (int s = (int)step + 1; s < _STEP_MAX; s++)
                if (level->steps & STEP_BIT(s))
                        return s;
        return -1;
}

static int parse_step(const ConfigContext *c, const ConfigItem *item, const char *value, const char *s, size_t n,
                      LevelPolicy *level, Step *ret) {
        const char *expected = item->type->expected;
        const size_t offset = (size_t)(s - value);
        char name[16] = "";

        if (n < sizeof(name))
                memcpy(name, s, n);
        Step step = step_from_string(name);
        if (step < 0) {
                config_context_error(c, offset, "'%.*s', expected %s", (int)MIN(n, (size_t)40), s, expected);
                return -EINVAL;
        }
        if (!(allowed_steps(item) & STEP_BIT(step))) {
                config_context_error(c, offset, "'%s' belongs into %s[Kill], expected %s", name,
                                     STEPS_RELIEVE & STEP_BIT(step) ? "[Relieve] or " : "", expected);
                return -EINVAL;
        }
        if (level->steps & STEP_BIT(step)) {
                config_context_error(c, offset, "'%s' again, expected each step once", name);
                return -EINVAL;
        }
        int behind = find_behind(level, step);
        if (behind >= 0) {
                config_context_error(c, offset, "'%s' behind '%s', expected it before: mild steps come first", name,
                                     step_to_string((Step)behind));
                return -EINVAL;
        }
        level->steps |= STEP_BIT(step);
        if (step_options[step].key)
                option_set(level, step, step_options[step].initial);
        *ret = step;
        return 0;
}

/* "notify, reclaim swappiness=60, throttle floor=25%" */
static int parse_steps(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        LevelPolicy *target = field, level = *target;
        const char *s = value;

        level.steps = 0;
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
                if (n > 0) {
                        r = parse_option(c, value, step, s, n, &level);
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
        level_policy_normalize(&level);
        *target = level;
        return 0;
}

/* ---- writing ---- */

static void print_steps(FILE *f, const ConfigItem *item, const void *field, const Policy *p, ExpressionScope scope) {
        const LevelPolicy *level = field;
        const char *comma = "";
        (void)p;
        (void)scope;

        if (level->steps == 0)
                return;
        fprintf(f, "%s=", item->key);
        for (Step step = 0; step < _STEP_MAX; step++) {
                const StepOption *o = &step_options[step];
                char buf[40];
                TextBuf b = TEXT_BUF(buf);
                if (!(level->steps & STEP_BIT(step)))
                        continue;
                fprintf(f, "%s%s", comma, step_to_string(step));
                comma = ", ";
                if (!o->key || option_get(level, step) == OPTION_UNSET)
                        continue;
                exact_append(&b, o->unit, option_get(level, step), EXACT_PLAIN);
                fprintf(f, " %s=%s", o->key, buf);
        }
        fputc('\n', f);
}

const ConfigType type_steps_warn = { "notify, trim, reclaim [swappiness=N] or pageout", parse_steps, print_steps };
const ConfigType type_steps_relieve = { "notify, trim, reclaim [swappiness=N], pageout, throttle [floor=N%], "
                                        "slow [weight=N], freeze [max=TIME], restart or stop",
                                        parse_steps, print_steps };
const ConfigType type_steps_kill = {
        "notify, trim, reclaim [swappiness=N], pageout, throttle [floor=N%], "
        "slow [weight=N], freeze [max=TIME], restart, stop, terminate [grace=TIME] or kill",
        parse_steps, print_steps
};

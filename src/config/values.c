/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Plain values: yes or no, numbers, times, words, patterns. Each parser writes its field only when the
 * whole value was understood; each printer writes what the parser would read to the same field.
 */

#include "config/values.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/units.h"
#include "config/match.h"

void config_context_error(const ConfigContext *c, size_t offset, const char *format, ...) {
        char text[512];
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        config_report_add(c->report, SEVERITY_ERROR, c->file, c->line, c->column + (unsigned)offset, "%s", text);
}

static int fail_value(const ConfigContext *c, const ConfigItem *item, const char *value) {
        config_context_error(c, 0, "%s=%.60s, expected %s", item->key, value, item->type->expected);
        return -EINVAL;
}

/* ---- yes or no ---- */

static int parse_bool(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        static const char *const yes[] = { "yes", "true", "on", "1" }, *const no[] = { "no", "false", "off", "0" };

        for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
                if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
                        *(bool *)field = strcmp(value, yes[i]) == 0;
                        return 0;
                }
        }
        return fail_value(c, item, value);
}

static void print_bool(FILE *f, const ConfigItem *item, const void *field, const Policy *p, ExpressionScope scope) {
        (void)p;
        (void)scope;
        fprintf(f, "%s=%s\n", item->key, *(const bool *)field ? "yes" : "no");
}

const ConfigType type_bool = { "yes or no", parse_bool, print_bool };

/* ---- numbers and times ---- */

static int check_range(const ConfigContext *c, const ConfigItem *item, Unit unit, const char *value, uint64_t v) {
        char range[80];
        TextBuf b = TEXT_BUF(range);

        if (v >= item->min && v <= item->max)
                return 0;
        exact_append(&b, unit, item->min, EXACT_PLAIN);
        text_append(&b, " to ");
        exact_append(&b, unit, item->max, EXACT_PLAIN);
        config_context_error(c, 0, "%s=%.60s, expected %s", item->key, value, range);
        return -EINVAL;
}

static void print_exact(FILE *f, const ConfigItem *item, Unit unit, uint64_t v) {
        char buf[40];
        TextBuf b = TEXT_BUF(buf);
        exact_append(&b, unit, v, EXACT_PLAIN);
        fprintf(f, "%s=%s\n", item->key, buf);
}

static int parse_usec(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        uint64_t v;

        if (units_parse_usec(value, strlen(value), &v) < 0)
                return fail_value(c, item, value);
        if (check_range(c, item, UNIT_USEC, value, v) < 0)
                return -EINVAL;
        *(uint64_t *)field = v;
        return 0;
}

static void print_usec(FILE *f, const ConfigItem *item, const void *field, const Policy *p, ExpressionScope scope) {
        (void)p;
        (void)scope;
        print_exact(f, item, UNIT_USEC, *(const uint64_t *)field);
}

const ConfigType type_usec = { "a time with its unit, such as 500ms, 2s or 1min", parse_usec, print_usec };

static int parse_count(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        uint64_t v;

        if (text_parse_u64(value, &v) < 0)
                return fail_value(c, item, value);
        if (check_range(c, item, UNIT_COUNT, value, v) < 0)
                return -EINVAL;
        *(uint64_t *)field = v;
        return 0;
}

static void print_count(FILE *f, const ConfigItem *item, const void *field, const Policy *p, ExpressionScope scope) {
        (void)p;
        (void)scope;
        fprintf(f, "%s=%" PRIu64 "\n", item->key, *(const uint64_t *)field);
}

const ConfigType type_count = { "a number", parse_count, print_count };

static int parse_count32(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        uint64_t v;
        int r = parse_count(c, item, value, &v);
        if (r < 0)
                return r;
        *(uint32_t *)field = (uint32_t)v;
        return 0;
}

static void print_count32(FILE *f, const ConfigItem *item, const void *field, const Policy *p, ExpressionScope scope) {
        uint64_t v = *(const uint32_t *)field;
        print_count(f, item, &v, p, scope);
}

const ConfigType type_count32 = { "a number", parse_count32, print_count32 };

static int parse_share32(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        uint64_t v;

        if (strcmp(value, "0") == 0)
                v = 0;
        else if (units_parse_share(value, strlen(value), &v) < 0)
                return fail_value(c, item, value);
        if (check_range(c, item, UNIT_SHARE, value, v) < 0)
                return -EINVAL;
        *(uint32_t *)field = (uint32_t)v;
        return 0;
}

static void print_share32(FILE *f, const ConfigItem *item, const void *field, const Policy *p, ExpressionScope scope) {
        (void)p;
        (void)scope;
        print_exact(f, item, UNIT_SHARE, *(const uint32_t *)field);
}

const ConfigType type_share32 = { "a share with its sign, such as 2% or 0.1%", parse_share32, print_share32 };

static int parse_bytes(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        uint64_t v;

        if (units_parse_bytes(value, strlen(value), &v) < 0)
                return fail_value(c, item, value);
        if (check_range(c, item, UNIT_BYTES, value, v) < 0)
                return -EINVAL;
        *(uint64_t *)field = v;
        return 0;
}

static void print_bytes(FILE *f, const ConfigItem *item, const void *field, const Policy *p, ExpressionScope scope) {
        (void)p;
        (void)scope;
        print_exact(f, item, UNIT_BYTES, *(const uint64_t *)field);
}

const ConfigType type_bytes = { "a size, such as 512K, 64M or 1.5G", parse_bytes, print_bytes };

static int parse_adjust(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        size_t skip = value[0] == '+' && value[1] != '-';
        int64_t v;

        if (text_parse_i64_n(value + skip, strlen(value + skip), &v) < 0 || v < -1000 || v > 1000)
                return fail_value(c, item, value);
        *(int32_t *)field = (int32_t)v;
        return 0;
}

static void print_adjust(FILE *f, const ConfigItem *item, const void *field, const Policy *p, ExpressionScope scope) {
        (void)p;
        (void)scope;
        fprintf(f, "%s=%" PRId32 "\n", item->key, *(const int32_t *)field);
}

const ConfigType type_adjust = { "-1000 to 1000", parse_adjust, print_adjust };

/* ---- words ---- */

#define DEFINE_WORD_TYPE(name, type, prefix, words)                                                               \
        static int parse_##name(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) { \
                type v = prefix##_from_string(value);                                                             \
                if ((int)v < 0)                                                                                   \
                        return fail_value(c, item, value);                                                        \
                *(type *)field = v;                                                                               \
                return 0;                                                                                         \
        }                                                                                                         \
        static void print_##name(FILE *f, const ConfigItem *item, const void *field, const Policy *p,             \
                                 ExpressionScope scope) {                                                         \
                type v = *(const type *)field;                                                                    \
                (void)p;                                                                                          \
                (void)scope;                                                                                      \
                if ((int)v >= 0)                                                                                  \
                        fprintf(f, "%s=%s\n", item->key, prefix##_to_string(v));                                  \
        }                                                                                                         \
        const ConfigType type_##name = { words, parse_##name, print_##name }

DEFINE_WORD_TYPE(victim, VictimKind, victim_kind, "auto, process, cgroup or unit");
DEFINE_WORD_TYPE(rank, Rank, rank, "auto, badness, growth, pressure, swap or scan");
DEFINE_WORD_TYPE(tier, Tier, tier, "prefer, normal, avoid or never");

/* ---- the cgroup that a policy is for ---- */

static int set_match(void *field, const char *pattern, MatchKind match, bool host) {
        CgroupPolicy *cp = field;
        char *copy = strdup(pattern);

        if (!copy)
                return -ENOMEM;
        free(cp->pattern);
        cp->pattern = copy;
        cp->match = match;
        cp->host = host;
        return 0;
}

static int check_glob(const ConfigContext *c, const ConfigItem *item, const char *value, GlobMode mode) {
        PatternError error;

        if (*value == '~') {
                config_context_error(c, 0, "%s=%.60s, expected a glob: regular expressions are for rules.d", item->key,
                                     value);
                return -EINVAL;
        }
        if (glob_check(value, mode, &error) < 0) {
                config_context_error(c, error.offset, "%s=: %s", item->key, error.text);
                return -EINVAL;
        }
        return 0;
}

/* "a/b/" and "/a/b" are a/b; empty, "." and ".." components name no cgroup. */
static int normal_path(const ConfigContext *c, const ConfigItem *item, const char *value, char **ret) {
        size_t skip = strspn(value, "/"), n = strlen(value);

        while (n > skip + 1 && value[n - 1] == '/')
                n--;
        for (size_t i = MIN(skip, n); i == skip || i < n;) {
                size_t k = strcspn(value + i, "/");
                if (k == 0 || (k == 1 && value[i] == '.') || (k == 2 && memcmp(value + i, "..", 2) == 0)) {
                        config_context_error(c, i, "%s=%.60s, expected a path without empty, . or .. components",
                                             item->key, value);
                        return -EINVAL;
                }
                i += k + 1;
        }
        *ret = strndup(value + skip, n - skip);
        return *ret ? 0 : -ENOMEM;
}

/* The slash that was taken off is printed where the rest would be read as something else. */
static const char *path_lead(const char *path) { return strchr(" \t~;#\"'", *path) ? "/" : ""; }

static int parse_match_cgroup(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        _cleanup_free_ char *path = NULL;
        int r;

        if (strcmp(value, "/") == 0)
                return set_match(field, value, MATCH_CGROUP, /* host= */ true);
        r = check_glob(c, item, value, GLOB_PATH);
        if (r < 0)
                return r;
        r = normal_path(c, item, value, &path);
        if (r < 0)
                return r;
        return set_match(field, path, MATCH_CGROUP, /* host= */ false);
}

static int parse_match_name(const ConfigContext *c, const ConfigItem *item, const char *value, void *field,
                            MatchKind match) {
        int r = check_glob(c, item, value, GLOB_TEXT);
        if (r < 0)
                return r;
        return set_match(field, value, match, /* host= */ false);
}

static int parse_match_unit(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        if (!text_has_suffix(value, ".service") && !text_has_suffix(value, ".scope") &&
            !text_has_suffix(value, ".slice") && !text_has_suffix(value, "*"))
                return fail_value(c, item, value);
        return parse_match_name(c, item, value, field, MATCH_UNIT);
}

static int parse_match_container(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        return parse_match_name(c, item, value, field, MATCH_CONTAINER);
}

static void print_match(FILE *f, const ConfigItem *item, const void *field, MatchKind match) {
        const CgroupPolicy *cp = field;
        if (cp->pattern && cp->match == match)
                fprintf(f, "%s=%s%s\n", item->key, match == MATCH_CGROUP ? path_lead(cp->pattern) : "", cp->pattern);
}

static void print_match_cgroup(FILE *f, const ConfigItem *item, const void *field, const Policy *p,
                               ExpressionScope scope) {
        (void)p;
        (void)scope;
        print_match(f, item, field, MATCH_CGROUP);
}
static void print_match_unit(FILE *f, const ConfigItem *item, const void *field, const Policy *p,
                             ExpressionScope scope) {
        (void)p;
        (void)scope;
        print_match(f, item, field, MATCH_UNIT);
}
static void print_match_container(FILE *f, const ConfigItem *item, const void *field, const Policy *p,
                                  ExpressionScope scope) {
        (void)p;
        (void)scope;
        print_match(f, item, field, MATCH_CONTAINER);
}

const ConfigType type_match_cgroup = { "/ for the host, or a glob on the path of a cgroup", parse_match_cgroup,
                                       print_match_cgroup };
const ConfigType type_match_unit = { "a unit with its suffix, such as postgresql@*.service", parse_match_unit,
                                     print_match_unit };
const ConfigType type_match_container = { "a glob on the id of a container or pod", parse_match_container,
                                          print_match_container };

/* ---- what a rule looks at ---- */

static int take_pattern(const ConfigContext *c, const ConfigItem *item, int r, const PatternError *error, Pattern *p,
                        void *field) {
        if (r == -EINVAL)
                config_context_error(c, error->offset, "%s=: %s", item->key, error->text);
        if (r < 0)
                return r;
        pattern_append(field, p);
        return 0;
}

static int parse_pattern(const ConfigContext *c, const ConfigItem *item, const char *value, void *field,
                         GlobMode mode) {
        PatternError error = {};
        Pattern *p = NULL;

        if (value[0] == '~' && (value[1] == '"' || value[1] == '\'')) {
                config_context_error(
                        c, 1,
                        "%s= begins with a quote, expected the expression as it is: quotes are not needed and would have to match",
                        item->key);
                return -EINVAL;
        }
        int r = pattern_new(value, mode, &p, &error);
        return take_pattern(c, item, r, &error, p, field);
}

static int parse_pattern_text(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        return parse_pattern(c, item, value, field, GLOB_TEXT);
}
static int parse_pattern_path(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        if (*value != '~' && *value != '/' && *value != '*')
                return fail_value(c, item, value);
        return parse_pattern(c, item, value, field, GLOB_PATH);
}
static int parse_pattern_cgroup(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        _cleanup_free_ char *path = NULL;

        if (*value == '~' || strcmp(value, "/") == 0)
                return parse_pattern(c, item, value, field, GLOB_PATH);
        int r = normal_path(c, item, value, &path);
        if (r < 0)
                return r;
        /* behind a slash it is no regular expression */
        return *path == '~' ? fail_value(c, item, value) : parse_pattern(c, item, path, field, GLOB_PATH);
}
static int parse_pattern_uids(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        PatternError error = {};
        Pattern *p = NULL;
        int r = pattern_new_uids(value, &p, &error);
        return take_pattern(c, item, r, &error, p, field);
}
static int parse_pattern_user(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        PatternError error = {};
        Pattern *p = NULL;
        int r = pattern_new_user(value, &p, &error);
        return take_pattern(c, item, r, &error, p, field);
}

static void print_pattern(FILE *f, const ConfigItem *item, const void *field, const Policy *p, ExpressionScope scope) {
        (void)p;
        (void)scope;
        /* Uid= and User= share one field */
        for (const Pattern *x = *(const Pattern *const *)field; x; x = pattern_next(x))
                if (pattern_is_user(x) == (item->type == &type_pattern_user))
                        fprintf(f, "%s=%s%s\n", item->key,
                                item->type == &type_pattern_cgroup && *pattern_text(x) != '~' ? path_lead(pattern_text(x)) : "",
                                pattern_text(x));
}

const ConfigType type_pattern_text = { "a glob, or a regular expression behind ~", parse_pattern_text, print_pattern };
const ConfigType type_pattern_path = { "a glob on a path that begins with /, or a regular expression behind ~",
                                       parse_pattern_path, print_pattern };
const ConfigType type_pattern_cgroup = { "a glob on the path of a cgroup, or a regular expression behind ~",
                                         parse_pattern_cgroup, print_pattern };
const ConfigType type_pattern_uids = { "a user id or a range such as 1000-1999", parse_pattern_uids, print_pattern };
const ConfigType type_pattern_user = { "the name or the id of one user", parse_pattern_user, print_pattern };

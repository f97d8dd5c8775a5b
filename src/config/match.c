/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One compiled pattern of a rule: glob, regular expression, or range of user ids.
 *
 * The texts are whatever a user put into his process names and command lines, so matching must be
 * bounded: sense cuts what it reads (a command line at 4096 bytes), globs take polynomial time, and
 * regular expressions may hold neither back-references (exponential) nor big repeat counts (memory).
 * Globs never allocate; regexec(3) may, so a host with regular expressions pays that when it ranks.
 */

#include "config/match.h"

#include <pwd.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Product of all {n,m} in one expression: glibc copies the repeated part that often. */
#define REGEX_REPEAT_MAX 256

typedef enum PatternKind {
        PATTERN_GLOB,
        PATTERN_REGEX,
        PATTERN_UIDS,
        PATTERN_USER,
} PatternKind;

struct Pattern {
        PatternKind kind;
        GlobMode mode;
        char *text;
        regex_t regex;
        bool has_regex;
        bool resolved; /* PATTERN_USER: the user exists */
        uint32_t uid_min, uid_max;
        Pattern *next;         /* matches where this does not */
        size_t n_literal;      /* GLOB_PATH: bytes before the first special one */
        uint32_t n_components; /* GLOB_PATH: of every text that matches; 0 where ** makes that vary */
};

Pattern *pattern_free(Pattern *p) {
        while (p) {
                Pattern *next = p->next;
                if (p->has_regex)
                        regfree(&p->regex);
                free(p->text);
                free(p);
                p = next;
        }
        return NULL;
}

void pattern_append(Pattern **list, Pattern *take) {
        while (*list)
                list = &(*list)->next;
        *list = take;
}

const Pattern *pattern_next(const Pattern *p) {
        return p->next;
}

static int pattern_alloc(PatternKind kind, const char *text, Pattern **ret) {
        _cleanup_(pattern_freep) Pattern *p = calloc(1, sizeof(Pattern));

        if (!p)
                return -ENOMEM;
        p->kind = kind;
        p->text = strdup(text);
        if (!p->text)
                return -ENOMEM;
        *ret = TAKE_PTR(p);
        return 0;
}

static _printf_(3, 4) int pattern_fail(PatternError *e, size_t offset, const char *format, ...) {
        va_list ap;

        e->offset = offset;
        va_start(ap, format);
        (void)vsnprintf(e->text, sizeof(e->text), format, ap);
        va_end(ap);
        return -EINVAL;
}

/* Upper bound of the {n}, {n,} or {n,m} at @s. */
static uint64_t repeat_count(const char *s) {
        uint64_t largest = 1, v = 0;
        for (s++; *s && *s != '}'; s++) {
                v = *s >= '0' && *s <= '9' ? MIN(v * 10 + (uint64_t)(*s - '0'), UINT64_C(100000)) : 0;
                largest = MAX(largest, v);
        }
        return largest;
}

static int regex_check(const char *regex, PatternError *error) {
        uint64_t repeat = 1;

        if (*regex == '\0')
                return pattern_fail(error, 1, "nothing behind ~, expected a regular expression");
        for (const char *s = regex; *s; s++) {
                if (*s == '\\' && s[1]) {
                        if (s[1] >= '1' && s[1] <= '9')
                                return pattern_fail(
                                        error, (size_t)(s - regex) + 1,
                                        "back-reference, expected an expression without: its time has no bound");
                        s++;
                } else if (*s == '{') {
                        repeat = u64_mul_sat(repeat, repeat_count(s));
                        if (repeat > REGEX_REPEAT_MAX)
                                return pattern_fail(error, (size_t)(s - regex) + 1,
                                                    "repeat counts multiply to more than %d", REGEX_REPEAT_MAX);
                }
        }
        return 0;
}

static int regex_compile(Pattern *p, PatternError *error) {
        char why[128];
        int r = regex_check(p->text + 1, error);
        if (r < 0)
                return r;
        int e = regcomp(&p->regex, p->text + 1, REG_EXTENDED | REG_NOSUB);
        if (e == REG_ESPACE)
                return -ENOMEM;
        if (e != 0) {
                (void)regerror(e, &p->regex, why, sizeof(why));
                return pattern_fail(error, 1, "not an extended regular expression: %s", why);
        }
        p->has_regex = true;
        return 0;
}

/* What lets most paths be told apart without matching: ten thousand processes meet every rule. */
static void glob_measure(Pattern *p) {
        p->n_literal = strcspn(p->text, "*?[\\");
        p->n_components = 1;
        for (const char *s = p->text; *s; s++)
                p->n_components += *s == '/';
        if (strstr(p->text, "**"))
                p->n_components = 0;
}

/**
 * pattern_new() - compile a glob, or the regular expression behind ~
 * Return: 0; -EINVAL with @error filled; -ENOMEM.
 */
int pattern_new(const char *text, GlobMode mode, Pattern **ret, PatternError *error) {
        _cleanup_(pattern_freep) Pattern *p = NULL;
        int r = pattern_alloc(*text == '~' ? PATTERN_REGEX : PATTERN_GLOB, text, &p);
        if (r < 0)
                return r;
        p->mode = mode;
        r = p->kind == PATTERN_REGEX ? regex_compile(p, error) : glob_check(text, mode, error);
        if (r < 0)
                return r;
        glob_measure(p);
        *ret = TAKE_PTR(p);
        return 0;
}

static int parse_uid(const char *s, size_t n, uint32_t *ret) {
        uint64_t v;
        /* (uid_t)-1 is no user: the kernel uses it for "leave as it is" */
        if (text_parse_u64_n(s, n, &v) < 0 || v >= UINT32_MAX)
                return -EINVAL;
        *ret = (uint32_t)v;
        return 0;
}

int pattern_new_uids(const char *text, Pattern **ret, PatternError *error) {
        _cleanup_(pattern_freep) Pattern *p = NULL;
        const char *dash = strchr(text, '-');
        size_t n = dash ? (size_t)(dash - text) : strlen(text);

        int r = pattern_alloc(PATTERN_UIDS, text, &p);
        if (r < 0)
                return r;
        if (parse_uid(text, n, &p->uid_min) < 0)
                return pattern_fail(error, 0, "'%.40s', expected a user id or a range such as 1000-1999", text);
        p->uid_max = p->uid_min;
        if (dash && parse_uid(dash + 1, strlen(dash + 1), &p->uid_max) < 0)
                return pattern_fail(error, n + 1, "'%.40s', expected a user id, the end of the range", dash + 1);
        if (p->uid_max < p->uid_min)
                return pattern_fail(error, n + 1, "the range ends before it begins");
        *ret = TAKE_PTR(p);
        return 0;
}

/**
 * pattern_new_user() - look a user up, once: the name service may block and fail later
 *
 * A user that does not exist is no error, since the same file serves many hosts: the pattern then
 * matches nobody, and policy_lint() says so.
 */
int pattern_new_user(const char *text, Pattern **ret, PatternError *error) {
        _cleanup_(pattern_freep) Pattern *p = NULL;
        _cleanup_free_ char *buf = NULL;
        const size_t size = 64 * 1024;
        struct passwd pw, *found = NULL;
        uint32_t uid = 0;

        int r = pattern_alloc(PATTERN_USER, text, &p);
        if (r < 0)
                return r;
        for (const char *s = text; *s; s++)
                if (strchr("*?[]~:/ ", *s))
                        return pattern_fail(error, (size_t)(s - text), "'%c', expected one user name or id, no pattern",
                                            *s);
        if (parse_uid(text, strlen(text), &uid) == 0)
                p->resolved = true;
        else {
                buf = malloc(size);
                if (!buf)
                        return -ENOMEM;
                if (getpwnam_r(text, &pw, buf, size, &found) == 0 && found) {
                        uid = found->pw_uid;
                        p->resolved = true;
                }
        }
        p->uid_min = p->uid_max = uid;
        *ret = TAKE_PTR(p);
        return 0;
}

const char *pattern_text(const Pattern *p) {
        return p->text;
}
bool pattern_is_regex(const Pattern *p) {
        return p->kind == PATTERN_REGEX;
}
bool pattern_is_user(const Pattern *p) {
        return p->kind == PATTERN_USER;
}
bool pattern_is_unresolved(const Pattern *p) {
        return p->kind == PATTERN_USER && !p->resolved;
}

static bool pattern_match_one(const Pattern *p, const char *text, size_t n) {
        if (p->kind == PATTERN_GLOB)
                return glob_match(p->text, text, n, p->mode);
        if (p->kind != PATTERN_REGEX)
                return false;
        regmatch_t range = { .rm_so = 0, .rm_eo = (regoff_t)n };
        return regexec(&p->regex, text, 0, &range, REG_STARTEND) == 0;
}

bool pattern_match(const Pattern *p, const char *text, size_t n) {
        for (; p && n > 0; p = p->next)
                if (pattern_match_one(p, text, n))
                        return true;
        return false;
}

bool pattern_match_uid(const Pattern *p, uint32_t uid) {
        for (; p; p = p->next)
                if ((p->kind == PATTERN_UIDS || p->resolved) && p->uid_min <= uid && uid <= p->uid_max)
                        return true;
        return false;
}

static bool pattern_match_within_one(const Pattern *p, const char *path) {
        /* "/" is the root cgroup; everything else is written without the leading slash */
        if (strcmp(p->text, "/") == 0)
                return strcmp(path, "/") == 0;
        while (*path == '/')
                path++;
        if (p->kind == PATTERN_REGEX)
                return *path && pattern_match_one(p, path, strlen(path));
        if (strncmp(path, p->text, p->n_literal) != 0)
                return false;
        uint32_t n = 0;
        for (const char *end = path; *end;) {
                end += strcspn(end, "/");
                n++;
                if ((p->n_components == 0 || n == p->n_components) && pattern_match_one(p, path, (size_t)(end - path)))
                        return true;
                if (n == p->n_components)
                        return false;
                end += *end == '/';
        }
        return false;
}

bool pattern_match_within(const Pattern *p, const char *path) {
        for (; p; p = p->next)
                if (pattern_match_within_one(p, path))
                        return true;
        return false;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Our own globs rather than fnmatch(3): glibc's allocates for long texts, backtracks without bound over
 * several stars, and knows no way to say "at any depth", which cgroup paths need.
 *
 * One star is enough to remember: where a later star fails, giving an earlier one more bytes only takes
 * away from what the later could choose from. Two stars in a path are remembered apart, since they may
 * cross what a single one may not. So the time is bounded by components * length * pattern.
 */

#include "config/match.h"

#include <stdio.h>
#include <string.h>

static bool is_escape(const char *g) {
        return g[0] == '\\' && g[1] != '\0' && strchr("*?[]\\", g[1]);
}

/* Behind the ] that ends the set at @g, or NULL. A ] right behind [ or [! belongs to the set. */
static const char *set_end(const char *g) {
        const char *s = g + 1;
        if (*s == '!' || *s == '^')
                s++;
        if (*s == ']')
                s++;
        while (*s && *s != ']')
                s += is_escape(s) ? 2 : 1;
        return *s ? s + 1 : NULL;
}

static bool set_has(const char *g, unsigned char c) {
        const char *s = g + 1, *end = set_end(g) - 1;
        bool negated = *s == '!' || *s == '^', found = false;

        for (s += negated; s < end;) {
                s += is_escape(s);
                unsigned char low = (unsigned char)*s++, high = low;
                if (end - s >= 2 && *s == '-') {
                        s++;
                        s += is_escape(s);
                        high = (unsigned char)*s++;
                }
                found = found || (low <= c && c <= high);
        }
        return found != negated;
}

static int glob_fail(PatternError *e, size_t offset, const char *text) {
        e->offset = offset;
        (void)snprintf(e->text, sizeof(e->text), "%s", text);
        return -EINVAL;
}

/**
 * glob_check() - is this a glob that glob_match() understands?
 * Return: 0; -EINVAL with @error saying where and why.
 */
int glob_check(const char *glob, GlobMode mode, PatternError *error) {
        if (*glob == '\0')
                return glob_fail(error, 0, "empty pattern");
        for (const char *g = glob; *g;) {
                if (is_escape(g)) {
                        g += 2;
                } else if (*g == '[') {
                        const char *end = set_end(g);
                        if (!end)
                                return glob_fail(error, (size_t)(g - glob), "set without an end, expected ]");
                        if (mode == GLOB_PATH && memchr(g, '/', (size_t)(end - g)))
                                return glob_fail(error, (size_t)(g - glob),
                                                 "slash in a set, it never matches in a path");
                        g = end;
                } else if (g[0] == '*' && g[1] == '*' && mode == GLOB_PATH) {
                        if ((g > glob && g[-1] != '/') || (g[2] != '/' && g[2] != '\0'))
                                return glob_fail(
                                        error, (size_t)(g - glob),
                                        "** stands for whole components, expected a slash before and behind it");
                        g += 2;
                } else
                        g++;
        }
        return 0;
}

typedef struct GlobState {
        const char *star, *star_text; /* behind the last *, and where it was tried */
        const char *deep, *deep_text; /* behind the last two stars with slash */
} GlobState;

/* Gives a remembered star one more byte, or two stars one more component. False: no match. */
static bool glob_retry(GlobState *st, const char **g, const char **t, const char *end, GlobMode mode) {
        if (st->star && st->star_text < end && (mode == GLOB_TEXT || *st->star_text != '/')) {
                *t = ++st->star_text;
                *g = st->star;
                return true;
        }
        if (!st->deep)
                return false;
        const char *slash = memchr(st->deep_text, '/', (size_t)(end - st->deep_text));
        if (!slash)
                return false;
        *t = st->deep_text = slash + 1;
        *g = st->deep;
        st->star = NULL;
        return true;
}

/* One step of the pattern that is no star against one byte; returns behind it, or NULL. */
static const char *glob_take(const char *g, unsigned char c, GlobMode mode) {
        if (is_escape(g))
                return (unsigned char)g[1] == c ? g + 2 : NULL;
        if (*g == '[')
                return (mode == GLOB_TEXT || c != '/') && set_has(g, c) ? set_end(g) : NULL;
        if (*g == '?')
                return mode == GLOB_TEXT || c != '/' ? g + 1 : NULL;
        return *g && (unsigned char)*g == c ? g + 1 : NULL;
}

/**
 * glob_match() - does the glob match all of the text?
 * @glob: has passed glob_check()
 * @text: @n bytes, any; untrusted
 */
bool glob_match(const char *glob, const char *text, size_t n, GlobMode mode) {
        const char *g = glob, *t = text, *end = text + n;
        GlobState st = {};

        for (;;) {
                if (mode == GLOB_PATH && g[0] == '*' && g[1] == '*') {
                        if (g[2] == '\0' && t < end)
                                return true;
                        if (g[2] == '/') {
                                st = (GlobState){ .deep = g + 3, .deep_text = t };
                                g += 3;
                                continue;
                        }
                } else if (*g == '*') {
                        st.star = ++g;
                        st.star_text = t;
                        continue;
                } else {
                        const char *next = t < end ? glob_take(g, (unsigned char)*t, mode) : NULL;
                        if (next) {
                                g = next;
                                t++;
                                continue;
                        }
                        if (*g == '\0' && t == end)
                                return true;
                }
                if (!glob_retry(&st, &g, &t, end, mode))
                        return false;
        }
}

size_t glob_least_bytes(const char *glob) {
        size_t n = 0;

        for (const char *g = glob; *g;) {
                const char *end = *g == '[' ? set_end(g) : NULL;
                n += *g != '*';
                g += is_escape(g) ? 2 : end ? end - g : 1;
        }
        return n;
}

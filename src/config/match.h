/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Patterns of policies and rules.
 *
 * Globs match the whole text: * any bytes, ? one byte, [a-z] and [!a-z] one of a set, a backslash
 * before * ? [ ] or a backslash takes that literally (before anything else, as in the \x2d of unit names,
 * it is an ordinary byte). In paths (GLOB_PATH) * ? and sets do not match a slash, and two stars stand for
 * whole components: alone for everything, at the end for all that is below, else for none, one or more.
 *
 * A pattern that begins with ~ is an extended regular expression, searched for anywhere in the text.
 */

#include "base/macros.h"
#include "model/policy.h"

typedef enum GlobMode {
        GLOB_TEXT,
        GLOB_PATH,
} GlobMode;

typedef struct PatternError {
        size_t offset;
        char text[200];
} PatternError;

/* 0; -EINVAL with @error filled. */
int glob_check(const char *glob, GlobMode mode, PatternError *error);
/* @glob must have passed glob_check(). No allocation, no recursion. */
bool glob_match(const char *glob, const char *text, size_t n, GlobMode mode);
/* The least number of bytes that a text must have to match. */
size_t glob_least_bytes(const char *glob);

int pattern_new(const char *text, GlobMode mode, Pattern **ret, PatternError *error);
int pattern_new_uids(const char *text, Pattern **ret, PatternError *error); /* "1000" or "1000-1999" */
int pattern_new_user(const char *text, Pattern **ret, PatternError *error); /* name or number, looked up now */
Pattern *pattern_free(Pattern *p);
DEFINE_TRIVIAL_CLEANUP(Pattern, pattern_free)

/* A Pattern is a list of which any may match; matching takes the whole list, the others the one given. */
void pattern_append(Pattern **list, Pattern *take);
const Pattern *pattern_next(const Pattern *p);
const char *pattern_text(const Pattern *p); /* as it was written */
bool pattern_is_regex(const Pattern *p);
bool pattern_is_user(const Pattern *p);       /* from User=, not Uid= */
bool pattern_is_unresolved(const Pattern *p); /* User= that does not exist: matches nobody */

/* An empty text is one that could not be read: it matches no pattern. */
bool pattern_match(const Pattern *p, const char *text, size_t n);
bool pattern_match_uid(const Pattern *p, uint32_t uid);
/* The cgroup or one of those around it. */
bool pattern_match_within(const Pattern *p, const char *path);

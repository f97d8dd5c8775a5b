/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the formats that are imported have in common: JSON, in files of up to hundreds of megabytes, which as a tree in
 * memory would be gigabytes. The frame is walked by hand and only one series or sample at a time is a tree.
 */

#include <jansson.h>

#include "ctl/import.h"

typedef struct ImportJson {
        const char *path, *text; /* borrowed; @path is for messages */
        size_t n, at;            /* where it is read */
        Import *import;
        uint64_t n_other, n_rounded; /* for the format's own counting */
} ImportJson;

/* Reads the value of @key, or one element of an array, at the cursor. */
typedef int (*ImportJsonKey)(ImportJson *j, const char *key);
typedef int (*ImportJsonItem)(ImportJson *j);
/* Takes a whole value, which began at @at. */
typedef int (*ImportJsonTake)(ImportJson *j, size_t at, const json_t *value);

/* Says what is wrong where. -EBADMSG. */
int import_json_fail(const ImportJson *j, size_t offset, const char *what);
/* Behind the blanks; false at the end of the text. */
bool import_json_skip_blanks(ImportJson *j);
/* One whole value of any kind, as a tree that the caller gives back. NULL: said what is wrong. */
json_t *import_json_value(ImportJson *j);
/* One whole value into @take, which does not keep it. */
int import_json_take(ImportJson *j, ImportJsonTake take);
/* One value that must be this string; @otherwise is said. */
int import_json_expect(ImportJson *j, const char *expected, const char *otherwise);
/* One value, whatever it is. */
int import_json_skip(ImportJson *j);
/* { "key": value, ... }; @expected is said where there is none. */
int import_json_object(ImportJson *j, ImportJsonKey handle, const char *expected);
/* [ value, ... ] */
int import_json_array(ImportJson *j, ImportJsonItem handle, const char *expected);
/* One or several values, one behind the other, and nothing else. @expected is said of an empty file. */
int import_json_all(ImportJson *j, ImportJsonItem handle, const char *expected);

/* A number of any kind as a point's value. One that is none of ours (NaN, negative, from 2^63 on) is IMPORT_ABSENT. */
uint64_t import_json_round(double v);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Aligned columns for people. */

#include <stdio.h>

#include "base/macros.h"

typedef enum Color {
        COLOR_NONE,
        COLOR_BOLD,
        COLOR_GREEN,
        COLOR_YELLOW,
        COLOR_RED,
        _COLOR_MAX,
} Color;

#define TABLE_COLUMNS_MAX 12

typedef struct Table Table;

/* @headings: up to TABLE_COLUMNS_MAX, ends with NULL; one that begins with '>' is aligned to the right. NULL: out of memory. */
Table *table_new(const char *const *headings);
Table *table_free(Table *t);
DEFINE_TRIVIAL_CLEANUP(Table, table_free)

/* The next cell, row by row; the text is copied. Memory that runs out shows as a missing cell. */
void table_add(Table *t, Color color, const char *text);
void table_addf(Table *t, Color color, const char *format, ...) _printf_(3, 4);
void table_print(const Table *t, FILE *f, bool color);

const char *color_begin(Color c, bool enabled);
const char *color_end(Color c, bool enabled);

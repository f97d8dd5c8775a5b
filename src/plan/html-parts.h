/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Pieces of the page; private to html*.c. All of them print what they find: a section without data prints why. */

#include <jansson.h>
#include <stdio.h>

#include "base/macros.h"

/* ---- text: everything that is not ours goes through html_text() ---- */
void html_text(FILE *f, const char *s);
void html_bytes(FILE *f, uint64_t bytes);
/* Of RAM: not rounded to tenths of a GiB, where neighbours would look the same. */
void html_ram_size(FILE *f, uint64_t bytes);
void html_usec(FILE *f, uint64_t usec);
void html_share(FILE *f, uint64_t permyriad);
/* 2026-11-25 10:14 */
void html_time(FILE *f, uint64_t real_usec);
/* "-" where it is null or missing */
void html_json(FILE *f, const json_t *o, const char *key);
void html_json_bytes(FILE *f, const json_t *o, const char *key);
/* A number of the document (document.h), with a word for how far it may be trusted unless it was measured. */
void html_number(FILE *f, const json_t *number);
/* measured, replayed, estimated, modelled, low; as a word in a box */
void html_source(FILE *f, const char *source);
uint64_t html_u64(const json_t *o, const char *key, uint64_t otherwise);
/* The value of a number object. */
uint64_t html_value(const json_t *number, const char *key, uint64_t otherwise);
const char *html_string(const json_t *o, const char *key);

/* ---- plots: x and y as shares of the frame, 0 to 1000 ---- */
typedef struct Axes {
        double x_min, x_max, y_max;
} Axes;
int html_x(const Axes *a, double x);
int html_y(const Axes *a, double y);
/* Opens the frame with the y axis in bytes (or, @is_count, in plain numbers) and its grid. */
void html_plot_begin(FILE *f, const Axes *a, const char *label, bool is_count);
/* Ends the drawing: what follows are marks on it. */
void html_plot_marks(FILE *f);
void html_plot_end_time(FILE *f, const Axes *a, uint64_t first_real_usec);
void html_plot_end_bytes(FILE *f, const Axes *a);
void html_legend(FILE *f, const char *css_class, const char *text);

/* ---- sections ---- */
extern const char html_style[];
void html_summary(FILE *f, const json_t *doc);
void html_stack(FILE *f, const json_t *doc);
void html_headroom(FILE *f, const json_t *doc);
void html_ram(FILE *f, const json_t *doc);
void html_cgroups(FILE *f, const json_t *doc);
void html_events(FILE *f, const json_t *doc);
void html_density(FILE *f, const json_t *doc);
void html_forecast(FILE *f, const json_t *doc);
void html_commit(FILE *f, const json_t *doc);
void html_advice(FILE *f, const json_t *doc);
void html_fleet(FILE *f, const json_t *doc);

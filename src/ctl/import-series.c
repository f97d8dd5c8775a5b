/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Holding what was read until all is. A monitoring system gives one series after the other: these are added whole. A
 * program that records gives one sample after the other: its series grow a point at a time, and are found by a hash.
 */

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ctl/import.h"

#define SLOTS_MIN 1024u

/* Room for one series more. */
static int series_reserve(Import *x) {
        if (x->n >= IMPORT_SERIES_MAX)
                return -E2BIG;
        if (x->n < x->n_max)
                return 0;
        uint32_t n_max = MAX(x->n_max * 2, 256u);
        ImportSeries *series = realloc(x->series, n_max * sizeof(*series));
        if (!series)
                return -ENOMEM;
        x->series = series;
        x->n_max = n_max;
        return 0;
}

int import_add(Import *x, char *path, unsigned field, ImportPoint *points, size_t n) {
        int r = x->n_points + n > IMPORT_POINTS_MAX ? -E2BIG : series_reserve(x);

        if (r < 0) {
                free(path);
                free(points);
                return r;
        }
        x->series[x->n++] = (ImportSeries){ .path = path, .field = field, .points = points, .n = n, .n_max = n };
        x->n_points += n;
        return 0;
}

/* ---- one point at a time ---- */

static uint64_t slot_hash(const char *path, unsigned field) {
        return text_hash(text_hash(TEXT_HASH_INIT, &field, sizeof(field)), path ? path : "", path ? strlen(path) : 0);
}

static bool is_of(const ImportSeries *s, const char *path, unsigned field) {
        return s->field == field && (path ? s->path && strcmp(s->path, path) == 0 : !s->path);
}

/* Where it is, or where it would be. The table has room: slots_reserve(). */
static uint32_t slot_find(const Import *x, const char *path, unsigned field) {
        uint32_t i = (uint32_t)slot_hash(path, field) & (x->n_slots - 1);

        while (x->slots[i] && !is_of(&x->series[x->slots[i] - 1], path, field))
                i = (i + 1) & (x->n_slots - 1);
        return i;
}

/* No more than half of them are taken. */
static int slots_reserve(Import *x) {
        if (x->n < x->n_slots / 2)
                return 0;
        uint32_t n_slots = MAX(x->n_slots * 2, SLOTS_MIN);
        uint32_t *slots = calloc(n_slots, sizeof(*slots));
        if (!slots)
                return -ENOMEM;
        free(x->slots);
        x->slots = slots;
        x->n_slots = n_slots;
        for (uint32_t i = 0; i < x->n; i++)
                slots[slot_find(x, x->series[i].path, x->series[i].field)] = i + 1;
        return 0;
}

static int points_reserve(ImportSeries *s) {
        if (s->n < s->n_max)
                return 0;
        size_t n_max = MAX(s->n_max + s->n_max / 2, (size_t)16);
        ImportPoint *points = realloc(s->points, n_max * sizeof(*points));
        if (!points)
                return -ENOMEM;
        s->points = points;
        s->n_max = n_max;
        return 0;
}

int import_put(Import *x, const char *path, unsigned field, ImportKind kind, uint64_t real_usec, uint64_t value) {
        int r = slots_reserve(x);
        if (r < 0)
                return r;
        uint32_t slot = slot_find(x, path, field);
        if (!x->slots[slot]) {
                char *copy = path ? strdup(path) : NULL;
                if (path && !copy)
                        return -ENOMEM;
                r = import_add(x, copy, field, NULL, 0);
                if (r < 0)
                        return r;
                x->series[x->n - 1].kind = kind;
                x->slots[slot] = x->n;
        }
        ImportSeries *s = &x->series[x->slots[slot] - 1];
        r = x->n_points >= IMPORT_POINTS_MAX ? -E2BIG : points_reserve(s);
        if (r < 0)
                return r;
        s->points[s->n++] = (ImportPoint){ .real_usec = real_usec, .value = value };
        x->n_points++;
        return 0;
}

bool import_is_host(Import *x, const char *host) {
        if (!x->host[0])
                (void)snprintf(x->host, sizeof(x->host), "%s", host);
        return strncmp(x->host, host, sizeof(x->host) - 1) == 0;
}

void import_done(Import *x) {
        for (uint32_t i = 0; i < x->n; i++) {
                free(x->series[i].path);
                free(x->series[i].points);
        }
        free(x->series);
        free(x->slots);
        free(x->paths);
        free(x->parents);
        free(x->is_inner);
        free(x->cgroups);
        free(x->working_sets);
        free(x->has_working_set);
        free(x->emitted);
        *x = (Import){ 0 };
}

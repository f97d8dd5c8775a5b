/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Holding what was read until all is. */

#include <stdio.h>
#include <string.h>

#include "ctl/import.h"

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
        x->series[x->n++] = (ImportSeries){ .path = path, .field = field, .points = points, .n = n };
        x->n_points += n;
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
        free(x->paths);
        free(x->parents);
        free(x->is_inner);
        free(x->cgroups);
        free(x->working_sets);
        free(x->has_working_set);
        free(x->emitted);
        *x = (Import){ 0 };
}

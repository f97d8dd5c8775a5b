/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What is accepted becomes samples in the order of time whose cgroups form a tree, and counters do not fall. */

#include <stdio.h>
#include <string.h>

#include "ctl/import.h"
#include "input.h"

static inline void import_check_series(const Import *x, const ImportSeries *s) {
        uint64_t last = 0;

        REQUIRE(s->path ? s->field <= IMPORT_WORKING_SET : s->field < _HOST_FIELD_MAX);
        REQUIRE(s->path ? s->cgroup < x->n_paths && strcmp(x->paths[s->cgroup], s->path) == 0 : s->cgroup == INDEX_NONE);
        for (size_t k = 0; k < s->n; k++) {
                REQUIRE(k == 0 || s->points[k - 1].real_usec < s->points[k].real_usec);
                if (s->kind == IMPORT_LEVEL || s->points[k].value == IMPORT_ABSENT)
                        continue;
                REQUIRE(s->points[k].value >= last);
                last = s->points[k].value;
        }
}

static inline int import_check(ImportText read, const uint8_t *data, size_t size) {
        Import x = { 0 };
        uint64_t n_points = 0;

        if (read("input", (const char *)data, size, &x) >= 0 && import_finish(&x) >= 0) {
                for (uint32_t i = 0; i < x.n; i++) {
                        import_check_series(&x, &x.series[i]);
                        n_points += x.series[i].n;
                }
                REQUIRE(n_points <= x.n_points && x.step_usec > 0);
                for (uint32_t i = 0; i < x.n_paths; i++)
                        REQUIRE(x.parents[i] == INDEX_NONE || x.parents[i] < i);
        }
        import_done(&x);
        return 0;
}

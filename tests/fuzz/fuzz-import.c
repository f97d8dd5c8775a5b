/* SPDX-License-Identifier: GPL-2.0-or-later */

/* An answer of Prometheus. What is accepted becomes samples in the order of time whose cgroups form a tree. */

#include <stdio.h>
#include <string.h>

#include "ctl/import.h"
#include "input.h"

static void check(const Import *x) {
        uint64_t n_points = 0;

        for (uint32_t i = 0; i < x->n; i++) {
                const ImportSeries *s = &x->series[i];
                REQUIRE(s->path ? s->field <= IMPORT_WORKING_SET : s->field < _HOST_FIELD_MAX);
                for (size_t k = 1; k < s->n; k++)
                        REQUIRE(s->points[k - 1].real_usec < s->points[k].real_usec);
                n_points += s->n;
                REQUIRE(s->path ? s->cgroup < x->n_paths && strcmp(x->paths[s->cgroup], s->path) == 0
                                : s->cgroup == INDEX_NONE);
        }
        REQUIRE(n_points <= x->n_points && x->step_usec > 0);
        for (uint32_t i = 0; i < x->n_paths; i++)
                REQUIRE(x->parents[i] == INDEX_NONE || x->parents[i] < i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static bool is_quiet;
        Import x = { 0 };

        if (!is_quiet)
                is_quiet = freopen("/dev/null", "w", stderr) != NULL;
        int r = import_prometheus_text("input", (const char *)data, size, &x);
        if (r >= 0 && import_finish(&x) >= 0)
                check(&x);
        import_done(&x);
        return 0;
}

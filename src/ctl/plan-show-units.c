/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Tables of a plan about cgroups: working sets, density, limits for units. */

#include <inttypes.h>
#include <string.h>

#include "ctl/plan-cell.h"
#include "ctl/plan.h"
#include "ctl/show.h"
#include "plan/estimate.h"

#define ROWS 20

void plan_show_cgroups(const Invocation *i, const json_t *doc) {
        static const char *const headings[] = { "CGROUP",   ">CUR-INACTIVE P95", ">MAX",     ">ACTIVE P95", ">MAX",      ">PEAK P99",
                                                ">FLOOR MAX", ">VPA TARGET",     ">STALLED", ">OOM KILLS",  ">CREATED", NULL };
        const json_t *list = json_object_get(json_object_get(doc, "cgroups"), "list"), *c;
        _cleanup_(table_freep) Table *t = table_new(headings);
        char buf[32];
        size_t n;

        if (!t || json_array_size(list) == 0)
                return;
        plan_title(i, "Working sets by estimator (measured; VPA's is estimated; psi-probed: not in this trace)");
        json_array_foreach(list, n, c) {
                const json_t *all = json_object_get(c, "estimators");
                const json_t *not_inactive = json_object_get(all, estimator_to_string(ESTIMATE_NOT_INACTIVE));
                const json_t *active = json_object_get(all, estimator_to_string(ESTIMATE_ACTIVE));
                if (n == ROWS)
                        break;
                table_add(t, COLOR_NONE, show_string(c, "path"));
                plan_cell(t, not_inactive, "p95");
                plan_cell(t, not_inactive, "max");
                plan_cell(t, active, "p95");
                plan_cell(t, active, "max");
                plan_cell(t, json_object_get(all, estimator_to_string(ESTIMATE_PEAK)), "p99");
                plan_cell(t, json_object_get(all, estimator_to_string(ESTIMATE_FLOOR)), "max");
                plan_cell(t, json_object_get(c, "vpa"), "target");
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), c, "stall_full_usec", units_append_usec));
                table_addf(t, COLOR_NONE, "%" PRId64, show_int(c, "oom_kills", 0));
                table_addf(t, COLOR_NONE, "%" PRId64, show_int(c, "created", 0));
        }
        table_print(t, i->out, i->color);
        if (json_array_size(list) > ROWS)
                (void)fprintf(i->out, "the greatest %d of %" PRId64 "\n", ROWS, show_int(json_object_get(doc, "cgroups"), "n", 0));
}

static void show_break(const Invocation *i, const json_t *d) {
        const json_t *b = json_object_get(d, "first_break"), *e = json_array_get(json_object_get(b, "events"), 0);
        char time[40];

        if (!json_is_object(b))
                return;
        (void)fprintf(i->out, "%s: with %" PRId64 " more, simulated in closed loop: ", show_string(d, "pattern"), show_int(b, "more_copies", 0));
        if (json_is_object(e))
                (void)fprintf(i->out, "breaks first at %s: %s of %s", show_time(time, sizeof(time), e, "real_usec"), show_string(e, "kind"),
                              show_string(e, "comm"));
        else
                (void)fprintf(i->out, "%s", json_is_true(json_object_get(b, "is_safe")) ? "still safe" : "breaks by stalls");
        (void)fprintf(i->out, " (%s)\n", show_string(b, "source"));
}

void plan_show_density(const Invocation *i, const json_t *doc) {
        static const char *const headings[] = { "CGROUP",   ">COPIES", ">PEAK",     ">CORRELATION", ">SUM OF PEAKS", "", ">2 SIGMA", ">3 SIGMA",
                                                ">5 SIGMA", ">AS RECORDED", "", "LIMITED BY", NULL };
        const json_t *list = json_object_get(doc, "density"), *d;
        _cleanup_(table_freep) Table *t = table_new(headings);
        size_t n;

        if (!t || json_array_size(list) == 0)
                return;
        plan_title(i, "Density: how many more copies fit (counterfactual; each with its confidence)");
        json_array_foreach(list, n, d) {
                bool has = json_is_true(json_object_get(d, "has_copy"));
                table_add(t, COLOR_NONE, show_string(d, "pattern"));
                table_addf(t, COLOR_NONE, "%" PRId64, show_int(d, "copies", 0));
                plan_cell(t, d, "copy_peak");
                if (has)
                        table_addf(t, COLOR_NONE, "%.2f%s", (double)show_int(d, "correlation_permyriad", 10000) / 10000,
                                   json_is_true(json_object_get(d, "is_correlation_estimated")) ? "" : " assumed");
                else
                        table_add(t, COLOR_NONE, "-");
                plan_cell(t, d, "conservative");
                plan_cell_source(t, json_object_get(d, "conservative"));
                plan_cell(t, d, "sigma2");
                plan_cell(t, d, "sigma3");
                plan_cell(t, d, "sigma5");
                plan_cell(t, d, "as_recorded");
                plan_cell_source(t, json_object_get(d, "as_recorded")); /* that of the sigmas as well */
                table_add(t, COLOR_NONE, has ? show_string(d, "limited_by") : "no such cgroup with memory.stat");
        }
        table_print(t, i->out, i->color);
        json_array_foreach(list, n, d) {
                show_break(i, d);
        }
}

void plan_show_advice(const Invocation *i, const json_t *doc) {
        static const char *const headings[] = { "UNIT",          ">MEMORYLOW", ">MEMORYHIGH", ">MEMORYMAX", ">FLOOR PEAK",
                                                ">COMFORTABLE", ">NEEDED",    "CONFIDENCE",  NULL };
        static const char *const keys[] = { "memory_low", "memory_high", "memory_max", "floor_peak", "comfortable", "needed" };
        const json_t *units = json_object_get(json_object_get(doc, "advice"), "units"), *u;
        _cleanup_(table_freep) Table *t = table_new(headings);
        size_t n;

        if (!t || json_array_size(units) == 0)
                return;
        plan_title(i, "Limits for units (counterfactual; --write-dropins=DIR writes them)");
        json_array_foreach(units, n, u) {
                if (n == ROWS)
                        break;
                table_add(t, COLOR_NONE, show_string(u, "unit"));
                for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
                        plan_cell(t, u, keys[k]);
                plan_cell_source(t, json_object_get(u, "memory_low"));
        }
        table_print(t, i->out, i->color);
        if (json_array_size(units) > ROWS)
                (void)fprintf(i->out, "the first %d of %zu\n", ROWS, json_array_size(units));
}

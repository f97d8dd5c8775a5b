/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The sum of many hosts as tables. */

#include <inttypes.h>
#include <string.h>

#include "ctl/plan-cell.h"
#include "ctl/plan.h"
#include "ctl/show.h"

#define RISKS_SHOWN 40

static void show_hosts(const Invocation *i, const json_t *doc) {
        const json_t *h = json_object_get(doc, "hosts"), *ram = json_object_get(doc, "ram");
        char span[32], recorded[32], safe[32], advised[32];

        (void)fprintf(i->out, "%" PRId64 " hosts, %s observed in all, %" PRId64 " samples\n", show_int(h, "n", 0),
                      show_value(span, sizeof(span), h, "observed_usec", units_append_usec), show_int(h, "samples", 0));
        (void)fprintf(i->out, "%" PRId64 " at risk; %" PRId64 " with kills in their record (%" PRId64 " kills, %" PRId64 " by the kernel); %" PRId64
                              " running out at the end; %" PRId64 " never saw pressure\n",
                      show_int(h, "at_risk", 0), show_int(h, "with_kills", 0), show_int(h, "kills", 0), show_int(h, "kernel_kills", 0),
                      show_int(h, "exhausting", 0), show_int(h, "uncalibrated", 0));
        (void)fprintf(i->out, "RAM: %s as recorded; smallest safe %s, with margin %s (counterfactual, %s; %" PRId64 " of %" PRId64
                              " hosts simulated, %" PRId64 " without a safe size)\n",
                      show_value(recorded, sizeof(recorded), ram, "recorded_sum_bytes", units_append_bytes),
                      show_value(safe, sizeof(safe), ram, "safe_sum_bytes", units_append_bytes),
                      show_value(advised, sizeof(advised), ram, "advised_sum_bytes", units_append_bytes), show_string(ram, "source"),
                      show_int(h, "simulated", 0), show_int(h, "n", 0), show_int(h, "without_safe_size", 0));
}

static void distribution(Table *t, const char *name, const json_t *d, const char *source) {
        static const char *const keys[] = { "min_bytes", "p5_bytes", "p50_bytes", "p95_bytes", "p99_bytes", "max_bytes" };
        char buf[32];

        table_add(t, COLOR_NONE, name);
        for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), d, keys[k], units_append_bytes));
        table_add(t, COLOR_NONE, source);
}

static void show_distributions(const Invocation *i, const json_t *doc) {
        static const char *const headings[] = { "OVER HOSTS", ">LEAST", ">P5", ">MEDIAN", ">P95", ">P99", ">MOST", "SOURCE", NULL };
        const json_t *ram = json_object_get(doc, "ram");
        _cleanup_(table_freep) Table *t = table_new(headings);

        if (!t)
                return;
        (void)fputc('\n', i->out);
        distribution(t, "smallest safe RAM", json_object_get(ram, "safe"), show_string(ram, "source"));
        distribution(t, "with margin", json_object_get(ram, "advised"), show_string(ram, "source"));
        distribution(t, "least headroom", json_object_get(doc, "headroom_min"), "measured");
        distribution(t, "headroom, all time", json_object_get(doc, "headroom"), "measured");
        distribution(t, "peak demand", json_object_get(doc, "demand_peak"), "measured");
        table_print(t, i->out, i->color);
}

static void show_density(const Invocation *i, const json_t *doc) {
        static const char *const headings[] = { "CGROUP", ">HOSTS", ">SUM OF PEAKS", "", ">3 SIGMA", ">AS RECORDED", "", NULL };
        const json_t *list = json_object_get(doc, "density"), *d;
        _cleanup_(table_freep) Table *t = table_new(headings);
        size_t n;

        if (!t || json_array_size(list) == 0)
                return;
        plan_title(i, "More copies that fit, over all hosts");
        json_array_foreach(list, n, d) {
                table_add(t, COLOR_NONE, show_string(d, "pattern"));
                table_addf(t, COLOR_NONE, "%" PRId64, show_int(d, "hosts", 0));
                plan_cell(t, d, "conservative");
                plan_cell_source(t, json_object_get(d, "conservative"));
                plan_cell(t, d, "sigma3");
                plan_cell(t, d, "as_recorded");
                plan_cell_source(t, json_object_get(d, "as_recorded")); /* that of the sigmas as well */
        }
        table_print(t, i->out, i->color);
}

static void show_risks(const Invocation *i, const json_t *doc) {
        static const char *const headings[] = { "HOST", "WHY", ">RAM", ">SMALLEST SAFE", ">LEAST HEADROOM", ">KILLS", ">BY KERNEL", NULL };
        const json_t *list = json_object_get(doc, "at_risk"), *r, *w;
        _cleanup_(table_freep) Table *t = table_new(headings);
        char buf[128];
        size_t n, k;

        if (!t || json_array_size(list) == 0)
                return;
        plan_title(i, "Hosts at risk, the gravest first");
        json_array_foreach(list, n, r) {
                TextBuf b = TEXT_BUF(buf);
                if (n == RISKS_SHOWN)
                        break;
                table_add(t, COLOR_NONE, show_string(r, "host"));
                text_append(&b, "");
                json_array_foreach(json_object_get(r, "why"), k, w) {
                        text_append(&b, k > 0 ? "," : "");
                        text_append(&b, json_string_value(w) ? json_string_value(w) : "");
                }
                table_add(t, COLOR_YELLOW, buf);
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), r, "recorded_bytes", units_append_bytes));
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), r, "safe_bytes", units_append_bytes));
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), r, "headroom_min_bytes", units_append_bytes));
                table_addf(t, COLOR_NONE, "%" PRId64, show_int(r, "kills", 0));
                table_addf(t, COLOR_NONE, "%" PRId64, show_int(r, "kernel_kills", 0));
        }
        table_print(t, i->out, i->color);
        if (show_int(json_object_get(doc, "hosts"), "at_risk", 0) > RISKS_SHOWN)
                (void)fprintf(i->out, "the first %d of %" PRId64 "\n", RISKS_SHOWN, show_int(json_object_get(doc, "hosts"), "at_risk", 0));
}

void plan_show_fleet(const Invocation *i, const json_t *doc) {
        const json_t *note;
        size_t n;

        show_hosts(i, doc);
        show_distributions(i, doc);
        show_density(i, doc);
        show_risks(i, doc);
        plan_title(i, "Notes");
        json_array_foreach(json_object_get(doc, "notes"), n, note) {
                (void)fprintf(i->out, "- %s\n", json_string_value(note) ? json_string_value(note) : "");
        }
}

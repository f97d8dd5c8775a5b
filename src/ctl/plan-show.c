/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The plan of one host as tables. Everything counterfactual has its confidence in its row. */

#include <inttypes.h>
#include <string.h>

#include "ctl/plan-cell.h"
#include "ctl/plan.h"
#include "ctl/show.h"

#define EVENTS_SHOWN 20

static Color source_color(const char *source) {
        return strcmp(source, "low") == 0 ? COLOR_YELLOW : COLOR_NONE;
}

void plan_cell_source(Table *t, const json_t *number) {
        const char *source = show_string(number, "source");
        table_add(t, source_color(source), source);
}

void plan_cell(Table *t, const json_t *o, const char *key) {
        const json_t *number = json_object_get(o, key);
        char buf[48];

        if (json_is_integer(json_object_get(number, "bytes")))
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), number, "bytes", units_append_bytes));
        else if (json_is_integer(json_object_get(number, "usec")))
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), number, "usec", units_append_usec));
        else if (json_is_integer(json_object_get(number, "permyriad")))
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), number, "permyriad", units_append_share));
        else if (json_is_integer(json_object_get(number, "n")))
                table_addf(t, COLOR_NONE, "%" PRId64, show_int(number, "n", 0));
        else
                table_add(t, COLOR_NONE, "-");
}

/* Whole MiB: in tenths of a GiB neighbours would look the same. */
static void append_ram(TextBuf *b, uint64_t bytes) {
        if (bytes % (UINT64_C(1) << 30) == 0 || bytes > UINT64_C(100) << 30)
                units_append_bytes(b, bytes);
        else
                text_appendf(b, "%" PRIu64 "M", bytes >> 20);
}

void plan_title(const Invocation *i, const char *title) {
        (void)fprintf(i->out, "\n%s%s%s\n", color_begin(COLOR_BOLD, i->color), title, color_end(COLOR_BOLD, i->color));
}

static void show_head(const Invocation *i, const json_t *doc) {
        const json_t *host = json_object_get(doc, "host"), *span = json_object_get(doc, "span"), *trace = json_object_get(doc, "trace");
        const json_t *policy = json_object_get(doc, "policy"), *h;
        char ram[32], swap[32], observed[32], from[40], to[40];
        size_t n;

        (void)fprintf(i->out, "%s: Linux %s, %s RAM, %s swap, page size %" PRId64 "\n", show_string(trace, "path"), show_string(host, "kernel"),
                      show_value(ram, sizeof(ram), host, "mem_total_bytes", units_append_bytes),
                      show_value(swap, sizeof(swap), host, "swap_total_bytes", units_append_bytes), show_int(host, "page_size", 0));
        (void)fprintf(i->out, "%s observed from %s to %s, %" PRId64 " samples, %" PRId64 " gaps\n",
                      show_value(observed, sizeof(observed), span, "observed_usec", units_append_usec),
                      show_time(from, sizeof(from), span, "first_real_usec"), show_time(to, sizeof(to), span, "last_real_usec"),
                      show_int(span, "samples", 0), show_int(span, "n_gaps", 0));
        (void)fprintf(i->out, "trace %s, policy", show_string(trace, "hash"));
        json_array_foreach(json_object_get(policy, "recorded_hashes"), n, h) {
                (void)fprintf(i->out, " %s", json_string_value(h) ? json_string_value(h) : "-");
        }
        if (n == 0)
                (void)fprintf(i->out, " none recorded");
        if (json_is_string(json_object_get(policy, "asked_hash")))
                (void)fprintf(i->out, ", asked for %s", show_string(policy, "asked_hash"));
        (void)fputc('\n', i->out);
}

static void show_headroom(const Invocation *i, const json_t *doc) {
        static const char *const headings[] = { "",      ">LEAST", ">P1",        ">P5", ">MEDIAN", ">P95",
                                                "SOURCE", NULL };
        static const char *const keys[] = { "min", "p1", "p5", "p50", "p95" };
        const json_t *answers = json_object_get(doc, "answers");
        const json_t *rows[] = { json_object_get(doc, "headroom"),
                                 json_object_get(json_object_get(answers, "asked"), "headroom") };
        static const char *const names[] = { "as recorded", "with the options" };
        _cleanup_(table_freep) Table *t = table_new(headings);

        if (!t)
                return;
        plan_title(i, "Headroom: MemAvailable + usable swap - unused protected minimums");
        for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
                if (!json_is_object(rows[r]))
                        continue;
                table_add(t, COLOR_NONE, names[r]);
                for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
                        plan_cell(t, rows[r], keys[k]);
                plan_cell_source(t, json_object_get(rows[r], "min"));
        }
        table_print(t, i->out, i->color);
}

static void show_safe(const Invocation *i, const json_t *safe) {
        char bytes[32], low[32], advised[32], margin[32];

        if (!json_is_object(safe)) {
                (void)fprintf(i->out, "smallest safe RAM: none of the sizes tried\n");
                return;
        }
        (void)fprintf(i->out, "smallest safe RAM: %s%s%s", color_begin(COLOR_BOLD, i->color),
                      show_value(bytes, sizeof(bytes), safe, "bytes", append_ram), color_end(COLOR_BOLD, i->color));
        (void)fprintf(i->out, " (counterfactual, %s); with %s margin %s; ", show_string(safe, "source"),
                      show_value(margin, sizeof(margin), safe, "margin_permyriad", units_append_share),
                      show_value(advised, sizeof(advised), json_object_get(safe, "advised"), "bytes", append_ram));
        if (json_is_true(json_object_get(safe, "is_lower_bound_known")))
                (void)fprintf(i->out, "%s was not safe\n", show_value(low, sizeof(low), safe, "low_bytes", append_ram));
        else
                (void)fprintf(i->out, "nothing smaller was tried\n");
}

static void show_ram(const Invocation *i, const json_t *doc) {
        static const char *const headings[] = { ">RAM",         "VERDICT",  ">KILLS", ">BY KERNEL", ">STALLED",
                                                ">WORST MIN",   ">DEFICIT", ">HEADROOM", "CONFIDENCE", NULL };
        const json_t *ram = json_object_get(doc, "ram"), *p;
        _cleanup_(table_freep) Table *t = table_new(headings);
        char buf[32];
        size_t n;

        if (!t || json_array_size(json_object_get(ram, "curve")) == 0)
                return;
        plan_title(i, "Kills against RAM (counterfactual)");
        json_array_foreach(json_object_get(ram, "curve"), n, p) {
                bool is_safe = json_is_true(json_object_get(p, "is_safe"));
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), p, "ram_bytes", append_ram));
                table_add(t, is_safe ? COLOR_GREEN : COLOR_RED, is_safe ? "safe" : "not safe");
                plan_cell(t, p, "kills");
                plan_cell(t, p, "kernel_kills");
                plan_cell(t, p, "stall");
                plan_cell(t, p, "worst_stall");
                plan_cell(t, p, "deficit_peak");
                plan_cell(t, json_object_get(p, "headroom"), "min");
                table_addf(t, source_color(show_string(p, "source")), "%s%s", show_string(p, "source"),
                           json_is_true(json_object_get(p, "is_stall_calibrated")) ? "" : ", stalls not calibrated");
        }
        table_print(t, i->out, i->color);
        show_safe(i, json_object_get(ram, "safe"));
}

static void show_kills(const Invocation *i, const json_t *doc) {
        static const char *const headings[] = { "TIME", "WHAT", "WHOM", "CGROUP", "WHY", ">AVAILABLE", ">FREES", NULL };
        const json_t *kills = json_object_get(doc, "kills"), *events = json_object_get(kills, "events"), *k;
        _cleanup_(table_freep) Table *t = table_new(headings);
        char buf[40];
        size_t n;

        plan_title(i, "Kills in the record (measured)");
        if (!t || json_array_size(events) == 0) {
                (void)fprintf(i->out, "none\n");
                return;
        }
        json_array_foreach(events, n, k) {
                bool kernel = strcmp(show_string(k, "by"), "kernel") == 0;
                if (n == EVENTS_SHOWN)
                        break;
                table_add(t, COLOR_NONE, show_time(buf, sizeof(buf), k, "real_usec"));
                table_add(t, COLOR_RED, json_is_true(json_object_get(k, "is_cancelled")) ? "taken back"
                                        : kernel                                        ? "kernel OOM kill"
                                        : json_is_true(json_object_get(k, "is_dry_run")) ? "would kill"
                                                                                        : "killed");
                table_add(t, COLOR_NONE, show_string(k, "comm"));
                table_add(t, COLOR_NONE, show_string(k, "cgroup"));
                table_add(t, COLOR_NONE, show_string(k, "reason"));
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), k, "available_bytes", units_append_bytes));
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), k, "freeable_bytes", units_append_bytes));
        }
        table_print(t, i->out, i->color);
        if (json_array_size(events) > EVENTS_SHOWN)
                (void)fprintf(i->out, "the first %d of %zu\n", EVENTS_SHOWN, json_array_size(events));
}

static void regret_text(char *buf, size_t size, const json_t *regret) {
        TextBuf b = { .data = buf, .size = size };
        const json_t *r;
        size_t n;

        text_append(&b, "");
        json_array_foreach(regret, n, r) {
                text_append(&b, n > 0 ? "," : "");
                text_append(&b, json_string_value(r) ? json_string_value(r) : "");
        }
}

static void show_answer(const Invocation *i, const json_t *answer, const char *title) {
        static const char *const headings[] = { "TIME", "WHAT", "WHOM", "CGROUP", "WHY", ">FREES", "REGRET", "CONFIDENCE", NULL };
        const json_t *events = json_object_get(answer, "events"), *regret = json_object_get(answer, "regret"), *e;
        _cleanup_(table_freep) Table *t = table_new(headings);
        char buf[80];
        size_t n;

        if (!t || !json_is_object(answer))
                return;
        plan_title(i, title);
        json_array_foreach(events, n, e) {
                if (n == EVENTS_SHOWN)
                        break;
                table_add(t, COLOR_NONE, show_time(buf, sizeof(buf), e, "real_usec"));
                table_addf(t, COLOR_NONE, "%s%s%s", show_string(e, "kind"), strcmp(show_string(e, "kind"), "measure") == 0 ? " " : "",
                           strcmp(show_string(e, "kind"), "measure") == 0 ? show_string(e, "step") : "");
                table_add(t, COLOR_NONE, show_string(e, "comm"));
                table_add(t, COLOR_NONE, show_string(e, "cgroup"));
                table_add(t, COLOR_NONE, show_string(e, "reason"));
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), e, "freed_bytes", units_append_bytes));
                regret_text(buf, sizeof(buf), json_object_get(e, "regret"));
                table_add(t, COLOR_YELLOW, buf);
                plan_cell_source(t, e);
        }
        if (json_array_size(events) > 0)
                table_print(t, i->out, i->color);
        (void)fprintf(i->out, "%" PRId64 " kills, %" PRId64 " by the kernel; regret: %" PRId64 " unnecessary, %" PRId64 " late, %" PRId64
                              " missed, %" PRId64 " wrong victim (%s)\n",
                      show_int(json_object_get(answer, "kills"), "n", 0), show_int(json_object_get(answer, "kernel_kills"), "n", 0),
                      show_int(regret, "unnecessary", 0), show_int(regret, "late", 0), show_int(regret, "missed", 0),
                      show_int(regret, "wrong-victim", 0), show_string(answer, "source"));
}

static void show_forecast(const Invocation *i, const json_t *doc) {
        static const char *const headings[] = { ">WINDOW", "EXHAUSTED IN", "90% INTERVAL", ">TRIED", ">RIGHT", ">FALSE", ">MISSED",
                                                ">MEAN ERROR", "CONFIDENCE", NULL };
        const json_t *windows = json_object_get(json_object_get(doc, "forecast"), "windows"), *w;
        _cleanup_(table_freep) Table *t = table_new(headings);
        char buf[32], low[32], high[32];
        size_t n;

        if (!t)
                return;
        plan_title(i, "Time to exhaustion, and how such forecasts fared on this trace");
        json_array_foreach(windows, n, w) {
                const json_t *e = json_object_get(w, "exhaustion"), *test = json_object_get(w, "back_test");
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), w, "window_usec", units_append_usec));
                if (json_is_object(e)) {
                        table_add(t, COLOR_RED, show_value(buf, sizeof(buf), e, "usec", units_append_usec));
                        table_addf(t, COLOR_NONE, "%s to %s", show_value(low, sizeof(low), e, "low_usec", units_append_usec),
                                   show_value(high, sizeof(high), e, "high_usec", units_append_usec));
                } else {
                        table_add(t, COLOR_NONE, json_object_get(w, "slope_bytes_per_hour") ? "none" : "too short");
                        table_add(t, COLOR_NONE, "-");
                }
                table_addf(t, COLOR_NONE, "%" PRId64, show_int(test, "forecasts", 0));
                table_addf(t, COLOR_NONE, "%" PRId64, show_int(test, "hits", 0));
                table_addf(t, COLOR_NONE, "%" PRId64, show_int(test, "false_alarms", 0));
                table_addf(t, COLOR_NONE, "%" PRId64, show_int(test, "missed", 0));
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), test, "mean_abs_error_bytes", units_append_bytes));
                table_add(t, COLOR_NONE, json_is_object(e) ? show_string(e, "source") : "-");
        }
        table_print(t, i->out, i->color);
}

static void show_commit(const Invocation *i, const json_t *doc) {
        const json_t *c = json_object_get(doc, "commit");
        char peak[32], limit[32], needed[32];

        if (!json_is_object(c))
                return;
        plan_title(i, "Strict overcommit");
        (void)fprintf(i->out, "Committed_AS was %s at most (CommitLimit %s); it would have needed CommitLimit %s, vm.overcommit_ratio %" PRId64
                              " (%s)%s\n",
                      show_value(peak, sizeof(peak), json_object_get(c, "committed_peak"), "bytes", units_append_bytes),
                      show_value(limit, sizeof(limit), c, "recorded_limit_bytes", units_append_bytes),
                      show_value(needed, sizeof(needed), json_object_get(c, "needed_limit"), "bytes", units_append_bytes),
                      show_int(json_object_get(c, "needed_ratio"), "percent", 0), show_string(json_object_get(c, "needed_ratio"), "source"),
                      json_is_true(json_object_get(c, "is_more_than_memory")) ? ": more than the memory there is" : "");
}

static void show_notes(const Invocation *i, const json_t *doc) {
        const json_t *note;
        size_t n;

        plan_title(i, "Notes");
        json_array_foreach(json_object_get(doc, "notes"), n, note) {
                (void)fprintf(i->out, "- %s\n", json_string_value(note) ? json_string_value(note) : "");
        }
}

void plan_show(const Invocation *i, const json_t *doc) {
        const json_t *answers = json_object_get(doc, "answers");

        show_head(i, doc);
        show_headroom(i, doc);
        show_ram(i, doc);
        show_kills(i, doc);
        show_answer(i, json_object_get(answers, "recorded"), "Recomputed by the recorded policy");
        show_answer(i, json_object_get(answers, "asked"), "With the options asked for, on the recorded RAM (counterfactual)");
        plan_show_density(i, doc);
        plan_show_cgroups(i, doc);
        show_forecast(i, doc);
        show_commit(i, doc);
        plan_show_advice(i, doc);
        show_notes(i, doc);
}

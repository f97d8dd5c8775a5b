/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Sections that are tables only: events, density, forecast, commit, advice. */

#include <inttypes.h>
#include <string.h>

#include "plan/html-parts.h"

#define EVENTS       100
#define EVENTS_OPEN  10 /* the rest folds away */
#define UNITS  64

static void recorded_row(FILE *f, const json_t *k) {
        bool kernel = strcmp(html_string(k, "by"), "kernel") == 0;
        bool cancelled = json_is_true(json_object_get(k, "is_cancelled")), would = json_is_true(json_object_get(k, "is_dry_run"));

        (void)fputs("<tr><td class=\"n\">", f);
        html_time(f, html_u64(k, "real_usec", 0));
        (void)fprintf(f, "</td><td>%s</td><td class=\"path\">", cancelled ? "taken back" : kernel ? "kernel OOM kill" : would ? "would kill" : "killed");
        if (kernel)
                (void)fprintf(f, "%" PRIu64 ", not known whom", html_u64(k, "n", 1));
        else {
                html_text(f, html_string(k, "comm"));
                (void)fputs(" (pid ", f);
                html_json(f, k, "pid");
                (void)fputs(")<br><span class=\"mono soft\">", f);
                html_text(f, html_string(k, "cgroup"));
                (void)fputs("</span>", f);
        }
        (void)fputs("</td><td>", f);
        html_text(f, html_string(k, "reason"));
        (void)fputs("</td><td class=\"r\">", f);
        html_json_bytes(f, k, "available_bytes");
        (void)fputs("</td><td class=\"r\">", f);
        html_json_bytes(f, k, "freeable_bytes");
        (void)fputs("</td><td></td><td>", f);
        html_source(f, "measured");
        (void)fputs("</td></tr>", f);
}

static void event_row(FILE *f, const json_t *e) {
        const json_t *regret = json_object_get(e, "regret"), *r;
        size_t n;

        (void)fputs("<tr><td class=\"n\">", f);
        html_time(f, html_u64(e, "real_usec", 0));
        (void)fputs("</td><td>", f);
        html_text(f, html_string(e, "kind"));
        if (strcmp(html_string(e, "kind"), "measure") == 0) {
                (void)fputs(": ", f);
                html_text(f, html_string(e, "step"));
        }
        (void)fputs("</td><td class=\"path\">", f);
        html_text(f, html_string(e, "comm"));
        if (json_is_integer(json_object_get(e, "pid"))) {
                (void)fputs(" (pid ", f);
                html_json(f, e, "pid");
                (void)fputs(")", f);
        }
        (void)fprintf(f, "%s<span class=\"mono soft\">", html_string(e, "comm")[0] ? "<br>" : "");
        html_text(f, html_string(e, "cgroup"));
        (void)fputs("</span></td><td>", f);
        html_text(f, html_string(e, "reason"));
        (void)fputs("</td><td class=\"r\">", f);
        html_json_bytes(f, e, "available_bytes");
        (void)fputs("</td><td class=\"r\">", f);
        html_json_bytes(f, e, "freed_bytes");
        (void)fputs("</td><td class=\"warn\">", f);
        json_array_foreach(regret, n, r) {
                (void)fputs(n > 0 ? ", " : "", f);
                html_text(f, json_string_value(r) ? json_string_value(r) : "");
        }
        (void)fputs("</td><td>", f);
        html_source(f, html_string(e, "source"));
        (void)fputs("</td></tr>", f);
}

typedef void (*EventRow)(FILE *f, const json_t *e);

static void event_rows(FILE *f, const json_t *events, EventRow row, size_t from, size_t end) {
        (void)fputs("<div class=\"scroll\"><table><thead><tr><th>Time (UTC)</th><th>What</th><th>Whom</th><th>Why</th>"
                    "<th class=\"r\">Available</th><th class=\"r\">Frees</th><th>Regret</th><th>Source</th></tr></thead>", f);
        for (size_t i = from; i < MIN(end, json_array_size(events)); i++)
                row(f, json_array_get(events, i));
        (void)fputs("</table></div>", f);
}

static void event_table(FILE *f, const char *title, const json_t *events, EventRow row, const char *none) {
        (void)fprintf(f, "<h3>%s</h3>", title);
        if (json_array_size(events) == 0) {
                (void)fprintf(f, "<p class=\"soft\">%s</p>", none);
                return;
        }
        event_rows(f, events, row, 0, EVENTS_OPEN);
        size_t n = json_array_size(events);
        if (n > EVENTS_OPEN) {
                (void)fprintf(f, "<details><summary>%zu more%s</summary>", n - EVENTS_OPEN,
                              n > EVENTS ? ", of which the first are shown; -o json has the others" : "");
                event_rows(f, events, row, EVENTS_OPEN, EVENTS);
                (void)fputs("</details>", f);
        }
}

static void regret_line(FILE *f, const json_t *answer) {
        const json_t *regret = json_object_get(answer, "regret"), *v;
        const char *name;

        if (!json_is_object(regret))
                return;
        (void)fputs("<p>Regret: ", f);
        json_object_foreach((json_t *)(uintptr_t)regret, name, v) {
                (void)fprintf(f, "%s %" JSON_INTEGER_FORMAT " &#160; ", name, json_integer_value(v));
        }
        html_source(f, html_string(answer, "source"));
        (void)fputs("</p>", f);
}

void html_events(FILE *f, const json_t *doc) {
        const json_t *kills = json_object_get(doc, "kills"), *answers = json_object_get(doc, "answers");
        const json_t *recorded = json_object_get(answers, "recorded"), *asked = json_object_get(answers, "asked");

        (void)fputs("<section class=\"long\"><h2>Kills</h2>", f);
        event_table(f, "In the record", json_object_get(kills, "events"), recorded_row, "None: nothing was killed, nor would have been.");
        if (json_is_object(recorded)) {
                event_table(f, "Recomputed by the recorded policy", json_object_get(recorded, "events"), event_row,
                            "No kill and no measure.");
                regret_line(f, recorded);
        }
        if (json_is_object(asked)) {
                event_table(f, "With the options asked for, on the recorded RAM (counterfactual)", json_object_get(asked, "events"),
                            event_row, "No kill and no measure.");
                regret_line(f, asked);
        }
        (void)fputs("</section>", f);
}

static void first_break(FILE *f, const json_t *brk) {
        if (!json_is_object(brk))
                return;
        const json_t *first = json_array_get(json_object_get(brk, "events"), 0);
        (void)fputs("<p>With ", f);
        html_json(f, brk, "more_copies");
        (void)fputs(" more it breaks ", f);
        if (json_is_object(first)) {
                (void)fputs("first at ", f);
                html_time(f, html_u64(first, "real_usec", 0));
                (void)fputs(": ", f);
                html_text(f, html_string(first, "kind"));
                (void)fputs(" of ", f);
                html_text(f, html_string(first, "comm"));
                (void)fputs(" in ", f);
                html_text(f, html_string(first, "cgroup"));
        } else
                (void)fputs(json_is_true(json_object_get(brk, "is_safe")) ? "not in closed loop either: the formulas are the stricter ones"
                                                                          : "by stalls", f);
        (void)fputs(" ", f);
        html_source(f, html_string(brk, "source"));
        (void)fputs("</p>", f);
}

static void density_one(FILE *f, const json_t *d) {
        static const struct {
                const char *key, *label;
        } ways[] = {
                { "conservative", "sum of peaks, in RAM" },  { "sigma2", "mean + 2 sigma" },
                { "sigma3", "mean + 3 sigma" },              { "sigma4", "mean + 4 sigma" },
                { "sigma5", "mean + 5 sigma" },              { "as_recorded", "all as recorded, at the same time" },
                { "parent_fits", "memory.max of the parent" },
        };

        (void)fputs("<h3 class=\"mono\">", f);
        html_text(f, html_string(d, "pattern"));
        (void)fputs("</h3>", f);
        if (!json_is_true(json_object_get(d, "has_copy"))) {
                (void)fputs("<p class=\"soft\">No cgroup of that name with memory.stat in this trace.</p>", f);
                return;
        }
        (void)fputs("<p class=\"soft\">", f);
        html_json(f, d, "copies");
        (void)fputs(" copies in the trace; peak of one ", f);
        html_number(f, json_object_get(d, "copy_peak"));
        (void)fputs(", mean ", f);
        html_number(f, json_object_get(d, "copy_mean"));
        (void)fputs(", sigma ", f);
        html_number(f, json_object_get(d, "copy_sigma"));
        (void)fprintf(f, ", correlation %.2f %s; limited by ", (double)html_u64(d, "correlation_permyriad", 10000) / 10000,
                      json_is_true(json_object_get(d, "is_correlation_estimated")) ? "(from the trace)" : "(assumed: one copy only)");
        html_text(f, html_string(d, "limited_by"));
        (void)fputs(".</p><div class=\"scroll\"><table><thead><tr><th>How</th><th class=\"r\">more copies</th><th>confidence</th></tr></thead>", f);
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                const json_t *n = json_object_get(d, ways[i].key);
                if (!json_is_object(n))
                        continue;
                (void)fprintf(f, "<tr><td>%s</td><td class=\"r\">%" PRIu64 "</td><td>", ways[i].label, html_u64(n, "n", 0));
                html_source(f, html_string(n, "source"));
                (void)fputs("</td></tr>", f);
        }
        (void)fputs("</table></div>", f);
        first_break(f, json_object_get(d, "first_break"));
}

void html_density(FILE *f, const json_t *doc) {
        const json_t *all = json_object_get(doc, "density"), *d;
        size_t n;

        if (json_array_size(all) == 0)
                return;
        (void)fputs("<section><h2>Density</h2>", f);
        json_array_foreach(all, n, d) {
                density_one(f, d);
        }
        (void)fputs("</section>", f);
}

static void signed_bytes(FILE *f, json_int_t v) {
        (void)fputs(v < 0 ? "-" : "+", f);
        html_bytes(f, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static void forecast_row(FILE *f, const json_t *w) {
        const json_t *e = json_object_get(w, "exhaustion"), *t = json_object_get(w, "back_test");
        const json_t *slope = json_object_get(w, "slope_bytes_per_hour");

        (void)fputs("<tr><td class=\"n\">", f);
        html_usec(f, html_u64(w, "window_usec", 0));
        (void)fputs("</td><td class=\"r n\">", f);
        if (json_is_integer(slope)) {
                signed_bytes(f, json_integer_value(slope));
                (void)fputs("/h", f);
        } else
                (void)fputs("too short", f);
        (void)fputs("</td><td class=\"n\">", f);
        if (json_is_object(e)) {
                (void)fputs("in ", f);
                html_usec(f, html_u64(e, "usec", 0));
                (void)fputs(" (", f);
                html_usec(f, html_u64(e, "low_usec", 0));
                (void)fputs(" to ", f);
                html_usec(f, html_u64(e, "high_usec", 0));
                (void)fputs(")", f);
        } else
                (void)fputs("none", f);
        (void)fprintf(f, "</td><td class=\"r\">%" PRIu64 "</td><td class=\"r\">%" PRIu64 "</td><td class=\"r\">%" PRIu64
                         "</td><td class=\"r\">%" PRIu64 "</td><td class=\"r n\">",
                      html_u64(t, "forecasts", 0), html_u64(t, "hits", 0), html_u64(t, "false_alarms", 0), html_u64(t, "missed", 0));
        html_json_bytes(f, t, "mean_abs_error_bytes");
        (void)fputs("</td></tr>", f);
}

void html_forecast(FILE *f, const json_t *doc) {
        const json_t *forecast = json_object_get(doc, "forecast"), *w;
        size_t n;

        if (!json_is_object(forecast))
                return;
        (void)fputs("<section><h2>Time to exhaustion ", f);
        html_source(f, "modelled");
        (void)fputs("</h2><p class=\"soft\">Theil-Sen slope of the headroom at the end of the trace, 90 % interval by block bootstrap; none where "
                    "it holds zero or growth. At the right: the same forecast made along this trace, against what followed one window later."
                    "</p><div class=\"scroll\"><table><thead><tr><th>Window</th><th class=\"r\">Slope</th><th>Exhausted</th><th class=\"r\">Tried</th>"
                    "<th class=\"r\">Right</th><th class=\"r\">False</th><th class=\"r\">Missed</th><th class=\"r\">Mean error</th></tr></thead>", f);
        json_array_foreach(json_object_get(forecast, "windows"), n, w) {
                forecast_row(f, w);
        }
        (void)fputs("</table></div></section>", f);
}

void html_commit(FILE *f, const json_t *doc) {
        const json_t *c = json_object_get(doc, "commit");

        (void)fputs("<section><h2>Strict overcommit</h2>", f);
        if (!json_is_object(c)) {
                (void)fputs("<p class=\"soft\">Committed_AS is not in this trace.</p></section>", f);
                return;
        }
        (void)fputs("<table><tr><td>Committed_AS, peak</td><td class=\"r\">", f);
        html_number(f, json_object_get(c, "committed_peak"));
        (void)fputs("</td></tr><tr><td>Committed_AS, p99</td><td class=\"r\">", f);
        html_number(f, json_object_get(c, "committed_p99"));
        (void)fputs("</td></tr><tr><td>CommitLimit as recorded</td><td class=\"r\">", f);
        html_json_bytes(f, c, "recorded_limit_bytes");
        (void)fputs("</td></tr><tr><td>CommitLimit needed, with ", f);
        html_share(f, html_u64(c, "margin_permyriad", 0));
        (void)fputs(" margin</td><td class=\"r\">", f);
        html_number(f, json_object_get(c, "needed_limit"));
        (void)fputs("</td></tr><tr><td><code>vm.overcommit_ratio</code> needed</td><td class=\"r\">", f);
        html_number(f, json_object_get(c, "needed_ratio"));
        (void)fputs("</td></tr></table>", f);
        if (json_is_true(json_object_get(c, "is_more_than_memory")))
                (void)fputs("<p class=\"warn\">More than the memory there is: this load promises itself what it does not use; strict overcommit "
                            "would buy nothing.</p>", f);
        (void)fputs("</section>", f);
}

static void file_text(FILE *f, const char *path_a, const char *unit, const char *path_b, const json_t *text) {
        if (!json_is_string(text))
                return;
        (void)fprintf(f, "<pre># %s", path_a);
        html_text(f, unit);
        (void)fprintf(f, "%s\n", path_b);
        html_text(f, json_string_value(text));
        (void)fputs("</pre>", f);
}

static void unit_files(FILE *f, const json_t *units) {
        const json_t *u;
        size_t n;

        json_array_foreach(units, n, u) {
                const char *unit = html_string(u, "unit");
                if (n >= UNITS)
                        break;
                (void)fputs("<details><summary class=\"mono path\">", f);
                html_text(f, unit);
                (void)fputs("</summary>", f);
                file_text(f, "/etc/systemd/system/", unit, ".d/50-headroom.conf", json_object_get(u, "dropin"));
                file_text(f, "/etc/headroom/cgroups.d/50-planned-", unit, ".conf", json_object_get(u, "policy"));
                (void)fputs("</details>", f);
        }
}

void html_advice(FILE *f, const json_t *doc) {
        static const char *const keys[] = { "memory_low", "memory_high", "memory_max", "floor_peak", "comfortable", "needed" };
        const json_t *units = json_object_get(json_object_get(doc, "advice"), "units"), *u;
        size_t n;

        (void)fputs("<section class=\"long\"><h2>Limits for units</h2>", f);
        if (json_array_size(units) == 0) {
                (void)fputs("<p class=\"soft\">No unit with memory.stat in this trace that needs 16M or more.</p></section>", f);
                return;
        }
        (void)fputs("<p class=\"soft\">Counterfactual: nobody has run with these limits yet. High and max are never below what could not have been "
                    "reclaimed.</p><div class=\"scroll\"><table><thead><tr><th>Unit</th><th class=\"r\">MemoryLow=</th><th class=\"r\">MemoryHigh=</th>"
                    "<th class=\"r\">MemoryMax=</th><th class=\"r\">floor, peak</th><th class=\"r\">comfortable, p99</th>"
                    "<th class=\"r\">needed, median</th><th>confidence</th></tr></thead>", f);
        json_array_foreach(units, n, u) {
                if (n >= UNITS)
                        break;
                (void)fputs("<tr><td class=\"path mono\">", f);
                html_text(f, html_string(u, "unit"));
                (void)fputs("</td>", f);
                for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
                        (void)fputs("<td class=\"r n\">", f);
                        html_json_bytes(f, json_object_get(u, keys[k]), "bytes");
                        (void)fputs("</td>", f);
                }
                (void)fputs("<td>", f);
                html_source(f, html_string(json_object_get(u, "memory_low"), "source"));
                (void)fputs("</td></tr>", f);
        }
        (void)fputs("</table></div><h3 style=\"margin-top:14px\">Ready files</h3>", f);
        unit_files(f, units);
        (void)fputs("</section>", f);
}

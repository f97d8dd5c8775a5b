/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The page of many hosts. */

#include <inttypes.h>

#include "plan/histogram.h"
#include "plan/html-parts.h"

#define RISKS 200

static void tile(FILE *f, const char *label, const char *value_class, uint64_t n, const char *below) {
        (void)fprintf(f, "<div class=\"tile\"><div class=\"k\">%s</div><div class=\"v %s\">%" PRIu64 "</div><div class=\"d\">%s</div></div>",
                      label, value_class, n, below);
}

static void tile_bytes(FILE *f, const char *label, uint64_t bytes, const char *below) {
        (void)fprintf(f, "<div class=\"tile\"><div class=\"k\">%s</div><div class=\"v\">", label);
        html_bytes(f, bytes);
        (void)fprintf(f, "</div><div class=\"d\">%s</div></div>", below);
}

static double max_weight(const json_t *buckets) {
        const json_t *pair;
        double max = 1;
        size_t n;

        json_array_foreach(buckets, n, pair) {
                max = MAX(max, (double)json_integer_value(json_array_get(pair, 1)));
        }
        return max;
}

static void safe_plot(FILE *f, const json_t *safe) {
        const json_t *buckets = json_object_get(json_object_get(safe, "histogram"), "buckets"), *pair;
        Axes a = { .y_max = max_weight(buckets) };
        size_t n = json_array_size(buckets);

        if (n == 0) {
                (void)fputs("<p class=\"soft\">No host was simulated.</p>", f);
                return;
        }
        a.x_min = (double)html_u64(safe, "min_bytes", 0) * 0.9;
        a.x_max = (double)html_u64(safe, "max_bytes", 0) * 1.06;
        (void)fputs("<figure>", f);
        html_plot_begin(f, &a, "Number of hosts for each smallest safe size of RAM; the table below has percentiles", true);
        json_array_foreach(buckets, n, pair) {
                uint64_t edge = MIN(histogram_edge((uint32_t)json_integer_value(json_array_get(pair, 0))),
                                    html_u64(safe, "max_bytes", UINT64_MAX));
                json_int_t hosts = json_integer_value(json_array_get(pair, 1));
                int x = html_x(&a, (double)edge);
                (void)fprintf(f, "<line class=\"bar ok\" x1=\"%d\" x2=\"%d\" y1=\"1000\" y2=\"%d\"><title>", x, x, html_y(&a, (double)hosts));
                html_bytes(f, edge);
                (void)fprintf(f, ": %" JSON_INTEGER_FORMAT " hosts</title></line>", hosts);
        }
        html_plot_marks(f);
        html_plot_end_bytes(f, &a);
        (void)fputs("</figure>", f);
}

static void distribution_row(FILE *f, const char *label, const json_t *d) {
        static const char *const keys[] = { "min_bytes", "p1_bytes", "p5_bytes", "p50_bytes", "p95_bytes", "p99_bytes", "max_bytes" };

        (void)fprintf(f, "<tr><td>%s</td>", label);
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                (void)fputs("<td class=\"r n\">", f);
                html_json_bytes(f, d, keys[i]);
                (void)fputs("</td>", f);
        }
        (void)fputs("</tr>", f);
}

static void distributions(FILE *f, const json_t *doc) {
        const json_t *ram = json_object_get(doc, "ram");

        (void)fputs("<section><h2>Smallest safe RAM over hosts ", f);
        html_source(f, html_string(ram, "source"));
        (void)fputs("</h2>", f);
        safe_plot(f, json_object_get(ram, "safe"));
        (void)fputs("<div class=\"scroll\"><table><thead><tr><th></th><th class=\"r\">least</th><th class=\"r\">p1</th><th class=\"r\">p5</th>"
                    "<th class=\"r\">median</th><th class=\"r\">p95</th><th class=\"r\">p99</th><th class=\"r\">most</th></tr></thead>", f);
        distribution_row(f, "smallest safe RAM", json_object_get(ram, "safe"));
        distribution_row(f, "with margin", json_object_get(ram, "advised"));
        distribution_row(f, "least headroom of each host (measured)", json_object_get(doc, "headroom_min"));
        distribution_row(f, "headroom, all hosts' time (measured)", json_object_get(doc, "headroom"));
        distribution_row(f, "peak demand of each host (measured)", json_object_get(doc, "demand_peak"));
        (void)fputs("</table></div></section>", f);
}

static void risk_table(FILE *f, const json_t *doc) {
        const json_t *list = json_object_get(doc, "at_risk"), *r, *w;
        size_t n, k;

        (void)fputs("<section class=\"long\"><h2>Hosts at risk</h2>", f);
        if (json_array_size(list) == 0) {
                (void)fputs("<p class=\"good\">None.</p></section>", f);
                return;
        }
        (void)fputs("<div class=\"scroll\"><table><thead><tr><th>Host</th><th>Why</th><th class=\"r\">RAM</th><th class=\"r\">smallest safe</th>"
                    "<th class=\"r\">least headroom</th><th class=\"r\">kills</th><th class=\"r\">by kernel</th></tr></thead>", f);
        json_array_foreach(list, n, r) {
                if (n >= RISKS)
                        break;
                (void)fputs("<tr><td class=\"path mono\">", f);
                html_text(f, html_string(r, "host"));
                (void)fputs("</td><td>", f);
                json_array_foreach(json_object_get(r, "why"), k, w) {
                        (void)fputs(k > 0 ? ", " : "", f);
                        html_text(f, json_string_value(w) ? json_string_value(w) : "");
                }
                (void)fputs("</td><td class=\"r n\">", f);
                html_json_bytes(f, r, "recorded_bytes");
                (void)fputs("</td><td class=\"r n\">", f);
                html_json_bytes(f, r, "safe_bytes");
                (void)fputs("</td><td class=\"r n\">", f);
                html_json_bytes(f, r, "headroom_min_bytes");
                (void)fprintf(f, "</td><td class=\"r\">%" PRIu64 "</td><td class=\"r\">%" PRIu64 "</td></tr>", html_u64(r, "kills", 0),
                              html_u64(r, "kernel_kills", 0));
        }
        (void)fprintf(f, "</table></div><p class=\"soft\">%" PRIu64 " in all, the gravest first.</p></section>",
                      html_u64(json_object_get(doc, "hosts"), "at_risk", 0));
}

static void density_table(FILE *f, const json_t *doc) {
        static const char *const ways[] = { "conservative", "sigma3", "as_recorded" };
        const json_t *list = json_object_get(doc, "density"), *d;
        size_t n;

        if (json_array_size(list) == 0)
                return;
        (void)fputs("<section><h2>More copies, over all hosts</h2><div class=\"scroll\"><table><thead><tr><th>Cgroup</th>"
                    "<th class=\"r\">hosts</th><th class=\"r\">sum of peaks</th><th class=\"r\">3 sigma</th><th class=\"r\">as recorded</th></tr></thead>", f);
        json_array_foreach(list, n, d) {
                (void)fputs("<tr><td class=\"path mono\">", f);
                html_text(f, html_string(d, "pattern"));
                (void)fprintf(f, "</td><td class=\"r\">%" PRIu64 "</td>", html_u64(d, "hosts", 0));
                for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                        (void)fputs("<td class=\"r\">", f);
                        html_number(f, json_object_get(d, ways[i]));
                        (void)fputs("</td>", f);
                }
                (void)fputs("</tr>", f);
        }
        (void)fputs("</table></div></section>", f);
}

void html_fleet(FILE *f, const json_t *doc) {
        const json_t *hosts = json_object_get(doc, "hosts"), *ram = json_object_get(doc, "ram"), *note;
        uint64_t risk = html_u64(hosts, "at_risk", 0), kills = html_u64(hosts, "kernel_kills", 0);
        size_t n;

        (void)fprintf(f, "<header><h1>Memory plan of %" PRIu64 " hosts</h1><div class=\"meta\"><span>observed <b>", html_u64(hosts, "n", 0));
        html_usec(f, html_u64(hosts, "observed_usec", 0));
        (void)fprintf(f, "</b> in all</span><span><b>%" PRIu64 "</b> samples</span></div></header><main><div class=\"tiles\">",
                      html_u64(hosts, "samples", 0));
        tile(f, "Hosts at risk", risk > 0 ? "bad" : "good", risk, "see the list below");
        tile(f, "Hosts with kills", "", html_u64(hosts, "with_kills", 0), "in their records");
        tile(f, "Kernel OOM kills", kills > 0 ? "bad" : "good", kills, "in all records");
        tile_bytes(f, "RAM as recorded", html_u64(ram, "recorded_sum_bytes", 0), "sum over hosts");
        tile_bytes(f, "RAM with margin", html_u64(ram, "advised_sum_bytes", 0), "sum of smallest safe, with margin");
        (void)fputs("</div><section><h2>How to read this</h2><ul class=\"notes\">", f);
        json_array_foreach(json_object_get(doc, "notes"), n, note) {
                (void)fputs("<li>", f);
                html_text(f, json_string_value(note) ? json_string_value(note) : "");
                (void)fputs("</li>", f);
        }
        (void)fputs("</ul></section>", f);
        distributions(f, doc);
        density_table(f, doc);
        risk_table(f, doc);
        (void)fputs("</main>", f);
}

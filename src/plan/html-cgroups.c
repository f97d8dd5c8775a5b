/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Each cgroup: how its use was distributed, and its working set by every estimator. */

#include <inttypes.h>
#include <string.h>

#include "plan/estimate.h"
#include "plan/histogram.h"
#include "plan/html-parts.h"

#define CARDS 12
#define ROWS  64

static const json_t *estimator_of(const json_t *c, Estimator e) {
        return json_object_get(json_object_get(c, "estimators"), estimator_to_string(e));
}

/* The best one that the trace has stats for. */
static Estimator shown_estimator(const json_t *c) {
        return json_is_object(estimator_of(c, ESTIMATE_NOT_INACTIVE)) ? ESTIMATE_NOT_INACTIVE : ESTIMATE_CURRENT;
}

/* Buckets are drawn side by side, so that each is 5 % wide: a logarithmic scale. */
static void draw_histogram(FILE *f, const json_t *histogram, const char *label) {
        const json_t *buckets = json_object_get(histogram, "buckets"), *pair;
        json_int_t first = -1, last = 0;
        double most = 0;
        size_t n;

        json_array_foreach(buckets, n, pair) {
                json_int_t i = json_integer_value(json_array_get(pair, 0));
                first = first < 0 ? i : first;
                last = MAX(last, i);
                most = MAX(most, (double)json_integer_value(json_array_get(pair, 1)));
        }
        /* A steady use is a needle in the middle, not a wall from side to side. */
        json_int_t pad = last - first < 12 ? (12 - (last - first)) / 2 : 0;
        first = MAX(first - pad, (json_int_t)0);
        last += pad;
        double width = 1000.0 / (double)(last - first + 1);
        (void)fputs("<svg viewBox=\"0 0 1000 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"", f);
        html_text(f, label);
        (void)fputs("\">", f);
        json_array_foreach(buckets, n, pair) {
                json_int_t i = json_integer_value(json_array_get(pair, 0));
                double h = (double)json_integer_value(json_array_get(pair, 1)) / most * 100;
                h = MAX(h, 1.5);
                (void)fprintf(f, "<rect class=\"hist\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>up to ",
                              (double)(i - first) * width, 100 - h, width * 0.9, h);
                html_bytes(f, MIN(histogram_edge((uint32_t)i), html_u64(histogram, "max_bytes", UINT64_MAX)));
                (void)fputs("</title></rect>", f);
        }
        (void)fputs("</svg><div class=\"ends\"><span>", f);
        html_bytes(f, first > 0 ? histogram_edge((uint32_t)first - 1) : 0);
        (void)fputs("</span><span>", f);
        html_bytes(f, histogram_edge((uint32_t)MIN(last, (json_int_t)HISTOGRAM_BUCKETS - 2)));
        (void)fputs("</span></div>", f);
}

static void card(FILE *f, const json_t *c) {
        const json_t *e = estimator_of(c, shown_estimator(c));
        char label[160];

        if (!json_is_object(e))
                return;
        (void)snprintf(label, sizeof(label), "Distribution of %s over time; the table below has percentiles",
                       estimator_to_string(shown_estimator(c)));
        (void)fputs("<div class=\"card\"><h3 class=\"mono\">", f);
        html_text(f, html_string(c, "path"));
        (void)fputs("</h3>", f);
        draw_histogram(f, json_object_get(e, "histogram"), label);
        (void)fputs("<div class=\"soft\">p50 ", f);
        html_number(f, json_object_get(e, "p50"));
        (void)fputs(", p95 ", f);
        html_number(f, json_object_get(e, "p95"));
        (void)fputs(", max ", f);
        html_number(f, json_object_get(e, "max"));
        (void)fputs("</div></div>", f);
}

static void percentile_cell(FILE *f, const json_t *e, const char *key, const char *other) {
        (void)fputs("<td class=\"r n\">", f);
        if (!json_is_object(e))
                (void)fputs("<span class=\"soft\">-</span>", f);
        else {
                html_number(f, json_object_get(e, key));
                (void)fputs(" / ", f);
                html_number(f, json_object_get(e, other));
        }
        (void)fputs("</td>", f);
}

static void row(FILE *f, const json_t *c) {
        const json_t *vpa = json_object_get(c, "vpa");
        uint64_t stall = html_u64(c, "stall_full_usec", UINT64_MAX), created = html_u64(c, "created", 1);

        (void)fputs("<tr><td class=\"path mono\">", f);
        html_text(f, html_string(c, "path"));
        if (created > 1)
                (void)fprintf(f, " <span class=\"src\">made %" PRIu64 " times</span>", created);
        (void)fputs("</td>", f);
        percentile_cell(f, estimator_of(c, ESTIMATE_NOT_INACTIVE), "p95", "max");
        percentile_cell(f, estimator_of(c, ESTIMATE_ACTIVE), "p95", "max");
        percentile_cell(f, estimator_of(c, ESTIMATE_PEAK), "p95", "p99");
        percentile_cell(f, estimator_of(c, ESTIMATE_FLOOR), "p95", "max");
        (void)fputs("<td class=\"r n\">", f);
        if (json_is_object(vpa))
                html_bytes(f, html_value(vpa, "target", 0));
        else
                (void)fputc('-', f);
        (void)fputs("</td><td class=\"r n\">", f);
        if (stall == UINT64_MAX)
                (void)fputc('-', f);
        else
                html_usec(f, stall);
        (void)fprintf(f, "</td><td class=\"r\">%" PRIu64 "</td></tr>", html_u64(c, "oom_kills", 0));
}

void html_cgroups(FILE *f, const json_t *doc) {
        const json_t *all = json_object_get(doc, "cgroups"), *list = json_object_get(all, "list"), *c, *text;
        const char *name;
        size_t n;

        (void)fputs("<section class=\"long\"><h2>Cgroups</h2>", f);
        if (json_array_size(list) == 0) {
                (void)fputs("<p class=\"soft\">None in this trace.</p></section>", f);
                return;
        }
        (void)fprintf(f, "<p class=\"soft\">Measured. How long each of the greatest used how much, %s where the trace has it; each bar is "
                         "5 %% wider than the one before.</p><div class=\"cards\">", estimator_to_string(ESTIMATE_NOT_INACTIVE));
        json_array_foreach(list, n, c) {
                if (n < CARDS)
                        card(f, c);
        }
        (void)fputs("</div><div class=\"scroll\" style=\"margin-top:16px\"><table><thead><tr><th>cgroup</th>"
                    "<th class=\"r\">current-inactive_file<br>p95 / max</th><th class=\"r\">anon+shmem+active<br>_file+kernel p95 / max</th>"
                    "<th class=\"r\">interval peak<br>p95 / p99</th><th class=\"r\">unreclaimable<br>floor p95 / max</th>"
                    "<th class=\"r\">VPA target<br>(estimated)</th><th class=\"r\">stalled</th><th class=\"r\">OOM<br>kills</th></tr></thead>", f);
        json_array_foreach(list, n, c) {
                if (n < ROWS)
                        row(f, c);
        }
        (void)fputs("</table></div>", f);
        if (html_u64(all, "n", 0) > ROWS)
                (void)fprintf(f, "<p class=\"soft\">The greatest %d of %" PRIu64 "; -o json has more.</p>", ROWS, html_u64(all, "n", 0));
        (void)fputs("<details><summary>What the estimators are</summary><table>", f);
        json_object_foreach((json_t *)(uintptr_t)json_object_get(all, "estimators"), name, text) {
                (void)fputs("<tr><td class=\"mono\">", f);
                html_text(f, name);
                (void)fputs("</td><td>", f);
                html_text(f, json_string_value(text) ? json_string_value(text) : "");
                (void)fputs("</td></tr>", f);
        }
        (void)fputs("</table></details></section>", f);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The two plots over time: what filled the memory, and what was left of it. */

#include <inttypes.h>
#include <string.h>

#include "plan/html-parts.h"
#include "plan/round.h"
#include "plan/timeline.h"

enum { COL_AXIS, COL_REAL, COL_STACK, COL_MIN = COL_STACK + _STACK_PART_MAX, COL_MAX };

/* Every so many points have a tooltip, and a row in the table. */
#define HOVERS 96
#define ROWS   24

static double cell(const json_t *points, size_t i, size_t column) {
        return (double)json_integer_value(json_array_get(json_array_get(points, i), column));
}

static bool has_cell(const json_t *points, size_t i, size_t column) {
        return json_is_integer(json_array_get(json_array_get(points, i), column));
}

/* A gap lies between this point and the one before: nothing is drawn across. */
static bool is_broken(const json_t *gaps, double before, double here) {
        const json_t *g;
        size_t n;

        json_array_foreach(gaps, n, g) {
                double at = (double)html_u64(g, "axis_usec", 0);
                if (at >= before && at < here)
                        return true;
        }
        return false;
}

/* The end of the run that begins at @from. */
static size_t run_end(const json_t *points, const json_t *gaps, size_t from) {
        size_t n = json_array_size(points), i = from + 1;

        while (i < n && !is_broken(gaps, cell(points, i - 1, COL_AXIS), cell(points, i, COL_AXIS)))
                i++;
        return i;
}

static void draw_gaps(FILE *f, const Axes *a, const json_t *gaps) {
        const json_t *g;
        size_t n;

        json_array_foreach(gaps, n, g) {
                double at = (double)html_u64(g, "axis_usec", 0);
                int x = html_x(a, at), width = html_x(a, at + (double)html_u64(g, "span_usec", 0)) - x;
                (void)fprintf(f, "<rect class=\"gap\" x=\"%d\" y=\"0\" width=\"%d\" height=\"1000\"><title>gap: %s, ", x,
                              MAX(width, 2), html_string(g, "why"));
                html_usec(f, html_u64(g, "span_usec", 0));
                (void)fputs("</title></rect>", f);
        }
}

static double sum_up_to(const json_t *points, size_t i, StackPart part) {
        double sum = 0;
        for (StackPart p = 0; p <= part; p++)
                sum += cell(points, i, COL_STACK + p);
        return sum;
}

static void draw_part(FILE *f, const Axes *a, const json_t *points, size_t from, size_t end, StackPart part) {
        (void)fprintf(f, "<polygon class=\"%s\" points=\"", stack_part_to_string(part));
        for (size_t i = from; i < end; i++)
                (void)fprintf(f, "%d,%d ", html_x(a, cell(points, i, COL_AXIS)), html_y(a, sum_up_to(points, i, part)));
        for (size_t i = end; i-- > from;)
                (void)fprintf(f, "%d,%d ", html_x(a, cell(points, i, COL_AXIS)),
                              html_y(a, part > 0 ? sum_up_to(points, i, part - 1) : 0));
        (void)fputs("\"/>", f);
}

static void draw_line(FILE *f, const Axes *a, const json_t *points, size_t from, size_t end, size_t column,
                      const char *css_class) {
        (void)fprintf(f, "<polyline class=\"ln %s\" points=\"", css_class);
        for (size_t i = from; i < end; i++)
                (void)fprintf(f, "%d,%d ", html_x(a, cell(points, i, COL_AXIS)), html_y(a, cell(points, i, column)));
        (void)fputs("\"/>", f);
}

static void moment_text(FILE *f, const json_t *points, size_t i) {
        html_time(f, u64_of_double(cell(points, i, COL_REAL)));
        for (StackPart p = 0; p < _STACK_PART_MAX; p++) {
                (void)fprintf(f, ", %s ", stack_part_to_string(p));
                html_bytes(f, u64_of_double(cell(points, i, COL_STACK + p)));
        }
        (void)fputs(", headroom ", f);
        html_bytes(f, u64_of_double(cell(points, i, COL_MIN)));
}

static void draw_hovers(FILE *f, const Axes *a, const json_t *points) {
        size_t n = json_array_size(points), every = (n + HOVERS - 1) / HOVERS;

        for (size_t i = 0; i < n; i += MAX(every, (size_t)1)) {
                size_t next = MIN(i + every, n - 1);
                int x = html_x(a, cell(points, i, COL_AXIS)), width = html_x(a, cell(points, next, COL_AXIS)) - x;
                (void)fprintf(f, "<rect class=\"hover\" x=\"%d\" y=\"0\" width=\"%d\" height=\"1000\"><title>", x, MAX(width, 1));
                moment_text(f, points, i);
                (void)fputs("</title></rect>", f);
        }
}

static void draw_kills(FILE *f, const Axes *a, const json_t *doc) {
        const json_t *events = json_object_get(json_object_get(doc, "kills"), "events"), *k;
        size_t n;

        json_array_foreach(events, n, k) {
                if (json_is_true(json_object_get(k, "is_cancelled")))
                        continue;
                bool kernel = strcmp(html_string(k, "by"), "kernel") == 0;
                bool would = json_is_true(json_object_get(k, "is_dry_run"));
                (void)fprintf(f, "<span class=\"mark%s\" style=\"left:%.1f%%\" title=\"", would ? " would" : "",
                              (double)html_x(a, (double)html_u64(k, "axis_usec", 0)) / 10);
                html_time(f, html_u64(k, "real_usec", 0));
                (void)fputs(kernel ? " killed by the kernel" : would ? " would kill " : " killed ", f);
                if (!kernel)
                        html_text(f, html_string(k, "comm"));
                (void)fputs("\"></span>", f);
        }
}

static void moments_table(FILE *f, const json_t *points) {
        size_t n = json_array_size(points), every = MAX((n + ROWS - 1) / ROWS, (size_t)1);

        (void)fputs("<details><summary>The same as a table</summary><div class=\"scroll\"><table><thead><tr><th>Time (UTC)</th>", f);
        for (StackPart p = 0; p < _STACK_PART_MAX; p++)
                (void)fprintf(f, "<th class=\"r\">%s</th>", stack_part_to_string(p));
        (void)fputs("<th class=\"r\">headroom, least</th></tr></thead>", f);
        for (size_t from = 0; from < n; from += every) {
                size_t i = from;
                /* The moment of least headroom of those that the row stands for. */
                for (size_t k = from; k < MIN(from + every, n); k++)
                        if (cell(points, k, COL_MIN) < cell(points, i, COL_MIN))
                                i = k;
                (void)fputs("<tr><td class=\"n\">", f);
                html_time(f, u64_of_double(cell(points, i, COL_REAL)));
                (void)fputs("</td>", f);
                for (size_t c = COL_STACK; c <= COL_MIN; c++) {
                        (void)fputs("<td class=\"r\">", f);
                        if (has_cell(points, i, c))
                                html_bytes(f, u64_of_double(cell(points, i, c)));
                        else
                                (void)fputc('-', f);
                        (void)fputs("</td>", f);
                }
                (void)fputs("</tr>", f);
        }
        (void)fputs("</table></div></details>", f);
}

static double column_max(const json_t *points, size_t column) {
        double max = 0;
        for (size_t i = 0; i < json_array_size(points); i++)
                max = MAX(max, cell(points, i, column));
        return max;
}

static Axes axes_of(const json_t *doc, const json_t *points) {
        Axes a = { .x_max = (double)html_u64(json_object_get(doc, "span"), "axis_usec", 0) };

        a.x_max = MAX(a.x_max, 1.0);
        a.y_max = (double)html_u64(json_object_get(doc, "host"), "mem_total_bytes", 0);
        a.y_max = MAX(a.y_max, column_max(points, COL_STACK + STACK_SWAP));
        return a;
}

void html_stack(FILE *f, const json_t *doc) {
        static const StackPart parts[] = { STACK_ANON, STACK_SHMEM, STACK_KERNEL, STACK_FILE, STACK_FREE };
        const json_t *points = json_object_get(json_object_get(doc, "series"), "points");
        const json_t *span = json_object_get(doc, "span"), *gaps = json_object_get(span, "gaps");
        const Axes a = axes_of(doc, points);
        size_t n = json_array_size(points);

        (void)fputs("<section><h2>Memory over time</h2>", f);
        if (n < 2) {
                (void)fputs("<p class=\"soft\">Too few samples to draw.</p></section>", f);
                return;
        }
        (void)fputs("<p class=\"soft\">Measured. Each point is the moment of least headroom in its ", f);
        html_usec(f, html_u64(json_object_get(doc, "series"), "point_usec", 0));
        (void)fputs(". Times are UTC.</p><ul class=\"legend\">", f);
        for (size_t p = 0; p < ARRAY_SIZE(parts); p++)
                html_legend(f, stack_part_to_string(parts[p]), stack_part_to_string(parts[p]));
        html_legend(f, "l swap", "used swap, beside the stack");
        if (html_u64(json_object_get(doc, "kills"), "n", 0) > 0 || html_u64(json_object_get(doc, "kills"), "n_kernel", 0) > 0)
                html_legend(f, json_is_true(json_object_get(json_object_get(doc, "kills"), "is_dry_run")) ? "wb" : "kb",
                            "\xe2\x96\xbc kill in the record");
        if (json_array_size(gaps) > 0)
                html_legend(f, "gap", "gap");
        (void)fputs("</ul><figure>", f);
        html_plot_begin(f, &a, "Memory of the host over time as a stack of anon, shmem, kernel, file and free; the table below has the "
                               "numbers", false);
        for (size_t from = 0; from < n;) {
                size_t end = run_end(points, gaps, from);
                if (has_cell(points, from, COL_STACK))
                        for (size_t p = 0; p < ARRAY_SIZE(parts); p++)
                                draw_part(f, &a, points, from, end, parts[p]);
                draw_line(f, &a, points, from, end, COL_STACK + STACK_SWAP, "swap");
                from = end;
        }
        draw_gaps(f, &a, gaps);
        draw_hovers(f, &a, points);
        html_plot_marks(f);
        draw_kills(f, &a, doc);
        html_plot_end_time(f, &a, html_u64(span, "first_real_usec", 0));
        (void)fputs("</figure>", f);
        moments_table(f, points);
        (void)fputs("</section>", f);
}

static void draw_band(FILE *f, const Axes *a, const json_t *points, size_t from, size_t end) {
        (void)fputs("<polygon class=\"band\" points=\"", f);
        for (size_t i = from; i < end; i++)
                (void)fprintf(f, "%d,%d ", html_x(a, cell(points, i, COL_AXIS)), html_y(a, cell(points, i, COL_MAX)));
        for (size_t i = end; i-- > from;)
                (void)fprintf(f, "%d,%d ", html_x(a, cell(points, i, COL_AXIS)), html_y(a, cell(points, i, COL_MIN)));
        (void)fputs("\"/>", f);
}

static void percentile_table(FILE *f, const json_t *doc) {
        static const char *const keys[] = { "min", "p1", "p5", "p50", "p95" };
        static const char *const labels[] = { "least", "p1", "p5", "median", "p95" };
        const json_t *h = json_object_get(doc, "headroom");
        const json_t *other = json_object_get(json_object_get(json_object_get(doc, "answers"), "asked"), "headroom");
        double total = (double)html_u64(json_object_get(doc, "host"), "mem_total_bytes", 0);

        (void)fputs("<div class=\"scroll\"><table><thead><tr><th>Headroom</th><th class=\"r\">measured</th><th class=\"r\">of RAM</th>", f);
        if (other)
                (void)fputs("<th>with the options asked for</th>", f);
        (void)fputs("</tr></thead>", f);
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                double v = (double)html_value(h, keys[i], 0);
                (void)fprintf(f, "<tr><td>%s</td><td class=\"r\">", labels[i]);
                html_number(f, json_object_get(h, keys[i]));
                (void)fprintf(f, "</td><td class=\"r n\">%.1f%%</td>", total > 0 ? v / total * 100 : 0);
                if (other) {
                        (void)fputs("<td>", f);
                        html_number(f, json_object_get(other, keys[i]));
                        (void)fputs("</td>", f);
                }
                (void)fputs("</tr>", f);
        }
        (void)fputs("</table></div>", f);
}

void html_headroom(FILE *f, const json_t *doc) {
        const json_t *points = json_object_get(json_object_get(doc, "series"), "points"), *h = json_object_get(doc, "headroom");
        const json_t *span = json_object_get(doc, "span"), *gaps = json_object_get(span, "gaps");
        static const char *const lines[] = { "p50", "p5", "p1" };
        Axes a = axes_of(doc, points);
        size_t n = json_array_size(points);

        (void)fputs("<section><h2>Headroom</h2><p class=\"soft\">MemAvailable + usable swap - unused part of protected minimums.</p>", f);
        if (n < 2 || !json_is_object(h)) {
                (void)fputs("<p class=\"soft\">Not in this trace.</p></section>", f);
                return;
        }
        a.y_max = MAX(column_max(points, COL_MAX), 1.0);
        (void)fputs("<ul class=\"legend\">", f);
        html_legend(f, "band", "least to most");
        html_legend(f, "l min", "least");
        html_legend(f, "l pct", "median, p5, p1");
        (void)fputs("</ul><figure>", f);
        html_plot_begin(f, &a, "Headroom over time, from least to most, with its percentiles as lines; the table below has the numbers",
                        false);
        for (size_t from = 0; from < n;) {
                size_t end = run_end(points, gaps, from);
                draw_band(f, &a, points, from, end);
                draw_line(f, &a, points, from, end, COL_MIN, "min");
                from = end;
        }
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                int y = html_y(&a, (double)html_value(h, lines[i], 0));
                (void)fprintf(f, "<line class=\"ln pct\" x1=\"0\" x2=\"1000\" y1=\"%d\" y2=\"%d\"><title>%s</title></line>", y, y,
                              lines[i]);
        }
        draw_gaps(f, &a, gaps);
        html_plot_marks(f);
        html_plot_end_time(f, &a, html_u64(span, "first_real_usec", 0));
        (void)fputs("</figure>", f);
        percentile_table(f, doc);
        (void)fputs("</section>", f);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Kills against RAM: the curve, and the table that it is drawn from. */

#include <inttypes.h>

#include "plan/html-parts.h"

static void vertical(FILE *f, const Axes *a, uint64_t bytes, const char *css_class, const char *what) {
        if (bytes == 0 || bytes == UINT64_MAX || (double)bytes > a->x_max || (double)bytes < a->x_min)
                return;
        int x = html_x(a, (double)bytes);
        (void)fprintf(f, "<line class=\"ln %s\" x1=\"%d\" x2=\"%d\" y1=\"0\" y2=\"1000\"><title>%s: ", css_class, x, x, what);
        html_bytes(f, bytes);
        (void)fputs("</title></line>", f);
}

static void point(FILE *f, const Axes *a, const json_t *p) {
        double kills = (double)html_value(p, "kills", 0), kernel = (double)html_value(p, "kernel_kills", 0);
        bool is_safe = json_is_true(json_object_get(p, "is_safe"));
        uint64_t ram = html_u64(p, "ram_bytes", 0);
        int x = html_x(a, (double)ram), top = html_y(a, kills), all = html_y(a, kills + kernel);

        (void)fputs("<g><title>", f);
        html_ram_size(f, ram);
        (void)fprintf(f, ": %.0f kills, %.0f by the kernel, %s</title>", kills, kernel, is_safe ? "safe" : "not safe");
        if (kills > 0)
                (void)fprintf(f, "<line class=\"bar\" x1=\"%d\" x2=\"%d\" y1=\"1000\" y2=\"%d\"/>", x, x, top);
        if (kernel > 0)
                (void)fprintf(f, "<line class=\"bar kernelkill\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>", x, x, top, all);
        /* No kill: a foot to see that it was tried. */
        if (kills + kernel <= 0)
                (void)fprintf(f, "<line class=\"bar%s\" x1=\"%d\" x2=\"%d\" y1=\"1000\" y2=\"965\"/>", is_safe ? " ok" : "", x, x);
        (void)fputs("</g>", f);
}

static Axes axes_of(const json_t *curve, uint64_t recorded) {
        Axes a = { .x_min = (double)UINT64_MAX, .y_max = 1 };
        const json_t *p;
        size_t n;

        json_array_foreach(curve, n, p) {
                double ram = (double)html_u64(p, "ram_bytes", 0);
                double kills = (double)html_value(p, "kills", 0) + (double)html_value(p, "kernel_kills", 0);
                a.x_min = MIN(a.x_min, ram);
                a.x_max = MAX(a.x_max, ram);
                a.y_max = MAX(a.y_max, kills);
        }
        if (recorded > 0 && (double)recorded < 1.6 * a.x_max)
                a.x_max = MAX(a.x_max, (double)recorded);
        double room = (a.x_max - a.x_min) * 0.03 + 1;
        a.x_min = MAX(0.0, a.x_min - room);
        a.x_max += room;
        return a;
}

static void row(FILE *f, const json_t *p) {
        bool is_safe = json_is_true(json_object_get(p, "is_safe"));
        bool is_calibrated = json_is_true(json_object_get(p, "is_stall_calibrated"));

        (void)fputs("<tr><td class=\"r\">", f);
        html_ram_size(f, html_u64(p, "ram_bytes", 0));
        (void)fprintf(f, "</td><td class=\"n %s\">%s</td><td>", is_safe ? "good" : "bad", is_safe ? "safe" : "not safe");
        html_source(f, html_string(p, "source"));
        (void)fprintf(f, "</td><td class=\"r\">%" PRIu64 "</td><td class=\"r\">%" PRIu64 "</td><td class=\"r n\">", html_value(p, "kills", 0),
                      html_value(p, "kernel_kills", 0));
        html_usec(f, html_value(p, "stall", 0));
        (void)fputs("</td><td class=\"r n\">", f);
        html_share(f, html_value(p, "worst_stall", 0));
        (void)fprintf(f, "%s</td><td class=\"r\">", is_calibrated ? "" : " *");
        html_bytes(f, html_value(p, "deficit_peak", 0));
        (void)fputs("</td></tr>", f);
}

static void safe_text(FILE *f, const json_t *ram) {
        const json_t *safe = json_object_get(ram, "safe");

        if (!json_is_object(safe)) {
                (void)fputs("<p class=\"bad\">No size that was tried was safe.</p>", f);
                return;
        }
        (void)fputs("<p>Smallest safe RAM: <b>", f);
        html_ram_size(f, html_u64(safe, "bytes", 0));
        (void)fputs("</b> ", f);
        html_source(f, html_string(safe, "source"));
        if (json_is_true(json_object_get(safe, "is_lower_bound_known"))) {
                (void)fputs(" (", f);
                html_ram_size(f, html_u64(safe, "low_bytes", 0));
                (void)fputs(" was not). ", f);
        } else
                (void)fputs(" (nothing smaller was tried). ", f);
        (void)fputs("With a margin of ", f);
        html_share(f, html_u64(safe, "margin_permyriad", 0));
        (void)fputs(": <b>", f);
        html_ram_size(f, html_value(safe, "advised", 0));
        (void)fputs("</b>.</p>", f);
}

void html_ram(FILE *f, const json_t *doc) {
        const json_t *ram = json_object_get(doc, "ram"), *curve = json_object_get(ram, "curve"), *safe, *p;
        uint64_t recorded = html_u64(ram, "recorded_bytes", 0);
        bool is_guess = false;
        size_t n;

        if (json_array_size(curve) == 0)
                return;
        const Axes a = axes_of(curve, recorded);
        (void)fputs("<section class=\"long\"><h2>Kills against RAM</h2>", f);
        safe_text(f, ram);
        (void)fputs("<p class=\"soft\">Counterfactual: the recorded demand against another supply. Safe: no kill, no kernel kill, "
                    "stalls under the bound.</p><ul class=\"legend\">", f);
        html_legend(f, "wb", "kills by policy");
        html_legend(f, "kb", "by the kernel");
        html_legend(f, "ob", "none, safe");
        html_legend(f, "l rec", "recorded size");
        html_legend(f, "l safe", "smallest safe");
        html_legend(f, "l accent", "with margin");
        (void)fputs("</ul><figure>", f);
        html_plot_begin(f, &a, "Number of kills for each size of RAM; the table below has the numbers", true);
        safe = json_object_get(ram, "safe");
        vertical(f, &a, recorded, "rec", "recorded");
        vertical(f, &a, html_u64(safe, "bytes", 0), "safe", "smallest safe");
        vertical(f, &a, html_value(safe, "advised", 0), "min", "with margin");
        json_array_foreach(curve, n, p) {
                point(f, &a, p);
        }
        html_plot_marks(f);
        html_plot_end_bytes(f, &a);
        (void)fputs("</figure><div class=\"scroll\"><table><thead><tr><th class=\"r\">RAM</th><th></th><th>confidence</th><th class=\"r\">kills</th>"
                    "<th class=\"r\">by kernel</th><th class=\"r\">stalled</th><th class=\"r\">worst minute</th>"
                    "<th class=\"r\">deficit</th></tr></thead>", f);
        json_array_foreach(curve, n, p) {
                row(f, p);
                is_guess |= !json_is_true(json_object_get(p, "is_stall_calibrated"));
        }
        (void)fputs("</table></div>", f);
        if (is_guess)
                (void)fputs("<p class=\"soft\">* Stalls are not calibrated: the trace never saw pressure.</p>", f);
        (void)fputs("</section>", f);
}

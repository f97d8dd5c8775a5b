/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Frames and axes. The drawing stretches to its frame; lines keep their width, labels their size. */

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "plan/html-parts.h"

#define FULL 1000

static int share_of(double v, double min, double max) {
        double s = max > min ? (v - min) / (max - min) * FULL : 0;
        return s < 0 ? 0 : s > FULL ? FULL : (int)(s + 0.5);
}

int html_x(const Axes *a, double x) {
        return share_of(x, a->x_min, a->x_max);
}

int html_y(const Axes *a, double y) {
        return FULL - share_of(y, 0, a->y_max);
}

/* Powers of two for bytes; 1, 2, 5 for counts: two to five lines. */
static double step_of(double max, bool is_count) {
        double step = 1;

        if (!is_count) {
                while (step * 4 < max)
                        step *= 2;
                return step;
        }
        for (;;) {
                if (step * 5 >= max)
                        return step;
                if (step * 2 * 5 >= max)
                        return step * 2;
                if (step * 5 * 5 >= max)
                        return step * 5;
                step *= 10;
        }
}

void html_plot_begin(FILE *f, const Axes *a, const char *label, bool is_count) {
        double step = step_of(a->y_max, is_count);

        (void)fprintf(f, "<div class=\"frame%s\">", is_count ? " low" : "");
        for (double y = 0; y <= a->y_max * 1.001; y += step) {
                (void)fprintf(f, "<span class=\"y\" style=\"top:%.1f%%\">", (double)html_y(a, y) / 10);
                if (is_count)
                        (void)fprintf(f, "%.0f", y);
                else if (y > 0)
                        html_bytes(f, (uint64_t)y);
                else
                        (void)fputc('0', f);
                (void)fputs("</span>", f);
        }
        (void)fputs("<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"", f);
        html_text(f, label);
        (void)fputs("\">", f);
        for (double y = 0; y <= a->y_max * 1.001; y += step)
                (void)fprintf(f, "<line class=\"grid\" x1=\"0\" x2=\"1000\" y1=\"%d\" y2=\"%d\"/>", html_y(a, y), html_y(a, y));
}

void html_plot_marks(FILE *f) {
        (void)fputs("</svg>", f);
}

static void x_label(FILE *f, double share, bool is_wide, const char *text) {
        (void)fprintf(f, "<span class=\"x%s\" style=\"left:%.1f%%\">%s</span>", is_wide ? " wide" : "", share / 10, text);
}

static uint64_t time_step(uint64_t span) {
        static const uint32_t minutes[] = { 1, 2, 5, 10, 20, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 43200, 129600, 525600 };

        for (size_t i = 0; i < ARRAY_SIZE(minutes); i++)
                if (span / (minutes[i] * 60 * USEC_PER_SEC) <= 8)
                        return minutes[i] * 60 * USEC_PER_SEC;
        return MAX(UINT64_C(525600) * 60 * USEC_PER_SEC * 10, span / 8);
}

void html_plot_end_time(FILE *f, const Axes *a, uint64_t first) {
        uint64_t span = (uint64_t)(a->x_max - a->x_min), step = time_step(span), start = first / step * step;
        uint64_t end = u64_add_sat(first, span), day = UINT64_C(86400) * USEC_PER_SEC, n = 0;

        /* A clock that says anything: the sum may wrap, and is then less than where it began. */
        for (uint64_t t = start; t >= start && t <= end; t += step) {
                time_t sec = (time_t)(t / USEC_PER_SEC);
                char text[32];
                struct tm tm;
                if (t < first || !gmtime_r(&sec, &tm))
                        continue;
                int x = html_x(a, a->x_min + (double)(t - first));
                /* A label at the very end would stick out. */
                if (x < 15 || x > 970)
                        continue;
                (void)strftime(text, sizeof(text), step >= day || t % day == 0 ? "%b %d" : "%H:%M", &tm);
                x_label(f, x, n++ % 2 != 0, text);
        }
        (void)fputs("</div>", f);
}

void html_plot_end_bytes(FILE *f, const Axes *a) {
        double step = 1, span = a->x_max - a->x_min;
        unsigned n = 0;

        while (step * 6 < span)
                step *= 2;
        for (double x = step * (double)(uint64_t)(a->x_min / step); x <= a->x_max; x += step) {
                if (x < a->x_min || html_x(a, x) < 5 || html_x(a, x) > 975)
                        continue;
                (void)fprintf(f, "<span class=\"x%s\" style=\"left:%.1f%%\">", n++ % 2 ? " wide" : "", (double)html_x(a, x) / 10);
                html_bytes(f, (uint64_t)x);
                (void)fputs("</span>", f);
        }
        (void)fputs("</div>", f);
}

void html_legend(FILE *f, const char *css_class, const char *text) {
        (void)fprintf(f, "<li><i class=\"%s\"></i>", css_class);
        html_text(f, text);
        (void)fputs("</li>", f);
}

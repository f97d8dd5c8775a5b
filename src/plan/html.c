/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/html.h"

#include <inttypes.h>
#include <string.h>

#include "plan/html-parts.h"

static void head(FILE *f, const json_t *doc) {
        const json_t *trace = json_object_get(doc, "trace");

        (void)fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
                    "img-src data:\"><link rel=\"icon\" href=\"data:,\"><title>Headroom: ", f);
        html_text(f, json_is_object(trace) ? html_string(trace, "path") : "fleet");
        (void)fputs("</title><style>", f);
        (void)fputs(html_style, f);
        (void)fputs("</style></head><body>", f);
}

static void meta(FILE *f, const char *label, const char *value) {
        (void)fprintf(f, "<span>%s <b>", label);
        html_text(f, value);
        (void)fputs("</b></span>", f);
}

static void meta_bytes(FILE *f, const char *label, const json_t *o, const char *key) {
        (void)fprintf(f, "<span>%s <b>", label);
        html_json_bytes(f, o, key);
        (void)fputs("</b></span>", f);
}

static void policy_meta(FILE *f, const json_t *doc) {
        const json_t *policy = json_object_get(doc, "policy"), *h;
        size_t n;

        (void)fputs("<span>policy <b class=\"mono\">", f);
        json_array_foreach(json_object_get(policy, "recorded_hashes"), n, h) {
                (void)fputs(n > 0 ? ", " : "", f);
                html_text(f, json_string_value(h) ? json_string_value(h) : "");
        }
        if (n == 0)
                (void)fputs("none recorded", f);
        (void)fputs("</b></span>", f);
        if (json_is_string(json_object_get(policy, "asked_hash")))
                meta(f, "asked for policy", html_string(policy, "asked_hash"));
}

static void host_header(FILE *f, const json_t *doc) {
        const json_t *host = json_object_get(doc, "host"), *span = json_object_get(doc, "span"), *trace = json_object_get(doc, "trace");
        bool is_report = strcmp(html_string(doc, "command"), "report") == 0;

        (void)fprintf(f, "<header><h1>%s</h1><div class=\"meta\">", is_report ? "Memory report" : "Memory plan");
        meta(f, "trace", html_string(trace, "path"));
        meta(f, "hash", html_string(trace, "hash"));
        meta(f, "kernel", html_string(host, "kernel"));
        meta_bytes(f, "RAM", host, "mem_total_bytes");
        meta_bytes(f, "swap", host, "swap_total_bytes");
        (void)fputs("<span>page <b>", f);
        html_json(f, host, "page_size");
        (void)fputs("</b></span><span>from <b>", f);
        html_time(f, html_u64(span, "first_real_usec", 0));
        (void)fputs("</b> to <b>", f);
        html_time(f, html_u64(span, "last_real_usec", 0));
        (void)fputs("</b> UTC</span><span>observed <b>", f);
        html_usec(f, html_u64(span, "observed_usec", 0));
        (void)fprintf(f, "</b>, <b>%" PRIu64 "</b> samples, <b>%" PRIu64 "</b> gaps</span>", html_u64(span, "samples", 0),
                      html_u64(span, "n_gaps", 0));
        policy_meta(f, doc);
        (void)fputs("</div></header>", f);
}

static void tile_begin(FILE *f, const char *label, const char *css_class) {
        (void)fprintf(f, "<div class=\"tile\"><div class=\"k\">%s</div><div class=\"v %s\">", label, css_class);
}

static void safe_tile(FILE *f, const json_t *doc) {
        const json_t *ram = json_object_get(doc, "ram"), *safe = json_object_get(ram, "safe");

        if (!json_is_object(ram))
                return;
        tile_begin(f, "Smallest safe RAM", json_is_object(safe) ? "" : "bad");
        if (!json_is_object(safe)) {
                (void)fputs("none</div><div class=\"d\">of the sizes tried</div></div>", f);
                return;
        }
        html_ram_size(f, html_u64(safe, "bytes", 0));
        (void)fputs("</div><div class=\"d\">with margin ", f);
        html_ram_size(f, html_value(safe, "advised", 0));
        (void)fputs(" ", f);
        html_source(f, html_string(safe, "source"));
        (void)fputs("</div></div>", f);
}

static void kill_tile(FILE *f, const json_t *doc) {
        const json_t *kills = json_object_get(doc, "kills");
        uint64_t n = html_u64(kills, "n", 0), kernel = html_u64(kills, "n_kernel", 0);

        tile_begin(f, json_is_true(json_object_get(kills, "is_dry_run")) ? "Would have been killed" : "Kills in the record",
                   n + kernel > 0 ? "bad" : "good");
        (void)fprintf(f, "%" PRIu64 "</div><div class=\"d\">and %" PRIu64 " by the kernel</div></div>", n, kernel);
}

static void pressure_tile(FILE *f, const json_t *doc) {
        const json_t *p = json_object_get(doc, "pressure");

        tile_begin(f, "Worst minute, full stall", "");
        if (!json_is_true(json_object_get(p, "has_psi"))) {
                (void)fputs("-</div><div class=\"d\">no PSI in the trace</div></div>", f);
                return;
        }
        html_share(f, html_value(p, "worst_minute", 0));
        (void)fputs("</div><div class=\"d\">stalled ", f);
        html_usec(f, html_value(p, "full", 0));
        (void)fputs(json_is_true(json_object_get(p, "is_calibrated")) ? " in all</div></div>" : "; not calibrated</div></div>", f);
}

void html_summary(FILE *f, const json_t *doc) {
        const json_t *headroom = json_object_get(doc, "headroom"), *note;
        const json_t *earliest = json_object_get(json_object_get(json_object_get(doc, "forecast"), "earliest"), "exhaustion");
        size_t n;

        (void)fputs("<div class=\"tiles\">", f);
        safe_tile(f, doc);
        tile_begin(f, "Least headroom", "");
        if (json_is_object(headroom)) {
                html_bytes(f, html_value(headroom, "min", 0));
                (void)fputs("</div><div class=\"d\">median ", f);
                html_bytes(f, html_value(headroom, "p50", 0));
        } else
                (void)fputs("-</div><div class=\"d\">not in the trace", f);
        (void)fputs("</div></div>", f);
        kill_tile(f, doc);
        pressure_tile(f, doc);
        tile_begin(f, "Exhausted", json_is_object(earliest) ? "bad" : "good");
        if (json_is_object(earliest)) {
                (void)fputs("in ", f);
                html_usec(f, html_u64(earliest, "usec", 0));
                (void)fputs("</div><div class=\"d\">", f);
                html_usec(f, html_u64(earliest, "low_usec", 0));
                (void)fputs(" to ", f);
                html_usec(f, html_u64(earliest, "high_usec", 0));
                (void)fputs(" ", f);
                html_source(f, html_string(earliest, "source"));
        } else
                (void)fputs("no</div><div class=\"d\">no falling trend at the end", f);
        (void)fputs("</div></div></div><section><h2>How to read this</h2><ul class=\"notes\">", f);
        json_array_foreach(json_object_get(doc, "notes"), n, note) {
                (void)fputs("<li>", f);
                html_text(f, json_string_value(note) ? json_string_value(note) : "");
                (void)fputs("</li>", f);
        }
        (void)fputs("</ul></section>", f);
}

static void host_page(FILE *f, const json_t *doc) {
        host_header(f, doc);
        (void)fputs("<main>", f);
        html_summary(f, doc);
        html_stack(f, doc);
        html_headroom(f, doc);
        html_ram(f, doc);
        html_events(f, doc);
        html_density(f, doc);
        html_cgroups(f, doc);
        (void)fputs("<div class=\"two\">", f);
        html_forecast(f, doc);
        html_commit(f, doc);
        (void)fputs("</div>", f);
        html_advice(f, doc);
        (void)fputs("</main>", f);
}

int html_write(const json_t *doc, FILE *f) {
        head(f, doc);
        if (strcmp(html_string(doc, "kind"), "fleet") == 0)
                html_fleet(f, doc);
        else
                host_page(f, doc);
        (void)fputs("<footer>", f);
        html_text(f, html_string(doc, "program"));
        (void)fputs(". Definitions: headroom-plan(7). Same trace and policy, same page.</footer></body></html>\n", f);
        return ferror(f) ? -EIO : 0;
}

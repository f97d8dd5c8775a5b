/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Text and numbers of the page. Names of cgroups and processes are anybody's: nothing of them may become markup. */

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "plan/html-parts.h"

void html_text(FILE *f, const char *s) {
        for (; *s; s++)
                switch (*s) {
                case '&':
                        (void)fputs("&amp;", f);
                        break;
                case '<':
                        (void)fputs("&lt;", f);
                        break;
                case '>':
                        (void)fputs("&gt;", f);
                        break;
                case '"':
                        (void)fputs("&quot;", f);
                        break;
                case '\'':
                        (void)fputs("&#39;", f);
                        break;
                default:
                        (void)fputc(*s, f);
                }
}

static void unit_text(FILE *f, void (*append)(TextBuf *b, uint64_t value), uint64_t value) {
        char buf[48];
        TextBuf b = TEXT_BUF(buf);

        append(&b, value);
        html_text(f, buf);
}

void html_bytes(FILE *f, uint64_t bytes) {
        unit_text(f, units_append_bytes, bytes);
}

void html_ram_size(FILE *f, uint64_t bytes) {
        if (bytes % (UINT64_C(1) << 30) == 0 || bytes > UINT64_C(100) << 30)
                html_bytes(f, bytes);
        else
                (void)fprintf(f, "%" PRIu64 "M", bytes >> 20);
}

void html_usec(FILE *f, uint64_t usec) {
        unit_text(f, units_append_usec, usec);
}

void html_share(FILE *f, uint64_t permyriad) {
        unit_text(f, units_append_share, permyriad);
}

void html_time(FILE *f, uint64_t real_usec) {
        time_t t = (time_t)(real_usec / USEC_PER_SEC);
        char buf[32];
        struct tm tm;

        if (real_usec == 0 || !gmtime_r(&t, &tm) || strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M:%S", &tm) == 0)
                (void)fputs("-", f);
        else
                (void)fputs(buf, f);
}

uint64_t html_u64(const json_t *o, const char *key, uint64_t otherwise) {
        const json_t *v = json_object_get(o, key);
        return json_is_integer(v) && json_integer_value(v) >= 0 ? (uint64_t)json_integer_value(v) : otherwise;
}

uint64_t html_value(const json_t *number, const char *key, uint64_t otherwise) {
        static const char *const kinds[] = { "bytes", "usec", "permyriad", "n", "percent" };
        const json_t *o = key ? json_object_get(number, key) : number;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (json_object_get(o, kinds[i]))
                        return html_u64(o, kinds[i], otherwise);
        return otherwise;
}

const char *html_string(const json_t *o, const char *key) {
        const char *s = json_string_value(json_object_get(o, key));
        return s ? s : "-";
}

void html_json(FILE *f, const json_t *o, const char *key) {
        const json_t *v = json_object_get(o, key);

        if (json_is_integer(v))
                (void)fprintf(f, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        else
                html_text(f, html_string(o, key));
}

void html_json_bytes(FILE *f, const json_t *o, const char *key) {
        uint64_t v = html_u64(o, key, UINT64_MAX);

        if (v == UINT64_MAX)
                (void)fputs("-", f);
        else
                html_bytes(f, v);
}

void html_source(FILE *f, const char *source) {
        static const char *const known[] = { "measured", "replayed", "estimated", "modelled", "low" };

        for (size_t i = 0; i < ARRAY_SIZE(known); i++)
                if (strcmp(known[i], source) == 0)
                        (void)fprintf(f, "<span class=\"src %s\">%s</span>", source,
                                      strcmp(source, "low") == 0 ? "low confidence" : source);
}

void html_number(FILE *f, const json_t *number) {
        const char *source = html_string(number, "source");
        uint64_t v;

        if ((v = html_u64(number, "bytes", UINT64_MAX)) != UINT64_MAX)
                html_bytes(f, v);
        else if ((v = html_u64(number, "usec", UINT64_MAX)) != UINT64_MAX)
                html_usec(f, v);
        else if ((v = html_u64(number, "permyriad", UINT64_MAX)) != UINT64_MAX)
                html_share(f, v);
        else if ((v = html_u64(number, "n", UINT64_MAX)) != UINT64_MAX)
                (void)fprintf(f, "%" PRIu64, v);
        else if ((v = html_u64(number, "percent", UINT64_MAX)) != UINT64_MAX)
                (void)fprintf(f, "%" PRIu64, v);
        else {
                (void)fputs("-", f);
                return;
        }
        if (strcmp(source, "measured") != 0) {
                (void)fputc(' ', f);
                html_source(f, source);
        }
}

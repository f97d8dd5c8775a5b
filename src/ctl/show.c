/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/show.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "ctl/table.h"

const char *show_string(const json_t *o, const char *key) {
        const char *s = json_string_value(json_object_get(o, key));
        return s ? s : "-";
}

int64_t show_int(const json_t *o, const char *key, int64_t otherwise) {
        const json_t *v = json_object_get(o, key);
        return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

void show_append(TextBuf *b, const json_t *o, const char *key, void (*append)(TextBuf *b, uint64_t value)) {
        const json_t *v = json_object_get(o, key);
        if (json_is_integer(v) && json_integer_value(v) >= 0)
                append(b, (uint64_t)json_integer_value(v));
        else
                text_append(b, "-");
}

const char *show_value(char *buf, size_t size, const json_t *o, const char *key,
                       void (*append)(TextBuf *b, uint64_t value)) {
        TextBuf b = { .data = buf, .size = size };
        text_append(&b, "");
        show_append(&b, o, key, append);
        return buf;
}

const char *show_time(char *buf, size_t size, const json_t *o, const char *key) {
        int64_t usec = show_int(o, key, -1);
        time_t t = (time_t)(usec / (int64_t)USEC_PER_SEC);
        struct tm tm;

        if (usec < 0 || !localtime_r(&t, &tm) || strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                return "-";
        return buf;
}

void show_json(const Invocation *i, const json_t *answer) {
        (void)json_dumpf(answer, i->out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        (void)fputc('\n', i->out);
}

void show_condition(const Invocation *i, const json_t *condition) {
        const json_t *terms = json_object_get(condition, "terms"), *t;
        char held[32];
        size_t n;

        (void)fprintf(i->out, "Condition of [Kill] is %s\n", show_string(condition, "truth"));
        json_array_foreach(terms, n, t) {
                const char *truth = show_string(t, "truth");
                Color color = strcmp(truth, "true") == 0    ? COLOR_RED
                              : strcmp(truth, "false") == 0 ? COLOR_GREEN
                                                            : COLOR_YELLOW;
                (void)fprintf(i->out, "%s %s%-7s%s  %s", json_is_true(json_object_get(t, "decisive")) ? " >" : "  ",
                              color_begin(color, i->color), truth, color_end(color, i->color), show_string(t, "text"));
                if (show_int(t, "for_usec", 0) > 0)
                        (void)fprintf(i->out, " (held %s so far)",
                                      show_value(held, sizeof(held), t, "held_usec", units_append_usec));
                (void)fputc('\n', i->out);
        }
}

static void add_growth(Table *table, const json_t *c) {
        char buf[64];
        TextBuf b = TEXT_BUF(buf);

        text_append(&b, "");
        show_append(&b, c, "growth_bytes", units_append_bytes);
        if (show_int(c, "growth_span_usec", 0) > 0) {
                text_append(&b, " in ");
                show_append(&b, c, "growth_span_usec", units_append_usec);
        }
        table_add(table, COLOR_NONE, buf);
}

void show_candidates(const Invocation *i, const json_t *candidates, bool rejected) {
        static const char *const headings[] = { ">#",     "VICTIM", "TIER",  ">SCORE", ">ADJ",
                                                ">RULES", ">FREES", ">GREW", "RULE",   NULL };
        static const char *const headings_rejected[] = { "PROCESS", "WHY NOT", "TIER", ">SIZE", ">ADJ", "RULE", NULL };
        _cleanup_(table_freep) Table *table = table_new(rejected ? headings_rejected : headings);
        const json_t *c;
        char buf[32];
        size_t n;

        if (!table || json_array_size(candidates) == 0) {
                (void)fprintf(i->out, "  none\n");
                return;
        }
        json_array_foreach(candidates, n, c) {
                if (!rejected)
                        table_addf(table, COLOR_NONE, "%zu", n + 1);
                table_add(table, !rejected && n == 0 ? COLOR_BOLD : COLOR_NONE, show_string(c, "name"));
                if (rejected)
                        table_add(table, COLOR_YELLOW, show_string(c, "reject"));
                table_add(table, COLOR_NONE, show_string(c, "tier"));
                table_addf(table, COLOR_NONE, "%" PRId64, show_int(c, rejected ? "size_pages" : "score_pages", 0));
                table_addf(table, COLOR_NONE, "%" PRId64, show_int(c, "oom_score_adj", 0));
                if (!rejected) {
                        table_addf(table, COLOR_NONE, "%" PRId64, show_int(c, "rule_adjust", 0));
                        table_add(table, COLOR_NONE,
                                  show_value(buf, sizeof(buf), c, "freeable_bytes", units_append_bytes));
                        add_growth(table, c);
                }
                table_add(table, COLOR_NONE, show_string(c, "rule"));
        }
        table_print(table, i->out, i->color);
}

void show_candidate_terms(const Invocation *i, const json_t *c) {
        char buf[64];

        (void)fprintf(i->out, "  size           %" PRId64 " pages (resident, swap and page tables)\n",
                      show_int(c, "size_pages", 0));
        (void)fprintf(i->out, "  oom_score_adj  %" PRId64 "\n", show_int(c, "oom_score_adj", 0));
        (void)fprintf(i->out, "  oom_badness    %" PRId64 " pages\n", show_int(c, "badness_pages", 0));
        (void)fprintf(i->out, "  rules          %+" PRId64 " (%s)\n", show_int(c, "rule_adjust", 0),
                      show_string(c, "rule"));
        (void)fprintf(i->out, "  score          %" PRId64 " pages\n", show_int(c, "score_pages", 0));
        (void)fprintf(i->out, "  tier           %s\n", show_string(c, "tier"));
        (void)fprintf(i->out, "  would free     %s\n",
                      show_value(buf, sizeof(buf), c, "freeable_bytes", units_append_bytes));
        (void)fprintf(i->out, "  grew           %s",
                      show_value(buf, sizeof(buf), c, "growth_bytes", units_append_bytes));
        (void)fprintf(i->out, " in %s", show_value(buf, sizeof(buf), c, "growth_span_usec", units_append_usec));
        (void)fprintf(i->out, ", %s of all growth\n",
                      show_value(buf, sizeof(buf), c, "growth_share_permyriad", units_append_share));
        if (json_is_true(json_object_get(c, "protected")))
                (void)fprintf(i->out, "  protected      its cgroup is within memory.min or memory.low\n");
}

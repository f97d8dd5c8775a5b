/* SPDX-License-Identifier: GPL-2.0-or-later */

/* headroomctl explain and history */

#include <inttypes.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/show.h"
#include "ctl/table.h"

static void show_process(const Invocation *i, const json_t *p) {
        static const struct {
                const char *key, *text;
        } terms[] = {
                { "rss_anon_pages", "anonymous memory" },
                { "rss_file_pages", "file pages" },
                { "rss_shmem_pages", "shared memory" },
                { "swap_pages", "swap" },
                { "page_table_pages", "page tables" },
                { "oom_score_adj_pages", "oom_score_adj" },
                { "badness_pages", "= oom_badness" },
                { "rule_adjust_pages", "rules" },
                { "score_pages", "= score" },
        };
        const json_t *score = json_object_get(p, "score");

        (void)fprintf(i->out, "%s (pid %" PRId64 ", uid %" PRId64 ", %s): %s\n", show_string(p, "comm"),
                      show_int(p, "pid", 0), show_int(p, "uid", 0), show_string(p, "cgroup"),
                      show_string(p, "standing"));
        if (show_int(p, "standing_rank", 0) > 0)
                (void)fprintf(i->out, "  rank              %10" PRId64 "\n", show_int(p, "standing_rank", 0));
        for (size_t t = 0; t < ARRAY_SIZE(terms); t++) {
                if (!json_is_integer(json_object_get(score, terms[t].key)))
                        continue;
                (void)fprintf(i->out, "  %-16s  %10" PRId64 " pages", terms[t].text, show_int(score, terms[t].key, 0));
                int64_t written = show_int(score, "kernel_adjust", 0);
                if (strcmp(terms[t].key, "oom_score_adj_pages") == 0) {
                        (void)fprintf(i->out, "  (%" PRId64 " x %" PRId64, show_int(score, "oom_score_adj", 0),
                                      show_int(score, "adj_unit_pages", 0));
                        if (written != 0)
                                (void)fprintf(i->out, ", of that %+" PRId64 " by rules with ApplyToKernel=", written);
                        (void)fputc(')', i->out);
                }
                if (strcmp(terms[t].key, "rule_adjust_pages") == 0)
                        (void)fprintf(i->out, "  (%+" PRId64 " x %" PRId64 ", rule %s)",
                                      show_int(score, "rule_adjust", 0) - written,
                                      show_int(score, "adj_unit_pages", 0), show_string(score, "rule"));
                (void)fputc('\n', i->out);
        }
        (void)fprintf(i->out, "  %-16s  %10s\n", "tier", show_string(p, "tier"));
        if (json_is_string(json_object_get(score, "never")))
                (void)fprintf(i->out, "  never a victim: %s\n", show_string(score, "never"));
        (void)fputc('\n', i->out);
}

static void show_domain(const Invocation *i, const json_t *answer) {
        const json_t *d = json_object_get(answer, "domain");
        char a[32], b[32];

        (void)fprintf(i->out, "%s, watched by policy %s: level %s, available %s, swap free %s\n",
                      show_string(d, "cgroup"), show_string(d, "policy"), show_string(d, "level"),
                      show_value(a, sizeof(a), d, "available_bytes", units_append_bytes),
                      show_value(b, sizeof(b), d, "swap_free_bytes", units_append_bytes));
        show_condition(i, json_object_get(answer, "condition"));
        (void)fprintf(i->out,
                      "\nWould go first, if it were in trouble now (by %s, of %" PRId64 " considered; pages of %" PRId64
                      " bytes):\n",
                      show_string(answer, "rank"), show_int(answer, "n_considered", 0),
                      show_int(answer, "page_size", 0));
        show_candidates(i, json_object_get(answer, "candidates"), /* rejected= */ false);
        (void)fprintf(i->out, "\nPassed over:\n");
        show_candidates(i, json_object_get(answer, "rejected"), /* rejected= */ true);
}

static void show_outcome(const Invocation *i, const json_t *k) {
        char a[32], b[32], c[32], d[32];

        (void)fprintf(i->out, "Outcome: %s", show_string(k, "outcome"));
        if (json_is_integer(json_object_get(k, "took_usec")))
                (void)fprintf(i->out, " after %s", show_value(a, sizeof(a), k, "took_usec", units_append_usec));
        if (json_is_integer(json_object_get(k, "freed_bytes")))
                (void)fprintf(i->out, ", %s came back (available %s -> %s)",
                              show_value(b, sizeof(b), k, "freed_bytes", units_append_bytes),
                              show_value(c, sizeof(c), k, "before_bytes", units_append_bytes),
                              show_value(d, sizeof(d), k, "after_bytes", units_append_bytes));
        (void)fprintf(i->out, "; signalled %s after the sample began\n",
                      show_value(a, sizeof(a), k, "latency_usec", units_append_usec));
}

static void show_kill(const Invocation *i, const json_t *k) {
        char buf[32];

        (void)fprintf(i->out, "%s  %s\n\n", show_time(buf, sizeof(buf), k, "real_usec"), show_string(k, "text"));
        (void)fprintf(i->out, "Domain %s, policy %s, reason %s, missing %s\n", show_string(k, "domain"),
                      show_string(k, "policy"), show_string(k, "reason"),
                      show_value(buf, sizeof(buf), k, "deficit_bytes", units_append_bytes));
        show_condition(i, json_object_get(k, "condition"));
        show_outcome(i, k);
        const json_t *victim = json_object_get(k, "victim");
        if (json_is_object(victim)) {
                (void)fprintf(i->out, "\n%s, chosen by %s:\n", show_string(victim, "name"), show_string(k, "rank"));
                show_candidate_terms(i, victim);
        }
        (void)fprintf(i->out, "\nRanking at that moment, of %" PRId64 " considered:\n", show_int(k, "n_considered", 0));
        show_candidates(i, json_object_get(k, "candidates"), /* rejected= */ false);
        (void)fprintf(i->out, "\nPassed over:\n");
        show_candidates(i, json_object_get(k, "rejected"), /* rejected= */ true);
}

CtlExit command_explain(const Invocation *i) {
        json_t *answer;

        CtlExit r = client_ask(json_pack("{s:s, s:s}", "verb", "explain", "target", i->args[0]), &answer);
        if (r != CTL_EXIT_OK)
                return r;
        const char *kind = show_string(answer, "kind");
        if (i->format == FORMAT_JSON)
                show_json(i, answer);
        else if (strcmp(kind, "kill") == 0)
                show_kill(i, json_object_get(answer, "kill"));
        else {
                if (strcmp(kind, "process") == 0)
                        show_process(i, json_object_get(answer, "process"));
                show_domain(i, answer);
        }
        json_decref(answer);
        return CTL_EXIT_OK;
}

static void show_runners_up(const Invocation *i, const json_t *k) {
        const json_t *c;
        size_t n;

        json_array_foreach(json_object_get(k, "candidates"), n, c)
                if (n > 0 && n <= 2)
                        (void)fprintf(i->out, "    then %s\n", show_string(c, "name"));
        json_array_foreach(json_object_get(k, "rejected"), n, c)
                if (n < 2)
                        (void)fprintf(i->out, "    not %s: %s\n", show_string(c, "name"), show_string(c, "reject"));
}

CtlExit command_history(const Invocation *i) {
        const json_t *k;
        json_t *answer;
        char buf[32];
        size_t n;

        CtlExit r = client_ask(json_pack("{s:s, s:i}", "verb", "history", "max", 64), &answer);
        if (r != CTL_EXIT_OK)
                return r;
        if (i->format == FORMAT_JSON)
                show_json(i, answer);
        else {
                const json_t *kills = json_object_get(answer, "kills");
                json_array_foreach(kills, n, k) {
                        (void)fprintf(i->out, "%s  %s\n    ", show_time(buf, sizeof(buf), k, "real_usec"),
                                      show_string(k, "text"));
                        show_outcome(i, k);
                        show_runners_up(i, k);
                }
                if (json_array_size(kills) == 0)
                        (void)fprintf(i->out, "nothing has been killed since the daemon started\n");
        }
        json_decref(answer);
        return CTL_EXIT_OK;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The result for people. First whether the recorded decisions come out again; then, of another policy, what would
 * be different and by which comparison, and which of it is exact. Times are UTC, so that the same trace prints the same
 * anywhere.
 */

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "base/units.h"
#include "plan/replay.h"
#include "report/condition.h"
#include "report/line.h"

/* A line with two conditions of a dozen comparisons each, every byte of the names escaped. */
#define LINE_BYTES 8192

static void append_time(TextBuf *b, uint64_t real_usec) {
        time_t t = (time_t)(real_usec / USEC_PER_SEC);
        struct tm tm;
        char text[48];

        if (real_usec == 0 || !gmtime_r(&t, &tm) || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0)
                text_append(b, "-");
        else
                text_appendf(b, "%s.%03u UTC", text, (unsigned)(real_usec / 1000 % 1000));
}

static void append_victim(TextBuf *b, const ReplayKill *k) {
        if (k->decision && k->decision->n_candidates > 0) {
                line_append_victim(b, &k->decision->candidates[0]);
                return;
        }
        Candidate c = { .kind = k->kill.victim_kind, .pid = k->kill.pid, .start_ticks = k->kill.start_ticks,
                        .cgroup_id = k->kill.cgroup_id, .n_processes = k->kill.n_processes };
        memcpy(c.comm, k->kill.comm, sizeof(c.comm));
        memcpy(c.cgroup_path, k->kill.cgroup_path, sizeof(c.cgroup_path));
        line_append_victim(b, &c);
}

static void append_own(TextBuf *b, const ReplayKill *k) {
        const char *step = step_to_string(k->kill.step);

        text_appendf(b, "%s, ", step ? step : "?");
        line_append_reason(b, k->kill.reason, k->kill.domain_path);
        if (k->decision) {
                text_append(b, ": ");
                condition_append(b, &k->decision->condition);
        } else if (k->kill.available_bytes != UINT64_MAX) {
                text_append(b, ", available ");
                units_append_bytes(b, k->kill.available_bytes);
        }
        text_append(b, " (");
        text_append_escaped(b, k->kill.policy_name);
        text_append(b, ".conf)");
}

/* Why the other side did not kill at this moment. */
static void append_view(TextBuf *b, const ReplayView *v) {
        const char *hold = v->hold != HOLD_NONE ? hold_to_string(v->hold) : NULL;

        if (!v->is_known) {
                text_append(b, "does not watch it, or is not known at this moment");
                return;
        }
        if (hold) {
                text_appendf(b, "held back (%s): ", hold);
                condition_append(b, &v->condition);
                return;
        }
        text_append(b, v->condition.truth == TRUTH_TRUE      ? "true there as well: "
                       : v->condition.truth == TRUTH_UNKNOWN ? "cannot be told there: "
                       : v->condition.n_terms == 0           ? "has no condition for a kill there"
                                                             : "not true there: ");
        condition_append(b, &v->condition);
}

static const Candidate *find_victim(const KillDecision *k, const TraceKill *victim, bool *ret_rejected, uint32_t *ret_at) {
        for (uint32_t i = 0; i < MIN(k->n_candidates, (uint32_t)CANDIDATES_MAX); i++)
                if (k->candidates[i].pid == victim->pid && k->candidates[i].start_ticks == victim->start_ticks) {
                        *ret_rejected = false;
                        *ret_at = i;
                        return &k->candidates[i];
                }
        for (uint32_t i = 0; i < MIN(k->n_rejected, (uint32_t)CANDIDATES_MAX); i++)
                if (k->rejected[i].pid == victim->pid && k->rejected[i].start_ticks == victim->start_ticks) {
                        *ret_rejected = true;
                        return &k->rejected[i];
                }
        return NULL;
}

/* How this side saw the other one's victim. */
static void append_rank(TextBuf *b, const ReplayKill *side, const TraceKill *others_victim) {
        bool is_rejected = false;
        uint32_t at = 0;

        if (!side->decision)
                return;
        const Candidate *c = find_victim(side->decision, others_victim, &is_rejected, &at);
        const char *rank = rank_to_string(side->decision->rank);
        text_appendf(b, "ranked by %s; ", rank ? rank : "?");
        text_append_escaped(b, others_victim->comm);
        if (!c)
                text_append(b, " is not among its first candidates");
        else if (is_rejected) {
                const char *why = reject_to_string(c->reject);
                text_appendf(b, " is passed over: %s", why ? why : "?");
        } else {
                const char *tier = tier_to_string(c->tier);
                text_appendf(b, " comes %" PRIu32 ". (tier %s, badness %" PRId64 " pages, %" PRIu32 ".%02" PRIu32 "%% of the growth)",
                             at + 1, tier ? tier : "?", c->score_pages, c->growth_share / 100, c->growth_share % 100);
        }
}

static void print_line(FILE *f, const TextBuf *b) {
        (void)fprintf(f, "%s\n", b->data);
}

static void append_moved(TextBuf *b, const ReplayDiff *d) {
        uint64_t by = (uint64_t)(d->moved_usec < 0 ? -d->moved_usec : d->moved_usec);

        if (d->moved_usec == 0) {
                const char *was = step_to_string(d->recorded->kill.step), *is = step_to_string(d->other->kill.step);
                text_appendf(b, " by %s instead of %s", is ? is : "?", was ? was : "?");
                return;
        }
        text_append(b, " ");
        units_append_usec(b, by);
        text_append(b, d->moved_usec < 0 ? " earlier" : " later");
}

static void print_side(FILE *f, const char *label, const ReplayKill *k, const ReplayKill *other) {
        char buf[LINE_BYTES];
        TextBuf b = TEXT_BUF(buf);

        text_append(&b, "");
        text_appendf(&b, "    %-9s ", label);
        append_own(&b, k);
        print_line(f, &b);
        if (!other)
                return;
        b = TEXT_BUF(buf);
        text_append(&b, "");
        text_appendf(&b, "    %-9s ", "");
        append_rank(&b, k, &other->kill);
        if (b.len > 14)
                print_line(f, &b);
}

static void print_view(FILE *f, const char *label, const ReplayView *v) {
        char buf[LINE_BYTES];
        TextBuf b = TEXT_BUF(buf);

        text_append(&b, "");
        text_appendf(&b, "    %-9s ", label);
        append_view(&b, v);
        print_line(f, &b);
}

static void print_diff(FILE *f, const ReplayDiff *d) {
        static const char *const words[] = {
                [REPLAY_SAME] = "same   ",   [REPLAY_APPEARS] = "appears", [REPLAY_VANISHES] = "vanishes",
                [REPLAY_MOVES] = "moves  ", [REPLAY_OTHER_VICTIM] = "other victim",
        };
        const ReplayKill *k = d->recorded ? d->recorded : d->other;
        char buf[LINE_BYTES];
        TextBuf b = TEXT_BUF(buf);

        text_append(&b, "");
        append_time(&b, k->real_usec);
        text_appendf(&b, "  %s  ", words[d->change]);
        append_victim(&b, k);
        if (d->change == REPLAY_MOVES)
                append_moved(&b, d);
        if (d->change == REPLAY_OTHER_VICTIM) {
                text_append(&b, " -> ");
                append_victim(&b, d->other);
        }
        if (d->is_counterfactual)
                text_append(&b, " [counterfactual]");
        print_line(f, &b);
        if (d->change == REPLAY_SAME)
                return;
        bool is_both = d->recorded && d->other, is_victim = d->change == REPLAY_OTHER_VICTIM;
        if (d->recorded)
                print_side(f, "recorded:", d->recorded, is_victim ? d->other : NULL);
        else
                print_view(f, "recorded:", &d->other->other);
        if (d->other)
                print_side(f, "other:", d->other, is_victim ? d->recorded : NULL);
        else
                print_view(f, "other:", &d->recorded->other);
        /* what it found at the time of the recorded kill, which it let pass */
        if (is_both && !is_victim && d->moved_usec > 0)
                print_view(f, "before:", &d->recorded->other);
}

static void print_counts(FILE *f, const ReplayResult *r) {
        static const char *const words[_LEVEL_MAX] = { [LEVEL_WARN] = "warn", [LEVEL_RELIEVE] = "relieve", [LEVEL_KILL] = "kill" };

        (void)fprintf(f, "%-22s %10s %10s\n", "", "recorded", "other");
        for (Level l = LEVEL_WARN; l < _LEVEL_MAX; l++)
                (void)fprintf(f, "raised to %-12s %10" PRIu64 " %10" PRIu64 "\n", words[l], r->recorded.n_raised[l],
                              r->other.n_raised[l]);
        for (Step s = STEP_TRIM; s < STEP_TERMINATE; s++)
                if (r->recorded.n_measures[s] + r->other.n_measures[s] > 0)
                        (void)fprintf(f, "%-22s %10" PRIu64 " %10" PRIu64 "\n", step_to_string(s), r->recorded.n_measures[s],
                                      r->other.n_measures[s]);
        (void)fprintf(f, "%-22s %10" PRIu64 " %10" PRIu64 "\n", "kills", r->recorded.n_kills - r->recorded.n_cancelled,
                      r->other.n_kills - r->other.n_cancelled);
}

static void print_notes(FILE *f, const ReplayResult *r) {
        char buf[512];
        TextBuf b = TEXT_BUF(buf);

        if (r->has_diverged) {
                text_append(&b, "exact up to ");
                append_time(&b, r->diverged_real_usec);
                text_append(&b, ", the first kill that one side has and the other has not; what comes later is counterfactual: "
                                "the samples show what the recorded policy made of the host.");
                print_line(f, &b);
        }
        if (r->n_change[REPLAY_APPEARS] + r->n_change[REPLAY_MOVES] + r->n_change[REPLAY_OTHER_VICTIM] > 0)
                (void)fprintf(f, "kills that did not happen are carried out virtually: their memory counts as free from then on.\n");
        if (r->n_change[REPLAY_VANISHES] > 0)
                (void)fprintf(f, "where a recorded kill vanishes, what its victim would have wanted later is not in the trace: "
                                 "a kill that would have come later cannot be seen (headroomctl plan models it).\n");
        if (r->n_synthesised > 0) {
                b = TEXT_BUF(buf);
                text_appendf(&b, "details that the recorder did not take were made up from older samples %" PRIu64 " times, at most ",
                             r->n_synthesised);
                units_append_usec(&b, r->age_max_usec);
                text_append(&b, " old.");
                print_line(f, &b);
        }
        if (r->n_watched_coarsely > 0)
                (void)fprintf(f, "%" PRIu64 " cgroups are watched by the other policy only: their pressure was seen in the detailed "
                                 "samples alone.\n", r->n_watched_coarsely);
        for (uint32_t i = 0; i < r->n_missing; i++) {
                b = TEXT_BUF(buf);
                text_append(&b, "rule ");
                text_append_escaped(&b, r->missing[i].rule);
                text_appendf(&b, ": looks at %s=, which was not recorded of %" PRIu64 " of %" PRIu64 " process samples: it matches none of them.",
                             r->missing[i].field == RULE_EXE ? "Exe" : "Cmdline", r->missing[i].n, r->missing[i].n_asked);
                print_line(f, &b);
        }
}

static void print_head(FILE *f, const ReplayResult *r) {
        char buf[512];
        TextBuf b = TEXT_BUF(buf);

        text_append(&b, "trace: ");
        append_time(&b, r->first_real_usec);
        text_append(&b, " to ");
        append_time(&b, r->last_real_usec);
        text_append(&b, ", ");
        units_append_usec(&b, r->span_usec);
        text_appendf(&b, " seen, %" PRIu64 " samples, %" PRIu64 " %s, %" PRIu64 " %s, kernel ", r->n_samples, r->n_boots,
                     r->n_boots == 1 ? "boot" : "boots", r->n_gaps, r->n_gaps == 1 ? "gap" : "gaps");
        text_append_escaped(&b, r->kernel[0] ? r->kernel : "unknown");
        text_append(&b, ", recorded by headroom ");
        text_append_escaped(&b, r->recorder[0] ? r->recorder : "unknown");
        print_line(f, &b);
}

static void print_same(FILE *f, const ReplayResult *r) {
        char buf[1024];
        TextBuf b = TEXT_BUF(buf);

        if (!r->has_decisions) {
                (void)fprintf(f, "recorded policy: none was in force, there are no decisions to compare\n");
                return;
        }
        text_appendf(&b, "recorded policy %016" PRIx64 ": ", r->recorded_hash);
        if (r->n_compared == 0)
                text_append(&b, "no decision could be compared");
        else if (r->n_differ == 0)
                text_appendf(&b, "%" PRIu64 " decisions, all identical", r->n_compared);
        else
                text_appendf(&b, "%" PRIu64 " of %" PRIu64 " decisions DIFFER", r->n_differ, r->n_compared);
        text_appendf(&b, ", %" PRIu64 " kills", r->recorded.n_kills - r->recorded.n_cancelled);
        if (r->n_open > 0) {
                text_appendf(&b, "; %" PRIu64 " more not compared: ", r->n_open);
                text_append(&b, r->open[0] ? r->open : "?");
        }
        print_line(f, &b);
        if (!r->has_first)
                return;
        b = TEXT_BUF(buf);
        text_append(&b, "first difference: ");
        append_time(&b, r->first.real_usec);
        text_appendf(&b, ", decision %" PRIu64 ", offset %" PRIu64 ": %s", r->first.seq, r->first.offset, r->first.text);
        print_line(f, &b);
}

void replay_print(const ReplayResult *r, bool verbose, FILE *f) {
        print_head(f, r);
        print_same(f, r);
        if (!r->has_other)
                return;
        (void)fprintf(f,
                      "other policy %016" PRIx64 ": %" PRIu64 " kills the same, %" PRIu64 " appear, %" PRIu64 " vanish, %" PRIu64
                      " move, %" PRIu64 " with another victim\n\n",
                      r->other_hash, r->n_change[REPLAY_SAME], r->n_change[REPLAY_APPEARS], r->n_change[REPLAY_VANISHES],
                      r->n_change[REPLAY_MOVES], r->n_change[REPLAY_OTHER_VICTIM]);
        for (uint32_t i = 0; i < r->n_diffs; i++)
                if (verbose || r->diffs[i].change != REPLAY_SAME)
                        print_diff(f, &r->diffs[i]);
        if (replay_result_differs(r))
                (void)fprintf(f, "\n");
        print_counts(f, r);
        print_notes(f, r);
}

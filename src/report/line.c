/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The order in a line is that of the questions a reader has: who died, how, why (the condition with its
 * values), why this one, what it brings, who would have been next.
 */

#include "report/line.h"

#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "report/condition.h"

static const char *last_component(const char *path) {
        const char *slash = strrchr(path, '/');
        return slash && slash[1] ? slash + 1 : path;
}

void line_append_domain(TextBuf *b, const char *domain_path) {
        if (strcmp(domain_path, "/") == 0 || domain_path[0] == '\0')
                text_append(b, "host");
        else
                text_append_escaped(b, domain_path);
}

void line_append_victim(TextBuf *b, const Candidate *c) {
        switch (c->kind) {
        case CANDIDATE_CGROUP:
                text_append(b, "cgroup ");
                text_append_escaped(b, c->cgroup_path);
                text_appendf(b, " (%" PRIu32 " processes, biggest ", c->n_processes);
                text_append_escaped(b, c->comm);
                text_appendf(b, " pid %" PRId32 ")", c->pid);
                return;
        case CANDIDATE_GROUP:
                text_appendf(b, "%" PRIu32 " processes of group %" PRId32 " (biggest ", c->n_processes, c->pgid);
                text_append_escaped(b, c->comm);
                text_appendf(b, " pid %" PRId32, c->pid);
                break;
        case CANDIDATE_PROCESS:
        case _CANDIDATE_KIND_MAX:
                text_append_escaped(b, c->comm);
                text_appendf(b, " (pid %" PRId32 ", uid %" PRIu32, c->pid, c->uid);
                break;
        }
        if (c->cgroup_path[0] && strcmp(c->cgroup_path, "/") != 0) {
                text_append(b, ", ");
                text_append_escaped(b, last_component(c->cgroup_path));
        }
        text_append(b, ")");
}

void line_append_reason(TextBuf *b, Reason reason, const char *domain_path) {
        switch (reason) {
        case REASON_HOST_MEMORY_LOW:
                text_append(b, "host memory low");
                return;
        case REASON_HOST_EXHAUSTION:
                text_append(b, "host memory about to run out");
                return;
        case REASON_HOST_PRESSURE:
                text_append(b, "host stalls on memory");
                return;
        case REASON_CGROUP_OWN_LIMIT:
                line_append_domain(b, domain_path);
                text_append(b, " is against its own memory limit, the host is not short");
                return;
        case REASON_CGROUP_MEMORY_LOW:
                line_append_domain(b, domain_path);
                text_append(b, " runs out of the memory it may have");
                return;
        case REASON_CGROUP_PRESSURE:
                line_append_domain(b, domain_path);
                text_append(b, " stalls for want of the host's memory");
                return;
        case REASON_OTHER_CONDITION:
        case _REASON_MAX:
        case _REASON_INVALID:
                break;
        }
        text_append(b, "condition met of ");
        line_append_domain(b, domain_path);
}

static void append_pages(TextBuf *b, int64_t pages) {
        text_appendf(b, "%" PRId64 " pages", pages);
}

/* Why this one: the term that the rank which decided sorts by. */
static void append_why(TextBuf *b, const Candidate *c, Rank rank) {
        switch (rank) {
        case RANK_GROWTH:
                if (!c->has_growth)
                        break;
                text_append(b, "it grew ");
                units_append_bytes(b, c->growth_bytes);
                text_append(b, " in the last ");
                units_append_usec(b, c->growth_span_usec);
                text_append(b, " (");
                units_append_share(b, c->growth_share / 100 * 100);
                text_append(b, " of all growth)");
                return;
        case RANK_PRESSURE:
                text_append(b, "its cgroup stalls most");
                return;
        case RANK_SWAP:
                text_append(b, "it holds the most swap");
                return;
        case RANK_SCAN:
                text_append(b, "its cgroup is scanned most by reclaim");
                return;
        case RANK_AUTO:
        case RANK_BADNESS:
        case _RANK_MAX:
        case _RANK_INVALID:
                break;
        }
        text_append(b, "the highest score, ");
        append_pages(b, c->score_pages);
}

static void append_term_if(TextBuf *b, bool is, const char *text) {
        if (is)
                text_append(b, text);
}

void line_append_candidate(TextBuf *b, const Candidate *c) {
        const char *tier = tier_to_string(c->tier), *reject = reject_to_string(c->reject);

        line_append_victim(b, c);
        text_append(b, ": frees ");
        units_append_bytes(b, c->freeable_bytes);
        text_append(b, ", score ");
        append_pages(b, c->score_pages);
        if (c->has_growth && c->growth_bytes > 0) {
                text_append(b, ", grew ");
                units_append_bytes(b, c->growth_bytes);
                text_append(b, " in ");
                units_append_usec(b, c->growth_span_usec);
        }
        if (c->oom_score_adj != 0)
                text_appendf(b, ", oom_score_adj %" PRId32, c->oom_score_adj);
        if (c->kernel_adjust != 0)
                text_appendf(b, " (of that rules %+" PRId32 ")", c->kernel_adjust);
        if (c->rule_adjust != c->kernel_adjust)
                text_appendf(b, ", rules %+" PRId32, c->rule_adjust - c->kernel_adjust);
        if (c->tier != TIER_NORMAL && tier)
                text_appendf(b, ", tier %s", tier);
        append_term_if(b, c->is_protected, ", within its memory.min or memory.low");
        if (c->reject != REJECT_NONE && reject)
                text_appendf(b, ", not chosen: %s", reject);
}

static void append_attempts(TextBuf *b, const KillRecord *r) {
        for (uint32_t i = 0; i < MIN(r->n_attempts, (uint32_t)CANDIDATES_MAX); i++) {
                const RecordAttempt *a = &r->attempts[i];
                if (a->error == 0 || a->candidate >= MIN(r->decision.n_candidates, (uint32_t)CANDIDATES_MAX))
                        continue;
                const Candidate *c = &r->decision.candidates[a->candidate];
                text_append(b, "; passed over ");
                text_append_escaped(b, c->comm);
                text_appendf(b, " (pid %" PRId32 "): %s", c->pid, strerrordesc_np(-a->error));
        }
}

static void append_next(TextBuf *b, const KillRecord *r) {
        uint32_t n = MIN(r->decision.n_candidates, (uint32_t)CANDIDATES_MAX);
        uint32_t next = (r->victim < n ? r->victim : 0) + 1;

        text_append(b, "; next: ");
        if (next >= n) {
                text_append(b, "nobody");
                return;
        }
        const Candidate *c = &r->decision.candidates[next];
        line_append_victim(b, c);
        text_append(b, ", frees ");
        units_append_bytes(b, c->freeable_bytes);
}

static void append_deed(TextBuf *b, const KillRecord *r, const Candidate *c) {
        const KillDecision *k = &r->decision;
        bool is_kill = k->step == STEP_KILL;

        if (r->is_virtual)
                text_append(b, is_kill ? "[dry-run] would kill " : "[dry-run] would terminate ");
        else
                text_append(b, is_kill ? "killed " : "terminating ");
        line_append_victim(b, c);
        if (is_kill && c->kind == CANDIDATE_CGROUP && r->n_signalled == 0)
                text_append(b, " with cgroup.kill");
        else
                text_append(b, is_kill ? " with SIGKILL" : " with SIGTERM");
        if (k->is_escalation)
                text_append(b, ", since SIGTERM did not end it in time");
}

void line_append_kill(TextBuf *b, const KillRecord *r) {
        const KillDecision *k = &r->decision;
        const Candidate *c = kill_record_victim(r);

        if (!c || r->error < 0 || r->outcome == KILL_FAILED) {
                text_append(b, r->is_virtual ? "[dry-run] could not have killed anybody in "
                                             : "could not kill anybody in ");
                line_append_domain(b, k->domain_path);
                if (r->error < 0)
                        text_appendf(b, " (%s)", strerrordesc_np(-r->error));
        } else
                append_deed(b, r, c);
        text_append(b, ": ");
        line_append_reason(b, k->reason, k->domain_path);
        text_append(b, ": ");
        condition_append(b, &k->condition);
        append_attempts(b, r);
        if (!c || r->error < 0 || r->outcome == KILL_FAILED)
                return;
        text_append(b, "; ");
        append_why(b, c, k->rank);
        text_append(b, ", frees ");
        units_append_bytes(b, c->freeable_bytes);
        append_next(b, r);
}

static void append_room(TextBuf *b, const KillRecord *r) {
        if (!r->has_before || !r->has_after)
                return;
        if (r->after_bytes >= r->before_bytes) {
                text_append(b, ", ");
                units_append_bytes(b, r->after_bytes - r->before_bytes);
                text_append(b, " came back");
        } else
                text_append(b, ", nothing came back");
        text_append(b, " (available ");
        units_append_bytes(b, r->before_bytes);
        text_append(b, " -> ");
        units_append_bytes(b, r->after_bytes);
        text_append(b, ")");
}

/* The word "kill" stays out of it: whoever greps a log for it wants the decision. */
void line_append_end(TextBuf *b, const KillRecord *r) {
        const Candidate *c = kill_record_victim(r);
        uint64_t took = u64_sub_sat(r->ended_usec, r->signalled_usec);

        if (!c)
                return;
        if (r->is_virtual)
                text_append(b, "[dry-run] ");
        line_append_victim(b, c);
        switch (r->outcome) {
        case KILL_EXITED:
                if (r->is_virtual) {
                        text_append(b, " counts as gone, ");
                        units_append_bytes(b, c->freeable_bytes);
                        text_append(b, " as free");
                        return;
                }
                text_append(b, " was gone after ");
                units_append_usec(b, took);
                append_room(b, r);
                return;
        case KILL_EXPIRED:
                text_append(b, " is still there after ");
                units_append_usec(b, took);
                text_append(b, " (it sleeps in the kernel, is traced, or is very big): going on without it");
                return;
        case KILL_FAILED:
                text_append(b, " could not be signalled");
                return;
        case KILL_PENDING:
        case _KILL_OUTCOME_MAX:
        case _KILL_OUTCOME_INVALID:
                text_append(b, " has been signalled");
                return;
        }
}

/* Going down says neither "kill" nor "relieve": that is over. */
void line_append_level(TextBuf *b, const LevelChange *c) {
        const char *to = level_to_string(c->to), *from = level_to_string(c->from);

        line_append_domain(b, c->domain_path);
        if (c->to == LEVEL_CALM)
                text_append(b, " is calm again");
        else if (c->to < c->from)
                text_appendf(b, " is down to level %s", to ? to : "?");
        else
                text_appendf(b, " rose from level %s to %s", from ? from : "?", to ? to : "?");
        if (c->to > c->from) {
                text_append(b, ": ");
                line_append_reason(b, c->reason, c->domain_path);
        }
        if (c->condition.n_terms > 0) {
                text_append(b, ": ");
                condition_append(b, &c->condition);
        }
        text_append(b, " [");
        text_append_escaped(b, c->policy_name);
        text_append(b, "]");
}

void line_append_held(TextBuf *b, const KillHeld *h) {
        const char *hold = hold_to_string(h->hold);

        line_append_domain(b, h->domain_path);
        text_appendf(b, ": held back (%s%s) although ", hold ? hold : "?",
                     h->hold == HOLD_OWN_THROTTLE ? ": it stands still since headroomd holds it" : "");
        condition_append(b, &h->condition);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The recorded policy. A state begins where the recorder's began, which its decisions tell: they are counted from 1. A
 * trace that begins in the middle of one, or has lost records, is open from there to the next beginning: its windows
 * hold what nobody knows, and a decision that differs would prove nothing.
 */

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "base/text.h"
#include "config/config.h"
#include "plan/replay-state.h"

/* Whatever a trace says: no state of ours had more. */
#define DOMAINS_MAX   (UINT32_C(1) << 14)
#define CGROUPS_MAX   (UINT32_C(1) << 18)
#define PROCESSES_MAX (UINT32_C(1) << 21)

int replay_state_begin(ReplayState *s, const Policy *p, const DecideLimits *limits) {
        if (limits->max_domains > DOMAINS_MAX || limits->max_cgroups > CGROUPS_MAX || limits->max_processes > PROCESSES_MAX)
                return -ENOSPC;
        replay_state_end(s);
        size_t size = decide_state_size(p, limits);
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED)
                return -ENOMEM;
        s->memory = memory;
        s->size = size;
        int r = decide_state_init(memory, size, p, limits, &s->state);
        if (r < 0)
                replay_state_end(s);
        return r;
}

void replay_state_end(ReplayState *s) {
        if (s->memory)
                (void)munmap(s->memory, s->size);
        *s = (ReplayState){ 0 };
}

void replay_same_done(PlanReplay *r) {
        replay_state_end(&r->same.state);
        r->same.policy = policy_free(r->same.policy);
        r->same.state_policy = policy_free(r->same.state_policy);
        free(r->same.decision);
        r->same.decision = NULL;
}

void replay_same_reset(PlanReplay *r) {
        replay_state_end(&r->same.state);
        r->same.next_seq = 0;
}

void replay_open(PlanReplay *r, const char *why) {
        TextBuf b = TEXT_BUF(r->result.open);

        if (r->result.open[0] == '\0')
                text_append_escaped(&b, why);
        replay_same_reset(r);
}

/* Not yet in force: the state that it belongs to begins with its first decision. */
int replay_same_policy(PlanReplay *r, const TracePolicy *p) {
        ReplaySame *s = &r->same;
        ConfigReport report = { 0 };
        Policy *policy = NULL;

        int n = policy_load_text(p->text ? p->text : "", p->text ? p->n : 0, "trace", &report, &policy);
        s->policy = policy_free(s->policy);
        s->policy_error[0] = '\0';
        s->policy_hash = p->hash;
        if (n < 0) {
                const char *text = "out of memory";
                for (size_t i = 0; i < report.n_messages; i++)
                        if (report.messages[i].severity == SEVERITY_ERROR && report.messages[i].text) {
                                text = report.messages[i].text;
                                break;
                        }
                size_t len = MIN(strlen(text), sizeof(s->policy_error) - 1);
                memcpy(s->policy_error, text, len);
                s->policy_error[len] = '\0';
        } else {
                policy->daemon.dry_run |= r->is_dry;
                s->policy = policy;
        }
        config_report_done(&report);
        return n == -ENOMEM ? n : 0;
}

/* The first decision of a state. */
static int begin_state(PlanReplay *r) {
        ReplaySame *s = &r->same;

        replay_state_end(&s->state);
        if (!s->policy) {
                char why[sizeof(s->policy_error) + 64];
                (void)snprintf(why, sizeof(why), "the recorded policy does not load here: %s",
                               s->policy_error[0] ? s->policy_error : "there is none");
                replay_open(r, why);
                return 0;
        }
        /* a state borrows its policy; another may follow in the trace */
        policy_free(s->state_policy);
        s->state_policy = TAKE_PTR(s->policy);
        int n = replay_state_begin(&s->state, s->state_policy, &r->limits);
        if (n == -ENOSPC) {
                replay_open(r, "the recorded size of the decision state is absurd");
                return 0;
        }
        s->is_fresh = n >= 0;
        s->next_seq = 1;
        return n;
}

static void append_if(TextBuf *b, const char *what, uint64_t recorded, uint64_t now) {
        if (recorded == now)
                return;
        text_appendf(b, "%s%s recorded %" PRIu64 " now %" PRIu64, b->len > 0 ? "; " : "", what, recorded, now);
}

static void append_kill(TextBuf *b, const TraceDecision *d) {
        const char *step;

        if (!d->has_kill) {
                text_append(b, "no kill");
                return;
        }
        step = step_to_string(d->kill.step);
        text_appendf(b, "%s of ", step ? step : "?");
        text_append_escaped(b, d->kill.comm);
        text_appendf(b, " (pid %" PRId32 ")", d->kill.pid);
}

/* What can be told of a difference by what a trace keeps of a decision. */
static void describe(const TraceDecision *was, const TraceDecision *is, char *text, size_t size) {
        TextBuf b = { .data = text, .size = size };

        text_append(&b, "");
        if (was->has_kill != is->has_kill || (was->has_kill && !replay_same_victim(&was->kill, &is->kill)) ||
            (was->has_kill && was->kill.step != is->kill.step)) {
                text_append(&b, "recorded ");
                append_kill(&b, was);
                text_append(&b, ", now ");
                append_kill(&b, is);
        }
        append_if(&b, "seq", was->seq, is->seq);
        append_if(&b, "need", was->need, is->need);
        append_if(&b, "need_now", was->need_now, is->need_now);
        append_if(&b, "next_usec", was->next_usec, is->next_usec);
        if (was->hold != is->hold) {
                const char *a = hold_to_string(was->hold), *c = hold_to_string(is->hold);
                text_appendf(&b, "%shold recorded %s now %s", b.len > 0 ? "; " : "", a ? a : "?", c ? c : "?");
        }
        append_if(&b, "level changes", was->n_changes, is->n_changes);
        for (uint32_t i = 0; i < MIN(was->n_changes, is->n_changes); i++)
                append_if(&b, "level", (uint64_t)was->changes[i].to, (uint64_t)is->changes[i].to);
        append_if(&b, "measures", was->n_measures, is->n_measures);
        for (uint32_t i = 0; i < MIN(was->n_measures, is->n_measures); i++)
                append_if(&b, "value of a measure", was->measures[i].value, is->measures[i].value);
        if (was->has_kill && is->has_kill) {
                append_if(&b, "kill id", was->kill.kill_id, is->kill.kill_id);
                append_if(&b, "available", was->kill.available_bytes, is->kill.available_bytes);
                append_if(&b, "deficit", was->kill.deficit_bytes, is->kill.deficit_bytes);
                append_if(&b, "freeable", was->kill.freeable_bytes, is->kill.freeable_bytes);
        }
        if (b.len == 0)
                text_append(&b, "only numbers of the explanation (the digest)");
}

static void compare(PlanReplay *r, const TraceRecord *record, const TraceDecision *now) {
        const TraceDecision *was = &record->decision;
        ReplayResult *x = &r->result;

        x->n_compared++;
        if (was->digest == now->digest)
                return;
        x->n_differ++;
        if (x->has_first)
                return;
        x->has_first = true;
        x->first = (ReplayDifference){ .offset = record->offset, .mono_usec = record->snap.mono_usec,
                                       .real_usec = record->snap.real_usec, .seq = was->seq };
        describe(was, now, x->first.text, sizeof(x->first.text));
}

int replay_same_sample(PlanReplay *r, const TraceRecord *record) {
        ReplaySame *s = &r->same;
        const TraceDecision *was = &record->decision;

        s->is_fresh = false;
        if (was->seq == 1) {
                int n = begin_state(r);
                if (n < 0)
                        return n;
        } else if (s->state.state && was->seq != s->next_seq)
                replay_open(r, "decisions are missing");
        else if (!s->state.state && r->result.open[0] == '\0')
                replay_open(r, "the trace begins in the middle of a recorder's life");
        if (s->state.state) {
                TraceDecision now;
                int n = decide_step(s->state.state, &record->snap, s->decision);
                trace_decision_from(s->decision, &now);
                s->is_stepped = n >= 0;
                compare(r, record, &now);
                s->next_seq = was->seq + 1;
        } else
                r->result.n_open++;
        replay_side_count(&r->result.recorded, was);
        if (!was->has_kill)
                return 0;
        bool is_ours = s->is_stepped && s->decision->has_kill && s->decision->kill.kill_id == was->kill.kill_id;
        if (!was->kill.is_escalation)
                (void)replay_side_kill(r, &r->result.recorded, &record->snap, &was->kill, is_ours ? &s->decision->kill : NULL);
        return 0;
}

void replay_same_confirm(PlanReplay *r, const TraceRecord *record) {
        ReplaySame *s = &r->same;

        if (!s->state.state || !s->is_stepped || !s->decision->has_kill)
                return;
        Hold now = decide_confirm(s->state.state, &record->snap, &s->decision->kill);
        r->result.n_compared++;
        if (now == record->hold)
                return;
        r->result.n_differ++;
        if (r->result.has_first)
                return;
        const char *a = hold_to_string(record->hold), *b = hold_to_string(now);
        r->result.has_first = true;
        r->result.first = (ReplayDifference){ .offset = record->offset, .mono_usec = record->snap.mono_usec,
                                              .real_usec = record->snap.real_usec, .seq = s->decision->seq };
        (void)snprintf(r->result.first.text, sizeof(r->result.first.text), "second look at a kill: recorded %s, now %s",
                       a ? a : "?", b ? b : "?");
}

void replay_same_cancel(PlanReplay *r, uint64_t kill_id, Hold why) {
        ReplaySide *side = &r->result.recorded;
        ReplayKill *last = side->n_kept > 0 ? &side->kills[side->n_kept - 1] : NULL;

        if (r->same.state.state)
                decide_cancel(r->same.state.state, kill_id, why);
        /* of an escalation: the kill it belongs to has been carried out long ago */
        if (last && last->kill.kill_id == kill_id && last->boot == r->boot && !last->is_cancelled &&
            !(r->same.is_stepped && r->same.decision->has_kill && r->same.decision->kill.is_escalation)) {
                last->is_cancelled = true;
                side->n_cancelled++;
        }
}

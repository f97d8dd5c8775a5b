/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/json.h"

#include <string.h>

#include "report/condition.h"
#include "report/line.h"

/* Sets a key; a NULL value (out of memory) makes the object incomplete, which json_object_set_new ignores. */
static void set(json_t *o, const char *key, json_t *value) {
        (void)json_object_set_new(o, key, value);
}

static json_t *json_name(const char *name) {
        return name ? json_string(name) : json_null();
}

json_t *json_escaped(const char *untrusted) {
        /* a path of CGROUP_PATH_MAX in which every byte becomes \xNN */
        char buf[4 * CGROUP_PATH_MAX + 1];
        TextBuf b = TEXT_BUF(buf);
        text_append(&b, "");
        text_append_escaped(&b, untrusted);
        /* The end may have been cut within a character. */
        json_t *s = json_string(buf);
        return s ? s : json_string("?");
}

/* jansson's integers are signed: what does not fit is as good as infinite. */
json_t *json_u64(uint64_t value, uint64_t none) {
        if (value == none)
                return json_null();
        return json_integer((json_int_t)MIN(value, (uint64_t)INT64_MAX));
}

static json_t *json_number(uint64_t value) {
        return json_integer((json_int_t)MIN(value, (uint64_t)INT64_MAX));
}

static json_t *json_term(const TermReport *t) {
        static const char *const truths[] = {
                [TRUTH_FALSE] = "false", [TRUTH_TRUE] = "true", [TRUTH_UNKNOWN] = "unknown"
        };
        char buf[256];
        TextBuf b = TEXT_BUF(buf);
        json_t *o = json_object();

        text_append(&b, "");
        condition_append_term(&b, t);
        set(o, "text", json_string(buf));
        set(o, "metric", json_name(metric_to_string(t->term.metric)));
        set(o, "host", json_boolean(t->term.host));
        set(o, "comparison", json_name(comparison_to_string(t->term.comparison)));
        set(o, "truth", json_string((size_t)t->truth < ARRAY_SIZE(truths) ? truths[t->truth] : "unknown"));
        set(o, "decisive", json_boolean(t->is_decisive));
        set(o, "value", t->has_value ? json_number(t->value) : json_null());
        set(o, "limit", json_number(t->effective_limit));
        set(o, "unit", json_name(unit_to_string(t->effective_unit)));
        set(o, "limit_written", json_number(t->term.limit));
        set(o, "limit_written_unit", json_name(unit_to_string(t->term.unit)));
        set(o, "window_usec", json_u64(t->term.window_usec, 0));
        set(o, "span_usec", json_u64(t->span_usec, 0));
        set(o, "held_usec", t->for_usec > 0 ? json_number(t->held_usec) : json_null());
        set(o, "for_usec", json_u64(t->for_usec, 0));
        return o;
}

json_t *json_condition(const ConditionReport *c) {
        static const char *const truths[] = {
                [TRUTH_FALSE] = "false", [TRUTH_TRUE] = "true", [TRUTH_UNKNOWN] = "unknown"
        };
        json_t *o = json_object(), *terms = json_array();

        for (uint32_t i = 0; i < MIN(c->n_terms, (uint32_t)CONDITION_TERMS_MAX); i++)
                (void)json_array_append_new(terms, json_term(&c->terms[i]));
        set(o, "truth", json_string((size_t)c->truth < ARRAY_SIZE(truths) ? truths[c->truth] : "unknown"));
        set(o, "terms", terms);
        return o;
}

static json_t *json_candidate_name(const Candidate *c) {
        char buf[2 * CGROUP_PATH_MAX];
        TextBuf b = TEXT_BUF(buf);
        text_append(&b, "");
        line_append_victim(&b, c);
        json_t *s = json_string(buf);
        return s ? s : json_escaped(c->comm);
}

json_t *json_candidate(const Candidate *c, const char *rule_name) {
        static const char *const kinds[] = {
                [CANDIDATE_PROCESS] = "process",
                [CANDIDATE_CGROUP] = "cgroup",
                [CANDIDATE_GROUP] = "group",
        };
        json_t *o = json_object();

        set(o, "name", json_candidate_name(c));
        set(o, "kind", json_string((size_t)c->kind < ARRAY_SIZE(kinds) ? kinds[c->kind] : "?"));
        set(o, "pid", json_integer(c->pid));
        set(o, "pgid", c->kind == CANDIDATE_GROUP ? json_integer(c->pgid) : json_null());
        set(o, "start_ticks", json_number(c->start_ticks));
        set(o, "uid", json_integer(c->uid));
        set(o, "comm", json_escaped(c->comm));
        set(o, "cgroup", json_escaped(c->cgroup_path));
        set(o, "cgroup_id", json_u64(c->cgroup_id, 0));
        set(o, "n_processes", json_integer(c->n_processes));
        set(o, "reject", c->reject == REJECT_NONE ? json_null() : json_name(reject_to_string(c->reject)));
        set(o, "badness_pages", json_integer(c->badness_pages));
        set(o, "score_pages", json_integer(c->score_pages));
        set(o, "size_pages", json_number(c->size_pages));
        set(o, "oom_score_adj", json_integer(c->oom_score_adj));
        set(o, "rule_adjust", json_integer(c->rule_adjust));
        set(o, "kernel_adjust", json_integer(c->kernel_adjust));
        set(o, "rule", rule_name && rule_name[0] ? json_escaped(rule_name) : json_null());
        set(o, "tier", json_name(tier_to_string(c->tier)));
        set(o, "protected", json_boolean(c->is_protected));
        set(o, "freeable_bytes", json_number(c->freeable_bytes));
        set(o, "growth_bytes", c->has_growth ? json_number(c->growth_bytes) : json_null());
        set(o, "growth_span_usec", c->has_growth ? json_number(c->growth_span_usec) : json_null());
        set(o, "growth_share_permyriad", c->has_growth ? json_integer(c->growth_share) : json_null());
        set(o, "rank_value", json_number(c->rank_value));
        return o;
}

static json_t *json_candidates(const Candidate *c, uint32_t n, const char (*rule_names)[RULE_NAME_MAX], bool full) {
        json_t *a = json_array();
        for (uint32_t i = 0; i < MIN(n, (uint32_t)CANDIDATES_MAX); i++) {
                if (full) {
                        (void)json_array_append_new(a, json_candidate(&c[i], rule_names[i]));
                        continue;
                }
                json_t *o = json_object();
                set(o, "name", json_candidate_name(&c[i]));
                set(o, "freeable_bytes", json_number(c[i].freeable_bytes));
                if (c[i].reject != REJECT_NONE)
                        set(o, "reject", json_name(reject_to_string(c[i].reject)));
                (void)json_array_append_new(a, o);
        }
        return a;
}

static json_t *json_attempts(const KillRecord *r) {
        json_t *a = json_array();
        for (uint32_t i = 0; i < MIN(r->n_attempts, (uint32_t)CANDIDATES_MAX); i++) {
                json_t *o = json_object();
                set(o, "candidate", json_integer(r->attempts[i].candidate));
                set(o, "error",
                    r->attempts[i].error < 0 ? json_name(strerrorname_np(-r->attempts[i].error)) : json_null());
                (void)json_array_append_new(a, o);
        }
        return a;
}

static void set_end(json_t *o, const KillRecord *r) {
        bool ended = r->ended_usec > 0;

        set(o, "outcome", json_name(kill_outcome_to_string(r->outcome)));
        set(o, "error", r->error < 0 ? json_name(strerrorname_np(-r->error)) : json_null());
        set(o, "attempts", json_attempts(r));
        set(o, "n_signalled", json_integer(r->n_signalled));
        set(o, "unit_marked", json_boolean(r->mark > 0));
        set(o, "latency_usec", json_u64(r->latency_usec, 0));
        set(o, "took_usec", ended ? json_number(u64_sub_sat(r->ended_usec, r->signalled_usec)) : json_null());
        set(o, "before_bytes", r->has_before ? json_number(r->before_bytes) : json_null());
        set(o, "after_bytes", r->has_after ? json_number(r->after_bytes) : json_null());
        set(o, "freed_bytes",
            r->has_before && r->has_after ? json_number(u64_sub_sat(r->after_bytes, r->before_bytes)) : json_null());
        set(o, "mrelease_usec", r->mrelease_done ? json_number(r->mrelease_usec) : json_null());
}

json_t *json_kill_record(const KillRecord *r, bool full) {
        const KillDecision *k = &r->decision;
        const Candidate *victim = kill_record_victim(r);
        char line[4096];
        TextBuf b = TEXT_BUF(line);
        json_t *o = json_object();

        text_append(&b, "");
        line_append_kill(&b, r);
        json_t *text = json_string(line);
        set(o, "text", text ? text : json_string("?"));
        set(o, "kill_id", json_number(k->kill_id));
        set(o, "mono_usec", json_number(r->mono_usec));
        set(o, "real_usec", json_number(r->real_usec));
        set(o, "dry_run", json_boolean(r->is_virtual));
        set(o, "step", json_name(step_to_string(k->step)));
        set(o, "escalation", json_boolean(k->is_escalation));
        set(o, "policy", json_escaped(k->policy_name));
        set(o, "domain", json_escaped(k->domain_path));
        set(o, "domain_id", json_number(k->domain_id));
        set(o, "reason", json_name(reason_to_string(k->reason)));
        set(o, "rank", json_name(rank_to_string(k->rank)));
        set(o, "condition", json_condition(&k->condition));
        set(o, "total_pages", json_number(k->total_pages));
        set(o, "deficit_bytes", json_number(k->deficit_bytes));
        set(o, "available_bytes", json_u64(k->available_bytes, UINT64_MAX));
        set(o, "wait_usec", json_number(k->wait_usec));
        set(o, "n_considered", json_integer(k->n_considered));
        uint32_t index = victim ? (uint32_t)(victim - k->candidates) : 0;
        set(o, "victim", victim ? json_candidate(victim, r->rule_names[index]) : json_null());
        set(o, "candidates", json_candidates(k->candidates, k->n_candidates, r->rule_names, full));
        set(o, "rejected", json_candidates(k->rejected, k->n_rejected, r->rejected_rule_names, full));
        set_end(o, r);
        return o;
}

json_t *json_host(const HostSample *h) {
        json_t *o = json_object();
        for (HostField f = 0; f < _HOST_FIELD_MAX; f++)
                set(o, host_field_to_string(f), host_has(h, f) ? json_number(h->value[f]) : json_null());
        return o;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The result for programs: everything that the text has, and the candidates of each kill. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plan/replay.h"
#include "report/json.h"

static void set(json_t *o, const char *key, json_t *value) {
        (void)json_object_set_new(o, key, value);
}

static json_t *name(const char *s) {
        return s ? json_string(s) : json_null();
}

static json_t *number(uint64_t n) {
        return json_u64(n, UINT64_MAX);
}

static json_t *hash(uint64_t h) {
        char text[24];
        (void)snprintf(text, sizeof(text), "%016" PRIx64, h);
        return json_string(text);
}

static json_t *view(const ReplayView *v) {
        if (!v->is_known)
                return json_null();
        json_t *o = json_object();
        set(o, "hold", v->hold != HOLD_NONE ? name(hold_to_string(v->hold)) : json_null());
        set(o, "condition", json_condition(&v->condition));
        return o;
}

static json_t *victim(const TraceKill *k) {
        json_t *o = json_object();
        static const char *const kinds[] = { [CANDIDATE_PROCESS] = "process", [CANDIDATE_CGROUP] = "cgroup", [CANDIDATE_GROUP] = "group" };

        set(o, "kind", (size_t)k->victim_kind < ARRAY_SIZE(kinds) ? name(kinds[k->victim_kind]) : json_null());
        set(o, "pid", json_integer(k->pid));
        set(o, "start_ticks", number(k->start_ticks));
        set(o, "comm", json_escaped(k->comm));
        set(o, "cgroup", json_escaped(k->cgroup_path));
        set(o, "processes", json_integer(k->n_processes));
        set(o, "freeable_bytes", number(k->freeable_bytes));
        return o;
}

static json_t *candidates(const Candidate *c, uint32_t n) {
        json_t *a = json_array();
        for (uint32_t i = 0; i < MIN(n, (uint32_t)CANDIDATES_MAX); i++)
                (void)json_array_append_new(a, json_candidate(&c[i], ""));
        return a;
}

static json_t *kill_object(const ReplayKill *k) {
        if (!k)
                return json_null();
        json_t *o = json_object();
        set(o, "mono_usec", number(k->mono_usec));
        set(o, "real_usec", number(k->real_usec));
        set(o, "step", name(step_to_string(k->kill.step)));
        set(o, "policy", json_escaped(k->kill.policy_name));
        set(o, "domain", json_escaped(k->kill.domain_path));
        set(o, "reason", name(reason_to_string(k->kill.reason)));
        set(o, "available_bytes", number(k->kill.available_bytes));
        set(o, "deficit_bytes", number(k->kill.deficit_bytes));
        set(o, "victim", victim(&k->kill));
        set(o, "virtual", json_boolean(k->is_virtual));
        if (k->decision) {
                set(o, "rank", name(rank_to_string(k->decision->rank)));
                set(o, "condition", json_condition(&k->decision->condition));
                set(o, "candidates", candidates(k->decision->candidates, k->decision->n_candidates));
                set(o, "rejected", candidates(k->decision->rejected, k->decision->n_rejected));
        }
        set(o, "other_side", view(&k->other));
        return o;
}

static json_t *side(const ReplaySide *s) {
        json_t *o = json_object(), *raised = json_object(), *measures = json_object();

        set(o, "steps", number(s->n_steps));
        set(o, "kills", number(s->n_kills - s->n_cancelled));
        set(o, "not_confirmed", number(s->n_cancelled));
        set(o, "escalations", number(s->n_escalations));
        for (Level l = LEVEL_WARN; l < _LEVEL_MAX; l++)
                set(raised, level_to_string(l), number(s->n_raised[l]));
        for (Step i = STEP_TRIM; i < STEP_TERMINATE; i++)
                set(measures, step_to_string(i), number(s->n_measures[i]));
        set(o, "raised", raised);
        set(o, "measures", measures);
        return o;
}

static json_t *difference(const ReplayResult *r) {
        if (!r->has_first)
                return json_null();
        json_t *o = json_object();
        set(o, "offset", number(r->first.offset));
        set(o, "mono_usec", number(r->first.mono_usec));
        set(o, "real_usec", number(r->first.real_usec));
        set(o, "seq", number(r->first.seq));
        set(o, "text", json_escaped(r->first.text));
        return o;
}

static json_t *recorded(const ReplayResult *r) {
        json_t *o = side(&r->recorded);

        set(o, "policy_hash", hash(r->recorded_hash));
        set(o, "has_decisions", json_boolean(r->has_decisions));
        set(o, "compared", number(r->n_compared));
        set(o, "differ", number(r->n_differ));
        set(o, "not_compared", number(r->n_open));
        set(o, "not_compared_why", r->open[0] ? json_string(r->open) : json_null());
        set(o, "identical", json_boolean(r->n_compared > 0 && r->n_differ == 0));
        set(o, "first_difference", difference(r));
        return o;
}

static json_t *missing(const ReplayResult *r) {
        json_t *a = json_array();
        for (uint32_t i = 0; i < r->n_missing; i++) {
                json_t *o = json_object();
                set(o, "rule", json_escaped(r->missing[i].rule));
                set(o, "field", json_string(r->missing[i].field == RULE_EXE ? "Exe" : "Cmdline"));
                set(o, "process_samples", number(r->missing[i].n));
                set(o, "of", number(r->missing[i].n_asked));
                (void)json_array_append_new(a, o);
        }
        return a;
}

static json_t *other(const ReplayResult *r) {
        json_t *o = side(&r->other), *changes = json_array(), *counts = json_object();

        set(o, "policy_hash", hash(r->other_hash));
        for (ReplayChange c = 0; c < _REPLAY_CHANGE_MAX; c++)
                set(counts, replay_change_to_string(c), number(r->n_change[c]));
        set(o, "counts", counts);
        for (uint32_t i = 0; i < r->n_diffs; i++) {
                const ReplayDiff *d = &r->diffs[i];
                json_t *x = json_object();
                set(x, "change", name(replay_change_to_string(d->change)));
                set(x, "counterfactual", json_boolean(d->is_counterfactual));
                set(x, "moved_usec", d->recorded && d->other ? json_integer(d->moved_usec) : json_null());
                set(x, "recorded", kill_object(d->recorded));
                set(x, "other", kill_object(d->other));
                (void)json_array_append_new(changes, x);
        }
        set(o, "kill_changes", changes);
        set(o, "exact_until_real_usec", r->has_diverged ? number(r->diverged_real_usec) : json_null());
        set(o, "exact_until_mono_usec", r->has_diverged ? number(r->diverged_mono_usec) : json_null());
        set(o, "details_made_up", number(r->n_synthesised));
        set(o, "details_age_max_usec", number(r->age_max_usec));
        set(o, "cgroups_watched_coarsely", number(r->n_watched_coarsely));
        set(o, "facts_missing", missing(r));
        return o;
}

json_t *replay_json(const ReplayResult *r) {
        json_t *o = json_object(), *trace = json_object();

        set(trace, "kernel", json_escaped(r->kernel));
        set(trace, "recorder", json_escaped(r->recorder));
        set(trace, "first_real_usec", number(r->first_real_usec));
        set(trace, "last_real_usec", number(r->last_real_usec));
        set(trace, "span_usec", number(r->span_usec));
        set(trace, "records", number(r->n_records));
        set(trace, "samples", number(r->n_samples));
        set(trace, "boots", number(r->n_boots));
        set(trace, "gaps", number(r->n_gaps));
        set(trace, "lost", number(r->n_lost));
        set(o, "trace", trace);
        set(o, "recorded", recorded(r));
        set(o, "other", r->has_other ? other(r) : json_null());
        set(o, "differs", json_boolean(replay_result_differs(r)));
        return o;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Each field is hashed as eight bytes, least significant first, so that byte order and the width of enumerations have no
 * part in it; a string with its NUL, so that "a","bc" is not "ab","c". A new field of Decision belongs in here: the test
 * turns over every byte of a Decision and looks at which of them count.
 */

#include "model/decision-digest.h"

#include <string.h>

#include "base/text.h"

typedef struct Digest {
        uint64_t h;
} Digest;

static void add(Digest *g, uint64_t v) {
        unsigned char bytes[8];

        for (int i = 0; i < 8; i++)
                bytes[i] = (unsigned char)(v >> (8 * i));
        g->h = text_hash(g->h, bytes, sizeof(bytes));
}

static void add_signed(Digest *g, int64_t v) {
        add(g, (uint64_t)v);
}

static void add_text(Digest *g, const char *s, size_t size) {
        g->h = text_hash(g->h, s, strnlen(s, size));
        g->h = text_hash(g->h, "", 1);
}

#define ADD_TEXT(g, array) add_text((g), (array), sizeof(array))

static void add_term(Digest *g, const TermReport *t) {
        add_signed(g, t->term.metric);
        add(g, t->term.host);
        add_signed(g, t->term.comparison);
        add_signed(g, t->term.unit);
        add(g, t->term.window_usec);
        add(g, t->term.limit);
        add(g, t->term.cap_bytes);
        add(g, t->term.floor_bytes);
        add_signed(g, t->truth);
        add(g, t->is_decisive);
        add(g, t->has_value);
        if (t->has_value)
                add(g, t->value);
        add(g, t->effective_limit);
        add_signed(g, t->effective_unit);
        add(g, t->span_usec);
        add(g, t->held_usec);
        add(g, t->for_usec);
}

static void add_condition(Digest *g, const ConditionReport *c) {
        uint32_t n = MIN(c->n_terms, (uint32_t)CONDITION_TERMS_MAX);

        add(g, c->n_terms);
        for (uint32_t i = 0; i < n; i++)
                add_term(g, &c->terms[i]);
        add_signed(g, c->truth);
}

static void add_candidate(Digest *g, const Candidate *c) {
        add_signed(g, c->kind);
        add_signed(g, c->reject);
        add_signed(g, c->pid);
        add_signed(g, c->pgid);
        add(g, c->start_ticks);
        add(g, c->uid);
        ADD_TEXT(g, c->comm);
        add(g, c->cgroup_id);
        ADD_TEXT(g, c->cgroup_path);
        add(g, c->n_processes);
        add_signed(g, c->badness_pages);
        add_signed(g, c->score_pages);
        add(g, c->size_pages);
        add_signed(g, c->oom_score_adj);
        add_signed(g, c->rule_adjust);
        add_signed(g, c->kernel_adjust);
        add_signed(g, c->rule);
        add_signed(g, c->tier);
        add(g, c->is_protected);
        add(g, c->freeable_bytes);
        add(g, c->has_growth);
        if (c->has_growth) {
                add(g, c->growth_bytes);
                add(g, c->growth_span_usec);
                add(g, c->growth_share);
        }
        add(g, c->rank_value);
}

static void add_kill(Digest *g, const KillDecision *k) {
        add(g, k->kill_id);
        add_signed(g, k->step);
        add(g, k->is_escalation);
        add(g, k->dry_run);
        add_signed(g, k->policy);
        ADD_TEXT(g, k->policy_name);
        add(g, k->domain_id);
        ADD_TEXT(g, k->domain_path);
        add_signed(g, k->reason);
        add_signed(g, k->rank);
        add_condition(g, &k->condition);
        add(g, k->total_pages);
        add(g, k->deficit_bytes);
        add(g, k->available_bytes);
        add(g, k->wait_usec);
        add(g, k->n_candidates);
        for (uint32_t i = 0; i < MIN(k->n_candidates, (uint32_t)CANDIDATES_MAX); i++)
                add_candidate(g, &k->candidates[i]);
        add(g, k->n_rejected);
        for (uint32_t i = 0; i < MIN(k->n_rejected, (uint32_t)CANDIDATES_MAX); i++)
                add_candidate(g, &k->rejected[i]);
        add(g, k->n_considered);
        add(g, k->n_members);
        for (uint32_t i = 0; i < MIN(k->n_members, (uint32_t)GROUP_MEMBERS_MAX); i++) {
                add_signed(g, k->members[i].pid);
                add(g, k->members[i].start_ticks);
        }
}

static void add_change(Digest *g, const LevelChange *c) {
        add_signed(g, c->policy);
        add(g, c->domain_id);
        ADD_TEXT(g, c->domain_path);
        ADD_TEXT(g, c->policy_name);
        add_signed(g, c->from);
        add_signed(g, c->to);
        add(g, c->steps);
        add_signed(g, c->reason);
        add_condition(g, &c->condition);
}

static void add_measure_target(Digest *g, const Measure *m) {
        add(g, m->cgroup_id);
        ADD_TEXT(g, m->cgroup_path);
        add_signed(g, m->pid);
        add(g, m->start_ticks);
        ADD_TEXT(g, m->comm);
        add(g, m->value);
        add(g, m->old_value);
        add_signed(g, m->swappiness);
        add(g, m->limit_usec);
        add(g, m->usage_bytes);
        add(g, m->protected_bytes);
        add(g, m->has_contribution);
        if (m->has_contribution) {
                add(g, m->growth_bytes);
                add(g, m->refault_bytes);
                add(g, m->span_usec);
                add(g, m->stall_permyriad);
                add(g, m->contribution_permyriad);
        }
        ADD_TEXT(g, m->runner_up_path);
        add(g, m->runner_up_permyriad);
}

static void add_measure(Digest *g, const Measure *m) {
        add(g, m->measure_id);
        add_signed(g, m->step);
        add_signed(g, m->verb);
        add_signed(g, m->end);
        add(g, m->dry_run);
        add(g, m->is_proactive);
        add(g, m->is_to_last);
        add_signed(g, m->policy);
        ADD_TEXT(g, m->policy_name);
        add(g, m->domain_id);
        ADD_TEXT(g, m->domain_path);
        add_signed(g, m->level);
        add_signed(g, m->reason);
        add_measure_target(g, m);
        add_condition(g, &m->condition);
        add(g, m->floor_bytes);
        add(g, m->held_usec);
        add(g, m->level_steps);
}

static void add_skipped(Digest *g, const StepSkipped *s) {
        add_signed(g, s->step);
        add_signed(g, s->level);
        add(g, s->level_steps);
        add(g, s->domain_id);
        ADD_TEXT(g, s->domain_path);
        add(g, s->has_controller);
}

static void add_held(Digest *g, const KillHeld *h) {
        add_signed(g, h->policy);
        add(g, h->domain_id);
        ADD_TEXT(g, h->domain_path);
        add_signed(g, h->hold);
        add_condition(g, &h->condition);
}

uint64_t decision_digest(const Decision *d) {
        Digest g = { .h = TEXT_HASH_INIT };

        add(&g, d->seq);
        add(&g, d->mono_usec);
        add(&g, d->need);
        add(&g, d->need_now);
        add(&g, d->next_usec);
        add(&g, d->n_changes);
        for (uint32_t i = 0; i < MIN(d->n_changes, (uint32_t)LEVEL_CHANGES_MAX); i++)
                add_change(&g, &d->changes[i]);
        add(&g, d->n_measures);
        for (uint32_t i = 0; i < MIN(d->n_measures, (uint32_t)MEASURES_MAX); i++)
                add_measure(&g, &d->measures[i]);
        add(&g, d->has_skipped);
        if (d->has_skipped)
                add_skipped(&g, &d->skipped);
        add(&g, d->has_held);
        if (d->has_held)
                add_held(&g, &d->held);
        add(&g, d->has_kill);
        if (d->has_kill)
                add_kill(&g, &d->kill);
        return g.h;
}

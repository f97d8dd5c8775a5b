/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "trace/trace.h"

#include <string.h>

#include "model/decision-digest.h"

const char *trace_kind_to_string(TraceKind k) {
        static const char *const names[_TRACE_KIND_MAX] = {
                [TRACE_START] = "start",     [TRACE_POLICY] = "policy", [TRACE_SAMPLE] = "sample",
                [TRACE_CONFIRM] = "confirm", [TRACE_CANCEL] = "cancel", [TRACE_FACTS] = "facts",
                [TRACE_GAP] = "gap",         [TRACE_END] = "end",
        };
        return (size_t)k < ARRAY_SIZE(names) ? names[k] : NULL;
}

/* Bytes behind the NUL are nobody's business, and must not make two records differ. */
static void copy_text(char *to, size_t to_size, const char *from, size_t from_size) {
        size_t n = strnlen(from, MIN(from_size, to_size - 1));

        memcpy(to, from, n);
        memset(to + n, 0, to_size - n);
}

#define COPY_TEXT(to, from) copy_text((to), sizeof(to), (from), sizeof(from))

static void kill_from(const KillDecision *k, TraceKill *ret) {
        *ret = (TraceKill){
                .kill_id = k->kill_id, .step = k->step, .is_escalation = k->is_escalation, .dry_run = k->dry_run,
                .domain_id = k->domain_id, .reason = k->reason, .available_bytes = k->available_bytes,
                .deficit_bytes = k->deficit_bytes,
        };
        COPY_TEXT(ret->policy_name, k->policy_name);
        COPY_TEXT(ret->domain_path, k->domain_path);
        if (k->n_candidates == 0)
                return;
        const Candidate *c = &k->candidates[0];
        ret->victim_kind = c->kind;
        ret->pid = c->pid;
        ret->start_ticks = c->start_ticks;
        ret->cgroup_id = c->cgroup_id;
        ret->n_processes = c->n_processes;
        ret->freeable_bytes = c->freeable_bytes;
        COPY_TEXT(ret->comm, c->comm);
        COPY_TEXT(ret->cgroup_path, c->cgroup_path);
}

/**
 * trace_decision_from() - what a trace keeps of a decision
 * @d:   of decide_step()
 * @ret: filled whole; of a kill the first candidate is the victim that is kept
 */
void trace_decision_from(const Decision *d, TraceDecision *ret) {
        memset(ret, 0, sizeof(*ret));
        ret->seq = d->seq;
        ret->digest = decision_digest(d);
        ret->need = d->need;
        ret->need_now = d->need_now;
        ret->next_usec = d->next_usec;
        ret->hold = d->has_held ? d->held.hold : HOLD_NONE;
        ret->n_changes = MIN(d->n_changes, (uint32_t)LEVEL_CHANGES_MAX);
        for (uint32_t i = 0; i < ret->n_changes; i++) {
                const LevelChange *from = &d->changes[i];
                TraceChange *c = &ret->changes[i];
                *c = (TraceChange){ .domain_id = from->domain_id, .from = from->from, .to = from->to, .reason = from->reason };
                COPY_TEXT(c->domain_path, from->domain_path);
                COPY_TEXT(c->policy_name, from->policy_name);
        }
        ret->n_measures = MIN(d->n_measures, (uint32_t)MEASURES_MAX);
        for (uint32_t i = 0; i < ret->n_measures; i++) {
                const Measure *from = &d->measures[i];
                TraceMeasure *m = &ret->measures[i];
                *m = (TraceMeasure){
                        .measure_id = from->measure_id, .step = from->step, .verb = from->verb, .domain_id = from->domain_id,
                        .cgroup_id = from->cgroup_id, .value = from->value, .old_value = from->old_value,
                };
                COPY_TEXT(m->cgroup_path, from->cgroup_path);
        }
        ret->has_kill = d->has_kill;
        if (d->has_kill)
                kill_from(&d->kill, &ret->kill);
}

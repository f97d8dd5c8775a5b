/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Carrying out a kill, and what became of it. The order is: second look, signal, then write it down.
 *
 * Kill ids: a decision state counts from 1, and a reload makes a new state; act and the history see the id
 * of the state plus id_base. Statuses of an older state are history's business only.
 */

#include <string.h>

#include "daemon/clock.h"
#include "daemon/manager-record.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"

void manager_poll_act(Manager *m) {
        KillStatus statuses[KILLS_MAX];
        uint32_t n = act_poll(m->act, clock_mono_usec(), statuses, m->reports);

        /* Where the last tick came to no step, what had ended is still to be told. */
        uint32_t kept = 0;
        for (uint32_t i = 0; m->n_rounds == 0 && i < m->n_statuses; i++)
                if (m->statuses[i].outcome != KILL_PENDING && kept < KILLS_MAX / 2)
                        m->statuses[kept++] = m->statuses[i];
        m->n_statuses = kept;
        m->n_pending = 0;
        m->n_reports = n;
        for (uint32_t i = 0; i < n; i++) {
                m->n_pending += statuses[i].outcome == KILL_PENDING;
                if (statuses[i].kill_id <= m->id_base || m->n_statuses == KILLS_MAX)
                        continue;
                m->statuses[m->n_statuses] = statuses[i];
                m->statuses[m->n_statuses++].kill_id -= m->id_base;
        }
}

/* Is the reason still there? A cheap sample, taken after the decision. */
static Hold look_again(Manager *m, const KillDecision *k) {
        Snapshot again;

        manager_record_before_look(m);
        if (manager_sample(m, /* detail= */ 0, &again) < 0)
                return HOLD_NOT_CONFIRMED;
        Hold hold = decide_confirm(m->state, &again, k);
        manager_record_confirm(m, &again, k->kill_id, hold);
        return hold;
}

static void copy_rule_name(const Policy *p, int32_t rule, char name[static RULE_NAME_MAX]) {
        if (rule < 0 || (uint32_t)rule >= p->n_rules || !p->rules[rule].name)
                return;
        strncpy(name, p->rules[rule].name, RULE_NAME_MAX - 1);
}

static void record_result(KillRecord *r, const ActResult *result) {
        r->is_virtual = result->is_virtual;
        r->outcome = result->outcome;
        r->n_attempts = MIN(result->n_attempts, (uint32_t)CANDIDATES_MAX);
        for (uint32_t i = 0; i < r->n_attempts; i++) {
                r->attempts[i] = (RecordAttempt){ result->attempts[i].candidate, result->attempts[i].error };
                if (result->attempts[i].error == 0)
                        r->victim = result->attempts[i].candidate;
        }
        r->n_signalled = result->n_signalled;
        r->mark = result->mark;
}

static KillRecord *record_kill(Manager *m, const KillDecision *k, int error, const ActResult *result,
                               uint64_t signalled_usec) {
        KillRecord *r = kill_history_add(m->history);

        r->mono_usec = m->snap.mono_usec;
        r->real_usec = m->snap.real_usec;
        r->decision = *k;
        r->victim = INDEX_NONE;
        r->is_virtual = k->dry_run;
        r->error = error;
        r->outcome = KILL_FAILED;
        if (error == 0)
                record_result(r, result);
        r->signalled_usec = signalled_usec;
        r->latency_usec = u64_sub_sat(signalled_usec, m->sample_usec);
        r->has_before = k->available_bytes != UINT64_MAX;
        r->before_bytes = k->available_bytes;
        for (uint32_t i = 0; i < MIN(k->n_candidates, (uint32_t)CANDIDATES_MAX); i++)
                copy_rule_name(m->policy, k->candidates[i].rule, r->rule_names[i]);
        for (uint32_t i = 0; i < MIN(k->n_rejected, (uint32_t)CANDIDATES_MAX); i++)
                copy_rule_name(m->policy, k->rejected[i].rule, r->rejected_rule_names[i]);
        return r;
}

/**
 * manager_kill() - confirm and carry out the kill of @d
 *
 * A kill that is not confirmed is cancelled in the state and shows as held back in @d.
 *
 * Return: the record, for the log, once everything is done; NULL where it was not confirmed.
 */
const KillRecord *manager_kill(Manager *m, Decision *d) {
        KillDecision *k = &d->kill;
        ActResult result = { 0 };

        Hold hold = look_again(m, k);
        if (hold != HOLD_NONE) {
                decide_cancel(m->state, k->kill_id, hold);
                manager_record_cancel(m, k->kill_id, hold);
                m->stats.n_not_confirmed++;
                d->has_kill = false;
                d->has_held = true;
                d->held = (KillHeld){
                        .policy = k->policy, .domain_id = k->domain_id, .hold = hold, .condition = k->condition
                };
                memcpy(d->held.domain_path, k->domain_path, sizeof(d->held.domain_path));
                return NULL;
        }

        uint64_t state_id = k->kill_id;
        k->kill_id += m->id_base;
        m->id_last = MAX(m->id_last, k->kill_id);
        int r = act_kill(m->act, k, clock_mono_usec(), &result);
        uint64_t now = clock_mono_usec();
        meter_add(&m->stats.kill, u64_sub_sat(now, m->sample_usec));
        if (r < 0) {
                /* Nothing was done, and no status will come. */
                decide_cancel(m->state, state_id, HOLD_NOT_CONFIRMED);
                manager_record_cancel(m, state_id, HOLD_NOT_CONFIRMED);
                m->stats.n_kills_failed++;
        } else if (result.outcome == KILL_FAILED)
                m->stats.n_kills_failed++;
        else
                m->stats.n_kills++;
        m->n_pending += r >= 0;
        return record_kill(m, k, r, &result, now);
}

static uint64_t domain_available(Manager *m, uint64_t domain_id) {
        uint32_t n = decide_domains(m->state, m->views, DOMAINS_MAX);

        for (uint32_t i = 0; i < n; i++)
                if (m->views[i].id == domain_id)
                        return m->views[i].available_bytes;
        return UINT64_MAX;
}

/* After the step: what the victims that act reported have brought. */
void manager_settle(Manager *m) {
        for (uint32_t i = 0; i < m->n_reports; i++) {
                const ActReport *report = &m->reports[i];
                KillRecord *r = kill_history_find(m->history, report->status.kill_id);
                if (!r || report->status.outcome == KILL_PENDING)
                        continue;
                bool was_told = r->outcome == report->status.outcome && r->outcome == KILL_FAILED;
                r->outcome = report->status.outcome;
                r->ended_usec = report->status.exited_usec > 0 ? report->status.exited_usec : m->snap.mono_usec;
                r->mrelease_done = report->mrelease_done;
                r->mrelease_error = report->mrelease_error;
                r->mrelease_usec = report->mrelease_usec;
                r->after_bytes = domain_available(m, r->decision.domain_id);
                r->has_after = r->after_bytes != UINT64_MAX;
                /* That nobody could be signalled stands in the line of the kill already. */
                if (!was_told)
                        manager_log_end(m, r);
        }
}

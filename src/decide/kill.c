/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * From "the condition is true" to a KillDecision, and what comes after it: SIGTERM, SIGKILL when the
 * grace has ended or things get worse, the wait until the victim is gone, the pause, the next one.
 */

#include "decide/kill.h"

#include <string.h>

#include "decide/condition.h"
#include "decide/domain.h"
#include "model/cgroup-path.h"

/* Signs of memory as the cause, and shortness of memory, must be this young at a pressure kill. */
#define EVIDENCE_USEC (10 * USEC_PER_SEC)
/*
 * Time for a victim to go: measured up to 0.8 s for 4 GiB, 1.8 s for 8 GiB of 4K pages on an otherwise
 * free machine; under thrash several times that.
 */
#define EXIT_WAIT_USEC         (2 * USEC_PER_SEC)
#define EXIT_WAIT_GIB_USEC     USEC_PER_SEC
#define EXIT_WAIT_MAX_USEC     (60 * USEC_PER_SEC)
/* Marks, limits and oom.group of cgroups do not change by the second: a few walks' worth of time. */
#define TREE_FRESH_SPACINGS 3
/* Nobody to kill: to look again at all processes is not worth it before this, and that for each of them. */
#define NOBODY_PAUSE_USEC      (500 * USEC_PER_MSEC)
#define NOBODY_PAUSE_EACH_USEC 50
#define CANCEL_PAUSE_USEC (100 * USEC_PER_MSEC)
/* What should be free beyond the limit after the kill, so that the next page does not cross it again. */
#define DEFICIT_MARGIN_DIVISOR 50

/* ---- what a condition rests on ---- */

static bool is_true_without(const DecideState *s, const Domain *d, uint16_t when, uint32_t metrics) {
        return condition_eval(s, d, when, metrics) == TRUTH_TRUE;
}

/* Is the cgroup held by its own limit rather than by want of the host's memory? */
static bool is_own_limit(const Domain *d, const MetricInput *in) {
        uint64_t limit, host, total;
        MetricInput host_in = { .snap = in->snap };
        if (d->id == 0 || !metric_cgroup_limit(in, &limit) || !cgroup_has(in->cgroup, CGROUP_CURRENT))
                return false;
        uint64_t room = u64_sub_sat(limit, in->cgroup->value[CGROUP_CURRENT]);
        return room <= limit / 10 && (!metric_available(&host_in, &host, &total) || host > room);
}

Reason kill_reason(const DecideState *s, const Domain *d, uint16_t when, const MetricInput *in) {
        const uint32_t exhaustion = 1u << METRIC_EXHAUSTION;
        const uint32_t amounts = 1u << METRIC_AVAILABLE | 1u << METRIC_SWAP_FREE | 1u << METRIC_SWAP_USED | 1u << METRIC_USAGE;
        bool is_host = d->id == 0;

        if (!is_true_without(s, d, when, 0))
                return is_own_limit(d, in) ? REASON_CGROUP_OWN_LIMIT : REASON_OTHER_CONDITION;
        if (is_own_limit(d, in))
                return REASON_CGROUP_OWN_LIMIT;
        if (!is_true_without(s, d, when, METRICS_PRESSURE))
                return is_host ? REASON_HOST_PRESSURE : REASON_CGROUP_PRESSURE;
        if (!is_true_without(s, d, when, exhaustion | METRICS_PRESSURE))
                return is_host ? REASON_HOST_EXHAUSTION : REASON_CGROUP_MEMORY_LOW;
        if (!is_true_without(s, d, when, amounts | exhaustion | METRICS_PRESSURE))
                return is_host ? REASON_HOST_MEMORY_LOW : REASON_CGROUP_MEMORY_LOW;
        return REASON_OTHER_CONDITION;
}

/* ---- how much is missing ---- */

static uint64_t term_deficit(const Term *t, const MetricInput *domain) {
        MetricInput host = { .snap = domain->snap, .credit_bytes = domain->credit_bytes };
        const MetricInput *in = t->host ? &host : domain;
        uint64_t bytes, total;

        if (t->metric != METRIC_AVAILABLE || (t->comparison != COMPARE_LT && t->comparison != COMPARE_LE) ||
            !metric_available(in, &bytes, &total))
                return 0;
        return u64_sub_sat(condition_limit_bytes(t, total), bytes);
}

/* Only what makes the condition true counts: a branch of an `or` that is false says nothing about what is missing. */
static uint64_t expr_deficit(const DecideState *s, const Domain *d, uint16_t expr, const MetricInput *in) {
        if (condition_eval(s, d, expr, 0) != TRUTH_TRUE)
                return 0;
        const Expr *e = &s->policy->exprs[expr];
        switch (e->kind) {
        case EXPR_TERM:
                return term_deficit(&s->policy->terms[e->a], in);
        case EXPR_AND:
        case EXPR_OR:
                return MAX(expr_deficit(s, d, e->a, in), expr_deficit(s, d, e->b, in));
        case EXPR_FOR:
                return expr_deficit(s, d, e->a, in);
        case EXPR_NOT:
        case _EXPR_KIND_MAX:
                break;
        }
        return 0;
}

static uint64_t domain_deficit(const DecideState *s, const Domain *d, uint16_t when, const MetricInput *in) {
        uint64_t bytes, total;
        if (!metric_available(in, &bytes, &total))
                total = in->snap->host.value[HOST_MEM_TOTAL];
        return u64_add_sat(expr_deficit(s, d, when, in), total / DEFICIT_MARGIN_DIVISOR);
}

static uint64_t exit_wait_usec(const Candidate *c, uint32_t page_size) {
        uint64_t bytes = u64_mul_sat(c->size_pages, page_size);
        return MIN(u64_add_sat(EXIT_WAIT_USEC, u64_mul_div(bytes, EXIT_WAIT_GIB_USEC, UINT64_C(1) << 30)), EXIT_WAIT_MAX_USEC);
}

/* ---- the kill ---- */

static bool flight_is_used(const DecideState *s, uint32_t flight) {
        for (uint32_t i = 0; i < s->n_domains; i++)
                if (s->domains[i].kill.id != 0 && s->domains[i].kill.flight == flight)
                        return true;
        return false;
}

/* A free place for a kill, unless one is in flight in the same line of ancestry. */
static bool flight_find(const DecideState *s, const Domain *d, uint32_t *ret) {
        for (uint32_t i = 0; i < s->n_domains; i++)
                if (s->domains[i].kill.id != 0 && domains_are_related(d, &s->domains[i]))
                        return false;
        for (uint32_t f = 0; f < KILLS_MAX; f++)
                if (!flight_is_used(s, f)) {
                        *ret = f;
                        return true;
                }
        return false;
}

static bool has_related_virtual(const DecideState *s, const Domain *d) {
        for (uint32_t i = 0; i < s->n_virtuals; i++)
                if (d->id == 0 || cgroup_path_inside(s->virtuals[i].cgroup_path, d->path))
                        return true;
        return false;
}

static Hold guard_pressure(const DecideState *s, const Domain *d, uint64_t now_usec) {
        if (d->own.is_inside)
                return HOLD_OWN_THROTTLE;
        if (has_related_virtual(s, d))
                return HOLD_VIRTUAL;
        if (d->evidence_usec == 0 || now_usec - d->evidence_usec > EVIDENCE_USEC)
                return HOLD_NO_EVIDENCE;
        if (d->short_usec == 0 || now_usec - d->short_usec > EVIDENCE_USEC)
                return HOLD_NOT_SHORT;
        return HOLD_NONE;
}

/* Everything that can hold a kill back before anybody is ranked. */
static Hold kill_guards(const DecideState *s, const Domain *d, bool is_pressure, const Snapshot *snap, uint32_t *ret_flight) {
        if (!flight_find(s, d, ret_flight))
                return HOLD_KILL_IN_FLIGHT;
        if (snap->mono_usec < d->cooldown_usec)
                return HOLD_COOLDOWN;
        if (d->own.is_limited_by_us)
                return HOLD_OWN_THROTTLE;
        if (s->n_virtuals == VIRTUALS_MAX)
                return HOLD_VIRTUAL;
        Hold h = is_pressure ? guard_pressure(s, d, snap->mono_usec) : HOLD_NONE;
        if (h != HOLD_NONE)
                return h;
        if ((snap->detail & DETAIL_PROCESSES) && (snap->detail & DETAIL_ANY_CGROUPS))
                return HOLD_NONE;
        uint64_t pause = NOBODY_PAUSE_USEC + (uint64_t)s->growth.n * NOBODY_PAUSE_EACH_USEC;
        return d->nobody_usec > 0 && snap->mono_usec - d->nobody_usec < pause ? HOLD_NO_CANDIDATE : HOLD_NEEDS_DETAIL;
}

static void kill_describe(const DecideState *s, const Domain *d, const MetricInput *in, KillDecision *k) {
        uint16_t when = s->policy->cgroups[d->policy].levels[LEVEL_KILL].when;
        uint64_t total;

        memset(k, 0, offsetof(KillDecision, candidates));
        k->n_rejected = k->n_members = 0;
        k->policy = d->policy;
        k->domain_id = d->id;
        k->dry_run = s->policy->daemon.dry_run;
        domain_copy_names(s, d, k->domain_path, k->policy_name);
        condition_report(s, d, when, in, &k->condition);
        k->reason = kill_reason(s, d, when, in);
        k->deficit_bytes = domain_deficit(s, d, when, in);
        if (!metric_available(in, &k->available_bytes, &total))
                k->available_bytes = UINT64_MAX;
        rank_domain(s, d, in->snap, k);
}

/*
 * A storm gets SIGKILL at once where the policy allows it at all: SIGTERM one by one loses against a
 * parent that keeps forking, and cgroup.kill is the only signal that cannot be outrun. So does a
 * process that has ignored one.
 */
static Step first_step(const DecideState *s, const LevelPolicy *lp, const Candidate *c, uint64_t now_usec) {
        bool can_kill = lp->steps & (1u << STEP_KILL), can_terminate = lp->steps & (1u << STEP_TERMINATE);
        if (!can_terminate || (can_kill && (c->kind != CANDIDATE_PROCESS || kill_ignored_sigterm(s, c, now_usec))))
                return STEP_KILL;
        return STEP_TERMINATE;
}

static void kill_start(DecideState *s, Domain *d, uint32_t flight, const MetricInput *in, KillDecision *k) {
        const LevelPolicy *lp = &s->policy->cgroups[d->policy].levels[LEVEL_KILL];
        uint64_t now = in->snap->mono_usec, exit_wait = exit_wait_usec(&k->candidates[0], in->snap->page_size);

        k->kill_id = s->next_kill_id++;
        k->step = first_step(s, lp, &k->candidates[0], now);
        k->wait_usec = exit_wait + (k->step == STEP_TERMINATE ? lp->grace_usec : 0);
        bool is_memory_low = k->reason == REASON_HOST_MEMORY_LOW || k->reason == REASON_HOST_EXHAUSTION ||
                             k->reason == REASON_CGROUP_MEMORY_LOW;
        d->kill = (KillInFlight){
                .id = k->kill_id,
                .step = k->step,
                .is_memory_low = is_memory_low,
                .signalled_usec = now,
                .deadline_usec = now + k->wait_usec,
                .escalate_usec = lp->steps & (1u << STEP_KILL) ? now + lp->grace_usec : USEC_INFINITY,
                .urgent_bytes = k->available_bytes != UINT64_MAX ? k->available_bytes / 2 : 0,
                .flight = flight,
        };
        memcpy(&s->flights[flight], k, sizeof(*k));
}

/* The host's own kill waits for one in flight in a cgroup; it must not wait for that one's grace. */
static bool host_is_low(const DecideState *s) {
        if (s->n_domains == 0 || s->domains[0].id != 0)
                return false;
        uint16_t when = s->policy->cgroups[s->domains[0].policy].levels[LEVEL_KILL].when;
        return is_true_without(s, &s->domains[0], when, METRICS_PRESSURE);
}

/*
 * SIGTERM was not enough: the grace is over, or half of what was left is gone, of which there may have been
 * nothing: MemAvailable is 0 before the last page is. Only while it is still needed.
 */
static bool escalation_is_due(const DecideState *s, const Domain *d, const MetricInput *in) {
        if (d->kill.step != STEP_TERMINATE || d->kill.escalate_usec == USEC_INFINITY || !d->is_when[LEVEL_KILL])
                return false;
        if (d->id != 0 && host_is_low(s))
                return true;
        return in->snap->mono_usec >= d->kill.escalate_usec ||
               (d->kill.is_memory_low && d->available_bytes <= d->kill.urgent_bytes);
}

static void kill_escalate(DecideState *s, Domain *d, const MetricInput *in, Decision *ret) {
        const KillStatus *st = kill_status_find(in->snap, d->kill.id);
        KillDecision *k = &s->flights[d->kill.flight];
        if (!st || st->outcome != KILL_PENDING)
                return;
        uint32_t victim = MIN(st->candidate, k->n_candidates - 1);
        if (victim != 0)
                memcpy(&k->candidates[0], &k->candidates[victim], sizeof(k->candidates[0]));
        k->n_candidates = 1;
        k->is_escalation = true;
        k->step = d->kill.step = STEP_KILL;
        k->wait_usec = exit_wait_usec(&k->candidates[0], in->snap->page_size);
        d->kill.deadline_usec = in->snap->mono_usec + k->wait_usec;
        condition_report(s, d, s->policy->cgroups[d->policy].levels[LEVEL_KILL].when, in, &k->condition);
        k->available_bytes = d->available_bytes;
        ret->kill = *k;
        ret->has_kill = true;
}

static void kill_hold(const DecideState *s, const Domain *d, const MetricInput *in, Hold h, Decision *ret) {
        if (ret->has_held)
                return;
        char name[64];
        ret->has_held = true;
        ret->held = (KillHeld){ .policy = d->policy, .domain_id = d->id, .hold = h };
        domain_copy_names(s, d, ret->held.domain_path, name);
        condition_report(s, d, s->policy->cgroups[d->policy].levels[LEVEL_KILL].when, in, &ret->held.condition);
}

/* The tree as it was known a moment ago is good enough to kill by; its stall figures only where they rank. */
static uint32_t kill_needs(const DecideState *s, const Domain *d, uint64_t now_usec) {
        Rank rank = s->policy->cgroups[d->policy].rank;
        if (rank == RANK_PRESSURE || rank == RANK_SCAN)
                return DETAIL_PROCESSES | DETAIL_CGROUPS | DETAIL_STATS;
        bool is_known = s->cgroups_usec > 0 && now_usec - s->cgroups_usec <= TREE_FRESH_SPACINGS * cgroups_spacing_usec(s);
        return DETAIL_PROCESSES | (is_known ? DETAIL_KNOWN_CGROUPS : DETAIL_CGROUPS);
}

void kill_step(DecideState *s, Domain *d, const MetricInput *in, Decision *ret) {
        const LevelPolicy *lp = &s->policy->cgroups[d->policy].levels[LEVEL_KILL];
        const uint32_t signals = 1u << STEP_TERMINATE | 1u << STEP_KILL;
        uint32_t flight;

        if (ret->has_kill)
                return;
        if (d->kill.id != 0) {
                if (escalation_is_due(s, d, in))
                        kill_escalate(s, d, in, ret);
                return;
        }
        if (!(lp->steps & signals) || !d->is_when[LEVEL_KILL])
                return;
        bool is_pressure = !is_true_without(s, d, lp->when, METRICS_PRESSURE);
        Hold h = kill_guards(s, d, is_pressure, in->snap, &flight);
        if (h == HOLD_NONE) {
                kill_describe(s, d, in, &ret->kill);
                if (ret->kill.n_candidates > 0) {
                        kill_start(s, d, flight, in, &ret->kill);
                        ret->has_kill = true;
                        return;
                }
                h = HOLD_NO_CANDIDATE;
                d->nobody_usec = in->snap->mono_usec;
        }
        if (h == HOLD_NEEDS_DETAIL) {
                ret->need |= kill_needs(s, d, in->snap->mono_usec);
                ret->need_now = true;
        }
        kill_hold(s, d, in, h, ret);
}

/* ---- around the kill ---- */

static const Domain *domain_of_kill(const DecideState *s, uint64_t kill_id) {
        for (uint32_t i = 0; i < s->n_domains; i++)
                if (s->domains[i].kill.id == kill_id)
                        return &s->domains[i];
        return NULL;
}

/**
 * decide_confirm() - is the kill still right?
 * @snap: cheap sample, younger than the one that was decided on
 *
 * Return: HOLD_NONE to go ahead; HOLD_NOT_CONFIRMED where the condition is no longer true, its values
 *         could not be read, or the cgroup in trouble is gone.
 */
Hold decide_confirm(const DecideState *s, const Snapshot *snap, const KillDecision *k) {
        const Domain *found = domain_of_kill(s, k->kill_id);
        if (!found)
                return HOLD_NOT_CONFIRMED;
        Domain d = *found;
        if (d.id != 0) {
                d.sample = INDEX_NONE;
                for (uint32_t i = 0; i < snap->n_cgroups; i++)
                        if (snap->cgroups[i].id == d.id)
                                d.sample = i;
                if (d.sample == INDEX_NONE)
                        return HOLD_NOT_CONFIRMED;
        }
        MetricInput in = domain_input(s, &d, snap);
        Truth t = condition_peek(s, &d, s->policy->cgroups[d.policy].levels[LEVEL_KILL].when, &in);
        return t == TRUTH_TRUE ? HOLD_NONE : HOLD_NOT_CONFIRMED;
}

/* An escalation that was not confirmed leaves the SIGTERM in flight; anything else leaves nothing. */
void decide_cancel(DecideState *s, uint64_t kill_id, Hold why) {
        (void)why;
        for (uint32_t i = 0; i < s->n_domains; i++) {
                Domain *d = &s->domains[i];
                if (d->kill.id != kill_id)
                        continue;
                if (s->flights[d->kill.flight].is_escalation)
                        d->kill.step = STEP_TERMINATE;
                else
                        d->kill = (KillInFlight){ 0 };
                /* a value that flutters about its limit must not have all processes read at each tick */
                d->cooldown_usec = MAX(d->cooldown_usec, s->last_usec + CANCEL_PAUSE_USEC);
        }
}

int decide_explain(const DecideState *s, const Snapshot *snap, uint64_t domain_id, KillDecision *ret) {
        for (uint32_t i = 0; i < s->n_domains; i++) {
                if (s->domains[i].id != domain_id)
                        continue;
                Domain d = s->domains[i];
                d.sample = INDEX_NONE;
                for (uint32_t c = 0; d.id != 0 && c < snap->n_cgroups; c++)
                        if (snap->cgroups[c].id == d.id)
                                d.sample = c;
                if (!domain_is_seen(&d, snap))
                        return -ENOENT;
                MetricInput in = domain_input(s, &d, snap);
                kill_describe(s, &d, &in, ret);
                return 0;
        }
        return -ENOENT;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Was a kill right? facts/planning.md, section 3, in the numbers of the simulation:
 *
 *  - late: tasks stood still for longer than the bound in the minute before it; or the kernel killed first.
 *  - missed: the kernel killed, and the policy had not in MISSED_USEC before.
 *  - wrong victim: it freed less than was missing; or it was protected; or it had next to nothing of the last growth
 *    while another candidate had most of it.
 *  - unnecessary: without it the host would have been well again by itself. That is a second account, beside the first:
 *    headroom less what the victim would have had, which the record shows, as it went on there. It must come to the limit
 *    of the condition within RECOVER_USEC, and not fall below what it was at the kill for HOLD_USEC. Where the record
 *    ends before, or its own policy killed the same victim (its later demand is not known), nothing is said.
 */

#include "plan/sim-state.h"

#define RECOVER_USEC (30 * USEC_PER_SEC)
#define HOLD_USEC    (300 * USEC_PER_SEC)
#define MISSED_USEC  (10 * USEC_PER_SEC)
/* Shares of the growth of the last minute */
#define GROWTH_LITTLE 1000
#define GROWTH_MOST   5000

static bool is_wrong(const KillDecision *k, uint64_t freed_bytes) {
        const Candidate *v = &k->candidates[0];

        if (v->is_protected || freed_bytes < k->deficit_bytes)
                return true;
        if (!v->has_growth || v->growth_share >= GROWTH_LITTLE)
                return false;
        for (uint32_t i = 1; i < MIN(k->n_candidates, (uint32_t)CANDIDATES_MAX); i++)
                if (k->candidates[i].has_growth && k->candidates[i].growth_share > GROWTH_MOST)
                        return true;
        return false;
}

static void pending_add(PlanSim *s, const KillDecision *k, const PlanEvent *e, uint32_t number) {
        if (s->n_pending == PENDING_MAX || !e || k->domain_id != 0 || number == 0)
                return;
        uint64_t headroom = sim_headroom(s);
        s->pending[s->n_pending++] = (PendingRegret){
                .number = number,
                .event = (uint64_t)(e - s->outcome.events),
                .kill_usec = s->now_usec,
                .limit_bytes = u64_add_sat(headroom, k->deficit_bytes),
                .floor_bytes = headroom,
        };
}

void sim_regret_kill(PlanSim *s, const KillDecision *k, PlanEvent *e, uint32_t number, uint64_t freed_bytes) {
        if (s->minute_usec > sim_stall_bound_usec(s))
                sim_regret(s, e, PLAN_REGRET_LATE);
        if (is_wrong(k, freed_bytes))
                sim_regret(s, e, PLAN_REGRET_WRONG_VICTIM);
        pending_add(s, k, e, number);
}

void sim_regret_kernel(PlanSim *s, PlanEvent *e) {
        bool has_killed = s->last_policy_kill_usec > 0 && s->now_usec - s->last_policy_kill_usec <= MISSED_USEC;
        sim_regret(s, e, has_killed ? PLAN_REGRET_LATE : PLAN_REGRET_MISSED);
}

/* What the victims of a kill would have now. */
typedef struct Without {
        uint64_t bytes;
        bool is_unknown;
} Without;

/* In one pass for all kills that wait for a judgement: there may be hundreds of victims, and it is asked at each step. */
static void victims_demand(const PlanSim *s, Without ret[static PENDING_MAX]) {
        uint32_t first = UINT32_MAX;

        for (uint32_t k = 0; k < s->n_pending; k++) {
                first = MIN(first, s->pending[k].number);
                ret[k] = (Without){ 0 };
        }
        for (uint32_t i = 0; i < s->n_touched; i++) {
                const DemandProcess *p = &s->demand.processes[s->touched[i].process];
                uint32_t k = 0;
                if (p->killed_by < first)
                        continue;
                while (k < s->n_pending && s->pending[k].number != p->killed_by)
                        k++;
                if (k == s->n_pending)
                        continue;
                ret[k].is_unknown |= p->saw_killed || p->is_ghost;
                if (!p->copies.gone || !s->touched[i].is_there)
                        continue;
                uint64_t there = copies_permyriad(&p->copies);
                Copies all = p->copies;
                all.gone = 0;
                uint64_t bytes = u64_mul_sat(s->touched[i].pages, s->demand.page_size);
                ret[k].bytes = u64_add_sat(ret[k].bytes, u64_mul_div(bytes, copies_permyriad(&all) - there, PERMYRIAD));
        }
}

/* 1: not needed; 0: not told yet; -1: needed, or it will never be known. */
static int pending_judge(PlanSim *s, PendingRegret *p, const Without *w) {
        uint64_t bytes = w->bytes, since = s->now_usec - p->kill_usec, headroom = sim_headroom(s);

        if (w->is_unknown || bytes >= headroom)
                return since < RECOVER_USEC / 30 ? 0 : -1;
        uint64_t without = headroom - bytes;
        if (p->recovered_usec == 0) {
                if (without >= p->limit_bytes && bytes > 0)
                        p->recovered_usec = s->now_usec;
                else if (without >= p->limit_bytes && since > USEC_PER_SEC)
                        p->recovered_usec = s->now_usec; /* it ended by itself */
                else if (since > RECOVER_USEC)
                        return -1;
                return 0;
        }
        if (without < p->floor_bytes)
                return -1;
        return s->now_usec - p->recovered_usec >= HOLD_USEC ? 1 : 0;
}

void sim_regret_step(PlanSim *s) {
        Without without[PENDING_MAX];
        uint32_t n = 0;

        if (s->n_pending == 0)
                return;
        victims_demand(s, without);
        for (uint32_t i = 0; i < s->n_pending; i++) {
                PendingRegret p = s->pending[i];
                int r = pending_judge(s, &p, &without[i]);
                if (r > 0)
                        sim_regret(s, &s->outcome.events[p.event], PLAN_REGRET_UNNECESSARY);
                if (r == 0)
                        s->pending[n++] = p;
        }
        s->n_pending = n;
}

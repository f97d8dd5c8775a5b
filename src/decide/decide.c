/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * decide_step(): one step of the machine. For each cgroup in trouble ("domain"; the host is one)
 *
 *     new sample -> windows and clocks -> level (calm, warn, relieve, kill) -> perhaps one kill, a step of the ladder
 *
 * Invariants, whatever the input:
 *  - one kill in flight in each line of ancestry: the next only when its victim is gone, or its time,
 *    scaled with its size, has run out;
 *  - a kill needs its condition to be true, not merely unknown, in this very sample;
 *  - a condition that is true by stall alone also needs a sign that memory is the cause, and that memory
 *    was short.
 */

#include "decide/decide.h"

#include <string.h>

#include "decide/condition.h"
#include "decide/domain.h"
#include "decide/kill.h"
#include "decide/ladder.h"
#include "decide/own-stall.h"
#include "decide/pace.h"
#include "decide/proactive.h"
#include "decide/state.h"

/* A level without Until= is left when its condition has not been true for this long. */
#define LEVEL_HOLD_USEC (5 * USEC_PER_SEC)
/* A host that was suspended must not find that it has been quiet for hours. */
#define QUIET_CREDIT_USEC (2 * USEC_PER_SEC)
/* Detailed samples cost: cgroups flush kernel statistics, processes a read each. */
#define PROCESSES_SPACING_USEC  USEC_PER_SEC
#define PROCESSES_SPACING_EACH_USEC 200
#define CGROUPS_SPACING_EACH_USEC   1400

/*
 * Where the next part begins. Of a big one a calm host touches the beginning only: that is to lie at the beginning of
 * a page, and not across two.
 */
static size_t part_end(size_t at, size_t n) {
        size_t alignment = n >= 4096 ? 4096 : 64;
        return (at + n + alignment - 1) & ~(alignment - 1);
}

/* ---- init ---- */

typedef struct RangeWalk {
        uint16_t first, end;
} RangeWalk;

static void range_term(void *userdata, const Term *t, uint16_t term) {
        RangeWalk *w = userdata;
        (void)t;
        w->first = MIN(w->first, term);
        w->end = MAX(w->end, (uint16_t)(term + 1));
}

static void range_exprs(const Policy *p, uint16_t expr, RangeWalk *w) {
        if (expr == EXPR_NONE)
                return;
        const Expr *e = &p->exprs[expr];
        w->first = MIN(w->first, expr);
        w->end = MAX(w->end, (uint16_t)(expr + 1));
        if (e->kind == EXPR_TERM)
                return;
        range_exprs(p, e->a, w);
        if (e->kind == EXPR_AND || e->kind == EXPR_OR)
                range_exprs(p, e->b, w);
}

static PolicyRange policy_range(const Policy *p, const CgroupPolicy *c) {
        RangeWalk terms = { UINT16_MAX, 0 }, exprs = { UINT16_MAX, 0 };
        uint32_t steps = 0;
        for (Level l = LEVEL_WARN; l < _LEVEL_MAX; l++) {
                condition_each_term(p, c->levels[l].when, range_term, &terms);
                condition_each_term(p, c->levels[l].until, range_term, &terms);
                range_exprs(p, c->levels[l].when, &exprs);
                range_exprs(p, c->levels[l].until, &exprs);
                steps |= c->levels[l].when != EXPR_NONE ? c->levels[l].steps : 0;
        }
        bool has_not = false;
        for (uint32_t i = exprs.first; i < exprs.end; i++)
                has_not |= p->exprs[i].kind == EXPR_NOT;
        return (PolicyRange){
                .first_term = terms.end ? terms.first : 0,
                .n_terms = (uint16_t)(terms.end ? terms.end - terms.first : 0),
                .first_expr = exprs.end ? exprs.first : 0,
                .n_exprs = (uint16_t)(exprs.end ? exprs.end - exprs.first : 0),
                .has_not = has_not,
                .needs_usage = steps & STEPS_LADDER & ~STEP_BIT(STEP_TRIM),
        };
}

typedef struct UseWalk {
        DecideState *s;
        uint8_t policy;
        Level level;
} UseWalk;

/* @is_when: else Until=, which is looked at only where the level is not calm. */
static void use_expr(const UseWalk *w, uint16_t expr, bool is_when, bool is_in_for) {
        if (expr == EXPR_NONE)
                return;
        const Expr *e = &w->s->policy->exprs[expr];
        if (e->kind == EXPR_TERM) {
                TermUse *u = &w->s->uses[e->a];
                u->policy = w->policy;
                u->whens |= is_when ? (uint8_t)(1u << w->level) : 0;
                u->is_watched |= is_when || is_in_for;
                return;
        }
        if (e->kind == EXPR_FOR && is_when && w->level == LEVEL_KILL && !is_in_for)
                w->s->kill_for[expr] = (uint8_t)(w->policy + 1);
        use_expr(w, e->a, is_when, is_in_for || e->kind == EXPR_FOR);
        if (e->kind == EXPR_AND || e->kind == EXPR_OR)
                use_expr(w, e->b, is_when, is_in_for);
}

/* What steps would else find out by walking through all expressions. */
static void policy_uses(DecideState *s) {
        const Policy *p = s->policy;
        for (uint32_t i = 0; i < p->n_cgroups; i++)
                for (Level l = LEVEL_WARN; l < _LEVEL_MAX; l++) {
                        const UseWalk w = { .s = s, .policy = (uint8_t)i, .level = l };
                        use_expr(&w, p->cgroups[i].levels[l].when, /* is_when= */ true, /* is_in_for= */ false);
                        use_expr(&w, p->cgroups[i].levels[l].until, /* is_when= */ false, /* is_in_for= */ false);
                }
        uint16_t next = EXPR_NONE;
        for (uint32_t i = POLICY_EXPRS_MAX + 1; i-- > 0;) {
                if (i < p->n_exprs && p->exprs[i].kind == EXPR_FOR)
                        next = (uint16_t)i;
                s->next_for[i] = next;
        }
}

static void policy_max_range(const Policy *p, size_t *ret_terms, size_t *ret_exprs) {
        *ret_terms = *ret_exprs = 1;
        for (uint32_t i = 0; i < p->n_cgroups; i++) {
                PolicyRange r = policy_range(p, &p->cgroups[i]);
                *ret_terms = MAX(*ret_terms, (size_t)r.n_terms);
                *ret_exprs = MAX(*ret_exprs, (size_t)r.n_exprs);
        }
}

size_t decide_state_size(const Policy *p, const DecideLimits *limits) {
        size_t terms, exprs, n = limits->max_domains;
        policy_max_range(p, &terms, &exprs);
        const size_t parts[] = {
                sizeof(DecideState),
                n * sizeof(Domain),
                n * slot_storage_size(terms, exprs),
                KILLS_MAX * sizeof(KillDecision),
                growth_table_size(limits->max_processes),
                usage_table_size(limits->max_cgroups),
                limits->max_cgroups,
                rank_scratch_size(limits),
                VIRTUALS_MAX * sizeof(VirtualVictim),
                TRIED_MAX * sizeof(TriedVictim),
                HELD_MAX * sizeof(HeldMeasure),
        };
        size_t size = 0;
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                size = part_end(size, parts[i]);
        return size;
}

/* In the order in which decide_state_size() adds up. */
static void *carve(char *memory, size_t *at, size_t n) {
        void *r = memory + *at;
        *at = part_end(*at, n);
        return r;
}

int decide_state_init(void *memory, size_t size, const Policy *p, const DecideLimits *limits, DecideState **ret) {
        size_t terms, exprs, n = limits->max_domains;
        size_t at = 0;

        if (size < decide_state_size(p, limits) || n == 0 || p->n_cgroups > POLICY_CGROUPS_MAX)
                return -ENOSPC;
        policy_max_range(p, &terms, &exprs);
        DecideState *s = carve(memory, &at, sizeof(*s));
        memset(s, 0, sizeof(*s));
        s->policy = p;
        s->limits = *limits;
        s->next_kill_id = s->next_measure_id = 1;
        s->domains = carve(memory, &at, n * sizeof(Domain));
        s->storage = carve(memory, &at, n * slot_storage_size(terms, exprs));
        s->max_terms = terms;
        s->max_exprs = exprs;
        s->flights = carve(memory, &at, KILLS_MAX * sizeof(KillDecision));
        growth_table_init(&s->growth, carve(memory, &at, growth_table_size(limits->max_processes)), limits->max_processes);
        usage_table_init(&s->usage, carve(memory, &at, usage_table_size(limits->max_cgroups)), limits->max_cgroups);
        s->cgroup_flags = carve(memory, &at, limits->max_cgroups);
        s->rank = rank_scratch_init(carve(memory, &at, rank_scratch_size(limits)), limits);
        /* No zeroes: n_virtuals, n_tried and n_held say what of them counts. */
        s->virtuals = carve(memory, &at, VIRTUALS_MAX * sizeof(VirtualVictim));
        s->tried = carve(memory, &at, TRIED_MAX * sizeof(TriedVictim));
        s->held_measures = carve(memory, &at, HELD_MAX * sizeof(HeldMeasure));
        for (uint32_t i = 0; i < p->n_cgroups; i++)
                s->needs_usage |= (s->ranges[i] = policy_range(p, &p->cgroups[i])).needs_usage;
        policy_uses(s);
        pace_init(s);
        *ret = s;
        return 0;
}

/* ---- levels ---- */

static Level level_wanted(const Domain *d) {
        for (Level l = LEVEL_KILL; l > LEVEL_CALM; l--)
                if (d->is_when[l])
                        return l;
        return LEVEL_CALM;
}

static bool level_is_over(const DecideState *s, Domain *d, uint64_t dt_usec) {
        uint64_t credit = MIN(dt_usec, QUIET_CREDIT_USEC);
        const LevelPolicy *lp = &s->policy->cgroups[d->policy].levels[d->level];
        if (d->is_when[d->level]) {
                d->trouble_usec = u64_add_sat(d->trouble_usec, credit);
                d->quiet_usec = 0;
                return false;
        }
        d->quiet_usec = u64_add_sat(d->quiet_usec, credit);
        d->trouble_usec = u64_sub_sat(d->trouble_usec, credit);
        if (lp->until == EXPR_NONE)
                return d->quiet_usec >= LEVEL_HOLD_USEC;
        Truth t = condition_eval(s, d, lp->until, 0);
        return t == TRUTH_TRUE || (t == TRUTH_UNKNOWN && d->quiet_usec >= LEVEL_UNTOLD_USEC);
}

static void level_step(const DecideState *s, Domain *d, const MetricInput *in, uint64_t dt_usec, Decision *ret) {
        Level wanted = level_wanted(d);
        bool is_over = d->level != LEVEL_CALM && level_is_over(s, d, dt_usec);

        if (wanted == d->level || (wanted < d->level && !is_over) || ret->n_changes == LEVEL_CHANGES_MAX)
                return;
        const CgroupPolicy *c = &s->policy->cgroups[d->policy];
        LevelChange *change = &ret->changes[ret->n_changes++];
        const LevelPolicy *lp = &c->levels[MAX(wanted, d->level)];
        *change = (LevelChange){
                .policy = d->policy,
                .domain_id = d->id,
                .from = d->level,
                .to = wanted,
                .steps = c->levels[wanted].steps,
        };
        domain_copy_names(s, d, change->domain_path, change->policy_name);
        condition_report(s, d, wanted < d->level && lp->until != EXPR_NONE ? lp->until : lp->when, in, &change->condition);
        change->reason = kill_reason(s, d, lp->when, in);
        d->level = wanted;
        if (wanted == LEVEL_CALM)
                d->climb.level = LEVEL_CALM; /* the next time from the first step */
        d->level_usec = in->snap->mono_usec;
        d->quiet_usec = d->trouble_usec = 0;
}

/* ---- what to look at the next time ---- */

uint64_t cgroups_spacing_usec(const DecideState *s) {
        return MAX(USEC_PER_SEC, (uint64_t)s->usage.n * CGROUPS_SPACING_EACH_USEC);
}

static void plan_next(const DecideState *s, const Snapshot *snap, bool is_watchful, Decision *ret) {
        uint64_t now = snap->mono_usec;
        uint64_t spacing = MAX(PROCESSES_SPACING_USEC, (uint64_t)s->growth.n * PROCESSES_SPACING_EACH_USEC);

        if (is_watchful || s->n_virtuals > 0) {
                if (now - s->processes_usec >= spacing)
                        ret->need |= DETAIL_PROCESSES;
                ret->need |= DETAIL_CGROUPS | (s->needs_usage ? DETAIL_STATS : 0);
        }
        if ((ret->need & DETAIL_CGROUPS) && !ret->need_now && now - s->cgroups_usec < cgroups_spacing_usec(s))
                ret->need &= ~(uint32_t)(DETAIL_CGROUPS | DETAIL_STATS);
        ret->next_usec = MIN(MAX(ret->next_usec, s->policy->daemon.interval_min_usec), s->policy->daemon.interval_max_usec);
}

/* ---- the step ---- */

static bool snapshot_is_sound(const DecideState *s, const Snapshot *snap) {
        if (snap->page_size == 0 || snap->n_cgroups > s->limits.max_cgroups ||
            snap->n_processes > s->limits.max_processes || snap->n_kills > KILLS_MAX ||
            snap->n_measures > MEASURE_STATUSES_MAX)
                return false;
        for (uint32_t i = 0; i < snap->n_cgroups; i++)
                if (!snap->cgroups[i].path || snap->cgroups[i].policy >= (int32_t)s->policy->n_cgroups)
                        return false;
        for (uint32_t i = 0; i < snap->n_processes; i++)
                if (!snap->processes[i].cgroup_path)
                        return false;
        return true;
}

static void take_in_details(DecideState *s, const Snapshot *snap) {
        if (snap->detail & DETAIL_ANY_PROCESSES) {
                const HostSample *h = &snap->host;
                uint64_t total = u64_add_sat(h->value[HOST_MEM_TOTAL], h->value[HOST_SWAP_TOTAL]) / snap->page_size;
                growth_table_update(&s->growth, snap, total);
                kill_prune_virtuals(s, snap);
        }
        if (snap->detail & DETAIL_PROCESSES)
                s->processes_usec = snap->mono_usec;
        /* a recorder's look, in its own time, would cut the span short over which the next one tells who changed */
        if ((snap->detail & DETAIL_CGROUPS) && !(snap->detail & DETAIL_KNOWN_STATS)) {
                usage_table_update(&s->usage, snap, s->needs_usage && (snap->detail & DETAIL_STATS));
                s->cgroups_usec = snap->mono_usec;
        }
}

/**
 * decide_step() - one step: takes a snapshot in and says what to do
 *
 * See decide.h. Kills in flight are settled first, from snap->kills; then every domain takes the sample
 * in and finds its level; then at most one kill is asked for, the host's first, then by cgroup id. When
 * a kill needs processes that the snapshot does not hold, need_now asks for them at once.
 */
int decide_step(DecideState *s, const Snapshot *snap, Decision *ret) {
        bool is_watchful = false;

        /* not the changes, measures and candidates, which are large: what is used of them is made whole */
        memset(ret, 0, offsetof(Decision, changes));
        memset(&ret->kill, 0, offsetof(KillDecision, candidates));
        ret->kill.n_rejected = ret->kill.n_considered = ret->kill.n_members = 0;
        ret->next_usec = s->policy->daemon.interval_max_usec;
        if (!snapshot_is_sound(s, snap))
                return -EINVAL;
        ret->seq = ++s->seq;
        ret->mono_usec = snap->mono_usec;
        if (s->has_last && snap->mono_usec < s->last_usec)
                return 0;
        uint64_t dt = s->has_last ? snap->mono_usec - s->last_usec : 0;

        take_in_details(s, snap);
        pace_observe(s, snap);
        domains_sync(s, snap);
        kills_settle(s, snap);
        ladder_settle(s, snap);
        own_stall_step(s, snap, dt);
        for (uint32_t i = 0; i < s->n_domains; i++) {
                Domain *d = &s->domains[i];
                if (!domain_is_seen(d, snap))
                        continue;
                MetricInput in = domain_input(s, d, snap);
                domain_observe(s, d, &in);
                ret->need |= condition_update(s, d, &in, dt);
                level_step(s, d, &in, dt, ret);
                kill_step(s, d, &in, ret);
                if (d->level != LEVEL_CALM)
                        ladder_step(s, d, &in, ret);
                if (s->policy->cgroups[d->policy].proactive.pressure_permyriad > 0)
                        proactive_step(s, d, &in, ret);
                if (is_watchful && ret->next_usec <= s->policy->daemon.interval_min_usec)
                        continue; /* no domain asks for more */
                Pace pace = pace_of(s, d, &in);
                ret->next_usec = MIN(ret->next_usec, pace.delay_usec);
                is_watchful |= pace.is_watchful;
        }
        ladder_finish(s, snap, ret);
        plan_next(s, snap, is_watchful, ret);
        s->last_usec = snap->mono_usec;
        s->has_last = true;
        return 0;
}

uint32_t decide_domains(const DecideState *s, DomainView *ret, uint32_t max) {
        uint32_t n = MIN(s->n_domains, max);
        for (uint32_t i = 0; i < n; i++) {
                const Domain *d = &s->domains[i];
                ret[i] = (DomainView){
                        .policy = d->policy,
                        .id = d->id,
                        .path = d->path,
                        .level = d->level,
                        .level_since_usec = d->level_usec,
                        .available_bytes = d->available_bytes,
                        .swap_free_bytes = d->swap_free_bytes,
                        .exhaustion_usec = d->exhaustion_usec,
                        .kill_in_flight = d->kill.id,
                        .cooldown_left_usec = u64_sub_sat(d->cooldown_usec, s->last_usec),
                };
                if (!domain_stall(&d->some10, s->last_usec, &ret[i].some_permyriad))
                        ret[i].some_permyriad = UINT64_MAX;
                if (!domain_stall(&d->full10, s->last_usec, &ret[i].full_permyriad))
                        ret[i].full_permyriad = UINT64_MAX;
        }
        return n;
}

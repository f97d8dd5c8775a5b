/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a step leaves out must not show: random policies on random samples, against all of it worked out plainly, term by
 * term and without any memory but how long each `for` has been true.
 */

#include "test.h"

#include "generate.h"

#include "decide/condition.h"
#include "decide/domain.h"
#include "decide/pace.h"
#include "decide/state.h"

#define ROUNDS 150
#define STEPS  120
#define LIMITED 3

typedef struct Plain {
        World *w;
        uint64_t rng;
        uint64_t held[1 + LIMITED][64]; /* by domain and expr */
        uint64_t n_true, n_false, n_unknown, n_needs, n_calm, n_kill_clocks;
} Plain;

/* ---- a random policy ---- */

static uint16_t random_term(Plain *p, bool is_host) {
        static const uint64_t windows[] = { 500 * USEC_PER_MSEC, USEC_PER_SEC, 2 * USEC_PER_SEC, 10 * USEC_PER_SEC };
        Metric m = (Metric)random_below(&p->rng, _METRIC_MAX);
        Unit unit = m == METRIC_EXHAUSTION ? UNIT_USEC : m == METRIC_KERNEL_OOM ? UNIT_COUNT : m == METRIC_SCAN_RATE ? UNIT_BYTES
                                                                                                                      : UNIT_SHARE;
        uint64_t limit = unit == UNIT_SHARE ? random_below(&p->rng, 10001) : unit == UNIT_USEC ? random_below(&p->rng, 20 * USEC_PER_SEC)
                                                                                               : random_below(&p->rng, 3);
        return world_term(p->w, m, (Comparison)random_below(&p->rng, _COMPARISON_MAX), unit, limit,
                          metric_is_rate(m) ? windows[random_below(&p->rng, ARRAY_SIZE(windows))] : 0,
                          is_host || random_below(&p->rng, 5) == 0);
}

static uint16_t random_expr(Plain *p, bool is_host, bool has_not, uint32_t depth) {
        uint64_t kind = depth == 0 ? 0 : random_below(&p->rng, 8);
        uint16_t a, b;

        if (kind < 2)
                return random_term(p, is_host);
        a = random_expr(p, is_host, has_not, depth - 1);
        if (kind < 4)
                return world_expr(p->w, EXPR_FOR, a, 0, random_below(&p->rng, 4 * USEC_PER_SEC));
        if (kind == 4 && has_not)
                return world_expr(p->w, EXPR_NOT, a, 0, 0);
        b = random_expr(p, is_host, has_not, depth - 1);
        return world_expr(p->w, kind < 6 ? EXPR_AND : EXPR_OR, a, b, 0);
}

static void random_policy(Plain *p, const char *name, bool is_host) {
        CgroupPolicy *c = world_policy_add(p->w, name);
        bool has_not = random_below(&p->rng, 2);

        c->host = is_host;
        for (Level l = LEVEL_WARN; l < _LEVEL_MAX; l++)
                if (l == LEVEL_KILL || random_below(&p->rng, 2))
                        c->levels[l] = (LevelPolicy){
                                .when = random_expr(p, is_host, has_not, 2),
                                .until = random_below(&p->rng, 3) ? random_expr(p, is_host, has_not, 1) : EXPR_NONE,
                        };
}

static Plain *plain_new(uint64_t seed) {
        Plain *p = calloc(1, sizeof(*p));
        assert_non_null(p);
        p->rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        p->w = world_new(512 * MB, 256 * MB);
        random_policy(p, "host", /* is_host= */ true);
        random_policy(p, "limited", /* is_host= */ false);
        world_start(p->w);
        static const char *const paths[LIMITED] = { "/a", "/b", "/c" };
        for (uint32_t i = 0; i < LIMITED; i++)
                world_cgroup(p->w, 10 + i, paths[i], INDEX_NONE, 1);
        return p;
}

static void plain_free(Plain *p) {
        world_free(p->w);
        free(p);
}

/* ---- random samples: things stand still, move, jump back or are not there ---- */

static uint64_t random_move(Plain *p, uint64_t value, uint64_t step, bool is_counter) {
        switch (random_below(&p->rng, 12)) {
        case 0:
                return is_counter ? value / 2 : random_below(&p->rng, 512 * MB);
        case 1:
        case 2:
        case 3:
                return value + random_below(&p->rng, step + 1);
        case 4:
                return is_counter ? value : value - MIN(value, random_below(&p->rng, step + 1));
        default:
                return value;
        }
}

static void random_sample(Plain *p) {
        Snapshot *snap = &p->w->snap;
        HostSample *h = &snap->host;
        uint64_t dt = random_below(&p->rng, 20) ? 50 * USEC_PER_MSEC : random_below(&p->rng, 5 * USEC_PER_SEC);

        snap->mono_usec += dt;
        snap->detail = 0;
        for (HostField f = 0; f < _HOST_FIELD_MAX; f++)
                if (f != HOST_MEM_TOTAL && f != HOST_SWAP_TOTAL)
                        h->value[f] = random_move(p, h->value[f], dt, f <= HOST_PSI_FULL_USEC || f >= HOST_VM_PGSCAN_KSWAPD);
        h->have = random_below(&p->rng, 6) ? UINT64_MAX >> (64 - _HOST_FIELD_MAX) : random_next(&p->rng) | random_next(&p->rng);
        for (uint32_t i = 0; i < snap->n_cgroups; i++) {
                CgroupSample *c = &p->w->cgroups[i];
                for (CgroupField f = 0; f < _CGROUP_FIELD_MAX; f++)
                        c->value[f] = random_move(p, c->value[f], dt, f <= CGROUP_PSI_FULL_USEC || f >= CGROUP_PGSCAN);
                c->value[CGROUP_MAX] = 64 * MB;
                c->have = random_below(&p->rng, 6) ? UINT64_MAX >> (64 - _CGROUP_FIELD_MAX) : random_next(&p->rng) | random_next(&p->rng);
        }
}

/* ---- plainly ---- */

static int rank_of(Truth t) {
        return t == TRUTH_FALSE ? 0 : t == TRUTH_UNKNOWN ? 1 : 2;
}

static Truth plain_truth(const Plain *p, const Domain *d, uint32_t domain, uint16_t expr, const MetricInput *in) {
        static const Truth by_rank[] = { TRUTH_FALSE, TRUTH_UNKNOWN, TRUTH_TRUE };
        if (expr == EXPR_NONE)
                return TRUTH_FALSE;
        const Expr *e = &p->w->exprs[expr];
        if (e->kind == EXPR_TERM) {
                bool needs_detail;
                uint64_t raw;
                /* a peek holds what was true before for one that is not there */
                return metric_raw(&p->w->terms[e->a], in, &raw, &needs_detail) ? condition_peek(p->w->state, d, expr, in) : TRUTH_UNKNOWN;
        }
        int a = rank_of(plain_truth(p, d, domain, e->a, in));
        if (e->kind == EXPR_NOT)
                return by_rank[2 - a];
        if (e->kind == EXPR_FOR)
                return a == 2 && p->held[domain][expr] < e->for_usec ? TRUTH_FALSE : by_rank[a];
        int b = rank_of(plain_truth(p, d, domain, e->b, in));
        return by_rank[e->kind == EXPR_AND ? MIN(a, b) : MAX(a, b)];
}

static bool plain_clock_runs(const Plain *p, uint32_t domain, uint16_t expr) {
        const Expr *e = &p->w->exprs[expr];
        if (e->kind == EXPR_TERM)
                return false;
        if (e->kind == EXPR_FOR)
                return p->held[domain][expr] > 0;
        return plain_clock_runs(p, domain, e->a) ||
               ((e->kind == EXPR_AND || e->kind == EXPR_OR) && plain_clock_runs(p, domain, e->b));
}

static void check_domain(Plain *p, uint32_t domain, uint64_t dt) {
        DecideState *s = p->w->state;
        Domain *d = &s->domains[domain];
        const PolicyRange *range = &s->ranges[d->policy];
        MetricInput in = domain_input(s, d, &p->w->snap);
        uint32_t need = 0;

        d->level = (Level)random_below(&p->rng, _LEVEL_MAX);
        s->held_measures[0] = (HeldMeasure){ .phase = HELD_PAST };
        s->n_held = (uint32_t)random_below(&p->rng, 2);
        uint32_t got = condition_update(s, d, &in, dt);
        for (uint32_t i = range->first_term; i < (uint32_t)range->first_term + range->n_terms; i++) {
                bool needs_detail;
                uint64_t raw;
                if (!metric_raw(&p->w->terms[i], &in, &raw, &needs_detail) && needs_detail)
                        need |= DETAIL_CGROUPS | DETAIL_STATS;
        }
        assert_int_equal(got, need);
        p->n_needs += need != 0;
        for (uint32_t i = range->first_expr; i < (uint32_t)range->first_expr + range->n_exprs; i++) {
                if (p->w->exprs[i].kind != EXPR_FOR)
                        continue;
                uint64_t *held = &p->held[domain][i];
                bool is_true = plain_truth(p, d, domain, p->w->exprs[i].a, &in) == TRUTH_TRUE;
                *held = !is_true ? 0 : *held == 0 ? 1 : *held + MIN(dt, 2 * USEC_PER_SEC);
                assert_int_equal(d->held[i - range->first_expr], *held);
        }
        const LevelPolicy *levels = p->w->cgroup_policies[d->policy].levels;
        for (Level l = LEVEL_WARN; l < _LEVEL_MAX; l++) {
                Truth t = plain_truth(p, d, domain, levels[l].when, &in);
                assert_int_equal(condition_eval(s, d, levels[l].when, 0), t);
                assert_int_equal(d->is_when[l], t == TRUTH_TRUE);
                if (d->level != LEVEL_CALM || s->n_held > 0)
                        assert_int_equal(condition_eval(s, d, levels[l].until, 0), plain_truth(p, d, domain, levels[l].until, &in));
                p->n_true += t == TRUTH_TRUE;
                p->n_false += t == TRUTH_FALSE;
                p->n_unknown += t == TRUTH_UNKNOWN;
        }
        bool runs = plain_clock_runs(p, domain, levels[LEVEL_KILL].when);
        assert_int_equal(d->has_kill_clock, runs);
        p->n_kill_clocks += runs;
        p->n_calm += d->level == LEVEL_CALM && s->n_held == 0;
        s->n_held = 0;
}

static void test_conditions(void **state) {
        (void)state;
        uint64_t n_true = 0, n_false = 0, n_unknown = 0, n_needs = 0, n_calm = 0, n_kill_clocks = 0;
        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
                Plain *p = plain_new(seed);
                for (int i = 0; i < STEPS; i++) {
                        uint64_t last = p->w->snap.mono_usec;
                        random_sample(p);
                        domains_sync(p->w->state, &p->w->snap);
                        assert_int_equal(p->w->state->n_domains, 1 + LIMITED);
                        for (uint32_t k = 0; k < 1 + LIMITED; k++)
                                check_domain(p, k, p->w->snap.mono_usec - last);
                }
                n_true += p->n_true;
                n_false += p->n_false;
                n_unknown += p->n_unknown;
                n_needs += p->n_needs;
                n_calm += p->n_calm;
                n_kill_clocks += p->n_kill_clocks;
                plain_free(p);
        }
        assert_true(n_true > 1000 && n_false > 1000 && n_unknown > 1000 && n_needs > 1000 && n_calm > 1000 && n_kill_clocks > 1000);
}

/* When to look again is asked of each domain until one has asked for all there is. */
static void test_pace(void **state) {
        (void)state;
        uint64_t n_least = 0, n_more = 0, n_watchful = 0;
        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
                Plain *p = plain_new(seed);
                DecideState *s = p->w->state;
                const DaemonPolicy *daemon = &p->w->policy.daemon;
                for (int i = 0; i < STEPS; i++) {
                        random_sample(p);
                        assert_int_equal(decide_step(s, &p->w->snap, &p->w->decision), 0);
                        uint64_t delay = daemon->interval_max_usec;
                        bool is_watchful = false;
                        for (uint32_t k = 0; k < s->n_domains; k++) {
                                MetricInput in = domain_input(s, &s->domains[k], &p->w->snap);
                                Pace pace = pace_of(s, &s->domains[k], &in);
                                delay = MIN(delay, pace.delay_usec);
                                is_watchful |= pace.is_watchful;
                        }
                        assert_int_equal(p->w->decision.next_usec, MAX(delay, daemon->interval_min_usec));
                        assert_int_equal((p->w->decision.need & DETAIL_PROCESSES) != 0, is_watchful);
                        n_least += delay == daemon->interval_min_usec;
                        n_more += delay > daemon->interval_min_usec;
                        n_watchful += is_watchful;
                }
                plain_free(p);
        }
        assert_true(n_least > 1000 && n_more > 1000 && n_watchful > 1000);
}

/* The distance to a kill counts: not to another level's limit, nor to another policy's that stands among its terms. */
static void test_kill_limit(void **state) {
        (void)state;
        World *w = world_new(4096 * MB, 0);
        CgroupPolicy *host = world_policy_add(w, "host"), *other = world_policy_add(w, "other");

        host->host = true;
        uint16_t first = world_share(w, METRIC_AVAILABLE, COMPARE_LT, 10, 0);
        other->levels[LEVEL_KILL].when = world_share(w, METRIC_AVAILABLE, COMPARE_LT, 58, 0);
        uint16_t second = world_share(w, METRIC_AVAILABLE, COMPARE_LT, 5, 0);
        host->levels[LEVEL_KILL].when = world_expr(w, EXPR_OR, first, second, 0);
        host->levels[LEVEL_WARN].when = world_share(w, METRIC_AVAILABLE, COMPARE_LT, 50, 0);
        world_start(w);
        host_set(&w->snap.host, HOST_MEM_AVAILABLE, 2458 * MB);
        assert_int_equal(decide_step(w->state, &w->snap, &w->decision), 0);
        assert_int_equal(w->decision.next_usec, (2458 * MB - 4096 * MB / 10) / 4295); /* 4 GiB/s */
        world_free(w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_conditions),
                cmocka_unit_test(test_pace),
                cmocka_unit_test(test_kill_limit),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

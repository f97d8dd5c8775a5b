/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The policy against one host: patterns that match nothing there, metrics it does not have. Only for
 * files that somebody wrote for this host; those of the distribution are for all.
 */

#include <string.h>

#include "config/lint.h"
#include "config/match.h"

/* ---- patterns ---- */

static bool policy_matches_any(const Policy *p, uint32_t index, const Snapshot *s, bool *ret_unlimited) {
        /* alone, so that an earlier policy does not hide what it would match, and without the limit */
        CgroupPolicy one = p->cgroups[index];
        Policy alone = { .cgroups = &one, .n_cgroups = 1 };
        bool limited_only = one.limited_only;

        *ret_unlimited = false;
        for (uint32_t i = 0; i < s->n_cgroups; i++) {
                const CgroupSample *c = &s->cgroups[i];
                if (c->policy == (int32_t)index)
                        return true;
                if (policy_match_cgroup(&alone, c->path, /* limited= */ true) < 0)
                        continue;
                if (!limited_only)
                        return true;
                *ret_unlimited = true;
        }
        return false;
}

static void lint_patterns(const Policy *p, const Snapshot *s, ConfigReport *report) {
        static const char *const keys[] = {
                [MATCH_CGROUP] = "Cgroup", [MATCH_UNIT] = "Unit", [MATCH_CONTAINER] = "Container"
        };
        bool unlimited;

        for (uint32_t i = 0; i < p->n_cgroups; i++) {
                const CgroupPolicy *cp = &p->cgroups[i];
                if (cp->host || lint_is_vendor(cp->source) || policy_matches_any(p, i, s, &unlimited))
                        continue;
                lint_warn(
                        report, cp->source,
                        unlimited
                                ? "%s=%s matches no cgroup with a limit on this host at present: Limited=yes asks for memory.high or memory.max"
                                : "%s=%s matches no cgroup on this host at present",
                        keys[cp->match], cp->pattern);
        }
}

/* True also where the sample does not hold what the rule looks at. */
static bool rule_may_match(const Policy *p, uint32_t index, const Snapshot *s) {
        Rule one = p->rules[index];
        Policy alone = { .rules = &one, .n_rules = 1 };
        bool unknown = one.match[RULE_EXE] || one.match[RULE_CMDLINE];

        one.match[RULE_EXE] = one.match[RULE_CMDLINE] = NULL;
        one.tier = TIER_PREFER;
        for (uint32_t i = 0; i < s->n_processes; i++) {
                const ProcessSample *x = &s->processes[i];
                ProcessSample probe;
                ProcessFacts facts = { .name = x->comm,
                                       .exe = "",
                                       .cmdline = "",
                                       .cgroup = x->cgroup_path ? x->cgroup_path : "",
                                       .uid = x->uid };
                if (x->rule == (int32_t)index)
                        return true;
                if (!(x->flags & PROCESS_IDENTITY))
                        continue;
                policy_match_process(&alone, &facts, &probe);
                if (probe.rule == 0)
                        return true;
        }
        /* the rest alone matches nobody, so the whole does not; without a rest nothing is known */
        return unknown &&
               !(one.match[RULE_NAME] || one.match[RULE_UID] || one.match[RULE_CGROUP] || one.match[RULE_UNIT]);
}

static void lint_rules(const Policy *p, const Snapshot *s, ConfigReport *report) {
        for (uint32_t i = 0; i < p->n_rules; i++)
                if (!lint_is_vendor(p->rules[i].source) && !rule_may_match(p, i, s))
                        lint_warn(report, p->rules[i].source, "[Match] matches no process on this host at present");
}

/* ---- metrics ---- */

typedef struct HostLack {
        bool psi, memcg, swap;
} HostLack;

static void collect_metrics(const Policy *p, uint16_t expr, uint32_t *metrics, uint32_t *host_metrics) {
        if (expr == EXPR_NONE)
                return;
        const Expr *e = &p->exprs[expr];
        if (e->kind == EXPR_TERM) {
                const Term *t = &p->terms[e->a];
                *(t->host ? host_metrics : metrics) |= 1u << t->metric;
                return;
        }
        collect_metrics(p, e->a, metrics, host_metrics);
        if (e->kind == EXPR_AND || e->kind == EXPR_OR)
                collect_metrics(p, e->b, metrics, host_metrics);
}

/* Steps of the host's policy that work on cgroups; that each is skipped on its own shows only when it is late. */
static void lint_ladder_host(const CgroupPolicy *cp, ConfigReport *report) {
        const uint32_t memcg = STEP_BIT(STEP_RECLAIM) | STEP_BIT(STEP_THROTTLE);
        uint32_t steps = 0;

        for (Level l = LEVEL_WARN; l < _LEVEL_MAX; l++)
                if (cp->levels[l].when != EXPR_NONE)
                        steps |= cp->levels[l].steps;
        if (!(steps & memcg))
                return;
        lint_note(
                report, cp->source,
                "reclaim and throttle need the memory controller of cgroup v2, which this host lacks: they are skipped%s",
                steps & STEP_BIT(STEP_PAGEOUT) ? "" : "; pageout works without it");
}

static void lint_metrics(const Policy *p, const CgroupPolicy *cp, const HostLack *lack, ConfigReport *report) {
        uint32_t metrics = 0, host_metrics = 0;

        for (Level l = LEVEL_WARN; l < _LEVEL_MAX; l++) {
                collect_metrics(p, cp->levels[l].when, &metrics, &host_metrics);
                collect_metrics(p, cp->levels[l].until, &metrics, &host_metrics);
        }
        const uint32_t psi = 1u << METRIC_SOME | 1u << METRIC_FULL,
                       swap = 1u << METRIC_SWAP_FREE | 1u << METRIC_SWAP_USED;
        if (lack->psi && ((metrics | host_metrics) & psi))
                lint_note(
                        report, cp->source,
                        "some and full have no value on this host (no PSI): comparisons with them never hold; boot with psi=1");
        if (lack->memcg && !cp->host)
                lint_note(report, cp->source,
                          "no memory controller of cgroup v2 on this host: this policy has nothing to monitor");
        if (lack->memcg && cp->host)
                lint_ladder_host(cp, report);
        if (lack->swap && ((metrics | host_metrics) & swap))
                lint_note(report, cp->source, "no swap on this host: swap-free and swap-used are 0");
}

/**
 * policy_lint_snapshot() - what the policy says about things this host does not have
 * @s:        detailed samples show more; rules are checked only where it holds processes
 * @degraded: bits CONFIG_HOST_*, which are those of sense's Degraded
 */
void policy_lint_snapshot(const Policy *p, const Snapshot *s, uint32_t degraded, ConfigReport *report) {
        const HostLack lack = {
                .psi = degraded & CONFIG_HOST_NO_PSI,
                .memcg = degraded & (CONFIG_HOST_NO_CGROUP2 | CONFIG_HOST_NO_MEMCG),
                .swap = degraded & CONFIG_HOST_NO_SWAP,
        };

        if (!lack.memcg && s->n_cgroups > 0)
                lint_patterns(p, s, report);
        if (s->detail & DETAIL_ANY_PROCESSES)
                lint_rules(p, s, report);
        lint_sysctl_host(&p->daemon.sysctl, s, report);
        for (uint32_t i = 0; i < p->n_cgroups; i++)
                if (!lint_is_vendor(p->cgroups[i].source) || p->cgroups[i].host)
                        lint_metrics(p, &p->cgroups[i], &lack, report);
}

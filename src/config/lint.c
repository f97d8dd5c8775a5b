/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Lint: a policy that does what it says, where what it says is surely not what its author thinks. Each
 * check here stands for a complaint that was made about such a daemon more than once.
 */

#include "config/lint.h"

#include <string.h>

#include "base/text.h"
#include "config/match.h"

bool lint_is_vendor(const char *source) {
        return text_has_prefix(source, "built-in/") || text_has_prefix(source, "/usr/lib/headroom/");
}

/* ---- policies ---- */

static bool hides(const CgroupPolicy *first, const CgroupPolicy *cp) {
        if (first->host || cp->host)
                return first->host && cp->host;
        return (!first->limited_only || cp->limited_only) && first->match == MATCH_CGROUP &&
               strcmp(first->pattern, "**") == 0;
}

void lint_hidden(const Policy *p, ConfigReport *report) {
        for (uint32_t i = 0; i < p->n_cgroups; i++)
                for (uint32_t k = 0; k < i; k++) {
                        if (!hides(&p->cgroups[k], &p->cgroups[i]))
                                continue;
                        /* that the operator's own file comes before ours is what it is for */
                        if (!lint_is_vendor(p->cgroups[i].source))
                                lint_warn(
                                        report, p->cgroups[i].source,
                                        "never used: %s.conf comes first and is for all that this one is for; give it a name that sorts before",
                                        p->cgroups[k].name);
                        break;
                }
}

static void lint_empty(const CgroupPolicy *cp, ConfigReport *report) {
        if (cp->levels[LEVEL_WARN].when == EXPR_NONE && cp->levels[LEVEL_RELIEVE].when == EXPR_NONE &&
            cp->levels[LEVEL_KILL].when == EXPR_NONE && cp->proactive.pressure_permyriad == 0)
                lint_warn(report, cp->source, "no level has a condition: nothing is ever done here");
}

/* ---- rules ---- */

/* Only what root decides may protect: a name, a command line, or a unit is chosen by whoever starts it. */
static bool pattern_is_anchored(const Pattern *p) {
        for (; p; p = pattern_next(p)) {
                const char *s = pattern_text(p);
                if (*s == '*' || *s == '?' || *s == '[' || (*s == '~' && s[1] != '^'))
                        return false;
        }
        return true;
}

static bool rule_is_trustworthy(const Rule *r) {
        return r->match[RULE_UID] || (r->match[RULE_EXE] && pattern_is_anchored(r->match[RULE_EXE])) ||
               (r->match[RULE_CGROUP] && pattern_is_anchored(r->match[RULE_CGROUP]));
}

static void lint_rule_names(const Rule *rule, ConfigReport *report) {
        for (const Pattern *p = rule->match[RULE_NAME]; p; p = pattern_next(p))
                if (!pattern_is_regex(p) && glob_least_bytes(pattern_text(p)) >= COMM_MAX)
                        lint_warn(report, rule->source,
                                  "Name=%s matches nothing: the kernel keeps %d bytes of a name; write %.15s*",
                                  pattern_text(p), COMM_MAX - 1, pattern_text(p));
        for (const Pattern *p = rule->match[RULE_UID]; p; p = pattern_next(p))
                if (pattern_is_unresolved(p))
                        lint_warn(report, rule->source, "User=%s does not exist on this host: matches nobody",
                                  pattern_text(p));
}

static void lint_rule(const Rule *rule, ConfigReport *report) {
        bool protects = rule->tier == TIER_AVOID || rule->tier == TIER_NEVER || rule->adjust < 0;

        lint_rule_names(rule, report);
        if (rule->tier < 0 && rule->adjust == 0)
                lint_warn(report, rule->source, "neither Adjust= nor Tier=: the rule has no effect");
        if (rule->tier == TIER_NEVER && rule->adjust != 0)
                lint_warn(report, rule->source, "Adjust= has no effect with Tier=never");
        if (protects && !rule_is_trustworthy(rule))
                lint_warn(
                        report, rule->source,
                        "protects by what a process says of itself: any user can protect a hog with it; add User=, or Exe= or Cgroup= that begin with a fixed part");
}

/**
 * policy_lint() - what the policy alone shows
 * @report: warnings and notes are added; line and column are 0, since they concern the merged whole
 */
void policy_lint(const Policy *p, ConfigReport *report) {
        if (policy_host(p) < 0)
                lint_warn(report, NULL, "no policy for the host (Cgroup=/): it is not guarded");
        lint_sysctl(&p->daemon.sysctl, report);
        lint_record(&p->daemon, report);
        for (uint32_t i = 0; i < p->n_cgroups; i++) {
                lint_empty(&p->cgroups[i], report);
                lint_ladder(p, &p->cgroups[i], report);
                lint_conditions(p, &p->cgroups[i], report);
        }
        for (uint32_t i = 0; i < p->n_rules; i++)
                lint_rule(&p->rules[i], report);
}

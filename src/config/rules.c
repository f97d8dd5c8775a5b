/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Asking a policy about a cgroup or a process. Called for every new cgroup and process, with names that
 * anybody may have chosen. No allocation here; see match.c for regular expressions.
 */

#include <string.h>

#include "base/text.h"
#include "config/config.h"
#include "config/match.h"
#include "config/unit-name.h"

static bool policy_pattern_matches(const CgroupPolicy *cp, const char *path) {
        size_t n = 0;
        const char *s;

        switch (cp->match) {
        case MATCH_CGROUP:
                return glob_match(cp->pattern, path, strlen(path), GLOB_PATH);
        case MATCH_UNIT:
                s = unit_name_of_leaf(path, &n);
                return s && glob_match(cp->pattern, s, n, GLOB_TEXT);
        case MATCH_CONTAINER:
                s = container_id_of_leaf(path, &n);
                return s && glob_match(cp->pattern, s, n, GLOB_TEXT);
        case _MATCH_KIND_MAX:
        case _MATCH_KIND_INVALID:
                break;
        }
        return false;
}

/**
 * policy_match_cgroup() - which policy monitors this cgroup?
 * @path:    from the cgroup2 mount, with or without a leading slash; the root cgroup is the host's and matches none
 * @limited: it has memory.high or memory.max set
 *
 * Unit= and Container= mean the cgroup that belongs to the unit or container itself, not those inside it.
 * Return: index in p->cgroups of the first that matches, -1 for none.
 */
int32_t policy_match_cgroup(const Policy *p, const char *path, bool limited) {
        while (*path == '/')
                path++;
        if (*path == '\0')
                return -1;
        for (uint32_t i = 0; i < p->n_cgroups; i++) {
                const CgroupPolicy *cp = &p->cgroups[i];
                if (!cp->host && (limited || !cp->limited_only) && policy_pattern_matches(cp, path))
                        return (int32_t)i;
        }
        return -1;
}

int32_t policy_host(const Policy *p) {
        for (uint32_t i = 0; i < p->n_cgroups; i++)
                if (p->cgroups[i].host)
                        return (int32_t)i;
        return -1;
}

/* A package update leaves running programs with this behind the path of their executable. */
static size_t exe_length(const char *exe) {
        static const char deleted[] = " (deleted)";
        size_t n = strlen(exe);
        return text_has_suffix(exe, deleted) ? n - (sizeof(deleted) - 1) : n;
}

static bool field_matches(const Pattern *pattern, RuleField field, const ProcessFacts *facts) {
        size_t n = 0;
        const char *s;

        switch (field) {
        case RULE_NAME:
                return pattern_match(pattern, facts->name, strlen(facts->name));
        case RULE_EXE:
                return pattern_match(pattern, facts->exe, exe_length(facts->exe));
        case RULE_CMDLINE:
                return pattern_match(pattern, facts->cmdline, strlen(facts->cmdline));
        case RULE_UID:
                return pattern_match_uid(pattern, facts->uid);
        case RULE_CGROUP:
                return pattern_match_within(pattern, facts->cgroup);
        case RULE_UNIT:
                s = unit_name_of_system(facts->cgroup, &n);
                return s && pattern_match(pattern, s, n);
        case _RULE_FIELD_MAX:
        case _RULE_FIELD_INVALID:
                break;
        }
        return false;
}

static bool rule_matches(const Rule *rule, const ProcessFacts *facts) {
        for (RuleField f = 0; f < _RULE_FIELD_MAX; f++)
                if (rule->match[f] && !field_matches(rule->match[f], f, facts))
                        return false;
        return true;
}

/**
 * policy_match_process() - what do the rules say about a process?
 * @facts: untrusted text, "" where it could not be read: that matches no pattern
 * @ret:   rule_adjust, rule, tier, kernel_wanted and kernel_rule are set, whatever they held
 */
void policy_match_process(const Policy *p, const ProcessFacts *facts, ProcessSample *ret) {
        int32_t adjust = 0, adjusted_by = -1, tier_by = -1, kernel = 0, kernel_by = -1;
        Tier tier = TIER_NORMAL;

        for (uint32_t i = 0; i < p->n_rules; i++) {
                const Rule *rule = &p->rules[i];
                if (!rule_matches(rule, facts))
                        continue;
                adjust += rule->adjust; /* at most POLICY_RULES_MAX times 1000 */
                if (rule->adjust != 0)
                        adjusted_by = (int32_t)i;
                if (rule->adjust != 0 && rule->apply_to_kernel) {
                        kernel += rule->adjust;
                        kernel_by = (int32_t)i;
                }
                if (rule->tier >= 0) {
                        tier = rule->tier;
                        tier_by = (int32_t)i;
                }
        }
        ret->rule_adjust = MAX(-1000, MIN(1000, adjust));
        ret->rule = tier_by >= 0 ? tier_by : adjusted_by;
        ret->tier = tier;
        ret->kernel_wanted = MAX(-1000, MIN(1000, kernel));
        ret->kernel_rule = kernel_by;
}

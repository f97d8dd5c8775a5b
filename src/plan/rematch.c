/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whether a cgroup counts as limited is a matter of the walk of the tree that sense took, not of the sample. Where the two
 * answers differ for the recorded policy, the answer that it gave says which it was; only otherwise the limits that were
 * last seen do.
 */

#include "plan/rematch.h"

#include <string.h>

#include "config/config.h"
#include "plan/world-index.h"

typedef struct Known {
        uint64_t id;
        int32_t recorded; /* as recorded when this was found */
        bool is_limited;
        int32_t policy;
} Known;

struct Rematch {
        const Policy *policy, *recorded;
        bool asks_limited; /* some file has Limited=yes */
        Known *known;
        uint32_t n_known, size_known;
        WorldIndex index;
        RematchMissing *missing; /* two for each rule: exe, cmdline */
        uint32_t n_missing;
};

int rematch_new(const Policy *policy, Rematch **ret) {
        _cleanup_(rematch_freep) Rematch *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;
        m->policy = policy;
        for (uint32_t i = 0; i < policy->n_cgroups; i++)
                m->asks_limited |= policy->cgroups[i].limited_only;
        m->missing = calloc(MAX(2 * policy->n_rules, 1u), sizeof(*m->missing));
        if (!m->missing)
                return -ENOMEM;
        for (uint32_t i = 0; i < policy->n_rules; i++) {
                const Rule *rule = &policy->rules[i];
                if (rule->match[RULE_EXE])
                        m->missing[m->n_missing++] = (RematchMissing){ .rule = rule->name, .field = RULE_EXE };
                if (rule->match[RULE_CMDLINE])
                        m->missing[m->n_missing++] = (RematchMissing){ .rule = rule->name, .field = RULE_CMDLINE };
        }
        *ret = TAKE_PTR(m);
        return 0;
}

Rematch *rematch_free(Rematch *m) {
        if (!m)
                return NULL;
        free(m->known);
        free(m->missing);
        world_index_done(&m->index);
        free(m);
        return NULL;
}

void rematch_forget(Rematch *m) {
        m->n_known = 0;
        world_index_clear(&m->index);
}

void rematch_set_recorded(Rematch *m, const Policy *recorded) {
        m->recorded = recorded;
        rematch_forget(m);
}

/* ---- cgroups ---- */

static bool has_limit(const CgroupSample *c, const WorldCgroup *wc, CgroupField f) {
        if (cgroup_has(c, f))
                return c->value[f] != CGROUP_NO_LIMIT;
        return wc && (wc->have >> f & 1) && wc->value[f] != CGROUP_NO_LIMIT;
}

static bool is_limited(const Rematch *m, const PlanWorld *world, const CgroupSample *c) {
        if (m->recorded) {
                int32_t with = policy_match_cgroup(m->recorded, c->path, /* limited= */ true);
                int32_t without = policy_match_cgroup(m->recorded, c->path, /* limited= */ false);
                if (with != without && (c->policy == with || c->policy == without))
                        return c->policy == with;
        }
        const WorldCgroup *wc = world ? plan_world_cgroup(world, c->id) : NULL;
        return has_limit(c, wc, CGROUP_HIGH) || has_limit(c, wc, CGROUP_MAX);
}

static int known_get(Rematch *m, const CgroupSample *c, Known **ret, bool *ret_is_new) {
        uint32_t at = world_index_find(&m->index, c->id);

        *ret_is_new = at == UINT32_MAX;
        if (at != UINT32_MAX) {
                *ret = &m->known[at];
                return 0;
        }
        if (m->n_known == m->size_known) {
                uint32_t size = MAX(2 * m->size_known, UINT32_C(64));
                Known *bigger = reallocarray(m->known, size, sizeof(*bigger));
                if (!bigger)
                        return -ENOMEM;
                m->known = bigger;
                m->size_known = size;
        }
        if (world_index_add(&m->index, c->id, m->n_known) < 0)
                return -ENOMEM;
        *ret = &m->known[m->n_known++];
        return 0;
}

int rematch_cgroups(Rematch *m, const PlanWorld *world, CgroupSample *cgroups, uint32_t n) {
        /* a table of ids that are long gone is worth nothing */
        if (m->n_known > 4 * n + 4096)
                rematch_forget(m);
        for (uint32_t i = 0; i < n; i++) {
                CgroupSample *c = &cgroups[i];
                Known *k;
                bool is_new;
                int r = known_get(m, c, &k, &is_new);
                if (r < 0)
                        return r;
                bool limited = m->asks_limited && (is_new || k->recorded != c->policy || cgroup_has(c, CGROUP_HIGH) ||
                                                   cgroup_has(c, CGROUP_MAX))
                                       ? is_limited(m, world, c)
                                       : !is_new && k->is_limited;
                if (is_new || k->is_limited != limited)
                        *k = (Known){ .id = c->id, .is_limited = limited,
                                      .policy = policy_match_cgroup(m->policy, c->path, limited) };
                k->recorded = c->policy;
                c->policy = k->policy;
        }
        return 0;
}

/* ---- processes ---- */

static void count_missing(Rematch *m, const WorldProcess *wp) {
        for (uint32_t i = 0; i < m->n_missing; i++) {
                RematchMissing *x = &m->missing[i];
                bool has = wp && (x->field == RULE_EXE ? wp->exe != NULL : wp->cmdline != NULL);
                x->n_asked++;
                x->n += !has;
        }
}

void rematch_processes(Rematch *m, const PlanWorld *world, ProcessSample *processes, uint32_t n) {
        const uint32_t needs = 1u << RULE_EXE | 1u << RULE_CMDLINE;

        for (uint32_t i = 0; i < n; i++) {
                ProcessSample *p = &processes[i];
                if (p->flags & PROCESS_KTHREAD) {
                        p->rule_adjust = p->kernel_wanted = 0;
                        p->rule = p->kernel_rule = -1;
                        p->tier = TIER_NORMAL;
                        continue;
                }
                const WorldProcess *wp = world && (m->policy->rule_fields & needs)
                                                 ? plan_world_process(world, p->pid, p->start_ticks)
                                                 : NULL;
                const ProcessFacts facts = {
                        .name = p->comm,
                        .exe = wp && wp->exe ? wp->exe : "",
                        .cmdline = wp && wp->cmdline ? wp->cmdline : "",
                        .cgroup = p->cgroup_path ? p->cgroup_path : "",
                        .uid = p->uid,
                };
                policy_match_process(m->policy, &facts, p);
                if (m->policy->rule_fields & needs)
                        count_missing(m, wp);
        }
}

const RematchMissing *rematch_missing(const Rematch *m, uint32_t *ret_n) {
        *ret_n = m->n_missing;
        return m->missing;
}

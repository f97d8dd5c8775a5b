/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * At the begin of each span: which policy monitors a cgroup, what rules say of a process, which cgroups the question
 * scales or limits. Under the recorded policy the record's own word stands; another one is asked anew, with what the
 * record knows of the processes' programs and command lines.
 */

#include <string.h>

#include "config/config.h"
#include "config/match.h"
#include "model/cgroup-path.h"
#include "plan/sim-state.h"

/* Facts of processes that have ended are forgotten when they outnumber the living by this. */
#define FACTS_SPARE 1024
/* Ten thousand copies; so that sizes of clones do not overflow */
#define SCALE_MAX_PERMYRIAD (UINT64_C(10000) * PERMYRIAD)

static uint32_t facts_hash(int32_t pid, uint64_t start_ticks) {
        return hash_index_mix((uint32_t)pid, start_ticks);
}

static Facts *facts_find(const PlanSim *s, int32_t pid, uint64_t start_ticks) {
        if (s->n_facts == 0)
                return NULL;
        HASH_INDEX_FOREACH(&s->facts_index, facts_hash(pid, start_ticks), k) {
                if (s->facts[k].pid == pid && s->facts[k].start_ticks == start_ticks)
                        return &s->facts[k];
        }
        return NULL;
}

void sim_facts_clear(PlanSim *s) {
        for (uint32_t i = 0; i < s->n_facts; i++) {
                free(s->facts[i].exe);
                free(s->facts[i].cmdline);
        }
        s->n_facts = 0;
        if (s->facts_index.slots)
                hash_index_reset(&s->facts_index, s->room_facts);
}

static void facts_prune(PlanSim *s) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < s->n_facts; i++) {
                if (demand_find_process(&s->demand, s->facts[i].pid, s->facts[i].start_ticks)) {
                        s->facts[n++] = s->facts[i];
                        continue;
                }
                free(s->facts[i].exe);
                free(s->facts[i].cmdline);
        }
        s->n_facts = n;
}

static int facts_reserve(PlanSim *s) {
        if (s->n_facts >= 2 * s->demand.n_processes + FACTS_SPARE)
                facts_prune(s);
        if (s->n_facts == s->room_facts) {
                uint32_t room = s->room_facts + s->room_facts / 2 + 64;
                Facts *f = realloc(s->facts, room * sizeof(*f));
                if (!f)
                        return -ENOMEM;
                s->facts = f;
                s->room_facts = room;
        }
        uint32_t want = hash_index_slots(s->room_facts);
        if (want > s->facts_slots) {
                uint32_t *p = realloc(s->facts_index.slots, want * sizeof(uint32_t));
                if (!p)
                        return -ENOMEM;
                s->facts_index.slots = p;
                s->facts_slots = want;
        }
        hash_index_reset(&s->facts_index, s->room_facts);
        for (uint32_t i = 0; i < s->n_facts; i++)
                hash_index_add(&s->facts_index, facts_hash(s->facts[i].pid, s->facts[i].start_ticks), i);
        return 0;
}

int sim_facts_add(PlanSim *s, const TraceFacts *f) {
        const uint32_t needed = 1u << RULE_EXE | 1u << RULE_CMDLINE;
        Facts *known = facts_find(s, f->pid, f->start_ticks);

        if (!s->question.policy || (s->question.policy->rule_fields & needed) == 0)
                return 0;
        if (!known) {
                if (s->n_facts == s->room_facts || s->n_facts >= 2 * s->demand.n_processes + FACTS_SPARE) {
                        int r = facts_reserve(s);
                        if (r < 0)
                                return r;
                }
                known = &s->facts[s->n_facts];
                *known = (Facts){ .pid = f->pid, .start_ticks = f->start_ticks };
                hash_index_add(&s->facts_index, facts_hash(f->pid, f->start_ticks), s->n_facts++);
        }
        free(known->exe);
        free(known->cmdline);
        known->exe = strdup(f->has_exe && f->exe ? f->exe : "");
        known->cmdline = strdup(f->has_cmdline && f->cmdline ? f->cmdline : "");
        return known->exe && known->cmdline ? 0 : -ENOMEM;
}

static void match_process(PlanSim *s, DemandProcess *p) {
        const Facts *f = facts_find(s, p->last.pid, p->last.start_ticks);
        ProcessFacts facts = {
                .name = p->last.comm,
                .exe = f ? f->exe : "",
                .cmdline = f ? f->cmdline : "",
                .cgroup = p->path,
                .uid = p->last.uid,
        };
        policy_match_process(&s->policy, &facts, &p->last);
}

static bool matches(const char *pattern, const char *path) {
        while (*path == '/')
                path++;
        return glob_match(pattern, path, strlen(path), GLOB_PATH);
}

/* ---- scale and limit ---- */

static void copies_set(Copies *c, uint64_t permyriad, size_t n_root) {
        permyriad = MIN(permyriad, SCALE_MAX_PERMYRIAD);
        uint64_t more = u64_sub_sat(permyriad, PERMYRIAD);
        c->base_permyriad = (uint32_t)MIN(permyriad, PERMYRIAD);
        /* whole copies first; a part of one, and what exceeds the number of clones, is spread over all */
        c->n_clones = (uint32_t)MIN((more + PERMYRIAD - 1) / PERMYRIAD, (uint64_t)CLONES_MAX);
        c->clone_permyriad = c->n_clones ? (uint32_t)(more / c->n_clones) : 0;
        c->n_root = (uint32_t)n_root;
}

static int append(uint32_t **list, uint32_t *n, uint32_t *room, uint32_t value) {
        if (*n == *room) {
                uint32_t want = *room + *room / 2 + 16;
                uint32_t *p = realloc(*list, want * sizeof(uint32_t));
                if (!p)
                        return -ENOMEM;
                *list = p;
                *room = want;
        }
        (*list)[(*n)++] = value;
        return 0;
}

/* The outermost cgroup that a pattern matches is the one that is scaled: all within come with it. */
static uint64_t scale_of(const PlanSim *s, const char *path, size_t *ret_n_root) {
        char prefix[CGROUP_PATH_MAX];
        size_t n = strnlen(path, sizeof(prefix) - 1);

        for (size_t end = 1; end <= n; end++) {
                if (path[end] != '/' && path[end] != '\0')
                        continue;
                memcpy(prefix, path, end);
                prefix[end] = '\0';
                for (uint32_t i = 0; i < s->question.n_scales; i++)
                        if (matches(s->question.scales[i].pattern, prefix)) {
                                *ret_n_root = end;
                                return s->question.scales[i].permyriad;
                        }
        }
        return PERMYRIAD;
}

static int match_cgroup(PlanSim *s, uint32_t index) {
        DemandCgroup *c = &s->demand.cgroups[index];
        size_t n_root = 0;
        int r;

        if (s->question.n_scales > 0) {
                uint64_t permyriad = scale_of(s, c->path, &n_root);
                copies_set(&c->copies, permyriad, n_root);
                if (permyriad != PERMYRIAD && n_root == strlen(c->path) &&
                    (r = append(&s->roots, &s->n_roots, &s->room_roots, index)) < 0)
                        return r;
        }
        c->limit_bytes = CGROUP_NO_LIMIT;
        for (uint32_t i = 0; i < s->question.n_limits; i++)
                if (matches(s->question.limits[i].pattern, c->path))
                        c->limit_bytes = MIN(c->limit_bytes, s->question.limits[i].bytes);
        if (c->limit_bytes != CGROUP_NO_LIMIT && (r = append(&s->limited, &s->n_limited, &s->room_limited, index)) < 0)
                return r;
        if (s->is_foreign || c->limit_bytes != CGROUP_NO_LIMIT) {
                bool is_limited = c->limit_bytes != CGROUP_NO_LIMIT ||
                                  (cgroup_has(&c->last, CGROUP_HIGH) && c->last.value[CGROUP_HIGH] != CGROUP_NO_LIMIT) ||
                                  (cgroup_has(&c->last, CGROUP_MAX) && c->last.value[CGROUP_MAX] != CGROUP_NO_LIMIT);
                c->last.policy = strcmp(c->path, "/") == 0 ? -1 : policy_match_cgroup(&s->policy, c->path, is_limited);
        }
        return 0;
}

/* memory.min that is set and not used: nobody else can have it. Of nested ones the outermost counts. */
static uint64_t protected_bytes(const Demand *d) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < d->n_cgroups; i++) {
                const DemandCgroup *c = &d->cgroups[i];
                if (!cgroup_has(&c->last, CGROUP_MIN) || !cgroup_has(&c->last, CGROUP_CURRENT) || c->last.value[CGROUP_MIN] == 0)
                        continue;
                bool is_inner = false;
                uint32_t up = c->parent;
                for (uint32_t depth = 0; up < d->n_cgroups && depth < 64 && !is_inner; depth++) {
                        is_inner = cgroup_has(&d->cgroups[up].last, CGROUP_MIN) && d->cgroups[up].last.value[CGROUP_MIN] > 0;
                        up = d->cgroups[up].parent;
                }
                if (!is_inner)
                        sum = u64_add_sat(sum, u64_sub_sat(c->last.value[CGROUP_MIN], c->last.value[CGROUP_CURRENT]));
        }
        return sum;
}

/**
 * sim_match() - lay policy and question on the cgroups and processes of the span
 * Return: 0; -ENOMEM.
 */
int sim_match(PlanSim *s) {
        Demand *d = &s->demand;
        int r;

        s->n_roots = s->n_limited = s->n_monitored = 0;
        for (uint32_t i = 0; i < d->n_cgroups; i++) {
                if ((r = match_cgroup(s, i)) < 0)
                        return r;
                if (d->cgroups[i].last.policy >= 0 &&
                    (r = append(&s->monitored, &s->n_monitored, &s->room_monitored, i)) < 0)
                        return r;
        }
        for (uint32_t i = 0; i < d->n_processes; i++) {
                DemandProcess *p = &d->processes[i];
                size_t n_root = 0;
                if (s->question.n_scales > 0)
                        copies_set(&p->copies, scale_of(s, p->path, &n_root), n_root);
                if (s->is_foreign && !p->is_ghost)
                        match_process(s, p);
        }
        s->protected_bytes = protected_bytes(d);
        return 0;
}

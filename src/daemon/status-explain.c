/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * explain: what would happen if a domain were in trouble now, or what did happen last. It asks the decision
 * core's own ranking (decide_explain()), so what it says is what would be done.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/status.h"
#include "decide/badness.h"
#include "report/json.h"

static void set(json_t *o, const char *key, json_t *value) {
        (void)json_object_set_new(o, key, value);
}

static const char *rule_name(const Manager *m, int32_t rule) {
        return rule >= 0 && (uint32_t)rule < m->policy->n_rules ? m->policy->rules[rule].name : NULL;
}

static const char *path_trim(const char *path) {
        static const char mount[] = "/sys/fs/cgroup";

        if (strncmp(path, mount, strlen(mount)) == 0 && (path[strlen(mount)] == '/' || path[strlen(mount)] == '\0'))
                path += strlen(mount);
        while (*path == '/')
                path++;
        return path;
}

/* The domain whose cgroup is @path or the closest above it; the host where there is none. NULL without any. */
static const DomainView *domain_of_path(Manager *m, const char *path) {
        uint32_t n = decide_domains(m->state, m->views, DOMAINS_MAX);
        const DomainView *best = NULL;
        size_t best_length = 0;

        path = path_trim(path);
        for (uint32_t i = 0; i < n; i++) {
                const char *domain = path_trim(m->views[i].path);
                size_t length = strlen(domain);
                bool is_host = m->views[i].id == 0;
                bool is_above = strncmp(path, domain, length) == 0 && (path[length] == '/' || path[length] == '\0');
                if (is_host ? !best : length > 0 && is_above && (!best || length > best_length)) {
                        best = &m->views[i];
                        best_length = is_host ? 0 : length;
                }
        }
        return best;
}

static bool cgroup_is_known(const Manager *m, const char *path) {
        path = path_trim(path);
        if (path[0] == '\0')
                return true;
        for (uint32_t i = 0; i < m->snap.n_cgroups; i++)
                if (strcmp(path_trim(m->snap.cgroups[i].path), path) == 0)
                        return true;
        for (uint32_t i = 0; i < m->snap.n_processes; i++) {
                const char *p = path_trim(m->snap.processes[i].cgroup_path);
                if (strncmp(p, path, strlen(path)) == 0 && (p[strlen(path)] == '/' || p[strlen(path)] == '\0'))
                        return true;
        }
        return false;
}

static json_t *ranking(const Manager *m, const Candidate *c, uint32_t n) {
        json_t *a = json_array();
        for (uint32_t i = 0; i < MIN(n, (uint32_t)CANDIDATES_MAX); i++)
                (void)json_array_append_new(a, json_candidate(&c[i], rule_name(m, c[i].rule)));
        return a;
}

/* Ranks in the domain and reports it. The views are used up before: the step behind them has not changed. */
static json_t *explain_domain(Manager *m, const DomainView *domain) {
        const KillDecision *k = m->explain;
        json_t *o = json_object();

        if (decide_explain(m->state, &m->snap, domain->id, m->explain) < 0) {
                json_decref(o);
                return NULL;
        }
        set(o, "kind", json_string("domain"));
        set(o, "domain", status_domain(m, domain, clock_mono_usec()));
        set(o, "condition", json_condition(&k->condition));
        set(o, "rank", json_string(rank_to_string(k->rank) ? rank_to_string(k->rank) : "?"));
        set(o, "total_pages", json_u64(k->total_pages, UINT64_MAX));
        set(o, "page_size", json_integer(m->snap.page_size));
        set(o, "deficit_bytes", json_u64(k->deficit_bytes, UINT64_MAX));
        set(o, "n_considered", json_integer(k->n_considered));
        set(o, "candidates", ranking(m, k->candidates, k->n_candidates));
        set(o, "rejected", ranking(m, k->rejected, k->n_rejected));
        return o;
}

/* Every term that oom_badness and the rules add up, in pages. */
static json_t *score_terms(const Manager *m, const ProcessSample *p, uint64_t total_pages) {
        json_t *o = json_object();
        int64_t unit = (int64_t)(total_pages / 1000);
        Reject reject = REJECT_NONE;
        int64_t badness = badness_pages(p, total_pages, &reject);
        bool has_sizes = p->flags & PROCESS_SIZES;

        set(o, "rss_anon_pages", has_sizes ? json_u64(p->rss_anon, UINT64_MAX) : json_null());
        set(o, "rss_file_pages", has_sizes ? json_u64(p->rss_file, UINT64_MAX) : json_null());
        set(o, "rss_shmem_pages", has_sizes ? json_u64(p->rss_shmem, UINT64_MAX) : json_null());
        set(o, "swap_pages", has_sizes ? json_u64(p->swap, UINT64_MAX) : json_null());
        set(o, "page_table_pages", has_sizes ? json_u64(p->pgtables, UINT64_MAX) : json_null());
        set(o, "adj_unit_pages", json_integer(unit));
        set(o, "oom_score_adj", json_integer(p->oom_score_adj));
        set(o, "oom_score_adj_pages", json_integer(p->oom_score_adj * unit));
        set(o, "rule_adjust", json_integer(p->rule_adjust));
        set(o, "kernel_adjust", json_integer(p->kernel_adjust));
        set(o, "rule_adjust_pages", json_integer((p->rule_adjust - p->kernel_adjust) * unit));
        set(o, "badness_pages", has_sizes && badness != INT64_MIN ? json_integer(badness) : json_null());
        set(o, "score_pages",
            has_sizes && badness != INT64_MIN ? json_integer(badness + (p->rule_adjust - p->kernel_adjust) * unit) : json_null());
        set(o, "never",
            reject != REJECT_NONE && reject_to_string(reject) ? json_string(reject_to_string(reject)) : json_null());
        set(o, "rule", rule_name(m, p->rule) ? json_escaped(rule_name(m, p->rule)) : json_null());
        return o;
}

static bool candidate_holds(const Candidate *c, const ProcessSample *p) {
        switch (c->kind) {
        case CANDIDATE_PROCESS:
                return c->pid == p->pid && c->start_ticks == p->start_ticks;
        case CANDIDATE_CGROUP: {
                const char *inner = path_trim(p->cgroup_path), *outer = path_trim(c->cgroup_path);
                size_t n = strlen(outer);
                return strncmp(inner, outer, n) == 0 && (inner[n] == '/' || inner[n] == '\0');
        }
        case CANDIDATE_GROUP:
                return c->pgid == p->pgid && c->cgroup_id == p->cgroup_id;
        case _CANDIDATE_KIND_MAX:
                break;
        }
        return false;
}

/* Where the process stands: its rank, or why it has none. */
static void set_standing(json_t *o, const KillDecision *k, const ProcessSample *p) {
        for (uint32_t i = 0; i < MIN(k->n_candidates, (uint32_t)CANDIDATES_MAX); i++)
                if (candidate_holds(&k->candidates[i], p)) {
                        set(o, "standing_rank", json_integer(i + 1));
                        set(o, "standing", json_string(i == 0 ? "would go first" : "would go after those above it"));
                        return;
                }
        for (uint32_t i = 0; i < MIN(k->n_rejected, (uint32_t)CANDIDATES_MAX); i++)
                if (candidate_holds(&k->rejected[i], p)) {
                        const char *why = reject_to_string(k->rejected[i].reject);
                        set(o, "standing_rank", json_null());
                        set(o, "standing", json_sprintf("would not be chosen: %s", why ? why : "?"));
                        return;
                }
        set(o, "standing_rank", json_null());
        set(o, "standing", json_string("is not among the first candidates: others are ahead of it"));
}

static json_t *explain_process(Manager *m, int32_t pid) {
        const ProcessSample *p = NULL;

        for (uint32_t i = 0; i < m->snap.n_processes && !p; i++)
                if (m->snap.processes[i].pid == pid)
                        p = &m->snap.processes[i];
        const DomainView *domain = p ? domain_of_path(m, p->cgroup_path) : NULL;
        json_t *o = domain ? explain_domain(m, domain) : NULL;
        if (!o)
                return NULL;
        json_t *process = json_object();
        set(process, "pid", json_integer(p->pid));
        set(process, "comm", json_escaped(p->comm));
        set(process, "uid", json_integer(p->uid));
        set(process, "cgroup", json_escaped(p->cgroup_path));
        set(process, "tier", json_string(tier_to_string(p->tier) ? tier_to_string(p->tier) : "?"));
        set(process, "score", score_terms(m, p, m->explain->total_pages));
        set_standing(process, m->explain, p);
        set(o, "kind", json_string("process"));
        set(o, "process", process);
        return o;
}

static json_t *not_found(const char *message, const char **ret_error, const char **ret_message) {
        *ret_error = STATUS_ERROR_NOT_FOUND;
        *ret_message = message;
        return NULL;
}

static json_t *explain_last(const Manager *m) {
        const KillRecord *r = kill_history_get(m->history, 0);
        if (!r)
                return NULL;
        json_t *o = json_object();
        set(o, "kind", json_string("kill"));
        set(o, "kill", json_kill_record(r, /* full= */ true));
        return o;
}

json_t *status_explain(Manager *m, const char *target, const char **ret_error, const char **ret_message) {
        uint64_t pid;

        if (strcmp(target, "last") == 0) {
                json_t *o = explain_last(m);
                return o ? o : not_found("nothing has been killed since the daemon started", ret_error, ret_message);
        }
        if (manager_sample(m, DETAIL_PROCESSES | DETAIL_CGROUPS | DETAIL_STATS, &m->snap) < 0) {
                *ret_error = STATUS_ERROR_FAILED;
                *ret_message = "the host could not be read";
                return NULL;
        }
        if (text_parse_u64(target, &pid) == 0) {
                json_t *o = pid <= INT32_MAX ? explain_process(m, (int32_t)pid) : NULL;
                return o ? o
                         : not_found("there is no such process, or its domain is not watched", ret_error, ret_message);
        }
        if (!cgroup_is_known(m, target))
                return not_found("there is no such cgroup, or nothing in it", ret_error, ret_message);
        const DomainView *domain = domain_of_path(m, target);
        json_t *o = domain ? explain_domain(m, domain) : NULL;
        if (!o)
                return not_found("no policy watches this cgroup or one above it", ret_error, ret_message);
        set(o, "asked", json_escaped(path_trim(target)));
        return o;
}

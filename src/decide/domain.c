/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A domain is one monitored cgroup, or the host: the scope of levels, clocks and kills. Its identity is
 * the cgroup id; a cgroup that was re-created under the same path is another domain and starts calm.
 */

#include "decide/domain.h"

#include <string.h>

#include "decide/own-stall.h"
#include "model/cgroup-path.h"

/* A cgroup that cannot be read for a moment keeps its clocks this long. */
#define DOMAIN_GONE_USEC (10 * USEC_PER_SEC)
/* Evidence that memory is the cause of a stall, and shortness of it, count for this long. */
#define STALL_WINDOW_USEC (10 * USEC_PER_SEC)
#define LEFT_WINDOW_USEC  USEC_PER_SEC
/* Memory is short when a quarter or less of it is available. */
#define SHORT_DIVISOR 4

Domain *domain_find(DecideState *s, uint64_t id) {
        uint32_t lo = 0, hi = s->n_domains;
        while (lo < hi) {
                uint32_t mid = lo + (hi - lo) / 2;
                if (s->domains[mid].id < id)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo < s->n_domains && s->domains[lo].id == id ? &s->domains[lo] : NULL;
}

static void domain_init(const DecideState *s, Domain *d, uint64_t id, int32_t policy, const char *path, uint64_t now_usec) {
        Series *series = d->series;
        Truth *truths = d->truths;
        uint64_t *held = d->held;
        const PolicyRange *r = &s->ranges[policy];

        memset(d, 0, sizeof(*d));
        *d = (Domain){ .id = id, .policy = policy, .sample = INDEX_NONE, .series = series, .truths = truths, .held = held };
        d->seen_usec = d->level_usec = now_usec;
        d->available_bytes = d->swap_free_bytes = UINT64_MAX;
        d->exhaustion_usec = USEC_INFINITY;
        memcpy(d->path, path, MIN(strlen(path), sizeof(d->path) - 1));
        series_init(&d->some10, STALL_WINDOW_USEC);
        series_init(&d->full10, STALL_WINDOW_USEC);
        series_init(&d->left, LEFT_WINDOW_USEC);
        for (uint16_t i = 0; i < r->n_terms; i++) {
                series_init(&series[i], s->policy->terms[r->first_term + i].window_usec);
                truths[i] = TRUTH_UNKNOWN;
        }
        memset(held, 0, r->n_exprs * sizeof(*held));
}

/* Keeps the array sorted; the storage of the slot at the end goes to the one that is inserted. */
static Domain *domain_insert(DecideState *s, uint64_t id, int32_t policy, const char *path, uint64_t now_usec) {
        if (s->n_domains == s->limits.max_domains)
                return NULL;
        uint32_t at = s->n_domains; /* new ones come in ascending order: mostly it is the end */
        while (at > 0 && s->domains[at - 1].id > id)
                at--;
        if (s->n_domains == s->n_slots) {
                Domain *slot = &s->domains[s->n_slots];
                char *at_slot = s->storage + s->n_slots * slot_storage_size(s->max_terms, s->max_exprs);
                slot->series = (Series *)at_slot;
                slot->held = (uint64_t *)(slot->series + s->max_terms);
                slot->truths = (Truth *)(slot->held + s->max_exprs);
                s->n_slots++;
        }
        Domain fresh = s->domains[s->n_domains];
        memmove(&s->domains[at + 1], &s->domains[at], (s->n_domains - at) * sizeof(Domain));
        s->domains[at] = fresh;
        s->n_domains++;
        domain_init(s, &s->domains[at], id, policy, path, now_usec);
        return &s->domains[at];
}

static void domain_remove(DecideState *s, uint32_t at) {
        Domain gone = s->domains[at];
        s->n_domains--;
        memmove(&s->domains[at], &s->domains[at + 1], (s->n_domains - at) * sizeof(Domain));
        s->domains[s->n_domains] = gone;
}

static int32_t host_policy(const Policy *p) {
        for (uint32_t i = 0; i < p->n_cgroups; i++)
                if (p->cgroups[i].host)
                        return (int32_t)i;
        return -1;
}

/*
 * New domains come in order of their id, so that which ones are left out at the cap does not depend on
 * the order of the snapshot.
 */
static void insert_new(DecideState *s, const Snapshot *snap) {
        for (uint64_t last = 0;;) {
                const CgroupSample *least = NULL;
                for (uint32_t i = 0; i < snap->n_cgroups; i++) {
                        const CgroupSample *c = &snap->cgroups[i];
                        /* what is cheap to tell first: with thousands of them this is the loop of a start */
                        if (c->id > last && (!least || c->id < least->id) && c->policy >= 0 &&
                            !s->policy->cgroups[c->policy].host && !domain_find(s, c->id) && strlen(c->path) < CGROUP_PATH_MAX)
                                least = c;
                }
                if (!least || !domain_insert(s, least->id, least->policy, least->path, snap->mono_usec))
                        return;
                last = least->id;
        }
}

void domains_sync(DecideState *s, const Snapshot *snap) {
        int32_t host = host_policy(s->policy);
        if (host >= 0 && !domain_find(s, 0))
                domain_insert(s, 0, host, "/", snap->mono_usec);
        for (uint32_t i = 0; i < s->n_domains; i++) {
                s->domains[i].sample = INDEX_NONE;
                if (s->domains[i].id == 0)
                        s->domains[i].seen_usec = snap->mono_usec;
        }
        uint32_t n_new = 0;
        const Domain *end = s->domains + s->n_domains, *next = s->domains;
        for (uint32_t i = 0; i < snap->n_cgroups; i++) {
                const CgroupSample *c = &snap->cgroups[i];
                if (c->policy < 0 || c->id == 0)
                        continue;
                /* mostly they stand in the order of their ids, which is that of the domains */
                Domain *d = next < end && next->id == c->id ? &s->domains[next - s->domains] : domain_find(s, c->id);
                if (!d) {
                        n_new++;
                        continue;
                }
                next = d + 1;
                /* our own throttle makes it match the policy for limited cgroups: that must not end the one it began under */
                bool is_ours = s->n_held > 0 && d->policy != c->policy && own_stall_is_limit_ours(s, c->policy, c);
                if (d->policy != c->policy && !is_ours)
                        domain_init(s, d, c->id, c->policy, c->path, snap->mono_usec);
                d->sample = i;
                d->seen_usec = snap->mono_usec;
        }
        if (n_new > 0) {
                insert_new(s, snap);
                for (uint32_t i = 0; i < snap->n_cgroups; i++) {
                        Domain *d = snap->cgroups[i].policy >= 0 && snap->cgroups[i].id ? domain_find(s, snap->cgroups[i].id) : NULL;
                        if (d)
                                d->sample = i;
                }
        }
        for (uint32_t i = 0; i < s->n_domains;)
                if (snap->mono_usec - s->domains[i].seen_usec >= DOMAIN_GONE_USEC)
                        domain_remove(s, i);
                else
                        i++;
}

bool domain_is_seen(const Domain *d, const Snapshot *snap) {
        return d->id == 0 || d->sample < snap->n_cgroups;
}

bool domains_are_related(const Domain *a, const Domain *b) {
        return a->id == 0 || b->id == 0 || cgroup_path_inside(b->path, a->path) || cgroup_path_inside(a->path, b->path);
}

MetricInput domain_input(const DecideState *s, const Domain *d, const Snapshot *snap) {
        MetricInput in = { .snap = snap, .cgroup = d->sample < snap->n_cgroups ? &snap->cgroups[d->sample] : NULL };
        for (uint32_t i = 0; i < s->n_virtuals; i++)
                if (d->id == 0 || cgroup_path_inside(s->virtuals[i].cgroup_path, d->path))
                        in.credit_bytes = u64_add_sat(in.credit_bytes, s->virtuals[i].freed_bytes);
        in.own_stall = d->own.excused;
        in.host_own_stall = s->n_domains > 0 && s->domains[0].id == 0 ? s->domains[0].own.excused : NULL;
        in.has_old_high = s->n_held > 0 && in.cgroup && own_stall_old_high(s, in.cgroup, &in.old_high);
        return in;
}

bool domain_stall(const Series *series, uint64_t now_usec, uint64_t *ret_permyriad) {
        SeriesSample base;
        if (!series->has_last || !series_base(series, now_usec, &base))
                return false;
        *ret_permyriad = metric_share(u64_sub_sat(series->last.value, base.value), now_usec - base.usec);
        return true;
}

static void evidence_take(Domain *d, size_t i, uint64_t value, bool is_own, uint64_t now_usec) {
        if (d->has_evidence_last[i] && value > d->evidence_last[i] && !is_own)
                d->evidence_usec = now_usec;
        d->evidence_last[i] = value;
        d->has_evidence_last[i] = true;
}

/*
 * On the host, reclaim for want of the host's memory: these counters leave out reclaim at a cgroup's own limit.
 * The refaults of vmstat do not, and one throttled service on an idle host makes the host stall, too.
 * In a cgroup, reclaim, pages that come back soon after they were dropped, or its own limit being hit:
 * memory.events counts even where reclaim finds nothing to scan. Without swap a cgroup full of anonymous
 * memory over its memory.high has pgscan 0 for ever, and stalls at 90 %.
 */
static void observe_evidence(const DecideState *s, Domain *d, const MetricInput *in) {
        static const HostField host_fields[] = { HOST_VM_PGSCAN_KSWAPD, HOST_VM_PGSCAN_DIRECT, HOST_VM_ALLOCSTALL };
        static const CgroupField cgroup_fields[] = { CGROUP_EVENT_HIGH, CGROUP_EVENT_MAX, CGROUP_PGSCAN, CGROUP_REFAULT_ANON };

        if (!in->cgroup) {
                const HostSample *h = &in->snap->host;
                for (size_t i = 0; i < ARRAY_SIZE(host_fields); i++)
                        if (host_has(h, host_fields[i]))
                                evidence_take(d, i, h->value[host_fields[i]], /* is_own= */ false, in->snap->mono_usec);
                return;
        }
        uint64_t now = in->snap->mono_usec, own = s->n_held > 0 ? own_stall_evidence(s, d, now) : 0;
        for (size_t i = 0; i < ARRAY_SIZE(cgroup_fields); i++)
                if (cgroup_has(in->cgroup, cgroup_fields[i]))
                        evidence_take(d, i, in->cgroup->value[cgroup_fields[i]], own >> cgroup_fields[i] & 1, now);
}

/*
 * Against its own limit a cgroup is short even where memory.stat, and with it what is reclaimable, was not
 * read: the guard that asks for it also demands that the cgroup stalls.
 */
static bool is_short(const Domain *d, const MetricInput *in, uint64_t total) {
        uint64_t limit;
        if (d->available_bytes != UINT64_MAX && d->available_bytes <= total / SHORT_DIVISOR)
                return true;
        return metric_cgroup_limit(in, &limit) && cgroup_has(in->cgroup, CGROUP_CURRENT) &&
               in->cgroup->value[CGROUP_CURRENT] >= limit - limit / SHORT_DIVISOR;
}

void domain_observe(const DecideState *s, Domain *d, const MetricInput *in) {
        uint64_t now = in->snap->mono_usec, total, swap_total, raw;

        observe_evidence(s, d, in);
        if (metric_stall(METRIC_SOME, in, &raw))
                series_push(&d->some10, now, raw, /* is_counter= */ true);
        if (metric_stall(METRIC_FULL, in, &raw))
                series_push(&d->full10, now, raw, /* is_counter= */ true);

        bool has_swap = metric_swap_free(in, &d->swap_free_bytes, &swap_total);
        if (!has_swap)
                d->swap_free_bytes = UINT64_MAX;
        d->exhaustion_usec = USEC_INFINITY;
        bool has_available = metric_available(in, &d->available_bytes, &total);
        if (!has_available)
                d->available_bytes = UINT64_MAX;
        if (is_short(d, in, has_available ? total : 0))
                d->short_usec = now;
        if (has_available && has_swap) {
                uint64_t left = u64_add_sat(d->available_bytes, d->swap_free_bytes), span;
                series_push(&d->left, now, left, /* is_counter= */ false);
                (void)metric_exhaustion(&d->left, now, left, &d->exhaustion_usec, &span);
        }
}

void domain_forget_stalls(const DecideState *s, Domain *d) {
        const PolicyRange *r = &s->ranges[d->policy];
        for (uint16_t i = 0; i < r->n_terms; i++)
                if (metric_is_pressure(s->policy->terms[r->first_term + i].metric))
                        series_clear(&d->series[i]);
        memset(d->held, 0, r->n_exprs * sizeof(*d->held));
}

void domain_copy_names(const DecideState *s, const Domain *d, char path[static CGROUP_PATH_MAX], char name[static 64]) {
        const char *policy_name = s->policy->cgroups[d->policy].name;
        memcpy(path, d->path, CGROUP_PATH_MAX);
        size_t n = policy_name ? MIN(strlen(policy_name), (size_t)63) : 0;
        memcpy(name, policy_name ? policy_name : "", n);
        name[n] = '\0';
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A cgroup that we throttle stands still: that is what a throttle is. The kernel counts it as pressure, of the cgroup
 * and of all above it up to the host. Acted upon, our own step would be the reason for the next, up to the kill.
 *
 *  - A domain that is the throttled cgroup, or is inside it: none of its stall counts.
 *  - A domain around it, as the host: its stall counts as far as somebody else inside feels it, too. At each detailed
 *    sample the largest stall of a cgroup that is neither throttled nor around one that is, is compared with that of
 *    the domain; the ratio is applied to the cheap samples until the next detailed one. Where somebody's stall is not
 *    known, all counts.
 *
 * An excuse ends: where there has been no relief for EXCUSE_MAX_USEC a throttle excuses nothing any more, and the
 * [Kill] conditions see what there is. Amounts (available, swap-free) were never excused.
 *
 * What is excused is subtracted from the counters before they go into the windows, so that all conditions, Until= as
 * well, see the same.
 */

#include "decide/own-stall.h"

#include <string.h>

#include "decide/condition.h"
#include "decide/domain.h"
#include "model/cgroup-path.h"

/*
 * A throttle is walked down in some six seconds. The time runs from when the level was reached, so that a throttle that
 * comes late does not add to it: 2 s at most to "full 1s > 15% for 1s", this, and the 8 s of "full 2s > 40% for 6s"
 * make 20 s from the first stall to the kill.
 */
#define EXCUSE_MAX_USEC (8 * USEC_PER_SEC)
/* A suspended host must not find that a throttle has been in force for hours. */
#define EXCUSE_CREDIT_USEC (2 * USEC_PER_SEC)
/* Pages that we reclaimed show as the group's own scanning, in the samples around. */
#define OWN_RECLAIM_USEC (2 * USEC_PER_SEC)
/* A cgroup whose stall was not read is one of the small and steady; one below this share of RAM is not waited for. */
#define SMALL_DIVISOR 256

bool own_stall_is_excused(const HeldMeasure *m) {
        return (m->step == STEP_THROTTLE || m->step == STEP_FREEZE) && m->phase != HELD_PAST && !m->dry_run && !m->is_spent;
}

bool own_stall_old_high(const DecideState *s, const CgroupSample *c, uint64_t *ret) {
        for (uint32_t i = s->n_held; i > 0; i--) {
                const HeldMeasure *m = &s->held_measures[i - 1];
                if (m->step != STEP_THROTTLE || m->dry_run || m->has_failed || m->cgroup_id != c->id)
                        continue;
                /* limits are read anew only now and then: a throttle that is over may still be in the sample */
                if (m->phase == HELD_PAST && (!cgroup_has(c, CGROUP_HIGH) || c->value[CGROUP_HIGH] < m->lowest ||
                                              c->value[CGROUP_HIGH] > m->highest))
                        continue;
                *ret = m->old_value;
                return true;
        }
        return false;
}

static bool is_related(const HeldMeasure *m, const Domain *d) {
        return cgroup_path_inside(m->cgroup_path, d->path) || cgroup_path_inside(d->path, m->cgroup_path);
}

uint64_t own_stall_evidence(const DecideState *s, const Domain *d, uint64_t now_usec) {
        const uint64_t reclaim = UINT64_C(1) << CGROUP_PGSCAN | UINT64_C(1) << CGROUP_REFAULT_ANON;
        uint64_t fields = 0;
        for (uint32_t i = 0; i < s->n_held; i++) {
                const HeldMeasure *m = &s->held_measures[i];
                if (m->dry_run)
                        continue;
                if (own_stall_is_excused(m) && is_related(m, d))
                        fields |= UINT64_C(1) << CGROUP_EVENT_HIGH | (d->own.is_inside ? reclaim : 0);
                if (m->step == STEP_RECLAIM && now_usec - m->sent_usec <= m->deadline_usec - m->sent_usec + OWN_RECLAIM_USEC &&
                    is_related(m, d))
                        fields |= reclaim;
        }
        return fields;
}

/* ---- how much of the stall around a throttle is felt by others ---- */

static bool is_around_or_inside_excused(const DecideState *s, const char *path, bool *ret_is_inside) {
        bool is_around = false;
        *ret_is_inside = false;
        for (uint32_t i = 0; i < s->n_held; i++) {
                const HeldMeasure *m = &s->held_measures[i];
                if (!own_stall_is_excused(m))
                        continue;
                *ret_is_inside |= cgroup_path_inside(path, m->cgroup_path);
                is_around |= cgroup_path_inside(m->cgroup_path, path);
        }
        return is_around || *ret_is_inside;
}

/* Our own worker stalls while it reclaims; that is felt by nobody, and would count for all that is above it. */
static bool is_of_others(const DecideState *s, const CgroupSample *c) {
        bool is_inside;
        return !(c->marks & CGROUP_MARK_SELF) && !is_around_or_inside_excused(s, c->path, &is_inside);
}

/* Is there a cgroup above it that stands for it? */
static bool has_cover(const DecideState *s, const Domain *d, const Snapshot *snap, const CgroupSample *c) {
        return c->parent < snap->n_cgroups && snap->cgroups[c->parent].id != d->id && is_of_others(s, &snap->cgroups[c->parent]);
}

static bool is_small(const CgroupSample *c, const HostSample *h) {
        return cgroup_has(c, CGROUP_CURRENT) && host_has(h, HOST_MEM_TOTAL) &&
               c->value[CGROUP_CURRENT] < h->value[HOST_MEM_TOTAL] / SMALL_DIVISOR;
}

/* The largest stall that somebody else inside felt; false where that is not known. */
static bool others_stall(const DecideState *s, const Domain *d, const Snapshot *snap, uint64_t ret[static N_STALLS]) {
        for (uint32_t i = 0; i < snap->n_cgroups; i++) {
                const CgroupSample *c = &snap->cgroups[i];
                if (c->id == d->id || strcmp(c->path, "/") == 0 || (d->id != 0 && !cgroup_path_inside(c->path, d->path)) ||
                    !is_of_others(s, c))
                        continue;
                const UsageEntry *e = usage_table_find(&s->usage, c->id);
                if (e && e->ladder.stall[STALL_FULL].has_delta)
                        for (int k = 0; k < N_STALLS; k++)
                                ret[k] = MAX(ret[k], e->ladder.stall[k].delta);
                else if (!has_cover(s, d, snap, c) && !is_small(c, &snap->host) &&
                         !(cgroup_has(c, CGROUP_POPULATED) && c->value[CGROUP_POPULATED] == 0))
                        return false;
        }
        return true;
}

static bool own_delta(const DecideState *s, const Domain *d, uint64_t ret[static N_STALLS]) {
        if (d->id == 0) {
                memcpy(ret, s->host_stall_delta, sizeof(s->host_stall_delta));
                return s->has_host_stall_delta;
        }
        const UsageEntry *e = usage_table_find(&s->usage, d->id);
        if (!e || !e->ladder.stall[STALL_FULL].has_delta)
                return false;
        for (int k = 0; k < N_STALLS; k++)
                ret[k] = e->ladder.stall[k].delta;
        return true;
}

static void estimate(const DecideState *s, Domain *d, const Snapshot *snap) {
        uint64_t own[N_STALLS], others[N_STALLS] = { 0 };
        bool is_known = own_delta(s, d, own) && others_stall(s, d, snap, others);
        for (int k = 0; k < N_STALLS; k++)
                d->own.counted_permyriad[k] =
                        is_known && own[k] > 0 ? (uint32_t)MIN(u64_mul_div(others[k], PERMYRIAD, own[k]), PERMYRIAD)
                                               : (uint32_t)PERMYRIAD;
}

/* ---- each step ---- */

static void host_stall_update(DecideState *s, const Snapshot *snap) {
        static const HostField fields[N_STALLS] = { HOST_PSI_SOME_USEC, HOST_PSI_FULL_USEC };
        bool has = host_has(&snap->host, HOST_PSI_SOME_USEC) && host_has(&snap->host, HOST_PSI_FULL_USEC);
        s->has_host_stall_delta = has && s->has_host_stall;
        for (int k = 0; k < N_STALLS; k++) {
                uint64_t v = snap->host.value[fields[k]];
                s->has_host_stall_delta &= v >= s->host_stall[k];
                s->host_stall_delta[k] = u64_sub_sat(v, s->host_stall[k]);
                s->host_stall[k] = v;
        }
        s->has_host_stall = has;
}

static bool domain_counters(const Domain *d, const Snapshot *snap, uint64_t ret[static N_STALLS]) {
        if (d->id == 0) {
                ret[STALL_SOME] = snap->host.value[HOST_PSI_SOME_USEC];
                ret[STALL_FULL] = snap->host.value[HOST_PSI_FULL_USEC];
                return host_has(&snap->host, HOST_PSI_SOME_USEC) && host_has(&snap->host, HOST_PSI_FULL_USEC);
        }
        if (d->sample >= snap->n_cgroups)
                return false;
        const CgroupSample *c = &snap->cgroups[d->sample];
        ret[STALL_SOME] = c->value[CGROUP_PSI_SOME_USEC];
        ret[STALL_FULL] = c->value[CGROUP_PSI_FULL_USEC];
        return cgroup_has(c, CGROUP_PSI_SOME_USEC) && cgroup_has(c, CGROUP_PSI_FULL_USEC);
}

static void domain_excuse(Domain *d, const Snapshot *snap) {
        OwnStall *o = &d->own;
        uint64_t now[N_STALLS];
        if (!domain_counters(d, snap, now))
                return; /* what passed meanwhile is in the next difference */
        for (int k = 0; k < N_STALLS; k++) {
                if (o->has_last && now[k] < o->last[k])
                        o->excused[k] = 0; /* the counter was reset */
                else if (o->has_last) {
                        uint64_t delta = now[k] - o->last[k];
                        uint64_t counted = o->is_inside ? 0 : u64_mul_div(delta, o->counted_permyriad[k], PERMYRIAD);
                        o->excused[k] += delta - MIN(counted, delta);
                }
                o->last[k] = now[k];
        }
        o->has_last = true;
}

/* A policy for cgroups with a limit of their own matches one that has none but ours, too. */
bool own_stall_is_limit_ours(const DecideState *s, int32_t policy, const CgroupSample *c) {
        uint64_t old_high;
        return s->policy->cgroups[policy].limited_only && own_stall_old_high(s, c, &old_high) && old_high == CGROUP_NO_LIMIT &&
               (!cgroup_has(c, CGROUP_MAX) || c->value[CGROUP_MAX] == CGROUP_NO_LIMIT);
}

static void domain_step(const DecideState *s, Domain *d, const Snapshot *snap) {
        OwnStall *o = &d->own;
        bool was_on = o->is_inside || o->is_around, is_inside = false;

        o->is_limited_by_us = d->sample < snap->n_cgroups && own_stall_is_limit_ours(s, d->policy, &snap->cgroups[d->sample]);
        bool is_on = is_around_or_inside_excused(s, d->path, &is_inside);
        o->is_inside = is_inside && d->id != 0;
        o->is_around = is_on && !o->is_inside;
        if (!is_on) {
                o->has_last = false;
                return;
        }
        if (!was_on)
                o->counted_permyriad[STALL_SOME] = o->counted_permyriad[STALL_FULL] = (uint32_t)PERMYRIAD;
        const uint32_t whole = DETAIL_CGROUPS | DETAIL_STATS;
        if (o->is_around && (snap->detail & whole) == whole)
                estimate(s, d, snap);
        domain_excuse(d, snap);
}

/*
 * Of a throttle on the very cgroup that is in trouble, its stall cannot tell whether it helps: it has its time in any
 * case.
 */
static void budget_step(DecideState *s, HeldMeasure *m, uint64_t dt_usec) {
        if (!own_stall_is_excused(m))
                return;
        Domain *d = domain_find(s, m->domain_id);
        uint64_t credit = MIN(dt_usec, EXCUSE_CREDIT_USEC);
        bool is_own = d && d->id != 0 && cgroup_path_inside(d->path, m->cgroup_path);
        bool is_needed = d && d->policy == m->policy &&
                         condition_eval(s, d, s->policy->cgroups[d->policy].levels[m->level].when, 0) == TRUTH_TRUE;
        if (is_own || is_needed)
                m->unrelieved_usec += credit;
        else
                m->unrelieved_usec -= MIN(m->unrelieved_usec, credit);
        m->is_spent = m->unrelieved_usec >= EXCUSE_MAX_USEC;
}

void own_stall_step(DecideState *s, const Snapshot *snap, uint64_t dt_usec) {
        const uint32_t whole = DETAIL_CGROUPS | DETAIL_STATS;
        if (s->needs_usage && (snap->detail & whole) == whole)
                host_stall_update(s, snap);
        for (uint32_t i = 0; i < s->n_held; i++)
                budget_step(s, &s->held_measures[i], dt_usec);
        /* once more after the last one, so that every domain forgets it */
        if (s->n_held > 0 || s->had_held)
                for (uint32_t i = 0; i < s->n_domains; i++)
                        domain_step(s, &s->domains[i], snap);
        s->had_held = s->n_held > 0;
}

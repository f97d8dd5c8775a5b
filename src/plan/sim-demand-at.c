/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What lies between two looks. The host's own demand is in each sample. What a cgroup or a process has of it is known at
 * both ends of a span; between them it follows the host: who has grown did so when the host did, who has shrunk when the
 * host did. Only where the host's movement does not account for it (less than half), it is a straight line. A process that
 * began within the span did so at its start time; one that ended, when the host's demand fell most.
 */

#include <string.h>

#include "plan/sim-demand.h"

#define PARTS_MAX 1000000

/* ---- movement ---- */

static uint64_t parts_of(uint64_t a, uint64_t whole) {
        return whole > 0 ? u64_mul_div(MIN(a, whole), PARTS_MAX, whole) : PARTS_MAX;
}

static void sum_items(const Demand *d, uint64_t *ret_up, uint64_t *ret_down) {
        *ret_up = *ret_down = 0;
        for (uint32_t i = 0; i < d->n_processes; i++) {
                const DemandProcess *p = &d->processes[i];
                uint64_t before = u64_add_sat(p->begin[SIZE_ANON], p->begin[SIZE_SWAP]);
                uint64_t after = p->is_in_end || p->is_ghost ? u64_add_sat(p->end[SIZE_ANON], p->end[SIZE_SWAP]) : 0;
                *ret_up = u64_add_sat(*ret_up, u64_sub_sat(after, before));
                *ret_down = u64_add_sat(*ret_down, u64_sub_sat(before, after));
        }
}

/* Of a cgroup that is new, what it did not have at its first look was 0 before. */
static uint64_t begin_of(const DemandCgroup *c, CgroupField f) {
        return (c->begin_have >> f) & 1 ? c->begin[f] : 0;
}

static bool is_setting(CgroupField f) {
        return (f >= CGROUP_MIN && f <= CGROUP_SWAP_MAX) || f == CGROUP_OOM_GROUP || f == CGROUP_POPULATED;
}

static uint64_t moving_of(const DemandCgroup *c) {
        uint64_t moving = 0;

        for (uint64_t left = c->is_new ? c->last.have : c->last.have & c->begin_have; left != 0; left &= left - 1) {
                CgroupField f = (CgroupField)__builtin_ctzll(left);
                if (begin_of(c, f) != c->last.value[f] && !is_setting(f))
                        moving |= UINT64_C(1) << f;
        }
        return moving;
}

void demand_close(Demand *d) {
        uint64_t up, down, drop = 0;
        HostDemand before = { 0 };

        d->at = 0;
        d->places_at = INDEX_NONE;
        d->parts_usec = UINT64_MAX;
        d->drop_usec = demand_end_usec(d);
        for (uint32_t i = 0; i < d->n_points; i++) {
                DemandPoint *p = &d->points[i];
                HostDemand now;
                host_demand_of(&p->host, &now);
                p->up = i > 0 ? p[-1].up : 0;
                p->down = i > 0 ? p[-1].down : 0;
                if (i > 0 && now.is_known && before.is_known) {
                        p->up = u64_add_sat(p->up, u64_sub_sat(now.demand, before.demand));
                        uint64_t fall = u64_sub_sat(before.demand, now.demand);
                        p->down = u64_add_sat(p->down, fall);
                        if (fall > drop) {
                                drop = fall;
                                d->drop_usec = p->mono_usec;
                        }
                }
                before = now;
        }
        sum_items(d, &up, &down);
        const DemandPoint *end = &d->points[d->n_points - 1];
        d->is_up_warped = end->up / d->page_size >= up / 2 && end->up > 0;
        d->is_down_warped = end->down / d->page_size >= down / 2 && end->down > 0;
        for (uint32_t i = 0; i < d->n_processes; i++) {
                DemandProcess *p = &d->processes[i];
                p->gone_usec = p->is_in_end || p->is_ghost ? UINT64_MAX : MAX(d->drop_usec, p->born_usec);
                p->is_still = p->is_in_begin && p->is_in_end && !p->is_ghost && memcmp(p->begin, p->end, sizeof(p->begin)) == 0;
        }
        for (uint32_t i = 0; i < d->n_cgroups; i++)
                d->cgroups[i].moving = moving_of(&d->cgroups[i]);
}

/* ---- asking ---- */

static uint64_t between(uint64_t a, uint64_t b, uint64_t parts) {
        uint64_t way = b >= a ? b - a : a - b;
        if (way < UINT64_MAX / PARTS_MAX) { /* without a division of 128 bits: this is asked for most */
                way = way * parts / PARTS_MAX;
                return b >= a ? a + way : a - way;
        }
        return b >= a ? a + u64_mul_div(b - a, parts, PARTS_MAX) : a - u64_mul_div(a - b, parts, PARTS_MAX);
}

static const DemandPoint *point_at(const Demand *d, uint64_t usec) {
        const DemandPoint *p = &d->points[d->at];
        while (p > d->points && p->mono_usec > usec)
                p--;
        while (p + 1 < d->points + d->n_points && p[1].mono_usec <= usec)
                p++;
        return p;
}

static uint64_t parts_at(const Demand *d, const DemandPoint *p, uint64_t usec) {
        if (p + 1 >= d->points + d->n_points)
                return 0;
        return parts_of(u64_sub_sat(usec, p->mono_usec), p[1].mono_usec - p->mono_usec);
}

void demand_host_at(Demand *d, uint64_t usec, HostSample *ret, uint64_t *ret_real_usec) {
        const DemandPoint *p = point_at(d, usec);
        uint64_t parts = parts_at(d, p, usec);

        d->at = (uint32_t)(p - d->points);
        *ret = p->host;
        *ret_real_usec = p->real_usec;
        if (parts == 0)
                return;
        ret->have &= p[1].host.have;
        for (HostField f = 0; f < _HOST_FIELD_MAX; f++)
                ret->value[f] = (ret->have >> f) & 1 ? between(ret->value[f], p[1].host.value[f], parts) : 0;
        *ret_real_usec = between(p->real_usec, p[1].real_usec, parts);
}

/* How much of its way something has gone that moves from begin to end of the span. */
static void parts_take(Demand *d, uint64_t usec) {
        if (d->parts_usec == usec)
                return;
        const DemandPoint *p = point_at(d, usec), *end = &d->points[d->n_points - 1];
        uint64_t parts = parts_at(d, p, usec), begin_usec = demand_begin_usec(d);

        d->parts_usec = usec;
        d->point_parts = parts;
        d->clock_parts = parts_of(u64_sub_sat(usec, begin_usec), end->mono_usec - begin_usec);
        d->up_parts = d->down_parts = d->clock_parts;
        if (d->is_up_warped && usec < end->mono_usec)
                d->up_parts = parts_of(parts ? between(p->up, p[1].up, parts) : p->up, end->up);
        if (d->is_down_warped && usec < end->mono_usec)
                d->down_parts = parts_of(parts ? between(p->down, p[1].down, parts) : p->down, end->down);
}

/* One that began within the span, and that the host's movement says nothing of: a line from there. */
static uint64_t parts_since(const Demand *d, uint64_t usec, uint64_t born_usec) {
        uint64_t end_usec = demand_end_usec(d);
        if (d->is_up_warped || usec >= end_usec || born_usec <= demand_begin_usec(d))
                return d->up_parts;
        return parts_of(u64_sub_sat(usec, born_usec), u64_sub_sat(end_usec, born_usec));
}

/* Is it there? @ret_fixed: its size, or NULL where that is between begin and end; @ret_up: then so far of what it grew. */
static bool process_span(Demand *d, const DemandProcess *p, uint64_t usec, const uint64_t **ret_fixed, uint64_t *ret_up) {
        *ret_up = 0;
        *ret_fixed = p->end;
        if (p->is_still || p->is_ghost)
                return p->is_still || usec < p->ghost_until_usec;
        if (usec < p->born_usec || usec >= p->gone_usec)
                return false;
        if (!p->is_in_end) {
                *ret_fixed = p->is_in_begin ? p->begin : p->end;
                return true;
        }
        parts_take(d, usec);
        *ret_fixed = NULL;
        *ret_up = parts_since(d, usec, p->born_usec);
        return true;
}

static uint64_t size_at(const Demand *d, const DemandProcess *p, Size i, const uint64_t *fixed, uint64_t up) {
        uint64_t a = p->begin[i], b = p->end[i];
        if (fixed)
                return fixed[i];
        return a == b ? a : between(a, b, b > a ? up : d->down_parts);
}

bool demand_process_at(Demand *d, const DemandProcess *p, uint64_t usec, uint64_t ret[static _SIZE_MAX]) {
        const uint64_t *fixed;
        uint64_t up;

        if (!process_span(d, p, usec, &fixed, &up))
                return false;
        for (Size i = 0; i < _SIZE_MAX; i++)
                ret[i] = size_at(d, p, i, fixed, up);
        return true;
}

bool demand_process_private_at(Demand *d, const DemandProcess *p, uint64_t usec, uint64_t *ret_pages) {
        const uint64_t *fixed;
        uint64_t up;

        if (!process_span(d, p, usec, &fixed, &up))
                return false;
        *ret_pages = u64_add_sat(size_at(d, p, SIZE_ANON, fixed, up),
                                 u64_add_sat(size_at(d, p, SIZE_SWAP, fixed, up), size_at(d, p, SIZE_TABLES, fixed, up)));
        return true;
}

/* Backwards, so that of two places in one point the first counts. */
static void places_of(Demand *d, const DemandPoint *p, uint32_t side) {
        for (uint32_t i = p->first_cgroup + p->n_cgroups; i-- > p->first_cgroup;)
                if (d->pool[i].index < d->n_cgroups)
                        d->cgroups[d->pool[i].index].places[side] = (PointPlace){ .look = d->look, .at = i };
}

/* Once for all cgroups, and for all times between two points. */
static void places_take(Demand *d, const DemandPoint *p) {
        if (d->places_at == (uint32_t)(p - d->points))
                return;
        d->places_at = (uint32_t)(p - d->points);
        d->look++;
        places_of(d, p, 0);
        if (p + 1 < d->points + d->n_points)
                places_of(d, p + 1, 1);
}

/* What the cheap samples hold of it is better than a line from one end to the other. */
static void refine(Demand *d, const DemandCgroup *c, uint64_t usec, CgroupSample *ret) {
        const DemandPoint *p = point_at(d, usec);
        uint64_t parts = d->point_parts;

        places_take(d, p);
        const PointPlace *first = &c->places[0], *second = &c->places[parts > 0];
        if (first->look != d->look || second->look != d->look)
                return;
        const PointCgroup *a = &d->pool[first->at], *b = &d->pool[second->at];
        const struct {
                CgroupField field;
                uint64_t a, b;
        } known[] = {
                { CGROUP_PSI_SOME_USEC, a->some_usec, b->some_usec },
                { CGROUP_PSI_FULL_USEC, a->full_usec, b->full_usec },
                { CGROUP_CURRENT, a->current, b->current },
                { CGROUP_SWAP_CURRENT, a->swap_current, b->swap_current },
        };
        for (size_t i = 0; i < ARRAY_SIZE(known); i++)
                if (((a->have & b->have) >> known[i].field) & 1)
                        cgroup_set(ret, known[i].field, between(known[i].a, known[i].b, parts));
}

/* Those that only rise, and go by the clock. */
#define FIELDS(first, last) (UINT64_MAX << (first) & UINT64_MAX >> (63 - (last)))
#define COUNTERS            (FIELDS(0, CGROUP_PSI_FULL_USEC) | FIELDS(CGROUP_PGSCAN, CGROUP_EVENT_OOM_KILL))

static void move(const DemandCgroup *c, uint64_t fields, uint64_t up_parts, uint64_t down_parts, CgroupSample *ret) {
        for (uint64_t left = fields; left != 0; left &= left - 1) {
                CgroupField f = (CgroupField)__builtin_ctzll(left);
                uint64_t from = begin_of(c, f), to = c->last.value[f];
                ret->value[f] = between(from, to, to >= from ? up_parts : down_parts);
        }
}

void demand_cgroup_at(Demand *d, const DemandCgroup *c, uint64_t usec, CgroupSample *ret) {
        parts_take(d, usec);
        *ret = c->last;
        if (d->clock_parts == PARTS_MAX)
                return;
        move(c, c->moving & COUNTERS, d->clock_parts, d->clock_parts, ret);
        move(c, c->moving & ~COUNTERS, d->up_parts, d->down_parts, ret);
        refine(d, c, usec, ret);
}

/* ---- a cgroup in one number ---- */

static uint64_t field(const CgroupSample *c, CgroupField f) {
        return cgroup_has(c, f) ? c->value[f] : 0;
}

/* What reclaim cannot drop of a cgroup, swap included. @ret_file: and what it can. */
uint64_t cgroup_demand(const CgroupSample *c, uint64_t *ret_file) {
        uint64_t swap = field(c, CGROUP_SWAP_CURRENT), current = field(c, CGROUP_CURRENT);
        uint64_t file = u64_add_sat(field(c, CGROUP_ACTIVE_FILE), field(c, CGROUP_INACTIVE_FILE));
        uint64_t slab = field(c, CGROUP_SLAB_RECLAIMABLE);

        if (cgroup_has(c, CGROUP_CURRENT)) {
                *ret_file = MIN(file, current);
                return u64_add_sat(u64_sub_sat(current, u64_add_sat(file, slab)), swap);
        }
        *ret_file = file;
        uint64_t own = u64_add_sat(field(c, CGROUP_ANON), u64_add_sat(field(c, CGROUP_SHMEM), field(c, CGROUP_SOCK)));
        return u64_add_sat(u64_add_sat(own, u64_sub_sat(field(c, CGROUP_KERNEL), slab)), swap);
}

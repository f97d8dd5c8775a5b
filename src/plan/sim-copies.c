/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * How far the demand of the simulation differs from the recorded one, in bytes.
 *
 *  - A copy of a cgroup asks for what the recorded one does. Pages that all copies share (a program's text, a file that
 *    all map) are in the cache of one: the record does not say how many, so none are taken off; the cache, which reclaim
 *    can drop, is where they are.
 *  - A victim asks for nothing from the moment it has ended until the record's own end of it. Its memory is its anonymous
 *    pages, in memory and in swap, and its page tables; what it shared stays.
 *  - A cgroup that is throttled or frozen asks for no more than it had: its growth is held back, not gone.
 *  - A process that the record's kill ended, and that no kill ended here, keeps what it had.
 */

#include "model/cgroup-path.h"
#include "plan/sim-state.h"

#define DEPTH_MAX 64 /* of cgroups around a process: a bound, should a record be wrong */

uint64_t copies_permyriad(const Copies *c) {
        uint64_t sum = c->gone & 1 ? 0 : c->base_permyriad;
        for (uint32_t i = 1; i <= c->n_clones; i++)
                if (!((c->gone >> i) & 1))
                        sum += c->clone_permyriad;
        return sum;
}

uint64_t process_private_pages(const uint64_t size[static _SIZE_MAX]) {
        return u64_add_sat(size[SIZE_ANON], u64_add_sat(size[SIZE_SWAP], size[SIZE_TABLES]));
}

/* The recorded one alone, and whole: all but a few, and these are asked for at each step. */
static bool is_single(const Copies *c) {
        return c->n_clones == 0 && c->base_permyriad == PERMYRIAD;
}

static bool has_amounts(const CgroupSample *c) {
        return cgroup_has(c, CGROUP_CURRENT) || cgroup_has(c, CGROUP_ANON);
}

static void add_part(uint64_t bytes, uint64_t permyriad, uint64_t *more, uint64_t *less) {
        if (permyriad >= PERMYRIAD)
                *more = u64_add_sat(*more, u64_mul_div(bytes, permyriad - PERMYRIAD, PERMYRIAD));
        else
                *less = u64_add_sat(*less, u64_mul_div(bytes, PERMYRIAD - permyriad, PERMYRIAD));
}

/* All copies of a scaled cgroup as if none had been killed; victims in them are taken off one by one. */
static void change_roots(PlanSim *s, uint64_t usec, DemandChange *c) {
        for (uint32_t i = 0; i < s->n_roots; i++) {
                const DemandCgroup *root = &s->demand.cgroups[s->roots[i]];
                Copies all = root->copies;
                CgroupSample now;
                uint64_t file;

                all.gone = 0;
                demand_cgroup_at(&s->demand, root, usec, &now);
                if (!has_amounts(&now))
                        continue;
                add_part(cgroup_demand(&now, &file), copies_permyriad(&all), &c->more, &c->less);
                add_part(file, copies_permyriad(&all), &c->more_file, &c->less_file);
        }
}

/* A process that is scaled in a cgroup of which nothing is known stands for itself. */
static bool is_in_known_root(const PlanSim *s, const DemandProcess *p) {
        for (uint32_t i = 0; i < s->n_roots; i++) {
                const DemandCgroup *root = &s->demand.cgroups[s->roots[i]];
                if (has_amounts(&root->last) && cgroup_path_inside(p->path, root->path))
                        return true;
        }
        return false;
}

/* Once for all who ask at that time. */
static void touched_take(PlanSim *s, Touched *t, uint64_t usec) {
        t->pages = 0;
        t->is_there = demand_process_private_at(&s->demand, &s->demand.processes[t->process], usec, &t->pages);
}

static uint32_t nearest_monitored(const Demand *d, uint32_t process) {
        uint32_t c = d->processes[process].last.cgroup;
        for (uint32_t depth = 0; c < d->n_cgroups && d->cgroups[c].last.policy < 0; depth++)
                c = depth < DEPTH_MAX ? d->cgroups[c].parent : INDEX_NONE;
        return c;
}

static int touched_append(PlanSim *s, uint32_t process) {
        if (s->n_touched == s->room_touched) {
                uint32_t want = s->room_touched + s->room_touched / 2 + 16;
                Touched *p = realloc(s->touched, want * sizeof(*p));
                if (!p)
                        return -ENOMEM;
                s->touched = p;
                s->room_touched = want;
        }
        s->touched[s->n_touched++] = (Touched){ .process = process, .monitored = nearest_monitored(&s->demand, process) };
        return 0;
}

int sim_touch(PlanSim *s, uint32_t process) {
        for (uint32_t i = 0; i < s->n_touched; i++)
                if (s->touched[i].process == process)
                        return 0;
        int r = touched_append(s, process);
        if (r == 0)
                touched_take(s, &s->touched[s->n_touched - 1], s->now_usec);
        return r;
}

static bool differs(const DemandProcess *p) {
        bool is_scaled = p->copies.n_clones > 0 || p->copies.base_permyriad != PERMYRIAD;
        return p->copies.gone || p->copies.dying || p->is_ghost || p->killed_by != 0 || is_scaled;
}

/**
 * sim_rebuild_touched() - list the processes of the span whose demand is not the recorded one
 * Return: 0; -ENOMEM.
 */
int sim_rebuild_touched(PlanSim *s) {
        const Demand *d = &s->demand;
        int r;

        s->n_touched = s->n_still = 0;
        s->is_still_summed = false;
        for (int still = 1; still >= 0; still--) {
                for (uint32_t i = 0; i < d->n_processes; i++)
                        if (d->processes[i].is_still == still && differs(&d->processes[i]) && (r = touched_append(s, i)) < 0)
                                return r;
                if (still)
                        s->n_still = s->n_touched;
        }
        for (uint32_t i = 0; i < s->n_still; i++)
                touched_take(s, &s->touched[i], demand_begin_usec(d));
        return 0;
}

static void change_process(PlanSim *s, const Touched *t, uint64_t usec, DemandChange *c) {
        const DemandProcess *p = &s->demand.processes[t->process];

        if (!t->is_there)
                return;
        uint64_t bytes = u64_mul_sat(t->pages, s->demand.page_size);
        if (is_single(&p->copies) && !p->is_ghost) {
                c->less = u64_add_sat(c->less, p->copies.gone & 1 ? bytes : 0);
                return;
        }
        uint64_t there = copies_permyriad(&p->copies);
        Copies all = p->copies;
        all.gone = 0;
        uint64_t whole = copies_permyriad(&all);
        /* the record knows no more of a ghost from its end on */
        if (p->is_ghost) {
                if (usec >= p->gone_usec)
                        c->more = u64_add_sat(c->more, u64_mul_div(bytes, there, PERMYRIAD));
                return;
        }
        uint64_t counted = is_in_known_root(s, p) ? whole : PERMYRIAD;
        if (there >= counted)
                c->more = u64_add_sat(c->more, u64_mul_div(bytes, there - counted, PERMYRIAD));
        else
                c->less = u64_add_sat(c->less, u64_mul_div(bytes, counted - there, PERMYRIAD));
}

static void change_holds(PlanSim *s, uint64_t usec, DemandChange *c) {
        for (uint32_t i = 0; i < s->n_holds; i++) {
                const DemandCgroup *held = demand_find_cgroup(&s->demand, s->holds[i].cgroup_id);
                CgroupSample now;
                uint64_t file;

                if (!held)
                        continue;
                demand_cgroup_at(&s->demand, held, usec, &now);
                if (has_amounts(&now) && !(held->copies.gone & 1))
                        c->less = u64_add_sat(c->less, u64_sub_sat(cgroup_demand(&now, &file), s->holds[i].bytes));
        }
}

static bool is_missing(const PlanSim *s, const Touched *t) {
        const DemandProcess *p = &s->demand.processes[t->process];
        return (p->copies.gone & 1) && !p->is_ghost && t->is_there;
}

/* Pages of a victim, for its cgroup and those around it. */
static void still_process(PlanSim *s, const Touched *t) {
        Demand *d = &s->demand;
        uint32_t c = d->processes[t->process].last.cgroup;

        if (!is_missing(s, t))
                return;
        for (uint32_t depth = 0; c < d->n_cgroups && depth < DEPTH_MAX; depth++, c = d->cgroups[c].parent)
                d->cgroups[c].still_pages = u64_add_sat(d->cgroups[c].still_pages, t->pages);
}

/* Of those that keep their size, once for all of the span, and again when a victim of them has ended. */
static void still_sum(PlanSim *s) {
        if (s->is_still_summed)
                return;
        s->still_change = (DemandChange){ 0 };
        for (uint32_t i = 0; i < s->demand.n_cgroups; i++)
                s->demand.cgroups[i].still_pages = 0;
        for (uint32_t i = 0; i < s->n_still; i++) {
                change_process(s, &s->touched[i], s->now_usec, &s->still_change);
                still_process(s, &s->touched[i]);
        }
        s->is_still_summed = true;
}

/*
 * All of them, or the monitored ones alone: those are what a cheap sample holds, of which there are many, and most
 * processes are in none.
 */
void sim_less_pages(PlanSim *s, bool has_all) {
        Demand *d = &s->demand;
        uint32_t n = has_all ? d->n_cgroups : s->n_monitored;

        still_sum(s);
        for (uint32_t k = 0; k < n; k++) {
                DemandCgroup *c = &d->cgroups[has_all ? k : s->monitored[k]];
                c->less_pages = c->still_pages;
        }
        for (uint32_t i = s->n_still; i < s->n_touched; i++) {
                const Touched *t = &s->touched[i];
                uint32_t c = has_all ? d->processes[t->process].last.cgroup : t->monitored;
                if (c >= d->n_cgroups || !is_missing(s, t))
                        continue;
                /* what is added to others on the way is found anew before it is looked at */
                for (uint32_t depth = 0; c < d->n_cgroups && depth < DEPTH_MAX; depth++, c = d->cgroups[c].parent)
                        d->cgroups[c].less_pages = u64_add_sat(d->cgroups[c].less_pages, t->pages);
        }
}

void sim_change_at(PlanSim *s, uint64_t usec, DemandChange *ret) {
        *ret = (DemandChange){ 0 };
        if (s->n_roots == 0 && s->n_touched == 0 && s->n_holds == 0)
                return;
        still_sum(s);
        *ret = s->still_change;
        change_roots(s, usec, ret);
        for (uint32_t i = s->n_still; i < s->n_touched; i++) {
                touched_take(s, &s->touched[i], usec);
                change_process(s, &s->touched[i], usec, ret);
        }
        change_holds(s, usec, ret);
}

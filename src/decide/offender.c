/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whom throttle, slow, freeze, restart and stop are taken on: who makes the trouble now, not who is big.
 *
 * The contribution of a cgroup is its share, in permyriad, of what all cgroups of the domain did over the last
 * seconds, counted by unit, or by leaf where there are no units:
 *
 *     (4 * share of growth + 4 * share of refaulted bytes + 2 * share of stall) / (the weights of those that count)
 *
 * Growth takes memory from others. Refaults are memory that is read again and again since it does not fit: who does
 * that keeps the disk busy, grown or not. Stall weighs less, for a cgroup may stand still for the fault of another.
 * What is noise for the whole domain does not count, and its weight is left out. Who only stands still is none, nor is
 * who does not grow while others do: a database whose pages are pushed out reads back more than the leak that does it.
 *
 * The order is total, and the same whatever order the snapshot has: those that shall be avoided last; then the larger
 * contribution; then the larger use; then the id.
 */

#include "decide/offender.h"

#include <string.h>

#include "base/text.h"
#include "decide/own-stall.h"
#include "decide/protection.h"
#include "model/cgroup-path.h"

#define WEIGHT_GROWTH   4
#define WEIGHT_REFAULTS 4
#define WEIGHT_STALL    2
/* Of all cgroups together: below it says nothing about who makes the trouble. */
#define NOISE_BYTES           (UINT64_C(1) << 20)
/* Growth of all cgroups together that explains trouble by itself: a share of RAM, at most so much. */
#define GROWTH_TELLS_DIVISOR 64
#define GROWTH_TELLS_MAX     (UINT64_C(64) << 20)
#define NOISE_STALL_PERMYRIAD 100
/* To hold one that does less than a tenth of it brings no relief. */
#define CONTRIBUTION_MIN_PERMYRIAD 1000
/* Over less than this it cannot be told that nobody makes the trouble: in a livelock hardly anybody moves. */
#define SPAN_TELLS_USEC USEC_PER_SEC
/* No program runs in less; and to hold one that small frees nothing. */
#define THROTTLE_FLOOR_MIN (UINT64_C(16) << 20)
/* What was promised is left alone with room to spare: memory.high overshoots (10 MB of 20 were measured). */
#define PROMISE_MARGIN_MIN     (UINT64_C(16) << 20)
#define PROMISE_MARGIN_DIVISOR 8
/* The first step down; the others follow as long as the trouble lasts. */
#define THROTTLE_STEP_DIVISOR 8
#define DEPTH_MAX 64

uint32_t offender_needs(Step step) {
        switch (step) {
        case STEP_RECLAIM:
        case STEP_THROTTLE:
        case STEP_SLOW:
        case STEP_RESTART:
        case STEP_STOP:
                return DETAIL_CGROUPS | DETAIL_STATS;
        case STEP_PAGEOUT:
                return DETAIL_CGROUPS | DETAIL_PROCESSES;
        case STEP_FREEZE:
                return DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES;
        case STEP_NOTIFY:
        case STEP_TRIM:
        case STEP_TERMINATE:
        case STEP_KILL:
        case _STEP_MAX:
        case _STEP_INVALID:
                break;
        }
        return 0;
}

uint32_t offender_may_need(Step step) {
        return offender_needs(step) | (step == STEP_THROTTLE || step == STEP_SLOW ? DETAIL_PROCESSES : 0);
}

/* ---- what the paths and members tell ---- */

static bool is_unit(const char *path) {
        size_t n = cgroup_path_unit_length(path);
        return n > 0 && path[n] == '\0';
}

static void flag_upwards(const DecideState *s, const Snapshot *snap, uint32_t i, uint8_t flags) {
        for (uint32_t depth = 0; i < snap->n_cgroups && depth < DEPTH_MAX; i = snap->cgroups[i].parent, depth++)
                s->cgroup_flags[i] |= flags;
}

static uint8_t process_flags(const ProcessSample *p) {
        return (uint8_t)((p->flags & PROCESS_HAS_TTY ? CGROUP_FLAG_TERMINAL : 0) |
                         (p->flags & (PROCESS_SELF | PROCESS_INIT) || comm_is_vital(p->comm) ? CGROUP_FLAG_VITAL : 0));
}

void offender_flags(const DecideState *s, const Snapshot *snap) {
        memset(s->cgroup_flags, 0, snap->n_cgroups);
        for (uint32_t i = 0; i < snap->n_cgroups; i++)
                if (is_unit(snap->cgroups[i].path))
                        flag_upwards(s, snap, snap->cgroups[i].parent, CGROUP_FLAG_UNITS_BELOW);
        for (uint32_t k = 0; (snap->detail & DETAIL_PROCESSES) && k < snap->n_processes; k++) {
                const ProcessSample *p = &snap->processes[k];
                uint8_t flags = process_flags(p);
                if (flags == 0)
                        continue;
                if (p->cgroup < snap->n_cgroups) {
                        flag_upwards(s, snap, p->cgroup, flags);
                        continue;
                }
                /* its cgroup is younger than the walk: by the path, whoever is around it */
                for (uint32_t i = 0; i < snap->n_cgroups; i++)
                        if (cgroup_path_inside(p->cgroup_path, snap->cgroups[i].path))
                                s->cgroup_flags[i] |= flags;
        }
}

/* ---- who may be taken ---- */

static bool is_in_domain(const Domain *d, const CgroupSample *c) {
        return strcmp(c->path, "/") != 0 && (d->id == 0 || c->id == d->id || cgroup_path_inside(c->path, d->path));
}

/* The unit as a whole; a leaf only where there is none around it in the domain, or where that holds other units. */
bool offender_is_counted(const DecideState *s, const Domain *d, const Snapshot *snap, uint32_t i) {
        const CgroupSample *c = &snap->cgroups[i];
        if (!is_in_domain(d, c))
                return false;
        if (is_unit(c->path))
                return !(s->cgroup_flags[i] & CGROUP_FLAG_UNITS_BELOW);
        if (!(c->marks & CGROUP_MARK_LEAF))
                return false;
        uint32_t depth = 0;
        for (uint32_t up = c->parent; up < snap->n_cgroups && depth < DEPTH_MAX; up = snap->cgroups[up].parent, depth++)
                if (is_unit(snap->cgroups[up].path))
                        return !is_in_domain(d, &snap->cgroups[up]) || (s->cgroup_flags[up] & CGROUP_FLAG_UNITS_BELOW);
        return true;
}

/* Marks count for what is below, up to the unit: delegated subgroups inherit. */
static uint32_t marks_of(const Snapshot *snap, uint32_t i) {
        uint32_t marks = 0;
        for (uint32_t depth = 0; i < snap->n_cgroups && depth < DEPTH_MAX; i = snap->cgroups[i].parent, depth++) {
                if (depth > 0 && cgroup_path_ends(snap->cgroups[i].path, strlen(snap->cgroups[i].path), ".slice"))
                        break;
                marks |= snap->cgroups[i].marks & (CGROUP_MARK_AVOID | CGROUP_MARK_OMIT);
                if (is_unit(snap->cgroups[i].path))
                        break;
        }
        return marks;
}

bool offender_is_avoided(const Snapshot *snap, uint32_t i) {
        return marks_of(snap, i) & CGROUP_MARK_AVOID;
}

/* Is it held by such a step already, or was it not long ago to no effect? */
static bool is_taken(const DecideState *s, const CgroupSample *c, Step step, uint64_t now_usec) {
        for (uint32_t i = 0; i < s->n_held; i++) {
                const HeldMeasure *m = &s->held_measures[i];
                if (m->step != step)
                        continue;
                if (m->phase == HELD_PAST ? m->cgroup_id == c->id && m->has_failed && now_usec < m->forget_usec
                                          : cgroup_path_inside(m->cgroup_path, c->path) || cgroup_path_inside(c->path, m->cgroup_path))
                        return true;
        }
        return false;
}

bool offender_is_open(const DecideState *s, const Domain *d, const Snapshot *snap, uint32_t i, Step step) {
        const CgroupSample *c = &snap->cgroups[i];
        if ((c->marks & CGROUP_MARK_SELF) || !cgroup_has(c, CGROUP_CURRENT) || c->value[CGROUP_CURRENT] == 0 ||
            (cgroup_has(c, CGROUP_POPULATED) && c->value[CGROUP_POPULATED] == 0) || strlen(c->path) >= CGROUP_PATH_MAX)
                return false;
        if (!offender_is_counted(s, d, snap, i) || (marks_of(snap, i) & CGROUP_MARK_OMIT) || cgroup_is_within_promise(snap, i))
                return false;
        /* the service manager itself: whoever holds it up holds up the way back as well */
        if (text_has_suffix(c->path, "/init.scope"))
                return false;
        return !is_taken(s, c, step, snap->mono_usec);
}

/*
 * Something of it is set straight in the cgroup already: a manager that is told a new weight writes all of the unit's
 * settings again, and would lift the throttle (systemd 252 sets memory.high back to what the unit file says).
 */
static bool is_held(const DecideState *s, const CgroupSample *c) {
        for (uint32_t i = 0; i < s->n_held; i++)
                if (s->held_measures[i].phase != HELD_PAST && s->held_measures[i].cgroup_id == c->id &&
                    (STEPS_LASTING & STEP_BIT(s->held_measures[i].step)))
                        return true;
        return false;
}

static uint64_t page_round_up(uint64_t bytes, uint64_t page_size) {
        return u64_mul_sat(u64_add_sat(bytes, page_size - 1) / page_size, page_size);
}

/* False where there is no room between what it uses and the floor, or where it is not known what to go back to. */
static bool throttle_plan(const DecideState *s, const Snapshot *snap, uint32_t i, const LevelPolicy *lp, Measure *m,
                          uint64_t *ret_floor) {
        const CgroupSample *c = &snap->cgroups[i];
        uint64_t usage = c->value[CGROUP_CURRENT], promised = cgroup_promised_bytes(snap, i), high;
        if (!cgroup_has(c, CGROUP_HIGH))
                return false;
        if (!own_stall_old_high(s, c, &high))
                high = c->value[CGROUP_HIGH];
        uint64_t floor = MAX(THROTTLE_FLOOR_MIN, u64_mul_div(usage, lp->throttle_floor_permyriad, PERMYRIAD));
        if (promised > 0)
                floor = MAX(floor, u64_add_sat(promised, MAX(promised / PROMISE_MARGIN_DIVISOR, PROMISE_MARGIN_MIN)));
        floor = page_round_up(floor, snap->page_size);
        uint64_t top = MIN(usage, high);
        uint64_t value = MAX(page_round_up(u64_sub_sat(top, usage / THROTTLE_STEP_DIVISOR), snap->page_size), floor);
        if (value >= top)
                return false;
        m->value = value;
        m->old_value = high;
        *ret_floor = floor;
        return true;
}

static bool was_restarted(const DecideState *s, const char *path, uint64_t now_usec) {
        uint64_t hash = text_hash(TEXT_HASH_INIT, path, strlen(path));
        uint32_t n_remembered = 0;
        for (size_t i = 0; i < SERVICES_MAX; i++) {
                if (s->services[i].until_usec <= now_usec)
                        continue;
                n_remembered++;
                if (s->services[i].path_hash == hash)
                        return true;
        }
        return n_remembered == SERVICES_MAX; /* so many in so short a time: restarts are no cure here */
}

/* What @step in particular asks of it. Fills value and old_value. */
static bool step_fits(const DecideState *s, const Snapshot *snap, uint32_t i, Step step, const LevelPolicy *lp, Measure *m,
                      uint64_t *ret_floor) {
        const char *path = snap->cgroups[i].path;
        switch (step) {
        case STEP_THROTTLE:
                return cgroup_may_hold(s, snap, i) && throttle_plan(s, snap, i, lp, m, ret_floor);
        case STEP_SLOW:
                m->value = lp->slow_weight;
                m->is_to_last = !is_held(s, &snap->cgroups[i]);
                return cgroup_may_hold(s, snap, i);
        case STEP_FREEZE:
                m->value = 1;
                return cgroup_may_freeze(s, snap, i);
        case STEP_RESTART:
        case STEP_STOP:
                m->value = 0;
                return cgroup_may_restart(path) && !was_restarted(s, path, snap->mono_usec);
        default:
                return false;
        }
}

/* ---- contributions ---- */

typedef struct Totals {
        uint64_t growth_bytes, refault_pages, stall_permyriad;
        uint64_t span_usec; /* the longest that anybody is known over; 0: of nobody */
} Totals;

static Totals totals_of(const DecideState *s, const Domain *d, const Snapshot *snap) {
        Totals t = { 0 };
        UsageChange u;
        for (uint32_t i = 0; i < snap->n_cgroups; i++) {
                if (!offender_is_counted(s, d, snap, i) || !usage_change(&s->usage, snap->cgroups[i].id, &u))
                        continue;
                t.span_usec = MAX(t.span_usec, u.span_usec);
                t.growth_bytes = u64_add_sat(t.growth_bytes, u.growth_bytes);
                t.refault_pages = u64_add_sat(t.refault_pages, u.refault_pages);
                t.stall_permyriad += u.stall_permyriad;
        }
        return t;
}

static uint32_t contribution(const Totals *t, const UsageChange *u, uint64_t page_size) {
        uint64_t sum = 0, weights = 0;
        if (t->growth_bytes >= NOISE_BYTES) {
                sum += WEIGHT_GROWTH * u64_mul_div(u->growth_bytes, PERMYRIAD, t->growth_bytes);
                weights += WEIGHT_GROWTH;
        }
        if (u64_mul_sat(t->refault_pages, page_size) >= NOISE_BYTES) {
                sum += WEIGHT_REFAULTS * u64_mul_div(u->refault_pages, PERMYRIAD, t->refault_pages);
                weights += WEIGHT_REFAULTS;
        }
        if (t->stall_permyriad >= NOISE_STALL_PERMYRIAD) {
                sum += WEIGHT_STALL * u64_mul_div(u->stall_permyriad, PERMYRIAD, t->stall_permyriad);
                weights += WEIGHT_STALL;
        }
        return weights > 0 ? (uint32_t)(sum / weights) : 0;
}

static bool growth_tells(const Totals *t, const Snapshot *snap) {
        uint64_t least = GROWTH_TELLS_MAX;
        if (host_has(&snap->host, HOST_MEM_TOTAL))
                least = MIN(least, snap->host.value[HOST_MEM_TOTAL] / GROWTH_TELLS_DIVISOR);
        return t->growth_bytes >= MAX(least, NOISE_BYTES);
}

/*
 * To stand still is to suffer, and so are refaults while others grow, or once the offender is held: who only does that
 * is rather a victim. But where the cgroup in trouble is the one that stands still, it is its own affair.
 */
static bool is_active(const Domain *d, const CgroupSample *c, const UsageChange *u, const Totals *t, const Snapshot *snap,
                      bool is_further) {
        if (c->id == d->id)
                return true;
        if (growth_tells(t, snap))
                return u64_mul_div(u->growth_bytes, PERMYRIAD, t->growth_bytes) >= CONTRIBUTION_MIN_PERMYRIAD;
        return u->growth_bytes >= NOISE_BYTES ||
               (!is_further && u64_mul_sat(u->refault_pages, snap->page_size) >= NOISE_BYTES);
}

static bool holds_one(const DecideState *s, const Domain *d, Step step) {
        for (uint32_t i = 0; i < s->n_held; i++) {
                const HeldMeasure *m = &s->held_measures[i];
                if (m->domain_id == d->id && m->step == step && m->phase != HELD_PAST)
                        return true;
        }
        return false;
}

typedef struct Offender {
        uint32_t cgroup; /* index, INDEX_NONE for nobody */
        bool is_avoided;
        uint32_t permyriad;
        uint64_t usage, id;
} Offender;

static bool is_before(const Offender *a, const Offender *b) {
        if (b->cgroup == INDEX_NONE)
                return true;
        if (a->is_avoided != b->is_avoided)
                return b->is_avoided;
        if (a->permyriad != b->permyriad)
                return a->permyriad > b->permyriad;
        return a->usage != b->usage ? a->usage > b->usage : a->id < b->id;
}

void offender_set_target(const Snapshot *snap, uint32_t i, Measure *m) {
        const CgroupSample *c = &snap->cgroups[i];
        m->cgroup_id = c->id;
        memcpy(m->cgroup_path, c->path, MIN(strlen(c->path), sizeof(m->cgroup_path) - 1));
        m->usage_bytes = c->value[CGROUP_CURRENT];
        m->protected_bytes = cgroup_promised_bytes(snap, i);
}

void offender_set_change(const UsageChange *u, uint64_t page_size, Measure *m) {
        m->has_contribution = true;
        m->growth_bytes = u->growth_bytes;
        m->refault_bytes = u64_mul_sat(u->refault_pages, page_size);
        m->span_usec = u->span_usec;
        m->stall_permyriad = u->stall_permyriad;
}

Choice offender_choose(const DecideState *s, const Domain *d, const Snapshot *snap, Step step, const LevelPolicy *lp,
                       Measure *m, uint64_t *ret_floor) {
        Offender best = { .cgroup = INDEX_NONE }, second = best;
        UsageChange u;

        uint32_t needs = offender_needs(step);
        if ((snap->detail & needs) != needs)
                return CHOICE_UNKNOWN;
        offender_flags(s, snap);
        Totals t = totals_of(s, d, snap);
        bool is_further = holds_one(s, d, step);
        for (uint32_t i = 0; i < snap->n_cgroups; i++) {
                const CgroupSample *c = &snap->cgroups[i];
                if (!offender_is_open(s, d, snap, i, step) || !step_fits(s, snap, i, step, lp, m, ret_floor) ||
                    !usage_change(&s->usage, c->id, &u))
                        continue;
                Offender o = {
                        .cgroup = i,
                        .is_avoided = offender_is_avoided(snap, i),
                        .permyriad = contribution(&t, &u, snap->page_size),
                        .usage = c->value[CGROUP_CURRENT],
                        .id = c->id,
                };
                if (o.permyriad < CONTRIBUTION_MIN_PERMYRIAD || !is_active(d, c, &u, &t, snap, is_further))
                        continue;
                if (is_before(&o, &best)) {
                        second = best;
                        best = o;
                } else if (is_before(&o, &second))
                        second = o;
        }
        if (best.cgroup == INDEX_NONE)
                return t.span_usec >= SPAN_TELLS_USEC ? CHOICE_NOBODY : CHOICE_UNKNOWN;
        /* Is there a display server in it? */
        if ((~snap->detail & offender_may_need(step)) && cgroup_is_of_session(snap->cgroups[best.cgroup].path))
                return CHOICE_UNKNOWN;
        (void)step_fits(s, snap, best.cgroup, step, lp, m, ret_floor);
        (void)usage_change(&s->usage, best.id, &u);
        offender_set_target(snap, best.cgroup, m);
        offender_set_change(&u, snap->page_size, m);
        m->contribution_permyriad = best.permyriad;
        if (second.cgroup != INDEX_NONE) {
                const char *path = snap->cgroups[second.cgroup].path;
                memcpy(m->runner_up_path, path, MIN(strlen(path), sizeof(m->runner_up_path) - 1));
                m->runner_up_permyriad = second.permyriad;
        }
        return CHOICE_FOUND;
}

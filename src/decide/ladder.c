/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The ladder: what a level asks for below the kill, from mild to severe, one step after the other.
 *
 * The first step is taken at once when the level is reached, the next one when the level's When= is still true and the
 * last step has had its time, or at once when that one failed or is not possible here. Reclaim and pageout go on in
 * rounds meanwhile. At the top it begins anew after a while, with whoever makes the trouble then.
 *
 * Invariants, whatever the input:
 *  - nothing is begun while a kill is in flight in the same line of ancestry, nor in a domain that only our own
 *    throttle has made one;
 *  - at most MEASURES_IN_FORCE_MAX lasting measures in all, DOMAIN_LASTING_MAX of one domain;
 *  - a target is chosen from one complete sample, never from what was seen earlier;
 *  - the ladder never holds back a kill: whether one is due the [Kill] condition alone says.
 */

#include "decide/ladder.h"

#include <string.h>

#include "base/text.h"
#include "decide/condition.h"
#include "decide/domain.h"
#include "decide/offender.h"
#include "model/cgroup-path.h"

/*
 * The time of a step, to bring relief before the next one is taken. Programs that were asked to shrink answer within
 * some 100 ms, and reclaim shows in the next sample; a throttle is walked down meanwhile, and is felt when what it
 * freed has been taken by others; a unit takes seconds to stop.
 */
#define ONE_OFF_USEC (300 * USEC_PER_MSEC)
#define LASTING_USEC (2500 * USEC_PER_MSEC)
#define UNIT_USEC    (5 * USEC_PER_SEC)
/* From the top back to the first step. */
#define AGAIN_USEC (5 * USEC_PER_SEC)
/* A step that found nobody looks again this soon: who makes the trouble may only just begin to. */
#define LOOK_AGAIN_USEC USEC_PER_SEC
/* Programs that shrink do so once: to ask them all the time is noise. */
#define TRIM_SPACING_USEC (15 * USEC_PER_SEC)
/* A step that needs to see who has changed waits for a second look no longer than this. */
#define WAIT_MAX_USEC (2500 * USEC_PER_MSEC)
/* Between two detailed samples that are asked for at once. */
#define NOW_SPACING_USEC (250 * USEC_PER_MSEC)
/* A service that fails again within so long is not cured by another restart. */
#define RESTART_SPACING_USEC (300 * USEC_PER_SEC)
/* One domain's trouble must not take all places. */
#define DOMAIN_LASTING_MAX 4

static uint64_t step_usec(Step step) {
        if (STEPS_LASTING & STEP_BIT(step))
                return LASTING_USEC;
        return step == STEP_RESTART || step == STEP_STOP ? UNIT_USEC : ONE_OFF_USEC;
}

static uint32_t steps_of(const DecideState *s, const Domain *d) {
        return s->policy->cgroups[d->policy].levels[d->level].steps & STEPS_LADDER;
}

/* ---- one step ---- */

typedef enum Outcome {
        OUTCOME_TAKEN,
        OUTCOME_IMPOSSIBLE, /* not here, or on nobody: the next one */
        OUTCOME_WAIT,       /* for a better sample, or for room */
} Outcome;

static uint64_t trim_level(Level level) {
        switch (level) {
        case LEVEL_KILL:
                return 255;
        case LEVEL_RELIEVE:
                return 100;
        case LEVEL_WARN:
        case LEVEL_CALM:
        case _LEVEL_MAX:
        case _LEVEL_INVALID:
                break;
        }
        return 50;
}

static bool too_many_lasting(const DecideState *s, const Domain *d) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < s->n_held; i++) {
                const HeldMeasure *h = &s->held_measures[i];
                n += h->phase != HELD_PAST && h->domain_id == d->id && (STEPS_LASTING & STEP_BIT(h->step));
        }
        return n >= DOMAIN_LASTING_MAX || held_lasting(s) >= MEASURES_IN_FORCE_MAX;
}

static Choice step_choose(const DecideState *s, const Domain *d, const MetricInput *in, Step step, Measure *m, uint64_t *ret_floor) {
        const LevelPolicy *lp = &s->policy->cgroups[d->policy].levels[d->level];
        switch (step) {
        case STEP_TRIM:
                m->value = trim_level(d->level);
                return s->trim_usec[d->level] > 0 && in->snap->mono_usec - s->trim_usec[d->level] < TRIM_SPACING_USEC
                               ? CHOICE_NOBODY
                               : CHOICE_FOUND;
        case STEP_RECLAIM:
                return coldest_choose(s, d, in, lp, m);
        case STEP_PAGEOUT:
                return idle_choose(s, d, in, m);
        case STEP_THROTTLE:
        case STEP_SLOW:
        case STEP_FREEZE:
                if (too_many_lasting(s, d))
                        return CHOICE_NOBODY;
                return offender_choose(s, d, in->snap, step, lp, m, ret_floor);
        case STEP_RESTART:
        case STEP_STOP:
                return offender_choose(s, d, in->snap, step, lp, m, ret_floor);
        case STEP_NOTIFY:
        case STEP_TERMINATE:
        case STEP_KILL:
        case _STEP_MAX:
        case _STEP_INVALID:
                break;
        }
        return CHOICE_NOBODY;
}

static void service_remember(DecideState *s, const char *path, uint64_t now_usec) {
        uint32_t at = 0;
        for (uint32_t i = 0; i < SERVICES_MAX; i++)
                if (s->services[i].until_usec < s->services[at].until_usec)
                        at = i;
        s->services[at] = (ServiceMemory){ text_hash(TEXT_HASH_INIT, path, strlen(path)), now_usec + RESTART_SPACING_USEC };
}

static void step_remember(DecideState *s, const Domain *d, const Measure *m, uint64_t now_usec) {
        if (m->step == STEP_TRIM)
                s->trim_usec[d->level] = now_usec;
        if (m->step == STEP_RESTART || m->step == STEP_STOP)
                service_remember(s, m->cgroup_path, now_usec);
}

/*
 * Asks for the sample that the choice needs: at once where this one does not hold it, unless that was only just done;
 * with the next tick where it does, but has to be seen twice.
 */
static Outcome step_wait(const DecideState *s, Domain *d, const Snapshot *snap, Step step, Decision *ret) {
        Climb *c = &d->climb;
        uint32_t needs = offender_needs(step);
        if (c->wait_usec == 0)
                c->wait_usec = snap->mono_usec;
        if (snap->mono_usec - c->wait_usec > WAIT_MAX_USEC) {
                c->wait_usec = 0;
                return OUTCOME_IMPOSSIBLE;
        }
        ret->need |= offender_may_need(step);
        if ((snap->detail & needs) != needs && snap->mono_usec - s->cgroups_usec >= NOW_SPACING_USEC)
                ret->need_now = true;
        return OUTCOME_WAIT;
}

static Outcome step_take(DecideState *s, Domain *d, const MetricInput *in, Step step, Decision *ret) {
        uint64_t now = in->snap->mono_usec, floor = 0;

        if (now < s->impossible_usec[step])
                return OUTCOME_IMPOSSIBLE;
        Measure *m = measure_place(s, ret);
        if (!m)
                return OUTCOME_WAIT;
        Choice choice = step_choose(s, d, in, step, m, &floor);
        if (choice != CHOICE_FOUND)
                return choice == CHOICE_UNKNOWN ? step_wait(s, d, in->snap, step, ret) : OUTCOME_IMPOSSIBLE;
        measure_describe(s, d, in, d->level, step, m);
        uint32_t n_again = step == STEP_THROTTLE ? held_again(s, m->cgroup_id) : 0;
        HeldMeasure *h = measure_send(s, ret, now);
        h->n_again = n_again;
        uint64_t total;
        if (!metric_available(in, &h->tight_bytes, &total))
                h->tight_bytes = 0;
        h->unrelieved_usec = d->trouble_usec;
        h->floor = m->floor_bytes = floor;
        d->climb.wait_usec = 0;
        step_remember(s, d, m, now);
        return OUTCOME_TAKEN;
}

/* ---- climbing ---- */

/* Steps that are in force for this domain already are not taken again by the level that follows. */
static uint32_t steps_in_force(const DecideState *s, const Domain *d) {
        uint32_t steps = 0;
        for (uint32_t i = 0; i < s->n_held; i++) {
                const HeldMeasure *h = &s->held_measures[i];
                if (h->domain_id == d->id && h->phase != HELD_PAST && h->phase != HELD_RELEASING && h->phase != HELD_RELEASE_DUE)
                        steps |= STEP_BIT(h->step) & STEPS_LASTING;
        }
        return steps;
}

static void climb_enter(const DecideState *s, Domain *d, uint64_t now_usec) {
        d->climb = (Climb){
                .level = d->level,
                .taken = d->level > d->climb.level ? steps_in_force(s, d) : steps_of(s, d),
                .next_usec = now_usec,
        };
        /* from above: what has been taken there was more severe; a fresh start only when this does not do */
        if (d->climb.taken == steps_of(s, d))
                d->climb.next_usec = now_usec + AGAIN_USEC;
}

static void skip_describe(const Domain *d, const Snapshot *snap, Step step, uint32_t steps, Decision *ret) {
        if (ret->has_skipped)
                return;
        ret->has_skipped = true;
        ret->skipped = (StepSkipped){ .step = step, .level = d->level, .level_steps = steps, .domain_id = d->id };
        memcpy(ret->skipped.domain_path, d->path, sizeof(d->path));
        for (uint32_t i = 0; i < snap->n_cgroups; i++) {
                const CgroupSample *c = &snap->cgroups[i];
                if ((d->id == 0 || cgroup_path_inside(c->path, d->path)) && cgroup_has(c, CGROUP_CURRENT))
                        ret->skipped.has_controller = true;
        }
}

/*
 * Nothing is left. All of it again after a while; but where nobody is held, those steps that found nobody look again
 * before that.
 */
static void climb_rest(const DecideState *s, Domain *d, uint32_t steps, uint64_t now_usec) {
        Climb *c = &d->climb;
        if (c->again_usec == 0)
                c->again_usec = MAX(c->next_usec, now_usec + AGAIN_USEC);
        c->next_usec = c->again_usec;
        if ((steps & c->nobody) == 0 || steps_in_force(s, d) != 0 || s->policy->daemon.dry_run)
                return;
        c->taken &= ~c->nobody;
        c->next_usec = MIN(now_usec + LOOK_AGAIN_USEC, c->again_usec);
}

static void climb_on(DecideState *s, Domain *d, const MetricInput *in, Decision *ret) {
        Climb *c = &d->climb;
        uint64_t now = in->snap->mono_usec;
        uint32_t steps = steps_of(s, d);

        if (now < c->next_usec)
                return;
        if ((steps & ~c->taken) == 0 || (c->again_usec > 0 && now >= c->again_usec)) {
                if (s->policy->daemon.dry_run)
                        return; /* nothing has changed: the same would be said for ever */
                c->taken = 0;
                c->again_usec = 0;
        }
        for (Step step = STEP_NOTIFY; step < _STEP_MAX; step++) {
                if (!(steps & ~c->taken & STEP_BIT(step)))
                        continue;
                Outcome o = step_take(s, d, in, step, ret);
                if (o == OUTCOME_WAIT)
                        return;
                c->taken |= STEP_BIT(step);
                if (o == OUTCOME_IMPOSSIBLE) {
                        /* one that failed has said so already; who was asked to shrink a moment ago need not be told */
                        if (now < s->impossible_usec[step] || step == STEP_TRIM)
                                continue;
                        if (!(c->nobody & STEP_BIT(step)))
                                skip_describe(d, in->snap, step, steps, ret);
                        c->nobody |= STEP_BIT(step) & STEPS_LASTING;
                        continue;
                }
                c->nobody &= ~STEP_BIT(step);
                c->measure_id = s->next_measure_id - 1;
                c->next_usec = now + step_usec(step);
                break;
        }
        if ((steps & ~c->taken) == 0)
                climb_rest(s, d, steps, now);
}

static bool is_in_air(const DecideState *s, const Domain *d, Step step) {
        for (uint32_t i = 0; i < s->n_held; i++) {
                const HeldMeasure *h = &s->held_measures[i];
                if (h->domain_id == d->id && h->step == step && !h->is_proactive && held_is_in_air(h))
                        return true;
        }
        return false;
}

static void rounds_step(DecideState *s, Domain *d, const MetricInput *in, Decision *ret) {
        static const Step round_steps[N_ROUNDS] = { STEP_RECLAIM, STEP_PAGEOUT };
        for (int k = 0; k < N_ROUNDS; k++) {
                uint64_t *at = &d->climb.round_usec[k];
                if (*at == 0 || in->snap->mono_usec < *at || is_in_air(s, d, round_steps[k]))
                        continue;
                uint32_t needs = offender_needs(round_steps[k]);
                if ((in->snap->detail & needs) != needs) {
                        ret->need |= needs; /* in its time: a round is not worth a sample of its own */
                        continue;
                }
                if (step_take(s, d, in, round_steps[k], ret) == OUTCOME_IMPOSSIBLE)
                        *at = 0;
        }
}

static bool kill_is_near(const DecideState *s, const Domain *d) {
        for (uint32_t i = 0; i < s->n_domains; i++)
                if (s->domains[i].kill.id != 0 && domains_are_related(d, &s->domains[i]))
                        return true;
        return false;
}

/**
 * ladder_step() - what the level of @d asks for, below the kill
 *
 * After level_step() and kill_step(), at any level but calm. At most one step up and one round of each kind of
 * reclaim; what lasts is looked after in ladder_finish().
 */
void ladder_step(DecideState *s, Domain *d, const MetricInput *in, Decision *ret) {
        if (s->ranges[d->policy].needs_usage && !d->own.is_limited_by_us)
                ret->need |= DETAIL_CGROUPS | DETAIL_STATS; /* so that it shows who changes, by the time that matters */
        if (steps_of(s, d) == 0 || d->own.is_limited_by_us) {
                d->climb.level = d->level;
                return;
        }
        if (d->climb.level != d->level)
                climb_enter(s, d, in->snap->mono_usec);
        if (!d->is_when[d->level] || kill_is_near(s, d)) {
                d->climb.wait_usec = 0;
                return;
        }
        rounds_step(s, d, in, ret);
        climb_on(s, d, in, ret);
}

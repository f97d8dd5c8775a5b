/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Measures that have begun: what is remembered of them, a throttle on its way down and up again, and the release of
 * whatever lasts. One verb of a measure is in the air at a time.
 */

#include <string.h>

#include "decide/condition.h"
#include "decide/domain.h"
#include "decide/kill.h"
#include "decide/ladder.h"
#include "decide/metric.h"

/*
 * How long a call may take. memory.high below the use reclaims in the writer: 0.3 to 0.9 s were measured for 30 MB on
 * zram. The service manager may be waiting for memory itself.
 */
#define CALL_USEC    (2 * USEC_PER_SEC)
#define MANAGER_USEC (5 * USEC_PER_SEC)
/* An answer that has not come so long after the call's time was lost. */
#define LOST_USEC (10 * USEC_PER_SEC)
/* Down: each step has its time to be felt. Up: slower, and only when it has been quiet for a while. */
#define ADJUST_DOWN_USEC USEC_PER_SEC
#define ADJUST_UP_USEC   (2 * USEC_PER_SEC)
#define QUIET_USEC       (3 * USEC_PER_SEC)
#define DOWN_DIVISOR     8
#define UP_DIVISOR       16
/*
 * A step up that brings the trouble back within so long was one too many: it is undone, and each further one comes after
 * twice the time, at most 2^5 times ADJUST_UP_USEC. To take the same memory away again and again is a burst of swapping
 * each time, which all others feel.
 */
#define VAIN_USEC (10 * USEC_PER_SEC)
#define VAIN_MAX  5

/* One that presses against its throttle is kept that long, and twice as long each time that it comes back. */
#define KEEP_USEC     (60 * USEC_PER_SEC)
#define KEEP_MAX_USEC (300 * USEC_PER_SEC)
/* It no longer presses against its limit when it uses that much less. */
#define KEEP_ROOM_DIVISOR 4
/* With less of the swap free than that, what presses has nowhere to go. */
#define SWAP_SPENT_DIVISOR 10

static uint64_t call_usec(Step step) {
        return step == STEP_SLOW || step == STEP_RESTART || step == STEP_STOP ? MANAGER_USEC : CALL_USEC;
}

/* ---- places ---- */

HeldMeasure *held_find(DecideState *s, uint64_t measure_id) {
        for (uint32_t i = 0; i < s->n_held; i++)
                if (s->held_measures[i].id == measure_id)
                        return &s->held_measures[i];
        return NULL;
}

bool held_is_in_air(const HeldMeasure *m) {
        return m->phase == HELD_BEGINNING || m->phase == HELD_ADJUSTING || m->phase == HELD_RELEASING;
}

uint32_t held_lasting(const DecideState *s) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < s->n_held; i++)
                n += held_lasts(s->held_measures[i].step) && s->held_measures[i].phase != HELD_PAST;
        return n;
}

void held_remove(DecideState *s, uint32_t at) {
        s->n_held--;
        memmove(&s->held_measures[at], &s->held_measures[at + 1], (s->n_held - at) * sizeof(HeldMeasure));
}

/* Those that are only remembered make room, the one that is to be forgotten first before others. */
static bool held_make_room(DecideState *s) {
        if (s->n_held < HELD_MAX)
                return true;
        uint32_t at = HELD_MAX;
        for (uint32_t i = 0; i < s->n_held; i++)
                if (s->held_measures[i].phase == HELD_PAST &&
                    (at == HELD_MAX || s->held_measures[i].forget_usec < s->held_measures[at].forget_usec))
                        at = i;
        if (at == HELD_MAX)
                return false;
        held_remove(s, at);
        return true;
}

void held_past(HeldMeasure *m, uint64_t forget_usec, bool has_failed) {
        m->phase = HELD_PAST;
        m->forget_usec = forget_usec;
        m->has_failed = has_failed;
}

uint32_t held_again(const DecideState *s, uint64_t cgroup_id) {
        for (uint32_t i = s->n_held; i > 0; i--) {
                const HeldMeasure *m = &s->held_measures[i - 1];
                if (m->step == STEP_THROTTLE && m->cgroup_id == cgroup_id)
                        return m->phase == HELD_PAST && !m->has_failed ? m->n_again + 1 : 0;
        }
        return 0;
}

/* ---- sending ---- */

static Measure *place_empty(Decision *ret) {
        Measure *m = &ret->measures[ret->n_measures];
        memset(m, 0, sizeof(*m));
        return m;
}

Measure *measure_place(DecideState *s, Decision *ret) {
        return ret->n_measures < MEASURES_MAX && held_make_room(s) ? place_empty(ret) : NULL;
}

void measure_describe(const DecideState *s, const Domain *d, const MetricInput *in, Level level, Step step, Measure *m) {
        m->step = step;
        m->verb = MEASURE_BEGIN;
        m->dry_run = s->policy->daemon.dry_run;
        m->policy = d->policy;
        m->domain_id = d->id;
        m->level = level;
        m->swappiness = step == STEP_RECLAIM ? m->swappiness : -1;
        m->limit_usec = call_usec(step);
        m->level_steps = m->is_proactive ? 0 : s->policy->cgroups[d->policy].levels[level].steps;
        domain_copy_names(s, d, m->domain_path, m->policy_name);
        uint16_t when = s->policy->cgroups[d->policy].levels[level].when;
        if (m->is_proactive)
                return;
        condition_report(s, d, when, in, &m->condition);
        m->reason = kill_reason(s, d, when, in);
}

HeldMeasure *measure_send(DecideState *s, Decision *ret, uint64_t now_usec) {
        Measure *m = &ret->measures[ret->n_measures++];
        HeldMeasure *h = &s->held_measures[s->n_held++];

        m->measure_id = s->next_measure_id++;
        *h = (HeldMeasure){
                .id = m->measure_id,
                .step = m->step,
                .phase = HELD_BEGINNING,
                .dry_run = m->dry_run,
                .is_proactive = m->is_proactive,
                .policy = m->policy,
                .domain_id = m->domain_id,
                .level = m->level,
                .reason = m->reason,
                .cgroup_id = m->cgroup_id,
                .pid = m->pid,
                .start_ticks = m->start_ticks,
                .since_usec = now_usec,
                .sent_usec = now_usec,
                .adjusted_usec = now_usec,
                .deadline_usec = now_usec + m->limit_usec + LOST_USEC,
                .value = m->value,
                .wanted = m->value,
                .lowest = m->value,
                .highest = m->value,
                .old_value = m->old_value,
                .usage_bytes = m->usage_bytes,
        };
        memcpy(h->cgroup_path, m->cgroup_path, sizeof(h->cgroup_path));
        memcpy(h->domain_path, m->domain_path, sizeof(h->domain_path));
        return h;
}

/* A further verb of @h: everything that BEGIN said of it, without the numbers that were of its moment. */
static Measure *measure_again(DecideState *s, HeldMeasure *h, MeasureVerb verb, uint64_t now_usec, Decision *ret) {
        if (ret->n_measures == MEASURES_MAX)
                return NULL;
        Measure *m = place_empty(ret);
        const char *name = s->policy->cgroups[h->policy].name;

        ret->n_measures++;
        m->measure_id = h->id;
        m->step = h->step;
        m->verb = verb;
        m->end = h->end;
        m->dry_run = h->dry_run;
        m->is_to_last = h->step == STEP_SLOW;
        m->policy = h->policy;
        memcpy(m->policy_name, name ? name : "", name ? MIN(strlen(name), sizeof(m->policy_name) - 1) : 0);
        m->domain_id = h->domain_id;
        m->level = h->level;
        m->reason = h->reason;
        m->cgroup_id = h->cgroup_id;
        m->value = h->wanted;
        m->old_value = h->old_value;
        m->swappiness = -1;
        m->limit_usec = call_usec(h->step);
        m->floor_bytes = h->floor;
        m->held_usec = verb == MEASURE_RELEASE ? now_usec - h->since_usec : 0;
        m->level_steps = s->policy->cgroups[h->policy].levels[h->level].steps;
        memcpy(m->domain_path, h->domain_path, sizeof(m->domain_path));
        memcpy(m->cgroup_path, h->cgroup_path, sizeof(m->cgroup_path));
        h->sent_usec = now_usec;
        h->deadline_usec = now_usec + m->limit_usec + LOST_USEC;
        return m;
}

/* ---- what is in force ---- */

Domain *held_owner(DecideState *s, const HeldMeasure *h) {
        Domain *d = domain_find(s, h->domain_id);
        return d && d->policy == h->policy ? d : NULL;
}

static const CgroupSample *sample_of(const Snapshot *snap, uint64_t id) {
        for (uint32_t i = 0; i < snap->n_cgroups; i++)
                if (snap->cgroups[i].id == id)
                        return &snap->cgroups[i];
        return NULL;
}

/* A level that is left hands what it holds down to the one that follows, where that takes the same step. */
static bool level_holds(const DecideState *s, const Domain *d, HeldMeasure *h) {
        if (d->level >= h->level)
                return true;
        if (d->level == LEVEL_CALM || !(s->policy->cgroups[d->policy].levels[d->level].steps & STEP_BIT(h->step)))
                return false;
        h->level = d->level;
        return true;
}

/*
 * All that can be taken from a throttled cgroup has been: it stands still for good, and others have no swap. Where there
 * never was any it is its files that are held back.
 */
static bool swap_is_spent(const HostSample *h) {
        return host_has(h, HOST_SWAP_TOTAL) && h->value[HOST_SWAP_TOTAL] > 0 && host_has(h, HOST_SWAP_FREE) &&
               h->value[HOST_SWAP_FREE] <= h->value[HOST_SWAP_TOTAL] / SWAP_SPENT_DIVISOR;
}

/* Where its use is not in the sample it is in the next detailed one. */
static bool presses(const HeldMeasure *h, const CgroupSample *c) {
        return !c || !cgroup_has(c, CGROUP_CURRENT) || c->value[CGROUP_CURRENT] >= h->value - h->value / KEEP_ROOM_DIVISOR;
}

/* A hog that is held looks as quiet as one that has ended, and would come and go with its throttle for ever. */
static bool is_kept(const HeldMeasure *h, const CgroupSample *c, const Snapshot *snap) {
        if (h->step != STEP_THROTTLE || swap_is_spent(&snap->host))
                return false;
        uint64_t keep_usec = MIN(KEEP_USEC << MIN(h->n_again, 10u), KEEP_MAX_USEC);
        return presses(h, c) && snap->mono_usec - h->since_usec < keep_usec;
}

static MeasureEnd end_of(const DecideState *s, const Domain *d, HeldMeasure *h, const Snapshot *snap) {
        const CgroupSample *c = snap->detail & DETAIL_CGROUPS && snap->n_cgroups > 0 ? sample_of(snap, h->cgroup_id) : NULL;
        if (snap->detail & DETAIL_CGROUPS && snap->n_cgroups > 0 &&
            (!c || (cgroup_has(c, CGROUP_POPULATED) && c->value[CGROUP_POPULATED] == 0)))
                return MEASURE_END_GONE;
        if (!d)
                return MEASURE_END_LEVEL;
        Level level = h->level;
        if (!level_holds(s, d, h))
                return is_kept(h, c, snap) ? MEASURE_END_NONE : MEASURE_END_LEVEL;
        if (h->step == STEP_FREEZE &&
            snap->mono_usec - h->since_usec >= s->policy->cgroups[h->policy].levels[level].freeze_max_usec)
                return MEASURE_END_TIME;
        /* a leak that has filled the swap: let go, it is for [Kill] to see */
        if (h->step == STEP_THROTTLE && swap_is_spent(&snap->host) && d->quiet_usec >= QUIET_USEC && presses(h, c))
                return MEASURE_END_SPENT;
        return MEASURE_END_NONE;
}

static uint64_t page_down(uint64_t bytes, uint64_t page_size) {
        return bytes / page_size * page_size;
}

/* The condition that is true: a domain on its way down may have left [Kill], and not what the throttle is for. */
static uint16_t trouble_when(const DecideState *s, const Domain *d, const HeldMeasure *h) {
        const LevelPolicy *levels = s->policy->cgroups[d->policy].levels;
        if (condition_eval(s, d, levels[d->level].when, 0) == TRUTH_TRUE)
                return levels[d->level].when;
        return condition_eval(s, d, levels[h->level].when, 0) == TRUTH_TRUE ? levels[h->level].when : EXPR_NONE;
}

/*
 * Is there room for a step up? After it there must be more available than when the trouble began, by a step: else
 * everybody who needs a page next has to wait for it. Where it is not known there may be.
 */
static bool has_room(const DecideState *s, const Domain *d, const HeldMeasure *h, const Snapshot *snap, uint64_t step) {
        MetricInput in = domain_input(s, d, snap);
        uint64_t available, total;
        return h->tight_bytes == 0 || !metric_available(&in, &available, &total) ||
               available >= u64_add_sat(h->tight_bytes, 2 * step);
}

/*
 * Down while the trouble lasts, from what it uses by now if that is less: a limit above the use holds nobody. Up again
 * when it has been quiet and there is room, no further than where it began: the rest is the release. A step up that was
 * one too many is undone first, before it goes down by a larger one.
 */
static uint64_t throttle_next(const DecideState *s, const Domain *d, const HeldMeasure *h, const Snapshot *snap) {
        const CgroupSample *c = sample_of(snap, h->cgroup_id);
        uint64_t since = snap->mono_usec - h->adjusted_usec, top = MIN(h->usage_bytes, h->old_value);

        if (trouble_when(s, d, h) != EXPR_NONE) {
                uint64_t from = c && cgroup_has(c, CGROUP_CURRENT) ? MIN(h->value, c->value[CGROUP_CURRENT]) : h->value;
                if (since < ADJUST_DOWN_USEC || h->value <= h->floor)
                        return h->value;
                uint64_t step = h->usage_bytes / (h->was_raised ? UP_DIVISOR : DOWN_DIVISOR);
                return MAX(page_down(u64_sub_sat(from, step), snap->page_size), h->floor);
        }
        if (h->dry_run || since < ADJUST_UP_USEC << h->n_vain || d->quiet_usec < QUIET_USEC || h->value >= top ||
            !has_room(s, d, h, snap, h->usage_bytes / UP_DIVISOR))
                return h->value;
        return MAX(MIN(page_down(u64_add_sat(h->value, h->usage_bytes / UP_DIVISOR), snap->page_size),
                       page_down(top, snap->page_size)), h->value);
}

static void adjust_remember(HeldMeasure *h, uint64_t value, uint64_t now_usec) {
        bool is_up = value > h->value;
        if (!is_up && h->was_raised)
                h->n_vain = now_usec - h->adjusted_usec < VAIN_USEC ? MIN(h->n_vain + 1, (uint32_t)VAIN_MAX) : 0;
        h->was_raised = is_up;
        h->lowest = MIN(h->lowest, value);
        h->highest = MAX(h->highest, value);
        h->adjusted_usec = now_usec;
}

static void in_force_step(DecideState *s, HeldMeasure *h, const Snapshot *snap, Decision *ret) {
        Domain *d = held_owner(s, h);
        h->end = end_of(s, d, h, snap);
        if (h->end != MEASURE_END_NONE) {
                h->phase = HELD_RELEASE_DUE;
                h->retry_usec = 0;
                return;
        }
        if (h->step != STEP_THROTTLE || h->is_stuck || !d || d->kill.id != 0)
                return;
        uint64_t value = throttle_next(s, d, h, snap);
        if (value == h->value)
                return;
        uint64_t before = h->wanted;
        h->wanted = value;
        Measure *m = measure_again(s, h, MEASURE_ADJUST, snap->mono_usec, ret);
        if (!m) {
                h->wanted = before;
                return;
        }
        adjust_remember(h, value, snap->mono_usec);
        h->phase = HELD_ADJUSTING;
        MetricInput in = domain_input(s, d, snap);
        uint16_t when = trouble_when(s, d, h);
        if (when == EXPR_NONE)
                when = s->policy->cgroups[d->policy].levels[d->level].when;
        condition_report(s, d, when, &in, &m->condition);
}

static void release_step(DecideState *s, HeldMeasure *h, const Snapshot *snap, Decision *ret) {
        if (snap->mono_usec < h->retry_usec)
                return;
        Measure *m = measure_again(s, h, MEASURE_RELEASE, snap->mono_usec, ret);
        if (!m)
                return;
        h->phase = HELD_RELEASING;
        const Domain *d = held_owner(s, h);
        if (!d || h->end != MEASURE_END_LEVEL)
                return;
        const LevelPolicy *lp = &s->policy->cgroups[d->policy].levels[h->level];
        MetricInput in = domain_input(s, d, snap);
        condition_report(s, d, lp->until != EXPR_NONE ? lp->until : lp->when, &in, &m->condition);
}

/* What lasts is looked after at least this often, and others' stall with it. */
#define LOOK_USEC USEC_PER_SEC

void ladder_finish(DecideState *s, const Snapshot *snap, Decision *ret) {
        bool is_held = false;
        for (uint32_t i = 0; i < s->n_held; i++) {
                HeldMeasure *h = &s->held_measures[i];
                if (h->phase == HELD_PAST)
                        continue;
                if (h->phase == HELD_IN_FORCE)
                        in_force_step(s, h, snap, ret);
                if (h->phase == HELD_RELEASE_DUE)
                        release_step(s, h, snap, ret);
                is_held |= held_lasts(h->step);
        }
        if (!is_held)
                return;
        ret->need |= DETAIL_CGROUPS | DETAIL_STATS;
        ret->next_usec = MIN(ret->next_usec, LOOK_USEC);
}

uint32_t decide_measures(const DecideState *s, MeasureView *ret, uint32_t max) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < s->n_held && n < max; i++) {
                const HeldMeasure *h = &s->held_measures[i];
                if (!held_lasts(h->step) || h->phase == HELD_PAST)
                        continue;
                ret[n++] = (MeasureView){
                        .measure_id = h->id,
                        .step = h->step,
                        .policy = h->policy,
                        .domain_id = h->domain_id,
                        .cgroup_id = h->cgroup_id,
                        .cgroup_path = h->cgroup_path,
                        .since_usec = h->since_usec,
                        .value = h->value,
                        .old_value = h->step == STEP_THROTTLE ? h->old_value : 0,
                        .is_in_force = h->phase != HELD_BEGINNING,
                };
        }
        return n;
}

void decide_measure_virtually(DecideState *s, uint64_t measure_id) {
        HeldMeasure *h = held_find(s, measure_id);
        if (h)
                h->dry_run = true;
}

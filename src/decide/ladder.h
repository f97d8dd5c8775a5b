/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The steps below the kill: who is held, how, until when. See ladder.c. */

#include "decide/decide.h"
#include "decide/metric.h"
#include "decide/state.h"

/* Takes in the answers of snap->measures; before the domains are looked at. */
void ladder_settle(DecideState *s, const Snapshot *snap);
/* For a domain that has its level: perhaps one measure. Asks for details in ret->need. */
void ladder_step(DecideState *s, Domain *d, const MetricInput *in, Decision *ret);
/* After all domains: adjusts what is in force, and releases what no longer is to be. */
void ladder_finish(DecideState *s, const Snapshot *snap, Decision *ret);

/* ---- ladder-held.c, for ladder.c, ladder-settle.c and proactive.c ---- */

/* A place in @ret for one more measure, empty; measure_send() takes it. NULL: there is none, or none to remember it. */
Measure *measure_place(DecideState *s, Decision *ret);
/* What all measures of a domain say: policy, domain, level, reason, condition. */
void measure_describe(const DecideState *s, const Domain *d, const MetricInput *in, Level level, Step step, Measure *m);
/* It stands in @ret and is remembered from now on. */
HeldMeasure *measure_send(DecideState *s, Decision *ret, uint64_t now_usec);
bool held_is_in_air(const HeldMeasure *m);
static inline bool held_lasts(Step step) {
        return STEPS_LASTING & STEP_BIT(step);
}
void held_remove(DecideState *s, uint32_t at);
/* It is over, and remembered until then. */
void held_past(HeldMeasure *m, uint64_t forget_usec, bool has_failed);
/* The domain that it was begun for; NULL where that is gone, or has another policy by now. */
Domain *held_owner(DecideState *s, const HeldMeasure *h);
HeldMeasure *held_find(DecideState *s, uint64_t measure_id);
/* How often in a row a throttle of this cgroup was let go, and now has to be taken again. */
uint32_t held_again(const DecideState *s, uint64_t cgroup_id);
/* Lasting measures that are not over. */
uint32_t held_lasting(const DecideState *s);

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What is remembered of a run: events, how much was left, how long tasks stood still; and how far each of it can be
 * trusted.
 */

#include <string.h>

#include "plan/sim-state.h"

/* Below a tenth of what is still safe nobody asks how sure it is. */
#define STALL_MATTERS_DIVISOR 10

uint64_t sim_stall_bound_usec(const PlanSim *s) {
        uint64_t permyriad = s->question.stall_bound_permyriad ? s->question.stall_bound_permyriad : PLAN_STALL_BOUND_PERMYRIAD;
        return u64_mul_div(STALL_BUCKETS * USEC_PER_SEC, permyriad, PERMYRIAD);
}

static void weaken(PlanOutcome *o, PlanConfidence c) {
        o->confidence = MAX(o->confidence, c);
}

/**
 * sim_confidence() - of what is found now
 * @rests_on_stall: it would not be there but for how long tasks stood still
 */
PlanConfidence sim_confidence(const PlanSim *s, bool rests_on_stall) {
        bool is_own = s->host_memory.is_own || s->question.overcommit_ratio > 0 || s->n_limited > 0;
        if (s->is_diverged)
                return PLAN_LOW;
        if (!is_own)
                return PLAN_REPLAYED;
        bool is_swapping = s->host_memory.swapped_disk > 0 || s->host_memory.swapped_zram > 0;
        if ((rests_on_stall && !s->host_memory.scale.is_calibrated) || (is_swapping && s->supply.is_swap_new))
                return PLAN_LOW;
        return MAX(s->supply.confidence, PLAN_MODELLED);
}

/* NULL once PLAN_EVENTS_MAX are kept: then only counts. */
PlanEvent *sim_event(PlanSim *s, PlanEventKind kind, bool rests_on_stall) {
        PlanOutcome *o = &s->outcome;
        PlanConfidence c = kind == PLAN_EVENT_SAW_KILL ? PLAN_MEASURED : sim_confidence(s, rests_on_stall);

        weaken(o, c);
        if (o->n_events == PLAN_EVENTS_MAX)
                return NULL;
        PlanEvent *e = &o->events[o->n_events++];
        *e = (PlanEvent){
                .kind = kind,
                .confidence = c,
                .mono_usec = s->now_usec,
                .real_usec = s->real_usec,
                .step = _STEP_INVALID,
                .available_bytes = s->host_memory.available,
                .stall_usec = s->minute_usec,
        };
        return e;
}

void sim_regret(PlanSim *s, PlanEvent *e, PlanRegret bit) {
        if (e && !(e->regret & bit))
                e->regret |= bit;
        s->outcome.n_regret[__builtin_ctz(bit)]++;
}

/* facts/planning.md: MemAvailable + usable swap - unused part of protected minimums */
uint64_t sim_headroom(const PlanSim *s) {
        uint64_t sum = u64_add_sat(s->host_memory.available, memory_usable_swap(&s->host_memory, &s->supply));
        return u64_sub_sat(sum, s->protected_bytes);
}

void sim_stall_reset(PlanSim *s) {
        memset(s->stall_buckets, 0, sizeof(s->stall_buckets));
        s->minute_usec = s->stall_second = 0;
}

static void stall_add(PlanSim *s, uint64_t usec) {
        uint64_t second = s->now_usec / USEC_PER_SEC;

        if (second > s->stall_second + STALL_BUCKETS)
                sim_stall_reset(s);
        for (uint64_t i = MAX(s->stall_second + 1, u64_sub_sat(second, STALL_BUCKETS - 1)); i <= second; i++) {
                s->minute_usec -= s->stall_buckets[i % STALL_BUCKETS];
                s->stall_buckets[i % STALL_BUCKETS] = 0;
        }
        s->stall_second = second;
        s->stall_buckets[second % STALL_BUCKETS] += usec;
        s->minute_usec += usec;
        uint64_t share = MIN(u64_mul_div(s->minute_usec, PERMYRIAD, STALL_BUCKETS * USEC_PER_SEC), PERMYRIAD);
        s->outcome.worst_stall_permyriad = MAX(s->outcome.worst_stall_permyriad, share);
}

/**
 * sim_outcome_step() - take in a step of @usec that has just been simulated
 */
void sim_outcome_step(PlanSim *s, uint64_t usec) {
        const HostMemory *m = &s->host_memory;
        PlanOutcome *o = &s->outcome;
        uint64_t headroom = sim_headroom(s);

        /* whole milliseconds of the sum, so that many short steps weigh what they last */
        uint64_t weight = (o->span_usec + usec) / USEC_PER_MSEC - o->span_usec / USEC_PER_MSEC;
        o->span_usec += usec;
        o->stall_usec += m->full_usec;
        stall_add(s, m->full_usec);
        histogram_add(&o->headroom, headroom, weight);
        o->headroom_min_bytes = MIN(o->headroom_min_bytes, headroom);
        o->demand_peak_bytes = MAX(o->demand_peak_bytes, m->demand);
        o->deficit_peak_bytes = MAX(o->deficit_peak_bytes, m->deficit);
        /* a stall that is claimed is a number like any other, once it is enough to matter */
        bool is_stalled = m->modelled_usec > 0 && s->minute_usec > sim_stall_bound_usec(s) / STALL_MATTERS_DIVISOR;
        weaken(o, sim_confidence(s, /* rests_on_stall= */ is_stalled));
}

void plan_outcome_done(PlanOutcome *o) {
        free(o->events);
        *o = (PlanOutcome){ 0 };
}

const char *plan_confidence_to_string(PlanConfidence c) {
        static const char *const names[_PLAN_CONFIDENCE_MAX] = {
                [PLAN_MEASURED] = "measured",
                [PLAN_REPLAYED] = "replayed",
                [PLAN_ESTIMATED] = "estimated",
                [PLAN_MODELLED] = "modelled",
                [PLAN_LOW] = "low",
        };
        return c >= 0 && c < _PLAN_CONFIDENCE_MAX ? names[c] : "?";
}

const char *plan_event_kind_to_string(PlanEventKind k) {
        static const char *const names[_PLAN_EVENT_KIND_MAX] = {
                [PLAN_EVENT_KILL] = "kill",
                [PLAN_EVENT_KERNEL_KILL] = "kernel-kill",
                [PLAN_EVENT_MEASURE] = "measure",
                [PLAN_EVENT_FORK_FAILED] = "fork-failed",
                [PLAN_EVENT_SAW_KILL] = "saw-kill",
        };
        return (unsigned)k < _PLAN_EVENT_KIND_MAX ? names[k] : "?";
}

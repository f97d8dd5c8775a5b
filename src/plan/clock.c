/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/clock.h"

#include <string.h>

/* Without word from the recorder: four of the daemon's slowest ticks and some patience. */
#define SILENCE_MIN (30 * USEC_PER_SEC)
/* As for the simulation: a recorder that claims longer intervals is not believed. */
#define SILENCE_MAX (3600 * USEC_PER_SEC)
/* NTP slews by less; a suspend worth the name and a set clock are more. */
#define CLOCKS_APART_MAX (5 * USEC_PER_SEC)

const char *plan_gap_why_to_string(PlanGapWhy w) {
        static const char *const names[] = {
                [PLAN_GAP_LOST] = "records-lost",
                [PLAN_GAP_SILENCE] = "no-samples",
                [PLAN_GAP_CLOCK] = "suspend-or-clock-step",
                [PLAN_GAP_BOOT] = "other-boot",
        };
        return (size_t)w < ARRAY_SIZE(names) ? names[w] : NULL;
}

void plan_clock_init(PlanClock *c) {
        *c = (PlanClock){ .silence_usec = 2 * SILENCE_MIN };
}

static void break_off(PlanClock *c, PlanGapWhy why) {
        if (!c->has_sample)
                return;
        /* Another boot explains everything else that was seen on the way. */
        if (!c->is_broken || why == PLAN_GAP_BOOT)
                c->broken_why = why;
        c->is_broken = true;
}

void plan_clock_note(PlanClock *c, const TraceRecord *r) {
        if (r->kind == TRACE_GAP)
                break_off(c, PLAN_GAP_LOST);
        if (r->kind != TRACE_START)
                return;
        c->silence_usec = MAX(SILENCE_MIN, MIN(u64_mul_sat(r->start.interval_usec, 4), SILENCE_MAX));
        if (c->n_boots == 0 || strcmp(c->boot_id, r->start.boot_id) != 0) {
                break_off(c, PLAN_GAP_BOOT);
                memcpy(c->boot_id, r->start.boot_id, sizeof(c->boot_id));
                c->n_boots++;
        }
}

static void add_gap(PlanClock *c, PlanGapWhy why, uint64_t span_usec) {
        if (c->n_gaps < PLAN_GAPS_MAX)
                c->gaps[c->n_gaps] = (PlanGap){ why, c->axis_usec, c->real_usec, span_usec };
        c->n_gaps++;
        c->axis_usec = u64_add_sat(c->axis_usec, span_usec);
}

uint64_t plan_clock_step(PlanClock *c, uint64_t mono_usec, uint64_t real_usec) {
        uint64_t dt = 0;

        if (!c->has_sample)
                c->first_real_usec = real_usec;
        else {
                bool back = mono_usec < c->mono_usec;
                uint64_t mono = u64_sub_sat(mono_usec, c->mono_usec), real = u64_sub_sat(real_usec, c->real_usec);
                bool has_real = real_usec > 0 && c->real_usec > 0;
                bool apart = has_real && (real > mono + CLOCKS_APART_MAX ||
                                          u64_add_sat(real_usec, CLOCKS_APART_MAX) < u64_add_sat(c->real_usec, mono));

                if (c->is_broken || back)
                        /* Across boots only the wall clock says how long, if it runs forward. */
                        add_gap(c, c->is_broken ? c->broken_why : PLAN_GAP_BOOT,
                                back || (c->is_broken && c->broken_why == PLAN_GAP_BOOT) ? real : mono);
                else if (mono > c->silence_usec)
                        add_gap(c, PLAN_GAP_SILENCE, mono);
                else if (apart)
                        add_gap(c, PLAN_GAP_CLOCK, MAX(mono, real > mono ? real : mono));
                else {
                        dt = mono;
                        c->axis_usec += dt;
                        c->observed_usec += dt;
                }
        }
        c->has_sample = true;
        c->is_broken = false;
        c->mono_usec = mono_usec;
        c->real_usec = real_usec;
        return dt;
}

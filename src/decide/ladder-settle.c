/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The answers to measures, and those that never came.
 *
 *  - A place is kept until its verb was answered, or is given up as lost.
 *  - What may be in force is released, also where the answer to BEGIN was an error that leaves it open, or never came.
 *  - A release that failed is sent again, ever more slowly, until it is done, the cgroup is gone, or somebody else has
 *    set another value.
 */

#include "decide/domain.h"
#include "decide/ladder.h"
#include "decide/proactive.h"

#define RETRY_USEC       (500 * USEC_PER_MSEC)
#define RETRY_MAX_USEC   (30 * USEC_PER_SEC)
/* A target on which a step failed is passed over for so long; one that was frozen is not frozen again. */
#define FAILED_PAUSE_USEC (30 * USEC_PER_SEC)
#define BARREN_PAUSE_USEC (10 * USEC_PER_SEC)
#define FREEZE_PAUSE_USEC (60 * USEC_PER_SEC)
/* What was paged out is left alone so long: to throw it out again as soon as it is back would be thrashing. */
#define PAGEOUT_PAUSE_USEC (30 * USEC_PER_SEC)
/* Limits in samples are of the last discovery, which may be so long ago. */
#define LIMITS_STALE_USEC (60 * USEC_PER_SEC)
/* Own reclaim is remembered while it may still show as scanning. */
#define RECLAIM_SEEN_USEC (2 * USEC_PER_SEC)
/* What the kernel or the host does not have today it will not have in a minute. */
#define IMPOSSIBLE_USEC (60 * USEC_PER_SEC)
/* Reclaim that frees less than this part of what was asked has found nothing. */
#define BARREN_DIVISOR 8
/* A round of reclaim or pageout follows when the samples show what the one before has brought. */
#define ROUND_USEC       (200 * USEC_PER_MSEC)
#define BARREN_ROUNDS_MAX 3

static int round_of(Step step) {
        return step == STEP_RECLAIM ? ROUND_RECLAIM : step == STEP_PAGEOUT ? ROUND_PAGEOUT : -1;
}

/* Rounds go on while they bring something; a few in a row that do not may only have met the wrong ones. */
static void round_settle(Domain *d, int round, bool is_barren, uint64_t now_usec) {
        Climb *c = &d->climb;
        c->n_barren[round] = is_barren ? c->n_barren[round] + 1 : 0;
        c->round_usec[round] = c->n_barren[round] < BARREN_ROUNDS_MAX ? now_usec + ROUND_USEC : 0;
}

static void one_off_settle(DecideState *s, HeldMeasure *h, const MeasureStatus *st, uint64_t now_usec) {
        Domain *d = held_owner(s, h);
        int round = round_of(h->step);
        bool is_partial = round >= 0 && (st->error == -EAGAIN || st->error == -ETIME);
        bool has_failed = st->error < 0 && !is_partial;
        bool is_barren = round >= 0 && !h->dry_run && st->done_bytes < h->wanted / BARREN_DIVISOR;

        if (h->is_proactive && d)
                proactive_settle(d, h, st, now_usec);
        else if (d) {
                if (round >= 0 && !has_failed && !h->dry_run)
                        round_settle(d, round, is_barren, now_usec);
                if (has_failed && d->climb.measure_id == h->id)
                        d->climb.next_usec = now_usec;
        }
        if (st->error == -EOPNOTSUPP && h->step != STEP_RESTART && h->step != STEP_STOP)
                s->impossible_usec[h->step] = now_usec + IMPOSSIBLE_USEC;
        uint64_t pause = has_failed ? FAILED_PAUSE_USEC : is_barren ? BARREN_PAUSE_USEC :
                         h->step == STEP_PAGEOUT ? PAGEOUT_PAUSE_USEC : RECLAIM_SEEN_USEC;
        h->deadline_usec = now_usec;
        held_past(h, now_usec + pause, has_failed || is_barren);
}

/* A call that was broken off may have written its value before: memory.high is set first, and reclaimed to then. */
static void begin_settle(DecideState *s, HeldMeasure *h, const MeasureStatus *st, uint64_t now_usec) {
        if (!held_lasts(h->step)) {
                one_off_settle(s, h, st, now_usec);
                return;
        }
        if (st->error == 0 || st->error == -ETIME) {
                h->phase = HELD_IN_FORCE;
                h->since_usec = h->adjusted_usec = now_usec;
                return;
        }
        Domain *d = held_owner(s, h);
        if (d && d->climb.measure_id == h->id)
                d->climb.next_usec = now_usec;
        held_past(h, now_usec + FAILED_PAUSE_USEC, /* has_failed= */ true);
}

static void adjust_settle(HeldMeasure *h, const MeasureStatus *st) {
        h->phase = HELD_IN_FORCE;
        if (st->error == 0 || st->error == -ETIME || st->error == -EAGAIN) {
                h->value = h->wanted;
                return;
        }
        if (st->error == -ENOENT || st->error == -ESTALE) {
                h->phase = HELD_RELEASE_DUE;
                h->end = st->error == -ENOENT ? MEASURE_END_GONE : MEASURE_END_FOREIGN;
                h->retry_usec = 0;
                return;
        }
        /* whether it was written is not known: both values may be in the samples */
        h->is_stuck = true;
}

static void release_settle(HeldMeasure *h, const MeasureStatus *st, uint64_t now_usec) {
        if (st->error < 0 && st->error != -ENOENT && st->error != -ESTALE) {
                h->phase = HELD_RELEASE_DUE;
                h->retry_usec = now_usec + MIN(RETRY_USEC << MIN(h->n_retries, 10u), RETRY_MAX_USEC);
                h->n_retries++;
                return;
        }
        bool is_foreign = st->error == -ESTALE || h->end == MEASURE_END_FOREIGN;
        if (h->step == STEP_FREEZE)
                held_past(h, now_usec + FREEZE_PAUSE_USEC, /* has_failed= */ true);
        else
                held_past(h, now_usec + LIMITS_STALE_USEC, is_foreign);
}

static bool is_answer(const HeldMeasure *h, MeasureVerb verb) {
        return (h->phase == HELD_BEGINNING && verb == MEASURE_BEGIN) || (h->phase == HELD_ADJUSTING && verb == MEASURE_ADJUST) ||
               (h->phase == HELD_RELEASING && verb == MEASURE_RELEASE);
}

static void settle(DecideState *s, HeldMeasure *h, const MeasureStatus *st, uint64_t now_usec) {
        switch (st->verb) {
        case MEASURE_BEGIN:
                begin_settle(s, h, st, now_usec);
                return;
        case MEASURE_ADJUST:
                adjust_settle(h, st);
                return;
        case MEASURE_RELEASE:
                release_settle(h, st, now_usec);
                return;
        case _MEASURE_VERB_MAX:
        case _MEASURE_VERB_INVALID:
                return;
        }
}

/* No answer came: what may be in force is treated as if it were. */
static void settle_lost(DecideState *s, HeldMeasure *h, uint64_t now_usec) {
        MeasureStatus lost = { .measure_id = h->id, .error = -ETIME };
        switch (h->phase) {
        case HELD_BEGINNING:
                lost.verb = MEASURE_BEGIN;
                break;
        case HELD_ADJUSTING:
                lost.verb = MEASURE_ADJUST;
                break;
        case HELD_RELEASING:
                lost.verb = MEASURE_RELEASE;
                break;
        case HELD_IN_FORCE:
        case HELD_RELEASE_DUE:
        case HELD_PAST:
                return;
        }
        settle(s, h, &lost, now_usec);
}

void ladder_settle(DecideState *s, const Snapshot *snap) {
        uint64_t now = snap->mono_usec;
        for (uint32_t i = 0; i < snap->n_measures; i++) {
                HeldMeasure *h = held_find(s, snap->measures[i].measure_id);
                if (h && is_answer(h, snap->measures[i].verb))
                        settle(s, h, &snap->measures[i], now);
        }
        for (uint32_t i = 0; i < s->n_held; i++)
                if (held_is_in_air(&s->held_measures[i]) && now >= s->held_measures[i].deadline_usec)
                        settle_lost(s, &s->held_measures[i], now);
        for (uint32_t i = 0; i < s->n_held;)
                if (s->held_measures[i].phase == HELD_PAST && now >= s->held_measures[i].forget_usec)
                        held_remove(s, i);
                else
                        i++;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Proactive reclaim, after Meta's senpai and TMO: a cgroup is asked each second for a little of its memory, and its own
 * pressure says whether it misses it. What it does not miss for long was cold.
 *
 * The step begins at a quarter of Step=, doubles with each second in which it went well, up to Step=, halves when the
 * stall comes near Pressure=, and is nothing for Backoff= once it is above. It stops for a while as well when reclaim
 * finds nothing, and when a good part of what was taken comes back: pages that refault were not cold, even if the disk
 * is so fast that nobody stalls.
 *
 * Never below Floor=, nor below what memory.min or memory.low promises; not while the host or the cgroup itself is in
 * trouble: then the ladder takes memory where it must.
 */

#include "decide/proactive.h"

#include <string.h>

#include "decide/domain.h"
#include "decide/offender.h"
#include "decide/protection.h"
#include "model/cgroup-path.h"

#define EACH_USEC  USEC_PER_SEC
#define BEGIN_DIVISOR 4
/* The stall of the moment, beside that of the last 10 s. */
#define SHORT_WINDOW_USEC (2 * USEC_PER_SEC)
/* A call for less is not worth its cost. */
#define RECLAIM_MIN (UINT64_C(1) << 20)
/* Seconds in which nothing was found: then a pause. */
#define BARREN_MAX        3
#define BARREN_PAUSE_USEC (60 * USEC_PER_SEC)
#define BARREN_DIVISOR    4
/* Refaults are in the detailed sample only, which costs: a look this often. */
#define REFAULT_LOOK_USEC (10 * USEC_PER_SEC)
/* What comes back of what was taken: above this part of it, it was not cold. */
#define REFAULT_DIVISOR 4
/* How soon to come again where there was no place for one more. */
#define CROWDED_USEC (100 * USEC_PER_MSEC)
/* In the air at once, of all domains: the ladder's own must not wait behind them. */
#define IN_AIR_MAX 4
/* In a dry run it is said once in a while what would be done. */
#define DRY_RUN_PAUSE_USEC (600 * USEC_PER_SEC)

static void pause_until(Proactive *p, uint64_t until_usec) {
        p->step_permyriad = 0;
        p->n_barren = 0;
        p->next_usec = until_usec;
        p->has_mark = false;
}

static bool stall_share(const Series *series, uint64_t window_usec, uint64_t now_usec, uint64_t *ret) {
        SeriesSample base;
        /* what was not read now is not felt to be nothing */
        if (!series->has_last || series->last.usec != now_usec || !series_base_of(series, now_usec, window_usec, &base))
                return false;
        *ret = MIN(u64_mul_div(u64_sub_sat(series->last.value, base.value), PERMYRIAD, now_usec - base.usec), PERMYRIAD);
        return true;
}

/* The larger of both windows; false until the long one has passed. */
static bool felt_permyriad(const Domain *d, uint64_t now_usec, uint64_t *ret) {
        uint64_t of_long, of_short;
        if (!stall_share(&d->some10, d->some10.window_usec, now_usec, &of_long) ||
            !stall_share(&d->some10, SHORT_WINDOW_USEC, now_usec, &of_short))
                return false;
        *ret = MAX(of_long, of_short);
        return true;
}

static bool is_hindered(const DecideState *s, const Domain *d, const MetricInput *in) {
        if (d->level >= LEVEL_RELIEVE || d->own.is_inside || d->own.is_around || (in->cgroup->marks & CGROUP_MARK_SELF))
                return true;
        if (s->domains[0].id == 0 && s->domains[0].level == LEVEL_KILL)
                return true;
        for (uint32_t i = 0; i < s->n_domains; i++)
                if (s->domains[i].kill.id != 0)
                        return true;
        return false;
}

/* Has too much of what was taken come back? Looks where the sample shows it, and asks for one that does. */
static bool comes_back(Domain *d, const MetricInput *in, Decision *ret) {
        Proactive *p = &d->proactive;
        const CgroupSample *c = in->cgroup;
        uint64_t now = in->snap->mono_usec;

        if (!cgroup_has(c, CGROUP_REFAULT_ANON) || !cgroup_has(c, CGROUP_REFAULT_FILE)) {
                if (!p->has_mark || now - p->mark_usec >= REFAULT_LOOK_USEC)
                        ret->need |= DETAIL_CGROUPS | DETAIL_STATS;
                return false;
        }
        uint64_t refaults = u64_add_sat(c->value[CGROUP_REFAULT_ANON], c->value[CGROUP_REFAULT_FILE]);
        bool has_mark = p->has_mark && refaults >= p->mark_refaults;
        if (has_mark && now - p->mark_usec < REFAULT_LOOK_USEC)
                return false;
        uint64_t back = has_mark ? u64_mul_sat(refaults - p->mark_refaults, in->snap->page_size) : 0;
        bool is_too_much = back > RECLAIM_MIN && back > p->reclaimed_bytes / REFAULT_DIVISOR;
        p->has_mark = true;
        p->mark_usec = now;
        p->mark_refaults = refaults;
        p->reclaimed_bytes = 0;
        return is_too_much;
}

/* The next step in permyriad of the use, 0 for a pause. */
static uint32_t next_step(const ProactivePolicy *pp, const Proactive *p, uint64_t felt) {
        uint32_t least = MAX(pp->step_permyriad / BEGIN_DIVISOR, 1u);
        if (felt > pp->pressure_permyriad)
                return 0;
        if (p->step_permyriad == 0)
                return least;
        if (felt > pp->pressure_permyriad / 2)
                return MAX(p->step_permyriad / 2, 1u);
        return MIN(p->step_permyriad * 2, MAX(pp->step_permyriad, least));
}

static uint64_t wanted_bytes(const ProactivePolicy *pp, const Proactive *p, const MetricInput *in) {
        const CgroupSample *c = in->cgroup;
        uint64_t usage = c->value[CGROUP_CURRENT];
        uint32_t i = (uint32_t)(c - in->snap->cgroups);
        uint64_t floor = MAX(pp->floor_bytes, cgroup_promised_bytes(in->snap, i));
        uint64_t bytes = MIN(u64_mul_div(usage, p->step_permyriad, PERMYRIAD), u64_sub_sat(usage, floor));
        bytes = MIN(bytes, reclaim_chunk_bytes(in->snap));
        return bytes / in->snap->page_size * in->snap->page_size;
}

static uint32_t n_in_air(const DecideState *s) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < s->n_held; i++)
                n += s->held_measures[i].is_proactive && held_is_in_air(&s->held_measures[i]);
        return n;
}

/* Domains come in the order of their ids: without turns the last of many would never have a place. */
static bool has_turn(DecideState *s, const Domain *d, uint64_t now_usec) {
        if (s->turn_id != 0 && now_usec - s->turn_usec >= EACH_USEC)
                s->turn_id = 0; /* it is gone, or has no need any more */
        return d->id >= s->turn_id;
}

static void send(DecideState *s, Domain *d, const MetricInput *in, uint64_t bytes, Decision *ret) {
        Proactive *p = &d->proactive;
        uint64_t now = in->snap->mono_usec;
        Measure *m = has_turn(s, d, now) && n_in_air(s) < IN_AIR_MAX ? measure_place(s, ret) : NULL;
        if (!m) {
                if (s->turn_id == 0) {
                        s->turn_id = d->id;
                        s->turn_usec = now;
                }
                p->next_usec = now + CROWDED_USEC;
                ret->next_usec = MIN(ret->next_usec, CROWDED_USEC);
                return;
        }
        if (s->turn_id == d->id)
                s->turn_id = 0;
        m->is_proactive = true;
        m->swappiness = -1;
        m->value = bytes;
        offender_set_target(in->snap, (uint32_t)(in->cgroup - in->snap->cgroups), m);
        measure_describe(s, d, in, LEVEL_CALM, STEP_RECLAIM, m);
        p->measure_id = measure_send(s, ret, now)->id;
        p->sent_usec = now;
        p->next_usec = now + EACH_USEC;
}

/**
 * proactive_step() - perhaps a little reclaim of a domain that is in no trouble
 *
 * The host is none of these: its pressure is not that of one program, and says nothing about what is cold.
 */
void proactive_step(DecideState *s, Domain *d, const MetricInput *in, Decision *ret) {
        const ProactivePolicy *pp = &s->policy->cgroups[d->policy].proactive;
        Proactive *p = &d->proactive;
        uint64_t now = in->snap->mono_usec, felt;

        if (pp->pressure_permyriad == 0 || d->id == 0 || !in->cgroup || p->measure_id != 0 || now < p->next_usec ||
            now < s->impossible_usec[STEP_RECLAIM])
                return;
        if (!cgroup_has(in->cgroup, CGROUP_CURRENT) || !felt_permyriad(d, now, &felt))
                return;
        if (is_hindered(s, d, in)) {
                pause_until(p, now + EACH_USEC);
                return;
        }
        p->step_permyriad = next_step(pp, p, felt);
        if (p->step_permyriad == 0 || comes_back(d, in, ret)) {
                pause_until(p, now + pp->backoff_usec);
                return;
        }
        uint64_t bytes = wanted_bytes(pp, p, in);
        if (bytes < RECLAIM_MIN) {
                /* at the floor, or so small a step: it may grow */
                p->next_usec = now + EACH_USEC;
                return;
        }
        send(s, d, in, bytes, ret);
}

void proactive_settle(Domain *d, const HeldMeasure *h, const MeasureStatus *st, uint64_t now_usec) {
        Proactive *p = &d->proactive;
        if (p->measure_id != h->id)
                return;
        p->measure_id = 0;
        if (h->dry_run) {
                pause_until(p, now_usec + DRY_RUN_PAUSE_USEC);
                return;
        }
        bool is_partial = st->error == -EAGAIN || st->error == -ETIME;
        if (st->error < 0 && !is_partial) {
                pause_until(p, now_usec + BARREN_PAUSE_USEC);
                return;
        }
        p->reclaimed_bytes = u64_add_sat(p->reclaimed_bytes, st->done_bytes);
        p->n_barren = st->done_bytes < h->wanted / BARREN_DIVISOR ? p->n_barren + 1 : 0;
        if (p->n_barren >= BARREN_MAX)
                pause_until(p, now_usec + BARREN_PAUSE_USEC);
        else if (st->error == -EAGAIN)
                p->step_permyriad /= 2;
}

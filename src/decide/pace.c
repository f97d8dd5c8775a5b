/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * When to look again. A calm host is looked at once a second; near a limit every 50 ms or so. How near it is has two
 * answers, and the shorter one counts:
 *
 *  - a kill must not come late even where memory vanishes as fast as it can, so the distance to the limits of [Kill]
 *    is divided by that speed;
 *  - a step of the ladder must not come late where it goes as fast as it did over the last moment. To take the
 *    distance to these limits as the former would keep every host awake that lives just above one, as many do.
 *
 * The offender is known from two looks at all cgroups. They are begun some seconds before the limit is reached, or the
 * one that fills the host would go on for as long as it takes to find out who it is.
 */

#include "decide/pace.h"

#include "decide/condition.h"
#include "decide/domain.h"

/* Memory cannot vanish faster than this, in bytes a microsecond: 4 GiB/s (measured: 5.7 GiB in 1.2 s). */
#define FILL_BYTES_PER_USEC 4295
/* Below this stall share nobody suffers yet. */
#define SOME_STALL_PERMYRIAD 500
/* How fast it goes is measured over this long. */
#define ROOM_WINDOW_USEC (500 * USEC_PER_MSEC)
/* So many looks on the way to a limit, since one that has just begun does not go at its full speed yet. */
#define LOOKS_ON_THE_WAY 4
/* Details are a second or more apart: time for two of them, and something to spare. */
#define WATCHFUL_USEC            (5 * USEC_PER_SEC)
#define EXHAUSTION_WATCHFUL_USEC (10 * USEC_PER_SEC)

void pace_init(DecideState *s) {
        series_init(&s->room, ROOM_WINDOW_USEC);
}

void pace_observe(DecideState *s, const Snapshot *snap) {
        const MetricInput host = { .snap = snap };
        uint64_t now = snap->mono_usec, bytes, total;
        SeriesSample base;

        if (metric_available(&host, &bytes, &total))
                series_push(&s->room, now, bytes, /* is_counter= */ false);
        s->room_lost_bytes = s->room_span_usec = 0;
        if (s->room.has_last && s->room.last.usec == now && series_base(&s->room, now, &base)) {
                s->room_lost_bytes = u64_sub_sat(base.value, s->room.last.value);
                s->room_span_usec = now - base.usec;
        }
}

/* ---- limits ---- */

/*
 * The highest limit on what is available in the When= of @levels (bits) that is not above @below_bytes. @host_only: of
 * those on the host.
 */
static uint64_t highest_limit(const DecideState *s, const Domain *d, const MetricInput *in, uint32_t levels, bool host_only,
                              uint64_t below_bytes) {
        const PolicyRange *range = &s->ranges[d->policy];
        const MetricInput host = { .snap = in->snap };
        uint64_t bytes, total, highest = 0;

        for (uint32_t i = range->first_term; i < (uint32_t)range->first_term + range->n_terms; i++) {
                const Term *t = &s->policy->terms[i];
                bool is_host = t->host || !in->cgroup;
                if (t->metric != METRIC_AVAILABLE || (t->comparison != COMPARE_LT && t->comparison != COMPARE_LE) ||
                    s->uses[i].policy != d->policy || !(s->uses[i].whens & levels) || (host_only && !is_host) ||
                    !metric_available(is_host ? &host : in, &bytes, &total))
                        continue;
                uint64_t limit = condition_limit_bytes(t, total);
                if (limit <= below_bytes)
                        highest = MAX(highest, limit);
        }
        return highest;
}

/* Once a step for each policy that has domains. */
static uint64_t room_limit(DecideState *s, const Domain *d, const MetricInput *in) {
        const uint32_t all = 1u << LEVEL_WARN | 1u << LEVEL_RELIEVE | 1u << LEVEL_KILL;
        RoomLimit *limit = &s->room_limits[d->policy];

        if (limit->seq != s->seq) {
                limit->bytes = highest_limit(s, d, in, all, /* host_only= */ true, s->room.last.value);
                limit->seq = s->seq;
        }
        return limit->bytes;
}

/* Time until the host has come down to the next limit of any level of @d, if it goes on as it did. */
static uint64_t nearing_usec(DecideState *s, const Domain *d, const MetricInput *in) {
        if (s->room_lost_bytes == 0)
                return USEC_INFINITY;
        uint64_t room = s->room.last.value, limit = room_limit(s, d, in);
        return limit == 0 ? USEC_INFINITY : u64_mul_div(room - limit, s->room_span_usec, s->room_lost_bytes);
}

/* ---- the answers ---- */

static uint64_t delay_of(const DecideState *s, const Domain *d, const MetricInput *in, uint64_t nearing) {
        const DaemonPolicy *p = &s->policy->daemon;
        uint64_t delay = p->interval_max_usec, bytes, total;

        /* one that has long been quiet stays at its level as Until= says, but is no emergency */
        if ((d->level >= LEVEL_RELIEVE && d->quiet_usec < LEVEL_UNTOLD_USEC) || d->kill.id != 0)
                return p->interval_min_usec;
        if (d->level >= LEVEL_WARN)
                delay = MIN(delay, 4 * p->interval_min_usec);
        if (d->has_kill_clock) /* and not one of Until=: those run all the time on a calm host */
                delay = MIN(delay, 2 * p->interval_min_usec);
        if (d->exhaustion_usec != USEC_INFINITY)
                delay = MIN(delay, d->exhaustion_usec / 8);
        if (d->id == 0 && metric_available(in, &bytes, &total)) {
                uint64_t limit = highest_limit(s, d, in, 1u << LEVEL_KILL, /* host_only= */ false, UINT64_MAX);
                delay = MIN(delay, u64_sub_sat(bytes, limit) / FILL_BYTES_PER_USEC);
        }
        delay = MIN(delay, nearing / LOOKS_ON_THE_WAY);
        uint64_t some;
        if (domain_stall(&d->some10, in->snap->mono_usec, &some) && some >= SOME_STALL_PERMYRIAD)
                delay = MIN(delay, 4 * p->interval_min_usec);
        return MAX(delay, p->interval_min_usec);
}

Pace pace_of(DecideState *s, const Domain *d, const MetricInput *in) {
        uint64_t nearing = nearing_usec(s, d, in);

        return (Pace){
                .delay_usec = delay_of(s, d, in, nearing),
                .is_watchful = d->level >= LEVEL_WARN || d->has_kill_clock || d->exhaustion_usec < EXHAUSTION_WATCHFUL_USEC ||
                               nearing < WATCHFUL_USEC,
        };
}

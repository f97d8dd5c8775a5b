/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/meter.h"

#include <string.h>

/* 0..3 have a bucket each; from 4 on the two bits below the highest choose among four. */
static unsigned bucket_of(uint64_t usec) {
        if (usec < 4)
                return (unsigned)usec;
        unsigned high = 63 - (unsigned)__builtin_clzll(usec);
        unsigned i = 4 * (high - 1) + (unsigned)((usec >> (high - 2)) & 3);
        return MIN(i, METER_BUCKETS - 1u);
}

/* The largest duration that falls into the bucket. */
static uint64_t bucket_end(unsigned i) {
        if (i < 4)
                return i;
        unsigned high = i / 4 + 1;
        return (UINT64_C(1) << high) + ((uint64_t)(i % 4 + 1) << (high - 2)) - 1;
}

void meter_add(Meter *m, uint64_t usec) {
        uint32_t *bucket = &m->buckets[bucket_of(usec)];

        m->n++;
        m->sum_usec = u64_add_sat(m->sum_usec, usec);
        m->max_usec = MAX(m->max_usec, usec);
        if (*bucket < UINT32_MAX)
                (*bucket)++;
}

uint64_t meter_quantile(const Meter *m, uint64_t permyriad) {
        uint64_t total = 0, seen = 0;

        for (unsigned i = 0; i < METER_BUCKETS; i++)
                total += m->buckets[i];
        if (total == 0)
                return 0;
        uint64_t wanted = MIN(MAX(u64_mul_div(total, permyriad, PERMYRIAD) + 1, UINT64_C(1)), total);
        for (unsigned i = 0; i < METER_BUCKETS; i++) {
                seen += m->buckets[i];
                if (seen >= wanted)
                        return i == METER_BUCKETS - 1 ? m->max_usec : MIN(bucket_end(i), m->max_usec);
        }
        return m->max_usec;
}

uint64_t meter_mean(const Meter *m) {
        return m->n > 0 ? m->sum_usec / m->n : 0;
}

/* Minutes that have passed since the present half began: 0, 1, or 2 and more. */
static unsigned halves_over(const MeterRecent *m, uint64_t mono_usec) {
        uint64_t n = u64_sub_sat(mono_usec, m->begin_usec) / METER_RECENT_USEC;
        return (unsigned)MIN(n, UINT64_C(2));
}

void meter_recent_add(MeterRecent *m, uint64_t mono_usec, uint64_t usec) {
        unsigned over = halves_over(m, mono_usec);

        if (over > 0) {
                m->present ^= 1;
                m->halves[m->present] = (Meter){ 0 };
                if (over > 1)
                        m->halves[m->present ^ 1] = (Meter){ 0 };
                m->begin_usec = mono_usec - u64_sub_sat(mono_usec, m->begin_usec) % METER_RECENT_USEC;
        }
        meter_add(&m->halves[m->present], usec);
}

static void meter_merge(Meter *m, const Meter *other) {
        m->n += other->n;
        m->sum_usec = u64_add_sat(m->sum_usec, other->sum_usec);
        m->max_usec = MAX(m->max_usec, other->max_usec);
        for (unsigned i = 0; i < METER_BUCKETS; i++)
                m->buckets[i] = (uint32_t)MIN((uint64_t)m->buckets[i] + other->buckets[i], (uint64_t)UINT32_MAX);
}

void meter_recent_get(const MeterRecent *m, uint64_t mono_usec, Meter *ret) {
        unsigned over = halves_over(m, mono_usec);

        memset(ret, 0, sizeof(*ret));
        if (over < 2)
                meter_merge(ret, &m->halves[m->present]);
        if (over < 1)
                meter_merge(ret, &m->halves[m->present ^ 1]);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/meter.h"

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

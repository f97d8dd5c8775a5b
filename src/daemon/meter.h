/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A histogram of durations: how late, how long. Fixed size, no allocation. */

#include "base/macros.h"

/* Four buckets for each power of two of microseconds, up to 2^32 us; the last holds everything beyond. */
#define METER_BUCKETS 124

typedef struct Meter {
        uint64_t n, max_usec, sum_usec;
        uint32_t buckets[METER_BUCKETS];
} Meter;

/* The recent past: what came in the present minute and the one before it. */
#define METER_RECENT_USEC (60 * USEC_PER_SEC)

typedef struct MeterRecent {
        Meter halves[2];
        uint64_t begin_usec; /* of the present one */
        unsigned present;
} MeterRecent;

void meter_add(Meter *m, uint64_t usec);
/* @mono_usec: now; must not run backwards. */
void meter_recent_add(MeterRecent *m, uint64_t mono_usec, uint64_t usec);
/* Both halves in one, for the functions below; empty where nothing came for two minutes. */
void meter_recent_get(const MeterRecent *m, uint64_t mono_usec, Meter *ret);
/* Upper bound of the bucket that @permyriad of all durations fall into; 0 while empty. */
uint64_t meter_quantile(const Meter *m, uint64_t permyriad);
uint64_t meter_mean(const Meter *m);

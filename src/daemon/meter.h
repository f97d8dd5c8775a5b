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

void meter_add(Meter *m, uint64_t usec);
/* Upper bound of the bucket that @permyriad of all durations fall into; 0 while empty. */
uint64_t meter_quantile(const Meter *m, uint64_t permyriad);
uint64_t meter_mean(const Meter *m);

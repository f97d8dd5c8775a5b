/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Mergeable histogram of byte amounts: exponential buckets, the first up to 1 MiB, each 5 % wider than the last, up to
 * beyond 64 TiB. Two of them add up bucket by bucket, so that a fleet's is the sum of its hosts'. A percentile is the upper
 * edge of its bucket, at most 5 % too high.
 */

#include "base/macros.h"

#define HISTOGRAM_BUCKETS 376

typedef struct Histogram {
        uint64_t weight[HISTOGRAM_BUCKETS];
        uint64_t total;
        uint64_t min, max; /* exact; min is UINT64_MAX while empty */
} Histogram;

void histogram_init(Histogram *h);
void histogram_add(Histogram *h, uint64_t bytes, uint64_t weight);
void histogram_merge(Histogram *h, const Histogram *other);
/* @permyriad: 5000 is the median. 0 for an empty one. Never beyond the exact max. */
uint64_t histogram_percentile(const Histogram *h, uint32_t permyriad);
/* Upper edge of bucket @i; UINT64_MAX for the last. Integers only, the same on each machine. */
uint64_t histogram_edge(uint32_t i);

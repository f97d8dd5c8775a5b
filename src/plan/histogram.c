/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/histogram.h"

#include <pthread.h>

/*
 * The edges are computed once, in integers: the next is the last plus a twentieth of it, rounded down. Rounding down
 * keeps each bucket within 5 %, and gives the same edges on each machine.
 */
#define FIRST_EDGE (UINT64_C(1) << 20)

static uint64_t edges[HISTOGRAM_BUCKETS];
static pthread_once_t edges_once = PTHREAD_ONCE_INIT;

static void edges_fill(void) {
        edges[0] = FIRST_EDGE;
        for (uint32_t i = 1; i < HISTOGRAM_BUCKETS; i++)
                edges[i] = edges[i - 1] + edges[i - 1] / 20;
        edges[HISTOGRAM_BUCKETS - 1] = UINT64_MAX;
}

/**
 * histogram_edge() - upper edge of a bucket, itself included
 * @i: 0 to HISTOGRAM_BUCKETS - 1
 *
 * Return: bytes; UINT64_MAX for the last bucket, and for a bucket that there is not.
 */
uint64_t histogram_edge(uint32_t i) {
        (void)pthread_once(&edges_once, edges_fill);
        return i < HISTOGRAM_BUCKETS ? edges[i] : UINT64_MAX;
}

/* The first bucket whose edge is not below @bytes. */
static uint32_t bucket_of(uint64_t bytes) {
        uint32_t low = 0, high = HISTOGRAM_BUCKETS - 1;

        (void)pthread_once(&edges_once, edges_fill);
        while (low < high) {
                uint32_t middle = (low + high) / 2;
                if (edges[middle] < bytes)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

void histogram_init(Histogram *h) {
        *h = (Histogram){ .min = UINT64_MAX };
}

/**
 * histogram_add() - count one amount
 * @bytes:  any amount
 * @weight: how much it counts, msec for what was seen over a time; 0 adds nothing, min and max included
 */
void histogram_add(Histogram *h, uint64_t bytes, uint64_t weight) {
        if (weight == 0)
                return;
        uint32_t i = bucket_of(bytes);
        h->weight[i] = u64_add_sat(h->weight[i], weight);
        h->total = u64_add_sat(h->total, weight);
        h->min = MIN(h->min, bytes);
        h->max = MAX(h->max, bytes);
}

/**
 * histogram_merge() - add up two histograms
 * @h:     becomes the sum; in any order and grouping the same, as long as no weight saturates
 * @other: may be empty
 */
void histogram_merge(Histogram *h, const Histogram *other) {
        if (other->total == 0)
                return;
        for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
                h->weight[i] = u64_add_sat(h->weight[i], other->weight[i]);
        h->total = u64_add_sat(h->total, other->total);
        h->min = MIN(h->min, other->min);
        h->max = MAX(h->max, other->max);
}

/**
 * histogram_percentile() - the amount that so much of the weight does not exceed
 * @permyriad: 0 to 10000; 0 is the least amount, 10000 the exact greatest
 *
 * Return: bytes, the upper edge of the bucket, within what was really added; 0 for an empty one.
 */
uint64_t histogram_percentile(const Histogram *h, uint32_t permyriad) {
        unsigned __int128 sum = 0, wanted;

        if (h->total == 0)
                return 0;
        if (permyriad == 0)
                return h->min;
        wanted = (unsigned __int128)h->total * MIN(permyriad, (uint32_t)PERMYRIAD);
        for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
                sum += h->weight[i];
                if (sum * PERMYRIAD >= wanted)
                        return MAX(h->min, MIN(h->max, histogram_edge(i)));
        }
        return h->max;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/slope.h"

#include <math.h>

#define POINTS_MIN    5
#define RESAMPLES_MAX 400
#define PAIRS_MAX     (SLOPE_POINTS_MAX * (SLOPE_POINTS_MAX - 1) / 2)

/* xorshift64*: not for secrets, the same on each machine. */
static uint64_t random_next(uint64_t *state) {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        return *state * UINT64_C(2685821657736338717);
}

/* The k-th smallest; reorders @v (Hoare's selection). */
static double select_kth(double *v, size_t n, size_t k) {
        size_t low = 0, high = n - 1;

        while (low < high) {
                double pivot = v[low + (high - low) / 2];
                size_t i = low, j = high;
                for (;;) {
                        while (v[i] < pivot)
                                i++;
                        while (v[j] > pivot)
                                j--;
                        if (i >= j)
                                break;
                        double t = v[i];
                        v[i++] = v[j];
                        v[j--] = t;
                }
                /* Everything up to j is at most the pivot, everything from j + 1 on at least. */
                if (k <= j)
                        high = j;
                else
                        low = j + 1;
        }
        return v[k];
}

static double median_slope(const SlopePoint *p, uint32_t n) {
        double slopes[PAIRS_MAX];
        size_t m = 0;

        for (uint32_t i = 0; i < n; i++)
                for (uint32_t j = i + 1; j < n; j++)
                        if (p[j].x > p[i].x)
                                slopes[m++] = (p[j].y - p[i].y) / (p[j].x - p[i].x);
        return m > 0 ? select_kth(slopes, m, m / 2) : 0;
}

static double median_offset(const SlopePoint *p, uint32_t n, double slope) {
        double offsets[SLOPE_POINTS_MAX];

        for (uint32_t i = 0; i < n; i++)
                offsets[i] = p[i].y - slope * p[i].x;
        return select_kth(offsets, n, n / 2);
}

static void bootstrap(const SlopePoint *p, uint32_t n, uint32_t n_resamples, Slope *s) {
        double slopes[RESAMPLES_MAX], residuals[SLOPE_POINTS_MAX];
        SlopePoint again[SLOPE_POINTS_MAX];
        uint32_t block = MAX((uint32_t)2, (uint32_t)lround(sqrt(n)));
        uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

        for (uint32_t i = 0; i < n; i++)
                residuals[i] = p[i].y - s->offset - s->slope * p[i].x;
        for (uint32_t r = 0; r < n_resamples; r++) {
                for (uint32_t i = 0; i < n;) {
                        uint32_t from = (uint32_t)(random_next(&state) >> 33) % (n - block + 1);
                        for (uint32_t k = 0; k < block && i < n; k++, i++)
                                again[i] = (SlopePoint){ p[i].x,
                                                         s->offset + s->slope * p[i].x + residuals[from + k] };
                }
                slopes[r] = median_slope(again, n);
        }
        s->low = select_kth(slopes, n_resamples, n_resamples / 20);
        s->high = select_kth(slopes, n_resamples, n_resamples - 1 - n_resamples / 20);
}

bool slope_fit(const SlopePoint *points, uint32_t n, uint32_t n_resamples, Slope *ret) {
        Slope s;

        if (n < POINTS_MIN || n > SLOPE_POINTS_MAX)
                return false;
        s.slope = median_slope(points, n);
        s.offset = median_offset(points, n, s.slope);
        s.low = s.high = s.slope;
        if (n_resamples > 0)
                bootstrap(points, n, MIN(n_resamples, (uint32_t)RESAMPLES_MAX), &s);
        *ret = s;
        return true;
}

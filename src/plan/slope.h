/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The Theil-Sen slope: the median of the slopes between all pairs of points. A burst moves it little, where a least
 * squares line would follow. Its interval comes from a moving-block bootstrap of the residuals, since neighbouring samples
 * of memory are alike, and a bootstrap that takes them for independent would be far too sure.
 */

#include "base/macros.h"

#define SLOPE_POINTS_MAX 48

typedef struct SlopePoint {
        double x, y;
} SlopePoint;

typedef struct Slope {
        double slope, offset; /* y = offset + slope * x */
        double low, high;     /* 90 % interval of the slope */
} Slope;

/*
 * @n: 5 to SLOPE_POINTS_MAX points, with growing x; @n_resamples: 0 for no interval (low and high are then the slope).
 * The same points give the same result: the random numbers begin with a constant. False where there are too few points.
 */
bool slope_fit(const SlopePoint *points, uint32_t n, uint32_t n_resamples, Slope *ret);

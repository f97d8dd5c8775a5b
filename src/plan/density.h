/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How many more copies of a cgroup fit on the host. Three answers: the sum of peaks, which never lies low; N sigma, with
 * the correlation between copies taken from the trace, or 1 where it holds one copy only; and the recorded course itself
 * with more copies of it laid on top of each other.
 */

#include "base/macros.h"
#include "model/snapshot.h"

#define DENSITY_STEPS 25

typedef struct DensityPeak {
        uint64_t bytes, axis_usec, real_usec;
} DensityPeak;

typedef struct DensityTrack {
        const char *pattern;       /* borrowed */
        uint64_t n_samples;
        uint32_t n_copies_max;
        uint64_t copy_peak_bytes;  /* the larger of two estimators, of any copy */
        uint64_t base_peak_bytes;  /* demand of the host without all copies */
        uint64_t total_bytes, usable_swap_bytes;
        uint64_t parent_limit_bytes; /* least memory.max above a copy; CGROUP_NO_LIMIT */
        char parent_path[CGROUP_PATH_MAX];
        uint64_t parent_peak_bytes;  /* of that parent without the copies, unreclaimable */
        /* ESTIMATE_ACTIVE of copies, MiB: sums for mean, variance, and covariance between copies */
        double n_values, sum, sum_squares;
        double n_pairs, sum_pairs;
        DensityPeak peaks[DENSITY_STEPS]; /* of the host with density_step(i) more copies, by ESTIMATE_FLOOR + swap */
} DensityTrack;

typedef struct DensityResult {
        bool has_copy;             /* the pattern matched something that could be measured */
        uint64_t reserve_bytes, budget_bytes, budget_swap_bytes; /* for all copies; without and with swap */
        double mean_bytes, sigma_bytes, correlation;
        bool is_correlation_estimated;
        uint64_t n_conservative;   /* more copies, by the sum of peaks in RAM */
        uint64_t n_sigma[4];       /* more copies with k = 2, 3, 4, 5, in RAM and swap */
        uint64_t n_recorded;       /* more copies, all as recorded at the same time; in RAM */
        bool is_parent_limited;    /* memory.max of the parent, not the host, is the least */
        uint64_t n_parent;
        uint64_t break_copies;     /* where the recorded course breaks first: with so many more */
        DensityPeak break_peak;
} DensityResult;

void density_init(DensityTrack *d, const char *pattern);
void density_add(DensityTrack *d, const Snapshot *s, uint64_t axis_usec);
void density_result(const DensityTrack *d, DensityResult *ret);
/* n with n * mean + k * sigma_n <= @budget, sigma_n^2 = n sigma^2 (1 + (n - 1) r); all in the same unit. */
uint64_t density_n_sigma(double budget, double mean, double sigma, double correlation, double k);
uint32_t density_step(uint32_t i);

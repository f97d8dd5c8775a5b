/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/density.h"

#include <math.h>
#include <string.h>

#include "config/match.h"
#include "plan/estimate.h"

#define MIB (1024.0 * 1024.0)
/* Nobody plans for more copies of one thing on one host; it also ends the search where a copy is next to nothing. */
#define COPIES_MAX 100000
/* Kept free beyond what the load takes: the low watermarks are in MemAvailable already. */
#define RESERVE_PERMYRIAD 300

uint32_t density_step(uint32_t i) {
        static const uint32_t steps[DENSITY_STEPS] = { 1,  2,  3,  4,  5,  6,   8,   10,  12,  16,  20,   24,  32,
                                                       40, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048, 4096 };
        return i < DENSITY_STEPS ? steps[i] : UINT32_MAX;
}

void density_init(DensityTrack *d, const char *pattern) {
        *d = (DensityTrack){ .pattern = pattern, .parent_limit_bytes = CGROUP_NO_LIMIT };
}

static bool is_copy(const DensityTrack *d, const CgroupSample *c) {
        const char *path = c->path[0] == '/' ? c->path + 1 : c->path;
        return path[0] != '\0' && glob_match(d->pattern, path, strlen(path), GLOB_PATH);
}

static uint64_t unreclaimable(const CgroupSample *c, uint64_t floor) {
        return u64_add_sat(floor, cgroup_has(c, CGROUP_SWAP_CURRENT) ? c->value[CGROUP_SWAP_CURRENT] : 0);
}

/* The tightest limit above a copy; a sibling slice's is none of its business. */
static void note_parent(DensityTrack *d, const Snapshot *s, const CgroupSample *c, uint64_t copies_floor) {
        uint32_t hops = 0;

        for (uint32_t i = c->parent; i < s->n_cgroups && hops < 32; i = s->cgroups[i].parent, hops++) {
                const CgroupSample *p = &s->cgroups[i];
                uint64_t floor = 0;
                if (!cgroup_has(p, CGROUP_MAX) || p->value[CGROUP_MAX] == CGROUP_NO_LIMIT ||
                    p->value[CGROUP_MAX] > d->parent_limit_bytes || strlen(p->path) >= sizeof(d->parent_path))
                        continue;
                if (strcmp(p->path, d->parent_path) != 0)
                        d->parent_peak_bytes = 0;
                d->parent_limit_bytes = p->value[CGROUP_MAX];
                memcpy(d->parent_path, p->path, strlen(p->path) + 1);
                if (estimate(p, ESTIMATE_FLOOR, &floor))
                        d->parent_peak_bytes = MAX(d->parent_peak_bytes, u64_sub_sat(floor, copies_floor));
        }
}

typedef struct Copies {
        uint32_t n;
        uint64_t floor; /* with swap */
        double sum, sum_squares;
        const CgroupSample *first;
} Copies;

static Copies find_copies(DensityTrack *d, const Snapshot *s) {
        Copies all = { 0 };

        for (uint32_t i = 0; i < s->n_cgroups; i++) {
                const CgroupSample *c = &s->cgroups[i];
                uint64_t active, floor, other = 0;
                if (!is_copy(d, c) || !estimate(c, ESTIMATE_ACTIVE, &active) || !estimate(c, ESTIMATE_FLOOR, &floor))
                        continue;
                (void)estimate(c, ESTIMATE_NOT_INACTIVE, &other);
                d->copy_peak_bytes = MAX(d->copy_peak_bytes, MAX(active, other));
                double mib = (double)active / MIB;
                all.sum += mib;
                all.sum_squares += mib * mib;
                all.floor = u64_add_sat(all.floor, unreclaimable(c, floor));
                if (!all.first)
                        all.first = c;
                all.n++;
        }
        return all;
}

void density_add(DensityTrack *d, const Snapshot *s, uint64_t axis_usec) {
        uint64_t demand;

        if (!host_need(&s->host, &demand))
                return;
        d->total_bytes = s->host.value[HOST_MEM_TOTAL];
        d->usable_swap_bytes = MAX(d->usable_swap_bytes, host_usable_swap(&s->host));
        Copies all = find_copies(d, s);
        if (all.n == 0)
                return;
        d->n_samples++;
        d->n_copies_max = MAX(d->n_copies_max, all.n);
        d->n_values += all.n;
        d->sum += all.sum;
        d->sum_squares += all.sum_squares;
        if (all.n > 1) {
                d->n_pairs += (double)all.n * (all.n - 1);
                d->sum_pairs += all.sum * all.sum - all.sum_squares;
        }
        d->base_peak_bytes = MAX(d->base_peak_bytes, u64_sub_sat(demand, all.floor));
        note_parent(d, s, all.first, all.floor);
        for (uint32_t i = 0; i < DENSITY_STEPS; i++) {
                uint64_t more = u64_mul_div(all.floor, density_step(i), all.n), bytes = u64_add_sat(demand, more);
                if (bytes > d->peaks[i].bytes)
                        d->peaks[i] = (DensityPeak){ bytes, axis_usec, s->real_usec };
        }
}

uint64_t density_n_sigma(double budget, double mean, double sigma, double r, double k) {
        uint64_t low = 0, high = COPIES_MAX;

        if (budget <= 0)
                return 0;
        /* The need grows with n, so that the greatest n that fits is found by halving; r = 0 is planning's closed form. */
        while (low < high) {
                uint64_t n = low + (high - low + 1) / 2;
                double x = (double)n, need = x * mean + k * sigma * sqrt(x * (1 + (x - 1) * r));
                if (need <= budget)
                        low = n;
                else
                        high = n - 1;
        }
        return low;
}

/* Copies differ by r between 0 and 1; less than 0 would be luck to rely on. */
static void moments(const DensityTrack *d, DensityResult *r) {
        double mean = d->sum / d->n_values, variance = d->sum_squares / d->n_values - mean * mean;

        variance = variance > 0 ? variance : 0;
        r->mean_bytes = mean * MIB;
        r->sigma_bytes = sqrt(variance) * MIB;
        r->correlation = 1;
        r->is_correlation_estimated = d->n_pairs > 0 && d->n_samples >= 30 && variance > 0;
        if (r->is_correlation_estimated) {
                double covariance = d->sum_pairs / d->n_pairs - mean * mean;
                r->correlation = fmin(1, fmax(0, covariance / variance));
        }
}

static uint64_t more_than(uint64_t n, uint32_t there) {
        return n > there ? n - there : 0;
}

/* Between two of the steps the peak is taken for a straight line: it is convex in the number of copies, so this errs safely. */
static uint64_t recorded(const DensityTrack *d, uint64_t room, DensityResult *r) {
        uint64_t before = 0;
        double before_bytes = d->peaks[0].bytes > 0 ? 0 : 1;

        for (uint32_t i = 0; i < DENSITY_STEPS; i++) {
                uint64_t n = density_step(i), bytes = d->peaks[i].bytes;
                if (bytes > room) {
                        uint64_t fits = before;
                        if (i > 0 && (double)bytes > before_bytes)
                                fits += (uint64_t)(((double)room - before_bytes) / ((double)bytes - before_bytes) *
                                                   (double)(n - before));
                        r->break_copies = n;
                        r->break_peak = d->peaks[i];
                        return MIN(fits, n - 1);
                }
                before = n;
                before_bytes = (double)bytes;
        }
        return before;
}

void density_result(const DensityTrack *d, DensityResult *ret) {
        DensityResult r = { .has_copy = d->n_samples > 0 && d->copy_peak_bytes > 0, .n_parent = UINT64_MAX };

        if (r.has_copy) {
                r.reserve_bytes = u64_mul_div(d->total_bytes, RESERVE_PERMYRIAD, PERMYRIAD);
                uint64_t room = u64_sub_sat(d->total_bytes, r.reserve_bytes);
                r.budget_bytes = u64_sub_sat(room, d->base_peak_bytes);
                r.budget_swap_bytes = u64_sub_sat(u64_add_sat(room, d->usable_swap_bytes), d->base_peak_bytes);
                moments(d, &r);
                r.n_conservative = more_than(MIN(r.budget_bytes / d->copy_peak_bytes, (uint64_t)COPIES_MAX), d->n_copies_max);
                for (uint32_t k = 0; k < ARRAY_SIZE(r.n_sigma); k++)
                        r.n_sigma[k] = more_than(density_n_sigma((double)r.budget_swap_bytes, r.mean_bytes,
                                                                 r.sigma_bytes, r.correlation, k + 2),
                                                 d->n_copies_max);
                r.n_recorded = recorded(d, room, &r);
                if (d->parent_limit_bytes != CGROUP_NO_LIMIT) {
                        uint64_t parent_room = u64_sub_sat(d->parent_limit_bytes, d->parent_peak_bytes);
                        r.n_parent = more_than(parent_room / d->copy_peak_bytes, d->n_copies_max);
                        r.is_parent_limited = r.n_parent < r.n_conservative;
                }
        }
        *ret = r;
}

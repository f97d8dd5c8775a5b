/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/stats-cgroup.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "plan/round.h"

#define DAY_USEC      (UINT64_C(86400) * USEC_PER_SEC)
/* Peaks are taken over this time where the kernel does not reset memory.peak: long enough for a burst to count once. */
#define INTERVAL_USEC (60 * USEC_PER_SEC)
/* A detailed sample stands for the time since the last one, but for no more than this. */
#define WEIGHT_MAX    (60 * USEC_PER_SEC)

void cgroup_table_done(CgroupTable *t) {
        for (uint32_t i = 0; i < t->n_cgroups; i++) {
                free(t->cgroups[i]->path);
                free(t->cgroups[i]);
        }
        free(t->cgroups);
        free(t->index);
        *t = (CgroupTable){ 0 };
}

static uint32_t slot_of(const CgroupTable *t, const char *path) {
        uint64_t h = text_hash(TEXT_HASH_INIT, path, strlen(path));
        uint32_t i = (uint32_t)(h ^ h >> 32) & (t->n_index - 1);

        while (t->index[i] != INDEX_NONE && strcmp(t->cgroups[t->index[i]]->path, path) != 0)
                i = (i + 1) & (t->n_index - 1);
        return i;
}

const CgroupStats *cgroup_table_find(const CgroupTable *t, const char *path) {
        if (t->n_index == 0)
                return NULL;
        uint32_t i = t->index[slot_of(t, path)];
        return i == INDEX_NONE ? NULL : t->cgroups[i];
}

static int table_init(CgroupTable *t) {
        t->n_index = 4 * PLAN_CGROUPS_MAX;
        t->index = malloc(t->n_index * sizeof(*t->index));
        t->cgroups = calloc(PLAN_CGROUPS_MAX, sizeof(CgroupStats *));
        if (!t->index || !t->cgroups) {
                t->n_index = 0;
                return -ENOMEM;
        }
        memset(t->index, 0xff, t->n_index * sizeof(*t->index));
        return 0;
}

/* NULL in *ret for one too many. */
static int table_get(CgroupTable *t, const char *path, CgroupStats **ret) {
        if (t->n_index == 0 && table_init(t) < 0)
                return -ENOMEM;
        uint32_t slot = slot_of(t, path);
        if (t->index[slot] != INDEX_NONE) {
                *ret = t->cgroups[t->index[slot]];
                return 0;
        }
        *ret = NULL;
        if (t->n_cgroups == PLAN_CGROUPS_MAX) {
                t->n_untracked++;
                return 0;
        }
        CgroupStats *c = calloc(1, sizeof(*c));
        if (!c || !(c->path = strdup(path))) {
                free(c);
                return -ENOMEM;
        }
        for (Estimator e = 0; e < _ESTIMATOR_MAX; e++)
                histogram_init(&c->estimates[e]);
        c->limit_min = c->high_min = CGROUP_NO_LIMIT;
        t->index[slot] = t->n_cgroups;
        t->cgroups[t->n_cgroups++] = c;
        *ret = c;
        return 0;
}

static void add_day(CgroupStats *c, uint64_t axis_usec, uint64_t bytes) {
        uint64_t day = axis_usec / DAY_USEC;

        /* Days without a sample are no days with little: they leave no entry. */
        if (c->n_days == 0 || day != c->day) {
                if (c->n_days == PLAN_DAYS_MAX)
                        memmove(c->day_peaks, c->day_peaks + 1, (PLAN_DAYS_MAX - 1) * sizeof(uint64_t));
                else
                        c->n_days++;
                c->day_peaks[c->n_days - 1] = 0;
                c->day = day;
        }
        c->day_peaks[c->n_days - 1] = MAX(c->day_peaks[c->n_days - 1], bytes);
}

static void close_interval(CgroupStats *c) {
        if (c->interval_max > 0 && !c->is_peak_reset)
                histogram_add(&c->estimates[ESTIMATE_PEAK], c->interval_max, 1);
        c->interval_max = 0;
}

static void add_peak(CgroupStats *c, const CgroupSample *s, uint64_t axis_usec) {
        uint64_t bytes = cgroup_has(s, CGROUP_CURRENT) ? s->value[CGROUP_CURRENT] : 0;

        if (cgroup_has(s, CGROUP_PEAK)) {
                uint64_t peak = s->value[CGROUP_PEAK];
                if (peak < c->latest_peak && s->id == c->id && !c->is_peak_reset) {
                        /* It is reset for each interval; what was sampled so far was the poorer measure of the same. */
                        c->is_peak_reset = true;
                        histogram_init(&c->estimates[ESTIMATE_PEAK]);
                        histogram_add(&c->estimates[ESTIMATE_PEAK], c->latest_peak, 1);
                }
                c->latest_peak = peak;
                c->lifetime_peak = MAX(c->lifetime_peak, peak);
                if (c->is_peak_reset) {
                        histogram_add(&c->estimates[ESTIMATE_PEAK], peak, 1);
                        add_day(c, axis_usec, peak);
                }
        }
        if (bytes == 0)
                return;
        if (axis_usec >= c->interval_end_usec) {
                close_interval(c);
                c->interval_end_usec = axis_usec + INTERVAL_USEC;
        }
        c->interval_max = MAX(c->interval_max, bytes);
        add_day(c, axis_usec, bytes);
}

/* What a counter has grown by since the sample before; 0 where that is not known. */
static uint64_t grown(uint64_t now, bool *has_last, uint64_t *last) {
        uint64_t n = *has_last ? u64_sub_sat(now, *last) : 0;

        *has_last = true;
        *last = now;
        return n;
}

/* Counters of the same cgroup, without a gap in between, never fall: where one does, the difference is dropped. */
static void add_counters(CgroupStats *c, const CgroupSample *s, bool is_same) {
        if (!is_same)
                c->has_last_full = c->has_last_oom_kill = c->has_last_max = false;
        if (cgroup_has(s, CGROUP_PSI_FULL_USEC)) {
                c->has_psi = true;
                c->stall_usec = u64_add_sat(c->stall_usec, grown(s->value[CGROUP_PSI_FULL_USEC], &c->has_last_full, &c->last_full_usec));
        }
        if (cgroup_has(s, CGROUP_EVENT_OOM_KILL)) {
                uint64_t n = grown(s->value[CGROUP_EVENT_OOM_KILL], &c->has_last_oom_kill, &c->last_oom_kill);
                c->n_oom_kills = u64_add_sat(c->n_oom_kills, n);
                /* As VPA: what it was killed at was not enough. */
                if (n > 0 && c->n_days > 0) {
                        uint64_t *day = &c->day_peaks[c->n_days - 1];
                        *day = MAX(u64_add_sat(*day, *day / 5), u64_add_sat(*day, UINT64_C(100) << 20));
                }
        }
        if (cgroup_has(s, CGROUP_EVENT_MAX))
                c->n_max_events = u64_add_sat(c->n_max_events, grown(s->value[CGROUP_EVENT_MAX], &c->has_last_max, &c->last_max));
}

static void add_limits(CgroupStats *c, const CgroupSample *s) {
        if (cgroup_has(s, CGROUP_MAX))
                c->limit_min = MIN(c->limit_min, s->value[CGROUP_MAX]);
        if (cgroup_has(s, CGROUP_HIGH))
                c->high_min = MIN(c->high_min, s->value[CGROUP_HIGH]);
        if (cgroup_has(s, CGROUP_LOW))
                c->low_latest = s->value[CGROUP_LOW];
        if (cgroup_has(s, CGROUP_SWAP_CURRENT))
                c->swap_peak = MAX(c->swap_peak, s->value[CGROUP_SWAP_CURRENT]);
}

static void add_moment(CgroupStats *c, uint64_t bytes) {
        double delta = (double)bytes - c->mean;

        c->n_moments++;
        c->mean += delta / (double)c->n_moments;
        c->m2 += delta * ((double)bytes - c->mean);
}

static void add_sample(CgroupStats *c, const CgroupSample *s, uint64_t axis_usec, uint64_t n_gaps) {
        bool is_same = c->n_samples > 0 && s->id == c->id && c->n_gaps == n_gaps;
        uint64_t weight = USEC_PER_MSEC, bytes;

        if (c->n_samples == 0 || s->id != c->id) {
                c->n_created++;
                c->latest_peak = 0;
        } else if (is_same && c->seen_usec > 0) {
                weight = MIN(axis_usec + 1 - c->seen_usec, WEIGHT_MAX);
                c->observed_usec += weight;
        }
        add_peak(c, s, axis_usec);
        for (Estimator e = 0; e < _ESTIMATOR_MAX; e++)
                if (estimate(s, e, &bytes))
                        histogram_add(&c->estimates[e], bytes, MAX(weight / USEC_PER_MSEC, (uint64_t)1));
        if (estimate(s, ESTIMATE_ACTIVE, &bytes))
                add_moment(c, bytes);
        add_counters(c, s, is_same);
        add_limits(c, s);
        c->id = s->id;
        c->n_gaps = n_gaps;
        c->n_samples++;
        c->seen_usec = axis_usec + 1;
}

int cgroup_table_add(CgroupTable *t, const Snapshot *s, uint64_t axis_usec, bool is_gap) {
        /* Counted, since the sample behind the gap does not hold each of them. */
        t->n_gaps += is_gap;
        for (uint32_t i = 0; i < s->n_cgroups; i++) {
                const CgroupSample *sample = &s->cgroups[i];
                CgroupStats *c;
                /* The root has no memory.current; it is the host. */
                if (strcmp(sample->path, "/") == 0 || !cgroup_has(sample, CGROUP_CURRENT))
                        continue;
                int r = table_get(t, sample->path, &c);
                if (r < 0)
                        return r;
                if (c)
                        add_sample(c, sample, axis_usec, t->n_gaps);
        }
        return 0;
}

void cgroup_table_finish(CgroupTable *t) {
        for (uint32_t i = 0; i < t->n_cgroups; i++)
                close_interval(t->cgroups[i]);
}

/* ---- what VPA would say ---- */

static int by_bytes(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
        return x < y ? -1 : x > y;
}

/* Weights halve with each day back. Sorted pairs would do; with eight days counting is as good. */
static uint64_t decayed_percentile(const CgroupStats *c, uint32_t percent) {
        uint64_t sorted[PLAN_DAYS_MAX], total = 0;

        memcpy(sorted, c->day_peaks, sizeof(sorted));
        qsort(sorted, c->n_days, sizeof(uint64_t), by_bytes);
        for (uint32_t d = 0; d < c->n_days; d++)
                total += UINT64_C(1) << d;
        for (uint32_t i = 0; i < c->n_days; i++) {
                uint64_t below = 0;
                for (uint32_t d = 0; d < c->n_days; d++)
                        if (c->day_peaks[d] <= sorted[i])
                                below += UINT64_C(1) << d;
                if (below * 100 >= total * percent)
                        return sorted[i];
        }
        return sorted[c->n_days - 1];
}

bool cgroup_vpa(const CgroupStats *c, VpaAdvice *ret) {
        const uint64_t least = UINT64_C(250) << 20; /* VPA's --pod-recommendation-min-memory-mb */

        if (c->n_days == 0)
                return false;
        double days = (double)c->observed_usec / (double)DAY_USEC;
        days = days > 1e-3 ? days : 1e-3;
        double lower = (double)decayed_percentile(c, 50) * 1.15 * pow(1 + 0.001 / days, -2);
        double target = (double)decayed_percentile(c, 90) * 1.15;
        double upper = (double)decayed_percentile(c, 95) * 1.15 * (1 + 1 / days);
        ret->lower_bytes = MAX(least, u64_of_double(lower));
        ret->target_bytes = MAX(least, u64_of_double(target));
        ret->upper_bytes = MAX(least, u64_of_double(upper));
        return true;
}

double cgroup_sigma(const CgroupStats *c) {
        return c->n_moments > 1 ? sqrt(c->m2 / (double)(c->n_moments - 1)) : 0;
}

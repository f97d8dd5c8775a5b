/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/advise.h"

#include <string.h>

#define MIB          (UINT64_C(1) << 20)
#define NEED_MIN     (16 * MIB)
#define MAX_MIN      (32 * MIB)
#define DAY_USEC     (UINT64_C(86400) * USEC_PER_SEC)
#define MARGIN       1000 /* permyriad; Autopilot's and VPA's are 10 to 15 % */
#define MARGIN_SHORT 1500
/* MemoryHigh= above the comfortable size: the throttle shall be felt in trouble only. */
#define HIGH_MARGIN  500

const char *advice_skip_to_string(AdviceSkip s) {
        static const char *const names[] = {
                [ADVICE_GIVEN] = "given",
                [ADVICE_NOT_A_UNIT] = "not-a-unit",
                [ADVICE_USER_MANAGER] = "unit-of-a-user-manager",
                [ADVICE_ESSENTIAL] = "essential",
                [ADVICE_NO_STATS] = "no-memory.stat-in-this-trace",
                [ADVICE_TOO_SMALL] = "small",
                [ADVICE_SESSION] = "transient-session",
        };
        return (size_t)s < ARRAY_SIZE(names) ? names[s] : NULL;
}

/* systemd's VALID_CHARS, less the slash. Names come from the trace: nothing else may become a file name. */
static bool is_unit_char(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr(":-_.\\@", c));
}

bool advice_unit_name(const char *path, char *ret) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        size_t n = strlen(name);

        if (n == 0 || n >= UNIT_NAME_MAX || name[0] == '.')
                return false;
        for (size_t i = 0; i < n; i++)
                if (!is_unit_char(name[i]))
                        return false;
        bool is_unit = text_has_suffix(name, ".service") || text_has_suffix(name, ".scope") ||
                       text_has_suffix(name, ".slice");
        if (is_unit)
                memcpy(ret, name, n + 1);
        return is_unit;
}

/*
 * systemd puts each of its units into slices and nothing else. What lies deeper, in a container or in a subtree that was
 * delegated, only looks like a unit of this host: a drop-in would meet another one of the same name.
 */
static bool is_in_slices(const char *path) {
        for (const char *p = path, *end; (end = strchr(p, '/')); p = end + 1)
                if (end > p && (end - p < 6 || strncmp(end - 6, ".slice", 6) != 0))
                        return false;
        return true;
}

static AdviceSkip skip_by_name(const CgroupStats *c, Advice *a) {
        if (!advice_unit_name(c->path, a->unit))
                return ADVICE_NOT_A_UNIT;
        a->is_slice = text_has_suffix(a->unit, ".slice");
        if (!is_in_slices(c->path))
                return strstr(c->path, ".service/") && strstr(c->path, "/user@") ? ADVICE_USER_MANAGER : ADVICE_NOT_A_UNIT;
        if (strcmp(a->unit, "init.scope") == 0 || strcmp(a->unit, "-.slice") == 0 ||
            strcmp(a->unit, "headroomd.service") == 0)
                return ADVICE_ESSENTIAL;
        if (text_has_prefix(a->unit, "session-") && text_has_suffix(a->unit, ".scope"))
                return ADVICE_SESSION;
        return ADVICE_GIVEN;
}

static uint64_t round_up_mib(uint64_t bytes) {
        return bytes > UINT64_MAX - MIB ? UINT64_MAX : (bytes + MIB - 1) / MIB * MIB;
}

static uint64_t with_margin(uint64_t bytes, uint64_t permyriad) {
        return u64_add_sat(bytes, u64_mul_div(bytes, permyriad, PERMYRIAD));
}

static void advise_one(const CgroupStats *c, Advice *a) {
        const Histogram *e = c->estimates;
        VpaAdvice vpa;

        *a = (Advice){ .cgroup = c };
        a->skip = skip_by_name(c, a);
        if (a->skip != ADVICE_GIVEN)
                return;
        if (e[ESTIMATE_FLOOR].total == 0 || e[ESTIMATE_NOT_INACTIVE].total == 0) {
                a->skip = ADVICE_NO_STATS;
                return;
        }
        a->floor_peak_bytes = e[ESTIMATE_FLOOR].max;
        a->comfortable_bytes = histogram_percentile(&e[ESTIMATE_NOT_INACTIVE], 9900);
        a->need_bytes = histogram_percentile(&e[ESTIMATE_ACTIVE], 5000);
        a->peak_bytes = MAX(e[ESTIMATE_NOT_INACTIVE].max, a->floor_peak_bytes);
        a->is_short = c->observed_usec < DAY_USEC;
        a->margin_permyriad = a->is_short ? MARGIN_SHORT : MARGIN;
        a->was_limited = c->n_oom_kills > 0 || c->n_max_events > 0;
        if (a->peak_bytes < NEED_MIN) {
                a->skip = ADVICE_TOO_SMALL;
                return;
        }
        a->max_bytes = with_margin(a->peak_bytes, a->margin_permyriad);
        /* What it was killed at is no measure of what it needs: as VPA does, its sample plus a fifth. */
        if (c->n_oom_kills > 0 && cgroup_vpa(c, &vpa))
                a->max_bytes = MAX(a->max_bytes, vpa.target_bytes);
        a->max_bytes = MAX(round_up_mib(a->max_bytes), MAX_MIN);
        a->high_bytes = with_margin(MAX(a->comfortable_bytes, a->floor_peak_bytes), HIGH_MARGIN);
        a->high_bytes = MIN(round_up_mib(a->high_bytes), a->max_bytes);
        a->low_bytes = MIN(round_up_mib(MAX(a->need_bytes, histogram_percentile(&e[ESTIMATE_FLOOR], 5000))), a->high_bytes);
}

/* memory.low holds only as far as each ancestor grants it. */
static void add_to_slices(AdviceList *l, const Advice *unit) {
        for (uint32_t i = 0; i < l->n; i++) {
                Advice *s = &l->advices[i];
                size_t n = strlen(s->cgroup->path);
                if (s->skip == ADVICE_GIVEN && s->is_slice && strncmp(unit->cgroup->path, s->cgroup->path, n) == 0 &&
                    unit->cgroup->path[n] == '/')
                        s->low_bytes = u64_add_sat(s->low_bytes, unit->low_bytes);
        }
}

static int by_skip_then_peak(const void *a, const void *b) {
        const Advice *x = a, *y = b;

        if ((x->skip == ADVICE_GIVEN) != (y->skip == ADVICE_GIVEN))
                return x->skip == ADVICE_GIVEN ? -1 : 1;
        if (x->is_slice != y->is_slice)
                return x->is_slice ? 1 : -1;
        if (x->peak_bytes != y->peak_bytes)
                return x->peak_bytes > y->peak_bytes ? -1 : 1;
        return strcmp(x->cgroup->path, y->cgroup->path);
}

int advise(const CgroupTable *stats, AdviceList *ret) {
        AdviceList l = { .n = stats->n_cgroups };

        l.advices = calloc(MAX(l.n, UINT32_C(1)), sizeof(Advice));
        if (!l.advices)
                return -ENOMEM;
        for (uint32_t i = 0; i < l.n; i++) {
                advise_one(stats->cgroups[i], &l.advices[i]);
                if (l.advices[i].is_slice)
                        l.advices[i].low_bytes = l.advices[i].high_bytes = l.advices[i].max_bytes = 0;
        }
        for (uint32_t i = 0; i < l.n; i++) {
                const Advice *a = &l.advices[i];
                if (a->skip != ADVICE_GIVEN || a->is_slice)
                        continue;
                add_to_slices(&l, a);
                l.low_sum_bytes = u64_add_sat(l.low_sum_bytes, a->low_bytes);
        }
        for (uint32_t i = 0; i < l.n; i++)
                if (l.advices[i].is_slice && l.advices[i].skip == ADVICE_GIVEN && l.advices[i].low_bytes == 0)
                        l.advices[i].skip = ADVICE_TOO_SMALL;
        if (l.n > 1)
                qsort(l.advices, l.n, sizeof(Advice), by_skip_then_peak);
        while (l.n_given < l.n && l.advices[l.n_given].skip == ADVICE_GIVEN)
                l.n_given++;
        *ret = l;
        return 0;
}

void advice_list_done(AdviceList *l) {
        free(l->advices);
        *l = (AdviceList){ 0 };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/import.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define STEP_DEFAULT_USEC (15 * USEC_PER_SEC)
#define STEP_MIN_USEC     (100 * USEC_PER_MSEC)
/* As Prometheus itself has it. */
#define HOLD_MAX_USEC (300 * USEC_PER_SEC)
/* Counters of pages are in the pages of that host; what is imported does not say how big these are. */
#define PAGE_SIZE_ASSUMED 4096
/* At the end of fifteen seconds the average over ten counts their beginning a fifth: longer ones it does not tell. */
#define AVG10_STEP_MAX_USEC (15 * USEC_PER_SEC)

/* ---- finishing ---- */

static int compare_points(const void *a, const void *b) {
        const ImportPoint *p = a, *q = b;
        return p->real_usec < q->real_usec ? -1 : p->real_usec > q->real_usec;
}

static int compare_u64(const void *a, const void *b) {
        const uint64_t *p = a, *q = b;
        return *p < *q ? -1 : *p > *q;
}

static int compare_paths(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The median time between two points; 0 where there are no two. */
static int step_of(const ImportSeries *s, uint64_t *ret) {
        if (s->n < 2) {
                *ret = 0;
                return 0;
        }
        _cleanup_free_ uint64_t *deltas = malloc((s->n - 1) * sizeof(*deltas));
        if (!deltas)
                return -ENOMEM;
        for (size_t i = 1; i < s->n; i++)
                deltas[i - 1] = s->points[i].real_usec - s->points[i - 1].real_usec;
        qsort(deltas, s->n - 1, sizeof(*deltas), compare_u64);
        *ret = deltas[(s->n - 1) / 2];
        return 0;
}

/* Of two points of the same time the first counts. */
static void points_sort(ImportSeries *s) {
        size_t n = 0;

        qsort(s->points, s->n, sizeof(*s->points), compare_points);
        for (size_t i = 0; i < s->n; i++)
                if (n == 0 || s->points[i].real_usec > s->points[n - 1].real_usec)
                        s->points[n++] = s->points[i];
        s->n = n;
}

/*
 * A rate says how the counter has grown since the point before: the first one is only where it begins, and so is each
 * whose point before is too far away. What does not even begin is absent.
 */
static bool is_step(const ImportSeries *s, size_t i) {
        return i > 0 && i < s->n &&
               (s->kind != IMPORT_AVG10 || s->points[i].real_usec - s->points[i - 1].real_usec <= AVG10_STEP_MAX_USEC);
}

/* Makes a counter of what says how it grew. */
static void points_add_up(ImportSeries *s) {
        uint64_t thousandths = 0;

        for (size_t i = 0; i < s->n && s->kind != IMPORT_LEVEL; i++) {
                ImportPoint *p = &s->points[i];
                if (p->value == IMPORT_ABSENT)
                        continue;
                if (s->kind == IMPORT_GROWTH)
                        thousandths = u64_add_sat(thousandths, p->value);
                else if (is_step(s, i))
                        thousandths = u64_add_sat(thousandths, u64_mul_div(p->value, p->real_usec - p[-1].real_usec, USEC_PER_SEC));
                else if (!is_step(s, i + 1)) {
                        p->value = IMPORT_ABSENT;
                        continue;
                }
                p->value = thousandths / 1000;
        }
}

static uint32_t path_index(const Import *x, const char *path) {
        const char **found = bsearch(&path, x->paths, x->n_paths, sizeof(*x->paths), compare_paths);
        return found ? (uint32_t)(found - x->paths) : INDEX_NONE;
}

/* The nearest one around it that has a series of its own. */
static uint32_t parent_of(const Import *x, const char *path) {
        char up[CGROUP_PATH_MAX];

        (void)snprintf(up, sizeof(up), "%s", path);
        while (strcmp(up, "/") != 0) {
                char *slash = strrchr(up, '/');
                slash[slash == up] = '\0';
                uint32_t i = path_index(x, up);
                if (i != INDEX_NONE)
                        return i;
        }
        return INDEX_NONE;
}

static int paths_collect(Import *x) {
        x->paths = calloc(x->n, sizeof(*x->paths));
        if (!x->paths)
                return -ENOMEM;
        uint32_t n = 0;
        for (uint32_t i = 0; i < x->n; i++)
                if (x->series[i].path)
                        x->paths[n++] = x->series[i].path;
        qsort(x->paths, n, sizeof(*x->paths), compare_paths);
        for (uint32_t i = 0; i < n; i++)
                if (x->n_paths == 0 || strcmp(x->paths[i], x->paths[x->n_paths - 1]) != 0)
                        x->paths[x->n_paths++] = x->paths[i];
        if (x->n_paths > IMPORT_CGROUPS_MAX)
                return -E2BIG;
        n = MAX(x->n_paths, 1u);
        x->parents = calloc(n, sizeof(*x->parents));
        x->is_inner = calloc(n, sizeof(*x->is_inner));
        x->cgroups = calloc(n, sizeof(*x->cgroups));
        x->working_sets = calloc(n, sizeof(*x->working_sets));
        x->has_working_set = calloc(n, sizeof(*x->has_working_set));
        x->emitted = calloc(n, sizeof(*x->emitted));
        if (!x->parents || !x->is_inner || !x->cgroups || !x->working_sets || !x->has_working_set || !x->emitted)
                return -ENOMEM;
        for (uint32_t i = 0; i < x->n_paths; i++) {
                x->parents[i] = parent_of(x, x->paths[i]);
                if (x->parents[i] != INDEX_NONE)
                        x->is_inner[x->parents[i]] = true;
        }
        return 0;
}

int import_finish(Import *x) {
        x->step_usec = USEC_INFINITY;
        for (uint32_t i = 0; i < x->n; i++) {
                ImportSeries *s = &x->series[i];
                points_sort(s);
                points_add_up(s);
                int r = step_of(s, &s->step_usec);
                if (r < 0)
                        return r;
                if (s->step_usec > 0)
                        x->step_usec = MIN(x->step_usec, s->step_usec);
        }
        if (x->n_points == 0)
                return -ENODATA;
        if (x->step_usec == USEC_INFINITY)
                x->step_usec = STEP_DEFAULT_USEC;
        x->step_usec = MAX(x->step_usec, STEP_MIN_USEC);
        int r = paths_collect(x);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < x->n; i++)
                x->series[i].cgroup = x->series[i].path ? path_index(x, x->series[i].path) : INDEX_NONE;
        return 0;
}

/* ---- writing ---- */

/* The value of the series at @t, if it has one. Moves on in the series: @t grows. */
static bool value_at(const Import *x, ImportSeries *s, uint64_t t, uint64_t *ret) {
        uint64_t until = t + x->step_usec / 2;
        uint64_t hold = MAX(MIN(s->step_usec + s->step_usec / 2, HOLD_MAX_USEC), x->step_usec + x->step_usec / 2);

        while (s->at + 1 < s->n && s->points[s->at + 1].real_usec <= until)
                s->at++;
        if (s->n == 0 || s->points[s->at].real_usec > until || t >= u64_add_sat(s->points[s->at].real_usec, hold))
                return false;
        *ret = s->points[s->at].value;
        return *ret != IMPORT_ABSENT;
}

/* The earliest point behind all that holds at the moment; USEC_INFINITY at the end. */
static uint64_t next_point(const Import *x, uint64_t t) {
        uint64_t next = USEC_INFINITY;

        for (uint32_t i = 0; i < x->n; i++) {
                const ImportSeries *s = &x->series[i];
                for (size_t k = s->at; k < s->n && k < s->at + 2; k++)
                        if (s->points[k].real_usec > t)
                                next = MIN(next, s->points[k].real_usec);
        }
        return next;
}

static void cgroup_take(Import *x, const ImportSeries *s, uint64_t v) {
        CgroupSample *c = &x->cgroups[s->cgroup];

        if (s->field == IMPORT_WORKING_SET) {
                x->working_sets[s->cgroup] = v;
                x->has_working_set[s->cgroup] = true;
        } else if (!cgroup_has(c, (CgroupField)s->field))
                cgroup_set(c, (CgroupField)s->field, v);
        else
                x->n_duplicates++;
}

static void host_take(Import *x, HostSample *h, HostField f, uint64_t v) {
        if (!host_has(h, f))
                host_set(h, f, v);
        else if (f == HOST_VM_ALLOCSTALL) /* one series for each zone */
                host_set(h, f, u64_add_sat(h->value[f], v));
        else
                x->n_duplicates++;
}

/* Those that say something now, in the order of their paths: a parent stands before its children. */
static uint32_t cgroups_pack(Import *x) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < x->n_paths; i++) {
                CgroupSample c = x->cgroups[i];
                if (x->has_working_set[i] && cgroup_has(&c, CGROUP_CURRENT))
                        cgroup_set(&c, CGROUP_INACTIVE_FILE, u64_sub_sat(c.value[CGROUP_CURRENT], x->working_sets[i]));
                x->emitted[i] = INDEX_NONE;
                if (c.have == 0)
                        continue;
                c.path = x->paths[i];
                c.id = text_hash(TEXT_HASH_INIT, c.path, strlen(c.path)) | 1;
                c.policy = -1;
                c.marks = x->is_inner[i] ? 0 : (uint32_t)CGROUP_MARK_LEAF;
                c.parent = INDEX_NONE;
                for (uint32_t up = x->parents[i]; up != INDEX_NONE && c.parent == INDEX_NONE; up = x->parents[up])
                        c.parent = x->emitted[up];
                x->emitted[i] = n;
                x->cgroups[n++] = c;
        }
        return n;
}

/* Returns false where nobody says anything at @t. */
static bool sample_at(Import *x, uint64_t t, Snapshot *ret) {
        bool has_any = false;
        uint64_t v;

        memset(x->cgroups, 0, MAX(x->n_paths, 1u) * sizeof(*x->cgroups));
        memset(x->has_working_set, 0, MAX(x->n_paths, 1u) * sizeof(*x->has_working_set));
        *ret = (Snapshot){ .mono_usec = t, .real_usec = t, .page_size = PAGE_SIZE_ASSUMED };
        for (uint32_t i = 0; i < x->n; i++) {
                ImportSeries *s = &x->series[i];
                if (!value_at(x, s, t, &v))
                        continue;
                has_any = true;
                if (s->path)
                        cgroup_take(x, s, v);
                else
                        host_take(x, &ret->host, (HostField)s->field, v);
        }
        ret->cgroups = x->cgroups;
        ret->n_cgroups = cgroups_pack(x);
        if (x->n_paths > 0)
                ret->detail = DETAIL_CGROUPS | DETAIL_STATS;
        return has_any;
}

static int put_start(const Import *x, const char *recorder, uint64_t t, TraceRecord *r, TraceWriter *w) {
        r->kind = TRACE_START;
        r->snap = (Snapshot){ .mono_usec = t, .real_usec = t };
        r->start = (TraceStart){
                .page_size = PAGE_SIZE_ASSUMED,
                .mono_usec = t,
                .real_usec = t,
                .interval_usec = x->step_usec,
                .detail_interval_usec = x->step_usec,
        };
        (void)strncpy(r->start.recorder, recorder, sizeof(r->start.recorder) - 1);
        return trace_writer_put(w, r);
}

static int put_kind(TraceKind kind, uint64_t t, TraceRecord *r, TraceWriter *w) {
        r->kind = kind;
        r->snap = (Snapshot){ .mono_usec = t, .real_usec = t };
        return trace_writer_put(w, r);
}

int import_write(Import *x, const char *recorder, TraceWriter *w, uint64_t *ret_n_samples, uint64_t *ret_n_gaps) {
        static TraceRecord record;
        uint64_t n_samples = 0, n_gaps = 0, t = next_point(x, 0);
        bool is_gap = false;

        record = (TraceRecord){ 0 };
        t -= t % x->step_usec;
        int r = put_start(x, recorder, t, &record, w);
        while (r >= 0) {
                if (!sample_at(x, t, &record.snap)) {
                        uint64_t next = next_point(x, t + x->step_usec / 2);
                        if (next == USEC_INFINITY)
                                break;
                        is_gap = n_samples > 0;
                        t = MAX(next - next % x->step_usec, t + x->step_usec);
                        continue;
                }
                if (n_samples == IMPORT_SAMPLES_MAX)
                        return -E2BIG;
                Snapshot snap = record.snap;
                if (is_gap)
                        r = put_kind(TRACE_GAP, t, &record, w);
                n_gaps += is_gap;
                is_gap = false;
                record.kind = TRACE_SAMPLE;
                record.snap = snap;
                if (r >= 0)
                        r = trace_writer_put(w, &record);
                n_samples++;
                t += x->step_usec;
        }
        if (r >= 0)
                r = put_kind(TRACE_END, t, &record, w);
        *ret_n_samples = n_samples;
        *ret_n_gaps = n_gaps;
        return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Series of other programs -> samples. A monitoring system has one series for each value, each with its own times; a
 * trace has samples that hold all values of one moment. The samples are put on the grid of the finest series; a value
 * holds for one and a half of its own series' steps, and five minutes at most, so that a coarse series is not absent
 * between two of its points. Where no series says anything there is a gap. What nobody says stays absent.
 */

#include "ctl/trace-writer.h"
#include "model/snapshot.h"

#define IMPORT_SERIES_MAX  (UINT32_C(1) << 17)
#define IMPORT_POINTS_MAX  (UINT64_C(1) << 25)
#define IMPORT_CGROUPS_MAX 8192u
#define IMPORT_SAMPLES_MAX UINT64_C(10000000)

typedef struct ImportPoint {
        uint64_t real_usec, value;
} ImportPoint;

/* A point that says that there is no value: the one before it holds no longer. */
#define IMPORT_ABSENT (UINT64_MAX - 1)
/* No value of a point but CGROUP_NO_LIMIT is as big. */
#define IMPORT_VALUE_MAX 9223372036854775808.0 /* 2^63 */
/* Seconds: no time of a point is behind the year 2100. */
#define IMPORT_TIME_MAX 4102444800.0

/*
 * What the points of a series say. Counters of the kernel that a program has only as something by the second are made
 * counters again, which begin at 0: import_finish() adds them up in the order of time. Their points are thousandths.
 */
typedef enum ImportKind {
        IMPORT_LEVEL,  /* the value of the field itself */
        IMPORT_GROWTH, /* by how much it has grown in the time that ends at the point */
        IMPORT_RATE,   /* how fast it has grown, by the second, since the point before */
        IMPORT_AVG10,  /* the same as the kernel averages it over ten seconds: of a longer time it says nothing */
} ImportKind;

/* A field of a cgroup that no file of the kernel has: usage without inactive file pages. */
#define IMPORT_WORKING_SET ((unsigned)_CGROUP_FIELD_MAX)

typedef struct ImportSeries {
        char *path;     /* of the cgroup; NULL: of the host; owned */
        unsigned field; /* HostField, or CgroupField or IMPORT_WORKING_SET */
        ImportKind kind;
        ImportPoint *points; /* owned; sorted by import_finish() */
        size_t n, n_max;
        /* private to import.c */
        uint64_t step_usec;
        uint32_t cgroup;
        size_t at;
} ImportSeries;

typedef struct Import {
        ImportSeries *series;
        uint32_t n, n_max;
        uint64_t n_points, n_duplicates;
        char host[128]; /* whose series these are, "" until one says so */
        /* private to import-series.c: series of import_put() by path and field, 0 or index + 1 */
        uint32_t *slots;
        uint32_t n_slots;
        /* private to import.c */
        const char **paths; /* sorted, of all series; borrowed from them */
        uint32_t *parents;
        bool *is_inner;
        uint32_t n_paths;
        uint64_t step_usec;
        CgroupSample *cgroups;
        uint64_t *working_sets;
        bool *has_working_set;
        uint32_t *emitted;
} Import;

/* Takes the path and the points, also on failure. -E2BIG: more than the caps allow; -ENOMEM. */
int import_add(Import *x, char *path, unsigned field, ImportPoint *points, size_t n);
/* One point of the series of @path (NULL: the host) and @field, which is of @kind at each call. Errors as import_add(). */
int import_put(Import *x, const char *path, unsigned field, ImportKind kind, uint64_t real_usec, uint64_t value);
/* Whether @host is the one that all others are of. */
bool import_is_host(Import *x, const char *host);
/* Sorts, adds up and joins. -ENODATA: nothing to import; -E2BIG: too many cgroups; -ENOMEM. */
int import_finish(Import *x);
/* Writes START, samples and gaps, END. -E2BIG: more than IMPORT_SAMPLES_MAX samples; else of the writer. */
int import_write(Import *x, const char *recorder, TraceWriter *w, uint64_t *ret_n_samples, uint64_t *ret_n_gaps);
void import_done(Import *x);

/* The formats. @path is for messages. Errors are said, with their offset, and -EBADMSG or -ENOMEM. */
typedef int (*ImportText)(const char *path, const char *text, size_t n, Import *x);
int import_prometheus_text(const char *path, const char *text, size_t n, Import *x);
int import_sar_text(const char *path, const char *text, size_t n, Import *x);
int import_below_text(const char *path, const char *text, size_t n, Import *x);

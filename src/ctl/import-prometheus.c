/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Answers of Prometheus to range queries: {"status":"success","data":{"resultType":"matrix","result":[...]}}, one or
 * several in a file. Metrics of node_exporter and cAdvisor that are fields of a sample are taken, others are counted.
 *
 * A file may be hundreds of megabytes, which as a tree in memory would be gigabytes: only one series at a time is one.
 * The frame around them is walked by hand.
 */

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "ctl/import.h"

#define FILE_MAX ((off_t)2 << 30)
/* Seconds: until the year 2100. */
#define TIME_MAX 4102444800.0

typedef struct Cursor {
        const char *path, *text;
        size_t n, at;
        Import *import;
        char host[128]; /* of the label instance, "" until one is seen */
        uint64_t n_other;
} Cursor;

static int fail(const Cursor *c, size_t offset, const char *what) {
        char path[1024];
        TextBuf b = TEXT_BUF(path);

        text_append(&b, "");
        text_append_escaped(&b, c->path);
        (void)fprintf(stderr, "headroomctl: %s: at offset %zu: %s\n", path, offset, what);
        return -EBADMSG;
}

/* ---- metrics ---- */

typedef struct Known {
        const char *name;
        unsigned field;
        bool is_seconds, zero_is_max;
} Known;

#define MEMORY(name, field) { "node_memory_" name, HOST_##field, false, false }
#define VMSTAT(name, field) { "node_vmstat_" name, HOST_##field, false, false }
static const Known host_metrics[] = {
        MEMORY("MemTotal_bytes", MEM_TOTAL),
        MEMORY("MemFree_bytes", MEM_FREE),
        MEMORY("MemAvailable_bytes", MEM_AVAILABLE),
        MEMORY("Buffers_bytes", BUFFERS),
        MEMORY("Cached_bytes", CACHED),
        MEMORY("SwapCached_bytes", SWAP_CACHED),
        MEMORY("Active_anon_bytes", ACTIVE_ANON),
        MEMORY("Inactive_anon_bytes", INACTIVE_ANON),
        MEMORY("Active_file_bytes", ACTIVE_FILE),
        MEMORY("Inactive_file_bytes", INACTIVE_FILE),
        MEMORY("Unevictable_bytes", UNEVICTABLE),
        MEMORY("AnonPages_bytes", ANON_PAGES),
        MEMORY("Shmem_bytes", SHMEM),
        MEMORY("SReclaimable_bytes", SLAB_RECLAIMABLE),
        MEMORY("SUnreclaim_bytes", SLAB_UNRECLAIMABLE),
        MEMORY("KernelStack_bytes", KERNEL_STACK),
        MEMORY("PageTables_bytes", PAGE_TABLES),
        MEMORY("Dirty_bytes", DIRTY),
        MEMORY("Writeback_bytes", WRITEBACK),
        MEMORY("CommitLimit_bytes", COMMIT_LIMIT),
        MEMORY("Committed_AS_bytes", COMMITTED_AS),
        MEMORY("SwapTotal_bytes", SWAP_TOTAL),
        MEMORY("SwapFree_bytes", SWAP_FREE),
        VMSTAT("oom_kill", VM_OOM_KILL),
        VMSTAT("pgscan_kswapd", VM_PGSCAN_KSWAPD),
        VMSTAT("pgscan_direct", VM_PGSCAN_DIRECT),
        VMSTAT("pgsteal_kswapd", VM_PGSTEAL_KSWAPD),
        VMSTAT("pgsteal_direct", VM_PGSTEAL_DIRECT),
        VMSTAT("workingset_refault_file", VM_REFAULT_FILE),
        VMSTAT("workingset_refault_anon", VM_REFAULT_ANON),
        VMSTAT("pgmajfault", VM_PGMAJFAULT),
        VMSTAT("pswpin", VM_PSWPIN),
        VMSTAT("pswpout", VM_PSWPOUT),
        VMSTAT("allocstall_dma", VM_ALLOCSTALL),
        VMSTAT("allocstall_dma32", VM_ALLOCSTALL),
        VMSTAT("allocstall_normal", VM_ALLOCSTALL),
        VMSTAT("allocstall_movable", VM_ALLOCSTALL),
        { "node_pressure_memory_waiting_seconds_total", HOST_PSI_SOME_USEC, true, false },
        { "node_pressure_memory_stalled_seconds_total", HOST_PSI_FULL_USEC, true, false },
};

static const Known cgroup_metrics[] = {
        { "container_memory_usage_bytes", CGROUP_CURRENT, false, false },
        { "container_memory_working_set_bytes", IMPORT_WORKING_SET, false, false },
        { "container_memory_rss", CGROUP_ANON, false, false },
        { "container_memory_cache", CGROUP_FILE, false, false },
        { "container_memory_swap", CGROUP_SWAP_CURRENT, false, false },
        { "container_memory_max_usage_bytes", CGROUP_PEAK, false, false },
        { "container_pressure_memory_waiting_seconds_total", CGROUP_PSI_SOME_USEC, true, false },
        { "container_pressure_memory_stalled_seconds_total", CGROUP_PSI_FULL_USEC, true, false },
        /* cAdvisor says 0 where there is no limit */
        { "container_spec_memory_limit_bytes", CGROUP_MAX, false, true },
};

static const Known *metric_find(const Known *metrics, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(metrics[i].name, name) == 0)
                        return &metrics[i];
        return NULL;
}

/* ---- one series ---- */

/* A value that is no number of ours (NaN, negative, beyond 2^63) is absent. */
static bool value_take(const Known *m, const char *text, uint64_t *ret) {
        char *end;
        double v = strtod(text, &end);

        if (end == text || *end || !isfinite(v) || v < 0)
                return false;
        if (m->is_seconds)
                v *= 1e6;
        if (v >= 9223372036854775808.0) /* 2^63 */
                return false;
        *ret = (uint64_t)(v + 0.5);
        if (m->zero_is_max && *ret == 0)
                *ret = CGROUP_NO_LIMIT;
        return true;
}

static int points_take(const Cursor *c, const Known *m, const json_t *values, ImportPoint **ret, size_t *ret_n) {
        size_t size = json_array_size(values), n = 0;
        _cleanup_free_ ImportPoint *points = malloc(MAX(size, (size_t)1) * sizeof(*points));

        if (!points)
                return -ENOMEM;
        for (size_t i = 0; i < size; i++) {
                const json_t *pair = json_array_get(values, i), *time = json_array_get(pair, 0);
                const char *text = json_string_value(json_array_get(pair, 1));
                if (!json_is_number(time) || !text)
                        return fail(c, c->at, "expected pairs of a time and a value in quotes in this series");
                double t = json_number_value(time);
                if (!(t > 0 && t < TIME_MAX))
                        return fail(c, c->at, "a time of this series is not between 1970 and 2100");
                points[n].real_usec = (uint64_t)(t * 1e6 + 0.5);
                if (!value_take(m, text, &points[n].value))
                        points[n].value = IMPORT_ABSENT;
                n++;
        }
        *ret = TAKE_PTR(points);
        *ret_n = n;
        return 0;
}

/* Ports differ between exporters of one host; two hosts in one trace would be nonsense. */
static int host_check(Cursor *c, const json_t *labels) {
        const char *instance = json_string_value(json_object_get(labels, "instance"));
        char host[sizeof(c->host)];

        if (!instance)
                return 0;
        const char *colon = strrchr(instance, ':');
        (void)snprintf(host, sizeof(host), "%.*s", colon ? (int)MIN(colon - instance, (ptrdiff_t)sizeof(host)) : (int)sizeof(host) - 1,
                       instance);
        if (!c->host[0])
                (void)strcpy(c->host, host);
        if (strcmp(c->host, host) == 0)
                return 0;
        return fail(c, c->at, "series of more than one host: a trace is of one, add {instance=\"...\"} to the query");
}

static bool is_cgroup_path(const char *path) {
        return path && path[0] == '/' && strlen(path) < CGROUP_PATH_MAX;
}

static int series_take(Cursor *c, const json_t *series) {
        const json_t *labels = json_object_get(series, "metric"), *values = json_object_get(series, "values");
        const char *name = json_string_value(json_object_get(labels, "__name__")), *id = NULL;

        if (!json_is_object(labels) || !json_is_array(values))
                return fail(c, c->at, "expected a series with \"metric\" and \"values\"");
        if (!name)
                return fail(c, c->at, "this series has no __name__: the query was an expression, ask for the metric itself");
        const Known *m = metric_find(host_metrics, ARRAY_SIZE(host_metrics), name);
        if (!m) {
                m = metric_find(cgroup_metrics, ARRAY_SIZE(cgroup_metrics), name);
                id = json_string_value(json_object_get(labels, "id"));
                if (!m || !is_cgroup_path(id)) {
                        c->n_other++;
                        return 0;
                }
        }
        int r = host_check(c, labels);
        if (r < 0)
                return r;
        ImportPoint *points = NULL;
        size_t n = 0;
        r = points_take(c, m, values, &points, &n);
        if (r < 0)
                return r;
        char *path = id ? strdup(id) : NULL;
        if (id && !path) {
                free(points);
                return -ENOMEM;
        }
        r = import_add(c->import, path, m->field, points, n);
        return r == -E2BIG ? fail(c, c->at, "too many series or values for one trace") : r;
}

/* ---- the frame ---- */

static void skip_blanks(Cursor *c) {
        while (c->at < c->n && c->text[c->at] && strchr(" \t\r\n", c->text[c->at]))
                c->at++;
}

/* The next byte that is no blank must be @byte. */
static bool take(Cursor *c, char byte) {
        skip_blanks(c);
        if (c->at == c->n || c->text[c->at] != byte)
                return false;
        c->at++;
        return true;
}

/* One whole value of any kind at the cursor, as a tree. NULL: said what is wrong. */
static json_t *value_read(Cursor *c) {
        json_error_t error;

        skip_blanks(c);
        json_t *v = json_loadb(c->text + c->at, c->n - c->at, JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, &error);
        if (!v) {
                char text[64 + JSON_ERROR_TEXT_LENGTH * 4] = "";
                TextBuf b = TEXT_BUF(text);
                text_append(&b, "no JSON: ");
                text_append_escaped(&b, error.text);
                (void)fail(c, c->at + (size_t)MAX(error.position, 0), text);
                return NULL;
        }
        c->at += (size_t)error.position;
        return v;
}

typedef int (*KeyHandler)(Cursor *c, const char *key);

/* { "key": value, ... }; @handle reads the value. */
static int object_walk(Cursor *c, KeyHandler handle) {
        if (!take(c, '{'))
                return fail(c, c->at, "expected an object, as Prometheus answers to query_range");
        if (take(c, '}'))
                return 0;
        for (;;) {
                json_t *key = value_read(c);
                if (!key)
                        return -EBADMSG;
                int r = !json_is_string(key) ? fail(c, c->at, "expected a key")
                        : !take(c, ':')      ? fail(c, c->at, "expected a colon")
                                             : handle(c, json_string_value(key));
                json_decref(key);
                if (r < 0)
                        return r;
                if (take(c, '}'))
                        return 0;
                if (!take(c, ','))
                        return fail(c, c->at, "expected a comma or the end of an object");
        }
}

static int result_walk(Cursor *c) {
        if (!take(c, '['))
                return fail(c, c->at, "expected a list of series");
        if (take(c, ']'))
                return 0;
        for (;;) {
                json_t *series = value_read(c);
                if (!series)
                        return -EBADMSG;
                int r = series_take(c, series);
                json_decref(series);
                if (r < 0)
                        return r;
                if (take(c, ']'))
                        return 0;
                if (!take(c, ','))
                        return fail(c, c->at, "expected a comma or the end of the list of series");
        }
}

/* A value that must be this string, or with NULL may be anything. */
static int value_expect(Cursor *c, const char *expected, const char *otherwise) {
        size_t at = c->at;
        json_t *v = value_read(c);
        if (!v)
                return -EBADMSG;
        const char *s = json_string_value(v);
        int r = expected && (!s || strcmp(s, expected) != 0) ? fail(c, at, otherwise) : 0;
        json_decref(v);
        return r;
}

static int data_key(Cursor *c, const char *key) {
        if (strcmp(key, "result") == 0)
                return result_walk(c);
        if (strcmp(key, "resultType") == 0)
                return value_expect(c, "matrix", "expected resultType \"matrix\": ask query_range, not query");
        return value_expect(c, NULL, NULL);
}

static int top_key(Cursor *c, const char *key) {
        if (strcmp(key, "data") == 0)
                return object_walk(c, data_key);
        if (strcmp(key, "status") == 0)
                return value_expect(c, "success", "the query has failed: status is not \"success\"");
        return value_expect(c, NULL, NULL);
}

static int answers_walk(Cursor *c) {
        skip_blanks(c);
        if (c->at == c->n)
                return fail(c, c->at, "empty: expected an answer of Prometheus to query_range");
        do {
                int r = object_walk(c, top_key);
                if (r < 0)
                        return r;
                skip_blanks(c);
        } while (c->at < c->n);
        return 0;
}

static int say_file(const char *path, int error, const char *what) {
        Cursor c = { .path = path };

        (void)fail(&c, 0, what);
        return error;
}

int import_prometheus_text(const char *path, const char *text, size_t n, Import *x) {
        Cursor c = { .path = path, .text = text, .n = n, .import = x };

        int r = answers_walk(&c);
        if (r == -ENOMEM)
                (void)say_file(path, r, strerror(ENOMEM));
        if (r >= 0 && c.n_other > 0)
                (void)fprintf(stderr, "headroomctl: %llu series of other metrics were left out\n",
                              (unsigned long long)c.n_other);
        return r;
}

int import_prometheus(const char *path, Import *x) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return say_file(path, -errno, strerror(errno));
        if (!S_ISREG(st.st_mode) || st.st_size >= FILE_MAX)
                return say_file(path, -EBADMSG, "expected a file of less than 2 GiB");
        if (st.st_size == 0)
                return say_file(path, -EBADMSG, "empty: expected an answer of Prometheus to query_range");
        size_t n = (size_t)st.st_size;
        /* a copy: a file that is cut while it is read would be the end of us */
        _cleanup_free_ char *text = malloc(n);
        if (!text)
                return say_file(path, -ENOMEM, strerror(ENOMEM));
        size_t got = 0;
        for (ssize_t k; got < n && (k = pread(fd, text + got, n - got, (off_t)got)) > 0;)
                got += (size_t)k;
        return import_prometheus_text(path, text, got, x);
}

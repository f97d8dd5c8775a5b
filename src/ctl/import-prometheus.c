/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Answers of Prometheus to range queries: {"status":"success","data":{"resultType":"matrix","result":[...]}}, one or
 * several in a file. Metrics of node_exporter and cAdvisor that are fields of a sample are taken, others are counted.
 */

#include <stdio.h>
#include <string.h>

#include "ctl/import-json.h"

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

/* A text that is no number is absent as well. */
static uint64_t value_of(const Known *m, const char *text) {
        char *end;
        double v = strtod(text, &end);
        uint64_t value = end == text || *end ? IMPORT_ABSENT : import_json_round(m->is_seconds ? v * 1e6 : v);

        return m->zero_is_max && value == 0 ? CGROUP_NO_LIMIT : value;
}

static int points_take(const ImportJson *j, const Known *m, const json_t *values, ImportPoint **ret, size_t *ret_n) {
        size_t size = json_array_size(values), n = 0;
        _cleanup_free_ ImportPoint *points = malloc(MAX(size, (size_t)1) * sizeof(*points));

        if (!points)
                return -ENOMEM;
        for (size_t i = 0; i < size; i++) {
                const json_t *pair = json_array_get(values, i), *time = json_array_get(pair, 0);
                const char *text = json_string_value(json_array_get(pair, 1));
                if (!json_is_number(time) || !text)
                        return import_json_fail(j, j->at, "expected pairs of a time and a value in quotes in this series");
                double t = json_number_value(time);
                if (!(t > 0 && t < IMPORT_TIME_MAX))
                        return import_json_fail(j, j->at, "a time of this series is not between 1970 and 2100");
                points[n].real_usec = (uint64_t)(t * 1e6 + 0.5);
                points[n++].value = value_of(m, text);
        }
        *ret = TAKE_PTR(points);
        *ret_n = n;
        return 0;
}

/* Ports differ between exporters of one host; two hosts in one trace would be nonsense. */
static int host_check(ImportJson *j, const json_t *labels) {
        const char *instance = json_string_value(json_object_get(labels, "instance"));
        char host[128];

        if (!instance)
                return 0;
        const char *colon = strrchr(instance, ':');
        (void)snprintf(host, sizeof(host), "%.*s", colon ? (int)MIN(colon - instance, (ptrdiff_t)sizeof(host)) : (int)sizeof(host) - 1,
                       instance);
        if (import_is_host(j->import, host))
                return 0;
        return import_json_fail(j, j->at, "series of more than one host: a trace is of one, add {instance=\"...\"} to the query");
}

static bool is_cgroup_path(const char *path) {
        return path && path[0] == '/' && strlen(path) < CGROUP_PATH_MAX;
}

static int series_take(ImportJson *j, const json_t *series) {
        const json_t *labels = json_object_get(series, "metric"), *values = json_object_get(series, "values");
        const char *name = json_string_value(json_object_get(labels, "__name__")), *id = NULL;

        if (!json_is_object(labels) || !json_is_array(values))
                return import_json_fail(j, j->at, "expected a series with \"metric\" and \"values\"");
        if (!name)
                return import_json_fail(j, j->at, "this series has no __name__: the query was an expression, ask for the metric itself");
        const Known *m = metric_find(host_metrics, ARRAY_SIZE(host_metrics), name);
        if (!m) {
                m = metric_find(cgroup_metrics, ARRAY_SIZE(cgroup_metrics), name);
                id = json_string_value(json_object_get(labels, "id"));
                if (!m || !is_cgroup_path(id)) {
                        j->n_other++;
                        return 0;
                }
        }
        int r = host_check(j, labels);
        if (r < 0)
                return r;
        ImportPoint *points = NULL;
        size_t n = 0;
        r = points_take(j, m, values, &points, &n);
        if (r < 0)
                return r;
        char *path = id ? strdup(id) : NULL;
        if (id && !path) {
                free(points);
                return -ENOMEM;
        }
        return import_add(j->import, path, m->field, points, n);
}

/* ---- the frame ---- */

static int series_read(ImportJson *j) {
        json_t *series = import_json_value(j);
        if (!series)
                return -EBADMSG;
        int r = series_take(j, series);
        json_decref(series);
        return r;
}

static int data_key(ImportJson *j, const char *key) {
        if (strcmp(key, "result") == 0)
                return import_json_array(j, series_read, "expected a list of series");
        if (strcmp(key, "resultType") == 0)
                return import_json_expect(j, "matrix", "expected resultType \"matrix\": ask query_range, not query");
        return import_json_skip(j);
}

#define EXPECTED "expected an object, as Prometheus answers to query_range"

static int top_key(ImportJson *j, const char *key) {
        if (strcmp(key, "data") == 0)
                return import_json_object(j, data_key, EXPECTED);
        if (strcmp(key, "status") == 0)
                return import_json_expect(j, "success", "the query has failed: status is not \"success\"");
        return import_json_skip(j);
}

static int answer_read(ImportJson *j) {
        return import_json_object(j, top_key, EXPECTED);
}

int import_prometheus_text(const char *path, const char *text, size_t n, Import *x) {
        ImportJson j = { .path = path, .text = text, .n = n, .import = x };

        /* In another file the same host may have another name: cAdvisor is not asked by that of node_exporter. */
        x->host[0] = '\0';
        int r = import_json_all(&j, answer_read, "empty: expected an answer of Prometheus to query_range");
        if (r >= 0 && j.n_other > 0)
                (void)fprintf(stderr, "headroomctl: %llu series of other metrics were left out\n",
                              (unsigned long long)j.n_other);
        return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What sysstat's sadc has recorded, as `sadf -j FILE -- -r ALL -S -B -W -q MEM` shows it: {"sysstat":{"hosts":[{
 * "nodename":...,"statistics":[...]}]}}, one or several in a file. Names and units are those of sysstat 12.6.
 *
 * sadf shows memory in kilobytes, and counters of the kernel as what they grew by the second in the interval that ends
 * at the sample, with two decimals; pressure ("some_avg") as its share of that interval, from the kernel's total.
 * Times the interval that gives the growth back. Not taken, since a sample has no field for it: active and inactive
 * memory and slab, each the sum of two; pages reclaimed, by kswapd and directly in one.
 */

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/import-json.h"

#define EXPECTED "expected an object, as sadf -j writes it"

/* ---- fields ---- */

typedef struct Known {
        const char *object, *key;
        HostField field;
        ImportKind kind;
        double scale; /* LEVEL: bytes; GROWTH: thousandths by the second */
} Known;

#define MEMORY(key, field) { "memory", key, HOST_##field, IMPORT_LEVEL, 1024 }
#define RATE(object, key, field) { object, key, HOST_##field, IMPORT_GROWTH, 1000 }
#define SHARE(key, field) { "psi-mem", key, HOST_##field, IMPORT_GROWTH, 1e4 * 1000 }
static const Known fields[] = {
        MEMORY("memfree", MEM_FREE),
        MEMORY("avail", MEM_AVAILABLE),
        MEMORY("buffers", BUFFERS),
        MEMORY("cached", CACHED),
        MEMORY("swpcad", SWAP_CACHED),
        MEMORY("anonpg", ANON_PAGES),
        MEMORY("kstack", KERNEL_STACK),
        MEMORY("pgtbl", PAGE_TABLES),
        MEMORY("dirty", DIRTY),
        MEMORY("commit", COMMITTED_AS),
        MEMORY("swpfree", SWAP_FREE),
        RATE("paging", "majflt", VM_PGMAJFAULT),
        RATE("paging", "pgscank", VM_PGSCAN_KSWAPD),
        RATE("paging", "pgscand", VM_PGSCAN_DIRECT),
        RATE("swap-pages", "pswpin", VM_PSWPIN),
        RATE("swap-pages", "pswpout", VM_PSWPOUT),
        SHARE("some_avg", PSI_SOME_USEC),
        SHARE("full_avg", PSI_FULL_USEC),
};

/* ---- one sample ---- */

typedef struct Sample {
        ImportJson *j;
        size_t at; /* where it begins */
        uint64_t real_usec, interval_sec;
} Sample;

/* 1: there is one, in *ret; 0: there is no such key; -EBADMSG: said. */
static int number_of(const Sample *s, const json_t *object, const char *key, double *ret) {
        const json_t *v = json_object_get(object, key);
        char text[80];

        if (!v)
                return 0;
        if (!json_is_number(v)) {
                (void)snprintf(text, sizeof(text), "\"%s\" of this sample is no number", key);
                return import_json_fail(s->j, s->at, text);
        }
        *ret = json_number_value(v);
        return 1;
}

static int field_take(const Sample *s, const Known *f, const json_t *object) {
        double v = 0;
        int r = number_of(s, object, f->key, &v);

        if (r <= 0)
                return r;
        if (f->kind == IMPORT_GROWTH) {
                /* Of a rounded interval it may seem more than all. */
                if (strcmp(f->object, "psi-mem") == 0 && v > 100)
                        v = 100;
                v *= (double)s->interval_sec;
        }
        return import_put(s->j->import, NULL, f->field, f->kind, s->real_usec, import_json_round(v * f->scale));
}

/* Whether @used is @percent of @total, which has two decimals. */
static bool is_share(double used, double total, double percent) {
        return total > 0 && fabs(used * 100 / total - percent) < 0.0051;
}

/*
 * All memory is not shown, but follows from what is used, which was all but free memory once, and is all but free
 * memory, buffers, cache and slab since sysstat 11.7.4. Which one it was the percentage tells; near 0 it does not.
 */
static int memory_total_take(const Sample *s, const json_t *memory) {
        static const char *const keys[] = { "memused", "memused-percent", "memfree", "buffers", "cached", "slab" };
        double v[ARRAY_SIZE(keys)] = { 0 };
        bool has_slab = false;

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                int r = number_of(s, memory, keys[i], &v[i]);
                if (r < 0)
                        return r;
                has_slab = r > 0;
                if (!has_slab && i < ARRAY_SIZE(keys) - 1)
                        return 0;
        }
        double old = v[0] + v[2], total = has_slab ? old + v[3] + v[4] + v[5] : old;
        if (!is_share(v[0], total, v[1]))
                total = old;
        if (v[1] < 0.1 || !is_share(v[0], total, v[1]))
                return 0;
        return import_put(s->j->import, NULL, HOST_MEM_TOTAL, IMPORT_LEVEL, s->real_usec, import_json_round(total * 1024));
}

static int swap_total_take(const Sample *s, const json_t *memory) {
        double is_free = 0, is_used = 0;
        int r = number_of(s, memory, "swpfree", &is_free);

        if (r > 0)
                r = number_of(s, memory, "swpused", &is_used);
        if (r <= 0)
                return r;
        return import_put(s->j->import, NULL, HOST_SWAP_TOTAL, IMPORT_LEVEL, s->real_usec,
                          import_json_round((is_free + is_used) * 1024));
}

/* 2 digits or 4, and what is behind them. */
static bool digits_take(const char **p, unsigned n, const char *behind, int min, int max, int *ret) {
        int v = 0;

        for (; n > 0; n--, (*p)++) {
                if (**p < '0' || **p > '9')
                        return false;
                v = v * 10 + (**p - '0');
        }
        if (strncmp(*p, behind, 1) != 0)
                return false;
        *p += *behind != '\0';
        *ret = v;
        return v >= min && v <= max;
}

static bool time_of(const char *date, const char *time, uint64_t *ret) {
        struct tm tm = { 0 };

        if (!date || !time || !digits_take(&date, 4, "-", 1970, 2099, &tm.tm_year) ||
            !digits_take(&date, 2, "-", 1, 12, &tm.tm_mon) || !digits_take(&date, 2, "", 1, 31, &tm.tm_mday) ||
            !digits_take(&time, 2, ":", 0, 23, &tm.tm_hour) || !digits_take(&time, 2, ":", 0, 59, &tm.tm_min) ||
            !digits_take(&time, 2, "", 0, 60, &tm.tm_sec))
                return false;
        tm.tm_year -= 1900;
        tm.tm_mon -= 1;
        time_t t = timegm(&tm);
        *ret = (uint64_t)t * USEC_PER_SEC;
        return t > 0;
}

static int timestamp_take(Sample *s, const json_t *stamp) {
        const json_t *utc = json_object_get(stamp, "utc"), *interval = json_object_get(stamp, "interval");

        if (!json_is_integer(utc) || !json_is_integer(interval) ||
            !time_of(json_string_value(json_object_get(stamp, "date")), json_string_value(json_object_get(stamp, "time")), &s->real_usec))
                return import_json_fail(s->j, s->at, "expected a timestamp with date, time, utc and interval in this sample");
        if (json_integer_value(utc) != 1)
                return import_json_fail(s->j, s->at, "times are local, of which the zone is not known: run sadf -j without -t and -T");
        if (json_integer_value(interval) < 0 || (double)json_integer_value(interval) > IMPORT_TIME_MAX)
                return import_json_fail(s->j, s->at, "the interval of this sample is not that of a clock");
        s->interval_sec = (uint64_t)json_integer_value(interval);
        return 0;
}

/* Of what was not asked for there is no object. */
static int object_of(const Sample *s, const json_t *in, const char *key, const json_t **ret) {
        char text[80];

        *ret = json_object_get(in, key);
        if (!*ret || json_is_object(*ret))
                return 0;
        (void)snprintf(text, sizeof(text), "\"%s\" of this sample is no object", key);
        return import_json_fail(s->j, s->at, text);
}

static int sample_take(ImportJson *j, size_t at, const json_t *sample) {
        Sample s = { .j = j, .at = at };
        const json_t *memory, *psi, *object;

        if (!json_is_object(sample))
                return import_json_fail(j, at, "expected a sample");
        int r = timestamp_take(&s, json_object_get(sample, "timestamp"));
        if (r >= 0)
                r = object_of(&s, sample, "memory", &memory);
        if (r >= 0)
                r = object_of(&s, sample, "psi", &psi);
        for (size_t i = 0; i < ARRAY_SIZE(fields) && r >= 0; i++) {
                const Known *f = &fields[i];
                r = object_of(&s, strcmp(f->object, "psi-mem") == 0 ? psi : sample, f->object, &object);
                /* Of no time nothing can be told that goes by the second. */
                if (r >= 0 && (f->kind == IMPORT_LEVEL || s.interval_sec > 0))
                        r = field_take(&s, f, object);
        }
        if (r >= 0)
                r = memory_total_take(&s, memory);
        return r < 0 ? r : swap_total_take(&s, memory);
}

/* ---- the frame ---- */

static int sample_read(ImportJson *j) {
        return import_json_take(j, sample_take);
}

static int nodename_read(ImportJson *j) {
        size_t at = j->at;
        json_t *name = import_json_value(j);
        if (!name)
                return -EBADMSG;
        int r = 0;
        if (!json_is_string(name))
                r = import_json_fail(j, at, "expected the name of a host");
        else if (!import_is_host(j->import, json_string_value(name)))
                r = import_json_fail(j, at, "samples of more than one host: a trace is of one");
        json_decref(name);
        return r;
}

static int host_key(ImportJson *j, const char *key) {
        if (strcmp(key, "nodename") == 0)
                return nodename_read(j);
        if (strcmp(key, "statistics") == 0)
                return import_json_array(j, sample_read, "expected a list of samples");
        return import_json_skip(j);
}

static int host_read(ImportJson *j) {
        return import_json_object(j, host_key, EXPECTED);
}

static int sysstat_key(ImportJson *j, const char *key) {
        if (strcmp(key, "hosts") == 0)
                return import_json_array(j, host_read, "expected a list of hosts");
        return import_json_skip(j);
}

static int top_key(ImportJson *j, const char *key) {
        if (strcmp(key, "sysstat") == 0)
                return import_json_object(j, sysstat_key, EXPECTED);
        return import_json_skip(j);
}

static int top_read(ImportJson *j) {
        return import_json_object(j, top_key, EXPECTED);
}

int import_sar_text(const char *path, const char *text, size_t n, Import *x) {
        ImportJson j = { .path = path, .text = text, .n = n, .import = x };

        return import_json_all(&j, top_read, "empty: " EXPECTED);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What below has recorded, as `below dump system -O json` and `below dump cgroup -O json` show it: a list with one
 * object for each sample. Keys are the titles of below's own display, all values are texts; "?" is what was not there.
 * A sample of cgroups is the root cgroup, each with its "children". The titles are those of below's source at commit
 * 02ee312b2df8; those that pressure had before are taken as well.
 *
 * With --raw the texts are numbers. Without, sizes are rounded to a tenth of their unit; that is said. Counters are
 * shown by the second since the sample before, whole numbers of them rounded up; they are added up again. Pressure is
 * avg10 of the kernel: added up over the time it is right in the end, but ten seconds late.
 *
 * Not taken: memory.events, by the second and rounded up, so that one kill in five seconds looks like five; sums for
 * which a sample has no field. The pressure of the host is that of the root cgroup.
 */

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ctl/import-json.h"

#define EXPECTED "expected a list of samples, as below dump -O json writes it"

/* ---- fields ---- */

typedef enum Shape {
        SIZE,  /* "1234", "1.2 KB": bytes */
        LIMIT, /* the same; "max", "-1": none */
        COUNT, /* "12": as it is */
        SPEED, /* "12", "12 pages/s": by the second */
        SWAP,  /* "1.5": pages by the second; "6.0 KB/s": the same in bytes, of 4096 */
        SHARE, /* "0.25", "0.25%": of the last ten seconds */
} Shape;

typedef struct Known {
        const char *title;
        unsigned field;
        Shape shape;
} Known;

static const Known system_fields[] = {
        { "Total", HOST_MEM_TOTAL, SIZE },
        { "Free", HOST_MEM_FREE, SIZE },
        { "Available", HOST_MEM_AVAILABLE, SIZE },
        { "Buffers", HOST_BUFFERS, SIZE },
        { "Cached", HOST_CACHED, SIZE },
        { "Swap Cached", HOST_SWAP_CACHED, SIZE },
        { "Unevictable", HOST_UNEVICTABLE, SIZE },
        { "Anon Pages", HOST_ANON_PAGES, SIZE },
        { "Shmem", HOST_SHMEM, SIZE },
        { "Slab Reclaimable", HOST_SLAB_RECLAIMABLE, SIZE },
        { "Slab Unreclaimable", HOST_SLAB_UNRECLAIMABLE, SIZE },
        { "Kernel Stack", HOST_KERNEL_STACK, SIZE },
        { "Page Tables", HOST_PAGE_TABLES, SIZE },
        { "Dirty", HOST_DIRTY, SIZE },
        { "Writeback", HOST_WRITEBACK, SIZE },
        { "Swap Total", HOST_SWAP_TOTAL, SIZE },
        { "Swap Free", HOST_SWAP_FREE, SIZE },
        { "OOM Kills", HOST_VM_OOM_KILL, COUNT },
        { "Pgscan Kswapd", HOST_VM_PGSCAN_KSWAPD, SPEED },
        { "Pgscan Direct", HOST_VM_PGSCAN_DIRECT, SPEED },
        { "Pgsteal Kswapd", HOST_VM_PGSTEAL_KSWAPD, SPEED },
        { "Pgsteal Direct", HOST_VM_PGSTEAL_DIRECT, SPEED },
        { "Swap In", HOST_VM_PSWPIN, SWAP },
        { "Swap Out", HOST_VM_PSWPOUT, SWAP },
};

static const Known cgroup_fields[] = {
        { "Mem Some Pressure", CGROUP_PSI_SOME_USEC, SHARE },
        { "Mem Pressure", CGROUP_PSI_FULL_USEC, SHARE },
        { "Memory Some Pressure", CGROUP_PSI_SOME_USEC, SHARE },
        { "Memory Pressure", CGROUP_PSI_FULL_USEC, SHARE },
        { "Mem Total", CGROUP_CURRENT, SIZE },
        { "Mem Swap", CGROUP_SWAP_CURRENT, SIZE },
        { "Mem Min", CGROUP_MIN, LIMIT },
        { "Mem Low", CGROUP_LOW, LIMIT },
        { "Mem High", CGROUP_HIGH, LIMIT },
        { "Mem Max", CGROUP_MAX, LIMIT },
        { "Swap Max", CGROUP_SWAP_MAX, LIMIT },
        { "OOM Group", CGROUP_OOM_GROUP, COUNT },
        { "Mem Anon", CGROUP_ANON, SIZE },
        { "Mem File", CGROUP_FILE, SIZE },
        { "Mem Shmem", CGROUP_SHMEM, SIZE },
        { "Kernel", CGROUP_KERNEL, SIZE },
        { "Mem Sock", CGROUP_SOCK, SIZE },
        { "Unevictable", CGROUP_UNEVICTABLE, SIZE },
        { "Slab Reclaimable", CGROUP_SLAB_RECLAIMABLE, SIZE },
        { "Active File", CGROUP_ACTIVE_FILE, SIZE },
        { "Inactive File", CGROUP_INACTIVE_FILE, SIZE },
        { "File Dirty", CGROUP_FILE_DIRTY, SIZE },
        { "Pgscan", CGROUP_PGSCAN, SPEED },
        { "Pgsteal", CGROUP_PGSTEAL, SPEED },
        { "Pgmajfault", CGROUP_PGMAJFAULT, SPEED },
        { "Workingset Refault File", CGROUP_REFAULT_FILE, SPEED },
        { "Workingset Refault Anon", CGROUP_REFAULT_ANON, SPEED },
};

/* ---- one value ---- */

/* Takes the " KB" of "1.5 KB": 1024; 1 where there is nothing, 0 where it is no unit of below's. */
static double unit_take(const char **p) {
        static const char *const units[] = { " B", " KB", " MB", " GB", " TB", " PB", " EB", " ZB", " YB" };
        double scale = 1;

        for (size_t i = 0; i < ARRAY_SIZE(units); i++, scale *= 1024)
                if (text_has_prefix(*p, units[i])) {
                        *p += strlen(units[i]);
                        return scale;
                }
        return **p == '\0' ? 1 : 0;
}

static bool is_none_or(const char *p, const char *suffix) {
        return *p == '\0' || strcmp(p, suffix) == 0;
}

/* What a number with @behind behind it is to be multiplied by; 0: not understood. */
static double scale_of(Shape shape, const char *behind) {
        const char *p = behind;
        double unit;

        switch (shape) {
        case SIZE:
        case LIMIT:
                unit = unit_take(&p);
                return *p == '\0' ? unit : 0;
        case COUNT:
                return *p == '\0' ? 1 : 0;
        case SPEED:
                return is_none_or(p, " pages/s") ? 1000 : 0;
        case SWAP:
                unit = unit_take(&p);
                return !is_none_or(p, "/s") ? 0 : *behind ? unit * 1000 / 4096 : 1000;
        case SHARE:
                return is_none_or(p, "%") ? 1e4 * 1000 : 0;
        }
        return 0;
}

/* A text as the value of a point: bytes, counts, thousandths by the second. False: not understood. */
static bool value_of(Shape shape, const char *text, bool *ret_is_rounded, uint64_t *ret) {
        char *end;
        double v = strtod(text, &end), scale = scale_of(shape, end);

        *ret_is_rounded = false;
        if (strcmp(text, "?") == 0) {
                *ret = IMPORT_ABSENT;
                return true;
        }
        if (shape == LIMIT && (strcmp(text, "max") == 0 || strcmp(text, "-1") == 0)) {
                *ret = CGROUP_NO_LIMIT;
                return true;
        }
        if (end == text || scale == 0)
                return false;
        *ret_is_rounded = *end == ' ' && shape != SPEED;
        if (shape == SHARE && v > 100)
                v = 100;
        /* Digits alone may be more of them than a double has. */
        if (scale != 1 || text_parse_u64(text, ret) < 0 || *ret >= (uint64_t)IMPORT_VALUE_MAX)
                *ret = import_json_round(v * scale);
        return true;
}

static ImportKind kind_of(Shape shape) {
        return shape == SHARE ? IMPORT_AVG10 : shape == SPEED || shape == SWAP ? IMPORT_RATE : IMPORT_LEVEL;
}

/* ---- one sample ---- */

typedef struct Sample {
        ImportJson *j;
        size_t at; /* where it begins */
        uint64_t real_usec;
} Sample;

static int key_fail(const Sample *s, const char *key, const char *what) {
        char text[96];

        (void)snprintf(text, sizeof(text), "\"%s\" of this sample is %s", key, what);
        return import_json_fail(s->j, s->at, text);
}

/* @path NULL: of the host. */
static int fields_take(const Sample *s, const char *path, const Known *known, size_t n_known, const json_t *object) {
        Import *x = s->j->import;

        for (const Known *k = known; k < known + n_known; k++) {
                const json_t *v = json_object_get(object, k->title);
                uint64_t value;
                bool is_rounded;
                if (!v)
                        continue;
                if (!json_is_string(v))
                        return key_fail(s, k->title, "no text in quotes");
                if (!value_of(k->shape, json_string_value(v), &is_rounded, &value))
                        return key_fail(s, k->title, "not understood");
                s->j->n_rounded += is_rounded;
                int r = import_put(x, path, k->field, kind_of(k->shape), s->real_usec, value);
                /* The root cgroup's pressure is the host's, which a dump of the system does not have. */
                if (r >= 0 && k->shape == SHARE && path && path[1] == '\0')
                        r = import_put(x, NULL, k->field == CGROUP_PSI_SOME_USEC ? HOST_PSI_SOME_USEC : HOST_PSI_FULL_USEC,
                                       IMPORT_AVG10, s->real_usec, value);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* @above NULL: this is the root. False: not said, or longer than a path of ours may be. */
static bool path_of(const json_t *cgroup, const char *above, char *ret, size_t size) {
        const char *name = json_string_value(json_object_get(cgroup, "Name"));
        const char *full = json_string_value(json_object_get(cgroup, "Full Path"));

        if (!above)
                return snprintf(ret, size, "/") == 1;
        if (name)
                return *name && !strchr(name, '/') && snprintf(ret, size, "%s/%s", above[1] ? above : "", name) < (int)size;
        return full && full[0] == '/' && snprintf(ret, size, "%s", full) < (int)size;
}

/* One within the other: as deep as a path is long, and as jansson goes where only whole paths are given. */
static int cgroup_take(const Sample *s, const json_t *cgroup, const char *above) {
        const json_t *children = json_object_get(cgroup, "children");
        char path[CGROUP_PATH_MAX];

        if (!json_is_object(cgroup))
                return import_json_fail(s->j, s->at, "a cgroup of this sample is no object");
        if (above && !json_object_get(cgroup, "Name") && !json_object_get(cgroup, "Full Path"))
                return import_json_fail(s->j, s->at, "cgroups of this sample have no name: dump the field name");
        if (children && !json_is_array(children))
                return key_fail(s, "children", "no list");
        if (!path_of(cgroup, above, path, sizeof(path))) {
                s->j->n_other++;
                return 0;
        }
        int r = fields_take(s, path, cgroup_fields, ARRAY_SIZE(cgroup_fields), cgroup);
        for (size_t i = 0; i < json_array_size(children) && r >= 0; i++)
                r = cgroup_take(s, json_array_get(children, i), path);
        return r;
}

/* Processes, disks and interfaces are flat as well, and some of their titles are the same. */
static int system_take(const Sample *s, const json_t *sample) {
        static const char *const others[] = { "Name", "Pid", "Comm", "Cmdline", "Interface" };
        const char *host = json_string_value(json_object_get(sample, "Hostname"));

        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                if (json_object_get(sample, others[i]))
                        return import_json_fail(s->j, s->at, "expected a dump of system or of cgroup");
        if (host && !import_is_host(s->j->import, host))
                return import_json_fail(s->j, s->at, "samples of more than one host: a trace is of one");
        return fields_take(s, NULL, system_fields, ARRAY_SIZE(system_fields), sample);
}

static int sample_take(ImportJson *j, size_t at, const json_t *sample) {
        const char *stamp = json_string_value(json_object_get(sample, "Timestamp"));
        Sample s = { .j = j, .at = at };
        uint64_t sec;

        if (!json_is_object(sample))
                return import_json_fail(j, at, "expected a sample");
        /* With a filter, where nothing was found. */
        if (json_object_size(sample) == 0)
                return 0;
        if (!stamp)
                return import_json_fail(j, at, "this sample has no Timestamp: dump the field timestamp");
        if (text_parse_u64(stamp, &sec) < 0 || sec == 0 || (double)sec >= IMPORT_TIME_MAX)
                return key_fail(&s, "Timestamp", "not between 1970 and 2100");
        s.real_usec = sec * USEC_PER_SEC;
        return json_object_get(sample, "children") ? cgroup_take(&s, sample, NULL) : system_take(&s, sample);
}

/* ---- the frame ---- */

static int sample_read(ImportJson *j) {
        return import_json_take(j, sample_take);
}

static int dump_read(ImportJson *j) {
        return import_json_array(j, sample_read, EXPECTED);
}

int import_below_text(const char *path, const char *text, size_t n, Import *x) {
        ImportJson j = { .path = path, .text = text, .n = n, .import = x };

        int r = import_json_all(&j, dump_read, "empty: " EXPECTED);
        if (r >= 0 && j.n_rounded > 0)
                (void)fprintf(stderr, "headroomctl: %llu values are rounded to a tenth of their unit: dump with --raw\n",
                              (unsigned long long)j.n_rounded);
        if (r >= 0 && j.n_other > 0)
                (void)fprintf(stderr, "headroomctl: %llu cgroups were left out, of paths that are too long or none\n",
                              (unsigned long long)j.n_other);
        return r;
}

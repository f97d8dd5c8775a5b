/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/merge.h"

#include <string.h>

#include "plan/document.h"
#include "report/json.h"

#define RISKS_MAX     1000
#define DENSITIES_MAX 64
/* Of the path of a trace, and of a cgroup's pattern: what is kept of each host is bounded. */
#define NAME_BYTES_MAX 4096

typedef enum Risk {
        RISK_KERNEL_KILLS = 1 << 0,
        RISK_KILLS = 1 << 1,
        RISK_EXHAUSTING = 1 << 2,
        RISK_TOO_SMALL = 1 << 3, /* the recorded size is below the smallest safe one, or none was safe */
        RISK_NO_MARGIN = 1 << 4, /* it is below the advised one */
} Risk;

typedef struct HostRisk {
        char *name; /* owned */
        uint32_t risks;
        uint64_t recorded_bytes, safe_bytes, headroom_min_bytes, n_kills, n_kernel_kills;
} HostRisk;

typedef struct FleetDensity {
        char *pattern; /* owned */
        uint64_t hosts, conservative, sigma3, as_recorded;
} FleetDensity;

struct Fleet {
        uint64_t n_hosts, n_without_safe, n_with_kills, n_exhausting, n_uncalibrated, n_low, n_at_risk, span_usec, samples;
        uint64_t n_simulated;
        uint64_t sum_recorded, sum_safe, sum_advised, n_kills, n_kernel_kills;
        Histogram headroom, headroom_min, demand, demand_peak, safe, advised;
        HostRisk *risks;
        uint32_t n_risks;
        FleetDensity densities[DENSITIES_MAX];
        uint32_t n_densities;
        uint64_t n_densities_left_out;
};

int fleet_new(Fleet **ret) {
        Fleet *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        Histogram *all[] = { &f->headroom, &f->headroom_min, &f->demand, &f->demand_peak, &f->safe, &f->advised };
        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
                histogram_init(all[i]);
        f->risks = calloc(RISKS_MAX, sizeof(*f->risks));
        if (!f->risks) {
                free(f);
                return -ENOMEM;
        }
        *ret = f;
        return 0;
}

Fleet *fleet_free(Fleet *f) {
        if (!f)
                return NULL;
        for (uint32_t i = 0; i < f->n_risks; i++)
                free(f->risks[i].name);
        for (uint32_t i = 0; i < f->n_densities; i++)
                free(f->densities[i].pattern);
        free(f->risks);
        free(f);
        return NULL;
}

uint64_t fleet_hosts(const Fleet *f) {
        return f->n_hosts;
}

static uint64_t get(const json_t *o, const char *a, const char *b, uint64_t otherwise) {
        const json_t *v = json_object_get(o, a);
        v = b ? json_object_get(v, b) : v;
        return json_is_integer(v) && json_integer_value(v) >= 0 ? (uint64_t)json_integer_value(v) : otherwise;
}

static bool is_true(const json_t *o, const char *a, const char *b) {
        return json_is_true(json_object_get(json_object_get(o, a), b));
}

/* A host without such a section adds nothing; one with a broken one is refused. */
static int take_histogram(const json_t *doc, const char *section, Histogram *ret) {
        const json_t *h = json_object_get(json_object_get(doc, section), "histogram");

        histogram_init(ret);
        return h ? histogram_from_json(h, ret) : 0;
}

/* The worst RISKS_MAX: the list is kept sorted, worst first. */
static bool is_worse(const HostRisk *a, const HostRisk *b) {
        uint32_t x = a->risks & -a->risks, y = b->risks & -b->risks; /* the gravest of each: the lowest bit */
        if (x != y)
                return x < y;
        if (a->headroom_min_bytes != b->headroom_min_bytes)
                return a->headroom_min_bytes < b->headroom_min_bytes;
        return strcmp(a->name, b->name) < 0;
}

static void add_risk(Fleet *f, HostRisk take) {
        uint32_t i = f->n_risks;

        f->n_at_risk++;
        if (f->n_risks == RISKS_MAX) {
                if (!is_worse(&take, &f->risks[RISKS_MAX - 1])) {
                        free(take.name);
                        return;
                }
                free(f->risks[RISKS_MAX - 1].name);
                i = RISKS_MAX - 1;
        } else
                f->n_risks++;
        for (; i > 0 && is_worse(&take, &f->risks[i - 1]); i--)
                f->risks[i] = f->risks[i - 1];
        f->risks[i] = take;
}

static void add_density(Fleet *f, const json_t *d) {
        const char *pattern = json_string_value(json_object_get(d, "pattern"));
        uint32_t i = 0;

        if (!pattern || !json_is_true(json_object_get(d, "has_copy")))
                return;
        while (i < f->n_densities && strcmp(f->densities[i].pattern, pattern) != 0)
                i++;
        if (i == DENSITIES_MAX) {
                f->n_densities_left_out++;
                return;
        }
        if (i == f->n_densities) {
                f->densities[i] = (FleetDensity){ .pattern = strdup(pattern) };
                if (!f->densities[i].pattern)
                        return;
                f->n_densities++;
        }
        FleetDensity *sum = &f->densities[i];
        sum->hosts++;
        sum->conservative = u64_add_sat(sum->conservative, get(d, "conservative", "n", 0));
        sum->sigma3 = u64_add_sat(sum->sigma3, get(d, "sigma3", "n", 0));
        sum->as_recorded = u64_add_sat(sum->as_recorded, get(d, "as_recorded", "n", 0));
}

static void add_ram(Fleet *f, const json_t *doc, HostRisk *risk) {
        const json_t *ram = json_object_get(doc, "ram"), *safe = json_object_get(ram, "safe");

        risk->recorded_bytes = get(doc, "host", "mem_total_bytes", 0);
        f->sum_recorded = u64_add_sat(f->sum_recorded, risk->recorded_bytes);
        if (!json_is_object(ram))
                return;
        f->n_simulated++;
        if (!json_is_object(safe)) {
                f->n_without_safe++;
                risk->risks |= RISK_TOO_SMALL;
                return;
        }
        uint64_t advised = get(safe, "advised", "bytes", 0);
        const char *source = json_string_value(json_object_get(safe, "source"));
        risk->safe_bytes = get(safe, "bytes", NULL, 0);
        histogram_add(&f->safe, risk->safe_bytes, 1);
        histogram_add(&f->advised, advised, 1);
        f->sum_safe = u64_add_sat(f->sum_safe, risk->safe_bytes);
        f->sum_advised = u64_add_sat(f->sum_advised, advised);
        f->n_low += source && strcmp(source, "low") == 0;
        if (risk->safe_bytes > risk->recorded_bytes)
                risk->risks |= RISK_TOO_SMALL;
        else if (advised > risk->recorded_bytes)
                risk->risks |= RISK_NO_MARGIN;
}

static void add_record(Fleet *f, const json_t *doc, HostRisk *risk) {
        risk->n_kills = get(doc, "kills", "n", 0);
        risk->n_kernel_kills = get(doc, "kills", "n_kernel", 0);
        f->n_kills = u64_add_sat(f->n_kills, risk->n_kills);
        f->n_kernel_kills = u64_add_sat(f->n_kernel_kills, risk->n_kernel_kills);
        f->n_with_kills += risk->n_kills > 0 || risk->n_kernel_kills > 0;
        risk->risks |= (risk->n_kernel_kills > 0 ? RISK_KERNEL_KILLS : 0) | (risk->n_kills > 0 ? RISK_KILLS : 0);
        if (json_is_object(json_object_get(json_object_get(doc, "forecast"), "earliest"))) {
                f->n_exhausting++;
                risk->risks |= RISK_EXHAUSTING;
        }
        f->n_uncalibrated += !is_true(doc, "pressure", "is_calibrated");
        f->span_usec = u64_add_sat(f->span_usec, get(doc, "span", "observed_usec", 0));
        f->samples = u64_add_sat(f->samples, get(doc, "span", "samples", 0));
}

static bool is_long(const json_t *o, const char *key) {
        return json_string_length(json_object_get(o, key)) > NAME_BYTES_MAX;
}

/* NULL, or what is kept of it would be too much. */
static const char *fault_of_names(const json_t *doc) {
        const json_t *d;
        size_t n;

        if (is_long(json_object_get(doc, "trace"), "path"))
                return "a trace whose path is longer than 4096 bytes";
        json_array_foreach(json_object_get(doc, "density"), n, d) {
                if (is_long(d, "pattern"))
                        return "a pattern longer than 4096 bytes";
        }
        return NULL;
}

int fleet_add(Fleet *f, const json_t *doc, const char **ret_why) {
        const json_t *d;
        Histogram headroom, demand;
        size_t n;

        if (!plan_document_check(doc, "host", ret_why))
                return -EBADMSG;
        const char *fault = fault_of_names(doc);
        if (fault) {
                *ret_why = fault;
                return -EBADMSG;
        }
        if (take_histogram(doc, "headroom", &headroom) < 0 || take_histogram(doc, "demand", &demand) < 0) {
                *ret_why = "a histogram whose buckets do not add up";
                return -EBADMSG;
        }
        const char *name = json_string_value(json_object_get(json_object_get(doc, "trace"), "path"));
        HostRisk risk = { .name = strdup(name ? name : "?") };
        if (!risk.name)
                return -ENOMEM;
        f->n_hosts++;
        histogram_merge(&f->headroom, &headroom);
        histogram_merge(&f->demand, &demand);
        risk.headroom_min_bytes = headroom.total > 0 ? headroom.min : 0;
        if (headroom.total > 0)
                histogram_add(&f->headroom_min, headroom.min, 1);
        if (demand.total > 0)
                histogram_add(&f->demand_peak, demand.max, 1);
        add_ram(f, doc, &risk);
        add_record(f, doc, &risk);
        json_array_foreach(json_object_get(doc, "density"), n, d) {
                add_density(f, d);
        }
        if (risk.risks)
                add_risk(f, risk);
        else
                free(risk.name);
        return 0;
}

/* ---- the document ---- */

static void set(json_t *o, const char *key, json_t *value) {
        (void)json_object_set_new(o, key, value);
}

static void set_u64(json_t *o, const char *key, uint64_t value) {
        set(o, key, json_integer((json_int_t)MIN(value, (uint64_t)INT64_MAX)));
}

/* @source: how far it may be trusted, in the words of the hosts' documents. */
static json_t *distribution(const Histogram *h, const char *source) {
        static const struct {
                const char *key;
                uint32_t permyriad;
        } percentiles[] = { { "min", 0 },      { "p1", 100 },    { "p5", 500 },    { "p50", 5000 },
                            { "p95", 9500 }, { "p99", 9900 }, { "max", 10000 } };
        json_t *o = json_object();

        if (h->total == 0)
                return o;
        for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++) {
                char key[32];
                (void)snprintf(key, sizeof(key), "%s_bytes", percentiles[i].key);
                set_u64(o, key, histogram_percentile(h, percentiles[i].permyriad));
        }
        set(o, "source", json_string(source));
        set(o, "histogram", histogram_to_json(h));
        return o;
}

static json_t *risk_to_json(const HostRisk *r) {
        static const char *const names[] = { "kernel-kills", "kills", "exhausting", "smaller-than-safe", "no-margin" };
        json_t *o = json_object(), *why = json_array();

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (r->risks & (1u << i))
                        (void)json_array_append_new(why, json_string(names[i]));
        /* Escaped in the document it comes from, and again, since that may be anybody's. */
        set(o, "host", json_escaped(r->name));
        set(o, "why", why);
        set_u64(o, "recorded_bytes", r->recorded_bytes);
        set(o, "safe_bytes", json_u64(r->safe_bytes, 0));
        set_u64(o, "headroom_min_bytes", r->headroom_min_bytes);
        set_u64(o, "kills", r->n_kills);
        set_u64(o, "kernel_kills", r->n_kernel_kills);
        return o;
}

static json_t *hosts_to_json(const Fleet *f) {
        json_t *o = json_object();

        set_u64(o, "n", f->n_hosts);
        set_u64(o, "simulated", f->n_simulated);
        set_u64(o, "without_safe_size", f->n_without_safe);
        set_u64(o, "with_kills", f->n_with_kills);
        set_u64(o, "exhausting", f->n_exhausting);
        set_u64(o, "uncalibrated", f->n_uncalibrated);
        set_u64(o, "low_confidence", f->n_low);
        set_u64(o, "at_risk", f->n_at_risk);
        set_u64(o, "kills", f->n_kills);
        set_u64(o, "kernel_kills", f->n_kernel_kills);
        set_u64(o, "observed_usec", f->span_usec);
        set_u64(o, "samples", f->samples);
        return o;
}

static json_t *ram_to_json(const Fleet *f) {
        const char *source = f->n_low > 0 ? "low" : "modelled";
        json_t *o = json_object();

        set(o, "source", json_string(source));
        set_u64(o, "recorded_sum_bytes", f->sum_recorded);
        set_u64(o, "safe_sum_bytes", f->sum_safe);
        set_u64(o, "advised_sum_bytes", f->sum_advised);
        set(o, "safe", distribution(&f->safe, source));
        set(o, "advised", distribution(&f->advised, source));
        return o;
}

static void set_count(json_t *o, const char *key, uint64_t n, const char *source) {
        json_t *number = json_object();

        set_u64(number, "n", n);
        set(number, "source", json_string(source));
        set(o, key, number);
}

json_t *fleet_document(Fleet *f) {
        json_t *o = json_object(), *risks = json_array(), *densities = json_array(), *notes = json_array();

        for (uint32_t i = 0; i < f->n_risks; i++)
                (void)json_array_append_new(risks, risk_to_json(&f->risks[i]));
        for (uint32_t i = 0; i < f->n_densities; i++) {
                const FleetDensity *d = &f->densities[i];
                json_t *one = json_object();
                set(one, "pattern", json_escaped(d->pattern));
                set_u64(one, "hosts", d->hosts);
                set_count(one, "conservative", d->conservative, "estimated");
                set_count(one, "sigma3", d->sigma3, "modelled");
                set_count(one, "as_recorded", d->as_recorded, "modelled");
                (void)json_array_append_new(densities, one);
        }
        (void)json_array_append_new(notes, json_string("Sums and distributions over hosts; percentiles are upper edges of buckets, at most 5 % "
                                                       "too high. Simulated numbers carry the weakest confidence of any host in them."));
        if (f->n_uncalibrated > 0)
                (void)json_array_append_new(notes, json_string("On some hosts the trace never saw pressure: their stalls are not calibrated."));
        if (f->n_densities_left_out > 0)
                (void)json_array_append_new(notes, json_string("More patterns of density than are kept: the ones that came last are left out."));
        set(o, "format", json_string("headroom-plan"));
        set(o, "version", json_integer(PLAN_DOCUMENT_VERSION));
        set(o, "kind", json_string("fleet"));
        set(o, "program", json_string("headroomctl " HEADROOM_VERSION));
        set(o, "hosts", hosts_to_json(f));
        set(o, "headroom", distribution(&f->headroom, "measured"));
        set(o, "headroom_min", distribution(&f->headroom_min, "measured"));
        set(o, "demand", distribution(&f->demand, "measured"));
        set(o, "demand_peak", distribution(&f->demand_peak, "measured"));
        set(o, "ram", ram_to_json(f));
        set(o, "density", densities);
        set(o, "at_risk", risks);
        set(o, "notes", notes);
        return o;
}

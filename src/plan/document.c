/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/document.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plan/document-parts.h"
#include "report/json.h"

json_t *doc_number(const Basis *b, const char *key, uint64_t value) {
        json_t *o = json_object();

        doc_set(o, key, json_u64(value, UINT64_MAX));
        doc_set(o, "source", json_string(plan_confidence_to_string(b->source)));
        doc_set(o, "samples", json_u64(b->samples, UINT64_MAX));
        doc_set(o, "span_usec", json_u64(b->span_usec, UINT64_MAX));
        return o;
}

json_t *doc_hash(uint64_t hash) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%016" PRIx64, hash);
        return json_string(text);
}

/* What is there is never null, or it would not be read back: jansson's integers are signed, the rest is cut off. */
static json_t *capped(uint64_t value) {
        return json_integer((json_int_t)MIN(value, (uint64_t)INT64_MAX));
}

json_t *histogram_to_json(const Histogram *h) {
        json_t *o = json_object(), *buckets = json_array();

        for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
                if (h->weight[i] > 0)
                        (void)json_array_append_new(buckets, json_pack("[I, o]", (json_int_t)i, capped(h->weight[i])));
        doc_set(o, "total", capped(h->total));
        doc_set(o, "min_bytes", h->total > 0 ? capped(h->min) : json_null());
        doc_set(o, "max_bytes", h->total > 0 ? capped(h->max) : json_null());
        doc_set(o, "buckets", buckets);
        return o;
}

static int get_u64(const json_t *o, const char *key, uint64_t *ret) {
        const json_t *v = json_object_get(o, key);
        if (!json_is_integer(v) || json_integer_value(v) < 0)
                return -EBADMSG;
        *ret = (uint64_t)json_integer_value(v);
        return 0;
}

int histogram_from_json(const json_t *o, Histogram *ret) {
        const json_t *buckets = json_object_get(o, "buckets"), *pair;
        Histogram h;
        uint64_t sum = 0;
        size_t n;

        histogram_init(&h);
        if (!json_is_array(buckets) || get_u64(o, "total", &h.total) < 0)
                return -EBADMSG;
        json_array_foreach(buckets, n, pair) {
                const json_t *index = json_array_get(pair, 0), *weight = json_array_get(pair, 1);
                if (!json_is_integer(index) || !json_is_integer(weight))
                        return -EBADMSG;
                json_int_t i = json_integer_value(index), w = json_integer_value(weight);
                if (i < 0 || i >= HISTOGRAM_BUCKETS || w <= 0 || h.weight[i] > 0)
                        return -EBADMSG;
                h.weight[i] = (uint64_t)w;
                sum = u64_add_sat(sum, (uint64_t)w);
        }
        if (sum != h.total)
                return -EBADMSG;
        if (h.total > 0 && (get_u64(o, "min_bytes", &h.min) < 0 || get_u64(o, "max_bytes", &h.max) < 0 || h.min > h.max))
                return -EBADMSG;
        *ret = h;
        return 0;
}

static json_t *doc_trace(const PlanRequest *q, const PlanRun *r) {
        json_t *o = json_object();

        doc_set(o, "path", json_escaped(q->path));
        doc_set(o, "hash", doc_hash(r->reader.hash));
        doc_set(o, "bytes", json_u64(r->reader.file_bytes, UINT64_MAX));
        doc_set(o, "raw_bytes", json_u64(r->reader.raw_bytes, UINT64_MAX));
        doc_set(o, "records", json_u64(r->stats->n_records, UINT64_MAX));
        doc_set(o, "files", json_u64(r->reader.n_files, UINT64_MAX));
        doc_set(o, "damaged", json_u64(r->reader.n_damaged, UINT64_MAX));
        doc_set(o, "torn", json_u64(r->reader.n_torn, UINT64_MAX));
        if (r->was_damaged) {
                doc_set(o, "damage_offset", json_u64(r->damage.offset, UINT64_MAX));
                doc_set(o, "damage", json_escaped(r->damage.text));
        }
        return o;
}

static json_t *doc_host(const PlanStats *s) {
        json_t *o = json_object();

        doc_set(o, "boot_id", s->has_start ? json_escaped(s->start.boot_id) : json_null());
        doc_set(o, "boots", json_integer(s->clock.n_boots));
        doc_set(o, "kernel", s->has_start ? json_escaped(s->start.kernel) : json_null());
        doc_set(o, "machine", s->has_start ? json_escaped(s->start.machine) : json_null());
        doc_set(o, "recorder", s->has_start ? json_escaped(s->start.recorder) : json_null());
        doc_set(o, "page_size", json_u64(s->page_size, 0));
        doc_set(o, "cpus", json_u64(s->start.n_cpus, 0));
        doc_set(o, "mem_total_bytes", json_u64(s->mem_total_max, 0));
        doc_set(o, "mem_total_min_bytes", json_u64(s->mem_total_min, 0));
        doc_set(o, "swap_total_bytes", json_u64(s->swap_total_max, UINT64_MAX));
        doc_set(o, "zram_total_bytes", json_u64(s->zram_total_max, UINT64_MAX));
        return o;
}

static json_t *doc_policy(const PlanRequest *q, const PlanRun *r) {
        json_t *o = json_object(), *hashes = json_array();

        for (uint32_t i = 0; i < r->stats->n_policies; i++)
                (void)json_array_append_new(hashes, doc_hash(r->stats->policy_hashes[i]));
        doc_set(o, "recorded_hashes", hashes);
        doc_set(o, "asked_hash", r->policy_hash && !q->is_report ? doc_hash(r->policy_hash) : json_null());
        doc_set(o, "is_built_in", json_boolean(r->is_fallback));
        doc_set(o, "decides", json_boolean(r->stats->has_decisions));
        doc_set(o, "is_dry_run", json_boolean(r->stats->has_dry_run));
        return o;
}

static json_t *doc_span(const PlanStats *s) {
        json_t *o = json_object(), *gaps = json_array();

        for (uint32_t i = 0; i < MIN(s->clock.n_gaps, (uint64_t)PLAN_GAPS_MAX); i++) {
                const PlanGap *g = &s->clock.gaps[i];
                (void)json_array_append_new(gaps, json_pack("{s:s, s:I, s:I, s:o}", "why", plan_gap_why_to_string(g->why),
                                                            "axis_usec", (json_int_t)g->axis_usec, "real_usec",
                                                            (json_int_t)g->real_usec, "span_usec", json_u64(g->span_usec, 0)));
        }
        doc_set(o, "first_real_usec", json_u64(s->clock.first_real_usec, 0));
        doc_set(o, "last_real_usec", json_u64(s->clock.real_usec, 0));
        doc_set(o, "axis_usec", json_u64(s->clock.axis_usec, UINT64_MAX));
        doc_set(o, "observed_usec", json_u64(s->clock.observed_usec, UINT64_MAX));
        doc_set(o, "samples", json_u64(s->n_samples, UINT64_MAX));
        doc_set(o, "detailed_samples", json_u64(s->n_detailed, UINT64_MAX));
        doc_set(o, "n_gaps", json_u64(s->clock.n_gaps, UINT64_MAX));
        doc_set(o, "gaps", gaps);
        return o;
}

json_t *plan_document(const PlanRequest *q, const PlanRun *r, const DocumentOptions *options) {
        json_t *o = json_object();

        doc_set(o, "format", json_string("headroom-plan"));
        doc_set(o, "version", json_integer(PLAN_DOCUMENT_VERSION));
        doc_set(o, "kind", json_string("host"));
        doc_set(o, "command", json_string(options->is_report ? "report" : "plan"));
        doc_set(o, "program", json_string("headroomctl " HEADROOM_VERSION));
        doc_set(o, "trace", doc_trace(q, r));
        doc_set(o, "host", doc_host(r->stats));
        doc_set(o, "policy", doc_policy(q, r));
        doc_set(o, "span", doc_span(r->stats));
        doc_set(o, "headroom", doc_headroom(r->stats));
        doc_set(o, "demand", doc_demand(r->stats));
        if (!options->is_line)
                doc_set(o, "series", doc_series(r->stats));
        doc_set(o, "pressure", doc_pressure(r->stats));
        doc_set(o, "kills", doc_kills(r->stats));
        doc_set(o, "cgroups", doc_cgroups(r->stats));
        doc_set(o, "answers", doc_answers(r));
        doc_set(o, "ram", r->has_ram ? doc_ram(r) : json_null());
        doc_set(o, "density", doc_density(q, r));
        doc_set(o, "forecast", doc_forecast(r->stats));
        doc_set(o, "commit", doc_commit(r->stats));
        doc_set(o, "advice", doc_advice(r->stats));
        doc_set(o, "notes", doc_notes(q, r));
        return o;
}

bool plan_document_check(const json_t *doc, const char *kind, const char **ret_why) {
        const char *format = json_string_value(json_object_get(doc, "format"));
        const json_t *version = json_object_get(doc, "version");
        const char *has = json_string_value(json_object_get(doc, "kind"));

        if (!format || strcmp(format, "headroom-plan") != 0)
                *ret_why = "not a plan of headroomctl plan -o jsonl";
        else if (!json_is_integer(version) || json_integer_value(version) != PLAN_DOCUMENT_VERSION)
                *ret_why = "a plan of another version of the format, expected 1";
        else if (kind && (!has || strcmp(has, kind) != 0))
                *ret_why = "a plan of another kind, expected that of one host";
        else
                return true;
        return false;
}

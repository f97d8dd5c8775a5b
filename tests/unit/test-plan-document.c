/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "plan/document.h"
#include "plan/html.h"
#include "plan/merge.h"
#include "synth/synth.h"

/* A made-up host, its statistics and the recorded question, as plan_run() would have them of a file. */
typedef struct Host {
        PlanRun run;
        PlanRequest request;
        Policy *policy;
} Host;

static void host_init(Host *h, uint64_t seed) {
        ConfigReport report = { 0 };
        Synth *synth = NULL;
        const TraceRecord *r;
        PlanSim *sims[2] = { NULL, NULL };

        memset(h, 0, sizeof(*h));
        assert_int_equal(policy_load(-EBADF, NULL, &report, &h->policy), 0);
        config_report_done(&report);
        h->request = (PlanRequest){ .path = "/traces/<b>&\"host'", .base.swappiness = -1, .densities = { "system.slice/*" },
                                    .n_densities = 1 };
        const SynthOptions o = { .seed = seed, .n_cgroups = 6, .n_processes = 12, .span_usec = 300 * USEC_PER_SEC,
                                 .ram_bytes = UINT64_C(1) << 30, .policy = h->policy, .gap_usec = 100 * USEC_PER_SEC,
                                 .leak_bytes_per_sec = UINT64_C(4) << 20 };
        assert_int_equal(synth_new(&o, &synth), 0);
        const TraceSource source = synth_source(synth);
        assert_int_equal(plan_stats_new(h->request.densities, 1, &h->run.stats), 0);
        h->run.answers = calloc(PLAN_ANSWERS_MAX, sizeof(PlanAnswer));
        assert_non_null(h->run.answers);
        h->run.n_answers = 2;
        h->run.answers[0] = (PlanAnswer){ .role = PLAN_ROLE_RECORDED, .question = { .name = "as recorded", .swappiness = -1 } };
        h->run.answers[1] = (PlanAnswer){ .role = PLAN_ROLE_RAM,
                                          .question = { .name = "ram 700M", .swappiness = -1, .ram_bytes = UINT64_C(700) << 20 } };
        for (int i = 0; i < 2; i++)
                assert_int_equal(plan_sim_new(&h->run.answers[i].question, &sims[i]), 0);
        while (trace_next(&source, &r) > 0) {
                assert_int_equal(plan_stats_feed(h->run.stats, r), 0);
                for (int i = 0; i < 2; i++)
                        assert_int_equal(plan_sim_feed(sims[i], r), 0);
        }
        plan_stats_finish(h->run.stats);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(plan_sim_finish(sims[i], &h->run.answers[i].outcome), 0);
                h->run.answers[i].is_done = true;
                plan_sim_free(sims[i]);
        }
        RamPoint p = { UINT64_C(700) << 20, h->run.answers[1].outcome.is_safe, h->run.answers[1].outcome.confidence };
        h->run.has_ram = true;
        ram_answer(&p, 1, true, &h->run.ram);
        density_result(&h->run.stats->densities[0], &h->run.densities[0]);
        synth_free(synth);
}

static void host_done(Host *h) {
        plan_run_done(&h->run);
        policy_free(h->policy);
}

static json_t *document(const Host *h, bool is_line) {
        json_t *doc = plan_document(&h->request, &h->run, &(DocumentOptions){ .is_line = is_line });
        assert_non_null(doc);
        return doc;
}

static void test_histogram(void **unused) {
        (void)unused;
        Histogram h, again;
        histogram_init(&h);
        for (uint64_t i = 0; i < 100; i++)
                histogram_add(&h, i * i * 1000000, i);
        json_t *o = histogram_to_json(&h);
        assert_int_equal(histogram_from_json(o, &again), 0);
        assert_memory_equal(&h, &again, sizeof(h));
        json_decref(o);
        histogram_init(&h);
        o = histogram_to_json(&h);
        assert_int_equal(histogram_from_json(o, &again), 0);
        assert_memory_equal(&h, &again, sizeof(h));
        json_decref(o);

        /* a host whose trace says the most there is: its line can be merged all the same */
        histogram_init(&h);
        histogram_add(&h, UINT64_MAX, 3);
        o = histogram_to_json(&h);
        assert_int_equal(histogram_from_json(o, &again), 0);
        assert_int_equal(again.total, 3);
        assert_true(again.min == INT64_MAX && again.max == INT64_MAX);
        json_decref(o);

        static const char *const bad[] = {
                "{}", "[]", "7", "null", "{\"total\":1,\"buckets\":[]}", "{\"total\":1,\"buckets\":[[0,1]]}",
                "{\"total\":1,\"min_bytes\":5,\"max_bytes\":4,\"buckets\":[[0,1]]}",
                "{\"total\":1,\"min_bytes\":1,\"max_bytes\":4,\"buckets\":[[376,1]]}",
                "{\"total\":1,\"min_bytes\":1,\"max_bytes\":4,\"buckets\":[[-1,1]]}",
                "{\"total\":-1,\"min_bytes\":1,\"max_bytes\":4,\"buckets\":[[0,-1]]}",
                "{\"total\":2,\"min_bytes\":1,\"max_bytes\":4,\"buckets\":[[0,1],[0,1]]}",
                "{\"total\":1,\"min_bytes\":1,\"max_bytes\":4,\"buckets\":[[0]]}",
                "{\"total\":1,\"min_bytes\":1,\"max_bytes\":4,\"buckets\":[7]}",
        };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                json_t *b = json_loads(bad[i], JSON_DECODE_ANY, NULL);
                if (histogram_from_json(b, &again) != -EBADMSG)
                        fail_msg("%s", bad[i]);
                json_decref(b);
        }
}

/* Every number says where it comes from, over what span and of how many samples. */
static void check_numbers(const json_t *o, unsigned *n) {
        static const char *const sources[] = { "measured", "replayed", "estimated", "modelled", "low" };
        const char *key;
        const json_t *v;
        size_t i;

        if (json_object_get(o, "samples") && json_object_get(o, "source")) {
                const char *source = json_string_value(json_object_get(o, "source"));
                bool known = false;
                for (size_t k = 0; k < ARRAY_SIZE(sources); k++)
                        known |= strcmp(source, sources[k]) == 0;
                assert_true(known);
                assert_non_null(json_object_get(o, "span_usec"));
                (*n)++;
        }
        json_object_foreach((json_t *)(uintptr_t)o, key, v)
                check_numbers(v, n);
        json_array_foreach(o, i, v)
                check_numbers(v, n);
}

/* What a rule makes of measured values is not what a simulation makes of a host. */
static void check_sources(const json_t *o, const char *const (*expected)[2], size_t n) {
        for (size_t i = 0; i < n; i++) {
                const char *source = json_string_value(json_object_get(json_object_get(o, expected[i][0]), "source"));
                if (!source || strcmp(source, expected[i][1]) != 0)
                        fail_msg("%s is %s, not %s", expected[i][0], source, expected[i][1]);
        }
}

static const char *const density_sources[][2] = { { "conservative", "estimated" }, { "sigma3", "modelled" }, { "as_recorded", "modelled" } };

static void test_document(void **unused) {
        (void)unused;
        Host h;
        const char *why = NULL;
        unsigned n = 0;
        host_init(&h, 1);
        json_t *doc = document(&h, false), *again = document(&h, false), *line = document(&h, true);
        assert_true(plan_document_check(doc, "host", &why));
        assert_false(plan_document_check(doc, "fleet", &why));
        assert_true(json_equal(doc, again));
        assert_true(json_array_size(json_object_get(json_object_get(doc, "series"), "points")) > 10);
        assert_null(json_object_get(line, "series"));
        check_numbers(doc, &n);
        assert_true(n > 100);
        static const char *const keys[] = { "trace", "host", "policy", "span", "headroom", "demand", "pressure", "kills", "cgroups",
                                            "answers", "ram", "density", "forecast", "commit", "advice", "notes" };
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (!json_object_get(doc, keys[i]))
                        fail_msg("no %s", keys[i]);
        /* the curve is counterfactual and says so */
        const json_t *point = json_array_get(json_object_get(json_object_get(doc, "ram"), "curve"), 0);
        assert_true(json_is_true(json_object_get(point, "is_counterfactual")));
        assert_int_equal(json_integer_value(json_object_get(json_object_get(doc, "span"), "n_gaps")), 1);
        const json_t *density = json_array_get(json_object_get(doc, "density"), 0), *commit = json_object_get(doc, "commit");
        assert_true(json_is_true(json_object_get(density, "has_copy")));
        check_sources(density, density_sources, ARRAY_SIZE(density_sources));
        check_sources(density, (const char *const[][2]){ { "copy_peak", "measured" }, { "base_peak", "measured" } }, 2);
        check_sources(commit, (const char *const[][2]){ { "committed_peak", "measured" }, { "needed_limit", "estimated" } }, 2);
        json_decref(doc);
        json_decref(again);
        json_decref(line);
        host_done(&h);
}

static char *page_of(const json_t *doc) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        assert_non_null(f);
        assert_int_equal(html_write(doc, f), 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(strlen(text), size);
        return text;
}

static size_t count(const char *text, const char *part) {
        size_t n = 0;
        for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
                n++;
        return n;
}

static void test_page(void **unused) {
        (void)unused;
        static const char hostile[] = "/</script><img src=x onerror=alert(1)>\"'&.service";
        static const char *const paired[] = { "section", "table", "thead", "tr", "td", "svg", "div", "figure", "details", "h2", "pre", "title" };
        Host h;
        host_init(&h, 2);
        json_t *doc = document(&h, false);
        json_t *list = json_object_get(json_object_get(doc, "cgroups"), "list");
        assert_true(json_array_size(list) > 0);
        (void)json_object_set_new(json_array_get(list, 0), "path", json_string(hostile));
        json_t *events = json_object_get(json_object_get(doc, "kills"), "events");
        (void)json_array_append_new(events, json_pack("{s:s, s:s, s:s, s:s, s:i}", "by", "headroomd", "comm", hostile, "cgroup", hostile,
                                                      "reason", hostile, "pid", 5));
        char *page = page_of(doc), *again = page_of(doc);
        assert_string_equal(page, again);
        assert_null(strstr(page, "<img"));
        assert_null(strstr(page, "<script"));
        assert_null(strstr(page, "onerror=alert(1)>"));
        assert_non_null(strstr(page, "&lt;img src=x"));
        assert_null(strstr(page, "<b>&\"host'"));
        assert_null(strstr(page, "http://"));
        assert_null(strstr(page, "https://"));
        assert_null(strstr(page, "url("));
        for (size_t i = 0; i < ARRAY_SIZE(paired); i++) {
                char open[24], close[24];
                (void)snprintf(open, sizeof(open), "<%s>", paired[i]);
                (void)snprintf(close, sizeof(close), "</%s>", paired[i]);
                size_t n = count(page, open), m;
                (void)snprintf(open, sizeof(open), "<%s ", paired[i]);
                m = n + count(page, open);
                if (m != count(page, close))
                        fail_msg("%zu of <%s>, %zu of %s", m, paired[i], count(page, close), close);
        }
        free(page);
        free(again);
        json_decref(doc);
        host_done(&h);
}

/* A document that lacks everything is a page all the same. */
static void test_empty_page(void **unused) {
        (void)unused;
        static const char *const texts[] = { "{}", "{\"kind\":\"fleet\"}", "{\"kind\":\"host\",\"series\":[],\"cgroups\":7,\"ram\":\"x\"}" };
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                json_t *doc = json_loads(texts[i], 0, NULL);
                char *page = page_of(doc);
                assert_non_null(strstr(page, "</html>"));
                free(page);
                json_decref(doc);
        }
}

/* The wall clock of a trace may say anything: labels are few all the same. */
static void test_far_times(void **unused) {
        (void)unused;
        static const json_int_t times[][2] = { { INT64_MAX, INT64_MAX }, { INT64_MAX, 1000000 }, { 1, INT64_MAX }, { 0, 0 } };
        Host h;
        host_init(&h, 4);
        for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
                json_t *doc = document(&h, false), *span = json_object_get(doc, "span");
                (void)json_object_set_new(span, "first_real_usec", json_integer(times[i][0]));
                (void)json_object_set_new(span, "axis_usec", json_integer(times[i][1]));
                char *page = page_of(doc);
                assert_true(count(page, "<span class=\"x") < 100);
                free(page);
                json_decref(doc);
        }
        host_done(&h);
}

static json_int_t at(const json_t *o, const char *a, const char *b) {
        return json_integer_value(json_object_get(json_object_get(o, a), b));
}

static void test_fleet(void **unused) {
        (void)unused;
        Fleet *forward = NULL, *backward = NULL;
        json_t *docs[3];
        const char *why = NULL;
        Host h;
        json_int_t total = 0;

        assert_int_equal(fleet_new(&forward), 0);
        assert_int_equal(fleet_new(&backward), 0);
        for (int i = 0; i < 3; i++) {
                host_init(&h, 10 + (uint64_t)i);
                docs[i] = document(&h, true);
                total += at(json_object_get(docs[i], "headroom"), "histogram", "total");
                host_done(&h);
        }
        for (int i = 0; i < 3; i++) {
                assert_int_equal(fleet_add(forward, docs[i], &why), 0);
                assert_int_equal(fleet_add(backward, docs[2 - i], &why), 0);
        }
        assert_int_equal(fleet_hosts(forward), 3);
        json_t *a = fleet_document(forward), *b = fleet_document(backward);
        assert_true(json_equal(json_object_get(a, "headroom"), json_object_get(b, "headroom")));
        assert_true(json_equal(json_object_get(a, "ram"), json_object_get(b, "ram")));
        assert_true(json_equal(json_object_get(a, "hosts"), json_object_get(b, "hosts")));
        assert_int_equal(at(json_object_get(a, "headroom"), "histogram", "total"), total);
        assert_int_equal(at(a, "hosts", "n"), 3);
        /* no number without a word for how far it may be trusted */
        static const char *const measured[] = { "headroom", "headroom_min", "demand", "demand_peak" };
        for (size_t i = 0; i < ARRAY_SIZE(measured); i++)
                assert_string_equal(json_string_value(json_object_get(json_object_get(a, measured[i]), "source")), "measured");
        assert_true(json_is_string(json_object_get(json_object_get(a, "ram"), "source")));
        assert_true(json_array_size(json_object_get(a, "density")) == 1);
        check_sources(json_array_get(json_object_get(a, "density"), 0), density_sources, ARRAY_SIZE(density_sources));
        char *page = page_of(a);
        assert_non_null(strstr(page, "Memory plan of 3 hosts"));
        free(page);

        /* no plans: refused, and nothing is added */
        static const char *const bad[] = { "{}", "[]", "{\"format\":\"headroom-plan\",\"version\":2,\"kind\":\"host\"}",
                                           "{\"format\":\"headroom-plan\",\"version\":1,\"kind\":\"fleet\"}",
                                           "{\"format\":\"headroom-plan\",\"version\":1,\"kind\":\"host\",\"headroom\":{\"histogram\":7}}" };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                json_t *o = json_loads(bad[i], 0, NULL);
                why = NULL;
                assert_int_equal(fleet_add(forward, o, &why), -EBADMSG);
                assert_non_null(why);
                json_decref(o);
        }
        /* what is kept of a host is bounded: its name as well */
        static char long_name[4098];
        memset(long_name, 'x', sizeof(long_name) - 1);
        json_t *trace = json_object_get(docs[0], "trace"), *pattern = json_array_get(json_object_get(docs[0], "density"), 0);
        (void)json_object_set_new(pattern, "pattern", json_string(long_name));
        assert_int_equal(fleet_add(forward, docs[0], &why), -EBADMSG);
        (void)json_object_set_new(pattern, "pattern", json_string("x"));
        (void)json_object_set_new(trace, "path", json_string(long_name));
        assert_int_equal(fleet_add(forward, docs[0], &why), -EBADMSG);
        long_name[4096] = '\0';
        assert_int_equal(fleet_hosts(forward), 3);
        (void)json_object_set_new(trace, "path", json_string(long_name));
        assert_int_equal(fleet_add(forward, docs[0], &why), 0);
        json_decref(a);
        json_decref(b);
        for (int i = 0; i < 3; i++)
                json_decref(docs[i]);
        fleet_free(forward);
        fleet_free(backward);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_histogram),  cmocka_unit_test(test_document), cmocka_unit_test(test_page),
                cmocka_unit_test(test_empty_page), cmocka_unit_test(test_far_times), cmocka_unit_test(test_fleet),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "imported.h"

#define PROMETHEUS FIXTURES_DIR "/prometheus/"

/* node.json: the host every 15 s, with one minute missing; cadvisor.json: cgroups every 30 s. */
static void test_both(void **state) {
        (void)state;
        Tree t;
        tree_open(&t);
        assert_int_equal(import_as(&t, NULL, PROMETHEUS "node.json", PROMETHEUS "cadvisor.json"), CTL_EXIT_OK);
        TraceReader *reader = open_result(&t);
        const TraceRecord *r = expect_next(reader, TRACE_START);
        assert_false(r->start.decides);
        assert_int_equal(r->start.interval_usec, 15 * USEC_PER_SEC);
        assert_string_equal(r->start.recorder, "import-prometheus");

        r = expect_next(reader, TRACE_SAMPLE);
        assert_false(r->has_decision);
        assert_int_equal(r->snap.real_usec, UINT64_C(1700000010) * USEC_PER_SEC);
        assert_int_equal(r->snap.host.value[HOST_MEM_TOTAL], UINT64_C(1) << 30);
        assert_int_equal(r->snap.host.value[HOST_MEM_AVAILABLE], 500000000);
        assert_int_equal(r->snap.host.value[HOST_PSI_SOME_USEC], 1500000);
        assert_int_equal(r->snap.host.value[HOST_VM_ALLOCSTALL], 7); /* two zones */
        assert_false(host_has(&r->snap.host, HOST_SWAP_TOTAL));
        const CgroupSample *c = find(&r->snap, "/system.slice/db.service");
        assert_non_null(c);
        assert_int_equal(c->value[CGROUP_CURRENT], 300000000);
        assert_int_equal(c->value[CGROUP_INACTIVE_FILE], 100000000); /* use less working set */
        assert_int_equal(c->value[CGROUP_ANON], 150000000);
        assert_true(c->value[CGROUP_MAX] == CGROUP_NO_LIMIT);
        assert_string_equal(r->snap.cgroups[c->parent].path, "/system.slice");
        assert_true(c->marks & CGROUP_MARK_LEAF);
        assert_false(find(&r->snap, "/system.slice")->marks & CGROUP_MARK_LEAF);
        assert_string_equal(r->snap.cgroups[0].path, "/");
        assert_non_null(find(&r->snap, "/system.slice/late-odd\n.service") ? NULL : "not yet there");

        /* between two points of the coarse series its value holds; NaN is absent */
        r = expect_next(reader, TRACE_SAMPLE);
        assert_int_equal(r->snap.real_usec, UINT64_C(1700000025) * USEC_PER_SEC);
        assert_false(host_has(&r->snap.host, HOST_MEM_AVAILABLE));
        assert_int_equal(find(&r->snap, "/system.slice/db.service")->value[CGROUP_CURRENT], 300000000);

        r = expect_next(reader, TRACE_SAMPLE);
        assert_int_equal(find(&r->snap, "/system.slice/db.service")->value[CGROUP_CURRENT], 310000000);
        assert_non_null(find(&r->snap, "/system.slice/late-odd\n.service"));
        /* the minute that is missing */
        r = expect_next(reader, TRACE_SAMPLE);
        r = expect_next(reader, TRACE_SAMPLE);
        (void)expect_next(reader, TRACE_GAP);
        r = expect_next(reader, TRACE_SAMPLE);
        assert_int_equal(r->snap.real_usec, UINT64_C(1700000190) * USEC_PER_SEC);
        assert_int_equal(r->snap.host.value[HOST_MEM_AVAILABLE], 100000000);
        (void)expect_next(reader, TRACE_SAMPLE); /* it holds for another step */
        (void)expect_next(reader, TRACE_END);
        trace_reader_free(reader);
        tree_close(&t);
}

#define OPEN  "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
#define CLOSE "]}}"
#define FREE  "{\"metric\":{\"__name__\":\"node_memory_MemFree_bytes\",\"instance\":\"a:9100\"},\"values\":[[1,\"1\"]]}"

static void test_refused(void **state) {
        (void)state;
        static const char *const texts[] = {
                "",
                "  \n",
                "nonsense",
                "[]",
                "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error\"}",
                "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}",
                OPEN CLOSE, /* nothing in it */
                OPEN FREE,
                OPEN FREE " " FREE CLOSE,
                OPEN "{\"metric\":{\"__name__\":\"node_memory_MemFree_bytes\"},\"values\":[[1]]}" CLOSE,
                OPEN "{\"metric\":{\"__name__\":\"node_memory_MemFree_bytes\"},\"values\":[[1e300,\"1\"]]}" CLOSE,
                OPEN "{\"metric\":{\"__name__\":\"node_memory_MemFree_bytes\"},\"values\":{}}" CLOSE,
                OPEN "{\"metric\":{},\"values\":[[1,\"1\"]]}" CLOSE,
                OPEN "{\"metric\":{\"__name__\":\"up\"},\"values\":[[1,\"1\"]]}" CLOSE,
                OPEN FREE ",{\"metric\":{\"__name__\":\"node_memory_MemTotal_bytes\",\"instance\":\"b:9100\"},\"values\":[[1,\"1\"]]}" CLOSE,
                OPEN FREE CLOSE "}",
                "{\"status\":\"success\",\"data\":{\"result\":[[[[[[[[",
        };
        Tree t;
        char path[128];
        tree_open(&t);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                expect_refused(&t, "prometheus", texts[i]);
        (void)snprintf(path, sizeof(path), "%s/none.json", t.path);
        assert_int_equal(import_as(&t, NULL, path, NULL), CTL_EXIT_FAILED);
        assert_int_equal(import_as(&t, NULL, t.path, NULL), CTL_EXIT_FAILED); /* a directory */
        assert_int_equal(import_as(&t, "csv", PROMETHEUS "node.json", NULL), CTL_EXIT_USAGE);
        tree_close(&t);
}

/* Deeper than any answer: refused, not followed. */
static void test_deep(void **state) {
        (void)state;
        Tree t;
        static char text[200000];
        tree_open(&t);
        memset(text, '[', sizeof(text));
        memcpy(text, OPEN, strlen(OPEN));
        assert_int_equal(import_text(&t, NULL, text, sizeof(text)), CTL_EXIT_FAILED);
        tree_close(&t);
}

/* Two points a lifetime apart beside a fine series: as many samples as are said, not as many as would fit between. */
static void test_far_apart(void **state) {
        (void)state;
        static const char text[] =
                OPEN "{\"metric\":{\"__name__\":\"node_memory_MemFree_bytes\"},\"values\":[[4000000000,\"2\"],[1000,\"1\"]]},"
                     "{\"metric\":{\"__name__\":\"node_memory_MemTotal_bytes\"},\"values\":[[1000,\"5\"],[1001,\"5\"],[1001,\"6\"],[1002,\"-1\"],[1003,\"Inf\"]]}" CLOSE
                OPEN CLOSE;
        Tree t;
        tree_open(&t);
        assert_int_equal(import_text(&t, NULL, text, sizeof(text) - 1), CTL_EXIT_OK);
        TraceReader *reader = open_result(&t);
        const TraceRecord *r;
        unsigned n_samples = 0, n_gaps = 0;
        while (trace_reader_next(reader, &r) > 0) {
                n_samples += r->kind == TRACE_SAMPLE;
                n_gaps += r->kind == TRACE_GAP;
                if (r->kind == TRACE_SAMPLE && host_has(&r->snap.host, HOST_MEM_TOTAL))
                        assert_int_equal(r->snap.host.value[HOST_MEM_TOTAL], 5);
        }
        assert_int_equal(n_gaps, 1);
        assert_true(n_samples > 3 && n_samples < 700); /* five minutes each at most */
        trace_reader_free(reader);
        tree_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_both),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_deep),
                cmocka_unit_test(test_far_apart),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "imported.h"

#define SYSTEM FIXTURES_DIR "/below/system.json"
#define CGROUP FIXTURES_DIR "/below/cgroup.json"
#define MIB    (UINT64_C(1) << 20)

static void check_first(const Snapshot *s) {
        const HostSample *h = &s->host;
        assert_int_equal(s->real_usec, UINT64_C(1700000010) * USEC_PER_SEC);
        assert_int_equal(h->value[HOST_MEM_TOTAL], 1024 * MIB);
        assert_int_equal(h->value[HOST_MEM_AVAILABLE], 500 * MIB);
        assert_int_equal(h->value[HOST_SWAP_TOTAL], 256 * MIB);
        assert_int_equal(h->value[HOST_SLAB_UNRECLAIMABLE], 12 * MIB);
        assert_int_equal(h->value[HOST_VM_OOM_KILL], 2);
        /* nothing to be compared with yet; and what below has only the sum of, or does not show */
        assert_false(host_has(h, HOST_VM_PSWPOUT) || host_has(h, HOST_VM_PGSCAN_DIRECT));
        assert_false(host_has(h, HOST_ACTIVE_ANON) || host_has(h, HOST_COMMITTED_AS) || host_has(h, HOST_VM_PGMAJFAULT));
        /* where it begins */
        assert_true(host_has(h, HOST_PSI_SOME_USEC) && h->value[HOST_PSI_SOME_USEC] == 0);

        assert_string_equal(s->cgroups[0].path, "/");
        assert_false(cgroup_has(&s->cgroups[0], CGROUP_CURRENT) || cgroup_has(&s->cgroups[0], CGROUP_MAX));
        const CgroupSample *c = find(s, "/system.slice/db.service");
        assert_non_null(c);
        assert_string_equal(s->cgroups[c->parent].path, "/system.slice");
        assert_true(c->marks & CGROUP_MARK_LEAF);
        assert_int_equal(c->value[CGROUP_CURRENT], 300 * MIB);
        assert_int_equal(c->value[CGROUP_ANON], 150 * MIB);
        assert_int_equal(c->value[CGROUP_INACTIVE_FILE], 60 * MIB);
        assert_int_equal(c->value[CGROUP_MAX], 512 * MIB);
        assert_true(c->value[CGROUP_HIGH] == CGROUP_NO_LIMIT);
        assert_false(cgroup_has(c, CGROUP_EVENT_OOM_KILL) || cgroup_has(c, CGROUP_PGSCAN) || cgroup_has(c, CGROUP_PEAK));
        assert_null(find(s, "/system.slice/late-odd\n.service"));
}

/* system.json and cgroup.json: one host every 5 s, with one minute missing. */
static void test_both(void **state) {
        (void)state;
        Tree t;
        tree_open(&t);
        assert_int_equal(import_as(&t, "below", SYSTEM, CGROUP), CTL_EXIT_OK);
        TraceReader *reader = open_result(&t);
        const TraceRecord *r = expect_next(reader, TRACE_START);
        assert_string_equal(r->start.recorder, "import-below");
        assert_int_equal(r->start.interval_usec, 5 * USEC_PER_SEC);
        check_first(&expect_next(reader, TRACE_SAMPLE)->snap);

        r = expect_next(reader, TRACE_SAMPLE);
        r = expect_next(reader, TRACE_SAMPLE);
        const HostSample *h = &r->snap.host;
        assert_int_equal(h->value[HOST_VM_PSWPOUT], 512); /* 51.2 by the second, for ten */
        assert_int_equal(h->value[HOST_VM_PGSCAN_DIRECT], 15);
        assert_int_equal(h->value[HOST_VM_PGSTEAL_KSWAPD], 1000);
        assert_int_equal(h->value[HOST_PSI_SOME_USEC], 200000); /* 2 % of ten seconds: of the root cgroup */
        assert_int_equal(h->value[HOST_PSI_FULL_USEC], 100000);
        const CgroupSample *c = find(&r->snap, "/system.slice/db.service");
        assert_int_equal(c->value[CGROUP_PSI_SOME_USEC], 125000 + 250000);
        assert_int_equal(c->value[CGROUP_PGSCAN], 400);
        assert_int_equal(c->value[CGROUP_REFAULT_FILE], 20);
        assert_non_null(find(&r->snap, "/system.slice/late-odd\n.service"));

        r = expect_next(reader, TRACE_SAMPLE);
        r = expect_next(reader, TRACE_SAMPLE); /* holds for another step */
        assert_int_equal(r->snap.host.value[HOST_PSI_SOME_USEC], 300000);
        (void)expect_next(reader, TRACE_GAP);
        /* of a minute the average of ten seconds says nothing, a rate does */
        r = expect_next(reader, TRACE_SAMPLE);
        assert_int_equal(r->snap.real_usec, UINT64_C(1700000085) * USEC_PER_SEC);
        assert_int_equal(r->snap.host.value[HOST_PSI_SOME_USEC], 300000);
        assert_int_equal(r->snap.host.value[HOST_VM_PSWPOUT], 768 + 3072);
        r = expect_next(reader, TRACE_SAMPLE);
        assert_int_equal(r->snap.host.value[HOST_PSI_SOME_USEC], 400000);
        assert_int_equal(r->snap.host.value[HOST_VM_OOM_KILL], 3);
        (void)expect_next(reader, TRACE_SAMPLE);
        (void)expect_next(reader, TRACE_END);
        trace_reader_free(reader);
        tree_close(&t);
}

/* The one sample that is made of these fields. */
static TraceReader *import_fields(const Tree *t, const char *fields, const Snapshot **ret) {
        char text[1024];
        (void)snprintf(text, sizeof(text), "[{\"Timestamp\":\"1700000010\",%s}]", fields);
        assert_int_equal(import_text(t, "below", text, strlen(text)), CTL_EXIT_OK);
        TraceReader *reader = open_result(t);
        (void)expect_next(reader, TRACE_START);
        *ret = &expect_next(reader, TRACE_SAMPLE)->snap;
        return reader;
}

/* Without --raw sizes are as below shows them. */
static void test_sizes(void **state) {
        (void)state;
        static const struct {
                const char *text;
                uint64_t bytes; /* UINT64_MAX: absent */
        } cases[] = {
                { "0", 0 },
                { "0.0 B", 0 },
                { "512 B", 512 },
                { "1.5 KB", 1536 },
                { "2 GB", 2048 * MIB },
                { "9007199254740993", UINT64_C(9007199254740993) }, /* not a double */
                { "?", UINT64_MAX },
                { "-5", UINT64_MAX },
                { "NaN", UINT64_MAX },
                { "inf", UINT64_MAX },
                { "1e300", UINT64_MAX },
                { "9999 YB", UINT64_MAX },
                { "99999999999999999999", UINT64_MAX },
        };
        Tree t;
        tree_open(&t);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char fields[128];
                const Snapshot *s;
                (void)snprintf(fields, sizeof(fields), "\"Free\":\"%s\",\"OOM Kills\":\"1\"", cases[i].text);
                TraceReader *reader = import_fields(&t, fields, &s);
                assert_int_equal(host_has(&s->host, HOST_MEM_FREE), cases[i].bytes != UINT64_MAX);
                assert_int_equal(s->host.value[HOST_MEM_FREE], cases[i].bytes == UINT64_MAX ? 0 : cases[i].bytes);
                trace_reader_free(reader);
        }
        const Snapshot *s;
        TraceReader *reader = import_fields(&t, "\"Name\":\"<root>\",\"children\":[{\"Full Path\":\"/a\",\"Mem Max\":\"1.5 MB\","
                                                "\"Mem High\":\"max\",\"Mem Low\":\"?\",\"OOM Group\":\"1\",\"children\":[]}]", &s);
        const CgroupSample *c = find(s, "/a");
        assert_int_equal(c->value[CGROUP_MAX], MIB * 3 / 2);
        assert_true(c->value[CGROUP_HIGH] == CGROUP_NO_LIMIT);
        assert_false(cgroup_has(c, CGROUP_LOW));
        assert_int_equal(c->value[CGROUP_OOM_GROUP], 1);
        trace_reader_free(reader);
        tree_close(&t);
}

/* Rates with their units; samples in any order and twice; steps longer than the average of ten seconds. */
static void test_rates(void **state) {
        (void)state;
        static const char text[] =
                "[{\"Timestamp\":\"1700000040\",\"Swap In\":\"1 MB/s\",\"Pgscan Kswapd\":\"7 pages/s\"}\n"
                ",{\"Timestamp\":\"1700000000\",\"Swap In\":\"99 MB/s\",\"Pgscan Kswapd\":\"99 pages/s\"}\n,{}\n"
                ",{\"Timestamp\":\"1700000020\",\"Swap In\":\"0.0 B/s\",\"Pgscan Kswapd\":\"0 pages/s\"}\n"
                ",{\"Timestamp\":\"1700000040\",\"Swap In\":\"5 MB/s\",\"Pgscan Kswapd\":\"5 pages/s\"}]\n"
                "[{\"Timestamp\":\"1700000000\",\"Mem Pressure\":\"1.00%\",\"children\":[]}"
                ",{\"Timestamp\":\"1700000020\",\"Mem Pressure\":\"50.00%\",\"children\":[]}"
                ",{\"Timestamp\":\"1700000040\",\"Mem Pressure\":\"50.00%\",\"children\":[]}]";
        static const uint64_t swapped[] = { 0, 0, 20 * 256 }, scanned[] = { 0, 0, 140 };
        Tree t;
        tree_open(&t);
        assert_int_equal(import_text(&t, "below", text, sizeof(text) - 1), CTL_EXIT_OK);
        TraceReader *reader = open_result(&t);
        (void)expect_next(reader, TRACE_START);
        for (unsigned i = 0; i < 3; i++) {
                const Snapshot *s = &expect_next(reader, TRACE_SAMPLE)->snap;
                assert_true(host_has(&s->host, HOST_VM_PSWPIN)); /* the first one is where it begins */
                assert_int_equal(s->host.value[HOST_VM_PSWPIN], swapped[i]);
                assert_int_equal(s->host.value[HOST_VM_PGSCAN_KSWAPD], scanned[i]);
                assert_false(host_has(&s->host, HOST_PSI_FULL_USEC));
        }
        trace_reader_free(reader);
        tree_close(&t);
}

#define AT    "{\"Timestamp\":\"1700000010\","
#define CHILD AT "\"Name\":\"<root>\",\"children\":["

static void test_refused(void **state) {
        (void)state;
        static const char *const texts[] = {
                "",
                "  ",
                "nonsense",
                "{}",
                "[]", /* nothing in it */
                "[{}]",
                "[1]",
                "[[]]",
                "[" AT "\"Free\":\"1\"}",
                "[" AT "\"Free\":\"1\"} {}]",
                "[" AT "\"Free\":\"1\"}] x",
                "[" AT "\"Free\":1}]", /* below writes texts */
                "[" AT "\"Free\":null}]",
                "[" AT "\"Free\":\"\"}]",
                "[" AT "\"Free\":\"much\"}]",
                "[" AT "\"Free\":\"1 XB\"}]",
                "[" AT "\"Free\":\"1 KB/s\"}]",
                "[" AT "\"Free\":\"max\"}]",
                "[" AT "\"Swap In\":\"1 pages\"}]",
                "[" AT "\"OOM Kills\":\"1 KB\"}]",
                "[{\"Free\":\"1\"}]", /* no time */
                "[{\"Datetime\":\"2023-11-14 22:13:30\",\"Free\":\"1\"}]",
                "[{\"Timestamp\":1700000010,\"Free\":\"1\"}]",
                "[{\"Timestamp\":\"0\",\"Free\":\"1\"}]",
                "[{\"Timestamp\":\"-1\",\"Free\":\"1\"}]",
                "[{\"Timestamp\":\"9999999999\",\"Free\":\"1\"}]",
                "[{\"Timestamp\":\"99999999999999999999\",\"Free\":\"1\"}]",
                "[" AT "\"Hostname\":\"a\",\"Free\":\"1\"}," AT "\"Hostname\":\"b\",\"Free\":\"1\"}]",
                "[" AT "\"Pid\":\"1\",\"Shmem\":\"1\"}]",     /* a process */
                "[" AT "\"Name\":\"sda\",\"Read\":\"1\"}]", /* a disk */
                "[" AT "\"children\":{}}]",
                "[" CHILD "1]}]",
                "[" CHILD "{\"Mem Total\":\"1\",\"children\":[]}]}]", /* no name */
                "[" CHILD "{\"Name\":\"a\",\"Mem Total\":\"1\",\"children\":\"\"}]}]",
                "[" CHILD "{\"Name\":\"a\",\"Mem Total\":true,\"children\":[]}]}]",
                "[" CHILD "{\"Name\":\"a/b\",\"Mem Total\":\"1\",\"children\":[]}]}]", /* left out: nothing is left */
                "[" CHILD "{\"Name\":\"\",\"Mem Total\":\"1\",\"children\":[]}]}]",
                "[" CHILD "{\"Full Path\":\"a\",\"Mem Total\":\"1\",\"children\":[]}]}]",
        };
        Tree t;
        tree_open(&t);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                expect_refused(&t, "below", texts[i]);
        tree_close(&t);
}

/* Cgroups within cgroups: as deep as a path is long, what is below is left out; deeper than any dump is refused. */
static void test_deep(void **state) {
        (void)state;
        enum { DEPTH = 900, TOO_DEEP = 100000 };
        static const char level[] = "{\"Name\":\"abc\",\"Mem Total\":\"1\",\"children\":[";
        static char text[TOO_DEEP * sizeof(level) + 128];
        Tree t;
        tree_open(&t);
        for (int depth = DEPTH;; depth = TOO_DEEP) {
                size_t n = (size_t)sprintf(text, "[" CHILD);
                for (int i = 0; i < depth; i++, n += sizeof(level) - 1)
                        memcpy(text + n, level, sizeof(level) - 1);
                for (int i = 0; i < depth && depth == DEPTH; i++, n += 2)
                        memcpy(text + n, "]}", 2);
                n += (size_t)sprintf(text + n, "]}]");
                if (depth == TOO_DEEP) {
                        assert_int_equal(import_text(&t, "below", text, n), CTL_EXIT_FAILED);
                        break;
                }
                assert_int_equal(import_text(&t, "below", text, n), CTL_EXIT_OK);
        }
        TraceReader *reader = open_result(&t);
        (void)expect_next(reader, TRACE_START);
        const Snapshot *s = &expect_next(reader, TRACE_SAMPLE)->snap;
        assert_int_equal(s->n_cgroups, (CGROUP_PATH_MAX - 1) / 4);
        trace_reader_free(reader);
        tree_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_both),
                cmocka_unit_test(test_sizes),
                cmocka_unit_test(test_rates),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_deep),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "imported.h"

#define RECORDED FIXTURES_DIR "/sar/memory.json"

/* Two recordings of an idle host one behind the other, as sadf wrote them. */
static void test_recorded(void **state) {
        (void)state;
        Tree t;
        tree_open(&t);
        assert_int_equal(import_as(&t, "sar", RECORDED, NULL), CTL_EXIT_OK);
        TraceReader *reader = open_result(&t);
        const TraceRecord *r = expect_next(reader, TRACE_START);
        assert_string_equal(r->start.recorder, "import-sar");
        assert_int_equal(r->start.interval_usec, USEC_PER_SEC);

        r = expect_next(reader, TRACE_SAMPLE);
        const HostSample *h = &r->snap.host;
        assert_int_equal(r->snap.real_usec, UINT64_C(1795619571) * USEC_PER_SEC);
        assert_int_equal(r->snap.n_cgroups, 0);
        assert_int_equal(h->value[HOST_MEM_TOTAL], UINT64_C(24684092) << 10); /* as /proc/meminfo had it there */
        assert_int_equal(h->value[HOST_MEM_FREE], UINT64_C(21706056) << 10);
        assert_int_equal(h->value[HOST_MEM_AVAILABLE], UINT64_C(23184464) << 10);
        assert_int_equal(h->value[HOST_BUFFERS], UINT64_C(58276) << 10);
        assert_int_equal(h->value[HOST_CACHED], UINT64_C(1434852) << 10);
        assert_int_equal(h->value[HOST_COMMITTED_AS], UINT64_C(1888572) << 10);
        assert_int_equal(h->value[HOST_DIRTY], UINT64_C(488536) << 10);
        assert_int_equal(h->value[HOST_ANON_PAGES], UINT64_C(1057368) << 10);
        assert_int_equal(h->value[HOST_KERNEL_STACK], UINT64_C(1856) << 10);
        assert_int_equal(h->value[HOST_PAGE_TABLES], UINT64_C(4536) << 10);
        /* there, and 0 */
        assert_true(host_has(h, HOST_SWAP_TOTAL) && host_has(h, HOST_SWAP_FREE) && host_has(h, HOST_SWAP_CACHED));
        assert_true(host_has(h, HOST_PSI_SOME_USEC) && host_has(h, HOST_PSI_FULL_USEC));
        assert_true(host_has(h, HOST_VM_PSWPIN) && host_has(h, HOST_VM_PGMAJFAULT) && host_has(h, HOST_VM_PGSCAN_DIRECT));
        assert_int_equal(h->value[HOST_SWAP_TOTAL], 0);
        /* sadf has only sums of these, or nothing */
        assert_false(host_has(h, HOST_ACTIVE_FILE) || host_has(h, HOST_INACTIVE_ANON) || host_has(h, HOST_SLAB_RECLAIMABLE));
        assert_false(host_has(h, HOST_VM_PGSTEAL_KSWAPD) || host_has(h, HOST_VM_OOM_KILL) || host_has(h, HOST_SHMEM));

        for (unsigned i = 0; i < 5; i++) /* the last of them holds for another step */
                r = expect_next(reader, TRACE_SAMPLE);
        (void)expect_next(reader, TRACE_GAP);
        r = expect_next(reader, TRACE_SAMPLE);
        assert_int_equal(r->snap.real_usec, UINT64_C(1795620143) * USEC_PER_SEC);
        assert_int_equal(r->snap.host.value[HOST_MEM_TOTAL], UINT64_C(24684092) << 10);
        for (unsigned i = 0; i < 3; i++)
                (void)expect_next(reader, TRACE_SAMPLE);
        (void)expect_next(reader, TRACE_END);
        trace_reader_free(reader);
        tree_close(&t);
}

#define OPEN  "{\"sysstat\":{\"hosts\":[{\"nodename\":\"a\",\"statistics\":["
#define CLOSE "],\"restarts\":[]}]}}"
#define AT(time, interval) "{\"timestamp\":{\"date\":\"2023-11-14\",\"time\":\"" time "\",\"utc\":1,\"interval\":" interval "}"

/* What goes by the second is a counter again; of two samples of one time the first counts, whatever their order. */
static void test_added_up(void **state) {
        (void)state;
        static const char text[] = OPEN
                AT("10:20:00", "600") ",\"paging\":{\"majflt\":0.33,\"pgscank\":12.5,\"pgscand\":0.01,\"pgsteal\":9.00},"
                        "\"psi\":{\"psi-mem\":{\"some_avg10\":99.00,\"some_avg\":12.34,\"full_avg\":150.00}}},"
                AT("10:00:00", "600") ",\"swap-pages\":{\"pswpin\":1.00,\"pswpout\":2.50},"
                        "\"paging\":{\"majflt\":1.00,\"pgscank\":0,\"pgscand\":-1},"
                        "\"psi\":{\"psi-mem\":{\"some_avg\":0.01,\"full_avg\":0.00}}},"
                AT("10:10:00", "600") ",\"paging\":{\"majflt\":0.5},\"psi\":{}},"
                AT("10:20:00", "600") ",\"paging\":{\"majflt\":1000}},"
                AT("10:30:00", "0") ",\"paging\":{\"majflt\":1000},\"memory\":{\"memfree\":1}}" CLOSE;
        static const uint64_t faults[] = { 600, 900, 1098 }, some[] = { 60000, 0, 74100000 }, full[] = { 0, 0, 600000000 };
        Tree t;
        tree_open(&t);
        assert_int_equal(import_text(&t, "sar", text, sizeof(text) - 1), CTL_EXIT_OK);
        TraceReader *reader = open_result(&t);
        (void)expect_next(reader, TRACE_START);
        for (unsigned i = 0; i < 3; i++) {
                const HostSample *h = &expect_next(reader, TRACE_SAMPLE)->snap.host;
                assert_int_equal(h->value[HOST_VM_PGMAJFAULT], faults[i]);
                assert_int_equal(h->value[HOST_PSI_SOME_USEC], i == 1 ? some[0] : some[i]); /* it holds where it is not said */
                assert_int_equal(h->value[HOST_PSI_FULL_USEC], full[i]);
                if (i == 0) {
                        assert_int_equal(h->value[HOST_VM_PSWPIN], 600);
                        assert_int_equal(h->value[HOST_VM_PSWPOUT], 1500);
                        assert_false(host_has(h, HOST_VM_PGSCAN_DIRECT)); /* less than nothing */
                }
                if (i == 2) {
                        assert_int_equal(h->value[HOST_VM_PGSCAN_KSWAPD], 7500);
                        assert_int_equal(h->value[HOST_VM_PGSCAN_DIRECT], 6);
                }
        }
        const HostSample *h = &expect_next(reader, TRACE_SAMPLE)->snap.host;
        assert_int_equal(h->value[HOST_MEM_FREE], 1024);
        trace_reader_free(reader);
        tree_close(&t);
}

/* All memory, from what was used of it: as it is said now, as it was before sysstat 11.7.4, and not at all. */
static void test_total(void **state) {
        (void)state;
        static const struct {
                const char *memory;
                uint64_t total_kb;
        } cases[] = {
                { "\"memfree\":500,\"memused\":250,\"memused-percent\":25.00,\"buffers\":50,\"cached\":150,\"slab\":50", 1000 },
                { "\"memfree\":500,\"memused\":500,\"memused-percent\":50.00,\"buffers\":50,\"cached\":150,\"slab\":50", 1000 },
                { "\"memfree\":500,\"memused\":500,\"memused-percent\":50.00,\"buffers\":50,\"cached\":150", 1000 },
                { "\"memfree\":500,\"memused\":250,\"memused-percent\":25.00,\"buffers\":50,\"cached\":150", 0 }, /* no slab */
                { "\"memfree\":500,\"memused\":250,\"memused-percent\":70.00,\"buffers\":50,\"cached\":150,\"slab\":50", 0 },
                { "\"memfree\":500,\"memused\":0,\"memused-percent\":0.00,\"buffers\":50,\"cached\":150,\"slab\":50", 0 },
                { "\"memfree\":1e300,\"memused\":1e300,\"memused-percent\":50.00,\"buffers\":0,\"cached\":0,\"slab\":0", 0 },
                { "\"memfree\":500,\"memused\":250", 0 },
        };
        Tree t;
        tree_open(&t);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char text[1024];
                (void)snprintf(text, sizeof(text), OPEN AT("10:00:00", "1") ",\"memory\":{%s,\"dirty\":7}}" CLOSE, cases[i].memory);
                assert_int_equal(import_text(&t, "sar", text, strlen(text)), CTL_EXIT_OK);
                TraceReader *reader = open_result(&t);
                (void)expect_next(reader, TRACE_START);
                const HostSample *h = &expect_next(reader, TRACE_SAMPLE)->snap.host;
                assert_int_equal(host_has(h, HOST_MEM_TOTAL), cases[i].total_kb > 0);
                assert_int_equal(h->value[HOST_MEM_TOTAL], cases[i].total_kb * 1024);
                assert_int_equal(h->value[HOST_DIRTY], 7 * 1024);
                trace_reader_free(reader);
        }
        tree_close(&t);
}

static void test_refused(void **state) {
        (void)state;
        static const char *const texts[] = {
                "",
                " \n",
                "nonsense",
                "[]",
                "{\"sysstat\":[]}",
                "{\"sysstat\":{\"hosts\":{}}}",
                "{\"sysstat\":{\"hosts\":[1]}}",
                "{\"sysstat\":{\"hosts\":[{\"nodename\":1}]}}",
                "{\"sysstat\":{\"hosts\":[{\"statistics\":{}}]}}",
                "{\"status\":\"success\",\"data\":{}}", /* nothing in it */
                OPEN CLOSE,
                OPEN "1" CLOSE,
                OPEN "{\"memory\":{\"memfree\":1}}" CLOSE, /* no time */
                OPEN AT("10:00:00", "1") "}" CLOSE,
                OPEN AT("10:00:00", "1") ",\"memory\":{\"memfree\":1}}",
                OPEN AT("10:00:00", "1") ",\"memory\":{\"memfree\":1}} 2" CLOSE,
                OPEN AT("10:00:00", "1") ",\"memory\":{\"memfree\":\"1\"}}" CLOSE,
                OPEN AT("10:00:00", "1") ",\"memory\":[1]}" CLOSE,
                OPEN AT("10:00:00", "1") ",\"psi\":7}" CLOSE,
                OPEN AT("10:00:00", "1") ",\"memory\":{\"memfree\":NaN}}" CLOSE,
                OPEN AT("10:00:00", "1") ",\"memory\":{\"memfree\":99999999999999999999}}" CLOSE, /* beyond 64 bits */
                OPEN AT("10:00:00", "1") ",\"memory\":{\"memfree\":1e999}}" CLOSE,
                OPEN AT("10:00:00", "-1") ",\"memory\":{\"memfree\":1}}" CLOSE,
                OPEN AT("10:00:00", "1.5") ",\"memory\":{\"memfree\":1}}" CLOSE,
                OPEN AT("10:00:00", "9000000000000000000") ",\"memory\":{\"memfree\":1}}" CLOSE,
                OPEN AT("24:00:00", "1") ",\"memory\":{\"memfree\":1}}" CLOSE,
                OPEN AT("10:0:000", "1") ",\"memory\":{\"memfree\":1}}" CLOSE,
                OPEN AT("10:00:00Z", "1") ",\"memory\":{\"memfree\":1}}" CLOSE,
                OPEN AT("", "1") ",\"memory\":{\"memfree\":1}}" CLOSE,
                /* local times */
                OPEN "{\"timestamp\":{\"date\":\"2023-11-14\",\"time\":\"10:00:00\",\"utc\":0,\"interval\":1},\"memory\":{\"memfree\":1}}" CLOSE,
                OPEN "{\"timestamp\":{\"date\":\"1969-12-31\",\"time\":\"10:00:00\",\"utc\":1,\"interval\":1},\"memory\":{\"memfree\":1}}" CLOSE,
                /* another host */
                OPEN AT("10:00:00", "1") ",\"memory\":{\"memfree\":1}}],\"nodename\":\"b\"}]}}",
                OPEN AT("10:00:00", "1") ",\"memory\":{\"memfree\":1}}" CLOSE "{\"sysstat\":{\"hosts\":[{\"nodename\":\"b\"}]}}",
        };
        Tree t;
        tree_open(&t);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                expect_refused(&t, "sar", texts[i]);
        assert_int_equal(import_as(&t, "prometheus", RECORDED, NULL), CTL_EXIT_FAILED);
        tree_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_recorded),
                cmocka_unit_test(test_added_up),
                cmocka_unit_test(test_total),
                cmocka_unit_test(test_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

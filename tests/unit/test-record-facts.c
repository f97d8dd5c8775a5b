/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense-world.h"

#include <fcntl.h>
#include <stdio.h>

#include "daemon/record-facts.h"
#include "trace/reader.h"
#include "tree.h"

#define T0 (UINT64_C(1000) * USEC_PER_SEC)

static RecordFacts facts; /* too big for a stack, like the record */
static TraceRecord record;
static CgroupSample cgroups[9];

/* A recorder that takes eight cgroups: nine are lost. */
static Recorder *recorder_begin(const Tree *t) {
        const RecorderOptions o = {
                .encoder = { .max_cgroups = 8, .max_processes = 64 }, .place = { .path = t->path },
                .stop_usec = 600 * USEC_PER_SEC,
        };
        Recorder *r = NULL;
        assert_int_equal(recorder_new(&o, &r), 0);
        record = (TraceRecord){ .kind = TRACE_START, .snap = { .mono_usec = T0, .real_usec = T0 } };
        record.start = (TraceStart){ .boot_id = "boot", .kernel = "6", .page_size = 4096, .mono_usec = T0, .real_usec = T0 };
        assert_int_equal(recorder_put(r, &record, false), 0);
        return r;
}

static int sample(Recorder *r, unsigned i, uint32_t n_cgroups) {
        record.kind = TRACE_SAMPLE;
        record.snap = (Snapshot){ .mono_usec = T0 + i, .real_usec = T0 + i, .page_size = 4096, .cgroups = cgroups, .n_cgroups = n_cgroups };
        for (uint32_t k = 0; k < n_cgroups; k++)
                cgroups[k] = (CgroupSample){ .id = k + 1, .parent = INDEX_NONE, .policy = -1, .path = "/some.slice" };
        int q = recorder_put(r, &record, false);
        record.snap = (Snapshot){ 0 };
        return q;
}

/* How many facts the trace has, before the last gap and behind it. */
static void count_facts(const Tree *t, unsigned *ret_before, unsigned *ret_behind) {
        char *paths[] = { (char *)t->path };
        const TraceReaderOptions o = { 0 };
        TraceReader *reader = NULL;
        const TraceRecord *r;
        TraceError error;
        int k;
        *ret_before = *ret_behind = 0;
        assert_int_equal(trace_reader_new(AT_FDCWD, paths, 1, &o, &error, &reader), 0);
        while ((k = trace_reader_next(reader, &r)) > 0) {
                if (r->kind == TRACE_GAP) {
                        *ret_before += *ret_behind;
                        *ret_behind = 0;
                }
                *ret_behind += r->kind == TRACE_FACTS;
        }
        assert_int_equal(k, 0);
        trace_reader_free(reader);
}

static int open_fixture(void) {
        char path[512];
        (void)snprintf(path, sizeof(path), "%s/debian-12-6.1", FIXTURES_DIR);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

/* Its processes are seen, and none told of. */
static Sense *see_fixture(int fd) {
        Snapshot snap = { 0 };
        Sense *s = sense_open(fd, 0, 64, &(SenseMatchers){ 0 });
        assert_int_equal(sense_sample(s, T0, T0, DETAIL_PROCESSES, &snap), 0);
        assert_int_equal(record_facts_init(&facts, 1024, true), 0);
        record_facts_see(&facts, &snap);
        return s;
}

/* What was told of may be among what is lost: behind a gap all is told again, and without one nothing. */
static void test_again_behind_a_gap(void **state) {
        (void)state;
        Tree t;
        unsigned n_before, n_behind;
        tree_open(&t);
        int fd = open_fixture();
        Sense *s = see_fixture(fd);
        Recorder *r = recorder_begin(&t);
        for (unsigned i = 0; i < 10; i++)
                record_facts_tell(&facts, s, r, &record, T0 + i);
        assert_int_equal(sample(r, 1, 8), 0);
        assert_int_equal(sample(r, 2, 9), -ENOSPC);
        assert_int_equal(sample(r, 3, 8), 0);
        for (unsigned i = 10; i < 20; i++)
                record_facts_tell(&facts, s, r, &record, T0 + i);
        assert_null(recorder_free(r));
        count_facts(&t, &n_before, &n_behind);
        assert_true(n_before >= 5);
        assert_int_equal(n_behind, n_before);
        record_facts_done(&facts);
        (void)sense_free(s);
        (void)close(fd);
        tree_close(&t);
}

/* A ring without room: who was not told of stays the next, and all are there in the end. */
static void test_no_room(void **state) {
        (void)state;
        Tree t;
        RecorderStats stats;
        static char text[1 << 20];
        unsigned n_before, n_behind;
        tree_open(&t);
        int fd = open_fixture();
        Sense *s = see_fixture(fd);
        Recorder *r = recorder_begin(&t);
        memset(text, 'x', sizeof(text) - 1);
        unsigned i = 0;
        do { /* the thread is slower than this: it compresses */
                record.kind = TRACE_FACTS;
                record.facts = (TraceFacts){ .pid = 1, .has_cmdline = true, .cmdline = text };
                (void)recorder_put(r, &record, false);
                record_facts_tell(&facts, s, r, &record, T0 + i++);
                recorder_stats(r, &stats);
        } while (stats.n_lost == 0);
        for (unsigned k = 0; k < 1000 || facts.book.n_untold > 0 || facts.again_usec == 0; k++) {
                record_facts_tell(&facts, s, r, &record, T0 + i++);
                (void)usleep(100);
        }
        assert_null(recorder_free(r));
        count_facts(&t, &n_before, &n_behind);
        assert_true(n_behind >= 5);
        record_facts_done(&facts);
        (void)sense_free(s);
        (void)close(fd);
        tree_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_again_behind_a_gap),
                cmocka_unit_test(test_no_room),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>

#include "daemon/recorder.h"
#include "trace/reader.h"
#include "tree.h"

#define T0 (UINT64_C(1000) * USEC_PER_SEC)

static TraceRecord record; /* too big for a stack */
static CgroupSample cgroups[64];

static const TraceRecord *start(void) {
        record = (TraceRecord){ .kind = TRACE_START, .snap = { .mono_usec = T0, .real_usec = T0 } };
        record.start = (TraceStart){ .boot_id = "boot", .kernel = "6", .page_size = 4096, .mono_usec = T0, .real_usec = T0 };
        return &record;
}

static const TraceRecord *sample(unsigned i, uint32_t n_cgroups) {
        record = (TraceRecord){ .kind = TRACE_SAMPLE };
        record.snap = (Snapshot){ .mono_usec = T0 + i * USEC_PER_SEC, .real_usec = T0 + i * USEC_PER_SEC, .page_size = 4096 };
        host_set(&record.snap.host, HOST_MEM_FREE, (uint64_t)i * 4096);
        for (uint32_t k = 0; k < n_cgroups; k++) {
                cgroups[k] = (CgroupSample){ .id = k + 1, .parent = INDEX_NONE, .policy = -1, .path = "/some.slice" };
                cgroup_set(&cgroups[k], CGROUP_CURRENT, (uint64_t)i * k);
        }
        record.snap.cgroups = cgroups;
        record.snap.n_cgroups = n_cgroups;
        return &record;
}

static Recorder *open_recorder(const Tree *t, uint32_t max_cgroups) {
        const RecorderOptions o = {
                .encoder = { .max_cgroups = max_cgroups, .max_processes = 64 }, .dir_fd = t->fd, .name = "headroom",
                .stop_usec = 600 * USEC_PER_SEC, /* a disk may be slow */
        };
        Recorder *r = NULL;
        assert_int_equal(recorder_new(&o, &r), 0);
        return r;
}

/* The kinds of all records, a letter each; the last sample's free memory. */
static void read_back(const Tree *t, char *ret, size_t size, uint64_t *ret_free, uint64_t *ret_lost) {
        static const char letters[_TRACE_KIND_MAX] = {
                [TRACE_START] = 'S', [TRACE_POLICY] = 'P', [TRACE_SAMPLE] = '.', [TRACE_CONFIRM] = 'c',
                [TRACE_CANCEL] = 'x', [TRACE_FACTS] = 'f', [TRACE_GAP] = 'G',    [TRACE_END] = 'E',
        };
        char *paths[] = { (char *)t->path };
        const TraceReaderOptions o = { 0 };
        TraceReader *reader = NULL;
        const TraceRecord *r;
        TraceError error;
        size_t n = 0;
        int k;
        assert_int_equal(trace_reader_new(AT_FDCWD, paths, 1, &o, &error, &reader), 0);
        *ret_lost = *ret_free = 0;
        while ((k = trace_reader_next(reader, &r)) > 0) {
                assert_true(n + 1 < size);
                ret[n++] = letters[r->kind];
                if (r->kind == TRACE_SAMPLE)
                        *ret_free = r->snap.host.value[HOST_MEM_FREE];
                if (r->kind == TRACE_GAP)
                        *ret_lost += r->n_lost;
        }
        assert_int_equal(k, 0);
        ret[n] = '\0';
        trace_reader_free(reader);
}

static void test_all_in_order(void **state) {
        (void)state;
        Tree t;
        char kinds[4096];
        uint64_t free_bytes, n_lost;
        tree_open(&t);
        Recorder *r = open_recorder(&t, 64);
        assert_int_equal(recorder_put(r, start(), false), 0);
        for (unsigned i = 1; i <= 2000; i++)
                assert_int_equal(recorder_put(r, sample(i, 64), i % 100 == 0), 0);
        RecorderStats s;
        recorder_stats(r, &s);
        assert_int_equal(s.n_records, 2001);
        assert_int_equal(s.n_lost + s.n_disk_errors, 0);
        assert_null(recorder_free(r));
        read_back(&t, kinds, sizeof(kinds), &free_bytes, &n_lost);
        assert_int_equal(strlen(kinds), 2001);
        assert_int_equal(kinds[0], 'S');
        assert_int_equal(strspn(kinds + 1, "."), 2000);
        assert_int_equal(free_bytes, 2000 * 4096);
        tree_close(&t);
}

/* The lock of the directory, which lives as long as a descriptor of it, goes with the thread. */
static void test_lock(void **state) {
        (void)state;
        Tree t;
        tree_open(&t);
        int fd = openat(t.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), other = openat(t.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0 && other >= 0);
        assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
        const RecorderOptions o = {
                .encoder = { .max_cgroups = 8, .max_processes = 8 }, .dir_fd = fd, .name = "headroom",
                .stop_usec = 600 * USEC_PER_SEC,
        };
        Recorder *r = NULL;
        assert_int_equal(recorder_new(&o, &r), 0);
        (void)close(fd);
        assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
        assert_null(recorder_free(r));
        assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
        (void)close(other);
        tree_close(&t);
}

/* More than the encoder was made for: that record is lost, the next one follows on a gap that says so. */
static void test_gap(void **state) {
        (void)state;
        Tree t;
        char kinds[64];
        uint64_t free_bytes, n_lost;
        tree_open(&t);
        Recorder *r = open_recorder(&t, 8);
        assert_int_equal(recorder_put(r, start(), false), 0);
        assert_int_equal(recorder_put(r, sample(1, 8), false), 0);
        assert_int_equal(recorder_put(r, sample(2, 9), false), -ENOSPC);
        assert_int_equal(recorder_put(r, sample(3, 9), false), -ENOSPC);
        assert_int_equal(recorder_put(r, sample(4, 8), false), 0);
        RecorderStats s;
        recorder_stats(r, &s);
        assert_int_equal(s.n_lost, 2);
        assert_null(recorder_free(r));
        read_back(&t, kinds, sizeof(kinds), &free_bytes, &n_lost);
        assert_string_equal(strchr(kinds, '.'), ".GG.");
        assert_int_equal(n_lost, 2);
        assert_int_equal(free_bytes, 4 * 4096);
        tree_close(&t);
}

/* A disk that takes nothing more, and then does again: what comes after is in a file of its own, behind a gap. */
static void test_disk_error(void **state) {
        (void)state;
        Tree t;
        char kinds[512];
        uint64_t free_bytes, n_lost;
        struct rlimit before;
        RecorderStats s;
        tree_open(&t);
        (void)signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        Recorder *r = open_recorder(&t, 64);
        assert_int_equal(recorder_put(r, start(), true), 0);
        assert_int_equal(recorder_put(r, sample(1, 64), true), 0);
        const struct rlimit none = { .rlim_cur = 0, .rlim_max = before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
        unsigned i = 2;
        (void)recorder_put(r, sample(i++, 64), true);
        do {
                (void)usleep(1000);
                recorder_stats(r, &s);
        } while (s.n_disk_errors == 0); /* the test has a time limit of its own */
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_true(s.n_disk_errors > 0);
        assert_int_equal(s.disk_error, -EFBIG);
        for (unsigned k = 0; k < 3; k++)
                (void)recorder_put(r, sample(i + 200 + k, 64), true);
        assert_null(recorder_free(r));
        read_back(&t, kinds, sizeof(kinds), &free_bytes, &n_lost);
        if (!strstr(kinds, "G..."))
                fail_msg("the samples behind the gap are not there: %s", kinds);
        assert_int_equal(free_bytes, (i + 202) * 4096);
        tree_close(&t);
}

static void test_no_place(void **state) {
        (void)state;
        Tree t;
        tree_open(&t);
        tree_write_n(&t, "letter", "Dear mother", 11);
        const RecorderOptions o = {
                .encoder = { .max_cgroups = 8, .max_processes = 8 }, .dir_fd = t.fd, .name = "letter", .is_single = true
        };
        Recorder *r = NULL;
        assert_true(recorder_new(&o, &r) < 0); /* never replaced: it is no trace */
        assert_null(r);
        char text[16] = "";
        int fd = openat(t.fd, "letter", O_RDONLY | O_CLOEXEC);
        assert_int_equal(read(fd, text, sizeof(text) - 1), 11);
        (void)close(fd);
        assert_string_equal(text, "Dear mother");
        tree_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_in_order),
                cmocka_unit_test(test_lock),
                cmocka_unit_test(test_gap),
                cmocka_unit_test(test_disk_error),
                cmocka_unit_test(test_no_place),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

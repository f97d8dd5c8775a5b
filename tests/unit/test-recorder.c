/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
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

static Recorder *begin_recorder(const char *dir, uint32_t max_cgroups, Recorder *after) {
        const RecorderOptions o = {
                .encoder = { .max_cgroups = max_cgroups, .max_processes = 64 }, .place = { .path = dir },
                .stop_usec = 600 * USEC_PER_SEC, /* a disk may be slow */
                .after = after,
        };
        Recorder *r = NULL;
        assert_int_equal(recorder_new(&o, &r), 0);
        return r;
}

static Recorder *open_recorder(const Tree *t, uint32_t max_cgroups) {
        Recorder *r = begin_recorder(t->path, max_cgroups, NULL);
        assert_int_equal(recorder_wait(r, USEC_INFINITY), 0);
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

/* The directory is made, locked, and free again when all is written. */
static void test_lock(void **state) {
        (void)state;
        Tree t;
        char path[128];
        tree_open(&t);
        (void)snprintf(path, sizeof(path), "%s/a/b", t.path);
        Recorder *r = begin_recorder(path, 8, NULL), *second = begin_recorder(path, 8, NULL);
        int k = recorder_wait(r, USEC_INFINITY), k2 = recorder_wait(second, USEC_INFINITY);
        assert_int_equal(MAX(k, k2), 0);
        assert_int_equal(MIN(k, k2), -EBUSY);
        int other = openat(t.fd, "a/b", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(other >= 0);
        assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
        assert_null(recorder_free(r));
        assert_null(recorder_free(second));
        assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
        (void)close(other);
        tree_close(&t);
}

/* One after the other in one directory, without a wait between: both are whole, and in order. */
static void test_after(void **state) {
        (void)state;
        Tree t;
        char kinds[1024];
        uint64_t free_bytes, n_lost;
        tree_open(&t);
        Recorder *r = NULL;
        for (unsigned k = 0; k < 3; k++) {
                r = begin_recorder(t.path, 64, r);
                assert_int_equal(recorder_put(r, start(), false), 0);
                for (unsigned i = 1; i <= 100; i++)
                        assert_int_equal(recorder_put(r, sample(100 * k + i, 64), false), 0);
        }
        assert_int_equal(recorder_wait(r, USEC_INFINITY), 0);
        assert_null(recorder_free(r));
        read_back(&t, kinds, sizeof(kinds), &free_bytes, &n_lost);
        assert_int_equal(strlen(kinds), 303);
        assert_null(strchr(kinds, 'G'));
        assert_int_equal(free_bytes, 300 * 4096);
        tree_close(&t);
}

/*
 * A directory that nobody can open for now, as on a disk that hangs: who records does not wait for it, and loses
 * nothing. Here it hangs until this test answers; fanotify(7), FAN_OPEN_PERM.
 */
static void test_place_that_hangs(void **state) {
        (void)state;
        Tree t;
        char kinds[256];
        uint64_t free_bytes, n_lost;
        struct fanotify_event_metadata event;
        tree_open(&t);
        int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_ONDIR, AT_FDCWD, t.path) < 0) {
                if (fd >= 0)
                        (void)close(fd);
                tree_close(&t);
                skip(); /* CAP_SYS_ADMIN, CONFIG_FANOTIFY_ACCESS_PERMISSIONS */
        }
        Recorder *r = begin_recorder(t.path, 64, NULL);
        assert_int_equal(recorder_put(r, start(), true), 0);
        for (unsigned i = 1; i <= 100; i++)
                assert_int_equal(recorder_put(r, sample(i, 64), true), 0);
        assert_int_equal(recorder_opened(r), -EINPROGRESS);
        assert_int_equal(recorder_wait(r, 0), -EINPROGRESS);
        assert_int_equal(read(fd, &event, sizeof(event)), sizeof(event));
        assert_int_equal(event.mask & FAN_OPEN_PERM, FAN_OPEN_PERM);
        (void)close(event.fd);
        (void)close(fd); /* allows what is asked, and asks no more */
        assert_int_equal(recorder_wait(r, USEC_INFINITY), 0);
        assert_null(recorder_free(r));
        read_back(&t, kinds, sizeof(kinds), &free_bytes, &n_lost);
        assert_int_equal(strlen(kinds), 101);
        assert_null(strchr(kinds, 'G'));
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
        char path[128];
        (void)snprintf(path, sizeof(path), "%s/letter", t.path);
        const RecorderOptions o = {
                .encoder = { .max_cgroups = 8, .max_processes = 8 }, .place = { .path = path, .is_option = true },
                .stop_usec = 600 * USEC_PER_SEC,
        };
        Recorder *r = NULL;
        assert_int_equal(recorder_new(&o, &r), 0);
        assert_int_equal(recorder_wait(r, USEC_INFINITY), -EBADMSG); /* never replaced: it is no trace */
        assert_int_equal(recorder_put(r, start(), true), 0);
        assert_null(recorder_free(r));
        r = begin_recorder(path, 8, NULL);
        assert_int_equal(recorder_wait(r, USEC_INFINITY), -ENOTDIR);
        assert_null(recorder_leave(r));
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
                cmocka_unit_test(test_after),
                cmocka_unit_test(test_place_that_hangs),
                cmocka_unit_test(test_gap),
                cmocka_unit_test(test_disk_error),
                cmocka_unit_test(test_no_place),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

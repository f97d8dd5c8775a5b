/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The writing half: names, rotation, the cap, and disks that are full. */

#include "test.h"

#include <signal.h>
#include <sys/resource.h>

#include "trace-file.h"
#include "trace/file-names.h"
#include "trace/format.h"

typedef struct Place {
        char path[32];
        int fd;
} Place;

static int setup(void **state) {
        Place *p = calloc(1, sizeof(*p));
        assert_non_null(p);
        strcpy(p->path, "/tmp/headroom-XXXXXX");
        p->fd = directory_make(p->path);
        *state = p;
        return 0;
}

static int teardown(void **state) {
        Place *p = *state;
        directory_remove(p->fd, p->path);
        free(p);
        return 0;
}

typedef struct Count {
        unsigned n_samples, n_gaps, n_starts, n_torn, n_damaged;
        uint64_t first_usec, last_usec;
} Count;

static Count count(Place *p) {
        char *paths[] = { (char *)"." };
        const TraceRecord *record;
        TraceReader *r = NULL;
        TraceError error;
        Count c = { 0 };
        int q = trace_reader_new(p->fd, paths, 1, NULL, &error, &r);

        if (q < 0)
                fail_msg("%s: %s", error.path, error.text);
        while ((q = trace_reader_next(r, &record)) > 0) {
                c.n_gaps += record->kind == TRACE_GAP;
                c.n_starts += record->kind == TRACE_START;
                if (record->kind != TRACE_SAMPLE)
                        continue;
                c.n_samples++;
                if (!c.first_usec)
                        c.first_usec = record->snap.mono_usec;
                assert_true(record->snap.mono_usec > c.last_usec);
                c.last_usec = record->snap.mono_usec;
        }
        if (q < 0)
                fail_msg("%s: %s at %llu", trace_reader_error(r)->path, trace_reader_error(r)->text, (unsigned long long)trace_reader_error(r)->offset);
        c.n_torn = (unsigned)trace_reader_stats(r)->n_torn;
        c.n_damaged = (unsigned)trace_reader_stats(r)->n_damaged;
        r = trace_reader_free(r);
        return c;
}

static void test_rotation(void **state) {
        Place *p = *state;
        TraceFileOptions o = { .dir_fd = p->fd, .name = "host", .real_usec = UINT64_C(1700000000000000), .file_bytes_max = 8192 };
        History *h = history_new(3, 10, 20);
        char names[64][64];
        struct stat st;
        Recorder *r = recorder_new(&o, 10 * USEC_PER_SEC);
        recorder_begin(r, h->mono_usec);
        for (unsigned i = 0; i < 200; i++)
                assert_int_equal(recorder_sample(r, history_step(h, USEC_PER_SEC, i % 10 == 0)), 0);
        recorder_free(r);
        size_t n = directory_list(p->fd, names, 64);
        assert_true(n > 3 && n < 30);
        assert_string_equal(names[0], "host-1700000000000000.trace");
        for (size_t i = 0; i < n; i++) {
                assert_int_equal(fstatat(p->fd, names[i], &st, 0), 0);
                assert_int_equal(st.st_mode & 07777, 0600);
                assert_true(st.st_size < 8192 + 8192);
        }
        Count c = count(p);
        assert_true(c.n_samples == 200 && c.n_gaps == 0 && c.n_starts == 1 && c.n_torn == 0);

        /* the oldest is gone: the rest says who it was, and that something is missing */
        assert_int_equal(unlinkat(p->fd, names[0], 0), 0);
        c = count(p);
        assert_true(c.n_samples > 50 && c.n_samples < 200 && c.n_gaps == 1 && c.n_starts == 1);

        /* a later recorder whose clock is behind still goes to the end */
        o.real_usec = 5;
        r = recorder_new(&o, 0);
        recorder_begin(r, h->mono_usec);
        assert_int_equal(recorder_sample(r, history_step(h, USEC_PER_SEC, true)), 0);
        recorder_free(r);
        char last[64];
        strcpy(last, names[n - 1]);
        assert_int_equal(directory_list(p->fd, names, 64), n);
        assert_true(strcmp(names[n - 1], last) > 0);
        assert_int_equal(count(p).n_starts, 2);
        history_free(h);
}

static void test_cap(void **state) {
        Place *p = *state;
        const TraceFileOptions o = {
                .dir_fd = p->fd, .name = "host", .real_usec = UINT64_C(1700000000000000), .total_bytes_max = 40000,
        };
        History *h = history_new(3, 10, 20);
        char names[64][64];
        struct stat st;
        file_store(p->fd, "host-1.trace", "not ours", 8); /* too few digits */
        file_store(p->fd, "other-1600000000000000.trace", "of another name", 15);
        file_store(p->fd, "host-1600000000000000.trace", "the oldest", 10);
        Recorder *r = recorder_new(&o, 10 * USEC_PER_SEC);
        recorder_begin(r, h->mono_usec);
        for (unsigned i = 0; i < 600; i++)
                assert_int_equal(recorder_sample(r, history_step(h, USEC_PER_SEC, i % 10 == 0)), 0);
        recorder_free(r);
        uint64_t sum = 0;
        size_t n = directory_list(p->fd, names, 64);
        for (size_t i = 0; i < n; i++) {
                assert_string_not_equal(names[i], "host-1600000000000000.trace");
                assert_int_equal(fstatat(p->fd, names[i], &st, 0), 0);
                sum += (uint64_t)st.st_size;
        }
        assert_true(sum < 40000 + 5000 && sum > 20000);
        assert_true(n > 3);
        assert_string_equal(names[0], "host-1.trace");
        assert_string_equal(names[n - 1], "other-1600000000000000.trace");
        assert_int_equal(unlinkat(p->fd, names[0], 0), 0);
        assert_int_equal(unlinkat(p->fd, names[n - 1], 0), 0);
        Count c = count(p);
        assert_true(c.n_samples > 50 && c.n_samples < 600 && c.n_gaps == 1 && c.last_usec == h->mono_usec);
        history_free(h);
}

/* Writes fail behind so many bytes of a file: EFBIG, as a full disk would say ENOSPC. */
static void limit_file(uint64_t bytes) {
        struct rlimit l;
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
        l.rlim_cur = bytes;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void test_disk_full(void **state) {
        Place *p = *state;
        const TraceFileOptions o = { .dir_fd = p->fd, .name = "a.trace", .is_single = true, .flush_usec = USEC_PER_SEC };
        History *h = history_new(3, 20, 40);
        unsigned written = 0, lost = 0;
        (void)signal(SIGXFSZ, SIG_IGN);
        Recorder *r = recorder_new(&o, 600 * USEC_PER_SEC);
        recorder_begin(r, h->mono_usec);
        for (unsigned i = 0; i < 300; i++) {
                if (i == 100)
                        limit_file(2000); /* less than there is: in the middle of a chunk */
                if (i == 140)
                        limit_file(RLIM_INFINITY);
                int q = recorder_sample(r, history_step(h, USEC_PER_SEC, i % 10 == 0));
                if (q == 0) {
                        written++;
                        continue;
                }
                assert_int_equal(q, -EFBIG);
                lost++;
                if (lost % 2) /* not each time: what is appended meanwhile is lost as well, and said */
                        continue;
                r->record.kind = TRACE_GAP;
                r->record.n_lost = lost;
                (void)recorder_put(r);
        }
        recorder_free(r);
        assert_true(lost >= 40 && lost < 60);
        Count c = count(p);
        assert_true(c.n_gaps == 1 && c.n_torn <= 1 && c.n_damaged == 0);
        assert_true(c.n_samples <= written && c.n_samples >= written - 2);
        assert_int_equal(c.last_usec, h->mono_usec);
        history_free(h);
}

static void test_single(void **state) {
        Place *p = *state;
        TraceFileOptions o = { .dir_fd = p->fd, .name = "a", .is_single = true };
        TraceFile *f = NULL;
        size_t n;
        file_store(p->fd, "a", "somebody's work", 15);
        assert_int_equal(trace_file_new(&o, &f), -EBADMSG);
        free(file_load(p->fd, "a", &n));
        assert_int_equal(n, 15);
        assert_int_equal(symlinkat("a", p->fd, "b"), 0);
        o.name = "b";
        assert_int_equal(trace_file_new(&o, &f), -ELOOP);
        o.name = "c";
        for (unsigned i = 0; i < 2; i++) { /* a trace may be replaced */
                History *h = history_new(3, 2, 2);
                Recorder *r = recorder_new(&o, 0);
                recorder_begin(r, h->mono_usec);
                for (unsigned k = 0; k < 20 - i * 15; k++)
                        assert_int_equal(recorder_sample(r, history_step(h, USEC_PER_SEC, true)), 0);
                assert_int_equal(trace_file_flush(r->file), 0);
                recorder_free(r);
                history_free(h);
        }
        assert_int_equal(unlinkat(p->fd, "a", 0), 0);
        assert_int_equal(renameat(p->fd, "c", p->fd, "c.trace"), 0);
        assert_int_equal(count(p).n_samples, 5);
        o.name = "";
        assert_int_equal(trace_file_new(&o, &f), -EINVAL);
        o.name = "a/b";
        o.is_single = false;
        assert_int_equal(trace_file_new(&o, &f), -EINVAL);
        assert_null(f);
}

/* What is flushed survives: nothing of the recorder is closed here when the file is read. */
static void test_flush(void **state) {
        Place *p = *state;
        const TraceFileOptions o = { .dir_fd = p->fd, .name = "host", .flush_usec = 5 * USEC_PER_SEC };
        History *h = history_new(3, 5, 5);
        Recorder *r = recorder_new(&o, 0);
        recorder_begin(r, h->mono_usec);
        for (unsigned i = 1; i <= 60; i++) {
                assert_int_equal(recorder_sample(r, history_step(h, USEC_PER_SEC, true)), 0);
                Count c = count(p);
                assert_true(c.n_samples <= i && c.n_samples + 5 >= i && c.n_damaged == 0);
        }
        assert_int_equal(trace_file_flush(r->file), 0);
        assert_int_equal(count(p).n_samples, 60);
        recorder_free(r);
        history_free(h);
}

/* One record that takes several chunks. */
static void test_big(void **state) {
        Place *p = *state;
        const TraceFileOptions o = { .dir_fd = p->fd, .name = "host" };
        const size_t n = TRACE_CHUNK_RAW_MAX * 5 / 2;
        char *text = malloc(n), *paths[] = { (char *)"." };
        uint64_t rng = 88172645463325252u;
        const TraceRecord *record;
        TraceReader *reader = NULL;
        TraceError error;
        assert_non_null(text);
        for (size_t i = 0; i < n; i++) {
                rng ^= rng << 13;
                rng ^= rng >> 7;
                rng ^= rng << 17;
                text[i] = (char)rng; /* cannot be compressed */
        }
        Recorder *r = recorder_new(&o, 0);
        r->record.kind = TRACE_POLICY;
        r->record.policy = (TracePolicy){ .hash = 1, .text = text, .n = n };
        assert_int_equal(recorder_put(r), 0);
        recorder_free(r);
        assert_int_equal(trace_reader_new(p->fd, paths, 1, NULL, &error, &reader), 0);
        assert_int_equal(trace_reader_next(reader, &record), 1);
        assert_int_equal(record->policy.n, n);
        assert_memory_equal(record->policy.text, text, n);
        assert_int_equal(trace_reader_next(reader, &record), 0);
        reader = trace_reader_free(reader);
        free(text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(test_rotation), T(test_cap), T(test_disk_full), T(test_single), T(test_flush), T(test_big),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

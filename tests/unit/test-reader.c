/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Files, whole and spoiled. */

#include "test.h"

#include "trace-compare.h"
#include "trace-file.h"
#include "trace/crc32c.h"
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

static TraceReader *reader_open(Place *p, const char *name, bool salvage) {
        char *paths[] = { (char *)name };
        const TraceReaderOptions o = { .salvage = salvage };
        TraceError error = { 0 };
        TraceReader *r = NULL;

        int q = trace_reader_new(p->fd, paths, 1, &o, &error, &r);
        if (q < 0)
                fail_msg("%s: %s (%d)", error.path, error.text, q);
        return r;
}

/* A file in memory under a path: thousands of variants would be thousands of writes to a disk. */
static int memory_file(const void *data, size_t n, char *ret_path, size_t size) {
        int fd = memfd_create("trace", MFD_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, data, n, 0), n);
        snprintf(ret_path, size, "/proc/self/fd/%d", fd);
        return fd;
}

/* 120 samples in segments of 20 s; what they were is the same each time. */
#define N_SAMPLES 120
static void write_small(Place *p, const char *name, unsigned n) {
        const TraceFileOptions o = { .dir_fd = p->fd, .name = name, .is_single = true, .flush_usec = 4 * USEC_PER_SEC };
        History *h = history_new(5, 3, 4);
        Recorder *r = recorder_new(&o, 20 * USEC_PER_SEC);
        h->birth_one_in = 3;
        recorder_begin(r, h->mono_usec);
        for (unsigned i = 0; i < n; i++)
                assert_int_equal(recorder_sample(r, history_step(h, USEC_PER_SEC, i % 5 == 0)), 0);
        recorder_free(r);
        history_free(h);
}

/* How many samples of that history come, each of them right; after a gap they may go on further behind. */
static unsigned read_small(TraceReader *reader, int *ret_error, unsigned *ret_gaps) {
        History *h = history_new(5, 3, 4);
        const TraceRecord *record;
        unsigned n = 0, at = 0;
        int q;

        h->birth_one_in = 3;
        *ret_gaps = 0;
        while ((q = trace_reader_next(reader, &record)) > 0) {
                *ret_gaps += record->kind == TRACE_GAP;
                if (record->kind != TRACE_SAMPLE)
                        continue;
                const Snapshot *s = NULL;
                while (at < N_SAMPLES && (!s || s->mono_usec < record->snap.mono_usec)) {
                        s = history_step(h, USEC_PER_SEC, at % 5 == 0);
                        at++;
                }
                assert_non_null(s);
                const char *difference = snapshot_difference(s, &record->snap);
                if (difference)
                        fail_msg("sample %u: %s", at, difference);
                n++;
        }
        *ret_error = q;
        history_free(h);
        return n;
}

static void test_whole(void **state) {
        Place *p = *state;
        unsigned gaps;
        int error;
        write_small(p, "a.trace", N_SAMPLES);
        TraceReader *r = reader_open(p, "a.trace", false);
        assert_int_equal(read_small(r, &error, &gaps), N_SAMPLES);
        assert_int_equal(error, 0);
        assert_int_equal(gaps, 0);
        const TraceReaderStats *s = trace_reader_stats(r);
        assert_int_equal(s->n_records, N_SAMPLES + 2); /* repetitions are passed over */
        assert_true(s->n_segments >= 6 && s->n_damaged == 0 && s->n_torn == 0 && s->n_files == 1 && s->hash != 0);
        r = trace_reader_free(r);
}

static void test_every_truncation(void **state) {
        Place *p = *state;
        unsigned before = 0, n_whole = 0, gaps;
        int error;
        size_t n;
        write_small(p, "a.trace", 24);
        uint8_t *data = file_load(p->fd, "a.trace", &n);
        char path[32];
        int fd = memory_file(data, 1, path, sizeof(path));
        for (size_t length = 1; length <= n; length++) {
                assert_int_equal(pwrite(fd, data + length - 1, 1, (off_t)length - 1), 1);
                TraceReader *r = reader_open(p, path, length % 2);
                unsigned count = read_small(r, &error, &gaps);
                assert_int_equal(error, 0);
                assert_int_equal(gaps, 0);
                assert_true(count >= before); /* more of it is never less */
                assert_int_equal(trace_reader_stats(r)->n_damaged, 0);
                n_whole += trace_reader_stats(r)->n_torn == 0;
                assert_true(trace_reader_stats(r)->n_torn <= 1);
                before = count;
                r = trace_reader_free(r);
        }
        close(fd);
        assert_int_equal(before, 24);
        assert_int_equal(n_whole, 2); /* the end of each of its segments */
        free(data);
}

/* All of them in the marker and the heads of the first chunks, in what is compressed one in each byte: a checksum is over it. */
static bool is_looked_at(size_t bit) {
        return bit / 8 < 256 || bit % 8 == bit / 8 % 8;
}

/* Lost at the most is what stands in one chunk, and with it what builds on it in its segment. */
static void test_every_bit(void **state) {
        Place *p = *state;
        unsigned gaps, n_silent = 0;
        size_t n;
        write_small(p, "a.trace", 24);
        uint8_t *data = file_load(p->fd, "a.trace", &n);
        char path[32], *paths[] = { path };
        int fd = memory_file(data, n, path, sizeof(path));
        for (size_t bit = 0; bit < n * 8; bit++) {
                bool salvage = bit / 8 % 2;
                const TraceReaderOptions o = { .salvage = salvage };
                TraceError error;
                TraceReader *r = NULL;
                int q = 0;
                if (!is_looked_at(bit))
                        continue;
                assert_int_equal(pwrite(fd, data, n, 0), n);
                const uint8_t flipped = data[bit / 8] ^ (uint8_t)(1u << bit % 8);
                assert_int_equal(pwrite(fd, &flipped, 1, (off_t)bit / 8), 1);
                if (trace_reader_new(p->fd, paths, 1, &o, &error, &r) < 0) {
                        assert_true(bit < TRACE_MARKER_BYTES * 8 && !salvage && error.text[0]);
                        continue;
                }
                unsigned count = read_small(r, &q, &gaps);
                assert_int_equal(q, salvage || trace_reader_stats(r)->n_damaged == 0 ? 0 : -EBADMSG);
                assert_true(gaps <= 1 && gaps == (salvage && trace_reader_stats(r)->n_damaged > 0));
                if (trace_reader_stats(r)->n_damaged > 0)
                        assert_true(trace_reader_error(r)->offset <= bit / 8 && trace_reader_error(r)->text[0]);
                else
                        n_silent += trace_reader_stats(r)->n_torn == 0;
                assert_true(!salvage || count >= 3); /* the other segment */
                r = trace_reader_free(r);
        }
        close(fd);
        assert_int_equal(n_silent, 0);
        free(data);
}

static void test_salvage(void **state) {
        Place *p = *state;
        const TraceRecord *record;
        TraceKind kinds[8];
        unsigned gaps, n_kinds = 0;
        size_t n;
        int error;
        write_small(p, "a.trace", N_SAMPLES);
        uint8_t *data = file_load(p->fd, "a.trace", &n);
        memset(data + n / 2, 0x55, 100);
        file_store(p->fd, "a.trace", data, n);
        free(data);
        TraceReader *r = reader_open(p, "a.trace", false);
        unsigned strict = read_small(r, &error, &gaps);
        assert_int_equal(error, -EBADMSG);
        assert_true(strict > 20 && strict < 80);
        assert_true(trace_reader_error(r)->offset <= n / 2 + 100 && trace_reader_error(r)->offset > n / 4);
        assert_string_equal(trace_reader_error(r)->path, "a.trace");
        assert_int_equal(trace_reader_next(r, &record), -EBADMSG); /* and stays so */
        r = trace_reader_free(r);

        r = reader_open(p, "a.trace", true);
        unsigned all = read_small(r, &error, &gaps);
        assert_int_equal(error, 0);
        assert_int_equal(gaps, 1);
        assert_true(all > strict + 20 && all < N_SAMPLES);
        r = trace_reader_free(r);

        /* behind the damage: who and by which policy, then the gap */
        r = reader_open(p, "a.trace", true);
        while (trace_reader_next(r, &record) > 0)
                if (record->kind != TRACE_SAMPLE && n_kinds < ARRAY_SIZE(kinds)) {
                        kinds[n_kinds++] = record->kind;
                        assert_true(record->kind != TRACE_POLICY || strcmp(record->policy.text, "policy") == 0);
                }
        static const TraceKind expected[] = { TRACE_START, TRACE_POLICY, TRACE_START, TRACE_POLICY, TRACE_GAP };
        assert_int_equal(n_kinds, ARRAY_SIZE(expected));
        assert_memory_equal(kinds, expected, sizeof(expected));
        r = trace_reader_free(r);
}

/* Behind a power cut there are zeros where the file was to go on. */
static void test_zeros(void **state) {
        Place *p = *state;
        unsigned gaps;
        size_t n;
        int error;
        write_small(p, "a.trace", 30);
        uint8_t *data = file_load(p->fd, "a.trace", &n);
        data = realloc(data, n + 5000);
        assert_non_null(data);
        memset(data + n, 0, 5000);
        for (size_t good = n - 200; good <= n; good += 40) {
                file_store(p->fd, "b.trace", data, n + 5000);
                int fd = openat(p->fd, "b.trace", O_WRONLY);
                assert_int_equal(ftruncate(fd, (off_t)good), 0);
                assert_int_equal(ftruncate(fd, (off_t)(n + 5000)), 0);
                close(fd);
                TraceReader *r = reader_open(p, "b.trace", false);
                (void)read_small(r, &error, &gaps);
                assert_true(error == 0 || good < n);
                r = trace_reader_free(r);
        }
        free(data);
}

static void expect_refused(Place *p, const void *data, size_t n, const char *text) {
        char *paths[] = { (char *)"b.trace" };
        TraceReader *r = NULL;
        TraceError error;

        file_store(p->fd, "b.trace", data, n);
        for (int salvage = 0; salvage < 2; salvage++) {
                const TraceReaderOptions o = { .salvage = salvage };
                assert_int_equal(trace_reader_new(p->fd, paths, 1, &o, &error, &r), -EBADMSG);
                assert_string_equal(error.path, "b.trace");
                assert_true(error.offset == 0);
                if (!strstr(error.text, text))
                        fail_msg("'%s' instead of '%s'", error.text, text);
        }
}

static void test_foreign(void **state) {
        Place *p = *state;
        static const char text[] = "#!/bin/sh\necho this is something else entirely, and longer than a marker\n";
        uint8_t marker[TRACE_MARKER_BYTES];
        TraceReader *r = NULL;
        TraceError error;
        expect_refused(p, "", 0, "empty");
        expect_refused(p, text, sizeof(text), "not a headroom trace");
        expect_refused(p, text, 5, "not a headroom trace");
        memcpy(marker, TRACE_MAGIC, TRACE_MAGIC_BYTES);
        le_put32(marker + 16, 2 | 7 << 16);
        le_put32(marker + 20, crc32c(0, marker, 20));
        expect_refused(p, marker, sizeof(marker), "version 2.7; this program reads 1.x");
        marker[20] ^= 1;
        expect_refused(p, marker, sizeof(marker), "checksum");

        char *paths[] = { (char *)"missing" };
        assert_int_equal(trace_reader_new(p->fd, paths, 1, NULL, &error, &r), -ENOENT);
        assert_int_equal(mkfifoat(p->fd, "b.pipe", 0600), 0);
        paths[0] = (char *)"b.pipe";
        assert_int_equal(trace_reader_new(p->fd, paths, 1, NULL, &error, &r), -EINVAL);
        assert_null(r);
}

/* A later minor version: a chunk of a type that is not known. */
static void test_unknown_chunk(void **state) {
        Place *p = *state;
        uint8_t chunk[TRACE_CHUNK_BYTES + 3] = { 3, 0, 0, 0, 99, 0, 0, 0 };
        unsigned gaps;
        size_t n;
        int error;
        write_small(p, "a.trace", 10);
        uint8_t *data = file_load(p->fd, "a.trace", &n), *more = malloc(n + sizeof(chunk));
        assert_non_null(more);
        memcpy(chunk + TRACE_CHUNK_BYTES, "new", 3);
        le_put32(chunk + 8, crc32c(0, "new", 3));
        le_put32(chunk + 12, crc32c(0, chunk, 12));
        memcpy(more, data, TRACE_MARKER_BYTES);
        memcpy(more + TRACE_MARKER_BYTES, chunk, sizeof(chunk));
        memcpy(more + TRACE_MARKER_BYTES + sizeof(chunk), data + TRACE_MARKER_BYTES, n - TRACE_MARKER_BYTES);
        file_store(p->fd, "b.trace", more, n + sizeof(chunk));
        TraceReader *r = reader_open(p, "b.trace", false);
        assert_int_equal(read_small(r, &error, &gaps), 10);
        assert_int_equal(error, 0);
        r = trace_reader_free(r);
        free(data);
        free(more);
}

/* A checksum says nothing about who made it. */
static void test_crafted(void **state) {
        Place *p = *state;
        uint8_t head[TRACE_MARKER_BYTES + TRACE_CHUNK_BYTES];
        unsigned gaps;
        int error;
        memcpy(head, TRACE_MAGIC, TRACE_MAGIC_BYTES);
        le_put32(head + 16, TRACE_MAJOR);
        le_put32(head + 20, crc32c(0, head, 20));
        static const uint32_t lengths[] = { 0, UINT32_MAX, TRACE_CHUNK_PAYLOAD_MAX + 1 };
        for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
                uint8_t *chunk = head + TRACE_MARKER_BYTES;
                le_put32(chunk, lengths[i]);
                le_put32(chunk + 4, CHUNK_LAST);
                le_put32(chunk + 8, crc32c(0, "", 0));
                le_put32(chunk + 12, crc32c(0, chunk, 12));
                file_store(p->fd, "b.trace", head, sizeof(head));
                TraceReader *r = reader_open(p, "b.trace", false);
                assert_int_equal(read_small(r, &error, &gaps), 0);
                assert_int_equal(error, -EBADMSG);
                assert_int_equal(trace_reader_error(r)->offset, TRACE_MARKER_BYTES);
                r = trace_reader_free(r);
        }
}

/* Two recorders one after the other, in one directory. */
static void test_directory(void **state) {
        Place *p = *state;
        char *paths[] = { (char *)"." };
        const TraceRecord *record;
        TraceReader *r = NULL;
        TraceError error;
        unsigned n_starts = 0, n_gaps = 0, n = 0;
        assert_int_equal(trace_reader_new(p->fd, paths, 1, NULL, &error, &r), -ENOENT);
        write_small(p, "2.trace", 15);
        write_small(p, "1.trace", 40);
        file_store(p->fd, "0.trace", "", 0);
        file_store(p->fd, "0.txt", "x", 1);
        assert_int_equal(trace_reader_new(p->fd, paths, 1, NULL, &error, &r), 0);
        TraceSource source = trace_reader_source(r);
        while (trace_next(&source, &record) > 0) {
                n_starts += record->kind == TRACE_START;
                n_gaps += record->kind == TRACE_GAP;
                n += record->kind == TRACE_SAMPLE;
                assert_true(record->kind != TRACE_START || (n == 0 || n == 40));
        }
        assert_true(n_starts == 2 && n_gaps == 0 && n == 55);
        assert_int_equal(trace_reader_stats(r)->n_files, 2);
        r = trace_reader_free(r);
}

/* A sample of many processes that nothing but their number tells apart. */
#define BOMB_PROCESSES 4000
static void many_processes(Snapshot *s, ProcessSample *processes) {
        *s = (Snapshot){ .mono_usec = 1000 * USEC_PER_SEC, .real_usec = 2000 * USEC_PER_SEC, .page_size = 4096,
                         .detail = DETAIL_PROCESSES, .processes = processes, .n_processes = BOMB_PROCESSES };
        for (int32_t i = 0; i < BOMB_PROCESSES; i++)
                processes[i] = (ProcessSample){ .pid = i + 1, .cgroup = INDEX_NONE, .cgroup_path = "/", .comm = "x", .rule = -1, .kernel_rule = -1 };
}

/*
 * A trace of a few KiB that says a million times that 4000 processes are as they were, hours of work for whoever takes it
 * at its word; and a segment behind it.
 */
static uint64_t write_bomb(Place *p, const char *name) {
        const TraceFileOptions o = { .dir_fd = p->fd, .name = name, .is_single = true };
        ProcessSample *processes = calloc(BOMB_PROCESSES, sizeof(*processes));
        Recorder *r = recorder_new(&o, 0);
        struct stat st;
        Snapshot s;
        bool segment;
        assert_non_null(processes);
        many_processes(&s, processes);
        recorder_begin(r, s.mono_usec);
        assert_int_equal(recorder_sample(r, &s), 0);
        s.mono_usec += USEC_PER_SEC;
        r->record.snap = s;
        ssize_t n = trace_encode(r->encoder, &r->record, r->buf, RECORDER_BUFFER, &segment);
        assert_true(n > 0 && n < 64 && !segment);
        for (unsigned i = 0; i < 1000000; i++) /* each says: one second later */
                assert_int_equal(trace_file_append(r->file, r->buf, (size_t)n, false, s.mono_usec), 0);
        r->record.kind = TRACE_GAP;
        assert_int_equal(recorder_put(r), 0);
        s.real_usec = 4000 * USEC_PER_SEC;
        assert_int_equal(recorder_sample(r, &s), 0);
        recorder_free(r);
        free(processes);
        assert_int_equal(fstatat(p->fd, name, &st, 0), 0);
        return (uint64_t)st.st_size;
}

/* What a file makes a reader do is bounded by its size. */
static void test_bomb(void **state) {
        Place *p = *state;
        uint64_t bytes = write_bomb(p, "bomb.trace");
        assert_true(bytes < 8192);
        for (int salvage = 0; salvage < 2; salvage++) {
                const TraceRecord *record;
                uint64_t n = 0, real_usec = 0;
                int q;
                TraceReader *r = reader_open(p, "bomb.trace", salvage);
                while ((q = trace_reader_next(r, &record)) > 0) {
                        n += record->snap.n_processes;
                        real_usec = record->snap.real_usec;
                }
                assert_int_equal(q, salvage ? 0 : -EBADMSG);
                assert_string_equal(trace_reader_error(r)->text, "more records than a file of this size can hold");
                assert_true(n >= 2 * BOMB_PROCESSES && n <= TRACE_WORK_FREE + bytes * TRACE_WORK_PER_BYTE);
                if (salvage)
                        assert_int_equal(real_usec, 4000 * USEC_PER_SEC);
                r = trace_reader_free(r);
        }
}

/* The densest that a daemon writes: ten samples a second, a detailed one each second, and nothing ever changes. */
static void test_calm_host(void **state) {
        Place *p = *state;
        const TraceFileOptions o = { .dir_fd = p->fd, .name = "calm.trace", .is_single = true };
        ProcessSample *processes = calloc(BOMB_PROCESSES, sizeof(*processes));
        Recorder *r = recorder_new(&o, 0);
        const TraceRecord *record;
        uint64_t digest = 88172645463325252u;
        unsigned n = 0;
        Snapshot s;
        int q;
        assert_non_null(processes);
        many_processes(&s, processes);
        recorder_begin(r, s.mono_usec);
        for (unsigned i = 0; i < 6000; i++) {
                s.detail = i % 10 == 0 ? DETAIL_PROCESSES : 0;
                s.n_processes = s.detail ? BOMB_PROCESSES : 0;
                s.mono_usec += USEC_PER_SEC / 10;
                digest ^= digest << 13;
                digest ^= digest >> 7;
                digest ^= digest << 17;
                r->record.has_decision = true;
                r->record.decision.digest = digest;
                assert_int_equal(recorder_sample(r, &s), 0);
        }
        recorder_free(r);
        free(processes);
        TraceReader *reader = reader_open(p, "calm.trace", false);
        while ((q = trace_reader_next(reader, &record)) > 0)
                n += record->kind == TRACE_SAMPLE;
        assert_int_equal(q, 0);
        assert_int_equal(n, 6000);
        reader = trace_reader_free(reader);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(test_whole),   T(test_every_truncation), T(test_every_bit), T(test_salvage),   T(test_zeros),
                T(test_foreign), T(test_unknown_chunk),    T(test_crafted),   T(test_directory),
                T(test_bomb),    T(test_calm_host),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

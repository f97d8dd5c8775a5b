/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A directory for traces, a recorder that writes into it, and small files as bytes that a test may spoil. */

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "trace-history.h"
#include "trace/file.h"
#include "trace/reader.h"

#define RECORDER_BUFFER (4u << 20)

typedef struct Recorder {
        TraceEncoder *encoder;
        TraceFile *file;
        uint8_t *buf;
        TraceRecord record;
} Recorder;

static inline Recorder *recorder_new(const TraceFileOptions *o, uint64_t segment_usec) {
        const TraceEncoderOptions e = { 1000, 4000, segment_usec };
        Recorder *r = calloc(1, sizeof(*r));
        assert(r);
        r->buf = malloc(RECORDER_BUFFER);
        int q = trace_encoder_new(&e, &r->encoder);
        assert(r->buf && q == 0);
        q = trace_file_new(o, &r->file);
        assert(q == 0);
        (void)q;
        return r;
}

static inline int recorder_put(Recorder *r) {
        bool segment;
        ssize_t n = trace_encode(r->encoder, &r->record, r->buf, RECORDER_BUFFER, &segment);
        assert(n > 0);
        return trace_file_append(r->file, r->buf, (size_t)n, segment, r->record.snap.mono_usec);
}

static inline int recorder_sample(Recorder *r, const Snapshot *s) {
        r->record.kind = TRACE_SAMPLE;
        r->record.snap = *s;
        return recorder_put(r);
}

static inline void recorder_begin(Recorder *r, uint64_t mono_usec) {
        r->record.kind = TRACE_START;
        memcpy(r->record.start.boot_id, "boot", 4);
        r->record.snap = (Snapshot){ .mono_usec = mono_usec };
        (void)recorder_put(r);
        r->record.kind = TRACE_POLICY;
        r->record.policy = (TracePolicy){ .hash = 42, .text = "policy", .n = 6 };
        (void)recorder_put(r);
}

static inline void recorder_free(Recorder *r) {
        r->encoder = trace_encoder_free(r->encoder);
        r->file = trace_file_free(r->file);
        free(r->buf);
        free(r);
}

/* ---- directory ---- */

static inline int directory_make(char *path) {
        int r = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        assert(r >= 0);
        return r;
}

/* Names without dots in front, sorted; how many. */
static inline size_t directory_list(int fd, char names[][64], size_t max) {
        DIR *d = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        size_t n = 0;
        assert(d);
        for (struct dirent *e; n < max && (e = readdir(d));)
                if (e->d_name[0] != '.')
                        snprintf(names[n++], 64, "%.63s", e->d_name);
        closedir(d);
        qsort(names, n, 64, (int (*)(const void *, const void *))strcmp);
        return n;
}

static inline void directory_remove(int fd, const char *path) {
        char names[64][64];
        for (size_t n; (n = directory_list(fd, names, 64)) > 0;)
                while (n > 0)
                        unlinkat(fd, names[--n], 0);
        close(fd);
        rmdir(path);
}

static inline uint8_t *file_load(int dir_fd, const char *name, size_t *ret_n) {
        struct stat st;
        int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
        assert(fd >= 0 && fstat(fd, &st) == 0);
        uint8_t *p = malloc((size_t)st.st_size + 1);
        assert(p);
        ssize_t n = read(fd, p, (size_t)st.st_size);
        assert(n == st.st_size);
        close(fd);
        *ret_n = (size_t)n;
        return p;
}

static inline void file_store(int dir_fd, const char *name, const void *data, size_t n) {
        int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert(fd >= 0);
        ssize_t w = write(fd, data, n);
        assert(w == (ssize_t)n);
        (void)w;
        close(fd);
}

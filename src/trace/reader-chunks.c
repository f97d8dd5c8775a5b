/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "trace/reader-chunks.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "trace/crc32c.h"
#include "trace/format.h"

/* Behind a power cut a file may be longer than what was written of it: the rest is zeros. */
#define ZERO_TAIL_BYTES 64

/* How much is looked through at once for the next marker. */
#define SEEK_BYTES 65536

int chunk_file_open(ChunkFile *f, int fd) {
        struct stat st;

        chunk_file_close(f);
        f->fd = fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!f->payload) {
                f->payload = malloc(TRACE_CHUNK_PAYLOAD_MAX);
                if (!f->payload)
                        return -ENOMEM;
                f->hash = TEXT_HASH_INIT;
        }
        f->size = (uint64_t)st.st_size;
        f->at = f->next = 0;
        return 0;
}

void chunk_file_close(ChunkFile *f) {
        f->fd = fd_close(f->fd);
}

void chunk_file_done(ChunkFile *f) {
        chunk_file_close(f);
        free(f->payload);
        f->payload = NULL;
}

/* Returns how much there was, which is less at the end of the file only. */
static ssize_t read_at(int fd, uint64_t at, void *buf, size_t n) {
        size_t done = 0;

        while (done < n) {
                ssize_t r = pread(fd, (char *)buf + done, n - done, (off_t)(at + done));
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -errno;
                if (r == 0)
                        break;
                done += (size_t)r;
        }
        return (ssize_t)done;
}

static int damaged(ChunkFile *f, const char *text) {
        (void)snprintf(f->text, sizeof(f->text), "%s", text);
        return -EBADMSG;
}

/* Is there nothing but zeros from @at on? */
static int is_zero(ChunkFile *f, uint64_t at) {
        uint8_t buf[4096];

        while (at < f->size) {
                ssize_t n = read_at(f->fd, at, buf, MIN(sizeof(buf), f->size - at));
                if (n <= 0)
                        return n < 0 ? (int)n : false;
                for (ssize_t i = 0; i < n; i++)
                        if (buf[i] != 0)
                                return false;
                at += (uint64_t)n;
        }
        return true;
}

/* NULL: a marker of a version that is read here. */
static const char *marker_fault(const uint8_t *p, char *text, size_t size) {
        if (memcmp(p, TRACE_MAGIC, TRACE_MAGIC_BYTES) != 0)
                return "not a headroom trace";
        if (le_get32(p + 20) != crc32c(0, p, 20))
                return "the marker of a segment, but its checksum is wrong";
        uint32_t version = le_get32(p + 16), major = version & 0xffff;
        if (major == TRACE_MAJOR)
                return NULL;
        (void)snprintf(text, size, "a trace of version %u.%u; this program reads %u.x", major, version >> 16, TRACE_MAJOR);
        return text;
}

const char *chunk_check_head(int fd, char *text, size_t size) {
        uint8_t p[TRACE_MARKER_BYTES];

        ssize_t n = read_at(fd, 0, p, sizeof(p));
        if (n == sizeof(p))
                return marker_fault(p, text, size);
        if (n <= 0)
                return n == 0 ? "an empty file, not a trace" : "cannot be read";
        return memcmp(p, TRACE_MAGIC, MIN((size_t)n, (size_t)TRACE_MAGIC_BYTES)) == 0 ? NULL : "not a headroom trace";
}

static int next_marker(ChunkFile *f, const uint8_t *p) {
        char text[sizeof(f->text)];
        const char *fault = marker_fault(p, text, sizeof(text));

        if (fault)
                return damaged(f, fault);
        f->hash = text_hash(f->hash, p, TRACE_MARKER_BYTES);
        f->next = f->at + TRACE_MARKER_BYTES;
        return CHUNK_MARKER;
}

static int next_payload(ChunkFile *f, const uint8_t *head) {
        uint64_t end = f->at + TRACE_CHUNK_BYTES + f->n_payload;

        if (end > f->size)
                return CHUNK_TORN;
        ssize_t n = read_at(f->fd, f->at + TRACE_CHUNK_BYTES, f->payload, f->n_payload);
        if (n < 0)
                return (int)n;
        if ((size_t)n < f->n_payload)
                return CHUNK_TORN; /* somebody has cut it meanwhile */
        if (le_get32(head + 8) != crc32c(0, f->payload, f->n_payload)) {
                /* Its end was never written, if it is the last one and ends in zeros. */
                uint64_t tail = end - MIN((uint64_t)ZERO_TAIL_BYTES, (uint64_t)f->n_payload);
                int zero = is_zero(f, tail);
                return zero < 0 ? zero : zero ? CHUNK_TORN : damaged(f, "a chunk whose checksum is wrong");
        }
        f->hash = text_hash(f->hash, head, TRACE_CHUNK_BYTES);
        f->hash = text_hash(f->hash, f->payload, f->n_payload);
        f->next = end;
        return CHUNK_CONTENT;
}

int chunk_next(ChunkFile *f) {
        uint8_t head[TRACE_MARKER_BYTES];

        f->at = f->next;
        if (f->at >= f->size)
                return CHUNK_END;
        uint64_t left = f->size - f->at;
        ssize_t n = read_at(f->fd, f->at, head, MIN((uint64_t)sizeof(head), left));
        if (n < 0)
                return (int)n;
        size_t n_magic = MIN((size_t)n, (size_t)TRACE_MAGIC_BYTES);
        /* Four bytes of the magic are no length that there could be. */
        bool is_marker = n >= 4 && memcmp(head, TRACE_MAGIC, n_magic) == 0;
        if (is_marker && n == TRACE_MARKER_BYTES)
                return next_marker(f, head);
        if (is_marker || n < TRACE_CHUNK_BYTES)
                return CHUNK_TORN;
        if (f->at == 0)
                return damaged(f, "not a headroom trace");
        if (le_get32(head + 12) != crc32c(0, head, 12)) {
                int zero = is_zero(f, f->at);
                return zero < 0 ? zero : zero ? CHUNK_TORN : damaged(f, "the head of a chunk whose checksum is wrong");
        }
        f->n_payload = le_get32(head);
        f->type = le_get32(head + 4);
        if (f->n_payload > TRACE_CHUNK_PAYLOAD_MAX)
                return damaged(f, "a chunk that is longer than there may be");
        return next_payload(f, head);
}

int chunk_seek_marker(ChunkFile *f) {
        _cleanup_free_ uint8_t *buf = malloc(SEEK_BYTES);
        char text[sizeof(f->text)];
        uint64_t at = f->at + 1;

        if (!buf)
                return -ENOMEM;
        while (at < f->size) {
                ssize_t n = read_at(f->fd, at, buf, MIN((uint64_t)SEEK_BYTES, f->size - at));
                if (n < 0)
                        return (int)n;
                if (n < TRACE_MARKER_BYTES)
                        break;
                for (ssize_t i = 0; i + TRACE_MARKER_BYTES <= n; i++)
                        if (buf[i] == (uint8_t)TRACE_MAGIC[0] && !marker_fault(buf + i, text, sizeof(text))) {
                                f->next = at + (uint64_t)i;
                                return true;
                        }
                at += (uint64_t)n - TRACE_MARKER_BYTES + 1;
        }
        f->at = f->next = f->size;
        return false;
}

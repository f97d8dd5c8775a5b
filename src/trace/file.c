/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The writing half: bytes of the encoder into chunks of a file (format.h).
 *
 * What is in the file is always whole chunks: one that could not be written whole is cut off again, and all that follows
 * is dropped until the next segment, which needs nothing of it. The caller is told with every call and has the encoder
 * begin one. A crash leaves a part of a chunk at most, which readers cut.
 */

#include "trace/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#include "trace/crc32c.h"
#include "trace/file-names.h"
#include "trace/format.h"

#define FILE_BYTES_DEFAULT (UINT64_C(16) << 20)
#define FLUSH_USEC_DEFAULT (10 * USEC_PER_SEC)

/*
 * Level 3, with smaller tables: a few hundred bytes a second do not fill larger ones. With tests/bench/bench-trace.c, libzstd
 * 1.5.4: half a MiB of memory less, for 0.5 % more bytes.
 */
#define LEVEL     3
#define TABLE_LOG 15

struct TraceFile {
        TraceFileOptions options;
        char name[TRACE_FILE_NAME_MAX];
        int fd;
        uint64_t size;   /* of what is good in the file */
        bool is_foul;    /* there may be a part of a chunk behind it */
        bool in_segment; /* false: what comes is dropped until the next one */
        int error;       /* why */
        ZSTD_CCtx *z;
        uint8_t *out;    /* room for the head of the chunk, then its payload */
        size_t n_out;    /* of the payload */
        size_t n_raw;    /* what it was before it was compressed */
        uint64_t flushed_usec, first_usec;
        bool has_first;
};

/* ---- the file ---- */

static int write_at(TraceFile *f, const uint8_t *p, size_t n) {
        uint64_t at = f->size;

        f->is_foul = true;
        while (n > 0) {
                ssize_t w = pwrite(f->fd, p, n, (off_t)at);
                if (w < 0 && errno == EINTR)
                        continue;
                if (w <= 0)
                        return w < 0 ? -errno : -EIO;
                p += w;
                n -= (size_t)w;
                at += (uint64_t)w;
        }
        f->size = at;
        f->is_foul = false;
        return 0;
}

/* Cuts what a failed write has left. */
static int clean(TraceFile *f) {
        if (!f->is_foul)
                return 0;
        if (ftruncate(f->fd, (off_t)f->size) < 0)
                return -errno;
        f->is_foul = false;
        return 0;
}

static int give_up(TraceFile *f, int error) {
        f->in_segment = false;
        f->error = error;
        (void)clean(f);
        return error;
}

/* An empty file or a trace is replaced, anything else is somebody's work. */
static int open_single(TraceFile *f) {
        char magic[TRACE_MAGIC_BYTES];
        struct stat st;

        _cleanup_close_ int fd = openat(f->options.dir_fd, f->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADMSG;
        if (st.st_size > 0) {
                ssize_t n = pread(fd, magic, sizeof(magic), 0);
                if (n < 0)
                        return -errno;
                if (n != sizeof(magic) || memcmp(magic, TRACE_MAGIC, sizeof(magic)) != 0)
                        return -EBADMSG;
        }
        if (fchmod(fd, 0600) < 0 || ftruncate(fd, 0) < 0)
                return -errno;
        f->fd = TAKE_FD(fd);
        return 0;
}

/* The name is the time, but always behind those which are there: the clock may have been set back. */
static int open_next(TraceFile *f, uint64_t mono_usec) {
        const TraceFileOptions *o = &f->options;
        char file[TRACE_FILE_NAME_MAX];
        uint64_t newest = 0;

        uint64_t usec = u64_add_sat(o->real_usec, f->has_first ? u64_sub_sat(mono_usec, f->first_usec) : 0);
        /* What the new one will take is counted from now on. */
        int r = trace_file_names_cap(o->dir_fd, f->name, o->total_bytes_max ? u64_sub_sat(o->total_bytes_max, o->file_bytes_max) : UINT64_MAX, &newest);
        if (r < 0)
                return r;
        usec = MAX(usec, u64_add_sat(newest, newest > 0));
        for (unsigned i = 0; i < 16; i++, usec++) {
                r = trace_file_name_format(f->name, usec, file, sizeof(file));
                if (r < 0)
                        return r;
                int fd = openat(o->dir_fd, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
                if (fd < 0 && errno == EEXIST)
                        continue;
                if (fd < 0)
                        return -errno;
                f->fd = fd_close(f->fd);
                f->fd = fd;
                f->size = 0;
                f->is_foul = false;
                return 0;
        }
        return -EBUSY; /* somebody else writes files of this name */
}

/* ---- chunks ---- */

static int write_chunk(TraceFile *f, ChunkType type) {
        uint64_t at = f->size;

        le_put32(f->out, (uint32_t)f->n_out);
        le_put32(f->out + 4, type);
        le_put32(f->out + 8, crc32c(0, f->out + TRACE_CHUNK_BYTES, f->n_out));
        le_put32(f->out + 12, crc32c(0, f->out, 12));
        int r = write_at(f, f->out, TRACE_CHUNK_BYTES + f->n_out);
        if (r < 0)
                return r;
        f->n_out = f->n_raw = 0;
        /* To the disk, but without waiting: a host that hangs next is what a trace is wanted of most. */
        (void)sync_file_range(f->fd, (off_t)at, (off_t)(f->size - at), SYNC_FILE_RANGE_WRITE);
        return 0;
}

/* One call of zstd; the chunk has room for all that TRACE_CHUNK_RAW_MAX can become. */
static int compress(TraceFile *f, const void *data, size_t n, ZSTD_EndDirective end) {
        ZSTD_inBuffer in = { data, n, 0 };
        size_t left;

        do {
                ZSTD_outBuffer out = { f->out + TRACE_CHUNK_BYTES, TRACE_CHUNK_PAYLOAD_MAX, f->n_out };
                left = ZSTD_compressStream2(f->z, &out, &in, end);
                if (ZSTD_isError(left) || (out.pos == out.size && left > 0))
                        return -EIO;
                f->n_out = out.pos;
        } while (end == ZSTD_e_continue ? in.pos < in.size : left > 0);
        f->n_raw += n;
        return 0;
}

static int flush(TraceFile *f, ChunkType type) {
        if (f->n_raw == 0 && type == CHUNK_DATA)
                return 0;
        int r = compress(f, NULL, 0, type == CHUNK_LAST ? ZSTD_e_end : ZSTD_e_flush);
        return r < 0 ? r : write_chunk(f, type);
}

static int begin_segment(TraceFile *f, uint64_t mono_usec) {
        uint8_t marker[TRACE_MARKER_BYTES];

        if (f->in_segment) {
                int r = flush(f, CHUNK_LAST);
                if (r < 0)
                        return r;
                f->in_segment = false;
        }
        if (!f->has_first) {
                f->first_usec = mono_usec;
                f->has_first = true;
        }
        bool is_full = !f->options.is_single && f->size >= f->options.file_bytes_max;
        if (is_full)
                (void)fdatasync(f->fd);
        int r = clean(f);
        if (is_full || (r < 0 && !f->options.is_single))
                r = open_next(f, mono_usec);
        if (r < 0)
                return r;
        memcpy(marker, TRACE_MAGIC, TRACE_MAGIC_BYTES);
        le_put32(marker + 16, TRACE_MAJOR | TRACE_MINOR << 16);
        le_put32(marker + 20, crc32c(0, marker, 20));
        r = write_at(f, marker, sizeof(marker));
        if (r < 0)
                return r;
        (void)ZSTD_CCtx_reset(f->z, ZSTD_reset_session_only);
        f->n_out = f->n_raw = 0;
        f->flushed_usec = mono_usec;
        f->in_segment = true;
        return 0;
}

/* ---- the caller's side ---- */

static int zstd_new(ZSTD_CCtx **ret) {
        static const struct {
                ZSTD_cParameter parameter;
                int value;
        } settings[] = {
                { ZSTD_c_compressionLevel, LEVEL }, { ZSTD_c_windowLog, TRACE_WINDOW_LOG }, { ZSTD_c_hashLog, TABLE_LOG },
                { ZSTD_c_chainLog, TABLE_LOG },     { ZSTD_c_checksumFlag, 0 },
        };
        ZSTD_CCtx *z = ZSTD_createCCtx();

        if (!z)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
                if (ZSTD_isError(ZSTD_CCtx_setParameter(z, settings[i].parameter, settings[i].value))) {
                        (void)ZSTD_freeCCtx(z);
                        return -ENOSYS;
                }
        *ret = z;
        return 0;
}

/**
 * trace_file_new() - open for writing
 * @o: the name is copied; the directory must stay open
 *
 * Return: 0; -EBADMSG: there is something under the name of a single file that is no trace; -EINVAL: no name, or one
 *         with a slash where files are rotated; other negative errno.
 */
int trace_file_new(const TraceFileOptions *o, TraceFile **ret) {
        size_t n = strlen(o->name);

        if (n == 0 || (!o->is_single && strchr(o->name, '/')))
                return -EINVAL;
        if (n >= TRACE_FILE_NAME_MAX - 32)
                return -ENAMETOOLONG;
        _cleanup_(trace_file_freep) TraceFile *f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;
        f->options = *o;
        f->fd = -EBADF;
        memcpy(f->name, o->name, n);
        f->options.name = f->name;
        if (o->file_bytes_max == 0)
                f->options.file_bytes_max = FILE_BYTES_DEFAULT;
        /* With a small cap smaller files, or removing the oldest would remove half of the history. */
        if (o->total_bytes_max > 0)
                f->options.file_bytes_max = MIN(f->options.file_bytes_max, o->total_bytes_max / 4 + 1);
        if (o->flush_usec == 0)
                f->options.flush_usec = FLUSH_USEC_DEFAULT;
        f->out = malloc(TRACE_CHUNK_BYTES + TRACE_CHUNK_PAYLOAD_MAX);
        int r = f->out ? zstd_new(&f->z) : -ENOMEM;
        if (r < 0)
                return r;
        r = o->is_single ? open_single(f) : open_next(f, 0);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(f);
        return 0;
}

/**
 * trace_file_append() - what trace_encode() has made
 * Return: 0; negative errno: it is lost, and so is all up to the next segment, with the same errno. The caller encodes a
 *         TRACE_GAP.
 */
int trace_file_append(TraceFile *f, const void *data, size_t n, bool is_segment, uint64_t mono_usec) {
        const uint8_t *p = data;

        int r = is_segment ? begin_segment(f, mono_usec) : 0;
        if (r < 0)
                return give_up(f, r);
        if (!f->in_segment)
                return f->error < 0 ? f->error : -EINVAL;
        while (n > 0) {
                size_t part = MIN(n, TRACE_CHUNK_RAW_MAX - f->n_raw);
                r = compress(f, p, part, ZSTD_e_continue);
                if (r == 0 && f->n_raw == TRACE_CHUNK_RAW_MAX)
                        r = flush(f, CHUNK_DATA);
                if (r < 0)
                        return give_up(f, r);
                p += part;
                n -= part;
        }
        if (mono_usec >= f->flushed_usec && mono_usec - f->flushed_usec < f->options.flush_usec)
                return 0;
        f->flushed_usec = mono_usec;
        r = flush(f, CHUNK_DATA);
        return r < 0 ? give_up(f, r) : 0;
}

/* To the disk, and waits for it. */
int trace_file_flush(TraceFile *f) {
        if (!f->in_segment)
                return f->error;
        int r = flush(f, CHUNK_DATA);
        if (r < 0)
                return give_up(f, r);
        return fdatasync(f->fd) < 0 ? -errno : 0;
}

TraceFile *trace_file_free(TraceFile *f) {
        if (!f)
                return NULL;
        if (f->in_segment && flush(f, CHUNK_LAST) < 0)
                (void)clean(f);
        if (f->fd >= 0)
                (void)fdatasync(f->fd);
        f->fd = fd_close(f->fd);
        (void)ZSTD_freeCCtx(f->z);
        free(f->out);
        free(f);
        return NULL;
}

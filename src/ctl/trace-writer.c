/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/trace-writer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Of one snapshot: more than sense ever gives. */
#define CGROUPS_MAX   8192
#define PROCESSES_MAX 65536
/* What a crash loses at most. */
#define FLUSH_USEC    (10 * USEC_PER_SEC)
#define BUFFER_MIN    ((size_t)256 * 1024)
#define BUFFER_MAX    ((size_t)64 * 1024 * 1024)

static int say(const char *path, int error) {
        char text[512];
        TextBuf b = TEXT_BUF(text);

        text_append(&b, "");
        text_append_escaped(&b, path);
        (void)fprintf(stderr, "headroomctl: %s: %s\n", text,
                      error == -EBADMSG ? "is there and is no trace: not replaced" : strerror(-error));
        return error;
}

/* The directory of @path, and its last part in @ret_name. */
static int open_directory(const char *path, const char **ret_name) {
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *dir = NULL;

        *ret_name = slash ? slash + 1 : path;
        if (!**ret_name)
                return -EISDIR;
        dir = !slash ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
        if (!dir)
                return -ENOMEM;
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int trace_writer_open(TraceWriter *w, const char *path) {
        const TraceEncoderOptions options = { .max_cgroups = CGROUPS_MAX, .max_processes = PROCESSES_MAX };
        const char *name;

        w->dir_fd = open_directory(path, &name);
        if (w->dir_fd < 0)
                return say(path, w->dir_fd);
        w->buf = malloc(BUFFER_MIN);
        w->size = BUFFER_MIN;
        int r = w->buf ? trace_encoder_new(&options, &w->encoder) : -ENOMEM;
        if (r >= 0) {
                const TraceFileOptions file = { .dir_fd = w->dir_fd, .name = name, .is_single = true, .flush_usec = FLUSH_USEC };
                r = trace_file_new(&file, &w->file);
        }
        return r < 0 ? say(path, r) : 0;
}

static int grow(TraceWriter *w) {
        size_t size = w->size * 2;

        if (size > BUFFER_MAX)
                return -ENOBUFS;
        char *buf = realloc(w->buf, size);
        if (!buf)
                return -ENOMEM;
        w->buf = buf;
        w->size = size;
        return 0;
}

/**
 * trace_writer_put() - append one record
 *
 * Return: 0; -ENOSPC, -ENOBUFS: it is too big and left out, which is counted; other negative errno of the disk.
 */
int trace_writer_put(TraceWriter *w, const TraceRecord *r) {
        bool is_segment;
        ssize_t n;

        while ((n = trace_encode(w->encoder, r, w->buf, w->size, &is_segment)) == -ENOBUFS) {
                int k = grow(w);
                if (k < 0) {
                        n = k;
                        break;
                }
        }
        if (n < 0) {
                w->n_lost++;
                return (int)n;
        }
        w->n_records++;
        return trace_file_append(w->file, w->buf, (size_t)n, is_segment, r->snap.mono_usec);
}

int trace_writer_close(TraceWriter *w) {
        int r = w->file ? trace_file_flush(w->file) : 0;

        w->file = trace_file_free(w->file);
        return r;
}

void trace_writer_done(TraceWriter *w) {
        w->file = trace_file_free(w->file);
        w->encoder = trace_encoder_free(w->encoder);
        w->dir_fd = fd_close(w->dir_fd);
        free(w->buf);
        *w = TRACE_WRITER_NULL;
}

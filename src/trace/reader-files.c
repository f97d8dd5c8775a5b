/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "trace/reader-files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "trace/reader-chunks.h"

int reader_files_open(int dir_fd, const char *path) {
        struct stat st;

        /* O_NONBLOCK: a pipe must not hold us up */
        _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        return S_ISREG(st.st_mode) ? TAKE_FD(fd) : -EINVAL;
}

void reader_files_done(ReaderFiles *f) {
        for (size_t i = 0; i < f->n; i++)
                free(f->paths[i]);
        free(f->paths);
        *f = (ReaderFiles){ 0 };
}

static int add(ReaderFiles *f, char *path) {
        if ((f->n & (f->n - 1)) == 0) { /* 0, 1, 2, 4 ... are full */
                char **more = realloc(f->paths, (f->n ? f->n * 2 : 1) * sizeof(*more));
                if (!more) {
                        free(path);
                        return -ENOMEM;
                }
                f->paths = more;
        }
        f->paths[f->n++] = path;
        return 0;
}

static int complain(TraceError *ret, const char *path, const char *text, int error) {
        *ret = (TraceError){ 0 };
        (void)snprintf(ret->path, sizeof(ret->path), "%s", path);
        TextBuf b = TEXT_BUF(ret->text);
        text_append_escaped(&b, text);
        return error;
}

/* With salvage a damaged head is none as long as there is a segment somewhere. */
static int has_segment(int fd) {
        ChunkFile f = { .fd = -EBADF };

        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (copy < 0)
                return -errno;
        int r = chunk_file_open(&f, copy);
        if (r == 0)
                r = chunk_seek_marker(&f);
        chunk_file_done(&f);
        return r;
}

static int check(const char *path, int fd, bool salvage, TraceError *ret_error) {
        char text[sizeof(ret_error->text)];
        const char *fault = chunk_check_head(fd, text, sizeof(text));

        if (!fault)
                return 0;
        if (salvage) {
                int r = has_segment(fd);
                if (r != 0)
                        return r < 0 ? complain(ret_error, path, "cannot be read", r) : 0;
        }
        return complain(ret_error, path, fault, -EBADMSG);
}

static int by_name(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A recorder that was killed before its first flush leaves an empty file: among others it is passed over. */
static int add_entry(ReaderFiles *f, int dir_fd, const char *dir, const char *name, bool salvage, TraceError *ret_error) {
        size_t size = strlen(dir) + strlen(name) + 2;
        struct stat st;

        char *path = malloc(size);
        if (!path)
                return -ENOMEM;
        (void)snprintf(path, size, "%s/%s", dir, name);
        int r = add(f, path);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = reader_files_open(dir_fd, path);
        if (fd == -EISDIR || (fd >= 0 && fstat(fd, &st) == 0 && st.st_size == 0)) {
                free(f->paths[--f->n]);
                return 0;
        }
        if (fd < 0)
                return complain(ret_error, path, "cannot be opened", fd);
        return check(path, fd, salvage, ret_error);
}

static int add_directory(ReaderFiles *f, int dir_fd, const char *path, bool salvage, TraceError *ret_error) {
        size_t first = f->n;
        int r = 0;

        int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return complain(ret_error, path, "cannot be opened", -errno);
        DIR *d = fdopendir(fd);
        if (!d) {
                (void)fd_close(fd);
                return -ENOMEM;
        }
        for (struct dirent *e; r == 0 && (e = readdir(d));)
                if (text_has_suffix(e->d_name, ".trace"))
                        r = add_entry(f, dir_fd, path, e->d_name, salvage, ret_error);
        (void)closedir(d);
        if (r < 0)
                return r;
        if (f->n == first)
                return complain(ret_error, path, "a directory without any *.trace file", -ENOENT);
        qsort(f->paths + first, f->n - first, sizeof(*f->paths), by_name);
        return 0;
}

static int add_path(ReaderFiles *f, int dir_fd, const char *path, bool salvage, TraceError *ret_error) {
        _cleanup_close_ int fd = reader_files_open(dir_fd, path);

        if (fd == -EISDIR)
                return add_directory(f, dir_fd, path, salvage, ret_error);
        if (fd == -EINVAL)
                return complain(ret_error, path, "neither a file nor a directory", fd);
        if (fd < 0)
                return complain(ret_error, path, "cannot be opened", fd);
        int r = check(path, fd, salvage, ret_error);
        if (r < 0)
                return r;
        char *copy = strdup(path);
        return copy ? add(f, copy) : -ENOMEM;
}

int reader_files_list(ReaderFiles *f, int dir_fd, char *const *paths, size_t n_paths, bool salvage, TraceError *ret_error) {
        int r = 0;

        for (size_t i = 0; i < n_paths && r >= 0; i++)
                r = add_path(f, dir_fd, paths[i], salvage, ret_error);
        return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense/read.h"

#include "base/fd.h"

/* Does the negative errno @error say that the thing a file belongs to no longer exists? */
bool read_is_gone(int error) {
        /* ENODEV: cgroup removed under a kept fd. ESRCH: process gone under a kept fd. */
        return error == -ENOENT || error == -ENODEV || error == -ESRCH;
}

/**
 * read_once() - read a kernel file that comes in one piece
 * @fd:   at least readable; its offset is neither used nor moved
 * @buf:  filled and NUL-terminated
 * @size: of @buf
 *
 * Only for files of one seq_file record and for cgroup files: /proc/vmstat and lists of any length hand
 * out a page at a time and need fd_pread_text().
 *
 * Return: length; -EFBIG where the file does not fit, since the rest of it was not seen; negative errno
 *         of pread(). @buf is a valid string in every case.
 */
int read_once(int fd, char *buf, size_t size) {
        ssize_t n;

        do
                n = pread(fd, buf, size - 1, 0);
        while (n < 0 && errno == EINTR);
        if (n < 0) {
                buf[0] = '\0';
                return -errno;
        }
        buf[n] = '\0';
        return (size_t)n == size - 1 ? -EFBIG : (int)n;
}

int read_once_at(int dir_fd, const char *path, char *buf, size_t size) {
        _cleanup_close_ int fd = fd_open_at(dir_fd, path);
        if (fd < 0) {
                buf[0] = '\0';
                return fd;
        }
        return read_once(fd, buf, size);
}

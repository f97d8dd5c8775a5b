/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fd.h"

#include <fcntl.h>
#include <string.h>

#include "base/text.h"

int fd_open_at(int dir_fd, const char *path) {
        int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

int fd_pread_text(int fd, char *buf, size_t size) {
        size_t len = 0;

        assert(size > 0);
        while (len < size) {
                ssize_t n = pread(fd, buf + len, size - len, (off_t)len);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0) {
                        buf[len] = '\0';
                        return (int)len;
                }
                len += (size_t)n;
        }
        buf[size - 1] = '\0';
        return -EFBIG;
}

int fd_read_text_at(int dir_fd, const char *path, char *buf, size_t size) {
        _cleanup_close_ int fd = fd_open_at(dir_fd, path);
        if (fd < 0)
                return fd;
        return fd_pread_text(fd, buf, size);
}

int fd_pread_u64(int fd, uint64_t *ret) {
        char buf[32];
        int n = fd_pread_text(fd, buf, sizeof(buf));
        if (n == -EFBIG)
                return -EBADMSG;
        if (n < 0)
                return n;
        if (n > 0 && buf[n - 1] == '\n')
                n--;
        if (n == 3 && memcmp(buf, "max", 3) == 0) {
                *ret = UINT64_MAX;
                return 0;
        }
        return text_parse_u64_n(buf, (size_t)n, ret) < 0 ? -EBADMSG : 0;
}

int fd_read_u64_at(int dir_fd, const char *path, uint64_t *ret) {
        _cleanup_close_ int fd = fd_open_at(dir_fd, path);
        if (fd < 0)
                return fd;
        return fd_pread_u64(fd, ret);
}

int fd_write_text_at(int dir_fd, const char *path, const char *text) {
        _cleanup_close_ int fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        size_t n = strlen(text);
        ssize_t w = write(fd, text, n);
        if (w < 0)
                return -errno;
        return (size_t)w == n ? 0 : -EIO;
}

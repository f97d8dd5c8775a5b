/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/commit-peak.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/text.h"

#define NAME     "commit-peak"
#define NAME_NEW ".commit-peak.new"
#define KEY      "commit_peak_bytes "

static int open_dir(const char *dir) {
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int commit_peak_load(const char *dir, uint64_t *ret) {
        _cleanup_close_ int dir_fd = open_dir(dir);
        char text[64];
        uint64_t v;

        if (dir_fd < 0)
                return dir_fd;
        int n = fd_read_text_at(dir_fd, NAME, text, sizeof(text));
        if (n < 0)
                return n == -EFBIG ? -EBADMSG : n;
        size_t k = strlen(KEY);
        if ((size_t)n <= k + 1 || memcmp(text, KEY, k) != 0 || text[n - 1] != '\n' ||
            text_parse_u64_n(text + k, (size_t)n - k - 1, &v) < 0)
                return -EBADMSG;
        *ret = v;
        return 0;
}

int commit_peak_save(const char *dir, uint64_t peak_bytes) {
        _cleanup_close_ int dir_fd = open_dir(dir);
        char text[64];

        if (dir_fd < 0)
                return dir_fd;
        _cleanup_close_ int fd =
                openat(dir_fd, NAME_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0644);
        if (fd < 0)
                return -errno;
        int k = snprintf(text, sizeof(text), KEY "%" PRIu64 "\n", peak_bytes);
        ssize_t n = write(fd, text, (size_t)k);
        if (n != k)
                return n < 0 ? -errno : -EIO;
        return renameat(dir_fd, NAME_NEW, dir_fd, NAME) < 0 ? -errno : 0;
}

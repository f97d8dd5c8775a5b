/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A directory for files that rotate is locked: two that rotate in one directory would remove each other's files. The
 * lock lives as long as a descriptor of this open file, so it ends with the recorder, however that ends.
 */

#include "daemon/record-place.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fd.h"

#define RECORD_NAME "headroom"

/* Each missing directory of an absolute path is made, for root alone. */
static int directory_open(const char *path, int *ret) {
        char part[PATH_MAX];

        if (strlen(path) >= sizeof(part))
                return -ENAMETOOLONG;
        for (const char *p = path; *p;) {
                p += 1 + strcspn(p + 1, "/");
                memcpy(part, path, (size_t)(p - path));
                part[p - path] = '\0';
                if (mkdir(part, 0750) < 0 && errno != EEXIST)
                        return -errno;
        }
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        *ret = fd;
        return 0;
}

/* A directory to rotate in, or one file: then the directory without the last part of @path. */
static int option_open(const char *path, RecordSpot *ret) {
        const char *slash = strrchr(path, '/');
        size_t n = slash ? (size_t)(slash - path) : 0;
        char dir[PATH_MAX];
        struct stat st;

        bool is_single = stat(path, &st) < 0 || !S_ISDIR(st.st_mode);
        const char *name = !is_single ? RECORD_NAME : slash ? slash + 1 : path;
        if (!is_single)
                n = strlen(path);
        if (n >= sizeof(dir))
                return -ENAMETOOLONG;
        memcpy(dir, path, n);
        dir[n] = '\0';
        if (n == 0)
                (void)strcpy(dir, slash ? "/" : ".");
        if (!*name)
                return -EISDIR;
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        *ret = (RecordSpot){ .dir_fd = fd, .name = name, .is_single = is_single };
        return 0;
}

int record_place_open(const RecordPlace *p, RecordSpot *ret) {
        RecordSpot spot = { .dir_fd = -EBADF, .name = RECORD_NAME };

        int r = p->is_option ? option_open(p->path, &spot) : directory_open(p->path, &spot.dir_fd);
        if (r < 0)
                return r;
        if (!spot.is_single && flock(spot.dir_fd, LOCK_EX | LOCK_NB) < 0) {
                r = errno == EWOULDBLOCK ? -EBUSY : -errno;
                (void)fd_close(spot.dir_fd);
                return r;
        }
        *ret = spot;
        return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Trees of small files for tests: in a fresh directory below /tmp, removed at the end. */

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"

typedef struct Tree {
        char path[64];
        int fd;
} Tree;

static inline void tree_open(Tree *t) {
        (void)strcpy(t->path, "/tmp/headroom-test-XXXXXX");
        assert(mkdtemp(t->path));
        t->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert(t->fd >= 0);
}

static inline int tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void)st, (void)type, (void)ftw;
        return remove(path);
}

static inline void tree_close(Tree *t) {
        (void)close(t->fd);
        (void)nftw(t->path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void tree_mkdir(const Tree *t, const char *path) {
        char part[4200];
        for (const char *p = path; p; p = strchr(p + 1, '/')) {
                const char *end = strchr(p + 1, '/');
                size_t n = end ? (size_t)(end - path) : strlen(path);
                memcpy(part, path, n);
                part[n] = '\0';
                assert(mkdirat(t->fd, part, 0755) == 0 || errno == EEXIST);
                if (!end)
                        break;
        }
}

static inline void tree_write_n(const Tree *t, const char *path, const char *text, size_t n) {
        char dir[4200];
        (void)snprintf(dir, sizeof(dir), "%s", path);
        char *slash = strrchr(dir, '/');
        if (slash) {
                *slash = '\0';
                tree_mkdir(t, dir);
        }
        int fd = openat(t->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert(fd >= 0);
        assert(write(fd, text, n) == (ssize_t)n);
        (void)close(fd);
}

static inline void tree_write(const Tree *t, const char *path, const char *text) {
        tree_write_n(t, path, text, strlen(text));
}

/* How many descriptors this process holds. */
static inline unsigned tree_count_fds(void) {
        unsigned n = 0;
        DIR *d = opendir("/proc/self/fd");
        assert(d);
        while (readdir(d))
                n++;
        (void)closedir(d);
        return n;
}

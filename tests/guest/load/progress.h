/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How far a load has got, for others to read while it runs: eight bytes at the beginning of a file, host byte order. */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static inline uint64_t *progress_open(const char *path) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        void *p = MAP_FAILED;

        if (fd >= 0 && ftruncate(fd, sizeof(uint64_t)) == 0)
                p = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED) {
                perror(path);
                exit(EXIT_FAILURE);
        }
        close(fd);
        return p;
}

static inline void progress_add(uint64_t *progress, uint64_t n) {
        __atomic_add_fetch(progress, n, __ATOMIC_RELAXED);
}

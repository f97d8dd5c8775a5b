/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Address space for the most there can be; memory only for what is used. Zeroed. */

#include <sys/mman.h>

#include "base/macros.h"

static inline void *reserve_map(size_t size) {
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return p == MAP_FAILED ? NULL : p;
}

static inline void reserve_unmap(void *p, size_t size) {
        if (p)
                (void)munmap(p, size);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Memory that costs nothing until it is touched: for tables that are sized for the worst case. malloc() cannot
 * promise that: what it recycles it has to clear.
 */

#include <sys/mman.h>

#include "base/macros.h"

/* Zeroed; NULL where there is no room. */
static inline void *pages_new(size_t size) {
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return p == MAP_FAILED ? NULL : p;
}
static inline void *pages_free(void *p, size_t size) {
        if (p)
                (void)munmap(p, size);
        return NULL;
}

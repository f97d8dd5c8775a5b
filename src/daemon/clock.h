/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The only place of the daemon that reads a clock; everything behind sense takes time from the snapshot. */

#include <time.h>

#include "base/macros.h"

static inline uint64_t clock_usec(clockid_t id) {
        struct timespec t;
        if (clock_gettime(id, &t) < 0)
                return 0;
        return (uint64_t)t.tv_sec * USEC_PER_SEC + (uint64_t)t.tv_nsec / 1000;
}
static inline uint64_t clock_mono_usec(void) {
        return clock_usec(CLOCK_MONOTONIC);
}
static inline uint64_t clock_real_usec(void) {
        return clock_usec(CLOCK_REALTIME);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The one clock outside daemon/: how long a call took on a thread of act/ is known nowhere else. */

#include <time.h>

#include "base/macros.h"

static inline uint64_t thread_now_usec(void) {
        struct timespec ts;
        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The time that the loads go by: CLOCK_MONOTONIC. */

#include <stdint.h>
#include <time.h>

static inline uint64_t now_usec(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static inline uint64_t now_msec(void) {
        return now_usec() / 1000;
}

static inline void sleep_until_usec(uint64_t t) {
        struct timespec ts = { .tv_sec = (time_t)(t / 1000000), .tv_nsec = (long)(t % 1000000) * 1000 };

        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

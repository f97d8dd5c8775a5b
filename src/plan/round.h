/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Doubles as integers. A conversion of what the integer cannot hold is undefined, and nearly level lines, or a trace that
 * says anything, lead there: it is cut off at the ends of the type instead.
 */

#include "base/macros.h"

/* Rounded down; 0 for what is negative or no number. */
static inline uint64_t u64_of_double(double v) {
        return v >= 0x1p64 ? UINT64_MAX : v > 0 ? (uint64_t)v : 0;
}

/* Rounded towards 0; 0 for what is no number. */
static inline int64_t i64_of_double(double v) {
        return v >= 0x1p63 ? INT64_MAX : v <= -0x1p63 ? INT64_MIN : v == v ? (int64_t)v : 0;
}

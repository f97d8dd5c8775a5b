/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Ownership and arithmetic idioms used everywhere.
 *
 * Every owned object has a `_cleanup_(x_freep)` at the place it is held; a function that hands
 * ownership out ends in TAKE_PTR() or TAKE_FD(). An unset descriptor is -EBADF, so that a close of
 * it is harmless and a use of it fails loudly.
 */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Names made unique by __COUNTER__, so that one may stand inside another. */
#define CONCAT_(a, b) a##b
#define CONCAT(a, b)  CONCAT_(a, b)
#define MIN_MAX_(a, b, op, ua, ub)         \
        ({                                 \
                __typeof__(a) ua = (a);    \
                __typeof__(b) ub = (b);    \
                ua op ub ? ua : ub;        \
        })
#define MIN(a, b) MIN_MAX_(a, b, <, CONCAT(_min_a, __COUNTER__), CONCAT(_min_b, __COUNTER__))
#define MAX(a, b) MIN_MAX_(a, b, >, CONCAT(_max_a, __COUNTER__), CONCAT(_max_b, __COUNTER__))

#define TAKE_PTR(p)                     \
        ({                              \
                __typeof__(p) _p = (p); \
                (p) = NULL;             \
                _p;                     \
        })
#define TAKE_FD(fd)             \
        ({                      \
                int _fd = (fd); \
                (fd) = -EBADF;  \
                _fd;            \
        })

#define DEFINE_TRIVIAL_CLEANUP(type, func)        \
        static inline void func##p(type **p) {    \
                if (*p)                           \
                        *p = func(*p);            \
        }

static inline void cleanup_free(void *p) {
        free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(cleanup_free)

/* close() must not disturb the errno that a failing caller is about to forward. */
static inline int fd_close(int fd) {
        if (fd >= 0) {
                int saved = errno;
                (void)close(fd);
                errno = saved;
        }
        return -EBADF;
}
static inline void cleanup_close(int *fd) {
        *fd = fd_close(*fd);
}
#define _cleanup_close_ _cleanup_(cleanup_close)

/* Saturating arithmetic: kernel numbers may be anything, and a wrapped sum must never look like memory. */
static inline uint64_t u64_add_sat(uint64_t a, uint64_t b) {
        return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}
static inline uint64_t u64_sub_sat(uint64_t a, uint64_t b) {
        return a > b ? a - b : 0;
}
static inline uint64_t u64_mul_sat(uint64_t a, uint64_t b) {
        uint64_t r;
        return __builtin_mul_overflow(a, b, &r) ? UINT64_MAX : r;
}

static inline int64_t i64_add_sat(int64_t a, int64_t b) {
        int64_t r;
        return !__builtin_add_overflow(a, b, &r) ? r : b < 0 ? INT64_MIN : INT64_MAX;
}
static inline int64_t i64_mul_sat(int64_t a, int64_t b) {
        int64_t r;
        return !__builtin_mul_overflow(a, b, &r) ? r : (a < 0) != (b < 0) ? INT64_MIN : INT64_MAX;
}

/* a * b / c without overflow in the product; c == 0 gives 0, an overflowing quotient UINT64_MAX. */
static inline uint64_t u64_mul_div(uint64_t a, uint64_t b, uint64_t c) {
        uint64_t product;
        if (c == 0)
                return 0;
        /* Nearly always; a division of 128 bits takes several times as long. */
        if (!__builtin_mul_overflow(a, b, &product))
                return product / c;
        unsigned __int128 q = (unsigned __int128)a * b / c;
        return q > UINT64_MAX ? UINT64_MAX : (uint64_t)q;
}

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_INFINITY UINT64_MAX

/* Shares are integers in hundredths of a percent, so that the decision core needs no floats. */
#define PERMYRIAD UINT64_C(10000)

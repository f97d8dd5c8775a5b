/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trigger wakes a sleeping daemon; once awake it samples totals itself, since a trigger fires at most
 * once per window, and an unprivileged one rides on the 2 s averaging.
 */
#include "sense/psi-trigger.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* Without CAP_SYS_RESOURCE a window must be a multiple of this (Linux 6.4, 6.1.y). */
#define UNPRIVILEGED_STEP_USEC (2 * USEC_PER_SEC)
/* Bounds of the kernel: WINDOW_MIN_US before 6.5, and WINDOW_MAX_US. */
#define WINDOW_MIN_USEC (500 * USEC_PER_MSEC)
#define WINDOW_MAX_USEC (10 * USEC_PER_SEC)

/* Opens anew for each attempt: a descriptor takes one trigger in its life (EBUSY). */
static int trigger_try(int dir_fd, const char *name, PsiKind kind, uint64_t stall_usec, uint64_t window_usec) {
        _cleanup_close_ int fd = openat(dir_fd, name, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;

        char text[64];
        int len = snprintf(text, sizeof(text), "%s %llu %llu", kind == PSI_SOME ? "some" : "full",
                           (unsigned long long)stall_usec, (unsigned long long)window_usec);
        /* With its NUL: the kernel overwrites the last byte written, and would cut the last digit off. */
        ssize_t n = write(fd, text, (size_t)len + 1);
        if (n < 0)
                return -errno;
        /* An unarmed fd polls ready for ever: never hand one out. */
        return n == len + 1 ? TAKE_FD(fd) : -EIO;
}

/**
 * psi_trigger_open_at() - arm a pressure trigger
 * @dir_fd:      borrowed; @name is relative to it
 * @stall_usec:  stall within the window that fires it; brought into 1..window
 * @window_usec: brought into 500 ms..10 s, what all kernels accept
 * @ret_rounded: set on success: the window is not the one asked for. May be NULL.
 *
 * Return: descriptor to poll for POLLPRI, owned by the caller, readable like the file itself; -ENOENT
 *         where there is no PSI; -EINVAL, -EPERM where the kernel refuses even the rounded window.
 * Source: Documentation/accounting/psi.rst, triggers (Linux 5.2).
 */
int psi_trigger_open_at(int dir_fd, const char *name, PsiKind kind, uint64_t stall_usec, uint64_t window_usec,
                        bool *ret_rounded) {
        uint64_t window = MIN(MAX(window_usec, WINDOW_MIN_USEC), WINDOW_MAX_USEC);
        uint64_t stall = window == window_usec ? stall_usec : u64_mul_div(stall_usec, window, window_usec);
        bool rounded = window != window_usec;

        stall = MIN(MAX(stall, UINT64_C(1)), window);
        int fd = trigger_try(dir_fd, name, kind, stall, window);
        /* EINVAL does not tell a bad window from a missing capability: retry only where rounding changes it. */
        if (fd == -EINVAL && window % UNPRIVILEGED_STEP_USEC != 0) {
                uint64_t up = (window / UNPRIVILEGED_STEP_USEC + 1) * UNPRIVILEGED_STEP_USEC;
                fd = trigger_try(dir_fd, name, kind, MIN(MAX(u64_mul_div(stall, up, window), UINT64_C(1)), up), up);
                rounded = true;
        }
        if (fd >= 0 && ret_rounded)
                *ret_rounded = rounded;
        return fd;
}

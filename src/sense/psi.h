/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Pressure stall information: /proc/pressure/memory and memory.pressure of a cgroup. */

#include "base/macros.h"

typedef struct PsiTotals {
        bool has_some, has_full;
        uint64_t some_usec, full_usec; /* monotonic while the cgroup lives */
} PsiTotals;

int psi_parse(const char *text, PsiTotals *ret);
int psi_read(int fd, PsiTotals *ret);

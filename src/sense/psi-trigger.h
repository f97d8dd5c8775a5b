/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* PSI triggers: a descriptor that polls EPOLLPRI when a stall exceeds a threshold within a window. */

#include "base/macros.h"

typedef enum PsiKind {
        PSI_SOME,
        PSI_FULL,
} PsiKind;

/*
 * @dir_fd, @name: "proc/pressure/memory" under the root fd, or "memory.pressure" under a cgroup fd.
 * Where the kernel refuses the window (EINVAL without CAP_SYS_RESOURCE) it is rounded up to a multiple
 * of 2 s and the threshold scaled with it; *ret_rounded says so.
 * Returns the fd (owned by the caller) or negative errno. POLLERR on it means that the cgroup is gone.
 */
int psi_trigger_open_at(int dir_fd, const char *name, PsiKind kind, uint64_t stall_usec, uint64_t window_usec,
                        bool *ret_rounded);

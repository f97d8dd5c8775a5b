/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* /run/headroom, or the first of $RUNTIME_DIRECTORY: one daemon at a time owns it. */

#include "base/macros.h"

#define RUNTIME_PATH_MAX 256

typedef struct RuntimeDir {
        char path[RUNTIME_PATH_MAX];
        int lock_fd; /* held for as long as we own it */
} RuntimeDir;

#define RUNTIME_DIR_NULL ((RuntimeDir){ .lock_fd = -EBADF })

/* 0; -EBUSY: another daemon owns it; -EACCES, -EROFS: not ours to write; other negative errno. */
int runtime_dir_acquire(RuntimeDir *d);
void runtime_dir_release(RuntimeDir *d);

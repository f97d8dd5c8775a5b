/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* /proc/PID/mountinfo and /proc/mounts: where cgroup2 is, and whether /proc hides processes. */

#include "base/macros.h"

/* PATH_MAX of the kernel is 4096, but no one mounts cgroup2 that deep. */
#define MOUNT_PATH_MAX 512

typedef struct Cgroup2Mount {
        char point[MOUNT_PATH_MAX]; /* unescaped, absolute in the tree that the text is from */
        char root[MOUNT_PATH_MAX];  /* which directory of the hierarchy is mounted there; "/" where not known */
} Cgroup2Mount;

int mountinfo_find_cgroup2(const char *text, Cgroup2Mount *ret);
bool mountinfo_has_hidepid(const char *text);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* /proc/sys/vm, and what else the settings there depend on. Not for the cheap sample. */

#include "base/macros.h"
#include "model/sysctl.h"

/* Fills all of @ret, each part present or absent. */
void sysctl_sample(int root_fd, SysctlSample *ret);

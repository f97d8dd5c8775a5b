/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* libcgroup, for what has time. See cgroup-adapter.c for what it is not used for, and why. */

#include "base/macros.h"

/* Where the memory controller is mounted, and whether that is cgroup v2. -ENOENT: it is mounted nowhere. */
int cgroup_adapter_memory_mount(char *path, size_t size, bool *ret_is_v2);
/* One value of the memory controller, "memory.high" and the like; "max" is UINT64_MAX. v2 only: -EOPNOTSUPP else.
 * @cgroup: path from the mount, no leading slash. Both may block: reclaim happens in the writer. */
int cgroup_adapter_read_u64(const char *cgroup, const char *file, uint64_t *ret);
int cgroup_adapter_write_u64(const char *cgroup, const char *file, uint64_t value);

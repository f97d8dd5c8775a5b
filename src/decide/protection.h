/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/snapshot.h"

/*
 * Bytes that memory.min or memory.low, whichever is more, promise cgroup @i. Below its outermost unit a cgroup is
 * promised no more than that unit: there the limits may belong to a user or a container, who must not save himself
 * at the cost of others. Above it the kernel caps by the slices as well; these are often forgotten, and what the
 * operator meant is plain.
 */
uint64_t cgroup_promised_bytes(const Snapshot *snap, uint32_t i);
/* Is its use, or that of a cgroup above it, within what was promised there? Where the use was not read: yes. */
bool cgroup_is_within_promise(const Snapshot *snap, uint32_t i);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The flat keyed files of a cgroup: memory.stat, memory.events, cgroup.events. */

#include "model/snapshot.h"

int memory_stat_parse(const char *text, CgroupSample *ret);
int memory_events_parse(const char *text, CgroupSample *ret);
int cgroup_events_parse(const char *text, CgroupSample *ret);

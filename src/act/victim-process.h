/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The few facts about one process that act reads again while it holds the process's pidfd. See victim-process.c. */

#include "base/macros.h"

typedef struct VictimStat {
        int32_t ppid;
        uint64_t start_ticks;
} VictimStat;

int victim_process_parse_stat(const char *text, VictimStat *ret);
int victim_process_read_stat(int root_fd, int32_t pid, VictimStat *ret);
int victim_process_read_adj(int root_fd, int32_t pid, int32_t *ret);
/* Path of its cgroup in the unified hierarchy, leading slash and all. */
int victim_process_read_cgroup(int root_fd, int32_t pid, char *buf, size_t size);
/* Never to be killed, whatever a Decision says: pid 1, ourselves, oom_score_adj -1000. Unread counts as protected. */
bool victim_process_is_protected(int root_fd, int32_t pid);

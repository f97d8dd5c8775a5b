/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A cgroup as a victim: opening it by path and identity, counting, signalling, waiting. See victim-cgroup.c. */

#include "act/act.h"

int victim_cgroup_open(const ActHost *host, const char *path, uint64_t id);
/* Opens the directory @path below @base_fd; no identity is checked. */
int victim_cgroup_open_below(int base_fd, const char *path, size_t n);
int victim_cgroup_survey(const ActHost *host, int cgroup_fd, ActSurvey *ret);
int victim_cgroup_signal(const ActHost *host, int cgroup_fd, int signo, bool keep, ActSignalled *ret);
int victim_cgroup_kill(int cgroup_fd);
int victim_cgroup_events_open(int cgroup_fd);
int victim_cgroup_populated(int events_fd);

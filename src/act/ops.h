/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Operations that only look: the same in earnest and in a dry run. Defined in ops-real.c; userdata is the ActHost. */

#include "act/act.h"

int op_pidfd_open(void *userdata, int32_t pid);
int op_read_start_ticks(void *userdata, int32_t pid, uint64_t *ret);
int op_read_oom_score_adj(void *userdata, int32_t pid, int32_t *ret);
int op_cgroup_open(void *userdata, const char *path, uint64_t id);
int op_cgroup_survey(void *userdata, int cgroup_fd, ActSurvey *ret);
int op_cgroup_events_open(void *userdata, int cgroup_fd);
int op_cgroup_populated(void *userdata, int events_fd);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Private to world.c and world-detail.c. */

#include "plan/world-index.h"
#include "plan/world.h"

/* Kills whose end is still to come: those of a decision state, and those of the one before it. */
#define PENDING_MAX   (2 * KILLS_MAX)

typedef struct PendingKill {
        uint64_t kill_id; /* 0: free */
        CandidateKind kind;
        int32_t pid;
        uint64_t start_ticks;
        char cgroup_path[CGROUP_PATH_MAX];
} PendingKill;

struct PlanWorld {
        WorldLimits limits;
        WorldInfo info;
        uint64_t serial; /* of the sample that is being taken in */
        char boot_id[40];
        WorldCgroup *cgroups;
        uint32_t n_cgroups, size_cgroups;
        WorldIndex cgroup_index;
        WorldProcess *processes;
        uint32_t n_processes, size_processes;
        WorldIndex process_index;
        bool cgroups_sorted, processes_sorted;
        PendingKill pending[PENDING_MAX];
        uint32_t next_pending;
        /* of plan_world_detailed() */
        CgroupSample *out_cgroups;
        uint32_t size_out_cgroups;
        ProcessSample *out_processes;
        uint32_t size_out_processes;
};

WorldCgroup *world_cgroup_find(const PlanWorld *w, uint64_t id);
/* Room in the array at *@array for one more than @n; doubles, so that growing costs no time. 0; -ENOMEM. */
int world_reserve(void *array, uint32_t n, uint32_t *size, size_t item);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Whom a step of the ladder is taken on. */

#include "decide/metric.h"
#include "decide/state.h"

typedef enum Choice {
        CHOICE_FOUND,
        CHOICE_NOBODY,
        CHOICE_UNKNOWN, /* the sample does not show it, or has shown it only once: ask for details and come again */
} Choice;

/* The Detail bits that a choice for @step looks at. */
uint32_t offender_needs(Step step);
/* The same with what it looks at only where the choice would fall on somebody's session. */
uint32_t offender_may_need(Step step);
/* Fills the target, why it is the one, value and old_value of @m. @ret_floor: of a throttle. */
Choice offender_choose(const DecideState *s, const Domain *d, const Snapshot *snap, Step step, const LevelPolicy *lp,
                       Measure *m, uint64_t *ret_floor);
/* For reclaim: the coldest cgroup, and how much of it. */
Choice coldest_choose(const DecideState *s, const Domain *d, const MetricInput *in, const LevelPolicy *lp, Measure *m);
/* For pageout: an idle process, and how much of it. */
Choice idle_choose(const DecideState *s, const Domain *d, const MetricInput *in, Measure *m);

/* One call reclaims no more than this: it must end within its time, and must not sweep a small host empty. */
uint64_t reclaim_chunk_bytes(const Snapshot *snap);

/* Between the files that choose. */
typedef enum CgroupFlag {
        CGROUP_FLAG_UNITS_BELOW = 1 << 0,
        CGROUP_FLAG_TERMINAL = 1 << 1, /* somebody in it has a terminal */
        CGROUP_FLAG_VITAL = 1 << 2,    /* somebody in it serves all others: a display server, D-Bus */
} CgroupFlag;
/* Notes in s->cgroup_flags what the paths of all cgroups, and with DETAIL_PROCESSES their members, tell of each. */
void offender_flags(const DecideState *s, const Snapshot *snap);
/* Is cgroup @i one that a step may be taken on: a unit or a leaf of @d, populated, not ours, not exempt, not protected? */
bool offender_is_open(const DecideState *s, const Domain *d, const Snapshot *snap, uint32_t i, Step step);
/* Is it one that contributions are measured of at all? */
bool offender_is_counted(const DecideState *s, const Domain *d, const Snapshot *snap, uint32_t i);
bool offender_is_avoided(const Snapshot *snap, uint32_t i);
void offender_set_target(const Snapshot *snap, uint32_t i, Measure *m);
void offender_set_change(const UsageChange *u, uint64_t page_size, Measure *m);
/* vital.c: by its path, by its members. May it be throttled or slowed? In somebody's session only members tell. */
bool cgroup_may_hold(const DecideState *s, const Snapshot *snap, uint32_t i);
bool cgroup_is_of_session(const char *path);
bool cgroup_may_freeze(const DecideState *s, const Snapshot *snap, uint32_t i);
bool cgroup_may_restart(const char *path);
bool comm_is_vital(const char *comm);

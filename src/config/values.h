/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The kinds of values that options have. */

#include "config/options.h"

extern const ConfigType type_bool;      /* bool */
extern const ConfigType type_usec;      /* uint64_t */
extern const ConfigType type_count;     /* uint64_t */
extern const ConfigType type_count32;   /* uint32_t */
extern const ConfigType type_share32;   /* uint32_t, permyriad */
extern const ConfigType type_bytes;     /* uint64_t */
extern const ConfigType type_directory; /* char[RECORD_DIRECTORY_MAX] */
extern const ConfigType type_adjust;    /* int32_t */
extern const ConfigType type_victim;    /* VictimKind */
extern const ConfigType type_rank;      /* Rank */
extern const ConfigType type_tier;      /* Tier */
extern const ConfigType type_condition; /* uint16_t, index in Policy.exprs */
/* LevelPolicy: steps and what belongs to them; they differ in the steps that are allowed */
extern const ConfigType type_steps_warn, type_steps_relieve, type_steps_kill;
extern const ConfigType type_sysctl, type_sysctl_auto; /* SysctlSetting */
extern const ConfigType type_sysctl_restore;           /* SysctlRestore */
/* of CgroupPolicy: pattern, match, host */
extern const ConfigType type_match_cgroup, type_match_unit, type_match_container;
/* Pattern *, of rules */
extern const ConfigType type_pattern_text, type_pattern_path, type_pattern_cgroup, type_pattern_uids, type_pattern_user;

/* A level that is never reached: the same for all of them. */
LevelPolicy level_policy_unused(void);
/* Drops the options of steps that @level does not have, so that equal policies are equal. */
void level_policy_normalize(LevelPolicy *level);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The kinds of values that options have. */

#include "config/options.h"

extern const ConfigType type_bool;      /* bool */
extern const ConfigType type_usec;      /* uint64_t */
extern const ConfigType type_count;     /* uint64_t */
extern const ConfigType type_count32;   /* uint32_t */
extern const ConfigType type_adjust;    /* int32_t */
extern const ConfigType type_victim;    /* VictimKind */
extern const ConfigType type_rank;      /* Rank */
extern const ConfigType type_tier;      /* Tier */
extern const ConfigType type_condition; /* uint16_t, index in Policy.exprs */
extern const ConfigType type_steps;     /* LevelPolicy: steps and grace; terminate and kill allowed */
extern const ConfigType type_notices;   /* LevelPolicy: steps; notify only */
/* of CgroupPolicy: pattern, match, host */
extern const ConfigType type_match_cgroup, type_match_unit, type_match_container;
/* Pattern *, of rules */
extern const ConfigType type_pattern_text, type_pattern_path, type_pattern_cgroup, type_pattern_uids, type_pattern_user;

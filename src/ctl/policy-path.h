/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/policy.h"

/*
 * The policy that --policy names: a directory laid out like /etc/headroom, or what `check --dump` has printed. NULL: the
 * built-in one. This host's own configuration is no part of it. What is wrong has been said on standard error.
 */
int policy_path_load(const char *path, Policy **ret);

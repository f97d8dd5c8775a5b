/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Telling a unit's service manager that we killed in it. See unit-mark.c. */

#include "act/act.h"

int unit_mark(const ActHost *host, const char *path, uint64_t id, int32_t pid, uint32_t n_processes, bool dry_run);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a cgroup path says by itself. Paths are from the cgroup2 mount, "/" is the root; any bytes but '/' and NUL. */

#include "base/macros.h"

/* Is @path the cgroup @ancestor (the first @ancestor_len bytes of it) or below it? */
bool cgroup_path_inside_n(const char *path, const char *ancestor, size_t ancestor_len);
bool cgroup_path_inside(const char *path, const char *ancestor);
/* Does the component (or path) that ends at @start + @n have more than @suffix, and end in it? */
bool cgroup_path_ends(const char *start, size_t n, const char *suffix);
/*
 * Length of the path up to and with its innermost service or scope; 0 where there is none. Innermost: in
 * user@1000.service/app.slice/a.scope the unit is the scope, and not the whole session around it.
 */
size_t cgroup_path_unit_length(const char *path);

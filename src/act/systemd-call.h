/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Asking PID 1 about units, and to change them. See systemd-call.c. */

#include "base/macros.h"

/* Does systemd run as PID 1 of the host whose root this is? */
bool systemd_is_running(int root_fd);

/* Longest name of a unit, with its NUL. */
#define SYSTEMD_UNIT_NAME_MAX 256

/*
 * The unit of the system manager around the cgroup @path. @is_whole: only where @path is the unit's own cgroup,
 * slices included; without it the service or scope around, but not a user manager. Length of the path up to and with
 * the unit; -EOPNOTSUPP where there is none.
 */
int systemd_unit_of_cgroup(const char *path, bool is_whole, char ret[static SYSTEMD_UNIT_NAME_MAX]);

/*
 * These connect, ask, and wait for the answer, at most @timeout_usec, which is not 0. 0; -ETIMEDOUT: no answer in
 * time, what was asked for may still happen; -ENOENT: no such unit; -EOPNOTSUPP: no manager, or not for such a unit;
 * -EACCES; other negative errno.
 */
int systemd_get_weight(const char *unit, const char *property, uint64_t timeout_usec, uint64_t *ret);
/* Both for this boot only. UINT64_MAX: not set. */
int systemd_set_weights(const char *unit, uint64_t cpu_weight, uint64_t io_weight, uint64_t timeout_usec);
int systemd_set_weight(const char *unit, const char *property, uint64_t weight, uint64_t timeout_usec);
int systemd_restart_unit(const char *unit, uint64_t timeout_usec);
int systemd_stop_unit(const char *unit, uint64_t timeout_usec);

/* For UndoHost: of the unit whose cgroup is @path. "CPUWeight" and "IOWeight" only, as decimal text. */
int systemd_set_unit_property(const char *path, const char *property, const char *value);
int systemd_get_unit_property(const char *path, const char *property, char *ret, size_t size);

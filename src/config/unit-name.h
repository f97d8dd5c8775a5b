/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a cgroup path says about who lives there. Anybody may name a cgroup below his own, so these are
 * hints for choosing, never proof of identity.
 */

#include "base/macros.h"

/*
 * The unit of the system's own manager: the first *.service or *.scope of the path, and the last *.slice where there is
 * neither; NULL where there is nothing. What is below a service or scope was named by whoever lives there: a user must
 * not have his hog spared as "sshd.service" by making a cgroup of that name. Borrows from @path.
 */
const char *unit_name_of_system(const char *path, size_t *ret_len);
/* The last *.service, *.scope or *.slice of the path; NULL where there is none. For showing only. Borrows from @path. */
const char *unit_name_find(const char *path, size_t *ret_len);
/* The same, only where it is the last component: the cgroup of the unit itself. */
const char *unit_name_of_leaf(const char *path, size_t *ret_len);
/* Container or pod id of the cgroup that @path ends in; NULL where it is no container's own cgroup. */
const char *container_id_of_leaf(const char *path, size_t *ret_len);

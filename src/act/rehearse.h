/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Parts of act_rehearse(). See rehearse.c. @t: the tools of a dry run. */

#include "act/kill.h"

/* Touches the pages of @p and of the stack below us. */
void rehearse_memory(void *p, size_t n);
int rehearse_process(const KillTools *t);
int rehearse_cgroup(const KillTools *t, const ActHost *host);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One pass over a trace; private to run.c. */

#include "plan/run.h"

/*
 * Puts the answers of @r from number @from on. @stats: fed beside them; NULL in later passes. What the reader had to say is
 * kept in @r where @stats are gathered.
 */
int plan_pass(const PlanRequest *request, PlanRun *r, uint32_t from, PlanStats *stats, TraceError *ret_error);

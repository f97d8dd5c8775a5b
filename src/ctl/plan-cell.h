/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Numbers of the plan document as cells of a table; private to plan-show*.c. */

#include <jansson.h>

#include "ctl/commands.h"
#include "ctl/table.h"

/* The value of the number object @key of @o with its unit; "-" where there is none. */
void plan_cell(Table *t, const json_t *o, const char *key);
/* How far it may be trusted. */
void plan_cell_source(Table *t, const json_t *number);
void plan_title(const Invocation *i, const char *title);

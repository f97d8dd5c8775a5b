/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Where the value of a process that is seen for the first time comes from. */

#include "act/adjust-table.h"

/* Fills value, base, is_foreign and since_ticks of the row of @p, which is new. */
void adjust_inherit(const AdjustTable *t, AdjustRow *row, const ProcessSample *p);
/*
 * Has a process got @value because it shares its memory with one that we gave it? The kernel writes it to all that do
 * (clone(2) with CLONE_VM alone).
 */
bool adjust_is_shared(const AdjustTable *t, const AdjustRow *row, int16_t value);
/* kernel_adjust of a process that adjust_see() has not seen yet, from its ancestors in @snap. */
int32_t adjust_inherited(const AdjustTable *t, const Snapshot *snap, const ProcessSample *p);

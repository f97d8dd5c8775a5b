/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Stalls that our own throttles and freezes cause, which must not count as pressure. */

#include "decide/state.h"

/* Once a step, after the answers to measures were taken in and before the domains are looked at. */
void own_stall_step(DecideState *s, const Snapshot *snap, uint64_t dt_usec);
/* memory.high of @c as it was before we changed it; false where what the sample says is not ours. */
bool own_stall_old_high(const DecideState *s, const CgroupSample *c, uint64_t *ret);
/* Does a policy for limited cgroups match @c for a limit that is ours? */
bool own_stall_is_limit_ours(const DecideState *s, int32_t policy, const CgroupSample *c);
/* Counters of @d, bit (1 << CgroupField), that rise because of us: no sign that memory is short. */
uint64_t own_stall_evidence(const DecideState *s, const Domain *d, uint64_t now_usec);
/* Stalls of @m do not count now. */
bool own_stall_is_excused(const HeldMeasure *m);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* When to look again. */

#include "decide/metric.h"
#include "decide/state.h"

void pace_init(DecideState *s);
/* Takes in how much the host has available; before the domains. */
void pace_observe(DecideState *s, const Snapshot *snap);
/* Delay until the next look at @d: by the distance to its limits and the rate at which they near. */
uint64_t pace_delay(const DecideState *s, const Domain *d, const MetricInput *in);
/* Will @d soon have to say who made the trouble? Then that is to be seen in time: it takes two looks. */
bool pace_is_watchful(const DecideState *s, const Domain *d, const MetricInput *in);

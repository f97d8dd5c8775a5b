/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* When to look again. */

#include "decide/metric.h"
#include "decide/state.h"

void pace_init(DecideState *s);
/* Takes in how much the host has available; before the domains. */
void pace_observe(DecideState *s, const Snapshot *snap);

typedef struct Pace {
        uint64_t delay_usec; /* until the next look: by the distance to the limits and the rate at which they near */
        bool is_watchful;    /* it will soon have to be said who made the trouble: that takes two looks */
} Pace;
Pace pace_of(DecideState *s, const Domain *d, const MetricInput *in);

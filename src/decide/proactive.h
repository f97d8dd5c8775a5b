/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Reclaim before there is any need ([Proactive]). */

#include "decide/ladder.h"

void proactive_step(DecideState *s, Domain *d, const MetricInput *in, Decision *ret);
/* The answer to one of them. */
void proactive_settle(Domain *d, const HeldMeasure *h, const MeasureStatus *st, uint64_t now_usec);

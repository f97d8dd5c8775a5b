/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One thread of measures.c, and the ring of what it is to do. See measure-lane.c. */

#include "act/act.h"
#include "act/undo.h"
#include "base/macros.h"
#include "model/measure.h"

typedef struct MeasureLane MeasureLane;

int measure_lane_new(const ActHost *host, Undo *undo, int notify_fd, int nice, MeasureLane **ret);
/* It is to end what is under way, and begin nothing more; does not wait. */
void measure_lane_stop(MeasureLane *lane);
MeasureLane *measure_lane_free(MeasureLane *lane);

/* As those of measures.h; the step is one that measures_submit() takes. */
int measure_lane_submit(MeasureLane *lane, const Measure *m);
uint32_t measure_lane_collect(MeasureLane *lane, uint64_t mono_usec, MeasureStatus *ret, uint32_t max);
uint32_t measure_lane_under_way(const MeasureLane *lane);

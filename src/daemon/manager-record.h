/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The trace, from the manager's side; see manager-record.c. All do nothing while nothing is recorded. */

#include "daemon/manager.h"
#include "daemon/recorder.h"

/* After the policy was loaded. Negative errno only where --record= asked for it; said. */
int manager_record_start(Manager *m);
void manager_record_reload(Manager *m);
void manager_record_stop(Manager *m);

/* false: nothing is recorded, and @ret is untouched. */
bool manager_record_stats(const Manager *m, RecorderStats *ret);

/* What a recorder wants of this tick's sample; 0 where it can wait. */
uint32_t manager_record_detail(const Manager *m);
/* The longest time until the next tick. */
uint64_t manager_record_interval(const Manager *m);

/*
 * In the tick, in this order. Only the first two may encode before the signal: the sample that is about to be
 * overwritten.
 */
void manager_record_before_round(Manager *m);
void manager_record_before_look(Manager *m);
void manager_record_round(Manager *m, const Decision *d);
void manager_record_confirm(Manager *m, const Snapshot *snap, uint64_t kill_id, Hold answer);
void manager_record_cancel(Manager *m, uint64_t kill_id, Hold why);
void manager_record_tick(Manager *m);

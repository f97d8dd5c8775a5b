/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "decide/metric.h"
#include "decide/state.h"
#include "model/decision.h"

/* What @when rests on, in one word. */
Reason kill_reason(const DecideState *s, const Domain *d, uint16_t when, const MetricInput *in);
/* Takes in how the kills in flight stand (snap->kills). */
void kills_settle(DecideState *s, const Snapshot *snap);
/* Escalates the kill in flight of @d, or asks for a new one, or says why not. */
void kill_step(DecideState *s, Domain *d, const MetricInput *in, Decision *ret);
/* Dry-run: forgets virtual victims that have really gone, and follows the size of those that have not. */
void kill_prune_virtuals(DecideState *s, const Snapshot *snap);
bool virtual_victim_holds(const VirtualVictim *v, const ProcessSample *p);

/* Between kill.c and kill-settle.c. */
const KillStatus *kill_status_find(const Snapshot *snap, uint64_t kill_id);
/* Was @c asked to end before, and did it not? */
bool kill_ignored_sigterm(const DecideState *s, const Candidate *c, uint64_t now_usec);

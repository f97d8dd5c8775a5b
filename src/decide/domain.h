/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "decide/metric.h"
#include "decide/state.h"

/* Matches domains to the monitored cgroups of the snapshot by id; new ones start calm, gone ones are forgotten. */
void domains_sync(DecideState *s, const Snapshot *snap);
Domain *domain_find(DecideState *s, uint64_t id);
bool domain_is_seen(const Domain *d, const Snapshot *snap);
/* Is one the other or an ancestor of it? The host is everybody's ancestor. */
bool domains_are_related(const Domain *a, const Domain *b);
MetricInput domain_input(const DecideState *s, const Domain *d, const Snapshot *snap);
/* What the guards and the status need, beside the conditions. */
void domain_observe(const DecideState *s, Domain *d, const MetricInput *in);
/* Share of the window of @series that was stalled, permyriad. */
bool domain_stall(const Series *series, uint64_t now_usec, uint64_t *ret_permyriad);
/* Stalls from before a victim went say nothing about after. */
void domain_forget_stalls(const DecideState *s, Domain *d);
void domain_copy_names(const DecideState *s, const Domain *d, char path[static CGROUP_PATH_MAX], char name[static 64]);

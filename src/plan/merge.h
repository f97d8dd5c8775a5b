/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Plans of many hosts -> one of the fleet: a document of kind "fleet". Hosts are taken one by one, so that memory is bounded
 * by what is kept of each (a few numbers and its name), not by their documents.
 *
 * "hosts"     how many; of which without a safe size, with kills, exhausting, uncalibrated
 * "headroom"  histogram of all hosts' time, its percentiles, and of the hosts' least
 * "demand"    the same of the demand
 * "ram"       distribution of the smallest safe RAM over hosts, sums of recorded, safe and advised
 * "at_risk"   hosts that need a look, the worst first, with why
 * "density"   for each pattern the sum over hosts
 */

#include <jansson.h>

#include "base/macros.h"

typedef struct Fleet Fleet;

int fleet_new(Fleet **ret);
Fleet *fleet_free(Fleet *f);
DEFINE_TRIVIAL_CLEANUP(Fleet, fleet_free)
/* 0; -EBADMSG with *ret_why (static text) where @doc is no plan of one host; -ENOMEM. Nothing is added on failure. */
int fleet_add(Fleet *f, const json_t *doc, const char **ret_why);
uint64_t fleet_hosts(const Fleet *f);
/* A new reference; NULL when out of memory. */
json_t *fleet_document(Fleet *f);

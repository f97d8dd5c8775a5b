/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The plain data of model/ as JSON. Key names carry their units (_bytes, _usec, _pages, _permyriad); what is
 * not known is null, never 0. Untrusted text is escaped as in lines, which also makes it valid UTF-8.
 * All functions return a new reference, NULL when out of memory.
 */

#include <jansson.h>

#include "model/decision.h"
#include "model/snapshot.h"
#include "report/record.h"

json_t *json_escaped(const char *untrusted);
/* null for @none: the value that stands for "not known" or "infinite" */
json_t *json_u64(uint64_t value, uint64_t none);

json_t *json_condition(const ConditionReport *c);
json_t *json_candidate(const Candidate *c, const char *rule_name);
/* @full: all candidates and those that were passed over; else only the victim and the runners-up by name */
json_t *json_kill_record(const KillRecord *r, bool full);
json_t *json_host(const HostSample *h);

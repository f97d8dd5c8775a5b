/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The last kills as full records, in a ring. Its memory is reserved at start, and touched a few records ahead. */

#include "report/record.h"

typedef struct KillHistory KillHistory;

/* @max: records kept, at least 1. -ENOMEM. */
int kill_history_new(size_t max, KillHistory **ret);
KillHistory *kill_history_free(KillHistory *h);
DEFINE_TRIVIAL_CLEANUP(KillHistory, kill_history_free)

/* The oldest makes room. The record is zeroed; borrowed until it is the oldest itself. */
KillRecord *kill_history_add(KillHistory *h);
/* For a calm moment: so that the next few records cost no page that would have to be found first. */
void kill_history_prepare(KillHistory *h);
size_t kill_history_count(const KillHistory *h); /* records that are there, at most max */
uint64_t kill_history_total(const KillHistory *h); /* ever added */
/* @age 0: the latest; NULL beyond the oldest. */
KillRecord *kill_history_get(const KillHistory *h, size_t age);
/* The latest with that id; an escalation has a record of its own under the same id. */
KillRecord *kill_history_find(const KillHistory *h, uint64_t kill_id);

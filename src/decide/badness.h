/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/decision.h"
#include "model/snapshot.h"

/* oom_badness() of mm/oom_kill.c, in pages; see badness.c. INT64_MIN where never selectable. */
int64_t badness_pages(const ProcessSample *p, uint64_t total_pages, Reject *ret_reject);
/* /proc/PID/oom_score as the kernel makes it from points, for tests and for the coarse scan. */
uint32_t badness_to_oom_score(int64_t points, uint64_t total_pages);
/* Size in pages that an oom_score stands for, less its adjustment; rounded down. */
uint64_t badness_size_from_oom_score(uint32_t oom_score, int32_t adj, uint64_t total_pages);

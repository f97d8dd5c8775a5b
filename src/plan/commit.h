/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What strict overcommit (vm.overcommit_memory=2) would have had to allow for the recorded Committed_AS. */

#include "base/macros.h"
#include "plan/histogram.h"

#define COMMIT_MARGIN_PERMYRIAD 1000

typedef struct CommitAdvice {
        uint64_t peak_bytes, p99_bytes;
        uint64_t limit_bytes;      /* CommitLimit: the peak and the margin */
        uint32_t ratio;            /* vm.overcommit_ratio that gives it with this RAM and swap, percent */
        bool is_more_than_memory;  /* the ratio is above 100: the load promises itself more than there is */
} CommitAdvice;

/* @committed: not empty. @hugetlb is not known: its memory counts as RAM here, so the ratio is a little low then. */
void commit_advise(const Histogram *committed, uint64_t ram_bytes, uint64_t swap_bytes, CommitAdvice *ret);

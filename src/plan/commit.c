/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/commit.h"

/* CommitLimit = RAM * overcommit_ratio / 100 + swap. Source: Documentation/mm/overcommit-accounting.rst. */
void commit_advise(const Histogram *committed, uint64_t ram_bytes, uint64_t swap_bytes, CommitAdvice *ret) {
        CommitAdvice a = { .peak_bytes = committed->max, .p99_bytes = histogram_percentile(committed, 9900) };

        a.limit_bytes = u64_add_sat(a.peak_bytes, u64_mul_div(a.peak_bytes, COMMIT_MARGIN_PERMYRIAD, PERMYRIAD));
        uint64_t from_ram = u64_sub_sat(a.limit_bytes, swap_bytes);
        uint64_t percent = u64_mul_div(from_ram, 100, ram_bytes);
        /* Rounded up, or the limit would be missed by less than a percent. */
        if (ram_bytes > 0 && u64_mul_div(percent, ram_bytes, 100) < from_ram)
                percent++;
        a.ratio = (uint32_t)MIN(percent, (uint64_t)UINT32_MAX);
        a.is_more_than_memory = a.ratio > 100;
        *ret = a;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What each metric is compared with, over which windows, and what a limit of it looks like: the one place
 * to give a new metric its type.
 */

#include "config/expression.h"

#define SHARE (1u << UNIT_SHARE)
#define BYTES (1u << UNIT_BYTES)
#define TIME  (1u << UNIT_USEC)
#define COUNT (1u << UNIT_COUNT)

#define PSI_WINDOW \
        .window_usec = 2 * USEC_PER_SEC, .window_min_usec = 100 * USEC_PER_MSEC, .window_max_usec = 600 * USEC_PER_SEC

/* clang-format off */
static const MetricInfo metric_infos[] = {
        [METRIC_SOME] = { .units = SHARE, PSI_WINDOW,
                .meaning = "some is a share of time stalled, not memory; write e.g. some > 40%" },
        [METRIC_FULL] = { .units = SHARE, PSI_WINDOW,
                .meaning = "full is a share of time stalled, not memory; write e.g. full > 20%" },
        [METRIC_AVAILABLE] = { .units = SHARE | BYTES,
                .meaning = "available is an amount of memory; write e.g. available < 6% or available < 500M" },
        [METRIC_SWAP_FREE] = { .units = SHARE | BYTES,
                .meaning = "swap-free is an amount of swap; write e.g. swap-free < 10% or swap-free < 256M" },
        [METRIC_SWAP_USED] = { .units = SHARE | BYTES,
                .meaning = "swap-used is an amount of swap; write e.g. swap-used > 90% or swap-used > 4G" },
        [METRIC_USAGE] = { .units = SHARE | BYTES,
                .meaning = "usage is an amount of memory; write e.g. usage > 95% or usage > 2G" },
        [METRIC_EXHAUSTION] = { .units = TIME, .window_usec = USEC_PER_SEC,
                .window_min_usec = 200 * USEC_PER_MSEC, .window_max_usec = 60 * USEC_PER_SEC,
                .meaning = "exhaustion is the time until memory is gone; write e.g. exhaustion < 1500ms" },
        [METRIC_REFAULTS] = { .units = SHARE, PSI_WINDOW, .per_second = true,
                .meaning = "refaults is a share of the file cache per second; write e.g. refaults > 30%" },
        [METRIC_SCAN_RATE] = { .units = BYTES, PSI_WINDOW, .per_second = true,
                .meaning = "scan-rate is memory scanned per second; write e.g. scan-rate > 200M/s" },
        [METRIC_COMMIT] = { .units = SHARE | BYTES, .host_only = true,
                .meaning = "commit is an amount of memory; write e.g. commit > 95% or commit > 30G" },
        [METRIC_KERNEL_OOM] = { .units = COUNT, .window_usec = 60 * USEC_PER_SEC,
                .window_min_usec = USEC_PER_SEC, .window_max_usec = 600 * USEC_PER_SEC,
                .meaning = "kernel-oom is a number of kills; write e.g. kernel-oom 60s > 0" },
};
/* clang-format on */
static_assert(ARRAY_SIZE(metric_infos) == _METRIC_MAX, "every metric is described");

const MetricInfo *expression_metric(Metric m) {
        assert(m >= 0 && m < _METRIC_MAX);
        return &metric_infos[m];
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Settings of the kernel that it takes, and that hurt. */

#include <inttypes.h>

#include "config/lint.h"

/* /proc/sys/vm/min_free_kbytes as the kernel sets it: the square root of 16 times the memory in KiB. */
static uint64_t default_min_free(uint64_t total_kbytes) {
        uint64_t want = u64_mul_sat(total_kbytes, 16), low = 0, high = UINT32_MAX;

        while (low < high) {
                uint64_t middle = low + (high - low + 1) / 2;
                if (middle * middle <= want)
                        low = middle;
                else
                        high = middle - 1;
        }
        return low;
}

static bool is_value(const SysctlPolicy *p, Sysctl key) {
        return p->settings[key].mode == SYSCTL_VALUE;
}

static bool is_set_to(const SysctlPolicy *p, Sysctl key, uint64_t value) {
        return is_value(p, key) && p->settings[key].value == value;
}

static void lint_overcommit(const SysctlPolicy *p, ConfigReport *report) {
        const SysctlSetting *admin = &p->settings[SYSCTL_ADMIN_RESERVE_KBYTES];
        bool has_limit = p->settings[SYSCTL_OVERCOMMIT_RATIO].mode != SYSCTL_KEEP ||
                         p->settings[SYSCTL_OVERCOMMIT_KBYTES].mode != SYSCTL_KEEP;

        if (!is_set_to(p, SYSCTL_OVERCOMMIT_MEMORY, OVERCOMMIT_STRICT)) {
                if (has_limit && p->settings[SYSCTL_OVERCOMMIT_MEMORY].mode == SYSCTL_VALUE)
                        lint_warn(report, NULL,
                                  "OvercommitRatio= and OvercommitKbytes= have no effect without OvercommitMemory=2");
                return;
        }
        if (!has_limit)
                lint_warn(
                        report, NULL,
                        "OvercommitMemory=2 without OvercommitRatio= or OvercommitKbytes=: the kernel's limit counts, by default half of the memory and the swap");
        if (admin->mode == SYSCTL_VALUE && admin->value < 8192)
                lint_warn(report, NULL,
                          "AdminReserveKbytes=%" PRIu64
                          " with OvercommitMemory=2: root may not be able to log in when the limit is reached; 8192 or more",
                          admin->value);
        if (is_set_to(p, SYSCTL_USER_RESERVE_KBYTES, 0))
                lint_warn(
                        report, NULL,
                        "UserReserveKbytes=0 with OvercommitMemory=2: one process may commit all, and its user cannot start another to end it");
}

/**
 * lint_sysctl() - what [Sysctl] alone shows
 */
void lint_sysctl(const SysctlPolicy *p, ConfigReport *report) {
        lint_overcommit(p, report);
        if (is_set_to(p, SYSCTL_SWAPPINESS, 0))
                lint_warn(
                        report, NULL,
                        "Swappiness=0: nothing is swapped until files have no memory left; 1 does what is mostly meant");
        if (is_set_to(p, SYSCTL_VFS_CACHE_PRESSURE, 0))
                lint_warn(
                        report, NULL,
                        "VfsCachePressure=0: names and inodes are never reclaimed, which alone can run the host out of memory");
        if (is_value(p, SYSCTL_WATERMARK_SCALE_FACTOR) && p->settings[SYSCTL_WATERMARK_SCALE_FACTOR].value > 1000)
                lint_warn(report, NULL,
                          "WatermarkScaleFactor=%" PRIu64 ": kswapd keeps more than 10 %% of the memory free",
                          p->settings[SYSCTL_WATERMARK_SCALE_FACTOR].value);
        if (is_value(p, SYSCTL_PAGE_CLUSTER) && p->settings[SYSCTL_PAGE_CLUSTER].value > 6)
                lint_warn(report, NULL, "PageCluster=%" PRIu64 ": each page from swap brings 2^%" PRIu64 " along",
                          p->settings[SYSCTL_PAGE_CLUSTER].value, p->settings[SYSCTL_PAGE_CLUSTER].value);
}

/**
 * lint_sysctl_host() - ... and what it says about this host
 */
void lint_sysctl_host(const SysctlPolicy *p, const Snapshot *s, ConfigReport *report) {
        const SysctlSetting *min_free = &p->settings[SYSCTL_MIN_FREE_KBYTES];

        if (min_free->mode != SYSCTL_VALUE || !host_has(&s->host, HOST_MEM_TOTAL))
                return;
        uint64_t total = s->host.value[HOST_MEM_TOTAL] / 1024, usual = default_min_free(total);
        if (min_free->value > total / 10)
                lint_warn(report, NULL,
                          "MinFreeKbytes=%" PRIu64 " is more than a tenth of the memory (%" PRIu64
                          "): nobody can use it, and the kernel kills before it is touched",
                          min_free->value, total);
        else if (min_free->value < usual / 4)
                lint_warn(report, NULL,
                          "MinFreeKbytes=%" PRIu64 " is far below what the kernel takes for so much memory (%" PRIu64
                          "): allocations that cannot wait will fail",
                          min_free->value, usual);
}

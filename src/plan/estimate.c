/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/estimate.h"

#include <string.h>

const char *estimator_to_string(Estimator e) {
        static const char *const names[] = {
                [ESTIMATE_CURRENT] = "current",
                [ESTIMATE_NOT_INACTIVE] = "current-inactive_file",
                [ESTIMATE_ACTIVE] = "anon+shmem+active_file+kernel",
                [ESTIMATE_FLOOR] = "unreclaimable-floor",
                [ESTIMATE_PEAK] = "interval-peak",
        };
        return (size_t)e < ARRAY_SIZE(names) ? names[e] : NULL;
}

const char *estimator_describe(Estimator e) {
        static const char *const texts[] = {
                [ESTIMATE_CURRENT] = "memory.current, cache included",
                [ESTIMATE_NOT_INACTIVE] = "memory.current - inactive_file; too high with an active cache, too low where a hot "
                                          "one is on the inactive list",
                [ESTIMATE_ACTIVE] = "anon + shmem + active_file + kernel - slab_reclaimable + sock",
                [ESTIMATE_FLOOR] = "anon + shmem + unevictable + kernel - slab_reclaimable + file_dirty / 2, at most current; "
                                   "nothing below is safe without swap",
                [ESTIMATE_PEAK] = "memory.peak of each interval where the kernel resets it (6.12), else the sampled "
                                  "maximum of memory.current; counts cache",
        };
        return (size_t)e < ARRAY_SIZE(texts) ? texts[e] : NULL;
}

static uint64_t cgroup_or_0(const CgroupSample *c, CgroupField f) {
        return cgroup_has(c, f) ? c->value[f] : 0;
}

/* `kernel` is in memory.stat since 5.18 only; before, what is known of it would be too little to add. */
static uint64_t kernel_floor(const CgroupSample *c) {
        return u64_sub_sat(cgroup_or_0(c, CGROUP_KERNEL), cgroup_or_0(c, CGROUP_SLAB_RECLAIMABLE));
}

bool estimate(const CgroupSample *c, Estimator e, uint64_t *ret) {
        uint64_t v;

        switch (e) {
        case ESTIMATE_CURRENT:
                if (!cgroup_has(c, CGROUP_CURRENT))
                        return false;
                *ret = c->value[CGROUP_CURRENT];
                return true;
        case ESTIMATE_NOT_INACTIVE:
                if (!cgroup_has(c, CGROUP_CURRENT) || !cgroup_has(c, CGROUP_INACTIVE_FILE))
                        return false;
                *ret = u64_sub_sat(c->value[CGROUP_CURRENT], c->value[CGROUP_INACTIVE_FILE]);
                return true;
        case ESTIMATE_ACTIVE:
                if (!cgroup_has(c, CGROUP_ANON) || !cgroup_has(c, CGROUP_ACTIVE_FILE))
                        return false;
                v = u64_add_sat(c->value[CGROUP_ANON], c->value[CGROUP_ACTIVE_FILE]);
                v = u64_add_sat(v, cgroup_or_0(c, CGROUP_SHMEM));
                v = u64_add_sat(v, kernel_floor(c));
                *ret = u64_add_sat(v, cgroup_or_0(c, CGROUP_SOCK));
                return true;
        case ESTIMATE_FLOOR:
                if (!cgroup_has(c, CGROUP_ANON))
                        return false;
                v = u64_add_sat(c->value[CGROUP_ANON], cgroup_or_0(c, CGROUP_SHMEM));
                /* Locked anonymous memory is in both: hence the bound by what is there at all. */
                v = u64_add_sat(v, cgroup_or_0(c, CGROUP_UNEVICTABLE));
                v = u64_add_sat(v, kernel_floor(c));
                v = u64_add_sat(v, cgroup_or_0(c, CGROUP_FILE_DIRTY) / 2);
                *ret = cgroup_has(c, CGROUP_CURRENT) ? MIN(v, c->value[CGROUP_CURRENT]) : v;
                return true;
        case ESTIMATE_PEAK:
        case _ESTIMATOR_MAX:
        case _ESTIMATOR_INVALID:
                break;
        }
        return false;
}

static uint64_t host_or_0(const HostSample *h, HostField f) {
        return host_has(h, f) ? h->value[f] : 0;
}

uint64_t host_usable_swap(const HostSample *h) {
        uint64_t free = host_or_0(h, HOST_SWAP_FREE);
        uint64_t zram_free = u64_sub_sat(host_or_0(h, HOST_ZRAM_SWAP_TOTAL), host_or_0(h, HOST_ZRAM_SWAP_USED));

        if (zram_free == 0)
                return free;
        zram_free = MIN(zram_free, free);
        uint64_t orig = host_or_0(h, HOST_ZRAM_ORIG), used = MIN(host_or_0(h, HOST_ZRAM_MEM_USED), orig);
        /* An empty device has no ratio yet: half, a usual one, rather than all or nothing. */
        uint64_t gain = orig > 0 ? u64_mul_div(zram_free, orig - used, orig) : zram_free / 2;
        return free - zram_free + gain;
}

bool host_headroom(const HostSample *h, uint64_t protected_unused_bytes, uint64_t *ret) {
        if (!host_has(h, HOST_MEM_AVAILABLE))
                return false;
        *ret = u64_sub_sat(u64_add_sat(h->value[HOST_MEM_AVAILABLE], host_usable_swap(h)), protected_unused_bytes);
        return true;
}

bool host_need(const HostSample *h, uint64_t *ret) {
        if (!host_has(h, HOST_MEM_AVAILABLE) || !host_has(h, HOST_MEM_TOTAL))
                return false;
        *ret = u64_add_sat(u64_sub_sat(h->value[HOST_MEM_TOTAL], h->value[HOST_MEM_AVAILABLE]),
                           u64_sub_sat(host_or_0(h, HOST_SWAP_TOTAL), host_or_0(h, HOST_SWAP_FREE)));
        return true;
}

/* What is below is protected only as far as the one on top is. */
static bool is_on_top(const char *path) {
        return path[0] == '/' && path[1] != '\0' && !strchr(path + 1, '/');
}

uint64_t protected_unused(const Snapshot *s) {
        uint64_t sum = 0;

        for (uint32_t i = 0; i < s->n_cgroups; i++) {
                const CgroupSample *c = &s->cgroups[i];
                if (!cgroup_has(c, CGROUP_MIN) || !cgroup_has(c, CGROUP_CURRENT) || c->value[CGROUP_MIN] == 0 ||
                    !is_on_top(c->path))
                        continue;
                uint64_t promised = c->value[CGROUP_MIN];
                if (promised != CGROUP_NO_LIMIT)
                        sum = u64_add_sat(sum, u64_sub_sat(promised, c->value[CGROUP_CURRENT]));
        }
        return sum;
}

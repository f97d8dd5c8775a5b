/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Estimators of the working set: one sample of a cgroup or of the host -> bytes. None of them is the truth, so each has
 * a name and all are printed. A field that was not read makes an estimator absent, not small.
 */

#include "base/macros.h"
#include "model/snapshot.h"

typedef enum Estimator {
        ESTIMATE_CURRENT,       /* memory.current with all its cache: what a limit would have to be to change nothing */
        ESTIMATE_NOT_INACTIVE,  /* current - inactive_file, as kubelet has it */
        ESTIMATE_ACTIVE,        /* anon + shmem + active_file + kernel floor */
        ESTIMATE_FLOOR,         /* cannot be reclaimed without swap */
        ESTIMATE_PEAK,          /* memory.peak of the interval where it is reset, else the sampled maximum */
        _ESTIMATOR_MAX,
        _ESTIMATOR_INVALID = -EINVAL,
} Estimator;

const char *estimator_to_string(Estimator e);
/* How it is computed, for people. */
const char *estimator_describe(Estimator e);
/* False where @c lacks what it needs. ESTIMATE_PEAK is not of one sample: always false. */
bool estimate(const CgroupSample *c, Estimator e, uint64_t *ret_bytes);

/* MemAvailable + usable swap - unused part of protected minimums; false without MemAvailable. */
bool host_headroom(const HostSample *h, uint64_t protected_unused_bytes, uint64_t *ret_bytes);
/* SwapFree as far as it gives room: on zram a page that is swapped takes its compressed size again. */
uint64_t host_usable_swap(const HostSample *h);
/* MemTotal - MemAvailable + used swap: what would have had to be found elsewhere. */
bool host_need(const HostSample *h, uint64_t *ret_bytes);
/* memory.min that nobody uses at the moment, of the cgroups directly below the root. */
uint64_t protected_unused(const Snapshot *s);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/vmstat: counters since boot, in pages or events. Reclaim on behalf of a cgroup's limit does not
 * move pgscan_direct here; the root's memory.stat holds the sum of both.
 */
#include "sense/vmstat.h"

#include "sense/keyed.h"

static const KeyedKey keys[] = {
        KEYED("oom_kill", HOST_VM_OOM_KILL), /* 4.13 */
        KEYED("pgscan_kswapd", HOST_VM_PGSCAN_KSWAPD),
        KEYED("pgscan_direct", HOST_VM_PGSCAN_DIRECT),
        KEYED("pgsteal_kswapd", HOST_VM_PGSTEAL_KSWAPD),
        KEYED("pgsteal_direct", HOST_VM_PGSTEAL_DIRECT),
        KEYED("workingset_refault_file", HOST_VM_REFAULT_FILE), /* 5.9 */
        KEYED("workingset_refault", HOST_VM_REFAULT_FILE),      /* before that, and only files were counted */
        KEYED("workingset_refault_anon", HOST_VM_REFAULT_ANON),
        KEYED("pgmajfault", HOST_VM_PGMAJFAULT),
        KEYED("pswpin", HOST_VM_PSWPIN),
        KEYED("pswpout", HOST_VM_PSWPOUT),
        /* one line per zone that the architecture has; a single one before 4.10 */
        KEYED_SUM("allocstall", HOST_VM_ALLOCSTALL),
        KEYED_SUM("allocstall_dma", HOST_VM_ALLOCSTALL),
        KEYED_SUM("allocstall_dma32", HOST_VM_ALLOCSTALL),
        KEYED_SUM("allocstall_normal", HOST_VM_ALLOCSTALL),
        KEYED_SUM("allocstall_high", HOST_VM_ALLOCSTALL),
        KEYED_SUM("allocstall_movable", HOST_VM_ALLOCSTALL),
        KEYED_SUM("allocstall_device", HOST_VM_ALLOCSTALL),
};

/**
 * vmstat_parse() - fields of /proc/vmstat
 * @ret: its VM_ fields are set or made absent, the others left alone
 *
 * Return: 0; -EBADMSG where a line was not understood (the other fields are set nonetheless) or no
 *         wanted line is there.
 */
int vmstat_parse(const char *text, HostSample *ret) {
        int n_bad = keyed_parse(text, keys, ARRAY_SIZE(keys), &ret->have, ret->value);
        uint64_t any = 0;

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                any |= ret->have & UINT64_C(1) << keys[i].field;
        return n_bad > 0 || any == 0 ? -EBADMSG : 0;
}

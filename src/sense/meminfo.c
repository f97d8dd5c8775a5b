/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/meminfo: the host's memory in bytes. "kB" there means 1024. */
#include "sense/meminfo.h"

#include "sense/keyed.h"

static const KeyedKey keys[] = {
        KEYED_KB("MemTotal", HOST_MEM_TOTAL),
        KEYED_KB("MemFree", HOST_MEM_FREE),
        KEYED_KB("MemAvailable", HOST_MEM_AVAILABLE),
        KEYED_KB("Buffers", HOST_BUFFERS),
        KEYED_KB("Cached", HOST_CACHED),
        KEYED_KB("SwapCached", HOST_SWAP_CACHED),
        KEYED_KB("Active(anon)", HOST_ACTIVE_ANON),
        KEYED_KB("Inactive(anon)", HOST_INACTIVE_ANON),
        KEYED_KB("Active(file)", HOST_ACTIVE_FILE),
        KEYED_KB("Inactive(file)", HOST_INACTIVE_FILE),
        KEYED_KB("Unevictable", HOST_UNEVICTABLE),
        KEYED_KB("AnonPages", HOST_ANON_PAGES),
        KEYED_KB("Shmem", HOST_SHMEM),
        KEYED_KB("SReclaimable", HOST_SLAB_RECLAIMABLE),
        KEYED_KB("SUnreclaim", HOST_SLAB_UNRECLAIMABLE),
        KEYED_KB("KernelStack", HOST_KERNEL_STACK),
        KEYED_KB("PageTables", HOST_PAGE_TABLES),
        KEYED_KB("Dirty", HOST_DIRTY),
        KEYED_KB("Writeback", HOST_WRITEBACK),
        KEYED_KB("CommitLimit", HOST_COMMIT_LIMIT),
        KEYED_KB("Committed_AS", HOST_COMMITTED_AS),
        KEYED_KB("SwapTotal", HOST_SWAP_TOTAL),
        KEYED_KB("SwapFree", HOST_SWAP_FREE),
};

/**
 * meminfo_parse() - fields of /proc/meminfo
 * @ret: its meminfo fields are set or made absent, the others left alone
 *
 * Return: 0; -EBADMSG where a line was not understood (the other fields are set nonetheless) or there
 *         is no MemTotal at all.
 * Source: Documentation/filesystems/proc.rst; MemAvailable since Linux 3.14.
 */
int meminfo_parse(const char *text, HostSample *ret) {
        int n_bad = keyed_parse(text, keys, ARRAY_SIZE(keys), &ret->have, ret->value);
        return n_bad > 0 || !host_has(ret, HOST_MEM_TOTAL) ? -EBADMSG : 0;
}

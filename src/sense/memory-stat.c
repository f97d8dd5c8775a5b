/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which lines exist depends on kernel and configuration; a missing one is an absent field. Reading
 * memory.stat makes the kernel flush its per-CPU statistics: candidates only, never each tick.
 */
#include "sense/memory-stat.h"

#include "sense/keyed.h"

/**
 * memory_stat_parse() - fields of memory.stat
 * @ret: its memory.stat fields are set or made absent, the others left alone
 *
 * Return: 0; -EBADMSG where a line was not understood; the other fields are set nonetheless.
 * Source: Documentation/admin-guide/cgroup-v2.rst (Linux 4.5).
 */
int memory_stat_parse(const char *text, CgroupSample *ret) {
        static const KeyedKey keys[] = {
                KEYED("anon", CGROUP_ANON),
                KEYED("file", CGROUP_FILE),
                KEYED("shmem", CGROUP_SHMEM),
                KEYED("kernel", CGROUP_KERNEL), /* 5.18 */
                KEYED("sock", CGROUP_SOCK),
                KEYED("unevictable", CGROUP_UNEVICTABLE),
                KEYED("slab_reclaimable", CGROUP_SLAB_RECLAIMABLE),
                KEYED("active_file", CGROUP_ACTIVE_FILE),
                KEYED("inactive_file", CGROUP_INACTIVE_FILE),
                KEYED("file_dirty", CGROUP_FILE_DIRTY),
                KEYED("pgscan", CGROUP_PGSCAN),
                KEYED("pgsteal", CGROUP_PGSTEAL),
                KEYED("workingset_refault_file", CGROUP_REFAULT_FILE), /* 5.9 */
                KEYED("workingset_refault", CGROUP_REFAULT_FILE),      /* before that: files only */
                KEYED("workingset_refault_anon", CGROUP_REFAULT_ANON),
                KEYED("pgmajfault", CGROUP_PGMAJFAULT),
        };
        return keyed_parse(text, keys, ARRAY_SIZE(keys), &ret->have, ret->value) > 0 ? -EBADMSG : 0;
}

/* memory.events, with the events of descendants (Linux 5.2, unless mounted with memory_localevents). As above. */
int memory_events_parse(const char *text, CgroupSample *ret) {
        static const KeyedKey keys[] = {
                KEYED("low", CGROUP_EVENT_LOW),           KEYED("high", CGROUP_EVENT_HIGH),
                KEYED("max", CGROUP_EVENT_MAX),           KEYED("oom", CGROUP_EVENT_OOM),
                KEYED("oom_kill", CGROUP_EVENT_OOM_KILL), /* 4.13 */
        };
        return keyed_parse(text, keys, ARRAY_SIZE(keys), &ret->have, ret->value) > 0 ? -EBADMSG : 0;
}

/* cgroup.events: whether anything lives in the subtree. As above. */
int cgroup_events_parse(const char *text, CgroupSample *ret) {
        static const KeyedKey keys[] = { KEYED("populated", CGROUP_POPULATED) };
        return keyed_parse(text, keys, ARRAY_SIZE(keys), &ret->have, ret->value) > 0 ? -EBADMSG : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Cgroup paths, each once, at an address that stays. Processes and cgroups refer to the same entry, so
 * that "which cgroup is this process in" is a string comparison at most once per process and walk.
 *
 * Entries are only ever added; path_store_sweep() (at a discovery, when time is plentiful) keeps the
 * ones in use and forgets the rest.
 */

#include "base/macros.h"
#include "sense/reserve.h"

typedef struct PathEntry {
        uint64_t id;   /* of the cgroup that had this path at walk @walk */
        uint32_t walk; /* 0: never seen in a walk */
        uint32_t node; /* its index in that walk */
        uint32_t hash;
        uint32_t len;
        struct PathEntry *moved; /* only during a sweep */
        char path[];
} PathEntry;

typedef struct PathStore {
        Reserve arena, spare; /* entries one after the other, 8-byte aligned */
        size_t used;
        Reserve table; /* offsets + 1 into the arena */
        uint32_t n_entries, mask, mask_max;
} PathStore;

int path_store_init(PathStore *s, uint32_t max_paths);
void path_store_done(PathStore *s);
PathEntry *path_store_find(const PathStore *s, const char *path, size_t len);
PathEntry *path_store_intern(PathStore *s, const char *path, size_t len);
void path_store_sweep_begin(PathStore *s);
PathEntry *path_store_keep(PathStore *s, PathEntry *old);
void path_store_sweep_end(PathStore *s);

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "decide/protection.h"

#include <string.h>

#include "model/cgroup-path.h"

/* No hierarchy is deeper: a snapshot whose parents go round in circles ends here. */
#define DEPTH_MAX 64

static uint64_t own_promise(const CgroupSample *c) {
        return MAX(cgroup_has(c, CGROUP_MIN) ? c->value[CGROUP_MIN] : 0, cgroup_has(c, CGROUP_LOW) ? c->value[CGROUP_LOW] : 0);
}

static bool is_unit(const char *path) {
        size_t n = strlen(path);
        return cgroup_path_ends(path, n, ".service") || cgroup_path_ends(path, n, ".scope");
}

uint64_t cgroup_promised_bytes(const Snapshot *snap, uint32_t i) {
        uint64_t promised = own_promise(&snap->cgroups[i]), least = promised;
        uint32_t depth = 0;
        for (uint32_t up = snap->cgroups[i].parent; up < snap->n_cgroups && depth < DEPTH_MAX; depth++) {
                least = MIN(least, own_promise(&snap->cgroups[up]));
                if (is_unit(snap->cgroups[up].path))
                        promised = least;
                up = snap->cgroups[up].parent;
        }
        return promised;
}

bool cgroup_is_within_promise(const Snapshot *snap, uint32_t i) {
        for (uint32_t depth = 0; i < snap->n_cgroups && depth < DEPTH_MAX; i = snap->cgroups[i].parent, depth++) {
                const CgroupSample *c = &snap->cgroups[i];
                uint64_t promised = cgroup_promised_bytes(snap, i);
                if (promised > 0 && (!cgroup_has(c, CGROUP_CURRENT) || c->value[CGROUP_CURRENT] <= promised))
                        return true;
        }
        return false;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The monitored cgroups and the descriptors that the cheap sample reads of them. */

#include "sense/cgroup-tree.h"
#include "sense/complaint.h"
#include "sense/sense.h"

/* Five descriptors each, within a limit of some thousand descriptors. */
#define MONITORED_MAX 512

typedef struct MonitoredFiles {
        int psi_fd, current_fd, swap_fd, events_fd;
        CgroupSample known; /* id, policy, marks, path, limits: as of the discovery */
        uint32_t parent;    /* slot of the parent where that is monitored as well, else INDEX_NONE */
        bool is_gone;       /* seen to have vanished since */
} MonitoredFiles;

typedef struct MonitoredSet {
        uint32_t n;
        SenseMonitored *items; /* parallel arrays, owned */
        MonitoredFiles *files;
        CgroupSample *samples;  /* room for the cheap sample */
        uint32_t *sample_index; /* slot -> index in @samples, while one is taken */
} MonitoredSet;

void monitored_done(MonitoredSet *m);
int monitored_update(MonitoredSet *m, CgroupTree *t, Complaints *c);
void monitored_repoint(MonitoredSet *m, CgroupTree *t);
bool monitored_read(MonitoredSet *m, uint32_t slot, Complaints *c, CgroupSample *ret);
uint32_t monitored_sample(MonitoredSet *m, Complaints *c);

/* The slot of a node of the latest walk; INDEX_NONE where it is not monitored. */
static inline uint32_t monitored_find(const MonitoredSet *m, const CgroupTree *t, uint32_t node) {
        uint32_t slot = cgroup_tree_nodes(t)[node].slot;
        return slot < m->n && m->items[slot].id == cgroup_tree_samples(t)[node].id ? slot : INDEX_NONE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The cgroup2 tree as of the latest walk: one CgroupSample and one CgroupNode per cgroup, breadth
 * first, so that a parent always stands before its children.
 */

#include "model/snapshot.h"
#include "sense/complaint.h"
#include "sense/path-store.h"
#include "sense/reserve.h"
#include "sense/sense.h"

/* What is known of a cgroup beyond its sample. */
typedef struct CgroupNode {
        PathEntry *path;
        uint64_t base_bytes; /* current + swap when growth was last looked at */
        uint32_t owner_uid;
        uint32_t last_discovery; /* the latest discovery that saw it; 0 for none yet */
        uint32_t match;          /* CgroupTree.match that its policy was asked under */
        uint32_t slot;           /* among the monitored ones; INDEX_NONE */
        bool has_base;
        bool is_limited;
        bool may_have_children;
        bool is_of_interest; /* of the detailed sample being taken */
} CgroupNode;

typedef struct CgroupTree {
        int fd;               /* the cgroup2 mount; owned; -EBADF without one */
        char mount_root[512]; /* what of the hierarchy is mounted there, "" for all of it */
        bool is_real_root;    /* else somebody's cgroup namespace or a bind mount */
        bool has_memory;      /* memory.* files exist */
        uint32_t max;
        uint32_t walk, discovery, match;
        unsigned live; /* which of the two pairs holds the latest walk */
        Reserve samples[2], nodes[2];
        uint32_t n[2];
        PathStore paths;
        char *scratch; /* borrowed */
        size_t scratch_size;
        Complaints *complaints;
} CgroupTree;

int cgroup_tree_init(CgroupTree *t, uint32_t max_cgroups, char *scratch, size_t scratch_size, Complaints *c);
void cgroup_tree_done(CgroupTree *t);
int cgroup_tree_mount(CgroupTree *t, int root_fd, const char *mounts);
int cgroup_tree_walk(CgroupTree *t, const SenseMatchers *m, bool is_discovery);
void cgroup_tree_mark_self(CgroupTree *t, const PathEntry *path);
/* Opens the directory of a cgroup of the walk, if it is still that one; @flags: O_PATH or O_RDONLY. Negative errno. */
int cgroup_tree_open(const CgroupTree *t, const CgroupSample *s, int flags);
/* How a process's own view of its cgroup is called here. */
const char *cgroup_tree_relative(const CgroupTree *t, const char *path, size_t *len);
/* Index of the path's cgroup in the latest walk, INDEX_NONE where it was not seen. */
uint32_t cgroup_tree_index(const CgroupTree *t, const PathEntry *path);
/* The id of the cgroup that has the path right now; 0 for none. */
uint64_t cgroup_tree_id_now(const CgroupTree *t, const char *path);

static inline CgroupSample *cgroup_tree_samples(const CgroupTree *t) {
        return t->samples[t->live].data;
}
static inline CgroupNode *cgroup_tree_nodes(const CgroupTree *t) {
        return t->nodes[t->live].data;
}
static inline uint32_t cgroup_tree_size(const CgroupTree *t) {
        return t->n[t->live];
}

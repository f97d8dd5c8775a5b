/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A Sense object over a tree, and looking things up in its samples. */

#include "test.h"

#include <string.h>

#include "sense/sense.h"

static inline int32_t match_services(void *userdata, const char *path, bool limited) {
        (void)userdata, (void)limited;
        size_t n = strlen(path);
        return n > 8 && strcmp(path + n - 8, ".service") == 0 ? 3 : -1;
}

static inline Sense *sense_open(int root_fd, int32_t self_pid, uint32_t max_cgroups, const SenseMatchers *m) {
        SenseOptions o = { .root_fd = root_fd, .self_pid = self_pid, .max_cgroups = max_cgroups };
        Sense *s = NULL;
        assert_int_equal(sense_new(&o, &s), 0);
        sense_set_matchers(s, m);
        return s;
}

static inline const CgroupSample *find_cgroup(const Snapshot *n, const char *path) {
        for (uint32_t i = 0; i < n->n_cgroups; i++)
                if (strcmp(n->cgroups[i].path, path) == 0)
                        return &n->cgroups[i];
        return NULL;
}

static inline const ProcessSample *find_process(const Snapshot *n, int32_t pid) {
        for (uint32_t i = 0; i < n->n_processes; i++)
                if (n->processes[i].pid == pid)
                        return &n->processes[i];
        return NULL;
}

/* What every snapshot has to be, whatever the tree. */
static inline void assert_well_formed(const Snapshot *n) {
        for (uint32_t i = 0; i < n->n_cgroups; i++) {
                const CgroupSample *c = &n->cgroups[i];
                assert_true(c->parent == INDEX_NONE || c->parent < i);
                assert_true(c->path[0] == '/');
                assert_true(c->id != 0);
                for (unsigned f = 0; f < _CGROUP_FIELD_MAX; f++)
                        assert_true(cgroup_has(c, (CgroupField)f) || c->value[f] == 0);
        }
        for (uint32_t i = 0; i < n->n_processes; i++) {
                const ProcessSample *p = &n->processes[i];
                assert_true(i == 0 || p[-1].pid < p->pid);
                assert_non_null(p->cgroup_path);
                assert_true(memchr(p->comm, '\0', sizeof(p->comm)) != NULL);
                assert_true(p->cgroup == INDEX_NONE ||
                            (p->cgroup < n->n_cgroups && n->cgroups[p->cgroup].id == p->cgroup_id));
                assert_true((p->flags & PROCESS_SIZES) ||
                            (p->rss_anon | p->rss_file | p->rss_shmem | p->swap | p->pgtables) == 0);
                assert_true((p->flags & PROCESS_SCORE) || p->oom_score == 0);
        }
        for (unsigned f = 0; f < _HOST_FIELD_MAX; f++)
                assert_true(host_has(&n->host, (HostField)f) || n->host.value[f] == 0);
}

static inline unsigned count_complaints(Sense *s, const char *word) {
        char line[256];
        unsigned n = 0;
        while (sense_next_complaint(s, line, sizeof(line)))
                n += strstr(line, word) != NULL;
        return n;
}

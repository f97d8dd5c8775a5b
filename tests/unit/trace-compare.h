/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Two records, field by field. */

#include <string.h>

#include "trace/trace.h"

static inline bool equal_cgroups(const CgroupSample *a, const CgroupSample *b) {
        return a->id == b->id && a->parent == b->parent && a->policy == b->policy && a->marks == b->marks &&
               strcmp(a->path, b->path) == 0 && a->have == b->have && memcmp(a->value, b->value, sizeof(a->value)) == 0;
}

static inline bool equal_processes(const ProcessSample *a, const ProcessSample *b) {
        return a->pid == b->pid && a->ppid == b->ppid && a->pgid == b->pgid && a->sid == b->sid &&
               a->start_ticks == b->start_ticks && a->cgroup_id == b->cgroup_id && a->cgroup == b->cgroup &&
               a->uid == b->uid && a->flags == b->flags && a->oom_score == b->oom_score &&
               a->oom_score_adj == b->oom_score_adj && a->rule_adjust == b->rule_adjust && a->rule == b->rule &&
               a->tier == b->tier && a->kernel_wanted == b->kernel_wanted && a->kernel_rule == b->kernel_rule &&
               a->kernel_adjust == b->kernel_adjust && a->rss_anon == b->rss_anon && a->rss_file == b->rss_file &&
               a->rss_shmem == b->rss_shmem && a->swap == b->swap && a->pgtables == b->pgtables &&
               strcmp(a->cgroup_path, b->cgroup_path) == 0 && strncmp(a->comm, b->comm, COMM_MAX) == 0;
}

static inline bool equal_statuses(const Snapshot *a, const Snapshot *b) {
        if (a->n_kills != b->n_kills || a->n_measures != b->n_measures)
                return false;
        for (uint32_t i = 0; i < a->n_kills; i++) {
                const KillStatus *x = &a->kills[i], *y = &b->kills[i];
                if (x->kill_id != y->kill_id || x->outcome != y->outcome || x->candidate != y->candidate ||
                    x->signalled_usec != y->signalled_usec || x->exited_usec != y->exited_usec)
                        return false;
        }
        for (uint32_t i = 0; i < a->n_measures; i++) {
                const MeasureStatus *x = &a->measures[i], *y = &b->measures[i];
                if (x->measure_id != y->measure_id || x->verb != y->verb || x->error != y->error ||
                    x->by_manager != y->by_manager || x->done_bytes != y->done_bytes || x->run_usec != y->run_usec ||
                    x->ended_usec != y->ended_usec)
                        return false;
        }
        return true;
}

/* NULL where they are equal, else what is not. */
static inline const char *snapshot_difference(const Snapshot *a, const Snapshot *b) {
        if (a->mono_usec != b->mono_usec || a->real_usec != b->real_usec)
                return "clocks";
        if (a->page_size != b->page_size || a->detail != b->detail)
                return "page size, detail";
        if (a->host.have != b->host.have || memcmp(a->host.value, b->host.value, sizeof(a->host.value)) != 0)
                return "host";
        if (a->n_cgroups != b->n_cgroups || a->n_processes != b->n_processes)
                return "counts";
        for (uint32_t i = 0; i < a->n_cgroups; i++)
                if (!equal_cgroups(&a->cgroups[i], &b->cgroups[i]))
                        return "cgroup";
        for (uint32_t i = 0; i < a->n_processes; i++)
                if (!equal_processes(&a->processes[i], &b->processes[i]))
                        return "process";
        return equal_statuses(a, b) ? NULL : "kills or measures";
}

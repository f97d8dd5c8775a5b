/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a trace has told of the host so far: of the host, of each cgroup and of each process the last value of each
 * field, with the time at which it stood in a sample. Most samples are cheap ones; whoever asks other questions than the
 * recorder did (another policy, another size of RAM) needs details at moments at which none were taken, and has
 * them from here, as old as they are.
 *
 * A cgroup or process that a sample of all of them no longer lists is gone, and so is the victim of a kill that
 * has ended. Another boot, and time that runs backwards, begin an empty world. Memory is bounded by the caps; what
 * is beyond them is counted, not kept.
 */

#include "base/macros.h"
#include "model/snapshot.h"
#include "trace/trace.h"

typedef struct WorldCgroup {
        uint64_t id;
        uint64_t parent_id; /* 0: none, or not known */
        uint32_t marks;
        int32_t policy;     /* as recorded: index in the policy that was in force, -1 */
        char *path;         /* owned by the world */
        uint64_t have;      /* bit (1 << CgroupField): has ever been read */
        uint64_t value[_CGROUP_FIELD_MAX];
        uint64_t seen_usec[_CGROUP_FIELD_MAX]; /* mono_usec of the sample that @value stood in */
        uint64_t first_usec, last_usec;        /* of the samples that listed it */
        /* the world's own */
        uint64_t serial;
        uint32_t at;
} WorldCgroup;

typedef struct WorldProcess {
        ProcessSample sample; /* as last read; cgroup_path is the world's, cgroup is INDEX_NONE */
        uint64_t first_usec, last_usec; /* of the samples that listed it; 0: none has yet, only facts are known */
        uint64_t sizes_usec;  /* of the sample that rss, swap and page tables stood in; 0: never read */
        char *exe, *cmdline;  /* owned by the world; NULL where not recorded. Untrusted text */
        bool has_facts;       /* a FACTS record has told of it, whatever that knew */
        uint64_t serial;      /* the world's own */
} WorldProcess;

typedef struct WorldLimits {
        uint32_t max_cgroups, max_processes; /* 0: 8192 and 65536 */
} WorldLimits;

typedef struct PlanWorld PlanWorld;

int plan_world_new(const WorldLimits *limits, PlanWorld **ret);
PlanWorld *plan_world_free(PlanWorld *w);
DEFINE_TRIVIAL_CLEANUP(PlanWorld, plan_world_free)

/* Takes one record in, of any kind. 0; -ENOMEM. */
int plan_world_feed(PlanWorld *w, const TraceRecord *r);

typedef struct WorldInfo {
        bool has_host;
        HostSample host;        /* all fields that were ever read */
        uint32_t page_size;
        uint64_t mono_usec, real_usec; /* of the latest sample; 0: none yet */
        uint64_t cgroups_usec, stats_usec, processes_usec; /* of the latest sample with all of them; 0: none yet */
        uint64_t n_boots, n_gaps;
        uint64_t n_over; /* cgroups and processes beyond the caps */
} WorldInfo;
const WorldInfo *plan_world_info(const PlanWorld *w);

/* Borrowed until the next plan_world_feed(). NULL where there is none (any more). */
const WorldCgroup *plan_world_cgroup(const PlanWorld *w, uint64_t id);
const WorldProcess *plan_world_process(const PlanWorld *w, int32_t pid, uint64_t start_ticks);
/* All that live: cgroups sorted by id, processes by pid and start. Borrowed until the next plan_world_feed(). */
const WorldCgroup *plan_world_cgroups(PlanWorld *w, uint32_t *ret_n);
const WorldProcess *plan_world_processes(PlanWorld *w, uint32_t *ret_n);

/* What a recorded sample can be asked for: what was known then is all that the record has of it. */
uint32_t plan_detail_answers(uint32_t detail);

/*
 * plan_world_detailed() - @base with the details it lacks
 *
 * What @base holds stays as it is; of @detail (bits of Detail) what it does not hold is added as the world knows it: cgroups
 * with their fields, processes with their last sizes. Counters that are not of this very sample stay absent: a
 * rate over an old one would be wrong, and so would be none. ret->detail is then @base's and @detail. Parent and cgroup
 * indices are those of the new arrays. @base is best fed before. @ret's arrays are the world's until its next
 * plan_world_detailed() or plan_world_feed(); they may be changed by the caller. *ret_age_usec: how old what was added
 * is, 0 where nothing was.
 *
 * Return: 0; -ENODATA where the world has never seen one of these details: @ret is then without them; -ENOMEM.
 */
int plan_world_detailed(PlanWorld *w, const Snapshot *base, uint32_t detail, Snapshot *ret, uint64_t *ret_age_usec);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a record says of cgroups and processes, made continuous. Processes stand in every tenth sample or so: a span is
 * the time between two samples that hold them. It is gathered first and simulated then, so that what lies between is
 * interpolated and not guessed.
 */

#include "base/macros.h"
#include "decide/hash-index.h"
#include "model/snapshot.h"
#include "plan/sim-supply.h"

typedef enum Size {
        SIZE_ANON,
        SIZE_FILE,
        SIZE_SHMEM,
        SIZE_SWAP,
        SIZE_TABLES,
        _SIZE_MAX,
} Size;

/* What the question makes of one cgroup or process: of how many there are how many are gone. */
typedef struct Copies {
        uint32_t base_permyriad;  /* of the recorded one; less than 10000 where it is scaled down */
        uint32_t n_clones, clone_permyriad;
        uint64_t gone;  /* bit 0: the recorded one, bit i: clone i; ended in the simulation */
        uint64_t dying; /* as above: signalled */
        uint32_t n_root; /* bytes of the path up to the cgroup that is scaled: clones have a name of their own there */
} Copies;
#define CLONES_MAX 63
#define CLONE_PIDS (1 << 22) /* PID_MAX_LIMIT: pids of clones begin above */

/* Where a cgroup stands in a point. */
typedef struct PointPlace {
        uint64_t look; /* Demand.look of when that was found out: else it is not in the point */
        uint32_t at;   /* index in Demand.pool */
} PointPlace;

typedef struct DemandCgroup {
        CgroupSample last;  /* as it stood last, each field; path is @path */
        uint64_t begin[_CGROUP_FIELD_MAX]; /* at the begin of the span; the end is @last */
        uint64_t begin_have;
        uint64_t moving;  /* fields that are not the same at both ends; of a span that is closed */
        char *path;
        uint32_t parent;  /* index, INDEX_NONE */
        PointPlace places[2]; /* in the points on both sides of the time asked for */
        bool is_in_end, is_new;
        Copies copies;
        uint64_t limit_bytes; /* memory.max of the question; CGROUP_NO_LIMIT */
        /* the memory controller's own OOM and stall under a limit of the question */
        uint64_t more_some_usec, more_full_usec, more_oom_kills;
        uint64_t held_bytes;  /* throttle or freeze: its demand goes no further than this; 0 for none */
        uint64_t less_pages;  /* of victims inside; worked out for each snapshot */
        uint64_t still_pages; /* of these, of victims that keep their size for all of the span */
} DemandCgroup;

typedef struct DemandProcess {
        ProcessSample last; /* as it stood last; cgroup_path is @path, cgroup our index */
        uint64_t begin[_SIZE_MAX], end[_SIZE_MAX]; /* pages */
        char *path;
        uint64_t born_usec, gone_usec; /* within the span; 0, UINT64_MAX */
        bool is_in_begin, is_in_end;
        bool is_still;             /* there at both ends, and the same; of a span that is closed */
        bool saw_killed;           /* the record says so */
        uint32_t killed_by;        /* number of the kill of the simulation; 0 for none */
        bool is_ghost;             /* ended in the record by a kill that did not happen here: keeps what it had */
        uint64_t ghost_until_usec;
        Copies copies;
} DemandProcess;

/* Between details the monitored cgroups are known better. */
typedef struct PointCgroup {
        uint32_t index;
        uint64_t have;
        uint64_t some_usec, full_usec, current, swap_current;
} PointCgroup;

typedef struct DemandPoint {
        uint64_t mono_usec, real_usec;
        HostSample host;
        uint64_t up, down; /* sums of the movement of demand since the begin of the span */
        uint32_t first_cgroup, n_cgroups;
} DemandPoint;

#define DEMAND_POINTS_MAX  256
#define DEMAND_CGROUPS_MAX 4096 /* PointCgroup of all points */

typedef struct Demand {
        uint32_t page_size;
        uint64_t span_max_usec; /* a longer span ends without details */
        uint32_t n_points;
        DemandPoint *points;
        PointCgroup *pool;
        uint32_t n_pool;
        uint32_t at; /* the point at or before the last time asked for */
        uint32_t places_at; /* the point that places of cgroups were last found for; INDEX_NONE */
        uint64_t look;
        DemandCgroup *cgroups;
        uint32_t n_cgroups, room_cgroups;
        DemandProcess *processes;
        uint32_t n_processes, room_processes;
        HashIndex cgroup_index, process_index;
        uint32_t cgroup_slots, process_slots;
        bool has_processes;             /* the record knows processes */
        bool is_up_warped, is_down_warped;
        uint64_t drop_usec;             /* of the greatest fall within the span */
        /* how much of the span's way is gone at the time last asked for, in millionths: all ask for the same time */
        uint64_t parts_usec, clock_parts, up_parts, down_parts;
        uint64_t point_parts; /* of the way to the next point */
} Demand;

int demand_init(Demand *d);
void demand_done(Demand *d);
/* Another boot: nothing is known. */
void demand_reset(Demand *d);
/* > 0: the span is complete; -ENOMEM. The first sample completes a span of no length. */
int demand_add(Demand *d, const Snapshot *snap);
/* The record breaks off: what was gathered is a span, and nobody is known to have ended. False: it is empty. */
bool demand_flush(Demand *d);
/* A gap: the next sample begins anew, but what was known of cgroups and processes stays. */
void demand_break(Demand *d);
/* Before the span is simulated, and after. What has ended in the record is then forgotten. */
void demand_close(Demand *d);
int demand_next(Demand *d, uint64_t now_usec);

static inline uint64_t demand_begin_usec(const Demand *d) {
        return d->points[0].mono_usec;
}
static inline uint64_t demand_end_usec(const Demand *d) {
        return d->points[d->n_points - 1].mono_usec;
}
/* Time must not run backwards within a span. */
void demand_host_at(Demand *d, uint64_t usec, HostSample *ret, uint64_t *ret_real_usec);
/* Whether it is there at @usec, and if so its size of each kind in pages, as recorded. */
bool demand_process_at(Demand *d, const DemandProcess *p, uint64_t usec, uint64_t ret[static _SIZE_MAX]);
/* Of that only what is its own: what its end would free. */
bool demand_process_private_at(Demand *d, const DemandProcess *p, uint64_t usec, uint64_t *ret_pages);
void demand_cgroup_at(Demand *d, const DemandCgroup *c, uint64_t usec, CgroupSample *ret);
DemandProcess *demand_find_process(const Demand *d, int32_t pid, uint64_t start_ticks);
DemandCgroup *demand_find_cgroup(const Demand *d, uint64_t id);
/* What reclaim cannot drop of a cgroup, swap included. @ret_file: and what it can. */
uint64_t cgroup_demand(const CgroupSample *c, uint64_t *ret_file);

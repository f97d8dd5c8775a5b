/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Private to plan/replay*.c. */

#include "decide/decide.h"
#include "plan/rematch.h"
#include "plan/replay.h"
#include "plan/world.h"

/* A decision state in memory of its own, of which only what is used is touched. */
typedef struct ReplayState {
        void *memory;
        size_t size;
        DecideState *state; /* NULL: none yet */
} ReplayState;
/* 0; -ENOMEM; -ENOSPC: limits that nobody could have had. */
int replay_state_begin(ReplayState *s, const Policy *p, const DecideLimits *limits);
void replay_state_end(ReplayState *s);

/* The recorded policy. */
typedef struct ReplaySame {
        Policy *policy; /* owned; the one that is in force from the next state on */
        char policy_error[160];
        uint64_t policy_hash;
        Policy *state_policy; /* owned; of @state */
        ReplayState state;
        uint64_t next_seq; /* of the recorded decision that continues @state */
        bool is_fresh;     /* @state has just begun */
        bool is_stepped;   /* @decision is of the record at hand */
        Decision *decision;
} ReplaySame;

#define REPLAY_LINKS_MAX (2 * KILLS_MAX)
#define REPLAY_MEASURES_MAX 32

/* A kill that both sides have decided on: how it went is the other side's too. */
typedef struct ReplayLink {
        uint64_t recorded_id, other_id; /* 0: free */
} ReplayLink;

typedef struct ReplayMeasureLink {
        uint64_t recorded_id, other_id;
        MeasureVerb verb;
} ReplayMeasureLink;

typedef struct ReplayOther {
        Policy policy; /* shallow copy of the caller's: dry_run may differ */
        ReplayState state;
        Rematch *rematch;
        uint32_t need;
        Decision *decision;
        KillDecision *linked; /* the latest kill that is linked, for its second look */
        uint64_t linked_recorded_id;
        /* to be told at the next sample */
        KillStatus kills[KILLS_MAX];
        uint32_t n_kills;
        MeasureStatus measures[MEASURE_STATUSES_MAX];
        uint32_t n_measures;
        ReplayLink links[REPLAY_LINKS_MAX];
        uint32_t next_link;
        ReplayMeasureLink measure_links[REPLAY_MEASURES_MAX];
        uint32_t next_measure_link;
        /* the sample as this side has it */
        Snapshot snap;
        CgroupSample *cgroups;
        uint32_t size_cgroups;
        ProcessSample *processes;
        uint32_t size_processes;
        /* cgroups that only this side watches: ids, as of the latest sample of all cgroups */
        uint64_t *extra;
        uint32_t n_extra, size_extra;
} ReplayOther;

struct PlanReplay {
        ReplayOptions options;
        ReplayResult result;
        PlanWorld *world; /* only with another policy */
        DecideLimits limits;
        TraceStart start;
        bool has_start, is_dry;
        uint64_t boot, last_mono_usec;
        bool is_void; /* time before the next sample is not credited to the span */
        ReplaySame same;
        ReplayOther other;
};

/* replay-same.c */
int replay_same_policy(PlanReplay *r, const TracePolicy *p);
void replay_same_reset(PlanReplay *r);
int replay_same_sample(PlanReplay *r, const TraceRecord *record);
void replay_same_confirm(PlanReplay *r, const TraceRecord *record);
void replay_same_cancel(PlanReplay *r, uint64_t kill_id, Hold why);
void replay_same_done(PlanReplay *r);
void replay_open(PlanReplay *r, const char *why);

/* replay-other.c */
int replay_other_init(PlanReplay *r);
int replay_other_begin(PlanReplay *r);
int replay_other_sample(PlanReplay *r, const TraceRecord *record);
int replay_other_confirm(PlanReplay *r, const TraceRecord *record);
void replay_other_cancel(PlanReplay *r, uint64_t recorded_id, Hold why);
void replay_other_done(PlanReplay *r);

/* replay-other-sample.c: fills r->other.snap. 0; -ENOMEM. */
int replay_other_take(PlanReplay *r, const Snapshot *recorded, uint32_t detail);

/* replay-match.c */
/* @decision: NULL where it is not known. NULL: out of memory, or enough are kept. */
ReplayKill *replay_side_kill(PlanReplay *r, ReplaySide *side, const Snapshot *s, const TraceKill *k,
                             const KillDecision *decision);
void replay_side_count(ReplaySide *side, const TraceDecision *d);
/* What the policy of @s says of this domain right now. */
void replay_view(const DecideState *s, const Decision *d, const Snapshot *snap, uint64_t domain_id, KillDecision *scratch,
                 ReplayView *ret);
bool replay_same_victim(const TraceKill *a, const TraceKill *b);
void replay_diverge(PlanReplay *r, const Snapshot *s);
int replay_match(PlanReplay *r);

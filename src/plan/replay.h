/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The recorded samples once more through decide_step(): under the policy that was in force, where every decision must come
 * out as it was recorded, bit for bit; and beside it under another policy, where the kills are compared.
 *
 * Open loop: what the samples show is what happened under the recorded policy. Up to the first kill that one side has and
 * the other has not, the other side's decisions are exact; from there on they are counterfactual. A kill that only the other
 * policy wants is carried out virtually, as in a dry run: its memory counts as free, its stall does not count, cooldowns
 * run. A kill that only the recorded policy made cannot be undone: what its victim would have wanted later is not there.
 */

#include <jansson.h>
#include <stdio.h>

#include "base/macros.h"
#include "model/decision.h"
#include "model/policy.h"
#include "trace/trace.h"

/* Kills that are kept of each side; more are counted. */
#define REPLAY_KILLS_MAX 512

/* What one side's policy said of a domain at a moment. */
typedef struct ReplayView {
        bool is_known;  /* it watched the domain at all */
        Hold hold;      /* its condition was true, and it held the kill back */
        ConditionReport condition; /* of [Kill] When= */
} ReplayView;

typedef struct ReplayKill {
        uint64_t boot; /* monotonic times compare within one */
        uint64_t mono_usec, real_usec;
        TraceKill kill;
        KillDecision *decision; /* owned; NULL where it could not be computed again */
        ReplayView other;       /* the other side, at this sample */
        bool is_cancelled;      /* not confirmed by the second look: it never came to a signal */
        bool is_virtual;        /* it did not happen, and is counted as if it had */
        bool is_counterfactual; /* after the first divergence */
        bool is_matched;
} ReplayKill;

typedef struct ReplaySide {
        uint64_t n_steps, n_kills, n_escalations, n_cancelled;
        uint64_t n_raised[_LEVEL_MAX];   /* changes to this level from a lower one */
        uint64_t n_measures[_STEP_MAX];  /* begun */
        ReplayKill *kills;               /* owned */
        uint32_t n_kept;
} ReplaySide;

typedef enum ReplayChange {
        REPLAY_SAME,
        REPLAY_APPEARS,      /* only the other policy kills */
        REPLAY_VANISHES,     /* only the recorded one did */
        REPLAY_MOVES,        /* the same victim, at another time */
        REPLAY_OTHER_VICTIM, /* the same trouble, another victim */
        _REPLAY_CHANGE_MAX,
        _REPLAY_CHANGE_INVALID = -EINVAL,
} ReplayChange;

typedef struct ReplayDiff {
        ReplayChange change;
        const ReplayKill *recorded, *other; /* NULL where that side has none; of the sides below */
        int64_t moved_usec; /* other minus recorded */
        bool is_counterfactual;
} ReplayDiff;

/* A decision that did not come out as recorded. */
typedef struct ReplayDifference {
        uint64_t offset; /* in the file */
        uint64_t mono_usec, real_usec, seq;
        char text[512]; /* what differs; escaped */
} ReplayDifference;

typedef struct ReplayMissing {
        char rule[64];
        RuleField field;
        uint64_t n, n_asked;
} ReplayMissing;

typedef struct ReplayResult {
        uint64_t n_records, n_samples, n_boots, n_gaps, n_lost, n_recorders;
        uint64_t first_real_usec, last_real_usec, span_usec; /* span: without gaps and clock steps */
        char kernel[72], recorder[32];
        uint64_t recorded_hash, other_hash;
        bool has_decisions; /* somebody decided while it was recorded */
        /* the recorded policy */
        uint64_t n_compared, n_differ;
        uint64_t n_open;          /* decisions that could not be compared: see open */
        char open[256];           /* why not, the first time; escaped */
        bool has_first;
        ReplayDifference first;
        ReplaySide recorded;
        /* another one */
        bool has_other;
        ReplaySide other;
        ReplayDiff *diffs; /* owned; by time */
        uint32_t n_diffs;
        uint64_t n_change[_REPLAY_CHANGE_MAX];
        bool has_diverged;
        uint64_t diverged_mono_usec, diverged_real_usec;
        ReplayMissing *missing; /* owned */
        uint32_t n_missing;
        uint64_t n_synthesised, age_max_usec; /* samples with details that the recorder did not take, and how old they were */
        uint64_t n_watched_coarsely;          /* cgroups that only the other policy watches */
} ReplayResult;

typedef struct ReplayOptions {
        const Policy *other;  /* borrowed; NULL: the recorded policy only */
        uint64_t window_usec; /* the same victim so far apart is one that moves; 0: 60 s */
} ReplayOptions;

typedef struct PlanReplay PlanReplay;
int plan_replay_new(const ReplayOptions *o, PlanReplay **ret);
PlanReplay *plan_replay_free(PlanReplay *r);
DEFINE_TRIVIAL_CLEANUP(PlanReplay, plan_replay_free)
/* 0; -ENOMEM. Damaged content is no error: it shows in the result. */
int plan_replay_feed(PlanReplay *r, const TraceRecord *record);
/* After the last record. The result belongs to the replay. 0; -ENOMEM. */
int plan_replay_finish(PlanReplay *r, const ReplayResult **ret);

/* Is anything else than it was recorded, or would have been? */
bool replay_result_differs(const ReplayResult *r);
const char *replay_change_to_string(ReplayChange c);
/* @verbose: also the kills that are the same */
void replay_print(const ReplayResult *r, bool verbose, FILE *f);
/* A new reference; NULL: out of memory. */
json_t *replay_json(const ReplayResult *r);

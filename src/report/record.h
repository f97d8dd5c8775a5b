/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * KillRecord: one kill as it is remembered: the Decision, what came of carrying it out, and what came back.
 * Plain data without pointers. Log line, history and `explain last` are printed from it alone, so names that
 * the policy knows (rules) are copied in: after a reload an index would mean something else.
 */

#include "base/macros.h"
#include "model/decision.h"
#include "model/snapshot.h"

#define RULE_NAME_MAX 48

/* How one candidate fared. */
typedef struct RecordAttempt {
        uint32_t candidate;
        int error; /* 0: signalled; negative errno */
} RecordAttempt;

typedef struct KillRecord {
        uint64_t mono_usec, real_usec; /* of the decision */
        KillDecision decision;
        char rule_names[CANDIDATES_MAX][RULE_NAME_MAX];          /* of decision.candidates; "" for none */
        char rejected_rule_names[CANDIDATES_MAX][RULE_NAME_MAX]; /* of decision.rejected */

        /* carrying it out */
        bool is_virtual;
        KillOutcome outcome;
        int error;       /* negative errno where it was not even tried */
        uint32_t victim; /* index in decision.candidates of the one that was signalled; INDEX_NONE */
        uint32_t n_attempts;
        RecordAttempt attempts[CANDIDATES_MAX];
        uint32_t n_signalled;  /* 0 where cgroup.kill did it */
        int mark;              /* 1: the unit was marked for its manager */
        uint64_t latency_usec; /* from the beginning of the sample that decided it to the signal */

        /* what came of it; the room of the domain in trouble: available memory, of a cgroup below its limit */
        bool has_before, has_after;
        uint64_t before_bytes, after_bytes;
        uint64_t signalled_usec, ended_usec; /* monotonic; ended 0 while pending */
        bool mrelease_done;
        int mrelease_error;
        uint64_t mrelease_usec;
} KillRecord;

/* The one that was signalled, else the first; NULL without candidates. */
static inline const Candidate *kill_record_victim(const KillRecord *r) {
        if (r->decision.n_candidates == 0)
                return NULL;
        return &r->decision.candidates[r->victim < MIN(r->decision.n_candidates, (uint32_t)CANDIDATES_MAX) ? r->victim
                                                                                                           : 0];
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Private to decide/: what the machine remembers between steps. All of it lies in the caller's memory. */

#include "decide/decide.h"
#include "decide/growth.h"
#include "decide/history.h"
#include "decide/stall.h"

/* A victim of dry-run: counted as gone although it still runs. */
typedef struct VirtualVictim {
        CandidateKind kind;
        int32_t pid, pgid;
        uint64_t start_ticks, cgroup_id;
        char cgroup_path[CGROUP_PATH_MAX];
        uint64_t freed_bytes;
} VirtualVictim;

/* More than that at once in dry-run: no further virtual kill until one of them has really gone. */
#define VIRTUALS_MAX 32

/*
 * A victim that did not go (EPERM, D state): passed over for TRIED_USEC, the oldest forgotten first. One that was
 * sent no more than SIGTERM is not passed over, or ignoring that would make it safe: it gets SIGKILL the next time.
 */
typedef struct TriedVictim {
        CandidateKind kind;
        bool was_only_asked;
        int32_t pid;
        uint64_t start_ticks, cgroup_id, until_usec;
} TriedVictim;

#define TRIED_MAX  32
#define TRIED_USEC (30 * USEC_PER_SEC)

/* What one policy needs of each of its domains: ranges of Policy.terms and Policy.exprs. */
typedef struct PolicyRange {
        uint16_t first_term, n_terms;
        uint16_t first_expr, n_exprs;
} PolicyRange;

typedef struct KillInFlight {
        uint64_t id; /* 0: none */
        Step step;
        bool is_memory_low; /* by lack of memory, not by stall: then no cooldown holds back the next one */
        uint64_t signalled_usec, deadline_usec, escalate_usec;
        uint64_t urgent_bytes;       /* no more than this available: do not wait for the grace to end */
        uint32_t flight;             /* index in DecideState.flights: the decision, for an escalation to repeat */
} KillInFlight;

typedef struct Domain {
        uint64_t id; /* 0: the host */
        int32_t policy;
        char path[CGROUP_PATH_MAX];
        uint64_t seen_usec;
        uint32_t sample; /* index in the current snapshot, INDEX_NONE for the host or when it is not there */

        Level level;
        uint64_t level_usec;
        uint64_t quiet_usec; /* how long the condition of the level has not been true */

        /* what the guards look at */
        uint64_t evidence_usec; /* last sign that memory is the cause: reclaim, refaults, events high or max */
        uint64_t short_usec;    /* last time that memory was short */
        uint64_t evidence_last[4];
        bool has_evidence_last[4];

        KillInFlight kill;
        uint64_t cooldown_usec; /* no kill before */
        uint64_t failed_usec;   /* when all candidates of a kill failed last */
        uint32_t n_failed;      /* kills in a row of which all candidates failed */
        uint64_t nobody_usec;   /* when nobody was found to kill last */

        Series some10, full10, left; /* left: available plus usable swap, for exhaustion */
        uint64_t exhaustion_usec, available_bytes, swap_free_bytes;

        /* Storage outside the struct; moves along when domains are inserted or removed. */
        Series *series; /* one for each term in the policy's range */
        Truth *truths;  /* of the last step, same index */
        uint64_t *held; /* one for each expr in the policy's range: how long a `for` has been true */
} Domain;

struct DecideState {
        const Policy *policy;
        DecideLimits limits;
        PolicyRange ranges[POLICY_CGROUPS_MAX];
        uint64_t seq, last_usec, processes_usec, cgroups_usec;
        bool has_last;
        uint64_t next_kill_id;

        Domain *domains; /* sorted by id: the host first */
        uint32_t n_domains, n_slots; /* slots ever used: those beyond have no storage yet, and no page is touched */
        Series *series;
        Truth *truths;
        uint64_t *held;
        size_t max_terms, max_exprs; /* of any policy: storage of one slot */
        KillDecision *flights; /* KILLS_MAX */
        uint32_t n_virtuals, n_tried;

        GrowthTable growth;
        StallTable stall;
        struct RankScratch *rank;
        /* last, and not touched before they are needed */
        VirtualVictim virtuals[VIRTUALS_MAX];
        TriedVictim tried[TRIED_MAX];
};

/* rank.c */
size_t rank_scratch_size(const DecideLimits *limits);
struct RankScratch *rank_scratch_init(void *memory, const DecideLimits *limits);
/* Fills total_pages .. members of @k for domain @d; k->deficit_bytes must be set. Returns the number of candidates. */
uint32_t rank_domain(const DecideState *s, const Domain *d, const Snapshot *snap, KillDecision *k);

/* decide.c: how long a walk of the cgroup tree, which costs per cgroup, is good for. */
uint64_t cgroups_spacing_usec(const DecideState *s);

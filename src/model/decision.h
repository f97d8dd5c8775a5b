/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Decision: what decide_step() wants done, and everything needed to explain it without looking at
 * anything else. The journal entry, the history, dry-run and replay are all printed from it alone, so
 * names and paths are copied in. No pointers: it can be kept, compared and recorded as it is.
 */

#include "base/macros.h"
#include "model/condition.h"
#include "model/measure.h"
#include "model/policy.h"
#include "model/snapshot.h"

/* Why a kill that a condition asked for did not happen now, or a candidate was passed over. */
typedef enum Hold {
        HOLD_NONE,
        HOLD_KILL_IN_FLIGHT,
        HOLD_COOLDOWN,
        HOLD_NO_EVIDENCE,   /* pressure without a sign that memory is its cause */
        HOLD_NOT_SHORT,     /* pressure, but memory was not short */
        HOLD_NO_CANDIDATE,
        HOLD_NOT_CONFIRMED, /* gone by the time of the second look */
        HOLD_NEEDS_DETAIL,  /* the sample lacks the processes; the next one will have them */
        HOLD_VIRTUAL,       /* dry run: the stall of an already virtually killed victim does not count */
        HOLD_OWN_THROTTLE,  /* the cgroup stands still since we throttle or froze it */
        _HOLD_MAX,
        _HOLD_INVALID = -EINVAL,
} Hold;

typedef enum Reject {
        REJECT_NONE,      /* is a candidate */
        REJECT_SELF,
        REJECT_INIT,
        REJECT_KTHREAD,
        REJECT_NO_MM,
        REJECT_ADJ,       /* oom_score_adj -1000 */
        REJECT_NEVER,     /* tier never */
        REJECT_OMIT,      /* user.oomd_omit */
        REJECT_DYING,
        REJECT_VFORK,
        REJECT_OUTSIDE,   /* not inside the cgroup in trouble */
        REJECT_UNREAD,    /* its sizes or identity were not read */
        REJECT_TRIED,     /* an earlier attempt on it failed or expired */
        REJECT_VIRTUAL,   /* dry run: already killed virtually */
        REJECT_NO_RELIEF, /* frees nothing worth a death */
        _REJECT_MAX,
        _REJECT_INVALID = -EINVAL,
} Reject;

typedef enum CandidateKind {
        CANDIDATE_PROCESS,
        CANDIDATE_CGROUP, /* the whole subtree, by cgroup.kill */
        CANDIDATE_GROUP,  /* the processes of one process group inside one cgroup */
        _CANDIDATE_KIND_MAX,
} CandidateKind;

/* One possible victim with every term of its score. Sizes in bytes unless named otherwise. */
typedef struct Candidate {
        CandidateKind kind;
        Reject reject;
        int32_t pid; /* of the process; of the biggest member for the other kinds */
        int32_t pgid;
        uint64_t start_ticks;
        uint32_t uid;
        char comm[COMM_MAX];
        uint64_t cgroup_id; /* 0 where unknown */
        char cgroup_path[CGROUP_PATH_MAX];
        uint32_t n_processes;
        /* terms */
        int64_t badness_pages;     /* oom_badness, exactly */
        int64_t score_pages;       /* plus the rules' adjustment: what RANK_BADNESS sorts by */
        uint64_t size_pages;       /* rss + swap + page tables: oom_badness without adj */
        int32_t oom_score_adj;
        int32_t rule_adjust;
        int32_t kernel_adjust;     /* of rule_adjust, what oom_score_adj holds already (ApplyToKernel=) */
        int32_t rule;              /* index in Policy.rules, -1 */
        Tier tier;                 /* after rules and cgroup marks */
        bool is_protected;         /* its cgroup's use is within memory.min or memory.low */
        uint64_t freeable_bytes;   /* private anonymous memory, swap and page tables */
        bool has_growth;
        uint64_t growth_bytes;     /* over growth_span_usec */
        uint64_t growth_span_usec;
        uint32_t growth_share;     /* permyriad of all growth among the candidates */
        uint64_t rank_value;       /* what the chosen Rank sorts by, descending */
} Candidate;

#define CANDIDATES_MAX 12
/* Members of a CANDIDATE_GROUP; a bigger one is killed in several decisions. */
#define GROUP_MEMBERS_MAX 256

typedef struct GroupMember {
        int32_t pid;
        uint64_t start_ticks;
} GroupMember;

typedef struct KillDecision {
        uint64_t kill_id;    /* 1, 2, 3 ... of this state */
        Step step;           /* STEP_TERMINATE or STEP_KILL */
        bool is_escalation;  /* of an earlier STEP_TERMINATE: same kill_id, candidates[0] is that victim */
        bool dry_run;
        int32_t policy;      /* index in Policy.cgroups */
        char policy_name[64];
        uint64_t domain_id;  /* cgroup in trouble; 0 for the host */
        char domain_path[CGROUP_PATH_MAX]; /* "/" for the host */
        Reason reason;
        Rank rank;           /* the one that decided: RANK_GROWTH or RANK_BADNESS under RANK_AUTO */
        ConditionReport condition;
        uint64_t total_pages;     /* oom_badness's totalpages of this domain */
        uint64_t deficit_bytes;   /* what is missing to leave the level */
        uint64_t available_bytes; /* of the domain */
        uint64_t wait_usec;       /* how long the victim has to go before the next step or candidate */
        uint32_t n_candidates;
        Candidate candidates[CANDIDATES_MAX]; /* act tries [0], [1] ... in order */
        uint32_t n_rejected;
        Candidate rejected[CANDIDATES_MAX]; /* the biggest that were passed over, with the reason */
        uint32_t n_considered;
        uint32_t n_members; /* members of candidates[0] where it is a group */
        GroupMember members[GROUP_MEMBERS_MAX];
} KillDecision;

typedef struct LevelChange {
        int32_t policy;
        uint64_t domain_id;
        char domain_path[CGROUP_PATH_MAX];
        char policy_name[64];
        Level from, to;
        uint32_t steps; /* of the new level: STEP_NOTIFY asks for a notice */
        Reason reason;
        ConditionReport condition; /* that raised it, or that let it go */
} LevelChange;

typedef struct KillHeld {
        int32_t policy;
        uint64_t domain_id;
        char domain_path[CGROUP_PATH_MAX];
        Hold hold;
        ConditionReport condition;
} KillHeld;

/* A step of the ladder for which there is nobody: nothing is asked for, and the next step follows. */
typedef struct StepSkipped {
        Step step;
        Level level;
        uint32_t level_steps; /* of the level */
        uint64_t domain_id;
        char domain_path[CGROUP_PATH_MAX];
        bool has_controller; /* the memory use of at least one cgroup in there could be read */
} StepSkipped;

#define LEVEL_CHANGES_MAX 4
/* Measures asked for at once; more come at the next step. */
#define MEASURES_MAX 2

typedef struct Decision {
        uint64_t seq;
        uint64_t mono_usec;
        uint32_t need;      /* Detail: what the next snapshot must hold */
        bool need_now;      /* take that snapshot at once, do not wait for the tick */
        uint64_t next_usec; /* delay until the next cheap sample */
        uint32_t n_changes, n_measures;
        bool has_skipped, has_held, has_kill;
        KillHeld held;                          /* a kill was asked for and held back; the first such domain */
        LevelChange changes[LEVEL_CHANGES_MAX]; /* more than that at once: the rest come at the next step */
        StepSkipped skipped;                    /* the first one of this step */
        Measure measures[MEASURES_MAX];
        KillDecision kill;
} Decision;

const char *hold_to_string(Hold h);
const char *reject_to_string(Reject r);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Private to decide/: what the machine remembers between steps. All of it lies in the caller's memory. */

#include "decide/decide.h"
#include "decide/growth.h"
#include "decide/history.h"
#include "decide/usage.h"

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
        bool needs_usage; /* one of its levels takes steps on cgroups */
        bool has_not;     /* among its exprs: else none is true while no term is */
} PolicyRange;

/* Where a term stands: each belongs to one expression, though ranges of policies may overlap. */
typedef struct TermUse {
        uint8_t policy;
        uint8_t whens; /* bit (1 << Level) of those whose When= it is in */
        bool is_watched; /* looked at when calm and nothing is held, too: it is in a When=, or under a `for` */
} TermUse;
static_assert(POLICY_CGROUPS_MAX <= UINT8_MAX, "TermUse.policy");

typedef struct KillInFlight {
        uint64_t id; /* 0: none */
        Step step;
        bool is_memory_low; /* by lack of memory, not by stall: then no cooldown holds back the next one */
        uint64_t signalled_usec, deadline_usec, escalate_usec;
        uint64_t urgent_bytes;       /* no more than this available: do not wait for the grace to end */
        uint32_t flight;             /* index in DecideState.flights: the decision, for an escalation to repeat */
} KillInFlight;

/* ---- the steps below the kill ---- */

typedef enum HeldPhase {
        HELD_BEGINNING, /* BEGIN is in the air */
        HELD_IN_FORCE,  /* nothing is */
        HELD_ADJUSTING,
        HELD_RELEASE_DUE,
        HELD_RELEASING,
        HELD_PAST, /* over, and remembered until forget_usec */
} HeldPhase;

/* A measure from its BEGIN to the end of what is to be remembered of it. */
typedef struct HeldMeasure {
        uint64_t id;
        Step step;
        HeldPhase phase;
        MeasureEnd end;
        bool dry_run, is_proactive;
        bool has_failed;  /* past: it was not done, or brought nothing */
        bool is_spent;    /* it has excused stalls for long enough */
        bool is_stuck;    /* an adjustment failed: no more of them */
        int32_t policy;
        uint64_t domain_id;
        Level level; /* that holds it */
        Reason reason;
        uint64_t cgroup_id;
        int32_t pid;
        uint64_t start_ticks;
        uint64_t since_usec, sent_usec, deadline_usec, adjusted_usec, retry_usec, forget_usec;
        uint64_t unrelieved_usec; /* trouble without relief, that before it began included; less the time with relief */
        uint32_t n_retries;
        uint32_t n_again; /* throttle: so often in a row it was let go, and had to be taken again */
        uint32_t n_vain;  /* throttle: so many steps up in a row that brought the trouble back */
        bool was_raised;  /* throttle: the last step was one up */
        uint64_t value, wanted; /* as answered, as asked for */
        uint64_t lowest, highest; /* that were ever asked for */
        uint64_t old_value, floor, usage_bytes;
        uint64_t tight_bytes; /* throttle: available to the domain when it began; 0: unknown */
        char cgroup_path[CGROUP_PATH_MAX];
        char domain_path[CGROUP_PATH_MAX];
} HeldMeasure;

/* In the air, in force, and remembered: the oldest that is only remembered makes room. */
#define HELD_MAX 48

/* Steps that are taken again in rounds as long as they bring something. */
enum { ROUND_RECLAIM, ROUND_PAGEOUT, N_ROUNDS };

/* Where a domain stands on the ladder of its level. */
typedef struct Climb {
        Level level;
        uint32_t taken;     /* bits of the steps that were taken, or were not possible */
        uint32_t nobody;    /* of those that last: there was nobody to take it on */
        uint64_t next_usec; /* until then the last one taken has its time */
        uint64_t again_usec; /* when all of them begin anew; 0: not all have been taken yet */
        uint64_t wait_usec; /* since when a step waits for a sample that shows whom to take it on; 0: none does */
        uint64_t measure_id; /* of the last step */
        uint64_t round_usec[N_ROUNDS]; /* of the next round; 0: none */
        uint32_t n_barren[N_ROUNDS];   /* rounds in a row that brought nothing */
} Climb;

/* Stall of a domain that our own throttles cause. */
typedef struct OwnStall {
        bool is_inside;        /* it is, or is inside, a cgroup that we throttle or freeze */
        bool is_around;        /* it has such a cgroup inside */
        bool is_limited_by_us; /* its policy is for limited cgroups, and its only limit is ours */
        bool has_last;
        uint32_t counted_permyriad[N_STALLS]; /* of what it stalls, as of the last detailed sample */
        uint64_t last[N_STALLS], excused[N_STALLS];
} OwnStall;

/* Reclaim before there is any need. */
typedef struct Proactive {
        uint64_t next_usec, sent_usec;
        uint32_t step_permyriad; /* 0: paused until next_usec, or not begun */
        uint32_t n_barren;
        uint64_t measure_id; /* in the air; 0: none */
        uint64_t reclaimed_bytes; /* since mark_usec, to compare with what came back */
        uint64_t mark_usec, mark_refaults;
        bool has_mark;
} Proactive;

/* The next limit on what the host has available, of any level of one policy: the same for all of its domains. */
typedef struct RoomLimit {
        uint64_t seq; /* of the step that it is of */
        uint64_t bytes; /* 0: none */
} RoomLimit;

typedef struct Domain {
        uint64_t id; /* 0: the host */
        int32_t policy;
        char path[CGROUP_PATH_MAX];
        uint64_t seen_usec;
        uint32_t sample; /* index in the current snapshot, INDEX_NONE for the host or when it is not there */

        Level level;
        uint64_t level_usec;
        uint64_t quiet_usec; /* how long the condition of the level has not been true */
        uint64_t trouble_usec; /* how long it has been true since the level was reached, less the time it has not */

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

        Climb climb;
        OwnStall own;
        Proactive proactive;

        bool is_when[_LEVEL_MAX]; /* each When= is true in this step */
        bool has_clock;           /* a `for` may have begun to count */
        bool has_kill_clock;      /* one on the way to a kill has */

        Series some10, full10, left; /* left: available plus usable swap, for exhaustion */
        uint64_t exhaustion_usec, available_bytes, swap_free_bytes;

        /* Storage outside the struct; moves along when domains are inserted or removed. */
        Series *series; /* one for each term in the policy's range */
        Truth *truths;  /* of the last step, same index; unknown where it was calm and nothing looked at it */
        uint64_t *held; /* one for each expr in the policy's range: how long a `for` has been true */
} Domain;

/* By name: the cgroup of a service that was restarted is another one. */
typedef struct ServiceMemory {
        uint64_t path_hash, until_usec;
} ServiceMemory;
#define SERVICES_MAX 16

struct DecideState {
        const Policy *policy;
        DecideLimits limits;
        PolicyRange ranges[POLICY_CGROUPS_MAX];
        TermUse uses[POLICY_TERMS_MAX];
        uint16_t next_for[POLICY_EXPRS_MAX + 1]; /* the first `for` from this expr on; EXPR_NONE */
        uint8_t kill_for[POLICY_EXPRS_MAX]; /* an outermost `for` in the When= of a [Kill]: its policy and 1; else 0 */
        uint64_t seq, last_usec, processes_usec, cgroups_usec;
        bool has_last;
        uint64_t next_kill_id;

        Domain *domains; /* sorted by id: the host first */
        uint32_t n_domains, n_slots; /* slots ever used: those beyond have no storage yet, and no page is touched */
        char *storage; /* of the slots, one after the other: one slot's lies together, so that it shares its pages */
        size_t max_terms, max_exprs; /* of any policy: storage of one slot */
        KillDecision *flights; /* KILLS_MAX */
        uint32_t n_virtuals, n_tried, n_held;
        bool had_held; /* n_held was not 0 at the last step */

        GrowthTable growth;
        bool needs_usage; /* any policy does */
        UsageTable usage;
        Series room;     /* what the host has available, for how fast it goes */
        uint64_t room_lost_bytes, room_span_usec; /* of this step; 0 where it does not go, or that is not known */
        RoomLimit room_limits[POLICY_CGROUPS_MAX];
        uint64_t host_stall[N_STALLS], host_stall_delta[N_STALLS];
        bool has_host_stall, has_host_stall_delta;
        uint8_t *cgroup_flags; /* scratch: one for each cgroup of the snapshot */
        uint64_t next_measure_id;
        uint64_t turn_id, turn_usec; /* proactive: the domain that had no place; those before it wait. 0: none */
        uint64_t trim_usec[_LEVEL_MAX]; /* when programs were last asked to shrink */
        uint64_t impossible_usec[_STEP_MAX]; /* until then the host cannot do it */
        ServiceMemory services[SERVICES_MAX]; /* that were restarted or stopped not long ago */
        struct RankScratch *rank;
        /* behind everything else, and not touched before they are needed */
        VirtualVictim *virtuals;    /* VIRTUALS_MAX */
        TriedVictim *tried;         /* TRIED_MAX */
        HeldMeasure *held_measures; /* HELD_MAX, in order of their id */
};

/* Series, times and truths of one domain. */
static inline size_t slot_storage_size(size_t n_terms, size_t n_exprs) {
        size_t size = n_terms * sizeof(Series) + n_exprs * sizeof(uint64_t) + n_terms * sizeof(Truth);
        return (size + _Alignof(Series) - 1) / _Alignof(Series) * _Alignof(Series);
}

/* rank.c */
size_t rank_scratch_size(const DecideLimits *limits);
struct RankScratch *rank_scratch_init(void *memory, const DecideLimits *limits);
/* Fills total_pages .. members of @k for domain @d; k->deficit_bytes must be set. Returns the number of candidates. */
uint32_t rank_domain(const DecideState *s, const Domain *d, const Snapshot *snap, KillDecision *k);

/* A level is left after this long where Until= cannot be told, as `full` on a host without PSI. */
#define LEVEL_UNTOLD_USEC (30 * USEC_PER_SEC)

/* decide.c: how long a walk of the cgroup tree, which costs per cgroup, is good for. */
uint64_t cgroups_spacing_usec(const DecideState *s);

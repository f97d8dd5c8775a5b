/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Policy: what the operator wrote, checked and compiled. Made whole by config/, then never changed;
 * a reload makes a new one and swaps it.
 */

#include "base/macros.h"
#include "model/snapshot.h"
#include "model/sysctl.h"

/* ---- the condition language, compiled ---- */

#define METRICS(X)                                                                                           \
        X(SOME, "some")             /* share of wall time in which some task stalled on memory */            \
        X(FULL, "full")             /* share of wall time in which all non-idle tasks stalled */             \
        X(AVAILABLE, "available")   /* bytes, or share of the total */                                       \
        X(SWAP_FREE, "swap-free")   /* bytes usable, or share of the swap total; no swap counts as 0 free */ \
        X(SWAP_USED, "swap-used")   /* bytes, or share of the swap total */                                  \
        X(USAGE, "usage")           /* bytes, or share of the limit (of MemTotal on the host) */             \
        X(EXHAUSTION, "exhaustion") /* time until memory and usable swap are gone at the present rate */     \
        X(REFAULTS, "refaults")     /* refaulted file pages per second as a share of the file LRU */         \
        X(SCAN_RATE, "scan-rate")   /* bytes scanned by reclaim per second */                                \
        X(COMMIT, "commit")         /* Committed_AS: bytes, or share of CommitLimit; host only */            \
        X(KERNEL_OOM, "kernel-oom") /* kernel OOM kills within the window */

typedef enum Metric {
#define X(name, key) METRIC_##name,
        METRICS(X)
#undef X
                _METRIC_MAX,
        _METRIC_INVALID = -EINVAL,
} Metric;

typedef enum Unit {
        UNIT_SHARE, /* permyriad */
        UNIT_BYTES,
        UNIT_USEC,
        UNIT_COUNT,
        _UNIT_MAX,
        _UNIT_INVALID = -EINVAL,
} Unit;

typedef enum Comparison {
        COMPARE_LT,
        COMPARE_LE,
        COMPARE_GT,
        COMPARE_GE,
        _COMPARISON_MAX,
        _COMPARISON_INVALID = -EINVAL,
} Comparison;

/*
 * One comparison. A share limit of a byte metric (available < 6%) may carry caps in bytes, from
 * min(6%, 1G) and max(6%, 64M): percentages alone are absurd on very small and very large hosts.
 */
typedef struct Term {
        Metric metric;
        bool host;            /* written with host., or in the policy of the host */
        Comparison comparison;
        Unit unit;            /* of @limit */
        uint64_t window_usec; /* 0 for metrics that are no rate */
        uint64_t limit;
        uint64_t cap_bytes;   /* effective limit is at most this; UINT64_MAX for none */
        uint64_t floor_bytes; /* and at least this; 0 for none */
} Term;

typedef enum ExprKind {
        EXPR_TERM, /* a = index in Policy.terms */
        EXPR_AND,  /* a, b = indices in Policy.exprs */
        EXPR_OR,
        EXPR_NOT, /* a */
        EXPR_FOR, /* a, held for for_usec without a break */
        _EXPR_KIND_MAX,
} ExprKind;

typedef struct Expr {
        ExprKind kind;
        uint16_t a, b;
        uint64_t for_usec;
} Expr;

#define EXPR_NONE UINT16_MAX
/* Caps of one compiled policy; more is refused with a message that says so. */
#define POLICY_TERMS_MAX   512
#define POLICY_EXPRS_MAX   1024
#define POLICY_CGROUPS_MAX 64
#define POLICY_RULES_MAX   256
/* Terms that one When= or Until= may hold, so that its report fits a Decision. */
#define CONDITION_TERMS_MAX 12

/* ---- levels and steps ---- */

typedef enum Level {
        LEVEL_CALM,
        LEVEL_WARN,
        LEVEL_RELIEVE,
        LEVEL_KILL,
        _LEVEL_MAX,
        _LEVEL_INVALID = -EINVAL,
} Level;

/*
 * The ladder, from mild to severe: the order in which steps are taken, and in which Do= lists them. What
 * lasts (throttle, slow, freeze) is put back when the level is left; what does not is done once and, where
 * that helps, again.
 */
typedef enum Step {
        STEP_NOTIFY,    /* a notice to people */
        STEP_TRIM,      /* programs are asked to shrink: org.freedesktop.LowMemoryMonitor */
        STEP_RECLAIM,   /* memory.reclaim on the coldest cgroups */
        STEP_PAGEOUT,   /* process_madvise(MADV_PAGEOUT) on idle processes, for hosts without memory controller */
        STEP_THROTTLE,  /* memory.high on the offender: lasts */
        STEP_SLOW,      /* cpu.weight and io.weight of the offender: lasts */
        STEP_FREEZE,    /* cgroup.freeze on the offender: lasts, for a limited time */
        STEP_RESTART,   /* the offender's unit, by its service manager */
        STEP_STOP,
        STEP_TERMINATE, /* SIGTERM, then after grace the next step */
        STEP_KILL,      /* SIGKILL */
        _STEP_MAX,
        _STEP_INVALID = -EINVAL,
} Step;

#define STEP_BIT(step) (UINT32_C(1) << (step))
/* Steps that decide/kill.c takes; all others but notify are decide/ladder.c's. */
#define STEPS_KILL    (STEP_BIT(STEP_TERMINATE) | STEP_BIT(STEP_KILL))
#define STEPS_LASTING (STEP_BIT(STEP_THROTTLE) | STEP_BIT(STEP_SLOW) | STEP_BIT(STEP_FREEZE))
#define STEPS_LADDER                                                                                          \
        (STEPS_LASTING | STEP_BIT(STEP_TRIM) | STEP_BIT(STEP_RECLAIM) | STEP_BIT(STEP_PAGEOUT) |              \
         STEP_BIT(STEP_RESTART) | STEP_BIT(STEP_STOP))

typedef enum VictimKind {
        VICTIM_AUTO, /* the cgroup where memory.oom.group or a fragmented storm says so, else the process */
        VICTIM_PROCESS,
        VICTIM_CGROUP, /* the leaf cgroup of the worst process */
        VICTIM_UNIT,   /* the systemd unit's cgroup around it */
        _VICTIM_KIND_MAX,
        _VICTIM_KIND_INVALID = -EINVAL,
} VictimKind;

typedef enum Rank {
        RANK_AUTO,     /* recent growth where one stands out, else badness */
        RANK_BADNESS,  /* oom_badness plus rules */
        RANK_GROWTH,   /* growth over the recent past */
        RANK_PRESSURE, /* stall share of the cgroup */
        RANK_SWAP,     /* swap held */
        RANK_SCAN,     /* recent pgscan of the cgroup */
        _RANK_MAX,
        _RANK_INVALID = -EINVAL,
} Rank;

typedef struct LevelPolicy {
        uint16_t when;       /* index in Policy.exprs, EXPR_NONE where the section is not there */
        uint16_t until;      /* EXPR_NONE: when @when has been false for the level's hold time */
        uint32_t steps;      /* bit (1 << Step) */
        uint64_t grace_usec; /* terminate grace=: from SIGTERM to SIGKILL */
        int32_t reclaim_swappiness;        /* reclaim swappiness=: 0-200, -1 for the host's own */
        uint32_t throttle_floor_permyriad; /* throttle floor=: of what the cgroup used when the throttle began */
        uint32_t slow_weight;              /* slow weight=: of cpu.weight and io.weight, 1-10000 */
        uint64_t freeze_max_usec;          /* freeze max=: thawed after this, whatever the level */
} LevelPolicy;

/*
 * Reclaim before there is any need ([Proactive]): a little each second, as long as the cgroup does not feel it.
 * The method of Meta's senpai and TMO: the stall share says how cold the memory is that is left.
 */
typedef struct ProactivePolicy {
        uint32_t pressure_permyriad; /* Pressure=: `some` share over the last 10 s that it may come to; 0: off */
        uint32_t step_permyriad;     /* Step=: share of its use that goes each second at most */
        uint64_t floor_bytes;        /* Floor=: never below this, nor below memory.low */
        uint64_t backoff_usec;       /* Backoff=: pause after its pressure was above Pressure= */
} ProactivePolicy;

typedef enum MatchKind {
        MATCH_CGROUP,    /* glob on the path from the cgroup2 mount, no leading slash; "/" is the host */
        MATCH_UNIT,      /* glob on the last *.service, *.scope or *.slice of the path */
        MATCH_CONTAINER, /* glob on the container or pod id that the path holds */
        _MATCH_KIND_MAX,
        _MATCH_KIND_INVALID = -EINVAL,
} MatchKind;

typedef struct CgroupPolicy {
        char *name;        /* file name without .conf */
        char *source;      /* path of the file, for messages; "built-in" */
        char *pattern;
        MatchKind match;
        bool host;         /* the policy of the whole host (Cgroup=/) */
        bool limited_only; /* Limited=yes: only cgroups that have memory.high or memory.max set */
        LevelPolicy levels[_LEVEL_MAX]; /* LEVEL_CALM unused */
        VictimKind victim;
        Rank rank;
        uint32_t max_processes; /* blast-radius cap of one kill */
        uint64_t cooldown_usec; /* after relief, before the next kill */
        ProactivePolicy proactive;
} CgroupPolicy;

/* ---- process rules ---- */

typedef enum RuleField {
        RULE_NAME,
        RULE_EXE,
        RULE_CMDLINE,
        RULE_UID, /* numeric or, resolved at load, User= */
        RULE_CGROUP,
        RULE_UNIT,
        _RULE_FIELD_MAX,
        _RULE_FIELD_INVALID = -EINVAL,
} RuleField;

/* Private to config/: a compiled glob or regular expression. */
typedef struct Pattern Pattern;

typedef struct Rule {
        char *name;   /* file name without .conf */
        char *source;
        Pattern *match[_RULE_FIELD_MAX]; /* NULL: matches anything */
        int32_t adjust;                  /* units of oom_score_adj */
        Tier tier;                       /* _TIER_INVALID: the rule does not set it */
        bool apply_to_kernel;            /* ApplyToKernel=: @adjust is written to oom_score_adj as well */
} Rule;

/* What a rule may look at. Strings are untrusted, borrowed, and "" where unknown. */
typedef struct ProcessFacts {
        const char *name, *exe, *cmdline, *cgroup;
        uint32_t uid;
} ProcessFacts;

/* A path longer than this is refused; with its NUL. */
#define RECORD_DIRECTORY_MAX 256

/* [Record]: what the daemon writes down of what it sees and decides. */
typedef struct RecordPolicy {
        bool enabled;
        bool cmdline;                  /* command lines as well, which may hold secrets */
        char directory[RECORD_DIRECTORY_MAX]; /* absolute */
        uint64_t interval_usec;        /* a sample at least this often */
        uint64_t detail_interval_usec; /* one with all cgroups and processes */
        uint64_t file_bytes, total_bytes;
} RecordPolicy;

typedef struct DaemonPolicy {
        bool dry_run;
        uint64_t interval_min_usec; /* fastest sampling near a limit */
        uint64_t interval_max_usec; /* slowest, while memory is plentiful */
        uint64_t history_max;       /* kills kept for headroomctl history */
        bool psi_triggers;
        SysctlPolicy sysctl; /* [Sysctl] */
        RecordPolicy record; /* [Record] */
} DaemonPolicy;

typedef struct Policy {
        DaemonPolicy daemon;
        CgroupPolicy *cgroups; /* sorted by name; [0..n) ; the first that matches a cgroup monitors it */
        uint32_t n_cgroups;
        Rule *rules; /* sorted by name; all that match add up, the last that sets a tier wins */
        uint32_t n_rules;
        uint32_t rule_fields; /* bit (1 << RuleField): what any rule looks at */
        Expr *exprs;
        uint32_t n_exprs;
        Term *terms;
        uint32_t n_terms;
        uint64_t hash; /* over the canonical dump: same policy, same hash */
} Policy;

const char *metric_to_string(Metric m);
Metric metric_from_string(const char *s);
const char *unit_to_string(Unit u);
const char *comparison_to_string(Comparison c);
const char *level_to_string(Level l);
const char *step_to_string(Step s);
Step step_from_string(const char *s);
const char *victim_kind_to_string(VictimKind v);
VictimKind victim_kind_from_string(const char *s);
const char *rank_to_string(Rank r);
Rank rank_from_string(const char *s);

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The one place where enumerations get their names: in configuration files, traces, JSON and text.
 * A name never changes its meaning; a new meaning gets a new name.
 */

#include <string.h>

#include "model/decision.h"
#include "model/policy.h"
#include "model/snapshot.h"
#include "model/sysctl.h"

#define DEFINE_TO_STRING(type, prefix)                          \
        const char *prefix##_to_string(type v) {                \
                if ((size_t)v >= ARRAY_SIZE(prefix##_names))    \
                        return NULL;                            \
                return prefix##_names[v];                       \
        }
#define DEFINE_FROM_STRING(type, prefix)                                        \
        type prefix##_from_string(const char *s) {                              \
                for (size_t i = 0; i < ARRAY_SIZE(prefix##_names); i++)         \
                        if (strcmp(prefix##_names[i], s) == 0)                  \
                                return (type)i;                                 \
                return (type)-EINVAL;                                           \
        }

static const char *const host_field_names[] = {
#define X(name, key) [HOST_##name] = key,
        HOST_FIELDS(X)
#undef X
};
DEFINE_TO_STRING(HostField, host_field)

static const char *const cgroup_field_names[] = {
#define X(name, key) [CGROUP_##name] = key,
        CGROUP_FIELDS(X)
#undef X
};
DEFINE_TO_STRING(CgroupField, cgroup_field)

static const char *const tier_names[] = {
        [TIER_PREFER] = "prefer",
        [TIER_NORMAL] = "normal",
        [TIER_AVOID] = "avoid",
        [TIER_NEVER] = "never",
};
DEFINE_TO_STRING(Tier, tier)
DEFINE_FROM_STRING(Tier, tier)

static const char *const kill_outcome_names[] = {
        [KILL_PENDING] = "pending",
        [KILL_EXITED] = "exited",
        [KILL_FAILED] = "failed",
        [KILL_EXPIRED] = "expired",
};
DEFINE_TO_STRING(KillOutcome, kill_outcome)

static const char *const metric_names[] = {
#define X(name, key) [METRIC_##name] = key,
        METRICS(X)
#undef X
};
DEFINE_TO_STRING(Metric, metric)
DEFINE_FROM_STRING(Metric, metric)

static const char *const unit_names[] = {
        [UNIT_SHARE] = "share",
        [UNIT_BYTES] = "bytes",
        [UNIT_USEC] = "time",
        [UNIT_COUNT] = "count",
};
DEFINE_TO_STRING(Unit, unit)

static const char *const comparison_names[] = {
        [COMPARE_LT] = "<",
        [COMPARE_LE] = "<=",
        [COMPARE_GT] = ">",
        [COMPARE_GE] = ">=",
};
DEFINE_TO_STRING(Comparison, comparison)

static const char *const level_names[] = {
        [LEVEL_CALM] = "calm",
        [LEVEL_WARN] = "warn",
        [LEVEL_RELIEVE] = "relieve",
        [LEVEL_KILL] = "kill",
};
DEFINE_TO_STRING(Level, level)

static const char *const step_names[] = {
        [STEP_NOTIFY] = "notify",
        [STEP_TRIM] = "trim",
        [STEP_RECLAIM] = "reclaim",
        [STEP_PAGEOUT] = "pageout",
        [STEP_THROTTLE] = "throttle",
        [STEP_SLOW] = "slow",
        [STEP_FREEZE] = "freeze",
        [STEP_RESTART] = "restart",
        [STEP_STOP] = "stop",
        [STEP_TERMINATE] = "terminate",
        [STEP_KILL] = "kill",
};
DEFINE_TO_STRING(Step, step)
DEFINE_FROM_STRING(Step, step)

static const char *const victim_kind_names[] = {
        [VICTIM_AUTO] = "auto",
        [VICTIM_PROCESS] = "process",
        [VICTIM_CGROUP] = "cgroup",
        [VICTIM_UNIT] = "unit",
};
DEFINE_TO_STRING(VictimKind, victim_kind)
DEFINE_FROM_STRING(VictimKind, victim_kind)

static const char *const rank_names[] = {
        [RANK_AUTO] = "auto",
        [RANK_BADNESS] = "badness",
        [RANK_GROWTH] = "growth",
        [RANK_PRESSURE] = "pressure",
        [RANK_SWAP] = "swap",
        [RANK_SCAN] = "scan",
};
DEFINE_TO_STRING(Rank, rank)
DEFINE_FROM_STRING(Rank, rank)

static const char *const reason_names[] = {
        [REASON_HOST_MEMORY_LOW] = "host-memory-low",
        [REASON_HOST_EXHAUSTION] = "host-exhaustion",
        [REASON_HOST_PRESSURE] = "host-pressure",
        [REASON_CGROUP_OWN_LIMIT] = "cgroup-own-limit",
        [REASON_CGROUP_MEMORY_LOW] = "cgroup-memory-low",
        [REASON_CGROUP_PRESSURE] = "cgroup-pressure",
        [REASON_OTHER_CONDITION] = "other-condition",
};
DEFINE_TO_STRING(Reason, reason)

static const char *const hold_names[] = {
        [HOLD_NONE] = "none",
        [HOLD_KILL_IN_FLIGHT] = "kill-in-flight",
        [HOLD_COOLDOWN] = "cooldown",
        [HOLD_NO_EVIDENCE] = "no-evidence",
        [HOLD_NOT_SHORT] = "memory-not-short",
        [HOLD_NO_CANDIDATE] = "no-candidate",
        [HOLD_NOT_CONFIRMED] = "not-confirmed",
        [HOLD_NEEDS_DETAIL] = "needs-detail",
        [HOLD_VIRTUAL] = "virtual-victim-still-runs",
        [HOLD_OWN_THROTTLE] = "own-throttle",
};
DEFINE_TO_STRING(Hold, hold)

static const char *const reject_names[] = {
        [REJECT_NONE] = "none",
        [REJECT_SELF] = "is-this-daemon",
        [REJECT_INIT] = "is-init",
        [REJECT_KTHREAD] = "kernel-thread",
        [REJECT_NO_MM] = "has-no-memory",
        [REJECT_ADJ] = "oom_score_adj-1000",
        [REJECT_NEVER] = "tier-never",
        [REJECT_OMIT] = "cgroup-omitted",
        [REJECT_DYING] = "already-dying",
        [REJECT_VFORK] = "in-vfork",
        [REJECT_OUTSIDE] = "outside-the-cgroup",
        [REJECT_UNREAD] = "not-read",
        [REJECT_TRIED] = "tried-before",
        [REJECT_VIRTUAL] = "killed-virtually",
        [REJECT_NO_RELIEF] = "too-little-relief",
};
DEFINE_TO_STRING(Reject, reject)

static const char *const measure_verb_names[] = {
        [MEASURE_BEGIN] = "begin",
        [MEASURE_ADJUST] = "adjust",
        [MEASURE_RELEASE] = "release",
};
DEFINE_TO_STRING(MeasureVerb, measure_verb)

static const char *const measure_end_names[] = {
        [MEASURE_END_NONE] = "none",
        [MEASURE_END_LEVEL] = "level-left",
        [MEASURE_END_TIME] = "time-over",
        [MEASURE_END_GONE] = "cgroup-gone",
        [MEASURE_END_FOREIGN] = "set-by-somebody-else",
        [MEASURE_END_SPENT] = "swap-spent",
};
DEFINE_TO_STRING(MeasureEnd, measure_end)

static const char *const sysctl_names[] = {
#define X(name, file, option, min, max) [SYSCTL_##name] = file,
        SYSCTLS(X)
#undef X
};
DEFINE_TO_STRING(Sysctl, sysctl)
DEFINE_FROM_STRING(Sysctl, sysctl)

const char *sysctl_option(Sysctl key) {
        static const char *const options[] = {
#define X(name, file, option, min, max) [SYSCTL_##name] = option,
                SYSCTLS(X)
#undef X
        };
        return (size_t)key < ARRAY_SIZE(options) ? options[key] : NULL;
}

static const char *const sysctl_mode_names[] = {
        [SYSCTL_KEEP] = "keep",
        [SYSCTL_VALUE] = "value",
        [SYSCTL_AUTO] = "auto",
};
DEFINE_TO_STRING(SysctlMode, sysctl_mode)

static const char *const sysctl_restore_names[] = {
        [SYSCTL_RESTORE_EXIT] = "exit",
        [SYSCTL_RESTORE_STOP] = "stop",
        [SYSCTL_RESTORE_NEVER] = "never",
};
DEFINE_TO_STRING(SysctlRestore, sysctl_restore)
DEFINE_FROM_STRING(SysctlRestore, sysctl_restore)

static const char *const sysctl_why_names[] = {
        [SYSCTL_WHY_KEEP] = "not-set",
        [SYSCTL_WHY_CONFIGURED] = "configured",
        [SYSCTL_WHY_SWAP_KIND] = "kind-of-swap",
        [SYSCTL_WHY_REFAULTS_ANON] = "refaults-of-swap",
        [SYSCTL_WHY_REFAULTS_FILE] = "refaults-of-files",
        [SYSCTL_WHY_NO_SWAP] = "no-swap",
        [SYSCTL_WHY_SWAP_UNKNOWN] = "swap-unknown",
        [SYSCTL_WHY_COMMIT_PEAK] = "commit-peak",
        [SYSCTL_WHY_COMMIT_ABOVE] = "committed-above-limit",
        [SYSCTL_WHY_COMMIT_UNKNOWN] = "commit-not-read",
};
DEFINE_TO_STRING(SysctlWhy, sysctl_why)

static const char *const swap_kind_names[] = {
        [SWAP_NONE] = "none",
        [SWAP_ZRAM] = "zram",
        [SWAP_ZSWAP] = "zswap",
        [SWAP_SSD] = "ssd",
        [SWAP_DISK] = "disk",
        [SWAP_UNKNOWN] = "unknown",
};
DEFINE_TO_STRING(SwapKind, swap_kind)

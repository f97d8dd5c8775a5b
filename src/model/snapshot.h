/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Snapshot: what was seen of the host at one moment. Plain data, raw counters, no rates.
 *
 * A field that was not read (no such file, garbled text, older kernel, not asked for at this rate) is
 * absent: its bit in `have` is clear and its value is 0. Absent is never the same as zero, and nothing
 * is ever killed on an absent value.
 *
 * Two rates share the one shape. The cheap sample holds the host and the monitored cgroups; the
 * detailed sample (Snapshot.detail) adds what the previous Decision asked for.
 *
 * The arrays and strings belong to whoever made the snapshot (the Sense object, the trace reader, a
 * test) and stay valid until that maker's next sample.
 */

#include "base/macros.h"

/* X-macros: one list drives the enum, the key in traces and JSON, and the parsers' tables. */
#define HOST_FIELDS(X)                                                                                  \
        /* /proc/pressure/memory, microseconds, monotonic */                                            \
        X(PSI_SOME_USEC, "psi_some_usec")                                                               \
        X(PSI_FULL_USEC, "psi_full_usec")                                                               \
        /* /proc/meminfo, bytes */                                                                      \
        X(MEM_TOTAL, "mem_total")                                                                       \
        X(MEM_FREE, "mem_free")                                                                         \
        X(MEM_AVAILABLE, "mem_available")                                                               \
        X(BUFFERS, "buffers")                                                                           \
        X(CACHED, "cached")                                                                             \
        X(SWAP_CACHED, "swap_cached")                                                                   \
        X(ACTIVE_ANON, "active_anon")                                                                   \
        X(INACTIVE_ANON, "inactive_anon")                                                               \
        X(ACTIVE_FILE, "active_file")                                                                   \
        X(INACTIVE_FILE, "inactive_file")                                                               \
        X(UNEVICTABLE, "unevictable")                                                                   \
        X(ANON_PAGES, "anon_pages")                                                                     \
        X(SHMEM, "shmem")                                                                               \
        X(SLAB_RECLAIMABLE, "slab_reclaimable")                                                         \
        X(SLAB_UNRECLAIMABLE, "slab_unreclaimable")                                                     \
        X(KERNEL_STACK, "kernel_stack")                                                                 \
        X(PAGE_TABLES, "page_tables")                                                                   \
        X(DIRTY, "dirty")                                                                               \
        X(WRITEBACK, "writeback")                                                                       \
        X(COMMIT_LIMIT, "commit_limit")                                                                 \
        X(COMMITTED_AS, "committed_as")                                                                 \
        X(SWAP_TOTAL, "swap_total")                                                                     \
        X(SWAP_FREE, "swap_free")                                                                       \
        /* /proc/swaps and /sys/block/zramN/mm_stat of zram devices in use as swap, bytes */            \
        X(ZRAM_SWAP_TOTAL, "zram_swap_total")                                                           \
        X(ZRAM_SWAP_USED, "zram_swap_used")                                                             \
        X(ZRAM_ORIG, "zram_orig")                                                                       \
        X(ZRAM_MEM_USED, "zram_mem_used")                                                               \
        /* /proc/vmstat, counters in pages or events, monotonic */                                      \
        X(VM_OOM_KILL, "vm_oom_kill")                                                                   \
        X(VM_PGSCAN_KSWAPD, "vm_pgscan_kswapd")                                                         \
        X(VM_PGSCAN_DIRECT, "vm_pgscan_direct")                                                         \
        X(VM_PGSTEAL_KSWAPD, "vm_pgsteal_kswapd")                                                       \
        X(VM_PGSTEAL_DIRECT, "vm_pgsteal_direct")                                                       \
        X(VM_REFAULT_FILE, "vm_refault_file")                                                           \
        X(VM_REFAULT_ANON, "vm_refault_anon")                                                           \
        X(VM_PGMAJFAULT, "vm_pgmajfault")                                                               \
        X(VM_PSWPIN, "vm_pswpin")                                                                       \
        X(VM_PSWPOUT, "vm_pswpout")                                                                     \
        X(VM_ALLOCSTALL, "vm_allocstall") /* sum over zones */

typedef enum HostField {
#define X(name, key) HOST_##name,
        HOST_FIELDS(X)
#undef X
                _HOST_FIELD_MAX,
        _HOST_FIELD_INVALID = -EINVAL,
} HostField;

#define CGROUP_FIELDS(X)                                                                                \
        /* memory.pressure, microseconds, monotonic */                                                  \
        X(PSI_SOME_USEC, "psi_some_usec")                                                               \
        X(PSI_FULL_USEC, "psi_full_usec")                                                               \
        /* bytes; CGROUP_NO_LIMIT where the file says "max" */                                          \
        X(CURRENT, "current")                                                                           \
        X(SWAP_CURRENT, "swap_current")                                                                 \
        X(PEAK, "peak")                                                                                 \
        X(MIN, "min")                                                                                   \
        X(LOW, "low")                                                                                   \
        X(HIGH, "high")                                                                                 \
        X(MAX, "max")                                                                                   \
        X(SWAP_MAX, "swap_max")                                                                         \
        /* memory.stat: bytes, then monotonic counters in pages or events */                            \
        X(ANON, "anon")                                                                                 \
        X(FILE, "file")                                                                                 \
        X(SHMEM, "shmem")                                                                               \
        X(KERNEL, "kernel")                                                                             \
        X(SOCK, "sock")                                                                                 \
        X(UNEVICTABLE, "unevictable")                                                                   \
        X(SLAB_RECLAIMABLE, "slab_reclaimable")                                                         \
        X(ACTIVE_FILE, "active_file")                                                                   \
        X(INACTIVE_FILE, "inactive_file")                                                               \
        X(FILE_DIRTY, "file_dirty")                                                                     \
        X(PGSCAN, "pgscan")                                                                             \
        X(PGSTEAL, "pgsteal")                                                                           \
        X(REFAULT_FILE, "refault_file")                                                                 \
        X(REFAULT_ANON, "refault_anon")                                                                 \
        X(PGMAJFAULT, "pgmajfault")                                                                     \
        /* memory.events, monotonic */                                                                  \
        X(EVENT_LOW, "event_low")                                                                       \
        X(EVENT_HIGH, "event_high")                                                                     \
        X(EVENT_MAX, "event_max")                                                                       \
        X(EVENT_OOM, "event_oom")                                                                       \
        X(EVENT_OOM_KILL, "event_oom_kill")                                                             \
        /* memory.oom.group 0 or 1; cgroup.events populated 0 or 1 */                                   \
        X(OOM_GROUP, "oom_group")                                                                       \
        X(POPULATED, "populated")                                                                       \
        /* bytes: the highest use since the detailed sample before; only while recording, Linux 6.12 */ \
        X(PEAK_INTERVAL, "peak_interval")

typedef enum CgroupField {
#define X(name, key) CGROUP_##name,
        CGROUP_FIELDS(X)
#undef X
                _CGROUP_FIELD_MAX,
        _CGROUP_FIELD_INVALID = -EINVAL,
} CgroupField;

static_assert(_HOST_FIELD_MAX <= 64 && _CGROUP_FIELD_MAX <= 64, "presence is one 64-bit mask");

#define CGROUP_NO_LIMIT UINT64_MAX
#define INDEX_NONE      UINT32_MAX

/* A cgroup whose path is longer is not looked at, nor is anything below it: said once by sense. */
#define CGROUP_PATH_MAX 512
/* TASK_COMM_LEN, with its NUL. */
#define COMM_MAX 16

typedef struct HostSample {
        uint64_t have; /* bit (1 << HostField) */
        uint64_t value[_HOST_FIELD_MAX];
} HostSample;

/* What the owner of a cgroup, systemd or oomd's users have said about it (extended attributes). */
typedef enum CgroupMark {
        CGROUP_MARK_PREFER = 1 << 0, /* {trusted,user}.oomd_prefer */
        CGROUP_MARK_AVOID = 1 << 1,  /* {trusted,user}.oomd_avoid, ManagedOOMPreference=avoid */
        CGROUP_MARK_OMIT = 1 << 2,   /* user.oomd_omit, ManagedOOMPreference=omit */
        CGROUP_MARK_SELF = 1 << 3,   /* holds this daemon */
        CGROUP_MARK_LEAF = 1 << 4,   /* has no child cgroup */
        CGROUP_MARK_NEW = 1 << 5,    /* this id was not there at the previous discovery */
} CgroupMark;

typedef struct CgroupSample {
        uint64_t id;      /* inode number of the directory: the identity; a path alone never is */
        uint32_t parent;  /* index in Snapshot.cgroups, INDEX_NONE where the parent is not in the sample */
        int32_t policy;   /* index in Policy.cgroups of the policy that monitors it, -1 for none */
        uint32_t marks;   /* CgroupMark */
        const char *path; /* from the cgroup2 mount, "/" is the root; untrusted text; borrowed */
        uint64_t have;    /* bit (1 << CgroupField) */
        uint64_t value[_CGROUP_FIELD_MAX];
} CgroupSample;

typedef enum ProcessFlag {
        PROCESS_KTHREAD = 1 << 0,
        PROCESS_INIT = 1 << 1,       /* pid 1, of the pid namespace that /proc shows */
        PROCESS_SELF = 1 << 2,       /* this daemon */
        PROCESS_NO_MM = 1 << 3,      /* no thread of it has memory (a true zombie) */
        PROCESS_DYING = 1 << 4,      /* SIGKILL pending, or exiting */
        PROCESS_VFORK = 1 << 5,      /* shares its parent's mm, the parent waits in D state: a guess */
        PROCESS_HAS_TTY = 1 << 6,    /* tty_nr != 0 */
        PROCESS_TRACED = 1 << 7,
        PROCESS_DSTATE = 1 << 8,
        PROCESS_SIZES = 1 << 9,      /* rss..pgtables were read in this very sample; but see DETAIL_KNOWN_PROCESSES */
        PROCESS_SCORE = 1 << 10,     /* oom_score was read in this very sample */
        PROCESS_IDENTITY = 1 << 11,  /* start_ticks, ppid, pgid, sid, uid, comm, adj are known */
        PROCESS_FORKED = 1 << 12,    /* has executed no program since it was forked */
} ProcessFlag;

typedef enum Tier {
        TIER_PREFER, /* goes before all others */
        TIER_NORMAL,
        TIER_AVOID, /* goes after all others */
        TIER_NEVER, /* is not a candidate */
        _TIER_MAX,
        _TIER_INVALID = -EINVAL,
} Tier;

typedef struct ProcessSample {
        int32_t pid;
        int32_t ppid, pgid, sid;
        uint64_t start_ticks;  /* /proc/PID/stat field 22: with pid the identity */
        uint64_t cgroup_id;    /* 0 where unknown */
        uint32_t cgroup;       /* index in Snapshot.cgroups, INDEX_NONE where not in the sample */
        uint32_t uid;          /* effective */
        uint32_t flags;        /* ProcessFlag */
        uint32_t oom_score;    /* /proc/PID/oom_score; 0 for unkillable */
        int32_t oom_score_adj; /* -1000..1000 */
        int32_t rule_adjust;   /* sum of Adjust= of the matching rules, -1000..1000 */
        int32_t rule;          /* index in Policy.rules of the rule that set the tier or, where none did,
                                * of the last that adjusted; -1 for none */
        Tier tier;
        int32_t kernel_wanted; /* of rule_adjust, the part of the rules with ApplyToKernel=, -1000..1000 */
        int32_t kernel_rule;   /* index of the last of these rules, -1 for none */
        int32_t kernel_adjust; /* how much of oom_score_adj is that part, written by us; 0 where it is not. Filled by
                                * the daemon, not by sense */
        /* pages */
        uint64_t rss_anon, rss_file, rss_shmem, swap, pgtables;
        const char *cgroup_path; /* "" where unknown; untrusted text; borrowed */
        char comm[COMM_MAX];     /* untrusted text */
} ProcessSample;

typedef enum KillOutcome {
        KILL_PENDING, /* signalled, not gone yet */
        KILL_EXITED,  /* gone; what came back shows in the host and cgroup fields */
        KILL_FAILED,  /* every candidate failed (EPERM, gone before the signal, not the same any more) */
        KILL_EXPIRED, /* still there after its deadline: D state, traced, or too big */
        _KILL_OUTCOME_MAX,
        _KILL_OUTCOME_INVALID = -EINVAL,
} KillOutcome;

/* How a kill that an earlier Decision asked for stands now. */
typedef struct KillStatus {
        uint64_t kill_id;   /* KillDecision.kill_id */
        KillOutcome outcome;
        uint32_t candidate; /* index in KillDecision.candidates of the one that was signalled */
        uint64_t signalled_usec;
        uint64_t exited_usec; /* 0 while pending */
} KillStatus;

/* What is done with a measure of the ladder; see model/measure.h. */
typedef enum MeasureVerb {
        MEASURE_BEGIN,
        MEASURE_ADJUST,  /* throttle: another value */
        MEASURE_RELEASE, /* put the old value back */
        _MEASURE_VERB_MAX,
        _MEASURE_VERB_INVALID = -EINVAL,
} MeasureVerb;

/* How one verb of a measure that an earlier Decision asked for has ended. */
typedef struct MeasureStatus {
        uint64_t measure_id;
        MeasureVerb verb;
        /*
         * 0: done. -EAGAIN: done in part (reclaim found less than asked). -ETIME: broken off at limit_usec.
         * -ENOENT: the cgroup or process is gone or another one by now. -EOPNOTSUPP: the kernel or the host has no
         * such thing. -ESTALE (ADJUST, RELEASE): somebody else has set another value, which was left alone.
         * -EBUSY: another measure holds this setting. -ECANCELED: protected by now. Others as the kernel or the
         * service manager gave them.
         */
        int32_t error;
        bool by_manager;     /* through the service manager, not straight into the cgroup */
        uint64_t done_bytes; /* reclaim, pageout: by how much the use fell meanwhile */
        uint64_t run_usec;   /* how long the call took */
        uint64_t ended_usec; /* when, CLOCK_MONOTONIC */
} MeasureStatus;

/* Answers in one snapshot; more wait for the next one. */
#define MEASURE_STATUSES_MAX 8

/* Kills in flight at once, one per cgroup in trouble; a further one waits. */
#define KILLS_MAX 8

typedef enum Detail {
        DETAIL_CGROUPS = 1 << 0,       /* all cgroups, walked anew: identity, use, limits, marks */
        DETAIL_PROCESSES = 1 << 1,     /* all processes */
        DETAIL_STATS = 1 << 2,         /* with DETAIL_CGROUPS: pressure, events, memory.stat of those of interest */
        DETAIL_KNOWN_CGROUPS = 1 << 3, /* all cgroups as of the last walk; walked anew only if a process is in an unknown one */
        /*
         * These two are for a record: no victim is chosen by them, nor whom a measure is taken on. All processes; of
         * those that are read in full, what may have changed since, and the rest (cgroup, adj) within two minutes.
         */
        DETAIL_KNOWN_PROCESSES = 1 << 4,
        DETAIL_KNOWN_STATS = 1 << 5, /* as DETAIL_STATS, but the limits of all cgroups are as of the latest discovery */

        DETAIL_ANY_CGROUPS = DETAIL_CGROUPS | DETAIL_KNOWN_CGROUPS,
        DETAIL_ANY_PROCESSES = DETAIL_PROCESSES | DETAIL_KNOWN_PROCESSES,
        DETAIL_ANY_STATS = DETAIL_STATS | DETAIL_KNOWN_STATS,
        DETAIL_RECORD = DETAIL_CGROUPS | DETAIL_KNOWN_STATS | DETAIL_KNOWN_PROCESSES, /* what a recorder asks for by itself */
} Detail;

typedef struct Snapshot {
        uint64_t mono_usec; /* CLOCK_MONOTONIC */
        uint64_t real_usec; /* CLOCK_REALTIME, for printing only: it may jump */
        uint32_t page_size;
        uint32_t detail; /* Detail: what this sample holds beyond the cheap part */
        HostSample host;
        CgroupSample *cgroups;
        uint32_t n_cgroups;
        ProcessSample *processes;
        uint32_t n_processes;
        KillStatus kills[KILLS_MAX];
        uint32_t n_kills;
        MeasureStatus measures[MEASURE_STATUSES_MAX];
        uint32_t n_measures;
} Snapshot;

const char *host_field_to_string(HostField f);
const char *cgroup_field_to_string(CgroupField f);
const char *tier_to_string(Tier t);
Tier tier_from_string(const char *s);
const char *kill_outcome_to_string(KillOutcome o);

/* What was read needs not be known as well. */
static inline uint32_t detail_plain(uint32_t detail) {
        return detail & ~((detail & DETAIL_PROCESSES ? (uint32_t)DETAIL_KNOWN_PROCESSES : 0) |
                          (detail & DETAIL_STATS ? (uint32_t)DETAIL_KNOWN_STATS : 0));
}

static inline bool host_has(const HostSample *h, HostField f) {
        return (h->have >> f) & 1;
}
static inline void host_set(HostSample *h, HostField f, uint64_t v) {
        h->have |= UINT64_C(1) << f;
        h->value[f] = v;
}
static inline bool cgroup_has(const CgroupSample *c, CgroupField f) {
        return (c->have >> f) & 1;
}
static inline void cgroup_set(CgroupSample *c, CgroupField f, uint64_t v) {
        c->have |= UINT64_C(1) << f;
        c->value[f] = v;
}

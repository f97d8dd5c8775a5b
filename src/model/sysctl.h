/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The memory settings of the kernel below /proc/sys/vm: what the operator wants of them ([Sysctl]), what they are,
 * and what the decision core makes of the two. Plain data without pointers.
 */

#include "base/macros.h"

/*
 * name, file in proc/sys/vm, option, least and greatest value. The ranges are the kernel's where it has any, else
 * what cannot do harm at once: min_free_kbytes below 1024 breaks allocations that cannot wait.
 * In the order in which they are written: what strict overcommit goes by comes before overcommit_memory.
 * Source: Documentation/admin-guide/sysctl/vm.rst (swappiness up to 200: Linux 5.8, watermark_scale_factor up to
 * 3000: 5.18; an older kernel refuses, which is said).
 */
#define SYSCTLS(X)                                                                                    \
        X(SWAPPINESS, "swappiness", "Swappiness", 0, 200)                                             \
        X(OVERCOMMIT_RATIO, "overcommit_ratio", "OvercommitRatio", 0, 1000)                           \
        X(OVERCOMMIT_KBYTES, "overcommit_kbytes", "OvercommitKbytes", 1, UINT64_C(1) << 40)           \
        X(ADMIN_RESERVE_KBYTES, "admin_reserve_kbytes", "AdminReserveKbytes", 0, UINT64_C(1) << 40)   \
        X(USER_RESERVE_KBYTES, "user_reserve_kbytes", "UserReserveKbytes", 0, UINT64_C(1) << 40)      \
        X(OVERCOMMIT_MEMORY, "overcommit_memory", "OvercommitMemory", 0, 2)                           \
        X(MIN_FREE_KBYTES, "min_free_kbytes", "MinFreeKbytes", 1024, INT32_MAX)                       \
        X(WATERMARK_SCALE_FACTOR, "watermark_scale_factor", "WatermarkScaleFactor", 1, 3000)          \
        X(WATERMARK_BOOST_FACTOR, "watermark_boost_factor", "WatermarkBoostFactor", 0, INT32_MAX)     \
        X(PAGE_CLUSTER, "page-cluster", "PageCluster", 0, 31)                                         \
        X(VFS_CACHE_PRESSURE, "vfs_cache_pressure", "VfsCachePressure", 0, INT32_MAX)

typedef enum Sysctl {
#define X(name, file, option, min, max) SYSCTL_##name,
        SYSCTLS(X)
#undef X
                _SYSCTL_MAX,
        _SYSCTL_INVALID = -EINVAL,
} Sysctl;

/* overcommit_memory: every request beyond CommitLimit is refused. */
#define OVERCOMMIT_STRICT 2

/* ---- what is wanted ---- */

typedef enum SysctlMode {
        SYSCTL_KEEP, /* left alone */
        SYSCTL_VALUE,
        SYSCTL_AUTO, /* swappiness, overcommit_ratio and page-cluster only */
        _SYSCTL_MODE_MAX,
        _SYSCTL_MODE_INVALID = -EINVAL,
} SysctlMode;

typedef struct SysctlSetting {
        SysctlMode mode;
        uint64_t value; /* of SYSCTL_VALUE, else 0 */
} SysctlSetting;

/* When the values from before are put back. */
typedef enum SysctlRestore {
        SYSCTL_RESTORE_EXIT,  /* whenever the daemon ends; after a crash at the next start, before they are set anew */
        SYSCTL_RESTORE_STOP,  /* when it ends in order, or by `headroomctl release`; a crash leaves them in force */
        SYSCTL_RESTORE_NEVER,
        _SYSCTL_RESTORE_MAX,
        _SYSCTL_RESTORE_INVALID = -EINVAL,
} SysctlRestore;

typedef struct SysctlPolicy {
        SysctlSetting settings[_SYSCTL_MAX];
        SysctlRestore restore;
        uint32_t swappiness_min, swappiness_max; /* bounds of auto */
        uint32_t overcommit_margin_permyriad;    /* of auto: above the highest Committed_AS there was */
} SysctlPolicy;

/* ---- what is there ---- */

/* What pages are swapped to, from fast to slow. */
typedef enum SwapKind {
        SWAP_NONE,
        SWAP_ZRAM,  /* compressed memory */
        SWAP_ZSWAP, /* compressed memory in front of a device */
        SWAP_SSD,
        SWAP_DISK,
        SWAP_UNKNOWN, /* there is swap, but what it lies on could not be told */
        _SWAP_KIND_MAX,
        _SWAP_KIND_INVALID = -EINVAL,
} SwapKind;

/* What block devices did since they came up, added up. A page is 4 KiB here, whatever the host's are. */
typedef struct BlockIo {
        uint64_t n_reads, read_sectors, read_msec;
        uint64_t n_writes, write_sectors, write_msec;
} BlockIo;

typedef struct SysctlSample {
        uint32_t have; /* bit (1 << Sysctl) */
        uint64_t value[_SYSCTL_MAX];
        int32_t error[_SYSCTL_MAX]; /* why not, where it was not read: negative errno */
        bool has_swap_kind;
        SwapKind swap_kind;   /* of the areas of the highest priority, which are filled first; the slowest of these */
        uint32_t swap_kinds;  /* bit (1 << SwapKind) of all areas in use */
        /* absent where what goes to swap and what to files cannot be told apart */
        bool has_block_io;
        BlockIo swap_io, file_io; /* of the devices that are swap; of those that files may lie on */
        uint64_t block_set;       /* another one: other devices were added up, nothing can be subtracted */
        bool has_hugetlb;
        uint64_t hugetlb_bytes; /* memory that huge pages take from what may be committed */
        bool has_panic_on_oom, has_kill_allocating_task;
        uint64_t panic_on_oom, kill_allocating_task;
} SysctlSample;

static inline bool sysctl_has(const SysctlSample *s, Sysctl key) {
        return (s->have >> key) & 1;
}
static inline void sysctl_set(SysctlSample *s, Sysctl key, uint64_t v) {
        s->have |= UINT32_C(1) << key;
        s->value[key] = v;
}

/* ---- what follows ---- */

typedef enum SysctlWhy {
        SYSCTL_WHY_KEEP,           /* nothing is wanted */
        SYSCTL_WHY_CONFIGURED,     /* the value stands in the configuration */
        SYSCTL_WHY_SWAP_KIND,      /* auto: what suits @swap_kind */
        SYSCTL_WHY_REFAULTS_ANON,  /* auto swappiness: lowered, since swapping in costs more than reading files again */
        SYSCTL_WHY_REFAULTS_FILE,  /* auto swappiness: raised, since reading files again costs more */
        SYSCTL_WHY_NO_SWAP,        /* auto: without swap there is nothing to tune */
        SYSCTL_WHY_SWAP_UNKNOWN,   /* auto: what the swap lies on could not be told */
        SYSCTL_WHY_COMMIT_PEAK,    /* auto overcommit_ratio: highest Committed_AS and the margin */
        SYSCTL_WHY_COMMIT_ABOVE,   /* held back: more is committed than the new limit would allow */
        SYSCTL_WHY_COMMIT_UNKNOWN, /* held back: the limit or what is committed could not be read */
        _SYSCTL_WHY_MAX,
        _SYSCTL_WHY_INVALID = -EINVAL,
} SysctlWhy;

typedef struct SysctlAdvice {
        bool is_wanted;     /* else: left alone, and what was set before is put back */
        bool is_held;       /* wanted, but not now: what is in force stays */
        uint64_t wanted;
        SysctlWhy why;
        SwapKind swap_kind; /* of auto */
        /* auto swappiness, moved: pages in the window that decided, how many windows in a row, and the value before */
        uint64_t refault_anon, refault_file, window_usec, from;
        uint32_t n_windows;
        /* auto swappiness: what a page takes at present, and what the formula makes of it; 0 as long as none was measured */
        uint64_t swap_page_nsec, file_page_nsec, n_swap_pages, n_file_pages, formula;
        /* overcommit: bytes; @limit_bytes is the CommitLimit that would follow */
        uint64_t committed_bytes, limit_bytes, reserve_bytes, peak_bytes;
} SysctlAdvice;

typedef struct TuneDecision {
        uint64_t mono_usec;
        SysctlAdvice advice[_SYSCTL_MAX];
        Sysctl order[_SYSCTL_MAX]; /* all of them, in the order in which they are to be written */
} TuneDecision;

const char *sysctl_to_string(Sysctl key); /* its file: "page-cluster" */
Sysctl sysctl_from_string(const char *s);
const char *sysctl_option(Sysctl key); /* "PageCluster" */
const char *sysctl_restore_to_string(SysctlRestore r);
SysctlRestore sysctl_restore_from_string(const char *s);
const char *sysctl_mode_to_string(SysctlMode m);
const char *sysctl_why_to_string(SysctlWhy w);
const char *swap_kind_to_string(SwapKind k);

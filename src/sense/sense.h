/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Sense: kernel text -> Snapshot, for one host seen through one root directory fd.
 *
 * Keeps descriptors on everything the cheap sample reads, so that it opens nothing and allocates
 * nothing. Reads and parses only: rates, limits and judgement belong to decide/.
 */

#include "base/macros.h"
#include "model/policy.h"
#include "model/snapshot.h"

/* What this host cannot offer. Each is stated in one line at start, and headroom works without it. */
typedef enum Degraded {
        DEGRADED_NO_PSI,     /* no pressure files at all */
        DEGRADED_NO_CGROUP2, /* no cgroup2 mount: processes only */
        DEGRADED_NO_MEMCG,   /* cgroup2 without memory controller (hybrid v1 host): processes only */
        DEGRADED_NO_SWAP,
        DEGRADED_CONTAINER,        /* not in the host's pid or cgroup namespace: PSI and processes are partial */
        DEGRADED_HIDEPID,          /* /proc hides processes of others */
        DEGRADED_PSI_UNPRIVILEGED, /* no CAP_SYS_RESOURCE: trigger windows are multiples of 2 s */
        _DEGRADED_MAX,
} Degraded;

/* Short key ("no-psi") and one line for the operator that says what works instead. */
const char *degraded_to_string(Degraded d);
const char *degraded_describe(Degraded d);

/* How sense asks the policy what it thinks of what was found; all may be NULL. No allocation in match_process. */
typedef struct SenseMatchers {
        void *userdata;
        /* index of the CgroupPolicy that monitors the cgroup, -1 for none; limited: has memory.high or memory.max */
        int32_t (*match_cgroup)(void *userdata, const char *path, bool limited);
        /* fills rule_adjust, rule, tier, kernel_wanted, kernel_rule of @p */
        void (*match_process)(void *userdata, const ProcessFacts *facts, ProcessSample *p);
        /*
         * bit (1 << RuleField): exe and cmdline are read only where a rule looks at them. Where what a rule looks at
         * could not be read, the process has no PROCESS_IDENTITY and its rules are asked at the next scan.
         */
        uint32_t rule_fields;
} SenseMatchers;

typedef struct SenseOptions {
        int root_fd;            /* borrowed: "/" or a captured tree */
        int32_t self_pid;       /* 0 when the tree is not live */
        uint32_t max_cgroups;   /* 0: 8192 */
        uint32_t max_processes; /* 0: 65536 */
} SenseOptions;

typedef struct Sense Sense;

int sense_new(const SenseOptions *options, Sense **ret);
Sense *sense_free(Sense *s);
DEFINE_TRIVIAL_CLEANUP(Sense, sense_free)

/* After start and after every reload; forgets all cached matches. The struct is copied. */
void sense_set_matchers(Sense *s, const SenseMatchers *m);

uint32_t sense_degraded(const Sense *s);  /* bit (1 << Degraded), as of the latest sample or discovery */
int sense_cgroup_root_fd(const Sense *s); /* directory fd of the cgroup2 mount; borrowed; -EBADF without one */

/*
 * Walks the cgroup tree, asks match_cgroup of each, opens what the cheap sample needs of the monitored
 * ones and forgets those that are gone (identity: the inode number). Also takes memory.current and
 * memory.swap.current of all, so that growth has a base. May allocate: call it at start, on a calm
 * tick, or when the tree is known to have changed. Returns > 0 if the set of monitored cgroups changed.
 */
int sense_discover(Sense *s);

/*
 * Takes a sample. detail 0: the cheap one (no open, no allocation). The arrays of @ret belong to @s and
 * are valid until the next call, but for this: a cheap sample leaves those of an earlier sample with all cgroups
 * (DETAIL_CGROUPS or DETAIL_KNOWN_CGROUPS) as they are. @ret->kills is left empty: it is not sense's to fill.
 * Returns 0, or negative errno only where nothing at all could be read.
 */
int sense_sample(Sense *s, uint64_t mono_usec, uint64_t real_usec, uint32_t detail, Snapshot *ret);

/* The pids there are, sorted; @ret belongs to @s. Returns how many, or negative errno. */
int sense_list_processes(Sense *s, const int32_t **ret);
/* One process in full, its rules asked anew. 0; 1: gone. Its index of a cgroup is not set. */
int sense_process(Sense *s, int32_t pid, ProcessSample *ret);

/* For a recorder: the program and the command line of one process; the highest use of cgroups (PEAK_INTERVAL). */
int sense_process_facts(Sense *s, int32_t pid, uint64_t start_ticks, char *exe, size_t exe_size, char *cmdline,
                        size_t cmdline_size);
int sense_want_peaks(Sense *s, bool want);

/* The monitored cgroups as of the last discovery, for PSI triggers. */
typedef struct SenseMonitored {
        uint64_t id;
        int dir_fd; /* borrowed, valid until the next sense_discover() */
        int32_t policy;
        const char *path;
} SenseMonitored;
size_t sense_monitored(const Sense *s, const SenseMonitored **ret);

/* One log line per kind of problem, handed out once: "" when there is nothing new. For the daemon's log. */
bool sense_next_complaint(Sense *s, char *buf, size_t size);

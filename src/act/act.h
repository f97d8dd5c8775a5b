/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Act: Decision -> effects, through a table of operations (real, dry-run, test double). Never waits for a victim:
 * what can block for long runs on one worker thread. Nothing is allocated after act_new().
 *
 * Life of a kill: act_kill() signals the first candidate that can be signalled; act_poll() says KILL_PENDING until
 * the victim is gone (KILL_EXITED, once) or its wait_usec is over (KILL_EXPIRED, once). An expired victim stays
 * watched in silence, so that an escalation finds the very same process and so that its exit, however late, is still
 * reported once as KILL_EXITED. Where no candidate could be signalled, KILL_FAILED is reported once.
 */

#include "base/macros.h"
#include "model/decision.h"
#include "model/snapshot.h"

/* Where the tables act_ops_real and act_ops_dry_run work: their userdata is a const ActHost. Both borrowed. */
typedef struct ActHost {
        int root_fd;   /* for proc/ */
        int cgroup_fd; /* the cgroup2 mount, -EBADF without one */
} ActHost;

/* What stands in a cgroup and everything below it right now. */
typedef struct ActSurvey {
        uint32_t n_processes;
        uint32_t n_protected; /* oom_score_adj -1000, pid 1 or ourselves: cgroup.kill would hit them all the same */
} ActSurvey;

/* What signalling the members of a cgroup one by one came to. */
typedef struct ActSignalled {
        uint32_t n_signalled;
        uint32_t n_refused;     /* not allowed to signal, or protected */
        uint32_t n_pidfds;      /* of those signalled, as many as fit; the caller closes them */
        int pidfds[GROUP_MEMBERS_MAX];
} ActSignalled;

/* All return 0 or a descriptor, or negative errno; -ESRCH for what is gone. */
typedef struct ActOps {
        int (*pidfd_open)(void *userdata, int32_t pid);
        /* identity again, after the pidfd is held: start time of @pid now */
        int (*read_start_ticks)(void *userdata, int32_t pid, uint64_t *ret);
        int (*read_oom_score_adj)(void *userdata, int32_t pid, int32_t *ret);
        /* @signo 0 asks whether we may, and does nothing */
        int (*pidfd_signal)(void *userdata, int pidfd, int signo);
        int (*pidfd_mrelease)(void *userdata, int pidfd); /* on the worker */
        /* opens the cgroup directory and checks that its inode number is @id: -ESTALE otherwise */
        int (*cgroup_open)(void *userdata, const char *path, uint64_t id);
        int (*cgroup_survey)(void *userdata, int cgroup_fd, ActSurvey *ret);
        int (*cgroup_kill)(void *userdata, int cgroup_fd);
        /* by pidfd, one by one, leaving out the protected; @keep: hand the pidfds back */
        int (*cgroup_signal)(void *userdata, int cgroup_fd, int signo, bool keep, ActSignalled *ret);
        /* a descriptor that polls POLLPRI when the next call may answer differently */
        int (*cgroup_events_open)(void *userdata, int cgroup_fd);
        int (*cgroup_populated)(void *userdata, int events_fd); /* 1, 0; -ENODEV: removed */
        /*
         * user.oomd_ooms += 1, user.oomd_kill += n on the unit's cgroup around @path, so that the manager reports
         * oom-kill. With @pid only where that is a process the manager itself waits for. 1: marked, 0: nothing to mark
         */
        int (*cgroup_mark_oom)(void *userdata, const char *path, uint64_t id, int32_t pid, uint32_t n_processes);
} ActOps;

extern const ActOps act_ops_real;
extern const ActOps act_ops_dry_run; /* opens and checks everything, changes nothing */

/* One attempt at one candidate, for the log and the history. */
typedef struct ActAttempt {
        uint32_t candidate;
        /* 0 signalled, -ESRCH gone, -ESTALE another process or cgroup by now, -EPERM not allowed, -ECANCELED protected
         * by now, -ENODATA a group whose members the Decision does not list, others as the kernel gave them */
        int error;
} ActAttempt;

typedef struct ActResult {
        uint64_t kill_id;
        KillOutcome outcome; /* KILL_PENDING or KILL_FAILED */
        bool is_virtual;     /* dry run: nothing was signalled */
        uint32_t n_attempts;
        ActAttempt attempts[CANDIDATES_MAX];
        uint32_t n_signalled; /* processes; 0 where cgroup.kill did it */
        int mark;             /* 1: unit marked for its manager, 0: nothing to mark, or negative errno; no reason to stop */
} ActResult;

/* What a finished or pending kill brought, for log and history. */
typedef struct ActReport {
        KillStatus status;
        bool mrelease_done;
        int mrelease_error; /* -EINVAL: another process that shares the memory is not dying */
        uint64_t mrelease_usec;
} ActReport;

typedef struct Act Act;

/* @root_fd: for proc/; @cgroup_fd: the cgroup2 mount, -EBADF without one; both borrowed. @ops: NULL for real.
 * @userdata: of @ops; NULL for an ActHost of the two descriptors. -ENOSYS: no pidfd, a kernel before 5.3. */
int act_new(int root_fd, int cgroup_fd, const ActOps *ops, void *userdata, Act **ret);
Act *act_free(Act *a);
DEFINE_TRIVIAL_CLEANUP(Act, act_free)

/* Opens, reads and checks the way a kill does, on ourselves, without a signal: faults in pages and finds
 * missing rights. Returns 0 or the first negative errno. */
int act_rehearse(Act *a);
/* Keeps every page of this process that is or will be touched in memory. Call before act_rehearse(). -EPERM, -ENOMEM:
 * CAP_IPC_LOCK or RLIMIT_MEMLOCK is missing. */
int act_lock_memory(void);

/* Tries the candidates in order until one is signalled. Returns 0 with *ret filled; -EBUSY with KILLS_MAX kills in
 * flight, -EEXIST where this kill_id already is, -EINVAL for a step that does not kill: nothing was done then. */
int act_kill(Act *a, const KillDecision *k, uint64_t mono_usec, ActResult *ret);

/* An epoll descriptor that is readable when a victim is gone or the worker has finished something; borrowed. */
int act_fd(const Act *a);
/* Collects exits and expiries, fills @status for the next Snapshot, by kill_id; kills that have ended are reported
 * once. @reports (may be NULL) gets the same with details. Returns their number, <= KILLS_MAX. */
uint32_t act_poll(Act *a, uint64_t mono_usec, KillStatus status[static KILLS_MAX], ActReport *reports);

/* "gone before the signal" ...: why an attempt failed, for people. */
const char *act_attempt_to_string(int error);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One kill: the victim that is being ended and how far that has come. Internal to act. See kill.c. */

#include "act/act.h"
#include "act/worker.h"

/* What a kill works with. Borrowed. */
typedef struct KillTools {
        const ActOps *ops;
        void *userdata;
        Worker *worker; /* NULL: no mrelease */
        int epoll_fd;
} KillTools;

typedef struct Kill {
        uint64_t kill_id; /* 0: this slot is free */
        uint64_t serial;  /* of this use of the slot: finds the way back for results of the worker */
        KillOutcome outcome;
        bool is_virtual;
        bool is_expiry_reported;
        bool is_marked;
        uint32_t candidate;
        uint64_t signalled_usec, deadline_usec, exited_usec;
        /* the victim: a cgroup to become empty, or processes to end, or both */
        int cgroup_fd, events_fd; /* -EBADF */
        uint32_t n_pidfds;        /* alive as far as we know */
        int *pidfds; /* GROUP_MEMBERS_MAX; the slot's, borrowed: mostly one is used */
        /* mrelease */
        uint32_t n_releases, n_released;
        int release_error;
        uint64_t release_usec;
} Kill;

/* Keeps kill->pidfds. */
void kill_init(Kill *kill, uint64_t kill_id, uint64_t serial);
/* Closes everything and frees the slot. */
void kill_done(Kill *kill, int epoll_fd);

/* Signals candidate @i of @k. 0: signalled, @kill watches it; negative errno: it watches nothing. */
int kill_try(Kill *kill, const KillTools *t, const KillDecision *k, uint32_t i, ActResult *ret);
/* SIGKILL to what @kill watches already. 0; -ESRCH: all gone; negative errno: nobody could be signalled. */
int kill_escalate(Kill *kill, const KillTools *t, const KillDecision *k, ActResult *ret);

/* True when nothing of the victim is left. Drops what is gone on the way. */
bool kill_is_over(Kill *kill, const KillTools *t);
void kill_note_release(Kill *kill, const WorkerResult *r);

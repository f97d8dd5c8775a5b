/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One thread for the calls that may block. See worker.c. */

#include "base/macros.h"

typedef struct Worker Worker;

typedef struct WorkerJob {
        int (*run)(void *userdata, int fd); /* on the worker's thread; 0 or negative errno */
        void *userdata;                     /* must outlive the worker */
        int fd;                             /* owned by the worker once submitted: it closes it */
        uint64_t tag;                       /* handed back with the result */
} WorkerJob;

typedef struct WorkerResult {
        uint64_t tag;
        int error;
        uint64_t run_usec;
} WorkerResult;

/* @notify_fd: an eventfd that gets 1 added for every finished job; borrowed, must outlive the worker. */
int worker_new(int notify_fd, Worker **ret);
/* 0; -ENOBUFS with WORKER_JOBS_MAX jobs under way: then the fd is still the caller's. */
int worker_submit(Worker *w, const WorkerJob *job);
/* true: one result. Loop until false. */
bool worker_collect(Worker *w, WorkerResult *ret);
/* Ends the thread and frees. -ETIMEDOUT: it is stuck in a call; it and what it uses are left alone for good. */
int worker_stop(Worker *w, uint64_t wait_usec);

/* A power of two, so that the free-running 32-bit counters wrap in step with the ring. A group of
 * GROUP_MEMBERS_MAX fits. */
#define WORKER_JOBS_MAX 256

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One host's trace and the questions put to it. At most three passes over the trace, each with any number of simulations
 * side by side: what stood in it and what was asked; the grid of sizes; the finer grid and the copies that would not fit.
 * The simulations of a pass are split over threads, each of which reads the trace for itself.
 */

#include <stdatomic.h>

#include "base/macros.h"
#include "plan/search.h"
#include "plan/sim.h"
#include "plan/stats.h"
#include "trace/reader.h"

#define PLAN_RAM_MAX       32
#define PLAN_DENSITIES_MAX 8
#define PLAN_ANSWERS_MAX   (PLAN_RAM_MAX + RAM_GRID_POINTS + RAM_REFINE_POINTS + PLAN_DENSITIES_MAX + 8)

typedef struct PlanProgress {
        _Atomic uint64_t done_bytes;  /* of all passes over all traces */
        _Atomic uint64_t total_bytes; /* known as far as passes are planned */
} PlanProgress;

typedef struct PlanRequest {
        int dir_fd;              /* relative paths begin here; AT_FDCWD */
        const char *path;        /* a file or a directory of one host */
        bool salvage;
        bool is_report;          /* only what stood in it, and the recorded question */
        PlanQuestion base;       /* options that hold for every size: swap, policy, scales ... */
        bool has_base;           /* some option was given */
        uint64_t ram_bytes[PLAN_RAM_MAX];
        uint32_t n_ram;          /* 0: a grid around the recorded use */
        const char *densities[PLAN_DENSITIES_MAX];
        uint32_t n_densities;
        const Policy *fallback;  /* for a trace that holds no policy; NULL: questions without one stay open */
        uint32_t n_threads;      /* 0: 1 */
        PlanProgress *progress;  /* may be NULL */
} PlanRequest;

typedef enum PlanRole {
        PLAN_ROLE_RECORDED, /* nothing changed: exact up to the first divergence */
        PLAN_ROLE_ASKED,    /* the options, with the recorded RAM */
        PLAN_ROLE_RAM,      /* a point of the curve */
        PLAN_ROLE_COPIES,   /* more copies of a cgroup than fit */
} PlanRole;

typedef struct PlanAnswer {
        PlanRole role;
        uint32_t density;      /* PLAN_ROLE_COPIES: which */
        uint64_t n_copies;     /* of these, more than recorded */
        char glob[CGROUP_PATH_MAX];
        PlanQuestion question;
        PlanOutcome outcome;
        bool is_done;
} PlanAnswer;

typedef struct PlanRun {
        PlanStats *stats;      /* owned */
        TraceReaderStats reader;
        bool was_damaged;
        TraceError damage;     /* the latest that was passed over, with salvage */
        uint32_t n_answers;
        PlanAnswer *answers;   /* owned, PLAN_ANSWERS_MAX */
        RamAnswer ram;
        bool has_ram;
        bool is_fallback;      /* the trace held no policy: request->fallback is what would have decided */
        uint64_t policy_hash;  /* of the policy that was asked for; 0: the recorded ones */
        DensityResult densities[PLAN_DENSITIES_MAX];
} PlanRun;

/*
 * Return: 0; -EBADMSG: @ret_error says where and what; -ENODATA: not one sample; other negative errno, then with the path in
 * @ret_error. @ret is to be given to plan_run_done() after success only.
 */
int plan_run(const PlanRequest *request, PlanRun *ret, TraceError *ret_error);
void plan_run_done(PlanRun *r);
/* Bytes of the files of @path; 0 where they cannot be told. */
uint64_t plan_path_bytes(int dir_fd, const char *path);

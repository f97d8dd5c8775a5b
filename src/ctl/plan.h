/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* headroomctl plan and report: from the command line to documents, and from documents to tables and files. */

#include <jansson.h>

#include "ctl/commands.h"
#include "plan/run.h"

/* The request that the options ask for, all that it points to in @keep. CTL_EXIT_OK, or it has been said what is wrong. */
typedef struct PlanKeep {
        Policy *policy, *fallback; /* owned */
        char *texts[2 * PLAN_SCALES_MAX]; /* owned: patterns of scales and limits */
        uint32_t n_texts;
} PlanKeep;
CtlExit plan_options_resolve(const PlanOptions *o, const char *policy, bool is_report, PlanRequest *ret, PlanKeep *ret_keep);
void plan_keep_done(PlanKeep *k);

/* Many hosts, each a request like @base with another path: @done is called in their order, with NULL for one that failed. */
typedef CtlExit (*PlanHostDone)(void *userdata, const json_t *doc);
CtlExit plan_hosts(const PlanRequest *base, char *const *paths, size_t n_paths, bool is_line, PlanHostDone done, void *userdata);
/* One line on standard error that says where and what. */
void plan_say_error(const TraceError *e, int error);

/* Tables for people. */
void plan_show(const Invocation *i, const json_t *doc);
void plan_show_fleet(const Invocation *i, const json_t *doc);
void plan_show_cgroups(const Invocation *i, const json_t *doc);
void plan_show_density(const Invocation *i, const json_t *doc);
void plan_show_advice(const Invocation *i, const json_t *doc);

/* --report=FILE: written beside it and renamed, so that it is whole or the old one. */
CtlExit plan_write_report(const json_t *doc, const char *path);
/* --write-dropins=DIR: DIR/UNIT.d/50-headroom.conf. A file that is there and differs stays as it is, and is said. */
CtlExit plan_write_dropins(const Invocation *i, const json_t *doc, const char *dir);

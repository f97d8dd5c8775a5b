/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The files of one name -> one checked DaemonPolicy, CgroupPolicy or Rule. */

#include "base/macros.h"
#include "config/dropins.h"
#include "config/ini-file.h"
#include "config/options.h"

/* The parsed files of one ConfigUnit. */
typedef struct MergeUnit {
        ConfigKind kind;
        const char *name;
        bool has_file; /* files[0] is no drop-in */
        bool alone;    /* one file checked by itself: a drop-in may lack what its file has */
        IniFile *files;
        size_t n_files;
} MergeUnit;

typedef enum MergeOutcome {
        MERGE_DONE = 0,
        MERGE_DISABLED = 1, /* the file holds no section: this name is not there */
} MergeOutcome;

/*
 * Checks every setting of every file, then applies those that count to @target, which
 * config_target_init() has filled. Returns a MergeOutcome; -EINVAL with messages in @report; -ENOMEM.
 */
int merge_apply(const MergeUnit *u, Policy *tables, ConfigReport *report, void *target);

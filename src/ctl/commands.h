/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The surface of headroomctl in one place: commands, their arguments and options, formats, exit statuses. The
 * table drives parsing, --help, and the test that the manual page names all of it.
 */

#include <stdio.h>

#include "base/macros.h"

/* What scripts may rely on. Never renumbered. */
typedef enum CtlExit {
        CTL_EXIT_OK = 0,
        CTL_EXIT_FAILED = 1,        /* it did not work, there is no such thing, or check found errors */
        CTL_EXIT_USAGE = 2,         /* the command line is wrong */
        CTL_EXIT_NOT_RUNNING = 3,   /* headroomd does not run or does not answer */
        CTL_EXIT_NOT_PERMITTED = 4, /* that is for root */
        _CTL_EXIT_MAX,
} CtlExit;
const char *ctl_exit_describe(CtlExit status);

typedef enum Format {
        FORMAT_TEXT,
        FORMAT_JSON,
        FORMAT_JSONL, /* one object a line: plan only */
        _FORMAT_MAX,
        _FORMAT_INVALID = -EINVAL,
} Format;
const char *format_to_string(Format f);

typedef enum CtlOption {
        CTL_OPTION_OUTPUT,
        CTL_OPTION_ROOT,
        CTL_OPTION_STRICT,
        CTL_OPTION_OPTIONS,
        CTL_OPTION_DUMP,
        CTL_OPTION_POLICY,
        CTL_OPTION_CHECK,
        CTL_OPTION_VERBOSE,
        CTL_OPTION_RUNTIME_DIR,
        CTL_OPTION_AFTER_CRASH,
        CTL_OPTION_RAM,
        CTL_OPTION_SWAP,
        CTL_OPTION_ZRAM,
        CTL_OPTION_SWAPPINESS,
        CTL_OPTION_OVERCOMMIT,
        CTL_OPTION_SCALE,
        CTL_OPTION_LIMIT,
        CTL_OPTION_DENSITY,
        CTL_OPTION_REPORT,
        CTL_OPTION_WRITE_DROPINS,
        CTL_OPTION_MERGE,
        CTL_OPTION_FOR,
        CTL_OPTION_INTERVAL,
        CTL_OPTION_DETAIL_INTERVAL,
        CTL_OPTION_CMDLINE,
        CTL_OPTION_SALVAGE,
        CTL_OPTION_FORMAT,
        _CTL_OPTION_MAX,
} CtlOption;

typedef struct Command Command;

/* Of plan and report, as they were written; NULL: not given. */
#define PLAN_OPTION_LIST_MAX 8
typedef struct PlanOptions {
        const char *ram, *swap, *zram, *swappiness, *overcommit, *report, *dropins;
        const char *scales[PLAN_OPTION_LIST_MAX], *limits[PLAN_OPTION_LIST_MAX], *densities[PLAN_OPTION_LIST_MAX];
        uint32_t n_scales, n_limits, n_densities;
} PlanOptions;

/* What was asked for; strings are borrowed from argv. */
typedef struct Invocation {
        const Command *command; /* NULL: nothing to do (--help, --version) */
        Format format;
        const char *root;
        bool after_crash;        /* keep what a restart keeps; nothing to do while a daemon runs */
        const char *runtime_dir; /* NULL: $RUNTIME_DIRECTORY or /run/headroom */
        const char *policy; /* replay, plan: NULL for none */
        bool check, verbose;
        bool strict, list_options, dump;
        bool merge;
        PlanOptions plan;
        uint64_t for_usec, interval_usec, detail_interval_usec; /* 0: not given */
        bool cmdline, salvage;
        const char *data_format; /* --format; NULL: not given */
        bool color;
        char **args;
        int n_args;
        FILE *out;
} Invocation;

struct Command {
        const char *name;
        const char *args; /* as --help shows them, "" for none */
        int min_args, max_args;
        uint64_t options; /* bit (1 << CtlOption) */
        const char *help;
        CtlExit (*run)(const Invocation *i);
};

/* Ends with a name of NULL. */
extern const Command commands[];

void commands_help(FILE *f);
/* 0; > 0: done, leave with CTL_EXIT_OK; -EINVAL: said what is wrong on standard error. */
int commands_parse(int argc, char *argv[], Invocation *ret);
/* One of the options of plan; -EINVAL: it is none, or it has been said what is wrong. */
int plan_options_take(PlanOptions *p, CtlOption o, const char *value);

/* The commands */
CtlExit command_status(const Invocation *i);
CtlExit command_explain(const Invocation *i);
CtlExit command_history(const Invocation *i);
CtlExit command_sysctl(const Invocation *i);
CtlExit command_check(const Invocation *i);
CtlExit command_replay(const Invocation *i);
CtlExit command_release(const Invocation *i);
CtlExit command_plan(const Invocation *i);
CtlExit command_report(const Invocation *i);
CtlExit command_record(const Invocation *i);
CtlExit command_trace(const Invocation *i);

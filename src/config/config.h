/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Files -> Policy. Nothing is silently ignored: an unknown section, key or value is an error with
 * file, line, column and what was expected.
 */

#include <stdio.h>

#include "base/macros.h"
#include "model/policy.h"
#include "model/snapshot.h"

typedef enum Severity {
        SEVERITY_ERROR,   /* the policy is refused */
        SEVERITY_WARNING, /* legal, but surely not meant */
        SEVERITY_NOTE,
} Severity;

typedef struct ConfigMessage {
        Severity severity;
        char *file;            /* as the operator knows it; owned */
        unsigned line, column; /* from 1; 0 where there is none */
        char *text;            /* what is wrong, what was expected; owned */
} ConfigMessage;

typedef struct ConfigReport {
        ConfigMessage *messages;
        size_t n_messages, n_errors, n_warnings;
} ConfigReport;

void config_report_add(ConfigReport *r, Severity severity, const char *file, unsigned line, unsigned column,
                       const char *format, ...) _printf_(6, 7);
void config_report_done(ConfigReport *r);
/* file:line:column: error: text, untrusted text escaped */
void config_report_print(const ConfigReport *r, FILE *f);

/*
 * Loads the whole policy as the daemon would: etc/headroom, run/headroom, usr/local/lib/headroom and
 * usr/lib/headroom under @root_fd (-EBADF: none of them), and below them the built-in policy. @config_dir, if not NULL, is one
 * more directory that comes first (headroomd --config=DIR, headroomctl check DIR), opened as it is given.
 * 0; -EINVAL where @report holds errors (then *ret is untouched); other negative errno (-ENOMEM). Warnings
 * and notes may come with an accepted policy too: print them, they say what has no effect.
 */
int policy_load(int root_fd, const char *config_dir, ConfigReport *report, Policy **ret);
/* From the text of policy_dump(), without any file; @label is for messages. Return as policy_load(). */
int policy_load_text(const char *text, size_t n, const char *label, ConfigReport *report, Policy **ret);
Policy *policy_free(Policy *p);
DEFINE_TRIVIAL_CLEANUP(Policy, policy_free)

/*
 * Checks one file on its own; a relative @path begins at @root_fd, or with AT_FDCWD at the working directory. Its
 * kind is taken from where it lies (headroomd.conf, cgroups.d/, rules.d/), else from its sections.
 */
int policy_check_file(int root_fd, const char *path, ConfigReport *report);

/* What is legal but surely not meant, as far as the policy alone shows it. */
void policy_lint(const Policy *p, ConfigReport *report);
/*
 * What a host lacks, as bits: those of sense's Degraded, which config may not include. A test compares them.
 */
#define CONFIG_HOST_NO_PSI     (1u << 0)
#define CONFIG_HOST_NO_CGROUP2 (1u << 1)
#define CONFIG_HOST_NO_MEMCG   (1u << 2)
#define CONFIG_HOST_NO_SWAP    (1u << 3)
/* ... and as far as the host shows it: patterns that match nothing, metrics that this host does not have. */
void policy_lint_snapshot(const Policy *p, const Snapshot *s, uint32_t degraded, ConfigReport *report);

/* Index in p->cgroups of the first that matches, -1 for none. The host's policy never matches here. */
int32_t policy_match_cgroup(const Policy *p, const char *path, bool limited);
/* Index of the policy of the host, -1 for none. */
int32_t policy_host(const Policy *p);
/* Fills rule_adjust, rule, tier, kernel_wanted and kernel_rule of @ret. Allocates nothing of its own. */
void policy_match_process(const Policy *p, const ProcessFacts *facts, ProcessSample *ret);

/* The effective policy as files that would load to the same policy; every option with its value. */
void policy_dump(const Policy *p, FILE *f);
int policy_to_text(const Policy *p, char **ret, size_t *ret_n, uint64_t *ret_hash);
/* Every option with its default and its help, as conf/ ships it and the man page lists it. */
void config_dump_options(FILE *f);

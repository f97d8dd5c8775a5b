/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which files make up the policy: the search path, masking and drop-ins, as systemd does them.
 *
 * Directories, highest first: --config=DIR, etc/headroom, run/headroom, usr/local/lib/headroom,
 * usr/lib/headroom, the built-in files. A file hides one of the same name in a lower directory. One that
 * is a link to /dev/null, or holds no section, takes the name away altogether. NAME.conf.d/ of all directories
 * holds drop-ins, applied in the order of their names, whatever directory they are in.
 */

#include "base/macros.h"
#include "config/config.h"
#include "config/options.h"

/* One file as it was read. */
typedef struct ConfigText {
        char *label; /* path as the operator knows it */
        char *name;  /* without .conf */
        char *data;
        size_t n;
        bool vendor; /* from usr/, or built in */
} ConfigText;

/* A file with its drop-ins. */
typedef struct ConfigUnit {
        ConfigKind kind;
        char *name;    /* without .conf */
        bool has_file; /* texts[0] is the file itself; else all are drop-ins */
        ConfigText *texts;
        size_t n_texts;
} ConfigUnit;

typedef struct ConfigUnits {
        ConfigUnit *units; /* headroomd.conf, then cgroups.d, then rules.d; by name in each */
        size_t n_units;
} ConfigUnits;

/* 0; -EINVAL where @report got errors; -ENOMEM. @ret is to be given to config_units_done() either way. */
int config_units_find(int root_fd, const char *config_dir, ConfigReport *report, ConfigUnits *ret);
void config_units_done(ConfigUnits *u);

/*
 * The same out of the text of policy_dump(): "# file: NAME" begins each file. @label names it in messages. Return and
 * @ret as above.
 */
int config_units_split(const char *text, size_t n, const char *label, ConfigReport *report, ConfigUnits *ret);

/* Reads one file; a link to /dev/null reads as empty. -EINVAL with a message in @report; -ENOMEM. */
int config_text_read(int dir_fd, const char *path, const char *label, ConfigReport *report, ConfigText *ret);
void config_text_done(ConfigText *t);

/* Where files of this kind lie; "." for headroomd.conf. */
const char *config_kind_directory(ConfigKind kind);
/* Letters, digits and . _ - @ + : only. */
bool config_name_is_plain(const char *s, size_t n);

/* Longest NAME of NAME.conf: it has to fit a Decision. */
#define CONFIG_NAME_BYTES_MAX 63

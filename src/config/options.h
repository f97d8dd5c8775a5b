/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The one table of every option of every file: it drives parsing, the dump, the list of options, and the
 * tests that conf/ and the man pages name each of them.
 */

#include <stdio.h>

#include "base/macros.h"
#include "config/config.h"
#include "config/expression.h"

typedef enum ConfigKind {
        CONFIG_MAIN,   /* headroomd.conf -> DaemonPolicy */
        CONFIG_CGROUP, /* cgroups.d/NAME.conf -> CgroupPolicy */
        CONFIG_RULE,   /* rules.d/NAME.conf -> Rule */
        _CONFIG_KIND_MAX,
} ConfigKind;

typedef struct ConfigItem ConfigItem;

/* Where a value stands and what its parser may fill beside the target. */
typedef struct ConfigContext {
        ConfigReport *report;
        const char *file;
        unsigned line, column; /* of the first byte of the value */
        Policy *policy;        /* takes terms and expressions */
        ExpressionScope scope;
} ConfigContext;

void config_context_error(const ConfigContext *c, size_t offset, const char *format, ...) _printf_(3, 4);

/* How one kind of value is read and written. */
typedef struct ConfigType {
        const char *expected; /* "yes or no" */
        /* 0; -EINVAL with a message in c->report; -ENOMEM. @value is not empty; @field is target + item->offset. */
        int (*parse)(const ConfigContext *c, const ConfigItem *item, const char *value, void *field);
        /* One or more "KEY=VALUE" lines; none where the value is not set. */
        void (*print)(FILE *f, const ConfigItem *item, const void *field, const Policy *p, ExpressionScope scope);
} ConfigType;

struct ConfigItem {
        ConfigKind kind;
        const char *section, *key;
        const ConfigType *type;
        size_t offset;       /* in the struct of its kind */
        const char *initial; /* default, as it would be written; NULL where there is none */
        uint64_t min, max;   /* of numbers and times; both 0: the type knows */
        bool is_list;        /* may be given more than once; an empty value drops what stood before */
        const char *help;
};

extern const ConfigItem config_items[];
extern const size_t n_config_items;

const ConfigItem *config_item_find(ConfigKind kind, const char *section, const char *key);
bool config_section_exists(ConfigKind kind, const char *section);
/* "headroomd.conf", "cgroups.d/NAME.conf", "rules.d/NAME.conf" */
const char *config_kind_to_string(ConfigKind kind);
size_t config_kind_size(ConfigKind kind);
/* @target zeroed before; sets every default. -ENOMEM. */
int config_target_init(ConfigKind kind, void *target);
void config_target_done(ConfigKind kind, void *target);

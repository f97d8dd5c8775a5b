/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The effective policy, canonical: every option with its value, in the order of the option table, files
 * in the order in which they count. Where the policy was read from is left out, so that equal policies
 * have equal dumps, and the hash of a policy is the hash of its dump.
 */

#include <stdio.h>
#include <string.h>

#include "config/builtin.h"
#include "config/options.h"

static void dump_target(FILE *f, ConfigKind kind, const void *target, const Policy *p, ExpressionScope scope) {
        const char *section = "";

        for (size_t i = 0; i < n_config_items; i++) {
                const ConfigItem *item = &config_items[i];
                if (item->kind != kind)
                        continue;
                if (kind == CONFIG_CGROUP && strcmp(item->section, "Proactive") == 0) {
                        /* the policy of the host may not even have the section */
                        if (((const CgroupPolicy *)target)->proactive.pressure_permyriad == 0)
                                continue;
                } else if (kind == CONFIG_CGROUP && strcmp(item->section, "Match") != 0) {
                        const CgroupPolicy *cp = target;
                        Level level = strcmp(item->section, "Warn") == 0      ? LEVEL_WARN
                                      : strcmp(item->section, "Relieve") == 0 ? LEVEL_RELIEVE
                                                                              : LEVEL_KILL;
                        if (cp->levels[level].when == EXPR_NONE)
                                continue;
                }
                if (strcmp(section, item->section) != 0)
                        fprintf(f, "[%s]\n", item->section);
                section = item->section;
                item->type->print(f, item, (const char *)target + item->offset, p, scope);
        }
}

static bool has_cgroup_policy(const Policy *p, const char *file) {
        for (uint32_t i = 0; i < p->n_cgroups; i++) {
                size_t n = strlen(p->cgroups[i].name);
                if (strncmp(file, p->cgroups[i].name, n) == 0 && strcmp(file + n, ".conf") == 0)
                        return true;
        }
        return false;
}

/* A built-in file that was disabled has to be so in the dump as well: a file without a section. */
static void dump_disabled(const Policy *p, FILE *f) {
        static const char prefix[] = "cgroups.d/";
        size_t n;
        const BuiltinFile *files = builtin_files(&n);

        for (size_t i = 0; i < n; i++)
                if (strncmp(files[i].path, prefix, sizeof(prefix) - 1) == 0 &&
                    !has_cgroup_policy(p, files[i].path + sizeof(prefix) - 1))
                        fprintf(f, "\n# file: %s\n# disabled\n", files[i].path);
}

/**
 * policy_dump() - write the effective policy
 *
 * "# file: NAME" begins each file; put into files of these names it loads to a policy of the same hash.
 */
void policy_dump(const Policy *p, FILE *f) {
        fprintf(f, "# file: headroomd.conf\n");
        dump_target(f, CONFIG_MAIN, &p->daemon, p, SCOPE_HOST);
        for (uint32_t i = 0; i < p->n_cgroups; i++) {
                const CgroupPolicy *cp = &p->cgroups[i];
                fprintf(f, "\n# file: cgroups.d/%s.conf\n", cp->name);
                dump_target(f, CONFIG_CGROUP, cp, p, cp->host ? SCOPE_HOST : SCOPE_CGROUP);
        }
        dump_disabled(p, f);
        for (uint32_t i = 0; i < p->n_rules; i++) {
                fprintf(f, "\n# file: rules.d/%s.conf\n", p->rules[i].name);
                dump_target(f, CONFIG_RULE, &p->rules[i], p, SCOPE_CGROUP);
        }
}

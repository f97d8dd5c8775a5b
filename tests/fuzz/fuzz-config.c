/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One file as each of the three kinds. What is accepted must be written back as a file that is accepted
 * and written back the same.
 */

#include <stdio.h>
#include <string.h>

#include "config/merge.h"

/* Any longer text only repeats what a short one does. */
#define INPUT_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok) {
        if (!ok)
                abort();
}

/* The file as it would be dumped, or NULL where it was refused or holds nothing. */
static char *load_and_print(ConfigKind kind, const char *text, size_t size) {
        union {
                DaemonPolicy daemon;
                CgroupPolicy cgroup;
                Rule rule;
        } target = {};
        Policy tables = {};
        ConfigReport report = {};
        IniFile file;
        char *out = NULL;
        size_t n = 0;
        const char *section = "";

        int r = ini_file_parse("fuzz", text, size, &report, &file);
        require(r == (report.n_errors > 0 ? -EINVAL : 0));
        MergeUnit m = { .kind = kind, .name = "fuzz", .has_file = true, .files = &file, .n_files = 1 };
        require(config_target_init(kind, &target) == 0);
        if (r == 0) {
                r = merge_apply(&m, &tables, &report, &target);
                require((r == -EINVAL) == (report.n_errors > 0));
        }
        if (r == MERGE_DONE) {
                ExpressionScope scope = kind == CONFIG_CGROUP && target.cgroup.host ? SCOPE_HOST : SCOPE_CGROUP;
                FILE *f = open_memstream(&out, &n);
                require(f != NULL);
                for (size_t i = 0; i < n_config_items; i++) {
                        const ConfigItem *item = &config_items[i];
                        if (item->kind != kind)
                                continue;
                        /* what a level without a condition has besides is no part of the policy */
                        if (kind == CONFIG_CGROUP && ((strcmp(item->section, "Warn") == 0 &&
                                                       target.cgroup.levels[LEVEL_WARN].when == EXPR_NONE) ||
                                                      (strcmp(item->section, "Relieve") == 0 &&
                                                       target.cgroup.levels[LEVEL_RELIEVE].when == EXPR_NONE) ||
                                                      (strcmp(item->section, "Kill") == 0 &&
                                                       target.cgroup.levels[LEVEL_KILL].when == EXPR_NONE)))
                                continue;
                        if (kind == CONFIG_CGROUP && strcmp(item->section, "Proactive") == 0 &&
                            target.cgroup.proactive.pressure_permyriad == 0)
                                continue;
                        if (strcmp(section, item->section) != 0)
                                fprintf(f, "[%s]\n", item->section);
                        section = item->section;
                        item->type->print(f, item, (char *)&target + item->offset, &tables, scope);
                }
                require(fclose(f) == 0);
        }
        FILE *null = fopen("/dev/null", "we");
        if (null) {
                config_report_print(&report, null);
                (void)fclose(null);
        }
        config_target_done(kind, &target);
        free(tables.terms);
        free(tables.exprs);
        ini_file_done(&file);
        config_report_done(&report);
        return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size > INPUT_MAX)
                return 0;
        for (ConfigKind kind = 0; kind < _CONFIG_KIND_MAX; kind++) {
                char *text = load_and_print(kind, (const char *)data, size);
                if (!text)
                        continue;
                char *again = load_and_print(kind, text, strlen(text));
                require(again && strcmp(text, again) == 0);
                free(again);
                free(text);
        }
        return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What stands in [Sysctl]: keep, a number in the range of the row, or auto where headroom has an opinion. */

#include <inttypes.h>
#include <string.h>

#include "config/values.h"

static int parse_setting(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        SysctlSetting *setting = field;
        uint64_t v;

        if (strcmp(value, "keep") == 0) {
                *setting = (SysctlSetting){ .mode = SYSCTL_KEEP };
                return 0;
        }
        if (strcmp(value, "auto") == 0 && item->type == &type_sysctl_auto) {
                *setting = (SysctlSetting){ .mode = SYSCTL_AUTO };
                return 0;
        }
        if (strcmp(value, "auto") == 0) {
                config_context_error(c, 0,
                                     "%s=auto, expected keep or %" PRIu64 " to %" PRIu64
                                     ": there is nothing to derive it from, auto is for Swappiness=, OvercommitRatio= "
                                     "and PageCluster=",
                                     item->key, item->min, item->max);
                return -EINVAL;
        }
        int r = text_parse_u64(value, &v);
        if (r < 0 || v < item->min || v > item->max) {
                config_context_error(c, 0, "%s=%.60s, expected %s%" PRIu64 " to %" PRIu64, item->key, value,
                                     item->type == &type_sysctl_auto ? "keep, auto or " : "keep or ", item->min,
                                     item->max);
                return -EINVAL;
        }
        *setting = (SysctlSetting){ .mode = SYSCTL_VALUE, .value = v };
        return 0;
}

static void print_setting(FILE *f, const ConfigItem *item, const void *field, const Policy *p, ExpressionScope scope) {
        const SysctlSetting *setting = field;
        (void)p;
        (void)scope;

        if (setting->mode == SYSCTL_VALUE)
                fprintf(f, "%s=%" PRIu64 "\n", item->key, setting->value);
        else
                fprintf(f, "%s=%s\n", item->key, sysctl_mode_to_string(setting->mode));
}

const ConfigType type_sysctl = { "keep or a number", parse_setting, print_setting };
const ConfigType type_sysctl_auto = { "keep, auto or a number", parse_setting, print_setting };

static int parse_restore(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        SysctlRestore v = sysctl_restore_from_string(value);

        if ((int)v < 0) {
                config_context_error(c, 0, "%s=%.60s, expected %s", item->key, value, item->type->expected);
                return -EINVAL;
        }
        *(SysctlRestore *)field = v;
        return 0;
}

static void print_restore(FILE *f, const ConfigItem *item, const void *field, const Policy *p, ExpressionScope scope) {
        (void)p;
        (void)scope;
        fprintf(f, "%s=%s\n", item->key, sysctl_restore_to_string(*(const SysctlRestore *)field));
}

const ConfigType type_sysctl_restore = { "exit, stop or never", parse_restore, print_restore };

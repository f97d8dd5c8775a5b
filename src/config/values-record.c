/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What stands in [Record] and nowhere else: a directory. */

#include <string.h>

#include "base/text.h"
#include "config/values.h"

/* It is made where it is not there: a path that climbs up again would make one that nobody meant. */
static bool is_plain(const char *path) {
        const char *at = path;

        while ((at = strstr(at, "/.."))) {
                if (at[3] == '/' || at[3] == '\0')
                        return false;
                at += 3;
        }
        return path[0] == '/' && path[1] != '\0';
}

static int parse_directory(const ConfigContext *c, const ConfigItem *item, const char *value, void *field) {
        size_t n = strlen(value);

        if (!is_plain(value)) {
                config_context_error(c, 0, "%s=%.60s, expected %s", item->key, value, item->type->expected);
                return -EINVAL;
        }
        if (n >= RECORD_DIRECTORY_MAX) {
                config_context_error(c, 0, "%s= is longer than %d bytes", item->key, RECORD_DIRECTORY_MAX - 1);
                return -EINVAL;
        }
        while (n > 1 && value[n - 1] == '/')
                n--;
        memset(field, 0, RECORD_DIRECTORY_MAX);
        memcpy(field, value, n);
        return 0;
}

static void print_directory(FILE *f, const ConfigItem *item, const void *field, const Policy *p, ExpressionScope scope) {
        (void)p;
        (void)scope;
        fprintf(f, "%s=%s\n", item->key, (const char *)field);
}

const ConfigType type_directory = { "an absolute path without \"..\"", parse_directory, print_directory };

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The text of policy_dump() -> the files that it stands for, as config_units_find() would have found them. The text may come
 * out of a trace from anywhere: names are checked like those of files, and a name stands once.
 */

#include "config/dropins.h"

#include <stdio.h>
#include <string.h>

#include "config/grow.h"
#include "config/ini-file.h"

/* Begins a file in the text; what follows, to the end of the line, is its name. */
#define FILE_MARK "# file: "
/* headroomd.conf, and as many files as a policy may have of either kind; disabled ones besides. */
#define FILES_MAX (1 + 2 * (POLICY_CGROUPS_MAX + POLICY_RULES_MAX))

typedef struct Split {
        const char *label;
        ConfigReport *report;
        ConfigUnits *units;
} Split;

static size_t line_length(const char *s, const char *end) {
        const char *nl = memchr(s, '\n', (size_t)(end - s));
        return nl ? (size_t)(nl - s) + 1 : (size_t)(end - s);
}

static bool is_mark(const char *s, size_t n) {
        return n >= sizeof(FILE_MARK) - 1 && memcmp(s, FILE_MARK, sizeof(FILE_MARK) - 1) == 0;
}

/* "cgroups.d/NAME.conf" -> its kind and NAME. */
static bool name_parse(const char *s, size_t n, ConfigKind *ret_kind, const char **ret_name, size_t *ret_n) {
        static const char suffix[] = ".conf";
        const size_t n_suffix = sizeof(suffix) - 1;

        if (n <= n_suffix || memcmp(s + n - n_suffix, suffix, n_suffix) != 0)
                return false;
        n -= n_suffix;
        for (ConfigKind kind = 0; kind < _CONFIG_KIND_MAX; kind++) {
                const char *dir = config_kind_directory(kind);
                size_t n_dir = strlen(dir);
                if (kind == CONFIG_MAIN) {
                        if (n != strlen("headroomd") || memcmp(s, "headroomd", n) != 0)
                                continue;
                        n_dir = 0;
                } else {
                        if (n <= n_dir + 1 || memcmp(s, dir, n_dir) != 0 || s[n_dir] != '/')
                                continue;
                        n_dir++;
                }
                if (n - n_dir > CONFIG_NAME_BYTES_MAX || !config_name_is_plain(s + n_dir, n - n_dir))
                        return false;
                *ret_kind = kind;
                *ret_name = s + n_dir;
                *ret_n = n - n_dir;
                return true;
        }
        return false;
}

static bool units_have(const ConfigUnits *u, ConfigKind kind, const char *name) {
        for (size_t i = 0; i < u->n_units; i++)
                if (u->units[i].kind == kind && strcmp(u->units[i].name, name) == 0)
                        return true;
        return false;
}

static int unit_add(Split *s, ConfigKind kind, const char *name, const char *data, size_t n) {
        ConfigUnits *u = s->units;

        if (array_reserve(&u->units, u->n_units, sizeof(ConfigUnit)) < 0)
                return -ENOMEM;
        ConfigUnit *unit = &u->units[u->n_units++];
        *unit = (ConfigUnit){ .kind = kind, .has_file = true, .name = strdup(name) };
        unit->texts = calloc(1, sizeof(ConfigText));
        if (!unit->name || !unit->texts)
                return -ENOMEM;
        unit->n_texts = 1;
        const char *dir = config_kind_directory(kind);
        ConfigText *t = unit->texts;
        *t = (ConfigText){ .name = strdup(name), .data = malloc(n + 1), .n = n };
        if (!t->name || !t->data)
                return -ENOMEM;
        memcpy(t->data, data, n);
        t->data[n] = '\0';
        if (asprintf(&t->label, "%s/%s%s%s.conf", s->label, kind == CONFIG_MAIN ? "" : dir, kind == CONFIG_MAIN ? "" : "/",
                     name) < 0) {
                t->label = NULL;
                return -ENOMEM;
        }
        return 0;
}

/* @mark: the line that names the file. */
static int file_add(Split *s, const char *mark, size_t n_mark, unsigned line, const char *data, size_t n) {
        char name[CONFIG_NAME_BYTES_MAX + 1];
        ConfigKind kind;
        const char *at;
        size_t n_name;

        mark += sizeof(FILE_MARK) - 1;
        n_mark -= sizeof(FILE_MARK) - 1;
        if (n_mark > 0 && mark[n_mark - 1] == '\n')
                n_mark--;
        if (!name_parse(mark, n_mark, &kind, &at, &n_name)) {
                config_report_add(s->report, SEVERITY_ERROR, s->label, line, sizeof(FILE_MARK),
                                  "file '%.*s', expected headroomd.conf, cgroups.d/NAME.conf or rules.d/NAME.conf",
                                  (int)MIN(n_mark, (size_t)96), mark);
                return -EINVAL;
        }
        memcpy(name, at, n_name);
        name[n_name] = '\0';
        if (units_have(s->units, kind, name) || s->units->n_units == FILES_MAX || n > INI_FILE_BYTES_MAX) {
                config_report_add(s->report, SEVERITY_ERROR, s->label, line, sizeof(FILE_MARK), "%s.conf %s", name,
                                  n > INI_FILE_BYTES_MAX              ? "is too big"
                                  : units_have(s->units, kind, name) ? "stands there already"
                                                                      : "is one file too many");
                return -EINVAL;
        }
        return unit_add(s, kind, name, data, n);
}

static int unit_compare(const void *a, const void *b) {
        const ConfigUnit *x = a, *y = b;
        if (x->kind != y->kind)
                return x->kind < y->kind ? -1 : 1;
        return strcmp(x->name, y->name);
}

int config_units_split(const char *text, size_t n, const char *label, ConfigReport *report, ConfigUnits *ret) {
        Split s = { .label = label, .report = report, .units = ret };
        const char *end = text + n, *at = text, *mark = NULL;
        size_t n_mark = 0;
        unsigned line = 1, mark_line = 0;
        bool failed = false;

        *ret = (ConfigUnits){};
        if (memchr(text, '\0', n)) {
                config_report_add(report, SEVERITY_ERROR, label, 0, 0, "holds a NUL byte, expected text");
                return -EINVAL;
        }
        for (;;) {
                size_t n_line = at < end ? line_length(at, end) : 0;
                if (at < end && !is_mark(at, n_line)) {
                        if (!mark && at[0] != '\n' && at[0] != '#' && !failed) {
                                config_report_add(report, SEVERITY_ERROR, label, line, 1, "expected \"%sNAME\"", FILE_MARK);
                                failed = true;
                        }
                } else {
                        int r = mark ? file_add(&s, mark, n_mark, mark_line, mark + n_mark, (size_t)(at - mark) - n_mark) : 0;
                        if (r == -ENOMEM)
                                return r;
                        failed = failed || r < 0;
                        if (at >= end)
                                break;
                        mark = at;
                        n_mark = n_line;
                        mark_line = line;
                }
                at += n_line;
                line++;
        }
        if (!failed && ret->n_units == 0) {
                config_report_add(report, SEVERITY_ERROR, label, 0, 0, "holds no file, expected \"%sNAME\"", FILE_MARK);
                failed = true;
        }
        if (ret->n_units > 0)
                qsort(ret->units, ret->n_units, sizeof(ConfigUnit), unit_compare);
        return failed ? -EINVAL : 0;
}

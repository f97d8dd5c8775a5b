/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Two passes over the settings of one name. The first parses each value into a target that is thrown
 * away, so that a value that a drop-in overrides is checked like any other; the second parses those that
 * count into the real one, so that its tables hold nothing else.
 *
 * A later file overrides an earlier one key by key; an empty value there goes back to the default. Keys
 * that are lists add up. Within one file a key stands once, lists excepted.
 */

#include "config/merge.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "config/values.h"

/* A setting with the file it stands in. */
typedef struct Setting {
        const IniFile *file;
        const IniEntry *entry;
} Setting;

/* Lines of one list, drop-ins included; the last place only tells that there are too many. */
#define SETTINGS_MAX 65

#define setting_error(report, file, entry, column, ...) \
        config_report_add(report, SEVERITY_ERROR, (file)->label, (entry)->line, column, __VA_ARGS__)

static const char *settings_of(ConfigKind kind, const char *section, char *buf, size_t size) {
        TextBuf b = { .data = buf, .size = size };

        buf[0] = '\0';
        for (size_t i = 0; i < n_config_items; i++)
                if (config_items[i].kind == kind && strcmp(config_items[i].section, section) == 0)
                        text_appendf(&b, "%s%s=", b.len > 0 ? ", " : "", config_items[i].key);
        return buf;
}

static const char *sections_of(ConfigKind kind, char *buf, size_t size) {
        TextBuf b = { .data = buf, .size = size };
        const char *last = "";

        buf[0] = '\0';
        for (size_t i = 0; i < n_config_items; i++) {
                if (config_items[i].kind != kind || strcmp(config_items[i].section, last) == 0)
                        continue;
                last = config_items[i].section;
                text_appendf(&b, "%s[%s]", b.len > 0 ? ", " : "", last);
        }
        return buf;
}

static void check_sections(const MergeUnit *u, const IniFile *f, ConfigReport *report) {
        char list[160];

        for (size_t i = 0; i < f->n_sections; i++)
                if (!config_section_exists(u->kind, f->sections[i].name))
                        config_report_add(report, SEVERITY_ERROR, f->label, f->sections[i].line, 1,
                                          "unknown section [%s] for %s, expected %s", f->sections[i].name,
                                          config_kind_to_string(u->kind), sections_of(u->kind, list, sizeof(list)));
}

static const IniEntry *find_earlier(const IniFile *f, const IniEntry *e) {
        for (const IniEntry *x = f->entries; x < e; x++)
                if (strcmp(x->section, e->section) == 0 && strcmp(x->key, e->key) == 0)
                        return x;
        return NULL;
}

/* What can be said of a setting before its value is parsed. NULL where there was an error. */
static const ConfigItem *check_entry(const MergeUnit *u, const IniFile *f, const IniEntry *e, ConfigReport *report) {
        const ConfigItem *item = config_item_find(u->kind, e->section, e->key);
        bool is_dropin = !u->has_file || f != u->files;
        const IniEntry *earlier = find_earlier(f, e);
        char list[400];

        if (!item) {
                /* an unknown section has been reported where it begins */
                if (config_section_exists(u->kind, e->section))
                        setting_error(report, f, e, e->key_column, "unknown key %s= in [%s], expected %s", e->key,
                                      e->section, settings_of(u->kind, e->section, list, sizeof(list)));
                return NULL;
        }
        if (earlier && !item->is_list) {
                setting_error(report, f, e, e->key_column, "%s= again in [%s], it stands at line %u already", e->key,
                              e->section, earlier->line);
                return NULL;
        }
        if (e->value[0] == '\0' && !is_dropin) {
                setting_error(report, f, e, e->value_column,
                              "%s= without a value, expected %s (only a drop-in can take a value back)", e->key,
                              item->type->expected);
                return NULL;
        }
        if (e->value[0] == '"' || e->value[0] == '\'') {
                setting_error(report, f, e, e->value_column, "quote, expected %s (quotes are not needed and not taken)",
                              item->type->expected);
                return NULL;
        }
        return item;
}

static int parse_setting(const MergeUnit *u, Setting s, const ConfigItem *item, ExpressionScope scope, Policy *tables,
                         ConfigReport *report, void *target) {
        ConfigContext c = {
                .report = report,
                .file = s.file->label,
                .line = s.entry->line,
                .column = s.entry->value_column,
                .policy = tables,
                .scope = scope,
        };
        (void)u;
        return item->type->parse(&c, item, s.entry->value, (char *)target + item->offset);
}

/* Parses one value into nothing. */
static int try_setting(const MergeUnit *u, Setting s, const ConfigItem *item, ExpressionScope scope,
                       ConfigReport *report) {
        Policy tables = {};
        int r;
        _cleanup_free_ void *target = calloc(1, config_kind_size(u->kind));

        if (!target)
                return -ENOMEM;
        r = config_target_init(u->kind, target);
        if (r >= 0)
                r = parse_setting(u, s, item, scope, &tables, report, target);
        config_target_done(u->kind, target);
        free(tables.terms);
        free(tables.exprs);
        return r;
}

static int check_all(const MergeUnit *u, ExpressionScope scope, ConfigReport *report) {
        size_t n_errors = report->n_errors;

        for (size_t i = 0; i < u->n_files; i++) {
                const IniFile *f = &u->files[i];
                check_sections(u, f, report);
                for (size_t k = 0; k < f->n_entries; k++) {
                        Setting s = { .file = f, .entry = &f->entries[k] };
                        const ConfigItem *item = check_entry(u, f, s.entry, report);
                        if (!item || s.entry->value[0] == '\0')
                                continue;
                        if (try_setting(u, s, item, scope, report) == -ENOMEM)
                                return -ENOMEM;
                }
        }
        return report->n_errors > n_errors ? -EINVAL : 0;
}

/* The settings of one key that count, in order; *ret_given where any file says anything about it. */
static size_t find_settings(const MergeUnit *u, const ConfigItem *item, Setting ret[static SETTINGS_MAX],
                            bool *ret_given) {
        size_t n = 0;

        *ret_given = false;
        for (size_t i = 0; i < u->n_files; i++)
                for (size_t k = 0; k < u->files[i].n_entries; k++) {
                        const IniEntry *e = &u->files[i].entries[k];
                        if (strcmp(e->section, item->section) != 0 || strcmp(e->key, item->key) != 0)
                                continue;
                        *ret_given = true;
                        if (e->value[0] == '\0') {
                                n = 0;
                                continue;
                        }
                        if (!item->is_list)
                                n = 0;
                        ret[MIN(n, (size_t)SETTINGS_MAX - 1)] = (Setting){ .file = &u->files[i], .entry = e };
                        n = MIN(n + 1, (size_t)SETTINGS_MAX);
                }
        return n;
}

/* Conditions mean something else in the policy of the host, so [Match] is looked at first. */
static ExpressionScope find_scope(const MergeUnit *u) {
        Setting s[SETTINGS_MAX];
        bool given;

        if (u->kind != CONFIG_CGROUP)
                return SCOPE_CGROUP;
        size_t n = find_settings(u, config_item_find(CONFIG_CGROUP, "Match", "Cgroup"), s, &given);
        if (n > 0)
                return strcmp(s[0].entry->value, "/") == 0 ? SCOPE_HOST : SCOPE_CGROUP;
        return u->alone && !u->has_file ? SCOPE_UNKNOWN : SCOPE_CGROUP;
}

/* Where to point at for a mistake that is in no single place: the last setting of @key, or the file. */
static void whole_error(const MergeUnit *u, const char *section, const char *key, ConfigReport *report,
                        const char *text) {
        Setting s[SETTINGS_MAX];
        const ConfigItem *item = key ? config_item_find(u->kind, section, key) : NULL;
        bool given;
        size_t n = item ? find_settings(u, item, s, &given) : 0;

        if (n > 0)
                setting_error(report, s[n - 1].file, s[n - 1].entry, s[n - 1].entry->value_column, "%s", text);
        else
                config_report_add(report, SEVERITY_ERROR, u->files[0].label, 0, 0, "%s", text);
}

static void check_daemon(const MergeUnit *u, const DaemonPolicy *d, ConfigReport *report) {
        if (d->interval_min_usec > d->interval_max_usec)
                whole_error(u, "Daemon", "IntervalMin", report,
                            "IntervalMin= is above IntervalMax=, expected at most that");
        if (d->sysctl.swappiness_min > d->sysctl.swappiness_max)
                whole_error(u, "Sysctl", "SwappinessMin", report,
                            "SwappinessMin= is above SwappinessMax=, expected at most that");
        if (d->sysctl.settings[SYSCTL_OVERCOMMIT_RATIO].mode != SYSCTL_KEEP &&
            d->sysctl.settings[SYSCTL_OVERCOMMIT_KBYTES].mode != SYSCTL_KEEP)
                whole_error(u, "Sysctl", "OvercommitKbytes", report,
                            "OvercommitKbytes= beside OvercommitRatio=, expected one of them: each zeroes the other");
}

/* A level whose When= nobody gives must have nothing else either: the rest would be without effect. */
static void check_level(const MergeUnit *u, const char *section, ConfigReport *report) {
        Setting s[SETTINGS_MAX];
        const ConfigItem *any = NULL;
        bool given, when = false;
        char text[120];

        for (size_t i = 0; i < n_config_items; i++) {
                const ConfigItem *item = &config_items[i];
                if (item->kind != CONFIG_CGROUP || strcmp(item->section, section) != 0)
                        continue;
                (void)find_settings(u, item, s, &given);
                if (given && strcmp(item->key, "When") == 0)
                        when = true;
                else if (given && !any)
                        any = item;
        }
        if (!any || when)
                return;
        (void)snprintf(text, sizeof(text), "%s= without When= in [%s], expected a condition", any->key, section);
        whole_error(u, section, any->key, report, text);
}

/* The host as a whole is for kswapd: reclaim before need pays off where a stall can be laid at somebody's door. */
static void check_proactive(const MergeUnit *u, CgroupPolicy *cp, ConfigReport *report) {
        Setting s[SETTINGS_MAX];
        const ConfigItem *any = NULL;
        bool given, pressure = false;
        char text[120];

        for (size_t i = 0; i < n_config_items; i++) {
                const ConfigItem *item = &config_items[i];
                if (item->kind != CONFIG_CGROUP || strcmp(item->section, "Proactive") != 0)
                        continue;
                (void)find_settings(u, item, s, &given);
                if (given && strcmp(item->key, "Pressure") == 0)
                        pressure = true;
                if (given && !any)
                        any = item;
        }
        if (any && cp->host)
                whole_error(u, "Proactive", any->key, report,
                            "[Proactive] with Cgroup=/, expected it in the policy of a cgroup");
        else if (any && !pressure) {
                (void)snprintf(text, sizeof(text), "%s= without Pressure= in [Proactive], expected a share", any->key);
                whole_error(u, "Proactive", any->key, report, text);
        }
        if (cp->proactive.pressure_permyriad == 0)
                cp->proactive = (ProactivePolicy){};
}

static void check_cgroup(const MergeUnit *u, CgroupPolicy *cp, ConfigReport *report) {
        static const char *const keys[] = { "Cgroup", "Unit", "Container" };
        static const char *const sections[] = { "Warn", "Relieve", "Kill" };
        Setting s[SETTINGS_MAX];
        const char *last = NULL;
        size_t n = 0;
        bool given;

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (find_settings(u, config_item_find(CONFIG_CGROUP, "Match", keys[i]), s, &given) > 0) {
                        last = keys[i];
                        n++;
                }
        if (n != 1)
                whole_error(u, "Match", last, report,
                            n == 0 ? "[Match] names no cgroup, expected one of Cgroup=, Unit= and Container="
                                   : "[Match] has more than one of Cgroup=, Unit= and Container=, expected one");
        if (cp->host && cp->limited_only)
                whole_error(u, "Match", "Limited", report,
                            "Limited=yes with Cgroup=/, expected no: the host has no limit of its own");
        for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
                check_level(u, sections[i], report);
        /* nothing of a level that is never reached is part of the policy, so that equal policies are equal */
        for (Level l = LEVEL_CALM; l < _LEVEL_MAX; l++)
                if (cp->levels[l].when == EXPR_NONE)
                        cp->levels[l] = level_policy_unused();
        check_proactive(u, cp, report);
}

static void check_rule(const MergeUnit *u, const Rule *rule, ConfigReport *report) {
        bool any = false;

        for (RuleField f = 0; f < _RULE_FIELD_MAX; f++)
                any = any || rule->match[f];
        if (!any)
                whole_error(
                        u, NULL, NULL, report,
                        "[Match] is empty, expected at least one of Name=, Exe=, Cmdline=, Uid=, User=, Cgroup= and Unit=");
}

static int apply_all(const MergeUnit *u, ExpressionScope scope, Policy *tables, ConfigReport *report, void *target) {
        Setting s[SETTINGS_MAX];
        bool given;

        for (size_t i = 0; i < n_config_items; i++) {
                const ConfigItem *item = &config_items[i];
                if (item->kind != u->kind)
                        continue;
                size_t n = find_settings(u, item, s, &given);
                if (n == SETTINGS_MAX) {
                        setting_error(report, s[n - 1].file, s[n - 1].entry, s[n - 1].entry->key_column,
                                      "more than %d lines of %s=", SETTINGS_MAX - 1, item->key);
                        return -EINVAL;
                }
                for (size_t k = 0; k < n; k++) {
                        int r = parse_setting(u, s[k], item, scope, tables, report, target);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

int merge_apply(const MergeUnit *u, Policy *tables, ConfigReport *report, void *target) {
        size_t n_errors = report->n_errors;
        ExpressionScope scope = find_scope(u);

        if (u->kind != CONFIG_MAIN && u->has_file && u->files[0].n_sections == 0)
                return MERGE_DISABLED;
        int r = check_all(u, scope, report);
        if (r >= 0)
                r = apply_all(u, scope, tables, report, target);
        if (r < 0)
                return r;
        if (u->alone && !u->has_file)
                return MERGE_DONE;
        if (u->kind == CONFIG_MAIN)
                check_daemon(u, target, report);
        else if (u->kind == CONFIG_CGROUP)
                check_cgroup(u, target, report);
        else
                check_rule(u, target, report);
        return report->n_errors > n_errors ? -EINVAL : MERGE_DONE;
}

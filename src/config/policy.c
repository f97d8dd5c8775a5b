/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The whole policy out of its files: parsed into a fresh Policy, checked, and handed out only when there
 * was no error at all. What was there before is the caller's and is never touched.
 */

#include "config/config.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/dropins.h"
#include "config/grow.h"
#include "config/ini-file.h"
#include "config/lint.h"
#include "config/match.h"
#include "config/merge.h"
#include "config/options.h"

Policy *policy_free(Policy *p) {
        if (!p)
                return NULL;
        for (uint32_t i = 0; i < p->n_cgroups; i++)
                config_target_done(CONFIG_CGROUP, &p->cgroups[i]);
        for (uint32_t i = 0; i < p->n_rules; i++)
                config_target_done(CONFIG_RULE, &p->rules[i]);
        free(p->cgroups);
        free(p->rules);
        free(p->exprs);
        free(p->terms);
        free(p);
        return NULL;
}

/* ---- the files of one name ---- */

static void merge_unit_done(MergeUnit *m) {
        for (size_t i = 0; i < m->n_files; i++)
                ini_file_done(&m->files[i]);
        free(m->files);
}

static int merge_unit_parse(MergeUnit *m, const ConfigUnit *u, ConfigReport *report) {
        bool failed = false;

        *m = (MergeUnit){ .kind = u->kind, .name = u->name, .has_file = u->has_file };
        m->files = calloc(u->n_texts, sizeof(IniFile));
        if (!m->files)
                return -ENOMEM;
        for (; m->n_files < u->n_texts; m->n_files++) {
                const ConfigText *t = &u->texts[m->n_files];
                int r = ini_file_parse(t->label, t->data, t->n, report, &m->files[m->n_files]);
                if (r == -ENOMEM) {
                        ini_file_done(&m->files[m->n_files]);
                        return r;
                }
                failed = failed || r < 0;
        }
        return failed ? -EINVAL : 0;
}

static int name_target(const ConfigUnit *u, char **name, char **source) {
        *name = strdup(u->name);
        *source = strdup(u->texts[0].label);
        return *name && *source ? 0 : -ENOMEM;
}

static int add_cgroup(Policy *p, const ConfigUnit *u, const MergeUnit *m, ConfigReport *report) {
        if (array_reserve(&p->cgroups, p->n_cgroups, sizeof(CgroupPolicy)) < 0)
                return -ENOMEM;
        CgroupPolicy *cp = &p->cgroups[p->n_cgroups];
        *cp = (CgroupPolicy){};
        int r = config_target_init(CONFIG_CGROUP, cp);
        if (r >= 0)
                r = merge_apply(m, p, report, cp);
        if (r == MERGE_DONE)
                r = name_target(u, &cp->name, &cp->source);
        if (r == 0 && p->n_cgroups >= POLICY_CGROUPS_MAX) {
                config_report_add(report, SEVERITY_ERROR, cp->source, 0, 0, "more than %d files in cgroups.d",
                                  POLICY_CGROUPS_MAX);
                r = -EINVAL;
        }
        if (r != 0)
                config_target_done(CONFIG_CGROUP, cp);
        else
                p->n_cgroups++;
        return r;
}

static int add_rule(Policy *p, const ConfigUnit *u, const MergeUnit *m, ConfigReport *report) {
        if (array_reserve(&p->rules, p->n_rules, sizeof(Rule)) < 0)
                return -ENOMEM;
        Rule *rule = &p->rules[p->n_rules];
        *rule = (Rule){};
        int r = config_target_init(CONFIG_RULE, rule);
        if (r >= 0)
                r = merge_apply(m, p, report, rule);
        if (r == MERGE_DONE)
                r = name_target(u, &rule->name, &rule->source);
        if (r == 0 && p->n_rules >= POLICY_RULES_MAX) {
                config_report_add(report, SEVERITY_ERROR, rule->source, 0, 0, "more than %d files in rules.d",
                                  POLICY_RULES_MAX);
                r = -EINVAL;
        }
        if (r != 0) {
                config_target_done(CONFIG_RULE, rule);
                return r;
        }
        for (RuleField f = 0; f < _RULE_FIELD_MAX; f++)
                if (rule->match[f])
                        p->rule_fields |= 1u << f;
        p->n_rules++;
        return 0;
}

/* Drop-ins whose file is not there do nothing: said, since somebody wrote them. */
static void note_orphans(const ConfigUnit *u, bool disabled, ConfigReport *report) {
        for (size_t i = u->has_file; i < u->n_texts; i++)
                config_report_add(report, disabled ? SEVERITY_NOTE : SEVERITY_WARNING, u->texts[i].label, 0, 0,
                                  disabled ? "drop-in without effect: %s.conf is disabled"
                                           : "drop-in without effect: there is no %s.conf",
                                  u->name);
}

static int add_unit(Policy *p, const ConfigUnit *u, ConfigReport *report) {
        _cleanup_(merge_unit_done) MergeUnit m = {};

        int r = merge_unit_parse(&m, u, report);
        if (r < 0)
                return r;
        if (u->kind != CONFIG_MAIN && !u->has_file) {
                note_orphans(u, /* disabled= */ false, report);
                return 0;
        }
        if (u->kind == CONFIG_MAIN)
                return merge_apply(&m, p, report, &p->daemon);
        r = u->kind == CONFIG_CGROUP ? add_cgroup(p, u, &m, report) : add_rule(p, u, &m, report);
        if (r == MERGE_DISABLED) {
                note_orphans(u, /* disabled= */ true, report);
                return 0;
        }
        return r;
}

/* ---- the whole ---- */

/**
 * policy_to_text() - policy_dump() into memory
 * @ret:      owned by the caller, free()
 * @ret_hash: of this text; Policy.hash, unless the policy was changed since it was loaded (a dry run that was asked for
 *            on the command line)
 *
 * Return: 0; -ENOMEM.
 */
int policy_to_text(const Policy *p, char **ret, size_t *ret_n, uint64_t *ret_hash) {
        _cleanup_free_ char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);

        if (!f)
                return -ENOMEM;
        policy_dump(p, f);
        bool failed = ferror(f) != 0;
        failed = fclose(f) != 0 || failed;
        if (failed)
                return -ENOMEM;
        *ret_hash = text_hash(TEXT_HASH_INIT, text, n);
        *ret_n = n;
        *ret = TAKE_PTR(text);
        return 0;
}

static int policy_hash(Policy *p) {
        _cleanup_free_ char *text = NULL;
        size_t n;

        return policy_to_text(p, &text, &n, &p->hash);
}

/* @found: what finding the files came to; errors go on, so that one run shows all of them. */
static int load_units(const ConfigUnits *units, int found, size_t n_errors, ConfigReport *report, Policy **ret) {
        _cleanup_(policy_freep) Policy *p = calloc(1, sizeof(Policy));

        if (!p)
                return -ENOMEM;
        int r = config_target_init(CONFIG_MAIN, &p->daemon);
        if (r < 0 || found == -ENOMEM)
                return MIN(r, found);
        for (size_t i = 0; i < units->n_units; i++)
                if (units->units[i].n_texts > 0 && add_unit(p, &units->units[i], report) == -ENOMEM)
                        return -ENOMEM;
        if (found < 0 || report->n_errors > n_errors)
                return -EINVAL;
        r = policy_hash(p);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(p);
        return 0;
}

/**
 * policy_load() - load the whole policy
 * @root_fd:    directory that holds etc/, run/ and usr/; borrowed. -EBADF: the host's own configuration is not read
 * @config_dir: one more directory that comes first, as given to open(2): a relative one is below the
 *              working directory, not below @root_fd; or NULL
 * @report:     errors, and warnings and notes of a policy that is accepted; added to what it holds
 * @ret:        untouched on failure
 *
 * Return: 0; -EINVAL where @report got errors; -ENOMEM.
 */
int policy_load(int root_fd, const char *config_dir, ConfigReport *report, Policy **ret) {
        _cleanup_(config_units_done) ConfigUnits units = {};
        size_t n_errors = report->n_errors;

        int r = config_units_find(root_fd, config_dir, report, &units);
        r = load_units(&units, r, n_errors, report, ret);
        if (r >= 0)
                lint_hidden(*ret, report);
        return r;
}

/**
 * policy_load_text() - load a policy from the text of policy_dump()
 * @text:   not NUL-terminated; a trace holds it, so it is as untrusted as any file
 * @label:  what to call it in messages
 * @report: as policy_load()
 *
 * Touches no file, and nothing is built in: the text says all there is. What policy_dump() wrote loads to a policy of the
 * same hash.
 * Return: 0; -EINVAL where @report got errors; -ENOMEM.
 */
int policy_load_text(const char *text, size_t n, const char *label, ConfigReport *report, Policy **ret) {
        _cleanup_(config_units_done) ConfigUnits units = {};
        size_t n_errors = report->n_errors;

        int r = config_units_split(text, n, label, report, &units);
        return load_units(&units, r, n_errors, report, ret);
}

/* ---- one file alone ---- */

typedef struct FileKind {
        ConfigKind kind;
        bool is_dropin;
} FileKind;

/* From where it lies; _CONFIG_KIND_MAX where that says nothing. */
static FileKind kind_from_path(const char *path) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        bool dropin = slash && slash - path >= 7 && memcmp(slash - 7, ".conf.d", 7) == 0;

        if (strcmp(name, "headroomd.conf") == 0 || (dropin && strstr(path, "headroomd.conf.d/")))
                return (FileKind){ CONFIG_MAIN, dropin };
        if (strstr(path, "cgroups.d/"))
                return (FileKind){ CONFIG_CGROUP, dropin };
        if (strstr(path, "rules.d/"))
                return (FileKind){ CONFIG_RULE, dropin };
        return (FileKind){ _CONFIG_KIND_MAX, dropin };
}

/* From its sections, for a file that lies anywhere: [Match] is in two kinds and says nothing. */
static ConfigKind kind_from_sections(const IniFile *f) {
        for (size_t i = 0; i < f->n_sections; i++)
                for (ConfigKind kind = 0; kind < _CONFIG_KIND_MAX; kind++)
                        if (strcmp(f->sections[i].name, "Match") != 0 &&
                            config_section_exists(kind, f->sections[i].name))
                                return kind;
        return _CONFIG_KIND_MAX;
}

static int check_parsed(FileKind kind, IniFile *file, ConfigReport *report) {
        _cleanup_(policy_freep) Policy *scratch = calloc(1, sizeof(Policy));
        _cleanup_free_ void *target = NULL;
        MergeUnit m = {
                .kind = kind.kind, .name = "", .has_file = !kind.is_dropin, .alone = true, .files = file, .n_files = 1
        };

        target = calloc(1, config_kind_size(kind.kind));
        if (!scratch || !target)
                return -ENOMEM;
        int r = config_target_init(kind.kind, target);
        if (r >= 0)
                r = merge_apply(&m, scratch, report, target);
        config_target_done(kind.kind, target);
        if (r == MERGE_DISABLED)
                config_report_add(report, SEVERITY_NOTE, file->label, 0, 0,
                                  "holds no section: it disables the file of the same name in lower directories");
        return MIN(r, 0);
}

/**
 * policy_check_file() - check one file on its own
 * @root_fd: where a relative @path begins; AT_FDCWD for the working directory
 * @path:    its kind is taken from the names of the directories, else from its sections
 *
 * A drop-in is checked for what it says itself; whether it fits its file only policy_load() can tell.
 * Return: 0; -EINVAL where @report got errors; -ENOMEM.
 */
int policy_check_file(int root_fd, const char *path, ConfigReport *report) {
        FileKind kind = kind_from_path(path);
        ConfigText text = {};
        IniFile file = {};

        int r = config_text_read(root_fd, path, path, report, &text);
        if (r < 0)
                return r;
        r = ini_file_parse(path, text.data, text.n, report, &file);
        if (kind.kind == _CONFIG_KIND_MAX)
                kind.kind = kind_from_sections(&file);
        if (r >= 0 && kind.kind == _CONFIG_KIND_MAX) {
                config_report_add(
                        report, SEVERITY_ERROR, path, 0, 0,
                        "cannot tell what this file is for, expected headroomd.conf or a file in cgroups.d or rules.d");
                r = -EINVAL;
        } else if (r >= 0)
                r = check_parsed(kind, &file, report);
        ini_file_done(&file);
        config_text_done(&text);
        return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Finds first, reads afterwards: every directory adds the names it has to one list, a name that a higher
 * directory has added already is hidden, and the sorted list is the order in which files count. Nothing
 * in a configuration directory is passed over without a word.
 */

#include "config/dropins.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "base/text.h"
#include "config/builtin.h"
#include "config/grow.h"
#include "config/ini-file.h"

/* Far above any policy: a directory with more is not one of ours. */
#define FOUND_MAX 4096

typedef struct SearchDir {
        int fd;
        char *label;
        bool vendor;
} SearchDir;

/* One file that counts. */
typedef struct Found {
        ConfigKind kind;
        char *unit;           /* without .conf */
        char *dropin;         /* without .conf; NULL for the file itself */
        const SearchDir *dir; /* NULL: built in */
        const BuiltinFile *builtin;
} Found;

typedef struct Search {
        SearchDir dirs[5];
        size_t n_dirs;
        Found *found;
        size_t n_found;
        ConfigReport *report;
} Search;

static void search_done(Search *s) {
        for (size_t i = 0; i < s->n_dirs; i++) {
                s->dirs[i].fd = fd_close(s->dirs[i].fd);
                free(s->dirs[i].label);
        }
        for (size_t i = 0; i < s->n_found; i++) {
                free(s->found[i].unit);
                free(s->found[i].dropin);
        }
        free(s->found);
}

const char *config_kind_directory(ConfigKind kind) {
        return kind == CONFIG_CGROUP ? "cgroups.d" : kind == CONFIG_RULE ? "rules.d" : ".";
}

static int search_open_dir(Search *s, int dir_fd, const char *path, const char *label, bool required) {
        _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0) {
                if (errno == ENOENT && !required)
                        return 0;
                config_report_add(s->report, SEVERITY_ERROR, label, 0, 0, "cannot open the directory: %s",
                                  strerror(errno));
                return -EINVAL;
        }
        char *copy = strdup(label);
        if (!copy)
                return -ENOMEM;
        s->dirs[s->n_dirs++] = (SearchDir){
                .fd = TAKE_FD(fd),
                .label = copy,
                .vendor = strcmp(path, "usr/lib/headroom") == 0,
        };
        return 0;
}

static int search_open(Search *s, int root_fd, const char *config_dir) {
        static const char *const paths[] = { "etc/headroom", "run/headroom", "usr/local/lib/headroom",
                                             "usr/lib/headroom" };
        int r = 0;

        if (config_dir)
                r = search_open_dir(s, AT_FDCWD, config_dir, config_dir, /* required= */ true);
        for (size_t i = 0; i < ARRAY_SIZE(paths) && r >= 0 && root_fd != -EBADF; i++) {
                char label[64];
                (void)snprintf(label, sizeof(label), "/%s", paths[i]);
                r = search_open_dir(s, root_fd, paths[i], label, /* required= */ false);
        }
        return r;
}

bool config_name_is_plain(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= '0' && s[i] <= '9') ||
                      strchr("._-@+:", s[i])))
                        return false;
        return n > 0;
}

static bool search_has(const Search *s, ConfigKind kind, const char *unit, const char *dropin) {
        for (size_t i = 0; i < s->n_found; i++) {
                const Found *f = &s->found[i];
                if (f->kind == kind && strcmp(f->unit, unit) == 0 && !f->dropin == !dropin &&
                    (!dropin || strcmp(f->dropin, dropin) == 0))
                        return true;
        }
        return false;
}

/* Takes the name into the list unless a higher directory has it. @file is "NAME.conf", of a drop-in or of @unit. */
static int search_add(Search *s, ConfigKind kind, const char *unit, const char *file, const SearchDir *dir,
                      const BuiltinFile *builtin) {
        size_t n = strlen(file) - strlen(".conf");
        _cleanup_free_ char *name = strndup(file, n), *unit_copy = unit ? strdup(unit) : NULL;

        if (!name || (unit && !unit_copy))
                return -ENOMEM;
        if (n > CONFIG_NAME_BYTES_MAX || !config_name_is_plain(name, n)) {
                config_report_add(s->report, SEVERITY_ERROR, dir ? dir->label : NULL, 0, 0,
                                  "file name '%s', expected at most %d letters, digits or . _ - @ + : before .conf",
                                  file, CONFIG_NAME_BYTES_MAX);
                return -EINVAL;
        }
        if (search_has(s, kind, unit ? unit : name, unit ? name : NULL))
                return 0;
        if (s->n_found >= FOUND_MAX) {
                config_report_add(s->report, SEVERITY_ERROR, dir ? dir->label : NULL, 0, 0, "more than %d files",
                                  FOUND_MAX);
                return -EINVAL;
        }
        if (array_reserve(&s->found, s->n_found, sizeof(Found)) < 0)
                return -ENOMEM;
        Found *f = &s->found[s->n_found++];
        *f = (Found){ .kind = kind, .dir = dir, .builtin = builtin };
        if (unit) {
                f->unit = TAKE_PTR(unit_copy);
                f->dropin = TAKE_PTR(name);
        } else
                f->unit = TAKE_PTR(name);
        return 0;
}

static DIR *dir_open(Search *s, const SearchDir *d, const char *path, int *ret_error) {
        _cleanup_close_ int fd = openat(d->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

        *ret_error = 0;
        if (dir) {
                (void)TAKE_FD(fd);
                return dir;
        }
        if (errno != ENOENT) {
                config_report_add(s->report, SEVERITY_ERROR, d->label, 0, 0, "cannot read the directory %s: %s", path,
                                  strerror(errno));
                *ret_error = -EINVAL;
        }
        return NULL;
}

static void note_stray(Search *s, const SearchDir *d, const char *path, const char *name) {
        config_report_add(s->report, SEVERITY_NOTE, d->label, 0, 0,
                          "%s%s%s is not read: its name does not end in .conf", strcmp(path, ".") == 0 ? "" : path,
                          strcmp(path, ".") == 0 ? "" : "/", name);
}

static int scan_dropins(Search *s, const SearchDir *d, ConfigKind kind, const char *unit, const char *path) {
        struct dirent *e;
        int r;
        DIR *dir = dir_open(s, d, path, &r);

        while (dir && r >= 0 && (e = readdir(dir))) {
                if (e->d_name[0] == '.')
                        continue;
                if (text_has_suffix(e->d_name, ".conf"))
                        r = search_add(s, kind, unit, e->d_name, d, NULL);
                else
                        note_stray(s, d, path, e->d_name);
        }
        if (dir)
                closedir(dir);
        return r;
}

/* /run/headroom is the daemon's own place as well: what it keeps there is no misplaced file. */
static bool is_own_file(const char *name) {
        static const char *const own[] = { "commit-peak", "control", "undo", "undo.bad" };

        for (size_t i = 0; i < ARRAY_SIZE(own); i++)
                if (strcmp(name, own[i]) == 0)
                        return true;
        return false;
}

/* What an entry of one of our directories means. */
static int scan_entry(Search *s, const SearchDir *d, ConfigKind kind, const char *name) {
        _cleanup_free_ char *path = NULL, *unit = NULL;

        if (name[0] == '.')
                return 0;
        if (kind == CONFIG_MAIN && (strcmp(name, "cgroups.d") == 0 || strcmp(name, "rules.d") == 0))
                return 0;
        if (kind == CONFIG_MAIN && is_own_file(name))
                return 0;
        if (kind == CONFIG_MAIN && strcmp(name, "headroomd.conf") != 0 && strcmp(name, "headroomd.conf.d") != 0) {
                config_report_add(s->report, SEVERITY_NOTE, d->label, 0, 0,
                                  "%s is not read, expected headroomd.conf, headroomd.conf.d, cgroups.d or rules.d",
                                  name);
                return 0;
        }
        if (text_has_suffix(name, ".conf"))
                return search_add(s, kind, NULL, name, d, NULL);
        if (!text_has_suffix(name, ".conf.d")) {
                note_stray(s, d, config_kind_directory(kind), name);
                return 0;
        }
        unit = strndup(name, strlen(name) - strlen(".conf.d"));
        if (!unit || asprintf(&path, "%s/%s", config_kind_directory(kind), name) < 0)
                return -ENOMEM;
        return scan_dropins(s, d, kind, unit, path);
}

static int scan_dir(Search *s, const SearchDir *d, ConfigKind kind) {
        struct dirent *e;
        int r;
        DIR *dir = dir_open(s, d, config_kind_directory(kind), &r);

        while (dir && r >= 0 && (e = readdir(dir)))
                r = scan_entry(s, d, kind, e->d_name);
        if (dir)
                closedir(dir);
        return r;
}

static int scan_builtin(Search *s) {
        size_t n;
        const BuiltinFile *files = builtin_files(&n);
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++)
                for (ConfigKind kind = CONFIG_CGROUP; kind < _CONFIG_KIND_MAX && r >= 0; kind++) {
                        size_t k = strlen(config_kind_directory(kind));
                        if (strncmp(files[i].path, config_kind_directory(kind), k) == 0 && files[i].path[k] == '/')
                                r = search_add(s, kind, NULL, files[i].path + k + 1, NULL, &files[i]);
                }
        return r;
}

static int found_compare(const void *a, const void *b) {
        const Found *x = a, *y = b;
        if (x->kind != y->kind)
                return x->kind < y->kind ? -1 : 1;
        int r = strcmp(x->unit, y->unit);
        if (r != 0)
                return r;
        if (!x->dropin || !y->dropin)
                return !y->dropin - !x->dropin;
        return strcmp(x->dropin, y->dropin);
}

static bool is_dev_null(int dir_fd, const char *path, const struct stat *st) {
        char target[16];
        ssize_t n = readlinkat(dir_fd, path, target, sizeof(target));

        if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3))
                return true;
        return n == 9 && memcmp(target, "/dev/null", 9) == 0;
}

static int read_all(int fd, const char *label, size_t size, ConfigReport *report, ConfigText *t) {
        if (size > INI_FILE_BYTES_MAX) {
                config_report_add(report, SEVERITY_ERROR, label, 0, 0, "file of %zu bytes, expected at most %d", size,
                                  INI_FILE_BYTES_MAX);
                return -EINVAL;
        }
        /* one more for a file that grows, one for the NUL */
        t->data = malloc(size + 2);
        if (!t->data)
                return -ENOMEM;
        int n = fd_pread_text(fd, t->data, size + 2);
        if (n < 0) {
                config_report_add(report, SEVERITY_ERROR, label, 0, 0, "cannot read: %s",
                                  n == -EFBIG ? "it grows while it is read" : strerror(-n));
                return -EINVAL;
        }
        t->n = (size_t)n;
        return 0;
}

int config_text_read(int dir_fd, const char *path, const char *label, ConfigReport *report, ConfigText *ret) {
        ConfigText t = { .label = strdup(label) };
        struct stat st;
        int r = 0;

        if (!t.label)
                return -ENOMEM;
        _cleanup_close_ int fd = fd_open_at(dir_fd, path);
        if (fd < 0 || fstat(fd, &st) < 0) {
                config_report_add(report, SEVERITY_ERROR, label, 0, 0, "cannot open: %s",
                                  strerror(fd < 0 ? -fd : errno));
                r = -EINVAL;
        } else if (is_dev_null(dir_fd, path, &st)) {
                t.data = calloc(1, 1);
                r = t.data ? 0 : -ENOMEM;
        } else if (!S_ISREG(st.st_mode)) {
                config_report_add(report, SEVERITY_ERROR, label, 0, 0, "not a regular file");
                r = -EINVAL;
        } else {
                if (st.st_mode & S_IWOTH)
                        config_report_add(report, SEVERITY_WARNING, label, 0, 0, "everybody may write to this file");
                r = read_all(fd, label, (size_t)st.st_size, report, &t);
        }
        if (r < 0) {
                config_text_done(&t);
                return r;
        }
        *ret = t;
        return 0;
}

void config_text_done(ConfigText *t) {
        free(t->label);
        free(t->name);
        free(t->data);
        *t = (ConfigText){};
}

static int found_read(const Found *f, ConfigReport *report, ConfigText *ret) {
        _cleanup_free_ char *path = NULL, *label = NULL;
        ConfigText t = {};
        int r;

        if (f->builtin) {
                t.data = strdup(f->builtin->text);
                t.n = strlen(f->builtin->text);
                if (!t.data || asprintf(&t.label, "built-in/%s", f->builtin->path) < 0)
                        t.label = NULL;
        } else {
                const char *dot = strcmp(config_kind_directory(f->kind), ".") == 0 ? "" : config_kind_directory(f->kind);
                if (asprintf(&path, "%s%s%s.conf%s%s%s", dot, *dot ? "/" : "", f->unit, f->dropin ? ".d/" : "",
                             f->dropin ? f->dropin : "", f->dropin ? ".conf" : "") < 0)
                        return -ENOMEM;
                if (asprintf(&label, "%s/%s", f->dir->label, path) < 0)
                        return -ENOMEM;
                r = config_text_read(f->dir->fd, path, label, report, &t);
                if (r < 0)
                        return r;
        }
        t.name = strdup(f->dropin ? f->dropin : f->unit);
        t.vendor = f->builtin || f->dir->vendor;
        if (!t.data || !t.label || !t.name) {
                config_text_done(&t);
                return -ENOMEM;
        }
        *ret = t;
        return 0;
}

static int units_add(ConfigUnits *u, const Found *f, ConfigReport *report) {
        ConfigUnit *unit = u->n_units > 0 ? &u->units[u->n_units - 1] : NULL;

        if (!unit || unit->kind != f->kind || strcmp(unit->name, f->unit) != 0) {
                if (array_reserve(&u->units, u->n_units, sizeof(ConfigUnit)) < 0)
                        return -ENOMEM;
                char *name = strdup(f->unit);
                if (!name)
                        return -ENOMEM;
                unit = &u->units[u->n_units++];
                *unit = (ConfigUnit){ .kind = f->kind, .name = name, .has_file = !f->dropin };
        }
        if (array_reserve(&unit->texts, unit->n_texts, sizeof(ConfigText)) < 0)
                return -ENOMEM;
        int r = found_read(f, report, &unit->texts[unit->n_texts]);
        if (r >= 0)
                unit->n_texts++;
        return r;
}

/**
 * config_units_find() - find and read all files of the policy
 * @root_fd:    directory that holds etc/ and usr/; borrowed; -EBADF: nothing of the host is read
 * @config_dir: one more directory that comes first, from the working directory; or NULL
 *
 * A file that cannot be read is an error: leaving it out would be another policy.
 */
int config_units_find(int root_fd, const char *config_dir, ConfigReport *report, ConfigUnits *ret) {
        _cleanup_(search_done) Search s = { .report = report };
        bool failed = false;

        *ret = (ConfigUnits){};
        int r = search_open(&s, root_fd, config_dir);
        for (size_t i = 0; i < s.n_dirs && r >= 0; i++)
                for (ConfigKind kind = 0; kind < _CONFIG_KIND_MAX && r >= 0; kind++)
                        r = scan_dir(&s, &s.dirs[i], kind);
        if (r >= 0)
                r = scan_builtin(&s);
        if (r < 0)
                return r;
        if (s.n_found > 0)
                qsort(s.found, s.n_found, sizeof(Found), found_compare);
        for (size_t i = 0; i < s.n_found; i++) {
                r = units_add(ret, &s.found[i], report);
                if (r == -ENOMEM)
                        return r;
                failed = failed || r < 0;
        }
        return failed ? -EINVAL : 0;
}

void config_units_done(ConfigUnits *u) {
        for (size_t i = 0; i < u->n_units; i++) {
                for (size_t k = 0; k < u->units[i].n_texts; k++)
                        config_text_done(&u->units[i].texts[k]);
                free(u->units[i].texts);
                free(u->units[i].name);
        }
        free(u->units);
        *u = (ConfigUnits){};
}

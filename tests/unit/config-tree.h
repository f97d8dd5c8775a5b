/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A root directory below /tmp, filled by a test and removed by it. */

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "config/config.h"

typedef struct ConfigTree {
        char path[64];
        int fd;
} ConfigTree;

static inline void tree_init(ConfigTree *t) {
        strcpy(t->path, "/tmp/headroom-test-XXXXXX");
        assert_non_null(mkdtemp(t->path));
        t->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(t->fd >= 0);
}

/* Makes the directories of a relative path, all but the last component. */
static inline void tree_mkdirs(const ConfigTree *t, const char *path) {
        char copy[512];
        (void)snprintf(copy, sizeof(copy), "%s", path);
        for (char *s = copy; (s = strchr(s, '/')); s++) {
                *s = '\0';
                (void)mkdirat(t->fd, copy, 0755);
                *s = '/';
        }
}

static inline void tree_write_n(const ConfigTree *t, const char *path, const char *text, size_t n) {
        tree_mkdirs(t, path);
        int fd = openat(t->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_true(write(fd, text, n) == (ssize_t)n);
        assert_int_equal(close(fd), 0);
}

static inline void tree_write(const ConfigTree *t, const char *path, const char *text) {
        tree_write_n(t, path, text, strlen(text));
}

static inline void tree_link(const ConfigTree *t, const char *target, const char *path) {
        tree_mkdirs(t, path);
        assert_int_equal(symlinkat(target, t->fd, path), 0);
}

static inline int tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

static inline void tree_done(ConfigTree *t) {
        t->fd = fd_close(t->fd);
        assert_int_equal(nftw(t->path, tree_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* Inlined, gcc 12 takes what open_memstream() puts into a variable for the address of that variable, and warns of it. */
#define _noinline_ __attribute__((noinline, unused))

/* The report as text, to be freed. */
static _noinline_ char *report_text(const ConfigReport *r) {
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);
        config_report_print(r, f);
        assert_int_equal(fclose(f), 0);
        return text;
}

static _noinline_ char *policy_text(const Policy *p) {
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);
        policy_dump(p, f);
        assert_int_equal(fclose(f), 0);
        return text;
}

/* Puts a dump into files below the directory @below ("" or "DIR/"). */
static inline void tree_write_dump(const ConfigTree *t, const char *below, const char *dump) {
        static const char mark[] = "# file: ";
        for (const char *s = strstr(dump, mark); s;) {
                const char *name = s + sizeof(mark) - 1, *end = strchr(name, '\n'), *next = strstr(name, mark);
                char path[256];
                (void)snprintf(path, sizeof(path), "%s%.*s", below, (int)(end - name), name);
                tree_write_n(t, path, end, next ? (size_t)(next - end) : strlen(end));
                s = next;
        }
}

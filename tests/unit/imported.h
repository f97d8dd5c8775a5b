/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* headroomctl trace import, and the trace that it has made. */

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ctl/import.h"
#include "ctl/trace-verbs.h"
#include "trace/reader.h"
#include "tree.h"

/* Imports the files; the exit status. @tree holds "out.trace" then. @b may be NULL. */
static inline CtlExit import_as(const Tree *t, const char *format, const char *a, const char *b) {
        char out[128];
        (void)snprintf(out, sizeof(out), "%s/out.trace", t->path);
        char *args[] = { (char *)"import", (char *)a, (char *)(b ? b : out), out };
        FILE *f = fopen("/dev/null", "we");
        const Invocation i = { .args = args, .n_args = b ? 4 : 3, .out = f, .data_format = format };
        CtlExit status = trace_import(&i);
        (void)fclose(f);
        return status;
}

/* The same of a file that holds @text. */
static inline CtlExit import_text(const Tree *t, const char *format, const char *text, size_t n) {
        char path[128];
        (void)snprintf(path, sizeof(path), "%s/in.json", t->path);
        tree_write_n(t, "in.json", text, n);
        return import_as(t, format, path, NULL);
}

/* Refused, and no trace of it. */
static inline void expect_refused(const Tree *t, const char *format, const char *text) {
        assert_int_equal(import_text(t, format, text, strlen(text)), CTL_EXIT_FAILED);
        assert_int_equal(faccessat(t->fd, "out.trace", F_OK, 0), -1);
}

static inline TraceReader *open_result(const Tree *t) {
        char out[128];
        char *paths[] = { out };
        const TraceReaderOptions o = { 0 };
        TraceReader *reader = NULL;
        TraceError error;
        (void)snprintf(out, sizeof(out), "%s/out.trace", t->path);
        assert_int_equal(trace_reader_new(AT_FDCWD, paths, 1, &o, &error, &reader), 0);
        return reader;
}

static inline const TraceRecord *expect_next(TraceReader *reader, TraceKind kind) {
        const TraceRecord *r;
        assert_int_equal(trace_reader_next(reader, &r), 1);
        assert_int_equal(r->kind, kind);
        return r;
}

static inline const CgroupSample *find(const Snapshot *s, const char *path) {
        for (uint32_t i = 0; i < s->n_cgroups; i++)
                if (strcmp(s->cgroups[i].path, path) == 0)
                        return &s->cgroups[i];
        return NULL;
}

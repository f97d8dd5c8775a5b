/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Entries and journals for the tests of the undo journal. */

#include "test.h"

#include <string.h>

#include "act/undo.h"
#include "base/fd.h"
#include "tree.h"

static inline UndoEntry entry(UndoKind kind, uint64_t id, int32_t pid, const char *path, const char *key, const char *old,
                       const char *new) {
        UndoEntry e = { .kind = kind, .id = id, .pid = pid };
        (void)snprintf(e.path, sizeof(e.path), "%s", path);
        (void)snprintf(e.key, sizeof(e.key), "%s", key);
        (void)snprintf(e.old_value, sizeof(e.old_value), "%s", old);
        (void)snprintf(e.new_value, sizeof(e.new_value), "%s", new);
        return e;
}

static inline UndoEntry high(uint64_t id, const char *path, const char *old, const char *new) {
        return entry(UNDO_CGROUP, id, 0, path, "memory.high", old, new);
}

static inline Undo *open_here(const Tree *t, int want_complaint) {
        Undo *u = NULL;
        int complaint = 4711;
        assert_int_equal(undo_open(t->fd, &complaint, &u), 0);
        assert_int_equal(complaint, want_complaint);
        return u;
}

static inline uint64_t begin(Undo *u, UndoEntry e) {
        uint64_t serial = 0;
        assert_int_equal(undo_begin(u, &e, &serial), 0);
        assert_true(serial > 0);
        return serial;
}

static inline size_t read_file(const Tree *t, const char *name, char *buf, size_t size) {
        int n = fd_read_text_at(t->fd, name, buf, size);
        assert_true(n >= 0);
        return (size_t)n;
}

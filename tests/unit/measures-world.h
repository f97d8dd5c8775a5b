/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Measures on directories that look like cgroups. */

#include "test.h"

#include "act/measures.h"
#include "tree.h"
#include "victims.h"

#define WAIT_USEC (10 * USEC_PER_SEC)

typedef struct World {
        Tree host;
        int cgroup_fd;
        Undo *u;
        Measures *ms;
        uint64_t last_id;
} World;

static inline void world_open(World *w) {
        *w = (World){};
        tree_open(&w->host);
        tree_mkdir(&w->host, "cgroup");
        w->cgroup_fd = openat(w->host.fd, "cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(undo_new_volatile(&w->u), 0);
        const ActHost host = { .root_fd = w->host.fd, .cgroup_fd = w->cgroup_fd };
        assert_int_equal(measures_new(&host, w->u, &w->ms), 0);
}

static inline void world_close(World *w) {
        assert_int_equal(measures_under_way(w->ms), 0);
        measures_free(w->ms);
        undo_free(w->u);
        (void)close(w->cgroup_fd);
        tree_close(&w->host);
}

static inline void put(const World *w, const char *file, const char *text) {
        char path[128];
        (void)snprintf(path, sizeof(path), "cgroup/a.slice/x.service/%s", file);
        tree_write(&w->host, path, text);
}

/* A plain file keeps what was behind a shorter text. */
static inline bool holds(const World *w, const char *file, const char *want, char text[static 256]) {
        char path[128];
        (void)snprintf(path, sizeof(path), "cgroup/a.slice/x.service/%s", file);
        assert_true(fd_read_text_at(w->host.fd, path, text, 256) >= 0);
        return strncmp(text, want, strlen(want)) == 0;
}

static inline void is(const World *w, const char *file, const char *want) {
        char text[256];
        if (!holds(w, file, want, text))
                fail_msg("%s holds \"%s\" and not \"%s\"", file, text, want);
}

static inline Measure measure(World *w, Step step, uint64_t value) {
        struct stat st;
        Measure m = {
                .measure_id = ++w->last_id,
                .step = step,
                .value = value,
                .swappiness = -1,
                .limit_usec = 5 * USEC_PER_SEC,
                .cgroup_path = "/a.slice/x.service",
        };
        if (fstatat(w->cgroup_fd, "a.slice/x.service", &st, 0) == 0)
                m.cgroup_id = st.st_ino;
        return m;
}

static inline MeasureStatus wait_status(Measures *ms) {
        MeasureStatus s = {};
        uint64_t end = test_now_usec() + WAIT_USEC;
        while (measures_collect(ms, test_now_usec(), &s, 1) == 0) {
                struct pollfd p = { .fd = measures_fd(ms), .events = POLLIN };
                assert_true(test_now_usec() < end);
                (void)poll(&p, 1, 100);
        }
        return s;
}

static inline MeasureStatus run(World *w, const Measure *m) {
        assert_int_equal(measures_submit(w->ms, m), 0);
        assert_int_equal(measures_under_way(w->ms), 1);
        MeasureStatus s = wait_status(w->ms);
        assert_true(s.measure_id == m->measure_id);
        assert_int_equal(s.verb, m->verb);
        assert_true(s.ended_usec > 0 && s.ended_usec <= test_now_usec());
        assert_int_equal(measures_under_way(w->ms), 0);
        return s;
}

static inline int run_verb(World *w, Measure *m, MeasureVerb verb, uint64_t value) {
        m->verb = verb;
        m->value = value;
        return run(w, m).error;
}

static inline void memory_group(const World *w) {
        put(w, "memory.high", "max\n");
        put(w, "memory.low", "0\n");
        put(w, "memory.min", "0\n");
        put(w, "memory.current", "211812352\n");
        put(w, "memory.reclaim", "");
        /* as long as what is written over them */
        put(w, "cpu.weight", "50\n");
        put(w, "io.weight", "default 50\n8:0 50\n");
        put(w, "cgroup.freeze", "0\n");
        put(w, "cgroup.events", "populated 1\nfrozen 1\n");
        put(w, "cgroup.procs", "");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The measures on directories that look like cgroups, and where there is one on the real cgroup2 mount of this
 * machine: journal before change, back to the old value, nothing touched that is protected, another one, or not ours.
 */

#include "test.h"

#include <limits.h>
#include <sys/mount.h>
#include <sys/ptrace.h>

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

static void world_open(World *w) {
        *w = (World){};
        tree_open(&w->host);
        tree_mkdir(&w->host, "cgroup");
        w->cgroup_fd = openat(w->host.fd, "cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(undo_new_volatile(&w->u), 0);
        const ActHost host = { .root_fd = w->host.fd, .cgroup_fd = w->cgroup_fd };
        assert_int_equal(measures_new(&host, w->u, &w->ms), 0);
}

static void world_close(World *w) {
        assert_int_equal(measures_under_way(w->ms), 0);
        measures_free(w->ms);
        undo_free(w->u);
        (void)close(w->cgroup_fd);
        tree_close(&w->host);
}

static void put(const World *w, const char *file, const char *text) {
        char path[128];
        (void)snprintf(path, sizeof(path), "cgroup/a.slice/x.service/%s", file);
        tree_write(&w->host, path, text);
}

/* A plain file keeps what was behind a shorter text. */
static bool holds(const World *w, const char *file, const char *want, char text[static 256]) {
        char path[128];
        (void)snprintf(path, sizeof(path), "cgroup/a.slice/x.service/%s", file);
        assert_true(fd_read_text_at(w->host.fd, path, text, 256) >= 0);
        return strncmp(text, want, strlen(want)) == 0;
}

static void is(const World *w, const char *file, const char *want) {
        char text[256];
        if (!holds(w, file, want, text))
                fail_msg("%s holds \"%s\" and not \"%s\"", file, text, want);
}

static Measure measure(World *w, Step step, uint64_t value) {
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

static MeasureStatus wait_status(Measures *ms) {
        MeasureStatus s = {};
        uint64_t end = test_now_usec() + WAIT_USEC;
        while (measures_collect(ms, test_now_usec(), &s, 1) == 0) {
                struct pollfd p = { .fd = measures_fd(ms), .events = POLLIN };
                assert_true(test_now_usec() < end);
                (void)poll(&p, 1, 100);
        }
        return s;
}

static MeasureStatus run(World *w, const Measure *m) {
        assert_int_equal(measures_submit(w->ms, m), 0);
        assert_int_equal(measures_under_way(w->ms), 1);
        MeasureStatus s = wait_status(w->ms);
        assert_true(s.measure_id == m->measure_id);
        assert_int_equal(s.verb, m->verb);
        assert_true(s.ended_usec > 0 && s.ended_usec <= test_now_usec());
        assert_int_equal(measures_under_way(w->ms), 0);
        return s;
}

static int run_verb(World *w, Measure *m, MeasureVerb verb, uint64_t value) {
        m->verb = verb;
        m->value = value;
        return run(w, m).error;
}

static void memory_group(const World *w) {
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

/* ---- submission ---- */

static void test_submit(void **state) {
        (void)state;
        World w;
        world_open(&w);
        static const Step not_for_it[] = {
                STEP_NOTIFY, STEP_TRIM, STEP_TERMINATE, STEP_KILL, _STEP_MAX, _STEP_INVALID
        };
        for (size_t i = 0; i < ARRAY_SIZE(not_for_it); i++) {
                Measure m = measure(&w, STEP_FREEZE, 1);
                m.step = not_for_it[i];
                assert_int_equal(measures_submit(w.ms, &m), -EINVAL);
        }
        Measure m = measure(&w, STEP_FREEZE, 1);
        m.verb = _MEASURE_VERB_MAX;
        assert_int_equal(measures_submit(w.ms, &m), -EINVAL);

        /* far more than are ever under way; none is lost, and they come in order */
        uint64_t next = w.last_id + 1, submitted = 0, seen = 0;
        bool was_full = false;
        for (unsigned i = 0; i < 1000; i++) {
                m = measure(&w, STEP_FREEZE, 1);
                m.cgroup_id = 4711;
                int r;
                while ((r = measures_submit(w.ms, &m)) == -ENOBUFS) {
                        was_full = true;
                        MeasureStatus s = wait_status(w.ms);
                        assert_true(s.measure_id == next++);
                        assert_int_equal(s.error, -ENOENT);
                        seen++;
                }
                assert_int_equal(r, 0);
                submitted++;
        }
        for (; seen < submitted; seen++)
                assert_true(wait_status(w.ms).measure_id == next++);
        assert_true(was_full);
        MeasureStatus s;
        assert_int_equal(measures_collect(w.ms, test_now_usec(), &s, 1), 0);
        world_close(&w);
}

/* ---- throttle ---- */

static void test_throttle(void **state) {
        (void)state;
        World w;
        world_open(&w);
        memory_group(&w);
        put(&w, "memory.current", "409600\n"); /* less than a step away */
        uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

        Measure m = measure(&w, STEP_THROTTLE, 100 * page + 17);
        MeasureStatus s = run(&w, &m);
        assert_int_equal(s.error, 0);
        assert_false(s.by_manager);
        if (page == 4096)
                is(&w, "memory.high", "409600");
        assert_int_equal(undo_count(w.u), 1);
        /* the same setting for another policy */
        Measure second = measure(&w, STEP_THROTTLE, 50 * page);
        assert_int_equal(run(&w, &second).error, -EBUSY);
        assert_int_equal(run_verb(&w, &m, MEASURE_ADJUST, 90 * page), 0);
        assert_int_equal(run_verb(&w, &m, MEASURE_ADJUST, 80 * page + page / 2), 0);
        if (page == 4096)
                is(&w, "memory.high", "327680");
        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), 0);
        is(&w, "memory.high", "max");
        assert_int_equal(undo_count(w.u), 0);
        /* released already: nothing to do */
        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), 0);
        put(&w, "memory.high", "max\n");
        assert_int_equal(run_verb(&w, &m, MEASURE_ADJUST, 70 * page), -ESTALE);
        is(&w, "memory.high", "max\n");
        world_close(&w);
}

/* A write is never asked to reclaim much at once; what it gets to within its time counts. */
static void test_throttle_walks(void **state) {
        (void)state;
        World w;
        UndoEntry e;
        world_open(&w);
        memory_group(&w);
        Measure m = measure(&w, STEP_THROTTLE, 104857600);
        assert_int_equal(run(&w, &m).error, 0);
        is(&w, "memory.high", "104857600");
        assert_int_equal(undo_find(w.u, UNDO_CGROUP, m.cgroup_id, 0, m.cgroup_path, "memory.high", &e, NULL), 0);
        assert_string_equal(e.old_value, "max");
        assert_string_equal(e.new_value, "104857600");
        assert_string_equal(e.before_new, "106954752"); /* 2 MiB: what 25 steps of 4 MiB and one rest leave */
        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), 0);

        put(&w, "memory.high", "max\n");
        m = measure(&w, STEP_THROTTLE, 104857600);
        m.limit_usec = 0;
        assert_int_equal(run(&w, &m).error, 0);
        is(&w, "memory.high", "207618048");
        assert_int_equal(undo_count(w.u), 1);
        m.limit_usec = 5 * USEC_PER_SEC;
        assert_int_equal(run_verb(&w, &m, MEASURE_ADJUST, 104857600), 0);
        is(&w, "memory.high", "104857600");
        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), 0);
        is(&w, "memory.high", "max");
        world_close(&w);
}

static void test_throttle_foreign(void **state) {
        (void)state;
        World w;
        world_open(&w);
        memory_group(&w);
        Measure m = measure(&w, STEP_THROTTLE, 104857600);
        assert_int_equal(run(&w, &m).error, 0);
        put(&w, "memory.high", "52428800\n");
        assert_int_equal(run_verb(&w, &m, MEASURE_ADJUST, 94371840), -ESTALE);
        is(&w, "memory.high", "52428800\n");
        assert_int_equal(undo_count(w.u), 0);

        put(&w, "memory.high", "max\n");
        m = measure(&w, STEP_THROTTLE, 104857600);
        assert_int_equal(run(&w, &m).error, 0);
        put(&w, "memory.high", "52428800\n");
        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), -ESTALE);
        is(&w, "memory.high", "52428800\n");
        assert_int_equal(undo_count(w.u), 0);

        /* held lower by its owner already, or just so */
        static const uint64_t values[] = { 52428800, 104857600 };
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
                m = measure(&w, STEP_THROTTLE, values[i]);
                assert_int_equal(run(&w, &m).error, -EBUSY);
        }
        is(&w, "memory.high", "52428800\n");
        assert_int_equal(undo_count(w.u), 0);
        world_close(&w);
}

static void test_throttle_not(void **state) {
        (void)state;
        World w;
        world_open(&w);
        memory_group(&w);
        static const char *const protections[] = { "memory.low", "memory.min" };
        for (size_t i = 0; i < ARRAY_SIZE(protections); i++) {
                put(&w, protections[i], "157286400\n");
                Measure m = measure(&w, STEP_THROTTLE, 157286399);
                assert_int_equal(run(&w, &m).error, -ECANCELED);
                m = measure(&w, STEP_THROTTLE, 157286400);
                assert_int_equal(run(&w, &m).error, 0);
                assert_int_equal(run_verb(&w, &m, MEASURE_ADJUST, 104857600), -ECANCELED);
                is(&w, "memory.high", "157286400");
                assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), 0);
                put(&w, "memory.high", "max\n");
                put(&w, protections[i], "0\n");
        }
        /* an answer of 0 is one that was carried out */
        Measure m = measure(&w, STEP_THROTTLE, 157286400);
        assert_int_equal(run(&w, &m).error, 0);
        assert_int_equal(unlinkat(w.host.fd, "cgroup/a.slice/x.service/memory.current", 0), 0);
        assert_int_equal(run_verb(&w, &m, MEASURE_ADJUST, 104857600), -EOPNOTSUPP);
        is(&w, "memory.high", "157286400");
        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), 0);
        memory_group(&w);
        /* another one under the same name */
        m = measure(&w, STEP_THROTTLE, 104857600);
        m.cgroup_id++;
        assert_int_equal(run(&w, &m).error, -ENOENT);
        m = measure(&w, STEP_THROTTLE, 104857600);
        (void)strcpy(m.cgroup_path, "/a.slice/gone.service");
        assert_int_equal(run(&w, &m).error, -ENOENT);
        is(&w, "memory.high", "max\n");
        /* no memory controller here */
        char path[] = "cgroup/a.slice/x.service/memory.high";
        assert_int_equal(unlinkat(w.host.fd, path, 0), 0);
        m = measure(&w, STEP_THROTTLE, 104857600);
        assert_int_equal(run(&w, &m).error, -EOPNOTSUPP);
        assert_int_equal(undo_count(w.u), 0);
        world_close(&w);
}

/* Out of the way while it is throttled. */
static void test_throttle_gone(void **state) {
        (void)state;
        World w;
        world_open(&w);
        memory_group(&w);
        Measure m = measure(&w, STEP_THROTTLE, 104857600);
        assert_int_equal(run(&w, &m).error, 0);
        assert_int_equal(renameat(w.cgroup_fd, "a.slice/x.service", w.cgroup_fd, "a.slice/old"), 0);
        memory_group(&w);
        put(&w, "memory.high", "104857600\n");
        assert_int_equal(run_verb(&w, &m, MEASURE_ADJUST, 94371840), -ENOENT);
        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), -ENOENT);
        is(&w, "memory.high", "104857600");
        assert_int_equal(undo_count(w.u), 0);
        world_close(&w);
}

/* A value that the file does not take: the journal is as before. */
static void test_write_fails(void **state) {
        (void)state;
        World w;
        world_open(&w);
        memory_group(&w);
        if (mount("tmpfs", w.host.path, "tmpfs", 0, "size=1m") < 0) {
                tree_close(&w.host);
                tree_open(&w.host);
                world_close(&w);
                print_message("# skipped: no right to mount\n");
                skip();
        }
        Tree t = w.host;
        t.fd = open(w.host.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        World inner = { .host = t };
        tree_mkdir(&t, "cgroup");
        inner.cgroup_fd = openat(t.fd, "cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(undo_new_volatile(&inner.u), 0);
        const ActHost host = { .root_fd = t.fd, .cgroup_fd = inner.cgroup_fd };
        assert_int_equal(measures_new(&host, inner.u, &inner.ms), 0);
        memory_group(&inner);
        Measure m = measure(&inner, STEP_THROTTLE, 104857600), f = measure(&inner, STEP_FREEZE, 1);
        assert_int_equal(mount(NULL, t.path, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
        assert_int_equal(run(&inner, &m).error, -EROFS);
        assert_int_equal(run(&inner, &f).error, -EROFS);
        assert_int_equal(undo_count(inner.u), 0);
        assert_int_equal(mount(NULL, t.path, NULL, MS_REMOUNT, NULL), 0);
        assert_int_equal(run(&inner, &m).error, 0);
        assert_int_equal(mount(NULL, t.path, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
        assert_int_equal(run_verb(&inner, &m, MEASURE_ADJUST, 94371840), -EROFS);
        assert_int_equal(run_verb(&inner, &m, MEASURE_RELEASE, 0), -EROFS);
        assert_int_equal(undo_count(inner.u), 1); /* still to be put back ... */
        assert_int_equal(mount(NULL, t.path, NULL, MS_REMOUNT, NULL), 0);
        assert_int_equal(run_verb(&inner, &m, MEASURE_RELEASE, 0), 0); /* ... and known as ours */
        is(&inner, "memory.high", "max");
        measures_free(inner.ms);
        undo_free(inner.u);
        (void)close(inner.cgroup_fd);
        (void)close(t.fd);
        assert_int_equal(umount2(w.host.path, MNT_DETACH), 0);
        world_close(&w);
}

/* ---- slow ---- */

static void test_slow(void **state) {
        (void)state;
        World w;
        world_open(&w);
        memory_group(&w);
        Measure m = measure(&w, STEP_SLOW, 10);
        m.is_to_last = true; /* no systemd on this host: straight */
        MeasureStatus s = run(&w, &m);
        assert_int_equal(s.error, 0);
        assert_false(s.by_manager);
        is(&w, "cpu.weight", "10");
        is(&w, "io.weight", "default 10");
        assert_int_equal(undo_count(w.u), 2);
        put(&w, "cpu.weight", "10\n");
        put(&w, "io.weight", "default 10\n8:0 50\n");
        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), 0);
        is(&w, "cpu.weight", "50");
        is(&w, "io.weight", "default 50");
        assert_int_equal(undo_count(w.u), 0);

        /* slower already: not to be sped up */
        put(&w, "cpu.weight", "5\n");
        put(&w, "io.weight", "default 10\n8:0 50\n");
        m = measure(&w, STEP_SLOW, 10);
        assert_int_equal(run(&w, &m).error, -EBUSY);
        is(&w, "cpu.weight", "5\n");
        assert_int_equal(undo_count(w.u), 0);

        /* one of the two is enough */
        memory_group(&w);
        assert_int_equal(unlinkat(w.host.fd, "cgroup/a.slice/x.service/io.weight", 0), 0);
        m = measure(&w, STEP_SLOW, 10);
        assert_int_equal(run(&w, &m).error, 0);
        assert_int_equal(undo_count(w.u), 1);
        put(&w, "cpu.weight", "20\n");
        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), -ESTALE);
        is(&w, "cpu.weight", "20\n");
        assert_int_equal(unlinkat(w.host.fd, "cgroup/a.slice/x.service/cpu.weight", 0), 0);
        m = measure(&w, STEP_SLOW, 10);
        assert_int_equal(run(&w, &m).error, -EOPNOTSUPP);
        static const uint64_t bad[] = { 0, 10001, UINT64_MAX };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                m = measure(&w, STEP_SLOW, bad[i]);
                assert_int_equal(run(&w, &m).error, -EINVAL);
        }
        assert_int_equal(undo_count(w.u), 0);
        world_close(&w);
}

/* ---- freeze, with nobody in it ---- */

static void test_freeze(void **state) {
        (void)state;
        World w;
        world_open(&w);
        memory_group(&w);
        Measure m = measure(&w, STEP_FREEZE, 1);
        assert_int_equal(run(&w, &m).error, 0);
        is(&w, "cgroup.freeze", "1");
        Measure second = measure(&w, STEP_FREEZE, 1);
        assert_int_equal(run(&w, &second).error, -EBUSY);
        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), 0);
        is(&w, "cgroup.freeze", "0");
        /* frozen by somebody else: not ours to thaw */
        put(&w, "cgroup.freeze", "1\n");
        m = measure(&w, STEP_FREEZE, 1);
        assert_int_equal(run(&w, &m).error, -EBUSY);
        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), 0);
        is(&w, "cgroup.freeze", "1\n");

        /* does not freeze: not waited for beyond a second, and no failure */
        put(&w, "cgroup.freeze", "0\n");
        put(&w, "cgroup.events", "populated 1\nfrozen 0\n");
        m = measure(&w, STEP_FREEZE, 1);
        MeasureStatus s = run(&w, &m);
        assert_int_equal(s.error, 0);
        assert_true(s.run_usec >= 900 * USEC_PER_MSEC && s.run_usec < 3 * USEC_PER_SEC);
        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), 0);
        /* we ourselves are in it */
        char pid[16];
        (void)snprintf(pid, sizeof(pid), "%d\n", getpid());
        put(&w, "cgroup.freeze", "0\n");
        put(&w, "cgroup.procs", pid);
        m = measure(&w, STEP_FREEZE, 1);
        assert_int_equal(run(&w, &m).error, -ECANCELED);
        is(&w, "cgroup.freeze", "0\n");
        assert_int_equal(undo_count(w.u), 0);
        world_close(&w);
}

/* ---- reclaim ---- */

static void test_reclaim(void **state) {
        (void)state;
        World w;
        world_open(&w);
        memory_group(&w);
        /* takes it all, and nothing falls: what was asked for counts */
        Measure m = measure(&w, STEP_RECLAIM, 20971520);
        MeasureStatus s = run(&w, &m);
        assert_int_equal(s.error, 0);
        assert_true(s.done_bytes == 0);
        is(&w, "memory.reclaim", "4194304");
        m.swappiness = 150;
        m.measure_id = ++w.last_id;
        assert_int_equal(run(&w, &m).error, 0);
        is(&w, "memory.reclaim", "4194304 swappiness=150");

        static const char *const protections[] = { "memory.low", "memory.min" };
        for (size_t i = 0; i < ARRAY_SIZE(protections); i++) {
                put(&w, "memory.reclaim", "untouched");
                put(&w, protections[i], "211812352\n");
                m = measure(&w, STEP_RECLAIM, 20971520);
                assert_int_equal(run(&w, &m).error, -ECANCELED);
                is(&w, "memory.reclaim", "untouched");
                put(&w, protections[i], "max\n");
                m = measure(&w, STEP_RECLAIM, 20971520);
                assert_int_equal(run(&w, &m).error, -ECANCELED);
                put(&w, protections[i], "0\n");
        }
        put(&w, "memory.low", "211808256\n"); /* one page above it */
        m = measure(&w, STEP_RECLAIM, 8192);
        m.dry_run = true;
        s = run(&w, &m);
        assert_int_equal(s.error, 0);
        assert_true(s.done_bytes == 4096);
        is(&w, "memory.reclaim", "untouched");

        m = measure(&w, STEP_RECLAIM, 8192);
        m.limit_usec = 0;
        assert_int_equal(run(&w, &m).error, -ETIME);
        assert_int_equal(unlinkat(w.host.fd, "cgroup/a.slice/x.service/memory.reclaim", 0), 0);
        m = measure(&w, STEP_RECLAIM, 8192);
        assert_int_equal(run(&w, &m).error, -EOPNOTSUPP);
        world_close(&w);
}

/* ---- dry run ---- */

static void test_dry_run(void **state) {
        (void)state;
        World w;
        world_open(&w);
        memory_group(&w);
        static const struct {
                Step step;
                uint64_t value;
                const char *file, *text;
        } rows[] = {
                { STEP_THROTTLE, 104857600, "memory.high", "max\n" },
                { STEP_SLOW, 10, "cpu.weight", "50\n" },
                { STEP_FREEZE, 1, "cgroup.freeze", "0\n" },
                { STEP_RECLAIM, 104857600, "memory.reclaim", "" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Measure m = measure(&w, rows[i].step, rows[i].value);
                m.dry_run = true;
                assert_int_equal(run(&w, &m).error, 0);
                is(&w, rows[i].file, rows[i].text);
                if (STEP_BIT(rows[i].step) & STEPS_LASTING)
                        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), 0);
                is(&w, rows[i].file, rows[i].text);
                /* it looks all the same */
                m.verb = MEASURE_BEGIN;
                m.value = rows[i].value;
                m.cgroup_id++;
                assert_int_equal(run(&w, &m).error, -ENOENT);
        }
        assert_int_equal(undo_count(w.u), 0);
        world_close(&w);
}

/* ---- a call that does not come back in time ---- */

static void test_limit(void **state) {
        (void)state;
        World w;
        world_open(&w);
        memory_group(&w);
        put(&w, "cgroup.events", "populated 1\nfrozen 0\n");
        Measure m = measure(&w, STEP_FREEZE, 1);
        m.limit_usec = 50 * USEC_PER_MSEC;
        MeasureStatus s = run(&w, &m);
        assert_int_equal(s.error, 0); /* it is written; only the waiting was cut short */
        assert_true(s.run_usec < 500 * USEC_PER_MSEC);
        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), 0);
        world_close(&w);
}

/* Stops one thread of ours, which then hears no signal; the child lets it go when it reads a byte. */
static pid_t stop_thread(pid_t tid, int go[2]) {
        int ready[2];
        char c = 0;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        assert_int_equal(pipe2(go, O_CLOEXEC), 0);
        (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
        pid_t pid = fork();
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                bool ok = ptrace(PTRACE_SEIZE, tid, NULL, NULL) == 0 &&
                          ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0 && waitpid(tid, NULL, __WALL) == tid;
                (void)!write(ready[1], ok ? "y" : "n", 1);
                (void)!read(go[0], &c, 1);
                (void)ptrace(PTRACE_DETACH, tid, NULL, NULL);
                _exit(0);
        }
        assert_int_equal(read(ready[0], &c, 1), 1);
        (void)close(ready[0]);
        (void)close(ready[1]);
        if (c == 'y')
                return pid;
        victim_end(pid);
        (void)close(go[0]);
        (void)close(go[1]);
        return -1;
}

/* The thread with the highest id below @limit: of all, the last that was made, which holds cgroups. */
static pid_t newest_thread(pid_t limit) {
        pid_t newest = 0;
        DIR *d = opendir("/proc/self/task");
        assert_non_null(d);
        for (struct dirent *e; (e = readdir(d));)
                if (atoi(e->d_name) < limit)
                        newest = MAX(newest, (pid_t)atoi(e->d_name));
        (void)closedir(d);
        return newest;
}

/* A call that hears no signal: nobody waits for it, the others are told, and afterwards all is as before. */
static void test_stuck(void **state) {
        (void)state;
        World w;
        MeasureStatus s[4];
        char text[256];
        int go[2];
        world_open(&w);
        memory_group(&w);
        put(&w, "cgroup.events", "populated 1\nfrozen 0\n");
        Measure stuck = measure(&w, STEP_FREEZE, 1), waiting = measure(&w, STEP_THROTTLE, 104857600);
        assert_int_equal(measures_submit(w.ms, &stuck), 0);
        /* journaled first, then written: it is to be stopped where it waits for the members */
        for (unsigned i = 0; !holds(&w, "cgroup.freeze", "1", text); i++) {
                assert_true(i < 5000);
                test_sleep_usec(1000);
        }
        pid_t child = stop_thread(newest_thread(INT_MAX), go);
        if (child < 0) {
                (void)wait_status(w.ms);
                assert_int_equal(run_verb(&w, &stuck, MEASURE_RELEASE, 0), 0);
                world_close(&w);
                print_message("# skipped: no right to ptrace\n");
                skip();
        }
        uint64_t now = test_now_usec(), start = now;
        assert_int_equal(measures_submit(w.ms, &waiting), 0);
        assert_int_equal(measures_collect(w.ms, now, s, 4), 0);
        assert_int_equal(measures_collect(w.ms, now + stuck.limit_usec, s, 4), 0); /* some patience first */
        assert_int_equal(measures_collect(w.ms, now + stuck.limit_usec + 5 * USEC_PER_SEC, s, 4), 2);
        assert_true(s[0].measure_id == stuck.measure_id && s[0].error == -ETIME);
        assert_true(s[1].measure_id == waiting.measure_id && s[1].error == -EBUSY);
        Measure release = stuck;
        release.verb = MEASURE_RELEASE;
        for (unsigned i = 0; i < 100; i++) { /* more than the ring has room for */
                int r = measures_submit(w.ms, &release);
                assert_true(r == 0 || r == -ENOBUFS);
                if (r == 0) {
                        assert_int_equal(measures_collect(w.ms, now, s, 4), 1);
                        assert_int_equal(s[0].error, -EBUSY);
                }
        }
        assert_int_equal(measures_under_way(w.ms), 0);
        assert_true(test_now_usec() - start < USEC_PER_SEC);
        is(&w, "cgroup.freeze", "1");

        assert_int_equal(write(go[1], "g", 1), 1);
        (void)victim_reap(child);
        for (int error = -EBUSY; error != 0;) {
                assert_true(test_now_usec() - start < WAIT_USEC);
                test_sleep_usec(1000);
                int r = measures_submit(w.ms, &release);
                assert_true(r == 0 || r == -ENOBUFS);
                if (r == 0)
                        error = wait_status(w.ms).error;
                assert_true(error == 0 || error == -EBUSY);
        }
        is(&w, "cgroup.freeze", "0");
        is(&w, "memory.high", "max\n"); /* what was answered without having run has not run afterwards */
        assert_int_equal(run(&w, &waiting).error, 0);
        assert_int_equal(run_verb(&w, &waiting, MEASURE_RELEASE, 0), 0);
        assert_int_equal(undo_count(w.u), 0);
        (void)close(go[0]);
        (void)close(go[1]);
        world_close(&w);
}

/* Reclaim may take seconds: what is to hold a cgroup does not wait behind it. */
static void test_hold_beside_reclaim(void **state) {
        (void)state;
        World w;
        int go[2];
        world_open(&w);
        memory_group(&w);
        put(&w, "memory.reclaim", "untouched");
        pid_t reclaims = newest_thread(newest_thread(INT_MAX));
        assert_int_not_equal(reclaims, getpid());
        pid_t child = stop_thread(reclaims, go);
        if (child < 0) {
                world_close(&w);
                print_message("# skipped: no right to ptrace\n");
                skip();
        }
        Measure reclaim = measure(&w, STEP_RECLAIM, 8388608), throttle = measure(&w, STEP_THROTTLE, 104857600);
        assert_int_equal(measures_submit(w.ms, &reclaim), 0);
        assert_int_equal(measures_submit(w.ms, &throttle), 0);
        MeasureStatus s = wait_status(w.ms);
        assert_true(s.measure_id == throttle.measure_id);
        assert_int_equal(s.error, 0);
        is(&w, "memory.reclaim", "untouched");
        assert_int_equal(measures_under_way(w.ms), 1);

        assert_int_equal(write(go[1], "g", 1), 1);
        (void)victim_reap(child);
        s = wait_status(w.ms);
        assert_true(s.measure_id == reclaim.measure_id);
        assert_int_equal(s.error, 0);
        assert_int_equal(run_verb(&w, &throttle, MEASURE_RELEASE, 0), 0);
        (void)close(go[0]);
        (void)close(go[1]);
        world_close(&w);
}

static void test_free_under_way(void **state) {
        (void)state;
        World w;
        world_open(&w);
        memory_group(&w);
        put(&w, "cgroup.events", "populated 1\nfrozen 0\n");
        for (unsigned i = 0; i < 3; i++) {
                Measure m = measure(&w, STEP_FREEZE, 1);
                m.limit_usec = 600 * USEC_PER_SEC;
                assert_int_equal(measures_submit(w.ms, &m), 0);
        }
        for (unsigned i = 0; undo_count(w.u) == 0; i++) {
                assert_true(i < 60000);
                test_sleep_usec(USEC_PER_MSEC);
        }
        uint64_t start = test_now_usec();
        w.ms = measures_free(w.ms);
        /* It waits for none of them: far less than the limit of one, however busy the machine. */
        assert_true(test_now_usec() - start < 60 * USEC_PER_SEC);
        assert_int_equal(undo_count(w.u), 1); /* the first had begun: to be put back from the journal */
        const UndoHost host = { .root_fd = w.host.fd, .cgroup_fd = w.cgroup_fd };
        assert_int_equal(undo_replay(w.u, &host, true, NULL, NULL), 0);
        is(&w, "cgroup.freeze", "0");
        const ActHost act = { .root_fd = w.host.fd, .cgroup_fd = w.cgroup_fd };
        assert_int_equal(measures_new(&act, w.u, &w.ms), 0);
        world_close(&w);
}

/* ---- units ---- */

/* No systemd on the host of this tree: said so, and nothing is done. */
static void test_unit_without_manager(void **state) {
        (void)state;
        World w;
        world_open(&w);
        memory_group(&w);
        for (Step step = STEP_RESTART; step <= STEP_STOP; step++) {
                Measure m = measure(&w, step, 0);
                MeasureStatus s = run(&w, &m);
                assert_int_equal(s.error, -EOPNOTSUPP);
                assert_false(s.by_manager);
                m.cgroup_id++;
                assert_int_equal(run(&w, &m).error, -ENOENT);
        }
        world_close(&w);
}

/* ---- pageout ---- */

static void test_pageout(void **state) {
        (void)state;
        Undo *u = NULL;
        Measures *ms = NULL;
        int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        const ActHost host = { .root_fd = root_fd, .cgroup_fd = -EBADF };
        assert_int_equal(undo_new_volatile(&u), 0);
        assert_int_equal(measures_new(&host, u, &ms), 0);
        World w = { .ms = ms };
        pid_t pid = victim_start_in(VICTIM_PLAIN, 8 * 1024 * 1024, -EBADF);

        Measure m = { .measure_id = 1,
                      .step = STEP_PAGEOUT,
                      .pid = pid,
                      .start_ticks = victim_ticks(root_fd, pid),
                      .value = 1024 * 1024,
                      .limit_usec = 5 * USEC_PER_SEC,
                      .dry_run = true };
        MeasureStatus s = run(&w, &m);
        assert_int_equal(s.error, 0);
        assert_true(s.done_bytes == 1024 * 1024);
        m.dry_run = false;
        s = run(&w, &m);
        /* without swap there is nowhere to go; without the right to, that is said */
        if (s.error != -EPERM && s.error != -EOPNOTSUPP)
                /* a sanitizer's child has terabytes of address space, and its time may be over first */
                if (!(s.error == 0 ? s.done_bytes >= m.value : s.done_bytes < m.value) ||
                    !(s.error == 0 || s.error == -EAGAIN || (s.error == -ETIME && s.run_usec >= m.limit_usec)))
                        fail_msg("%s, %llu bytes, %llu us", strerrorname_np(-s.error), (unsigned long long)s.done_bytes,
                                 (unsigned long long)s.run_usec);
        assert_true(victim_is_alive(pid));

        m.start_ticks++;
        assert_int_equal(run(&w, &m).error, -ENOENT);
        m.pid = getpid();
        m.start_ticks = victim_ticks(root_fd, getpid());
        assert_int_equal(run(&w, &m).error, -ECANCELED);
        victim_end(pid);
        m.pid = pid;
        assert_int_equal(run(&w, &m).error, -ENOENT);
        measures_free(ms);
        undo_free(u);
        (void)close(root_fd);
}

/* ---- on the real cgroup2 ---- */

/* Everything is put back by hand just while a measure begins: its release must still find what it has written. */
static void test_release_by_hand_meets_begin(void **state) {
        (void)state;
        World w;
        world_open(&w);
        memory_group(&w);
        const UndoHost host = { .root_fd = w.host.fd, .cgroup_fd = w.cgroup_fd };
        for (int i = 0; i < 5000; i++) {
                Measure m = measure(&w, STEP_FREEZE, 1);
                assert_int_equal(measures_submit(w.ms, &m), 0);
                while (measures_under_way(w.ms) > 0) {
                        MeasureStatus s;
                        (void)undo_replay(w.u, &host, /* all= */ true, NULL, NULL);
                        (void)measures_collect(w.ms, test_now_usec(), &s, 1);
                }
                (void)run_verb(&w, &m, MEASURE_RELEASE, 0);
                is(&w, "cgroup.freeze", "0");
                assert_int_equal(undo_count(w.u), 0);
        }
        world_close(&w);
}

static void test_real_freeze(void **state) {
        (void)state;
        const char *reason, *mount_path = cgroup2_mount(&reason);
        char path[128], text[256];
        struct stat st;

        if (!mount_path)
                print_message("# skipped: %s\n", reason);
        if (!mount_path)
                skip();
        int mount_fd = open(mount_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        (void)snprintf(path, sizeof(path), "/headroom-test-%d", getpid());
        if (mkdirat(mount_fd, path + 1, 0755) < 0) {
                print_message("# skipped: no cgroup can be made\n");
                (void)close(mount_fd);
                (void)close(root_fd);
                skip();
        }
        int fd = openat(mount_fd, path + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(fstat(fd, &st), 0);
        Tree dir;
        tree_open(&dir);
        World w = {};
        const ActHost host = { .root_fd = root_fd, .cgroup_fd = mount_fd };
        const UndoHost undo_host = { .root_fd = root_fd, .cgroup_fd = mount_fd };
        assert_int_equal(undo_open(dir.fd, NULL, &w.u), 0);
        assert_int_equal(measures_new(&host, w.u, &w.ms), 0);
        pid_t pid = victim_start_in(VICTIM_FORKS, 0, fd);

        Measure m = {
                .measure_id = 1, .step = STEP_FREEZE, .value = 1, .limit_usec = 5 * USEC_PER_SEC, .cgroup_id = st.st_ino
        };
        (void)snprintf(m.cgroup_path, sizeof(m.cgroup_path), "%s", path);
        assert_int_equal(run(&w, &m).error, 0);
        assert_true(fd_read_text_at(fd, "cgroup.events", text, sizeof(text)) > 0);
        assert_non_null(strstr(text, "frozen 1"));
        assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), 0);
        assert_true(fd_read_text_at(fd, "cgroup.freeze", text, sizeof(text)) > 0);
        assert_string_equal(text, "0\n");

        /* killed while it is frozen: the next one thaws it, from the file alone */
        m.measure_id = 2;
        m.verb = MEASURE_BEGIN;
        assert_int_equal(run(&w, &m).error, 0);
        w.ms = measures_free(w.ms);
        w.u = undo_free(w.u);
        assert_int_equal(undo_open(dir.fd, NULL, &w.u), 0);
        assert_int_equal(undo_count(w.u), 1);
        assert_int_equal(undo_replay(w.u, &undo_host, false, NULL, NULL), 0);
        assert_int_equal(undo_count(w.u), 0);
        assert_true(fd_read_text_at(fd, "cgroup.freeze", text, sizeof(text)) > 0);
        assert_string_equal(text, "0\n");
        undo_free(w.u);
        tree_close(&dir);

        assert_int_equal(fd_write_text_at(fd, "cgroup.kill", "1"), 0);
        (void)victim_reap(pid);
        (void)close(fd);
        for (unsigned i = 0; unlinkat(mount_fd, path + 1, AT_REMOVEDIR) < 0; i++) {
                assert_true(errno == EBUSY && i < 2000);
                test_sleep_usec(1000);
        }
        (void)close(mount_fd);
        (void)close(root_fd);
}

static void test_no_leak(void **state) {
        (void)state;
        unsigned before = count_fds();
        for (unsigned i = 0; i < 20; i++) {
                World w;
                world_open(&w);
                memory_group(&w);
                Measure m = measure(&w, STEP_THROTTLE, 104857600);
                assert_int_equal(run(&w, &m).error, 0);
                assert_int_equal(run_verb(&w, &m, MEASURE_RELEASE, 0), 0);
                world_close(&w);
        }
        assert_int_equal(count_fds(), before);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_submit),
                cmocka_unit_test(test_throttle),
                cmocka_unit_test(test_throttle_walks),
                cmocka_unit_test(test_throttle_foreign),
                cmocka_unit_test(test_throttle_not),
                cmocka_unit_test(test_throttle_gone),
                cmocka_unit_test(test_write_fails),
                cmocka_unit_test(test_slow),
                cmocka_unit_test(test_freeze),
                cmocka_unit_test(test_reclaim),
                cmocka_unit_test(test_dry_run),
                cmocka_unit_test(test_limit),
                cmocka_unit_test(test_stuck),
                cmocka_unit_test(test_hold_beside_reclaim),
                cmocka_unit_test(test_free_under_way),
                cmocka_unit_test(test_unit_without_manager),
                cmocka_unit_test(test_pageout),
                cmocka_unit_test(test_release_by_hand_meets_begin),
                cmocka_unit_test(test_real_freeze),
                cmocka_unit_test(test_no_leak),
        };
        return no_pidfd_here() ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}

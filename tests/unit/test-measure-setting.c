/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is set and put back: throttle, slow, freeze. Journal before change, back to the old value. */

#include "measures-world.h"

#include <sys/mount.h>

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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_throttle),
                cmocka_unit_test(test_throttle_walks),
                cmocka_unit_test(test_throttle_foreign),
                cmocka_unit_test(test_throttle_not),
                cmocka_unit_test(test_throttle_gone),
                cmocka_unit_test(test_write_fails),
                cmocka_unit_test(test_slow),
                cmocka_unit_test(test_freeze),
        };
        return no_pidfd_here() ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}

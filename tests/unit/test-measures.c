/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The measures as a whole, on directories that look like cgroups, and where there is one on the real cgroup2 mount of
 * this machine: nothing is touched that is protected, another one, or not ours.
 */

#include "measures-world.h"

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
                cmocka_unit_test(test_reclaim),
                cmocka_unit_test(test_dry_run),
                cmocka_unit_test(test_unit_without_manager),
                cmocka_unit_test(test_pageout),
                cmocka_unit_test(test_release_by_hand_meets_begin),
                cmocka_unit_test(test_real_freeze),
                cmocka_unit_test(test_no_leak),
        };
        return no_pidfd_here() ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}

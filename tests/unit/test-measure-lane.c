/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A call that does not come back in time holds up nobody else. */

#include "measures-world.h"

#include <limits.h>
#include <sys/ptrace.h>

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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_limit),
                cmocka_unit_test(test_stuck),
                cmocka_unit_test(test_hold_beside_reclaim),
                cmocka_unit_test(test_free_under_way),
        };
        return no_pidfd_here() ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}

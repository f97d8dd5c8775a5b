/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Whole cgroups as victims, on the real cgroup2 mount of this machine; skipped with the reason where there is none. */

#include "test.h"

#include <sys/xattr.h>

#include "victims.h"

static int root_fd, mount_fd = -EBADF;
static const char *skip_reason;
static char base[64]; /* our own cgroup below the mount */

static void need_cgroup2(void) {
        if (mount_fd < 0) {
                print_message("# skipped: %s\n", skip_reason);
                skip();
        }
}

static int group_make(const char *name, char *ret_path, uint64_t *ret_id) {
        struct stat st;
        (void)snprintf(ret_path, CGROUP_PATH_MAX, "/%s/%s", base, name);
        assert_true(mkdirat(mount_fd, ret_path + 1, 0755) == 0 || errno == EEXIST);
        int fd = openat(mount_fd, ret_path + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        *ret_id = st.st_ino;
        return fd;
}

/* Not empty for some moments after its processes are reaped. */
static void group_remove(const char *path) {
        for (unsigned i = 0; unlinkat(mount_fd, path + 1, AT_REMOVEDIR) < 0; i++) {
                assert_true(errno == EBUSY && i < 2000);
                test_sleep_usec(1000);
        }
}

static void xattr_is(int fd, const char *name, const char *want) {
        char buf[32] = "";
        ssize_t n = fgetxattr(fd, name, buf, sizeof(buf) - 1);
        if (!want) {
                assert_int_equal(n, -1);
                assert_int_equal(errno, ENODATA);
                return;
        }
        assert_true(n > 0);
        buf[n] = '\0';
        assert_string_equal(buf, want);
}

static Act *act_here(int proc_root_fd) {
        Act *a = NULL;
        assert_int_equal(act_new(proc_root_fd, mount_fd, NULL, NULL, &a), 0);
        return a;
}

static Candidate *add_group(KillDecision *k, const char *path, uint64_t id) {
        Candidate *c = decision_add(k, CANDIDATE_CGROUP, 0, 0);
        (void)snprintf(c->cgroup_path, sizeof(c->cgroup_path), "%s", path);
        c->cgroup_id = id;
        return c;
}

static void reap_all(void) {
        while (waitpid(-1, NULL, 0) > 0)
                ;
}

static void test_kill(void **state) {
        (void)state;
        need_cgroup2();
        char path[CGROUP_PATH_MAX], below[CGROUP_PATH_MAX];
        uint64_t id, below_id;
        _cleanup_close_ int fd = group_make("victim.service", path, &id);
        _cleanup_close_ int below_fd = group_make("victim.service/worker", below, &below_id);
        _cleanup_(act_freep) Act *a = act_here(root_fd);
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_KILL, 10 * USEC_PER_SEC);
        ActResult r;
        pid_t bystander = victim_start(VICTIM_PLAIN);
        pid_t big = victim_start_in(VICTIM_PLAIN, 32 * 1024 * 1024, fd);

        (void)victim_start_in(VICTIM_IGNORES_TERM, 0, below_fd);
        (void)victim_start_in(VICTIM_FORKS, 0, below_fd); /* goes on forking while it is being killed */
        test_sleep_usec(20 * USEC_PER_MSEC);
        assert_int_equal(act_rehearse(a), 0);

        Candidate *c = add_group(k, path, id);
        c->pid = big;
        c->start_ticks = victim_ticks(root_fd, big);
        uint64_t now = test_now_usec();
        assert_int_equal(act_kill(a, k, now, &r), 0);
        assert_int_equal(r.outcome, KILL_PENDING);
        assert_int_equal(r.attempts[0].error, 0);
        assert_int_equal(r.n_signalled, 0); /* cgroup.kill did it */
        /* Time stands still for act, or on a busy machine it would not wait for what mrelease did. */
        ActReport report = poll_until_done_at(a, 1, now);
        assert_int_equal(report.status.outcome, KILL_EXITED);
        assert_true(report.mrelease_done || report.mrelease_error != 0);
        assert_true(victim_is_alive(bystander));
        victim_end(bystander);
        reap_all();
        if (r.mark == 1) {
                xattr_is(fd, "user.oomd_ooms", "1");
                xattr_is(below_fd, "user.oomd_ooms", NULL);
        } else
                print_message("# no user.* attributes on this cgroup2: %d\n", r.mark);

        /* empty now: nothing there to kill */
        k->kill_id = 2;
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.outcome, KILL_FAILED);
        assert_int_equal(r.attempts[0].error, -ESRCH);
        group_remove(below);
        group_remove(path);
        /* gone */
        k->kill_id = 3;
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.attempts[0].error, -ESRCH);
}

static int no_cgroup_kill(void *userdata, int cgroup_fd) {
        (void)userdata;
        (void)cgroup_fd;
        return -ENOENT;
}

/* Before Linux 5.14 there is no cgroup.kill: one by one, against somebody who goes on forking. */
static void test_kill_without_cgroup_kill(void **state) {
        (void)state;
        need_cgroup2();
        char path[CGROUP_PATH_MAX];
        uint64_t id;
        ActHost host = { .root_fd = root_fd, .cgroup_fd = mount_fd };
        ActOps ops = act_ops_real;
        ops.cgroup_kill = no_cgroup_kill;
        _cleanup_close_ int fd = group_make("old.service", path, &id);
        _cleanup_(act_freep) Act *a = NULL;
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_KILL, 10 * USEC_PER_SEC);
        ActResult r;

        assert_int_equal(act_new(root_fd, mount_fd, &ops, &host, &a), 0);
        for (unsigned i = 0; i < 3; i++)
                (void)victim_start_in(VICTIM_FORKS, 0, fd);
        test_sleep_usec(100 * USEC_PER_MSEC);
        add_group(k, path, id);
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.outcome, KILL_PENDING);
        assert_true(r.n_signalled >= 3);
        assert_int_equal(poll_until_done(a, 1).status.outcome, KILL_EXITED);
        reap_all();
        group_remove(path);
}

static void test_recreated(void **state) {
        (void)state;
        need_cgroup2();
        char path[CGROUP_PATH_MAX];
        uint64_t id, id2;
        (void)close(group_make("again.service", path, &id));
        group_remove(path);
        _cleanup_close_ int fd = group_make("again.service", path, &id2);
        assert_true(id != id2);
        _cleanup_(act_freep) Act *a = act_here(root_fd);
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_KILL, 10 * USEC_PER_SEC);
        ActResult r;
        pid_t pid = victim_start_in(VICTIM_PLAIN, 0, fd);

        add_group(k, path, id);
        add_group(k, path, 0); /* no identity, no kill */
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.outcome, KILL_FAILED);
        assert_int_equal(r.attempts[0].error, -ESTALE);
        assert_int_equal(r.attempts[1].error, -EINVAL);
        test_sleep_usec(20 * USEC_PER_MSEC);
        assert_true(victim_is_alive(pid));
        xattr_is(fd, "user.oomd_ooms", NULL);
        victim_end(pid);
        group_remove(path);
}

/* Removed and made again between SIGTERM and SIGKILL. */
static void test_recreated_in_flight(void **state) {
        (void)state;
        need_cgroup2();
        char path[CGROUP_PATH_MAX];
        uint64_t id, id2;
        _cleanup_close_ int old_fd = group_make("restart.service", path, &id);
        _cleanup_(act_freep) Act *a = act_here(root_fd);
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_TERMINATE, 10 * USEC_PER_SEC);
        ActResult r;
        pid_t pid = victim_start_in(VICTIM_PLAIN, 0, old_fd);

        add_group(k, path, id);
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.n_signalled, 1);
        assert_int_equal(victim_reap(pid), SIGTERM);
        group_remove(path);
        _cleanup_close_ int fd = group_make("restart.service", path, &id2);
        pid = victim_start_in(VICTIM_PLAIN, 0, fd);
        k->step = STEP_KILL;
        k->is_escalation = true;
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.attempts[0].error, -ESRCH);
        assert_int_equal(poll_until_done(a, 1).status.outcome, KILL_EXITED);
        assert_true(victim_is_alive(pid));
        victim_end(pid);
        group_remove(path);
}

static void test_bad_paths(void **state) {
        (void)state;
        need_cgroup2();
        static const char *const paths[] = { "/", "", "//", "/..", "/a/../b", "/.", "/a//b", "../../etc", "/a/" };
        _cleanup_(act_freep) Act *a = act_here(root_fd);
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                _cleanup_free_ KillDecision *k = decision_new(1 + i, STEP_KILL, USEC_PER_SEC);
                KillStatus status[KILLS_MAX];
                ActResult r;
                add_group(k, paths[i], 1);
                assert_int_equal(act_kill(a, k, 1000, &r), 0);
                assert_int_equal(r.attempts[0].error, -EINVAL);
                assert_int_equal(act_poll(a, 1000, status, NULL), 1);
        }
}

static void test_terminate_then_kill(void **state) {
        (void)state;
        need_cgroup2();
        char path[CGROUP_PATH_MAX], below[CGROUP_PATH_MAX];
        uint64_t id, below_id;
        _cleanup_close_ int fd = group_make("term.scope", path, &id);
        _cleanup_close_ int below_fd = group_make("term.scope/deep", below, &below_id);
        _cleanup_(act_freep) Act *a = act_here(root_fd);
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_TERMINATE, 100 * USEC_PER_MSEC);
        KillStatus status[KILLS_MAX];
        ActResult r;
        pid_t soft[100]; /* more than one batch */

        for (unsigned i = 0; i < ARRAY_SIZE(soft); i++)
                soft[i] = victim_start_in(VICTIM_PLAIN, 0, i % 3 ? fd : below_fd);
        pid_t hard = victim_start_in(VICTIM_IGNORES_TERM, 0, below_fd);

        add_group(k, path, id);
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.n_signalled, ARRAY_SIZE(soft) + 1);
        for (unsigned i = 0; i < ARRAY_SIZE(soft); i++)
                assert_int_equal(victim_reap(soft[i]), SIGTERM);
        assert_int_equal(poll_until_done(a, 1).status.outcome, KILL_EXPIRED);
        k->step = STEP_KILL;
        k->is_escalation = true;
        k->wait_usec = 10 * USEC_PER_SEC;
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.attempts[0].error, 0);
        ActReport report = poll_until_done(a, 1);
        assert_int_equal(report.status.outcome, KILL_EXITED);
        assert_int_equal(victim_reap(hard), SIGKILL);
        assert_int_equal(act_poll(a, test_now_usec(), status, NULL), 0);
        /* one event, marked once, although there were two steps */
        if (r.mark >= 0)
                xattr_is(fd, "user.oomd_ooms", "1");
        xattr_is(fd, "user.oomd_kill", "101");
        group_remove(below);
        group_remove(path);
}

/* ---- protected members ---- */

/* A proc tree that says what we like about @pid: the tree of a process with CAP_SYS_RESOURCE would. */
static int fake_proc(char *dir, pid_t pid, const char *adj) {
        char path[64];
        assert_non_null(mkdtemp(dir));
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(fd, "proc", 0755), 0);
        (void)snprintf(path, sizeof(path), "proc/%d", pid);
        assert_int_equal(mkdirat(fd, path, 0755), 0);
        (void)snprintf(path, sizeof(path), "proc/%d/oom_score_adj", pid);
        _cleanup_close_ int file = openat(fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_true(write(file, adj, strlen(adj)) > 0);
        return fd;
}

static void fake_proc_remove(const char *dir, int fd, pid_t pid) {
        char path[64];
        (void)snprintf(path, sizeof(path), "proc/%d/oom_score_adj", pid);
        assert_int_equal(unlinkat(fd, path, 0), 0);
        (void)snprintf(path, sizeof(path), "proc/%d", pid);
        assert_int_equal(unlinkat(fd, path, AT_REMOVEDIR), 0);
        assert_int_equal(unlinkat(fd, "proc", AT_REMOVEDIR), 0);
        assert_int_equal(rmdir(dir), 0);
        (void)close(fd);
}

static void test_protected_member(void **state) {
        (void)state;
        need_cgroup2();
        char path[CGROUP_PATH_MAX], dir[] = "/tmp/headroom-test-XXXXXX";
        uint64_t id;
        _cleanup_close_ int fd = group_make("mixed.service", path, &id);
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_TERMINATE, 10 * USEC_PER_SEC);
        KillStatus status[KILLS_MAX];
        ActResult r;
        pid_t protected = victim_start_in(VICTIM_PLAIN, 0, fd);
        pid_t a1 = victim_start_in(VICTIM_IGNORES_TERM, 0, fd), a2 = victim_start_in(VICTIM_PLAIN, 0, fd);
        int proc = fake_proc(dir, protected, "-1000\n");
        _cleanup_(act_freep) Act *a = act_here(proc);

        add_group(k, path, id);
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.attempts[0].error, 0);
        assert_int_equal(r.n_signalled, 2);
        assert_int_equal(victim_reap(a2), SIGTERM);
        assert_int_equal(act_poll(a, test_now_usec(), status, NULL), 1);
        assert_int_equal(status[0].outcome, KILL_PENDING);
        k->step = STEP_KILL;
        k->is_escalation = true;
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.n_signalled, 1);
        /* over when those are gone that were signalled: the cgroup itself stays populated */
        assert_int_equal(poll_until_done(a, 1).status.outcome, KILL_EXITED);
        assert_int_equal(victim_reap(a1), SIGKILL);
        assert_true(victim_is_alive(protected));

        /* nobody else left: not a victim */
        k->kill_id = 2;
        k->is_escalation = false;
        assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
        assert_int_equal(r.outcome, KILL_FAILED);
        assert_int_equal(r.attempts[0].error, -ECANCELED);
        assert_true(victim_is_alive(protected));
        victim_end(protected);
        fake_proc_remove(dir, proc, protected);
        group_remove(path);
}

/* We ourselves stand in it: cgroup.kill would be suicide. */
static void test_own_cgroup(void **state) {
        (void)state;
        need_cgroup2();
        char path[CGROUP_PATH_MAX];
        uint64_t id;
        _cleanup_close_ int fd = group_make("own.service", path, &id);
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_KILL, 10 * USEC_PER_SEC);
        pid_t pid = victim_start_in(VICTIM_PLAIN, 0, fd);

        add_group(k, path, id);
        pid_t child = fork();
        if (child == 0) {
                char text[16];
                Act *a = NULL;
                ActResult r = {};
                KillStatus status[KILLS_MAX];
                (void)snprintf(text, sizeof(text), "%d", getpid());
                if (fd_write_text_at(fd, "cgroup.procs", text) < 0 || act_new(root_fd, mount_fd, NULL, NULL, &a) < 0)
                        _exit(2);
                if (act_rehearse(a) < 0)
                        _exit(3);
                if (act_kill(a, k, 1000, &r) < 0 || r.outcome != KILL_PENDING || r.n_signalled != 1)
                        _exit(4);
                for (unsigned i = 0; i < 2000; i++) {
                        if (act_poll(a, 2000, status, NULL) == 1 && status[0].outcome == KILL_EXITED)
                                _exit(0);
                        test_sleep_usec(1000);
                }
                _exit(5);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(victim_reap(pid), SIGKILL);
        group_remove(path);
}

/* ---- dry run, leaks ---- */

static void test_dry_run(void **state) {
        (void)state;
        need_cgroup2();
        char path[CGROUP_PATH_MAX];
        uint64_t id;
        _cleanup_close_ int fd = group_make("dry.service", path, &id);
        _cleanup_(act_freep) Act *a = act_here(root_fd);
        KillStatus status[KILLS_MAX];
        ActResult r;
        pid_t pid = victim_start_in(VICTIM_PLAIN, 0, fd);

        for (uint64_t step = STEP_TERMINATE; step <= STEP_KILL; step++) {
                _cleanup_free_ KillDecision *k = decision_new(step, (Step)step, USEC_PER_SEC);
                k->dry_run = true;
                add_group(k, path, id + 1);
                add_group(k, path, id);
                assert_int_equal(act_kill(a, k, 1000, &r), 0);
                assert_true(r.is_virtual);
                assert_int_equal(r.attempts[0].error, -ESTALE);
                assert_int_equal(r.attempts[1].error, 0);
                assert_int_equal(act_poll(a, 1000, status, NULL), 1);
                assert_int_equal(status[0].outcome, KILL_EXITED);
        }
        test_sleep_usec(20 * USEC_PER_MSEC);
        assert_true(victim_is_alive(pid));
        xattr_is(fd, "user.oomd_ooms", NULL);
        xattr_is(fd, "user.oomd_kill", NULL);
        victim_end(pid);
        group_remove(path);
}

static void test_no_fd_leak(void **state) {
        (void)state;
        need_cgroup2();
        char path[CGROUP_PATH_MAX];
        uint64_t id;
        int fd = group_make("leak.service", path, &id);
        _cleanup_(act_freep) Act *a = act_here(root_fd);
        _cleanup_free_ KillDecision *k = decision_new(1, STEP_KILL, 10 * USEC_PER_SEC);
        ActResult r;
        unsigned fds = count_fds();

        add_group(k, path, id);
        for (unsigned i = 0; i < 100; i++) {
                pid_t pid = victim_start_in(VICTIM_PLAIN, 0, fd), pid2 = victim_start_in(VICTIM_PLAIN, 0, fd);
                k->candidates[0].pid = pid;
                k->candidates[0].start_ticks = victim_ticks(root_fd, pid);
                k->kill_id = i + 1;
                k->step = i % 2 ? STEP_KILL : STEP_TERMINATE;
                assert_int_equal(act_kill(a, k, test_now_usec(), &r), 0);
                assert_int_equal(poll_until_done(a, i + 1).status.outcome, KILL_EXITED);
                (void)victim_reap(pid);
                (void)victim_reap(pid2);
        }
        for (unsigned j = 0; j < 1000 && count_fds() != fds; j++)
                test_sleep_usec(1000);
        assert_int_equal(count_fds(), fds);
        (void)close(fd);
        group_remove(path);
}

static int setup(void **state) {
        (void)state;
        root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        const char *mount = cgroup2_mount(&skip_reason);
        if (mount) {
                (void)snprintf(base, sizeof(base), "headroom-test-%d", getpid());
                mount_fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (mkdirat(mount_fd, base, 0755) < 0) {
                        skip_reason = "no cgroup can be made on the cgroup2 mount";
                        mount_fd = fd_close(mount_fd);
                }
        }
        return root_fd < 0 ? -1 : 0;
}

static int teardown(void **state) {
        (void)state;
        return mount_fd >= 0 ? unlinkat(mount_fd, base, AT_REMOVEDIR) : 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kill),
                cmocka_unit_test(test_kill_without_cgroup_kill),
                cmocka_unit_test(test_recreated),
                cmocka_unit_test(test_recreated_in_flight),
                cmocka_unit_test(test_bad_paths),
                cmocka_unit_test(test_terminate_then_kill),
                cmocka_unit_test(test_protected_member),
                cmocka_unit_test(test_own_cgroup),
                cmocka_unit_test(test_dry_run),
                cmocka_unit_test(test_no_fd_leak),
        };
        return no_pidfd_here() ? 0 : cmocka_run_group_tests(tests, setup, teardown);
}

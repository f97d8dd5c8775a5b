/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <sys/xattr.h>

#include "act/unit-mark.h"
#include "victims.h"

typedef struct Tree {
        ActHost host;
        char base[64], unit[96], worker[128]; /* paths from the mount */
        int unit_fd, worker_fd;
        uint64_t unit_id, worker_id;
} Tree;

static int make(int mount_fd, const char *path, uint64_t *ret_id) {
        struct stat st;
        assert_int_equal(mkdirat(mount_fd, path, 0755), 0);
        int fd = openat(mount_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(fstat(fd, &st), 0);
        *ret_id = st.st_ino;
        return fd;
}

static bool tree_make(Tree *t) {
        const char *reason, *mount = cgroup2_mount(&reason);
        uint64_t id;
        if (!mount) {
                print_message("# skipped: %s\n", reason);
                return false;
        }
        t->host.root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        t->host.cgroup_fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)snprintf(t->base, sizeof(t->base), "headroom-mark-%d", getpid());
        (void)snprintf(t->unit, sizeof(t->unit), "%s/u.service", t->base);
        (void)snprintf(t->worker, sizeof(t->worker), "%s/worker", t->unit);
        (void)close(make(t->host.cgroup_fd, t->base, &id));
        t->unit_fd = make(t->host.cgroup_fd, t->unit, &t->unit_id);
        t->worker_fd = make(t->host.cgroup_fd, t->worker, &t->worker_id);
        return true;
}

static void tree_remove(Tree *t) {
        const char *const paths[] = { t->worker, t->unit, t->base };
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                for (unsigned j = 0; unlinkat(t->host.cgroup_fd, paths[i], AT_REMOVEDIR) < 0; j++) {
                        assert_true(errno == EBUSY && j < 2000);
                        test_sleep_usec(1000);
                }
        (void)close(t->unit_fd);
        (void)close(t->worker_fd);
        (void)close(t->host.root_fd);
        (void)close(t->host.cgroup_fd);
}

static void is_marked(const Tree *t, const char *ooms, const char *kills) {
        char buf[32];
        for (unsigned i = 0; i < 2; i++) {
                const char *want = i ? kills : ooms;
                ssize_t n = fgetxattr(t->unit_fd, i ? "user.oomd_kill" : "user.oomd_ooms", buf, sizeof(buf));
                if (!want) {
                        assert_int_equal(n, -1);
                        continue;
                }
                assert_int_equal(n, strlen(want));
                assert_memory_equal(buf, want, strlen(want));
        }
        assert_int_equal(fgetxattr(t->worker_fd, "user.oomd_ooms", buf, sizeof(buf)), -1);
}

static void test_marks(void **state) {
        (void)state;
        Tree t = {};
        if (!tree_make(&t))
                skip();
        char slashed[160];
        (void)snprintf(slashed, sizeof(slashed), "/%s", t.worker);

        assert_int_equal(unit_mark(&t.host, slashed, t.worker_id, 0, 3, /* dry_run= */ true), 1);
        is_marked(&t, NULL, NULL);
        int r = unit_mark(&t.host, slashed, t.worker_id, 0, 3, /* dry_run= */ false);
        if (r == -EOPNOTSUPP || r == -EPERM) {
                tree_remove(&t);
                print_message("# skipped: no user.* attributes on this cgroup2 (before Linux 5.7)\n");
                skip();
        }
        assert_int_equal(r, 1);
        is_marked(&t, "1", "3");
        assert_int_equal(unit_mark(&t.host, t.unit, t.unit_id, 0, 4, false), 1);
        is_marked(&t, "2", "7");

        /* another cgroup by now, unknown, no unit, no such path, no cgroup2 */
        assert_int_equal(unit_mark(&t.host, t.worker, t.worker_id + 1, 0, 1, false), -ESTALE);
        assert_int_equal(unit_mark(&t.host, t.unit, t.worker_id, 0, 1, false), -ESTALE);
        assert_int_equal(unit_mark(&t.host, t.worker, 0, 0, 1, false), 0);
        assert_int_equal(unit_mark(&t.host, t.base, t.unit_id, 0, 1, false), 0);
        assert_int_equal(unit_mark(&t.host, "a/b.service", 1, 0, 1, false), -ENOENT);
        assert_int_equal(unit_mark(&t.host, "a/../b.service", 1, 0, 1, false), -EINVAL);
        assert_int_equal(unit_mark(&(ActHost){ .root_fd = t.host.root_fd, .cgroup_fd = -EBADF }, t.unit, t.unit_id, 0, 1, false), 0);
        is_marked(&t, "2", "7");

        /* the owner may have written anything */
        static const struct {
                const char *is, *becomes;
        } rows[] = {
                { "garbage", "1" }, { "", "1" }, { "-1", "1" }, { "18446744073709551615", "18446744073709551615" },
                { "99999999999999999999999999999999999999999999999999", "1" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                assert_int_equal(fsetxattr(t.unit_fd, "user.oomd_ooms", rows[i].is, strlen(rows[i].is), 0), 0);
                assert_int_equal(fsetxattr(t.unit_fd, "user.oomd_kill", "0", 1, 0), 0);
                assert_int_equal(unit_mark(&t.host, t.unit, t.unit_id, 0, 1, false), 1);
                is_marked(&t, rows[i].becomes, "1");
        }
        tree_remove(&t);
}

/* A process that the manager waits for is marked; a worker of the service is not. */
static void test_whose_child(void **state) {
        (void)state;
        Tree t = {};
        int p[2];
        pid_t worker;
        if (!tree_make(&t))
                skip();
        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        pid_t main_pid = fork(); /* our child, we play the manager outside of the unit */
        if (main_pid == 0) {
                char text[16];
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)snprintf(text, sizeof(text), "%d", getpid());
                if (fd_write_text_at(t.unit_fd, "cgroup.procs", text) < 0)
                        _exit(1);
                worker = fork();
                if (worker == 0) {
                        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                        for (;;)
                                (void)pause();
                }
                (void)!write(p[1], &worker, sizeof(worker));
                for (;;)
                        (void)pause();
        }
        assert_int_equal(read(p[0], &worker, sizeof(worker)), sizeof(worker));
        assert_int_equal(unit_mark(&t.host, t.unit, t.unit_id, worker, 1, false), 0);
        is_marked(&t, NULL, NULL);
        int r = unit_mark(&t.host, t.unit, t.unit_id, main_pid, 1, false);
        assert_true(r == 1 || r == -EOPNOTSUPP || r == -EPERM);
        if (r == 1)
                is_marked(&t, "1", "1");
        assert_int_equal(unit_mark(&t.host, t.unit, t.unit_id, INT32_MAX, 1, false), -ESRCH);
        (void)kill(worker, SIGKILL);
        victim_end(main_pid);
        (void)close(p[0]);
        (void)close(p[1]);
        tree_remove(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_marks),
                cmocka_unit_test(test_whose_child),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

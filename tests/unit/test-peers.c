/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "report/peers.h"

static void test_find(void **state) {
        (void)state;
        static const struct {
                const char *comm;
                uint32_t uid, flags, found;
        } rows[] = {
                { "earlyoom", 0, PROCESS_IDENTITY, 1u << PEER_EARLYOOM },
                { "earlyoom", 61999, PROCESS_IDENTITY, 1u << PEER_EARLYOOM }, /* DynamicUser= */
                { "earlyoom", 1000, PROCESS_IDENTITY, 0 },                    /* anybody may take the name */
                { "systemd-oomd", 990, PROCESS_IDENTITY, 1u << PEER_SYSTEMD_OOMD },
                { "oomd", 0, PROCESS_IDENTITY, 1u << PEER_OOMD },
                { "oomd2", 0, PROCESS_IDENTITY, 0 },
                { "nohang", 0, PROCESS_IDENTITY | PROCESS_KTHREAD, 0 },
                { "nohang", 0, 0, 0 }, /* not read */
                { "headroomd", 0, PROCESS_IDENTITY | PROCESS_SELF, 0 },
                { "headroomd", 0, PROCESS_IDENTITY, 1u << PEER_HEADROOMD },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ProcessSample p = { .uid = rows[i].uid, .flags = rows[i].flags };
                strcpy(p.comm, rows[i].comm);
                Snapshot s = { .processes = &p, .n_processes = 1 };
                assert_int_equal(peers_find(&s), rows[i].found);
        }
}

static void write_file(int dir_fd, const char *path, const char *text) {
        int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

static void test_kernel(void **state) {
        (void)state;
        char dir[] = "/tmp/test-peers.XXXXXX";
        assert_non_null(mkdtemp(dir));
        int fd = open(dir, O_RDONLY | O_DIRECTORY);
        assert_int_equal(peers_read_kernel_at(fd), 0);
        assert_int_equal(mkdirat(fd, "proc", 0700), 0);
        assert_int_equal(mkdirat(fd, "proc/sys", 0700), 0);
        assert_int_equal(mkdirat(fd, "proc/sys/vm", 0700), 0);
        write_file(fd, "proc/sys/vm/panic_on_oom", "2\n");
        write_file(fd, "proc/sys/vm/oom_kill_allocating_task", "0\n");
        assert_int_equal(peers_read_kernel_at(fd), 1u << PEER_PANIC_ON_OOM);
        write_file(fd, "proc/sys/vm/panic_on_oom", "x\n");
        write_file(fd, "proc/sys/vm/oom_kill_allocating_task", "1\n");
        assert_int_equal(peers_read_kernel_at(fd), 1u << PEER_KILL_ALLOCATING_TASK);
        unlinkat(fd, "proc/sys/vm/panic_on_oom", 0);
        unlinkat(fd, "proc/sys/vm/oom_kill_allocating_task", 0);
        unlinkat(fd, "proc/sys/vm", AT_REMOVEDIR);
        unlinkat(fd, "proc/sys", AT_REMOVEDIR);
        unlinkat(fd, "proc", AT_REMOVEDIR);
        close(fd);
        rmdir(dir);
}

static void test_described(void **state) {
        (void)state;
        for (Peer p = 0; p < _PEER_MAX; p++) {
                assert_non_null(peer_to_string(p));
                assert_non_null(peer_describe(p));
        }
        assert_null(peer_describe(_PEER_MAX));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_kernel),
                cmocka_unit_test(test_described),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* libcgroup knows absolute paths only: this asks the machine that it runs on, whatever that has. */

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "act/cgroup-adapter.h"
#include "base/fd.h"

static void test_mount(void **state) {
        (void)state;
        char path[4096] = "untouched", small[1];
        struct statfs fs;
        bool is_v2;

        int r = cgroup_adapter_memory_mount(path, sizeof(path), &is_v2);
        if (r < 0) {
                assert_string_equal(path, "untouched");
                print_message("# skipped: no memory controller here (%d)\n", r);
                skip();
        }
        assert_int_equal(statfs(path, &fs), 0);
        assert_int_equal(fs.f_type == CGROUP2_SUPER_MAGIC, is_v2);
        if (!is_v2)
                assert_int_equal(fs.f_type, CGROUP_SUPER_MAGIC);
        assert_int_equal(cgroup_adapter_memory_mount(small, sizeof(small), &is_v2), -ENAMETOOLONG);
}

static void test_bad_names(void **state) {
        (void)state;
        uint64_t v = 4711;
        static const char *const names[] = { "", "/", "/x", "..", "a/../b" };
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                assert_int_equal(cgroup_adapter_read_u64(names[i], "memory.high", &v), -EINVAL);
                assert_int_equal(cgroup_adapter_write_u64(names[i], "memory.high", 1), -EINVAL);
        }
        assert_int_equal(cgroup_adapter_read_u64("a", "../memory.high", &v), -EINVAL);
        assert_int_equal(cgroup_adapter_read_u64("a", "b/memory.high", &v), -EINVAL);
        assert_int_equal(cgroup_adapter_write_u64("a", "", 1), -EINVAL);
        assert_true(v == 4711);
}

/* A v1 hierarchy is never read or written by its v2 names. */
static void test_values(void **state) {
        (void)state;
        char mount[4096], name[64];
        bool is_v2;
        uint64_t v = 4711;

        int r = cgroup_adapter_memory_mount(mount, sizeof(mount), &is_v2);
        if (r < 0 || !is_v2) {
                int want = r < 0 ? r : -EOPNOTSUPP;
                assert_int_equal(cgroup_adapter_read_u64("x", "memory.high", &v), want);
                assert_int_equal(cgroup_adapter_write_u64("x", "memory.high", 1), want);
                assert_true(v == 4711);
                return;
        }
        int fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)snprintf(name, sizeof(name), "headroom-adapter-%d", getpid());
        if (mkdirat(fd, name, 0755) < 0 || cgroup_adapter_read_u64(name, "memory.high", &v) == -ENOENT) {
                (void)unlinkat(fd, name, AT_REMOVEDIR);
                (void)close(fd);
                print_message("# skipped: no cgroup with a memory controller can be made here\n");
                skip();
        }
        assert_true(v == UINT64_MAX);
        assert_int_equal(cgroup_adapter_write_u64(name, "memory.high", 64 << 20), 0);
        assert_int_equal(cgroup_adapter_read_u64(name, "memory.high", &v), 0);
        assert_true(v == 64 << 20);
        /* only what was meant is written */
        assert_int_equal(cgroup_adapter_read_u64(name, "memory.max", &v), 0);
        assert_true(v == UINT64_MAX);
        assert_int_equal(cgroup_adapter_write_u64(name, "memory.high", UINT64_MAX), 0);
        assert_int_equal(cgroup_adapter_read_u64(name, "memory.high", &v), 0);
        assert_true(v == UINT64_MAX);
        assert_true(cgroup_adapter_read_u64(name, "memory.nosuch", &v) < 0);
        assert_true(cgroup_adapter_read_u64("headroom-no-such-group", "memory.high", &v) < 0);
        assert_int_equal(unlinkat(fd, name, AT_REMOVEDIR), 0);
        (void)close(fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_mount),
                cmocka_unit_test(test_bad_names),
                cmocka_unit_test(test_values),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

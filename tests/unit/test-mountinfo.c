/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "sense/mountinfo.h"

static void test_cgroup2(void **state) {
        (void)state;
        static const struct {
                const char *text;
                int r;
                const char *point, *root;
        } rows[] = {
                { "41 31 0:38 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n", 0,
                  "/sys/fs/cgroup", "/" },
                { "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", 0, "/sys/fs/cgroup", "/" },
                { "41 31 0:38 / /a\\040b\\011c\\012d\\134e rw a:1 b:2 c:3 - cgroup2 none rw", 0, "/a b\tc\nd\\e", "/" },
                /* v1 alone; a file system of another type on a promising place; a name in the wrong field */
                { "41 31 0:38 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", -ENOENT, NULL, NULL },
                { "41 31 0:38 / /sys/fs/cgroup rw - tmpfs cgroup2 rw\n", -ENOENT, NULL, NULL },
                { "41 31 0:38 /cgroup2 /x rw - ext4 /dev/sda rw\n", -ENOENT, NULL, NULL },
                /* the whole hierarchy is preferred to a part of it, whatever the order; a part is better than none */
                { "1 1 0:1 /box /srv rw - cgroup2 c rw\n2 1 0:1 / /sys/fs/cgroup rw - cgroup2 c rw\n", 0,
                  "/sys/fs/cgroup", "/" },
                { "2 1 0:1 / /one rw - cgroup2 c rw\n1 1 0:1 / /two rw - cgroup2 c rw\n", 0, "/one", "/" },
                { "1 1 0:1 /box/x /srv rw - cgroup2 c rw\n", 0, "/srv", "/box/x" },
                { "1 1 0:1 /../.. /srv rw - cgroup2 c rw\n", 0, "/srv", "/../.." },
                /* the other format */
                { "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n", 0,
                  "/sys/fs/cgroup/unified", "/" },
                /* broken escapes, relative and missing paths */
                { "1 1 0:1 / /a\\04 rw - cgroup2 c rw\n", -ENOENT, NULL, NULL },
                { "1 1 0:1 / /a\\999b rw - cgroup2 c rw\n", -ENOENT, NULL, NULL },
                { "1 1 0:1 / /a\\000b rw - cgroup2 c rw\n", -ENOENT, NULL, NULL },
                { "1 1 0:1 / a rw - cgroup2 c rw\n", -ENOENT, NULL, NULL },
                { "1 1 0:1 / /a rw - cgroup2\n", -ENOENT, NULL, NULL },
                { "- - - - - - - - -\n", -ENOENT, NULL, NULL },
                { "garbage\n\n   \n", -ENOENT, NULL, NULL },
                { "", -ENOENT, NULL, NULL },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Cgroup2Mount m = { .point = "untouched" };
                assert_int_equal(mountinfo_find_cgroup2(rows[i].text, &m), rows[i].r);
                assert_string_equal(m.point, rows[i].point ? rows[i].point : "untouched");
                if (rows[i].root)
                        assert_string_equal(m.root, rows[i].root);
        }
}

static void test_long_path(void **state) {
        (void)state;
        char text[2048], name[MOUNT_PATH_MAX + 8];
        Cgroup2Mount m;
        memset(name, 'x', sizeof(name));
        name[0] = '/';
        name[MOUNT_PATH_MAX - 1] = '\0';
        (void)sprintf(text, "1 1 0:1 / %s rw - cgroup2 c rw\n", name);
        assert_int_equal(mountinfo_find_cgroup2(text, &m), 0);
        name[MOUNT_PATH_MAX - 1] = 'x';
        name[MOUNT_PATH_MAX] = '\0';
        (void)sprintf(text, "1 1 0:1 / %s rw - cgroup2 c rw\n", name);
        assert_int_equal(mountinfo_find_cgroup2(text, &m), -ENOENT);
}

static void test_hidepid(void **state) {
        (void)state;
        static const struct {
                const char *text;
                bool hidden;
        } rows[] = {
                { "22 27 0:21 / /proc rw - proc proc rw\n", false },
                { "22 27 0:21 / /proc rw - proc proc rw,gid=5,hidepid=2\n", true },
                { "22 27 0:21 / /proc rw - proc proc rw,hidepid=invisible,gid=5\n", true },
                { "22 27 0:21 / /proc rw - proc proc rw,hidepid=0\n", false },
                { "22 27 0:21 / /proc rw - proc proc rw,hidepid=off\n", false },
                { "22 27 0:21 / /srv/proc rw - proc proc rw,hidepid=2\n", false },
                { "1 1 0:1 / /proc rw - proc proc rw,hidepid=2\n2 1 0:2 / /proc rw - proc proc rw\n", false },
                { "proc /proc proc rw,nosuid,hidepid=1 0 0\n", true },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                assert_int_equal(mountinfo_has_hidepid(rows[i].text), rows[i].hidden);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cgroup2),
                cmocka_unit_test(test_long_path),
                cmocka_unit_test(test_hidepid),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

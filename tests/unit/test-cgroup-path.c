/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "model/cgroup-path.h"

static void test_inside(void **state) {
        (void)state;
        assert_true(cgroup_path_inside("/a/b", "/a"));
        assert_true(cgroup_path_inside("/a", "/a"));
        assert_true(cgroup_path_inside("/a", "/"));
        assert_false(cgroup_path_inside("/ab", "/a"));
        assert_false(cgroup_path_inside("/a", "/a/b"));
        assert_false(cgroup_path_inside("", "/"));
}

static void test_unit(void **state) {
        (void)state;
        static const struct {
                const char *path, *unit;
        } rows[] = {
                { "/system.slice/a.service", "/system.slice/a.service" },
                { "/system.slice/a.service/sub", "/system.slice/a.service" },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope/sub",
                  "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope" },
                { "/user.slice/user-0.slice/session-1.scope", "/user.slice/user-0.slice/session-1.scope" },
                { "user.slice/user@1.service/app.slice/tab", "user.slice/user@1.service" },
                { "/user.slice", "" },
                { "docker/abc", "" },
                { "a/.scope/b", "" },
                { "a.services", "" },
                { "a.service.d/x", "" },
                { "/.service", "" }, /* a suffix alone is no name */
                { "/", "" },
                { "", "" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                assert_int_equal(cgroup_path_unit_length(rows[i].path), strlen(rows[i].unit));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_inside),
                cmocka_unit_test(test_unit),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Names of units, and what is refused before anybody is asked. The calls themselves need a systemd: tests/guest. */

#include "test.h"

#include <string.h>

#include "act/systemd-call.h"

static void test_unit_names(void **state) {
        (void)state;
        static const struct {
                const char *path;
                bool is_whole;
                const char *unit; /* NULL: none */
                int length;
        } rows[] = {
                { "/system.slice/foo.service", true, "foo.service", 25 },
                { "system.slice/foo.service", true, "foo.service", 24 },
                { "/system.slice/foo.service/", true, "foo.service", 25 },
                { "/system.slice/foo.service/worker", true, NULL, 0 },
                { "/system.slice/foo.service/worker", false, "foo.service", 25 },
                { "/system.slice/foo.service/bar.service", true, NULL, 0 },
                { "/system.slice/foo.service/bar.service", false, "foo.service", 25 },
                { "/system.slice", true, "system.slice", 13 },
                { "/system.slice", false, NULL, 0 },
                { "/a.slice/a-b.slice", true, "a-b.slice", 18 },
                { "/a.slice/x", true, NULL, 0 },
                { "/user.slice/user-1000.slice/session-3.scope", true, "session-3.scope", 43 },
                { "/user.slice/user-1000.slice/user@1000.service", true, "user@1000.service", 45 },
                { "/user.slice/user-1000.slice/user@1000.service", false, NULL, 0 },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/a.service", true, NULL, 0 },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/a.service", false, NULL, 0 },
                { "/system.slice/system-serial\\x2dgetty.slice/serial-getty@ttyS0.service", true,
                  "serial-getty@ttyS0.service", 69 },
                { "/system.slice/_cpu.service", true, "cpu.service", 26 },
                { "/system.slice/a b.service", true, NULL, 0 },
                { "/system.slice/a\n.service", true, NULL, 0 },
                { "/system.slice/.service", true, NULL, 0 },
                { "/docker/0123", false, NULL, 0 },
                { "/init.scope", true, "init.scope", 11 },
                { "/x.service", false, "x.service", 10 },
                /* of a container's own manager, in a cgroup that is not of ours */
                { "/lxc.payload.c1/system.slice/ssh.service", true, NULL, 0 },
                { "/lxc/101/ns/system.slice/ssh.service", false, NULL, 0 },
                { "/docker/0123/ssh.service", false, NULL, 0 },
                { "/system.slice/x/ssh.service", false, NULL, 0 },
                { "/lxc.payload.c1/system.slice", true, NULL, 0 },
                { "/", true, NULL, 0 },
                { "", false, NULL, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char unit[SYSTEMD_UNIT_NAME_MAX] = "untouched";
                int r = systemd_unit_of_cgroup(rows[i].path, rows[i].is_whole, unit);
                if (rows[i].unit ? r != rows[i].length || strcmp(unit, rows[i].unit) != 0
                                 : r != -EOPNOTSUPP || strcmp(unit, "untouched") != 0)
                        fail_msg("%s (whole %d): %d %s", rows[i].path, rows[i].is_whole, r, unit);
        }
        assert_int_equal(systemd_set_unit_property("/x.service", "ExecStart", "1"), -EINVAL);
        assert_int_equal(systemd_set_unit_property("/x.service", "CPUWeight", "a"), -EINVAL);
        assert_int_equal(systemd_set_unit_property("/nothing", "CPUWeight", "1"), -EOPNOTSUPP);
        char text[8];
        assert_int_equal(systemd_get_unit_property("/x.service", "ExecStart", text, sizeof(text)), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unit_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

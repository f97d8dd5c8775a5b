/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <sys/xattr.h>

#include "sense/xattr.h"
#include "tree.h"

static void test_honoured(void **state) {
        (void)state;
        enum {
                P = CGROUP_MARK_PREFER,
                A = CGROUP_MARK_AVOID,
                O = CGROUP_MARK_OMIT
        };
        static const struct {
                uint32_t trusted, user, owner, ancestor, want;
        } rows[] = {
                { 0, 0, 0, 0, 0 },       { 0, A, 0, 1000, A }, /* root's cgroup */
                { 0, A, 1000, 1000, A },                       /* below a cgroup of his own */
                { 0, A, 1000, 0, 0 },                          /* a user exempting himself at the cost of others */
                { 0, O, 1000, 1001, 0 }, { P, O, 1000, 0, P }, /* only root can set trusted */
                { A, 0, 1000, 0, A },    { 0, A | O | P, 0, 0, O }, { P, A, 0, 0, A },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                XattrMarks m = { .trusted = rows[i].trusted, .user = rows[i].user };
                assert_int_equal(xattr_marks_honoured(&m, rows[i].owner, rows[i].ancestor), rows[i].want);
        }
}

static void test_read(void **state) {
        (void)state;
        static const struct {
                const char *name, *value;
                uint32_t user;
        } rows[] = {
                { "user.oomd_avoid", "1", CGROUP_MARK_AVOID },
                { "user.oomd_omit", "yes", CGROUP_MARK_OMIT },
                { "user.oomd_prefer", "true\n", CGROUP_MARK_PREFER },
                { "user.oomd_avoid", "0", 0 },
                { "user.oomd_avoid", "", 0 },
                { "user.oomd_avoid", "1234567890", 0 },
                { "user.other", "1", 0 },
        };
        Tree t;
        XattrMarks m = { .user = 99 };
        tree_open(&t);
        assert_int_equal(xattr_marks_read(t.fd, &m), 0);
        assert_int_equal(m.user | m.trusted, 0);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                if (fsetxattr(t.fd, rows[i].name, rows[i].value, strlen(rows[i].value), 0) < 0) {
                        tree_close(&t);
                        skip(); /* a file system without them */
                }
                assert_int_equal(xattr_marks_read(t.fd, &m), 0);
                assert_int_equal(m.user, rows[i].user);
                assert_int_equal(fremovexattr(t.fd, rows[i].name), 0);
        }
        assert_int_equal(xattr_marks_read(-1, &m), -EBADF);
        tree_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_honoured),
                cmocka_unit_test(test_read),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include "sense/degraded.h"
#include "tree.h"

#define ALL_CAPS "Name:\tx\nCapEff:\t000001ffffffffff\n"
#define NO_CAPS "Name:\tx\nCapEff:\t0000000000000000\n"
/* without SYS_RESOURCE (24), without SYS_PTRACE (19) */
#define TRIMMED "Name:\tx\nCapEff:\t000001fffef7ffff\n"

#define HIDDEN "22 27 0:21 / /proc rw - proc proc rw,hidepid=invisible\n"
#define OPEN "22 27 0:21 / /proc rw - proc proc rw\n"

static DegradedProbe probe(const Tree *t, int32_t self, const char *mounts) {
        static char scratch[4096];
        return (DegradedProbe){
                .root_fd = t->fd, .self_pid = self, .mounts = mounts, .scratch = scratch, .scratch_size = sizeof(scratch)
        };
}

static void test_container(void **state) {
        (void)state;
        Tree t;
        tree_open(&t);
        tree_mkdir(&t, "proc/7/ns");
        DegradedProbe p = probe(&t, 7, "");
        assert_false(degraded_is_container(&p));
        tree_write(&t, ".dockerenv", ""); /* left over in an image that boots as a machine */
        assert_true(degraded_is_container(&p));
        assert_int_equal(symlinkat("pid:[4026531836]", t.fd, "proc/7/ns/pid"), 0);
        assert_int_equal(symlinkat("cgroup:[4026531835]", t.fd, "proc/7/ns/cgroup"), 0);
        assert_false(degraded_is_container(&p)); /* the namespaces know better */
        p.self_pid = 0;
        assert_true(degraded_is_container(&p));
        p.self_pid = 7;
        assert_int_equal(unlinkat(t.fd, "proc/7/ns/cgroup", 0), 0);
        assert_int_equal(symlinkat("cgroup:[4026532000]", t.fd, "proc/7/ns/cgroup"), 0);
        assert_true(degraded_is_container(&p));
        tree_close(&t);
}

static void test_capabilities(void **state) {
        (void)state;
        static const struct {
                const char *status;
                bool lacks;
        } rows[] = {
                { ALL_CAPS, false },       { NO_CAPS, true },         { TRIMMED, true }, { "Name:\tx\n", false },
                { "\nCapEff:\t0", false }, { "\nCapEff:\tz\n", false }, { "", false }, /* unknown is not lacking */
        };
        Tree t;
        tree_open(&t);
        DegradedProbe p = probe(&t, 7, "");
        assert_false(degraded_lacks_sys_resource(&p));
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                tree_write(&t, "proc/7/status", rows[i].status);
                assert_int_equal(degraded_lacks_sys_resource(&p), rows[i].lacks);
        }
        p.self_pid = 0;
        assert_false(degraded_lacks_sys_resource(&p));
        tree_close(&t);
}

static void test_hidepid(void **state) {
        (void)state;
        Tree t;
        tree_open(&t);
        DegradedProbe hidden = probe(&t, 7, HIDDEN), open = probe(&t, 7, OPEN);
        assert_false(degraded_is_hidepid(&open)); /* no proc at all */
        tree_write(&t, "proc/7/status", TRIMMED);
        assert_true(degraded_is_hidepid(&open)); /* no pid 1 */
        tree_write(&t, "proc/1/stat", "1 (init) S 0\n");
        assert_false(degraded_is_hidepid(&open));
        assert_true(degraded_is_hidepid(&hidden));
        tree_write(&t, "proc/7/status", ALL_CAPS);
        assert_false(degraded_is_hidepid(&hidden));
        tree_write(&t, "proc/7/status", TRIMMED);
        tree_write(&t, "proc/2/stat", "2 (kthreadd) S 0\n"); /* exempt by gid= */
        assert_false(degraded_is_hidepid(&hidden));
        tree_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_container),
                cmocka_unit_test(test_capabilities),
                cmocka_unit_test(test_hidepid),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

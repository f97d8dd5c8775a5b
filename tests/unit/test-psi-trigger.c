/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "sense/psi-trigger.h"
#include "sense/psi.h"
#include "tree.h"

/* A plain file takes any text: what was written is what the kernel would see. */
static void test_text(void **state) {
        (void)state;
        static const struct {
                PsiKind kind;
                uint64_t stall, window;
                const char *text;
                bool rounded;
        } rows[] = {
                { PSI_SOME, 150000, 1000000, "some 150000 1000000", false },
                { PSI_FULL, 1, 500000, "full 1 500000", false },
                { PSI_FULL, 0, 2000000, "full 1 2000000", false },
                { PSI_FULL, 9000000, 2000000, "full 2000000 2000000", false },
                /* out of the kernel's range: brought into it, the threshold with it */
                { PSI_SOME, 10000, 100000, "some 50000 500000", true },
                { PSI_SOME, 6000000, 60000000, "some 1000000 10000000", true },
        };
        Tree t;
        tree_open(&t);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char got[64] = "";
                bool rounded = !rows[i].rounded;
                tree_write(&t, "memory.pressure", "");
                int fd = psi_trigger_open_at(t.fd, "memory.pressure", rows[i].kind, rows[i].stall, rows[i].window,
                                             &rounded);
                assert_true(fd >= 0);
                assert_int_equal(pread(fd, got, sizeof(got), 0), strlen(rows[i].text) + 1); /* the NUL included */
                assert_string_equal(got, rows[i].text);
                assert_int_equal(rounded, rows[i].rounded);
                (void)close(fd);
        }
        assert_int_equal(psi_trigger_open_at(t.fd, "none", PSI_SOME, 1, 1000000, NULL), -ENOENT);
        tree_close(&t);
}

static void test_live(void **state) {
        (void)state;
        int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool rounded = false;
        int fd = psi_trigger_open_at(root, "proc/pressure/memory", PSI_SOME, 300000, 1000000, &rounded);
        (void)close(root);
        if (fd == -ENOENT || fd == -EACCES || fd == -EPERM || fd == -EOPNOTSUPP)
                skip(); /* no PSI here, or an ordinary user on an older kernel */
        assert_true(fd >= 0);
        /* armed: an unarmed one would be ready at once, with POLLERR */
        struct pollfd p = { .fd = fd, .events = POLLPRI };
        assert_int_equal(poll(&p, 1, 0), 0);
        PsiTotals totals;
        assert_int_equal(psi_read(fd, &totals), 0);
        assert_true(totals.has_some);
        (void)close(fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_live),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

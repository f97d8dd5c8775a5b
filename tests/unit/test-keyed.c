/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "sense/keyed.h"
#include "sense/meminfo.h"
#include "sense/memory-stat.h"
#include "sense/vmstat.h"

enum {
        A,
        B,
        KB,
        SUM
};

static const KeyedKey keys[] = {
        KEYED("a", A),      KEYED("bb", B),       KEYED("b_old", B),
        KEYED_KB("Kb", KB), KEYED_SUM("s1", SUM), KEYED_SUM("s2", SUM),
};

static void test_table(void **state) {
        (void)state;
        static const struct {
                const char *text;
                int n_bad;
                uint64_t have, a, b, kb, sum;
        } rows[] = {
                { "a 1\nbb 2\nKb: 3 kB\ns1 4\ns2 5\n", 0, 15, 1, 2, 3072, 9 },
                { "s2 5\nKb:\t\t3 kB\nx 9\naa 7\nbb 2\na 1\nbbb 3\n", 0, 15, 1, 2, 3072, 5 },
                { "a 0\n", 0, 1, 0, 0, 0, 0 },
                { "b_old 8\n", 0, 2, 0, 8, 0, 0 },
                { "", 0, 0, 0, 0, 0, 0 },
                { "\n\n \n:\n", 0, 0, 0, 0, 0, 0 },
                { "a 18446744073709551615\n", 0, 1, UINT64_MAX, 0, 0, 0 },
                { "s1 18446744073709551615\ns2 1\n", 0, 8, 0, 0, 0, UINT64_MAX },
                /* absent, and said */
                { "a 18446744073709551616\n", 1, 0, 0, 0, 0, 0 },
                { "Kb: 18014398509481984 kB\n", 1, 0, 0, 0, 0, 0 },
                { "a 1", 1, 0, 0, 0, 0, 0 },
                { "a", 1, 0, 0, 0, 0, 0 },
                { "a \nbb 2\n", 1, 2, 0, 2, 0, 0 },
                { "a -1\n", 1, 0, 0, 0, 0, 0 },
                { "a 1 2\n", 1, 0, 0, 0, 0, 0 },
                { "a 1\na 1\n", 1, 0, 0, 0, 0, 0 },
                { "bb 1\nb_old 1\n", 1, 0, 0, 0, 0, 0 },
                { "s1 1\ns1 1\n", 1, 0, 0, 0, 0, 0 },
                { "s1 1\ns2 x\n", 1, 0, 0, 0, 0, 0 },
                { "Kb: 3\n", 1, 0, 0, 0, 0, 0 },
                { "Kb: 3 kB", 1, 0, 0, 0, 0, 0 },
                { "Kb: 3 kBx\n", 1, 0, 0, 0, 0, 0 },
                { "Kb: 3 MB\n", 1, 0, 0, 0, 0, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                /* a bit and a value that are not the table's stay as they are */
                uint64_t have = UINT64_C(1) << 40 | 15, value[41] = { 9, 9, 9, 9 };
                value[40] = 77;
                assert_int_equal(keyed_parse(rows[i].text, keys, ARRAY_SIZE(keys), &have, value), rows[i].n_bad);
                assert_true(have == (rows[i].have | UINT64_C(1) << 40));
                assert_true(value[40] == 77);
                assert_true(value[A] == rows[i].a && value[B] == rows[i].b && value[KB] == rows[i].kb &&
                            value[SUM] == rows[i].sum);
        }
}

static void test_meminfo(void **state) {
        (void)state;
        HostSample h = {};
        host_set(&h, HOST_PSI_SOME_USEC, 5);
        assert_int_equal(meminfo_parse("MemTotal:  1000 kB\nMemFree: 10 kB\nActive: 3 kB\nActive(anon):  2 kB\n"
                                       "HugePages_Total: 0\nSwapTotal: 0 kB\n",
                                       &h),
                         0);
        assert_true(h.value[HOST_MEM_TOTAL] == 1024000 && h.value[HOST_MEM_FREE] == 10240 &&
                    h.value[HOST_ACTIVE_ANON] == 2048);
        assert_true(host_has(&h, HOST_SWAP_TOTAL) && h.value[HOST_SWAP_TOTAL] == 0);
        assert_false(host_has(&h, HOST_MEM_AVAILABLE));
        assert_true(host_has(&h, HOST_PSI_SOME_USEC));
        /* what was there before is gone: nothing old is ever taken for new */
        assert_int_equal(meminfo_parse("MemFree: 10 kB\n", &h), -EBADMSG);
        assert_false(host_has(&h, HOST_MEM_TOTAL));
        assert_true(host_has(&h, HOST_MEM_FREE));
        assert_int_equal(meminfo_parse("", &h), -EBADMSG);
        assert_true(h.have == UINT64_C(1) << HOST_PSI_SOME_USEC);
}

static void test_vmstat(void **state) {
        (void)state;
        HostSample h = {};
        assert_int_equal(vmstat_parse("nr_free_pages 1\nallocstall_dma 1\nallocstall_dma32 2\nallocstall_normal 3\n"
                                      "allocstall_movable 4\nallocstall_device 0\noom_kill 0\npgscan_direct 7\n"
                                      "pgscan_direct_throttle 100\nworkingset_refault_file 8\n",
                                      &h),
                         0);
        assert_true(h.value[HOST_VM_ALLOCSTALL] == 10 && h.value[HOST_VM_PGSCAN_DIRECT] == 7);
        assert_true(host_has(&h, HOST_VM_OOM_KILL) && h.value[HOST_VM_OOM_KILL] == 0);
        assert_true(h.value[HOST_VM_REFAULT_FILE] == 8);
        assert_false(host_has(&h, HOST_VM_PSWPIN));
        assert_int_equal(vmstat_parse("nr_free_pages 1\n", &h), -EBADMSG);
        assert_true(h.have == 0);
}

static void test_cgroup_files(void **state) {
        (void)state;
        CgroupSample c = {};
        cgroup_set(&c, CGROUP_CURRENT, 1);
        assert_int_equal(memory_stat_parse("anon 1\nfile 2\nkernel_stack 9\npgscan 3\npgscan_kswapd 2\nzswapped 4\n",
                                           &c),
                         0);
        assert_true(c.value[CGROUP_ANON] == 1 && c.value[CGROUP_FILE] == 2 && c.value[CGROUP_PGSCAN] == 3);
        assert_false(cgroup_has(&c, CGROUP_KERNEL));
        assert_int_equal(memory_events_parse(
                                 "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 5\nsock_throttled 6\n", &c),
                         0);
        assert_true(c.value[CGROUP_EVENT_HIGH] == 1 && c.value[CGROUP_EVENT_OOM] == 3 &&
                    c.value[CGROUP_EVENT_OOM_KILL] == 4);
        assert_int_equal(memory_events_parse("low 0\nhigh 1\nhigh 2\n", &c), -EBADMSG);
        assert_false(cgroup_has(&c, CGROUP_EVENT_HIGH));
        assert_true(cgroup_has(&c, CGROUP_EVENT_LOW));
        assert_int_equal(cgroup_events_parse("populated 1\nfrozen 0\n", &c), 0);
        assert_true(c.value[CGROUP_POPULATED] == 1);
        assert_true(cgroup_has(&c, CGROUP_CURRENT) && cgroup_has(&c, CGROUP_ANON));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_meminfo),
                cmocka_unit_test(test_vmstat),
                cmocka_unit_test(test_cgroup_files),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

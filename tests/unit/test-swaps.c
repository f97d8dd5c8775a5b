/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "sense/swaps.h"

#define HEAD "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

static void test_parse(void **state) {
        (void)state;
        static const struct {
                const char *text;
                int r;
                uint32_t areas, zram;
                uint64_t total_kb, used_kb, zram_total_kb;
        } rows[] = {
                { HEAD, 0, 0, 0, 0, 0, 0 },
                { HEAD "/dev/sda2                               partition\t1000\t\t10\t\t-2\n", 0, 1, 0, 1000, 10, 0 },
                { HEAD "/dev/zram0 partition\t1000\t\t10\t\t100\n/swapfile file\t500 5 -3\n", 0, 2, 1, 1500, 15, 1000 },
                { HEAD "/dev/zram12\\040(deleted) partition\t1000\t\t10\t\t100\n", 0, 1, 1, 1000, 10, 1000 },
                { HEAD "/dev/block/zram0 partition\t1000\t\t10\t\t100\n", 0, 1, 1, 1000, 10, 1000 },
                /* not zram: a file, a name that only begins so, no number, too big a number */
                { HEAD "/home/zram0 file\t1000 10 1\n/dev/zram partition 1 1 1\n/dev/zram0p1 partition 1 1 1\n"
                       "/dev/zram99999999999 partition 1 1 1\nzram1 partition 1 1 1\n",
                  0, 5, 0, 1004, 14, 0 },
                { HEAD "/a\\040b\\012c file 7 0 -2\n", 0, 1, 0, 7, 0, 0 },
                { "", -EBADMSG, 0, 0, 0, 0, 0 },
                { "Nonsense\n", -EBADMSG, 0, 0, 0, 0, 0 },
                { HEAD "/dev/sda2 partition 1000\n", -EBADMSG, 0, 0, 0, 0, 0 },
                { HEAD "/dev/sda2 partition -1 0 0\n", -EBADMSG, 0, 0, 0, 0, 0 },
                { HEAD "/dev/sda2 partition 1000 10 1\n/dev/sdb1 part", -EBADMSG, 0, 0, 0, 0, 0 },
                { HEAD "\n", -EBADMSG, 0, 0, 0, 0, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Swaps s = { .n_areas = 4711 };
                assert_int_equal(swaps_parse(rows[i].text, &s), rows[i].r);
                if (rows[i].r < 0) {
                        assert_int_equal(s.n_areas, 4711);
                        continue;
                }
                assert_int_equal(s.n_areas, rows[i].areas);
                assert_int_equal(s.n_zram, rows[i].zram);
                assert_true(s.total_bytes == rows[i].total_kb * 1024 && s.used_bytes == rows[i].used_kb * 1024);
                assert_true(s.zram_total_bytes == rows[i].zram_total_kb * 1024);
        }
}

static void test_many_zram(void **state) {
        (void)state;
        char text[8192] = HEAD;
        Swaps s;
        for (int i = 0; i < SWAPS_ZRAM_MAX; i++)
                (void)sprintf(text + strlen(text), "/dev/zram%d partition 1 1 1\n", i);
        assert_int_equal(swaps_parse(text, &s), 0);
        assert_int_equal(s.zram[SWAPS_ZRAM_MAX - 1], SWAPS_ZRAM_MAX - 1);
        (void)strcat(text, "/dev/zram99 partition 1 1 1\n");
        assert_int_equal(swaps_parse(text, &s), -EBADMSG); /* a part of it would be a wrong ratio */
}

static void test_mm_stat(void **state) {
        (void)state;
        ZramStat z = {};
        assert_int_equal(zram_mm_stat_parse("   1000      300      400        0     500   0   0   0   0\n", &z), 0);
        assert_true(z.orig_bytes == 1000 && z.mem_used_bytes == 400);
        static const char *const bad[] = { "", "1 2\n", "1 2 3", "a b c\n", "1 -2 3x\n", "1 2 99999999999999999999\n" };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(zram_mm_stat_parse(bad[i], &z), -EBADMSG);
        assert_true(z.mem_used_bytes == 400);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_many_zram),
                cmocka_unit_test(test_mm_stat),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

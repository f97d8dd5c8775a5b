/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What block devices did, and which of them are swap: /proc/diskstats and trees of files. */

#include "test.h"

#include <string.h>

#include "sense/block-io.h"
#include "tree.h"

#define HEAD "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
/* reads, merged, sectors, ms; writes, merged, sectors, ms; and the nine that Linux 5.5 has after those */
#define LINE(dev, name, reads, sectors, ms) "   " dev " " name " " reads " 7 " sectors " " ms " 5 6 40 8 0 9 10 0 0 0 0 0 0\n"

static void test_parse(void **state) {
        (void)state;
        static const struct {
                const char *text;
                int n;
                const char *name; /* of the last */
                BlockIo io;
                bool is_first_divided;
        } rows[] = {
                { "", 0, NULL, {}, false },
                { LINE("8       0", "sda", "1", "16", "3"), 1, "sda", { 1, 16, 3, 5, 40, 8 }, false },
                { "8 0 sda 1 2 3 4 5 6 7 8\n", 1, "sda", { 1, 3, 4, 5, 7, 8 }, false }, /* no more than needed */
                { LINE("8 0", "sda", "1", "2", "3") LINE("8 1", "sda1", "4", "5", "6"), 2, "sda1", { 4, 5, 6, 5, 40, 8 }, true },
                { LINE("8 0", "sda", "1", "2", "3") LINE("8 1", "sda1", "4", "5", "6") LINE("8 2", "sda2", "7", "8", "9"), 3, "sda2", { 7, 8, 9, 5, 40, 8 }, true },
                { LINE("259 0", "nvme0n1", "1", "2", "3") LINE("259 1", "nvme0n1p1", "4", "5", "6"), 2, "nvme0n1p1", { 4, 5, 6, 5, 40, 8 }, true },
                /* another disk, though its name begins the same */
                { LINE("8 0", "sda", "1", "2", "3") LINE("65 160", "sdaa", "4", "5", "6"), 2, "sdaa", { 4, 5, 6, 5, 40, 8 }, false },
                { LINE("252 1", "zram1", "1", "2", "3") LINE("252 11", "zram11", "4", "5", "6"), 2, "zram11", { 4, 5, 6, 5, 40, 8 }, false },
                { LINE("254 1", "dm-1", "1", "2", "3") LINE("254 11", "dm-11", "4", "5", "6"), 2, "dm-11", { 4, 5, 6, 5, 40, 8 }, false },
                { LINE("254 1", "md1", "1", "2", "3") LINE("254 11", "md1p", "4", "5", "6"), 2, "md1p", { 4, 5, 6, 5, 40, 8 }, false },
                { LINE("8 0", "sda", "18446744073709551615", "2", "3"), 1, "sda", { UINT64_MAX, 2, 3, 5, 40, 8 }, false },
                { LINE("8 0", "sda", "18446744073709551616", "2", "3"), -EBADMSG, NULL, {}, false },
                { LINE("8 0", "sda", "-1", "2", "3"), -EBADMSG, NULL, {}, false },
                { LINE("8 0", "sda", "0x1", "2", "3"), -EBADMSG, NULL, {}, false },
                { LINE("8 x", "sda", "1", "2", "3"), -EBADMSG, NULL, {}, false },
                { LINE("8 0", "a name of four words", "1", "2", "3"), -EBADMSG, NULL, {}, false },
                { LINE("8 0", "0123456789012345678901234567890", "1", "2", "3"), 1, "0123456789012345678901234567890", { 1, 2, 3, 5, 40, 8 }, false },
                { LINE("8 0", "01234567890123456789012345678901", "1", "2", "3"), -EBADMSG, NULL, {}, false },
                { "8 0 sda 1 2 3 4 5 6 7\n", -EBADMSG, NULL, {}, false }, /* of Linux before 2.6.25, or cut */
                { "8 0 sda 1 2 3 4 5 6 7 8", -EBADMSG, NULL, {}, false },  /* may be the beginning of 81 */
                { "8 0 sda\n", -EBADMSG, NULL, {}, false },
                { "8 0\n", -EBADMSG, NULL, {}, false },
                { "\n", -EBADMSG, NULL, {}, false },
                { LINE("8 0", "sda", "1", "2", "3") "garbage\n", -EBADMSG, NULL, {}, false },
                { LINE("8 0", "a", "1", "2", "3") LINE("8 0", "b", "1", "2", "3") LINE("8 0", "c", "1", "2", "3") LINE("8 0", "d", "1", "2", "3"), -EBADMSG, NULL, {}, false },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                BlockDevice d[3];
                int n = block_devices_parse(rows[i].text, d, ARRAY_SIZE(d));
                if (n != rows[i].n)
                        fail_msg("row %zu: %d", i, n);
                if (n <= 0)
                        continue;
                assert_string_equal(d[n - 1].name, rows[i].name);
                assert_memory_equal(&d[n - 1].io, &rows[i].io, sizeof(BlockIo));
                if (d[0].is_divided != rows[i].is_first_divided)
                        fail_msg("row %zu: divided", i);
                for (int k = 1; k < n; k++)
                        assert_false(d[k].is_divided);
        }
}

static void test_read(void **state) {
        (void)state;
        static const struct {
                const char *swaps, *diskstats; /* NULL: no such file */
                const char *holder;            /* NULL: none */
                int r;
                uint64_t swap_reads, file_reads;
        } rows[] = {
                { HEAD "/dev/zram0 partition 1 1 100\n", LINE("252 0", "zram0", "5", "2", "3") LINE("8 0", "sda", "7", "2", "3"), NULL, 0, 5, 7 },
                { HEAD "/dev/zram0\\040(deleted) partition 1 1 100\n", LINE("252 0", "zram0", "5", "2", "3"), NULL, 0, 5, 0 },
                /* a disk with partitions is what its partitions are */
                { HEAD "/dev/sda2 partition 1 1 -2\n", LINE("8 0", "sda", "99", "2", "3") LINE("8 1", "sda1", "7", "2", "3") LINE("8 2", "sda2", "5", "2", "3"), NULL, 0, 5, 7 },
                /* LVM on a partition: the volumes */
                { HEAD "/dev/dm-1 partition 1 1 -2\n", LINE("8 0", "sda", "99", "2", "3") LINE("8 1", "sda1", "98", "2", "3") LINE("254 0", "dm-0", "7", "2", "3") LINE("254 1", "dm-1", "5", "2", "3"), "sys/class/block/sda1/holders/dm-0/dev", 0, 5, 7 },
                /* an empty folder holds nothing */
                { HEAD "/dev/zram0 partition 1 1 -2\n", LINE("8 0", "sda", "7", "2", "3") LINE("252 0", "zram0", "5", "2", "3"), "sys/class/block/sda/holders/.", 0, 5, 7 },
                /* several areas, several disks; memory, images and removable things are no storage */
                { HEAD "/dev/zram0 partition 1 1 5\n/dev/sdb partition 1 1 4\n", LINE("252 0", "zram0", "5", "2", "3") LINE("252 1", "zram1", "90", "2", "3") LINE("1 0", "ram0", "91", "2", "3") LINE("7 0", "loop0", "92", "2", "3") LINE("11 0", "sr0", "93", "2", "3") LINE("2 0", "fd0", "94", "2", "3") LINE("8 0", "sda", "7", "2", "3") LINE("8 16", "sdb", "6", "2", "3") LINE("8 32", "sdc", "8", "2", "3"), NULL, 0, 11, 15 },
                { HEAD "/dev/zram0 partition 1 1 5\n", LINE("252 0", "zram0", "5", "2", "3") LINE("1 0", "ramble", "7", "2", "3"), NULL, 0, 5, 7 },
                /* names that lead elsewhere are not followed */
                { HEAD "/dev/zram0 partition 1 1 5\n", LINE("252 0", "zram0", "5", "2", "3") LINE("1 0", "..", "7", "2", "3") LINE("1 1", "a/b", "1", "2", "3"), NULL, 0, 5, 8 },
                { HEAD, LINE("8 0", "sda", "7", "2", "3"), NULL, -ENODATA, 0, 0 },
                { NULL, LINE("8 0", "sda", "7", "2", "3"), NULL, -ENODATA, 0, 0 },
                { HEAD "/swapfile file 1 1 -2\n", LINE("8 0", "sda", "7", "2", "3"), NULL, -EBADMSG, 0, 0 },
                { HEAD "/dev/zram0 partition 1 1 5\n/swapfile file 1 1 -2\n", LINE("252 0", "zram0", "5", "2", "3"), NULL, -EBADMSG, 0, 0 },
                /* an image is a file: its device shares one with other files */
                { HEAD "/dev/loop0 partition 1 1 -2\n", LINE("7 0", "loop0", "5", "2", "3") LINE("8 0", "sda", "7", "2", "3"), NULL, -EBADMSG, 0, 0 },
                { HEAD "/dev/mapper/swap partition 1 1 -2\n", LINE("254 0", "dm-0", "7", "2", "3"), NULL, -ENODATA, 0, 0 },
                { HEAD "/dev/zram0 partition 1 1 5\n/dev/zram1 partition 1 1 5\n", LINE("252 0", "zram0", "5", "2", "3"), NULL, -ENODATA, 0, 0 },
                { HEAD "/dev/zram0 partition 1 1 5\n", "garbage\n", NULL, -EBADMSG, 0, 0 },
                { HEAD "/dev/zram0 partition 1 1 5\n", NULL, NULL, -ENOENT, 0, 0 },
                { "garbage\n", LINE("252 0", "zram0", "5", "2", "3"), NULL, -EBADMSG, 0, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Tree t;
                tree_open(&t);
                if (rows[i].swaps)
                        tree_write(&t, "proc/swaps", rows[i].swaps);
                if (rows[i].diskstats)
                        tree_write(&t, "proc/diskstats", rows[i].diskstats);
                if (rows[i].holder)
                        tree_mkdir(&t, rows[i].holder);
                SysctlSample s = { .has_block_io = true, .swap_io.n_reads = 1, .file_io.n_reads = 1, .block_set = 1 };
                unsigned fds = tree_count_fds();
                int r = block_io_read_at(t.fd, &s);
                assert_int_equal(tree_count_fds(), fds);
                if (r != rows[i].r || s.has_block_io != (r == 0))
                        fail_msg("row %zu: %d", i, r);
                if (s.swap_io.n_reads != rows[i].swap_reads || s.file_io.n_reads != rows[i].file_reads)
                        fail_msg("row %zu: %llu and %llu", i, (unsigned long long)s.swap_io.n_reads, (unsigned long long)s.file_io.n_reads);
                tree_close(&t);
        }
}

/* The same devices, the same set, whatever they did; another device, or another use of one, is another set. */
static void test_set(void **state) {
        (void)state;
        static const struct {
                const char *swaps, *diskstats;
                bool is_same;
        } rows[] = {
                { HEAD "/dev/zram0 partition 1 1 1\n", LINE("252 0", "zram0", "5", "2", "3") LINE("8 0", "sda", "7", "2", "3"), true },
                { HEAD "/dev/zram0 partition 1 1 1\n", LINE("252 0", "zram0", "6", "9", "9") LINE("8 0", "sda", "8", "9", "9"), true },
                { HEAD "/dev/zram0 partition 1 1 1\n", LINE("252 0", "zram0", "5", "2", "3") LINE("8 0", "sda", "7", "2", "3") LINE("8 1", "sdb", "0", "0", "0"), true },
                { HEAD "/dev/zram0 partition 1 1 1\n", LINE("252 0", "zram0", "5", "2", "3") LINE("8 0", "sda", "7", "2", "3") LINE("8 1", "sdb", "1", "0", "0"), false },
                { HEAD "/dev/zram0 partition 1 1 1\n", LINE("252 0", "zram0", "5", "2", "3"), false },
                { HEAD "/dev/zram0 partition 1 1 1\n/dev/sda partition 1 1 1\n", LINE("252 0", "zram0", "5", "2", "3") LINE("8 0", "sda", "7", "2", "3"), false },
        };
        uint64_t set = 0;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Tree t;
                SysctlSample s = { 0 };
                tree_open(&t);
                tree_write(&t, "proc/swaps", rows[i].swaps);
                tree_write(&t, "proc/diskstats", rows[i].diskstats);
                assert_int_equal(block_io_read_at(t.fd, &s), 0);
                if (i == 0)
                        set = s.block_set;
                if ((s.block_set == set) != rows[i].is_same)
                        fail_msg("row %zu", i);
                tree_close(&t);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse), cmocka_unit_test(test_read), cmocka_unit_test(test_set) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

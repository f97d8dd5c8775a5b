/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The settings below /proc/sys/vm and the kind of swap, read from trees of files. */

#include "test.h"

#include <string.h>
#include <sys/sysmacros.h>

#include "sense/swap-kind.h"
#include "sense/sysctl.h"
#include "tree.h"

#define HEAD "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

/* ---- /proc/swaps ---- */

static void test_areas(void **state) {
        (void)state;
        static const struct {
                const char *text;
                int n;
                const char *path;
                bool is_device;
                int64_t priority;
        } rows[] = {
                { HEAD, 0, NULL, false, 0 },
                { HEAD "/dev/sda2                               partition\t1000\t\t10\t\t-2\n", 1, "/dev/sda2", true, -2 },
                { HEAD "/swap\\040file\\134x file 500 5 100\n", 1, "/swap file\\x", false, 100 },
                { HEAD "/odd\\04 file 500 5 1\n", 1, "/odd\\04", false, 1 },
                { HEAD "/dev/zram0\\040(deleted) partition 500 5 32767\n", 1, "/dev/zram0 (deleted)", true, 32767 },
                { HEAD "/a partition 1 1 1\n/b file 1 1 2\n", 2, "/a", true, 1 },
                { "", -EBADMSG, NULL, false, 0 },
                { "Filename", -EBADMSG, NULL, false, 0 },
                { "Nonsense\n", -EBADMSG, NULL, false, 0 },
                { HEAD "/dev/sda2 partition 1000 10\n", -EBADMSG, NULL, false, 0 },
                { HEAD "/dev/sda2 partition 1000 10 x\n", -EBADMSG, NULL, false, 0 },
                { HEAD "/dev/sda2 partition -1 10 1\n", -EBADMSG, NULL, false, 0 },
                { HEAD "/dev/sda2 partition 1000 10 1", -EBADMSG, NULL, false, 0 },
                { HEAD "\n", -EBADMSG, NULL, false, 0 },
        };
        SwapArea areas[4];
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                assert_int_equal(swap_areas_parse(rows[i].text, areas, ARRAY_SIZE(areas)), rows[i].n);
                if (rows[i].n <= 0)
                        continue;
                assert_string_equal(areas[0].path, rows[i].path);
                assert_int_equal(areas[0].is_device, rows[i].is_device);
                assert_true(areas[0].priority == rows[i].priority);
        }
        assert_int_equal(swap_areas_parse(HEAD "/a file 1 1 1\n/b file 1 1 1\n", areas, 1), -EBADMSG);
        /* a name that does not fit is no name, and nothing runs over */
        char text[1024] = HEAD "/";
        memset(text + strlen(text), 'x', 600);
        (void)strcat(text, " file 1 1 1\n");
        assert_int_equal(swap_areas_parse(text, areas, 1), 1);
        assert_string_equal(areas[0].path, "");
}

/* ---- what it lies on ---- */

/* sda turns, nvme0n1 does not; each has a partition, linked as the kernel does it. */
static void add_devices(const Tree *t) {
        tree_write(t, "sys/devices/pci/sda/queue/rotational", "1\n");
        tree_write(t, "sys/devices/pci/sda/sda2/partition", "2\n");
        tree_write(t, "sys/devices/pci/nvme0n1/queue/rotational", "0\n");
        tree_write(t, "sys/devices/pci/nvme0n1/nvme0n1p3/partition", "3\n");
        tree_write(t, "sys/devices/virtual/block/dm-0/queue/rotational", "0\n");
        tree_write(t, "sys/devices/odd/queue/rotational", "perhaps\n");
        tree_mkdir(t, "sys/class/block");
        static const char *const links[][2] = {
                { "../../devices/pci/sda", "sda" },
                { "../../devices/pci/sda/sda2", "sda2" },
                { "../../devices/pci/nvme0n1", "nvme0n1" },
                { "../../devices/pci/nvme0n1/nvme0n1p3", "nvme0n1p3" },
                { "../../devices/virtual/block/dm-0", "dm-0" },
                { "../../devices/odd", "odd" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
                char path[64];
                (void)snprintf(path, sizeof(path), "sys/class/block/%s", links[i][1]);
                assert_int_equal(symlinkat(links[i][0], t->fd, path), 0);
        }
}

static void test_kinds(void **state) {
        (void)state;
        static const struct {
                const char *swaps; /* NULL: no such file */
                const char *zswap;
                bool has;
                SwapKind kind;
                uint32_t kinds;
        } rows[] = {
                { HEAD, NULL, true, SWAP_NONE, 0 },
                { NULL, NULL, true, SWAP_NONE, 0 }, /* a kernel without swap */
                { HEAD, "Y\n", true, SWAP_NONE, 0 },
                { HEAD "/dev/sda2 partition 1 1 -2\n", NULL, true, SWAP_DISK, 1u << SWAP_DISK },
                { HEAD "/dev/sda partition 1 1 -2\n", NULL, true, SWAP_DISK, 1u << SWAP_DISK },
                { HEAD "/dev/nvme0n1p3 partition 1 1 -2\n", "N\n", true, SWAP_SSD, 1u << SWAP_SSD },
                { HEAD "/dev/dm-0 partition 1 1 -2\n", NULL, true, SWAP_SSD, 1u << SWAP_SSD },
                { HEAD "/dev/zram0 partition 1 1 100\n", NULL, true, SWAP_ZRAM, 1u << SWAP_ZRAM },
                { HEAD "/dev/zram0\\040(deleted) partition 1 1 100\n", NULL, true, SWAP_ZRAM, 1u << SWAP_ZRAM },
                { HEAD "/dev/zramble partition 1 1 100\n", NULL, true, SWAP_UNKNOWN, 1u << SWAP_UNKNOWN },
                { HEAD "/dev/zram0 file 1 1 100\n", NULL, true, SWAP_UNKNOWN, 1u << SWAP_UNKNOWN },
                { HEAD "/dev/sda2 partition 1 1 -2\n", "Y\n", true, SWAP_ZSWAP, 1u << SWAP_ZSWAP },
                { HEAD "/dev/zram0 partition 1 1 1\n", "Y\n", true, SWAP_ZRAM, 1u << SWAP_ZRAM },
                /* the highest priority counts, wherever it stands; of equals the slowest */
                { HEAD "/dev/zram0 partition 1 1 100\n/dev/sda2 partition 1 1 -2\n", NULL, true, SWAP_ZRAM, 1u << SWAP_ZRAM | 1u << SWAP_DISK },
                { HEAD "/dev/sda2 partition 1 1 -2\n/dev/zram0 partition 1 1 100\n", NULL, true, SWAP_ZRAM, 1u << SWAP_ZRAM | 1u << SWAP_DISK },
                { HEAD "/dev/nvme0n1p3 partition 1 1 5\n/dev/sda2 partition 1 1 5\n", NULL, true, SWAP_DISK, 1u << SWAP_SSD | 1u << SWAP_DISK },
                { HEAD "/dev/sdz9 partition 1 1 5\n", NULL, true, SWAP_UNKNOWN, 1u << SWAP_UNKNOWN },
                { HEAD "/dev/odd partition 1 1 5\n", NULL, true, SWAP_UNKNOWN, 1u << SWAP_UNKNOWN },
                /* names that lead elsewhere lead nowhere */
                { HEAD "/dev/.. partition 1 1 5\n", NULL, true, SWAP_UNKNOWN, 1u << SWAP_UNKNOWN },
                { HEAD "/dev/ partition 1 1 5\n", NULL, true, SWAP_UNKNOWN, 1u << SWAP_UNKNOWN },
                { HEAD "sda2 partition 1 1 5\n", NULL, true, SWAP_UNKNOWN, 1u << SWAP_UNKNOWN },
                { HEAD "/no/such/file file 1 1 5\n", NULL, true, SWAP_UNKNOWN, 1u << SWAP_UNKNOWN },
                { HEAD "/ file 1 1 5\n", NULL, true, SWAP_UNKNOWN, 1u << SWAP_UNKNOWN },
                { "garbage\n", NULL, false, SWAP_NONE, 0 },
                { HEAD "/dev/sda2 partition 1 1\n", NULL, false, SWAP_NONE, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Tree t;
                tree_open(&t);
                add_devices(&t);
                if (rows[i].swaps)
                        tree_write(&t, "proc/swaps", rows[i].swaps);
                if (rows[i].zswap)
                        tree_write(&t, "sys/module/zswap/parameters/enabled", rows[i].zswap);
                SysctlSample s = { .has_swap_kind = true, .swap_kind = SWAP_UNKNOWN, .swap_kinds = 99 };
                int r = swap_kind_read_at(t.fd, &s);
                assert_int_equal(r, rows[i].has ? 0 : -EBADMSG);
                if (s.has_swap_kind != rows[i].has || s.swap_kind != rows[i].kind || s.swap_kinds != rows[i].kinds)
                        fail_msg("row %zu: kind %d of %x", i, s.swap_kind, s.swap_kinds);
                tree_close(&t);
        }
}

/* A file lies on what its file system lies on. */
static void test_file(void **state) {
        (void)state;
        for (int rotational = 0; rotational < 2; rotational++)
                for (int is_partition = 0; is_partition < 2; is_partition++) {
                        Tree t;
                        struct stat st;
                        char path[96];
                        SysctlSample s = { 0 };
                        tree_open(&t);
                        tree_write(&t, "var/swap file", "");
                        assert_int_equal(fstat(t.fd, &st), 0);
                        (void)snprintf(path, sizeof(path), "sys/dev/block/%u:%u%s", major(st.st_dev), minor(st.st_dev),
                                       is_partition ? "" : "/queue/rotational");
                        if (is_partition) {
                                tree_write(&t, "sys/devices/disk/part/partition", "1\n");
                                tree_write(&t, "sys/devices/disk/queue/rotational", rotational ? "1\n" : "0\n");
                                tree_mkdir(&t, "sys/dev/block");
                                assert_int_equal(symlinkat("../../devices/disk/part", t.fd, path), 0);
                        } else
                                tree_write(&t, path, rotational ? "1\n" : "0\n");
                        tree_write(&t, "proc/swaps", HEAD "/var/swap\\040file file 1 1 -2\n");
                        assert_int_equal(swap_kind_read_at(t.fd, &s), 0);
                        assert_int_equal(s.swap_kind, rotational ? SWAP_DISK : SWAP_SSD);
                        tree_close(&t);
                }
}

/* ---- the settings ---- */

static void test_sample(void **state) {
        (void)state;
        Tree t;
        SysctlSample s;
        tree_open(&t);
        tree_write(&t, "proc/sys/vm/swappiness", "60\n");
        tree_write(&t, "proc/sys/vm/page-cluster", "3");
        tree_write(&t, "proc/sys/vm/overcommit_ratio", "-5\n");
        tree_write(&t, "proc/sys/vm/overcommit_kbytes", "18446744073709551615\n");
        tree_write(&t, "proc/sys/vm/min_free_kbytes", "99999999999999999999\n");
        tree_write(&t, "proc/sys/vm/overcommit_memory", "");
        tree_write(&t, "proc/sys/vm/watermark_scale_factor", "10 20\n");
        tree_write(&t, "proc/sys/vm/panic_on_oom", "2\n");
        tree_write(&t, "proc/sys/vm/oom_kill_allocating_task", "x\n");
        tree_mkdir(&t, "proc/sys/vm/vfs_cache_pressure");
        tree_write(&t, "proc/swaps", HEAD);
        unsigned fds = tree_count_fds();
        sysctl_sample(t.fd, &s);
        assert_int_equal(tree_count_fds(), fds);
        assert_int_equal(s.have, 1u << SYSCTL_SWAPPINESS | 1u << SYSCTL_PAGE_CLUSTER | 1u << SYSCTL_OVERCOMMIT_KBYTES);
        assert_int_equal(s.value[SYSCTL_SWAPPINESS], 60);
        assert_int_equal(s.value[SYSCTL_PAGE_CLUSTER], 3);
        assert_int_equal(s.value[SYSCTL_OVERCOMMIT_KBYTES], UINT64_MAX);
        assert_int_equal(s.error[SYSCTL_SWAPPINESS], 0);
        assert_int_equal(s.error[SYSCTL_OVERCOMMIT_RATIO], -EBADMSG);
        assert_int_equal(s.error[SYSCTL_WATERMARK_SCALE_FACTOR], -EBADMSG);
        assert_int_equal(s.error[SYSCTL_ADMIN_RESERVE_KBYTES], -ENOENT);
        assert_int_equal(s.error[SYSCTL_VFS_CACHE_PRESSURE], -EISDIR);
        assert_int_equal(s.value[SYSCTL_OVERCOMMIT_RATIO], 0);
        assert_true(s.has_panic_on_oom && s.panic_on_oom == 2);
        assert_false(s.has_kill_allocating_task);
        assert_true(s.has_swap_kind && s.swap_kind == SWAP_NONE);
        assert_false(s.has_hugetlb); /* no meminfo */
        tree_close(&t);
}

static void test_hugetlb(void **state) {
        (void)state;
        static const struct {
                const char *text;
                bool has;
                uint64_t bytes;
        } rows[] = {
                { "MemTotal: 1000 kB\n", true, 0 },
                { "HugePages_Total: 3\nHugepagesize: 2048 kB\nHugetlb: 7168 kB\n", true, 7168 * 1024 },
                { "HugePages_Total: 3\nHugepagesize: 2048 kB\n", true, 3 * 2048 * 1024 },
                { "HugePages_Total: 3\n", true, 0 },
                { "Hugetlb: many kB\n", false, 0 },
                { "MemTotal: 1 kB\nHugetlb: 12", false, 0 }, /* cut: may be the beginning of 12345 */
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Tree t;
                SysctlSample s;
                tree_open(&t);
                tree_write(&t, "proc/meminfo", rows[i].text);
                sysctl_sample(t.fd, &s);
                assert_int_equal(s.has_hugetlb, rows[i].has);
                assert_int_equal(s.hugetlb_bytes, rows[i].bytes);
                tree_close(&t);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_areas),  cmocka_unit_test(test_kinds),   cmocka_unit_test(test_file),
                cmocka_unit_test(test_sample), cmocka_unit_test(test_hugetlb),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The kernel's own arithmetic: what it keeps, where its watermarks are, what MemAvailable leaves out. */

#include "test.h"

#include "plan/sim-supply.h"
#include "world.h"

#define GB (1024 * MB)
#define KB UINT64_C(1024)

static void test_watermarks(void **state) {
        (void)state;
        /* a guest of 512 MB without huge pages had 2.7 MB; 4 * sqrt(lowmem_kbytes), as the kernel documents it */
        Watermarks w = watermarks_of(460 * MB, 0);
        assert_in_range(w.min, 2700 * KB, 2760 * KB);
        assert_int_equal(watermarks_of(4 * GB, 0).min, 8192 * KB);
        /* watermark_scale_factor: a thousandth of the host between them, or a quarter of min */
        assert_int_equal(w.low - w.min, w.min / 4);
        w = watermarks_of(64 * GB, 0);
        assert_int_equal(w.low - w.min, 64 * GB / 1000);
        assert_int_equal(w.high - w.low, w.low - w.min);
        /* the limits of min_free_kbytes */
        assert_int_equal(watermarks_of(1024 * 1024 * GB, 0).min, 262144 * KB);
        assert_int_equal(watermarks_of(MB, 0).min, 128 * KB);
        assert_true(watermarks_of(UINT64_MAX, UINT64_MAX).high > 0);
        assert_int_equal(watermarks_of(0, 0).high, 0);
}

static void test_ram_and_total(void **state) {
        (void)state;
        static const struct {
                uint64_t total, ram;
        } known[] = {
                { 970 * MB, GB }, { GB, GB }, { 463 * MB, 512 * MB }, { 7800 * MB, 8 * GB }, { 31 * GB, 32 * GB }, { 94 * GB, 96 * GB },
                { 47 * GB, 48 * GB }, { 1, MB },
        };
        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
                assert_int_equal(supply_ram_of_total(known[i].total), known[i].ram);
                /* the same machine is the same machine */
                assert_int_equal(supply_total_of_ram(known[i].total, known[i].ram), known[i].total);
        }
        /* 1 GiB of which 54 MB are kept: 16 of struct page, 38 fixed */
        assert_int_equal(supply_total_of_ram(970 * MB, 512 * MB), (512 - 38 - 8) * MB);
        assert_int_equal(supply_total_of_ram(970 * MB, 20 * MB), 0);
        assert_true(supply_total_of_ram(UINT64_MAX, UINT64_MAX) > 0);
}

/* A host whose min_free_kbytes is @raised_min, or the kernel's own choice. */
static HostSample host(uint64_t total, uint64_t raised_min) {
        HostSample h = { 0 };
        host_set(&h, HOST_MEM_TOTAL, total);
        host_set(&h, HOST_MEM_FREE, 400 * MB);
        host_set(&h, HOST_ACTIVE_FILE, 50 * MB);
        host_set(&h, HOST_INACTIVE_FILE, 150 * MB);
        host_set(&h, HOST_SLAB_RECLAIMABLE, 40 * MB);
        host_set(&h, HOST_ANON_PAGES, 250 * MB);
        host_set(&h, HOST_SWAP_TOTAL, 0);
        host_set(&h, HOST_SWAP_FREE, 0);
        Watermarks w = watermarks_of(total, raised_min);
        host_set(&h, HOST_MEM_AVAILABLE, 590 * MB - w.reserve - w.low - MIN(w.low, 20 * MB));
        host_set(&h, HOST_MEM_FREE, 350 * MB);
        return h;
}

static Supply supply(const HostSample *h, uint64_t ram) {
        PlanQuestion q = { .swappiness = -1, .ram_bytes = ram };
        HostDemand d;
        Supply s;
        host_demand_of(h, &d);
        supply_of(&q, h, &d, &s);
        return s;
}

static void test_demand_adds_up(void **state) {
        (void)state;
        HostSample h = host(970 * MB, 0);
        HostDemand d;
        host_demand_of(&h, &d);
        assert_true(d.is_known);
        assert_int_equal(d.file, 200 * MB);
        assert_int_equal(d.hot_file, 50 * MB);
        assert_int_equal(d.demand, (970 - 350 - 200 - 40) * MB);
        assert_int_equal(d.swappable, 250 * MB);
        assert_int_equal(d.raised_min, 0);
        assert_int_equal(d.reserve, watermarks_of(970 * MB, 0).reserve);
        /* what is in swap is asked for as well; what it takes in zram is not asked for by anybody */
        host_set(&h, HOST_SWAP_TOTAL, 300 * MB);
        host_set(&h, HOST_SWAP_FREE, 180 * MB);
        host_set(&h, HOST_ZRAM_SWAP_TOTAL, 100 * MB);
        host_set(&h, HOST_ZRAM_SWAP_USED, 80 * MB);
        host_set(&h, HOST_ZRAM_ORIG, 80 * MB);
        host_set(&h, HOST_ZRAM_MEM_USED, 20 * MB);
        host_demand_of(&h, &d);
        assert_int_equal(d.demand, (970 - 350 - 200 - 40 - 20 + 120) * MB);
        assert_int_equal(supply(&h, 2 * GB).zram_permyriad, 2500);
        /* nothing is known without MemTotal, and with little the rest is made up for */
        HostSample none = { 0 }, little = { 0 };
        host_demand_of(&none, &d);
        assert_false(d.is_known);
        host_set(&little, HOST_MEM_TOTAL, GB);
        host_set(&little, HOST_MEM_AVAILABLE, 300 * MB);
        host_demand_of(&little, &d);
        assert_int_equal(d.demand, GB - 300 * MB);
}

/* With transparent huge pages min_free_kbytes is 44 MB, or 5 % of a smaller host; below 512 MB they are off. */
static void test_raised_watermarks(void **state) {
        (void)state;
        HostSample h = host(970 * MB, 44 * MB);
        Supply s = supply(&h, 768 * MB);
        /* a guest of 768 MB had 36 MB */
        assert_in_range(s.marks.min, 35 * MB, 37 * MB);
        assert_in_range(supply(&h, 2 * GB).marks.min, 43 * MB, 45 * MB);
        assert_in_range(supply(&h, 512 * MB).marks.min, 2700 * KB, 2800 * KB);
        /* not raised here: nor there */
        h = host(970 * MB, 0);
        assert_in_range(supply(&h, 768 * MB).marks.min, 3300 * KB, 3500 * KB);
        /* the recorded size is the recorded host, to the byte */
        s = supply(&h, GB);
        assert_true(s.is_recorded);
        assert_int_equal(supply_available(&s, 350 * MB, 200 * MB, 40 * MB), h.value[HOST_MEM_AVAILABLE]);
        h = host(970 * MB, 44 * MB);
        s = supply(&h, GB);
        assert_int_equal(supply_available(&s, 350 * MB, 200 * MB, 40 * MB), h.value[HOST_MEM_AVAILABLE]);
        /* recorded where it was cut off, and more on a larger one */
        h = host(700 * MB, 35 * MB);
        assert_in_range(supply(&h, 2 * GB).marks.min, 43 * MB, 45 * MB);
}

/* Debian 12 guests (6.1, two CPUs) of 384 to 1024 MiB, as they were: KiB of meminfo after a mixed load. */
static void test_real_guests(void **state) {
        (void)state;
        static const struct {
                uint64_t ram_mib, total, free, available, active_file, inactive_file, slab;
        } guests[] = {
                { 384, 350980, 34936, 235940, 98588, 100580, 12424 },
                { 512, 480004, 153276, 363144, 203716, 6448, 12408 },
                { 640, 608260, 324564, 394972, 55760, 92360, 12396 },
                { 768, 737284, 416456, 521656, 141240, 59852, 12380 },
                { 1024, 995332, 632828, 753300, 211248, 30524, 12740 },
        };
        HostSample h[ARRAY_SIZE(guests)];
        for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
                memset(&h[i], 0, sizeof(h[i]));
                host_set(&h[i], HOST_MEM_TOTAL, guests[i].total * KB);
                host_set(&h[i], HOST_MEM_FREE, guests[i].free * KB);
                host_set(&h[i], HOST_MEM_AVAILABLE, guests[i].available * KB);
                host_set(&h[i], HOST_ACTIVE_FILE, guests[i].active_file * KB);
                host_set(&h[i], HOST_INACTIVE_FILE, guests[i].inactive_file * KB);
                host_set(&h[i], HOST_SLAB_RECLAIMABLE, guests[i].slab * KB);
        }
        /* from each of the larger ones: MemTotal of the smaller, and its MemAvailable out of the same free and cache */
        for (size_t from = 1; from < ARRAY_SIZE(guests); from++)
                for (size_t to = 0; to <= from; to++) {
                        Supply s = supply(&h[from], guests[to].ram_mib * MB);
                        uint64_t total = guests[to].total * KB, available = guests[to].available * KB;
                        bool has_huge_pages = guests[from].ram_mib > 512;
                        assert_in_range(s.total, total - total / 100, total + total / 100);
                        if (!has_huge_pages && guests[to].ram_mib > 512)
                                continue;
                        uint64_t got = supply_available(&s, guests[to].free * KB, (guests[to].active_file + guests[to].inactive_file) * KB,
                                                        guests[to].slab * KB);
                        assert_in_range(got, available - 4 * MB, available + 4 * MB);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_watermarks),
                cmocka_unit_test(test_ram_and_total),
                cmocka_unit_test(test_demand_adds_up),
                cmocka_unit_test(test_raised_watermarks),
                cmocka_unit_test(test_real_guests),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

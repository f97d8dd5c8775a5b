/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What a page takes each way: tables of counters, then properties over generated histories. */

#include "test.h"

#include <string.h>

#include "decide/swap-cost.h"

#define PAGE UINT64_C(8) /* sectors */

typedef struct Bench {
        SwapCost cost;
        SysctlSample sample;
        uint64_t now_usec;
        PageCost c;
} Bench;

static Bench bench_new(SwapKind kind) {
        return (Bench){
                .sample = { .has_swap_kind = true, .swap_kind = kind, .swap_kinds = UINT32_C(1) << kind, .has_block_io = true, .block_set = 7 },
                .now_usec = 1000 * USEC_PER_SEC,
        };
}

static void add(BlockIo *io, const BlockIo *by) {
        io->n_reads += by->n_reads;
        io->read_sectors += by->read_sectors;
        io->read_msec += by->read_msec;
        io->n_writes += by->n_writes;
        io->write_sectors += by->write_sectors;
        io->write_msec += by->write_msec;
}

static bool step(Bench *b, uint64_t seconds, const BlockIo *swap, const BlockIo *file) {
        b->now_usec += seconds * USEC_PER_SEC;
        add(&b->sample.swap_io, swap);
        add(&b->sample.file_io, file);
        return swap_cost_step(&b->cost, &b->sample, b->now_usec, &b->c);
}

static const BlockIo nothing = {};
/* 2500 pages at 40 us each way; 16 pages a read of 2 ms */
#define SOME_SWAP { 2500, 2500 * PAGE, 90, 2500, 2500 * PAGE, 100 }
#define SOME_FILE { 500, 8000 * PAGE, 1000, 0, 0, 0 }
static const BlockIo some_swap = SOME_SWAP, some_file = SOME_FILE;

/* One window: what comes out in microseconds. */
static void test_costs(void **state) {
        (void)state;
        static const struct {
                SwapKind kind;
                BlockIo swap, file;
                uint64_t swap_usec, file_usec;
                uint32_t swappiness;
        } rows[] = {
                /* reading 90, a tick 10, writing 100 ms of 2500 pages; 1000 ms of 8000 */
                { SWAP_ZRAM, SOME_SWAP, SOME_FILE, 80, 125, 121 },
                /* three times as much written as was read: a third of it counts */
                { SWAP_ZRAM, { 2500, 2500 * PAGE, 90, 7500, 7500 * PAGE, 300 }, SOME_FILE, 80, 125, 121 },
                /* less was written: no more than that */
                { SWAP_ZRAM, { 2500, 2500 * PAGE, 90, 100, 100 * PAGE, 50 }, SOME_FILE, 60, 125, 135 },
                { SWAP_ZRAM, { 2500, 2500 * PAGE, 90, 0, 0, 0 }, SOME_FILE, 40, 125, 151 },
                /* faster than a tick can tell: a tick is what it takes */
                { SWAP_ZRAM, { 2500, 2500 * PAGE, 0, 2500, 2500 * PAGE, 0 }, SOME_FILE, 4, 125, 193 },
                { SWAP_ZRAM, { 100000, 100000 * PAGE, 290, 0, 0, 0 }, SOME_FILE, 3, 125, 195 },
                /* a slow board, a fast drive */
                { SWAP_ZRAM, { 4000, 4000 * PAGE, 390, 4000, 4000 * PAGE, 1200 }, { 1000, 16000 * PAGE, 160, 0, 0, 0 }, 400, 10, 4 },
                /* nobody waits for what a disk writes: as much as it reads, at most */
                { SWAP_SSD, { 500, 4000 * PAGE, 390, 4000, 4000 * PAGE, 900000 }, SOME_FILE, 197, 125, 77 },
                { SWAP_DISK, { 500, 4000 * PAGE, 390, 4000, 4000 * PAGE, 200 }, SOME_FILE, 150, 125, 90 },
                { SWAP_DISK, { 500, 4000 * PAGE, 390, 1000, 1000 * PAGE, 900000 }, SOME_FILE, 124, 125, 100 },
                /* files on LVM or LUKS, which count in ticks as well: luck does not make them free */
                { SWAP_ZRAM, SOME_SWAP, { 100, 2000 * PAGE, 0, 0, 0, 0 }, 80, 5, 11 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Bench b = bench_new(rows[i].kind);
                assert_false(step(&b, 10, &nothing, &nothing));
                assert_true(step(&b, 10, &rows[i].swap, &rows[i].file));
                if (b.c.swap_nsec / 1000 != rows[i].swap_usec || b.c.file_nsec / 1000 != rows[i].file_usec ||
                    swap_cost_swappiness(&b.c) != rows[i].swappiness)
                        fail_msg("row %zu: %llu and %llu ns, %u", i, (unsigned long long)b.c.swap_nsec,
                                 (unsigned long long)b.c.file_nsec, swap_cost_swappiness(&b.c));
                assert_int_equal(b.c.n_swap_pages, rows[i].swap.read_sectors / PAGE);
                assert_int_equal(b.c.n_file_pages, rows[i].file.read_sectors / PAGE);
        }
}

/* Behind zram there is a disk for what does not fit: what that writes in its queues is no time that anybody waited. */
static void test_zram_before_a_disk(void **state) {
        (void)state;
        static const BlockIo swap = { 3000, 4000 * PAGE, 390, 4000, 4000 * PAGE, 900000 }, file = SOME_FILE;
        for (int is_mixed = 0; is_mixed < 2; is_mixed++) {
                Bench b = bench_new(SWAP_ZRAM);
                b.sample.swap_kinds = UINT32_C(1) << SWAP_ZRAM | (is_mixed ? UINT32_C(1) << SWAP_DISK : 0);
                assert_false(step(&b, 10, &nothing, &nothing));
                assert_true(step(&b, 10, &swap, &file));
                assert_int_equal(b.c.swap_nsec / 1000, is_mixed ? 197 : (390 + 10 + 900000) / 4);
        }
}

/* Just enough and just too little, of each. */
static void test_enough(void **state) {
        (void)state;
        static const struct {
                uint64_t swap_pages, file_pages, file_reads, seconds;
                bool is_enough;
        } rows[] = {
                { SWAP_COST_PAGES_MIN, SWAP_COST_PAGES_MIN, SWAP_COST_READS_MIN, 8, true },
                { SWAP_COST_PAGES_MIN - 1, SWAP_COST_PAGES_MIN, SWAP_COST_READS_MIN, 8, false },
                { SWAP_COST_PAGES_MIN, SWAP_COST_PAGES_MIN - 1, SWAP_COST_READS_MIN, 8, false },
                { SWAP_COST_PAGES_MIN, SWAP_COST_PAGES_MIN, SWAP_COST_READS_MIN - 1, 8, false },
                { SWAP_COST_PAGES_MIN, SWAP_COST_PAGES_MIN, SWAP_COST_READS_MIN, 7, false },
                { SWAP_COST_PAGES_MIN, SWAP_COST_PAGES_MIN, SWAP_COST_READS_MIN, 120, true },
                { SWAP_COST_PAGES_MIN, SWAP_COST_PAGES_MIN, SWAP_COST_READS_MIN, 121, false },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Bench b = bench_new(SWAP_ZRAM);
                const BlockIo swap = { rows[i].swap_pages, rows[i].swap_pages * PAGE, 100, 0, 0, 0 };
                const BlockIo file = { rows[i].file_reads, rows[i].file_pages * PAGE, 100, 0, 0, 0 };
                assert_false(step(&b, 10, &nothing, &nothing));
                b.c.swap_nsec = 4711;
                if (step(&b, rows[i].seconds, &swap, &file) != rows[i].is_enough)
                        fail_msg("row %zu", i);
                assert_true(rows[i].is_enough || b.c.swap_nsec == 4711);
        }
        /* little by little, within the time */
        Bench b = bench_new(SWAP_ZRAM);
        const BlockIo tenth = { 100, SWAP_COST_PAGES_MIN / 10 * PAGE, 10, 0, 0, 0 };
        assert_false(step(&b, 10, &nothing, &nothing));
        for (int i = 0; i < 9; i++)
                assert_false(step(&b, 10, &tenth, &tenth));
        assert_true(step(&b, 10, &tenth, &tenth));
        assert_int_equal(b.c.n_swap_pages, SWAP_COST_PAGES_MIN);
}

/* What lies between two looks that do not belong together counts for nothing. */
static void test_gaps(void **state) {
        (void)state;
        for (int gap = 0; gap < 5; gap++) {
                Bench b = bench_new(SWAP_ZRAM);
                assert_false(step(&b, 10, &nothing, &nothing));
                switch (gap) {
                case 0: /* not read once */
                        b.sample.has_block_io = false;
                        assert_false(step(&b, 10, &some_swap, &some_file));
                        b.sample.has_block_io = true;
                        break;
                case 1: /* other devices */
                        b.sample.block_set = 8;
                        break;
                case 2: /* counters that begin anew */
                        b.sample.swap_io = (BlockIo){ .n_reads = 1 };
                        b.cost.window_swap.n_reads = 1000000;
                        break;
                case 3: /* a time before */
                        b.now_usec -= 100 * USEC_PER_SEC;
                        break;
                default: /* suspended */
                        b.now_usec += 3600 * USEC_PER_SEC;
                        break;
                }
                if (step(&b, 10, &some_swap, &some_file))
                        fail_msg("gap %d", gap);
                assert_true(step(&b, 10, &some_swap, &some_file));
                assert_int_equal(b.c.n_swap_pages, 2500);
        }
        /* never there: never a cost */
        Bench b = bench_new(SWAP_ZRAM);
        b.sample.has_block_io = false;
        for (int i = 0; i < 10; i++)
                assert_false(step(&b, 10, &some_swap, &some_file));
}

/* Each window counts half of the one after it; another set of devices begins anew. */
static void test_memory(void **state) {
        (void)state;
        static const BlockIo slow = { 2500, 2500 * PAGE, 990, 0, 0, 0 };
        Bench b = bench_new(SWAP_ZRAM);
        assert_false(step(&b, 10, &nothing, &nothing));
        assert_true(step(&b, 10, &slow, &some_file));
        assert_int_equal(b.c.swap_nsec, 400000);
        static const BlockIo fast = { 2500, 2500 * PAGE, 0, 0, 0, 0 };
        assert_true(step(&b, 10, &fast, &some_file));
        assert_int_equal(b.c.n_swap_pages, 3750);
        assert_int_equal(b.c.swap_nsec, (495 + 10) * UINT64_C(1000000) / 3750);
        for (int i = 0; i < 12; i++)
                assert_true(step(&b, 10, &fast, &some_file));
        assert_true(b.c.swap_nsec < 3000);
        b.sample.block_set = 9;
        assert_false(step(&b, 10, &slow, &some_file));
        assert_true(step(&b, 10, &slow, &some_file));
        assert_int_equal(b.c.swap_nsec, 400000);
}

static uint64_t random_next(uint64_t *s) {
        *s ^= *s << 13;
        *s ^= *s >> 7;
        *s ^= *s << 17;
        return *s;
}

/* Any counters: both costs are above 0, swappiness is within its range, and follows the costs. */
static void test_property(void **state) {
        (void)state;
        uint64_t rng = 99, n_costs = 0;
        for (int run = 0; run < 2000; run++) {
                Bench b = bench_new((SwapKind)(random_next(&rng) % _SWAP_KIND_MAX));
                for (int i = 0; i < 30; i++) {
                        uint64_t shift = random_next(&rng) % 50;
                        BlockIo swap = { random_next(&rng) >> shift, random_next(&rng) >> shift, random_next(&rng) >> shift,
                                         random_next(&rng) >> shift, random_next(&rng) >> shift, random_next(&rng) >> shift };
                        BlockIo file = { random_next(&rng) >> shift, random_next(&rng) >> shift, random_next(&rng) >> shift, 0, 0, 0 };
                        if (!step(&b, random_next(&rng) % 40, &swap, &file))
                                continue;
                        n_costs++;
                        assert_true(b.c.swap_nsec > 0 && b.c.file_nsec > 0);
                        assert_true(b.c.n_swap_pages >= SWAP_COST_PAGES_MIN && b.c.n_file_pages >= SWAP_COST_PAGES_MIN);
                        uint32_t v = swap_cost_swappiness(&b.c);
                        assert_true(v <= 200);
                        PageCost dearer = { .swap_nsec = u64_mul_sat(b.c.swap_nsec, 2), .file_nsec = b.c.file_nsec };
                        assert_true(swap_cost_swappiness(&dearer) <= v);
                        dearer = (PageCost){ .swap_nsec = b.c.swap_nsec, .file_nsec = u64_mul_sat(b.c.file_nsec, 2) };
                        assert_true(swap_cost_swappiness(&dearer) >= v || b.c.file_nsec > UINT64_MAX / 4);
                }
        }
        assert_true(n_costs > 1000);
}

static void test_formula(void **state) {
        (void)state;
        static const struct {
                uint64_t swap, file;
                uint32_t swappiness;
        } rows[] = { { 1, 1, 100 }, { 1, 2, 133 }, { 1, 9, 180 }, { 2, 1, 66 }, { 4, 1, 40 }, { 1, 1000000, 199 }, { 1000000, 1, 0 }, { 0, 0, 0 } };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                PageCost c = { .swap_nsec = rows[i].swap, .file_nsec = rows[i].file };
                assert_int_equal(swap_cost_swappiness(&c), rows[i].swappiness);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_costs),  cmocka_unit_test(test_enough),   cmocka_unit_test(test_gaps),
                cmocka_unit_test(test_memory), cmocka_unit_test(test_property), cmocka_unit_test(test_formula),
                cmocka_unit_test(test_zram_before_a_disk),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Swappiness=auto once both ways are measured: single cases, then properties. What holds without is in test-tune.c. */

#include "test.h"

#include <string.h>

#include "decide/tune.h"

#define PAGE UINT64_C(8) /* sectors */

typedef struct Desk {
        TuneState state;
        SysctlPolicy policy;
        SysctlSample sample;
        Snapshot snap;
        TuneDecision d;
} Desk;

static Desk desk_new(SwapKind kind) {
        Desk t = {
                .policy = { .swappiness_min = 10, .swappiness_max = 200 },
                .sample = { .has_swap_kind = true, .swap_kind = kind, .has_block_io = true, .block_set = 1 },
                .snap = { .mono_usec = 1000 * USEC_PER_SEC, .page_size = 4096 },
        };
        t.policy.settings[SYSCTL_SWAPPINESS].mode = SYSCTL_AUTO;
        sysctl_set(&t.sample, SYSCTL_SWAPPINESS, 60);
        host_set(&t.snap.host, HOST_VM_REFAULT_ANON, 0);
        host_set(&t.snap.host, HOST_VM_REFAULT_FILE, 0);
        tune_init(&t.state, false, 0);
        return t;
}

/* Ten seconds: what a page took each way in microseconds (0: nothing was read), and how many came back. */
static const SysctlAdvice *step(Desk *t, uint64_t swap_usec, uint64_t file_usec, uint64_t anon, uint64_t file) {
        t->snap.mono_usec += 10 * USEC_PER_SEC;
        if (swap_usec > 0 && file_usec > 0) {
                t->sample.swap_io.n_reads += 1000000;
                t->sample.swap_io.read_sectors += 1000000 * PAGE;
                t->sample.swap_io.read_msec += 1000 * swap_usec - 10; /* less the clock tick that is added */
                t->sample.file_io.n_reads += 100000;
                t->sample.file_io.read_sectors += 1000000 * PAGE;
                t->sample.file_io.read_msec += 1000 * file_usec;
        }
        t->snap.host.value[HOST_VM_REFAULT_ANON] += anon;
        t->snap.host.value[HOST_VM_REFAULT_FILE] += file;
        tune_step(&t->state, &t->policy, &t->sample, &t->snap, &t->d);
        return &t->d.advice[SYSCTL_SWAPPINESS];
}

static const SysctlAdvice *steps(Desk *t, int n, uint64_t swap_usec, uint64_t file_usec, uint64_t anon, uint64_t file) {
        const SysctlAdvice *a = NULL;
        for (int i = 0; i < n; i++)
                a = step(t, swap_usec, file_usec, anon, file);
        return a;
}

/* How many steps until the value is another one, that step included. */
static uint32_t steps_to_move(Desk *t, uint64_t swap_usec, uint64_t file_usec, uint64_t anon, uint64_t file) {
        uint64_t before = t->d.advice[SYSCTL_SWAPPINESS].wanted;
        for (uint32_t n = 1; n < 1000; n++)
                if (step(t, swap_usec, file_usec, anon, file)->wanted != before)
                        return n;
        return 0;
}

/* The first move: as soon as three windows agree, within the minute after the beginning; half the way to the formula. */
static void test_first(void **state) {
        (void)state;
        static const struct {
                SwapKind kind;
                uint64_t swap_usec, file_usec, anon, file;
                uint32_t begin, formula, then, n_steps; /* 0: stays */
        } rows[] = {
                /* a slow CPU with a fast drive, and swap takes more of the time: 300 against 50 */
                { SWAP_ZRAM, 300, 50, 1000, 1000, 180, 28, 104, 3 },
                { SWAP_ZRAM, 300, 100, 1000, 1000, 180, 50, 115, 3 },
                /* the same, but little comes back from swap: what the formula says is not to the point */
                { SWAP_ZRAM, 300, 100, 1000, 4000, 180, 50, 0, 0 },
                /* much more comes back from files: up, where the formula does not point, a small step and late */
                { SWAP_ZRAM, 300, 100, 1000, 9000, 180, 50, 190, 9 },
                /* the guess was right for the devices, but swap is read too much: down, likewise */
                { SWAP_ZRAM, 10, 100, 30000, 1000, 180, 181, 170, 9 },
                /* zram beside a disk that was taken for an SSD, or a disk that is faster than it was taken for */
                { SWAP_SSD, 20, 180, 1000, 1000, 66, 180, 123, 3 },
                { SWAP_DISK, 800, 1600, 500, 1000, 40, 133, 86, 3 },
                /* within a factor of two of each other */
                { SWAP_ZRAM, 100, 100, 1000, 1000, 180, 100, 0, 0 },
                { SWAP_ZRAM, 100, 100, 1900, 1000, 180, 100, 0, 0 },
                { SWAP_ZRAM, 100, 100, 1000, 1900, 180, 100, 0, 0 },
                /* nothing to tell from */
                { SWAP_ZRAM, 890, 100, 400, 99, 180, 20, 0, 0 },
                /* less than a small step: a small step */
                { SWAP_ZRAM, 30, 200, 30000, 1000, 180, 173, 170, 9 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Desk t = desk_new(rows[i].kind);
                const SysctlAdvice *a = step(&t, rows[i].swap_usec, rows[i].file_usec, 0, 0);
                assert_true(a->is_wanted && a->wanted == rows[i].begin && a->why == SYSCTL_WHY_SWAP_KIND);
                assert_int_equal(a->n_swap_pages, 0);
                uint32_t n = steps_to_move(&t, rows[i].swap_usec, rows[i].file_usec, rows[i].anon, rows[i].file);
                a = &t.d.advice[SYSCTL_SWAPPINESS];
                if (n != rows[i].n_steps || (n > 0 && a->wanted != rows[i].then) || a->formula != rows[i].formula)
                        fail_msg("row %zu: %u steps to %llu, formula %llu", i, n, (unsigned long long)a->wanted, (unsigned long long)a->formula);
                assert_int_equal((a->swap_page_nsec + 500) / 1000, rows[i].swap_usec);
                assert_int_equal((a->file_page_nsec + 500) / 1000, rows[i].file_usec);
                assert_true(a->n_swap_pages >= 1000000 && a->n_file_pages >= 1000000);
                if (n == 0)
                        continue;
                assert_int_equal(a->why, rows[i].then < rows[i].begin ? SYSCTL_WHY_REFAULTS_ANON : SYSCTL_WHY_REFAULTS_FILE);
                assert_int_equal(a->from, rows[i].begin);
                assert_int_equal(a->n_windows, n);
                assert_int_equal(a->refault_anon, rows[i].anon);
                assert_int_equal(a->refault_file, rows[i].file);
        }
}

/* Half the way each minute, then small steps; three times in a row each time but for the small ones. */
static void test_later(void **state) {
        (void)state;
        Desk t = desk_new(SWAP_ZRAM);
        assert_int_equal(step(&t, 300, 100, 0, 0)->wanted, 180);
        static const struct {
                uint64_t wanted;
                uint32_t n;
        } rows[] = { { 115, 3 }, { 83, 6 }, { 67, 6 }, { 57, 9 }, { 47, 9 }, { 37, 9 }, { 27, 9 }, { 17, 9 }, { 10, 9 } };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                uint32_t n = steps_to_move(&t, 300, 100, 9000, 1000);
                if (n != rows[i].n || t.d.advice[SYSCTL_SWAPPINESS].wanted != rows[i].wanted)
                        fail_msg("row %zu: %u steps to %llu", i, n, (unsigned long long)t.d.advice[SYSCTL_SWAPPINESS].wanted);
        }
        assert_int_equal(steps_to_move(&t, 300, 100, 9000, 1000), 0);
        /* the other way: by the formula twice as many windows, and twice that after each further turn */
        assert_int_equal(steps_to_move(&t, 300, 100, 1000, 90000), TUNE_WINDOWS_FORMULA * 2);
        assert_int_equal(t.d.advice[SYSCTL_SWAPPINESS].wanted, 30);
        assert_int_equal(steps_to_move(&t, 300, 100, 90000, 1000), TUNE_WINDOWS * 4);
        assert_int_equal(t.d.advice[SYSCTL_SWAPPINESS].wanted, 20);
        assert_int_equal(steps_to_move(&t, 300, 100, 1000, 90000), TUNE_WINDOWS_FORMULA * 8);
}

/* Costs that are not measured: the guess stays in force, and no move is longer than a small one. */
static void test_unmeasured(void **state) {
        (void)state;
        for (int i = 0; i < 4; i++) {
                Desk t = desk_new(i == 0 ? SWAP_ZSWAP : SWAP_ZRAM);
                uint64_t begin = i == 0 ? 160 : 180;
                if (i == 1)
                        t.sample.has_block_io = false;
                for (int k = 0; k < 100; k++) {
                        if (i == 2) { /* dear, but few */
                                t.sample.swap_io.read_sectors += 10 * PAGE;
                                t.sample.swap_io.read_msec += 1000;
                        }
                        if (i == 3) /* other devices each time */
                                t.sample.block_set++;
                        const SysctlAdvice *a = step(&t, i == 2 ? 0 : 900, 100, 1000, 1000);
                        if (a->n_swap_pages > 0 || a->wanted < begin || (a->wanted - begin) % TUNE_MOVE != 0)
                                fail_msg("row %d: %llu", i, (unsigned long long)a->wanted);
                }
        }
        /* measured once: that stays, also where nothing can be measured any more */
        Desk t = desk_new(SWAP_ZRAM);
        (void)steps(&t, 2, 300, 100, 0, 0);
        t.sample.has_block_io = false;
        const SysctlAdvice *a = steps(&t, 3, 300, 100, 1000, 1000);
        assert_true(a->wanted == 115 && a->n_swap_pages == 1000000);
}

/* The bounds hold for what is found, too; another kind of swap knows nothing of what was found before. */
static void test_bounds(void **state) {
        (void)state;
        Desk t = desk_new(SWAP_ZRAM);
        t.policy.swappiness_min = 150;
        t.policy.swappiness_max = 170;
        assert_int_equal(step(&t, 300, 100, 0, 0)->wanted, 170);
        assert_int_equal(steps(&t, 3, 300, 100, 1000, 1000)->wanted, 150);
        assert_int_equal(steps_to_move(&t, 300, 100, 1000, 1000), 0);
        t.sample.swap_kind = SWAP_SSD;
        t.policy.swappiness_min = 10;
        const SysctlAdvice *a = steps(&t, 7, 0, 0, 0, 0);
        assert_true(a->wanted == 66 && a->why == SYSCTL_WHY_SWAP_KIND && a->n_swap_pages == 0);
}

/* Not auto for a while: begins anew, as fast as any other move. */
static void test_off_and_on(void **state) {
        (void)state;
        Desk t = desk_new(SWAP_ZRAM);
        (void)step(&t, 300, 100, 0, 0);
        assert_int_equal(steps(&t, 3, 300, 100, 1000, 1000)->wanted, 115);
        t.policy.settings[SYSCTL_SWAPPINESS].mode = SYSCTL_KEEP;
        assert_false(step(&t, 300, 100, 1000, 1000)->is_wanted);
        t.policy.settings[SYSCTL_SWAPPINESS].mode = SYSCTL_AUTO;
        assert_false(step(&t, 300, 100, 1000, 1000)->is_wanted);
        const SysctlAdvice *a = steps(&t, 4, 300, 100, 1000, 1000);
        assert_true(a->is_wanted && a->wanted == 180 && a->why == SYSCTL_WHY_SWAP_KIND && a->n_swap_pages == 0);
        assert_int_equal(steps(&t, 3, 300, 100, 1000, 1000)->wanted, 115);
}

static uint64_t random_next(uint64_t *s) {
        *s ^= *s << 13;
        *s ^= *s >> 7;
        *s ^= *s << 17;
        return *s;
}

/* Whatever is measured: within the bounds, each move with its numbers, one a minute after the first. */
static void test_property_bounded(void **state) {
        (void)state;
        uint64_t n_moves = 0, n_long = 0;
        for (uint64_t seed = 1; seed <= 300; seed++) {
                uint64_t rng = seed * UINT64_C(0x9e3779b97f4a7c15), swap = 100, file = 100, last = 0, last_usec = 0;
                uint64_t anon_max = 9000, file_max = 9000;
                Desk t = desk_new(SWAP_ZRAM);
                t.policy.swappiness_min = (uint32_t)(random_next(&rng) % 100);
                t.policy.swappiness_max = t.policy.swappiness_min + (uint32_t)(random_next(&rng) % 101);
                for (int i = 0; i < 500; i++) {
                        if (random_next(&rng) % 53 == 0)
                                swap = random_next(&rng) % 5000;
                        if (random_next(&rng) % 53 == 0)
                                file = random_next(&rng) % 5000;
                        if (random_next(&rng) % 53 == 0)
                                anon_max = random_next(&rng) % 100000 + 1;
                        if (random_next(&rng) % 53 == 0)
                                file_max = random_next(&rng) % 100000 + 1;
                        if (random_next(&rng) % 101 == 0)
                                t.sample.block_set++;
                        bool has_moved = t.state.swappiness.direction_moved != 0;
                        const SysctlAdvice *a = step(&t, swap, file, random_next(&rng) % anon_max, random_next(&rng) % file_max);
                        assert_true(a->is_wanted);
                        assert_true(a->wanted >= t.policy.swappiness_min && a->wanted <= t.policy.swappiness_max);
                        if (i > 0 && a->wanted != last) {
                                uint64_t way = a->wanted > last ? a->wanted - last : last - a->wanted;
                                assert_true(!has_moved || t.snap.mono_usec - last_usec >= TUNE_MOVE_GAP_USEC);
                                assert_int_equal(a->from, last);
                                assert_int_equal(a->why, a->wanted > last ? SYSCTL_WHY_REFAULTS_FILE : SYSCTL_WHY_REFAULTS_ANON);
                                assert_true(a->refault_anon + a->refault_file >= TUNE_REFAULTS_MIN);
                                assert_true(a->n_windows >= (way > TUNE_MOVE ? TUNE_WINDOWS_FORMULA : 1));
                                /* never beyond the formula by a long move */
                                assert_true(way <= TUNE_MOVE || (a->wanted > last) == (a->formula > a->wanted) || a->formula == a->wanted);
                                assert_true(way <= TUNE_MOVE || a->n_swap_pages > 0);
                                n_moves++;
                                n_long += way > TUNE_MOVE;
                        }
                        if (i == 0 || a->wanted != last)
                                last_usec = t.snap.mono_usec;
                        last = a->wanted;
                }
        }
        assert_true(n_moves > 500 && n_long > 100);
}

/* Costs, or refaults, that swing to and fro, fast or slow: ever fewer moves. What is unsteady but clear: the same end. */
static void test_property_no_swinging(void **state) {
        (void)state;
        for (int what = 0; what < 2; what++)
                for (int period = 1; period <= 64; period *= 2) {
                        Desk t = desk_new(SWAP_ZRAM);
                        int n_late = 0;
                        uint64_t last = step(&t, 100, 100, 0, 0)->wanted;
                        for (int i = 0; i < 8 * 360; i++) { /* eight hours */
                                bool is_high = i / period % 2;
                                uint64_t v = what == 0 ? step(&t, is_high ? 900 : 30, 100, 3000, 3000)->wanted :
                                                         step(&t, 100, 100, is_high ? 9000 : 1000, is_high ? 1000 : 9000)->wanted;
                                n_late += v != last && i >= 2 * 360;
                                last = v;
                        }
                        if (n_late > 12)
                                fail_msg("%d, period %d: %d moves in the last six hours", what, period, n_late);
                }
        uint64_t rng = 5;
        for (int run = 0; run < 50; run++) {
                Desk t = desk_new(SWAP_ZRAM);
                (void)step(&t, 100, 100, 0, 0);
                for (int i = 0; i < 360; i++) /* within a factor of two, and 20 % of noise on each */
                        assert_int_equal(step(&t, 90 + random_next(&rng) % 21, 90 + random_next(&rng) % 21, 1000 + random_next(&rng) % 200,
                                              1000 + random_next(&rng) % 200)->wanted, 180);
        }
}

/*
 * A host whose refaults follow the setting: the more is swapped, the more comes back from swap and the less from files,
 * by square laws with any weight between the two. It gets to where the two cost about the same, and stays there.
 */
static void test_property_settles(void **state) {
        (void)state;
        for (uint64_t swap = 12; swap <= 800; swap *= 2)
                for (uint64_t weight = 1; weight <= 64; weight *= 4) {
                        Desk t = desk_new(SWAP_ZRAM);
                        uint64_t now = step(&t, swap, 100, 0, 0)->wanted, n_late = 0, anon = 0, file = 0;
                        for (int i = 0; i < 8 * 360; i++) {
                                anon = now * now;
                                file = (210 - now) * (210 - now) * weight / 8;
                                uint64_t v = step(&t, swap, 100, anon, file)->wanted;
                                n_late += v != now && i >= 4 * 360;
                                now = v;
                        }
                        assert_true(n_late <= 2);
                        bool is_balanced = anon * swap <= 3 * file * 100 && file * 100 <= 3 * anon * swap;
                        if (!is_balanced && now > 10 && now < 200)
                                fail_msg("swap %llu, weight %llu: %llu", (unsigned long long)swap, (unsigned long long)weight, (unsigned long long)now);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_first),
                cmocka_unit_test(test_later),
                cmocka_unit_test(test_unmeasured),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_off_and_on),
                cmocka_unit_test(test_property_bounded),
                cmocka_unit_test(test_property_no_swinging),
                cmocka_unit_test(test_property_settles),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

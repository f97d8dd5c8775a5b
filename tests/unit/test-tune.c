/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the kernel's memory settings should be: single cases, then properties over generated histories. */

#include "test.h"

#include <string.h>

#include "decide/tune.h"

#define MB (UINT64_C(1) << 20)

typedef struct Desk {
        TuneState state;
        SysctlPolicy policy;
        SysctlSample sample;
        Snapshot snap;
        TuneDecision d;
} Desk;

/* 1000 MB of memory, 100 MB of swap on zram, 200 MB committed; everything at the kernel's defaults. */
static Desk desk_new(void) {
        Desk t = {
                .policy = { .swappiness_min = 10, .swappiness_max = 200, .overcommit_margin_permyriad = 2500 },
                .sample = { .has_swap_kind = true, .swap_kind = SWAP_ZRAM, .has_hugetlb = true },
                .snap = { .mono_usec = 1000 * USEC_PER_SEC, .page_size = 4096 },
        };
        static const uint64_t values[] = {
                [SYSCTL_SWAPPINESS] = 60,          [SYSCTL_OVERCOMMIT_RATIO] = 50,
                [SYSCTL_OVERCOMMIT_KBYTES] = 0,    [SYSCTL_ADMIN_RESERVE_KBYTES] = 8192,
                [SYSCTL_USER_RESERVE_KBYTES] = 30000, [SYSCTL_OVERCOMMIT_MEMORY] = 0,
                [SYSCTL_MIN_FREE_KBYTES] = 4000,   [SYSCTL_WATERMARK_SCALE_FACTOR] = 10,
                [SYSCTL_WATERMARK_BOOST_FACTOR] = 15000, [SYSCTL_PAGE_CLUSTER] = 3,
                [SYSCTL_VFS_CACHE_PRESSURE] = 100,
        };
        for (Sysctl k = 0; k < _SYSCTL_MAX; k++)
                sysctl_set(&t.sample, k, values[k]);
        host_set(&t.snap.host, HOST_MEM_TOTAL, 1000 * MB);
        host_set(&t.snap.host, HOST_SWAP_TOTAL, 100 * MB);
        host_set(&t.snap.host, HOST_COMMITTED_AS, 200 * MB);
        host_set(&t.snap.host, HOST_VM_REFAULT_ANON, 0);
        host_set(&t.snap.host, HOST_VM_REFAULT_FILE, 0);
        tune_init(&t.state, false, 0);
        return t;
}

static void want(Desk *t, Sysctl key, uint64_t value) {
        t->policy.settings[key] = (SysctlSetting){ .mode = SYSCTL_VALUE, .value = value };
}

static void want_auto(Desk *t, Sysctl key) {
        t->policy.settings[key] = (SysctlSetting){ .mode = SYSCTL_AUTO };
}

static const SysctlAdvice *step(Desk *t, Sysctl key, uint64_t seconds, uint64_t anon, uint64_t file) {
        t->snap.mono_usec += seconds * USEC_PER_SEC;
        t->snap.host.value[HOST_VM_REFAULT_ANON] += anon;
        t->snap.host.value[HOST_VM_REFAULT_FILE] += file;
        tune_step(&t->state, &t->policy, &t->sample, &t->snap, &t->d);
        assert_int_equal(t->d.mono_usec, t->snap.mono_usec);
        return &t->d.advice[key];
}

/* ---- plain ---- */

static void test_nothing_wanted(void **state) {
        (void)state;
        Desk t = desk_new();
        step(&t, SYSCTL_SWAPPINESS, 10, 0, 0);
        for (Sysctl k = 0; k < _SYSCTL_MAX; k++) {
                assert_false(t.d.advice[k].is_wanted);
                assert_int_equal(t.d.advice[k].why, SYSCTL_WHY_KEEP);
        }
}

static void test_values(void **state) {
        (void)state;
        Desk t = desk_new();
        want(&t, SYSCTL_VFS_CACHE_PRESSURE, 50);
        want(&t, SYSCTL_SWAPPINESS, 0);
        const SysctlAdvice *a = step(&t, SYSCTL_VFS_CACHE_PRESSURE, 10, 0, 0);
        assert_true(a->is_wanted && a->wanted == 50 && a->why == SYSCTL_WHY_CONFIGURED);
        a = &t.d.advice[SYSCTL_SWAPPINESS];
        assert_true(a->is_wanted && !a->is_held && a->wanted == 0);
}

/* Each key once; strict overcommit last when it comes, first when it goes. */
static void test_order(void **state) {
        (void)state;
        static const struct {
                uint64_t now;
                bool is_wanted;
                uint64_t wanted;
                bool first;
        } rows[] = { { 0, true, 2, false }, { 2, true, 0, true }, { 2, false, 0, true }, { 0, false, 0, false }, { 2, true, 2, false } };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Desk t = desk_new();
                uint32_t seen = 0, at_memory = 99, at_ratio = 99, at_kbytes = 99;
                sysctl_set(&t.sample, SYSCTL_OVERCOMMIT_MEMORY, rows[i].now);
                if (rows[i].is_wanted)
                        want(&t, SYSCTL_OVERCOMMIT_MEMORY, rows[i].wanted);
                step(&t, SYSCTL_SWAPPINESS, 10, 0, 0);
                for (uint32_t k = 0; k < _SYSCTL_MAX; k++) {
                        seen |= 1u << t.d.order[k];
                        if (t.d.order[k] == SYSCTL_OVERCOMMIT_MEMORY)
                                at_memory = k;
                        if (t.d.order[k] == SYSCTL_OVERCOMMIT_RATIO)
                                at_ratio = k;
                        if (t.d.order[k] == SYSCTL_OVERCOMMIT_KBYTES)
                                at_kbytes = k;
                }
                assert_int_equal(seen, (1u << _SYSCTL_MAX) - 1);
                assert_true((at_memory < at_ratio) == rows[i].first && (at_memory < at_kbytes) == rows[i].first);
        }
}

/* ---- swappiness ---- */

static void test_base(void **state) {
        (void)state;
        static const struct {
                SwapKind kind;
                uint32_t swappiness, page_cluster;
        } rows[] = { { SWAP_ZRAM, 180, 0 }, { SWAP_ZSWAP, 160, 0 }, { SWAP_SSD, 66, 3 }, { SWAP_DISK, 40, 3 } };
        uint32_t v;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Desk t = desk_new();
                t.sample.swap_kind = rows[i].kind;
                want_auto(&t, SYSCTL_SWAPPINESS);
                want_auto(&t, SYSCTL_PAGE_CLUSTER);
                const SysctlAdvice *a = step(&t, SYSCTL_SWAPPINESS, 10, 0, 0);
                assert_true(a->is_wanted && a->why == SYSCTL_WHY_SWAP_KIND && a->swap_kind == rows[i].kind);
                assert_int_equal(a->wanted, rows[i].swappiness);
                assert_true(t.d.advice[SYSCTL_PAGE_CLUSTER].is_wanted);
                assert_int_equal(t.d.advice[SYSCTL_PAGE_CLUSTER].wanted, rows[i].page_cluster);
                assert_true(swappiness_of_kind(rows[i].kind, &v) && v == rows[i].swappiness);
        }
        assert_false(swappiness_of_kind(SWAP_NONE, &v));
        assert_false(swappiness_of_kind(SWAP_UNKNOWN, &v));
        assert_false(swappiness_of_kind(_SWAP_KIND_INVALID, &v));
        assert_false(swappiness_of_kind(_SWAP_KIND_MAX, &v));
}

static void test_bounds(void **state) {
        (void)state;
        Desk t = desk_new();
        want_auto(&t, SYSCTL_SWAPPINESS);
        t.policy.swappiness_max = 100;
        assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 10, 0, 0)->wanted, 100);
        t.policy.swappiness_max = 90; /* reloaded */
        assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 10, 0, 0)->wanted, 90);
        /* at the bound nothing moves, and nothing claims to have moved */
        for (int i = 0; i < 40; i++)
                assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 10, 0, 5000)->why, SYSCTL_WHY_SWAP_KIND);
        assert_int_equal(t.d.advice[SYSCTL_SWAPPINESS].wanted, 90);
}

static void test_no_swap(void **state) {
        (void)state;
        static const struct {
                bool has;
                SwapKind kind;
                SysctlWhy why;
        } rows[] = { { true, SWAP_NONE, SYSCTL_WHY_NO_SWAP }, { true, SWAP_UNKNOWN, SYSCTL_WHY_SWAP_UNKNOWN }, { false, SWAP_NONE, SYSCTL_WHY_SWAP_UNKNOWN } };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Desk t = desk_new();
                t.sample.has_swap_kind = rows[i].has;
                t.sample.swap_kind = rows[i].kind;
                want_auto(&t, SYSCTL_SWAPPINESS);
                want_auto(&t, SYSCTL_PAGE_CLUSTER);
                const SysctlAdvice *a = step(&t, SYSCTL_SWAPPINESS, 10, 0, 0);
                assert_true(!a->is_wanted && a->why == rows[i].why);
                a = &t.d.advice[SYSCTL_PAGE_CLUSTER];
                assert_true(!a->is_wanted && a->why == rows[i].why);
        }
}

static void test_swap_comes_and_goes(void **state) {
        (void)state;
        Desk t = desk_new();
        want_auto(&t, SYSCTL_SWAPPINESS);
        assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 10, 0, 0)->wanted, 180);
        t.sample.has_swap_kind = false; /* not read this once: what was said holds */
        assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 10, 0, 0)->wanted, 180);
        t.sample.has_swap_kind = true;
        t.sample.swap_kind = SWAP_DISK; /* a new kind, but not within a minute of the last change */
        assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 10, 0, 0)->wanted, 180);
        assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 40, 0, 0)->wanted, 40);
        t.sample.swap_kind = SWAP_NONE;
        assert_false(step(&t, SYSCTL_SWAPPINESS, 10, 0, 0)->is_wanted);
        t.sample.swap_kind = SWAP_SSD;
        assert_false(step(&t, SYSCTL_SWAPPINESS, 10, 0, 0)->is_wanted);
        assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 60, 0, 0)->wanted, 66);
}

/* Nine windows of 10 s that say the same; the numbers are those of the last. */
static void test_moves(void **state) {
        (void)state;
        for (int up = 0; up < 2; up++) {
                Desk t = desk_new();
                t.sample.swap_kind = up ? SWAP_DISK : SWAP_ZRAM;
                uint64_t base = up ? 40 : 180, anon = up ? 10 : 20000, file = up ? 1000 : 10;
                want_auto(&t, SYSCTL_SWAPPINESS);
                step(&t, SYSCTL_SWAPPINESS, 10, 0, 0); /* opens the first window */
                for (int i = 0; i < 8; i++)
                        assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 10, anon, file)->wanted, base);
                const SysctlAdvice *a = step(&t, SYSCTL_SWAPPINESS, 10, anon, file);
                assert_int_equal(a->wanted, up ? 50 : 170);
                assert_int_equal(a->why, up ? SYSCTL_WHY_REFAULTS_FILE : SYSCTL_WHY_REFAULTS_ANON);
                assert_int_equal(a->from, base);
                assert_int_equal(a->n_windows, TUNE_WINDOWS);
                assert_int_equal(a->refault_anon, anon);
                assert_int_equal(a->refault_file, file);
                assert_int_equal(a->window_usec, 10 * USEC_PER_SEC);
                assert_int_equal(a->n_swap_pages, 0);
                /* the reason stays until the next move, which takes as many again */
                for (int i = 0; i < 8; i++)
                        assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 10, anon, file)->why, up ? SYSCTL_WHY_REFAULTS_FILE : SYSCTL_WHY_REFAULTS_ANON);
                assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 10, anon, file)->wanted, up ? 60 : 160);
        }
}

static void test_moves_back(void **state) {
        (void)state;
        Desk t = desk_new();
        uint32_t n = 0;
        want_auto(&t, SYSCTL_SWAPPINESS);
        step(&t, SYSCTL_SWAPPINESS, 10, 0, 0);
        for (int i = 0; i < TUNE_WINDOWS; i++)
                step(&t, SYSCTL_SWAPPINESS, 10, 20000, 0);
        assert_int_equal(t.d.advice[SYSCTL_SWAPPINESS].wanted, 170);
        while (step(&t, SYSCTL_SWAPPINESS, 10, 0, 20000)->wanted == 170)
                n++;
        assert_int_equal(n + 1, TUNE_WINDOWS * 2);
        for (n = 0; step(&t, SYSCTL_SWAPPINESS, 10, 20000, 0)->wanted == 180;)
                n++;
        assert_int_equal(n + 1, TUNE_WINDOWS * 4);
}

/* What must not move it: (anon, file) in each window of 10 s, on zram, where a page of a file counts nine times. */
static void test_stays(void **state) {
        (void)state;
        static const struct {
                uint64_t anon[2], file[2]; /* in turn */
        } rows[] = {
                { { 0, 0 }, { 0, 0 } },
                { { 499, 499 }, { 0, 0 } },          /* too few */
                { { 0, 0 }, { 499, 499 } },
                { { 17900, 17900 }, { 1000, 1000 } }, /* within a factor of two of 9 to 1 */
                { { 4600, 4600 }, { 1000, 1000 } },
                { { 60000, 0 }, { 0, 60000 } },      /* no two windows agree */
                { { 60000, 9000 }, { 0, 1000 } },    /* every other is balanced */
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Desk t = desk_new();
                want_auto(&t, SYSCTL_SWAPPINESS);
                step(&t, SYSCTL_SWAPPINESS, 10, 0, 0);
                for (int w = 0; w < 100; w++)
                        assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 10, rows[i].anon[w % 2], rows[i].file[w % 2])->wanted, 180);
        }
}

/* Counters that are missing, begin anew, or were not looked at for long say nothing. */
static void test_counters(void **state) {
        (void)state;
        Desk t = desk_new();
        want_auto(&t, SYSCTL_SWAPPINESS);
        step(&t, SYSCTL_SWAPPINESS, 30, 0, 0);
        for (int i = 0; i < 20; i++) {
                t.snap.host.have ^= UINT64_C(1) << HOST_VM_REFAULT_ANON; /* every other sample */
                assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 30, 60000, 0)->wanted, 180);
        }
        t.snap.host.have |= UINT64_C(1) << HOST_VM_REFAULT_ANON;
        for (int i = 0; i < 20; i++) {
                t.snap.host.value[HOST_VM_REFAULT_ANON] = (uint64_t)(20 - i) * 60000;
                assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 30, 0, 0)->wanted, 180);
        }
        for (int i = 0; i < 20; i++) /* suspended each time */
                assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 3600, 60000, 0)->wanted, 180);
        /* time stands still, and goes back */
        for (int i = 0; i < 20; i++)
                assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 0, 60000, 0)->wanted, 180);
        t.snap.mono_usec -= 100 * USEC_PER_SEC;
        assert_int_equal(step(&t, SYSCTL_SWAPPINESS, 0, 60000, 0)->wanted, 180);
}

static uint64_t random_next(uint64_t *s) {
        *s ^= *s << 13;
        *s ^= *s >> 7;
        *s ^= *s << 17;
        return *s;
}

/* Whatever happens: within the bounds, one move a minute at most, of ten at most unless the kind of swap changed. */
static void test_property_bounded(void **state) {
        (void)state;
        uint64_t moves = 0;
        for (uint64_t seed = 1; seed <= 200; seed++) {
                Desk t = desk_new();
                uint64_t rng = seed * UINT64_C(0x9e3779b97f4a7c15), last = 0, last_usec = 0;
                bool has_last = false;
                int bias = (int)(random_next(&rng) % 3);
                want_auto(&t, SYSCTL_SWAPPINESS);
                t.policy.swappiness_min = (uint32_t)(random_next(&rng) % 100);
                t.policy.swappiness_max = t.policy.swappiness_min + (uint32_t)(random_next(&rng) % 101);
                for (int i = 0; i < 600; i++) {
                        if (random_next(&rng) % 97 == 0)
                                t.sample.swap_kind = (SwapKind)(random_next(&rng) % _SWAP_KIND_MAX);
                        if (random_next(&rng) % 53 == 0)
                                bias = (int)(random_next(&rng) % 3);
                        if (random_next(&rng) % 41 == 0)
                                t.snap.host.value[HOST_VM_REFAULT_FILE] = random_next(&rng) % 1000;
                        SwapKind before = t.state.swappiness.kind;
                        const SysctlAdvice *a = step(&t, SYSCTL_SWAPPINESS, random_next(&rng) % 30,
                                                     random_next(&rng) % (bias == 1 ? 100000 : 500),
                                                     random_next(&rng) % (bias == 2 ? 100000 : 500));
                        if (!a->is_wanted) {
                                has_last = false;
                                continue;
                        }
                        if (a->wanted < t.policy.swappiness_min || a->wanted > t.policy.swappiness_max)
                                fail_msg("seed %llu: %llu is out of bounds", (unsigned long long)seed, (unsigned long long)a->wanted);
                        if (has_last && a->wanted != last) {
                                uint64_t distance = a->wanted > last ? a->wanted - last : last - a->wanted;
                                if (t.snap.mono_usec - last_usec < TUNE_MOVE_GAP_USEC || (distance > TUNE_MOVE && t.state.swappiness.kind == before))
                                        fail_msg("seed %llu: from %llu to %llu", (unsigned long long)seed, (unsigned long long)last, (unsigned long long)a->wanted);
                                moves++;
                        }
                        if (!has_last || a->wanted != last)
                                last_usec = t.snap.mono_usec;
                        has_last = true;
                        last = a->wanted;
                }
        }
        assert_true(moves > 500);
}

/*
 * A host whose refaults follow the setting, with a sharp edge somewhere: above it swap is dear, below it files are.
 * It gets there, stays within a move of it, and turns ever more seldom.
 */
static void test_property_settles(void **state) {
        (void)state;
        for (uint64_t edge = 25; edge <= 175; edge += 15) {
                Desk t = desk_new();
                uint64_t now = 0, n_late = 0;
                want_auto(&t, SYSCTL_SWAPPINESS);
                now = step(&t, SYSCTL_SWAPPINESS, 10, 0, 0)->wanted;
                for (int i = 0; i < 8 * 360; i++) { /* eight hours */
                        uint64_t v = step(&t, SYSCTL_SWAPPINESS, 10, now > edge ? 30000 : 10, now > edge ? 10 : 30000)->wanted;
                        n_late += v != now && i >= 4 * 360;
                        now = v;
                        if (i >= 3 * 360)
                                assert_true(now + TUNE_MOVE >= edge && now <= edge + TUNE_MOVE);
                }
                assert_true(n_late <= 8);
        }
}

/* ---- overcommit ---- */

typedef struct CommitRow {
        uint64_t committed_mb, memory_now, ratio_now, kbytes_now;
        int64_t ratio, kbytes; /* wanted; -1: not set */
        uint64_t hugetlb_mb;
        bool is_held;
        uint64_t limit_mb;
} CommitRow;

/* 1000 MB and 100 MB of swap; 8 MB are root's. */
static void test_strict(void **state) {
        (void)state;
        static const CommitRow rows[] = {
                { 200, 0, 50, 0, -1, -1, 0, false, 600 },
                { 592, 0, 50, 0, -1, -1, 0, false, 600 },
                { 593, 0, 50, 0, -1, -1, 0, true, 600 },   /* root's part does not count */
                { 593, 1, 50, 0, 80, -1, 0, false, 900 },  /* the ratio that comes with it */
                { 200, 0, 50, 0, 10, -1, 0, true, 200 },
                { 600, 0, 50, 0, 80, -1, 500, true, 500 }, /* huge pages are not to be committed */
                { 600, 0, 0, 1024 * 700, -1, -1, 0, false, 800 },
                { 600, 0, 50, 0, -1, 1024 * 400, 0, true, 500 },
                { 600, 0, 50, 0, -1, 1024 * 600, 0, false, 700 },
                { 2000, 0, 50, 0, 1000, -1, 0, false, 10100 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const CommitRow *r = &rows[i];
                Desk t = desk_new();
                sysctl_set(&t.sample, SYSCTL_OVERCOMMIT_MEMORY, r->memory_now);
                sysctl_set(&t.sample, SYSCTL_OVERCOMMIT_RATIO, r->ratio_now);
                sysctl_set(&t.sample, SYSCTL_OVERCOMMIT_KBYTES, r->kbytes_now);
                host_set(&t.snap.host, HOST_COMMITTED_AS, r->committed_mb * MB);
                t.sample.hugetlb_bytes = r->hugetlb_mb * MB;
                want(&t, SYSCTL_OVERCOMMIT_MEMORY, 2);
                if (r->ratio >= 0)
                        want(&t, SYSCTL_OVERCOMMIT_RATIO, (uint64_t)r->ratio);
                if (r->kbytes >= 0)
                        want(&t, SYSCTL_OVERCOMMIT_KBYTES, (uint64_t)r->kbytes);
                const SysctlAdvice *a = step(&t, SYSCTL_OVERCOMMIT_MEMORY, 10, 0, 0);
                assert_true(a->is_wanted && a->wanted == 2);
                assert_int_equal(a->is_held, r->is_held);
                assert_int_equal(a->limit_bytes, r->limit_mb * MB);
                assert_int_equal(a->committed_bytes, r->committed_mb * MB);
                assert_int_equal(a->reserve_bytes, 8 * MB);
                assert_int_equal(a->why, r->is_held ? SYSCTL_WHY_COMMIT_ABOVE : SYSCTL_WHY_CONFIGURED);
                /* the limit itself may be written: it counts for nothing before */
                assert_false(t.d.advice[SYSCTL_OVERCOMMIT_RATIO].is_held || t.d.advice[SYSCTL_OVERCOMMIT_KBYTES].is_held);
        }
}

/* Held back as long as it does not fit, no longer. */
static void test_strict_later(void **state) {
        (void)state;
        Desk t = desk_new();
        want(&t, SYSCTL_OVERCOMMIT_MEMORY, 2);
        host_set(&t.snap.host, HOST_COMMITTED_AS, 700 * MB);
        assert_true(step(&t, SYSCTL_OVERCOMMIT_MEMORY, 10, 0, 0)->is_held);
        host_set(&t.snap.host, HOST_COMMITTED_AS, 500 * MB);
        assert_false(step(&t, SYSCTL_OVERCOMMIT_MEMORY, 10, 0, 0)->is_held);
        /* once in force it is not taken back: the host lives with it */
        sysctl_set(&t.sample, SYSCTL_OVERCOMMIT_MEMORY, 2);
        host_set(&t.snap.host, HOST_COMMITTED_AS, 700 * MB);
        assert_false(step(&t, SYSCTL_OVERCOMMIT_MEMORY, 10, 0, 0)->is_held);
}

static void test_strict_unknown(void **state) {
        (void)state;
        static const HostField fields[] = { HOST_MEM_TOTAL, HOST_SWAP_TOTAL, HOST_COMMITTED_AS };
        for (size_t i = 0; i < ARRAY_SIZE(fields) + 2; i++) {
                Desk t = desk_new();
                want(&t, SYSCTL_OVERCOMMIT_MEMORY, 2);
                if (i < ARRAY_SIZE(fields)) {
                        t.snap.host.have &= ~(UINT64_C(1) << fields[i]);
                        t.snap.host.value[fields[i]] = 0;
                } else if (i == ARRAY_SIZE(fields))
                        t.sample.has_hugetlb = false;
                else
                        t.sample.have &= ~(1u << SYSCTL_OVERCOMMIT_RATIO);
                const SysctlAdvice *a = step(&t, SYSCTL_OVERCOMMIT_MEMORY, 10, 0, 0);
                assert_true(a->is_wanted && a->is_held && a->why == SYSCTL_WHY_COMMIT_UNKNOWN);
        }
}

/* While it is in force: a lower limit only where it fits, a higher one always. */
static void test_limit_while_strict(void **state) {
        (void)state;
        static const struct {
                uint64_t committed_mb, ratio_now, ratio;
                int64_t kbytes;
                bool is_held;
        } rows[] = {
                { 500, 80, 50, -1, false }, { 700, 80, 50, -1, true }, { 1200, 80, 90, -1, false },
                { 700, 80, 80, -1, false }, { 500, 80, 0, 1024 * 450, false }, { 700, 80, 0, 1024 * 450, true },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                for (int is_wanted = 0; is_wanted < 2; is_wanted++) {
                        Desk t = desk_new();
                        sysctl_set(&t.sample, SYSCTL_OVERCOMMIT_MEMORY, 2);
                        sysctl_set(&t.sample, SYSCTL_OVERCOMMIT_RATIO, rows[i].ratio_now);
                        host_set(&t.snap.host, HOST_COMMITTED_AS, rows[i].committed_mb * MB);
                        if (is_wanted)
                                want(&t, SYSCTL_OVERCOMMIT_MEMORY, 2);
                        Sysctl key = rows[i].kbytes >= 0 ? SYSCTL_OVERCOMMIT_KBYTES : SYSCTL_OVERCOMMIT_RATIO;
                        want(&t, key, rows[i].kbytes >= 0 ? (uint64_t)rows[i].kbytes : rows[i].ratio);
                        const SysctlAdvice *a = step(&t, key, 10, 0, 0);
                        assert_int_equal(a->is_held, rows[i].is_held);
                        assert_int_equal(a->why, rows[i].is_held ? SYSCTL_WHY_COMMIT_ABOVE : SYSCTL_WHY_CONFIGURED);
                        assert_false(t.d.advice[SYSCTL_OVERCOMMIT_MEMORY].is_held);
                }
        }
}

static void test_ratio_auto(void **state) {
        (void)state;
        static const struct {
                uint64_t peak_mb, committed_mb, hugetlb_mb, ratio;
                bool is_strict_held;
        } rows[] = {
                { 0, 200, 0, 50, false },       /* little: the least there is */
                { 800, 200, 0, 95, false },     /* 800 * 1.25 + 8 - 100 = 908 of 1000 */
                { 800, 900, 0, 105, false },    /* what is committed now is a peak, too: 1033 */
                { 800, 200, 500, 185, false },
                { 9000, 200, 0, 400, false },
                { 0, 5000, 0, 400, true },      /* more than the greatest ratio holds */
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Desk t = desk_new();
                want_auto(&t, SYSCTL_OVERCOMMIT_RATIO);
                want(&t, SYSCTL_OVERCOMMIT_MEMORY, 2);
                tune_init(&t.state, rows[i].peak_mb > 0, rows[i].peak_mb * MB);
                host_set(&t.snap.host, HOST_COMMITTED_AS, rows[i].committed_mb * MB);
                t.sample.hugetlb_bytes = rows[i].hugetlb_mb * MB;
                const SysctlAdvice *a = step(&t, SYSCTL_OVERCOMMIT_RATIO, 10, 0, 0);
                assert_true(a->is_wanted && !a->is_held && a->why == SYSCTL_WHY_COMMIT_PEAK);
                assert_int_equal(a->wanted, rows[i].ratio);
                assert_int_equal(a->peak_bytes, MAX(rows[i].peak_mb, rows[i].committed_mb) * MB);
                assert_int_equal(t.d.advice[SYSCTL_OVERCOMMIT_MEMORY].is_held, rows[i].is_strict_held);
                /* a peak is never forgotten: the ratio does not go down again */
                host_set(&t.snap.host, HOST_COMMITTED_AS, 1 * MB);
                assert_int_equal(step(&t, SYSCTL_OVERCOMMIT_RATIO, 10, 0, 0)->wanted, rows[i].ratio);
        }
        Desk t = desk_new();
        want_auto(&t, SYSCTL_OVERCOMMIT_RATIO);
        t.snap.host.have &= ~(UINT64_C(1) << HOST_COMMITTED_AS);
        const SysctlAdvice *a = step(&t, SYSCTL_OVERCOMMIT_RATIO, 10, 0, 0);
        assert_true(a->is_wanted && a->is_held && a->why == SYSCTL_WHY_COMMIT_UNKNOWN);
}

/* Generated hosts: strict is let in only where all that is committed fits the limit that the kernel would compute. */
static void test_property_strict_fits(void **state) {
        (void)state;
        uint64_t rng = 42, n_in = 0, n_held = 0;
        for (int i = 0; i < 20000; i++) {
                Desk t = desk_new();
                uint64_t total = (random_next(&rng) % 4000 + 100) * MB, swap = random_next(&rng) % 2000 * MB;
                uint64_t committed = random_next(&rng) % 6000 * MB, ratio = random_next(&rng) % 200, kbytes = 0;
                t.sample.hugetlb_bytes = random_next(&rng) % 4 == 0 ? random_next(&rng) % total : 0;
                host_set(&t.snap.host, HOST_MEM_TOTAL, total);
                host_set(&t.snap.host, HOST_SWAP_TOTAL, swap);
                host_set(&t.snap.host, HOST_COMMITTED_AS, committed);
                want(&t, SYSCTL_OVERCOMMIT_MEMORY, 2);
                if (random_next(&rng) % 3 == 0)
                        want(&t, SYSCTL_OVERCOMMIT_RATIO, ratio);
                else if (random_next(&rng) % 2 == 0) {
                        kbytes = random_next(&rng) % 4000 * 1024 + 1;
                        want(&t, SYSCTL_OVERCOMMIT_KBYTES, kbytes);
                } else {
                        want_auto(&t, SYSCTL_OVERCOMMIT_RATIO);
                        ratio = step(&t, SYSCTL_OVERCOMMIT_RATIO, 10, 0, 0)->wanted;
                }
                bool is_held = step(&t, SYSCTL_OVERCOMMIT_MEMORY, 10, 0, 0)->is_held;
                uint64_t limit = swap + (kbytes > 0 ? kbytes * 1024 : (total - t.sample.hugetlb_bytes) / 100 * ratio);
                if (!is_held && committed > limit + MB)
                        fail_msg("committed %llu, limit %llu", (unsigned long long)committed, (unsigned long long)limit);
                n_in += !is_held;
                n_held += is_held;
        }
        assert_true(n_in > 1000 && n_held > 1000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_wanted),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_base),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_no_swap),
                cmocka_unit_test(test_swap_comes_and_goes),
                cmocka_unit_test(test_moves),
                cmocka_unit_test(test_moves_back),
                cmocka_unit_test(test_stays),
                cmocka_unit_test(test_counters),
                cmocka_unit_test(test_property_bounded),
                cmocka_unit_test(test_property_settles),
                cmocka_unit_test(test_strict),
                cmocka_unit_test(test_strict_later),
                cmocka_unit_test(test_strict_unknown),
                cmocka_unit_test(test_limit_while_strict),
                cmocka_unit_test(test_ratio_auto),
                cmocka_unit_test(test_property_strict_fits),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

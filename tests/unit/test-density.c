/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <math.h>
#include <string.h>

#include "plan/commit.h"
#include "plan/density.h"

#define MIB (UINT64_C(1) << 20)

/* Planning's closed form, for independent copies. */
static uint64_t closed_form(double c, double mu, double sigma, double k) {
        double x = (-k * sigma + sqrt(k * k * sigma * sigma + 4 * mu * c)) / (2 * mu);
        return (uint64_t)floor(x * x + 1e-9);
}

static void test_formula(void **unused) {
        (void)unused;
        for (double k = 2; k <= 5; k++) {
                assert_int_equal(density_n_sigma(10000, 100, 30, 0, k), closed_form(10000, 100, 30, k));
                /* fully correlated copies: mu + k sigma each */
                assert_int_equal(density_n_sigma(10000, 100, 30, 1, k), (uint64_t)(10000 / (100 + k * 30)));
                /* in between lies in between */
                assert_true(density_n_sigma(10000, 100, 30, 0.3, k) <= density_n_sigma(10000, 100, 30, 0, k));
                assert_true(density_n_sigma(10000, 100, 30, 0.3, k) >= density_n_sigma(10000, 100, 30, 1, k));
        }
        assert_int_equal(density_n_sigma(0, 100, 30, 0, 3), 0);
        assert_int_equal(density_n_sigma(99, 100, 0, 0, 3), 0);
        assert_int_equal(density_n_sigma(100, 100, 0, 0, 3), 1);
        assert_int_equal(density_n_sigma(100, 0, 0, 0, 3), 100000); /* a copy of nothing ends the search */
}

static void cgroup(CgroupSample *c, const char *path, uint64_t mib) {
        *c = (CgroupSample){ .id = (uint64_t)(uintptr_t)path, .path = path, .parent = INDEX_NONE, .policy = -1 };
        cgroup_set(c, CGROUP_CURRENT, mib * MIB);
        cgroup_set(c, CGROUP_ANON, mib * MIB);
        cgroup_set(c, CGROUP_ACTIVE_FILE, 0);
        cgroup_set(c, CGROUP_INACTIVE_FILE, 0);
}

static void feed(DensityTrack *d, uint32_t n_copies, const uint64_t (*mib)[2], size_t n, uint64_t base_mib) {
        for (size_t i = 0; i < n; i++) {
                CgroupSample c[3];
                Snapshot s = { .real_usec = 1000 + i, .cgroups = c, .n_cgroups = n_copies + 1 };
                uint64_t used = base_mib;
                cgroup(&c[0], "/other.service", 10);
                for (uint32_t k = 0; k < n_copies; k++) {
                        cgroup(&c[k + 1], k ? "/w/b.service" : "/w/a.service", mib[i][k]);
                        used += mib[i][k];
                }
                host_set(&s.host, HOST_MEM_TOTAL, 10000 * MIB);
                host_set(&s.host, HOST_MEM_AVAILABLE, (10000 - used) * MIB);
                density_add(d, &s, i * USEC_PER_SEC);
        }
}

static void test_one_copy(void **unused) {
        (void)unused;
        static const uint64_t mib[][2] = { { 100 }, { 300 }, { 200 } };
        DensityTrack d;
        DensityResult r;
        density_init(&d, "w/*.service");
        feed(&d, 1, mib, 3, 1000);
        density_result(&d, &r);
        assert_true(r.has_copy);
        assert_int_equal(d.copy_peak_bytes, 300 * MIB);
        assert_int_equal(d.base_peak_bytes, 1000 * MIB);
        assert_int_equal(r.reserve_bytes, 300 * MIB);
        assert_int_equal(r.budget_bytes, 8700 * MIB);
        assert_int_equal(r.n_conservative, 8700 / 300 - 1);
        /* at the second sample all copies have their peak at once: the same */
        assert_int_equal(r.n_recorded, 28);
        assert_true(r.break_copies >= 29 && r.break_peak.real_usec == 1001);
        assert_false(r.is_correlation_estimated);
        assert_true(r.correlation >= 1);
        assert_int_equal((uint64_t)r.mean_bytes, 200 * MIB);
        for (size_t i = 1; i < ARRAY_SIZE(r.n_sigma); i++)
                assert_true(r.n_sigma[i] <= r.n_sigma[i - 1]);
}

static void test_correlation(void **unused) {
        (void)unused;
        uint64_t together[60][2], apart[60][2];
        DensityTrack d;
        DensityResult r;
        for (uint64_t i = 0; i < 60; i++) {
                uint64_t a = 100 + 10 * (i % 7), b = 100 + 10 * (i % 5);
                together[i][0] = together[i][1] = a;
                apart[i][0] = a;
                apart[i][1] = b;
        }
        density_init(&d, "w/*");
        feed(&d, 2, together, 60, 500);
        density_result(&d, &r);
        assert_true(r.is_correlation_estimated && r.correlation > 0.999);
        density_init(&d, "w/*");
        feed(&d, 2, apart, 60, 500);
        density_result(&d, &r);
        assert_true(r.is_correlation_estimated && r.correlation < 0.3);
        assert_int_equal(d.n_copies_max, 2);
}

static void test_nothing(void **unused) {
        (void)unused;
        static const uint64_t mib[][2] = { { 100 } };
        DensityTrack d;
        DensityResult r;
        density_init(&d, "nobody/*");
        feed(&d, 1, mib, 1, 10);
        density_result(&d, &r);
        assert_false(r.has_copy);
        /* a copy without memory.stat cannot be measured */
        CgroupSample c = { .path = "/w/a.service", .parent = INDEX_NONE };
        Snapshot s = { .cgroups = &c, .n_cgroups = 1 };
        host_set(&s.host, HOST_MEM_TOTAL, 100);
        host_set(&s.host, HOST_MEM_AVAILABLE, 50);
        density_init(&d, "w/*");
        density_add(&d, &s, 0);
        density_result(&d, &r);
        assert_false(r.has_copy);
}

static void test_parent(void **unused) {
        (void)unused;
        CgroupSample c[2];
        Snapshot s = { .cgroups = c, .n_cgroups = 2 };
        DensityTrack d;
        DensityResult r;
        cgroup(&c[0], "/w", 100);
        cgroup_set(&c[0], CGROUP_MAX, 450 * MIB);
        cgroup(&c[1], "/w/a.service", 100);
        c[1].parent = 0;
        host_set(&s.host, HOST_MEM_TOTAL, 10000 * MIB);
        host_set(&s.host, HOST_MEM_AVAILABLE, 9000 * MIB);
        density_init(&d, "w/a.service");
        density_add(&d, &s, 0);
        density_result(&d, &r);
        assert_true(r.is_parent_limited);
        assert_int_equal(r.n_parent, 3);
        assert_string_equal(d.parent_path, "/w");
}

static void test_commit(void **unused) {
        (void)unused;
        Histogram h;
        CommitAdvice a;
        histogram_init(&h);
        histogram_add(&h, 6000 * MIB, 1);
        commit_advise(&h, 4000 * MIB, 1000 * MIB, &a);
        assert_int_equal(a.limit_bytes, 6600 * MIB);
        assert_int_equal(a.ratio, 140); /* 4000 * 140 % + 1000 = 6600 */
        assert_true(a.is_more_than_memory);
        histogram_init(&h);
        histogram_add(&h, 500 * MIB, 1);
        commit_advise(&h, 4000 * MIB, 1000 * MIB, &a);
        assert_int_equal(a.ratio, 0);
        /* rounded up, so that the limit is reached */
        commit_advise(&h, 999 * MIB, 0, &a);
        assert_true(u64_mul_div(a.ratio, 999 * MIB, 100) >= a.limit_bytes);
        commit_advise(&h, 0, 0, &a);
        assert_int_equal(a.ratio, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_formula), cmocka_unit_test(test_one_copy), cmocka_unit_test(test_correlation),
                cmocka_unit_test(test_nothing), cmocka_unit_test(test_parent),   cmocka_unit_test(test_commit),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

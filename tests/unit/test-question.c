/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "plan/question.h"
#include "plan/search.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static void test_sizes(void **unused) {
        (void)unused;
        uint64_t v[4];
        uint32_t n = 77;
        char error[QUESTION_ERROR_MAX];
        assert_int_equal(question_parse_sizes("4G,512M,1.5G", v, 4, &n, error), 0);
        assert_int_equal(n, 3);
        assert_true(v[0] == 4 * GIB && v[1] == 512 * MIB && v[2] == 1536 * MIB);
        static const char *const bad[] = { "", "4X", "4G,", ",4G", "4G,,8G", "1M", "0", "-1G", "99999999T", "1G,1G,1G,1G,1G", "4 G" };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                error[0] = '\0';
                if (question_parse_sizes(bad[i], v, 4, &n, error) != -EINVAL || !error[0])
                        fail_msg("'%s' was taken", bad[i]);
        }
        assert_int_equal(question_parse_sizes("4X", v, 4, &n, error), -EINVAL);
        assert_string_equal(error, "'4X' is no size of RAM, expected sizes of at least 16M like 4G,8G");
        /* what was typed may hold anything */
        assert_int_equal(question_parse_sizes("\x1b[2J", v, 4, &n, error), -EINVAL);
        assert_null(strchr(error, '\x1b'));
}

typedef int (*Parser)(const char *text, PlanQuestion *q, char *error);

static void refused(Parser parse, const char *const *bad) {
        for (; *bad; bad++) {
                PlanQuestion q = { .swappiness = -1 };
                char error[QUESTION_ERROR_MAX] = "";
                if (parse(*bad, &q, error) != -EINVAL || !strstr(error, "expected"))
                        fail_msg("'%s': %s", *bad, error);
        }
}

static void test_single(void **unused) {
        (void)unused;
        PlanQuestion q = { .swappiness = -1 };
        char error[QUESTION_ERROR_MAX];
        assert_int_equal(question_parse_swap("0", &q, error), 0);
        assert_true(q.has_swap && q.swap_bytes == 0);
        assert_int_equal(question_parse_zram("4G:35%", &q, error), 0);
        assert_true(q.has_zram && q.zram_bytes == 4 * GIB && q.zram_permyriad == 3500);
        assert_int_equal(question_parse_zram("4G", &q, error), 0);
        assert_int_equal(q.zram_permyriad, 0);
        assert_int_equal(question_parse_swappiness("200", &q, error), 0);
        assert_int_equal(q.swappiness, 200);
        assert_int_equal(question_parse_overcommit("strict:80", &q, error), 0);
        assert_int_equal(q.overcommit_ratio, 80);
        question_set_name(&q);
        assert_string_equal(q.name, "swap 0B, zram 4G, swappiness 200, overcommit strict:80");
        refused(question_parse_swap, (const char *const[]){ "", "x", "2G:5%", NULL });
        refused(question_parse_zram, (const char *const[]){ "", ":5%", "4G:", "4G:5", "4G:0%", "4G:101%", NULL });
        refused(question_parse_swappiness, (const char *const[]){ "", "201", "-1", "1.5", "60%", NULL });
        refused(question_parse_overcommit, (const char *const[]){ "", "80", "strict", "strict:", "strict:0", "strict:1001", "loose:80", NULL });
}

static void test_lists(void **unused) {
        (void)unused;
        PlanQuestion q = { .swappiness = -1 };
        char error[QUESTION_ERROR_MAX];
        char two[] = "/system.slice/a.service=2x", half[] = "b=c.service=1.5x", limit[] = "a.slice=512M", none[] = "a.slice=max";
        assert_int_equal(question_parse_scale(two, &q, error), 0);
        assert_int_equal(question_parse_scale(half, &q, error), 0);
        assert_int_equal(q.n_scales, 2);
        assert_string_equal(q.scales[0].pattern, "system.slice/a.service");
        assert_int_equal(q.scales[0].permyriad, 20000);
        assert_string_equal(q.scales[1].pattern, "b=c.service");
        assert_int_equal(q.scales[1].permyriad, 15000);
        assert_int_equal(question_parse_limit(limit, &q, error), 0);
        assert_int_equal(question_parse_limit(none, &q, error), 0);
        assert_true(q.limits[0].bytes == 512 * MIB && q.limits[1].bytes == CGROUP_NO_LIMIT);
        static const char *const bad_scales[] = { "a", "a=", "a=x", "a=2", "=2x", "/=2x", "a=-1x", "a=1e3x", "a=10001x", "a[=2x", "a=1.555x" };
        for (size_t i = 0; i < ARRAY_SIZE(bad_scales); i++) {
                char text[32];
                (void)strcpy(text, bad_scales[i]);
                if (question_parse_scale(text, &q, error) != -EINVAL)
                        fail_msg("'%s' was taken", bad_scales[i]);
        }
        assert_int_equal(q.n_scales, 2);
        for (int i = 0; i < 2 * PLAN_SCALES_MAX; i++) {
                char text[] = "a=2x";
                (void)question_parse_scale(text, &q, error);
        }
        assert_true(q.n_scales < PLAN_SCALES_MAX);
}

static void test_grid(void **unused) {
        (void)unused;
        uint64_t v[RAM_GRID_POINTS];
        uint32_t n = ram_grid(10 * GIB, v);
        assert_int_equal(n, RAM_GRID_POINTS);
        assert_int_equal(v[0], 4 * GIB);
        assert_int_equal(v[n - 1], 15 * GIB);
        for (uint32_t i = 1; i < n; i++)
                assert_true(v[i] > v[i - 1]);
        /* a host so small that sizes fall together: still growing, none twice */
        n = ram_grid(20 * MIB, v);
        assert_true(n >= 1 && n < RAM_GRID_POINTS);
        assert_int_equal(ram_grid(0, v), 0);
}

static void test_answer(void **unused) {
        (void)unused;
        RamPoint p[] = { { 4 * GIB, true, PLAN_MODELLED },  { 1 * GIB, false, PLAN_LOW }, { 3 * GIB, true, PLAN_MODELLED },
                         { 2 * GIB, false, PLAN_LOW } };
        uint64_t v[RAM_REFINE_POINTS];
        RamAnswer a;
        ram_answer(p, 4, false, &a);
        assert_true(a.has_safe && a.is_monotone && a.safe_bytes == 3 * GIB && a.unsafe_bytes == 2 * GIB);
        assert_int_equal(a.margin_permyriad, 1000);
        assert_true(a.advised_bytes >= 3 * GIB + 3 * GIB / 10 && a.advised_bytes % (16 * MIB) == 0);
        uint32_t n = ram_refine(&a, v);
        assert_int_equal(n, RAM_REFINE_POINTS);
        for (uint32_t i = 0; i < n; i++)
                assert_true(v[i] > a.unsafe_bytes && v[i] < a.safe_bytes && (i == 0 || v[i] > v[i - 1]));
        ram_answer(p, 4, true, &a);
        assert_int_equal(a.margin_permyriad, 1500);

        /* a small one that happened to be safe does not count */
        RamPoint odd[] = { { 1 * GIB, true, PLAN_LOW }, { 2 * GIB, false, PLAN_LOW }, { 3 * GIB, true, PLAN_LOW } };
        ram_answer(odd, 3, false, &a);
        assert_true(a.safe_bytes == 3 * GIB && !a.is_monotone && a.confidence == PLAN_LOW && a.margin_permyriad == 1500);

        ram_answer(p, 2, false, &a); /* the two smallest: neither is safe */
        assert_false(a.has_safe);
        assert_int_equal(ram_refine(&a, v), 0);
        ram_answer(p, 0, false, &a);
        assert_false(a.has_safe);
        RamPoint all[] = { { GIB, true, PLAN_MODELLED } };
        ram_answer(all, 1, false, &a);
        assert_true(a.has_safe && a.unsafe_bytes == 0);
        assert_int_equal(ram_refine(&a, v), 0);
        RamPoint near[] = { { 1000 * MIB, false, PLAN_LOW }, { 1005 * MIB, true, PLAN_LOW } };
        ram_answer(near, 2, false, &a);
        assert_int_equal(ram_refine(&a, v), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sizes), cmocka_unit_test(test_single), cmocka_unit_test(test_lists),
                cmocka_unit_test(test_grid),  cmocka_unit_test(test_answer),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "base/units.h"

typedef int (*Parser)(const char *s, size_t n, uint64_t *ret);

typedef struct Row {
        const char *text;
        int r;
        uint64_t v;
} Row;

static void check(Parser parse, const Row *rows, size_t n) {
        for (size_t i = 0; i < n; i++) {
                uint64_t v = 4711;
                int r = parse(rows[i].text, strlen(rows[i].text), &v);
                if (r != rows[i].r)
                        fail_msg("'%s': %d, expected %d", rows[i].text, r, rows[i].r);
                if (r == 0 && v != rows[i].v)
                        fail_msg("'%s': %lu, expected %lu", rows[i].text, (unsigned long)v, (unsigned long)rows[i].v);
        }
}

static void test_bytes(void **state) {
        (void)state;
        static const Row rows[] = {
                { "0", 0, 0 },          { "512", 0, 512 },       { "1K", 0, 1024 },          { "200M", 0, 200 << 20 },
                { "1.5G", 0, 3u << 29 }, { "16777215T", 0, UINT64_C(16777215) << 40 },
                { "16777216T", -ERANGE, 0 }, { "1k", -EINVAL, 0 }, { "M", -EINVAL, 0 },       { "-1M", -EINVAL, 0 },
                { "1 M", -EINVAL, 0 },  { "5%", -EINVAL, 0 },    { "1.M", -EINVAL, 0 },      { "", -EINVAL, 0 },
        };
        check(units_parse_bytes, rows, ARRAY_SIZE(rows));
}

static void test_usec(void **state) {
        (void)state;
        static const Row rows[] = {
                { "1500ms", 0, 1500000 }, { "2s", 0, 2000000 }, { "1.5s", 0, 1500000 }, { "10us", 0, 10 },
                { "1min", 0, 60000000 },  { "1h", 0, UINT64_C(3600000000) }, { "7d", 0, UINT64_C(604800000000) },
                { "5", -EINVAL, 0 },      { "5m", -EINVAL, 0 }, { "s", -EINVAL, 0 },    { "2 s", -EINVAL, 0 },
        };
        check(units_parse_usec, rows, ARRAY_SIZE(rows));
}

static void test_share(void **state) {
        (void)state;
        static const Row rows[] = {
                { "0%", 0, 0 },       { "5%", 0, 500 },        { "12.5%", 0, 1250 }, { "0.05%", 0, 5 },
                { "100%", 0, 10000 }, { "300%", 0, 30000 },    { "100001%", -ERANGE, 0 },
                { "5", -EINVAL, 0 },  { "0.005%", -EINVAL, 0 }, { "%", -EINVAL, 0 },
        };
        check(units_parse_share, rows, ARRAY_SIZE(rows));
}

static void test_print(void **state) {
        (void)state;
        char buf[64];
        TextBuf b = TEXT_BUF(buf);
        units_append_bytes(&b, UINT64_C(3) << 29);
        text_append(&b, " ");
        units_append_bytes(&b, 340 << 20);
        text_append(&b, " ");
        units_append_bytes(&b, 17);
        text_append(&b, " ");
        units_append_usec(&b, 1500000);
        text_append(&b, " ");
        units_append_usec(&b, 250000);
        text_append(&b, " ");
        units_append_share(&b, 1250);
        text_append(&b, " ");
        units_append_share(&b, 5);
        assert_string_equal(buf, "1.5G 340M 17B 1.5s 250ms 12.5% 0.05%");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bytes),
                cmocka_unit_test(test_usec),
                cmocka_unit_test(test_share),
                cmocka_unit_test(test_print),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "base/text.h"

static void test_parse_u64(void **state) {
        (void)state;
        static const struct {
                const char *text;
                int r;
                uint64_t v;
        } rows[] = {
                { "0", 0, 0 },
                { "18446744073709551615", 0, UINT64_MAX },
                { "18446744073709551616", -ERANGE, 0 },
                { "99999999999999999999999", -ERANGE, 0 },
                { "", -EINVAL, 0 },
                { "-1", -EINVAL, 0 },
                { "+1", -EINVAL, 0 },
                { " 1", -EINVAL, 0 },
                { "1 ", -EINVAL, 0 },
                { "0x10", -EINVAL, 0 },
                { "1\n", -EINVAL, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                uint64_t v = 4711;
                assert_int_equal(text_parse_u64(rows[i].text, &v), rows[i].r);
                assert_true(v == (rows[i].r == 0 ? rows[i].v : 4711));
        }
}

static void test_parse_i64(void **state) {
        (void)state;
        int64_t v = 0;
        assert_int_equal(text_parse_i64_n("-1000", 5, &v), 0);
        assert_int_equal(v, -1000);
        assert_int_equal(text_parse_i64_n("-9223372036854775808", 20, &v), 0);
        assert_true(v == INT64_MIN);
        assert_int_equal(text_parse_i64_n("9223372036854775808", 19, &v), -ERANGE);
        assert_int_equal(text_parse_i64_n("-", 1, &v), -EINVAL);
        assert_int_equal(text_parse_i64_n("--1", 3, &v), -EINVAL);
}

static void test_escape(void **state) {
        (void)state;
        static const struct {
                const char *in, *out;
        } rows[] = {
                { "bash", "bash" },
                { "foo) Z ", "foo) Z " },
                { "a\nb\tc", "a\\x0ab\\x09c" },
                { "\x1b[2J", "\\x1b[2J" },
                { "back\\slash", "back\\x5cslash" },
                { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
                { "\xff\xc3", "\\xff\\xc3" },
                { "\xc0\xaf", "\\xc0\\xaf" },                 /* overlong */
                { "\xed\xa0\x80", "\\xed\\xa0\\x80" },         /* surrogate */
                { "\xe2\x80\xae", "\\xe2\\x80\\xae" },         /* right-to-left override */
                { "\xc2\x9b", "\\xc2\\x9b" },                 /* C1 CSI */
                { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* beyond U+10FFFF */
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char buf[64];
                TextBuf b = TEXT_BUF(buf);
                text_append_escaped(&b, rows[i].in);
                assert_string_equal(buf, rows[i].out);
                assert_false(b.truncated);
        }
}

static void test_buf_never_overflows(void **state) {
        (void)state;
        char buf[9];
        memset(buf, 'x', sizeof(buf));
        TextBuf b = { .data = buf, .size = 8 };
        text_append(&b, "12345");
        text_appendf(&b, "%s", "6789");
        assert_true(b.truncated);
        assert_string_equal(buf, "1234567");
        text_append(&b, "more");
        text_appendf(&b, "%d", 12);
        assert_string_equal(buf, "1234567");
        assert_int_equal(buf[8], 'x');
}

static void test_lines(void **state) {
        (void)state;
        const char *p = "one\n\nthree";
        size_t n;
        const char *l = text_next_line(&p, &n);
        assert_int_equal(n, 3);
        assert_memory_equal(l, "one", 3);
        assert_non_null(text_next_line(&p, &n));
        assert_int_equal(n, 0);
        assert_non_null(text_next_line(&p, &n));
        assert_int_equal(n, 5);
        assert_null(text_next_line(&p, &n));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse_u64),
                cmocka_unit_test(test_parse_i64),
                cmocka_unit_test(test_escape),
                cmocka_unit_test(test_buf_never_overflows),
                cmocka_unit_test(test_lines),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

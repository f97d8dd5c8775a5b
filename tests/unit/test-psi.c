/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include "sense/psi.h"

static void test_parse(void **state) {
        (void)state;
        static const struct {
                const char *text;
                int r;
                bool has_some, has_full;
                uint64_t some, full;
        } rows[] = {
                { "some avg10=0.00 avg60=0.00 avg300=0.00 total=12\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
                  0, true, true, 12, 7 },
                { "full avg10=99.00 total=7\nsome avg10=100.00 total=18446744073709551615\n", 0, true, true, UINT64_MAX,
                  7 },
                { "some avg10=0.00 avg60=0.00 avg300=0.00 total=12\n", 0, true, false, 12, 0 },
                { "some avg10=0.00 total=12 new=5\n", 0, true, false, 12, 0 },
                { "later avg10=0.00 total=x\nsome total=3\n", 0, true, false, 3, 0 },
                { "some xtotal=9 total=3\n", 0, true, false, 3, 0 },
                /* cut, garbled, twice, too big, nothing */
                { "some avg10=0.00 avg60=0.00 avg300=0.00 total=12", -EBADMSG, 0, 0, 0, 0 },
                { "some total=5\nfull avg10=0.0", -EBADMSG, 0, 0, 0, 0 },
                { "some avg10=0.00\n", -EBADMSG, 0, 0, 0, 0 },
                { "some total=\n", -EBADMSG, 0, 0, 0, 0 },
                { "some total=-1\n", -EBADMSG, 0, 0, 0, 0 },
                { "some total=1x\n", -EBADMSG, 0, 0, 0, 0 },
                { "some total=18446744073709551616\n", -EBADMSG, 0, 0, 0, 0 },
                { "some total=5\nsome total=6\n", -EBADMSG, 0, 0, 0, 0 },
                { "something total=5\n", -EBADMSG, 0, 0, 0, 0 },
                { "\n\n", -EBADMSG, 0, 0, 0, 0 },
                { "", -EBADMSG, 0, 0, 0, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                PsiTotals t = { .some_usec = 4711 };
                assert_int_equal(psi_parse(rows[i].text, &t), rows[i].r);
                if (rows[i].r < 0) {
                        assert_int_equal(t.some_usec, 4711);
                        continue;
                }
                assert_int_equal(t.has_some, rows[i].has_some);
                assert_int_equal(t.has_full, rows[i].has_full);
                assert_true(t.some_usec == rows[i].some && t.full_usec == rows[i].full);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include "act/measure-maps.h"
#include "tree.h"

static void test_maps(void **state) {
        (void)state;
        static const struct {
                const char *line;
                int r;
                uint64_t start, end;
                bool wanted;
        } rows[] = {
                { "7f0000000000-7f0000021000 rw-p 00000000 00:00 0", 0, 0x7f0000000000, 0x7f0000021000, true },
                { "7f0000000000-7f0000021000 rw-p 00000000 00:00 0                          [heap]", 0, 0x7f0000000000,
                  0x7f0000021000, true },
                { "400000-401000 r--p 00000000 00:00 0 ", 0, 0x400000, 0x401000, false },
                { "400000-401000 rw-s 00000000 00:00 0 ", 0, 0x400000, 0x401000, false },
                { "400000-401000 ---p 00000000 00:00 0 ", 0, 0x400000, 0x401000, false },
                { "400000-401000 rw-p 00001000 fe:01 12345 /usr/bin/x", 0, 0x400000, 0x401000, false },
                { "400000-401000 rw-p 00001000 00:05 1 /dev/zero (deleted)", 0, 0x400000, 0x401000, false },
                { "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]", 0, 0xffffffffff600000,
                  0xffffffffff601000, false },
                { "", -EBADMSG, 0, 0, false },
                { "400000", -EBADMSG, 0, 0, false },
                { "400000-", -EBADMSG, 0, 0, false },
                { "400000-401000", -EBADMSG, 0, 0, false },
                { "400000-401000 rw", -EBADMSG, 0, 0, false },
                { "400000-401000 rw-p", -EBADMSG, 0, 0, false },
                { "400000-401000 rw-p 0 00:00", -EBADMSG, 0, 0, false },
                { "401000-400000 rw-p 0 00:00 0", -EBADMSG, 0, 0, false },
                { "400000-400000 rw-p 0 00:00 0", -EBADMSG, 0, 0, false },
                { "1ffffffffffffffff-0 rw-p 0 00:00 0", -EBADMSG, 0, 0, false },
                { "400000-401000 rw-p 0 00:00 0x", -EBADMSG, 0, 0, false },
                { "-400000-401000 rw-p 0 00:00 0", -EBADMSG, 0, 0, false },
        };
        MapsRegion region;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                if (maps_line_parse(rows[i].line, strlen(rows[i].line), &region) != rows[i].r)
                        fail_msg("%s", rows[i].line);
                if (rows[i].r == 0)
                        assert_true(region.start == rows[i].start && region.end == rows[i].end &&
                                    region.is_private_anonymous == rows[i].wanted);
        }

        /* lines far longer than the buffer, one that looks like a good one in the middle of a name, no last newline */
        Tree t;
        static char text[64 * 1024];
        size_t n = 0;
        tree_open(&t);
        for (unsigned i = 1; i <= 40; i++) {
                n += (size_t)snprintf(text + n, sizeof(text) - n, "%x000-%x000 %s 0 fe:01 7 /", 2 * i, 2 * i + 1,
                                      "rw-p");
                memset(text + n, 'x', i * 37);
                n += i * 37;
                n += (size_t)snprintf(text + n, sizeof(text) - n, " 1000-2000 rw-p 0 00:00 0%s", i % 2 ? "" : "  \t");
                n += (size_t)snprintf(text + n, sizeof(text) - n, "\n%x000-%x000 rw-p 0 00:00 0", 2 * i + 100,
                                      2 * i + 101);
                if (i < 40)
                        text[n++] = '\n';
        }
        tree_write_n(&t, "maps", text, n);
        MapsReader reader = { .fd = openat(t.fd, "maps", O_RDONLY | O_CLOEXEC) };
        for (unsigned i = 1; i <= 40; i++) {
                assert_int_equal(maps_next(&reader, &region), 1);
                assert_true(region.start == (uint64_t)(2 * i + 100) << 12 && region.end == (uint64_t)(2 * i + 101)
                                                                                                   << 12);
        }
        assert_int_equal(maps_next(&reader, &region), 0);
        assert_int_equal(maps_next(&reader, &region), 0);
        (void)close(reader.fd);
        tree_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_maps),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

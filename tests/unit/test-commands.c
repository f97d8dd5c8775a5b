/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/table.h"

static int parse(Invocation *i, const char *a, const char *b, const char *c, const char *d) {
        static char *argv[6];
        int argc = 0;
        argv[argc++] = (char *)"headroomctl";
        const char *const words[] = { a, b, c, d };
        for (size_t n = 0; n < ARRAY_SIZE(words) && words[n]; n++)
                argv[argc++] = (char *)words[n];
        argv[argc] = NULL;
        optind = 0; /* begins anew, also with what getopt_long() has permuted */
        return commands_parse(argc, argv, i);
}

static void test_parse(void **state) {
        (void)state;
        static const struct {
                const char *words[4];
                int r;
                const char *command;
                Format format;
                int n_args;
        } rows[] = {
                { { "status" }, 0, "status", FORMAT_TEXT, 0 },
                { { "-o", "json", "status" }, 0, "status", FORMAT_JSON, 0 },
                { { "status", "-ojson" }, 0, "status", FORMAT_JSON, 0 },
                { { "explain", "12", "--output=json" }, 0, "explain", FORMAT_JSON, 1 },
                { { "check", "a", "b", "--strict" }, 0, "check", FORMAT_TEXT, 2 },
                { { "check", "--root=/x", "--options" }, 0, "check", FORMAT_TEXT, 0 },
                { { "record", "x", "--for=1h", "--interval=2s" }, 0, "record", FORMAT_TEXT, 1 },
                { { "trace", "info", "x", "--salvage" }, 0, "trace", FORMAT_TEXT, 2 },
                { { "trace", "export", "x", "--format=csv" }, 0, "trace", FORMAT_TEXT, 2 },
                { { "record", "x", "--for=1" }, -EINVAL, NULL, 0, 0 },
                { { "record", "x", "--interval=1ms" }, -EINVAL, NULL, 0, 0 },
                { { "record", "x", "--salvage" }, -EINVAL, NULL, 0, 0 },
                { { "record" }, -EINVAL, NULL, 0, 0 },
                { { "trace", "info" }, -EINVAL, NULL, 0, 0 },
                { { "explain" }, -EINVAL, NULL, 0, 0 },
                { { "explain", "a", "b" }, -EINVAL, NULL, 0, 0 },
                { { "status", "x" }, -EINVAL, NULL, 0, 0 },
                { { "status", "--strict" }, -EINVAL, NULL, 0, 0 },
                { { "stat" }, -EINVAL, NULL, 0, 0 },
                { { NULL }, -EINVAL, NULL, 0, 0 },
                { { "status", "-o", "xml" }, -EINVAL, NULL, 0, 0 },
                { { "status", "-o" }, -EINVAL, NULL, 0, 0 },
                { { "--nonsense", "status" }, -EINVAL, NULL, 0, 0 },
        };
        for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
                Invocation i = { 0 };
                int r = parse(&i, rows[n].words[0], rows[n].words[1], rows[n].words[2], rows[n].words[3]);
                assert_int_equal(r, rows[n].r);
                if (r < 0) {
                        assert_null(i.command);
                        continue;
                }
                assert_string_equal(i.command->name, rows[n].command);
                assert_int_equal(i.format, rows[n].format);
                assert_int_equal(i.n_args, rows[n].n_args);
        }
}

static void test_table_is_complete(void **state) {
        (void)state;
        _cleanup_free_ char *help = NULL;
        size_t size;
        FILE *f = open_memstream(&help, &size);
        commands_help(f);
        fclose(f);
        for (const Command *c = commands; c->name; c++) {
                assert_non_null(c->run);
                assert_non_null(strstr(help, c->name));
                assert_true(c->min_args <= c->max_args);
        }
        for (CtlExit e = 0; e < _CTL_EXIT_MAX; e++) {
                assert_non_null(ctl_exit_describe(e));
                assert_non_null(strstr(help, ctl_exit_describe(e)));
        }
        for (Format fo = 0; fo < _FORMAT_MAX; fo++)
                assert_non_null(strstr(help, format_to_string(fo)));
}

static void test_columns(void **state) {
        (void)state;
        static const char *const headings[] = { "NAME", ">SIZE", "WHY", NULL };
        for (int color = 0; color < 2; color++) {
                _cleanup_free_ char *text = NULL;
                size_t size;
                FILE *f = open_memstream(&text, &size);
                _cleanup_(table_freep) Table *t = table_new(headings);
                table_add(t, COLOR_RED, "gr\xc3\xbc\xc3\x9f""e");
                table_addf(t, COLOR_NONE, "%d", 7);
                table_add(t, COLOR_NONE, "x");
                table_add(t, COLOR_NONE, "a");
                table_add(t, COLOR_NONE, "12345");
                table_print(t, f, color);
                fclose(f);
                if (!color)
                        assert_string_equal(text, "NAME    SIZE  WHY\n"
                                                  "gr\xc3\xbc\xc3\x9f""e      7  x\n"
                                                  "a      12345\n");
                else
                        assert_non_null(strstr(text, "\x1b[31mgr\xc3\xbc\xc3\x9f""e\x1b[0m"));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_table_is_complete),
                cmocka_unit_test(test_columns),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

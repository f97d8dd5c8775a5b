/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "config-tree.h"
#include "config/ini-file.h"

/* "LINE section key value LINE:KEYCOL:VALUECOL" of every entry, then the messages. */
static char *parse(const char *text, size_t n, int *ret_r) {
        ConfigReport report = {};
        IniFile f;
        char *out = NULL;
        size_t size = 0;
        FILE *s = open_memstream(&out, &size);

        int r = ini_file_parse("f", text, n, &report, &f);
        assert_int_equal(r, report.n_errors > 0 ? -EINVAL : 0);
        for (size_t i = 0; i < f.n_entries; i++) {
                IniEntry *e = &f.entries[i];
                fprintf(s, "%u:%u %s/%s=%s|\n", e->line, e->value_column, e->section, e->key, e->value);
        }
        config_report_print(&report, s);
        assert_int_equal(fclose(s), 0);
        ini_file_done(&f);
        config_report_done(&report);
        if (ret_r)
                *ret_r = r;
        return out;
}

static void test_accepts(void **state) {
        (void)state;
        static const struct {
                const char *text, *out;
        } rows[] = {
                { "", "" },
                { "\n\n", "" },
                { "# comment\n; comment\n  # indented comment\n\t;x\n", "" },
                { "[A]\nk=v\n", "2:3 A/k=v|\n" },
                { "[A]\nk=v", "2:3 A/k=v|\n" },
                { "[A]\r\nk=v\r\n", "2:3 A/k=v|\n" },
                { "\xef\xbb\xbf[A]\nk=v\n", "2:3 A/k=v|\n" },
                { "[A]\nk  =  v w  \n", "2:7 A/k=v w|\n" },
                { "[A]  \nk=\n", "2:3 A/k=|\n" },
                { "[A]\nk=a=b:c\n", "2:3 A/k=a=b:c|\n" },
                { "[A]\nk=a;b # c\n", "2:3 A/k=a;b # c|\n" },
                { "[A]\nk=1\nk=2\n[B]\nk=3\n", "2:3 A/k=1|\n3:3 A/k=2|\n5:3 B/k=3|\n" },
                { "[A]\n\n\n# x\nk=\xc3\xa4\n", "5:3 A/k=\xc3\xa4|\n" },
                { "[A]\nk=\\*\\x2d\n", "2:3 A/k=\\*\\x2d|\n" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char *out = parse(rows[i].text, strlen(rows[i].text), NULL);
                assert_string_equal(out, rows[i].out);
                free(out);
        }
}

static void test_refuses(void **state) {
        (void)state;
        static const struct {
                const char *text, *place, *message;
        } rows[] = {
                /* inih would overwrite k with "x=2" */
                { "[A]\nk=1\n  x=2\n", "f:3:3: error: ", "indented" },
                { "[A]\nk=1\n\n\tx\n", "f:4:2: error: ", "indented" },
                { " [A]\n", "f:1:2: error: ", "indented" },
                /* inih would drop the rest */
                { "[A] k=1\n", "f:1:5: error: ", "text behind [A]" },
                { "[A]]\n", "f:1:4: error: ", "text behind [A]" },
                { "[A\nk=1\n", "f:1:3: error: ", "expected ]" },
                { "[]\n", "f:1:2: error: ", "section name of 0 bytes" },
                { "[a/b]\n", "f:1:3: error: ", "expected a section name" },
                { "[A]\n[A]\n", "f:2:1: error: ", "begins at line 1 already" },
                { "k=1\n", "f:1:1: error: ", "before any section" },
                { "[A]\nk\n", "f:2:2: error: ", "expected KEY=VALUE" },
                { "[A]\n=1\n", "f:2:1: error: ", "expected KEY=VALUE" },
                { "[A]\nk: 1\n", "f:2:2: error: ", "expected KEY=VALUE" },
                { "[A]\na b=1\n", "f:2:3: error: ", "expected KEY=VALUE" },
                { "[A]\nk=a ; b\n", "f:2:5: error: ", "comment behind a value" },
                { "[A]\nk= ;b\n", "f:2:4: error: ", "comment behind a value" },
                { "[A]\nk=a\x01\n", "f:2:4: error: ", "control character 0x01" },
                { "[A]\nk=a\rb\n", "f:2:4: error: ", "control character 0x0d" },
                { "[A]\nk=\x1b[2J\n", "f:2:3: error: ", "control character 0x1b" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                int r;
                char *out = parse(rows[i].text, strlen(rows[i].text), &r);
                assert_int_equal(r, -EINVAL);
                if (!strstr(out, rows[i].place) || !strstr(out, rows[i].message))
                        fail_msg("%s: %s", rows[i].text, out);
                free(out);
        }
}

static void test_nul(void **state) {
        (void)state;
        static const char text[] = "[A]\nk=1\0 2\nl=3\n";
        int r;
        char *out = parse(text, sizeof(text) - 1, &r);
        assert_int_equal(r, -EINVAL);
        assert_non_null(strstr(out, "f:2:4: error: NUL byte"));
        assert_non_null(strstr(out, "3:3 A/l=3|"));
        free(out);
}

/* inih cuts lines of 200 bytes and more, and shifts its count at 199. */
static void test_line_length(void **state) {
        (void)state;
        for (size_t n = 190; n < 420; n++) {
                char text[512];
                int r;
                (void)snprintf(text, sizeof(text), "[A]\nk=%0*d\nz=1\n", (int)n - 2, 7);
                char *out = parse(text, strlen(text), &r);
                assert_int_equal(r, n <= INI_LINE_BYTES_MAX ? 0 : -EINVAL);
                assert_non_null(strstr(out, "3:3 A/z=1|"));
                if (n > INI_LINE_BYTES_MAX)
                        assert_non_null(strstr(out, "f:2:199: error: line of"));
                else
                        assert_non_null(strstr(out, "0007|"));
                free(out);
        }
}

static void test_section_length(void **state) {
        (void)state;
        for (size_t n = 45; n < 60; n++) {
                char text[128] = "[", want[128];
                int r;
                memset(text + 1, 'a', n);
                strcpy(text + 1 + n, "]\nk=1\n");
                (void)snprintf(want, sizeof(want), "2:3 %.*s/k=1|\n", (int)n, text + 1);
                char *out = parse(text, strlen(text), &r);
                assert_int_equal(r, n <= INI_SECTION_BYTES_MAX ? 0 : -EINVAL);
                if (r == 0)
                        assert_string_equal(out, want);
                else
                        assert_null(strstr(out, "k=1|"));
                free(out);
        }
}

/* Settings below a header that was refused must not land in the section above it. */
static void test_refused_section_keeps_its_settings(void **state) {
        (void)state;
        static const char text[] = "[A]\nk=1\n[B x]\nk=2\nl=3\n[C]\nk=4\n";
        char *out = parse(text, strlen(text), NULL);
        assert_non_null(strstr(out, "2:3 A/k=1|\n7:3 C/k=4|\n"));
        assert_null(strstr(out, "k=2"));
        assert_null(strstr(out, "l=3"));
        free(out);
}

static void test_all_errors_in_one_run(void **state) {
        (void)state;
        static const char text[] = "x\n[A]\n y\nk=1 ; 2\n[A]\nok=1\n";
        ConfigReport report = {};
        IniFile f;
        assert_int_equal(ini_file_parse("f", text, strlen(text), &report, &f), -EINVAL);
        assert_int_equal(report.n_errors, 4);
        for (size_t i = 0; i < 4; i++) {
                static const unsigned lines[] = { 1, 3, 4, 5 };
                assert_int_equal(report.messages[i].line, lines[i]);
        }
        ini_file_done(&f);
        config_report_done(&report);
}

static void test_too_big(void **state) {
        (void)state;
        size_t n = INI_FILE_BYTES_MAX + 1;
        char *text = malloc(n);
        int r;
        memset(text, '\n', n);
        char *out = parse(text, n - 1, &r);
        assert_int_equal(r, 0);
        free(out);
        out = parse(text, n, &r);
        assert_int_equal(r, -EINVAL);
        free(out);
        free(text);
}

static void test_report_escapes(void **state) {
        (void)state;
        ConfigReport report = {};
        config_report_add(&report, SEVERITY_ERROR, "a\nb", 3, 4, "x\x1b[31m%s", "\xe2\x80\xae");
        config_report_add(&report, SEVERITY_WARNING, "f", 0, 0, "w");
        config_report_add(&report, SEVERITY_NOTE, NULL, 0, 0, "n");
        config_report_add(&report, SEVERITY_NOTE, "f", 7, 0, "%s",
                          "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xe2\x82\xac");
        char *text = report_text(&report);
        assert_string_equal(text, "a\\x0ab:3:4: error: x\\x1b[31m\\xe2\\x80\\xae\nf: warning: w\nnote: n\n"
                                  "f:7: note: \xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xe2\x82\xac\n");
        assert_int_equal(report.n_errors, 1);
        assert_int_equal(report.n_warnings, 1);
        free(text);
        config_report_done(&report);
}

static void test_report_keeps_counting(void **state) {
        (void)state;
        ConfigReport report = {};
        for (int i = 0; i < 2000; i++)
                config_report_add(&report, SEVERITY_ERROR, "f", 1, 1, "%d", i);
        assert_int_equal(report.n_errors, 2000);
        assert_true(report.n_messages < 2000);
        config_report_done(&report);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_accepts),
                cmocka_unit_test(test_refuses),
                cmocka_unit_test(test_nul),
                cmocka_unit_test(test_line_length),
                cmocka_unit_test(test_section_length),
                cmocka_unit_test(test_refused_section_keeps_its_settings),
                cmocka_unit_test(test_all_errors_in_one_run),
                cmocka_unit_test(test_too_big),
                cmocka_unit_test(test_report_escapes),
                cmocka_unit_test(test_report_keeps_counting),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

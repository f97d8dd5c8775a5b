/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "config/match.h"
#include "config/unit-name.h"

static const struct {
        GlobMode mode;
        const char *glob, *text;
        bool match;
} globs[] = {
        { GLOB_TEXT, "bash", "bash", true },
        { GLOB_TEXT, "bash", "bash ", false },
        { GLOB_TEXT, "bash", "bas", false },
        { GLOB_TEXT, "*", "", true },
        { GLOB_TEXT, "*", "a/b", true },
        { GLOB_TEXT, "a*c", "abbbc", true },
        { GLOB_TEXT, "a*c", "abbbcd", false },
        { GLOB_TEXT, "a*b*c", "aXbXbXc", true },
        { GLOB_TEXT, "*ab*ab*", "abab", true },
        { GLOB_TEXT, "*ab*ab*", "abxba", false },
        { GLOB_TEXT, "a?c", "abc", true },
        { GLOB_TEXT, "a?c", "ac", false },
        { GLOB_TEXT, "?", "/", true },
        { GLOB_TEXT, "[a-c]x", "bx", true },
        { GLOB_TEXT, "[!a-c]x", "bx", false },
        { GLOB_TEXT, "[^a-c]x", "dx", true },
        { GLOB_TEXT, "[]]", "]", true },
        { GLOB_TEXT, "[!]]", "]", false },
        { GLOB_TEXT, "[a-]", "-", true },
        { GLOB_TEXT, "[\\]]", "]", true },
        { GLOB_TEXT, "[c-a]", "b", false },
        { GLOB_TEXT, "\\*", "*", true },
        { GLOB_TEXT, "\\*", "x", false },
        { GLOB_TEXT, "\\\\", "\\", true },
        { GLOB_TEXT, "dev-disk\\x2dby.swap", "dev-disk\\x2dby.swap", true },
        { GLOB_TEXT, "a\\", "a\\", true },
        { GLOB_TEXT, "foo) Z *", "foo) Z bar", true },
        { GLOB_TEXT, "*\n*", "a\nb", true },
        { GLOB_TEXT, "\xc3\xa4*", "\xc3\xa4rger", true },
        { GLOB_PATH, "user.slice/user-*.slice", "user.slice/user-1000.slice", true },
        { GLOB_PATH, "user.slice/user-*.slice", "user.slice/user-1000.slice/x.slice", false },
        { GLOB_PATH, "*", "system.slice", true },
        { GLOB_PATH, "*", "system.slice/a", false },
        { GLOB_PATH, "*/a", "system.slice/a", true },
        { GLOB_PATH, "a?b", "a/b", false },
        { GLOB_PATH, "a[!x]b", "a/b", false },
        { GLOB_PATH, "**", "a", true },
        { GLOB_PATH, "**", "a/b/c", true },
        { GLOB_PATH, "**", "", false },
        { GLOB_PATH, "a/**", "a", false },
        { GLOB_PATH, "a/**", "a/b", true },
        { GLOB_PATH, "a/**", "a/b/c", true },
        { GLOB_PATH, "a/**", "ab/c", false },
        { GLOB_PATH, "**/b", "b", true },
        { GLOB_PATH, "**/b", "a/b", true },
        { GLOB_PATH, "**/b", "a/c/b", true },
        { GLOB_PATH, "**/b", "a/xb", false },
        { GLOB_PATH, "**/b", "b/c", false },
        { GLOB_PATH, "a/**/b", "a/b", true },
        { GLOB_PATH, "a/**/b", "a/x/y/b", true },
        { GLOB_PATH, "a/**/b", "a/x/y/c", false },
        { GLOB_PATH, "**/a*b/c", "x/aXb/d/aYb/c", true },
        { GLOB_PATH, "**/a/**/b/c", "a/b/a/x/b/b/c", true },
        { GLOB_PATH, "**/a/**/b/c", "b/c/a", false },
        { GLOB_PATH, "**/*.scope", "user.slice/x/session-1.scope", true },
        { GLOB_PATH, "*/*b*/c", "x/abc/c", true },
};

static void test_globs(void **state) {
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(globs); i++) {
                PatternError error;
                assert_int_equal(glob_check(globs[i].glob, globs[i].mode, &error), 0);
                if (glob_match(globs[i].glob, globs[i].text, strlen(globs[i].text), globs[i].mode) != globs[i].match)
                        fail_msg("%s on %s", globs[i].glob, globs[i].text);
        }
}

/* @n counts, not the NUL: prefixes of paths are matched in place. */
static void test_glob_length(void **state) {
        (void)state;
        assert_true(glob_match("ab", "abc", 2, GLOB_TEXT));
        assert_false(glob_match("abc", "abc", 2, GLOB_TEXT));
        assert_true(glob_match("a/*", "a/b/c", 3, GLOB_PATH));
}

static void test_bad_patterns(void **state) {
        (void)state;
        static const struct {
                GlobMode mode;
                const char *text;
                size_t offset;
                const char *message;
        } rows[] = {
                { GLOB_TEXT, "", 0, "empty" },
                { GLOB_TEXT, "a[bc", 1, "expected ]" },
                { GLOB_TEXT, "[]", 0, "expected ]" },
                { GLOB_TEXT, "[a\\]", 0, "expected ]" },
                { GLOB_PATH, "a[b/c]", 1, "slash in a set" },
                { GLOB_PATH, "a**", 1, "whole components" },
                { GLOB_PATH, "**a", 0, "whole components" },
                { GLOB_PATH, "***", 0, "whole components" },
                { GLOB_TEXT, "~", 1, "expected a regular expression" },
                { GLOB_TEXT, "~a(b", 1, "not an extended regular expression" },
                { GLOB_TEXT, "~(a)\\1", 4, "back-reference" },
                { GLOB_TEXT, "~a{300}", 2, "repeat counts" },
                { GLOB_TEXT, "~((a{20}){20}){20}", 9, "repeat counts" },
                { GLOB_TEXT, "~a{1,99999999999999999999}", 2, "repeat counts" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                PatternError error;
                Pattern *p = NULL;
                assert_int_equal(pattern_new(rows[i].text, rows[i].mode, &p, &error), -EINVAL);
                assert_null(p);
                if (error.offset != rows[i].offset || !strstr(error.text, rows[i].message))
                        fail_msg("%s: %zu: %s", rows[i].text, error.offset, error.text);
        }
}

static void test_regex(void **state) {
        (void)state;
        static const struct {
                const char *regex, *text;
                bool match;
        } rows[] = {
                { "~foo", "a foo b", true },
                { "~^foo$", "foo", true },
                { "~^foo$", "foo\nbar", false },
                { "~(chrome|firefox)", "firefox-bin", true },
                { "~^[0-9a-f]{64}$", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", true },
                { "~^$", "", false }, /* a text that could not be read matches nothing */
                { "~.", "x", true },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                PatternError error;
                Pattern *p = NULL;
                assert_int_equal(pattern_new(rows[i].regex, GLOB_TEXT, &p, &error), 0);
                assert_true(pattern_is_regex(p));
                assert_int_equal(pattern_match(p, rows[i].text, strlen(rows[i].text)), rows[i].match);
                pattern_free(p);
        }
}

static void test_lists(void **state) {
        (void)state;
        Pattern *list = NULL, *p;
        PatternError error;
        assert_int_equal(pattern_new("a*", GLOB_TEXT, &p, &error), 0);
        pattern_append(&list, p);
        assert_int_equal(pattern_new("~z$", GLOB_TEXT, &p, &error), 0);
        pattern_append(&list, p);
        assert_true(pattern_match(list, "abc", 3));
        assert_true(pattern_match(list, "xyz", 3));
        assert_false(pattern_match(list, "xyy", 3));
        assert_ptr_equal(pattern_next(list), p);
        pattern_free(list);
}

static void test_uids(void **state) {
        (void)state;
        static const struct {
                const char *text;
                int r;
                uint32_t in, out;
        } rows[] = {
                { "0", 0, 0, 1 },
                { "1000", 0, 1000, 1001 },
                { "1000-1999", 0, 1999, 2000 },
                { "0-4294967294", 0, 4294967294u, 4294967295u },
                { "4294967295", -EINVAL, 0, 0 },
                { "-5", -EINVAL, 0, 0 },
                { "5-", -EINVAL, 0, 0 },
                { "7-5", -EINVAL, 0, 0 },
                { "root", -EINVAL, 0, 0 },
                { "1 2", -EINVAL, 0, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                PatternError error;
                Pattern *p = NULL;
                assert_int_equal(pattern_new_uids(rows[i].text, &p, &error), rows[i].r);
                if (rows[i].r == 0) {
                        assert_true(pattern_match_uid(p, rows[i].in));
                        assert_false(pattern_match_uid(p, rows[i].out));
                }
                pattern_free(p);
        }
}

static void test_users(void **state) {
        (void)state;
        PatternError error;
        Pattern *p = NULL;

        assert_int_equal(pattern_new_user("root", &p, &error), 0);
        assert_true(pattern_match_uid(p, 0));
        assert_false(pattern_match_uid(p, 1));
        assert_false(pattern_is_unresolved(p));
        pattern_free(p);
        assert_int_equal(pattern_new_user("4711", &p, &error), 0);
        assert_true(pattern_match_uid(p, 4711));
        pattern_free(p);
        /* unknown: nobody, and above all not root */
        assert_int_equal(pattern_new_user("no-such-user-here", &p, &error), 0);
        assert_true(pattern_is_unresolved(p));
        assert_false(pattern_match_uid(p, 0));
        pattern_free(p);
        p = NULL;
        assert_int_equal(pattern_new_user("www-*", &p, &error), -EINVAL);
        assert_int_equal(error.offset, 4);
}

static void test_within(void **state) {
        (void)state;
        static const struct {
                const char *pattern, *path;
                bool match;
        } rows[] = {
                { "system.slice/a.service", "/system.slice/a.service", true },
                { "system.slice/a.service", "system.slice/a.service", true },
                { "system.slice/a.service", "/system.slice/a.service/worker/1", true },
                { "system.slice/a.service", "/system.slice/a.service2", false },
                { "system.slice/a.service", "/user.slice/system.slice/a.service", false },
                { "system.slice", "/system.slice/x", true },
                { "**/a.service", "/user.slice/x/a.service/y", true },
                { "/", "/", true },
                { "/", "/system.slice", false },
                { "**", "/", false },
                { "*", "", false },
                { "~^system", "/system.slice/x", true },
                { "~x$", "/system.slice/x", true },
                { "~.", "/", false },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                PatternError error;
                Pattern *p = NULL;
                assert_int_equal(pattern_new(rows[i].pattern, GLOB_PATH, &p, &error), 0);
                if (pattern_match_within(p, rows[i].path) != rows[i].match)
                        fail_msg("%s in %s", rows[i].pattern, rows[i].path);
                pattern_free(p);
        }
}

static void test_least_bytes(void **state) {
        (void)state;
        assert_int_equal(glob_least_bytes("gnome-session-binary"), 20);
        assert_int_equal(glob_least_bytes("gnome-s*"), 7);
        assert_int_equal(glob_least_bytes("[a-z]?\\*x**"), 4);
}

/* What glibc's fnmatch() needs for ever for. No time is measured: it ends or the test is killed. */
static void test_bounded(void **state) {
        (void)state;
        char text[4097], path[512];
        memset(text, 'a', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        assert_false(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text, strlen(text), GLOB_TEXT));
        for (size_t i = 0; i < sizeof(path) - 1; i++)
                path[i] = i % 2 ? '/' : 'a';
        path[sizeof(path) - 1] = '\0';
        assert_false(glob_match("**/*a*/**/*a*/**/*a*/**/*a*/**/b", path, strlen(path), GLOB_PATH));
        memset(path, 'a', sizeof(path) - 1);
        assert_false(glob_match("**/*a*a*a*a*a*a*a*a*a*a*b", path, strlen(path), GLOB_PATH));
}

static void test_units(void **state) {
        (void)state;
        static const struct {
                const char *path, *unit, *leaf, *system;
        } rows[] = {
                { "/system.slice/a.service", "a.service", "a.service", "a.service" },
                { "system.slice/a.service/x", "a.service", NULL, "a.service" },
                { "/user.slice/user-1.slice/user@1.service/app.slice/b.scope", "b.scope", "b.scope", "user@1.service" },
                /* what a user makes below his own manager is not the system's sshd */
                { "/user.slice/user-1.slice/user@1.service/sshd.service", "sshd.service", "sshd.service", "user@1.service" },
                { "/system.slice/docker-1.scope/system.slice/sshd.service", "sshd.service", "sshd.service", "docker-1.scope" },
                { "/user.slice", "user.slice", "user.slice", "user.slice" },
                { "/", NULL, NULL, NULL },
                { "", NULL, NULL, NULL },
                { "/a/b", NULL, NULL, NULL },
                { "/.service", NULL, NULL, NULL },
                { "/a.service.d", NULL, NULL, NULL },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                size_t n = 0;
                const char *s = unit_name_find(rows[i].path, &n);
                assert_int_equal(s != NULL, rows[i].unit != NULL);
                if (s)
                        assert_true(n == strlen(rows[i].unit) && memcmp(s, rows[i].unit, n) == 0);
                s = unit_name_of_system(rows[i].path, &n);
                assert_int_equal(s != NULL, rows[i].system != NULL);
                if (s)
                        assert_true(n == strlen(rows[i].system) && memcmp(s, rows[i].system, n) == 0);
                s = unit_name_of_leaf(rows[i].path, &n);
                assert_int_equal(s != NULL, rows[i].leaf != NULL);
                if (s)
                        assert_true(n == strlen(rows[i].leaf) && memcmp(s, rows[i].leaf, n) == 0);
        }
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_containers(void **state) {
        (void)state;
        static const struct {
                const char *path, *id;
        } rows[] = {
                { "system.slice/docker-" HEX64 ".scope", HEX64 },
                { "machine.slice/libpod-" HEX64 ".scope", HEX64 },
                { "machine.slice/libpod-" HEX64 ".scope/container", NULL },
                { "machine.slice/libpod-conmon-" HEX64 ".scope", NULL },
                { "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12_34.slice", "pod12_34" },
                { "kubepods.slice/kubepods-burstable.slice", NULL },
                { "kubepods.slice/kubepods-pod12.slice/cri-containerd-" HEX64 ".scope", HEX64 },
                { "kubepods.slice/kubepods-pod12.slice/crio-" HEX64 ".scope", HEX64 },
                { "kubepods/besteffort/pod12-34", "pod12-34" },
                { "kubepods/besteffort/pod12-34/" HEX64, HEX64 },
                { "docker/" HEX64, HEX64 },
                { "lxc.payload.web", "web" },
                { "machine.slice/systemd-nspawn@deb.service", "deb" },
                { "machine.slice/machine-vm.scope", "vm" },
                { "system.slice/docker-compose.service", NULL },
                { "system.slice/podman.service", NULL },
                { "system.slice/podcasts", NULL },
                { "user.slice", NULL },
                { "", NULL },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                size_t n = 0;
                const char *s = container_id_of_leaf(rows[i].path, &n);
                if ((s != NULL) != (rows[i].id != NULL))
                        fail_msg("%s", rows[i].path);
                if (s)
                        assert_true(n == strlen(rows[i].id) && memcmp(s, rows[i].id, n) == 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_globs),
                cmocka_unit_test(test_glob_length),
                cmocka_unit_test(test_bad_patterns),
                cmocka_unit_test(test_regex),
                cmocka_unit_test(test_lists),
                cmocka_unit_test(test_uids),
                cmocka_unit_test(test_users),
                cmocka_unit_test(test_within),
                cmocka_unit_test(test_least_bytes),
                cmocka_unit_test(test_bounded),
                cmocka_unit_test(test_units),
                cmocka_unit_test(test_containers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

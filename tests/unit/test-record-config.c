/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "base/text.h"
#include "config-tree.h"

/* The policy of a tree whose headroomd.conf is @text; what was said of it in @ret_report, to be freed. */
static int load(const char *text, Policy **ret, char **ret_report) {
        ConfigTree t;
        ConfigReport report = {};

        tree_init(&t);
        tree_write(&t, "etc/headroom/headroomd.conf", text);
        int r = policy_load(t.fd, NULL, &report, ret);
        if (r >= 0)
                policy_lint(*ret, &report);
        *ret_report = report_text(&report);
        config_report_done(&report);
        tree_done(&t);
        return r;
}

static void test_default(void **state) {
        (void)state;
        Policy *p = NULL;
        char *said = NULL;
        assert_int_equal(load("", &p, &said), 0);
        assert_false(p->daemon.record.enabled);
        assert_false(p->daemon.record.cmdline);
        assert_string_equal(p->daemon.record.directory, "/var/lib/headroom/trace");
        assert_int_equal(p->daemon.record.interval_usec, USEC_PER_SEC);
        assert_int_equal(p->daemon.record.detail_interval_usec, 10 * USEC_PER_SEC);
        assert_int_equal(p->daemon.record.file_bytes, 16 << 20);
        assert_int_equal(p->daemon.record.total_bytes, 140 << 20);
        assert_string_equal(said, "");
        free(said);
        policy_free(p);
}

static void test_values(void **state) {
        (void)state;
        Policy *p = NULL;
        char *said = NULL;
        assert_int_equal(load("[Record]\nRecord=yes\nDirectory=/srv/trace//\nInterval=500ms\nDetailInterval=1min\n"
                              "FileSize=2M\nTotalSize=1G\n",
                              &p, &said),
                         0);
        assert_true(p->daemon.record.enabled);
        assert_string_equal(p->daemon.record.directory, "/srv/trace");
        assert_int_equal(p->daemon.record.interval_usec, 500 * USEC_PER_MSEC);
        assert_int_equal(p->daemon.record.detail_interval_usec, 60 * USEC_PER_SEC);
        assert_int_equal(p->daemon.record.file_bytes, 2 << 20);
        assert_int_equal(p->daemon.record.total_bytes, 1 << 30);
        assert_string_equal(said, "");
        free(said);
        policy_free(p);
}

static void test_refused(void **state) {
        (void)state;
        static const char *const texts[] = {
                "Directory=trace",        "Directory=/",          "Directory=/var/../etc", "Directory=/var/..",
                "Interval=50ms",          "Interval=1",           "DetailInterval=2h",     "FileSize=100K",
                "TotalSize=1M",           "Record=perhaps",       "Records=yes",
        };
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                char text[128];
                Policy *p = NULL;
                char *said = NULL;
                (void)snprintf(text, sizeof(text), "[Record]\n%s\n", texts[i]);
                assert_int_equal(load(text, &p, &said), -EINVAL);
                assert_non_null(strstr(said, "expected"));
                free(said);
        }
}

static void test_lint(void **state) {
        (void)state;
        static const struct {
                const char *settings, *said;
        } rows[] = {
                { "FileSize=16M\nTotalSize=20M", "TotalSize= is less than two files" },
                { "Interval=5s\nDetailInterval=2s\n[Daemon]\nIntervalMax=10s", "DetailInterval= is shorter than Interval=" },
                { "DetailInterval=1s", "DetailInterval= below 5s" },
                { "Interval=2s", "Interval= has no effect" },
                { "Cmdline=yes", "may hold secrets" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char text[256];
                Policy *p = NULL;
                char *said = NULL;
                (void)snprintf(text, sizeof(text), "[Record]\nRecord=yes\n%s\n", rows[i].settings);
                assert_int_equal(load(text, &p, &said), 0);
                assert_non_null(strstr(said, rows[i].said));
                free(said);
                policy_free(p);
                p = NULL;
                /* nothing is recorded: nothing to be said about how */
                (void)snprintf(text, sizeof(text), "[Record]\nRecord=no\n%s\n", rows[i].settings);
                assert_int_equal(load(text, &p, &said), 0);
                assert_string_equal(said, "");
                free(said);
                policy_free(p);
        }
}

/* The text of a policy has the hash of the policy; one that was made a dry run has another. */
static void test_text(void **state) {
        (void)state;
        Policy *p = NULL;
        char *said = NULL, *text = NULL;
        size_t n = 0;
        uint64_t hash = 0;
        assert_int_equal(load("", &p, &said), 0);
        free(said);
        assert_int_equal(policy_to_text(p, &text, &n, &hash), 0);
        assert_int_equal(strlen(text), n);
        assert_int_equal(hash, p->hash);
        assert_non_null(strstr(text, "DryRun=no\n"));
        assert_non_null(strstr(text, "Directory=/var/lib/headroom/trace\n"));
        free(text);
        p->daemon.dry_run = true;
        assert_int_equal(policy_to_text(p, &text, &n, &hash), 0);
        assert_int_not_equal(hash, p->hash);
        assert_non_null(strstr(text, "DryRun=yes\n"));
        free(text);
        policy_free(p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_default), cmocka_unit_test(test_values), cmocka_unit_test(test_refused),
                cmocka_unit_test(test_lint),    cmocka_unit_test(test_text),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

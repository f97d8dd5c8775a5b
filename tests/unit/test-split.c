/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The policy as text, the way a trace holds it: what was dumped loads to the same policy, and what was not is refused. */

#include "test.h"

#include "config-tree.h"

static Policy *load_dir(const ConfigTree *t) {
        ConfigReport report = {};
        Policy *p = NULL;
        int r = policy_load(t->fd, NULL, &report, &p);
        if (r < 0)
                config_report_print(&report, stderr);
        assert_int_equal(r, 0);
        config_report_done(&report);
        return p;
}

/* Loads the dump of @p and compares. */
static void same_from_text(const Policy *p) {
        ConfigReport report = {};
        Policy *again = NULL;
        char *text = policy_text(p);
        int r = policy_load_text(text, strlen(text), "trace", &report, &again);
        if (r < 0)
                config_report_print(&report, stderr);
        assert_int_equal(r, 0);
        char *text_again = policy_text(again);
        assert_string_equal(text_again, text);
        assert_true(again->hash == p->hash);
        assert_int_equal(again->n_cgroups, p->n_cgroups);
        assert_int_equal(again->n_rules, p->n_rules);
        assert_int_equal(again->rule_fields, p->rule_fields);
        assert_int_equal(report.n_errors, 0);
        free(text);
        free(text_again);
        config_report_done(&report);
        policy_free(again);
}

static void test_builtin(void **state) {
        (void)state;
        ConfigTree t;
        tree_init(&t);
        Policy *p = load_dir(&t);
        assert_true(p->n_cgroups >= 2);
        same_from_text(p);
        policy_free(p);
        tree_done(&t);
}

/* Each file that conf/ ships, as if it were installed alone. */
static void test_shipped(void **state) {
        (void)state;
        ConfigReport report = {};
        Policy *p = NULL;
        assert_int_equal(policy_load(-EBADF, CONF_DIR, &report, &p), 0);
        same_from_text(p);
        config_report_done(&report);
        policy_free(p);
}

static const char *const sources[][2] = {
        { "etc/headroom/headroomd.conf", "[Daemon]\nDryRun=on\nIntervalMin=20ms\nIntervalMax=1500ms\nPsiTriggers=no\nHistoryMax=3\n" },
        { "etc/headroom/cgroups.d/99-last@a:b+c.conf", "[Match]\nCgroup=/user.slice/user-*.slice/\n[Warn]\nWhen=full>5% or usage>1.3G\n"
          "[Kill]\nWhen=exhaustion<1s\nDo=terminate grace=1500ms\nVictim=cgroup\nRank=pressure\nMaxProcesses=17\nCooldown=1min\n" },
        { "etc/headroom/cgroups.d/20-b.conf", "[Match]\nUnit=a\\x2d@[0-9]*.service\nLimited=1\n[Relieve]\nWhen=refaults>1%/s\n[Kill]\nWhen=scan-rate>1G\nDo=notify\n" },
        { "etc/headroom/cgroups.d/40-d.conf",
          "[Match]\nCgroup=d\n[Warn]\nWhen=full>1%\nDo=trim,reclaim swappiness=0,pageout\n[Relieve]\nWhen=full>5%\n"
          "Do=notify,reclaim swappiness=200,throttle floor=12.5%,slow weight=37,freeze max=1.5s,restart\n[Proactive]\nPressure=0.01%\nFloor=1.5M\n" },
        /* one whose name would sort before the directory's other kind, and one that looks like a mark */
        { "etc/headroom/rules.d/00-a.conf", "[Match]\nName=~^(a|b)$\nName=c*\nUid=1000-1999\nUser=root\nCgroup=/a/**\n[Score]\nAdjust=+5\nTier=avoid\nApplyToKernel=yes\n" },
        { "etc/headroom/rules.d/b.conf", "[Match]\nCmdline=# file: rules.d/c.conf\nExe=/usr/bin/*\nUnit=*.scope\n" },
};

static void test_complex(void **state) {
        (void)state;
        ConfigTree t;
        tree_init(&t);
        for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
                tree_write(&t, sources[i][0], sources[i][1]);
        tree_link(&t, "/dev/null", "etc/headroom/cgroups.d/80-limited.conf");
        Policy *p = load_dir(&t);
        assert_true(p->daemon.dry_run);
        assert_int_equal(p->n_rules, 2);
        same_from_text(p);
        policy_free(p);
        tree_done(&t);
}

/* What is in force is what stands there: nothing of the host, nothing built in. */
static void test_nothing_else(void **state) {
        (void)state;
        static const char text[] = "# file: cgroups.d/only.conf\n[Match]\nCgroup=a\n[Kill]\nWhen=full > 90%\nDo=kill\n";
        ConfigReport report = {};
        Policy *p = NULL;
        assert_int_equal(policy_load_text(text, sizeof(text) - 1, "trace", &report, &p), 0);
        assert_int_equal(p->n_cgroups, 1);
        assert_string_equal(p->cgroups[0].name, "only");
        policy_free(p);
        config_report_done(&report);
}

typedef struct Refused {
        const char *text, *says;
} Refused;

static const Refused refused[] = {
        { "", "holds no file" },
        { "\n\n# a comment\n", "holds no file" },
        { "[Match]\nCgroup=/\n", "trace:1:1: error: expected \"# file: NAME\"" },
        { "# file: \n", "expected headroomd.conf" },
        { "# file: .conf\n", "expected headroomd.conf" },
        { "# file: other.conf\n", "file 'other.conf'" },
        { "# file: cgroups.d/.conf\n", "expected headroomd.conf" },
        { "# file: cgroups.d/../../etc/passwd.conf\n", "expected headroomd.conf" },
        { "# file: cgroups.d/a/b.conf\n", "expected headroomd.conf" },
        { "# file: cgroups.d/a\033[2J.conf\n", "\\x1b" },
        { "# file: rules.d/0123456789012345678901234567890123456789012345678901234567890123.conf\n", "expected headroomd.conf" },
        { "# file: rules.d/a.conf\n[Match]\nName=a\n# file: rules.d/a.conf\n[Match]\nName=b\n", "trace:4:9: error: a.conf stands there already" },
        { "# file: headroomd.conf\n[Daemon]\nNoSuch=1\n", "trace/headroomd.conf:2:1" },
        { "# file: cgroups.d/a.conf\n[Match]\nCgroup=a\n[Kill]\nWhen=full > 1M\n", "trace/cgroups.d/a.conf:4" },
};

static void test_refused(void **state) {
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
                ConfigReport report = {};
                Policy *p = NULL;
                assert_int_equal(policy_load_text(refused[i].text, strlen(refused[i].text), "trace", &report, &p), -EINVAL);
                assert_null(p);
                assert_true(report.n_errors > 0);
                char *said = report_text(&report);
                if (!strstr(said, refused[i].says))
                        fail_msg("%zu: '%s' lacks '%s'", i, said, refused[i].says);
                free(said);
                config_report_done(&report);
        }
        ConfigReport report = {};
        Policy *p = NULL;
        assert_int_equal(policy_load_text("# file: headroomd.conf\n\0", 24, "trace", &report, &p), -EINVAL);
        config_report_done(&report);
}

/* Cut anywhere, it is refused or loads; nothing is read beyond its end. */
static void test_cut(void **state) {
        (void)state;
        ConfigTree t;
        tree_init(&t);
        Policy *p = load_dir(&t);
        char *text = policy_text(p);
        for (size_t n = 0; n < strlen(text); n += 7) {
                ConfigReport report = {};
                Policy *part = NULL;
                char *copy = malloc(n ? n : 1);
                assert_non_null(copy);
                memcpy(copy, text, n);
                int r = policy_load_text(copy, n, "trace", &report, &part);
                assert_true(r == 0 || (r == -EINVAL && report.n_errors > 0));
                free(copy);
                policy_free(part);
                config_report_done(&report);
        }
        free(text);
        policy_free(p);
        tree_done(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_builtin), cmocka_unit_test(test_shipped), cmocka_unit_test(test_complex),
                cmocka_unit_test(test_nothing_else), cmocka_unit_test(test_refused), cmocka_unit_test(test_cut),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

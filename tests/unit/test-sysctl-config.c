/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The section [Sysctl]: what it takes, what it refuses and with which words, and what lint says of it. */

#include "test.h"

#include <string.h>

#include "config-tree.h"
#include "config/options.h"

/* Loads headroomd.conf with the section; the report as text, to be freed. */
static int load(const char *lines, Policy **ret, char **ret_report) {
        ConfigTree t;
        ConfigReport report = { 0 };
        char text[2048];

        tree_init(&t);
        (void)snprintf(text, sizeof(text), "[Sysctl]\n%s", lines);
        tree_write(&t, "etc/headroom/headroomd.conf", text);
        int r = policy_load(t.fd, NULL, &report, ret);
        if (r >= 0)
                policy_lint(*ret, &report);
        *ret_report = report_text(&report);
        config_report_done(&report);
        tree_done(&t);
        return r;
}

static void test_rows(void **state) {
        (void)state;
        static const struct {
                Sysctl key;
                const char *file, *option;
                uint64_t min, max;
        } rows[] = {
#define X(name, file, option, min, max) { SYSCTL_##name, file, option, min, max },
                SYSCTLS(X)
#undef X
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const ConfigItem *item = config_item_find(CONFIG_MAIN, "Sysctl", rows[i].option);
                assert_non_null(item);
                assert_int_equal(item->offset, offsetof(DaemonPolicy, sysctl.settings) + (size_t)rows[i].key * sizeof(SysctlSetting));
                assert_int_equal(item->min, rows[i].min);
                assert_int_equal(item->max, rows[i].max);
                assert_string_equal(sysctl_to_string(rows[i].key), rows[i].file);
                assert_string_equal(sysctl_option(rows[i].key), rows[i].option);
                assert_int_equal(sysctl_from_string(rows[i].file), rows[i].key);
        }
        assert_null(sysctl_to_string(_SYSCTL_MAX));
        assert_null(sysctl_option(_SYSCTL_INVALID));
        assert_int_equal(sysctl_from_string("swappines"), _SYSCTL_INVALID);
}

static void test_default(void **state) {
        (void)state;
        DaemonPolicy d = {};
        assert_int_equal(config_target_init(CONFIG_MAIN, &d), 0);
        for (Sysctl k = 0; k < _SYSCTL_MAX; k++)
                assert_int_equal(d.sysctl.settings[k].mode, SYSCTL_KEEP);
        assert_int_equal(d.sysctl.restore, SYSCTL_RESTORE_EXIT);
        assert_int_equal(d.sysctl.swappiness_min, 10);
        assert_int_equal(d.sysctl.swappiness_max, 200);
        assert_int_equal(d.sysctl.overcommit_margin_permyriad, 2500);
        config_target_done(CONFIG_MAIN, &d);
}

static void test_taken(void **state) {
        (void)state;
        static const char lines[] = "Swappiness=auto\nSwappinessMin=20\nSwappinessMax=150\nOvercommitMemory=2\nOvercommitRatio=auto\n"
                                    "OvercommitMargin=12.5%\nAdminReserveKbytes=16384\nUserReserveKbytes=131072\nMinFreeKbytes=65536\n"
                                    "WatermarkScaleFactor=125\nWatermarkBoostFactor=0\nPageCluster=0\nVfsCachePressure=keep\nRestore=stop\n";
        Policy *p = NULL, *again = NULL;
        char *report;
        assert_int_equal(load(lines, &p, &report), 0);
        assert_string_equal(report, "");
        free(report);
        const SysctlPolicy *s = &p->daemon.sysctl;
        assert_int_equal(s->settings[SYSCTL_SWAPPINESS].mode, SYSCTL_AUTO);
        assert_int_equal(s->settings[SYSCTL_OVERCOMMIT_RATIO].mode, SYSCTL_AUTO);
        assert_true(s->settings[SYSCTL_OVERCOMMIT_MEMORY].mode == SYSCTL_VALUE && s->settings[SYSCTL_OVERCOMMIT_MEMORY].value == 2);
        assert_true(s->settings[SYSCTL_PAGE_CLUSTER].mode == SYSCTL_VALUE && s->settings[SYSCTL_PAGE_CLUSTER].value == 0);
        assert_int_equal(s->settings[SYSCTL_VFS_CACHE_PRESSURE].mode, SYSCTL_KEEP);
        assert_int_equal(s->settings[SYSCTL_MIN_FREE_KBYTES].value, 65536);
        assert_int_equal(s->overcommit_margin_permyriad, 1250);
        assert_int_equal(s->restore, SYSCTL_RESTORE_STOP);
        /* written out and read again it is the same policy; another one is another */
        ConfigTree t;
        ConfigReport r = { 0 };
        char *dump = policy_text(p);
        tree_init(&t);
        tree_write_dump(&t, "etc/headroom/", dump);
        assert_int_equal(policy_load(t.fd, NULL, &r, &again), 0);
        assert_int_equal(again->hash, p->hash);
        tree_done(&t);
        config_report_done(&r);
        free(dump);
        policy_free(again);
        assert_int_equal(load("Swappiness=auto\n", &again, &report), 0);
        assert_true(again->hash != p->hash);
        free(report);
        policy_free(again);
        policy_free(p);
}

static void test_refused(void **state) {
        (void)state;
        static const struct {
                const char *lines, *want;
        } rows[] = {
                { "Swappiness=201\n", ":2:12: error: Swappiness=201, expected keep, auto or 0 to 200" },
                { "Swappiness=-1\n", ":2:12: error: Swappiness=-1, expected keep, auto or 0 to 200" },
                { "Swappiness=60 \nPageCluster=32\n", ":3:13: error: PageCluster=32, expected keep, auto or 0 to 31" },
                { "Swappiness=sixty\n", ":2:12: error: Swappiness=sixty, expected keep, auto or 0 to 200" },
                { "Swappiness=1e2\n", ":2:12: error: " },
                { "Swappiness=0x10\n", ":2:12: error: " },
                { "Swappiness=18446744073709551616\n", ":2:12: error: " },
                { "OvercommitMemory=3\n", ":2:18: error: OvercommitMemory=3, expected keep or 0 to 2" },
                { "OvercommitMemory=auto\n", ":2:18: error: OvercommitMemory=auto, expected keep or 0 to 2: there is nothing to derive it from" },
                { "MinFreeKbytes=1023\n", ":2:15: error: MinFreeKbytes=1023, expected keep or 1024 to 2147483647" },
                { "MinFreeKbytes=64M\n", ":2:15: error: " },
                { "MinFreeKbytes=auto\n", "auto is for Swappiness=, OvercommitRatio= and PageCluster=" },
                { "WatermarkScaleFactor=0\n", "expected keep or 1 to 3000" },
                { "WatermarkScaleFactor=3001\n", "expected keep or 1 to 3000" },
                { "WatermarkBoostFactor=2147483648\n", "expected keep or 0 to 2147483647" },
                { "OvercommitKbytes=0\n", "expected keep or 1 to 1099511627776" },
                { "AdminReserveKbytes=1099511627777\n", "expected keep or 0 to 1099511627776" },
                { "OvercommitRatio=1001\n", "expected keep, auto or 0 to 1000" },
                { "Restore=always\n", ":2:9: error: Restore=always, expected exit, stop or never" },
                { "SwappinessMin=201\n", "expected 0 to 200" },
                { "SwappinessMin=100\nSwappinessMax=99\n", ":2:15: error: SwappinessMin= is above SwappinessMax=" },
                { "OvercommitMargin=25\n", ":2:18: error: " },
                { "OvercommitRatio=80\nOvercommitKbytes=4096\n", ":3:18: error: OvercommitKbytes= beside OvercommitRatio=, expected one of them: each zeroes the other" },
                { "OvercommitRatio=auto\nOvercommitKbytes=4096\n", "each zeroes the other" },
                { "DirtyRatio=10\n", ":2:1: error: unknown key DirtyRatio= in [Sysctl], expected Swappiness=, " },
                { "swappiness=10\n", "unknown key swappiness= in [Sysctl]" },
                { "Swappiness=10\nSwappiness=20\n", "Swappiness= again in [Sysctl]" },
                { "Swappiness=\n", "Swappiness= without a value, expected keep, auto or a number" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Policy *p = NULL;
                char *report;
                assert_int_equal(load(rows[i].lines, &p, &report), -EINVAL);
                assert_null(p);
                if (!strstr(report, rows[i].want))
                        fail_msg("'%s' says '%s', not '%s'", rows[i].lines, report, rows[i].want);
                free(report);
        }
}

/* The whole list of keys is in the hint. */
static void test_hint(void **state) {
        (void)state;
        Policy *p = NULL;
        char *report;
        assert_int_equal(load("Swapiness=1\n", &p, &report), -EINVAL);
        for (size_t i = 0; i < n_config_items; i++)
                if (strcmp(config_items[i].section, "Sysctl") == 0 && !strstr(report, config_items[i].key))
                        fail_msg("%s= is not in the hint: %s", config_items[i].key, report);
        free(report);
}

static void test_lint(void **state) {
        (void)state;
        static const struct {
                const char *lines, *want; /* NULL: nothing is said */
        } rows[] = {
                { "Swappiness=1\n", NULL },
                { "Swappiness=0\n", "Swappiness=0" },
                { "VfsCachePressure=0\n", "VfsCachePressure=0" },
                { "VfsCachePressure=1\n", NULL },
                { "WatermarkScaleFactor=1000\n", NULL },
                { "WatermarkScaleFactor=1001\n", "more than 10 %" },
                { "PageCluster=6\n", NULL },
                { "PageCluster=7\n", "2^7" },
                { "OvercommitMemory=2\n", "without OvercommitRatio= or OvercommitKbytes=" },
                { "OvercommitMemory=2\nOvercommitRatio=80\n", NULL },
                { "OvercommitMemory=2\nOvercommitRatio=auto\nAdminReserveKbytes=100\n", "root may not be able to log in" },
                { "OvercommitMemory=2\nOvercommitKbytes=800000\nAdminReserveKbytes=8192\n", NULL },
                { "OvercommitMemory=2\nOvercommitRatio=80\nUserReserveKbytes=0\n", "UserReserveKbytes=0" },
                { "OvercommitMemory=0\nOvercommitRatio=80\n", "have no effect without OvercommitMemory=2" },
                { "OvercommitMemory=1\nAdminReserveKbytes=0\n", NULL },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Policy *p = NULL;
                char *report;
                assert_int_equal(load(rows[i].lines, &p, &report), 0);
                if (rows[i].want ? !strstr(report, rows[i].want) || !strstr(report, "warning: ") : report[0] != '\0')
                        fail_msg("'%s' says '%s', not '%s'", rows[i].lines, report, rows[i].want ? rows[i].want : "");
                free(report);
                policy_free(p);
        }
}

/* min_free_kbytes against the memory there is: the kernel's own is 2896 for 512 MB, 16384 for 16 GB. */
static void test_lint_host(void **state) {
        (void)state;
        static const struct {
                uint64_t ram_mb;
                const char *line, *want;
        } rows[] = {
                { 512, "MinFreeKbytes=2896\n", NULL },
                { 512, "MinFreeKbytes=52428\n", NULL },
                { 512, "MinFreeKbytes=52429\n", "more than a tenth of the memory (524288)" },
                { 16384, "MinFreeKbytes=4096\n", NULL },
                { 16384, "MinFreeKbytes=4095\n", "far below what the kernel takes for so much memory (16384)" },
                { 0, "MinFreeKbytes=1024\n", NULL },
                { 16384, "MinFreeKbytes=keep\n", NULL },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Snapshot s = { .page_size = 4096 };
                ConfigReport r = { 0 };
                Policy *p = NULL;
                char *report;
                assert_int_equal(load(rows[i].line, &p, &report), 0);
                free(report);
                if (rows[i].ram_mb > 0)
                        host_set(&s.host, HOST_MEM_TOTAL, rows[i].ram_mb << 20);
                policy_lint_snapshot(p, &s, CONFIG_HOST_NO_CGROUP2, &r);
                report = report_text(&r);
                const char *found = strstr(report, "MinFreeKbytes");
                if (rows[i].want ? !found || !strstr(found, rows[i].want) : !!found)
                        fail_msg("'%s' with %u MB says '%s'", rows[i].line, (unsigned)rows[i].ram_mb, report);
                free(report);
                config_report_done(&r);
                policy_free(p);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),      cmocka_unit_test(test_default), cmocka_unit_test(test_taken),
                cmocka_unit_test(test_refused),   cmocka_unit_test(test_hint),    cmocka_unit_test(test_lint),
                cmocka_unit_test(test_lint_host),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "config-tree.h"

static Policy *load(const ConfigTree *t) {
        ConfigReport report = {};
        Policy *p = NULL;
        if (policy_load(t->fd, NULL, &report, &p) != 0) {
                char *out = report_text(&report);
                fail_msg("%s", out);
        }
        config_report_done(&report);
        return p;
}

static void test_match_cgroup(void **state) {
        (void)state;
        static const char *const files[][2] = {
                { "etc/headroom/cgroups.d/10.conf", "[Match]\nCgroup=/user.slice/user-*.slice\nLimited=yes\n" },
                { "etc/headroom/cgroups.d/20.conf", "[Match]\nUnit=db@*.service\n" },
                { "etc/headroom/cgroups.d/30.conf", "[Match]\nContainer=0123*\n" },
                { "etc/headroom/cgroups.d/40.conf", "[Match]\nCgroup=user.slice/**\n" },
                { "etc/headroom/cgroups.d/80-limited.conf", "" },
        };
        static const struct {
                const char *path;
                bool limited;
                const char *name; /* NULL: none */
        } rows[] = {
                { "/", true, NULL },
                { "", true, NULL },
                { "/user.slice", true, NULL },
                { "/user.slice/user-1.slice", true, "10" },
                { "user.slice/user-1.slice", true, "10" },
                { "/user.slice/user-1.slice", false, "40" },
                { "/user.slice/user-1.slice/session-1.scope", true, "40" },
                { "/system.slice/system-db.slice/db@a.service", false, "20" },
                { "/system.slice/system-db.slice/db@a.service/child", false, NULL },
                { "/user.slice/db@a.service", true, "20" },
                { "/system.slice/docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope", false, "30" },
                { "/system.slice/docker-f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope", false, NULL },
        };
        ConfigTree t;
        tree_init(&t);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                tree_write(&t, files[i][0], files[i][1]);
        Policy *p = load(&t);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                int32_t k = policy_match_cgroup(p, rows[i].path, rows[i].limited);
                const char *name = k < 0 ? NULL : p->cgroups[k].name;
                if ((name != NULL) != (rows[i].name != NULL) || (name && strcmp(name, rows[i].name) != 0))
                        fail_msg("%s: %s", rows[i].path, name ? name : "none");
        }
        policy_free(p);
        tree_done(&t);
}

/* The built-in policies: whatever has a limit, and the host by itself. */
static void test_builtin(void **state) {
        (void)state;
        ConfigTree t;
        tree_init(&t);
        Policy *p = load(&t);
        assert_int_equal(policy_match_cgroup(p, "/a/b/c", true), 0);
        assert_int_equal(policy_match_cgroup(p, "/a/b/c", false), -1);
        assert_int_equal(policy_match_cgroup(p, "/", true), -1);
        policy_free(p);
        tree_done(&t);
}

static void test_match_process(void **state) {
        (void)state;
        static const char *const files[][2] = {
                { "etc/headroom/rules.d/10.conf", "[Match]\nName=hog\nName=pig*\n[Score]\nAdjust=300\nTier=prefer\n" },
                { "etc/headroom/rules.d/20.conf", "[Match]\nName=hog\nUid=1000-1999\n[Score]\nAdjust=-100\n" },
                { "etc/headroom/rules.d/30.conf", "[Match]\nExe=/usr/bin/db\nUser=root\n[Score]\nTier=never\n" },
                { "etc/headroom/rules.d/40.conf", "[Match]\nCgroup=system.slice/ssh.service\n[Score]\nTier=avoid\n" },
                { "etc/headroom/rules.d/50.conf", "[Match]\nUnit=x.service\nCmdline=~ --big( |$)\n[Score]\nAdjust=900\n" },
                { "etc/headroom/rules.d/60.conf", "[Match]\nName=hog\nCmdline=*--normal*\n[Score]\nTier=normal\n" },
                { "etc/headroom/rules.d/70.conf", "[Match]\nName=hog\nCmdline=*--big\n[Score]\nAdjust=900\n" },
        };
        static const struct {
                ProcessFacts facts;
                int32_t adjust;
                Tier tier;
                const char *rule;
        } rows[] = {
                { { "bash", "/bin/bash", "bash", "/x", 0 }, 0, TIER_NORMAL, NULL },
                { { "hog", "", "", "/x", 0 }, 300, TIER_PREFER, "10" },
                { { "piglet", "", "", "/x", 0 }, 300, TIER_PREFER, "10" },
                { { "hog", "", "", "/x", 1500 }, 200, TIER_PREFER, "10" },
                { { "hog", "", "hog --normal", "/x", 0 }, 300, TIER_NORMAL, "60" },
                { { "db", "/usr/bin/db", "", "/x", 0 }, 0, TIER_NEVER, "30" },
                { { "db", "/usr/bin/db (deleted)", "", "/x", 0 }, 0, TIER_NEVER, "30" },
                { { "db", "/usr/bin/db", "", "/x", 1 }, 0, TIER_NORMAL, NULL },
                { { "db", "/usr/bin/db2", "", "/x", 0 }, 0, TIER_NORMAL, NULL },
                { { "db", "", "", "/x", 0 }, 0, TIER_NORMAL, NULL },
                { { "sshd", "", "", "/system.slice/ssh.service", 0 }, 0, TIER_AVOID, "40" },
                { { "sshd", "", "", "/system.slice/ssh.service/worker", 0 }, 0, TIER_AVOID, "40" },
                { { "sshd", "", "", "/user.slice/system.slice/ssh.service", 0 }, 0, TIER_NORMAL, NULL },
                { { "a", "", "a --big", "/system.slice/x.service", 0 }, 900, TIER_NORMAL, "50" },
                { { "a", "", "a --bigger", "/system.slice/x.service", 0 }, 0, TIER_NORMAL, NULL },
                { { "a", "", "a --big", "/system.slice/y.service", 0 }, 0, TIER_NORMAL, NULL },
                /* the sum is cut at 1000 */
                { { "hog", "", "hog --big", "/x.service", 0 }, 1000, TIER_PREFER, "10" },
                /* hostile names */
                { { "hog\n", "", "", "/x", 0 }, 0, TIER_NORMAL, NULL },
                { { "*", "*", "*", "*", 0 }, 0, TIER_NORMAL, NULL },
        };
        ConfigTree t;
        tree_init(&t);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                tree_write(&t, files[i][0], files[i][1]);
        Policy *p = load(&t);
        assert_int_equal(p->rule_fields, (1u << _RULE_FIELD_MAX) - 1);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ProcessSample s = { .rule_adjust = 77, .rule = 77, .tier = TIER_NEVER };
                policy_match_process(p, &rows[i].facts, &s);
                const char *rule = s.rule < 0 ? NULL : p->rules[s.rule].name;
                if (s.rule_adjust != rows[i].adjust || s.tier != rows[i].tier || (rule != NULL) != (rows[i].rule != NULL) ||
                    (rule && strcmp(rule, rows[i].rule) != 0))
                        fail_msg("row %zu: adjust %d tier %d rule %s", i, s.rule_adjust, s.tier, rule ? rule : "none");
        }
        policy_free(p);
        tree_done(&t);
}

/* Only Adjust= of rules with ApplyToKernel=, whichever rule sets the tier; the last of them has its name in messages. */
static void test_apply_to_kernel(void **state) {
        (void)state;
        static const char *const files[][2] = {
                { "etc/headroom/rules.d/10.conf", "[Match]\nName=a*\n[Score]\nAdjust=300\nApplyToKernel=yes\n" },
                { "etc/headroom/rules.d/20.conf", "[Match]\nName=ab*\n[Score]\nAdjust=50\n" },
                { "etc/headroom/rules.d/30.conf", "[Match]\nName=abc*\n[Score]\nAdjust=-100\nApplyToKernel=yes\nTier=avoid\n" },
                { "etc/headroom/rules.d/40.conf", "[Match]\nName=abcd*\n[Score]\nAdjust=1000\nApplyToKernel=yes\n" },
                { "etc/headroom/rules.d/50.conf", "[Match]\nName=n\n[Score]\nTier=never\nApplyToKernel=yes\n" },
        };
        static const struct {
                const char *name;
                int32_t wanted, adjust;
                const char *rule;
        } rows[] = {
                { "x", 0, 0, NULL },      { "a", 300, 300, "10" },       { "ab", 300, 350, "10" },
                { "abc", 200, 250, "30" }, { "abcd", 1000, 1000, "40" }, { "n", 0, 0, NULL },
        };
        ConfigTree t;
        tree_init(&t);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                tree_write(&t, files[i][0], files[i][1]);
        Policy *p = load(&t);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ProcessFacts facts = { .name = rows[i].name, .exe = "", .cmdline = "", .cgroup = "" };
                ProcessSample s = { .kernel_wanted = 77, .kernel_rule = 77, .kernel_adjust = 77 };
                policy_match_process(p, &facts, &s);
                const char *rule = s.kernel_rule < 0 ? NULL : p->rules[s.kernel_rule].name;
                if (s.kernel_wanted != rows[i].wanted || s.rule_adjust != rows[i].adjust || s.kernel_adjust != 77 ||
                    (rule != NULL) != (rows[i].rule != NULL) || (rule && strcmp(rule, rows[i].rule) != 0))
                        fail_msg("%s: wanted %d adjust %d rule %s", rows[i].name, s.kernel_wanted, s.rule_adjust,
                                 rule ? rule : "none");
        }
        policy_free(p);
        tree_done(&t);
}

/* No rule that nobody could read a field for: an unknown text matches nothing, not even "*". */
static void test_unknown_matches_nothing(void **state) {
        (void)state;
        static const char *const keys[] = { "Name=*", "Exe=**", "Cmdline=*", "Cgroup=**", "Unit=*", "Cmdline=~^" };
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                ConfigTree t;
                char text[128];
                ProcessSample s;
                tree_init(&t);
                (void)snprintf(text, sizeof(text), "[Match]\n%s\n[Score]\nTier=never\n", keys[i]);
                tree_write(&t, "etc/headroom/rules.d/a.conf", text);
                Policy *p = load(&t);
                policy_match_process(p, &(ProcessFacts){ "", "", "", "", 0 }, &s);
                assert_int_equal(s.tier, TIER_NORMAL);
                policy_match_process(p, &(ProcessFacts){ "a", "/a", "a", "/a.service", 0 }, &s);
                assert_int_equal(s.tier, TIER_NEVER);
                policy_free(p);
                tree_done(&t);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_match_cgroup),
                cmocka_unit_test(test_builtin),
                cmocka_unit_test(test_match_process),
                cmocka_unit_test(test_apply_to_kernel),
                cmocka_unit_test(test_unknown_matches_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "config-tree.h"
#include "config/builtin.h"

#define HOST "[Match]\nCgroup=/\n[Kill]\nWhen=available < 5%\n"

static Policy *load(const ConfigTree *t, const char *config_dir) {
        ConfigReport report = {};
        Policy *p = NULL;
        int r = policy_load(t->fd, config_dir, &report, &p);
        if (r != 0) {
                char *out = report_text(&report);
                fail_msg("%s", out);
        }
        config_report_done(&report);
        return p;
}

/* Loads and expects every one of the lines of @want in the messages; NULL: none at all. */
static void load_says(const ConfigTree *t, int want_r, const char *want) {
        ConfigReport report = {};
        Policy *p = NULL;
        assert_int_equal(policy_load(t->fd, NULL, &report, &p), want_r);
        char *out = report_text(&report);
        if (!strstr(out, want))
                fail_msg("%s\nnot: %s", out, want);
        free(out);
        config_report_done(&report);
        policy_free(p);
}

static const CgroupPolicy *find(const Policy *p, const char *name) {
        for (uint32_t i = 0; i < p->n_cgroups; i++)
                if (strcmp(p->cgroups[i].name, name) == 0)
                        return &p->cgroups[i];
        return NULL;
}

static void test_builtin(void **state) {
        (void)state;
        ConfigTree t;
        tree_init(&t);
        Policy *p = load(&t, NULL);
        assert_int_equal(p->n_cgroups, 2);
        assert_int_equal(p->n_rules, 0);
        assert_int_equal(p->rule_fields, 0);
        assert_string_equal(p->cgroups[0].name, "80-limited");
        assert_string_equal(p->cgroups[1].name, "90-host");
        assert_true(p->cgroups[0].limited_only && !p->cgroups[0].host);
        assert_int_equal(policy_host(p), 1);
        assert_true(p->cgroups[1].levels[LEVEL_KILL].when != EXPR_NONE);
        assert_int_equal(p->cgroups[1].levels[LEVEL_KILL].steps, 1u << STEP_TERMINATE | 1u << STEP_KILL);
        assert_true(p->cgroups[0].levels[LEVEL_RELIEVE].when == EXPR_NONE);
        assert_int_equal(p->cgroups[0].levels[LEVEL_RELIEVE].steps, 0);
        /* nobody is frozen, slowed, restarted or stopped by default, and nothing lasts without an end */
        const LevelPolicy *relieve = &p->cgroups[1].levels[LEVEL_RELIEVE];
        assert_true(relieve->when != EXPR_NONE && relieve->until != EXPR_NONE);
        assert_int_equal(relieve->steps, STEP_BIT(STEP_NOTIFY) | STEP_BIT(STEP_RECLAIM) | STEP_BIT(STEP_THROTTLE));
        assert_int_equal(relieve->throttle_floor_permyriad, 2500);
        assert_int_equal(p->cgroups[1].proactive.pressure_permyriad, 0);
        assert_true(p->daemon.interval_min_usec == 50 * USEC_PER_MSEC && p->daemon.psi_triggers && !p->daemon.dry_run);
        policy_free(p);
        tree_done(&t);
}

/* The installed reference is the built-in policy, byte for byte, and lints clean. */
static void test_builtin_is_what_conf_installs(void **state) {
        (void)state;
        size_t n;
        const BuiltinFile *files = builtin_files(&n);
        assert_int_equal(n, 2);
        for (size_t i = 0; i < n; i++) {
                char path[512], text[16384];
                (void)snprintf(path, sizeof(path), "%s/%s", CONF_DIR, files[i].path);
                FILE *f = fopen(path, "re");
                assert_non_null(f);
                size_t k = fread(text, 1, sizeof(text) - 1, f);
                text[k] = '\0';
                assert_int_equal(fclose(f), 0);
                assert_string_equal(text, files[i].text);
        }
}

/* conf/ as it is shipped, and the examples, load and lint without a word. */
static void test_shipped_files(void **state) {
        (void)state;
        static const char *const dirs[] = { CONF_DIR, CONF_DIR "/examples" };
        ConfigTree t;
        tree_init(&t);
        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
                ConfigReport report = {};
                Policy *p = NULL;
                assert_int_equal(policy_load(t.fd, dirs[i], &report, &p), 0);
                policy_lint(p, &report);
                if (report.n_warnings > 0) {
                        char *out = report_text(&report);
                        fail_msg("%s", out);
                }
                assert_true(p->n_rules >= 3);
                policy_free(p);
                config_report_done(&report);
        }
        tree_done(&t);
}

static void test_search_order(void **state) {
        (void)state;
        ConfigTree t, other;
        tree_init(&t);
        tree_init(&other);
        static const char *const dirs[] = { "usr/lib/headroom", "usr/local/lib/headroom", "run/headroom", "etc/headroom" };
        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
                char path[128], text[64];
                (void)snprintf(path, sizeof(path), "%s/headroomd.conf", dirs[i]);
                (void)snprintf(text, sizeof(text), "[Daemon]\nHistoryMax=%zu\n", i + 1);
                tree_write(&t, path, text);
                (void)snprintf(path, sizeof(path), "%s/cgroups.d/50-a.conf", dirs[i]);
                (void)snprintf(text, sizeof(text), "[Match]\nCgroup=a%zu\n", i + 1);
                tree_write(&t, path, text);
                Policy *p = load(&t, NULL);
                assert_int_equal(p->daemon.history_max, i + 1);
                (void)snprintf(text, sizeof(text), "a%zu", i + 1);
                assert_string_equal(find(p, "50-a")->pattern, text);
                (void)snprintf(text, sizeof(text), "/%s/cgroups.d/50-a.conf", dirs[i]);
                assert_string_equal(find(p, "50-a")->source, text);
                policy_free(p);
        }
        tree_write(&other, "headroomd.conf", "[Daemon]\nHistoryMax=99\n");
        Policy *p = load(&t, other.path);
        assert_int_equal(p->daemon.history_max, 99);
        policy_free(p);
        tree_done(&t);
        tree_done(&other);
}

static void test_mask(void **state) {
        (void)state;
        static const struct {
                const char *text, *link; /* of the higher file */
                bool there;
        } rows[] = {
                { NULL, "/dev/null", false },
                { "", NULL, false },
                { "# only a comment\n\n", NULL, false },
                { HOST, NULL, true },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ConfigTree t;
                tree_init(&t);
                tree_write(&t, "usr/lib/headroom/rules.d/10-r.conf", "[Match]\nName=a\n[Score]\nAdjust=1\n");
                if (rows[i].link) {
                        tree_link(&t, rows[i].link, "etc/headroom/cgroups.d/90-host.conf");
                        tree_link(&t, rows[i].link, "etc/headroom/rules.d/10-r.conf");
                } else
                        tree_write(&t, "etc/headroom/cgroups.d/90-host.conf", rows[i].text);
                Policy *p = load(&t, NULL);
                assert_int_equal(find(p, "90-host") != NULL, rows[i].there);
                assert_int_equal(policy_host(p) >= 0, rows[i].there);
                assert_int_equal(p->n_rules, rows[i].link ? 0 : 1);
                policy_free(p);
                tree_done(&t);
        }
}

static void test_dropins(void **state) {
        (void)state;
        ConfigTree t;
        tree_init(&t);
        tree_write(&t, "usr/lib/headroom/cgroups.d/50-a.conf",
                   "[Match]\nCgroup=a\n[Warn]\nWhen=full > 1%\n[Kill]\nWhen=full > 50%\nWhen=usage > 50%\nDo=kill\nCooldown=1s\nMaxProcesses=5\n");
        /* by name across directories: 10 of usr, then 20 of etc, then 30 of run */
        tree_write(&t, "usr/lib/headroom/cgroups.d/50-a.conf.d/10-x.conf", "[Kill]\nCooldown=10s\nMaxProcesses=10\n");
        tree_write(&t, "etc/headroom/cgroups.d/50-a.conf.d/20-x.conf", "[Kill]\nCooldown=20s\nWhen=\nWhen=full > 60%\n[Warn]\nWhen=\n");
        tree_write(&t, "run/headroom/cgroups.d/50-a.conf.d/30-x.conf", "[Kill]\nWhen=usage > 60%\nMaxProcesses=\n");
        /* hidden by the one of etc */
        tree_write(&t, "usr/lib/headroom/cgroups.d/50-a.conf.d/20-x.conf", "[Kill]\nRank=swap\n");
        /* switched off */
        tree_write(&t, "usr/lib/headroom/cgroups.d/50-a.conf.d/40-x.conf", "[Kill]\nRank=swap\n");
        tree_link(&t, "/dev/null", "etc/headroom/cgroups.d/50-a.conf.d/40-x.conf");
        /* of the built-in policy, and of the main file */
        tree_write(&t, "etc/headroom/cgroups.d/90-host.conf.d/a.conf", "[Kill]\nCooldown=7s\nWhen=commit > 99%\n");
        tree_write(&t, "etc/headroom/headroomd.conf.d/a.conf", "[Daemon]\nHistoryMax=7\n");
        Policy *p = load(&t, NULL);
        const CgroupPolicy *a = find(p, "50-a");
        assert_true(a->cooldown_usec == 20 * USEC_PER_SEC);
        assert_int_equal(a->max_processes, 200);
        assert_int_equal(a->rank, RANK_AUTO);
        assert_int_equal(a->levels[LEVEL_KILL].steps, 1u << STEP_KILL);
        assert_true(a->levels[LEVEL_WARN].when == EXPR_NONE);
        assert_true(find(p, "90-host")->cooldown_usec == 7 * USEC_PER_SEC);
        assert_int_equal(p->daemon.history_max, 7);
        char *text = policy_text(p);
        assert_non_null(strstr(text, "Cgroup=a\nLimited=no\n[Kill]\nWhen=full 2s > 60%\nWhen=usage > 60%\nDo=kill\n"));
        assert_non_null(strstr(text, "When=commit > 99%\n"));
        free(text);
        policy_free(p);
        tree_done(&t);
}

static void test_dropin_to_another_match(void **state) {
        (void)state;
        ConfigTree t;
        tree_init(&t);
        tree_write(&t, "etc/headroom/cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\n");
        tree_write(&t, "etc/headroom/cgroups.d/a.conf.d/b.conf", "[Match]\nUnit=b.service\n");
        load_says(&t, -EINVAL, "more than one of Cgroup=, Unit= and Container=");
        tree_write(&t, "etc/headroom/cgroups.d/a.conf.d/b.conf", "[Match]\nCgroup=\nUnit=b.service\n");
        Policy *p = load(&t, NULL);
        assert_int_equal(find(p, "a")->match, MATCH_UNIT);
        policy_free(p);
        /* becomes the host: the same condition means another thing, and an error of it is seen */
        tree_write(&t, "etc/headroom/cgroups.d/a.conf.d/b.conf", "[Match]\nCgroup=/\n[Kill]\nWhen=commit > 5%\n");
        p = load(&t, NULL);
        assert_true(find(p, "a")->host);
        policy_free(p);
        tree_done(&t);
}

static void test_said(void **state) {
        (void)state;
        static const struct {
                const char *path, *text;
                int r;
                const char *message;
        } rows[] = {
                { "etc/headroom/cgroups.d/none.conf.d/a.conf", "[Kill]\nCooldown=1s\n", 0,
                  "/etc/headroom/cgroups.d/none.conf.d/a.conf: warning: drop-in without effect: there is no none.conf" },
                { "etc/headroom/cgroups.d/none.conf.d/a.conf", "[Kill\n", -EINVAL, "none.conf.d/a.conf:1:6: error" },
                { "etc/headroom/cgroups.d/host.conf", HOST, 0, "/etc/headroom/cgroups.d/host.conf: warning: never used: 90-host.conf comes first" },
                { "etc/headroom/cgroups.d/95-a.conf", "[Match]\nCgroup=x\nLimited=yes\n[Kill]\nWhen=full > 40%\n", 0, "never used: 80-limited.conf comes first" },
                { "etc/headroom/cgroups.d/a.conf.bak", "x", 0, "/etc/headroom: note: cgroups.d/a.conf.bak is not read" },
                { "etc/headroom/other.conf", "x", 0, "/etc/headroom: note: other.conf is not read, expected headroomd.conf" },
                { "etc/headroom/rules.d/a b.conf", "x", -EINVAL, "error: file name 'a b.conf', expected at most 63 letters" },
                { "etc/headroom/rules.d/0123456789012345678901234567890123456789012345678901234567890123.conf", "x", -EINVAL, "error: file name" },
                { "etc/headroom/rules.d/012345678901234567890123456789012345678901234567890123456789012.conf", "", 0, "" },
                { "etc/headroom/cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5M\n", -EINVAL,
                  "/etc/headroom/cgroups.d/a.conf:4:13: error: full is a share" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ConfigTree t;
                tree_init(&t);
                tree_write(&t, rows[i].path, rows[i].text);
                load_says(&t, rows[i].r, rows[i].message);
                tree_done(&t);
        }
}

/* A value that a drop-in overrides is checked all the same, and all errors come in one run. */
static void test_all_errors(void **state) {
        (void)state;
        ConfigTree t;
        ConfigReport report = {};
        Policy *p = NULL;
        tree_init(&t);
        tree_write(&t, "etc/headroom/headroomd.conf", "[Daemon]\nDryRun=perhaps\n");
        tree_write(&t, "etc/headroom/headroomd.conf.d/a.conf", "[Daemon]\nDryRun=yes\n");
        tree_write(&t, "etc/headroom/cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=ful > 5%\n");
        tree_write(&t, "etc/headroom/rules.d/a.conf", "[Match]\nName=a\n[Score]\nAdjust=x\n");
        assert_int_equal(policy_load(t.fd, NULL, &report, &p), -EINVAL);
        assert_null(p);
        assert_int_equal(report.n_errors, 3);
        config_report_done(&report);
        tree_done(&t);
}

/* What needs no word gets none. */
static void test_quiet(void **state) {
        (void)state;
        static const char *const files[][2] = {
                { "etc/headroom/cgroups.d/10-host.conf", HOST },
                { "etc/headroom/cgroups.d/95-a.conf", "[Match]\nCgroup=x\n[Kill]\nWhen=full > 40%\n" },
                { "etc/headroom/cgroups.d/.hidden", "x" },
                { "etc/headroom/headroomd.conf.d/a.conf", "[Daemon]\n" },
        };
        ConfigTree t;
        ConfigReport report = {};
        Policy *p = NULL;
        tree_init(&t);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                tree_write(&t, files[i][0], files[i][1]);
        assert_int_equal(policy_load(t.fd, NULL, &report, &p), 0);
        assert_int_equal(report.n_messages, 0);
        assert_string_equal(p->cgroups[policy_host(p)].name, "10-host");
        policy_free(p);
        config_report_done(&report);
        tree_done(&t);
}

static void test_unreadable(void **state) {
        (void)state;
        ConfigTree t;
        ConfigReport report = {};
        Policy *p = NULL;
        tree_init(&t);
        tree_link(&t, "nowhere", "etc/headroom/cgroups.d/a.conf");
        load_says(&t, -EINVAL, "/etc/headroom/cgroups.d/a.conf: error: cannot open");
        assert_int_equal(unlinkat(t.fd, "etc/headroom/cgroups.d/a.conf", 0), 0);
        assert_int_equal(mkfifoat(t.fd, "etc/headroom/cgroups.d/a.conf", 0644), 0);
        load_says(&t, -EINVAL, "not a regular file");
        assert_int_equal(unlinkat(t.fd, "etc/headroom/cgroups.d/a.conf", 0), 0);
        tree_write(&t, "etc/headroom/rules.d", "a file");
        load_says(&t, -EINVAL, "cannot read the directory rules.d");
        assert_int_equal(policy_load(t.fd, "/nowhere/at/all", &report, &p), -EINVAL);
        assert_null(p);
        config_report_done(&report);
        tree_done(&t);
}

static void test_writable_by_all(void **state) {
        (void)state;
        ConfigTree t;
        tree_init(&t);
        tree_write(&t, "etc/headroom/cgroups.d/a.conf", HOST);
        assert_int_equal(fchmodat(t.fd, "etc/headroom/cgroups.d/a.conf", 0666, 0), 0);
        load_says(&t, 0, "warning: everybody may write to this file");
        tree_done(&t);
}

/* Reload is all or nothing: with any error, what the caller has stays as it is. */
static void test_all_or_nothing(void **state) {
        (void)state;
        static const char *const broken[] = { "x", "[Match]\n", "[Match]\nCgroup=/\n[Kill]\nWhen=full > 1M\n", "[Other]\n", "[Match]\nCgroup=a\nCgroup=b\n" };
        ConfigTree t;
        tree_init(&t);
        tree_write(&t, "etc/headroom/cgroups.d/a.conf", HOST);
        Policy *p = load(&t, NULL), *before = p;
        char *text = policy_text(p);
        for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
                ConfigReport report = {};
                tree_write(&t, "etc/headroom/cgroups.d/b.conf", broken[i]);
                assert_int_equal(policy_load(t.fd, NULL, &report, &p), -EINVAL);
                assert_true(report.n_errors > 0);
                assert_ptr_equal(p, before);
                char *again = policy_text(p);
                assert_string_equal(again, text);
                free(again);
                config_report_done(&report);
        }
        free(text);
        policy_free(p);
        tree_done(&t);
}

/* Errors that were in the report before are not ours. */
static void test_report_in_use(void **state) {
        (void)state;
        ConfigTree t;
        ConfigReport report = {};
        Policy *p = NULL;
        tree_init(&t);
        config_report_add(&report, SEVERITY_ERROR, "f", 1, 1, "earlier");
        assert_int_equal(policy_load(t.fd, NULL, &report, &p), 0);
        policy_free(p);
        config_report_done(&report);
        tree_done(&t);
}

static const char *const dump_sources[][2] = {
        { "etc/headroom/headroomd.conf", "[Daemon]\nDryRun=on\nIntervalMin=20ms\nIntervalMax=1500ms\nPsiTriggers=no\nHistoryMax=3\n" },
        { "etc/headroom/cgroups.d/10-a.conf",
          "[Match]\nCgroup=/user.slice/user-*.slice/\n[Warn]\nWhen=full>5% or usage>1.3G\nWhen=not(host.available<5%)for 1.5s\nUntil=full<1% or full<2%\n"
          "[Kill]\nWhen=exhaustion<1s\nDo=terminate grace=1500ms\nVictim=cgroup\nRank=pressure\nMaxProcesses=17\nCooldown=1min\n" },
        { "etc/headroom/cgroups.d/20-b.conf", "[Match]\nUnit=a\\x2d@[0-9]*.service\nLimited=1\n[Relieve]\nWhen=refaults>1%/s\n[Kill]\nWhen=scan-rate>1G\nDo=notify\n" },
        { "etc/headroom/cgroups.d/30-c.conf", "[Match]\nContainer=*\n" },
        { "etc/headroom/cgroups.d/40-d.conf",
          "[Match]\nCgroup=d\n[Warn]\nWhen=full>1%\nDo=trim,reclaim swappiness=0,pageout\n[Relieve]\nWhen=full>5%\n"
          "Do=notify,reclaim swappiness=200,throttle floor=12.5%,slow weight=37,freeze max=1.5s,restart\n"
          "[Kill]\nWhen=full>50%\nDo=notify,trim,reclaim,pageout,throttle,slow,freeze,restart,stop,terminate,kill\n"
          "[Proactive]\nPressure=0.01%\nStep=0.25%\nFloor=1.5M\nBackoff=90s\n" },
        { "etc/headroom/cgroups.d/41-e.conf", "[Match]\nCgroup=e\n[Proactive]\nPressure=0.1%\n" },
        { "etc/headroom/cgroups.d/42-f.conf", "[Match]\nCgroup=f\n[Proactive]\nPressure=0\nStep=5%\n" },
        { "etc/headroom/rules.d/a.conf", "[Match]\nName=~^(a|b)$\nName=c*\nUid=1000-1999\nUser=root\nCgroup=/a/**\n[Score]\nAdjust=+5\nTier=avoid\nApplyToKernel=yes\n" },
        { "etc/headroom/rules.d/b.conf", "[Match]\nExe=/usr/bin/*\nCmdline=* -x \\*\nUnit=*.scope\n" },
};

static void test_dump_loads(void **state) {
        (void)state;
        ConfigTree t, copy;
        tree_init(&t);
        tree_init(&copy);
        for (size_t i = 0; i < ARRAY_SIZE(dump_sources); i++)
                tree_write(&t, dump_sources[i][0], dump_sources[i][1]);
        /* a built-in file that is off has to stay off */
        tree_link(&t, "/dev/null", "etc/headroom/cgroups.d/80-limited.conf");
        Policy *p = load(&t, NULL);
        char *text = policy_text(p);
        tree_write_dump(&copy, "etc/headroom/", text);
        Policy *again = load(&copy, NULL);
        char *text_again = policy_text(again);
        assert_string_equal(text_again, text);
        assert_true(again->hash == p->hash);
        assert_null(find(again, "80-limited"));
        assert_int_equal(again->n_rules, 2);
        assert_int_equal(again->rule_fields, p->rule_fields);
        free(text);
        free(text_again);
        policy_free(p);
        policy_free(again);
        tree_done(&t);
        tree_done(&copy);
}

/* What Do= and [Proactive] come to, and that no option is left behind by a step that is not there. */
static void test_steps(void **state) {
        (void)state;
        ConfigTree t;
        tree_init(&t);
        for (size_t i = 0; i < ARRAY_SIZE(dump_sources); i++)
                tree_write(&t, dump_sources[i][0], dump_sources[i][1]);
        Policy *p = load(&t, NULL);
        const CgroupPolicy *d = find(p, "40-d"), *e = find(p, "41-e"), *f = find(p, "42-f");
        const LevelPolicy *warn = &d->levels[LEVEL_WARN], *relieve = &d->levels[LEVEL_RELIEVE], *kill = &d->levels[LEVEL_KILL];
        assert_int_equal(warn->steps, STEP_BIT(STEP_TRIM) | STEP_BIT(STEP_RECLAIM) | STEP_BIT(STEP_PAGEOUT));
        assert_int_equal(warn->reclaim_swappiness, 0);
        assert_true(warn->grace_usec == 0 && warn->throttle_floor_permyriad == 0 && warn->slow_weight == 0 && warn->freeze_max_usec == 0);
        assert_int_equal(relieve->steps, STEP_BIT(STEP_NOTIFY) | STEP_BIT(STEP_RECLAIM) | STEPS_LASTING | STEP_BIT(STEP_RESTART));
        assert_int_equal(relieve->reclaim_swappiness, 200);
        assert_int_equal(relieve->throttle_floor_permyriad, 1250);
        assert_int_equal(relieve->slow_weight, 37);
        assert_true(relieve->freeze_max_usec == 1500 * USEC_PER_MSEC && relieve->grace_usec == 0);
        assert_int_equal(kill->steps, STEP_BIT(_STEP_MAX) - 1);
        assert_int_equal(kill->reclaim_swappiness, -1);
        assert_int_equal(kill->throttle_floor_permyriad, 2500);
        assert_int_equal(kill->slow_weight, 10);
        assert_true(kill->freeze_max_usec == 30 * USEC_PER_SEC && kill->grace_usec == 2 * USEC_PER_SEC);
        assert_int_equal(d->proactive.pressure_permyriad, 1);
        assert_int_equal(d->proactive.step_permyriad, 25);
        assert_true(d->proactive.floor_bytes == 3 << 19 && d->proactive.backoff_usec == 90 * USEC_PER_SEC);
        assert_int_equal(e->proactive.pressure_permyriad, 10);
        assert_int_equal(e->proactive.step_permyriad, 200);
        assert_true(e->proactive.floor_bytes == 0 && e->proactive.backoff_usec == 30 * USEC_PER_SEC);
        /* off is off */
        assert_true(f->proactive.pressure_permyriad == 0 && f->proactive.step_permyriad == 0 && f->proactive.backoff_usec == 0);
        /* a level without When= holds nothing */
        assert_true(e->levels[LEVEL_RELIEVE].steps == 0 && e->levels[LEVEL_RELIEVE].reclaim_swappiness == -1);
        policy_free(p);
        tree_done(&t);
}

/* A drop-in replaces the whole of Do=, and each option of the steps changes the hash. */
static void test_steps_dropin(void **state) {
        (void)state;
        static const char *const changes[] = {
                "[Relieve]\nDo=notify,reclaim swappiness=199,throttle floor=12.5%,slow weight=37,freeze max=1.5s,restart\n",
                "[Relieve]\nDo=notify,reclaim,throttle floor=12.5%,slow weight=37,freeze max=1.5s,restart\n",
                "[Relieve]\nDo=notify,reclaim swappiness=200,throttle floor=12.51%,slow weight=37,freeze max=1.5s,restart\n",
                "[Relieve]\nDo=notify,reclaim swappiness=200,throttle floor=12.5%,slow weight=38,freeze max=1.5s,restart\n",
                "[Relieve]\nDo=notify,reclaim swappiness=200,throttle floor=12.5%,slow weight=37,freeze max=1501ms,restart\n",
                "[Relieve]\nDo=notify,reclaim swappiness=200,throttle floor=12.5%,slow weight=37,freeze max=1.5s,stop\n",
                "[Relieve]\nDo=\n",
                "[Proactive]\nPressure=0.02%\n",
                "[Proactive]\nStep=0.26%\n",
                "[Proactive]\nFloor=\n",
                "[Proactive]\nBackoff=89s\n",
                "[Proactive]\nPressure=\n",
        };
        uint64_t hashes[ARRAY_SIZE(changes) + 1];
        for (size_t i = 0; i <= ARRAY_SIZE(changes); i++) {
                ConfigTree t;
                tree_init(&t);
                for (size_t k = 0; k < ARRAY_SIZE(dump_sources); k++)
                        tree_write(&t, dump_sources[k][0], dump_sources[k][1]);
                if (i < ARRAY_SIZE(changes))
                        tree_write(&t, "etc/headroom/cgroups.d/40-d.conf.d/x.conf", changes[i]);
                Policy *p = load(&t, NULL);
                hashes[i] = p->hash;
                for (size_t k = 0; k < i; k++)
                        assert_true(hashes[k] != hashes[i]);
                if (i == 6)
                        assert_int_equal(find(p, "40-d")->levels[LEVEL_RELIEVE].steps, STEP_BIT(STEP_NOTIFY));
                policy_free(p);
                tree_done(&t);
        }
}

/* The hash sees every option, and nothing of where the files are. */
static void test_hash(void **state) {
        (void)state;
        ConfigTree t, copy;
        tree_init(&t);
        tree_init(&copy);
        for (size_t i = 0; i < ARRAY_SIZE(dump_sources); i++) {
                char path[128];
                tree_write(&t, dump_sources[i][0], dump_sources[i][1]);
                (void)snprintf(path, sizeof(path), "run%s", dump_sources[i][0] + 3);
                tree_write(&copy, path, dump_sources[i][1]);
        }
        Policy *p = load(&t, NULL), *q = load(&copy, NULL);
        assert_true(p->hash == q->hash);
        policy_free(q);
        tree_write(&copy, "etc/headroom/cgroups.d/10-a.conf.d/x.conf", "[Kill]\nMaxProcesses=18\n");
        q = load(&copy, NULL);
        assert_true(p->hash != q->hash);
        policy_free(p);
        policy_free(q);
        tree_done(&t);
        tree_done(&copy);
}

/* A condition that just fits a line must fit one in the dump too. */
static void test_longest_condition(void **state) {
        (void)state;
        ConfigTree t, copy;
        char text[512];
        tree_init(&t);
        tree_init(&copy);
        (void)snprintf(text, sizeof(text),
                       "[Match]\nCgroup=a\n[Kill]\nWhen=usage>1.3G and usage>1.7G and usage>2.3G and usage>2.7G and usage>3.3G and usage>3.7G and "
                       "host.swap-free<max(min(1%%,1.1G),1.1M) and refaults>1%% and full 1.25s>1%% for 1.25s\n");
        tree_write(&t, "etc/headroom/cgroups.d/a.conf", text);
        Policy *p = load(&t, NULL);
        char *dump = policy_text(p);
        for (const char *s = dump; *s; s = strchr(s, '\n') + 1)
                assert_true(strcspn(s, "\n") <= 198);
        tree_write_dump(&copy, "etc/headroom/", dump);
        Policy *q = load(&copy, NULL);
        assert_true(p->hash == q->hash);
        free(dump);
        policy_free(p);
        policy_free(q);
        tree_done(&t);
        tree_done(&copy);
}

static void test_caps(void **state) {
        (void)state;
        ConfigTree t;
        char path[128];
        tree_init(&t);
        for (int i = 0; i < POLICY_CGROUPS_MAX - 2; i++) {
                (void)snprintf(path, sizeof(path), "etc/headroom/cgroups.d/a%03d.conf", i);
                tree_write(&t, path, "[Match]\nCgroup=a\n");
        }
        Policy *p = load(&t, NULL);
        assert_int_equal(p->n_cgroups, POLICY_CGROUPS_MAX);
        policy_free(p);
        tree_write(&t, "etc/headroom/cgroups.d/b.conf", "[Match]\nCgroup=a\n");
        load_says(&t, -EINVAL, "more than 64 files in cgroups.d");
        tree_done(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_builtin),
                cmocka_unit_test(test_builtin_is_what_conf_installs),
                cmocka_unit_test(test_shipped_files),
                cmocka_unit_test(test_search_order),
                cmocka_unit_test(test_mask),
                cmocka_unit_test(test_dropins),
                cmocka_unit_test(test_dropin_to_another_match),
                cmocka_unit_test(test_said),
                cmocka_unit_test(test_all_errors),
                cmocka_unit_test(test_quiet),
                cmocka_unit_test(test_unreadable),
                cmocka_unit_test(test_writable_by_all),
                cmocka_unit_test(test_all_or_nothing),
                cmocka_unit_test(test_report_in_use),
                cmocka_unit_test(test_dump_loads),
                cmocka_unit_test(test_steps),
                cmocka_unit_test(test_steps_dropin),
                cmocka_unit_test(test_hash),
                cmocka_unit_test(test_longest_condition),
                cmocka_unit_test(test_caps),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

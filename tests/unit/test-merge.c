/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "config-tree.h"

/* What each kind of file accepts and refuses, through the entry that headroomctl check uses. */

static void check(const ConfigTree *t, const char *path, const char *text, const char *want) {
        ConfigReport report = {};
        tree_write(t, path, text);
        int r = policy_check_file(t->fd, path, &report);
        char *out = report_text(&report);
        if (want ? r != -EINVAL || !strstr(out, want) : r != 0 || report.n_errors > 0)
                fail_msg("%s:\n%s\n-> %d %s\nnot: %s", path, text, r, out, want ? want : "accepted");
        free(out);
        config_report_done(&report);
}

static const struct {
        const char *text, *message; /* NULL: accepted */
} mains[] = {
        { "", NULL },
        { "# nothing\n", NULL },
        { "[Daemon]\n", NULL },
        { "[Daemon]\nDryRun=yes\nIntervalMin=10ms\nIntervalMax=10s\nHistoryMax=1\nPsiTriggers=off\n", NULL },
        { "[Daemon]\nDryRun=maybe\n", "headroomd.conf:2:8: error: DryRun=maybe, expected yes or no" },
        { "[Daemon]\nDryRun=Yes\n", ":2:8: error: DryRun=Yes, expected yes or no" },
        { "[Daemon]\nDryRun = \"yes\"\n", ":2:10: error: quote, expected yes or no (quotes are not needed" },
        { "[Daemon]\nDryRun=\n", ":2:8: error: DryRun= without a value" },
        { "[Daemon]\nDryRun=yes\nDryRun=no\n", ":3:1: error: DryRun= again in [Daemon], it stands at line 2" },
        { "[Daemon]\ndryrun=yes\n", ":2:1: error: unknown key dryrun= in [Daemon], expected DryRun=, IntervalMin=" },
        { "[daemon]\nDryRun=yes\n", ":1:1: error: unknown section [daemon] for headroomd.conf, expected [Daemon]" },
        { "[Match]\nCgroup=/\n", ":1:1: error: unknown section [Match] for headroomd.conf" },
        { "[Other]\n", ":1:1: error: unknown section [Other]" },
        { "[Daemon]\nIntervalMin=9ms\n", ":2:13: error: IntervalMin=9ms, expected 10ms to 1s" },
        { "[Daemon]\nIntervalMin=50\n", ":2:13: error: IntervalMin=50, expected a time with its unit" },
        { "[Daemon]\nIntervalMin=1s\nIntervalMax=500ms\n", ":2:13: error: IntervalMin= is above IntervalMax=" },
        { "[Daemon]\nHistoryMax=0\n", ":2:12: error: HistoryMax=0, expected 1 to 10000" },
        { "[Daemon]\nHistoryMax=-1\n", ":2:12: error: HistoryMax=-1, expected a number" },
        { "[Daemon]\nHistoryMax=1x\n", "expected a number" },
};

static const struct {
        const char *text, *message;
} cgroups[] = {
        { "", NULL },
        { "[Match]\nCgroup=/\n[Kill]\nWhen=full > 5%\n", NULL },
        { "[Match]\nCgroup=/\n[Kill]\nWhen=commit > 5%\n", NULL },
        { "[Match]\nUnit=a@*.service\nLimited=yes\n[Kill]\nWhen=full > 5%\nUntil=full < 1%\nDo=notify, terminate grace=300ms, kill\n"
          "Victim=unit\nRank=swap\nMaxProcesses=1\nCooldown=0s\n", NULL },
        { "[Match]\nContainer=*\n[Warn]\nWhen=full > 5%\nWhen=some > 5%\nDo=notify\n[Relieve]\nWhen=usage > 1G\n", NULL },
        { "[Kill]\nWhen=full > 5%\n", "x.conf: error: [Match] names no cgroup, expected one of Cgroup=, Unit= and Container=" },
        { "[Match]\nCgroup=a\nUnit=b.service\n", "error: [Match] has more than one of" },
        { "[Match]\nCgroup=a\nCgroup=b\n", ":3:1: error: Cgroup= again" },
        { "[Match]\nCgroup=/\nLimited=yes\n", ":3:9: error: Limited=yes with Cgroup=/" },
        { "[Match]\nCgroup=~user\n", ":2:8: error: Cgroup=~user, expected a glob: regular expressions are for rules.d" },
        { "[Match]\nCgroup=a/../b\n", ":2:10: error: Cgroup=a/../b, expected a path without empty, . or .. components" },
        { "[Match]\nCgroup=a//b\n", ":2:10: error: " },
        { "[Match]\nCgroup=//\n", ":2:10: error: " },
        { "[Match]\nCgroup=a**\n", ":2:9: error: Cgroup=: ** stands for whole components" },
        { "[Match]\nUnit=foo\n", ":2:6: error: Unit=foo, expected a unit with its suffix" },
        { "[Match]\nCgroup=\"/\"\n", ":2:8: error: quote" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 200M\n", ":4:13: error: full is a share of time stalled, not memory; write e.g. full > 20%" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen = full > 200M\n", ":4:15: error: full is" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=commit > 5%\n", ":4:6: error: commit exists for the host only, expected host.commit" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nWhen=\n", ":5:6: error: When= without a value" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nUntil=full < 1%\nUntil=full < 2%\n", ":6:1: error: Until= again" },
        { "[Match]\nCgroup=a\n[Kill]\nDo=kill\n", ":4:4: error: Do= without When= in [Kill]" },
        { "[Match]\nCgroup=a\n[Kill]\nVictim=unit\n", "Victim= without When= in [Kill]" },
        { "[Match]\nCgroup=a\n[Warn]\nUntil=full < 1%\n", ":4:7: error: Until= without When= in [Warn]" },
        { "[Match]\nCgroup=a\n[Warn]\nWhen=full > 5%\nDo=kill\n", ":5:4: error: 'kill' belongs into [Kill], expected notify" },
        { "[Match]\nCgroup=a\n[Warn]\nWhen=full > 5%\nVictim=unit\n", ":5:1: error: unknown key Victim= in [Warn], expected When=, Until=, Do=" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nDo=notify, trim, reclaim swappiness=0, pageout, throttle floor=1%, slow weight=10000, freeze max=10min, restart, stop, terminate grace=5min, kill\n", NULL },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=trim,reclaim swappiness=200,throttle floor=100%,slow weight=1,freeze max=100ms\n", NULL },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=reclaim\tswappiness=60 , throttle\n", NULL },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=stop\n", NULL },
        { "[Match]\nCgroup=a\n[Warn]\nWhen=full > 5%\nDo=notify, trim, reclaim swappiness=60, pageout\n", NULL },
        { "[Match]\nCgroup=a\n[Warn]\nWhen=full > 5%\nDo=throttle\n",
          ":5:4: error: 'throttle' belongs into [Relieve] or [Kill], expected notify, trim, reclaim [swappiness=N] or pageout" },
        { "[Match]\nCgroup=a\n[Warn]\nWhen=full > 5%\nDo=notify, restart\n", ":5:12: error: 'restart' belongs into [Relieve] or [Kill]" },
        { "[Match]\nCgroup=a\n[Warn]\nWhen=full > 5%\nDo=terminate grace=2s\n",
          ":5:4: error: 'terminate' belongs into [Kill], expected notify, trim" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=reclaim, kill\n",
          ":5:13: error: 'kill' belongs into [Kill], expected notify, trim, reclaim [swappiness=N], pageout, throttle [floor=N%], slow" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=throttle, reclaim\n",
          ":5:14: error: 'reclaim' behind 'throttle', expected it before: mild steps come first" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=trim, stop, freeze\n", ":5:16: error: 'freeze' behind 'stop'" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=freeze, notify\n", ":5:12: error: 'notify' behind 'freeze'" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nDo=kill, throttle\n", ":5:10: error: 'throttle' behind 'kill'" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=reclaim, reclaim\n", ":5:13: error: 'reclaim' again" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=Throttle\n", ":5:4: error: 'Throttle', expected notify" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=throttled\n", ":5:4: error: 'throttled', expected notify" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=throttle;stop\n", ":5:4: error: 'throttle;stop', expected" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=,\n", ":5:4: error: a step is missing here" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=trim,,reclaim\n", ":5:9: error: a step is missing here" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
          ":5:4: error: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', expected" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=throttle floor=0%\n", ":5:19: error: floor=0%, expected a share from 1% to 100%" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=throttle floor=100.01%\n", ":5:19: error: floor=100.01%, expected a share" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=throttle floor=25\n", ":5:19: error: floor=25, expected a share" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=throttle floor=64M\n", ":5:19: error: floor=64M, expected a share" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=throttle floor=\n", ":5:13: error: 'floor=', expected floor=N% or a comma" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=throttle floor\n", ":5:13: error: 'floor', expected floor=N%" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=throttle floorx=5%\n", ":5:13: error: 'floorx=5%', expected floor=N%" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=throttle max=30s\n", ":5:13: error: 'max=30s', expected floor=N% or a comma" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=throttle floor=5% floor=6%\n", ":5:22: error: 'floor=6%', expected a comma or the end" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=throttle floor=18446744073709551616%\n", "expected a share" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=reclaim swappiness=201\n",
          ":5:23: error: swappiness=201, expected a number from 0 to 200" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=reclaim swappiness=-1\n", ":5:23: error: swappiness=-1, expected a number" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=reclaim swappiness=max\n", ":5:23: error: swappiness=max, expected a number" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=slow weight=0\n", ":5:16: error: weight=0, expected a number from 1 to 10000" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=slow weight=10001\n", ":5:16: error: weight=10001" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=freeze max=99ms\n", ":5:15: error: max=99ms, expected a time from 100ms to 10min" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=freeze max=30\n", ":5:15: error: max=30, expected a time" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=freeze max=11min\n", ":5:15: error: max=11min" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=freeze max=infinity\n", ":5:15: error: max=infinity" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=trim level=50\n", ":5:9: error: 'level=50', expected a comma or the end" },
        { "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 5%\nDo=stop grace=2s\n", ":5:9: error: 'grace=2s', expected a comma or the end" },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=0.1%\nStep=0.1%\nFloor=64M\nBackoff=1h\n", NULL },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=0.01%\nStep=10%\nFloor=1.5G\nBackoff=1s\n", NULL },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=0\n", NULL },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=0%\nStep=1%\n", NULL },
        { "[Match]\nCgroup=a\n[Proactive]\n", NULL },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=0.001%\n", ":4:10: error: Pressure=0.001%, expected a share with its sign, such as 2% or 0.1%" },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=0.1\n", ":4:10: error: Pressure=0.1, expected a share" },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=-1%\n", ":4:10: error: Pressure=-1%, expected a share" },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=51%\n", ":4:10: error: Pressure=51%, expected 0% to 50%" },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=\n", ":4:10: error: Pressure= without a value" },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=1%\nStep=0.09%\n", ":5:6: error: Step=0.09%, expected 0.1% to 10%" },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=1%\nStep=11%\n", ":5:6: error: Step=11%, expected 0.1% to 10%" },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=1%\nFloor=5%\n", ":5:7: error: Floor=5%, expected a size, such as" },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=1%\nFloor=2000T\n", ":5:7: error: Floor=2000T, expected 0B to 1024T" },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=1%\nBackoff=999ms\n", ":5:9: error: Backoff=999ms, expected 1s to 1h" },
        { "[Match]\nCgroup=a\n[Proactive]\nPressure=1%\nBackoff=30\n", ":5:9: error: Backoff=30, expected a time" },
        { "[Match]\nCgroup=a\n[Proactive]\nStep=1%\n", ":4:6: error: Step= without Pressure= in [Proactive], expected a share" },
        { "[Match]\nCgroup=a\n[Proactive]\nUntil=full < 1%\n",
          ":4:1: error: unknown key Until= in [Proactive], expected Pressure=, Step=, Floor=, Backoff=" },
        { "[Match]\nCgroup=/\n[Proactive]\nPressure=0.1%\n", ":4:10: error: [Proactive] with Cgroup=/, expected it in the policy of a cgroup" },
        { "[Match]\nCgroup=/\n[Proactive]\nFloor=0B\n", ":4:7: error: [Proactive] with Cgroup=/" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nDo=killl\n", ":5:4: error: 'killl', expected notify, trim" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nDo=kill, terminate\n", ":5:10: error: 'terminate' behind 'kill'" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nDo=kill, kill\n", ":5:10: error: 'kill' again" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nDo=kill,\n", ":5:9: error: a step is missing here" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nDo=kill terminate\n", ":5:9: error: 'terminate', expected a comma or the end" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nDo=kill grace=2s\n", ":5:9: error: 'grace=2s', expected a comma or the end" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nDo=terminate grace=2, kill\n", ":5:20: error: grace=2, expected a time from 100ms to 5min" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nDo=terminate grace=6min\n", ":5:20: error: grace=6min" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nDo=terminate after=2s\n", ":5:14: error: 'after=2s', expected grace=TIME or a comma" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nDo=terminate grace=2s grace=3s\n", "expected a comma or the end" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nVictim=all\n", ":5:8: error: Victim=all, expected auto, process, cgroup or unit" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nRank=size\n", "expected auto, badness, growth, pressure, swap or scan" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nMaxProcesses=0\n", "MaxProcesses=0, expected 1 to 1000000" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5%\nCooldown=2h\n", "Cooldown=2h, expected 0s to 1h" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5% and\nWhen=some > 5%\n", ":4:19: error: the condition ends here" },
        { "[Match]\nCgroup=a\n[Kill]\nWhen=usage > 1M or usage > 2M or usage > 3M or usage > 4M or usage > 5M or usage > 6M\n"
          "When=usage > 1M or usage > 2M or usage > 3M or usage > 4M or usage > 5M or usage > 6M\nWhen=usage > 7M\n",
          ":6:6: error: more than 12 comparisons in all When= lines of [Kill] together" },
        { "[Daemon]\nDryRun=yes\n", ":1:1: error: unknown section [Daemon] for cgroups.d/NAME.conf, expected [Match], [Warn], [Relieve], [Kill], [Proactive]" },
        { "[Match]\n Cgroup=a\n", ":2:2: error: indented line" },
};

static const struct {
        const char *text, *message;
} rules[] = {
        { "[Match]\nName=foo\n[Score]\nTier=prefer\n", NULL },
        { "[Match]\nName=foo\nName=bar\nExe=/usr/bin/*\nCmdline=*x*\nUid=1000-1999\nUser=root\nCgroup=/a/b/\nUnit=x.service\n"
          "[Score]\nAdjust=+300\nTier=never\nApplyToKernel=yes\n", NULL },
        { "[Match]\nExe=~^/opt/(a|b)$\n[Score]\nAdjust=-1000\n", NULL },
        { "[Score]\nTier=never\n", "error: [Match] is empty, expected at least one of Name=" },
        { "[Match]\nName=\n[Score]\nTier=never\n", ":2:6: error: Name= without a value" },
        { "[Match]\nName=a\n[Score]\nTier=always\n", ":4:6: error: Tier=always, expected prefer, normal, avoid or never" },
        { "[Match]\nName=a\n[Score]\nAdjust=1001\n", ":4:8: error: Adjust=1001, expected -1000 to 1000" },
        { "[Match]\nName=a\n[Score]\nAdjust=5%\n", "expected -1000 to 1000" },
        { "[Match]\nName=a\n[Score]\nAdjust=+-5\n", "expected -1000 to 1000" },
        { "[Match]\nExe=bash\n[Score]\nAdjust=5\n", ":2:5: error: Exe=bash, expected a glob on a path that begins with /" },
        { "[Match]\nUser=nobody*\n[Score]\nAdjust=5\n", ":2:12: error: User=: '*', expected one user name or id, no pattern" },
        { "[Match]\nUid=10-5\n[Score]\nAdjust=5\n", ":2:8: error: Uid=: the range ends before it begins" },
        { "[Match]\nUid=root\n[Score]\nAdjust=5\n", ":2:5: error: Uid=: 'root', expected a user id" },
        /* earlyoom: a quoted expression matched nothing, and nobody was told */
        { "[Match]\nName=\"foo\"\n[Score]\nAdjust=5\n", ":2:6: error: quote" },
        { "[Match]\nName=~'foo'\n[Score]\nAdjust=5\n", ":2:7: error: Name= begins with a quote" },
        { "[Match]\nName=~a(\n[Score]\nAdjust=5\n", ":2:7: error: Name=: not an extended regular expression" },
        { "[Match]\nName=a[b\n[Score]\nAdjust=5\n", ":2:7: error: Name=: set without an end" },
        { "[Kill]\nWhen=full > 5%\n", ":1:1: error: unknown section [Kill] for rules.d/NAME.conf, expected [Match], [Score]" },
};

static void test_main(void **state) {
        (void)state;
        ConfigTree t;
        tree_init(&t);
        for (size_t i = 0; i < ARRAY_SIZE(mains); i++)
                check(&t, "etc/headroom/headroomd.conf", mains[i].text, mains[i].message);
        tree_done(&t);
}

static void test_cgroups(void **state) {
        (void)state;
        ConfigTree t;
        tree_init(&t);
        for (size_t i = 0; i < ARRAY_SIZE(cgroups); i++)
                check(&t, "cgroups.d/x.conf", cgroups[i].text, cgroups[i].message);
        tree_done(&t);
}

static void test_rules(void **state) {
        (void)state;
        ConfigTree t;
        tree_init(&t);
        for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
                check(&t, "rules.d/x.conf", rules[i].text, rules[i].message);
        tree_done(&t);
}

static void test_kind(void **state) {
        (void)state;
        static const struct {
                const char *path, *text, *message;
        } rows[] = {
                { "x/headroomd.conf.d/10-a.conf", "[Daemon]\nDryRun=\n", NULL },
                { "x/headroomd.conf.d/10-a.conf", "[Match]\nCgroup=/\n", "unknown section [Match] for headroomd.conf" },
                { "cgroups.d/90-host.conf.d/a.conf", "[Kill]\nWhen=\nWhen=commit > 5%\n", NULL },
                { "cgroups.d/90-host.conf.d/a.conf", "[Kill]\nCooldown=5s\n", NULL },
                { "cgroups.d/90-host.conf.d/a.conf", "[Kill]\nCooldown=5\n", "expected a time" },
                { "cgroups.d/a.conf.d/b.conf", "[Proactive]\nPressure=\nStep=5%\n", NULL },
                { "cgroups.d/90-host.conf.d/a.conf", "[Relieve]\nDo=\n", NULL },
                { "rules.d/a.conf.d/b.conf", "[Score]\nTier=\n", NULL },
                { "draft.conf", "[Match]\nCgroup=a\n[Proactive]\nPressure=1%\n", NULL },
                { "draft.conf", "[Match]\nCgroup=/\n[Kill]\nWhen=full > 5%\n", NULL },
                { "draft.conf", "[Match]\nName=a\n[Score]\nAdjust=1\n", NULL },
                { "draft.conf", "[Daemon]\nDryRun=1\n", NULL },
                { "draft.conf", "[Match]\nCgroup=/\n", "cannot tell what this file is for" },
                { "draft.conf", "", "cannot tell what this file is for" },
        };
        ConfigTree t;
        tree_init(&t);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                check(&t, rows[i].path, rows[i].text, rows[i].message);
        tree_done(&t);
}

static void test_no_file(void **state) {
        (void)state;
        ConfigTree t;
        ConfigReport report = {};
        tree_init(&t);
        assert_int_equal(policy_check_file(t.fd, "cgroups.d/none.conf", &report), -EINVAL);
        assert_int_equal(mkdirat(t.fd, "dir.conf", 0755), 0);
        assert_int_equal(policy_check_file(t.fd, "dir.conf", &report), -EINVAL);
        assert_int_equal(mkfifoat(t.fd, "fifo.conf", 0644), 0);
        assert_int_equal(policy_check_file(t.fd, "fifo.conf", &report), -EINVAL);
        char *out = report_text(&report);
        assert_string_equal(out, "cgroups.d/none.conf: error: cannot open: No such file or directory\n"
                                 "dir.conf: error: not a regular file\nfifo.conf: error: not a regular file\n");
        free(out);
        config_report_done(&report);
        tree_done(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_main),
                cmocka_unit_test(test_cgroups),
                cmocka_unit_test(test_rules),
                cmocka_unit_test(test_kind),
                cmocka_unit_test(test_no_file),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

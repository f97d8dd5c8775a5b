/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "config-tree.h"
#include "sense/sense.h"

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

/* One file beside the built-in ones; NULL: nothing to say. */
static const struct {
        const char *path, *text, *message;
} rows[] = {
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=full > 40% for 8s and usage > 95%\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n", "no level has a condition" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=full > 40%\nDo=notify\n", "neither terminates nor kills" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=full > 40%\nDo=terminate\n", "a process that ignores SIGTERM stays" },
        /* systemd#33486: a limit on stall read as a limit on usage */
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=full > 80%\n", "[Kill]: full 2s > 80% reads like a limit on memory in use" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=some > 80%\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5% for 10s\n", "[Kill]: full 2s > 5% alone is a stall that healthy hosts show" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=full > 5% and available < 3%\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=full > 5%\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=full < 5%\n", "holds while nothing stalls; was > meant?" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=available > 100%\n", "available > 100% is never true" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=available < 0\n", "available < 0B is never true" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=available >= 0%\n", "available >= 0% is always true" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=available < 101%\n", "available < 101% is always true" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=swap-free > 100%\n", "never true" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=usage > 110%\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=host.usage > 110%\n", "host.usage > 110% is never true" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=available < 100%\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=available < min(150%, 1G)\n", NULL },
        /* a kill before the warning */
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=available < 5%\n[Kill]\nWhen=available < 10%\n",
          "[Kill] comes before [Warn]: available < 10% is reached first" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=full > 40%\n[Relieve]\nWhen=full > 20%\n", "[Relieve] comes before [Warn]" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=available < 10%\n[Kill]\nWhen=available < 5%\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=available < min(10%, 1G)\n[Kill]\nWhen=available < min(10%, 2G)\n", "[Kill] comes before" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=available < min(5%, 2G)\n[Kill]\nWhen=available < min(10%, 1G)\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=available < 5%\n[Kill]\nWhen=available < 10% and full > 30%\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Warn]\nWhen=available < 5%\n[Kill]\nWhen=not available > 10%\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=available < 10%\nUntil=available > 5%\n",
          "[Kill]: Until= available > 5% can hold while When= available < 10% does" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=available < 10%\nUntil=available > 15%\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=**\n[Kill]\nWhen=full > 40%\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=/\n[Kill]\nWhen=full > 40%\n", NULL },
        { "cgroups.d/95-a.conf", "[Match]\nCgroup=x\n[Kill]\nWhen=full > 40%\n", NULL },
        { "cgroups.d/90-host.conf", "", "no policy for the host" },
        { "rules.d/a.conf", "[Match]\nName=gnome-session-binary\n[Score]\nTier=prefer\n", "matches nothing: the kernel keeps 15 bytes of a name; write gnome-session-b*" },
        { "rules.d/a.conf", "[Match]\nName=gnome-session-*\n[Score]\nTier=prefer\n", NULL },
        { "rules.d/a.conf", "[Match]\nName=~gnome-session-binary\n[Score]\nTier=prefer\n", NULL },
        { "rules.d/a.conf", "[Match]\nUser=no-such-user\n[Score]\nTier=prefer\n", "User=no-such-user does not exist" },
        { "rules.d/a.conf", "[Match]\nUser=root\n[Score]\nTier=never\n", NULL },
        { "rules.d/a.conf", "[Match]\nName=sshd\n[Score]\nTier=never\n", "protects by what a process says of itself" },
        { "rules.d/a.conf", "[Match]\nName=sshd\n[Score]\nAdjust=-5\n", "protects by what" },
        { "rules.d/a.conf", "[Match]\nUnit=sshd.service\n[Score]\nTier=avoid\n", "protects by what" },
        { "rules.d/a.conf", "[Match]\nExe=**/sshd\n[Score]\nTier=avoid\n", "protects by what" },
        { "rules.d/a.conf", "[Match]\nExe=~sshd\n[Score]\nTier=avoid\n", "protects by what" },
        { "rules.d/a.conf", "[Match]\nExe=/usr/sbin/sshd\n[Score]\nTier=avoid\n", NULL },
        { "rules.d/a.conf", "[Match]\nName=sshd\nUser=root\n[Score]\nTier=avoid\n", NULL },
        { "rules.d/a.conf", "[Match]\nName=sshd\n[Score]\nTier=prefer\n", NULL },
        { "rules.d/a.conf", "[Match]\nName=x\n", "the rule has no effect" },
        { "rules.d/a.conf", "[Match]\nUser=root\n[Score]\nTier=never\nAdjust=5\n", "Adjust= has no effect with Tier=never" },
        { "rules.d/a.conf", "[Match]\nName=x\n[Score]\nAdjust=5\nApplyToKernel=yes\n", NULL },
        /* the ladder */
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 20%\nUntil=full < 1% for 20s\nDo=reclaim, throttle\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 20%\nDo=reclaim, pageout\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 20%\n", "warning: [Relieve] Do= only notifies: nothing is relieved" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 20%\nDo=trim\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 20%\nDo=throttle, freeze\n",
          "note: [Relieve]: throttle, freeze without Until=: let go when no line of When= has held for a few seconds" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 20%\nDo=slow\n",
          "warning: [Relieve]: slow alone frees no memory" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 20%\nUntil=full < 1%\nDo=notify, trim, slow\n",
          "slow alone frees no memory" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 20%\nUntil=full < 1%\nDo=reclaim, slow\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 20%\nDo=restart, stop\n",
          "note: [Relieve]: restart and stop: the unit is restarted first" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 20%\nDo=restart\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 20%\nUntil=full < 1% for 20s\nDo=freeze max=19s\n",
          "note: [Relieve]: freeze max=19s is over before Until= can have held for 20s" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 20%\nUntil=full < 1% for 20s\nDo=freeze max=20s\n", NULL },
        { "cgroups.d/a.conf",
          "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 20%\nUntil=(not (full > 2% for 5s) or usage < 5%) for 15s\nDo=freeze max=14s\n",
          "can have held for 15s" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Relieve]\nWhen=full > 40%\nDo=reclaim\n[Kill]\nWhen=full > 20%\n",
          "[Kill] comes before [Relieve]: full 2s > 20% is reached first" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=full > 40%\nDo=reclaim\n", "neither terminates nor kills" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=full > 40%\nDo=restart\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Kill]\nWhen=full > 40%\nDo=stop, kill\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Proactive]\nPressure=0.1%\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Proactive]\nPressure=5%\n", NULL },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Proactive]\nPressure=5.01%\n",
          "warning: [Proactive] Pressure=5.01%: reclaims until its tasks stand still that share of time" },
        { "cgroups.d/a.conf", "[Match]\nCgroup=a\n[Proactive]\nPressure=0\n", "no level has a condition" },
};

static void test_policy(void **state) {
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ConfigTree t;
                ConfigReport report = {};
                char path[128];
                tree_init(&t);
                (void)snprintf(path, sizeof(path), "etc/headroom/%s", rows[i].path);
                tree_write(&t, path, rows[i].text);
                Policy *p = load(&t);
                policy_lint(p, &report);
                char *out = report_text(&report);
                if (rows[i].message ? !strstr(out, rows[i].message) : report.n_messages > 0)
                        fail_msg("%s\n-> %s\nnot: %s", rows[i].text, out, rows[i].message ? rows[i].message : "");
                assert_int_equal(report.n_errors, 0);
                free(out);
                config_report_done(&report);
                policy_free(p);
                tree_done(&t);
        }
}

static void test_bits(void **state) {
        (void)state;
        assert_int_equal(CONFIG_HOST_NO_PSI, 1u << DEGRADED_NO_PSI);
        assert_int_equal(CONFIG_HOST_NO_CGROUP2, 1u << DEGRADED_NO_CGROUP2);
        assert_int_equal(CONFIG_HOST_NO_MEMCG, 1u << DEGRADED_NO_MEMCG);
        assert_int_equal(CONFIG_HOST_NO_SWAP, 1u << DEGRADED_NO_SWAP);
}

static CgroupSample cgroups[] = {
        { .id = 1, .policy = -1, .path = "/" },
        { .id = 2, .policy = -1, .path = "/user.slice" },
        { .id = 3, .policy = -1, .path = "/user.slice/user-1.slice" },
};
static ProcessSample processes[] = {
        { .pid = 1, .uid = 0, .flags = PROCESS_IDENTITY, .rule = -1, .comm = "init", .cgroup_path = "/init.scope" },
        { .pid = 2, .uid = 5, .flags = PROCESS_IDENTITY, .rule = -1, .comm = "a", .cgroup_path = "/user.slice/a.service" },
        { .pid = 3, .uid = 6, .flags = 0, .rule = -1, .comm = "unread" },
};

static void test_snapshot(void **state) {
        (void)state;
        static const struct {
                const char *path, *text;
                uint32_t degraded;
                const char *message;
        } host_rows[] = {
                { "cgroups.d/a.conf", "[Match]\nCgroup=user.slice/user-*.slice\n", 0, NULL },
                { "cgroups.d/a.conf", "[Match]\nCgroup=user.slice/x-*.slice\n", 0, "Cgroup=user.slice/x-*.slice matches no cgroup on this host" },
                { "cgroups.d/a.conf", "[Match]\nUnit=user-1.slice\nLimited=yes\n", 0, "Unit=user-1.slice matches no cgroup with a limit" },
                { "cgroups.d/a.conf", "[Match]\nContainer=*\n", 0, "Container=* matches no cgroup" },
                { "cgroups.d/a.conf", "[Match]\nCgroup=x\n", CONFIG_HOST_NO_MEMCG, "nothing to monitor" },
                { "cgroups.d/a.conf", "[Match]\nCgroup=/\n[Kill]\nWhen=full > 30%\n", CONFIG_HOST_NO_PSI, "boot with psi=1" },
                { "cgroups.d/a.conf", "[Match]\nCgroup=/\n[Kill]\nWhen=available < 3%\n", CONFIG_HOST_NO_SWAP, "90-host.conf: note: no swap" },
                { "cgroups.d/a.conf", "[Match]\nCgroup=/\n[Relieve]\nWhen=available < 3%\nDo=throttle\n", CONFIG_HOST_NO_MEMCG,
                  "a.conf: note: reclaim and throttle need the memory controller of cgroup v2, which this host lacks: they are skipped; pageout" },
                { "cgroups.d/a.conf", "[Match]\nCgroup=/\n[Relieve]\nWhen=available < 3%\nDo=reclaim, pageout\n", CONFIG_HOST_NO_CGROUP2,
                  "which this host lacks: they are skipped\n" },
                { "cgroups.d/90-host.conf", "[Match]\nCgroup=/\n[Relieve]\nWhen=available < 3%\nDo=pageout, freeze\n", CONFIG_HOST_NO_MEMCG, NULL },
                { "rules.d/a.conf", "[Match]\nName=a\nUid=5\n", 0, NULL },
                { "rules.d/a.conf", "[Match]\nUnit=a.service\n", 0, NULL },
                { "rules.d/a.conf", "[Match]\nName=b\n", 0, "[Match] matches no process" },
                { "rules.d/a.conf", "[Match]\nName=unread\n", 0, "[Match] matches no process" },
                { "rules.d/a.conf", "[Match]\nName=a\nExe=/x\n", 0, NULL },
                { "rules.d/a.conf", "[Match]\nExe=/x\n", 0, NULL },
                { "rules.d/a.conf", "[Match]\nName=b\nExe=/x\n", 0, "[Match] matches no process" },
                { NULL, NULL, 0, NULL },
        };
        const Snapshot s = {
                .detail = DETAIL_CGROUPS | DETAIL_PROCESSES,
                .cgroups = cgroups,
                .n_cgroups = ARRAY_SIZE(cgroups),
                .processes = processes,
                .n_processes = ARRAY_SIZE(processes),
        };
        for (size_t i = 0; i < ARRAY_SIZE(host_rows); i++) {
                ConfigTree t;
                ConfigReport report = {};
                char path[128];
                tree_init(&t);
                if (host_rows[i].path) {
                        (void)snprintf(path, sizeof(path), "etc/headroom/%s", host_rows[i].path);
                        tree_write(&t, path, host_rows[i].text);
                }
                Policy *p = load(&t);
                policy_lint_snapshot(p, &s, host_rows[i].degraded, &report);
                char *out = report_text(&report);
                if (host_rows[i].message ? !strstr(out, host_rows[i].message) : report.n_messages > 0)
                        fail_msg("%s\n-> %s\nnot: %s", host_rows[i].text, out, host_rows[i].message ? host_rows[i].message : "");
                free(out);
                config_report_done(&report);
                policy_free(p);
                tree_done(&t);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_policy),
                cmocka_unit_test(test_bits),
                cmocka_unit_test(test_snapshot),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

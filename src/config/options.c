/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The option table. Help texts are what conf/ ships: plain sentences that also hold for somebody who has
 * read nothing else. Adding an option means adding a row here and running the tests, which then name the
 * files that lack it.
 */

#include "config/options.h"

#include <string.h>

#include "config/match.h"
#include "config/values.h"

#define MAIN(section, key, type, field, initial, min, max, help) \
        { CONFIG_MAIN, section, key, &type, offsetof(DaemonPolicy, field), initial, min, max, false, help }
/* Names and ranges are those of model/sysctl.h; a test compares them. */
#define SYSCTL(name, key, min, max, type, help)                                                              \
        { CONFIG_MAIN, "Sysctl", key, &type, offsetof(DaemonPolicy, sysctl.settings[SYSCTL_##name]), "keep", \
          min, max, false, help }
#define CGROUP(section, key, type, field, initial, min, max, help) \
        { CONFIG_CGROUP, section, key, &type, offsetof(CgroupPolicy, field), initial, min, max, false, help }
/* all of CgroupPolicy: the parser fills several fields */
#define CGROUP_MATCH(key, type, help) \
        { CONFIG_CGROUP, "Match", key, &type, 0, NULL, 0, 0, false, help }
#define LEVEL_WHEN(section, level, help) \
        { CONFIG_CGROUP, section, "When", &type_condition, offsetof(CgroupPolicy, levels[level].when), NULL, 0, 0, true, help }
#define RULE_MATCH(key, type, field, help) \
        { CONFIG_RULE, "Match", key, &type, offsetof(Rule, match[field]), NULL, 0, 0, true, help }
#define RULE(key, type, field, initial, help) \
        { CONFIG_RULE, "Score", key, &type, offsetof(Rule, field), initial, 0, 0, false, help }

#define UNTIL_HELP "The level is left when this holds. Without it: when no line of When= has held for a while."

const ConfigItem config_items[] = {
        MAIN("Daemon", "DryRun", type_bool, dry_run, "no", 0, 0,
             "Decide, log and count as if it were real, but send no signal and write nothing."),
        MAIN("Daemon", "IntervalMin", type_usec, interval_min_usec, "50ms", 10 * USEC_PER_MSEC, USEC_PER_SEC,
             "Time between two looks at memory when a limit is near."),
        MAIN("Daemon", "IntervalMax", type_usec, interval_max_usec, "1s", 100 * USEC_PER_MSEC, 10 * USEC_PER_SEC,
             "Time between two looks at memory while there is plenty of it."),
        MAIN("Daemon", "PsiTriggers", type_bool, psi_triggers, "yes", 0, 0,
             "Let the kernel wake the daemon when tasks begin to stall on memory. With no, only the interval counts."),
        MAIN("Daemon", "HistoryMax", type_count, history_max, "100", 1, 10000,
             "How many past kills the daemon remembers for headroomctl history."),

        SYSCTL(SWAPPINESS, "Swappiness", 0, 200, type_sysctl_auto,
               "vm.swappiness: what swapping costs against reading files again, 0 to 200. auto: begins by the kind of swap (zram "
               "180, zswap 160, SSD 66, disk 40), then slowly by what comes back from swap and from files, and what a page of "
               "either takes on this host."),
        MAIN("Sysctl", "SwappinessMin", type_count32, sysctl.swappiness_min, "10", 0, 200,
             "The least that Swappiness=auto may come to."),
        MAIN("Sysctl", "SwappinessMax", type_count32, sysctl.swappiness_max, "200", 0, 200,
             "The most that Swappiness=auto may come to."),
        SYSCTL(OVERCOMMIT_MEMORY, "OvercommitMemory", 0, 2, type_sysctl,
               "vm.overcommit_memory: 0 refuses only single absurd requests, 1 none, 2 all beyond CommitLimit. 2 is held back "
               "while more is committed than the limit would allow."),
        SYSCTL(OVERCOMMIT_RATIO, "OvercommitRatio", 0, 1000, type_sysctl_auto,
               "vm.overcommit_ratio: CommitLimit is this percentage of the memory, and the swap. auto: by the highest "
               "Committed_AS there was, from 50 to 400."),
        MAIN("Sysctl", "OvercommitMargin", type_share32, sysctl.overcommit_margin_permyriad, "25%", 0, 100000,
             "What OvercommitRatio=auto allows beyond the highest Committed_AS there was."),
        SYSCTL(OVERCOMMIT_KBYTES, "OvercommitKbytes", 1, UINT64_C(1) << 40, type_sysctl,
               "vm.overcommit_kbytes: the same limit as an amount. Not together with OvercommitRatio=: each zeroes the other."),
        SYSCTL(ADMIN_RESERVE_KBYTES, "AdminReserveKbytes", 0, UINT64_C(1) << 40, type_sysctl,
               "vm.admin_reserve_kbytes: memory that only root may commit."),
        SYSCTL(USER_RESERVE_KBYTES, "UserReserveKbytes", 0, UINT64_C(1) << 40, type_sysctl,
               "vm.user_reserve_kbytes: with OvercommitMemory=2, memory that a single process may not take from its user."),
        SYSCTL(MIN_FREE_KBYTES, "MinFreeKbytes", 1024, INT32_MAX, type_sysctl,
               "vm.min_free_kbytes: memory that is kept free for allocations that cannot wait."),
        SYSCTL(WATERMARK_SCALE_FACTOR, "WatermarkScaleFactor", 1, 3000, type_sysctl,
               "vm.watermark_scale_factor: how early kswapd begins and how much it frees, in 1/10000 of the memory."),
        SYSCTL(WATERMARK_BOOST_FACTOR, "WatermarkBoostFactor", 0, INT32_MAX, type_sysctl,
               "vm.watermark_boost_factor: how much more kswapd frees when memory is fragmented. 0 switches that off, usual with zram."),
        SYSCTL(PAGE_CLUSTER, "PageCluster", 0, 31, type_sysctl_auto,
               "vm.page-cluster: readahead from swap, 2 to the power of this many pages. auto: 0 with zram and zswap, else 3."),
        SYSCTL(VFS_CACHE_PRESSURE, "VfsCachePressure", 0, INT32_MAX, type_sysctl,
               "vm.vfs_cache_pressure: how readily names and inodes are reclaimed; 100 is as readily as pages."),
        MAIN("Sysctl", "Restore", type_sysctl_restore, sysctl.restore, "exit", 0, 0,
             "When the values from before are put back. exit: whenever the daemon ends, after a crash at its next start. stop: "
             "when it is stopped in order, a crash leaves them in force. never: not at all."),

        MAIN("Record", "Record", type_bool, record.enabled, "no", 0, 0,
             "Write what is seen and decided to files, for headroomctl replay, plan and report."),
        MAIN("Record", "Directory", type_directory, record.directory, "/var/lib/headroom/trace", 0, 0,
             "Where these files are. The unit lets the daemon write below /var/lib/headroom only."),
        MAIN("Record", "Interval", type_usec, record.interval_usec, "1s", 100 * USEC_PER_MSEC, 10 * USEC_PER_SEC,
             "While recording, memory is looked at and recorded at least this often."),
        MAIN("Record", "DetailInterval", type_usec, record.detail_interval_usec, "10s", USEC_PER_SEC, 3600 * USEC_PER_SEC,
             "How often all cgroups, with what they use their memory for, and all processes are read and recorded."),
        MAIN("Record", "FileSize", type_bytes, record.file_bytes, "16M", UINT64_C(1) << 20, UINT64_C(1) << 30,
             "A new file is begun when one has come to about this size."),
        MAIN("Record", "TotalSize", type_bytes, record.total_bytes, "140M", UINT64_C(2) << 20, UINT64_C(1) << 40,
             "The oldest files are removed when all of them are bigger than this. 140M is a week of a busy host."),
        MAIN("Record", "Cmdline", type_bool, record.cmdline, "no", 0, 0,
             "Record command lines as well, so that another policy's rules can look at them. They may hold secrets."),

        CGROUP_MATCH("Cgroup", type_match_cgroup,
                     "Which cgroups this file is for: a glob on the path below the cgroup mount, where * is one component or a part of it "
                     "and ** any number of components. / is the whole host. One of Cgroup=, Unit= and Container= must be given."),
        CGROUP_MATCH("Unit", type_match_unit,
                     "The same by the name of a systemd unit, wherever its cgroup lies: a glob such as postgresql@*.service."),
        CGROUP_MATCH("Container", type_match_container,
                     "The same by the id of a container or pod: a glob on what docker, podman, CRI-O, containerd, "
                     "Kubernetes, LXC and systemd-nspawn put into the path."),
        CGROUP("Match", "Limited", type_bool, limited_only, "no", 0, 0,
               "With yes, only cgroups that have memory.high or memory.max set."),

        LEVEL_WHEN("Warn", LEVEL_WARN,
                   "Condition that raises the level to warn. May be given several times: one of the lines is enough. "
                   "In a drop-in the lines add up, and an empty When= drops those before it."),
        CGROUP("Warn", "Until", type_condition, levels[LEVEL_WARN].until, NULL, 0, 0, UNTIL_HELP),
        CGROUP("Warn", "Do", type_steps_warn, levels[LEVEL_WARN], "notify", 0, 0,
               "Steps of this level, in this order: notify, trim, reclaim [swappiness=N], pageout."),

        LEVEL_WHEN("Relieve", LEVEL_RELIEVE, "Condition that raises the level to relieve. Lines add up as in [Warn]."),
        CGROUP("Relieve", "Until", type_condition, levels[LEVEL_RELIEVE].until, NULL, 0, 0, UNTIL_HELP),
        CGROUP("Relieve", "Do", type_steps_relieve, levels[LEVEL_RELIEVE], "notify", 0, 0,
               "Steps of this level, one after another while it lasts, mild before severe: notify, trim, reclaim "
               "[swappiness=N], pageout, throttle [floor=25%], slow [weight=10], freeze [max=30s], restart, stop. "
               "What throttle, slow and freeze change is put back when the level is left."),

        LEVEL_WHEN("Kill", LEVEL_KILL, "Condition that raises the level to kill. Lines add up as in [Warn]."),
        CGROUP("Kill", "Until", type_condition, levels[LEVEL_KILL].until, NULL, 0, 0, UNTIL_HELP),
        CGROUP("Kill", "Do", type_steps_kill, levels[LEVEL_KILL], "terminate grace=2s, kill", 0, 0,
               "Steps in this order: all of [Relieve], then terminate (SIGTERM) with the time the victim has to obey, "
               "and kill (SIGKILL)."),
        CGROUP("Kill", "Victim", type_victim, victim, "auto", 0, 0,
               "What goes: one process, the leaf cgroup around it, or the systemd unit around it. auto takes the "
               "process, and the cgroup where memory.oom.group says so."),
        CGROUP("Kill", "Rank", type_rank, rank, "auto", 0, 0,
               "Who goes first. auto: who grew most in the recent past, where somebody stands out, else the one the "
               "kernel would take. badness: what the kernel would take. growth, pressure, swap, scan: that alone."),
        CGROUP("Kill", "MaxProcesses", type_count32, max_processes, "200", 1, 1000000,
               "No kill may end more processes than this at once."),
        CGROUP("Kill", "Cooldown", type_usec, cooldown_usec, "2s", 0, 3600 * USEC_PER_SEC,
               "Time after a victim's memory came back before another may go."),

        CGROUP("Proactive", "Pressure", type_share32, proactive.pressure_permyriad, "0%", 0, 5000,
               "Reclaim a little each second, also while there is no need, as long as tasks of the cgroup are stalled for no more "
               "than this share of time (some, over 10 s), such as 0.1%. With 0 nothing is reclaimed before there is need."),
        CGROUP("Proactive", "Step", type_share32, proactive.step_permyriad, "2%", 10, 1000,
               "Share of what the cgroup uses that goes in one second at most."),
        CGROUP("Proactive", "Floor", type_bytes, proactive.floor_bytes, "0B", 0, UINT64_C(1) << 50,
               "Never reclaim below this size, nor below memory.low."),
        CGROUP("Proactive", "Backoff", type_usec, proactive.backoff_usec, "30s", USEC_PER_SEC, 3600 * USEC_PER_SEC,
               "Pause after the stall was above Pressure=."),

        RULE_MATCH("Name", type_pattern_text, RULE_NAME,
                   "Name of the process, of which the kernel keeps 15 bytes. All keys of [Match] that are given must match; of a key "
                   "that is given several times one line is enough. A glob on the whole text, or behind ~ an extended "
                   "regular expression found anywhere in it."),
        RULE_MATCH("Exe", type_pattern_path, RULE_EXE,
                   "Path of the executable; a * does not match a slash, ** as a whole component does. A file that an update has replaced "
                   "counts as still there."),
        RULE_MATCH("Cmdline", type_pattern_text, RULE_CMDLINE,
                   "Command line, its words separated by spaces, of which the first 4096 bytes are looked at."),
        RULE_MATCH("Uid", type_pattern_uids, RULE_UID, "User id or a range of them, such as 1000-1999."),
        RULE_MATCH("User", type_pattern_user, RULE_UID, "Name or id of one user, looked up when the file is read. Adds to Uid=."),
        RULE_MATCH("Cgroup", type_pattern_cgroup, RULE_CGROUP,
                   "Cgroup of the process, or one around it: a glob on the path as in cgroups.d."),
        RULE_MATCH("Unit", type_pattern_text, RULE_UNIT,
                   "Innermost systemd unit of the process. A user can start units of any name, Cgroup= is the safer key."),
        RULE("Adjust", type_adjust, adjust, "0",
             "Added to the score in the unit of oom_score_adj: 1000 is as much as all memory and swap. Rules that match add up."),
        RULE("Tier", type_tier, tier, NULL,
             "prefer: goes before all others. avoid: goes after all others. never: is no victim at all. normal: as without rule. "
             "The last matching rule that sets a tier counts, in the order of the file names."),
        RULE("ApplyToKernel", type_bool, apply_to_kernel, "no",
             "Write the adjustment to oom_score_adj as well, so that the kernel agrees: added to the process's own value, put "
             "back at a reload without the rule and at exit."),
};
const size_t n_config_items = ARRAY_SIZE(config_items);

const char *config_kind_to_string(ConfigKind kind) {
        static const char *const names[] = {
                [CONFIG_MAIN] = "headroomd.conf",
                [CONFIG_CGROUP] = "cgroups.d/NAME.conf",
                [CONFIG_RULE] = "rules.d/NAME.conf",
        };
        return names[kind];
}

const ConfigItem *config_item_find(ConfigKind kind, const char *section, const char *key) {
        for (size_t i = 0; i < n_config_items; i++)
                if (config_items[i].kind == kind && strcmp(config_items[i].section, section) == 0 &&
                    strcmp(config_items[i].key, key) == 0)
                        return &config_items[i];
        return NULL;
}

bool config_section_exists(ConfigKind kind, const char *section) {
        for (size_t i = 0; i < n_config_items; i++)
                if (config_items[i].kind == kind && strcmp(config_items[i].section, section) == 0)
                        return true;
        return false;
}

size_t config_kind_size(ConfigKind kind) {
        switch (kind) {
        case CONFIG_MAIN:
                return sizeof(DaemonPolicy);
        case CONFIG_CGROUP:
                return sizeof(CgroupPolicy);
        case CONFIG_RULE:
                return sizeof(Rule);
        case _CONFIG_KIND_MAX:
                break;
        }
        return 0;
}

/**
 * config_target_init() - set every field of a DaemonPolicy, CgroupPolicy or Rule to its default
 * @target: zeroed; config_target_done() also after a failure
 *
 * Return: 0; -ENOMEM. A default that its own parser refuses is our bug.
 */
int config_target_init(ConfigKind kind, void *target) {
        ConfigReport report = {};
        ConfigContext c = { .report = &report, .file = "default" };
        int r = 0;

        if (kind == CONFIG_CGROUP)
                for (Level l = 0; l < _LEVEL_MAX; l++)
                        ((CgroupPolicy *)target)->levels[l] = level_policy_unused();
        if (kind == CONFIG_RULE)
                ((Rule *)target)->tier = _TIER_INVALID;
        for (size_t i = 0; i < n_config_items && r >= 0; i++) {
                const ConfigItem *item = &config_items[i];
                if (item->kind == kind && item->initial)
                        r = item->type->parse(&c, item, item->initial, (char *)target + item->offset);
        }
        config_report_done(&report);
        assert(r != -EINVAL);
        return r;
}

void config_target_done(ConfigKind kind, void *target) {
        if (kind == CONFIG_CGROUP) {
                CgroupPolicy *cp = target;
                free(cp->name);
                free(cp->source);
                free(cp->pattern);
        }
        if (kind == CONFIG_RULE) {
                Rule *rule = target;
                free(rule->name);
                free(rule->source);
                for (RuleField f = 0; f < _RULE_FIELD_MAX; f++)
                        pattern_free(rule->match[f]);
        }
}

/* Help as comment lines of at most 100 bytes. */
static void print_wrapped(FILE *f, const char *help) {
        while (*help) {
                size_t n = strlen(help);
                if (n > 98) {
                        n = 98;
                        while (n > 0 && help[n] != ' ')
                                n--;
                }
                fprintf(f, "# %.*s\n", (int)n, help);
                help += n;
                help += *help == ' ';
        }
}

/**
 * config_dump_options() - every option of every file with its default and its help
 *
 * In the form of the files, each setting commented out; the part for headroomd.conf is what conf/ ships.
 */
void config_dump_options(FILE *f) {
        const char *section = "";

        for (ConfigKind kind = 0; kind < _CONFIG_KIND_MAX; kind++) {
                fprintf(f, "%s# file: %s\n", kind > 0 ? "\n" : "", config_kind_to_string(kind));
                section = "";
                for (size_t i = 0; i < n_config_items; i++) {
                        const ConfigItem *item = &config_items[i];
                        if (item->kind != kind)
                                continue;
                        if (strcmp(section, item->section) != 0)
                                fprintf(f, "\n[%s]\n", item->section);
                        else
                                fputc('\n', f);
                        section = item->section;
                        print_wrapped(f, item->help);
                        fprintf(f, "#%s=%s\n", item->key, item->initial ? item->initial : "");
                }
        }
}

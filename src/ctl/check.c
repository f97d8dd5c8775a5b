/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * headroomctl check: the configuration as the daemon would read it, then what is legal but surely not meant, as
 * far as the policy shows it and as far as this host does. Local: it asks no daemon and changes nothing.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "act/cgroup-adapter.h"
#include "config/config.h"
#include "ctl/commands.h"
#include "ctl/show.h"
#include "report/peers.h"
#include "sense/sense.h"

static int32_t match_cgroup(void *userdata, const char *path, bool limited) {
        return policy_match_cgroup(userdata, path, limited);
}

static void match_process(void *userdata, const ProcessFacts *facts, ProcessSample *p) {
        policy_match_process(userdata, facts, p);
}

static void lint_peers(uint32_t found, ConfigReport *report) {
        for (Peer p = 0; p < _PEER_MAX; p++)
                if ((found & (1u << p)) && p != PEER_HEADROOMD)
                        config_report_add(report, SEVERITY_WARNING, "host", 0, 0, "%s", peer_describe(p));
}

/*
 * Where the memory controller is if not on cgroup v2. libcgroup knows; it is asked here and not by the daemon,
 * whose whole memory its tables would double.
 */
static void lint_memory_mount(const Invocation *i, uint32_t degraded, ConfigReport *report) {
        char path[256];
        bool is_v2;

        if (strcmp(i->root, "/") == 0 && (degraded & (1u << DEGRADED_NO_MEMCG | 1u << DEGRADED_NO_CGROUP2)) &&
            cgroup_adapter_memory_mount(path, sizeof(path), &is_v2) >= 0 && !is_v2)
                config_report_add(report, SEVERITY_NOTE, "host", 0, 0,
                                  "the memory controller is on cgroup v1, at %s: no cgroup is watched, only the host", path);
}

/* A host that cannot be read is no fault of the configuration. */
static void lint_host(const Invocation *i, int root_fd, Policy *policy, ConfigReport *report) {
        const SenseOptions options = { .root_fd = root_fd };
        const SenseMatchers matchers = {
                .userdata = policy,
                .match_cgroup = match_cgroup,
                .match_process = match_process,
                .rule_fields = policy->rule_fields,
        };
        _cleanup_(sense_freep) Sense *sense = NULL;
        struct timespec now;
        Snapshot s;

        if (sense_new(&options, &sense) < 0)
                return;
        sense_set_matchers(sense, &matchers);
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        uint64_t usec = (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
        if (sense_discover(sense) < 0 || sense_sample(sense, usec, 0, DETAIL_PROCESSES | DETAIL_CGROUPS | DETAIL_STATS, &s) < 0) {
                config_report_add(report, SEVERITY_NOTE, "host", 0, 0,
                                  "could not be read: only the configuration was checked");
                return;
        }
        policy_lint_snapshot(policy, &s, sense_degraded(sense), report);
        lint_memory_mount(i, sense_degraded(sense), report);
        lint_peers(peers_find(&s) | peers_read_kernel_at(root_fd), report);
}

static int check_policy(const Invocation *i, int root_fd, const char *dir, ConfigReport *report) {
        _cleanup_(policy_freep) Policy *policy = NULL;

        int r = policy_load(root_fd, dir, report, &policy);
        if (r < 0)
                return r == -EINVAL ? 0 : r;
        if (i->dump) {
                policy_dump(policy, i->out);
                return 0;
        }
        policy_lint(policy, report);
        lint_host(i, root_fd, policy, report);
        return 0;
}

/* A directory is one more configuration directory, a file is checked on its own. */
static int check_path(const Invocation *i, int root_fd, const char *path, ConfigReport *report) {
        struct stat st;

        if (stat(path, &st) < 0) {
                config_report_add(report, SEVERITY_ERROR, path, 0, 0, "%s", strerror(errno));
                return 0;
        }
        if (S_ISDIR(st.st_mode))
                return check_policy(i, root_fd, path, report);
        int r = policy_check_file(AT_FDCWD, path, report);
        return r == -EINVAL ? 0 : r;
}

static void print_json(const Invocation *i, const ConfigReport *report) {
        static const char *const severities[] = {
                [SEVERITY_ERROR] = "error", [SEVERITY_WARNING] = "warning", [SEVERITY_NOTE] = "note"
        };
        json_t *messages = json_array();

        for (size_t n = 0; n < report->n_messages; n++) {
                const ConfigMessage *m = &report->messages[n];
                char file[1024], text[2048];
                TextBuf f = TEXT_BUF(file), t = TEXT_BUF(text);
                text_append(&f, "");
                text_append(&t, "");
                text_append_escaped(&f, m->file ? m->file : "");
                text_append_escaped(&t, m->text ? m->text : "");
                json_t *o = json_pack("{s:s?, s:s?, s:s?}", "severity",
                                      (size_t)m->severity < ARRAY_SIZE(severities) ? severities[m->severity] : NULL,
                                      "file", file, "text", text);
                (void)json_object_set_new(o, "line", m->line ? json_integer(m->line) : json_null());
                (void)json_object_set_new(o, "column", m->column ? json_integer(m->column) : json_null());
                (void)json_array_append_new(messages, o);
        }
        json_t *answer = json_pack("{s:I, s:I, s:o}", "errors", (json_int_t)report->n_errors, "warnings",
                                   (json_int_t)report->n_warnings, "messages", messages);
        show_json(i, answer);
        json_decref(answer);
}

CtlExit command_check(const Invocation *i) {
        ConfigReport report = { 0 };
        int r = 0;

        if (i->list_options) {
                config_dump_options(i->out);
                return CTL_EXIT_OK;
        }
        _cleanup_close_ int root_fd = open(i->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root_fd < 0) {
                (void)fprintf(stderr, "headroomctl: %s: %s\n", i->root, strerror(errno));
                return CTL_EXIT_FAILED;
        }
        if (i->n_args == 0)
                r = check_policy(i, root_fd, NULL, &report);
        for (int n = 0; n < i->n_args && r >= 0; n++)
                r = check_path(i, root_fd, i->args[n], &report);
        bool failed = r < 0 || report.n_errors > 0 || (i->strict && report.n_warnings > 0);
        if (r < 0)
                (void)fprintf(stderr, "headroomctl: %s\n", strerror(-r));
        if (i->format == FORMAT_JSON && !i->dump)
                print_json(i, &report);
        else {
                config_report_print(&report, i->dump ? stderr : i->out);
                if (!failed && !i->dump && report.n_messages == 0)
                        (void)fprintf(i->out, "no errors, no warnings\n");
        }
        config_report_done(&report);
        return failed ? CTL_EXIT_FAILED : CTL_EXIT_OK;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Policy and decision state are made together and swapped together: a state refers to its policy. A reload
 * waits until no kill is in flight, so that the new state, which knows of none, cannot begin a second one.
 */

#include <string.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>

#include "base/pages.h"
#include "daemon/clock.h"
#include "daemon/manager-record.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"

/* A victim that will not go cannot hold up a reload for longer than this. */
#define RELOAD_WAIT_USEC (30 * USEC_PER_SEC)
/* A walk of the cgroup tree may cost 0.05 % of a core, and more often than every 5 s nobody needs one. */
#define DISCOVER_COST_FACTOR  2000
#define DISCOVER_MIN_USEC     (5 * USEC_PER_SEC)
#define DISCOVER_MAX_USEC     (300 * USEC_PER_SEC)
/* ... and when something asked for it. */
#define DISCOVER_SPACING_USEC USEC_PER_SEC
/*
 * ... but twice as seldom each time in a row that it has found nothing new, at most 2^3 times: it opens files, which
 * takes memory of the kernel, while all wait for memory. Once a second in a livelock it was 20 ms each time, and now
 * and then 280, in which the loop was late.
 */
#define DISCOVER_VAIN_MAX 3
/* ... and a wanted one, of thousands of cgroups, may take a twentieth of the time while memory is short. */
#define DISCOVER_WANTED_FACTOR 20

static int32_t match_cgroup(void *userdata, const char *path, bool limited) {
        return policy_match_cgroup(userdata, path, limited);
}

static void match_process(void *userdata, const ProcessFacts *facts, ProcessSample *p) {
        policy_match_process(userdata, facts, p);
}

static void log_report(Manager *m, const ConfigReport *report) {
        static const int priorities[] = {
                [SEVERITY_ERROR] = LOG_ERR,
                [SEVERITY_WARNING] = LOG_WARNING,
                [SEVERITY_NOTE] = LOG_NOTICE,
        };
        static const char *const words[] = {
                [SEVERITY_ERROR] = "error", [SEVERITY_WARNING] = "warning", [SEVERITY_NOTE] = "note"
        };

        for (size_t i = 0; i < report->n_messages; i++) {
                const ConfigMessage *c = &report->messages[i];
                if ((size_t)c->severity >= ARRAY_SIZE(priorities))
                        continue;
                TextBuf *b = log_begin(m->log, priorities[c->severity], NULL);
                text_append_escaped(b, c->file ? c->file : "?");
                if (c->line > 0)
                        text_appendf(b, ":%u:%u", c->line, c->column);
                text_appendf(b, ": %s: ", words[c->severity]);
                text_append_escaped(b, c->text ? c->text : "?");
                log_commit(m->log);
        }
}

/* Makes a state for @p. The memory is reserved, not touched: what a calm host never needs costs nothing. */
static int state_new(const Policy *p, void **ret_memory, size_t *ret_size, DecideState **ret) {
        const DecideLimits limits = { .max_domains = DOMAINS_MAX,
                                      .max_cgroups = SNAPSHOT_CGROUPS_MAX,
                                      .max_processes = SNAPSHOT_PROCESSES_MAX };
        size_t size = decide_state_size(p, &limits);

        void *memory = pages_new(size);
        if (!memory)
                return -ENOMEM;
        int r = decide_state_init(memory, size, p, &limits, ret);
        if (r < 0) {
                (void)pages_free(memory, size);
                return r;
        }
        *ret_memory = memory;
        *ret_size = size;
        return 0;
}

void manager_release_policy(Manager *m) {
        m->state_memory = pages_free(m->state_memory, m->state_size);
        m->state = NULL;
        m->policy = policy_free(m->policy);
}

static void use_policy(Manager *m, Policy *policy, void *memory, size_t size, DecideState *state) {
        const SenseMatchers matchers = {
                .userdata = policy,
                .match_cgroup = match_cgroup,
                .match_process = match_process,
                .rule_fields = policy->rule_fields,
        };
        /* The old policy may go only when sense has stopped to ask it. */
        sense_set_matchers(m->sense, &matchers);
        manager_release_policy(m);
        m->policy = policy;
        m->state_memory = memory;
        m->state_size = size;
        m->state = state;
        m->id_base = m->id_last;
        m->need = 0;
        m->held_told = HOLD_NONE;
        m->baseline_due_usec = 0;
        manager_renew_measures(m);
}

int manager_load_policy(Manager *m, bool is_reload) {
        ConfigReport report = { 0 };
        _cleanup_(policy_freep) Policy *policy = NULL;
        void *memory = NULL;
        size_t size = 0;
        DecideState *state;

        int r = policy_load(m->root_fd, m->options.config_dir, &report, &policy);
        if (r >= 0)
                policy_lint(policy, &report);
        log_report(m, &report);
        config_report_done(&report);
        if (r < 0)
                return r;
        if (is_reload && policy->daemon.dry_run != m->policy->daemon.dry_run && !m->options.dry_run)
                log_linef(m->log, LOG_NOTICE, NULL,
                          policy->daemon.dry_run ? "from now on a dry run"
                                                 : "no dry run any more: in earnest from now on");
        policy->daemon.dry_run |= m->options.dry_run;
        r = state_new(policy, &memory, &size, &state);
        if (r < 0)
                return r;
        use_policy(m, TAKE_PTR(policy), memory, size, state);
        return 0;
}

static void discover(Manager *m) {
        uint64_t begin = clock_mono_usec();
        int r = sense_discover(m->sense);
        uint64_t cost = clock_mono_usec() - begin;

        m->stats.n_discoveries++;
        meter_add(&m->stats.discover, cost);
        m->discover_vain = m->discover_wanted && r == 0 ? MIN(m->discover_vain + 1, (uint32_t)DISCOVER_VAIN_MAX) : 0;
        m->discover_wanted = false;
        m->discover_usec = begin;
        m->discover_spacing_usec =
                MAX(DISCOVER_SPACING_USEC << m->discover_vain, u64_mul_sat(cost, DISCOVER_WANTED_FACTOR));
        m->discover_due_usec =
                begin + MIN(MAX(u64_mul_sat(cost, DISCOVER_COST_FACTOR), DISCOVER_MIN_USEC), DISCOVER_MAX_USEC);
        if (r != 0 || m->n_triggers == 0)
                manager_sync_triggers(m);
        manager_log_degraded(m);
        manager_log_complaints(m);
}

static void reload(Manager *m) {
        m->reload_wanted = false;
        (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_mono_usec());
        int r = manager_load_policy(m, /* is_reload= */ true);
        if (r < 0) {
                m->stats.n_reloads_refused++;
                log_linef(m->log, LOG_ERR, MESSAGE_ID_POLICY_REFUSED,
                          "the new policy was refused (%s), the old one stays in force",
                          r == -EINVAL ? "see the errors above" : strerrordesc_np(-r));
        } else {
                m->stats.n_reloads++;
                manager_record_reload(m);
                discover(m);
                manager_sync_triggers(m);
                manager_adjust_start(m);
                manager_sysctl_reload(m);
                TextBuf *b = log_begin(m->log, LOG_INFO, MESSAGE_ID_POLICY_RELOADED);
                text_appendf(b, "policy loaded again: %u policies for cgroups, %u rules", m->policy->n_cgroups,
                             m->policy->n_rules);
                log_fieldf(m->log, "HEADROOM_POLICY_HASH", "%016llx", (unsigned long long)m->policy->hash);
                log_commit(m->log);
        }
        (void)sd_notify(/* unset_environment= */ 0, "READY=1");
        manager_notify_status(m);
}

void manager_want_reload(Manager *m) {
        m->reload_wanted = true;
        m->reload_wanted_usec = clock_mono_usec();
        manager_wake(m);
}

void manager_housekeeping(Manager *m) {
        uint64_t now = clock_mono_usec();

        if (m->reload_wanted && (m->n_pending == 0 || now - m->reload_wanted_usec >= RELOAD_WAIT_USEC))
                reload(m);
        if (m->n_pending > 0)
                return;
        if (now >= m->discover_due_usec ||
            (m->discover_wanted && now - MAX(m->discover_usec, m->discover_wanted_usec) >= m->discover_spacing_usec))
                discover(m);
        manager_sysctl_step(m);
        manager_retry_undo(m);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The tick: how do the kills stand, sample, decide, perhaps sample more and decide again, kill, and only then
 * talk. The next tick is due when the decision says; triggers, exits of victims and reloads bring it forward.
 */

#include "daemon/manager.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>

#include "base/pages.h"
#include "daemon/clock.h"
#include "daemon/manager-record.h"
#include "daemon/message-ids.h"
#include "daemon/rights.h"
#include "daemon/status.h"
#include "report/peers.h"

/*
 * A calm host's processes are read now and then, so that growth has a base when it matters: at most 0.01 % of
 * a core.
 */
#define BASELINE_COST_FACTOR 10000
#define BASELINE_MIN_USEC    (30 * USEC_PER_SEC)
#define BASELINE_MAX_USEC    (15 * 60 * USEC_PER_SEC)
/* A host that cannot be read at all is tried again at this pace. */
#define RETRY_USEC USEC_PER_SEC

int manager_sample(Manager *m, uint32_t detail, Snapshot *ret) {
        uint64_t begin = clock_mono_usec();
        int r = sense_sample(m->sense, begin, clock_real_usec(), detail, ret);
        if (r < 0) {
                m->stats.n_sample_errors++;
                return r;
        }
        manager_adjust_annotate(m, ret);
        ret->n_kills = 0;
        ret->n_measures = 0;
        meter_add(detail ? &m->stats.detail : &m->stats.cheap, clock_mono_usec() - begin);
        return 0;
}

bool manager_is_calm(const Manager *m) {
        return m->need == 0 && m->n_pending == 0 && m->n_rounds > 0 && !m->rounds[m->n_rounds - 1]->need_now;
}

/* ---- the tick ---- */

/* What a round without a kill had to say, put aside for the next one. Only what is used is copied, or touched. */
static void keep_round(Manager *m) {
        const Decision *d = m->rounds[m->n_rounds - 1];
        Decision *kept = &m->earlier[m->n_rounds - 1];

        memcpy(kept, d, offsetof(Decision, held));
        if (d->has_skipped)
                kept->skipped = d->skipped;
        if (d->has_held)
                kept->held = d->held;
        memcpy(kept->changes, d->changes, MIN(d->n_changes, (uint32_t)LEVEL_CHANGES_MAX) * sizeof(*d->changes));
        memcpy(kept->measures, d->measures, MIN(d->n_measures, (uint32_t)MEASURES_MAX) * sizeof(*d->measures));
        m->rounds[m->n_rounds - 1] = kept;
}

/* One sample and one step. What has ended is told to the state once, what is pending each time. */
static int run_round(Manager *m, uint32_t detail) {
        manager_record_before_round(m);
        int r = manager_sample(m, detail, &m->snap);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < m->n_statuses; i++)
                if (m->n_rounds == 0 || m->statuses[i].outcome == KILL_PENDING)
                        m->snap.kills[m->snap.n_kills++] = m->statuses[i];
        if (m->n_rounds == 0)
                manager_tell_measures(m, &m->snap);
        if (m->n_rounds > 0)
                keep_round(m);
        uint64_t begin = clock_mono_usec();
        r = decide_step(m->state, &m->snap, m->decision);
        meter_add(&m->stats.decide, clock_mono_usec() - begin);
        if (r < 0)
                return r;
        manager_record_round(m, m->decision);
        manager_told_measures(m, m->snap.n_measures);
        m->rounds[m->n_rounds++] = m->decision;
        m->need = m->decision->need;
        return 0;
}

static uint32_t detail_due(const Manager *m) {
        return m->need | (m->tick_usec >= m->baseline_due_usec ? (uint32_t)DETAIL_KNOWN_PROCESSES : 0) |
               manager_record_detail(m);
}

static void note_baseline(Manager *m) {
        if (!(m->snap.detail & DETAIL_ANY_PROCESSES))
                return;
        uint64_t now = clock_mono_usec(), cost = now - m->snap.mono_usec;
        m->baseline_due_usec =
                now + MIN(MAX(u64_mul_sat(cost, BASELINE_COST_FACTOR), BASELINE_MIN_USEC), BASELINE_MAX_USEC);
        manager_log_peers(m, peers_find(&m->snap) |
                                     (m->peers & (1u << PEER_PANIC_ON_OOM | 1u << PEER_KILL_ALLOCATING_TASK)));
}

static void arm(Manager *m, uint64_t delay_usec) {
        m->due_usec = u64_add_sat(m->tick_usec, delay_usec);
        (void)sd_event_source_set_time(m->tick_timer, m->due_usec);
        m->slack_usec = MAX(delay_usec / 16, USEC_PER_MSEC);
        (void)sd_event_source_set_time_accuracy(m->tick_timer, m->slack_usec);
        (void)sd_event_source_set_enabled(m->tick_timer, SD_EVENT_ONESHOT);
}

static void say(Manager *m, const KillRecord *kill) {
        manager_settle(m);
        note_baseline(m);
        manager_log_kernel_oom(m);
        for (uint32_t i = 0; i < m->n_rounds; i++)
                manager_log_round(m, m->rounds[i]);
        if (kill)
                manager_log_kill(m, kill);
        manager_log_measures(m);
        manager_log_complaints(m);
        if (sense_degraded(m->sense) != m->degraded_told)
                manager_log_degraded(m);
}

/**
 * manager_tick() - sense, decide, act, record
 *
 * Never waits. Nothing is allocated or logged before the signal is out.
 */
void manager_tick(Manager *m) {
        const KillRecord *kill = NULL;
        uint32_t done = 0;

        m->tick_usec = m->sample_usec = clock_mono_usec();
        m->stats.n_ticks++;
        manager_poll_act(m);
        manager_poll_measures(m);
        uint32_t detail = detail_due(m);
        m->n_rounds = 0;
        m->was_woken = false;
        int r = run_round(m, detail);
        while (r >= 0 && m->n_rounds < ROUNDS_MAX) {
                const Decision *d = m->rounds[m->n_rounds - 1];
                done |= m->snap.detail;
                if (d->has_kill || !d->need_now || !(d->need & ~done))
                        break;
                r = run_round(m, d->need);
        }
        if (m->n_rounds > 0 && m->rounds[m->n_rounds - 1]->has_kill)
                kill = manager_kill(m, m->rounds[m->n_rounds - 1]);
        manager_carry_out(m);
        uint64_t now = m->tick_end_usec = clock_mono_usec();
        meter_add(&m->stats.tick, now - m->tick_usec);
        meter_recent_add(&m->stats.tick_recent, now, now - m->tick_usec);

        manager_record_tick(m);
        if (m->n_rounds > 0)
                say(m, kill);
        else
                manager_settle(m);
        arm(m, m->n_rounds > 0 ? MIN(m->rounds[m->n_rounds - 1]->next_usec, manager_record_interval(m)) : RETRY_USEC);
}

void manager_wake(Manager *m) {
        uint64_t now = clock_mono_usec(), earliest = m->tick_usec + m->policy->daemon.interval_min_usec / 2;

        if (now >= earliest)
                earliest = now;
        m->was_woken = true;
        if (earliest < m->due_usec)
                arm(m, earliest - m->tick_usec);
}

/* ---- events ---- */

/*
 * Can memory run out before the slowest look at it? Only then a kill is near enough to have the pages of its record
 * ready: on a host with plenty they would be a fifth of all that the daemon holds.
 */
static bool is_within_reach(const Manager *m) {
        return m->rounds[m->n_rounds - 1]->next_usec < m->policy->daemon.interval_max_usec;
}

static int on_tick(sd_event_source *s, uint64_t usec, void *userdata) {
        Manager *m = userdata;
        (void)s;
        (void)usec;
        uint64_t now = clock_mono_usec(), late = u64_sub_sat(now, m->due_usec + m->slack_usec);
        meter_add(&m->stats.lateness, late);
        meter_recent_add(&m->stats.lateness_recent, now, late);
        manager_tick(m);
        manager_housekeeping(m);
        if (manager_is_calm(m) && is_within_reach(m))
                kill_history_prepare(m->history);
        meter_add(&m->stats.after_tick, clock_mono_usec() - m->tick_end_usec);
        return 0;
}

static int on_act(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        (void)s;
        (void)fd;
        (void)events;
        /* A storm of 256 that goes is 256 events and a few ticks. Edge-triggered: the tick collects them. */
        manager_wake(userdata);
        return 0;
}

static int on_hangup(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        (void)s;
        (void)si;
        manager_want_reload(userdata);
        return 0;
}

static int on_end(sd_event_source *s, uint64_t usec, void *userdata) {
        (void)usec;
        (void)userdata;
        return sd_event_exit(sd_event_source_get_event(s), 0);
}

static int add_events(Manager *m) {
        int r = sd_event_add_time(m->event, &m->tick_timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_tick, m);
        if (r >= 0)
                r = sd_event_source_set_priority(m->tick_timer, PRIORITY_TICK);
        if (r >= 0)
                r = sd_event_add_io(m->event, &m->act_io, act_fd(m->act), EPOLLIN | EPOLLET, on_act, m);
        if (r >= 0)
                r = sd_event_source_set_priority(m->act_io, PRIORITY_ACT);
        if (r >= 0)
                r = sd_event_add_signal(m->event, &m->signals[0], SIGTERM, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(m->event, &m->signals[1], SIGINT, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(m->event, &m->signals[2], SIGHUP, on_hangup, m);
        if (r >= 0 && m->options.duration_usec > 0)
                r = sd_event_add_time_relative(m->event, &m->end_timer, CLOCK_MONOTONIC, m->options.duration_usec,
                                               USEC_PER_MSEC, on_end, m);
        if (r >= 0)
                r = sd_event_set_watchdog(m->event, true);
        return r < 0 ? r : 0;
}

/* ---- life ---- */

static int open_stages(Manager *m) {
        const SenseOptions options = { .root_fd = m->root_fd,
                                       .self_pid = m->is_live ? getpid() : 0,
                                       .max_cgroups = SNAPSHOT_CGROUPS_MAX,
                                       .max_processes = SNAPSHOT_PROCESSES_MAX };

        int r = sense_new(&options, &m->sense);
        if (r < 0)
                return r;
        r = manager_load_policy(m, /* is_reload= */ false);
        if (r < 0)
                return r;
        r = kill_history_new(MIN(MAX(m->policy->daemon.history_max, UINT64_C(1)), UINT64_C(1024)), &m->history);
        if (r < 0)
                return r;
        m->decision = pages_new(sizeof(*m->decision));
        m->earlier = pages_new((ROUNDS_MAX - 1) * sizeof(*m->earlier));
        m->views = pages_new(DOMAINS_MAX * sizeof(*m->views));
        if (!m->decision || !m->earlier || !m->views)
                return -ENOMEM;
        m->explain = &m->decision->kill;
        r = sense_discover(m->sense);
        if (r < 0)
                return r;
        return act_new(m->root_fd, sense_cgroup_root_fd(m->sense), m->options.dry_run ? &act_ops_dry_run : NULL, NULL,
                       &m->act);
}

/* The runtime directory and what lies in it, before anything on the host is changed. */
static int open_runtime(Manager *m) {
        int r = m->is_live ? runtime_dir_acquire(&m->runtime) : 0;
        if (r == -EBUSY && !m->options.dry_run && !m->options.force) {
                log_linef(
                        m->log, LOG_ERR, NULL,
                        "another headroomd is running (it holds the lock of the runtime directory); --force to run beside it");
                return -EBUSY;
        }
        m->runtime_error = MIN(r, 0);
        return manager_open_undo(m);
}

/* Without a place for it, or beside another daemon: no control socket, and everything else as usual. */
static void open_control(Manager *m) {
        if (!m->is_live)
                return;
        int r = m->runtime_error;
        if (r >= 0)
                r = control_new(m->event, m->runtime.path, PRIORITY_CONTROL, status_answer, m, &m->control);
        if (r < 0)
                log_linef(m->log, LOG_NOTICE, NULL, "no control socket (%s): headroomctl cannot ask this daemon",
                          r == -EBUSY ? "another headroomd is running" : strerrordesc_np(-r));
}

static int check_rights(Manager *m) {
        if (m->policy->daemon.dry_run)
                return 0;
        if (!m->is_live) {
                log_linef(m->log, LOG_ERR, NULL, "--root is for looking only: add --dry-run");
                return -EPERM;
        }
        if (rights_can_kill())
                return 0;
        log_linef(
                m->log, LOG_ERR, NULL,
                "the right to signal other users' processes is missing (CAP_KILL): run it as root, or with --dry-run%s",
                m->options.force ? "; going on, since --force was given" : "");
        return m->options.force ? 0 : -EPERM;
}

/*
 * Opening a file takes kernel memory, and under thrashing the kernel would make us write somebody's pages to
 * a slow swap device first. Those who keep storage going are spared that, and so is the one who ends the thrashing.
 * Source: prctl(2), PR_SET_IO_FLUSHER; Linux 5.6, CAP_SYS_RESOURCE.
 */
static void avoid_reclaim_io(void) {
        (void)prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
}

/* Everything that a kill will need is touched once, while there is memory. */
static void rehearse(Manager *m) {
        if (m->is_live)
                avoid_reclaim_io();
        int r = m->is_live ? act_lock_memory() : 0;
        if (r < 0 && !m->policy->daemon.dry_run)
                log_linef(m->log, LOG_NOTICE, NULL, "memory is not locked (%s): under thrashing the daemon may be late",
                          strerrordesc_np(-r));
        memset(m->decision, 0, offsetof(Decision, changes) + 2 * sizeof(LevelChange));
        memset(&m->decision->kill, 0, sizeof(m->decision->kill));
        /* Of an earlier round, what one has to say that leads to a kill: a level is reached, details are needed. */
        memset(m->earlier, 0, offsetof(Decision, changes) + sizeof(LevelChange));
        r = m->is_live ? act_rehearse(m->act) : 0;
        if (r < 0)
                log_linef(m->log, m->policy->daemon.dry_run ? LOG_NOTICE : LOG_WARNING, NULL,
                          "rehearsal of a kill: %s; some victims may be out of reach", strerrordesc_np(-r));
}

/* The ranking, too; after the first step, since before it there is no cgroup to be in trouble. */
static void rehearse_ranking(Manager *m) {
        if (manager_sample(m, DETAIL_PROCESSES | DETAIL_CGROUPS | DETAIL_STATS, &m->snap) >= 0)
                (void)decide_explain(m->state, &m->snap, /* domain_id= */ 0, m->explain);
}

static void say_hello(Manager *m) {
        const SenseMonitored *monitored;
        size_t n = sense_monitored(m->sense, &monitored);

        TextBuf *b = log_begin(m->log, LOG_INFO, NULL);
        text_appendf(b, "headroomd %s: %s%" PRIu32 " policies for cgroups, %" PRIu32 " rules, %zu cgroups watched",
                     HEADROOM_VERSION, m->policy->daemon.dry_run ? "dry run, " : "", m->policy->n_cgroups,
                     m->policy->n_rules, n);
        log_fieldf(m->log, "HEADROOM_POLICY_HASH", "%016" PRIx64, m->policy->hash);
        log_commit(m->log);
        manager_log_degraded(m);
        manager_log_peers(m, peers_read_kernel_at(m->root_fd));
        manager_log_complaints(m);
}

static int manager_start(Manager *m) {
        int r = open_stages(m);
        if (r < 0)
                return r;
        r = check_rights(m);
        if (r < 0)
                return r;
        r = open_runtime(m);
        if (r < 0)
                return r;
        r = add_events(m);
        if (r < 0)
                return r;
        r = manager_open_measures(m);
        if (r < 0)
                return r;
        open_control(m);
        manager_sync_triggers(m);
        m->discover_usec = m->discover_due_usec = clock_mono_usec();
        manager_adjust_start(m);
        r = manager_sysctl_start(m);
        if (r < 0)
                return r;
        rehearse(m);
        say_hello(m);
        return manager_record_start(m);
}

int manager_new(const ManagerOptions *options, Manager **ret) {
        _cleanup_(manager_freep) Manager *m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->options = *options;
        m->is_live = strcmp(options->root, "/") == 0;
        m->runtime = RUNTIME_DIR_NULL;
        m->undo_dir_fd = -EBADF;
        m->stats.start_usec = clock_mono_usec();
        m->root_fd = open(options->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = m->root_fd < 0 ? -errno : log_new(LOG_SINK_AUTO, &m->log);
        if (r < 0)
                return r;
        /* From the first line on: whoever holds the other end of standard error may not be reading. */
        r = log_start(m->log);
        if (r < 0)
                return r;
        r = sd_event_default(&m->event);
        if (r < 0)
                return r;
        r = manager_start(m);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

Manager *manager_free(Manager *m) {
        if (!m)
                return NULL;
        manager_release_triggers(m);
        manager_sysctl_stop(m);
        manager_adjust_stop(m);
        manager_close_measures(m);
        manager_close_undo(m);
        manager_record_stop(m);
        m->control = control_free(m->control);
        runtime_dir_release(&m->runtime);
        m->tick_timer = sd_event_source_disable_unref(m->tick_timer);
        m->end_timer = sd_event_source_disable_unref(m->end_timer);
        m->view_timer = sd_event_source_disable_unref(m->view_timer);
        m->act_io = sd_event_source_disable_unref(m->act_io);
        for (size_t i = 0; i < ARRAY_SIZE(m->signals); i++)
                m->signals[i] = sd_event_source_disable_unref(m->signals[i]);
        m->act = act_free(m->act);
        m->sense = sense_free(m->sense);
        manager_release_policy(m);
        m->history = kill_history_free(m->history);
        m->event = sd_event_unref(m->event);
        m->log = log_free(m->log);
        m->root_fd = fd_close(m->root_fd);
        m->views = pages_free(m->views, DOMAINS_MAX * sizeof(*m->views));
        m->earlier = pages_free(m->earlier, (ROUNDS_MAX - 1) * sizeof(*m->earlier));
        m->decision = pages_free(m->decision, sizeof(*m->decision));
        free(m);
        return NULL;
}

int manager_run(Manager *m) {
        /* The first tick is a detailed one: growth needs a base. */
        manager_tick(m);
        if (m->n_rounds == 1) /* else it was in earnest already */
                rehearse_ranking(m);
        manager_sysctl_step(m);
        int r = manager_start_view(m);
        if (r < 0)
                return r;
        (void)sd_notify(/* unset_environment= */ 0, "READY=1");
        manager_notify_status(m);
        (void)malloc_trim(0);
        r = sd_event_loop(m->event);
        (void)sd_notify(/* unset_environment= */ 0, "STOPPING=1");
        log_linef(m->log, LOG_INFO, NULL, "ended after %" PRIu64 " ticks, %" PRIu64 " %s", m->stats.n_ticks,
                  m->stats.n_kills, m->policy->daemon.dry_run ? "virtual victims" : "victims");
        return r;
}

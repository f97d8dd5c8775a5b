/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * ApplyToKernel= on the loop: who is looked at, when. The kernel tells of new processes where the proc connector may
 * be used; else, and to begin with, they are looked for. What is done with each, act/adjust.c knows.
 *
 * All of it can wait: it runs after everything else, a bounded number of processes at a time, and not at all while a
 * kill is under way. Without a rule that has ApplyToKernel= there is neither timer nor socket nor table.
 */

#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <time.h>

#include "act/adjust.h"
#include "base/pages.h"
#include "daemon/clock.h"
#include "daemon/manager.h"
#include "sense/proc-connector.h"

#define PROCESSES_MAX 65536u
/* Between two looks for new processes; where the kernel tells of them, only what it may have left out is left. */
#define SCAN_USEC           (3 * USEC_PER_SEC)
#define SCAN_CONNECTED_USEC (60 * USEC_PER_SEC)
/* After events were lost, or while a look has to wait. */
#define SCAN_SOON_USEC USEC_PER_SEC
/* One process is some 60 us: 8 ms at a time, and less while memory is short, when each read may have to wait. */
#define VISITS_CALM  128u
#define VISITS_SHORT 16u
/* Between two parts of one look. */
#define PART_USEC (50 * USEC_PER_MSEC)
/* Of events: at a time, and in a second (1.5 % of a core). Beyond it they count as lost. */
#define EVENTS_AT_ONCE    64u
#define EVENTS_PER_SECOND 256u
/* How long to wait for the kernel's answer. */
#define ANSWER_USEC USEC_PER_SEC
/* Parents that began since the last look are looked at before their children. */
#define GENERATIONS_MAX 8u
/* Lines about values that somebody else has set, until the next reload. */
#define FOREIGN_LINES_MAX 10u

struct AdjustRun {
        Adjust *adjust;
        bool has_rules;
        sd_event_source *timer;

        int connector_fd; /* -EBADF where it is not used */
        sd_event_source *connector;
        bool is_connected; /* the kernel has answered: events do come */
        int connector_error;
        uint64_t asked_usec;
        uint64_t second_usec; /* begin of the second that n_events counts */
        uint32_t n_events;

        int32_t *queue; /* PROCESSES_MAX */
        uint32_t n_queue, queue_at;
        bool is_scanning, all_wanted;

        bool method_told, result_told, full_told;
        uint32_t n_foreign_told;
        bool refused_told[POLICY_RULES_MAX];
};

static uint64_t boot_ticks(void) {
        struct timespec t;
        uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);

        (void)clock_gettime(CLOCK_BOOTTIME, &t);
        return (uint64_t)t.tv_sec * hz + (uint64_t)t.tv_nsec * hz / UINT64_C(1000000000);
}

static void arm(AdjustRun *run, uint64_t delay_usec) {
        (void)sd_event_source_set_time_relative(run->timer, delay_usec);
        (void)sd_event_source_set_time_accuracy(run->timer, delay_usec / 8);
        (void)sd_event_source_set_enabled(run->timer, SD_EVENT_ONESHOT);
}

/* Every call of ours costs a kill time, and what somebody puts back by hand must not be set again at once. */
static bool has_to_wait(const Manager *m) {
        return m->n_pending > 0 || (m->n_rounds > 0 && m->rounds[m->n_rounds - 1]->need_now) || m->is_releasing ||
               clock_mono_usec() < m->measure_pause_usec;
}

/* ---- what is said ---- */

static void say_method(Manager *m, AdjustRun *run) {
        if (run->method_told || !run->has_rules)
                return;
        run->method_told = true;
        if (run->is_connected)
                log_linef(m->log, LOG_INFO, NULL, "ApplyToKernel=: the kernel tells of new processes (proc connector)");
        else
                log_linef(m->log, LOG_INFO, NULL,
                          "ApplyToKernel=: looking for new processes every %d s (no proc connector: %s)",
                          (int)(SCAN_USEC / USEC_PER_SEC), strerrordesc_np(-run->connector_error));
}

static void say_result(Manager *m, AdjustRun *run) {
        AdjustCounts c = adjust_counts(run->adjust);

        if (run->result_told || !run->has_rules)
                return;
        run->result_told = true;
        if (m->policy->daemon.dry_run)
                log_linef(m->log, LOG_INFO, NULL,
                          "[dry-run] ApplyToKernel=: would write oom_score_adj of %" PRIu32 " %s", c.n_wanted,
                          c.n_wanted == 1 ? "process" : "processes");
        else
                log_linef(m->log, LOG_INFO, NULL,
                          "ApplyToKernel=: oom_score_adj of %" PRIu32 " %s holds the adjustment of the rules",
                          c.n_adjusted, c.n_adjusted == 1 ? "process" : "processes");
}

static void say_foreign(Manager *m, AdjustRun *run, const ProcessSample *p) {
        if (run->n_foreign_told > FOREIGN_LINES_MAX)
                return;
        if (run->n_foreign_told++ == FOREIGN_LINES_MAX) {
                log_linef(m->log, LOG_INFO, NULL, "ApplyToKernel=: more processes got a value from somebody else");
                return;
        }
        TextBuf *b = log_begin(m->log, LOG_INFO, NULL);
        text_append_escaped(b, p->comm);
        text_appendf(b, " (pid %" PRId32 "): somebody else has set oom_score_adj to %" PRId32, p->pid,
                     p->oom_score_adj);
        text_append(b, ": left alone from now on");
        log_commit(m->log);
}

static void say_refused(Manager *m, AdjustRun *run, const ProcessSample *p, int error) {
        uint32_t n = MIN(m->policy->n_rules, (uint32_t)POLICY_RULES_MAX);
        bool has_rule = p->kernel_rule >= 0 && (uint32_t)p->kernel_rule < n;
        bool *told = &run->refused_told[has_rule ? p->kernel_rule : 0];

        if (*told)
                return;
        *told = true;
        TextBuf *b = log_begin(m->log, LOG_WARNING, NULL);
        if (has_rule) {
                text_append(b, "rule ");
                text_append_escaped(b, m->policy->rules[p->kernel_rule].name);
                text_append(b, ": ");
        }
        text_append(b, "oom_score_adj of ");
        text_append_escaped(b, p->comm);
        text_appendf(b, " (pid %" PRId32 ") could not be written (%s%s)", p->pid, strerrordesc_np(-error),
                     error == -EACCES ? ", lowering it takes CAP_SYS_RESOURCE" : "");
        text_append(b, ": it keeps its own value, as do others of this rule");
        log_commit(m->log);
}

static void say_full(Manager *m, AdjustRun *run) {
        if (run->full_told)
                return;
        run->full_told = true;
        log_linef(m->log, LOG_WARNING, NULL,
                  "ApplyToKernel=: more processes than the undo journal has room for (%d): the others are left alone",
                  UNDO_ENTRIES_MAX);
}

/* ---- one process ---- */

static void visit(Manager *m, AdjustRun *run, int32_t pid, unsigned generation) {
        ProcessSample p;
        int error;

        if (sense_process(m->sense, pid, &p) != 0)
                return;
        if (p.ppid > 1 && generation < GENERATIONS_MAX && !(p.flags & PROCESS_KTHREAD) &&
            !adjust_knows(run->adjust, p.ppid) && !adjust_knows(run->adjust, pid))
                visit(m, run, p.ppid, generation + 1);
        switch (adjust_see(run->adjust, &p, clock_mono_usec(), boot_ticks(), &error)) {
        case ADJUST_FOREIGN:
                say_foreign(m, run, &p);
                break;
        case ADJUST_REFUSED:
                say_refused(m, run, &p, error);
                break;
        case ADJUST_FULL:
                say_full(m, run);
                break;
        case ADJUST_NOTHING:
        case ADJUST_WRITTEN:
        case ADJUST_RESTORED:
        case ADJUST_LATER:
        case ADJUST_GONE:
        case _ADJUST_OUTCOME_MAX:
        case _ADJUST_OUTCOME_INVALID:
                break;
        }
}

/* ---- the proc connector ---- */

static void connector_close(AdjustRun *run, int error) {
        run->connector = sd_event_source_disable_unref(run->connector);
        run->connector_fd = fd_close(run->connector_fd);
        run->is_connected = false;
        run->connector_error = error;
}

/* Returns false where the event cannot be followed and counts as lost. */
static bool event_follow(Manager *m, AdjustRun *run, const ProcEvent *e) {
        uint64_t now = clock_mono_usec();

        if (e->kind == PROC_EVENT_ANSWER) {
                if (e->error < 0) {
                        connector_close(run, e->error);
                        return true;
                }
                run->is_connected = true;
                say_method(m, run);
                return true;
        }
        /* A child has what its parent has; where that is its own value, the child's exec will say all there is. */
        if (e->kind == PROC_EVENT_FORKED && !adjust_has_changed(run->adjust, e->ppid))
                return true;
        if (now - run->second_usec >= USEC_PER_SEC) {
                run->second_usec = now;
                run->n_events = 0;
        }
        if (run->n_events >= EVENTS_PER_SECOND || has_to_wait(m))
                return false;
        run->n_events++;
        visit(m, run, e->pid, /* generation= */ 0);
        return true;
}

static int on_connector(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        Manager *m = userdata;
        AdjustRun *run = m->adjust;
        bool is_lost = false;
        (void)s;
        (void)events;

        for (unsigned i = 0; i < EVENTS_AT_ONCE && run->connector_fd >= 0; i++) {
                ProcEvent e;
                int r = proc_connector_read(fd, &e);
                if (r == -EAGAIN)
                        break;
                if (r == -ENOBUFS)
                        is_lost = true;
                else if (r < 0 && r != -EBADMSG) {
                        connector_close(run, r);
                        run->method_told = false;
                        is_lost = true;
                } else if (r == 0)
                        is_lost |= !event_follow(m, run, &e);
        }
        if (is_lost && !run->is_scanning)
                arm(run, SCAN_SOON_USEC);
        return 0;
}

static void connector_open(Manager *m, AdjustRun *run) {
        int r = proc_connector_open(&run->connector_fd);
        if (r >= 0)
                r = sd_event_add_io(m->event, &run->connector, run->connector_fd, EPOLLIN, on_connector, m);
        if (r >= 0)
                r = sd_event_source_set_priority(run->connector, PRIORITY_CONTROL);
        if (r < 0)
                connector_close(run, r);
        run->asked_usec = clock_mono_usec();
}

/* ---- the scan ---- */

static int scan_begin(Manager *m, AdjustRun *run) {
        uint64_t now = clock_mono_usec();
        const int32_t *pids;

        if (run->connector_fd >= 0 && !run->is_connected && now - run->asked_usec >= ANSWER_USEC)
                connector_close(run, -ETIMEDOUT);
        if (run->connector_fd < 0)
                say_method(m, run);
        int n = sense_list_processes(m->sense, &pids);
        if (n < 0)
                return n;
        run->n_queue = adjust_plan(run->adjust, pids, (uint32_t)n, now, run->all_wanted, run->queue, PROCESSES_MAX);
        run->queue_at = 0;
        run->is_scanning = true;
        run->all_wanted = false;
        return 0;
}

static AdjustRun *run_free(AdjustRun *run) {
        run->timer = sd_event_source_disable_unref(run->timer);
        connector_close(run, 0);
        run->adjust = adjust_free(run->adjust);
        run->queue = pages_free(run->queue, PROCESSES_MAX * sizeof(*run->queue));
        free(run);
        return NULL;
}

static void scan_end(Manager *m, AdjustRun *run) {
        adjust_sweep(run->adjust);
        run->is_scanning = false;
        if (run->all_wanted)
                return;
        say_result(m, run);
        /* The last rule is gone, and what it has done is undone. What could not be, is the journal's. */
        if (!run->has_rules)
                m->adjust = run_free(run);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        Manager *m = userdata;
        AdjustRun *run = m->adjust;
        uint32_t budget = manager_is_calm(m) ? VISITS_CALM : VISITS_SHORT;
        (void)s;
        (void)usec;

        if (has_to_wait(m) || (!run->is_scanning && scan_begin(m, run) < 0)) {
                arm(run, SCAN_SOON_USEC);
                return 0;
        }
        for (; budget > 0 && run->queue_at < run->n_queue; budget--)
                visit(m, run, run->queue[run->queue_at++], /* generation= */ 0);
        if (run->queue_at == run->n_queue)
                scan_end(m, run);
        if (m->adjust)
                arm(run, run->is_scanning || run->all_wanted ? PART_USEC :
                         run->is_connected                   ? SCAN_CONNECTED_USEC
                                                             : SCAN_USEC);
        return 0;
}

/* ---- life ---- */

static int run_new(Manager *m) {
        AdjustRun *run = calloc(1, sizeof(*run));
        if (!run)
                return -ENOMEM;
        run->connector_fd = -EBADF;
        int r = adjust_new(m->root_fd, m->undo, PROCESSES_MAX, &run->adjust);
        run->queue = r >= 0 ? pages_new(PROCESSES_MAX * sizeof(*run->queue)) : NULL;
        if (r >= 0 && !run->queue)
                r = -ENOMEM;
        if (r >= 0)
                r = sd_event_add_time_relative(m->event, &run->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_timer, m);
        if (r >= 0)
                r = sd_event_source_set_priority(run->timer, PRIORITY_CONTROL);
        if (r < 0) {
                (void)run_free(run);
                return r;
        }
        m->adjust = run;
        return 0;
}

static bool policy_has_rules(const Policy *p) {
        for (uint32_t i = 0; i < p->n_rules; i++)
                if (p->rules[i].apply_to_kernel && p->rules[i].adjust != 0)
                        return true;
        return false;
}

/**
 * manager_adjust_start() - a policy is in force, the first or another
 *
 * All processes are looked at, a part at a time, and get what the rules now say; those that no rule matches any more
 * get their own value back.
 */
void manager_adjust_start(Manager *m) {
        bool has_rules = m->is_live && policy_has_rules(m->policy);

        if (!has_rules && !m->adjust)
                return;
        int r = m->adjust ? 0 : run_new(m);
        if (r < 0) {
                log_linef(m->log, LOG_WARNING, NULL, "ApplyToKernel= is not carried out: %s", strerrordesc_np(-r));
                return;
        }
        AdjustRun *run = m->adjust;
        run->has_rules = has_rules;
        run->result_told = run->full_told = false;
        run->n_foreign_told = 0;
        memset(run->refused_told, 0, sizeof(run->refused_told));
        adjust_set_dry_run(run->adjust, m->policy->daemon.dry_run);
        if (has_rules && run->connector_fd < 0 && run->connector_error == 0)
                connector_open(m, run);
        run->all_wanted = true;
        arm(run, 0);
}

/* Those that were forked since the last look have an adjusted value that nothing else would ever put back. */
static void find_children(Manager *m, AdjustRun *run) {
        const int32_t *pids;

        adjust_set_dry_run(run->adjust, true);
        int n = sense_list_processes(m->sense, &pids);
        if (n < 0)
                return;
        uint32_t n_new = adjust_plan(run->adjust, pids, (uint32_t)n, clock_mono_usec(), /* all= */ false, run->queue,
                                     PROCESSES_MAX);
        for (uint32_t i = 0; i < n_new; i++)
                if (!adjust_knows(run->adjust, run->queue[i]))
                        visit(m, run, run->queue[i], /* generation= */ 0);
}

/* At the end: every process its own value. Before the undo journal is closed. */
void manager_adjust_stop(Manager *m) {
        AdjustRun *run = m->adjust;

        if (!run)
                return;
        uint32_t n = adjust_counts(run->adjust).n_adjusted, n_failed = 0;
        if (n > 0) {
                find_children(m, run);
                n_failed = adjust_restore(run->adjust, boot_ticks());
                log_linef(m->log, n_failed > 0 ? LOG_WARNING : LOG_INFO, NULL,
                          "ApplyToKernel=: put oom_score_adj of %" PRIu32 " %s back, %" PRIu32 " failed", n,
                          n == 1 ? "process" : "processes", n_failed);
        }
        m->adjust = run_free(run);
}

void manager_adjust_replayed(Manager *m, const UndoEntry *e) {
        if (e->kind != UNDO_OOM_SCORE_ADJ || !m->is_live || (!m->adjust && run_new(m) < 0))
                return;
        adjust_remember(m->adjust->adjust, e);
        m->adjust->all_wanted = true;
}

void manager_adjust_released(Manager *m) {
        if (m->adjust)
                adjust_forget_released(m->adjust->adjust);
}

void manager_adjust_annotate(Manager *m, Snapshot *snap) {
        if (m->adjust)
                adjust_annotate(m->adjust->adjust, snap);
}

const char *manager_adjust_status(const Manager *m, AdjustCounts *ret) {
        if (!m->adjust)
                return NULL;
        *ret = adjust_counts(m->adjust->adjust);
        return m->adjust->is_connected ? "connector" : "scan";
}

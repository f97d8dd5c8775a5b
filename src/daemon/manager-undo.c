/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The undo journal from the daemon's side: opened before anything is changed; what an earlier daemon left is put
 * back at start, what we have changed at an orderly exit and when somebody asks for it (headroomctl release).
 *
 * At a reload nothing is replayed: measures of the old policy are released one by one (measure-book.c), sysctls are
 * compared with the new policy.
 *
 * A dry run by configuration also puts back what an earlier daemon left: that is no change of its own, and nothing
 * may stay throttled for want of somebody who dares to write. One by command line leaves even that to others.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "act/systemd-call.h"
#include "daemon/clock.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "daemon/status.h"

/* Thousands of oom_score_adj may have been written: so many lines, then how many more there were. */
#define UNDO_LINES_MAX 40
/* After a release by hand somebody is at work: nothing is begun anew for so long, or until a reload. */
#define RELEASE_PAUSE_USEC (60 * USEC_PER_SEC)

static void append_what(TextBuf *b, const UndoEntry *e) {
        switch (e->kind) {
        case UNDO_CGROUP:
        case UNDO_UNIT:
                text_append_escaped(b, e->key);
                text_append(b, " of ");
                text_append_escaped(b, e->path[0] ? e->path : "/");
                return;
        case UNDO_SYSCTL:
                text_append(b, "vm.");
                text_append_escaped(b, e->key);
                return;
        case UNDO_OOM_SCORE_ADJ:
                text_appendf(b, "oom_score_adj of process %" PRId32, e->pid);
                return;
        case _UNDO_KIND_MAX:
        case _UNDO_KIND_INVALID:
                break;
        }
        text_append(b, "?");
}

static void append_result(TextBuf *b, const ReplayResult *r) {
        switch (r->outcome) {
        case UNDO_RESTORED:
        case UNDO_UNCHANGED:
                text_append(b, r->outcome == UNDO_RESTORED ? "put back " : "already back: ");
                append_what(b, &r->entry);
                text_append(b, ": ");
                text_append_escaped(b, r->entry.old_value);
                if (r->outcome == UNDO_RESTORED) {
                        text_append(b, " (we had set ");
                        text_append_escaped(b, r->entry.new_value);
                        text_append(b, ")");
                }
                return;
        case UNDO_FOREIGN:
                text_append(b, "left alone ");
                append_what(b, &r->entry);
                text_append(b, ": somebody else has set it since");
                return;
        case UNDO_GONE:
                text_append(b, "forgot ");
                append_what(b, &r->entry);
                text_append(b, ": it is gone, or another one by now");
                return;
        case UNDO_KEPT:
                text_append(b, "kept ");
                append_what(b, &r->entry);
                text_append(b, ", as the configuration says");
                return;
        case UNDO_FAILED:
                text_append(b, "could not put back ");
                append_what(b, &r->entry);
                text_appendf(b, ": %s; it stays in the undo journal", strerrordesc_np(-r->error));
                return;
        case _UNDO_OUTCOME_MAX:
        case _UNDO_OUTCOME_INVALID:
                break;
        }
}

static void log_result(Manager *m, const ReplayResult *r) {
        const char *kind = undo_kind_to_string(r->entry.kind), *outcome = undo_outcome_to_string(r->outcome);

        TextBuf *b = log_begin(m->log,
                               r->outcome == UNDO_FAILED                                   ? LOG_WARNING
                               : r->outcome == UNDO_RESTORED || r->outcome == UNDO_FOREIGN ? LOG_NOTICE
                                                                                           : LOG_INFO,
                               MESSAGE_ID_UNDO);
        append_result(b, r);
        log_fieldf(m->log, "HEADROOM_UNDO_KIND", "%s", kind ? kind : "?");
        log_fieldf(m->log, "HEADROOM_UNDO_OUTCOME", "%s", outcome ? outcome : "?");
        text_append_escaped(log_field(m->log, "HEADROOM_KEY"), r->entry.key);
        text_append_escaped(log_field(m->log, "HEADROOM_VALUE"), r->entry.old_value);
        text_append_escaped(log_field(m->log, "HEADROOM_OLD_VALUE"), r->entry.new_value);
        if (r->entry.path[0]) {
                text_append_escaped(log_field(m->log, "HEADROOM_CGROUP"), r->entry.path);
                manager_log_unit_fields(m, r->entry.path);
        }
        log_commit(m->log);
}

static void log_report(Manager *m, const ReplayReport *report) {
        for (uint32_t i = 0; i < MIN(report->n_results, (uint32_t)UNDO_LINES_MAX); i++)
                log_result(m, &report->results[i]);
        uint32_t more = report->n_results - MIN(report->n_results, (uint32_t)UNDO_LINES_MAX) + report->n_lost;
        if (more > 0)
                log_linef(m->log, LOG_NOTICE, MESSAGE_ID_UNDO, "... and %" PRIu32 " more, %" PRIu32 " failed in all",
                          more, report->n_failed);
}

/* ---- what could not be put back at start ---- */

/* That it goes on failing was said at start, and is not said each time. */
static void on_retried(void *userdata, const ReplayReport *report) {
        Manager *m = userdata;

        m->is_retrying = false;
        for (uint32_t i = 0; i < MIN(report->n_results, (uint32_t)UNDO_LINES_MAX); i++)
                if (report->results[i].outcome != UNDO_FAILED)
                        log_result(m, &report->results[i]);
        leftover_tried(&m->leftover, report->n_failed, clock_mono_usec());
}

/**
 * manager_retry_undo() - try again what the replay at start could not put back, where that is due
 *
 * On a thread of its own. Not while everything is put back by hand, which does the same.
 */
void manager_retry_undo(Manager *m) {
        uint64_t now = clock_mono_usec();

        if (m->is_retrying || m->is_releasing || !leftover_is_due(&m->leftover, now))
                return;
        m->retry = replay_free(m->retry);
        int r = replay_start_left(m->event, PRIORITY_CONTROL, m->undo, &m->undo_host, m->leftover.last_serial,
                                  on_retried, m, &m->retry);
        if (r < 0)
                leftover_tried(&m->leftover, m->leftover.n, now);
        m->is_retrying = r >= 0;
}

/* At start, when everything was tried once. Sysctls and oom_score_adj have their own way of trying again. */
static void note_leftover(Manager *m, const ReplayReport *report) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < report->n_results; i++) {
                const ReplayResult *r = &report->results[i];
                n += r->outcome == UNDO_FAILED && (r->entry.kind == UNDO_CGROUP || r->entry.kind == UNDO_UNIT);
        }
        leftover_begin(&m->leftover, undo_last_serial(m->undo), n, clock_mono_usec());
        if (n > 0)
                log_linef(m->log, LOG_NOTICE, MESSAGE_ID_UNDO,
                          "%" PRIu32 " of that %s tried again, soon at first, then every ten minutes", n,
                          n == 1 ? "is" : "are");
}

/* ---- at start, at the end ---- */

/* Here and now: before the loop runs, or after it. */
static void put_back(Manager *m, bool all) {
        _cleanup_(replay_freep) Replay *replay = NULL;
        ReplayReport report;

        if (undo_count(m->undo) == 0)
                return;
        int r = replay_run(m->undo, &m->undo_host, all, &report, &replay);
        if (r < 0)
                log_linef(m->log, LOG_WARNING, MESSAGE_ID_UNDO,
                          "nothing was put back (%s); it stays in the undo journal", strerrordesc_np(-r));
        else
                log_report(m, &report);
        if (r >= 0 && !all)
                note_leftover(m, &report);
        for (uint32_t i = 0; r >= 0 && !all && i < report.n_results; i++)
                if (report.results[i].outcome == UNDO_RESTORED)
                        manager_adjust_replayed(m, &report.results[i].entry);
}

/* In the runtime directory, whose lock is ours. */
static int open_journal(Manager *m) {
        int complaint = 0;

        m->undo_dir_fd = open(m->runtime.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (m->undo_dir_fd < 0)
                return -errno;
        int r = undo_open(m->undo_dir_fd, &complaint, &m->undo);
        if (r < 0)
                return r;
        if (complaint < 0)
                log_linef(
                        m->log, LOG_WARNING, MESSAGE_ID_UNDO,
                        "the undo journal was not understood (%s): set aside as %s/undo.bad, nothing is put back from it",
                        strerrordesc_np(-complaint), m->runtime.path);
        return 0;
}

/**
 * manager_open_undo() - open the undo journal and put back what an earlier daemon left
 *
 * After runtime_dir_acquire() and before anything on the host is changed. Without a place for it (a captured root, a
 * directory that is not ours) there is one in memory only. A dry run by command line puts nothing back unasked.
 *
 * Return: 0 or negative errno from the journal in memory.
 */
int manager_open_undo(Manager *m) {
        m->undo_host = (UndoHost){
                .root_fd = m->root_fd,
                .cgroup_fd = sense_cgroup_root_fd(m->sense),
                .set_unit_property = systemd_set_unit_property,
                .get_unit_property = systemd_get_unit_property,
        };
        int r = !m->is_live ? -EROFS : m->runtime.lock_fd < 0 ? -EBUSY : open_journal(m);
        if (r >= 0) {
                if (!m->options.dry_run)
                        put_back(m, /* all= */ false);
                else if (undo_count(m->undo) > 0)
                        log_linef(m->log, LOG_NOTICE, MESSAGE_ID_UNDO,
                                  "an earlier headroomd has left %" PRIu32
                                  " changes, which a dry run leaves as they are; headroomctl release puts them back",
                                  undo_count(m->undo));
                return 0;
        }
        if (!m->options.dry_run && m->is_live)
                log_linef(
                        m->log, LOG_WARNING, NULL,
                        "no undo journal (%s): what the ladder changes is put back at an orderly end, but not after a crash",
                        strerrordesc_np(-r));
        return undo_new_volatile(&m->undo);
}

/*
 * An orderly end: nothing that we have changed outlives us. What is under way is broken off first; but not what is tried
 * again, which may wait for the service manager for longer than it lets us: what is ours is put back before that.
 */
void manager_close_undo(Manager *m) {
        m->replay = replay_free(m->replay);
        m->measures = measures_free(m->measures);
        if (m->undo && !m->options.dry_run)
                put_back(m, /* all= */ true);
        m->retry = replay_free(m->retry);
        m->undo = undo_free(m->undo);
        m->undo_dir_fd = fd_close(m->undo_dir_fd);
}

/* ---- headroomctl release ---- */

static void on_released(void *userdata, const ReplayReport *report) {
        Manager *m = userdata;

        m->is_releasing = false;
        log_report(m, report);
        manager_void_measures(m);
        manager_adjust_released(m);
        manager_sysctl_released(m);
        m->measure_pause_usec = u64_add_sat(clock_mono_usec(), RELEASE_PAUSE_USEC);
        char *line = status_release(report);
        if (m->control && line)
                (void)control_answer_waiting(m->control, line);
        free(line);
}

/**
 * manager_release() - put everything back, now, and pause the ladder
 *
 * Begins; who asked gets the answer when it is done. Until then, and for a minute after, no measure is begun: the
 * operator who releases does not want to see the same cgroup throttled a second later. A reload ends the pause.
 *
 * Return: 0; negative errno where it could not even begin.
 */
int manager_release(Manager *m) {
        if (m->is_releasing)
                return 0;
        m->replay = replay_free(m->replay);
        int r = replay_start(m->event, PRIORITY_CONTROL, m->undo, &m->undo_host, /* all= */ true, on_released, m,
                             &m->replay);
        if (r < 0)
                return r;
        m->is_releasing = true;
        log_linef(m->log, LOG_NOTICE, MESSAGE_ID_UNDO,
                  "release by hand: everything is put back, and no step below the kill is taken for a minute");
        return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the decision core is given goes into the trace as it is: each sample with what was made of it, the second look
 * before a kill, what was cancelled. A replay makes the same calls with the same arguments.
 *
 * When: a sample is encoded when the tick is over, after the signal, unless sense is about to overwrite it: then right
 * before the next one is taken. That is memory only, and it does not allocate.
 *
 * Where: the recorder opens its place by itself; until it is known how that went, records wait in its ring.
 */

#include "daemon/manager-record.h"

#include <string.h>
#include <syslog.h>

#include "base/pages.h"
#include "daemon/clock.h"
#include "daemon/record-facts.h"
#include "daemon/recorder.h"
#include "sense/sense.h"
#include "trace/start.h"

/* A start waits this long for the place to be opened, to say so at once: no guard is late for a disk that hangs. */
#define START_WAIT_USEC (2 * USEC_PER_SEC)
/* A host that is never calm has its details recorded all the same, at this fraction of the pace. */
#define OVERDUE_FACTOR 6
/* CLOCK_BOOTTIME counts while the host sleeps, CLOCK_MONOTONIC does not. */
#define SLEEP_MIN_USEC USEC_PER_SEC

struct RecordRun {
        Recorder *recorder;
        RecordPolicy policy; /* as in force */
        bool is_opening;     /* nothing was said yet of how that went */
        uint64_t detail_due_usec, slept_usec;
        RecordFacts facts;

        TraceRecord sample; /* of the latest round, while it is pending */
        bool is_pending;
        TraceRecord look;   /* the second look, its snapshot's arrays sense's */
        bool has_look;
        TraceRecord cancel;
        bool has_cancel;
        TraceRecord other;

        uint64_t n_disk_errors_told, n_lost_told, lost_told_usec;
};

/* ---- records outside of a tick ---- */

static void put(RecordRun *run, TraceRecord *record, bool is_urgent) {
        (void)recorder_put(run->recorder, record, is_urgent);
}

static TraceRecord *record_begin(RecordRun *run, TraceKind kind) {
        run->other.kind = kind;
        run->other.snap.mono_usec = clock_mono_usec();
        run->other.snap.real_usec = clock_real_usec();
        return &run->other;
}

static void put_start(Manager *m) {
        RecordRun *run = m->record;
        TraceRecord *r = record_begin(run, TRACE_START);
        TraceStart *s = &r->start;

        trace_start_read(m->root_fd, m->is_live, s);
        s->mono_usec = r->snap.mono_usec;
        s->real_usec = r->snap.real_usec;
        s->interval_usec = MIN(run->policy.interval_usec, m->policy->daemon.interval_max_usec);
        s->detail_interval_usec = run->policy.detail_interval_usec;
        s->max_domains = DOMAINS_MAX;
        s->max_cgroups = SNAPSHOT_CGROUPS_MAX;
        s->max_processes = SNAPSHOT_PROCESSES_MAX;
        s->decides = true;
        s->dry_run = m->policy->daemon.dry_run;
        put(run, r, /* is_urgent= */ false);
}

/* The policy as in force: a dry run that was asked for on the command line is part of its text, and of its hash. */
static void put_policy(Manager *m) {
        TraceRecord *r = record_begin(m->record, TRACE_POLICY);
        _cleanup_free_ char *text = NULL;

        r->policy = (TracePolicy){ 0 };
        int k = policy_to_text(m->policy, &text, &r->policy.n, &r->policy.hash);
        if (k < 0) {
                log_linef(m->log, LOG_WARNING, NULL, "the policy is not in the trace: %s", strerrordesc_np(-k));
                return;
        }
        r->policy.text = text;
        put(m->record, r, /* is_urgent= */ true);
        r->policy = (TracePolicy){ 0 };
}

/* ---- life ---- */

/* Without waiting for what the recorder has still to write. */
static RecordRun *run_free(RecordRun *run) {
        if (!run)
                return NULL;
        run->recorder = recorder_leave(run->recorder);
        record_facts_done(&run->facts);
        return pages_free(run, sizeof(*run));
}
DEFINE_TRIVIAL_CLEANUP(RecordRun, run_free)

static uint64_t slept_usec(void) {
        return u64_sub_sat(clock_usec(CLOCK_BOOTTIME), clock_mono_usec());
}

static bool wants_cmdline(const Manager *m) {
        return m->policy->daemon.record.cmdline || (m->policy->rule_fields >> RULE_CMDLINE & 1);
}

static int run_new(Manager *m) {
        _cleanup_(run_freep) RecordRun *run = pages_new(sizeof(*run));
        const RecordPolicy *policy = &m->policy->daemon.record;

        if (!run)
                return -ENOMEM;
        run->policy = *policy;
        run->is_opening = true;
        run->slept_usec = slept_usec();
        int r = record_facts_init(&run->facts, SNAPSHOT_PROCESSES_MAX, wants_cmdline(m));
        if (r >= 0 && m->is_live)
                r = sense_want_peaks(m->sense, true);
        if (r < 0)
                return r;
        const RecorderOptions o = {
                .encoder = { .max_cgroups = SNAPSHOT_CGROUPS_MAX, .max_processes = SNAPSHOT_PROCESSES_MAX },
                .place = { .path = m->options.record ? m->options.record : run->policy.directory,
                           .is_option = m->options.record },
                .file_bytes_max = policy->file_bytes,
                .total_bytes_max = policy->total_bytes,
                .after = TAKE_PTR(m->ending),
        };
        r = recorder_new(&o, &run->recorder);
        if (r < 0)
                return r;
        m->record = TAKE_PTR(run);
        put_start(m);
        put_policy(m);
        return 0;
}

static bool is_wanted(const Manager *m) {
        /* the configuration of a captured tree speaks of another host's disk */
        return m->options.record || (m->is_live && m->policy->daemon.record.enabled);
}

static void say_where(Manager *m, int r) {
        const char *where = m->options.record ? m->options.record : m->policy->daemon.record.directory;
        TextBuf *b = log_begin(m->log, r < 0 ? LOG_WARNING : LOG_INFO, NULL);

        text_append(b, r < 0 ? "nothing is recorded, " : "recording to ");
        text_append_escaped(b, where);
        if (r < 0)
                text_appendf(b, ": %s", r == -EBUSY ? "another headroomd records there" : strerrordesc_np(-r));
        log_commit(m->log);
}

static void drop(Manager *m) {
        m->record = run_free(m->record);
        if (m->sense)
                (void)sense_want_peaks(m->sense, false);
}

/* What became of the opening, once it is known; what was taken down for a place that there is not goes. */
static int settle_opening(Manager *m) {
        int r = recorder_opened(m->record->recorder);

        if (!m->record->is_opening || r == -EINPROGRESS)
                return 0;
        m->record->is_opening = false;
        say_where(m, r);
        if (r < 0)
                drop(m);
        return r;
}

static int begin(Manager *m) {
        int r = run_new(m);

        if (r >= 0)
                return 0;
        say_where(m, r);
        drop(m);
        return r;
}

int manager_record_start(Manager *m) {
        if (!is_wanted(m))
                return 0;
        int r = begin(m);
        if (r >= 0) {
                (void)recorder_wait(m->record->recorder, m->options.record ? USEC_INFINITY : START_WAIT_USEC);
                r = settle_opening(m);
        }
        /* A guard that does not start since its diary is missing would be worse than one without. */
        return m->options.record ? r : 0;
}

void manager_record_stop(Manager *m) {
        if (m->record) {
                put(m->record, record_begin(m->record, TRACE_END), /* is_urgent= */ true);
                m->record->recorder = recorder_free(m->record->recorder);
                drop(m);
        }
        m->ending = recorder_free(m->ending);
}

/* What was asked for on the command line goes on as it began: to open one file anew would be to empty it. */
static bool goes_on(const Manager *m) {
        const RecordPolicy *a = &m->record->policy, *b = &m->policy->daemon.record;

        if (m->options.record)
                return true;
        return is_wanted(m) && a->interval_usec == b->interval_usec && a->detail_interval_usec == b->detail_interval_usec &&
               a->file_bytes == b->file_bytes && a->total_bytes == b->total_bytes &&
               strcmp(a->directory, b->directory) == 0;
}

/*
 * A new policy and a new decision state; where the settings of the recorder have changed as well, a new trace. Nothing
 * is waited for: the old one is ended, and the new one opened, on the recorders' threads.
 */
void manager_record_reload(Manager *m) {
        RecordRun *run = m->record;

        if (run && goes_on(m)) {
                record_facts_want_cmdline(&run->facts, wants_cmdline(m));
                put_policy(m);
                return;
        }
        if (run) {
                put(run, record_begin(run, TRACE_END), /* is_urgent= */ true);
                m->ending = TAKE_PTR(run->recorder);
                recorder_end(m->ending);
                drop(m);
        }
        if (is_wanted(m))
                (void)begin(m);
}

bool manager_record_stats(const Manager *m, RecorderStats *ret) {
        if (m->record)
                recorder_stats(m->record->recorder, ret);
        return m->record;
}

/* ---- what it wants ---- */

/*
 * Reading everything takes milliseconds: not in a tick that something woke us for, which may be the one that counts,
 * and not while a limit is near, when the decision core asks for what it needs by itself.
 */
uint32_t manager_record_detail(const Manager *m) {
        const RecordRun *run = m->record;

        if (!run || m->tick_usec < run->detail_due_usec)
                return 0;
        bool is_overdue = m->tick_usec - run->detail_due_usec >= OVERDUE_FACTOR * run->policy.detail_interval_usec;
        if (!is_overdue && (m->was_woken || (m->n_rounds > 0 && !manager_is_calm(m))))
                return 0;
        return DETAIL_RECORD;
}

uint64_t manager_record_interval(const Manager *m) {
        return m->record ? m->record->policy.interval_usec : USEC_INFINITY;
}

/* ---- the tick ---- */

static void put_sample(Manager *m) {
        RecordRun *run = m->record;
        uint64_t begin = clock_mono_usec();

        run->is_pending = false;
        run->sample.kind = TRACE_SAMPLE;
        run->sample.snap = m->snap;
        run->sample.has_decision = true;
        put(run, &run->sample, /* is_urgent= */ run->sample.decision.has_kill);
        meter_add(&m->stats.record, clock_mono_usec() - begin);
}

void manager_record_before_round(Manager *m) {
        if (m->record && m->record->is_pending)
                put_sample(m);
}

/* A cheap sample leaves the arrays of one with all cgroups as they are: that can wait until the signal is out. */
void manager_record_before_look(Manager *m) {
        if (m->record && m->record->is_pending && !(m->snap.detail & DETAIL_ANY_CGROUPS))
                put_sample(m);
}

/* What is done with @d afterwards changes it (ids, a kill that is not confirmed): its digest is taken here. */
void manager_record_round(Manager *m, const Decision *d) {
        RecordRun *run = m->record;

        if (!run)
                return;
        trace_decision_from(d, &run->sample.decision);
        run->is_pending = true;
        /* whatever further rounds of this tick look at: else the next tick would read everything again */
        if ((m->snap.detail & DETAIL_CGROUPS) && (m->snap.detail & DETAIL_ANY_STATS) && (m->snap.detail & DETAIL_ANY_PROCESSES))
                run->detail_due_usec = m->tick_usec + run->policy.detail_interval_usec;
}

void manager_record_confirm(Manager *m, const Snapshot *snap, uint64_t kill_id, Hold answer) {
        RecordRun *run = m->record;

        if (!run)
                return;
        run->look.kind = TRACE_CONFIRM;
        run->look.snap = *snap;
        run->look.kill_id = kill_id;
        run->look.hold = answer;
        run->has_look = true;
}

void manager_record_cancel(Manager *m, uint64_t kill_id, Hold why) {
        RecordRun *run = m->record;

        if (!run)
                return;
        run->cancel.kind = TRACE_CANCEL;
        run->cancel.snap.mono_usec = m->snap.mono_usec;
        run->cancel.snap.real_usec = m->snap.real_usec;
        run->cancel.kill_id = kill_id;
        run->cancel.hold = why;
        run->has_cancel = true;
}

/* The host was asleep: rates over that time mean nothing. */
static void note_sleep(Manager *m) {
        RecordRun *run = m->record;
        uint64_t now = slept_usec();

        if (now - run->slept_usec >= SLEEP_MIN_USEC && now > run->slept_usec) {
                TraceRecord *r = record_begin(run, TRACE_GAP);
                r->n_lost = 0;
                put(run, r, /* is_urgent= */ false);
        }
        run->slept_usec = now;
}

static void tell_troubles(Manager *m) {
        RecordRun *run = m->record;
        uint64_t now = m->tick_usec;
        RecorderStats s;

        recorder_stats(run->recorder, &s);
        if (s.n_disk_errors > 0 && run->n_disk_errors_told == 0)
                log_linef(m->log, LOG_WARNING, NULL, "the trace cannot be written (%s): it has a gap, tried again each minute",
                          strerrordesc_np(-s.disk_error));
        run->n_disk_errors_told = s.n_disk_errors;
        if (s.n_lost > run->n_lost_told && (run->lost_told_usec == 0 || now - run->lost_told_usec >= 60 * USEC_PER_SEC)) {
                log_linef(m->log, LOG_WARNING, NULL, "%llu records are missing in the trace: the disk does not keep up",
                          (unsigned long long)(s.n_lost - run->n_lost_told));
                run->n_lost_told = s.n_lost;
                run->lost_told_usec = now;
        }
}

/* After the signal, if there was one. */
void manager_record_tick(Manager *m) {
        RecordRun *run = m->record;

        if (!run || settle_opening(m) < 0)
                return;
        if (run->is_pending)
                put_sample(m);
        if (run->has_look)
                put(run, &run->look, /* is_urgent= */ true);
        if (run->has_cancel)
                put(run, &run->cancel, /* is_urgent= */ true);
        run->has_look = run->has_cancel = false;
        note_sleep(m);
        if (m->n_rounds > 0)
                record_facts_see(&run->facts, &m->snap);
        if (m->n_rounds > 0 && manager_is_calm(m))
                record_facts_tell(&run->facts, m->sense, run->recorder, &run->other, m->tick_usec);
        tell_troubles(m);
}

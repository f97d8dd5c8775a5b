/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What is said of the steps below the kill. What begins, what is put back and what fails has an entry of its own;
 * an adjusted throttle has none, and of rounds of reclaim, which may come every second for minutes, the first has
 * one, and then all of them together from time to time and at their end.
 */

#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "base/units.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "report/measure.h"

/* A series of rounds is over when none came for the first; while it goes on it is summed up at the second pace. */
#define SERIES_END_USEC   (5 * USEC_PER_SEC)
#define SERIES_AGAIN_USEC (10 * USEC_PER_SEC)
/* Proactive reclaim is no event, and goes on for ever. */
#define SERIES_PROACTIVE_END_USEC   (60 * USEC_PER_SEC)
#define SERIES_PROACTIVE_AGAIN_USEC (3600 * USEC_PER_SEC)
/* The same step failing for the same reason again and again is said this often. */
#define FAILED_AGAIN_USEC (30 * USEC_PER_SEC)

static const char *or_unknown(const char *name) {
        return name ? name : "?";
}

static ReliefSeries *series_of(Manager *m, const Measure *measure) {
        switch (measure->step) {
        case STEP_RECLAIM:
                return &m->series[0][measure->is_proactive];
        case STEP_PAGEOUT:
                return &m->series[1][measure->is_proactive];
        default:
                return NULL;
        }
}

/* ---- entries ---- */

static void fields_of_measure(Manager *m, const Measure *measure) {
        Log *l = m->log;

        log_fieldf(l, "HEADROOM_MEASURE_ID", "%" PRIu64, measure->measure_id);
        log_fieldf(l, "HEADROOM_STEP", "%s", or_unknown(step_to_string(measure->step)));
        log_fieldf(l, "HEADROOM_VERB", "%s", or_unknown(measure_verb_to_string(measure->verb)));
        log_fieldf(l, "HEADROOM_LEVEL", "%s", or_unknown(level_to_string(measure->level)));
        log_fieldf(l, "HEADROOM_REASON", "%s", or_unknown(reason_to_string(measure->reason)));
        manager_log_domain_fields(m, measure->domain_path, measure->policy_name);
        if (measure->verb != MEASURE_RELEASE)
                log_fieldf(l, "HEADROOM_VALUE", "%" PRIu64, measure->value);
        else
                log_fieldf(l, "HEADROOM_END", "%s", or_unknown(measure_end_to_string(measure->end)));
        if (measure->step == STEP_THROTTLE && measure->old_value == CGROUP_NO_LIMIT)
                log_fieldf(l, "HEADROOM_OLD_VALUE", "max");
        else if (measure->step == STEP_THROTTLE)
                log_fieldf(l, "HEADROOM_OLD_VALUE", "%" PRIu64, measure->old_value);
        if (measure->pid > 0)
                log_fieldf(l, "HEADROOM_PID", "%" PRId32, measure->pid);
        if (measure->step == STEP_TRIM)
                return;
        text_append_escaped(log_field(l, "HEADROOM_CGROUP"), measure->cgroup_path);
        manager_log_unit_fields(m, measure->cgroup_path);
}

static void log_asked(Manager *m, const Measure *measure) {
        TextBuf *b = log_begin(m->log, measure->verb == MEASURE_BEGIN ? LOG_NOTICE : LOG_INFO,
                               measure->dry_run ? MESSAGE_ID_WOULD_MEASURE : MESSAGE_ID_MEASURE);
        line_append_measure(b, measure);
        fields_of_measure(m, measure);
        log_commit(m->log);
}

static void log_answered(Manager *m, const Measure *measure, const MeasureStatus *s, const BookEntry *e) {
        bool failed = measure_has_failed(measure, s);

        TextBuf *b = log_begin(m->log, failed ? LOG_WARNING : LOG_INFO,
                               failed ? MESSAGE_ID_MEASURE_FAILED : MESSAGE_ID_MEASURE_END);
        line_append_measure_end(b, measure, s);
        fields_of_measure(m, measure);
        log_fieldf(m->log, "HEADROOM_BY", "%s", s->by_manager || (e && e->by_manager) ? "manager" : "cgroup");
        log_fieldf(m->log, "HEADROOM_RUN_USEC", "%" PRIu64, s->run_usec);
        if (s->error < 0)
                log_fieldf(m->log, "HEADROOM_ERROR", "%s", or_unknown(strerrorname_np(-s->error)));
        if (e && e->n_adjusts > 0)
                log_fieldf(m->log, "HEADROOM_ADJUSTS", "%" PRIu32, e->n_adjusts);
        log_commit(m->log);
}

static bool failure_is_new(Manager *m, Step step, int error) {
        uint64_t now = m->snap.mono_usec;

        if ((size_t)step >= _STEP_MAX)
                return false;
        if (m->measure_failures[step].error == error &&
            u64_sub_sat(now, m->measure_failures[step].usec) < FAILED_AGAIN_USEC)
                return false;
        m->measure_failures[step].error = error;
        m->measure_failures[step].usec = now;
        return true;
}

/* ---- rounds of reclaim ---- */

static void log_series(Manager *m, ReliefSeries *s, const char *name, bool is_proactive) {
        TextBuf *b = log_begin(m->log, LOG_INFO, MESSAGE_ID_MEASURE_END);
        text_appendf(b, "%s%s: ", is_proactive ? "proactive " : "", name);
        units_append_bytes(b, s->done_bytes);
        text_appendf(b, " in %" PRIu32 " %s over ", s->n_rounds, s->n_rounds == 1 ? "round" : "rounds");
        units_append_usec(b, u64_sub_sat(s->last_usec, s->begin_usec));
        if (s->n_short > 0)
                text_appendf(b, ", less than asked for in %" PRIu32 " of them", s->n_short);
        log_fieldf(m->log, "HEADROOM_STEP", "%s", name);
        log_fieldf(m->log, "HEADROOM_DONE_BYTES", "%" PRIu64, s->done_bytes);
        log_fieldf(m->log, "HEADROOM_ROUNDS", "%" PRIu32, s->n_rounds);
        log_commit(m->log);
}

static void series_add(ReliefSeries *series, const MeasureStatus *s) {
        if (series->begin_usec == 0)
                series->begin_usec = series->said_usec = MAX(u64_sub_sat(s->ended_usec, s->run_usec), UINT64_C(1));
        series->last_usec = MAX(series->last_usec, s->ended_usec);
        series->done_bytes = u64_add_sat(series->done_bytes, s->done_bytes);
        series->n_rounds++;
        series->n_short += s->error < 0;
}

static void series_check(Manager *m, Step step, bool is_proactive) {
        ReliefSeries *s = &m->series[step == STEP_PAGEOUT][is_proactive];
        uint64_t now = m->snap.mono_usec, quiet = u64_sub_sat(now, s->last_usec);
        uint64_t again = is_proactive ? SERIES_PROACTIVE_AGAIN_USEC : SERIES_AGAIN_USEC;

        if (s->begin_usec == 0)
                return;
        bool is_over = quiet >= (is_proactive ? SERIES_PROACTIVE_END_USEC : SERIES_END_USEC);
        if (!is_over && u64_sub_sat(now, s->said_usec) < again)
                return;
        if (s->n_rounds > 0)
                log_series(m, s, or_unknown(step_to_string(step)), is_proactive);
        if (is_over)
                *s = (ReliefSeries){ 0 };
        else
                *s = (ReliefSeries){ .begin_usec = now, .said_usec = now, .last_usec = s->last_usec };
}

/* ---- what has a line ---- */

static void tell_asked(Manager *m, const Measure *measure, int result) {
        const ReliefSeries *series = series_of(m, measure);

        if (result < 0) {
                const MeasureStatus s = { .verb = measure->verb, .error = result, .ended_usec = m->snap.mono_usec };
                /* Of the pause after a release by hand, and of what it released, the operator knows. */
                if (result != -EBUSY && result != -ESTALE && failure_is_new(m, measure->step, result))
                        log_answered(m, measure, &s, /* e= */ NULL);
                return;
        }
        if (measure->verb != MEASURE_BEGIN || (series && (series->begin_usec > 0 || measure->is_proactive)))
                return;
        log_asked(m, measure);
}

static void tell_answered(Manager *m, const MeasureNews *news) {
        const Measure *measure = &news->entry.measure;
        const MeasureStatus *s = &news->status;
        ReliefSeries *series = series_of(m, measure);
        bool failed = measure_has_failed(measure, s);

        if (series && (!failed || s->error == -EAGAIN))
                series_add(series, s);
        else if (failed) {
                if (failure_is_new(m, measure->step, s->error))
                        log_answered(m, measure, s, &news->entry);
        } else if (measure->verb == MEASURE_RELEASE ||
                   (measure->verb == MEASURE_BEGIN && measure->step != STEP_TRIM && !measure->dry_run))
                log_answered(m, measure, s, &news->entry);
}

void manager_log_measures(Manager *m) {
        for (uint32_t i = 0; i < m->n_rounds; i++)
                for (uint32_t k = 0; k < MIN(m->rounds[i]->n_measures, (uint32_t)MEASURES_MAX); k++)
                        tell_asked(m, &m->rounds[i]->measures[k], m->measure_results[i][k]);
        for (uint32_t i = 0; i < m->n_news; i++)
                tell_answered(m, &m->news[i]);
        m->n_news = 0;
        for (unsigned proactive = 0; proactive < 2; proactive++) {
                series_check(m, STEP_RECLAIM, proactive);
                series_check(m, STEP_PAGEOUT, proactive);
        }
}

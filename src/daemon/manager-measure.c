/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The steps below the kill, from the daemon's side: what the decision asks for goes to act's own thread (or to the
 * bus, for trim), and what comes back is told to the state with the next step. See measure-book.h for who is told
 * what, and manager-log-measure.c for what is said.
 */

#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>

#include "base/pages.h"
#include "daemon/clock.h"
#include "daemon/manager.h"

/* What low-memory-monitor takes as the highest level. */
#define TRIM_LEVEL_MAX UINT64_C(255)

static void take_answer(Manager *m, const MeasureStatus *s) {
        MeasureNews *news = &m->news[MIN(m->n_news, (uint32_t)MEASURE_NEWS_MAX - 1)];

        if (!measure_book_answer(m->book, s, &news->entry))
                return;
        news->status = *s;
        meter_add(&m->stats.measure_run, s->run_usec);
        m->stats.n_measures_failed += s->error < 0 && s->error != -EAGAIN;
        /* Of a void one the line that tells of the release by hand has been written already. */
        if (!(news->entry.is_own && news->entry.is_void) && m->n_news < MEASURE_NEWS_MAX)
                m->n_news++;
}

/* ---- the bus ---- */

static void on_trimmed(void *userdata, const MeasureStatus *s) {
        Manager *m = userdata;
        MeasureStatus status = *s;

        /* Why there is no bus is said where it is noticed; for the step it means that there is nobody to ask. */
        if (s->error < 0 && s->error != -EADDRINUSE && s->error != -EACCES)
                status.error = -EOPNOTSUPP;
        take_answer(m, &status);
        manager_wake(m);
}

static void on_bus_changed(void *userdata, int error) {
        Manager *m = userdata;

        if (error < 0)
                log_linef(m->log, LOG_NOTICE, NULL, "trim: %s; programs are not asked to shrink, the other steps go on",
                          error == -EADDRINUSE ? "another program owns " BUS_NAME " (low-memory-monitor?)"
                          : error == -EACCES   ? "the system bus does not let us own " BUS_NAME
                                               : "the system bus is not there or does not answer");
        else
                log_linef(m->log, LOG_INFO, NULL, "trim: programs that listen to " BUS_NAME " are asked to shrink");
}

/* Only where some policy asks for it: a connection costs memory. */
static void open_bus(Manager *m) {
        const BusCallbacks callbacks = { .userdata = m, .answered = on_trimmed, .changed = on_bus_changed };
        bool is_wanted = false;

        for (uint32_t i = 0; i < m->policy->n_cgroups; i++)
                for (Level l = LEVEL_WARN; l < _LEVEL_MAX; l++)
                        is_wanted |= (m->policy->cgroups[i].levels[l].steps & STEP_BIT(STEP_TRIM)) != 0;
        if (!is_wanted || m->policy->daemon.dry_run || !m->is_live) {
                m->bus = bus_free(m->bus);
                return;
        }
        int r = m->bus ? 0 : bus_new(m->event, PRIORITY_CONTROL, &callbacks, &m->bus);
        if (r < 0)
                log_linef(m->log, LOG_NOTICE, NULL, "trim: no connection to the system bus (%s)", strerrordesc_np(-r));
}

static int trim(Manager *m, const Measure *measure) {
        uint64_t now = clock_mono_usec();

        if (measure->dry_run || !m->bus) {
                const MeasureStatus s = { .measure_id = measure->measure_id,
                                          .error = measure->dry_run ? 0 : -EOPNOTSUPP,
                                          .ended_usec = now };
                take_answer(m, &s);
                return 0;
        }
        return bus_trim(m->bus, measure->measure_id, (uint8_t)MIN(measure->value, TRIM_LEVEL_MAX), now);
}

/* ---- what the decision asks for ---- */

static int submit(Manager *m, BookEntry *e) {
        int r = e->measure.step == STEP_TRIM ? trim(m, &e->measure) : measures_submit(m->measures, &e->measure);
        if (r < 0)
                measure_book_revoke(m->book, e);
        return r;
}

static bool is_paused(const Manager *m) {
        return m->is_releasing || m->tick_usec < m->measure_pause_usec;
}

static int carry_out(Manager *m, const Measure *measure) {
        BookEntry *e = NULL;
        uint64_t now = clock_mono_usec();

        /* While everything is put back by hand nothing may be begun that it would miss. */
        if (measure->verb == MEASURE_BEGIN && is_paused(m)) {
                measure_book_make_up(m->book, measure->measure_id, measure->verb, -EBUSY, now);
                return -EBUSY;
        }
        int r = measure_book_enter(m->book, measure, now, &e);
        if (r >= 0)
                r = submit(m, e);
        if (r < 0)
                measure_book_make_up(m->book, measure->measure_id, measure->verb, r, now);
        m->stats.n_measures += r >= 0;
        m->stats.n_measures_failed += r < 0 && r != -ESTALE;
        return r;
}

/**
 * manager_carry_out() - hand over what the rounds of this tick ask for
 *
 * Never waits, and says nothing yet.
 */
void manager_carry_out(Manager *m) {
        for (uint32_t i = 0; i < m->n_rounds; i++)
                for (uint32_t k = 0; k < MIN(m->rounds[i]->n_measures, (uint32_t)MEASURES_MAX); k++)
                        m->measure_results[i][k] = carry_out(m, &m->rounds[i]->measures[k]);
}

/* ---- what came back ---- */

/**
 * manager_poll_measures() - collect answers, release what nobody holds any more
 *
 * At the beginning of a tick. Breaks off what has passed its limit.
 */
void manager_poll_measures(Manager *m) {
        MeasureStatus statuses[BOOK_ANSWERS_MAX];
        uint64_t now = clock_mono_usec();

        if (m->replay && !m->is_releasing)
                m->replay = replay_free(m->replay);
        uint32_t n = measures_collect(m->measures, now, statuses, measure_book_room(m->book));
        for (uint32_t i = 0; i < n; i++)
                take_answer(m, &statuses[i]);
        for (BookEntry *e; (e = measure_book_next_release(m->book, now));) {
                int r = submit(m, e);
                if (r >= 0)
                        continue;
                e->retry_usec = now + BOOK_RETRY_USEC;
        }
}

/* What has ended is told to the state once, in the first round of a tick. */
void manager_tell_measures(Manager *m, Snapshot *snap) {
        snap->n_measures = measure_book_answers(m->book, snap->measures);
}

void manager_told_measures(Manager *m, uint32_t n) {
        measure_book_told(m->book, n);
}

void manager_void_measures(Manager *m) {
        measure_book_void(m->book);
        manager_wake(m);
}

/* A new policy: what the old one holds is let go, a pause after a release by hand is over. */
void manager_renew_measures(Manager *m) {
        if (!m->book) /* at start, before manager_open_measures() */
                return;
        measure_book_new_state(m->book);
        m->measure_pause_usec = 0;
        open_bus(m);
}

/* ---- life ---- */

static int on_measures(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        (void)s;
        (void)fd;
        (void)events;
        /* Edge-triggered: the tick collects. */
        manager_wake(userdata);
        return 0;
}

int manager_open_measures(Manager *m) {
        m->act_host = (ActHost){ .root_fd = m->root_fd, .cgroup_fd = sense_cgroup_root_fd(m->sense) };
        m->news = pages_new(MEASURE_NEWS_MAX * sizeof(*m->news));
        if (!m->news)
                return -ENOMEM;
        int r = measure_book_new(&m->book);
        if (r >= 0)
                r = measures_new(&m->act_host, m->undo, &m->measures);
        if (r >= 0)
                r = sd_event_add_io(m->event, &m->measures_io, measures_fd(m->measures), EPOLLIN | EPOLLET, on_measures,
                                    m);
        if (r >= 0)
                r = sd_event_source_set_priority(m->measures_io, PRIORITY_TRIGGER);
        if (r < 0)
                return r;
        open_bus(m);
        return 0;
}

void manager_close_measures(Manager *m) {
        m->bus = bus_free(m->bus);
        m->measures_io = sd_event_source_disable_unref(m->measures_io);
        m->measures = measures_free(m->measures);
        m->book = measure_book_free(m->book);
        m->news = pages_free(m->news, MEASURE_NEWS_MAX * sizeof(*m->news));
}

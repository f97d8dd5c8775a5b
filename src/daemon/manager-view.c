/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a dry run on a terminal prints while nothing happens: what is seen of the host and of the cgroups that
 * are not calm, and who would go first. Often in the beginning, then ever more rarely, so that a dry run that
 * is left alone costs as little as the service.
 */

#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "base/units.h"
#include "daemon/clock.h"
#include "daemon/manager.h"
#include "report/line.h"

#define VIEW_FIRST_USEC (3 * USEC_PER_SEC)
#define VIEW_MAX_USEC   (60 * USEC_PER_SEC)
#define VIEWS_AT_FIRST  5

int manager_explain(Manager *m, uint64_t domain_id) {
        int r = manager_sample(m, DETAIL_PROCESSES | DETAIL_CGROUPS | DETAIL_STATS, &m->snap);
        if (r < 0)
                return r;
        return decide_explain(m->state, &m->snap, domain_id, m->explain);
}

static void append_known(TextBuf *b, const char *name, uint64_t value, void (*append)(TextBuf *b, uint64_t value)) {
        text_append(b, name);
        if (value == UINT64_MAX)
                text_append(b, "?");
        else
                append(b, value);
}

static void view_domain(Manager *m, const DomainView *d) {
        const char *level = level_to_string(d->level);

        TextBuf *b = log_begin(m->log, LOG_INFO, NULL);
        line_append_domain(b, d->path);
        text_appendf(b, ": %s", level ? level : "?");
        append_known(b, ", available ", d->available_bytes, units_append_bytes);
        append_known(b, ", swap free ", d->swap_free_bytes, units_append_bytes);
        append_known(b, ", stalled some ", d->some_permyriad, units_append_share);
        append_known(b, " full ", d->full_permyriad, units_append_share);
        if (d->exhaustion_usec != USEC_INFINITY) {
                text_append(b, ", gone in ");
                units_append_usec(b, d->exhaustion_usec);
        }
        log_commit(m->log);
}

static void view_first(Manager *m) {
        const KillDecision *k = m->explain;

        int r = manager_explain(m, /* domain_id= */ 0);
        if (r < 0)
                return;
        TextBuf *b = log_begin(m->log, LOG_INFO, NULL);
        if (k->n_candidates > 0) {
                text_append(b, "would go first: ");
                line_append_candidate(b, &k->candidates[0]);
                text_appendf(b, " (of %" PRIu32 " considered)", k->n_considered);
        } else
                text_appendf(b, "nobody would go: none of %" PRIu32 " processes is a candidate", k->n_considered);
        log_commit(m->log);
}

static void view(Manager *m) {
        uint32_t n = decide_domains(m->state, m->views, DOMAINS_MAX);

        for (uint32_t i = 0; i < n; i++)
                if (m->views[i].id == 0 || m->views[i].level != LEVEL_CALM)
                        view_domain(m, &m->views[i]);
        view_first(m);
        if (++m->n_views >= VIEWS_AT_FIRST)
                m->view_interval_usec = MIN(m->view_interval_usec * 2, VIEW_MAX_USEC);
}

static int on_view(sd_event_source *s, uint64_t usec, void *userdata) {
        Manager *m = userdata;
        (void)usec;
        view(m);
        int r = sd_event_source_set_time_relative(s, m->view_interval_usec);
        return r < 0 ? r : sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

int manager_start_view(Manager *m) {
        if (!m->options.view || !m->policy->daemon.dry_run)
                return 0;
        m->view_interval_usec = VIEW_FIRST_USEC;
        view(m);
        int r = sd_event_add_time_relative(m->event, &m->view_timer, CLOCK_MONOTONIC, m->view_interval_usec,
                                           USEC_PER_SEC / 10, on_view, m);
        return r < 0 ? r : sd_event_source_set_priority(m->view_timer, PRIORITY_CONTROL);
}

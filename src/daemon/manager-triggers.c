/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * PSI triggers wake a daemon that sleeps for up to a second; once awake it samples by itself. One for the
 * host, one for each monitored cgroup up to TRIGGERS_MAX; those beyond are seen at the next tick. Without the
 * right to short windows (or without PSI) the ticks alone do, at their calm pace.
 */

#include "daemon/manager.h"

#include <sys/epoll.h>
#include <string.h>
#include <syslog.h>

#include "daemon/clock.h"
#include "sense/psi-trigger.h"

/* A stall that short is nobody's business, but it is when memory begins to run short; lmkd uses 70 ms. */
#define STALL_USEC  (70 * USEC_PER_MSEC)
#define WINDOW_USEC USEC_PER_SEC

static void trigger_close(Trigger *t) {
        t->source = sd_event_source_disable_unref(t->source);
        t->fd = fd_close(t->fd);
}

static void trigger_remove(Manager *m, Trigger *t) {
        trigger_close(t);
        *t = m->triggers[--m->n_triggers];
        m->triggers[m->n_triggers] = (Trigger){ .fd = -EBADF };
}

static Trigger *trigger_find(Manager *m, uint64_t id) {
        for (size_t i = 0; i < m->n_triggers; i++)
                if (m->triggers[i].id == id)
                        return &m->triggers[i];
        return NULL;
}

static void want_discovery(Manager *m) {
        if (!m->discover_wanted)
                m->discover_wanted_usec = clock_mono_usec();
        m->discover_wanted = true;
}

static int on_trigger(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        Manager *m = userdata;
        Trigger *t = NULL;
        (void)s;

        for (size_t i = 0; i < m->n_triggers; i++)
                if (m->triggers[i].fd == fd)
                        t = &m->triggers[i];
        if (!t)
                return 0;
        if (events & EPOLLERR) {
                /* The cgroup is gone: the descriptor would poll for ever. */
                trigger_remove(m, t);
                want_discovery(m);
                return 0;
        }
        m->stats.n_trigger_events++;
        /* New cgroups are born together with a shortage. */
        if (t->id == 0)
                want_discovery(m);
        manager_wake(m);
        return 0;
}

static int trigger_add(Manager *m, int dir_fd, const char *name, uint64_t id) {
        Trigger t = { .id = id };
        bool is_rounded = false;

        if (m->n_triggers == TRIGGERS_MAX)
                return -ENOSPC;
        t.fd = psi_trigger_open_at(dir_fd, name, PSI_SOME, STALL_USEC, WINDOW_USEC, &is_rounded);
        if (t.fd < 0)
                return t.fd;
        int r = sd_event_add_io(m->event, &t.source, t.fd, EPOLLPRI, on_trigger, m);
        if (r >= 0)
                r = sd_event_source_set_priority(t.source, PRIORITY_TRIGGER);
        if (r < 0) {
                trigger_close(&t);
                return r;
        }
        m->triggers[m->n_triggers++] = t;
        return 0;
}

static bool is_monitored(uint64_t id, const SenseMonitored *monitored, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (monitored[i].id == id)
                        return true;
        return false;
}

/**
 * manager_sync_triggers() - after a discovery: one trigger for each cgroup that is monitored now
 *
 * A cgroup that was re-created has another id, and so gets a new one. Allocates.
 */
void manager_sync_triggers(Manager *m) {
        const SenseMonitored *monitored;
        size_t n = sense_monitored(m->sense, &monitored);

        if (!m->is_live || !m->policy->daemon.psi_triggers) {
                manager_release_triggers(m);
                return;
        }
        for (size_t i = m->n_triggers; i-- > 0;)
                if (m->triggers[i].id != 0 && !is_monitored(m->triggers[i].id, monitored, n))
                        trigger_remove(m, &m->triggers[i]);
        int r = trigger_find(m, 0) ? 0 : trigger_add(m, m->root_fd, "proc/pressure/memory", 0);
        if (r < 0 && !m->triggers_stated && !(sense_degraded(m->sense) & (1u << DEGRADED_NO_PSI)))
                log_linef(m->log, LOG_NOTICE, NULL, "no pressure trigger for the host (%s): sampling by time alone",
                          strerrordesc_np(-r));
        m->triggers_stated = true;
        for (size_t i = 0; i < n; i++)
                if (monitored[i].id != 0 && !trigger_find(m, monitored[i].id))
                        (void)trigger_add(m, monitored[i].dir_fd, "memory.pressure", monitored[i].id);
}

void manager_release_triggers(Manager *m) {
        while (m->n_triggers > 0)
                trigger_remove(m, &m->triggers[m->n_triggers - 1]);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Manager: owns every stage and runs them, one tick after the other, on one sd-event loop.
 *
 *   manager.c           life, the tick, its timing
 *   manager-kill.c      second look, kill, what came back
 *   manager-log.c       what is said about all that
 *   manager-policy.c    loading and reloading, what the host lacks, discovery
 *   manager-triggers.c  PSI triggers, which wake a sleeping daemon
 *   manager-view.c      the lines that a dry run on a terminal prints
 *
 * Invariant: between the sample that shows a shortage and the signal nothing is allocated, logged or waited for.
 */

#include <systemd/sd-event.h>

#include "act/act.h"
#include "base/macros.h"
#include "config/config.h"
#include "daemon/control.h"
#include "daemon/kill-history.h"
#include "daemon/log.h"
#include "daemon/meter.h"
#include "daemon/runtime-dir.h"
#include "decide/decide.h"
#include "sense/sense.h"

typedef struct ManagerOptions {
        const char *root;       /* "/" or a captured tree */
        const char *config_dir; /* NULL for none */
        bool dry_run;
        bool force;             /* go on although a right is missing */
        bool view;              /* print what is seen */
        uint64_t duration_usec; /* 0: for ever */
} ManagerOptions;

/* One sample, then at most two more with what the decision core asked for. */
#define ROUNDS_MAX 3
/* Caps of one decision state. Domains beyond it are not watched; sense has caps of its own for the rest. */
#define DOMAINS_MAX 512
#define TRIGGERS_MAX 128

/* The kill path goes first, headroomctl last. */
#define PRIORITY_ACT     (-20)
#define PRIORITY_TICK    (-10)
#define PRIORITY_TRIGGER 0
#define PRIORITY_CONTROL 10

typedef struct Trigger {
        uint64_t id; /* cgroup, 0: the host */
        int fd;
        sd_event_source *source;
} Trigger;

typedef struct ManagerStats {
        uint64_t start_usec;
        uint64_t n_ticks, n_trigger_events, n_discoveries, n_sample_errors;
        uint64_t n_kills, n_kills_failed, n_not_confirmed, n_kernel_oom, n_reloads, n_reloads_refused;
        Meter lateness;      /* of the tick's timer, beyond the slack it was given */
        Meter cheap, detail; /* one sample */
        Meter decide;        /* one step */
        Meter tick;          /* all of a tick, without logging */
        Meter kill;          /* from the beginning of the sample to the signal */
} ManagerStats;

typedef struct Manager {
        ManagerOptions options;
        bool is_live;  /* the root is "/": triggers, control socket and kills make sense */
        int root_fd;
        sd_event *event;
        Log *log;
        RuntimeDir runtime;
        Control *control;
        KillHistory *history;
        Sense *sense;
        Act *act;

        Policy *policy;
        void *state_memory;
        size_t state_size;
        DecideState *state;
        uint64_t id_base, id_last; /* act's kill ids = those of the state + id_base: a new state counts from 1 again */
        bool reload_wanted;
        uint64_t reload_wanted_usec;

        sd_event_source *tick_timer, *act_io, *end_timer, *view_timer, *signals[3];
        Trigger triggers[TRIGGERS_MAX];
        size_t n_triggers;
        bool triggers_stated;

        /* the tick */
        Decision *rounds; /* ROUNDS_MAX, of the latest tick; the last one counts */
        uint32_t n_rounds;
        Snapshot snap;    /* of the latest round; its arrays belong to sense */
        KillStatus statuses[KILLS_MAX]; /* for the decision core */
        uint32_t n_statuses;
        ActReport reports[KILLS_MAX];
        uint32_t n_reports;
        uint32_t n_pending;
        uint32_t need;
        uint64_t tick_usec, sample_usec; /* begin of the latest tick, and of its sample */
        uint64_t due_usec, slack_usec;   /* of the next tick; the timer may take the slack */

        /* what is known of the host */
        HostSample host_last;
        bool has_host_last;
        uint32_t degraded_told, peers;
        uint64_t baseline_due_usec, discover_due_usec, discover_usec, discover_spacing_usec;
        bool discover_wanted;

        /* said already */
        Hold held_told;
        uint64_t held_domain_told, held_told_usec;

        uint64_t view_interval_usec;
        uint32_t n_views;
        DomainView *views;     /* DOMAINS_MAX, for whoever looks into the state */
        KillDecision *explain; /* for headroomctl and the view */
        ManagerStats stats;
} Manager;

/* @options is copied, its strings borrowed. -EPERM: not a dry run, and the right to kill is missing; said. */
int manager_new(const ManagerOptions *options, Manager **ret);
Manager *manager_free(Manager *m);
DEFINE_TRIVIAL_CLEANUP(Manager, manager_free)
int manager_run(Manager *m);

/* manager.c */
void manager_tick(Manager *m);
/* Something happened: tick now, or as soon as the spacing of ticks allows. */
void manager_wake(Manager *m);
int manager_sample(Manager *m, uint32_t detail, Snapshot *ret);
bool manager_is_calm(const Manager *m);

/* manager-kill.c */
void manager_poll_act(Manager *m);
const KillRecord *manager_kill(Manager *m, Decision *d);
void manager_settle(Manager *m);

/* manager-log.c */
void manager_log_round(Manager *m, const Decision *d);
void manager_log_kill(Manager *m, const KillRecord *r);
void manager_log_end(Manager *m, const KillRecord *r);
void manager_log_kernel_oom(Manager *m);
void manager_log_complaints(Manager *m);
void manager_log_degraded(Manager *m);
void manager_log_peers(Manager *m, uint32_t peers);
void manager_notify_status(Manager *m);

/* manager-policy.c */
/* Loads the policy and makes a state for it; all or nothing. -EINVAL: it has errors, which were logged. */
int manager_load_policy(Manager *m, bool is_reload);
void manager_release_policy(Manager *m);
void manager_want_reload(Manager *m);
/* Between ticks: a wanted reload, a due discovery. */
void manager_housekeeping(Manager *m);

/* manager-triggers.c */
void manager_sync_triggers(Manager *m);
void manager_release_triggers(Manager *m);

/* manager-view.c */
int manager_start_view(Manager *m);
/* Ranks for domain @domain_id as if it were in trouble, into m->explain; takes a detailed sample into m->snap. */
int manager_explain(Manager *m, uint64_t domain_id);

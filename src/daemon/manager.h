/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Manager: owns every stage and runs them, one tick after the other, on one sd-event loop.
 *
 *   manager.c           life, the tick, its timing
 *   manager-kill.c      second look, kill, what came back
 *   manager-measure.c   the steps below the kill: handing them over, what came back
 *   manager-undo.c      the undo journal: at start, at the end, by hand
 *   manager-log.c       what is said about all that
 *   manager-log-measure.c ... and of the steps below the kill
 *   manager-policy.c    loading and reloading, what the host lacks, discovery
 *   manager-adjust.c    rules with ApplyToKernel=, on processes as they start
 *   manager-sysctl.c    the settings below /proc/sys/vm
 *   manager-record.c    the trace; record-facts.c what processes are called in it
 *   manager-triggers.c  PSI triggers, which wake a sleeping daemon
 *   manager-view.c      the lines that a dry run on a terminal prints
 *
 * Invariant: between the sample that shows a shortage and the signal nothing is allocated, logged or waited for.
 */

#include <systemd/sd-event.h>

#include "act/act.h"
#include "act/adjust.h"
#include "act/measures.h"
#include "act/undo.h"
#include "base/macros.h"
#include "config/config.h"
#include "daemon/bus.h"
#include "daemon/control.h"
#include "daemon/kill-history.h"
#include "daemon/leftover.h"
#include "daemon/log.h"
#include "daemon/measure-book.h"
#include "daemon/meter.h"
#include "daemon/replay.h"
#include "daemon/runtime-dir.h"
#include "decide/decide.h"
#include "sense/sense.h"

typedef struct ManagerOptions {
        const char *root;       /* "/" or a captured tree */
        const char *config_dir; /* NULL for none */
        bool dry_run;
        bool force;             /* go on although a right is missing */
        bool view;              /* print what is seen */
        const char *record;     /* a directory or a file for the trace, whatever the configuration says; NULL */
        uint64_t duration_usec; /* 0: for ever */
} ManagerOptions;

/* One sample, then at most two more with what the decision core asked for. */
#define ROUNDS_MAX 3
/* Caps of one decision state. Domains beyond it are not watched; sense has caps of its own for the rest. */
#define DOMAINS_MAX 512
#define TRIGGERS_MAX 128
/* Of one snapshot; the same as sense's own. A trace says them, so that a replay has the same state. */
#define SNAPSHOT_CGROUPS_MAX   8192
#define SNAPSHOT_PROCESSES_MAX 65536

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

/* An answer that has not been put into the log yet. */
typedef struct MeasureNews {
        BookEntry entry;
        MeasureStatus status;
} MeasureNews;
#define MEASURE_NEWS_MAX 32

/* Rounds of reclaim or pageout, of which the log has one line for many. */
typedef struct ReliefSeries {
        uint64_t begin_usec, said_usec, last_usec; /* begin 0: none goes on */
        uint64_t done_bytes;
        uint32_t n_rounds, n_short; /* short: less was found than asked for */
} ReliefSeries;

typedef struct ManagerStats {
        uint64_t start_usec;
        uint64_t n_ticks, n_trigger_events, n_discoveries, n_sample_errors;
        uint64_t n_measures, n_measures_failed;
        uint64_t n_kills, n_kills_failed, n_not_confirmed, n_kernel_oom, n_reloads, n_reloads_refused;
        Meter lateness;      /* of the tick's timer, beyond the slack it was given */
        Meter after_tick;    /* what follows it before the loop waits again: words, housekeeping */
        Meter discover;      /* of that, looking at the whole cgroup tree anew */
        Meter cheap, detail; /* one sample */
        Meter decide;        /* one step */
        Meter tick;          /* all of a tick, without logging */
        Meter record;        /* encoding one sample for the trace */
        Meter kill;          /* from the beginning of the sample to the signal */
        Meter measure_run;   /* one call of a measure, on its own thread */
        MeterRecent lateness_recent, tick_recent;
} ManagerStats;

typedef struct AdjustRun AdjustRun;
typedef struct SysctlRun SysctlRun;
typedef struct RecordRun RecordRun;
typedef struct Recorder Recorder;

typedef struct Manager {
        ManagerOptions options;
        bool is_live;  /* the root is "/": triggers, control socket and kills make sense */
        int root_fd;
        sd_event *event;
        Log *log;
        RuntimeDir runtime;
        int runtime_error; /* why there is none */
        Control *control;
        KillHistory *history;
        Sense *sense;
        Act *act;
        Undo *undo;         /* what has been changed and must be put back */
        Measures *measures; /* the steps below the kill */
        int undo_dir_fd;
        UndoHost undo_host;
        ActHost act_host;
        Replay *replay;     /* of a release by hand, the latest */
        bool is_releasing;  /* ... which goes on */
        Leftover leftover;  /* what the replay at start could not put back */
        Replay *retry;      /* of that, the latest */
        bool is_retrying;
        Bus *bus;           /* NULL: no policy asks programs to shrink */
        AdjustRun *adjust;  /* NULL: no rule has ApplyToKernel= */
        SysctlRun *sysctl;  /* the settings below /proc/sys/vm */
        RecordRun *record;  /* NULL: nothing is recorded */
        Recorder *ending;   /* the one before it, which may still be writing */

        Policy *policy;
        void *state_memory;
        size_t state_size;
        DecideState *state;
        uint64_t id_base, id_last; /* act's kill ids = those of the state + id_base: a new state counts from 1 again */
        bool reload_wanted;
        uint64_t reload_wanted_usec;

        /* the steps below the kill */
        MeasureBook *book;
        sd_event_source *measures_io;
        int measure_results[ROUNDS_MAX][MEASURES_MAX]; /* of handing them over, in the latest tick */
        MeasureNews *news; /* MEASURE_NEWS_MAX */
        uint32_t n_news;
        ReliefSeries series[2][2]; /* reclaim, pageout; by a level, proactive */
        struct {
                int error;
                uint64_t usec;
        } measure_failures[_STEP_MAX]; /* said already */
        uint64_t measure_pause_usec;   /* none is begun before */

        sd_event_source *tick_timer, *act_io, *end_timer, *view_timer, *signals[3];
        Trigger triggers[TRIGGERS_MAX];
        size_t n_triggers;
        bool triggers_stated;

        /* the tick */
        Decision *rounds[ROUNDS_MAX]; /* of the latest tick; the last one counts, and is @decision */
        Decision *decision; /* of the latest round, in full */
        Decision *earlier;  /* ROUNDS_MAX - 1: what the rounds before it have to say; none has a kill */
        uint32_t n_rounds;
        bool was_woken;   /* the next tick was brought forward */
        Snapshot snap;    /* of the latest round; its arrays belong to sense */
        KillStatus statuses[KILLS_MAX]; /* for the decision core */
        uint32_t n_statuses;
        ActReport reports[KILLS_MAX];
        uint32_t n_reports;
        uint32_t n_pending;
        uint32_t need;
        uint64_t tick_usec, sample_usec; /* begin of the latest tick, and of its sample */
        uint64_t tick_end_usec;          /* when it had been measured: from there on words and housekeeping */
        uint64_t due_usec, slack_usec;   /* of the next tick; the timer may take the slack */

        /* what is known of the host */
        HostSample host_last;
        bool has_host_last;
        uint32_t degraded_told, peers;
        uint64_t baseline_due_usec, discover_due_usec, discover_usec, discover_spacing_usec;
        uint64_t discover_wanted_usec; /* since when: the first second of a shortage is for whoever makes it */
        bool discover_wanted;
        uint32_t discover_vain; /* so many wanted ones in a row found nothing new */

        /* said already */
        Hold held_told;
        uint64_t held_domain_told, held_told_usec;
        uint64_t skipped_told_usec[_STEP_MAX];

        uint64_t view_interval_usec;
        uint32_t n_views;
        DomainView *views;     /* DOMAINS_MAX, for whoever looks into the state */
        KillDecision *explain; /* for headroomctl and the view: the kill of @decision, which is over by then */
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

/* manager-measure.c */
/* After manager_open_undo(). */
int manager_open_measures(Manager *m);
void manager_close_measures(Manager *m);
void manager_renew_measures(Manager *m);
void manager_poll_measures(Manager *m);
void manager_tell_measures(Manager *m, Snapshot *snap);
void manager_told_measures(Manager *m, uint32_t n);
void manager_carry_out(Manager *m);
/* They have all been put back by hand. */
void manager_void_measures(Manager *m);

/* manager-undo.c */
int manager_open_undo(Manager *m);
void manager_close_undo(Manager *m);
int manager_release(Manager *m);
void manager_retry_undo(Manager *m);

/* manager-log-measure.c */
/* What was asked for in this tick, and what was answered since the last. */
void manager_log_measures(Manager *m);

/* manager-log.c */
/* UNIT= and its like of the unit around @cgroup_path, for the entry that is being made. */
void manager_log_unit_fields(Manager *m, const char *cgroup_path);
void manager_log_domain_fields(Manager *m, const char *domain_path, const char *policy_name);
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

/* manager-sysctl.c: [Sysctl] */
/* After a policy was loaded and the journal opened. */
int manager_sysctl_start(Manager *m);
void manager_sysctl_reload(Manager *m);
/* After a release by hand. */
void manager_sysctl_released(Manager *m);
/* Between ticks; looks every ten seconds. */
void manager_sysctl_step(Manager *m);
/* Puts back what Restore= says; before the journal is closed. */
void manager_sysctl_stop(Manager *m);

/* manager-adjust.c: ApplyToKernel= */
/* After a policy was loaded and the journal opened. */
void manager_adjust_start(Manager *m);
/* Gives everything back; before the journal is closed. */
void manager_adjust_stop(Manager *m);
/* An entry that an earlier daemon left was put back. */
void manager_adjust_replayed(Manager *m, const UndoEntry *e);
/* All entries were put back by hand. */
void manager_adjust_released(Manager *m);
void manager_adjust_annotate(Manager *m, Snapshot *snap);
/* "connector" or "scan"; NULL where no rule has ApplyToKernel=, and @ret is untouched. */
const char *manager_adjust_status(const Manager *m, AdjustCounts *ret);

/* manager-triggers.c */
void manager_sync_triggers(Manager *m);
void manager_release_triggers(Manager *m);

/* manager-view.c */
int manager_start_view(Manager *m);
/* Ranks for domain @domain_id as if it were in trouble, into m->explain; takes a detailed sample into m->snap. */
int manager_explain(Manager *m, uint64_t domain_id);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The inside of a PlanSim, for the files sim*.c alone. What each of them does stands at its head. */

#include "decide/decide.h"
#include "plan/sim-demand.h"
#include "plan/sim-memory.h"
#include "plan/sim-supply.h"
#include "plan/sim.h"

#define FLIGHTS_MAX (2 * KILLS_MAX)
#define PENDING_MAX 16
#define SAW_MAX     32
#define HOLDS_MAX   16

/* A kill of the simulation on its way: from the signal until the memory is back. */
typedef struct Flight {
        bool is_used, is_kernel, is_told; /* is_told: the decision state has been told that it is over */
        uint64_t kill_id;
        uint32_t number; /* DemandProcess.killed_by of the victims */
        uint64_t signalled_usec, exit_usec;
        uint64_t freed_bytes;
} Flight;

/* A kill that may turn out not to have been needed. */
typedef struct PendingRegret {
        uint32_t number;
        uint64_t event; /* index in the events */
        uint64_t kill_usec, limit_bytes, floor_bytes;
        uint64_t recovered_usec; /* since when the run without it has been well; 0: not yet */
} PendingRegret;

/* A kill of the record, until it is seen who has ended. */
typedef struct SawKill {
        CandidateKind kind;
        int32_t pid;
        uint64_t start_ticks, usec;
        char cgroup_path[CGROUP_PATH_MAX];
} SawKill;

/* A lasting measure in force. */
typedef struct MeasureHold {
        uint64_t measure_id, cgroup_id, bytes;
} MeasureHold;

/* A process whose demand is not the recorded one. */
typedef struct Touched {
        uint32_t process; /* its index */
        bool is_there;    /* in the record, at s->now_usec */
        uint64_t pages;   /* private ones that it has there then */
        uint32_t monitored; /* the nearest cgroup around it that a policy watches; INDEX_NONE */
} Touched;

#define STALL_BUCKETS 60
#define PLAN_STALL_BOUND_PERMYRIAD UINT64_C(1000)

typedef struct Facts {
        int32_t pid;
        uint64_t start_ticks;
        char *exe, *cmdline;
} Facts;

struct PlanSim {
        PlanQuestion question;
        TraceStart start;
        bool has_start;
        /* policy */
        Policy policy;        /* what decides: a shallow copy that acts, and does not only pretend to */
        Policy *own_policy;   /* parsed from the trace */
        bool has_policy;
        bool is_foreign;      /* not the recorded one: cgroups and processes are matched anew */
        uint64_t recorded_hash;
        void *memory;
        size_t memory_size;
        DecideState *state;
        Decision *decision;
        uint32_t need;
        Facts *facts;
        uint32_t n_facts, room_facts;
        HashIndex facts_index;
        uint32_t facts_slots;
        /* the record */
        Demand demand;
        bool is_exact;        /* the record's own snapshots decide; nothing is different yet */
        bool is_left;         /* it was, and is no more */
        bool goes_on;         /* the latest START was that of a further file of the same recorder */
        bool is_diverged;     /* a kill or measure here is not one there, or the other way round */
        bool has_now;
        uint64_t now_usec;    /* simulated up to here */
        uint64_t delay_usec;  /* until the next look, as the latest decision said */
        uint64_t restless_usec; /* when something was last done, or about to be */
        HostSample host;      /* at now_usec, as recorded */
        HostDemand host_demand; /* the same, taken apart */
        uint64_t real_usec;
        SawKill saws[SAW_MAX];
        uint32_t n_saws;
        bool has_recorded_kill; /* of the latest sample */
        TraceKill recorded_kill;
        bool has_unconfirmed; /* exact: a kill of ours waits for the record's second look */
        /* the other host */
        Supply supply;
        HostMemory host_memory;
        uint64_t psi_some_usec, psi_full_usec, oom_kills;
        uint64_t protected_bytes; /* unused part of memory.min, at the begin of the span */
        DemandChange change;
        Touched *touched;         /* first those that keep their size for all of the span */
        uint32_t n_touched, room_touched, n_still;
        DemandChange still_change; /* what those make out, here and in DemandCgroup.still_pages; if it is summed up */
        bool is_still_summed;
        uint32_t *roots;          /* cgroups that are scaled */
        uint32_t n_roots, room_roots;
        uint32_t *monitored;      /* cgroups that a policy watches: those of a cheap sample */
        uint32_t n_monitored, room_monitored;
        uint32_t *limited;        /* cgroups with a limit of the question */
        uint32_t n_limited, room_limited;
        Flight flights[FLIGHTS_MAX];
        uint32_t n_numbers;
        uint64_t kernel_pause_usec; /* nobody to kill: not again before this */
        MeasureHold holds[HOLDS_MAX];
        uint32_t n_holds;
        MeasureStatus statuses[MEASURE_STATUSES_MAX];
        uint32_t n_statuses;
        bool is_commit_short;
        /* the snapshot that is built */
        Snapshot snap;
        CgroupSample *cgroups;
        ProcessSample *processes;
        uint32_t room_cgroups, room_processes;
        uint32_t *cgroup_rows; /* index of a DemandCgroup -> its row in the snapshot */
        uint32_t room_rows;
        char *arena;           /* paths of clones */
        size_t n_arena, room_arena;
        /* outcome */
        PlanOutcome outcome;
        PendingRegret pending[PENDING_MAX];
        uint32_t n_pending;
        uint64_t last_policy_kill_usec;
        uint64_t stall_buckets[STALL_BUCKETS];
        uint64_t stall_second, minute_usec; /* second of the newest bucket; sum of all */
};

/* ---- sim-run.c: time passes ---- */
/* The span that is complete, from s->now_usec to its end; then the next one may be gathered. */
int sim_run_span(PlanSim *s);
/* One sample of a record that is followed to the letter. @is_decided: it was decided on; else merely observed. */
int sim_follow(PlanSim *s, const Snapshot *snap, bool is_decided);
/* A fresh decision state for s->policy. */
int sim_state_reset(PlanSim *s);

/* ---- sim-limit.c: memory.max of the question ---- */
void sim_limits_step(PlanSim *s, uint64_t usec);

/* ---- sim-match.c: policies, scales and limits laid on what is in the demand ---- */
int sim_match(PlanSim *s);
int sim_facts_add(PlanSim *s, const TraceFacts *f);
void sim_facts_clear(PlanSim *s);

/* ---- sim-copies.c: how much more and less than the record ---- */
uint64_t copies_permyriad(const Copies *c);                /* of what is there, of the recorded one */
uint64_t process_private_pages(const uint64_t size[static _SIZE_MAX]);
int sim_touch(PlanSim *s, uint32_t process);
int sim_rebuild_touched(PlanSim *s); /* at the begin of a span */
void sim_change_at(PlanSim *s, uint64_t usec, DemandChange *ret);
/* DemandCgroup.less_pages at s->now_usec, of all cgroups or of the monitored ones. */
void sim_less_pages(PlanSim *s, bool has_all);

/* ---- sim-view.c: the snapshot as sense would take it ---- */
int sim_view(PlanSim *s, uint32_t detail);
/* Which process and which of its copies a pid of a snapshot means. */
DemandProcess *sim_find_victim(PlanSim *s, int32_t pid, uint64_t start_ticks, uint32_t *ret_copy);

/* ---- sim-kill.c: victims ---- */
void sim_kill_policy(PlanSim *s, const KillDecision *k);
/* The event, and whether it was right; @victim: NULL for the first candidate. */
void sim_note_kill(PlanSim *s, const KillDecision *k, uint32_t number, uint64_t freed_bytes, const Candidate *victim);
void sim_kill_kernel(PlanSim *s, const DemandCgroup *domain, uint64_t deficit_bytes);
void sim_flights_step(PlanSim *s);
bool sim_flights_busy(const PlanSim *s);
void sim_inherit(PlanSim *s);
void sim_take_measures(PlanSim *s, const Decision *d);
void sim_saw_kill(PlanSim *s, const TraceKill *k, uint64_t mono_usec, uint64_t real_usec);
/* Before a span is simulated: who ended in the record by a kill that did not happen here lives on. */
int sim_ghosts(PlanSim *s);

/* ---- sim-outcome.c: what is remembered ---- */
PlanConfidence sim_confidence(const PlanSim *s, bool rests_on_stall);
PlanEvent *sim_event(PlanSim *s, PlanEventKind kind, bool rests_on_stall);
void sim_outcome_step(PlanSim *s, uint64_t usec);
void sim_stall_reset(PlanSim *s);
uint64_t sim_stall_bound_usec(const PlanSim *s); /* full stall within a minute that is still safe */
uint64_t sim_headroom(const PlanSim *s);
void sim_regret(PlanSim *s, PlanEvent *e, PlanRegret bit);
/* ---- sim-regret.c: was it right? ---- */
void sim_regret_kill(PlanSim *s, const KillDecision *k, PlanEvent *e, uint32_t number, uint64_t freed_bytes);
void sim_regret_kernel(PlanSim *s, PlanEvent *e);
void sim_regret_step(PlanSim *s);

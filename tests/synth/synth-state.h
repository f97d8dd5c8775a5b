/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Private to tests/synth. */

#include "decide/decide.h"
#include "synth/synth.h"

#define SYNTH_PAGE  4096
#define SYNTH_STORM 64 /* children of a fork storm */

typedef struct Service {
        char path[96], name[20];
        uint64_t cgroup_id;
        SynthPattern pattern;
        bool is_limited, is_down;
        uint64_t base_bytes, up_usec, down_until_usec;
        uint64_t anon_bytes, cache_bytes, swap_bytes, slab_bytes;
        uint64_t psi_some, psi_full, pgscan, refaults, event_high, event_max;
        uint64_t peak_bytes;
        uint32_t n_processes;
        uint32_t storm; /* children that live */
        uint32_t at;    /* in the sample at hand, INDEX_NONE */
} Service;

typedef struct Process {
        int32_t pid;
        uint64_t start_ticks;
        uint32_t service;
        bool is_alive, is_child, has_facts;
        uint64_t rss_pages, file_pages;
} Process;

struct Synth {
        SynthOptions o;
        SynthStats stats;
        uint64_t rng;
        uint64_t now_usec, begin_usec, end_usec, next_detail_usec; /* monotonic */
        uint64_t real_base_usec;
        uint32_t boot;
        bool is_started, has_gapped, has_restarted, has_rebooted;
        Service *services;
        Process *processes;
        uint32_t n_processes; /* slots */
        int32_t next_pid;
        uint64_t next_cgroup_id, next_ticks;
        /* the host */
        uint64_t available_bytes, free_bytes, cached_bytes, anon_bytes, swap_used_bytes;
        uint64_t psi_some, psi_full, pgscan, pgsteal, refaults, majfaults, oom_kills, pswpin, pswpout, allocstall;
        /* whoever decides */
        char *policy_text;
        size_t n_policy_text;
        void *memory;
        DecideState *state;
        Decision *decision;
        uint32_t need;
        KillStatus kills[KILLS_MAX];
        uint32_t n_kills;
        MeasureStatus measures[MEASURE_STATUSES_MAX];
        uint32_t n_measures;
        uint64_t tick_due_usec;
        uint32_t round;
        /* what is handed out */
        CgroupSample *cgroups;
        ProcessSample *samples;
        TraceRecord record;
        uint32_t facts_at; /* next process to look at */
        enum { SYNTH_START, SYNTH_POLICY, SYNTH_TICK, SYNTH_CONFIRM, SYNTH_CANCEL, SYNTH_FACTS, SYNTH_DETAIL, SYNTH_END, SYNTH_OVER } next;
};

/* synth-host.c */
int synth_host_init(Synth *s);
void synth_host_begin(Synth *s); /* after a boot: everything new */
void synth_host_advance(Synth *s, uint64_t dt_usec);
void synth_host_kill(Synth *s, const KillDecision *k);
void synth_host_reclaim(Synth *s, uint64_t cgroup_id, uint64_t bytes);
/* Fills s->record.snap. */
void synth_host_sample(Synth *s, uint32_t detail, Snapshot *ret);
uint64_t synth_random(Synth *s, uint64_t below);

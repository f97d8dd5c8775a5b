/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A host made of numbers, recorded: a source of trace records of any length, the same for the same seed on each machine.
 * Services with processes that leak, follow the day, burst, fork, fill the cache or do nothing; and a real decide_step() on
 * duty, whose kills and measures have their effect on it. So what comes out replays, and is what a reader of a file would hand out.
 *
 * Integers only. The model is coarse on purpose: it is there for size, variety and determinism, not to be believed.
 */

#include "model/policy.h"
#include "trace/trace.h"

typedef enum SynthPattern {
        SYNTH_IDLE,
        SYNTH_LEAK,    /* grows until it is killed, is started again 20 s later */
        SYNTH_DIURNAL, /* half as much again at noon as at midnight */
        SYNTH_BURST,   /* four times as much for a minute, each quarter of an hour */
        SYNTH_CACHE,   /* little of its own, and all the page cache it can get */
        SYNTH_FORKS,   /* a storm of small children for a minute, every two hours */
        _SYNTH_PATTERN_MAX,
} SynthPattern;

typedef struct SynthOptions {
        uint64_t seed;
        uint32_t n_cgroups, n_processes; /* at least 1 and as many processes as cgroups; kernel threads not counted */
        uint64_t span_usec;
        uint64_t interval_usec;          /* 0: 1 s while nothing happens */
        uint64_t detail_interval_usec;   /* 0: 10 s */
        uint64_t ram_bytes, swap_bytes;
        uint32_t patterns;               /* bits of SynthPattern that services take turns in; 0: all */
        uint64_t leak_bytes_per_sec;     /* 0: half of RAM in two hours */
        const Policy *policy;            /* borrowed; NULL: nobody decides */
        bool dry_run;
        uint32_t monitored_every;        /* one of so many services has a memory.max, so that the built-in policy watches it; 0: 5 */
        /* what may happen to a recording: times since its beginning, 0: never */
        uint64_t gap_usec;               /* records are lost here, for 30 s */
        uint64_t restart_usec;           /* the recorder is restarted */
        uint64_t reboot_usec;            /* another boot */
} SynthOptions;

typedef struct Synth Synth;
int synth_new(const SynthOptions *o, Synth **ret);
Synth *synth_free(Synth *s);
DEFINE_TRIVIAL_CLEANUP(Synth, synth_free)
TraceSource synth_source(Synth *s);

typedef struct SynthStats {
        uint64_t n_records, n_samples, n_kills, n_kernel_kills, n_measures;
} SynthStats;
const SynthStats *synth_stats(const Synth *s);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What processes are called, for the trace: each is told of once, a few in a tick, when the host is calm. Once more where
 * it may be missing: behind a gap, and after some hours, since no segment repeats it.
 */

#include "daemon/recorder.h"
#include "sense/facts-book.h"
#include "sense/sense.h"

typedef struct RecordFacts {
        FactsBook book;
        bool has_cmdline;
        uint64_t again_usec, n_gaps_seen;
        char exe[4096], cmdline[4096];
} RecordFacts;

/* @max: of processes in a sample. Command lines are recorded where @has_cmdline. -ENOMEM. */
int record_facts_init(RecordFacts *f, uint32_t max, bool has_cmdline);
void record_facts_done(RecordFacts *f);
void record_facts_want_cmdline(RecordFacts *f, bool has_cmdline);
/* The processes of a sample; nothing where it has none. */
void record_facts_see(RecordFacts *f, const Snapshot *snap);
/* Tells of the next few. Reads /proc: not while memory is short. @record: to be used for it. */
void record_facts_tell(RecordFacts *f, Sense *sense, Recorder *recorder, TraceRecord *record, uint64_t now_usec);

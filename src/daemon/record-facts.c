/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/record-facts.h"

#include "daemon/clock.h"

/* Processes told of in one tick: some 30 us each. */
#define FACTS_PER_TICK 16
/* Told again after this time: the files that have it may have been removed by now. */
#define FACTS_AGAIN_USEC (6 * 3600 * USEC_PER_SEC)

int record_facts_init(RecordFacts *f, uint32_t max, bool has_cmdline) {
        f->has_cmdline = has_cmdline;
        f->again_usec = 0;
        return facts_book_init(&f->book, max);
}

void record_facts_done(RecordFacts *f) {
        facts_book_done(&f->book);
}

/* Those told of already lack what is wanted from now on. */
void record_facts_want_cmdline(RecordFacts *f, bool has_cmdline) {
        if (has_cmdline && !f->has_cmdline)
                f->again_usec = 0;
        f->has_cmdline = has_cmdline;
}

void record_facts_see(RecordFacts *f, const Snapshot *snap) {
        if (snap->detail & DETAIL_ANY_PROCESSES)
                facts_book_see(&f->book, snap);
}

/* What was lost before a gap is not known here; facts may be among it, with the disk even those of some time ago. */
static void look_for_losses(RecordFacts *f, const Recorder *recorder) {
        RecorderStats s;

        recorder_stats(recorder, &s);
        if (s.n_gaps != f->n_gaps_seen)
                f->again_usec = 0;
        f->n_gaps_seen = s.n_gaps;
}

void record_facts_tell(RecordFacts *f, Sense *sense, Recorder *recorder, TraceRecord *record, uint64_t now_usec) {
        const FactsEntry *e;

        look_for_losses(f, recorder);
        if (now_usec >= f->again_usec) {
                facts_book_forget(&f->book);
                f->again_usec = now_usec + FACTS_AGAIN_USEC;
        }
        for (unsigned i = 0; i < FACTS_PER_TICK && (e = facts_book_next(&f->book)); i++) {
                int k = sense_process_facts(sense, e->pid, e->start_ticks, f->exe, sizeof(f->exe),
                                            f->has_cmdline ? f->cmdline : NULL, sizeof(f->cmdline));
                if (k < 0)
                        return; /* a shortage of ours: later */
                record->kind = TRACE_FACTS;
                record->snap.mono_usec = clock_mono_usec();
                record->snap.real_usec = clock_real_usec();
                record->facts = (TraceFacts){ .pid = e->pid, .start_ticks = e->start_ticks };
                record->facts.has_exe = f->exe[0];
                record->facts.exe = record->facts.has_exe ? f->exe : NULL;
                record->facts.has_cmdline = f->has_cmdline;
                record->facts.cmdline = f->has_cmdline ? f->cmdline : NULL;
                if (k == 0 && (record->facts.has_exe || record->facts.has_cmdline))
                        k = recorder_put(recorder, record, /* is_urgent= */ false);
                if (k == -ENOBUFS)
                        return; /* the disk does not keep up: later */
                facts_book_told(&f->book, e);
        }
}

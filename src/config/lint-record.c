/* SPDX-License-Identifier: GPL-2.0-or-later */

/* [Record]: settings that contradict each other, or that cost more than their author may think. */

#include "config/lint.h"

/* Two files are the least of which the oldest can go while one is written. */
#define FILES_MIN 2
/* Reading all cgroups and processes costs some 10 ms with 100 and 300 of them. */
#define DETAIL_DEAR_USEC (5 * USEC_PER_SEC)

void lint_record(const DaemonPolicy *d, ConfigReport *report) {
        const RecordPolicy *r = &d->record;

        if (!r->enabled)
                return;
        if (r->total_bytes / FILES_MIN < r->file_bytes)
                lint_warn(report, NULL,
                          "TotalSize= is less than two files of FileSize=: the newest record is all there ever is");
        if (r->detail_interval_usec < r->interval_usec)
                lint_warn(report, NULL,
                          "DetailInterval= is shorter than Interval=: samples are then taken at the pace of DetailInterval=");
        else if (r->detail_interval_usec < DETAIL_DEAR_USEC)
                lint_note(report, NULL,
                          "DetailInterval= below 5s: reading all cgroups and processes so often costs more than 0.2%% of a CPU on a busy host");
        if (r->interval_usec > d->interval_max_usec)
                lint_note(report, NULL, "Interval= has no effect: IntervalMax= is shorter");
        if (r->cmdline)
                lint_note(report, NULL, "Cmdline=yes: command lines, which may hold secrets, are written to the files of Directory=");
}

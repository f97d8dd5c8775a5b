/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* All processes, at the price of one tiny read each; the likely victims among them in full. */

#include "sense/process-read.h"

typedef struct ProcessScan {
        ProcessTable table;
        int proc_fd;        /* owned: the proc directory, for listing and for opening below it; -EBADF without one */
        Reserve quota;      /* by cgroup of the latest walk: how many of its processes were chosen */
        uint64_t last_usec; /* time of the latest scan */
} ProcessScan;

int process_scan_init(ProcessScan *s, int root_fd, uint32_t max_processes, uint32_t max_cgroups);
void process_scan_open(ProcessScan *s, int root_fd);
void process_scan_done(ProcessScan *s);
void process_scan_forget_matches(ProcessScan *s);
int process_scan_list(ProcessScan *s, const ProcessReader *r);
int process_scan_take(ProcessScan *s, const ProcessReader *r, bool may_be_known);

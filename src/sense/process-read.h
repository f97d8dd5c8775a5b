/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Reading one process: its score alone, or all that a candidate needs. */

#include "sense/cgroup-tree.h"
#include "sense/process-table.h"
#include "sense/sense.h"

typedef struct ProcessReader {
        int proc_fd; /* borrowed: the proc directory */
        int32_t self_pid;
        uint64_t page_size;
        ProcessTable *table;
        CgroupTree *tree;
        const SenseMatchers *matchers;
        uint64_t mono_usec; /* of the sample; 0 outside of one */
        char *scratch;
        size_t scratch_size;
        Complaints *complaints;
} ProcessReader;

int process_read_score(const ProcessReader *r, ProcessSample *p, ProcessExtra *x);
bool process_is_same(const ProcessReader *r, const ProcessSample *p);
int process_read_whole(const ProcessReader *r, ProcessSample *p, ProcessExtra *x);
int process_read_known(const ProcessReader *r, ProcessSample *p, ProcessExtra *x);

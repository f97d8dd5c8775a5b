/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What went wrong while sensing, one line per kind and never twice: a garbled file is garbled at every
 * tick, and the log must not be. Reading stages raise, the daemon takes the lines out and logs them.
 */

#include "base/macros.h"

typedef enum ComplaintKind {
        COMPLAINT_PSI,
        COMPLAINT_MEMINFO,
        COMPLAINT_VMSTAT,
        COMPLAINT_SWAPS,
        COMPLAINT_ZRAM,
        COMPLAINT_MOUNTS,
        COMPLAINT_CGROUP_FILE,
        COMPLAINT_CGROUP_WALK,
        COMPLAINT_CGROUP_PATH,
        COMPLAINT_CGROUP_CAP,
        COMPLAINT_MONITORED,
        COMPLAINT_PROCESS_FILE,
        COMPLAINT_PROCESS_SCAN,
        COMPLAINT_PROCESS_CAP,
        COMPLAINT_PATH_STORE,
        _COMPLAINT_MAX,
} ComplaintKind;

typedef struct Complaints {
        uint32_t told, pending; /* bit (1 << ComplaintKind) */
        char text[_COMPLAINT_MAX][200];
} Complaints;

/* @c may be NULL. Names in the text are escaped by the caller or by complaint_raise_file(). */
void complaint_raise(Complaints *c, ComplaintKind k, const char *format, ...) _printf_(3, 4);
void complaint_raise_file(Complaints *c, ComplaintKind k, const char *dir, const char *file, int error);
bool complaint_next(Complaints *c, char *buf, size_t size);

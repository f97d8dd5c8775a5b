/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * memory.peak since the last look. From Linux 6.12 on whoever writes to memory.peak resets it for his own descriptor
 * only: with one kept for each cgroup, the highest use between two looks is told, whatever else is reading there.
 * Older kernels refuse the write; the field is then absent.
 */

#include "model/snapshot.h"
#include "sense/complaint.h"
#include "sense/reserve.h"

/* Kept descriptors, a sixteenth of the limit of this process at most; the cgroups beyond have no such value. */
#define PEAKS_MAX 512

typedef struct PeakSlot {
        uint64_t id; /* of the cgroup */
        int fd;
        uint32_t turn; /* the last in which it was asked for */
} PeakSlot;

typedef struct Peaks {
        bool is_on;
        bool is_refused; /* by this kernel */
        uint32_t turn, n, max;
        Reserve slots; /* PEAKS_MAX, sorted by id; only while it is on */
} Peaks;

int peaks_start(Peaks *p);
void peaks_stop(Peaks *p);
void peaks_read(Peaks *p, int dir_fd, Complaints *c, CgroupSample *ret);
void peaks_sweep(Peaks *p);

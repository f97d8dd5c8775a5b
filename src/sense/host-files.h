/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The host's part of the sample: kept descriptors of pressure, meminfo, vmstat, swaps and zram. */

#include "model/snapshot.h"
#include "sense/complaint.h"
#include "sense/swaps.h"

typedef struct HostFiles {
        int root_fd; /* borrowed */
        int psi_fd, meminfo_fd, vmstat_fd, swaps_fd;
        bool has_swaps; /* @swaps is of the latest reading */
        Swaps swaps;
        uint64_t swap_total_bytes; /* as of the latest look at the set of swap areas */
        int zram_fds[SWAPS_ZRAM_MAX];
        uint32_t n_zram_fds;
} HostFiles;

void host_files_init(HostFiles *h, int root_fd);
void host_files_done(HostFiles *h);
void host_files_open(HostFiles *h, char *scratch, size_t scratch_size, Complaints *c);
void host_files_sample(HostFiles *h, char *scratch, size_t scratch_size, Complaints *c, HostSample *ret);

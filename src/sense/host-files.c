/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything stays open: a sample is a pread() per file. The set of swap devices may change at any
 * time; SwapTotal tells, and only then (and at a discovery) are mm_stat files opened and closed.
 */
#include "sense/host-files.h"

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "sense/meminfo.h"
#include "sense/psi.h"
#include "sense/read.h"
#include "sense/vmstat.h"

void host_files_init(HostFiles *h, int root_fd) {
        *h = (HostFiles){
                .root_fd = root_fd, .psi_fd = -EBADF, .meminfo_fd = -EBADF, .vmstat_fd = -EBADF, .swaps_fd = -EBADF
        };
}

static void zram_close(HostFiles *h) {
        for (uint32_t i = 0; i < h->n_zram_fds; i++)
                h->zram_fds[i] = fd_close(h->zram_fds[i]);
        h->n_zram_fds = 0;
}

void host_files_done(HostFiles *h) {
        h->psi_fd = fd_close(h->psi_fd);
        h->meminfo_fd = fd_close(h->meminfo_fd);
        h->vmstat_fd = fd_close(h->vmstat_fd);
        h->swaps_fd = fd_close(h->swaps_fd);
        zram_close(h);
}

static void keep_open(HostFiles *h, int *fd, const char *path, Complaints *c, ComplaintKind k, bool may_miss) {
        if (*fd >= 0)
                return;
        *fd = fd_open_at(h->root_fd, path);
        if (*fd < 0 && !(may_miss && *fd == -ENOENT))
                complaint_raise_file(c, k, "", path, *fd);
}

static void swaps_read(HostFiles *h, char *scratch, size_t size, Complaints *c) {
        h->has_swaps = false;
        if (h->swaps_fd < 0)
                return;
        /* a list: more than a page of it comes in several pieces */
        int r = fd_pread_text(h->swaps_fd, scratch, size);
        if (r >= 0)
                r = swaps_parse(scratch, &h->swaps);
        h->has_swaps = r >= 0;
        if (r < 0)
                complaint_raise_file(c, COMPLAINT_SWAPS, "", "proc/swaps", r);
}

/* Which zram devices are in use as swap: looked up anew. */
static void swap_set_look(HostFiles *h, char *scratch, size_t size, Complaints *c) {
        swaps_read(h, scratch, size, c);
        zram_close(h);
        if (!h->has_swaps)
                return;
        for (uint32_t i = 0; i < h->swaps.n_zram; i++) {
                char path[64];
                (void)snprintf(path, sizeof(path), "sys/block/zram%u/mm_stat", h->swaps.zram[i]);
                h->zram_fds[h->n_zram_fds++] = fd_open_at(h->root_fd, path);
        }
}

/**
 * host_files_open() - open what is not open yet, and look at the set of swap devices
 *
 * A host without pressure files is normal (stated as a degraded mode), and so is one without swaps.
 */
void host_files_open(HostFiles *h, char *scratch, size_t scratch_size, Complaints *c) {
        keep_open(h, &h->psi_fd, "proc/pressure/memory", c, COMPLAINT_PSI, /* may_miss= */ true);
        keep_open(h, &h->meminfo_fd, "proc/meminfo", c, COMPLAINT_MEMINFO, /* may_miss= */ false);
        keep_open(h, &h->vmstat_fd, "proc/vmstat", c, COMPLAINT_VMSTAT, /* may_miss= */ false);
        keep_open(h, &h->swaps_fd, "proc/swaps", c, COMPLAINT_SWAPS, /* may_miss= */ true);
        swap_set_look(h, scratch, scratch_size, c);
}

/* Between two looks only the use of the devices moves; a device swapped for another of the same size is noticed. */
static void swap_use_look(HostFiles *h, char *scratch, size_t size, Complaints *c) {
        Swaps old = h->swaps;

        swaps_read(h, scratch, size, c);
        if (h->has_swaps &&
            (h->swaps.n_zram != old.n_zram || memcmp(h->swaps.zram, old.zram, old.n_zram * sizeof(old.zram[0])) != 0))
                swap_set_look(h, scratch, size, c);
}

static void psi_sample(HostFiles *h, Complaints *c, HostSample *ret) {
        PsiTotals t;

        if (h->psi_fd < 0)
                return;
        int r = psi_read(h->psi_fd, &t);
        if (r != 0) {
                if (r == -EOPNOTSUPP) /* disabled at boot: as good as not there */
                        h->psi_fd = fd_close(h->psi_fd);
                else
                        complaint_raise_file(c, COMPLAINT_PSI, "", "proc/pressure/memory", r > 0 ? -ENODEV : r);
                return;
        }
        if (t.has_some)
                host_set(ret, HOST_PSI_SOME_USEC, t.some_usec);
        if (t.has_full)
                host_set(ret, HOST_PSI_FULL_USEC, t.full_usec);
}

/* All four fields or, where a device could not be read, no sizes: half a ratio would overstate what swap frees. */
static void zram_sample(HostFiles *h, Complaints *c, HostSample *ret) {
        ZramStat sum = {};

        host_set(ret, HOST_ZRAM_SWAP_TOTAL, h->swaps.zram_total_bytes);
        host_set(ret, HOST_ZRAM_SWAP_USED, h->swaps.zram_used_bytes);
        for (uint32_t i = 0; i < h->n_zram_fds; i++) {
                char text[256], path[64];
                ZramStat z;
                int r = h->zram_fds[i] < 0 ? h->zram_fds[i] : read_once(h->zram_fds[i], text, sizeof(text));
                if (r >= 0)
                        r = zram_mm_stat_parse(text, &z);
                if (r < 0) {
                        (void)snprintf(path, sizeof(path), "sys/block/zram%u/mm_stat", h->swaps.zram[i]);
                        complaint_raise_file(c, COMPLAINT_ZRAM, "", path, r);
                        return;
                }
                sum.orig_bytes = u64_add_sat(sum.orig_bytes, z.orig_bytes);
                sum.mem_used_bytes = u64_add_sat(sum.mem_used_bytes, z.mem_used_bytes);
        }
        host_set(ret, HOST_ZRAM_ORIG, sum.orig_bytes);
        host_set(ret, HOST_ZRAM_MEM_USED, sum.mem_used_bytes);
}

/**
 * host_files_sample() - fill the host's fields
 * @scratch: big enough for /proc/vmstat
 * @ret:     every field is set or absent
 *
 * Opens nothing and allocates nothing, unless SwapTotal has changed since the last look.
 */
void host_files_sample(HostFiles *h, char *scratch, size_t scratch_size, Complaints *c, HostSample *ret) {
        *ret = (HostSample){};
        psi_sample(h, c, ret);
        if (h->meminfo_fd >= 0) {
                int r = read_once(h->meminfo_fd, scratch, scratch_size);
                if (r >= 0)
                        r = meminfo_parse(scratch, ret);
                if (r < 0)
                        complaint_raise_file(c, COMPLAINT_MEMINFO, "", "proc/meminfo", r);
        }
        if (h->vmstat_fd >= 0) {
                int r = fd_pread_text(h->vmstat_fd, scratch, scratch_size);
                if (r >= 0)
                        r = vmstat_parse(scratch, ret);
                if (r < 0)
                        complaint_raise_file(c, COMPLAINT_VMSTAT, "", "proc/vmstat", r);
        }
        uint64_t total = ret->value[HOST_SWAP_TOTAL];
        if (host_has(ret, HOST_SWAP_TOTAL) && total != h->swap_total_bytes) {
                h->swap_total_bytes = total;
                swap_set_look(h, scratch, scratch_size, c);
        } else if (h->n_zram_fds > 0)
                swap_use_look(h, scratch, scratch_size, c); /* without zram nobody asks for it */
        if (h->has_swaps && h->n_zram_fds == h->swaps.n_zram)
                zram_sample(h, c, ret);
}

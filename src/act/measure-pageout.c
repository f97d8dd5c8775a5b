/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Paging out an idle process from outside, for hosts where no cgroup can be reclaimed from.
 *
 * Only private anonymous memory that can be written: pages of files the kernel drops by itself, and what is shared
 * is somebody else's, too. Never a process that has locked memory: it has said that it must not wait for a disk.
 * Identity is checked while the pidfd is held, so that what is paged out is the process that was meant.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "act/measure-maps.h"
#include "act/measure-run.h"
#include "act/ops.h"
#include "act/victim-process.h"
#include "base/fd.h"
#include "base/text.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

/* One call: some milliseconds of reclaim, after which the deadline is looked at. */
#define BATCH_BYTES_MIN (UINT64_C(4) * 1024 * 1024)
/* Where calls bring nothing, address space is reserved rather than used: terabytes by some run-time systems. */
#define BATCH_BYTES_MAX (UINT64_C(64) * 1024 * 1024)
#define STATUS_BYTES    4096

typedef struct Pageout {
        MeasureRun *run;
        int pidfd, maps_fd, statm_fd;
        uint64_t start_bytes, batch_bytes;
} Pageout;

/* "VmLck:	       0 kB" of /proc/PID/status; -ESRCH for a process that has no memory. */
static int read_locked(int root_fd, int32_t pid, uint64_t *ret) {
        static const char key[] = "VmLck:";
        char path[32], buf[STATUS_BYTES];
        const char *p = buf, *line;
        size_t n, at = sizeof(key) - 1;

        (void)snprintf(path, sizeof(path), "proc/%d/status", pid);
        int r = fd_read_text_at(root_fd, path, buf, sizeof(buf));
        if (r < 0 && r != -EFBIG)
                return r == -ENOENT ? -ESRCH : r;
        while ((line = text_next_line(&p, &n))) {
                if (n <= at || memcmp(line, key, at) != 0)
                        continue;
                line += at + strspn(line + at, " \t");
                return text_parse_u64_n(line, strspn(line, "0123456789"), ret) < 0 ? -EBADMSG : 0;
        }
        return -ESRCH;
}

/* Resident anonymous memory: "size resident shared ..." of /proc/PID/statm, in pages. */
static int read_resident(const Pageout *p, uint64_t *ret) {
        char buf[128];
        uint64_t fields[3];
        const char *s = buf;

        int r = fd_pread_text(p->statm_fd, buf, sizeof(buf));
        if (r < 0)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                size_t n = strspn(s, "0123456789");
                if (text_parse_u64_n(s, n, &fields[i]) < 0)
                        return -EBADMSG;
                s += n;
                s += *s == ' ';
        }
        *ret = u64_mul_sat(u64_sub_sat(fields[1], fields[2]), (uint64_t)sysconf(_SC_PAGESIZE));
        return 0;
}

/* Is it the process that was meant, and may it be touched? */
static int check_process(const MeasureRun *run) {
        int root_fd = run->host->root_fd;
        const Measure *m = run->m;
        VictimStat stat;
        uint64_t locked;

        int r = victim_process_read_stat(root_fd, m->pid, &stat);
        if (r < 0)
                return r;
        if (stat.start_ticks != m->start_ticks)
                return -ESRCH;
        if (victim_process_is_protected(root_fd, m->pid))
                return -ECANCELED;
        r = read_locked(root_fd, m->pid, &locked);
        return r < 0 ? r : locked > 0 ? -ECANCELED : 0;
}

/* 0, also for a stretch that cannot be paged out; negative errno where no other will do either. */
static int advise(int pidfd, uint64_t start, uint64_t bytes) {
        const struct iovec iov = { .iov_base = (void *)(uintptr_t)start, .iov_len = (size_t)bytes };

        if (process_madvise(pidfd, &iov, 1, MADV_PAGEOUT, 0) >= 0)
                return 0;
        /* EINVAL: pinned or of a kind that cannot be; ENOMEM: unmapped since */
        if (errno == EINVAL || errno == ENOMEM || errno == EINTR || errno == EAGAIN || errno == EFAULT)
                return 0;
        return errno == ENOSYS ? -EOPNOTSUPP : -errno;
}

static int page_out_region(Pageout *p, const MapsRegion *region) {
        MeasureRun *run = p->run;
        uint64_t at = region->start, now;

        while (at < region->end && run->done_bytes < run->m->value) {
                uint64_t bytes = MIN(p->batch_bytes, region->end - at);
                if (measure_run_is_over(run))
                        return -ETIME;
                int r = advise(p->pidfd, at, bytes);
                if (r >= 0)
                        r = read_resident(p, &now);
                if (r < 0)
                        return r;
                uint64_t done = u64_sub_sat(p->start_bytes, now);
                p->batch_bytes = done > run->done_bytes ? BATCH_BYTES_MIN : MIN(2 * p->batch_bytes, BATCH_BYTES_MAX);
                run->done_bytes = done;
                at += bytes;
        }
        return 0;
}

static int page_out(Pageout *p) {
        MapsReader reader = { .fd = p->maps_fd };
        MeasureRun *run = p->run;
        MapsRegion region;

        int r = read_resident(p, &p->start_bytes);
        if (r >= 0 && run->m->dry_run) {
                run->done_bytes = MIN(run->m->value, p->start_bytes);
                return 0;
        }
        while (r >= 0 && run->done_bytes < run->m->value) {
                r = maps_next(&reader, &region);
                if (r == 0)
                        return -EAGAIN;
                if (r > 0)
                        r = page_out_region(p, &region);
        }
        return MIN(r, 0);
}

static int open_proc_file(const MeasureRun *run, const char *name) {
        char path[32];
        (void)snprintf(path, sizeof(path), "proc/%d/%s", run->m->pid, name);
        int fd = fd_open_at(run->host->root_fd, path);
        return fd == -ENOENT ? -ESRCH : fd;
}

/**
 * measure_pageout() - up to m->value bytes of a process into swap
 *
 * Needs CAP_SYS_NICE, and CAP_SYS_PTRACE for processes of others.
 *
 * Return: 0; -EAGAIN: less than that was to be had; -ETIME; -ECANCELED: protected or with locked memory; -ENOENT:
 *         gone, or another process by now; -EOPNOTSUPP; -EPERM and others as the kernel gives them.
 *         run->done_bytes is the fall of its resident anonymous memory in any case.
 * Source: process_madvise(2) (Linux 5.10).
 */
int measure_pageout(MeasureRun *run) {
        _cleanup_close_ int pidfd = op_pidfd_open((void *)run->host, run->m->pid);
        if (pidfd < 0)
                return pidfd == -ESRCH ? -ENOENT : pidfd;
        /* Opened before the check: so they are the checked process's, or those of one that the pidfd cannot reach. */
        _cleanup_close_ int maps_fd = open_proc_file(run, "maps"), statm_fd = open_proc_file(run, "statm");
        int r = maps_fd < 0 ? maps_fd : statm_fd < 0 ? statm_fd : check_process(run);
        if (r >= 0) {
                Pageout p = {
                        .run = run,
                        .pidfd = pidfd,
                        .maps_fd = maps_fd,
                        .statm_fd = statm_fd,
                        .batch_bytes = BATCH_BYTES_MIN,
                };
                r = page_out(&p);
        }
        return r == -ESRCH ? -ENOENT : r;
}

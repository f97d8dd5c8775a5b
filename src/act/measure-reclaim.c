/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reclaim from one cgroup, from outside: its own processes do not stall for it.
 *
 * In small chunks, since the call holds this thread, since the kernel takes more than it is asked for (6.1: 74 MiB
 * for 60 MiB), and since what is protected and what is used may change under way: both are read again before each.
 */

#include <stdio.h>
#include <string.h>

#include "act/measure-run.h"
#include "base/fd.h"

/* A share of the cgroup that a call takes in milliseconds; but no less than what is worth a call. */
#define CHUNK_DIVISOR   100
#define CHUNK_BYTES_MIN (UINT64_C(4) * 1024 * 1024)
/* Once is bad luck with pages that were just in use; twice there is nothing left that is cheap to take. */
#define EMPTY_CALLS_MAX 2

uint64_t measure_chunk(uint64_t current_bytes) {
        return MAX(current_bytes / CHUNK_DIVISOR, CHUNK_BYTES_MIN);
}

typedef struct Reclaim {
        int cgroup_fd;
        int32_t swappiness; /* -1: not wanted, or the kernel does not take it */
        uint64_t start_bytes, current_bytes, protected_bytes;
        uint64_t asked_bytes; /* of calls that gave what they were asked for */
        unsigned n_empty;
} Reclaim;

static int reclaim_look(Reclaim *c) {
        int r = measure_read_u64(c->cgroup_fd, "memory.current", &c->current_bytes);
        return r < 0 ? r : measure_read_protection(c->cgroup_fd, &c->protected_bytes);
}

static int reclaim_write(Reclaim *c, uint64_t bytes) {
        char text[64];
        int r;

        if (c->swappiness >= 0) {
                (void)snprintf(text, sizeof(text), "%llu swappiness=%d", (unsigned long long)bytes, c->swappiness);
                r = fd_write_text_at(c->cgroup_fd, "memory.reclaim", text);
                if (r != -EINVAL)
                        return r;
                /* Linux before 6.11: the swappiness of the host it is. */
                c->swappiness = -1;
        }
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
        return fd_write_text_at(c->cgroup_fd, "memory.reclaim", text);
}

/* 1: go on; 0: enough; else why it ends. */
static int reclaim_chunk(const MeasureRun *run, Reclaim *c) {
        uint64_t done = MAX(c->asked_bytes, u64_sub_sat(c->start_bytes, c->current_bytes));
        if (done >= run->m->value)
                return 0;
        if (c->current_bytes <= c->protected_bytes)
                return c->asked_bytes > 0 ? -EAGAIN : -ECANCELED;
        uint64_t chunk =
                MIN(measure_chunk(c->current_bytes), MIN(run->m->value - done, c->current_bytes - c->protected_bytes));
        int r = reclaim_write(c, chunk);
        if (r == -EAGAIN)
                return ++c->n_empty < EMPTY_CALLS_MAX ? 1 : -EAGAIN;
        if (r == -EINTR)
                return measure_run_is_over(run) ? -ETIME : 1;
        if (r < 0)
                return r == -ENOENT ? -EOPNOTSUPP : r == -ENODEV ? -ENOENT : r;
        c->asked_bytes += chunk;
        c->n_empty = 0;
        return 1;
}

static int reclaim_check(const Reclaim *c) {
        if (faccessat(c->cgroup_fd, "memory.reclaim", W_OK, 0) < 0)
                return errno == ENOENT ? -EOPNOTSUPP : -errno;
        return c->current_bytes <= c->protected_bytes ? -ECANCELED : 0;
}

/**
 * measure_reclaim() - m->value bytes from the coldest of a cgroup
 *
 * Return: 0; -EAGAIN: less than that was to be had; -ETIME; -ECANCELED: nothing above memory.low or memory.min;
 *         -ENOENT; -EOPNOTSUPP: no memory controller, or a kernel without memory.reclaim; other negative errno.
 *         run->done_bytes is the fall of memory.current in any case.
 * Source: Documentation/admin-guide/cgroup-v2.rst (Linux 5.19; swappiness= 6.11).
 */
int measure_reclaim(MeasureRun *run) {
        Reclaim c = { .swappiness = run->m->swappiness };

        _cleanup_close_ int fd = measure_open_cgroup(run);
        if (fd < 0)
                return fd;
        c.cgroup_fd = fd;
        int r = reclaim_look(&c);
        if (r < 0)
                return r;
        c.start_bytes = c.current_bytes;
        r = reclaim_check(&c);
        if (r < 0)
                return r;
        if (run->m->dry_run) {
                run->done_bytes = MIN(run->m->value, c.current_bytes - c.protected_bytes);
                return 0;
        }
        do {
                if (measure_run_is_over(run)) {
                        r = -ETIME;
                        break;
                }
                r = reclaim_chunk(run, &c);
                int q = reclaim_look(&c);
                if (r > 0 && q < 0)
                        r = q;
        } while (r > 0);
        run->done_bytes = u64_sub_sat(c.start_bytes, c.current_bytes);
        return r;
}

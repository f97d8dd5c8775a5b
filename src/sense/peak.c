/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first look at a cgroup only opens and resets: it has nothing to tell yet. Read and reset are two calls; a peak
 * between them is lost, which is a window of microseconds in seconds.
 */
#include "sense/peak.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "sense/cgroup-attr.h"
#include "sense/read.h"

/* A cgroup that nobody asked about for so many looks is gone, or has become small: its descriptor is closed. */
#define KEPT_TURNS 16

/* A small part of what this process may have: those by which it watches and kills go first. */
static uint32_t slots_allowed(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return 0;
        return (uint32_t)MIN(limit.rlim_cur / 16, (rlim_t)PEAKS_MAX);
}

static PeakSlot *slots(const Peaks *p) {
        return p->slots.data;
}

/**
 * peaks_start() - begin to keep descriptors; nothing happens where it has begun already
 *
 * Return: 0; -ENOMEM.
 */
int peaks_start(Peaks *p) {
        if (p->is_on)
                return 0;
        *p = (Peaks){};
        int r = reserve_init(&p->slots, PEAKS_MAX * sizeof(PeakSlot));
        if (r < 0)
                return r;
        p->max = slots_allowed();
        p->is_on = true;
        return 0;
}

void peaks_stop(Peaks *p) {
        for (uint32_t i = 0; i < p->n; i++)
                fd_close(slots(p)[i].fd);
        if (p->is_on)
                reserve_done(&p->slots);
        *p = (Peaks){};
}

/* The first slot whose id is not below @id. */
static uint32_t slot_place(const Peaks *p, uint64_t id) {
        uint32_t low = 0, high = p->n;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                if (slots(p)[middle].id < id)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static void slot_remove(Peaks *p, uint32_t at) {
        fd_close(slots(p)[at].fd);
        memmove(&slots(p)[at], &slots(p)[at + 1], (p->n - at - 1) * sizeof(PeakSlot));
        p->n--;
}

static int reset(int fd) {
        static const char text[] = "reset\n"; /* any text does */
        ssize_t n = pwrite(fd, text, sizeof(text) - 1, 0);
        return n < 0 ? -errno : 0;
}

/* Source: Documentation/admin-guide/cgroup-v2.rst, memory.peak (Linux 6.12: writable). */
static void slot_add(Peaks *p, uint32_t at, int dir_fd, uint64_t id) {
        if (p->n >= p->max)
                return;
        _cleanup_close_ int fd = openat(dir_fd, "memory.peak", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return; /* the root has none; an ordinary user may not */
        int r = reset(fd);
        if (r == -EINVAL)
                p->is_refused = true;
        if (r < 0)
                return;
        memmove(&slots(p)[at + 1], &slots(p)[at], (p->n - at) * sizeof(PeakSlot));
        slots(p)[at] = (PeakSlot){ .id = id, .fd = TAKE_FD(fd), .turn = p->turn };
        p->n++;
}

/**
 * peaks_read() - the highest use of a cgroup since the call before, as CGROUP_PEAK_INTERVAL
 * @dir_fd: of the cgroup whose id stands in @ret; borrowed, may be O_PATH
 * @ret:    the field is set from the second call on
 *
 * A cgroup whose descriptor says that it is gone loses it; one of the same path is another one.
 */
void peaks_read(Peaks *p, int dir_fd, Complaints *c, CgroupSample *ret) {
        char text[32];
        uint64_t v;

        if (!p->is_on || p->is_refused)
                return;
        uint32_t at = slot_place(p, ret->id);
        if (at == p->n || slots(p)[at].id != ret->id) {
                slot_add(p, at, dir_fd, ret->id);
                return;
        }
        PeakSlot *slot = &slots(p)[at];
        int r = read_once(slot->fd, text, sizeof(text));
        if (r >= 0)
                r = cgroup_attr_number_parse(text, /* may_be_max= */ false, &v);
        if (r == 0)
                r = reset(slot->fd);
        slot->turn = p->turn;
        if (r == 0)
                cgroup_set(ret, CGROUP_PEAK_INTERVAL, v);
        else {
                if (!read_is_gone(r))
                        complaint_raise_file(c, COMPLAINT_CGROUP_FILE, ret->path, "memory.peak", r);
                slot_remove(p, at);
        }
}

/* After all cgroups of one sample were asked for. */
void peaks_sweep(Peaks *p) {
        for (uint32_t i = p->n; i-- > 0;)
                if (p->turn - slots(p)[i].turn > KEPT_TURNS)
                        slot_remove(p, i);
        p->turn++;
}

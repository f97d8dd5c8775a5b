/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Two threads carry out measures. Reclaim and pageout may take seconds, and nobody waits for them. What holds a cgroup
 * must not wait behind them: in a livelock each half second is felt (measured: a throttle that was due stood 0.9 s behind
 * a reclaim to a slow disk). Only the second thread writes to the undo journal.
 */

#include "act/measures.h"

#include <sys/eventfd.h>

#include "act/measure-lane.h"
#include "base/pages.h"

typedef enum LaneKind {
        LANE_RECLAIM,
        LANE_HOLD,
        _LANE_MAX,
} LaneKind;

/*
 * The threads would inherit the priority of the loop (Nice=-20 of the unit). Reclaim is work for a CPU, seconds of it: it
 * must not stand in anybody's way. To set a limit is not, though the kernel reclaims down to it on the same thread.
 */
static const int lane_nice[_LANE_MAX] = { [LANE_RECLAIM] = 10, [LANE_HOLD] = 0 };

struct Measures {
        int notify_fd; /* for the loop */
        MeasureLane *lanes[_LANE_MAX];
};

/**
 * measures_new() - the threads and their rings
 * @host: copied; its descriptors are borrowed
 * @undo: borrowed; what lasts is written there before it is done
 *
 * Return: 0; -ENOMEM, -EMFILE, -EAGAIN (threads or timers); other negative errno.
 */
int measures_new(const ActHost *host, Undo *undo, Measures **ret) {
        _cleanup_(measures_freep) Measures *ms = calloc(1, sizeof(*ms));
        if (!ms)
                return -ENOMEM;
        ms->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (ms->notify_fd < 0)
                return -errno;
        for (LaneKind k = 0; k < _LANE_MAX; k++) {
                int r = measure_lane_new(host, undo, ms->notify_fd, lane_nice[k], &ms->lanes[k]);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(ms);
        return 0;
}

/* Ends what is under way, waiting a few seconds for it. What was begun stays in the undo journal. */
Measures *measures_free(Measures *ms) {
        if (!ms)
                return NULL;
        for (LaneKind k = 0; k < _LANE_MAX; k++)
                if (ms->lanes[k])
                        measure_lane_stop(ms->lanes[k]);
        for (LaneKind k = 0; k < _LANE_MAX; k++)
                (void)measure_lane_free(ms->lanes[k]);
        (void)fd_close(ms->notify_fd);
        free(ms);
        return NULL;
}

int measures_submit(Measures *ms, const Measure *m) {
        if (!(STEP_BIT((unsigned)m->step & 31) & STEPS_LADDER) || m->step == STEP_TRIM || m->step < 0 ||
            m->step >= _STEP_MAX || (unsigned)m->verb >= _MEASURE_VERB_MAX)
                return -EINVAL;
        LaneKind k = m->step == STEP_RECLAIM || m->step == STEP_PAGEOUT ? LANE_RECLAIM : LANE_HOLD;
        return measure_lane_submit(ms->lanes[k], m);
}

int measures_fd(const Measures *ms) {
        return ms->notify_fd;
}

uint32_t measures_under_way(const Measures *ms) {
        uint32_t n = 0;

        for (LaneKind k = 0; k < _LANE_MAX; k++)
                n += measure_lane_under_way(ms->lanes[k]);
        return n;
}

/**
 * measures_collect() - what has ended
 * @mono_usec: now
 *
 * Never waits. Call it when measures_fd() is readable, and at every tick while something is under way: nothing
 * else notices a thread that does not come back.
 *
 * Return: number of entries, those of a thread in the order in which they were submitted; call again where it is @max.
 */
uint32_t measures_collect(Measures *ms, uint64_t mono_usec, MeasureStatus *ret, uint32_t max) {
        eventfd_t drained;
        uint32_t n = 0;

        (void)eventfd_read(ms->notify_fd, &drained);
        for (LaneKind k = 0; k < _LANE_MAX; k++)
                n += measure_lane_collect(ms->lanes[k], mono_usec, ret + n, max - n);
        /* There may be more. */
        if (n == max && measures_under_way(ms) > 0)
                (void)eventfd_write(ms->notify_fd, 1);
        return n;
}

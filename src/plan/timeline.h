/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The memory of the host over time in at most TIMELINE_POINTS points, whatever the length: when they are full, two become
 * one. A point keeps the moment of least headroom in its time, whole, so that the parts of the stack add up, and the most
 * headroom beside it: no minimum is averaged away.
 */

#include "base/macros.h"
#include "model/snapshot.h"

#define TIMELINE_POINTS 512

typedef enum StackPart {
        STACK_ANON,
        STACK_SHMEM,
        STACK_KERNEL, /* what is neither of the others: slab, stacks, page tables, drivers */
        STACK_FILE,
        STACK_FREE,
        STACK_SWAP,   /* used swap: beside the stack, not in it */
        _STACK_PART_MAX,
} StackPart;

typedef struct HostMoment {
        uint64_t axis_usec, real_usec;
        bool has_stack;
        uint64_t stack[_STACK_PART_MAX];
        uint64_t total_bytes, available_bytes;
        uint64_t headroom_bytes;
} HostMoment;

typedef struct TimelinePoint {
        HostMoment worst;
        uint64_t headroom_max_bytes;
        uint64_t n; /* samples in it; 0: none, a gap */
} TimelinePoint;

typedef struct Timeline {
        uint64_t width_usec; /* of one point */
        uint32_t n_points;
        TimelinePoint points[TIMELINE_POINTS];
} Timeline;

void timeline_init(Timeline *s);
void timeline_add(Timeline *s, const HostMoment *m);
const char *stack_part_to_string(StackPart p);

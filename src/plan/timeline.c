/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/timeline.h"

#include <string.h>

const char *stack_part_to_string(StackPart p) {
        static const char *const names[] = {
                [STACK_ANON] = "anon", [STACK_SHMEM] = "shmem", [STACK_KERNEL] = "kernel",
                [STACK_FILE] = "file", [STACK_FREE] = "free",   [STACK_SWAP] = "swap",
        };
        return (size_t)p < ARRAY_SIZE(names) ? names[p] : NULL;
}

void timeline_init(Timeline *s) {
        memset(s, 0, sizeof(*s));
        s->width_usec = USEC_PER_SEC;
}

static void point_merge(TimelinePoint *to, const TimelinePoint *from) {
        if (from->n == 0)
                return;
        if (to->n == 0) {
                *to = *from;
                return;
        }
        if (from->worst.headroom_bytes < to->worst.headroom_bytes)
                to->worst = from->worst;
        to->headroom_max_bytes = MAX(to->headroom_max_bytes, from->headroom_max_bytes);
        to->n += from->n;
}

static void halve(Timeline *s) {
        for (uint32_t i = 0; 2 * i < s->n_points; i++) {
                TimelinePoint p = s->points[2 * i];
                if (2 * i + 1 < s->n_points)
                        point_merge(&p, &s->points[2 * i + 1]);
                s->points[i] = p;
        }
        uint32_t n = (s->n_points + 1) / 2;
        memset(s->points + n, 0, (s->n_points - n) * sizeof(TimelinePoint));
        s->n_points = n;
        s->width_usec = u64_mul_sat(s->width_usec, 2);
}

void timeline_add(Timeline *s, const HostMoment *m) {
        const TimelinePoint one = { .worst = *m, .headroom_max_bytes = m->headroom_bytes, .n = 1 };

        while (m->axis_usec / s->width_usec >= TIMELINE_POINTS)
                halve(s);
        uint32_t i = (uint32_t)(m->axis_usec / s->width_usec);
        point_merge(&s->points[i], &one);
        s->n_points = MAX(s->n_points, i + 1);
}

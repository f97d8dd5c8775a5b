/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/search.h"

#define RAM_UNIT (UINT64_C(16) << 20) /* what a virtual machine is sized in */
/* Autopilot's range: 10 % where much is known, 15 % where not. */
#define MARGIN_PERMYRIAD       1000
#define MARGIN_SHORT_PERMYRIAD 1500
/* Closer than this the model means nothing. */
#define RESOLUTION_PERMYRIAD   100

static uint64_t round_up(uint64_t bytes) {
        return bytes > UINT64_MAX - RAM_UNIT ? UINT64_MAX : (bytes + RAM_UNIT - 1) / RAM_UNIT * RAM_UNIT;
}

uint32_t ram_grid(uint64_t demand_bytes, uint64_t ret[RAM_GRID_POINTS]) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < RAM_GRID_POINTS; i++) {
                uint64_t bytes = round_up(u64_mul_div(demand_bytes, 40 + 10 * i, 100));
                /* Small hosts: several round up to the same. */
                if (bytes > 0 && (n == 0 || bytes > ret[n - 1]))
                        ret[n++] = bytes;
        }
        return n;
}

uint32_t ram_refine(const RamAnswer *a, uint64_t ret[RAM_REFINE_POINTS]) {
        uint32_t n = 0;

        if (!a->has_safe || a->unsafe_bytes == 0 ||
            a->safe_bytes - a->unsafe_bytes <= u64_mul_div(a->safe_bytes, RESOLUTION_PERMYRIAD, PERMYRIAD))
                return 0;
        uint64_t gap = a->safe_bytes - a->unsafe_bytes, before = a->unsafe_bytes;
        for (uint32_t i = 1; i <= RAM_REFINE_POINTS; i++) {
                /* Whole MiB are fine enough. */
                uint64_t bytes = (a->unsafe_bytes + gap / (RAM_REFINE_POINTS + 1) * i) >> 20 << 20;
                if (bytes <= before || bytes >= a->safe_bytes)
                        continue;
                ret[n++] = before = bytes;
        }
        return n;
}

static int by_ram(const void *a, const void *b) {
        const RamPoint *x = a, *y = b;
        return x->ram_bytes < y->ram_bytes ? -1 : x->ram_bytes > y->ram_bytes;
}

void ram_answer(RamPoint *points, uint32_t n, bool is_short, RamAnswer *ret) {
        RamAnswer a = { .is_monotone = true, .confidence = PLAN_MODELLED };
        uint32_t i = n;

        if (n > 1)
                qsort(points, n, sizeof(*points), by_ram);
        while (i > 0 && points[i - 1].is_safe)
                i--;
        if (i < n) {
                a.has_safe = true;
                a.safe_bytes = points[i].ram_bytes;
                a.confidence = points[i].confidence;
        }
        if (i > 0)
                a.unsafe_bytes = points[i - 1].ram_bytes;
        for (uint32_t k = 0; k < i; k++)
                a.is_monotone &= !points[k].is_safe;
        a.margin_permyriad = is_short || a.confidence == PLAN_LOW ? MARGIN_SHORT_PERMYRIAD : MARGIN_PERMYRIAD;
        if (a.has_safe)
                a.advised_bytes =
                        round_up(u64_add_sat(a.safe_bytes, u64_mul_div(a.safe_bytes, a.margin_permyriad, PERMYRIAD)));
        *ret = a;
}

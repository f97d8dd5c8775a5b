/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/leftover.h"

void leftover_begin(Leftover *l, uint64_t last_serial, uint32_t n_failed, uint64_t now_usec) {
        *l = (Leftover){ .last_serial = last_serial, .n = n_failed, .delay_usec = LEFTOVER_FIRST_USEC };
        l->due_usec = u64_add_sat(now_usec, l->delay_usec);
}

bool leftover_is_due(const Leftover *l, uint64_t now_usec) {
        return l->n > 0 && now_usec >= l->due_usec;
}

void leftover_tried(Leftover *l, uint32_t n_failed, uint64_t now_usec) {
        /* What went shows that it can be done: the rest need not wait long. */
        l->delay_usec = n_failed < l->n ? LEFTOVER_FIRST_USEC : MIN(2 * l->delay_usec, LEFTOVER_MAX_USEC);
        l->n = n_failed;
        l->due_usec = u64_add_sat(now_usec, l->delay_usec);
}

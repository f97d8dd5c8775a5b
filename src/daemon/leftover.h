/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * When to try again what an earlier daemon left and could not be put back at start: the service manager may not have
 * answered. Soon at first, then ever more rarely, for as long as there is something.
 */

#include "base/macros.h"

#define LEFTOVER_FIRST_USEC (5 * USEC_PER_SEC)
#define LEFTOVER_MAX_USEC   (10 * 60 * USEC_PER_SEC)

typedef struct Leftover {
        uint64_t last_serial; /* of what was left */
        uint32_t n;           /* that are still open */
        uint64_t due_usec, delay_usec;
} Leftover;

/* After the replay at start, of which @n_failed are left. */
void leftover_begin(Leftover *l, uint64_t last_serial, uint32_t n_failed, uint64_t now_usec);
bool leftover_is_due(const Leftover *l, uint64_t now_usec);
/* After a try that began: what is still open. */
void leftover_tried(Leftover *l, uint32_t n_failed, uint64_t now_usec);

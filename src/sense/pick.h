/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The few biggest of many, without sorting the many: a bounded heap on the stack. Ties go to the lower
 * index, so that the choice does not depend on the order of offers.
 */

#include "base/macros.h"

#define PICK_MAX 128

typedef struct PickItem {
        uint64_t key;
        uint32_t index;
} PickItem;

typedef struct Pick {
        uint32_t max; /* at most PICK_MAX */
        uint32_t n;
        PickItem items[PICK_MAX]; /* a heap: the least of the picked is first */
} Pick;

void pick_init(Pick *p, uint32_t max);
void pick_offer(Pick *p, uint64_t key, uint32_t index);

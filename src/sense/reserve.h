/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Address space set aside for the most that may ever be needed. Pages cost memory only once they are
 * touched, so growing under pressure is a page fault of a page at a time and never a malloc() that may
 * want a new arena, take a lock or fail.
 */

#include "base/macros.h"

typedef struct Reserve {
        void *data; /* zeroed when first touched */
        size_t size;
} Reserve;

int reserve_init(Reserve *r, size_t size);
void reserve_done(Reserve *r);
void reserve_forget(Reserve *r);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Growing arrays for the loader, which may allocate: capacity is the next power of two of the count. */

#include "base/macros.h"

/* Makes room for one more element behind @n. @array is a pointer to the array pointer. 0 or -ENOMEM. */
static inline int array_reserve(void *array, size_t n, size_t element_size) {
        void **a = array;
        if (n > 0 && (n < 4 || (n & (n - 1)) != 0))
                return 0;
        void *grown = reallocarray(*a, n == 0 ? 4 : 2 * n, element_size);
        if (!grown)
                return -ENOMEM;
        *a = grown;
        return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense/reserve.h"

#include <sys/mman.h>

/* Linux 5.18; also works on pages that mlockall() holds. */
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* Return: 0; negative errno of mmap(). */
int reserve_init(Reserve *r, size_t size) {
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED)
                return -errno;
        /* A huge page would make one touched byte cost 2 MiB. Refused where the kernel has none: fine. */
        (void)madvise(p, size, MADV_NOHUGEPAGE);
        *r = (Reserve){ .data = p, .size = size };
        return 0;
}

void reserve_done(Reserve *r) {
        if (r->data)
                (void)munmap(r->data, r->size);
        *r = (Reserve){};
}

/* Gives the touched pages back; the contents are zero again, or unchanged where the pages are locked. */
void reserve_forget(Reserve *r) {
        if (madvise(r->data, r->size, MADV_DONTNEED_LOCKED) < 0)
                (void)madvise(r->data, r->size, MADV_DONTNEED);
}

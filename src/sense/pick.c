/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense/pick.h"

void pick_init(Pick *p, uint32_t max) {
        assert(max > 0 && max <= PICK_MAX);
        p->max = max;
        p->n = 0;
}

static bool item_less(PickItem a, PickItem b) {
        return a.key != b.key ? a.key < b.key : a.index > b.index;
}

static void item_swap(PickItem *a, PickItem *b) {
        PickItem t = *a;
        *a = *b;
        *b = t;
}

static void sift_down(Pick *p) {
        for (uint32_t i = 0;;) {
                uint32_t least = i, l = 2 * i + 1, r = l + 1;
                if (l < p->n && item_less(p->items[l], p->items[least]))
                        least = l;
                if (r < p->n && item_less(p->items[r], p->items[least]))
                        least = r;
                if (least == i)
                        return;
                item_swap(&p->items[i], &p->items[least]);
                i = least;
        }
}

/* Keys of 0 are not worth a place. */
void pick_offer(Pick *p, uint64_t key, uint32_t index) {
        PickItem item = { key, index };

        if (key == 0)
                return;
        if (p->n == p->max) {
                if (!item_less(p->items[0], item))
                        return;
                p->items[0] = item;
                sift_down(p);
                return;
        }
        uint32_t i = p->n++;
        p->items[i] = item;
        for (; i > 0 && item_less(p->items[i], p->items[(i - 1) / 2]); i = (i - 1) / 2)
                item_swap(&p->items[i], &p->items[(i - 1) / 2]);
}

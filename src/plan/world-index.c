/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Open addressing, at most half full; what is removed is closed up, so that nothing piles up over weeks. */

#include "plan/world-index.h"

#include <string.h>

/* Ids may be consecutive, or made up by somebody who wants them all in one place: mix all bits (splitmix64). */
static uint64_t mix(uint64_t x) {
        x += UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

void world_index_clear(WorldIndex *x) {
        for (uint32_t i = 0; i < x->size; i++)
                x->slots[i].at = UINT32_MAX;
        x->n = 0;
}

void world_index_done(WorldIndex *x) {
        free(x->slots);
        *x = (WorldIndex){ 0 };
}

/* Where @key is, or would be. */
static uint32_t probe(const WorldIndex *x, uint64_t key) {
        uint32_t i = (uint32_t)mix(key) & (x->size - 1);
        while (x->slots[i].at != UINT32_MAX && x->slots[i].key != key)
                i = (i + 1) & (x->size - 1);
        return i;
}

uint32_t world_index_find(const WorldIndex *x, uint64_t key) {
        return x->size ? x->slots[probe(x, key)].at : UINT32_MAX;
}

static int grow(WorldIndex *x) {
        WorldIndex bigger = { .size = MAX(2 * x->size, UINT32_C(128)) };

        bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
        if (!bigger.slots)
                return -ENOMEM;
        world_index_clear(&bigger);
        for (uint32_t i = 0; i < x->size; i++)
                if (x->slots[i].at != UINT32_MAX) {
                        bigger.slots[probe(&bigger, x->slots[i].key)] = x->slots[i];
                        bigger.n++;
                }
        free(x->slots);
        *x = bigger;
        return 0;
}

int world_index_add(WorldIndex *x, uint64_t key, uint32_t at) {
        if (2 * (x->n + 1) > x->size) {
                int r = grow(x);
                if (r < 0)
                        return r;
        }
        uint32_t i = probe(x, key);
        x->n += x->slots[i].at == UINT32_MAX;
        x->slots[i] = (WorldSlot){ key, at };
        return 0;
}

void world_index_move(WorldIndex *x, uint64_t key, uint32_t at) {
        if (x->size) {
                uint32_t i = probe(x, key);
                if (x->slots[i].at != UINT32_MAX)
                        x->slots[i].at = at;
        }
}

void world_index_remove(WorldIndex *x, uint64_t key) {
        if (!x->size)
                return;
        uint32_t hole = probe(x, key), mask = x->size - 1;
        if (x->slots[hole].at == UINT32_MAX)
                return;
        x->n--;
        for (uint32_t i = (hole + 1) & mask; x->slots[i].at != UINT32_MAX; i = (i + 1) & mask) {
                uint32_t home = (uint32_t)mix(x->slots[i].key) & mask;
                /* may it stand at the hole? Only if its home is not between the hole and here */
                if (((i - home) & mask) >= ((i - hole) & mask)) {
                        x->slots[hole] = x->slots[i];
                        hole = i;
                }
        }
        x->slots[hole].at = UINT32_MAX;
}

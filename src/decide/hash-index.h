/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Open addressing over a dense array: maps a hash to positions in it. Sized at each reset for what it
 * will hold, so that a small host touches little memory.
 */

#include <string.h>

#include "base/macros.h"

#define HASH_INDEX_EMPTY UINT32_MAX

typedef struct HashIndex {
        uint32_t *slots;
        uint32_t mask;
} HashIndex;

static inline uint32_t hash_index_slots(uint32_t n) {
        uint32_t slots = 64;
        while (slots / 2 < n)
                slots *= 2;
        return slots;
}

static inline void hash_index_reset(HashIndex *ix, uint32_t n) {
        uint32_t slots = hash_index_slots(n);
        ix->mask = slots - 1;
        memset(ix->slots, 0xff, (size_t)slots * sizeof(uint32_t));
}

static inline uint32_t hash_index_mix(uint64_t a, uint64_t b) {
        return (uint32_t)(((a ^ b << 32 ^ b >> 32) * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static inline void hash_index_add(HashIndex *ix, uint32_t hash, uint32_t position) {
        uint32_t i = hash & ix->mask;
        while (ix->slots[i] != HASH_INDEX_EMPTY)
                i = (i + 1) & ix->mask;
        ix->slots[i] = position;
}

/* for (uint32_t i = hash & ix->mask, k; (k = ix->slots[i]) != EMPTY; i = (i + 1) & ix->mask) */
#define HASH_INDEX_FOREACH(ix, hash, k) \
        for (uint32_t k##_slot = (hash) & (ix)->mask, k; ((k) = (ix)->slots[k##_slot]) != HASH_INDEX_EMPTY; \
             k##_slot = (k##_slot + 1) & (ix)->mask)

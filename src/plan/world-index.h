/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Key -> place in an array. Keys are unique; the caller keeps the array. */

#include "base/macros.h"

typedef struct WorldSlot {
        uint64_t key;
        uint32_t at; /* UINT32_MAX: free */
} WorldSlot;

typedef struct WorldIndex {
        WorldSlot *slots;
        uint32_t n, size; /* a power of two */
} WorldIndex;

void world_index_clear(WorldIndex *x);
void world_index_done(WorldIndex *x);
/* UINT32_MAX where there is none. */
uint32_t world_index_find(const WorldIndex *x, uint64_t key);
/* 0; -ENOMEM. */
int world_index_add(WorldIndex *x, uint64_t key, uint32_t at);
/* It stands elsewhere in the array now. */
void world_index_move(WorldIndex *x, uint64_t key, uint32_t at);
void world_index_remove(WorldIndex *x, uint64_t key);

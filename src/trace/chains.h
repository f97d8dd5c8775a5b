/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A hash index over items that are numbers below a cap: chains through arrays. It begins small and doubles in place, so
 * that a small host touches little of the memory that is reserved.
 */

#include "trace/reserve.h"

#define CHAINS_HEADS_MIN 256u
#define CHAINS_NONE      UINT32_MAX

typedef struct Chains {
        uint32_t *heads, *next, *hash; /* 1 + item, 0 for none */
        uint32_t max, n_heads, max_heads, n;
} Chains;

static inline uint32_t chains_mix(uint64_t v) {
        return (uint32_t)((v ^ v >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static inline void chains_done(Chains *c) {
        reserve_unmap(c->heads, c->max_heads * sizeof(uint32_t));
        reserve_unmap(c->next, c->max * sizeof(uint32_t));
        reserve_unmap(c->hash, c->max * sizeof(uint32_t));
        *c = (Chains){ 0 };
}

static inline int chains_init(Chains *c, uint32_t max) {
        *c = (Chains){ .max = max, .n_heads = CHAINS_HEADS_MIN, .max_heads = CHAINS_HEADS_MIN };
        while (c->max_heads < max)
                c->max_heads *= 2;
        c->heads = reserve_map(c->max_heads * sizeof(uint32_t));
        c->next = reserve_map(max * sizeof(uint32_t));
        c->hash = reserve_map(max * sizeof(uint32_t));
        return c->heads && c->next && c->hash ? 0 : -ENOMEM;
}

static inline void chains_reset(Chains *c) {
        for (uint32_t i = 0; c->n > 0 && i < c->n_heads; i++)
                c->heads[i] = 0;
        c->n = 0;
}

static inline void chains_link(Chains *c, uint32_t item) {
        uint32_t *head = &c->heads[c->hash[item] & (c->n_heads - 1)];
        c->next[item] = *head;
        *head = item + 1;
}

/* Splits each chain in two: the order of the heads needs no other memory. */
static inline void chains_grow(Chains *c) {
        uint32_t old = c->n_heads;

        c->n_heads *= 2;
        for (uint32_t i = 0; i < old; i++) {
                uint32_t item = c->heads[i];
                c->heads[i] = 0;
                c->heads[i + old] = 0;
                while (item) {
                        uint32_t following = c->next[item - 1];
                        chains_link(c, item - 1);
                        item = following;
                }
        }
}

static inline void chains_add(Chains *c, uint32_t hash, uint32_t item) {
        c->hash[item] = hash;
        chains_link(c, item);
        if (++c->n > c->n_heads && c->n_heads < c->max_heads)
                chains_grow(c);
}

static inline void chains_remove(Chains *c, uint32_t item) {
        uint32_t *at = &c->heads[c->hash[item] & (c->n_heads - 1)];

        while (*at && *at != item + 1)
                at = &c->next[*at - 1];
        if (!*at)
                return;
        *at = c->next[item];
        c->n--;
}

/* The first item of the chain of @hash, then the ones behind it; CHAINS_NONE at its end. Other hashes are in there, too. */
static inline uint32_t chains_first(const Chains *c, uint32_t hash) {
        return c->heads[hash & (c->n_heads - 1)] - 1;
}
static inline uint32_t chains_next(const Chains *c, uint32_t item) {
        return c->next[item] - 1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Flat keyed kernel files: "key value" lines (vmstat, memory.stat, memory.events) and "Key: value kB"
 * lines (meminfo). Keys are found by name, in whatever order and number the kernel prints them.
 */

#include "base/macros.h"

typedef struct KeyedKey {
        const char *key;
        uint8_t len;
        uint8_t field;      /* bit in have, index in value */
        bool is_kb : 1;     /* "1234 kB", taken in bytes */
        bool is_summed : 1; /* several keys add up in one field */
} KeyedKey;

#define KEYED(k, f) \
        { .key = (k), .len = sizeof(k) - 1, .field = (f) }
#define KEYED_KB(k, f) \
        { .key = (k), .len = sizeof(k) - 1, .field = (f), .is_kb = true }
#define KEYED_SUM(k, f) \
        { .key = (k), .len = sizeof(k) - 1, .field = (f), .is_summed = true }

/* What one table may hold. */
#define KEYED_KEYS_MAX 48

int keyed_parse(const char *text, const KeyedKey *keys, size_t n_keys, uint64_t *have, uint64_t *value);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pass over the text, no copy, no sscanf. /proc/vmstat has about 190 lines of which 20 matter, so
 * the work is in dismissing lines: a table over (first, last, length) of the wanted keys, built on the
 * stack in about 0.1 us, dismisses nearly all of them with one load. Kernels differ in the order of
 * lines and in which exist; nothing here depends on it.
 *
 * A line counts only when it is whole, newline included: in a file that was cut, "MemFree: 12" may be
 * the beginning of 12345.
 */
#include "sense/keyed.h"

#include <string.h>

#define SLOTS 256u

static unsigned slot_of(const char *key, size_t len) {
        return ((unsigned char)key[0] * 5u + (unsigned char)key[len - 1] * 11u + (unsigned)len * 29u) % SLOTS;
}

static void table_build(uint8_t table[SLOTS], const KeyedKey *keys, size_t n_keys) {
        assert(n_keys <= KEYED_KEYS_MAX);
        memset(table, 0, SLOTS);
        for (size_t i = 0; i < n_keys; i++) {
                unsigned s = slot_of(keys[i].key, keys[i].len);
                while (table[s] != 0)
                        s = (s + 1) % SLOTS;
                table[s] = (uint8_t)(i + 1);
        }
}

/* Index of the wanted key, -1 if it is none. */
static int table_find(const uint8_t table[SLOTS], const KeyedKey *keys, const char *key, size_t len) {
        for (unsigned s = slot_of(key, len); table[s] != 0; s = (s + 1) % SLOTS) {
                const KeyedKey *k = &keys[table[s] - 1];
                if (k->len == len && memcmp(k->key, key, len) == 0)
                        return table[s] - 1;
        }
        return -1;
}

/* @p is behind the key. The value has to be followed by nothing but its unit and a newline. */
static int value_parse(const char *p, const KeyedKey *k, uint64_t *ret) {
        uint64_t v = 0;

        if (*p == ':')
                p++;
        while (*p == ' ' || *p == '\t')
                p++;
        if (*p < '0' || *p > '9')
                return -EBADMSG;
        for (; *p >= '0' && *p <= '9'; p++)
                if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
                        return -EBADMSG;
        if (k->is_kb) {
                if (strncmp(p, " kB\n", 4) != 0 || __builtin_mul_overflow(v, 1024, &v))
                        return -EBADMSG;
        } else if (*p != '\n')
                return -EBADMSG;
        *ret = v;
        return 0;
}

/**
 * keyed_parse() - read the wanted keys of a flat keyed file
 * @text:  NUL-terminated
 * @keys:  what is wanted; borrowed
 * @have:  the bit of every field of @keys is set or cleared, other bits are left alone
 * @value: in bytes where the key is in kB, else as printed; 0 where the field is absent
 *
 * A field whose line is garbled, cut, too big for 64 bits or there twice is absent.
 *
 * Return: number of wanted lines that were not understood; 0 is the normal case.
 */
int keyed_parse(const char *text, const KeyedKey *keys, size_t n_keys, uint64_t *have, uint64_t *value) {
        uint8_t table[SLOTS];
        uint64_t bad = 0, found = 0, seen_keys = 0;
        int n_bad = 0;

        table_build(table, keys, n_keys);
        for (size_t i = 0; i < n_keys; i++) {
                *have &= ~(UINT64_C(1) << keys[i].field);
                value[keys[i].field] = 0;
        }
        for (const char *line = text; *line != '\0';) {
                const char *end = line;
                while (*end != ' ' && *end != ':' && *end != '\n' && *end != '\0' && *end != '\t')
                        end++;
                int i = end > line ? table_find(table, keys, line, (size_t)(end - line)) : -1;
                if (i >= 0) {
                        uint64_t v, key_bit = UINT64_C(1) << i, bit = UINT64_C(1) << keys[i].field;
                        bool is_again = keys[i].is_summed ? (seen_keys & key_bit) : (found & bit);
                        if (is_again || value_parse(end, &keys[i], &v) < 0) {
                                bad |= bit;
                                n_bad++;
                        } else
                                value[keys[i].field] = u64_add_sat(value[keys[i].field], v);
                        found |= bit;
                        seen_keys |= key_bit;
                }
                line = strchrnul(end, '\n');
                if (*line == '\n')
                        line++;
        }
        *have |= found & ~bad;
        for (size_t i = 0; i < n_keys; i++)
                if ((bad >> keys[i].field) & 1)
                        value[keys[i].field] = 0;
        return n_bad;
}

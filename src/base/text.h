/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Kernel text and untrusted names: strict number parsing without strtoul's surprises, and escaping.
 * Nothing here allocates.
 */

#include "base/macros.h"

/*
 * An output buffer that never overflows and never allocates: appends beyond the end are dropped and
 * remembered in @truncated. Always NUL-terminated once initialised.
 */
typedef struct TextBuf {
        char *data;
        size_t size, len;
        bool truncated;
} TextBuf;

#define TEXT_BUF(array) ((TextBuf){ .data = (array), .size = sizeof(array) })

void text_append(TextBuf *b, const char *s);
void text_append_n(TextBuf *b, const char *s, size_t n);
void text_appendf(TextBuf *b, const char *format, ...) _printf_(2, 3);
void text_append_escaped(TextBuf *b, const char *s);

/* Parse the whole of @s, or up to @n bytes of it. -EINVAL: not a plain decimal number; -ERANGE: too big. */
int text_parse_u64(const char *s, uint64_t *ret);
int text_parse_u64_n(const char *s, size_t n, uint64_t *ret);
int text_parse_i64_n(const char *s, size_t n, int64_t *ret);

bool text_has_prefix(const char *s, const char *prefix);
bool text_has_suffix(const char *s, const char *suffix);

/* Next line of a NUL-terminated buffer: returns its start and length, moves *p behind it; NULL at the end. */
const char *text_next_line(const char **p, size_t *ret_len);

/* FNV-1a, for hash tables and the policy hash; start with TEXT_HASH_INIT. */
#define TEXT_HASH_INIT UINT64_C(0xcbf29ce484222325)
uint64_t text_hash(uint64_t h, const void *data, size_t n);

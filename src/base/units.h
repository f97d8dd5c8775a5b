/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Sizes, times and shares as people write and read them.
 *
 * Sizes are binary (K, M, G, T = powers of 1024, as in systemd). Times take us, ms, s, min, h, d; a
 * bare number is refused, since seconds and milliseconds are both plausible. Shares are percent with
 * up to two decimals, held in permyriad.
 */

#include "base/macros.h"
#include "base/text.h"

/* Parse exactly @n bytes. -EINVAL: not understood; -ERANGE: too big. */
int units_parse_bytes(const char *s, size_t n, uint64_t *ret);
int units_parse_usec(const char *s, size_t n, uint64_t *ret);
int units_parse_share(const char *s, size_t n, uint64_t *ret); /* "12.5%" -> 1250; up to 100000 % */

/* Human forms: "1.4G", "340M", "12.5%", "1.5s", "250ms", "infinity". */
void units_append_bytes(TextBuf *b, uint64_t bytes);
void units_append_usec(TextBuf *b, uint64_t usec);
void units_append_share(TextBuf *b, uint64_t permyriad);

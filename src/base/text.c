/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void text_append_n(TextBuf *b, const char *s, size_t n) {
        assert(b->size > 0);
        size_t room = b->size - 1 - b->len;
        if (n > room) {
                n = room;
                b->truncated = true;
        }
        memcpy(b->data + b->len, s, n);
        b->len += n;
        b->data[b->len] = '\0';
}

void text_append(TextBuf *b, const char *s) {
        text_append_n(b, s, strlen(s));
}

void text_appendf(TextBuf *b, const char *format, ...) {
        assert(b->size > 0);
        size_t room = b->size - b->len;
        va_list ap;

        va_start(ap, format);
        int n = vsnprintf(b->data + b->len, room, format, ap);
        va_end(ap);
        if (n < 0) {
                b->data[b->len] = '\0';
                b->truncated = true;
        } else if ((size_t)n >= room) {
                b->len = b->size - 1;
                b->truncated = true;
        } else
                b->len += (size_t)n;
}

/* Length of the valid UTF-8 sequence at @s that encodes a printable character beyond ASCII, else 0. */
static size_t utf8_printable_length(const unsigned char *s) {
        size_t n = s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : 0;
        if (n == 0)
                return 0;
        uint32_t c = s[0] & (0xffu >> (n + 1));
        for (size_t i = 1; i < n; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (s[i] & 0x3f);
        }
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;
        /* C1 controls, and the marks that reorder or hide text on a terminal */
        if (c < 0xa0 || c == 0xad || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
            (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
            (c >= 0xe0000 && c <= 0xe0fff))
                return 0;
        return n;
}

/**
 * text_append_escaped() - append an untrusted name so that it stays on one line and moves no cursor
 * @b: buffer
 * @s: process or cgroup name: any bytes
 *
 * Control characters, invalid UTF-8, bidirectional and invisible marks and the backslash come out as
 * \xNN per byte; everything else as it is.
 */
void text_append_escaped(TextBuf *b, const char *s) {
        for (const unsigned char *p = (const unsigned char *)s; *p;) {
                size_t n = utf8_printable_length(p);
                if (n == 0 && *p >= 0x20 && *p < 0x7f && *p != '\\')
                        n = 1;
                if (n > 0) {
                        text_append_n(b, (const char *)p, n);
                        p += n;
                } else
                        text_appendf(b, "\\x%02x", *p++);
        }
}

int text_parse_u64_n(const char *s, size_t n, uint64_t *ret) {
        uint64_t v = 0;

        if (n == 0)
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                if (s[i] < '0' || s[i] > '9')
                        return -EINVAL;
                if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
                    __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
                        return -ERANGE;
        }
        *ret = v;
        return 0;
}

int text_parse_u64(const char *s, uint64_t *ret) {
        return text_parse_u64_n(s, strlen(s), ret);
}

int text_parse_i64_n(const char *s, size_t n, int64_t *ret) {
        bool negative = n > 0 && s[0] == '-';
        uint64_t v;
        int r = text_parse_u64_n(s + negative, n - negative, &v);
        if (r < 0)
                return r;
        if (v > (uint64_t)INT64_MAX + negative)
                return -ERANGE;
        *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
        return 0;
}

bool text_has_prefix(const char *s, const char *prefix) {
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_has_suffix(const char *s, const char *suffix) {
        size_t n = strlen(s), k = strlen(suffix);
        return n >= k && memcmp(s + n - k, suffix, k) == 0;
}

const char *text_next_line(const char **p, size_t *ret_len) {
        const char *line = *p;
        if (!line || !*line)
                return NULL;
        const char *end = strchr(line, '\n');
        *ret_len = end ? (size_t)(end - line) : strlen(line);
        *p = end ? end + 1 : line + *ret_len;
        return line;
}

uint64_t text_hash(uint64_t h, const void *data, size_t n) {
        const unsigned char *p = data;
        for (size_t i = 0; i < n; i++)
                h = (h ^ p[i]) * UINT64_C(0x100000001b3);
        return h;
}

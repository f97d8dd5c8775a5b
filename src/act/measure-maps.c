/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * /proc/PID/maps: "start-end perms offset major:minor inode path". Only what stands before the path is looked at:
 * the path is the process's to choose, may hold anything, and is of any length.
 */

#include "act/measure-maps.h"

#include <string.h>

/* "ffffffffffffffff-ffffffffffffffff rwxp ffffffffffffffff ffffff:ffffff 18446744073709551615 " */
#define LINE_HEAD_MAX 128

static int parse_hex(const char **s, const char *end, uint64_t *ret) {
        const char *start = *s;
        uint64_t v = 0;

        for (; *s < end; (*s)++) {
                char c = **s;
                int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
                if (digit < 0)
                        break;
                if (v >> 60)
                        return -EBADMSG;
                v = v << 4 | (uint64_t)digit;
        }
        if (*s == start)
                return -EBADMSG;
        *ret = v;
        return 0;
}

static int skip_char(const char **s, const char *end, char c) {
        if (*s >= end || **s != c)
                return -EBADMSG;
        (*s)++;
        return 0;
}

/**
 * maps_line_parse() - one mapping
 * @s: the line without its newline; anything behind the inode number is ignored
 *
 * Return: 0; -EBADMSG, @ret untouched.
 * Source: Documentation/filesystems/proc.rst, section 1.1 (Linux 2.6).
 */
int maps_line_parse(const char *s, size_t n, MapsRegion *ret) {
        const char *end = s + n;
        uint64_t start, stop, offset, major, minor, inode;

        if (parse_hex(&s, end, &start) < 0 || skip_char(&s, end, '-') < 0 || parse_hex(&s, end, &stop) < 0 ||
            skip_char(&s, end, ' ') < 0 || end - s < 5)
                return -EBADMSG;
        const char *perms = s;
        s += 4;
        if (skip_char(&s, end, ' ') < 0 || parse_hex(&s, end, &offset) < 0 || skip_char(&s, end, ' ') < 0 ||
            parse_hex(&s, end, &major) < 0 || skip_char(&s, end, ':') < 0 || parse_hex(&s, end, &minor) < 0 ||
            skip_char(&s, end, ' ') < 0 || parse_hex(&s, end, &inode) < 0 || (s < end && *s != ' ') || start >= stop)
                return -EBADMSG;
        *ret = (MapsRegion){
                .start = start,
                .end = stop,
                .is_private_anonymous =
                        perms[0] == 'r' && perms[1] == 'w' && perms[3] == 'p' && major == 0 && minor == 0 && inode == 0,
        };
        return 0;
}

/* Makes room by dropping what was read, then reads on. 0: end of file. */
static int maps_fill(MapsReader *r) {
        ssize_t n;

        memmove(r->buf, r->buf + r->at, r->len - r->at);
        r->len -= r->at;
        r->at = 0;
        do
                n = read(r->fd, r->buf + r->len, sizeof(r->buf) - r->len);
        while (n < 0 && errno == EINTR);
        if (n > 0)
                r->len += (size_t)n;
        return n < 0 ? -errno : n > 0;
}

/* Drops the rest of the line. */
static int maps_skip_line(MapsReader *r) {
        for (;;) {
                char *nl = memchr(r->buf + r->at, '\n', r->len - r->at);
                r->at = nl ? (size_t)(nl + 1 - r->buf) : r->len;
                if (nl)
                        return 1;
                int n = maps_fill(r);
                if (n <= 0)
                        return n;
        }
}

int maps_next(MapsReader *r, MapsRegion *ret) {
        for (;;) {
                const char *line = r->buf + r->at;
                size_t have = r->len - r->at;
                const char *nl = memchr(line, '\n', have);
                if (!nl && have < LINE_HEAD_MAX) {
                        int n = maps_fill(r);
                        if (n > 0)
                                continue;
                        if (n < 0 || r->len == r->at)
                                return n;
                        line = r->buf + r->at;
                        have = r->len - r->at;
                }
                size_t n = nl ? (size_t)(nl - line) : have;
                int q = maps_line_parse(line, MIN(n, (size_t)LINE_HEAD_MAX), ret);
                int s = maps_skip_line(r);
                if (q < 0 || s < 0)
                        return q < 0 ? q : s;
                if (ret->is_private_anonymous)
                        return 1;
        }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes both formats, since a captured tree may hold either:
 *   mountinfo: 41 31 0:38 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
 *   mounts:    cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0
 * Paths are data of whoever may mount: escaped by the kernel, so that a line is a line.
 */
#include "sense/mountinfo.h"

#include <string.h>

#include "base/text.h"

typedef struct Word {
        const char *s;
        size_t n;
} Word;

typedef struct MountLine {
        Word root, point, type, super_options;
} MountLine;

/* Words of a mountinfo line: 6, any number of optional fields (2 in practice), "-" and 3 more. */
#define WORDS_MAX 24

static bool word_is(Word w, const char *s) {
        return w.n == strlen(s) && memcmp(w.s, s, w.n) == 0;
}

static size_t line_split(const char *line, size_t n, Word words[WORDS_MAX]) {
        size_t count = 0;

        for (size_t i = 0; i < n && count < WORDS_MAX;) {
                size_t start = i;
                while (i < n && line[i] != ' ')
                        i++;
                if (i > start)
                        words[count++] = (Word){ line + start, i - start };
                i++;
        }
        return count;
}

static bool line_parse(const char *line, size_t n, MountLine *ret) {
        Word w[WORDS_MAX];
        size_t count = line_split(line, n, w);

        for (size_t i = 6; i + 3 < count; i++)
                if (word_is(w[i], "-")) {
                        *ret = (MountLine){ .root = w[3], .point = w[4], .type = w[i + 1], .super_options = w[i + 3] };
                        return true;
                }
        if (count != 6)
                return false;
        *ret = (MountLine){ .root = { "/", 1 }, .point = w[1], .type = w[2], .super_options = w[3] };
        return true;
}

/* Space, tab, newline and backslash stand as three octal digits. */
static int word_unescape(Word w, char *buf, size_t size) {
        size_t len = 0;

        for (size_t i = 0; i < w.n; i++) {
                char c = w.s[i];
                if (c == '\\') {
                        if (w.n - i < 4)
                                return -EBADMSG;
                        unsigned v = 0;
                        for (size_t k = 1; k <= 3; k++) {
                                if (w.s[i + k] < '0' || w.s[i + k] > '7')
                                        return -EBADMSG;
                                v = v * 8 + (unsigned)(w.s[i + k] - '0');
                        }
                        if (v == 0 || v > 255)
                                return -EBADMSG;
                        c = (char)v;
                        i += 3;
                }
                if (len + 1 >= size)
                        return -ENAMETOOLONG;
                buf[len++] = c;
        }
        buf[len] = '\0';
        return 0;
}

/**
 * mountinfo_find_cgroup2() - where the unified hierarchy is mounted
 * @text: of mountinfo or mounts, NUL-terminated
 * @ret:  untouched on failure
 *
 * Takes the first mount of the whole hierarchy, or else the first of a part of it: a bind mount of some
 * container's subtree may stand in the table as well.
 *
 * Return: 0; -ENOENT if there is none that can be used.
 */
int mountinfo_find_cgroup2(const char *text, Cgroup2Mount *ret) {
        Cgroup2Mount m;
        bool found = false;
        size_t n;

        for (const char *line; (line = text_next_line(&text, &n));) {
                MountLine l;
                if (!line_parse(line, n, &l) || !word_is(l.type, "cgroup2"))
                        continue;
                if (word_unescape(l.point, m.point, sizeof(m.point)) < 0 ||
                    word_unescape(l.root, m.root, sizeof(m.root)) < 0 || m.point[0] != '/' || m.root[0] != '/')
                        continue;
                bool is_whole = m.root[1] == '\0';
                if (is_whole || !found)
                        *ret = m;
                found = true;
                if (is_whole)
                        break;
        }
        return found ? 0 : -ENOENT;
}

/* Is /proc mounted so that processes of others are hidden? Sees the last mount on /proc: it covers the others. */
bool mountinfo_has_hidepid(const char *text) {
        bool hidden = false;
        size_t n;

        for (const char *line; (line = text_next_line(&text, &n));) {
                MountLine l;
                if (!line_parse(line, n, &l) || !word_is(l.type, "proc") || !word_is(l.point, "/proc"))
                        continue;
                static const char key[] = "hidepid=";
                const char *p = memmem(l.super_options.s, l.super_options.n, key, sizeof(key) - 1);
                const char *end = l.super_options.s + l.super_options.n;
                hidden = false;
                if (!p)
                        continue;
                p += sizeof(key) - 1;
                size_t len = 0;
                while (p + len < end && p[len] != ',')
                        len++;
                /* a number before Linux 5.8, a word since */
                hidden = !word_is((Word){ p, len }, "0") && !word_is((Word){ p, len }, "off");
        }
        return hidden;
}

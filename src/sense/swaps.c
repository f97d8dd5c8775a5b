/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zram swap is not free memory: filling SwapFree costs SwapFree x mem_used / orig of RAM. Both halves of
 * that ratio are taken here; the arithmetic is decide's.
 */
#include "sense/swaps.h"

#include <string.h>

#include "base/text.h"

/* Next word of the line that ends at @end; *p moves behind it. */
static const char *next_word(const char **p, const char *end, size_t *ret_len) {
        while (*p < end && (**p == ' ' || **p == '\t'))
                (*p)++;
        const char *word = *p;
        while (*p < end && **p != ' ' && **p != '\t')
                (*p)++;
        *ret_len = (size_t)(*p - word);
        return *ret_len > 0 ? word : NULL;
}

/* "/dev/zram12", also where the node was unlinked ("\040(deleted)", escaped by the kernel). */
static bool zram_number(const char *name, size_t n, uint32_t *ret) {
        static const char deleted[] = "\\040(deleted)";
        size_t d = sizeof(deleted) - 1;
        uint64_t v;

        if (n > d && memcmp(name + n - d, deleted, d) == 0)
                n -= d;
        const char *slash = memrchr(name, '/', n);
        if (!slash)
                return false;
        const char *base = slash + 1;
        size_t len = n - (size_t)(base - name);
        if (len <= 4 || memcmp(base, "zram", 4) != 0 || text_parse_u64_n(base + 4, len - 4, &v) < 0 || v > UINT32_MAX)
                return false;
        *ret = (uint32_t)v;
        return true;
}

static int area_parse(const char *line, const char *end, Swaps *s) {
        size_t name_len, type_len, len;
        uint64_t size_kb, used_kb;
        uint32_t number;

        const char *name = next_word(&line, end, &name_len);
        const char *type = next_word(&line, end, &type_len);
        const char *w = next_word(&line, end, &len);
        if (!name || !type || !w || text_parse_u64_n(w, len, &size_kb) < 0)
                return -EBADMSG;
        w = next_word(&line, end, &len);
        if (!w || text_parse_u64_n(w, len, &used_kb) < 0)
                return -EBADMSG;
        uint64_t size = u64_mul_sat(size_kb, 1024), used = u64_mul_sat(used_kb, 1024);
        s->n_areas++;
        s->total_bytes = u64_add_sat(s->total_bytes, size);
        s->used_bytes = u64_add_sat(s->used_bytes, used);
        /* A swap file may have any name; only a block device is zram. */
        if (type_len != 9 || memcmp(type, "partition", 9) != 0 || !zram_number(name, name_len, &number))
                return 0;
        if (s->n_zram == SWAPS_ZRAM_MAX)
                return -EBADMSG;
        s->zram[s->n_zram++] = number;
        s->zram_total_bytes = u64_add_sat(s->zram_total_bytes, size);
        s->zram_used_bytes = u64_add_sat(s->zram_used_bytes, used);
        return 0;
}

/**
 * swaps_parse() - the swap areas in use
 * @text: of /proc/swaps, NUL-terminated
 * @ret:  sums in bytes; untouched on failure. No area at all is a success.
 *
 * Return: 0; -EBADMSG if the heading is missing or a line is garbled or cut, since a sum over the rest
 *         would be wrong.
 */
int swaps_parse(const char *text, Swaps *ret) {
        Swaps s = {};
        bool has_heading = false;

        while (*text != '\0') {
                const char *end = strchr(text, '\n');
                if (!end)
                        return -EBADMSG;
                if (!has_heading) {
                        if (!text_has_prefix(text, "Filename"))
                                return -EBADMSG;
                        has_heading = true;
                } else if (area_parse(text, end, &s) < 0)
                        return -EBADMSG;
                text = end + 1;
        }
        if (!has_heading)
                return -EBADMSG;
        *ret = s;
        return 0;
}

/**
 * zram_mm_stat_parse() - first and third number of a zram device's mm_stat
 * @ret: bytes; untouched on failure
 *
 * Return: 0; -EBADMSG if the text is not understood.
 * Source: Documentation/admin-guide/blockdev/zram.rst (Linux 4.7).
 */
int zram_mm_stat_parse(const char *text, ZramStat *ret) {
        uint64_t v[3];
        const char *end = strchr(text, '\n');

        if (!end)
                return -EBADMSG;
        for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
                size_t len;
                const char *w = next_word(&text, end, &len);
                if (!w || text_parse_u64_n(w, len, &v[i]) < 0)
                        return -EBADMSG;
        }
        *ret = (ZramStat){ .orig_bytes = v[0], .mem_used_bytes = v[2] };
        return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Only `total` is taken. The averages move every 2 s and need seconds to get anywhere, while total is
 * fresh at every read: rates over any window come from two totals.
 */
#include "sense/psi.h"

#include <string.h>

#include "base/text.h"
#include "sense/read.h"

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0": finds total= as a word of its own. */
static int total_parse(const char *line, size_t n, uint64_t *ret) {
        static const char word[] = " total=";
        const char *p = memmem(line, n, word, sizeof(word) - 1);

        if (!p)
                return -EBADMSG;
        p += sizeof(word) - 1;
        size_t left = n - (size_t)(p - line), len = 0;
        while (len < left && p[len] != ' ')
                len++;
        return text_parse_u64_n(p, len, ret) < 0 ? -EBADMSG : 0;
}

/**
 * psi_parse() - totals of one pressure file
 * @text: NUL-terminated
 * @ret:  totals in usec; untouched on failure. @has_full is false where the kernel prints no such line.
 *
 * Return: 0; -EBADMSG if there is neither line, or one is garbled, cut or there twice.
 * Source: Documentation/accounting/psi.rst (Linux 4.20).
 */
int psi_parse(const char *text, PsiTotals *ret) {
        PsiTotals t = {};

        while (*text != '\0') {
                const char *end = strchr(text, '\n');
                if (!end)
                        return -EBADMSG; /* cut: the last digits may be missing */
                size_t n = (size_t)(end - text);
                bool is_some = text_has_prefix(text, "some "), is_full = text_has_prefix(text, "full ");
                if ((is_some && t.has_some) || (is_full && t.has_full))
                        return -EBADMSG;
                if ((is_some && total_parse(text, n, &t.some_usec) < 0) ||
                    (is_full && total_parse(text, n, &t.full_usec) < 0))
                        return -EBADMSG;
                t.has_some |= is_some;
                t.has_full |= is_full;
                text = end + 1;
        }
        if (!t.has_some && !t.has_full)
                return -EBADMSG;
        *ret = t;
        return 0;
}

/**
 * psi_read() - read a kept pressure file
 * @fd:  open for reading; one with a trigger armed on it serves as well
 * @ret: untouched on failure
 *
 * Return: 0; READ_E_GONE if the cgroup vanished; -EOPNOTSUPP where PSI was disabled at boot (older
 *         kernels); -EBADMSG if the text is not understood; other negative errno from read().
 */
int psi_read(int fd, PsiTotals *ret) {
        char buf[256]; /* two lines of at most about 80 characters */
        int r = read_once(fd, buf, sizeof(buf));

        if (r == -EFBIG)
                return -EBADMSG;
        if (r < 0)
                return read_is_gone(r) ? READ_E_GONE : r;
        return psi_parse(buf, ret);
}

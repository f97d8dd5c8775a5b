/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense/complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Remembers the line unless one of its kind has been told already. Does not allocate. */
void complaint_raise(Complaints *c, ComplaintKind k, const char *format, ...) {
        va_list ap;

        if (!c || (c->told >> k) & 1)
                return;
        va_start(ap, format);
        (void)vsnprintf(c->text[k], sizeof(c->text[k]), format, ap);
        va_end(ap);
        c->told |= UINT32_C(1) << k;
        c->pending |= UINT32_C(1) << k;
}

/* The common case: the file could not be read (@error is negative errno) or not understood (-EBADMSG). */
void complaint_raise_file(Complaints *c, ComplaintKind k, const char *dir, const char *file, int error) {
        if (!c || (c->told >> k) & 1)
                return;

        char path[120];
        TextBuf b = TEXT_BUF(path);
        text_append_escaped(&b, dir);
        if (dir[0] != '\0' && !text_has_suffix(dir, "/"))
                text_append(&b, "/");
        text_append(&b, file);
        if (error == -EBADMSG)
                complaint_raise(c, k, "%s: not understood, doing without what it would say", path);
        else if (error == -EFBIG)
                complaint_raise(c, k, "%s: too long, doing without what it would say", path);
        else
                complaint_raise(c, k, "%s: cannot be read (errno %d), doing without what it would say", path, -error);
}

/* Takes the next line out. Returns false, and @buf is "", when there is none. */
bool complaint_next(Complaints *c, char *buf, size_t size) {
        buf[0] = '\0';
        if (c->pending == 0)
                return false;
        unsigned k = (unsigned)__builtin_ctz(c->pending);
        c->pending &= c->pending - 1;
        (void)snprintf(buf, size, "%s", c->text[k]);
        return true;
}

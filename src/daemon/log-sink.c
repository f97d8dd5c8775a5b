/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The journal gets fields; standard error gets the message alone. Which one: $JOURNAL_STREAM names device and
 * inode of what the service manager connected standard error to (systemd.exec(5)); if that still is our
 * standard error, native entries take its place. Without a journal socket the line goes to standard error
 * after all.
 */

/* The place in this file says nothing about the entry. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include "daemon/log-sink.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

#include "base/text.h"

#define FIELDS_MAX 64

static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        const char *colon = stream ? strchr(stream, ':') : NULL;
        uint64_t device, inode;
        struct stat st;

        return colon && text_parse_u64_n(stream, (size_t)(colon - stream), &device) == 0 &&
               text_parse_u64(colon + 1, &inode) == 0 && fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
               st.st_ino == inode;
}

void sink_init(Sink *s, bool may_use_journal) {
        s->is_journal = s->is_descriptor = may_use_journal && stderr_is_journal();
}

static int write_all(int fd, struct iovec *iov, int n) {
        while (n > 0) {
                ssize_t done = writev(fd, iov, n);
                if (done < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                while (n > 0 && (size_t)done >= iov->iov_len) {
                        done -= (ssize_t)iov->iov_len;
                        iov++;
                        n--;
                }
                if (n > 0) {
                        iov->iov_base = (char *)iov->iov_base + done;
                        iov->iov_len -= (size_t)done;
                }
        }
        return 0;
}

static int write_stderr(const Sink *s, int priority, const char *message) {
        char prefix[8] = "";
        struct iovec iov[3];

        if (s->is_descriptor)
                (void)snprintf(prefix, sizeof(prefix), "<%d>", priority & 7);
        iov[0] = (struct iovec){ prefix, strlen(prefix) };
        iov[1] = (struct iovec){ (char *)message, strlen(message) };
        iov[2] = (struct iovec){ (char *)"\n", 1 };
        return write_all(STDERR_FILENO, iov, 3);
}

static int write_journal(int priority, const char *text, size_t n) {
        struct iovec iov[FIELDS_MAX];
        char field[16];
        int count = 0;

        (void)snprintf(field, sizeof(field), "PRIORITY=%d", priority & 7);
        iov[count++] = (struct iovec){ field, strlen(field) };
        for (size_t at = 0; at < n && count < FIELDS_MAX; at += iov[count - 1].iov_len + 1) {
                size_t k = strnlen(text + at, n - at);
                /* An entry too long was cut, perhaps within a name: one such field, and the journal refuses all. */
                if (!memchr(text + at, '=', k))
                        break;
                iov[count++] = (struct iovec){ (char *)text + at, k };
        }
        return sd_journal_sendv(iov, count);
}

int sink_write(Sink *s, int priority, const char *text, size_t n) {
        if (s->is_journal && write_journal(priority, text, n) >= 0)
                return 0;
        for (size_t at = 0; at < n; at += strnlen(text + at, n - at) + 1)
                if (text_has_prefix(text + at, "MESSAGE="))
                        return write_stderr(s, priority, text + at + strlen("MESSAGE="));
        return 0;
}

void sink_notify(const char *state) {
        (void)sd_notify(/* unset_environment= */ 0, state);
}

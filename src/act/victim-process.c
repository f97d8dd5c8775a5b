/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Identity and protection of one process, read between pidfd_open() and the signal.
 *
 * The Decision is some milliseconds old. In that time the pid may have got a new owner, and the owner may
 * have set oom_score_adj to -1000. With the pidfd held, a read of /proc/PID is about the process that the
 * pidfd names or, if that one is gone by now, about a later one: then the signal through the pidfd fails
 * with ESRCH. So what is read here is either true or harmless.
 */

#include "act/victim-process.h"

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"

/* Linux TASK_COMM_LEN is 16, kernel threads print up to 64; 52 numbers of at most 20 digits. */
#define STAT_BYTES 1536

/* proc(5): the field number, counted from 1. The state, field 3, is the first after the name. */
#define STAT_FIELD_STATE      3
#define STAT_FIELD_PPID       4
#define STAT_FIELD_START_TIME 22

/* A process that has gone between two steps: ENOENT at open, ESRCH at read. */
static int gone_is_esrch(int r) {
        return r == -ENOENT ? -ESRCH : r;
}

static void proc_path(char *buf, size_t size, int32_t pid, const char *file) {
        (void)snprintf(buf, size, "proc/%d/%s", pid, file);
}

/**
 * victim_process_parse_stat() - parent and start time out of /proc/PID/stat
 * @text: the file; the name in it is hostile: it may hold spaces, parentheses and newlines
 * @ret:  untouched on failure
 *
 * Return: 0; -EBADMSG where the text is not understood.
 * Source: proc_pid_stat(5); start time in clock ticks since boot (Linux 2.6).
 */
int victim_process_parse_stat(const char *text, VictimStat *ret) {
        /* Nothing after the name is text, so the last parenthesis is the kernel's own. */
        const char *p = strrchr(text, ')');
        int64_t ppid = -1;
        uint64_t start = 0;
        bool have_start = false;

        if (!p)
                return -EBADMSG;
        p++;
        for (int field = STAT_FIELD_STATE; *p != '\0' && *p != '\n'; field++) {
                if (*p != ' ')
                        return -EBADMSG;
                p++;
                size_t n = strcspn(p, " \n");
                if (field == STAT_FIELD_PPID && text_parse_i64_n(p, n, &ppid) < 0)
                        return -EBADMSG;
                if (field == STAT_FIELD_START_TIME) {
                        if (text_parse_u64_n(p, n, &start) < 0)
                                return -EBADMSG;
                        have_start = true;
                        break;
                }
                p += n;
        }
        if (!have_start || ppid < 0 || ppid > INT32_MAX)
                return -EBADMSG;
        *ret = (VictimStat){ .ppid = (int32_t)ppid, .start_ticks = start };
        return 0;
}

/**
 * victim_process_read_stat() - parent and start time of a process now
 *
 * Return: 0; -ESRCH if it is gone; -EBADMSG; other negative errno.
 */
int victim_process_read_stat(int root_fd, int32_t pid, VictimStat *ret) {
        char path[64], buf[STAT_BYTES];
        proc_path(path, sizeof(path), pid, "stat");
        int r = fd_read_text_at(root_fd, path, buf, sizeof(buf));
        if (r < 0)
                return r == -EFBIG ? -EBADMSG : gone_is_esrch(r);
        return victim_process_parse_stat(buf, ret);
}

/**
 * victim_process_read_adj() - oom_score_adj of a process now
 * @ret: -1000..1000; untouched on failure
 *
 * Return: 0; -ESRCH if it is gone; -EBADMSG; other negative errno.
 * Source: Documentation/filesystems/proc.rst (Linux 2.6.36).
 */
int victim_process_read_adj(int root_fd, int32_t pid, int32_t *ret) {
        char path[64], buf[32];
        int64_t v;
        proc_path(path, sizeof(path), pid, "oom_score_adj");
        int r = fd_read_text_at(root_fd, path, buf, sizeof(buf));
        if (r < 0)
                return r == -EFBIG ? -EBADMSG : gone_is_esrch(r);
        if (text_parse_i64_n(buf, strcspn(buf, "\n"), &v) < 0 || v < -1000 || v > 1000)
                return -EBADMSG;
        *ret = (int32_t)v;
        return 0;
}

int victim_process_read_cgroup(int root_fd, int32_t pid, char *buf, size_t size) {
        char path[64], text[4096];
        proc_path(path, sizeof(path), pid, "cgroup");
        int r = fd_read_text_at(root_fd, path, text, sizeof(text));
        if (r < 0)
                return gone_is_esrch(r);

        const char *p = text, *line;
        size_t n;
        while ((line = text_next_line(&p, &n))) {
                if (!text_has_prefix(line, "0::"))
                        continue;
                if (n - 3 >= size)
                        return -ENAMETOOLONG;
                memcpy(buf, line + 3, n - 3);
                buf[n - 3] = '\0';
                return 0;
        }
        return -ENODATA;
}

bool victim_process_is_protected(int root_fd, int32_t pid) {
        int32_t adj;
        if (pid <= 1 || pid == getpid())
                return true;
        int r = victim_process_read_adj(root_fd, pid, &adj);
        if (r == -ESRCH) /* gone: nobody to protect, and no signal will arrive */
                return false;
        return r < 0 || adj <= -1000;
}

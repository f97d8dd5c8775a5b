/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * After a crash the journal knows the processes that were written to, but not what they forked since anybody last
 * looked. From above to below: once a process has its own value back, nothing more of the other can come from it.
 *
 * Best effort, and bounded: without /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN) nothing is found, and a daemon
 * that starts with rules finds them by itself.
 */

#include "act/adjust-children.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "act/victim-process.h"
#include "base/fd.h"
#include "base/text.h"

#define GENERATIONS_MAX 16u
/* Threads of one process, of which each may have forked, and children of one thread. */
#define THREADS_MAX   256u
#define CHILDREN_TEXT 8192

static uint32_t process_children(int root_fd, int32_t pid, int32_t value, int32_t own, unsigned generation);

static uint32_t child_restore(int root_fd, int32_t pid, int32_t value, int32_t own, unsigned generation) {
        char path[32], text[32];
        int64_t now;

        (void)snprintf(path, sizeof(path), "proc/%" PRId32, pid);
        _cleanup_close_ int dir = openat(root_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0 || fd_read_text_at(dir, "oom_score_adj", text, sizeof(text)) < 0 ||
            text_parse_i64_n(text, strcspn(text, "\n"), &now) < 0 || now != value)
                return 0;
        (void)snprintf(text, sizeof(text), "%" PRId32 "\n", own);
        if (fd_write_text_at(dir, "oom_score_adj", text) < 0)
                return 0;
        return 1 + process_children(root_fd, pid, value, own, generation + 1);
}

static uint32_t thread_children(int root_fd, int task_fd, const char *tid, int32_t value, int32_t own,
                                unsigned generation) {
        char path[32], text[CHILDREN_TEXT];
        uint32_t n = 0;

        if (snprintf(path, sizeof(path), "%s/children", tid) >= (int)sizeof(path))
                return 0;
        int r = fd_read_text_at(task_fd, path, text, sizeof(text));
        if (r < 0 && r != -EFBIG)
                return 0;
        /* Each pid is followed by a space: what was cut is not. */
        for (const char *p = text, *end; (end = strchr(p, ' ')); p = end + 1) {
                uint64_t pid;
                if (text_parse_u64_n(p, (size_t)(end - p), &pid) >= 0 && pid > 1 && pid <= INT32_MAX)
                        n += child_restore(root_fd, (int32_t)pid, value, own, generation);
        }
        return n;
}

static uint32_t process_children(int root_fd, int32_t pid, int32_t value, int32_t own, unsigned generation) {
        char path[32];
        uint32_t n = 0, n_threads = 0;
        const struct dirent *d;

        if (generation == GENERATIONS_MAX)
                return 0;
        (void)snprintf(path, sizeof(path), "proc/%" PRId32 "/task", pid);
        int fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return 0;
        DIR *dir = fdopendir(fd);
        if (!dir) {
                (void)fd_close(fd);
                return 0;
        }
        while ((d = readdir(dir)) && n_threads < THREADS_MAX)
                if (d->d_name[0] != '.') {
                        n_threads++;
                        n += thread_children(root_fd, fd, d->d_name, value, own, generation);
                }
        (void)closedir(dir);
        return n;
}

/**
 * adjust_restore_children() - an adjusted value must not live on in children
 * @pid:   has its own value back already
 * @value: what it had before, by us; @own: what it has now
 *
 * For replays, which put everything back. While the daemon runs it knows the children itself: one of them may have
 * this value by another rule.
 *
 * Return: how many were written.
 * Source: proc_pid_task(5), children; Linux 3.5.
 */
uint32_t adjust_restore_children(int root_fd, int32_t pid, int32_t value, int32_t own) {
        return value == own ? 0 : process_children(root_fd, pid, value, own, /* generation= */ 0);
}

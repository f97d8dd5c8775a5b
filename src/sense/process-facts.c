/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Never while memory is short: cmdline takes the mmap_lock of a process that may hold it for as long as it thrashes.
 */
#include "sense/process-facts.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "sense/process.h"
#include "sense/read.h"

/* Errors that say something of our means, not of the file: the next look may well succeed. */
bool process_is_shortage(int error) {
        return error == -ENOMEM || error == -EMFILE || error == -ENFILE || error == -EAGAIN || error == -EINTR;
}

/* Returns 0, also with "" where there is nothing to see; negative errno of a shortage. */
int process_exe_read(int dir_fd, char *buf, size_t size) {
        ssize_t n = readlinkat(dir_fd, "exe", buf, size - 1);
        int k = n < 0 ? -errno : 0;
        if (process_is_shortage(k))
                return k;
        /*
         * A captured tree holds the target as text. Only there: an open() here of what is a link after all would open
         * the program itself, which a user can make possible with a path too long for readlink(), on a file system of
         * his own that never answers.
         */
        if (k == -EINVAL) {
                k = read_once_at(dir_fd, "exe", buf, size);
                n = k > 0 ? (ssize_t)strcspn(buf, "\n") : 0;
        }
        /* else a kernel thread's, or not ours to see */
        buf[MAX(n, (ssize_t)0)] = '\0';
        return 0;
}

/* Arguments end in NUL; they are matched, and shown, with blanks between. Returns as process_exe_read() does. */
int process_cmdline_read(int dir_fd, char *buf, size_t size) {
        _cleanup_close_ int fd = fd_open_at(dir_fd, "cmdline");
        if (process_is_shortage(fd))
                return fd;
        ssize_t n = fd < 0 ? 0 : pread(fd, buf, size - 1, 0);

        n = MAX(n, (ssize_t)0);
        while (n > 0 && buf[n - 1] == '\0')
                n--;
        for (ssize_t i = 0; i < n; i++)
                if (buf[i] == '\0')
                        buf[i] = ' ';
        buf[n] = '\0';
        return 0;
}

/**
 * process_facts_read() - program and command line of one process, if it still is that one
 * @start_ticks: with @pid the identity
 * @exe, @cmdline: "" where there is nothing to see; @cmdline may be NULL, and is then not read
 *
 * Return: 0; READ_E_GONE, also where another process has the pid by now; negative errno of a shortage.
 */
int process_facts_read(int proc_fd, int32_t pid, uint64_t start_ticks, char *exe, size_t exe_size, char *cmdline,
                       size_t cmdline_size) {
        char text[1024];
        ProcessStat stat;

        (void)snprintf(text, sizeof(text), "%d", pid);
        _cleanup_close_ int fd = openat(proc_fd, text, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return process_is_shortage(-errno) ? -errno : READ_E_GONE;
        /* The directory is of one process for ever: what is read below it is of the one whose stat was read. */
        int r = read_once_at(fd, "stat", text, sizeof(text));
        if (process_is_shortage(r))
                return r;
        if (r < 0 || process_stat_parse(text, &stat) != 0 || stat.start_ticks != start_ticks)
                return READ_E_GONE;
        r = process_exe_read(fd, exe, exe_size);
        if (r >= 0 && cmdline)
                r = process_cmdline_read(fd, cmdline, cmdline_size);
        return r;
}

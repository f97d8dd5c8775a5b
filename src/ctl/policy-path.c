/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/policy-path.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "config/config.h"

/* What check --dump prints is far smaller. */
#define POLICY_BYTES_MAX (4 << 20)

static int load_text(const char *path, ConfigReport *report, Policy **ret) {
        _cleanup_close_ int fd = fd_open_at(AT_FDCWD, path);
        _cleanup_free_ char *text = malloc(POLICY_BYTES_MAX);

        if (fd < 0)
                return fd;
        if (!text)
                return -ENOMEM;
        int n = fd_pread_text(fd, text, POLICY_BYTES_MAX);
        if (n < 0)
                return n;
        return policy_load_text(text, (size_t)n, path, report, ret);
}

int policy_path_load(const char *path, Policy **ret) {
        ConfigReport report = { 0 };
        struct stat st;
        int r;

        if (!path)
                r = policy_load(-EBADF, NULL, &report, ret);
        else if (stat(path, &st) < 0)
                r = -errno;
        else if (S_ISDIR(st.st_mode))
                r = policy_load(-EBADF, path, &report, ret);
        else
                r = load_text(path, &report, ret);
        config_report_print(&report, stderr);
        if (r < 0 && report.n_errors == 0)
                (void)fprintf(stderr, "headroomctl: %s: %s\n", path ? path : "the built-in policy", strerror(-r));
        config_report_done(&report);
        return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What plan writes: the report, and drop-ins for systemd. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "ctl/plan.h"
#include "plan/advise.h"
#include "plan/html.h"

CtlExit plan_write_report(const json_t *doc, const char *path) {
        _cleanup_free_ char *temporary = NULL;
        int r = 0;

        if (asprintf(&temporary, "%s.tmp-%d", path, (int)getpid()) < 0)
                return CTL_EXIT_FAILED;
        int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
        if (!f) {
                (void)fprintf(stderr, "headroomctl: %s: %s\n", temporary, strerror(errno));
                (void)fd_close(fd);
                return CTL_EXIT_FAILED;
        }
        r = html_write(doc, f);
        if (fclose(f) != 0 && r == 0)
                r = -errno;
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0) {
                (void)fprintf(stderr, "headroomctl: %s: %s\n", path, strerror(-r));
                (void)unlink(temporary);
                return CTL_EXIT_FAILED;
        }
        return CTL_EXIT_OK;
}

/* 1: written; 0: it is there already, the same; -EEXIST: it is there and differs; other negative errno. */
static int write_dropin(int dir_fd, const char *unit, const char *text) {
        char path[300], old[4096];

        (void)snprintf(path, sizeof(path), "%s.d", unit);
        if (mkdirat(dir_fd, path, 0755) < 0 && errno != EEXIST)
                return -errno;
        (void)snprintf(path, sizeof(path), "%s.d/50-headroom.conf", unit);
        _cleanup_close_ int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0) {
                if (errno != EEXIST)
                        return -errno;
                int n = fd_read_text_at(dir_fd, path, old, sizeof(old));
                return n >= 0 && strcmp(old, text) == 0 ? 0 : -EEXIST;
        }
        size_t n = strlen(text);
        ssize_t written = write(fd, text, n);
        if (written == (ssize_t)n)
                return 1;
        int r = written < 0 ? -errno : -EIO;
        (void)unlinkat(dir_fd, path, 0);
        return r;
}

CtlExit plan_write_dropins(const Invocation *i, const json_t *doc, const char *dir) {
        const json_t *units = json_object_get(json_object_get(doc, "advice"), "units"), *u;
        CtlExit status = CTL_EXIT_OK;
        size_t n, n_written = 0, n_same = 0;

        _cleanup_close_ int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0) {
                (void)fprintf(stderr, "headroomctl: %s: %s\n", dir, strerror(errno));
                return CTL_EXIT_FAILED;
        }
        json_array_foreach(units, n, u) {
                const char *unit = json_string_value(json_object_get(u, "unit"));
                const char *text = json_string_value(json_object_get(u, "dropin"));
                char name[UNIT_NAME_MAX];
                /* Checked where it was made; a name that becomes a path is checked again. */
                if (!unit || !text || strchr(unit, '/') || !advice_unit_name(unit, name))
                        continue;
                int r = write_dropin(dir_fd, name, text);
                n_written += r == 1;
                n_same += r == 0;
                if (r >= 0)
                        continue;
                status = CTL_EXIT_FAILED;
                (void)fprintf(stderr, "headroomctl: %s/%s.d/50-headroom.conf: %s\n", dir, unit,
                              r == -EEXIST ? "is there and differs: left as it is, remove it first" : strerror(-r));
        }
        (void)fprintf(i->format == FORMAT_TEXT ? i->out : stderr, "%zu drop-ins written to %s, %zu were there already\n", n_written, dir,
                      n_same);
        return status;
}

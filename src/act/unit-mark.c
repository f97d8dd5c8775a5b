/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Attribution: before a kill, the unit's cgroup gets the extended attributes that systemd-oomd sets, so
 * that the manager (PID 1 or a user's) says Result=oom-kill, honours OOMPolicy= and logs who it was.
 *
 * When systemd looks (unit_check_oomd_kill() in src/core/cgroup.c, since 247; Result= since 251): at the
 * SIGCHLD of a child of the manager whose cgroup is this unit, and when the unit's cgroup becomes empty.
 * It compares user.oomd_ooms with the value it knows and takes user.oomd_kill as the number to print. So
 * the mark must be there before the signal.
 *
 * What follows for a process kill: a mark that nobody looks at now stays, and is taken for the reason of
 * whatever ends next in that unit. With OOMPolicy=stop, the default, the whole service would be stopped at
 * the next ExecReload=, hours after one of its workers was killed. So a single process is marked only
 * where the manager itself waits for it: where its parent lives outside of the unit's cgroup. A worker's
 * death is between it and its service.
 */

#include "act/unit-mark.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "act/victim-cgroup.h"
#include "act/victim-process.h"
#include "base/text.h"
#include "model/cgroup-path.h"

#define XATTR_OOMS "user.oomd_ooms"
#define XATTR_KILL "user.oomd_kill"

/*
 * Decimal text, as systemd reads it. The attribute belongs to the cgroup's owner, who may have written
 * anything: what is no number counts as 0, and a number that cannot grow stays.
 */
static int xattr_add(int fd, const char *name, uint64_t add) {
        char buf[32];
        uint64_t v = 0;

        ssize_t n = fgetxattr(fd, name, buf, sizeof(buf));
        if (n < 0 && errno != ENODATA && errno != ERANGE)
                return -errno;
        if (n > 0)
                (void)text_parse_u64_n(buf, (size_t)n, &v);
        int len = snprintf(buf, sizeof(buf), "%llu", (unsigned long long)u64_add_sat(v, add));
        return fsetxattr(fd, name, buf, (size_t)len, 0) < 0 ? -errno : 0;
}

/* Is @pid's parent outside of the unit: the manager, or a process that we cannot see? */
static int is_managers_child(const ActHost *host, int32_t pid, const char *unit, size_t unit_len) {
        VictimStat stat;
        char path[CGROUP_PATH_MAX + 64];

        int r = victim_process_read_stat(host->root_fd, pid, &stat);
        if (r < 0)
                return r;
        if (stat.ppid <= 1)
                return 1;
        r = victim_process_read_cgroup(host->root_fd, stat.ppid, path, sizeof(path));
        if (r == -ESRCH) /* the parent has died: the manager adopts */
                return 1;
        if (r < 0)
                return r;
        const char *p = path;
        while (*p == '/')
                p++;
        return cgroup_path_inside_n(p, unit, unit_len) ? 0 : 1;
}

/*
 * The unit's cgroup, proven by the victim's identity: the victim's directory is opened below it and its
 * inode number compared. cgroups cannot be moved, so the unit is really an ancestor of the victim.
 */
static int open_unit(const ActHost *host, const char *path, size_t unit_len, uint64_t id) {
        struct stat st, root;

        _cleanup_close_ int unit_fd = victim_cgroup_open_below(host->cgroup_fd, path, unit_len);
        if (unit_fd < 0)
                return unit_fd;
        _cleanup_close_ int below_fd = -EBADF;
        const char *rest = path + unit_len;
        if (*rest == '/') {
                rest++;
                below_fd = victim_cgroup_open_below(unit_fd, rest, strlen(rest));
                if (below_fd < 0)
                        return below_fd;
        }
        if (fstat(below_fd >= 0 ? below_fd : unit_fd, &st) < 0 || fstat(host->cgroup_fd, &root) < 0)
                return -errno;
        if (st.st_dev != root.st_dev || st.st_ino != id)
                return -ESTALE;
        return TAKE_FD(unit_fd);
}

/**
 * unit_mark() - mark the unit around a victim, before the victim is signalled
 * @path:        of the victim's cgroup, from the cgroup2 mount
 * @id:          its inode number; 0 (unknown): nothing is marked
 * @pid:         the victim where it is one process, else 0
 * @n_processes: added to user.oomd_kill
 * @dry_run:     check everything, write nothing
 *
 * Return: 1 marked; 0 nothing to mark (no unit, or not the manager's own child); -ESTALE if another cgroup
 *         stands there now; other negative errno. A failure here is no reason to spare the victim.
 * Source: user.* attributes on cgroup2: Linux 5.7; src/oom/oomd-util.c of systemd for names and format.
 */
int unit_mark(const ActHost *host, const char *path, uint64_t id, int32_t pid, uint32_t n_processes, bool dry_run) {
        if (host->cgroup_fd < 0 || id == 0)
                return 0;
        while (*path == '/')
                path++;
        size_t unit_len = cgroup_path_unit_length(path);
        if (unit_len == 0)
                return 0;
        if (pid > 0) {
                int r = is_managers_child(host, pid, path, unit_len);
                if (r <= 0)
                        return r;
        }
        _cleanup_close_ int fd = open_unit(host, path, unit_len, id);
        if (fd < 0)
                return fd;
        if (dry_run)
                return 1;
        int r = xattr_add(fd, XATTR_KILL, n_processes);
        if (r < 0)
                return r;
        /* Last: this is the one that systemd compares. */
        r = xattr_add(fd, XATTR_OOMS, 1);
        return r < 0 ? r : 1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The rehearsal: what a kill does, done to ourselves while there is plenty of memory. The first real kill
 * then finds its code, stack and tables in memory and the kernel's caches of our proc directory warm, and a
 * missing capability or a read-only cgroup tree is known at start and not at the first victim.
 */

#include "act/rehearse.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "act/victim-process.h"

/*
 * What a kill uses of the stack, survey of a cgroup tree included: the biggest frame on the way has 11 KiB
 * (-Wstack-usage), the others together less.
 */
#define STACK_PREFAULT_BYTES (20 * 1024)

static __attribute__((noinline)) void touch_stack(void) {
        char area[STACK_PREFAULT_BYTES];
        for (size_t at = 0; at < sizeof(area); at += 1024)
                ((volatile char *)area)[at] = 0;
}

void rehearse_memory(void *p, size_t n) {
        long page = sysconf(_SC_PAGESIZE);
        for (size_t at = 0; at < n; at += (size_t)page)
                ((volatile char *)p)[at] = ((volatile char *)p)[at];
        touch_stack();
}

int rehearse_process(const KillTools *t) {
        uint64_t ticks;
        int32_t adj;

        _cleanup_close_ int fd = t->ops->pidfd_open(t->userdata, getpid());
        if (fd < 0)
                return fd;
        int r = t->ops->read_start_ticks(t->userdata, getpid(), &ticks);
        if (r < 0)
                return r;
        r = t->ops->read_oom_score_adj(t->userdata, getpid(), &adj);
        if (r < 0)
                return r;
        r = t->ops->pidfd_signal(t->userdata, fd, 0);
        if (r < 0)
                return r;
        /* In earnest, since we are not dying: EINVAL is the answer, or ENOSYS before 5.15. systemd's sets of
         * system calls do not hold this one, and the place to learn that is here. */
        r = act_ops_real.pidfd_mrelease(t->userdata, fd);
        return r == -EPERM ? r : 0;
}

/* Our own cgroup: -ESRCH and -EINVAL (the root) are no fault, we may live outside of the tree that we see. */
int rehearse_cgroup(const KillTools *t, const ActHost *host) {
        char path[CGROUP_PATH_MAX];
        struct stat st;
        ActSurvey survey;

        if (host->cgroup_fd < 0)
                return 0;
        int r = victim_process_read_cgroup(host->root_fd, getpid(), path, sizeof(path));
        if (r < 0 || strcmp(path, "/") == 0)
                return 0;
        if (fstatat(host->cgroup_fd, path + strspn(path, "/"), &st, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        _cleanup_close_ int fd = t->ops->cgroup_open(t->userdata, path, st.st_ino);
        if (fd < 0)
                return fd == -ESRCH || fd == -ESTALE ? 0 : fd;
        r = t->ops->cgroup_survey(t->userdata, fd, &survey);
        if (r < 0)
                return r == -ESRCH ? 0 : r;
        (void)t->ops->cgroup_mark_oom(t->userdata, path, st.st_ino, 0, survey.n_processes);
        r = t->ops->cgroup_kill(t->userdata, fd);
        return r == -ENOENT ? 0 : r; /* before 5.14 members are signalled one by one */
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The operations as they are: each is one thin wrapper, so that what a kill does is read in kill.c and
 * what it is made of here. Userdata is the ActHost.
 *
 * Why not libcgroup: this is the emergency path. libcgroup allocates on every call, resolves absolute
 * paths through a table filled at start, cannot be given a directory descriptor, and so cannot tell a
 * cgroup from its namesake. cgroup-adapter.c uses it where there is no hurry.
 */

#include "act/ops.h"

#include <sys/mman.h>
#include <sys/pidfd.h>

#include "act/unit-mark.h"
#include "act/victim-cgroup.h"
#include "act/victim-process.h"

int op_pidfd_open(void *userdata, int32_t pid) {
        (void)userdata;
        int fd = pidfd_open(pid, 0); /* close-on-exec by itself */
        return fd < 0 ? -errno : fd;
}

int op_read_start_ticks(void *userdata, int32_t pid, uint64_t *ret) {
        const ActHost *host = userdata;
        VictimStat stat;
        int r = victim_process_read_stat(host->root_fd, pid, &stat);
        if (r < 0)
                return r;
        *ret = stat.start_ticks;
        return 0;
}

int op_read_oom_score_adj(void *userdata, int32_t pid, int32_t *ret) {
        const ActHost *host = userdata;
        return victim_process_read_adj(host->root_fd, pid, ret);
}

static int real_pidfd_signal(void *userdata, int pidfd, int signo) {
        (void)userdata;
        return pidfd_send_signal(pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

static int real_pidfd_mrelease(void *userdata, int pidfd) {
        (void)userdata;
        return process_mrelease(pidfd, 0) < 0 ? -errno : 0;
}

int op_cgroup_open(void *userdata, const char *path, uint64_t id) {
        return victim_cgroup_open(userdata, path, id);
}

int op_cgroup_survey(void *userdata, int cgroup_fd, ActSurvey *ret) {
        return victim_cgroup_survey(userdata, cgroup_fd, ret);
}

static int real_cgroup_kill(void *userdata, int cgroup_fd) {
        (void)userdata;
        return victim_cgroup_kill(cgroup_fd);
}

static int real_cgroup_signal(void *userdata, int cgroup_fd, int signo, bool keep, ActSignalled *ret) {
        return victim_cgroup_signal(userdata, cgroup_fd, signo, keep, ret);
}

int op_cgroup_events_open(void *userdata, int cgroup_fd) {
        (void)userdata;
        return victim_cgroup_events_open(cgroup_fd);
}

int op_cgroup_populated(void *userdata, int events_fd) {
        (void)userdata;
        return victim_cgroup_populated(events_fd);
}

static int real_cgroup_mark_oom(void *userdata, const char *path, uint64_t id, int32_t pid, uint32_t n_processes) {
        return unit_mark(userdata, path, id, pid, n_processes, /* dry_run= */ false);
}

const ActOps act_ops_real = {
        .pidfd_open = op_pidfd_open,
        .read_start_ticks = op_read_start_ticks,
        .read_oom_score_adj = op_read_oom_score_adj,
        .pidfd_signal = real_pidfd_signal,
        .pidfd_mrelease = real_pidfd_mrelease,
        .cgroup_open = op_cgroup_open,
        .cgroup_survey = op_cgroup_survey,
        .cgroup_kill = real_cgroup_kill,
        .cgroup_signal = real_cgroup_signal,
        .cgroup_events_open = op_cgroup_events_open,
        .cgroup_populated = op_cgroup_populated,
        .cgroup_mark_oom = real_cgroup_mark_oom,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The operations of a dry run: the victim is opened, its identity read and the right to signal it asked
 * for, all as in earnest, so that a dry run finds the missing capability. Then nothing happens: no signal
 * but 0, no write anywhere. Userdata is the ActHost.
 */

#include <fcntl.h>
#include <sys/pidfd.h>

#include "act/ops.h"
#include "act/unit-mark.h"
#include "act/victim-cgroup.h"

static int dry_pidfd_signal(void *userdata, int pidfd, int signo) {
        (void)userdata;
        (void)signo;
        return pidfd_send_signal(pidfd, 0, NULL, 0) < 0 ? -errno : 0;
}

static int dry_pidfd_mrelease(void *userdata, int pidfd) {
        (void)userdata;
        (void)pidfd;
        return 0;
}

static int dry_cgroup_kill(void *userdata, int cgroup_fd) {
        (void)userdata;
        return faccessat(cgroup_fd, "cgroup.kill", W_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static int dry_cgroup_signal(void *userdata, int cgroup_fd, int signo, bool keep, ActSignalled *ret) {
        (void)signo;
        return victim_cgroup_signal(userdata, cgroup_fd, /* signo= */ 0, keep, ret);
}

static int dry_cgroup_mark_oom(void *userdata, const char *path, uint64_t id, int32_t pid, uint32_t n_processes) {
        return unit_mark(userdata, path, id, pid, n_processes, /* dry_run= */ true);
}

const ActOps act_ops_dry_run = {
        .pidfd_open = op_pidfd_open,
        .read_start_ticks = op_read_start_ticks,
        .read_oom_score_adj = op_read_oom_score_adj,
        .pidfd_signal = dry_pidfd_signal,
        .pidfd_mrelease = dry_pidfd_mrelease,
        .cgroup_open = op_cgroup_open,
        .cgroup_survey = op_cgroup_survey,
        .cgroup_kill = dry_cgroup_kill,
        .cgroup_signal = dry_cgroup_signal,
        .cgroup_events_open = op_cgroup_events_open,
        .cgroup_populated = op_cgroup_populated,
        .cgroup_mark_oom = dry_cgroup_mark_oom,
};

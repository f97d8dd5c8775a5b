/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this host cannot offer: how it is found out, and how it is put to the operator. */
#include "sense/degraded.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "sense/mountinfo.h"
#include "sense/read.h"

/* Inode numbers of the initial namespaces: fixed, see include/linux/proc_ns.h (Linux 3.8; cgroup 4.6). */
#define NS_PID_INIT    "pid:[4026531836]"
#define NS_CGROUP_INIT "cgroup:[4026531835]"
/* Numbers of capabilities, include/uapi/linux/capability.h. */
#define CAPABILITY_SYS_PTRACE   19
#define CAPABILITY_SYS_RESOURCE 24

static const struct {
        const char *key, *line;
} texts[_DEGRADED_MAX] = {
        [DEGRADED_NO_PSI] = { "no-psi", "no pressure files (boot with psi=1 to have them): going by available memory, "
                                        "swap and reclaim counters alone" },
        [DEGRADED_NO_CGROUP2] = { "no-cgroup2",
                                  "no cgroup2 mount: guarding the host as a whole, victims are processes" },
        [DEGRADED_NO_MEMCG] = { "no-memcg",
                                "cgroup2 has no memory controller here (it is on cgroup v1 or switched off): "
                                "guarding the host as a whole, victims are processes" },
        [DEGRADED_NO_SWAP] = { "no-swap",
                               "no swap: memory runs out without much pressure first, going by available memory" },
        [DEGRADED_CONTAINER] = { "container",
                                 "inside a container: seeing and guarding only its own processes and cgroups, "
                                 "while host figures are of the whole machine" },
        [DEGRADED_HIDEPID] = { "hidepid",
                               "/proc hides the processes of others: only visible ones can be victims; mount it "
                               "without hidepid or give CAP_SYS_PTRACE" },
        [DEGRADED_PSI_UNPRIVILEGED] = { "psi-unprivileged",
                                        "no CAP_SYS_RESOURCE: pressure triggers fire up to 2 s late, "
                                        "going by the timer meanwhile" },
};

const char *degraded_to_string(Degraded d) {
        return d >= 0 && d < _DEGRADED_MAX ? texts[d].key : NULL;
}

const char *degraded_describe(Degraded d) {
        return d >= 0 && d < _DEGRADED_MAX ? texts[d].line : NULL;
}

/* Is /proc/SELF/ns/@name another than the initial namespace? 1, 0, or negative errno where it cannot be told. */
static int ns_is_foreign(const DegradedProbe *p, const char *name, const char *initial) {
        char path[48], target[48];

        if (p->self_pid <= 0)
                return -ENODATA;
        (void)snprintf(path, sizeof(path), "proc/%d/ns/%s", p->self_pid, name);
        ssize_t n = readlinkat(p->root_fd, path, target, sizeof(target) - 1);
        if (n < 0)
                return -errno;
        target[n] = '\0';
        return strcmp(target, initial) != 0;
}

/*
 * By the namespaces where they can be seen. Else by the marks that container managers leave; they are no
 * proof, since an image that once was a container may boot as a machine.
 */
bool degraded_is_container(const DegradedProbe *p) {
        static const char *const marks[] = { "run/systemd/container", "run/.containerenv", ".dockerenv" };
        int pid = ns_is_foreign(p, "pid", NS_PID_INIT), cgroup = ns_is_foreign(p, "cgroup", NS_CGROUP_INIT);

        if (pid >= 0 && cgroup >= 0)
                return pid > 0 || cgroup > 0;
        for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
                if (faccessat(p->root_fd, marks[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                        return true;
        return pid > 0 || cgroup > 0;
}

/* Effective capability of this daemon. Returns 1, 0, or negative errno where it cannot be told. */
static int capability_has(const DegradedProbe *p, unsigned capability) {
        static const char key[] = "\nCapEff:\t";
        char path[32];

        if (p->self_pid <= 0)
                return -ENODATA;
        (void)snprintf(path, sizeof(path), "proc/%d/status", p->self_pid);
        int r = read_once_at(p->root_fd, path, p->scratch, p->scratch_size);
        if (r < 0)
                return r;
        const char *line = strstr(p->scratch, key);
        if (!line)
                return -EBADMSG;
        line += sizeof(key) - 1;
        size_t n = strspn(line, "0123456789abcdef");
        if (n <= capability / 4 || line[n] != '\n')
                return -EBADMSG;
        char digit = line[n - 1 - capability / 4];
        int v = digit <= '9' ? digit - '0' : digit - 'a' + 10;
        return (v >> (capability % 4)) & 1;
}

/* -EACCES, -EPERM or -ENOENT where the process is hidden. */
static int stat_try(const DegradedProbe *p, const char *path) {
        char text[1024];
        int r = read_once_at(p->root_fd, path, text, sizeof(text));
        return r < 0 ? r : 0;
}

bool degraded_is_hidepid(const DegradedProbe *p) {
        int r = stat_try(p, "proc/1/stat");

        if (r == -EACCES || r == -EPERM)
                return true;
        if (r == -ENOENT)
                return faccessat(p->root_fd, "proc", F_OK, 0) == 0;
        /*
         * pid 1 may be visible because it is as privileged as we are. Everything is visible with
         * CAP_SYS_PTRACE, and to the group that gid= names: then kthreadd is, which has all privileges.
         */
        return mountinfo_has_hidepid(p->mounts) && capability_has(p, CAPABILITY_SYS_PTRACE) == 0 &&
               stat_try(p, "proc/2/stat") < 0;
}

bool degraded_lacks_sys_resource(const DegradedProbe *p) {
        return capability_has(p, CAPABILITY_SYS_RESOURCE) == 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Two daemons that kill on low memory do not know of each other, so an operator is told. They are known by
 * name only, and anybody may take a name: therefore only processes of system users count, and all that
 * follows is a line of text.
 */

#include "report/peers.h"

#include <string.h>

#include "base/fd.h"

/* Ids of people begin here (login.defs), those of DynamicUser= are these (systemd.exec(5)). */
#define UID_PEOPLE_MIN  1000
#define UID_DYNAMIC_MIN 61184
#define UID_DYNAMIC_MAX 65519

static const struct {
        const char *name;
        const char *comm; /* NULL: a kernel setting */
        const char *description;
} peers[] = {
        [PEER_EARLYOOM] = { "earlyoom", "earlyoom",
                            "earlyoom is running: both may act on the same shortage, run only one of them" },
        [PEER_NOHANG] = { "nohang", "nohang",
                          "nohang is running: both may act on the same shortage, run only one of them" },
        [PEER_SYSTEMD_OOMD] = { "systemd-oomd", "systemd-oomd",
                                "systemd-oomd is running: it acts on units that ask for it (oomctl shows them)" },
        [PEER_OOMD] = { "oomd", "oomd", "oomd is running: both may act on the same shortage, run only one of them" },
        [PEER_HEADROOMD] = { "headroomd", "headroomd", "another headroomd is running" },
        [PEER_PANIC_ON_OOM] = { "panic_on_oom", NULL,
                                "vm.panic_on_oom is set: a kernel OOM stops the host instead of killing one process" },
        [PEER_KILL_ALLOCATING_TASK] = { "oom_kill_allocating_task", NULL,
                                        "vm.oom_kill_allocating_task is set: the kernel would kill whoever asks for memory, not the biggest" },
};

const char *peer_to_string(Peer p) {
        return (size_t)p < ARRAY_SIZE(peers) ? peers[p].name : NULL;
}

const char *peer_describe(Peer p) {
        return (size_t)p < ARRAY_SIZE(peers) ? peers[p].description : NULL;
}

static bool uid_is_system(uint32_t uid) {
        return uid < UID_PEOPLE_MIN || (uid >= UID_DYNAMIC_MIN && uid <= UID_DYNAMIC_MAX);
}

uint32_t peers_find(const Snapshot *s) {
        uint32_t found = 0;

        for (uint32_t i = 0; i < s->n_processes; i++) {
                const ProcessSample *p = &s->processes[i];
                if (!(p->flags & PROCESS_IDENTITY) || (p->flags & (PROCESS_KTHREAD | PROCESS_SELF)) ||
                    !uid_is_system(p->uid))
                        continue;
                for (size_t j = 0; j < ARRAY_SIZE(peers); j++)
                        if (peers[j].comm && strncmp(p->comm, peers[j].comm, COMM_MAX) == 0)
                                found |= 1u << j;
        }
        return found;
}

uint32_t peers_read_kernel_at(int root_fd) {
        uint32_t found = 0;
        uint64_t v;

        if (fd_read_u64_at(root_fd, "proc/sys/vm/panic_on_oom", &v) == 0 && v > 0)
                found |= 1u << PEER_PANIC_ON_OOM;
        if (fd_read_u64_at(root_fd, "proc/sys/vm/oom_kill_allocating_task", &v) == 0 && v > 0)
                found |= 1u << PEER_KILL_ALLOCATING_TASK;
        return found;
}

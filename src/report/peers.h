/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Who else kills for memory on this host: other daemons, and kernel settings that get in the way. */

#include "base/text.h"
#include "model/snapshot.h"

typedef enum Peer {
        PEER_EARLYOOM,
        PEER_NOHANG,
        PEER_SYSTEMD_OOMD,
        PEER_OOMD,
        PEER_HEADROOMD,
        PEER_PANIC_ON_OOM,
        PEER_KILL_ALLOCATING_TASK,
        _PEER_MAX,
} Peer;

const char *peer_to_string(Peer p);
/* One line for the operator. */
const char *peer_describe(Peer p);

/* bit (1 << Peer) of the daemons among the processes of a detailed snapshot */
uint32_t peers_find(const Snapshot *s);
/* bit (1 << Peer) of the kernel settings under proc/sys/vm */
uint32_t peers_read_kernel_at(int root_fd);

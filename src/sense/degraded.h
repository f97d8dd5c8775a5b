/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "sense/cgroup-tree.h"
#include "sense/sense.h"

/* What does not change while the daemon runs. */
typedef struct DegradedProbe {
        int root_fd;
        int32_t self_pid;   /* 0: not live */
        const char *mounts; /* text of mountinfo or mounts */
        char *scratch;
        size_t scratch_size;
} DegradedProbe;

bool degraded_is_container(const DegradedProbe *p);
bool degraded_is_hidepid(const DegradedProbe *p);
bool degraded_lacks_sys_resource(const DegradedProbe *p);

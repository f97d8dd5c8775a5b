/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* [Sysctl] from the daemon's side: when the settings are looked at, and what is known of them. */

#include "act/sysctl.h"
#include "decide/tune.h"

struct SysctlRun {
        Sysctls sysctls;
        TuneState tune;
        /* of the latest look */
        bool has_decision;
        SysctlSample sample;
        TuneDecision decision;
        uint64_t due_usec;
        uint64_t saved_peak_bytes; /* in the runtime directory */
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/rights.h"

#include <linux/capability.h>
#include <sys/syscall.h>

/* By the effective set, not by the uid: root in a unit may lack CAP_KILL, and a user may have it. */
bool rights_can_kill(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

        if (syscall(SYS_capget, &header, data) < 0)
                return geteuid() == 0;
        return data[CAP_TO_INDEX(CAP_KILL)].effective & CAP_TO_MASK(CAP_KILL);
}

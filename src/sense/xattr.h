/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/snapshot.h"

/* What the extended attributes of a cgroup directory say, before it is asked who may say it. */
typedef struct XattrMarks {
        uint32_t trusted; /* CgroupMark; settable with CAP_SYS_ADMIN only: always counts */
        uint32_t user;    /* CgroupMark; settable by the owner of the directory */
} XattrMarks;

int xattr_marks_read(int dir_fd, XattrMarks *ret);
uint32_t xattr_marks_honoured(const XattrMarks *m, uint32_t owner_uid, uint32_t ancestor_uid);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What block devices did, and how long it took: /proc/diskstats. Not for the cheap sample. */

#include "base/macros.h"
#include "model/sysctl.h"

/* A host with more is not measured. */
#define BLOCK_DEVICES_MAX 128
#define BLOCK_NAME_MAX    32

/* One line of /proc/diskstats. */
typedef struct BlockDevice {
        char name[BLOCK_NAME_MAX]; /* the kernel's: "sda1" */
        bool is_divided;           /* the lines that follow are its partitions */
        BlockIo io;
} BlockDevice;

/* Devices of the text, at most @max; -EBADMSG where it is garbled, or holds more. */
int block_devices_parse(const char *text, BlockDevice *ret, uint32_t max);
/* 0, and what @ret holds of block devices is set; else negative errno and it is absent. Opens one directory for each
 * device, and takes 45 KiB of stack: only for whoever goes by it. */
int block_io_read_at(int root_fd, SysctlSample *ret);

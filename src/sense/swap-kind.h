/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What swap lies on: /proc/swaps, and below /sys what is known of each device. Not for the cheap sample. */

#include "base/macros.h"
#include "model/sysctl.h"

/* As many as the kernel has room for. */
#define SWAP_AREAS_MAX 32
/* With the NUL; the kernel's names have 31 letters at most. */
#define SWAP_DEVICE_MAX 64

/* One line of /proc/swaps. */
typedef struct SwapArea {
        bool is_device; /* else a file */
        int64_t priority;
        char path[256]; /* as the kernel has it, unescaped; "" where it is longer */
} SwapArea;

/* Areas of the text, at most @max; -EBADMSG where it is garbled, or holds more. */
int swap_areas_parse(const char *text, SwapArea *ret, uint32_t max);
/* The same of /proc/swaps below @root_fd. */
int swap_areas_read_at(int root_fd, SwapArea *ret, uint32_t max);
/* 0 and the kernel's name of the device, or -EBADMSG where it is none. */
int swap_area_device(const SwapArea *area, char ret[static SWAP_DEVICE_MAX]);
/* 0 and the three fields of @ret that tell of swap; else negative errno and they are absent. */
int swap_kind_read_at(int root_fd, SysctlSample *ret);

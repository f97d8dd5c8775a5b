/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/macros.h"

/* Those below @pid that have inherited @value get @own, the one that their ancestor has again. Returns how many. */
uint32_t adjust_restore_children(int root_fd, int32_t pid, int32_t value, int32_t own);

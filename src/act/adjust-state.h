/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Private to adjust.c and adjust-all.c. */

#include "act/adjust-table.h"
#include "act/adjust.h"

struct Adjust {
        int root_fd; /* borrowed */
        Undo *undo;  /* borrowed; NULL: nothing is written */
        AdjustTable table;
        bool is_dry;
        int32_t turn_pid; /* where the next turn of adjust_plan() begins */
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a recorder says of its host. */

#include "trace/trace.h"

void trace_start_read(int root_fd, bool is_live, TraceStart *ret);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A bar on standard error for work that takes longer than a second, where that is a terminal. */

#include "base/macros.h"
#include "plan/run.h"

typedef struct Progress Progress;

/* NULL where there is no terminal, or no memory for a bar. @p must outlive it. */
Progress *progress_begin(PlanProgress *p);
/* Wipes the bar. */
Progress *progress_end(Progress *p);
DEFINE_TRIVIAL_CLEANUP(Progress, progress_end)

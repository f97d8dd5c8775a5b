/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One number for a whole Decision, so that two of them can be compared without keeping both. */

#include "model/decision.h"

/*
 * Over the meaning of @d, not over its bytes: every field by its value, strings up to their NUL, arrays up to their
 * count, and what a flag says is there. Padding and slots that are not in use have no part in it. The same on any
 * machine.
 */
uint64_t decision_digest(const Decision *d);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Numbers written so that parsing them gives the same number again, which units_append_*() (for people)
 * does not promise. EXACT_PLAIN is the biggest unit that divides evenly; EXACT_SHORT the fewest bytes.
 */

#include "base/text.h"
#include "model/policy.h"

typedef enum ExactStyle {
        EXACT_PLAIN,
        EXACT_SHORT,
} ExactStyle;

void exact_append(TextBuf *b, Unit unit, uint64_t value, ExactStyle style);

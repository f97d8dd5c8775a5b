/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Conditions as people read them: every comparison with the value that was measured. */

#include "base/text.h"
#include "model/decision.h"

/* "41M" or "46%" or "1.5s", by @unit. */
void condition_append_value(TextBuf *b, Unit unit, uint64_t value);
/* "available 41M < 51M (10%)", "full 2s 46% > 40% for 6s"; "full 2s unknown > 40%" where there is no value. */
void condition_append_term(TextBuf *b, const TermReport *t);
/* The comparisons that the truth of the whole rests on; all of them where it is not true. Separated by commas. */
void condition_append(TextBuf *b, const ConditionReport *c);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the line of a measure and the line of its end have in common. Private to the two. */

#include "base/text.h"
#include "model/measure.h"

/* How a step is named. @target: the word before the name of the target, "" where there is no target. */
typedef struct StepWords {
        const char *doing, *would, *done, *noun, *target;
} StepWords;

const StepWords *measure_words(const Measure *m);
/* Asks for a number of bytes: reclaim and pageout. */
bool measure_has_amount(const Measure *m);
/* "throttle of X", "reclaim from X", "trim" */
void measure_append_noun(TextBuf *b, const Measure *m);
/* " (memory.high max -> 180M, floor 90M)": from which value to which, where the step has one */
void measure_append_change(TextBuf *b, const Measure *m);
/* @verb and "64M from X" or "X (memory.high max -> 180M)" */
void measure_append_deed(TextBuf *b, const Measure *m, const char *verb);
/* @thaw or @release, each with its blank, and "X (memory.high back to max) after 23s: why" */
void measure_append_release(TextBuf *b, const Measure *m, const char *thaw, const char *release);

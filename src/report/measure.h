/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Measures of the ladder as people read them: one line for what is done and why, one for what came of it, and both
 * as JSON. Everything untrusted is escaped; the lines allocate nothing.
 */

#include <jansson.h>

#include "base/text.h"
#include "model/decision.h"
#include "model/measure.h"

/* Longest line, with two paths and a comm in which every byte is escaped, and a full condition. */
#define MEASURE_LINE_MAX 8192

/*
 * "throttling bench.slice/hog.service (memory.high max -> 180M, floor 90M): host stalls on memory: full 2s 31% > 15%
 * for 2s; it grew 252M in the last 8.8s (87% of the trouble); next: steady.service (4%)"; or "[dry-run] would ..."
 */
void line_append_measure(TextBuf *b, const Measure *m);
/*
 * "reclaimed 60.2M of 64M from cold.service in 300ms"; "released hog.service (memory.high back to max) after 23s: ...";
 * "reclaim from cold.service skipped: this kernel has no memory.reclaim (before 5.19) ...; next step: throttle".
 * @st: the answer to just this verb of @m
 */
void line_append_measure_end(TextBuf *b, const Measure *m, const MeasureStatus *st);
/* "host: throttle skipped: there is nobody to take it on; next step: freeze" */
void line_append_skipped(TextBuf *b, const StepSkipped *k);
/* It was skipped or could not be put back; else it did something, or there was nothing left to do. */
bool measure_has_failed(const Measure *m, const MeasureStatus *st);

/* @st: NULL while there is no answer. A new reference, NULL when out of memory. */
json_t *json_measure(const Measure *m, const MeasureStatus *st);

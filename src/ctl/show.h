/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Pieces of answers as text. They take what they find: a key that a newer or older daemon lacks shows as "-". */

#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "base/units.h"
#include "ctl/commands.h"

const char *show_string(const json_t *o, const char *key);
/* Appends "-" where the value is null or missing. */
void show_append(TextBuf *b, const json_t *o, const char *key, void (*append)(TextBuf *b, uint64_t value));
/* The same into a buffer of its own; returns it. */
const char *show_value(char *buf, size_t size, const json_t *o, const char *key,
                       void (*append)(TextBuf *b, uint64_t value));
int64_t show_int(const json_t *o, const char *key, int64_t otherwise);
/* Local date and time of a real_usec. */
const char *show_time(char *buf, size_t size, const json_t *o, const char *key);
/* The whole answer as JSON, indented. */
void show_json(const Invocation *i, const json_t *answer);

/* A condition, one comparison a line, with its truth. */
void show_condition(const Invocation *i, const json_t *condition);
/* Candidates or rejected ones as a table. */
void show_candidates(const Invocation *i, const json_t *candidates, bool rejected);
/* Every term of one candidate's score. */
void show_candidate_terms(const Invocation *i, const json_t *candidate);

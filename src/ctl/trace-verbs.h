/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The verbs of headroomctl trace, one file each. */

#include "ctl/show.h"
#include "trace/reader.h"

typedef struct TraceInput {
        TraceReader *reader;
        TraceError error; /* of opening it */
} TraceInput;

/* The files of @i behind the verb. What is wrong is said, with its offset. */
int trace_input_open(const Invocation *i, TraceInput *ret);
/* 1: *ret is a record; 0: the end; negative errno: said. */
int trace_input_next(TraceInput *t, const TraceRecord **ret);
/* What was passed over with --salvage, and a torn tail: said. */
void trace_input_done(TraceInput *t);

/* "2026-11-25T10:14:12.345678Z" */
const char *trace_time(char *buf, size_t size, uint64_t real_usec);
/* Fields of one kind by index; NULL behind the last. */
const char *trace_detail_name(uint32_t bit);

CtlExit trace_info(const Invocation *i);
CtlExit trace_dump(const Invocation *i);
CtlExit trace_export(const Invocation *i);
CtlExit trace_import(const Invocation *i);

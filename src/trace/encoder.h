/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The inside of a TraceEncoder (file.h), which encode.c and encode-sample.c share. */

#include "trace/entities.h"
#include "trace/file.h"
#include "trace/format.h"

/* What vectors of a class that are no entities are coded against. */
typedef struct PlainBase {
        uint64_t value[CLASS_FIELDS_MAX], have, mask;
} PlainBase;

struct TraceEncoder {
        TraceEncoderOptions options;
        Strings strings;
        Entities cgroups, processes;
        Layout layouts[_CLASS_MAX];
        PlainBase plain[_CLASS_MAX];
        bool is_invalid; /* what is encoded just now has something that no reader would take */

        bool is_begun; /* false: the next record begins a segment */
        uint64_t stream, n_segments, segment_usec;

        /* what each segment repeats */
        bool has_start, has_policy;
        bool is_policy_lost; /* the latest record was one that did not get into the trace */
        TraceStart start;
        uint64_t policy_hash;
        char *policy_text;
        size_t n_policy_text;
        Snapshot start_stamp, policy_stamp; /* only the two clocks */
};

/* @object as vector, coded and written, of a class that is no entity. */
void encode_plain(TraceEncoder *e, ClassId class, const void *object, WireOut *w);
/* The numbers of @object; of absent fields those of @base. @list: of a class with slots. */
void encode_extract(TraceEncoder *e, ClassId class, const void *object, const uint64_t *base, uint64_t *ret_value,
                    uint64_t *ret_have);
/* host, cgroups, processes, kills and measures. 0 or negative errno. */
int encode_snapshot(TraceEncoder *e, const Snapshot *s, bool detailed, WireOut *w);
/* The sample is in the trace for good: forget what it shows to be gone. */
void encode_settle(TraceEncoder *e, const Snapshot *s);
void encode_decision(TraceEncoder *e, const TraceDecision *d, WireOut *w);

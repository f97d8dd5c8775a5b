/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Frames -> records: the part of the reader that knows nothing of files and compression. What it is given is input: every
 * number is checked before it is used, and its memory has caps (format.h).
 */

#include "trace/entities.h"
#include "trace/format.h"

/* One class as the trace has it, and what of it we know. */
typedef struct FileClass {
        bool is_there;
        Layout layout;
        const Field *own[CLASS_FIELDS_MAX]; /* NULL: passed over */
        uint8_t names[CLASS_FIELDS_MAX];    /* 1 + index of its list, 0 for none */
        uint64_t known;                     /* bit (1 << field): @own is not NULL */
        uint32_t slot_field;                /* the one that is a slot; CLASS_FIELDS_MAX for none */
} FileClass;

/* A list of names in the trace. */
typedef struct FileNames {
        NamesId id; /* of ours, NAMES_NONE for none */
        uint32_t n;
        int8_t to[TRACE_NAMES_MAX]; /* our number, -1 where we have none */
} FileNames;

typedef struct PlainState {
        uint64_t value[CLASS_FIELDS_MAX], have, mask;
} PlainState;

typedef struct TraceDecoder {
        bool has_schema;
        FileClass classes[_CLASS_MAX];
        FileNames names[TRACE_NAMES_MAX];
        uint32_t n_names, kind_names; /* kind_names: 1 + index of the list of kinds */
        PlainState plain[_CLASS_MAX];
        Strings strings;
        Entities cgroups, processes;
        /* by slot: as the slot's vector is, and the presence bits that this was made with */
        CgroupSample *cgroup_objects;
        ProcessSample *process_objects;
        uint64_t *cgroup_have, *process_have;
        /* handed out */
        CgroupSample *cgroup_list;
        ProcessSample *process_list;
        char *texts;
        size_t n_texts;
        TraceRecord record;
        Segment segment;
        bool is_repeated; /* the record is one that stood before already */
        char text[160];   /* what was wrong */
} TraceDecoder;

int decoder_new(TraceDecoder **ret);
TraceDecoder *decoder_free(TraceDecoder *d);
DEFINE_TRIVIAL_CLEANUP(TraceDecoder, decoder_free)
/* A segment begins. What was handed out is void. */
void decoder_begin(TraceDecoder *d);
/* @frame without its length. Return: 1: *ret is a record; 0: nothing to hand out; -EBADMSG: see decoder->text. */
int decoder_frame(TraceDecoder *d, const uint8_t *frame, size_t n, const TraceRecord **ret);

/* ---- between decode.c and its parts ---- */

int decode_fail(TraceDecoder *d, const char *format, ...) _printf_(2, 3);
int decode_schema(TraceDecoder *d, WireIn *w);
/* Fields of @object by the numbers of @base, those of the mask @which. */
int decode_inject(TraceDecoder *d, ClassId class, const Base *base, uint64_t which, void *object);
int decode_plain(TraceDecoder *d, ClassId class, WireIn *w, void *object);
int decode_snapshot(TraceDecoder *d, bool detailed, WireIn *w);

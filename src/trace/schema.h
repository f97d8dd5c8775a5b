/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a trace consists of, by name: one table that drives the encoder, the decoder and the schema that stands at the
 * beginning of each segment.
 *
 * Everything is a vector of numbers: one class of vectors for each structure, one number for each field. A string is its
 * index in the table of strings of the segment, an enumerator its number in the list of names of the same schema. So a
 * reader of another version knows what it knows, by name, and can step over the rest.
 */

#include "model/decision.h"
#include "model/snapshot.h"
#include "trace/trace.h"

/* How the number of a field becomes bytes, as a change against the vector before it. Part of the format. */
typedef enum Wire {
        WIRE_NUMBER,  /* zigzag varint of the difference */
        WIRE_SCALED,  /* of the difference, which mostly is a multiple of 4096 */
        WIRE_AFTER,   /* difference of the differences: of this field and of the one before it */
        WIRE_BITS,    /* varint of the bits that changed; bits have names */
        WIRE_ENUM,    /* as a number; numbers have names */
        WIRE_STRING,  /* as a number: index in the table of strings */
        WIRE_SLOT,    /* as a number: 1 + slot of a cgroup; what is not in the sample counts as none */
        WIRE_FIXED64, /* eight bytes as they are */
        _WIRE_MAX,
} Wire;

/* How it lies in the structure. */
typedef enum Store {
        STORE_U64,
        STORE_U32,
        STORE_I32,
        STORE_ENUM, /* an int */
        STORE_BOOL,
        STORE_CHARS,   /* an array with its NUL */
        STORE_POINTER, /* const char *, at most CGROUP_PATH_MAX with its NUL */
        STORE_SLOT,    /* uint32_t: index in Snapshot.cgroups, INDEX_NONE for none */
} Store;

typedef enum NamesId {
        NAMES_NONE,
        NAMES_KIND,
        NAMES_DETAIL,
        NAMES_CGROUP_MARK,
        NAMES_PROCESS_FLAG,
        NAMES_TIER,
        NAMES_KILL_OUTCOME,
        NAMES_MEASURE_VERB,
        NAMES_LEVEL,
        NAMES_STEP,
        NAMES_REASON,
        NAMES_HOLD,
        NAMES_CANDIDATE_KIND,
        _NAMES_MAX,
} NamesId;

/* Names of enumerators (0, 1, 2 ...), or of bits from the lowest on. */
typedef struct Names {
        const char *name;
        uint32_t n;
        const char *(*get)(uint32_t i);
} Names;

typedef enum ClassId {
        CLASS_SEGMENT,
        CLASS_STAMP,
        CLASS_START,
        CLASS_POLICY,
        CLASS_FACTS,
        CLASS_GAP,
        CLASS_ANSWER,
        CLASS_HOST,
        CLASS_CGROUP,
        CLASS_PROCESS,
        CLASS_KILL_STATUS,
        CLASS_MEASURE_STATUS,
        CLASS_DECISION,
        CLASS_CHANGE,
        CLASS_MEASURE,
        CLASS_KILL,
        _CLASS_MAX,
} ClassId;

typedef struct Field {
        char name[24]; /* no pointer: the tables then need no relocation, which an idle daemon would hold in memory */
        Wire wire;
        Store store;
        NamesId names;
        bool is_optional; /* absent where its bit in the structure's `have` is clear */
        uint8_t have_bit;
        uint16_t offset, size;
} Field;

typedef struct Class {
        const char *name;
        const Field *fields;
        uint32_t n_fields;
        int32_t have_offset; /* of the uint64_t with the presence bits; -1 for none */
} Class;

/* Presence, and which fields changed, are one 64-bit mask each. */
#define CLASS_FIELDS_MAX 64
/* The two first fields of cgroups and processes are their identity. */
#define KEY_FIELDS 2

/* Frames beside the records of TraceKind; part of the format, first in the list of kinds. */
typedef enum Frame {
        FRAME_SCHEMA,
        FRAME_STRING,
        FRAME_SEGMENT,
        FRAME_RECORD, /* and up: + TraceKind */
} Frame;

/* What every segment begins with: which recorder it belongs to, and whether the one before it is missing. */
typedef struct Segment {
        uint64_t stream;
        uint64_t number;
} Segment;

/* Answer of decide_confirm(), or why decide_cancel() was called. */
typedef struct Answer {
        uint64_t kill_id;
        Hold hold;
} Answer;

typedef struct Gap {
        uint64_t n_lost;
} Gap;

extern const Class trace_classes[_CLASS_MAX];
extern const Names trace_names[_NAMES_MAX];

/* The number of a field that is neither a string nor a slot. */
uint64_t field_get(const Field *f, const void *object);
/* False: does not fit in there. */
bool field_set(const Field *f, void *object, uint64_t v);
/* The text of a field that is a string; never NULL. */
const char *field_text(const Field *f, const void *object, size_t *ret_len);

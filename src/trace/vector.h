/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Vectors of numbers as changes against the one before them. On the wire:
 *
 *   byte     bit 0: presence has changed; bit 1: the same fields have changed as the last time
 *   varint   with bit 0: presence bits that have changed
 *   varint   without bit 1: which fields have changed
 *   ...      the change of each of these, as its Wire says
 *
 * A field that is absent keeps the number that it had: when it comes back, the change is small.
 */

#include "trace/schema.h"
#include "trace/wire.h"

/* What a vector is coded against: what both sides remember. */
typedef struct Base {
        uint64_t *value; /* CLASS_FIELDS_MAX, or as many as there are fields */
        uint64_t *have;  /* presence of the optional fields */
        uint64_t *mask;  /* fields that changed the last time */
} Base;

/* How the fields of a class lie in the trace: of our own schema, or of the one that the trace has. */
typedef struct Layout {
        uint32_t n_fields;
        uint64_t optional; /* bit (1 << field) */
        Wire wire[CLASS_FIELDS_MAX];
} Layout;

void layout_of_class(const Class *c, Layout *ret);
/* Bit (1 << field): what differs. Absent fields of @value must equal @base. @ret_delta: CLASS_FIELDS_MAX */
uint64_t vector_changes(const Layout *l, const Base *base, const uint64_t *value, uint64_t *ret_delta);
/* Writes the change, and makes it the base of the next. */
void vector_put(WireOut *w, const Layout *l, const Base *base, const uint64_t *value, uint64_t have, uint64_t changes,
                const uint64_t *delta);
/* Reads a change into @base. Return: bit (1 << field): what is other now, or came or went. */
uint64_t vector_get(WireIn *w, const Layout *l, const Base *base);

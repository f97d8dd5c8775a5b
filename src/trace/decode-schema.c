/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The schema of a segment against our own: what is known by name gets its place, the rest is read and dropped. A field
 * that is not in there is absent, or 0 where absence cannot be said.
 */

#include <stdio.h>
#include <string.h>

#include "trace/decoder.h"

static int get_name(TraceDecoder *d, WireIn *w, char *ret) {
        uint64_t n = wire_get_varint(w);

        if (n == 0 || n >= TRACE_NAME_MAX)
                return decode_fail(d, "schema: a name of %llu bytes", (unsigned long long)n);
        const uint8_t *p = wire_get_bytes(w, n);
        if (!p || memchr(p, '\0', n))
                return decode_fail(d, "schema: a name that is cut off");
        memcpy(ret, p, n);
        ret[n] = '\0';
        return 0;
}

/* How many there are of something; none of these lists is long. */
static int get_count(TraceDecoder *d, WireIn *w, const char *of, uint32_t *ret) {
        uint64_t n = wire_get_varint(w);

        if (w->is_bad || n > TRACE_NAMES_MAX)
                return decode_fail(d, "schema: %llu %s, at most %u", (unsigned long long)n, of, TRACE_NAMES_MAX);
        *ret = (uint32_t)n;
        return 0;
}

static NamesId names_by_name(const char *name) {
        for (NamesId i = NAMES_NONE + 1; i < _NAMES_MAX; i++)
                if (strcmp(trace_names[i].name, name) == 0)
                        return i;
        return NAMES_NONE;
}

static int get_names(TraceDecoder *d, WireIn *w, FileNames *names) {
        char name[TRACE_NAME_MAX];

        int r = get_name(d, w, name);
        r = r < 0 ? r : get_count(d, w, "names in a list", &names->n);
        if (r < 0)
                return r;
        names->id = names_by_name(name);
        const Names *own = &trace_names[names->id];
        for (uint32_t i = 0; i < names->n; i++) {
                r = get_name(d, w, name);
                if (r < 0)
                        return r;
                names->to[i] = -1;
                for (uint32_t k = 0; k < own->n; k++)
                        if (strcmp(own->get(k), name) == 0)
                                names->to[i] = (int8_t)k;
        }
        return 0;
}

static const Field *field_by_name(const Class *c, const char *name) {
        for (uint32_t i = 0; i < c->n_fields; i++)
                if (strcmp(c->fields[i].name, name) == 0)
                        return &c->fields[i];
        return NULL;
}

/* Can what is in the trace become what we have? A size may be coded in another way, but a number is no text. */
static bool is_compatible(const TraceDecoder *d, const Field *own, Wire wire, uint32_t names) {
        NamesId id = names > 0 ? d->names[names - 1].id : NAMES_NONE;

        switch (wire) {
        case WIRE_STRING:
                return own->store == STORE_CHARS || own->store == STORE_POINTER;
        case WIRE_SLOT:
                return own->store == STORE_SLOT;
        case WIRE_BITS:
        case WIRE_ENUM:
                return own->wire == wire && own->names == id;
        case WIRE_NUMBER:
        case WIRE_SCALED:
        case WIRE_AFTER:
        case WIRE_FIXED64:
                return own->names == NAMES_NONE && own->wire != WIRE_STRING && own->wire != WIRE_SLOT;
        case _WIRE_MAX:
                break;
        }
        return false;
}

static int get_field(TraceDecoder *d, WireIn *w, const Class *own, FileClass *c, uint32_t i) {
        char name[TRACE_NAME_MAX];

        int r = get_name(d, w, name);
        if (r < 0)
                return r;
        uint64_t wire = wire_get_varint(w), optional = wire_get_varint(w), names = wire_get_varint(w);
        if (w->is_bad || wire >= _WIRE_MAX || optional > 1 || names > d->n_names)
                return decode_fail(d, "schema: a field of an unknown kind (%llu)", (unsigned long long)wire);
        c->layout.wire[i] = (Wire)wire;
        c->layout.optional |= optional << i;
        c->names[i] = (uint8_t)names;
        const Field *f = own ? field_by_name(own, name) : NULL;
        if (!f)
                return 0;
        if (!is_compatible(d, f, (Wire)wire, (uint32_t)names))
                return decode_fail(d, "schema: a field that is known is of another kind (%s)", f->name);
        for (uint32_t k = 0; k < i; k++)
                if (c->own[k] == f)
                        return decode_fail(d, "schema: a field is there twice (%s)", f->name);
        c->own[i] = f;
        c->known |= UINT64_C(1) << i;
        if (f->store == STORE_SLOT)
                c->slot_field = i;
        return 0;
}

static int get_class(TraceDecoder *d, WireIn *w) {
        FileClass unknown, *c = &unknown;
        char name[TRACE_NAME_MAX];
        const Class *own = NULL;
        uint32_t n = 0;

        int r = get_name(d, w, name);
        r = r < 0 ? r : get_count(d, w, "fields of a class", &n);
        if (r < 0)
                return r;
        for (ClassId i = 0; i < _CLASS_MAX; i++)
                if (strcmp(trace_classes[i].name, name) == 0) {
                        own = &trace_classes[i];
                        c = &d->classes[i];
                }
        if (own && c->is_there)
                return decode_fail(d, "schema: a class is there twice (%s)", own->name);
        *c = (FileClass){ .is_there = true, .layout = { .n_fields = n }, .slot_field = CLASS_FIELDS_MAX };
        for (uint32_t i = 0; i < n; i++) {
                r = get_field(d, w, own, c, i);
                if (r < 0)
                        return r;
        }
        return 0;
}

int decode_schema(TraceDecoder *d, WireIn *w) {
        uint32_t n = 0, n_classes = 0;

        memset(d->classes, 0, sizeof(d->classes));
        d->kind_names = 0;
        d->n_names = 0;
        int r = get_count(d, w, "lists of names", &n);
        for (uint32_t i = 0; i < n && r >= 0; i++) {
                r = get_names(d, w, &d->names[i]);
                if (r >= 0 && d->names[i].id == NAMES_KIND)
                        d->kind_names = i + 1;
        }
        if (r < 0)
                return r;
        d->n_names = n;
        r = get_count(d, w, "classes", &n_classes);
        for (uint32_t i = 0; i < n_classes && r >= 0; i++)
                r = get_class(d, w);
        if (r < 0)
                return r;
        if (w->is_bad || !d->kind_names)
                return decode_fail(d, "schema: cut off");
        for (ClassId i = 0; i < _CLASS_MAX; i++)
                if (!d->classes[i].is_there)
                        return decode_fail(d, "schema: no class %s", trace_classes[i].name);
        d->has_schema = true;
        return 0;
}

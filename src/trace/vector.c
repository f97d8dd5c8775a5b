/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "trace/vector.h"

#include <string.h>

enum {
        META_HAVE = 1 << 0,
        META_SAME_MASK = 1 << 1,
        META_KNOWN = META_HAVE | META_SAME_MASK,
};

void layout_of_class(const Class *c, Layout *ret) {
        *ret = (Layout){ .n_fields = c->n_fields };
        for (uint32_t i = 0; i < c->n_fields; i++) {
                ret->wire[i] = c->fields[i].wire;
                ret->optional |= (uint64_t)c->fields[i].is_optional << i;
        }
}

uint64_t vector_changes(const Layout *l, const Base *base, const uint64_t *value, uint64_t *ret_delta) {
        uint64_t changes = 0, before = 0;

        for (uint32_t i = 0; i < l->n_fields; i++) {
                uint64_t plain = value[i] - base->value[i], d = plain;
                if (l->wire[i] == WIRE_AFTER)
                        d -= before;
                else if (l->wire[i] == WIRE_BITS)
                        d = value[i] ^ base->value[i];
                before = plain;
                ret_delta[i] = d;
                changes |= (uint64_t)(d != 0) << i;
        }
        return changes;
}

static void put_delta(WireOut *w, Wire wire, uint64_t delta, uint64_t value) {
        switch (wire) {
        case WIRE_NUMBER:
        case WIRE_AFTER:
        case WIRE_ENUM:
        case WIRE_STRING:
        case WIRE_SLOT:
                wire_put_varint(w, wire_zigzag(delta));
                return;
        case WIRE_SCALED:
                wire_put_scaled(w, delta);
                return;
        case WIRE_BITS:
                wire_put_varint(w, delta);
                return;
        case WIRE_FIXED64:
                wire_put_fixed64(w, value);
                return;
        case _WIRE_MAX:
                break;
        }
        assert(!"a wire of this version");
}

void vector_put(WireOut *w, const Layout *l, const Base *base, const uint64_t *value, uint64_t have, uint64_t changes,
                const uint64_t *delta) {
        bool has_have = have != *base->have, is_same = changes == *base->mask;

        wire_put_byte(w, (uint8_t)((has_have ? META_HAVE : 0) | (is_same ? META_SAME_MASK : 0)));
        if (has_have)
                wire_put_varint(w, have ^ *base->have);
        if (!is_same)
                wire_put_varint(w, changes);
        for (uint64_t rest = changes; rest; rest &= rest - 1) {
                uint32_t i = (uint32_t)__builtin_ctzll(rest);
                put_delta(w, l->wire[i], delta[i], value[i]);
        }
        memcpy(base->value, value, l->n_fields * sizeof(*value));
        *base->have = have;
        *base->mask = changes;
}

static uint64_t get_value(WireIn *w, Wire wire, uint64_t base, uint64_t before) {
        switch (wire) {
        case WIRE_NUMBER:
        case WIRE_ENUM:
        case WIRE_STRING:
        case WIRE_SLOT:
                return base + wire_unzigzag(wire_get_varint(w));
        case WIRE_AFTER:
                return base + before + wire_unzigzag(wire_get_varint(w));
        case WIRE_SCALED:
                return base + wire_get_scaled(w);
        case WIRE_BITS:
                return base ^ wire_get_varint(w);
        case WIRE_FIXED64:
                return wire_get_fixed64(w);
        case _WIRE_MAX:
                break;
        }
        w->is_bad = true;
        return base;
}

uint64_t vector_get(WireIn *w, const Layout *l, const Base *base) {
        uint64_t all = l->n_fields >= 64 ? UINT64_MAX : (UINT64_C(1) << l->n_fields) - 1, other = 0, before = 0;
        uint8_t meta = wire_get_byte(w);

        if (meta & ~META_KNOWN)
                w->is_bad = true;
        if (meta & META_HAVE) {
                other = wire_get_varint(w);
                *base->have ^= other;
        }
        if (!(meta & META_SAME_MASK))
                *base->mask = wire_get_varint(w);
        if (((*base->mask & ~all) | (other & ~l->optional)) != 0) {
                w->is_bad = true;
                *base->mask = *base->have = 0;
        }
        for (uint32_t i = 0; i < l->n_fields && !w->is_bad; i++) {
                uint64_t old = base->value[i];
                if ((*base->mask >> i) & 1)
                        base->value[i] = get_value(w, l->wire[i], old, before);
                else if (l->wire[i] == WIRE_AFTER)
                        base->value[i] = old + before;
                other |= (uint64_t)(base->value[i] != old) << i;
                before = base->value[i] - old;
        }
        return other;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Snapshots out of changes. Of each cgroup and process there is one object beside its vector, in which only the fields
 * that changed are set anew: a sample then is a copy of the objects in its list.
 */

#include <string.h>

#include "trace/decoder.h"

static int inject_text(TraceDecoder *d, const Field *f, uint64_t index, char *p) {
        size_t max = f->store == STORE_CHARS ? f->size : CGROUP_PATH_MAX;

        if (index >= d->strings.n)
                return decode_fail(d, "%s: a string that has not come", f->name);
        const char *text = strings_get(&d->strings, (uint32_t)index);
        size_t n = strings_length(&d->strings, (uint32_t)index);
        if (n >= max)
                return decode_fail(d, "%s: %zu bytes, at most %zu", f->name, n, max - 1);
        if (f->store == STORE_POINTER) {
                *(const char **)(void *)p = text;
                return 0;
        }
        memcpy(p, text, n);
        memset(p + n, 0, max - n);
        return 0;
}

/* Numbers with names: what is a number in the trace is another one with us. */
static int translate(TraceDecoder *d, const FileClass *c, uint32_t i, uint64_t v, uint64_t *ret) {
        const FileNames *names = &d->names[c->names[i] - 1];
        uint64_t bits = 0;

        if (c->layout.wire[i] == WIRE_ENUM) {
                if (v >= names->n || names->to[v] < 0)
                        return decode_fail(d, "%s: a value that is not known here", c->own[i]->name);
                *ret = (uint64_t)names->to[v];
                return 0;
        }
        for (uint64_t rest = v; rest; rest &= rest - 1) {
                uint32_t bit = (uint32_t)__builtin_ctzll(rest);
                if (bit >= names->n)
                        return decode_fail(d, "%s: a bit without a name", c->own[i]->name);
                if (names->to[bit] >= 0)
                        bits |= UINT64_C(1) << names->to[bit];
        }
        *ret = bits;
        return 0;
}

static int inject_one(TraceDecoder *d, const FileClass *c, uint32_t i, uint64_t v, void *object) {
        const Field *f = c->own[i];

        if (f->store == STORE_SLOT)
                return 0; /* which index that is only the sample says */
        if (f->wire == WIRE_STRING)
                return inject_text(d, f, v, (char *)object + f->offset);
        if (f->names != NAMES_NONE) {
                int r = translate(d, c, i, v, &v);
                if (r < 0)
                        return r;
        }
        return field_set(f, object, v) ? 0 : decode_fail(d, "%s: out of range", f->name);
}

int decode_inject(TraceDecoder *d, ClassId class, const Base *base, uint64_t which, void *object) {
        const FileClass *c = &d->classes[class];
        uint64_t *have = NULL;

        if (trace_classes[class].have_offset >= 0)
                have = (uint64_t *)(void *)((char *)object + trace_classes[class].have_offset);
        for (which &= c->known; which; which &= which - 1) {
                uint32_t i = (uint32_t)__builtin_ctzll(which);
                const Field *f = c->own[i];
                bool present = !((c->layout.optional >> i) & 1) || ((*base->have >> i) & 1);
                if (f->is_optional)
                        *have = (*have & ~(UINT64_C(1) << f->have_bit)) | (uint64_t)present << f->have_bit;
                int r = inject_one(d, c, i, present ? base->value[i] : 0, object);
                if (r < 0)
                        return r;
        }
        return 0;
}

int decode_plain(TraceDecoder *d, ClassId class, WireIn *w, void *object) {
        PlainState *plain = &d->plain[class];
        const Base base = { plain->value, &plain->have, &plain->mask };

        (void)vector_get(w, &d->classes[class].layout, &base);
        if (w->is_bad)
                return decode_fail(d, "%s: cut off", trace_classes[class].name);
        return decode_inject(d, class, &base, UINT64_MAX, object);
}

/* ---- entities ---- */

typedef struct Kind {
        ClassId class;
        Entities *table;
        char *objects, *list;
        size_t size;
        uint64_t *made_with; /* presence bits of the object */
        size_t slot_offset;  /* of the index of a cgroup */
} Kind;

/* What a field says that the trace does not have. */
static void clear_object(ClassId class, void *object, size_t size) {
        memset(object, 0, size);
        if (class == CLASS_CGROUP) {
                CgroupSample *c = object;
                c->path = "";
                c->policy = -1;
        } else {
                ProcessSample *p = object;
                p->cgroup_path = "";
                p->rule = p->kernel_rule = -1;
                p->tier = TIER_NORMAL;
        }
}

static int update(TraceDecoder *d, const Kind *k, uint32_t i, bool detailed, WireIn *w, bool has_vector) {
        Entities *t = k->table;
        uint32_t slot = t->list[i];
        const Base base = entities_base(t, slot, detailed);
        void *object = k->objects + slot * k->size;
        bool fresh = t->fresh[slot] == t->serial;
        uint64_t which = 0;

        if (fresh != has_vector && fresh)
                return decode_fail(d, "%s: a new one without content", trace_classes[k->class].name);
        if (fresh) {
                entities_begin_fresh(t, i);
                clear_object(k->class, object, k->size);
                k->made_with[slot] = 0;
        }
        if (has_vector)
                which = vector_get(w, &d->classes[k->class].layout, &base);
        if (w->is_bad)
                return decode_fail(d, "%s: cut off", trace_classes[k->class].name);
        which = fresh ? UINT64_MAX : which | (*base.have ^ k->made_with[slot]);
        k->made_with[slot] = *base.have;
        return which ? decode_inject(d, k->class, &base, which, object) : 0;
}

/* Index of the cgroup that a slot field names. */
static uint32_t index_of(const TraceDecoder *d, const Kind *k, uint32_t slot) {
        uint32_t field = d->classes[k->class].slot_field;

        if (field >= CLASS_FIELDS_MAX)
                return INDEX_NONE;
        uint64_t v = entities_value(k->table, slot)[field];
        return v > 0 && v <= d->cgroups.max && entities_listed(&d->cgroups, (uint32_t)v - 1) ?
                       d->cgroups.position[v - 1] :
                       INDEX_NONE;
}

static int get_entities(TraceDecoder *d, const Kind *k, bool detailed, WireIn *w) {
        Entities *t = k->table;

        entities_next(t);
        if (!entities_get_list(t, detailed, w))
                return decode_fail(d, "%s: not a list", trace_classes[k->class].name);
        uint64_t run = 0;
        for (uint32_t i = 0; i < t->n_list; i++) {
                if (run == 0) {
                        run = wire_get_varint(w);
                        if (w->is_bad || run > t->n_list - i)
                                return decode_fail(d, "%s: more changes than there are in the list", trace_classes[k->class].name);
                        run++; /* the one behind them changes */
                }
                run--;
                int r = update(d, k, i, detailed, w, run == 0);
                if (r < 0)
                        return r;
        }
        for (uint32_t i = 0; i < t->n_list; i++) {
                char *out = k->list + i * k->size;
                memcpy(out, k->objects + t->list[i] * k->size, k->size);
                *(uint32_t *)(void *)(out + k->slot_offset) = index_of(d, k, t->list[i]);
        }
        return 0;
}

static int get_statuses(TraceDecoder *d, WireIn *w) {
        Snapshot *s = &d->record.snap;
        uint64_t n = wire_get_varint(w);
        int r = 0;

        if (n > KILLS_MAX)
                return decode_fail(d, "%llu kills, at most %d", (unsigned long long)n, KILLS_MAX);
        s->n_kills = (uint32_t)n;
        for (uint32_t i = 0; i < s->n_kills && r >= 0; i++)
                r = decode_plain(d, CLASS_KILL_STATUS, w, &s->kills[i]);
        if (r < 0)
                return r;
        n = wire_get_varint(w);
        if (n > MEASURE_STATUSES_MAX)
                return decode_fail(d, "%llu measures, at most %d", (unsigned long long)n, MEASURE_STATUSES_MAX);
        s->n_measures = (uint32_t)n;
        for (uint32_t i = 0; i < s->n_measures && r >= 0; i++)
                r = decode_plain(d, CLASS_MEASURE_STATUS, w, &s->measures[i]);
        return r;
}

int decode_snapshot(TraceDecoder *d, bool detailed, WireIn *w) {
        Snapshot *s = &d->record.snap;
        const Kind cgroups = {
                CLASS_CGROUP, &d->cgroups, (char *)d->cgroup_objects, (char *)d->cgroup_list, sizeof(CgroupSample),
                d->cgroup_have, offsetof(CgroupSample, parent),
        };
        const Kind processes = {
                CLASS_PROCESS, &d->processes, (char *)d->process_objects, (char *)d->process_list, sizeof(ProcessSample),
                d->process_have, offsetof(ProcessSample, cgroup),
        };

        int r = decode_plain(d, CLASS_HOST, w, &s->host);
        r = r < 0 ? r : get_entities(d, &cgroups, detailed, w);
        r = r < 0 ? r : get_entities(d, &processes, detailed, w);
        if (r < 0)
                return r;
        s->cgroups = d->cgroup_list;
        s->n_cgroups = d->cgroups.n_list;
        s->processes = d->process_list;
        s->n_processes = d->processes.n_list;
        entities_keep(&d->cgroups, detailed);
        entities_keep(&d->processes, detailed);
        return get_statuses(d, w);
}

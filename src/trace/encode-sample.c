/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A snapshot as changes. What does not change costs a byte for a whole list; what changes costs what its differences
 * take. The entities keep their order, since decide/ may see it.
 */

#include <string.h>

#include "trace/encoder.h"

/* Slot + 1 of the cgroup at @index. Where it is in no list, the number stays: a reader finds it is not listed, too. */
static uint64_t slot_of(TraceEncoder *e, uint32_t index, uint64_t base) {
        if (index == INDEX_NONE)
                return base > 0 && entities_listed(&e->cgroups, (uint32_t)base - 1) ? 0 : base;
        if (index >= e->cgroups.n_list) {
                e->is_invalid = true;
                return base;
        }
        return (uint64_t)e->cgroups.list[index] + 1;
}

static uint64_t string_of(TraceEncoder *e, const Field *f, const void *object, uint64_t base) {
        size_t n;
        const char *text = field_text(f, object, &n);

        if (n >= CGROUP_PATH_MAX)
                e->is_invalid = true;
        return strings_equal(&e->strings, base, text, n) ? base : strings_intern(&e->strings, text, n);
}

void encode_extract(TraceEncoder *e, ClassId class, const void *object, const uint64_t *base, uint64_t *ret_value,
                    uint64_t *ret_have) {
        const Class *c = &trace_classes[class];
        uint64_t have = 0, present = 0;

        if (c->have_offset >= 0)
                present = *(const uint64_t *)(const void *)((const char *)object + c->have_offset);
        for (uint32_t i = 0; i < c->n_fields; i++) {
                const Field *f = &c->fields[i];
                if (f->is_optional && !((present >> f->have_bit) & 1)) {
                        ret_value[i] = base[i];
                        continue;
                }
                have |= (uint64_t)f->is_optional << i;
                if (f->wire == WIRE_STRING)
                        ret_value[i] = string_of(e, f, object, base[i]);
                else if (f->wire == WIRE_SLOT)
                        ret_value[i] = slot_of(e, *(const uint32_t *)(const void *)((const char *)object + f->offset), base[i]);
                else
                        ret_value[i] = field_get(f, object);
                uint32_t n = trace_names[f->names].n;
                if ((f->wire == WIRE_ENUM && ret_value[i] >= n) || (f->wire == WIRE_BITS && ret_value[i] >> n != 0))
                        e->is_invalid = true;
        }
        *ret_have = have;
}

void encode_plain(TraceEncoder *e, ClassId class, const void *object, WireOut *w) {
        PlainBase *plain = &e->plain[class];
        const Base base = { plain->value, &plain->have, &plain->mask };
        uint64_t value[CLASS_FIELDS_MAX], delta[CLASS_FIELDS_MAX], have;

        encode_extract(e, class, object, base.value, value, &have);
        uint64_t changes = vector_changes(&e->layouts[class], &base, value, delta);
        vector_put(w, &e->layouts[class], &base, value, have, changes, delta);
}

/* ---- entities ---- */

static void cgroup_key(const void *userdata, uint32_t i, EntityKey *ret) {
        const CgroupSample *c = (const CgroupSample *)userdata + i;
        const char *path = c->path ? c->path : "";

        *ret = (EntityKey){ .id = c->id, .text = path, .text_len = strnlen(path, CGROUP_PATH_MAX) };
}

static void process_key(const void *userdata, uint32_t i, EntityKey *ret) {
        const ProcessSample *p = (const ProcessSample *)userdata + i;

        *ret = (EntityKey){ .id = (uint64_t)(int64_t)p->pid, .number = p->start_ticks };
}

static void put_changes(TraceEncoder *e, Entities *t, ClassId class, const void *objects, size_t size, bool detailed,
                        WireOut *w) {
        const Layout *l = &e->layouts[class];
        uint64_t value[CLASS_FIELDS_MAX], delta[CLASS_FIELDS_MAX], have, run = 0;

        for (uint32_t i = 0; i < t->n_list && !w->is_full; i++) {
                uint32_t slot = t->list[i];
                bool fresh = t->fresh[slot] == t->serial;
                if (fresh)
                        entities_begin_fresh(t, i);
                const Base base = entities_base(t, slot, detailed);
                encode_extract(e, class, (const char *)objects + i * size, base.value, value, &have);
                uint64_t changes = vector_changes(l, &base, value, delta);
                if (!fresh && changes == 0 && have == *base.have) {
                        run++;
                        continue;
                }
                wire_put_varint(w, run);
                vector_put(w, l, &base, value, have, changes, delta);
                run = 0;
        }
        if (run > 0)
                wire_put_varint(w, run);
}

static int put_entities(TraceEncoder *e, Entities *t, ClassId class, const void *objects, uint32_t n, size_t size,
                        bool detailed, WireOut *w) {
        entities_next(t);
        int r = entities_resolve(t, &e->strings, n, class == CLASS_CGROUP ? cgroup_key : process_key, objects);
        if (r < 0)
                return r;
        entities_put_list(t, detailed, w);
        put_changes(e, t, class, objects, size, detailed, w);
        return 0;
}

int encode_snapshot(TraceEncoder *e, const Snapshot *s, bool detailed, WireOut *w) {
        if (s->n_kills > KILLS_MAX || s->n_measures > MEASURE_STATUSES_MAX)
                return -EINVAL;
        encode_plain(e, CLASS_HOST, &s->host, w);
        /* Processes refer to the list of cgroups: it must stand until they are through. */
        int r = put_entities(e, &e->cgroups, CLASS_CGROUP, s->cgroups, s->n_cgroups, sizeof(*s->cgroups), detailed, w);
        if (r < 0)
                return r;
        r = put_entities(e, &e->processes, CLASS_PROCESS, s->processes, s->n_processes, sizeof(*s->processes), detailed, w);
        if (r < 0)
                return r;
        entities_keep(&e->cgroups, detailed);
        entities_keep(&e->processes, detailed);
        wire_put_varint(w, s->n_kills);
        for (uint32_t i = 0; i < s->n_kills; i++)
                encode_plain(e, CLASS_KILL_STATUS, &s->kills[i], w);
        wire_put_varint(w, s->n_measures);
        for (uint32_t i = 0; i < s->n_measures; i++)
                encode_plain(e, CLASS_MEASURE_STATUS, &s->measures[i], w);
        return 0;
}

void encode_settle(TraceEncoder *e, const Snapshot *s) {
        if (s->detail & DETAIL_ANY_CGROUPS)
                entities_purge(&e->cgroups);
        if (s->detail & DETAIL_ANY_PROCESSES)
                entities_purge(&e->processes);
}

void encode_decision(TraceEncoder *e, const TraceDecision *d, WireOut *w) {
        if (d->n_changes > LEVEL_CHANGES_MAX || d->n_measures > MEASURES_MAX) {
                e->is_invalid = true;
                return;
        }
        encode_plain(e, CLASS_DECISION, d, w);
        for (uint32_t i = 0; i < d->n_changes; i++)
                encode_plain(e, CLASS_CHANGE, &d->changes[i], w);
        for (uint32_t i = 0; i < d->n_measures; i++)
                encode_plain(e, CLASS_MEASURE, &d->measures[i], w);
        if (d->has_kill)
                encode_plain(e, CLASS_KILL, &d->kill, w);
}

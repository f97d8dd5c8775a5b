/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "trace/decoder.h"

/* A record has two texts at most. */
#define TEXTS_BYTES (2 * ((size_t)TRACE_TEXT_MAX + 1))

int decode_fail(TraceDecoder *d, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(d->text, sizeof(d->text), format, ap);
        va_end(ap);
        return -EBADMSG;
}

/* The tables are as wide as the widest schema may be. */
int decoder_new(TraceDecoder **ret) {
        _cleanup_(decoder_freep) TraceDecoder *d = reserve_map(sizeof(*d));

        if (!d)
                return -ENOMEM;
        int r = strings_init(&d->strings, TRACE_STRINGS_BYTES_MAX, TRACE_STRINGS_MAX, false);
        r = r < 0 ? r : entities_init(&d->cgroups, TRACE_CGROUPS_MAX, CLASS_FIELDS_MAX, false);
        r = r < 0 ? r : entities_init(&d->processes, TRACE_PROCESSES_MAX, CLASS_FIELDS_MAX, false);
        if (r < 0)
                return r;
        d->cgroup_objects = reserve_map(TRACE_CGROUPS_MAX * sizeof(CgroupSample));
        d->cgroup_list = reserve_map(TRACE_CGROUPS_MAX * sizeof(CgroupSample));
        d->cgroup_have = reserve_map(TRACE_CGROUPS_MAX * sizeof(uint64_t));
        d->process_objects = reserve_map(TRACE_PROCESSES_MAX * sizeof(ProcessSample));
        d->process_list = reserve_map(TRACE_PROCESSES_MAX * sizeof(ProcessSample));
        d->process_have = reserve_map(TRACE_PROCESSES_MAX * sizeof(uint64_t));
        d->texts = reserve_map(TEXTS_BYTES);
        if (!d->texts || !d->cgroup_objects || !d->cgroup_list || !d->cgroup_have || !d->process_objects || !d->process_list ||
            !d->process_have)
                return -ENOMEM;
        *ret = TAKE_PTR(d);
        return 0;
}

TraceDecoder *decoder_free(TraceDecoder *d) {
        if (!d)
                return NULL;
        strings_done(&d->strings);
        entities_done(&d->cgroups);
        entities_done(&d->processes);
        reserve_unmap(d->cgroup_objects, TRACE_CGROUPS_MAX * sizeof(CgroupSample));
        reserve_unmap(d->cgroup_list, TRACE_CGROUPS_MAX * sizeof(CgroupSample));
        reserve_unmap(d->cgroup_have, TRACE_CGROUPS_MAX * sizeof(uint64_t));
        reserve_unmap(d->process_objects, TRACE_PROCESSES_MAX * sizeof(ProcessSample));
        reserve_unmap(d->process_list, TRACE_PROCESSES_MAX * sizeof(ProcessSample));
        reserve_unmap(d->process_have, TRACE_PROCESSES_MAX * sizeof(uint64_t));
        reserve_unmap(d->texts, TEXTS_BYTES);
        reserve_unmap(d, sizeof(*d));
        return NULL;
}

void decoder_begin(TraceDecoder *d) {
        d->has_schema = false;
        d->segment = (Segment){ 0 };
        memset(d->plain, 0, sizeof(d->plain));
        strings_reset(&d->strings);
        entities_reset(&d->cgroups);
        entities_reset(&d->processes);
}

static int get_string(TraceDecoder *d, WireIn *w) {
        size_t n = (size_t)(w->end - w->p);

        if (memchr(w->p, '\0', n))
                return decode_fail(d, "a string with NUL inside");
        if (strings_add(&d->strings, w->p, n) == 0)
                return decode_fail(d, "more strings than a segment may have (%u MiB, %u)", TRACE_STRINGS_BYTES_MAX >> 20, TRACE_STRINGS_MAX);
        return 0;
}

/* Text that is handed out as a copy with NUL. */
static int get_text(TraceDecoder *d, WireIn *w, const char **ret, size_t *ret_n) {
        uint64_t n = wire_get_varint(w);

        *ret = NULL;
        *ret_n = 0;
        if (w->is_bad)
                return decode_fail(d, "a text that is cut off");
        if (n == 0)
                return 0;
        const uint8_t *p = wire_get_bytes(w, n - 1);
        if (!p || n - 1 > TRACE_TEXT_MAX)
                return decode_fail(d, "a text that is cut off, or longer than %u bytes", TRACE_TEXT_MAX);
        char *copy = d->texts + d->n_texts;
        memcpy(copy, p, n - 1);
        copy[n - 1] = '\0';
        d->n_texts += n;
        *ret = copy;
        *ret_n = n - 1;
        return 0;
}

static int get_decision(TraceDecoder *d, WireIn *w) {
        TraceDecision *t = &d->record.decision;

        memset(t, 0, sizeof(*t));
        int r = decode_plain(d, CLASS_DECISION, w, t);
        if (r < 0)
                return r;
        if (t->n_changes > LEVEL_CHANGES_MAX || t->n_measures > MEASURES_MAX)
                return decode_fail(d, "a decision with more changes or measures than there can be");
        for (uint32_t i = 0; i < t->n_changes && r >= 0; i++)
                r = decode_plain(d, CLASS_CHANGE, w, &t->changes[i]);
        for (uint32_t i = 0; i < t->n_measures && r >= 0; i++)
                r = decode_plain(d, CLASS_MEASURE, w, &t->measures[i]);
        return r >= 0 && t->has_kill ? decode_plain(d, CLASS_KILL, w, &t->kill) : r;
}

static int get_answer(TraceDecoder *d, WireIn *w) {
        Answer answer = { 0 };

        int r = decode_plain(d, CLASS_ANSWER, w, &answer);
        d->record.kill_id = answer.kill_id;
        d->record.hold = answer.hold;
        return r;
}

static int get_gap(TraceDecoder *d, WireIn *w) {
        Gap gap = { 0 };

        int r = decode_plain(d, CLASS_GAP, w, &gap);
        d->record.n_lost = gap.n_lost;
        return r;
}

static int get_facts(TraceDecoder *d, WireIn *w) {
        TraceFacts *f = &d->record.facts;
        size_t n_exe, n_cmdline;

        int r = decode_plain(d, CLASS_FACTS, w, f);
        r = r < 0 ? r : get_text(d, w, &f->exe, &n_exe);
        r = r < 0 ? r : get_text(d, w, &f->cmdline, &n_cmdline);
        if (r < 0)
                return r;
        if ((f->exe && strlen(f->exe) != n_exe) || (f->cmdline && strlen(f->cmdline) != n_cmdline))
                return decode_fail(d, "a text with NUL inside");
        return 0;
}

static int get_policy(TraceDecoder *d, WireIn *w) {
        TracePolicy *p = &d->record.policy;

        int r = decode_plain(d, CLASS_POLICY, w, p);
        r = r < 0 ? r : get_text(d, w, &p->text, &p->n);
        if (r < 0)
                return r;
        return p->text ? 0 : decode_fail(d, "a policy without text");
}

static int get_content(TraceDecoder *d, TraceKind kind, uint64_t flags, WireIn *w) {
        int r = 0;

        switch (kind) {
        case TRACE_START:
                return decode_plain(d, CLASS_START, w, &d->record.start);
        case TRACE_POLICY:
                return get_policy(d, w);
        case TRACE_SAMPLE:
        case TRACE_CONFIRM:
                r = decode_snapshot(d, flags & TRACE_FLAG_DETAILED, w);
                if (r >= 0 && kind == TRACE_CONFIRM)
                        return get_answer(d, w);
                d->record.has_decision = flags & TRACE_FLAG_DECISION;
                return r >= 0 && d->record.has_decision ? get_decision(d, w) : r;
        case TRACE_CANCEL:
                return get_answer(d, w);
        case TRACE_FACTS:
                return get_facts(d, w);
        case TRACE_GAP:
                return get_gap(d, w);
        case TRACE_END:
        case _TRACE_KIND_MAX:
        case _TRACE_KIND_INVALID:
                break;
        }
        return 0;
}

static int get_record(TraceDecoder *d, TraceKind kind, WireIn *w) {
        TraceRecord *r = &d->record;
        uint64_t flags = wire_get_varint(w);

        r->kind = kind;
        memset(&r->start, 0, sizeof(r->start));
        memset(&r->snap, 0, sizeof(r->snap));
        r->policy = (TracePolicy){ 0 };
        r->facts = (TraceFacts){ 0 };
        r->has_decision = false;
        r->hold = HOLD_NONE;
        r->kill_id = r->n_lost = 0;
        d->n_texts = 0;
        d->is_repeated = flags & TRACE_FLAG_REPEATED;
        int q = flags & TRACE_FLAG_STAMP ? decode_plain(d, CLASS_STAMP, w, &r->snap) : 0;
        q = q < 0 ? q : get_content(d, kind, flags, w);
        if (q >= 0 && w->is_bad)
                q = decode_fail(d, "%s: cut off", trace_kind_to_string(kind));
        return q < 0 ? q : 1;
}

int decoder_frame(TraceDecoder *d, const uint8_t *frame, size_t n, const TraceRecord **ret) {
        WireIn w = { .p = frame, .end = frame + n };
        uint64_t kind = wire_get_varint(&w);

        if (w.is_bad)
                return decode_fail(d, "an empty frame");
        if (kind == FRAME_SCHEMA)
                return d->has_schema ? decode_fail(d, "a second schema in a segment") : decode_schema(d, &w);
        if (!d->has_schema)
                return decode_fail(d, "a segment that does not begin with a schema");
        const FileNames *kinds = &d->names[d->kind_names - 1];
        int own = kind < kinds->n ? kinds->to[kind] : -1;
        if (kind >= kinds->n)
                return decode_fail(d, "a frame of kind %llu, which the schema does not have", (unsigned long long)kind);
        if (own <= FRAME_SCHEMA)
                return 0;
        if (own == FRAME_STRING)
                return get_string(d, &w);
        if (own == FRAME_SEGMENT) {
                (void)wire_get_varint(&w);
                return decode_plain(d, CLASS_SEGMENT, &w, &d->segment);
        }
        int r = get_record(d, (TraceKind)(own - FRAME_RECORD), &w);
        if (r > 0)
                *ret = &d->record;
        return r;
}

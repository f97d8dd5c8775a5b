/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Records -> the frames of format.h. All memory is reserved at the start and touched as it is needed, so that a small
 * host costs little; nothing is allocated later, and nothing is read or written.
 *
 * When a record does not fit into the caller's buffer, what is remembered no longer agrees with what is in the trace. It
 * is not repaired: the next record begins a segment, where nothing needs to be remembered.
 */

#include "trace/encoder.h"

#include <string.h>

#include "base/text.h"

#define SEGMENT_USEC_DEFAULT (600 * USEC_PER_SEC)

int trace_encoder_new(const TraceEncoderOptions *o, TraceEncoder **ret) {
        if (o->max_cgroups == 0 || o->max_cgroups > TRACE_CGROUPS_MAX || o->max_processes == 0 ||
            o->max_processes > TRACE_PROCESSES_MAX)
                return -EINVAL;
        _cleanup_(trace_encoder_freep) TraceEncoder *e = reserve_map(sizeof(*e));
        if (!e)
                return -ENOMEM;
        e->options = *o;
        if (o->segment_usec == 0)
                e->options.segment_usec = SEGMENT_USEC_DEFAULT;
        /* Paths are mostly far shorter; where they do not fit, a new segment begins. */
        uint32_t n_strings = o->max_cgroups * 2 + o->max_processes + 1024;
        size_t bytes = (size_t)o->max_cgroups * CGROUP_PATH_MAX + (size_t)o->max_processes * 2 * COMM_MAX + (1 << 16);
        int r = strings_init(&e->strings, MIN(bytes, (size_t)TRACE_STRINGS_BYTES_MAX), MIN(n_strings, TRACE_STRINGS_MAX), true);
        r = r < 0 ? r : entities_init(&e->cgroups, o->max_cgroups, trace_classes[CLASS_CGROUP].n_fields, true);
        r = r < 0 ? r : entities_init(&e->processes, o->max_processes, trace_classes[CLASS_PROCESS].n_fields, true);
        if (r < 0)
                return r;
        e->policy_text = reserve_map(TRACE_TEXT_MAX);
        if (!e->policy_text)
                return -ENOMEM;
        for (ClassId c = 0; c < _CLASS_MAX; c++)
                layout_of_class(&trace_classes[c], &e->layouts[c]);
        *ret = TAKE_PTR(e);
        return 0;
}

TraceEncoder *trace_encoder_free(TraceEncoder *e) {
        if (!e)
                return NULL;
        strings_done(&e->strings);
        entities_done(&e->cgroups);
        entities_done(&e->processes);
        reserve_unmap(e->policy_text, TRACE_TEXT_MAX);
        reserve_unmap(e, sizeof(*e));
        return NULL;
}

/* ---- frames ---- */

static size_t varint_length(uint64_t v) {
        size_t n = 1;

        for (; v >= 0x80; v >>= 7)
                n++;
        return n;
}

static void put_frame_head(WireOut *w, uint32_t kind, size_t n) {
        wire_put_varint(w, varint_length(kind) + n);
        wire_put_varint(w, kind);
}

/* How long the frames of the strings are which are not in the trace yet. */
static size_t string_frames_length(const Strings *s) {
        size_t sum = 0;

        for (uint32_t i = s->n_sent; i < s->n; i++) {
                size_t n = varint_length(FRAME_STRING) + strings_length(s, i);
                sum += varint_length(n) + n;
        }
        return sum;
}

/*
 * What stands in @w from @start on becomes a frame: the strings that it has brought, and its head, go before it. Only
 * now is it known how long they are.
 */
static void close_frame(TraceEncoder *e, WireOut *w, size_t start, uint32_t kind) {
        size_t n = w->n - start, kind_n = varint_length(kind) + n;
        size_t before = string_frames_length(&e->strings) + varint_length(kind_n) + varint_length(kind);

        if (w->is_full || before > w->size - w->n) {
                w->is_full = true;
                return;
        }
        memmove(w->p + start + before, w->p + start, n);
        w->n = start;
        for (Strings *s = &e->strings; s->n_sent < s->n; s->n_sent++) {
                put_frame_head(w, FRAME_STRING, strings_length(s, s->n_sent));
                wire_put_bytes(w, strings_get(s, s->n_sent), strings_length(s, s->n_sent));
        }
        put_frame_head(w, kind, n);
        assert(w->n == start + before);
        w->n += n;
}

static void put_name(WireOut *w, const char *name) {
        wire_put_varint(w, strlen(name));
        wire_put_bytes(w, name, strlen(name));
}

static void put_schema(TraceEncoder *e, WireOut *w) {
        size_t start = w->n;

        wire_put_varint(w, _NAMES_MAX - 1);
        for (NamesId i = NAMES_NONE + 1; i < _NAMES_MAX; i++) {
                put_name(w, trace_names[i].name);
                wire_put_varint(w, trace_names[i].n);
                for (uint32_t k = 0; k < trace_names[i].n; k++)
                        put_name(w, trace_names[i].get(k));
        }
        wire_put_varint(w, _CLASS_MAX);
        for (ClassId i = 0; i < _CLASS_MAX; i++) {
                const Class *c = &trace_classes[i];
                put_name(w, c->name);
                wire_put_varint(w, c->n_fields);
                for (const Field *f = c->fields; f < c->fields + c->n_fields; f++) {
                        put_name(w, f->name);
                        wire_put_varint(w, f->wire);
                        wire_put_varint(w, f->is_optional);
                        wire_put_varint(w, f->names);
                }
        }
        close_frame(e, w, start, FRAME_SCHEMA);
}

static void put_text(WireOut *w, const char *text, size_t n) {
        wire_put_varint(w, text ? n + 1 : 0);
        if (text)
                wire_put_bytes(w, text, n);
}

static void put_optional_text(WireOut *w, const char *text) {
        put_text(w, text, text ? strlen(text) : 0);
}

/* ---- records ---- */

static uint32_t record_flags(const TraceRecord *r, bool repeated) {
        const Snapshot *s = &r->snap;
        bool has_stamp = r->kind == TRACE_SAMPLE || r->kind == TRACE_CONFIRM || s->mono_usec || s->real_usec;
        bool detailed = s->detail & (DETAIL_ANY_CGROUPS | DETAIL_ANY_PROCESSES);

        return (repeated ? TRACE_FLAG_REPEATED : 0) | (has_stamp ? TRACE_FLAG_STAMP : 0) |
               (detailed ? TRACE_FLAG_DETAILED : 0) |
               (r->kind == TRACE_SAMPLE && r->has_decision ? TRACE_FLAG_DECISION : 0);
}

static int put_content(TraceEncoder *e, const TraceRecord *r, uint32_t flags, WireOut *w) {
        const Answer answer = { r->kill_id, r->hold };
        const Gap gap = { r->n_lost };
        int q = 0;

        switch (r->kind) {
        case TRACE_START:
                encode_plain(e, CLASS_START, &r->start, w);
                break;
        case TRACE_POLICY:
                encode_plain(e, CLASS_POLICY, &r->policy, w);
                put_text(w, r->policy.text, r->policy.n);
                break;
        case TRACE_SAMPLE:
        case TRACE_CONFIRM:
                q = encode_snapshot(e, &r->snap, flags & TRACE_FLAG_DETAILED, w);
                if (q == 0 && r->kind == TRACE_CONFIRM)
                        encode_plain(e, CLASS_ANSWER, &answer, w);
                else if (q == 0 && r->has_decision)
                        encode_decision(e, &r->decision, w);
                break;
        case TRACE_CANCEL:
                encode_plain(e, CLASS_ANSWER, &answer, w);
                break;
        case TRACE_FACTS:
                encode_plain(e, CLASS_FACTS, &r->facts, w);
                put_optional_text(w, r->facts.exe);
                put_optional_text(w, r->facts.cmdline);
                break;
        case TRACE_GAP:
                encode_plain(e, CLASS_GAP, &gap, w);
                break;
        case TRACE_END:
                break;
        case _TRACE_KIND_MAX:
        case _TRACE_KIND_INVALID:
                return -EINVAL;
        }
        return q;
}

static int put_record(TraceEncoder *e, const TraceRecord *r, bool repeated, WireOut *w) {
        uint32_t flags = record_flags(r, repeated);
        size_t start = w->n;

        wire_put_varint(w, flags);
        if (flags & TRACE_FLAG_STAMP)
                encode_plain(e, CLASS_STAMP, &r->snap, w);
        int q = put_content(e, r, flags, w);
        if (q < 0)
                return q;
        if (w->n - start > TRACE_FRAME_MAX - 16)
                return -ENOSPC;
        close_frame(e, w, start, FRAME_RECORD + (uint32_t)r->kind);
        return 0;
}

/* ---- segments ---- */

static void reset(TraceEncoder *e) {
        strings_reset(&e->strings);
        entities_reset(&e->cgroups);
        entities_reset(&e->processes);
        memset(e->plain, 0, sizeof(e->plain));
}

/* A record by itself, of which only the part of its kind is looked at: a TraceRecord is too big to be made anew. */
static void put_repeated(TraceEncoder *e, TraceKind kind, WireOut *w) {
        uint32_t flags = TRACE_FLAG_REPEATED | TRACE_FLAG_STAMP;
        size_t start = w->n;

        wire_put_varint(w, flags);
        encode_plain(e, CLASS_STAMP, kind == TRACE_START ? &e->start_stamp : &e->policy_stamp, w);
        if (kind == TRACE_START) {
                encode_plain(e, CLASS_START, &e->start, w);
        } else {
                const TracePolicy p = { .hash = e->policy_hash };
                encode_plain(e, CLASS_POLICY, &p, w);
                put_text(w, e->policy_text, e->n_policy_text);
        }
        close_frame(e, w, start, FRAME_RECORD + (uint32_t)kind);
}

static void put_segment(TraceEncoder *e, const TraceRecord *r, WireOut *w) {
        const Segment segment = { .stream = e->stream, .number = e->n_segments };

        reset(e);
        put_schema(e, w);
        size_t start = w->n;
        wire_put_varint(w, 0);
        encode_plain(e, CLASS_SEGMENT, &segment, w);
        close_frame(e, w, start, FRAME_SEGMENT);
        if (r->kind == TRACE_START)
                return;
        if (e->has_start)
                put_repeated(e, TRACE_START, w);
        if (e->has_policy && r->kind != TRACE_POLICY)
                put_repeated(e, TRACE_POLICY, w);
}

static bool wants_segment(const TraceEncoder *e, const TraceRecord *r) {
        uint64_t now = r->snap.mono_usec;

        if (!e->is_begun || r->kind == TRACE_START || r->kind == TRACE_GAP)
                return true;
        if (r->kind != TRACE_SAMPLE && r->kind != TRACE_CONFIRM)
                return false;
        return now < e->segment_usec || now - e->segment_usec >= e->options.segment_usec;
}

/* What later segments repeat. */
static void keep(TraceEncoder *e, const TraceRecord *r) {
        const Snapshot stamp = {
                .mono_usec = r->snap.mono_usec, .real_usec = r->snap.real_usec, .page_size = r->snap.page_size,
        };

        if (r->kind == TRACE_START) {
                e->start = r->start;
                e->start_stamp = stamp;
                e->has_start = true;
                e->has_policy = false;
        } else if (r->kind == TRACE_POLICY) {
                memcpy(e->policy_text, r->policy.text, r->policy.n);
                e->n_policy_text = r->policy.n;
                e->policy_hash = r->policy.hash;
                e->policy_stamp = stamp;
                e->has_policy = true;
        } else if (r->kind == TRACE_SAMPLE || r->kind == TRACE_CONFIRM) {
                encode_settle(e, &r->snap);
        }
}

/*
 * A policy is in force also where its record is lost: later segments must not repeat the one before it. The number that
 * is then left out makes the reader hand out what the next segment repeats, instead of passing it over.
 */
static void lose(TraceEncoder *e, const TraceRecord *r, int error) {
        if (r->kind != TRACE_POLICY)
                return;
        if (error == -ENOBUFS)
                keep(e, r);
        else
                e->has_policy = false;
        e->is_policy_lost = true;
}

static int encode_once(TraceEncoder *e, const TraceRecord *r, bool segment, WireOut *w) {
        e->is_invalid = false;
        e->is_begun = false; /* until it is all there */
        if (segment)
                put_segment(e, r, w);
        int q = put_record(e, r, /* repeated= */ false, w);
        if (q == 0 && e->is_invalid)
                q = -EINVAL;
        if (q == 0 && e->strings.is_full)
                q = -ENOSPC;
        return q < 0 ? q : w->is_full ? -ENOBUFS : 0;
}

/* A TRACE_START that is another one is another stream: its segments do not follow on those before it. */
static uint64_t stream_of(const TraceStart *s) {
        uint64_t h = text_hash(TEXT_HASH_INIT, s->boot_id, strnlen(s->boot_id, sizeof(s->boot_id)));

        h = text_hash(h, &s->mono_usec, sizeof(s->mono_usec));
        return text_hash(h, &s->real_usec, sizeof(s->real_usec));
}

/**
 * trace_encode() - one record as bytes
 * @e:           what was encoded before
 * @r:           the record; of a snapshot the fields that are absent have no part in it
 * @buf, @size:  where to; a calm sample of a small host takes a hundred bytes, the first one of a segment everything
 * @ret_segment: the bytes begin a segment
 *
 * Return: how many bytes; -ENOBUFS: @size is too small; -ENOSPC: more cgroups or processes than this encoder was made
 *         for, or a text longer than the format allows; -EINVAL: an index beyond the sample, an enumerator or a bit
 *         without a name, a path too long, an unknown kind. After an error the next record begins a segment.
 */
ssize_t trace_encode(TraceEncoder *e, const TraceRecord *r, void *buf, size_t size, bool *ret_segment) {
        bool segment = wants_segment(e, r);
        WireOut w = { .p = buf, .size = size };

        if (r->kind < 0 || r->kind >= _TRACE_KIND_MAX)
                return -EINVAL;
        if (r->kind == TRACE_POLICY && !r->policy.text)
                return -EINVAL;
        if (r->kind == TRACE_POLICY && r->policy.n > TRACE_TEXT_MAX) {
                e->is_begun = false;
                lose(e, r, -ENOSPC);
                return -ENOSPC;
        }
        if (r->kind == TRACE_FACTS && ((r->facts.exe && strlen(r->facts.exe) > TRACE_TEXT_MAX) ||
                                       (r->facts.cmdline && strlen(r->facts.cmdline) > TRACE_TEXT_MAX)))
                return -ENOSPC;
        /* not when it is tried once more, elsewhere */
        if (e->is_policy_lost && r->kind != TRACE_POLICY)
                e->n_segments++;
        e->is_policy_lost = false;
        if (r->kind == TRACE_START) {
                e->stream = stream_of(&r->start);
                e->n_segments = 0;
        }
        int q = encode_once(e, r, segment, &w);
        if (q == -ENOSPC && e->strings.is_full && !segment) {
                /* the table of strings is full of those of cgroups that are gone */
                segment = true;
                w = (WireOut){ .p = buf, .size = size };
                q = encode_once(e, r, segment, &w);
        }
        if (q < 0) {
                lose(e, r, q);
                return q;
        }
        keep(e, r);
        e->is_begun = true;
        if (segment) {
                e->n_segments++;
                e->segment_usec = r->snap.mono_usec;
        }
        *ret_segment = segment;
        return (ssize_t)w.n;
}

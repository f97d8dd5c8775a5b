/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Frames of other versions, and frames that nobody should have written. */

#include "test.h"

#include "trace-frames.h"

typedef struct Bytes {
        uint8_t data[16384];
        WireOut w;
} Bytes;

static void put_name(WireOut *w, const char *name) {
        wire_put_varint(w, strlen(name));
        wire_put_bytes(w, name, strlen(name));
}

/* What a later version might add: a list, names in the middle of a list, a class, a field in front of all others, a kind. */
typedef struct Schema {
        bool extra_list, extra_class, extra_field, extra_kind, extra_name, without_mem_total, twice;
        ClassId missing; /* 0 for none */
} Schema;

static void put_names(WireOut *w, NamesId id, const Schema *s) {
        const Names *n = &trace_names[id];
        bool more = (id == NAMES_KIND && s->extra_kind) || (id == NAMES_TIER && s->extra_name) || (id == NAMES_CGROUP_MARK && s->extra_name);

        put_name(w, n->name);
        wire_put_varint(w, n->n + more);
        if (more && id != NAMES_KIND)
                put_name(w, "from-the-future"); /* all others move by one */
        for (uint32_t i = 0; i < n->n; i++)
                put_name(w, n->get(i));
        if (more && id == NAMES_KIND)
                put_name(w, "from-the-future");
}

static void put_field(WireOut *w, const char *name, Wire wire, bool optional, uint32_t names) {
        put_name(w, name);
        wire_put_varint(w, wire);
        wire_put_varint(w, optional);
        wire_put_varint(w, names);
}

static void put_class(WireOut *w, ClassId id, const Schema *s) {
        const Class *c = &trace_classes[id];
        bool extra = s->extra_field && (id == CLASS_HOST || id == CLASS_CGROUP || id == CLASS_PROCESS);

        put_name(w, c->name);
        wire_put_varint(w, c->n_fields + extra + s->twice);
        if (extra)
                put_field(w, "from_the_future", WIRE_SCALED, true, 0);
        for (uint32_t i = 0; i < c->n_fields; i++) {
                const Field *f = &c->fields[i];
                bool hidden = s->without_mem_total && id == CLASS_HOST && strcmp(f->name, "mem_total") == 0;
                put_field(w, hidden ? "something_else" : f->name, f->wire, f->is_optional, f->names);
        }
        if (s->twice)
                put_field(w, c->fields[0].name, c->fields[0].wire, false, c->fields[0].names);
}

static size_t make_schema(Bytes *b, const Schema *s) {
        b->w = (WireOut){ .p = b->data, .size = sizeof(b->data) };
        WireOut *w = &b->w;
        wire_put_varint(w, FRAME_SCHEMA);
        wire_put_varint(w, _NAMES_MAX - 1 + s->extra_list);
        for (NamesId i = 1; i < _NAMES_MAX; i++)
                put_names(w, i, s);
        if (s->extra_list) {
                put_name(w, "list-from-the-future");
                wire_put_varint(w, 1);
                put_name(w, "x");
        }
        wire_put_varint(w, _CLASS_MAX + s->extra_class - (s->missing > 0));
        if (s->extra_class) {
                put_name(w, "class-from-the-future");
                wire_put_varint(w, 1);
                put_field(w, "x", WIRE_FIXED64, false, 0);
        }
        for (ClassId i = 0; i < _CLASS_MAX; i++)
                if (s->missing == 0 || i != s->missing)
                        put_class(w, i, s);
        assert_false(w->is_full);
        return w->n;
}

static int give(TraceDecoder *d, Bytes *b) {
        const TraceRecord *r;
        assert_false(b->w.is_full);
        return decoder_frame(d, b->data, b->w.n, &r);
}

static WireOut *begin_frame(Bytes *b, uint32_t kind) {
        b->w = (WireOut){ .p = b->data, .size = sizeof(b->data) };
        wire_put_varint(&b->w, kind);
        return &b->w;
}

/* A vector against nothing: these fields of it. */
static void put_vector(WireOut *w, const Layout *l, const uint64_t *value, uint64_t have) {
        uint64_t zero[CLASS_FIELDS_MAX] = { 0 }, delta[CLASS_FIELDS_MAX], no_have = 0, no_mask = 0;
        const Base base = { zero, &no_have, &no_mask };
        uint64_t changes = vector_changes(l, &base, value, delta);
        vector_put(w, l, &base, value, have, changes, delta);
}

static Layout with_extra(ClassId id, bool extra) {
        Layout own, l;
        layout_of_class(&trace_classes[id], &own);
        l = own;
        if (!extra)
                return l;
        l.n_fields++;
        l.optional = own.optional << 1 | 1;
        l.wire[0] = WIRE_SCALED;
        memcpy(l.wire + 1, own.wire, own.n_fields * sizeof(*l.wire));
        return l;
}

static uint32_t field_index(ClassId id, const char *name) {
        for (uint32_t i = 0; i < trace_classes[id].n_fields; i++)
                if (strcmp(trace_classes[id].fields[i].name, name) == 0)
                        return i;
        fail_msg("no field %s", name);
        return 0;
}

static void put_future_sample(WireOut *w) {
        const Layout host = with_extra(CLASS_HOST, true), cgroup = with_extra(CLASS_CGROUP, true), process = with_extra(CLASS_PROCESS, true);
        uint64_t v[CLASS_FIELDS_MAX] = { 0 };

        wire_put_varint(w, 0);
        v[0] = 77 * 4096; /* unknown */
        v[1 + field_index(CLASS_HOST, "mem_free")] = 5 * 4096;
        put_vector(w, &host, v, 1 | UINT64_C(2) << field_index(CLASS_HOST, "mem_free"));
        wire_put_varint(w, 2); /* one cgroup, new, in slot 3 */
        wire_put_varint(w, 1 << 2 | LIST_NEW);
        wire_put_varint(w, 3);
        wire_put_varint(w, 0);
        memset(v, 0, sizeof(v));
        v[0] = 1;
        v[1 + field_index(CLASS_CGROUP, "id")] = 44;
        v[1 + field_index(CLASS_CGROUP, "path")] = 1;
        v[1 + field_index(CLASS_CGROUP, "marks")] = 1 | CGROUP_MARK_LEAF << 1;
        put_vector(w, &cgroup, v, 1);
        wire_put_varint(w, 2);
        wire_put_varint(w, 1 << 2 | LIST_NEW);
        wire_put_varint(w, 9);
        wire_put_varint(w, 0);
        memset(v, 0, sizeof(v));
        v[1 + field_index(CLASS_PROCESS, "pid")] = 4321;
        v[1 + field_index(CLASS_PROCESS, "cgroup")] = 4;
        v[1 + field_index(CLASS_PROCESS, "tier")] = 1 + TIER_AVOID;
        put_vector(w, &process, v, 0);
        wire_put_varint(w, 0);
        wire_put_varint(w, 0);
        wire_put_bytes(w, "more from the future", 20); /* at the end of a record that is known */
}

static void test_future(void **state) {
        const Schema future = { .extra_list = true, .extra_class = true, .extra_field = true, .extra_kind = true, .extra_name = true };
        TraceDecoder *d = NULL;
        Bytes *b = calloc(1, sizeof(*b));
        (void)state;
        assert_non_null(b);
        assert_int_equal(decoder_new(&d), 0);
        decoder_begin(d);
        (void)make_schema(b, &future);
        if (give(d, b) < 0)
                fail_msg("%s", d->text);
        wire_put_bytes(begin_frame(b, FRAME_RECORD + _TRACE_KIND_MAX), "whatever", 8);
        assert_int_equal(give(d, b), 0);
        wire_put_bytes(begin_frame(b, FRAME_STRING), "/a", 2);
        assert_int_equal(give(d, b), 0);
        put_future_sample(begin_frame(b, FRAME_RECORD + TRACE_SAMPLE));
        if (give(d, b) != 1)
                fail_msg("%s", d->text);
        const Snapshot *s = &d->record.snap;
        assert_true(s->host.have == UINT64_C(1) << HOST_MEM_FREE && s->host.value[HOST_MEM_FREE] == 5 * 4096);
        assert_true(s->n_cgroups == 1 && s->cgroups[0].id == 44 && s->cgroups[0].have == 0);
        assert_string_equal(s->cgroups[0].path, "/a");
        assert_int_equal(s->cgroups[0].marks, CGROUP_MARK_LEAF); /* the unknown one is dropped */
        assert_true(s->n_processes == 1 && s->processes[0].pid == 4321 && s->processes[0].cgroup == 0);
        assert_int_equal(s->processes[0].tier, TIER_AVOID);
        d = decoder_free(d);
        free(b);
}

/* A field that an older version did not have is absent. */
static void test_missing_field(void **state) {
        const Schema old = { .without_mem_total = true };
        const Layout l = with_extra(CLASS_HOST, false);
        uint64_t v[CLASS_FIELDS_MAX] = { 0 };
        TraceDecoder *d = NULL;
        Bytes *b = calloc(1, sizeof(*b));
        (void)state;
        assert_non_null(b);
        assert_int_equal(decoder_new(&d), 0);
        decoder_begin(d);
        (void)make_schema(b, &old);
        assert_int_equal(give(d, b), 0);
        WireOut *w = begin_frame(b, FRAME_RECORD + TRACE_SAMPLE);
        wire_put_varint(w, 0);
        v[HOST_MEM_TOTAL] = 1;
        v[HOST_MEM_FREE] = 2;
        put_vector(w, &l, v, 1u << HOST_MEM_TOTAL | 1u << HOST_MEM_FREE);
        for (int i = 0; i < 4; i++)
                wire_put_varint(w, 0);
        assert_int_equal(give(d, b), 1);
        assert_true(d->record.snap.host.have == 1u << HOST_MEM_FREE && d->record.snap.host.value[HOST_MEM_TOTAL] == 0);
        d = decoder_free(d);
        free(b);
}

static void expect_bad(TraceDecoder *d, Bytes *b, const char *text) {
        assert_int_equal(give(d, b), -EBADMSG);
        if (!strstr(d->text, text))
                fail_msg("'%s' instead of '%s'", d->text, text);
}

static void test_bad_schema(void **state) {
        const Schema none = { 0 }, missing = { .missing = CLASS_HOST }, twice = { .twice = true };
        TraceDecoder *d = NULL;
        Bytes *b = calloc(1, sizeof(*b));
        (void)state;
        assert_non_null(b);
        assert_int_equal(decoder_new(&d), 0);
        decoder_begin(d);
        (void)begin_frame(b, FRAME_RECORD + TRACE_END);
        expect_bad(d, b, "does not begin with a schema");
        (void)make_schema(b, &missing);
        expect_bad(d, b, "no class host");
        (void)make_schema(b, &twice);
        expect_bad(d, b, "twice");
        size_t n = make_schema(b, &none);
        for (b->w.n = 1; b->w.n < n; b->w.n++) {
                assert_int_equal(give(d, b), -EBADMSG); /* cut anywhere */
                assert_true(d->text[0]);
                decoder_begin(d);
        }
        assert_int_equal(give(d, b), 0);
        expect_bad(d, b, "second schema");
        (void)begin_frame(b, 40);
        expect_bad(d, b, "kind 40");
        d = decoder_free(d);
        free(b);
}

/* Lists that refer to what is not there, and strings that did not come. */
static void test_bad_lists(void **state) {
        static const struct {
                uint8_t bytes[12];
                size_t n;
                const char *text;
        } cases[] = {
                { { 2, 1 << 2 | LIST_COPY }, 2, "not a list" },
                { { 2, 1 << 2 | LIST_SKIP }, 2, "not a list" },
                { { 2, LIST_SKIP }, 2, "not a list" },
                { { 2, 5 << 2 | LIST_MOVE }, 2, "not a list" },
                { { 3, 3 << 2 | LIST_NEW, 0 }, 3, "not a list" },
                { { 2, 1 << 2 | LIST_NEW, 0xff, 0xff, 0x7f }, 5, "not a list" },
                { { 0xff, 0xff, 0xff, 0xff, 0x7f }, 5, "not a list" },
                { { 3, 1 << 2 | LIST_NEW, 0, 1 << 2 | LIST_NEW, 0 }, 5, "not a list" },
                { { 2, 1 << 2 | LIST_NEW, 0, 1 }, 4, "without content" },
                { { 2, 1 << 2 | LIST_NEW, 0, 2 }, 4, "more changes" },
                { { 2, 1 << 2 | LIST_NEW, 0, 0, 0, 2, 14 }, 7, "path: a string" }, /* field 1 is number 7 */
                { { 2, 1 << 2 | LIST_NEW, 0, 0, 0xff }, 5, "cut off" },
                { { 0 }, 0, "cut off" },
        };
        const Schema none = { 0 };
        TraceDecoder *d = NULL;
        Bytes *b = calloc(1, sizeof(*b));
        (void)state;
        assert_non_null(b);
        assert_int_equal(decoder_new(&d), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                decoder_begin(d);
                (void)make_schema(b, &none);
                assert_int_equal(give(d, b), 0);
                WireOut *w = begin_frame(b, FRAME_RECORD + TRACE_SAMPLE);
                wire_put_varint(w, 0);
                wire_put_byte(w, 2); /* host: the same fields as before: none */
                wire_put_bytes(w, cases[i].bytes, cases[i].n);
                expect_bad(d, b, cases[i].text);
        }
        d = decoder_free(d);
        free(b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_future),
                cmocka_unit_test(test_missing_field),
                cmocka_unit_test(test_bad_schema),
                cmocka_unit_test(test_bad_lists),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

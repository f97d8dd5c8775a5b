/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Records -> frames -> records: decide_step() must be given the same. */

#include "test.h"

#include "trace-compare.h"
#include "trace-frames.h"
#include "trace-history.h"

#define BUFFER (4u << 20)

typedef struct Pipe {
        TraceEncoder *encoder;
        TraceDecoder *decoder;
        uint8_t *buf;
        size_t n_bytes;
        unsigned n_segments;
} Pipe;

static Pipe pipe_new(uint32_t max_cgroups, uint32_t max_processes, uint64_t segment_usec) {
        const TraceEncoderOptions o = { max_cgroups, max_processes, segment_usec };
        Pipe p = { .buf = malloc(BUFFER) };
        assert_non_null(p.buf);
        assert_int_equal(trace_encoder_new(&o, &p.encoder), 0);
        assert_int_equal(decoder_new(&p.decoder), 0);
        return p;
}

static void pipe_free(Pipe *p) {
        p->encoder = trace_encoder_free(p->encoder);
        p->decoder = decoder_free(p->decoder);
        free(p->buf);
}

static const TraceRecord *pass(Pipe *p, const TraceRecord *in) {
        const TraceRecord *out;
        bool segment;

        ssize_t n = trace_encode(p->encoder, in, p->buf, BUFFER, &segment);
        if (n <= 0)
                fail_msg("trace_encode: %zd", n);
        if (frames_decode(p->decoder, p->buf, (size_t)n, segment, &out) < 0)
                fail_msg("decode: %s", p->decoder->text);
        assert_non_null(out);
        assert_int_equal(out->kind, in->kind);
        p->n_bytes += (size_t)n;
        p->n_segments += segment;
        return out;
}

static TraceRecord record;

static void pass_snapshot(Pipe *p, const Snapshot *s) {
        record.kind = TRACE_SAMPLE;
        record.has_decision = false;
        record.snap = *s;
        const TraceRecord *out = pass(p, &record);
        const char *difference = snapshot_difference(s, &out->snap);
        if (difference)
                fail_msg("at %llu: %s", (unsigned long long)s->mono_usec, difference);
}

static void test_histories(void **state) {
        static const struct {
                uint32_t cgroups, processes, shuffle, hole, birth, recreate, tamper;
        } kinds[] = {
                { 20, 60, 0, 0, 0, 0, 0 }, { 20, 60, 0, 0, 1, 3, 0 }, { 1, 0, 0, 0, 0, 0, 0 },
                { 40, 80, 3, 0, 2, 5, 0 }, { 40, 80, 2, 2, 1, 2, 2 }, { 3, 5, 1, 1, 1, 1, 1 },
        };
        (void)state;
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
                for (uint64_t seed = 1; seed <= 8; seed++) {
                        History *h = history_new(seed, kinds[k].cgroups, kinds[k].processes);
                        /* sometimes no more slots than there are entities: the oldest are given away */
                        Pipe p = pipe_new(seed % 2 ? 1000 : kinds[k].cgroups, seed % 2 ? 1000 : kinds[k].processes + 1, seed % 3 * 20 * USEC_PER_SEC);
                        h->shuffle_one_in = kinds[k].shuffle;
                        h->hole_one_in = kinds[k].hole;
                        h->birth_one_in = kinds[k].birth;
                        h->recreate_one_in = kinds[k].recreate;
                        h->tamper_one_in = kinds[k].tamper;
                        for (unsigned i = 0; i < 120; i++)
                                pass_snapshot(&p, history_step(h, USEC_PER_SEC, history_random(h, 4) == 0));
                        assert_true(seed % 3 == 0 ? p.n_segments == 1 : p.n_segments > 2);
                        pipe_free(&p);
                        history_free(h);
                }
}

/* The price of samples in which nothing happens. */
static void test_idle_costs_nothing(void **state) {
        History *h = history_new(7, 100, 300);
        Pipe p = pipe_new(1000, 4000, 0);
        (void)state;
        Snapshot s = *history_step(h, USEC_PER_SEC, true);
        pass_snapshot(&p, &s);
        for (unsigned i = 0; i < 3; i++) {
                p.n_bytes = 0;
                s.mono_usec += USEC_PER_SEC;
                s.real_usec += USEC_PER_SEC;
                pass_snapshot(&p, &s);
        }
        assert_true(p.n_bytes < 24);
        pipe_free(&p);
        history_free(h);
}

static void test_recreated(void **state) {
        Pipe p = pipe_new(10, 10, 0);
        CgroupSample c[2] = {
                { .id = 5, .path = "/a", .parent = INDEX_NONE, .policy = -1 },
                { .id = 6, .path = "/a/b", .parent = 0, .policy = 3, .marks = CGROUP_MARK_LEAF },
        };
        Snapshot s = { .mono_usec = 9, .real_usec = 9, .page_size = 16384, .cgroups = c, .n_cgroups = 2, .detail = DETAIL_CGROUPS };
        (void)state;
        cgroup_set(&c[1], CGROUP_CURRENT, 1 << 20);
        cgroup_set(&c[1], CGROUP_MAX, CGROUP_NO_LIMIT);
        pass_snapshot(&p, &s);
        c[1].id = 7; /* the same path is another cgroup */
        c[1].have = 0;
        c[1].value[CGROUP_CURRENT] = c[1].value[CGROUP_MAX] = 0;
        pass_snapshot(&p, &s);
        c[1].path = "/a/c"; /* the same number too: recycled */
        cgroup_set(&c[1], CGROUP_CURRENT, UINT64_MAX - 1);
        pass_snapshot(&p, &s);
        c[1].id = c[0].id; /* both of one identity */
        c[1].path = c[0].path;
        pass_snapshot(&p, &s);
        pass_snapshot(&p, &s);
        c[1].parent = INDEX_NONE;
        pass_snapshot(&p, &s);
        s.n_cgroups = 0;
        pass_snapshot(&p, &s);
        pipe_free(&p);
}

static void test_extremes(void **state) {
        Pipe p = pipe_new(10, 10, 0);
        Snapshot s = { .page_size = UINT32_MAX };
        uint64_t rng = 3;
        (void)state;
        for (unsigned i = 0; i < 500; i++) {
                for (HostField f = 0; f < _HOST_FIELD_MAX; f++) {
                        rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407u;
                        static const uint64_t edges[] = { 0, 1, 4095, 4096, UINT64_MAX, UINT64_MAX - 4095, INT64_MAX, UINT64_C(1) << 63 };
                        uint64_t v = rng >> 60 < 8 ? edges[rng >> 60] : rng << (rng >> 58 & 31);
                        host_set(&s.host, f, v);
                }
                s.mono_usec = rng;
                s.real_usec = ~rng;
                pass_snapshot(&p, &s);
        }
        pipe_free(&p);
}

static void fill_decision(TraceDecision *t) {
        *t = (TraceDecision){
                .seq = 17, .digest = UINT64_C(0xfedcba9876543210), .need = DETAIL_PROCESSES | DETAIL_STATS, .need_now = true,
                .next_usec = 50000, .hold = HOLD_COOLDOWN, .n_changes = LEVEL_CHANGES_MAX, .n_measures = MEASURES_MAX,
                .has_kill = true,
        };
        for (unsigned i = 0; i < LEVEL_CHANGES_MAX; i++)
                t->changes[i] = (TraceChange){ i, "/dom", "host", LEVEL_WARN, LEVEL_KILL, REASON_HOST_PRESSURE };
        for (unsigned i = 0; i < MEASURES_MAX; i++)
                t->measures[i] = (TraceMeasure){ i, STEP_THROTTLE, MEASURE_ADJUST, 3, 4, "/x", 4096, CGROUP_NO_LIMIT };
        t->kill = (TraceKill){
                .kill_id = 2, .step = STEP_KILL, .is_escalation = true, .dry_run = true, .policy_name = "p", .domain_id = 1,
                .domain_path = "/", .reason = REASON_CGROUP_PRESSURE, .victim_kind = CANDIDATE_GROUP, .pid = INT32_MAX,
                .start_ticks = 77, .comm = "\001\377x", .cgroup_id = 8, .cgroup_path = "/c", .n_processes = 3,
                .freeable_bytes = 1, .available_bytes = 2, .deficit_bytes = 3,
        };
}

static void test_decision(void **state) {
        Pipe p = pipe_new(10, 10, 0);
        (void)state;
        memset(&record, 0, sizeof(record));
        record.kind = TRACE_SAMPLE;
        record.has_decision = true;
        fill_decision(&record.decision);
        for (unsigned i = 0; i < 3; i++) {
                record.decision.seq++;
                record.decision.has_kill = i != 1;
                if (!record.decision.has_kill)
                        memset(&record.decision.kill, 0, sizeof(record.decision.kill));
                const TraceRecord *out = pass(&p, &record);
                assert_true(out->has_decision);
                assert_memory_equal(&out->decision, &record.decision, sizeof(record.decision));
                fill_decision(&record.decision);
        }
        pipe_free(&p);
}

static void test_other_kinds(void **state) {
        Pipe p = pipe_new(10, 10, 0);
        const TraceRecord *out;
        (void)state;
        memset(&record, 0, sizeof(record));
        record.kind = TRACE_START;
        record.start = (TraceStart){
                "boot", "6.1.0", "x86_64", "0.1.0", 4096, 2, 1, 2, 3, 4, 5, 6, 7, true, true,
        };
        record.snap.mono_usec = 11;
        out = pass(&p, &record);
        assert_memory_equal(&out->start, &record.start, sizeof(record.start));
        assert_int_equal(out->snap.mono_usec, 11);

        record.kind = TRACE_POLICY;
        record.policy = (TracePolicy){ .hash = 99, .text = "[Daemon]\n", .n = 9 };
        out = pass(&p, &record);
        assert_int_equal(out->policy.hash, 99);
        assert_int_equal(out->policy.n, 9);
        assert_string_equal(out->policy.text, "[Daemon]\n");

        record.kind = TRACE_FACTS;
        record.facts = (TraceFacts){ 7, 8, true, true, "/bin/sh\n", "" };
        out = pass(&p, &record);
        assert_true(out->facts.pid == 7 && out->facts.start_ticks == 8 && out->facts.has_exe && out->facts.has_cmdline);
        assert_string_equal(out->facts.exe, "/bin/sh\n");
        assert_string_equal(out->facts.cmdline, "");
        record.facts = (TraceFacts){ 9, 8, true, false, NULL, NULL };
        out = pass(&p, &record);
        assert_true(!out->facts.exe && !out->facts.cmdline && out->facts.has_exe && !out->facts.has_cmdline);

        record.kind = TRACE_CONFIRM;
        record.kill_id = 4;
        record.hold = HOLD_NOT_CONFIRMED;
        host_set(&record.snap.host, HOST_MEM_TOTAL, 5);
        out = pass(&p, &record);
        assert_true(out->kill_id == 4 && out->hold == HOLD_NOT_CONFIRMED && !snapshot_difference(&out->snap, &record.snap));
        record.kind = TRACE_CANCEL;
        record.kill_id = 5;
        out = pass(&p, &record);
        assert_true(out->kill_id == 5 && out->hold == HOLD_NOT_CONFIRMED);

        assert_int_equal(p.n_segments, 1);
        record.kind = TRACE_GAP;
        record.n_lost = 12;
        out = pass(&p, &record);
        assert_int_equal(out->n_lost, 12);
        assert_int_equal(p.n_segments, 2);
        record.kind = TRACE_END;
        (void)pass(&p, &record);
        assert_int_equal(p.n_segments, 2);
        pipe_free(&p);
}

/* Start and policy stand at the beginning of each segment. */
static void test_repeated(void **state) {
        Pipe p = pipe_new(10, 10, 0);
        (void)state;
        memset(&record, 0, sizeof(record));
        record.kind = TRACE_START;
        memcpy(record.start.kernel, "6.12", 5);
        (void)pass(&p, &record);
        record.kind = TRACE_POLICY;
        record.policy = (TracePolicy){ .hash = 99, .text = "text", .n = 4 };
        (void)pass(&p, &record);
        uint64_t stream = p.decoder->segment.stream;
        record.kind = TRACE_GAP;
        bool segment;
        ssize_t n = trace_encode(p.encoder, &record, p.buf, BUFFER, &segment);
        assert_true(n > 0 && segment);
        WireIn w = { .p = p.buf, .end = p.buf + n };
        TraceKind seen[3];
        unsigned n_seen = 0;
        decoder_begin(p.decoder);
        while (w.p < w.end) {
                const TraceRecord *out;
                uint64_t length = wire_get_varint(&w);
                int q = decoder_frame(p.decoder, w.p, (size_t)length, &out);
                assert_true(q >= 0);
                w.p += length;
                if (q == 0)
                        continue;
                assert_true(n_seen < 3 && p.decoder->is_repeated == (n_seen < 2));
                seen[n_seen++] = out->kind;
                if (out->kind == TRACE_START)
                        assert_string_equal(out->start.kernel, "6.12");
                if (out->kind == TRACE_POLICY)
                        assert_true(out->policy.hash == 99 && strcmp(out->policy.text, "text") == 0);
        }
        assert_true(n_seen == 3 && seen[0] == TRACE_START && seen[1] == TRACE_POLICY && seen[2] == TRACE_GAP);
        assert_true(p.decoder->segment.stream == stream && p.decoder->segment.number == 1);
        pipe_free(&p);
}

/* A policy that was lost is in force all the same: the next segment has it, and does not follow on the one before. */
static void test_policy_lost(void **state) {
        Pipe p = pipe_new(8, 8, 0);
        const TraceRecord *out = NULL;
        bool segment;
        (void)state;
        memset(&record, 0, sizeof(record));
        record.kind = TRACE_START;
        (void)pass(&p, &record);
        record.kind = TRACE_POLICY;
        record.policy = (TracePolicy){ .hash = 1, .text = "old", .n = 3 };
        (void)pass(&p, &record);
        record.policy = (TracePolicy){ .hash = 2, .text = "new", .n = 3 };
        assert_int_equal(trace_encode(p.encoder, &record, p.buf, 8, &segment), -ENOBUFS);
        assert_true(pass(&p, &record)->policy.hash == 2); /* there was room elsewhere: nothing is missing */
        assert_int_equal(p.decoder->segment.number, 1);
        record.policy = (TracePolicy){ .hash = 3, .text = "newest", .n = 6 };
        assert_int_equal(trace_encode(p.encoder, &record, p.buf, 8, &segment), -ENOBUFS);
        record.kind = TRACE_GAP;
        ssize_t n = trace_encode(p.encoder, &record, p.buf, BUFFER, &segment);
        assert_true(n > 0 && segment);
        WireIn w = { .p = p.buf, .end = p.buf + n };
        unsigned n_policies = 0;
        decoder_begin(p.decoder);
        while (w.p < w.end) {
                uint64_t length = wire_get_varint(&w);
                int q = decoder_frame(p.decoder, w.p, (size_t)length, &out);
                assert_true(q >= 0);
                w.p += length;
                if (q == 0 || out->kind != TRACE_POLICY)
                        continue;
                n_policies++;
                assert_int_equal(out->policy.hash, 3);
                assert_string_equal(out->policy.text, "newest");
        }
        assert_int_equal(n_policies, 1);
        assert_int_equal(p.decoder->segment.number, 3); /* 2 is missing */
        pipe_free(&p);
}

static void test_no_room(void **state) {
        History *h = history_new(1, 50, 100);
        Pipe p = pipe_new(60, 120, 0);
        bool segment;
        (void)state;
        pass_snapshot(&p, history_step(h, USEC_PER_SEC, true));
        record.snap = *history_step(h, USEC_PER_SEC, true);
        record.kind = TRACE_SAMPLE;
        for (size_t size = 0; size < 40; size++)
                assert_int_equal(trace_encode(p.encoder, &record, p.buf, size, &segment), -ENOBUFS);
        record.kind = TRACE_GAP;
        record.n_lost = 40;
        assert_int_equal(pass(&p, &record)->n_lost, 40);
        assert_int_equal(p.n_segments, 2);
        for (unsigned i = 0; i < 10; i++)
                pass_snapshot(&p, history_step(h, USEC_PER_SEC, i % 2));
        assert_int_equal(p.n_segments, 2);
        pipe_free(&p);

        /* more than it was made for */
        p = pipe_new(49, 120, 0);
        record.kind = TRACE_SAMPLE;
        record.snap = *history_step(h, USEC_PER_SEC, true);
        assert_int_equal(trace_encode(p.encoder, &record, p.buf, BUFFER, &segment), -ENOSPC);
        record.kind = TRACE_GAP;
        (void)pass(&p, &record);
        pipe_free(&p);
        history_free(h);
}

/* A segment of its own where the strings of those that are gone fill the table. */
static void test_strings_full(void **state) {
        Pipe p = pipe_new(4, 4, 0);
        CgroupSample c = { .parent = INDEX_NONE, .policy = -1 };
        Snapshot s = { .page_size = 4096, .cgroups = &c, .n_cgroups = 1, .detail = DETAIL_CGROUPS, .mono_usec = 5 };
        char path[64];
        (void)state;
        c.path = path;
        for (unsigned i = 0; i < 5000; i++) {
                snprintf(path, sizeof(path), "/machine.slice/container-%u.scope", i);
                c.id++;
                pass_snapshot(&p, &s);
        }
        assert_true(p.n_segments > 2 && p.n_segments < 20);
        pipe_free(&p);
}

static void test_invalid(void **state) {
        Pipe p = pipe_new(4, 4, 0);
        CgroupSample c = { .id = 1, .parent = 1, .policy = -1, .path = "/" };
        ProcessSample q = { .pid = 1, .cgroup = INDEX_NONE, .cgroup_path = "", .tier = _TIER_MAX };
        char path[CGROUP_PATH_MAX + 1];
        bool segment;
        (void)state;
        memset(path, 'x', CGROUP_PATH_MAX);
        path[CGROUP_PATH_MAX] = '\0';
        memset(&record, 0, sizeof(record));
        record.kind = TRACE_SAMPLE;
        record.snap = (Snapshot){ .cgroups = &c, .n_cgroups = 1, .processes = &q };
        assert_int_equal(trace_encode(p.encoder, &record, p.buf, BUFFER, &segment), -EINVAL); /* parent */
        c.parent = INDEX_NONE;
        c.path = path;
        assert_int_equal(trace_encode(p.encoder, &record, p.buf, BUFFER, &segment), -EINVAL);
        path[CGROUP_PATH_MAX - 1] = '\0';
        pass_snapshot(&p, &record.snap);
        record.snap.n_processes = 1;
        assert_int_equal(trace_encode(p.encoder, &record, p.buf, BUFFER, &segment), -EINVAL); /* tier */
        q.tier = TIER_NEVER;
        q.flags = PROCESS_FORKED << 1;
        assert_int_equal(trace_encode(p.encoder, &record, p.buf, BUFFER, &segment), -EINVAL);
        q.flags = PROCESS_FORKED;
        q.cgroup = 1;
        assert_int_equal(trace_encode(p.encoder, &record, p.buf, BUFFER, &segment), -EINVAL);
        q.cgroup = 0;
        pass_snapshot(&p, &record.snap);
        record.snap.n_kills = KILLS_MAX + 1;
        assert_int_equal(trace_encode(p.encoder, &record, p.buf, BUFFER, &segment), -EINVAL);
        record.kind = _TRACE_KIND_MAX;
        assert_int_equal(trace_encode(p.encoder, &record, p.buf, BUFFER, &segment), -EINVAL);
        record.kind = TRACE_POLICY;
        assert_int_equal(trace_encode(p.encoder, &record, p.buf, BUFFER, &segment), -EINVAL);
        pipe_free(&p);
        TraceEncoder *e = NULL;
        const TraceEncoderOptions none = { 0 };
        assert_int_equal(trace_encoder_new(&none, &e), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_histories),   cmocka_unit_test(test_idle_costs_nothing),
                cmocka_unit_test(test_recreated),   cmocka_unit_test(test_extremes),
                cmocka_unit_test(test_decision),    cmocka_unit_test(test_other_kinds),
                cmocka_unit_test(test_repeated),    cmocka_unit_test(test_policy_lost),
                cmocka_unit_test(test_no_room),     cmocka_unit_test(test_strings_full),
                cmocka_unit_test(test_invalid),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

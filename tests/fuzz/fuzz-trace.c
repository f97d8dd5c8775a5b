/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The first byte says what the rest is: 'f' a file, 'd' frames from the schema on, 's' frames behind our own schema (no
 * checksum and no compression stands between the fuzzer and the decoder then). What is handed out must be what
 * decide_step() may be given.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "input.h"
#include "trace/decoder.h"
#include "trace/file.h"
#include "trace/reader.h"

static void check_snapshot(const Snapshot *s) {
        REQUIRE(s->n_cgroups <= TRACE_CGROUPS_MAX && s->n_processes <= TRACE_PROCESSES_MAX);
        REQUIRE(s->n_kills <= KILLS_MAX && s->n_measures <= MEASURE_STATUSES_MAX);
        REQUIRE(s->host.have >> _HOST_FIELD_MAX == 0);
        for (HostField f = 0; f < _HOST_FIELD_MAX; f++)
                REQUIRE(host_has(&s->host, f) || s->host.value[f] == 0);
        for (uint32_t i = 0; i < s->n_cgroups; i++) {
                const CgroupSample *c = &s->cgroups[i];
                REQUIRE(c->parent == INDEX_NONE || c->parent < s->n_cgroups);
                REQUIRE(strlen(c->path) < CGROUP_PATH_MAX && c->have >> _CGROUP_FIELD_MAX == 0);
                for (CgroupField f = 0; f < _CGROUP_FIELD_MAX; f++)
                        REQUIRE(cgroup_has(c, f) || c->value[f] == 0);
        }
        for (uint32_t i = 0; i < s->n_processes; i++) {
                const ProcessSample *p = &s->processes[i];
                REQUIRE(p->cgroup == INDEX_NONE || p->cgroup < s->n_cgroups);
                REQUIRE(strlen(p->cgroup_path) < CGROUP_PATH_MAX && memchr(p->comm, '\0', COMM_MAX));
                REQUIRE((unsigned)p->tier < _TIER_MAX);
        }
}

static void check_record(const TraceRecord *r) {
        REQUIRE(trace_kind_to_string(r->kind));
        check_snapshot(&r->snap);
        if (r->kind == TRACE_POLICY)
                REQUIRE(r->policy.text && r->policy.text[r->policy.n] == '\0');
        if (r->kind == TRACE_FACTS)
                REQUIRE((!r->facts.exe || strlen(r->facts.exe) <= TRACE_TEXT_MAX) &&
                        (!r->facts.cmdline || strlen(r->facts.cmdline) <= TRACE_TEXT_MAX));
        if (r->has_decision)
                REQUIRE(r->decision.n_changes <= LEVEL_CHANGES_MAX && r->decision.n_measures <= MEASURES_MAX &&
                        hold_to_string(r->decision.hold));
}

static void read_file(int fd, bool salvage, size_t size) {
        const TraceReaderOptions o = { .salvage = salvage };
        const TraceRecord *record;
        char path[32], *paths[] = { path };
        TraceReader *r = NULL;
        TraceError error = { 0 };
        int q;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        q = trace_reader_new(AT_FDCWD, paths, 1, &o, &error, &r);
        if (q < 0) {
                REQUIRE(error.text[0]);
                return;
        }
        while ((q = trace_reader_next(r, &record)) > 0)
                check_record(record);
        REQUIRE(q == 0 || (q == -EBADMSG && !salvage));
        REQUIRE(q == 0 || (trace_reader_error(r)->text[0] && trace_reader_error(r)->offset <= size));
        r = trace_reader_free(r);
}

/* Frames with their lengths, into a decoder that goes on until the first that is bad. */
static void decode(TraceDecoder *d, const uint8_t *data, size_t size) {
        WireIn w = { .p = data, .end = data + size };
        const TraceRecord *record;
        int q = 0;

        while (w.p < w.end && q >= 0) {
                uint64_t n = wire_get_varint(&w);
                const uint8_t *frame = wire_get_bytes(&w, n);
                if (w.is_bad || n == 0)
                        return;
                q = decoder_frame(d, frame, (size_t)n, &record);
                REQUIRE(q == 0 || q == 1 || (q == -EBADMSG && d->text[0]));
                if (q > 0)
                        check_record(record);
        }
}

static void decode_own_schema(TraceDecoder *d) {
        const TraceEncoderOptions o = { 1, 1, 0 };
        const TraceRecord end = { .kind = TRACE_END };
        static uint8_t buf[8192];
        TraceEncoder *e = NULL;
        bool segment;

        REQUIRE(trace_encoder_new(&o, &e) == 0);
        ssize_t n = trace_encode(e, &end, buf, sizeof(buf), &segment);
        REQUIRE(n > 0);
        decode(d, buf, (size_t)n);
        e = trace_encoder_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size == 0)
                return 0;
        if (data[0] == 'f') {
                int fd = memfd_create("trace", MFD_CLOEXEC);
                if (fd < 0)
                        return 0;
                REQUIRE(pwrite(fd, data + 1, size - 1, 0) == (ssize_t)size - 1);
                read_file(fd, /* salvage= */ false, size);
                read_file(fd, /* salvage= */ true, size);
                (void)close(fd);
                return 0;
        }
        TraceDecoder *d = NULL;
        REQUIRE(decoder_new(&d) == 0);
        decoder_begin(d);
        if (data[0] == 's')
                decode_own_schema(d);
        decode(d, data + 1, size - 1);
        d = decoder_free(d);
        return 0;
}

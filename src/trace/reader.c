/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Chunks -> frames -> records, over all files.
 *
 * Where a segment is not the one that follows on what was read, the reader says so: the start and the policy that stand
 * at its beginning are handed out, and then a TRACE_GAP. Where it is, they are passed over. So whoever consumes the
 * records sees a gap wherever something is missing, whatever the reason, and always knows the policy.
 */

#include "trace/reader.h"

#include <stdio.h>
#include <string.h>
#include <zstd.h>

#include "base/text.h"
#include "trace/decoder.h"
#include "trace/reader-chunks.h"
#include "trace/reader-files.h"

/* A frame that is not complete, and one chunk more. */
#define RAW_BYTES ((size_t)TRACE_FRAME_MAX + 2 * (size_t)TRACE_CHUNK_RAW_MAX)

struct TraceReader {
        TraceReaderOptions options;
        int dir_fd;
        ReaderFiles files;
        size_t next_file;
        ChunkFile chunks;
        ZSTD_DCtx *z;
        TraceDecoder *decoder;
        uint8_t *raw; /* decompressed; [raw_at, raw_n) are not decoded yet */
        size_t raw_at, raw_n;
        uint64_t work_left; /* TRACE_WORK_PER_BYTE */

        bool is_open;     /* a file is */
        bool in_segment;  /* between its marker and its last chunk */
        bool is_closed;   /* the segment has had its last chunk */
        bool is_fresh;    /* no record of this segment yet */
        bool follows;     /* on what was handed out */
        bool wants_gap;   /* before the next record that is no repetition */
        bool is_damaged;  /* since the latest record */
        bool is_held;     /* decoder->record waits behind a gap */
        bool has_latest;
        Segment latest;   /* which was read to its end, if has_latest */
        int failed;
        uint64_t mono_usec, real_usec; /* of the latest record */
        TraceRecord gap;
        TraceError error;
        TraceReaderStats stats;
};

/* -EBADMSG, or 0 where we go on nevertheless. */
static int note_damage(TraceReader *r, const char *text) {
        TextBuf b = TEXT_BUF(r->error.text);

        (void)snprintf(r->error.path, sizeof(r->error.path), "%s", r->files.paths[r->next_file - 1]);
        r->error.offset = r->chunks.at;
        text_append_escaped(&b, text);
        r->stats.n_damaged++;
        r->is_damaged = true;
        r->has_latest = r->in_segment = false;
        r->raw_at = r->raw_n = 0;
        return r->options.salvage ? 0 : -EBADMSG;
}

/* The segment is lost: with salvage on to the next one, and where there is none, to the end of the file. */
static int damaged(TraceReader *r, const char *text) {
        int q = note_damage(r, text);

        if (q < 0)
                return q;
        q = chunk_seek_marker(&r->chunks);
        return q < 0 ? q : 0;
}

/* ---- chunks ---- */

static int open_next(TraceReader *r) {
        const char *path = r->files.paths[r->next_file++];
        int fd = reader_files_open(r->dir_fd, path);

        if (fd < 0)
                return fd;
        int q = chunk_file_open(&r->chunks, fd);
        if (q < 0)
                return q;
        r->is_open = true;
        r->stats.n_files++;
        r->stats.file_bytes += r->chunks.size;
        return 0;
}

/* The segment is over. What is left of it was cut, if it did not end in order. */
static int end_segment(TraceReader *r) {
        if (!r->in_segment)
                return 0;
        if (r->is_closed && r->raw_at != r->raw_n)
                return note_damage(r, "a segment that ends within a record");
        r->stats.n_torn += !r->is_closed;
        r->has_latest = r->is_closed && !r->is_fresh;
        r->latest = r->decoder->segment;
        r->in_segment = false;
        r->raw_at = r->raw_n = 0;
        return 0;
}

static void begin_segment(TraceReader *r) {
        decoder_begin(r->decoder);
        (void)ZSTD_DCtx_reset(r->z, ZSTD_reset_session_only);
        r->in_segment = r->is_fresh = true;
        r->is_closed = false;
        r->stats.n_segments++;
}

/* NULL, or what is wrong. */
static const char *decompress(TraceReader *r) {
        ZSTD_inBuffer in = { r->chunks.payload, r->chunks.n_payload, 0 };
        size_t begin, left = 1;

        memmove(r->raw, r->raw + r->raw_at, r->raw_n - r->raw_at);
        r->raw_n -= r->raw_at;
        r->raw_at = 0;
        begin = r->raw_n;
        if (begin > TRACE_FRAME_MAX + WIRE_VARINT_MAX)
                return "a record that is longer than there may be";
        ZSTD_outBuffer out = { r->raw, begin + TRACE_CHUNK_RAW_MAX + 1, begin };
        while (left > 0 && (in.pos < in.size || out.pos == out.size)) {
                size_t before = in.pos + out.pos;
                if (out.pos - begin > TRACE_CHUNK_RAW_MAX)
                        return "a chunk that becomes longer than there may be";
                left = ZSTD_decompressStream(r->z, &out, &in);
                if (ZSTD_isError(left))
                        return "a chunk that cannot be decompressed";
                if (left > 0 && in.pos + out.pos == before)
                        break;
        }
        if (in.pos < in.size)
                return "a chunk with more in it than its segment";
        if (out.pos - begin > TRACE_CHUNK_RAW_MAX)
                return "a chunk that becomes longer than there may be";
        if ((left == 0) != (r->chunks.type == CHUNK_LAST))
                return "a chunk that is the last one, or is not";
        r->is_closed = r->chunks.type == CHUNK_LAST;
        r->raw_n = out.pos;
        r->stats.raw_bytes += out.pos - begin;
        return NULL;
}

static int take_chunk(TraceReader *r) {
        if (r->chunks.type != CHUNK_DATA && r->chunks.type != CHUNK_LAST)
                return 0; /* of a later minor version */
        if (!r->in_segment || r->is_closed)
                return damaged(r, "a chunk outside of any segment");
        r->work_left = u64_add_sat(r->work_left, (TRACE_CHUNK_BYTES + r->chunks.n_payload) * (uint64_t)TRACE_WORK_PER_BYTE);
        const char *fault = decompress(r);
        return fault ? damaged(r, fault) : 0;
}

/* More bytes, or another segment or file. 1: go on; 0: the end of all files; negative errno. */
static int advance(TraceReader *r) {
        if (!r->is_open) {
                if (r->next_file >= r->files.n)
                        return 0;
                int q = open_next(r);
                return q < 0 ? q : 1;
        }
        int kind = chunk_next(&r->chunks), q = 0;
        if (kind == -EBADMSG)
                q = damaged(r, r->chunks.text);
        else if (kind < 0)
                return kind;
        switch (kind) {
        case CHUNK_CONTENT:
                q = take_chunk(r);
                break;
        case CHUNK_MARKER:
                q = end_segment(r);
                if (q == 0)
                        begin_segment(r);
                break;
        case CHUNK_TORN:
        case CHUNK_END:
                r->stats.n_torn += kind == CHUNK_TORN && (!r->in_segment || r->is_closed);
                q = end_segment(r);
                chunk_file_close(&r->chunks);
                r->is_open = false;
                break;
        }
        return q < 0 ? q : 1;
}

/* ---- frames ---- */

/* 1: *ret is a frame; 0: it is not all there; -EBADMSG */
static int next_frame(TraceReader *r, const uint8_t **ret, size_t *ret_n) {
        WireIn w = { .p = r->raw + r->raw_at, .end = r->raw + r->raw_n };
        size_t have = r->raw_n - r->raw_at;

        if (!r->in_segment || have == 0)
                return 0;
        uint64_t n = wire_get_varint(&w);
        if (w.is_bad)
                return have < WIRE_VARINT_MAX ? 0 : damaged(r, "a record without length");
        if (n == 0 || n > TRACE_FRAME_MAX)
                return damaged(r, "a record that is longer than there may be, or empty");
        *ret = wire_get_bytes(&w, n);
        if (w.is_bad)
                return 0;
        *ret_n = (size_t)n;
        r->raw_at = r->raw_n - (size_t)(w.end - w.p);
        return 1;
}

/* 0, or -EBADMSG where so few bytes may not make so much; with salvage the segment is lost. @record: NULL for none. */
static int charge(TraceReader *r, const TraceRecord *record) {
        uint64_t work = 1;

        if (record)
                work += TRACE_WORK_RECORD + (uint64_t)record->snap.n_cgroups + record->snap.n_processes;
        if (work > r->work_left)
                return damaged(r, "more records than a file of this size can hold");
        r->work_left -= work;
        return 1;
}

static bool segment_follows(const TraceReader *r) {
        const Segment *s = &r->decoder->segment;

        return r->has_latest && !r->is_damaged && s->stream == r->latest.stream && s->number == r->latest.number + 1;
}

static int hand_out(TraceReader *r, const TraceRecord *record, const TraceRecord **ret) {
        r->decoder->record.offset = r->chunks.at;
        if (record->snap.mono_usec || record->snap.real_usec) {
                r->mono_usec = record->snap.mono_usec;
                r->real_usec = record->snap.real_usec;
        }
        r->stats.n_records++;
        *ret = record;
        return 1;
}

static int hand_out_gap(TraceReader *r, const TraceRecord **ret) {
        memset(&r->gap, 0, sizeof(r->gap));
        r->gap.kind = TRACE_GAP;
        r->gap.offset = r->chunks.at;
        r->gap.snap.mono_usec = r->mono_usec;
        r->gap.snap.real_usec = r->real_usec;
        r->wants_gap = r->is_damaged = false;
        r->stats.n_records++;
        *ret = &r->gap;
        return 1;
}

/* 1: handed out; 0: passed over. */
static int take_record(TraceReader *r, const TraceRecord *record, const TraceRecord **ret) {
        bool repeated = r->decoder->is_repeated;

        if (r->is_fresh) {
                r->follows = segment_follows(r);
                r->is_fresh = false;
                /* A recorder that begins misses nothing, nor does the very first segment of one that did not say so. */
                bool begins = !repeated && (record->kind == TRACE_START || r->decoder->segment.number == 0);
                r->wants_gap = r->is_damaged || (!r->follows && !begins);
        }
        if (repeated)
                return r->follows ? 0 : hand_out(r, record, ret);
        if (!r->wants_gap || record->kind == TRACE_GAP) {
                r->wants_gap = r->is_damaged = false;
                return hand_out(r, record, ret);
        }
        r->is_held = true;
        if (record->snap.mono_usec) {
                r->mono_usec = record->snap.mono_usec;
                r->real_usec = record->snap.real_usec;
        }
        return hand_out_gap(r, ret);
}

/* 1: a record is handed out; 0: there is none. */
static int take_frame(TraceReader *r, const uint8_t *frame, size_t n, const TraceRecord **ret) {
        const TraceRecord *record = NULL;

        int q = decoder_frame(r->decoder, frame, n, &record);
        if (q < 0)
                return damaged(r, r->decoder->text);
        bool is_record = q > 0;
        q = charge(r, record);
        return q > 0 && is_record ? take_record(r, record, ret) : MIN(q, 0);
}

int trace_reader_next(TraceReader *r, const TraceRecord **ret) {
        const uint8_t *frame = NULL;
        size_t n = 0;

        if (r->failed < 0)
                return r->failed;
        if (r->is_held) {
                r->is_held = false;
                return hand_out(r, &r->decoder->record, ret);
        }
        for (;;) {
                int q = next_frame(r, &frame, &n);
                if (q > 0) {
                        q = take_frame(r, frame, n, ret);
                        if (q > 0)
                                return q;
                } else if (q == 0) {
                        q = advance(r);
                        if (q == 0)
                                return r->is_damaged ? hand_out_gap(r, ret) : 0;
                }
                if (q < 0)
                        return r->failed = q;
        }
}

/* ---- the whole ---- */

int trace_reader_new(int dir_fd, char *const *paths, size_t n_paths, const TraceReaderOptions *o, TraceError *ret_error,
                     TraceReader **ret) {
        _cleanup_(trace_reader_freep) TraceReader *r = reserve_map(sizeof(*r));

        if (!r)
                return -ENOMEM;
        r->chunks.fd = -EBADF;
        r->dir_fd = dir_fd;
        r->work_left = TRACE_WORK_FREE;
        if (o)
                r->options = *o;
        int q = reader_files_list(&r->files, dir_fd, paths, n_paths, r->options.salvage, ret_error);
        if (q < 0)
                return q;
        r->raw = reserve_map(RAW_BYTES);
        r->z = ZSTD_createDCtx();
        if (!r->raw || !r->z || ZSTD_isError(ZSTD_DCtx_setParameter(r->z, ZSTD_d_windowLogMax, TRACE_WINDOW_LOG)))
                return -ENOMEM;
        q = decoder_new(&r->decoder);
        if (q < 0)
                return q;
        *ret = TAKE_PTR(r);
        return 0;
}

TraceReader *trace_reader_free(TraceReader *r) {
        if (!r)
                return NULL;
        reader_files_done(&r->files);
        chunk_file_done(&r->chunks);
        (void)ZSTD_freeDCtx(r->z);
        r->decoder = decoder_free(r->decoder);
        reserve_unmap(r->raw, RAW_BYTES);
        reserve_unmap(r, sizeof(*r));
        return NULL;
}

static int source_next(void *userdata, const TraceRecord **ret) {
        return trace_reader_next(userdata, ret);
}

TraceSource trace_reader_source(TraceReader *r) {
        return (TraceSource){ .userdata = r, .next = source_next };
}

const TraceError *trace_reader_error(const TraceReader *r) {
        return &r->error;
}

const TraceReaderStats *trace_reader_stats(const TraceReader *r) {
        ((TraceReader *)(uintptr_t)r)->stats.hash = r->chunks.hash;
        return &r->stats;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The format of a trace.
 *
 * A file is a sequence of segments. Each begins with a marker, which a reader can find again behind damage, and needs
 * nothing of what stands before it:
 *
 *   marker   16 bytes TRACE_MAGIC, u16 major version, u16 minor version, u32 CRC32C of these 20 bytes
 *   chunks   u32 length of the payload, u32 type, u32 CRC32C of the payload, u32 CRC32C of these 12 bytes; payload
 *
 * All numbers are little-endian. The payloads of the chunks CHUNK_DATA of a segment together are one zstd frame with a
 * window of at most 2^TRACE_WINDOW_LOG bytes, flushed at the end of each chunk, so that a chunk can be read when those
 * before it are there. The last one of a segment that ended in order is CHUNK_LAST. Other types are passed over.
 *
 * What is compressed is a sequence of frames, each a varint (wire.h) with its length, a varint with its kind, and
 * content. A frame never goes over the end of a segment; there may be several in a chunk, and a frame over several.
 *
 *   schema   first in the segment, and kind 0 for ever. Lists of names: varint how many; of each its name and varint how
 *            many names, and these. Then classes: varint how many; of each its name and varint how many fields; of each
 *            field its name, varint Wire, varint is it optional, varint 1 + list of its names or 0. A name is a varint
 *            length and bytes. The list "kind" says what the kinds of frames are.
 *   string   the next string of the table, beginning with number 1; number 0 is ""
 *   segment  varint flags, vector "segment"
 *   records  varint flags (TRACE_FLAG_*), with STAMP a vector "stamp", and then
 *              start            vector "start"
 *              policy           vector "policy", text
 *              sample, confirm  vector "host"; cgroups, processes (below); varint how many, vectors "kill-status";
 *                               varint how many, vectors "measure-status"; sample, with DECISION: vector "decision", its
 *                               vectors "change", its vectors "measure", and where it has a kill a vector "kill";
 *                               confirm: vector "answer"
 *              cancel           vector "answer"
 *              facts            vector "facts", text exe, text cmdline
 *              gap              vector "gap"
 *              end              nothing
 *            A text is a varint: 0 for none, else 1 + its length, and its bytes.
 *
 * A vector is a change (vector.h) against the latest vector of its class in the segment; that of a cgroup or process
 * against the one in the same slot. There are two lists of cgroups, and two of processes, one of cheap and one of
 * detailed samples (TRACE_FLAG_DETAILED). Each also has presence bits and changed fields of its own.
 *
 *   list     varint 0: the same slots in the same order as in the list before; else 1 + how many, and operations until
 *            they are all there, each a varint 4 x count + operation:
 *              0 copy: the next ones of the list before   1 skip: these of the list before
 *              2 new: followed by a varint slot, of the first; the others are in the slots behind it
 *              3 move: the one in slot `count` is next
 *   changes  until the end of the list: varint how many are as they were, vector of the next one. The vector of a new
 *            one is a change against the one listed before it, of the first against zeros.
 *
 * A field keeps its name and meaning for ever; a new meaning gets a new name. A reader takes the fields, lists and kinds
 * that it knows by name, and passes over the others; bytes behind what it knows of a record are passed over, too. The
 * major version counts changes that this does not cover.
 *
 * The records start and policy stand again at the beginning of each segment (TRACE_FLAG_REPEATED). A reader that comes
 * from the segment before it in the same stream passes over them.
 */

#include "base/macros.h"

#define TRACE_MAGIC       "\211headroom-trace\n"
#define TRACE_MAGIC_BYTES 16
#define TRACE_MAJOR       1u
#define TRACE_MINOR       0u

#define TRACE_MARKER_BYTES 24
#define TRACE_CHUNK_BYTES  16

#define TRACE_WINDOW_LOG 17

typedef enum ChunkType {
        CHUNK_DATA = 1,
        CHUNK_LAST = 2,
} ChunkType;

enum {
        TRACE_FLAG_REPEATED = 1 << 0,
        TRACE_FLAG_STAMP = 1 << 1,
        TRACE_FLAG_DETAILED = 1 << 2,
        TRACE_FLAG_DECISION = 1 << 3,
};

typedef enum ListOp {
        LIST_COPY,
        LIST_SKIP,
        LIST_NEW,
        LIST_MOVE,
} ListOp;

/* Caps: what a writer keeps to, and a reader insists on, whatever a file says. */
#define TRACE_CHUNK_RAW_MAX     (UINT32_C(1) << 20)  /* of a chunk, uncompressed */
#define TRACE_CHUNK_PAYLOAD_MAX (UINT32_C(5) << 18)  /* zstd adds less than 1 % to what it cannot compress */
#define TRACE_FRAME_MAX         (UINT32_C(64) << 20) /* 100,000 processes that are all new take 8 MiB */
#define TRACE_CGROUPS_MAX       65536u
#define TRACE_PROCESSES_MAX     262144u
#define TRACE_STRINGS_BYTES_MAX (UINT32_C(64) << 20)
#define TRACE_STRINGS_MAX       (UINT32_C(1) << 20)
#define TRACE_NAME_MAX          64u /* of fields and classes, with NUL */
#define TRACE_NAMES_MAX         64u /* lists of names; classes; names in a list */
#define TRACE_TEXT_MAX          (UINT32_C(16) << 20)
/*
 * What a few bytes may make a reader do: an unchanged sample of all processes there can be is some ten bytes long, and a
 * million of them compress to next to nothing. Each frame is 1, each record 64 more, each cgroup and process in it 1; for
 * each byte of the chunks so far there may be this many, and a few to begin with. No recorder comes near: a second of ten
 * samples, one of them of 8192 cgroups and 65536 processes without any change, is 160,000, and has 80 bytes of digests
 * alone, which cannot be compressed.
 */
#define TRACE_WORK_PER_BYTE     4096u
#define TRACE_WORK_FREE         (UINT64_C(4) << 20)
#define TRACE_WORK_RECORD       64u

static inline void le_put32(uint8_t *p, uint32_t v) {
        for (int i = 0; i < 4; i++)
                p[i] = (uint8_t)(v >> (8 * i));
}
static inline uint32_t le_get32(const uint8_t *p) {
        return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

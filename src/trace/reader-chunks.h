/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One file as markers and chunks: lengths, checksums, and where the next segment is. Nothing here looks into a chunk. */

#include "base/macros.h"

typedef enum ChunkKind {
        CHUNK_END,     /* of the file, where it should be */
        CHUNK_TORN,    /* of the file, in the middle of something */
        CHUNK_MARKER,  /* a segment begins */
        CHUNK_CONTENT, /* a chunk */
} ChunkKind;

typedef struct ChunkFile {
        int fd;
        uint64_t size;   /* when it was opened: what is appended meanwhile is not looked at */
        uint64_t at;     /* of the latest marker or chunk, or of the damage */
        uint64_t next;   /* behind it */
        uint32_t type;   /* of the chunk */
        uint8_t *payload;
        size_t n_payload;
        uint64_t hash; /* of all markers and chunks, over several files */
        char text[128];
} ChunkFile;

/* @fd: taken. The hash goes on. */
int chunk_file_open(ChunkFile *f, int fd);
void chunk_file_close(ChunkFile *f);
void chunk_file_done(ChunkFile *f);
/* ChunkKind; -EBADMSG: damaged at f->at, f->text says how; other negative errno. */
int chunk_next(ChunkFile *f);
/* To the next marker behind f->at. False: there is none, the file is at its end. Or negative errno. */
int chunk_seek_marker(ChunkFile *f);
/* What is wrong with the beginning of a file; NULL for nothing. A file that is cut in its marker is none. */
const char *chunk_check_head(int fd, char *text, size_t size);

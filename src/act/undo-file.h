/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The file of the undo journal: loading, appending, writing anew. See undo-file.c. */

#include "act/undo-line.h"

#define UNDO_HEADER_MAX 96

typedef struct UndoFile {
        int dir_fd, fd; /* both -EBADF: there is none, and everything succeeds */
        uint64_t size, compact_at;
        bool is_behind; /* it is not what it should be: to be written anew first */
        int header_len;
        char header[UNDO_HEADER_MAX];
} UndoFile;

#define UNDO_FILE_NULL ((UndoFile){ .dir_fd = -EBADF, .fd = -EBADF })

/* What is open, for writing it anew: the entry at or after *@at, which is moved on; NULL at the end. */
typedef const UndoEntry *(*UndoFileNext)(void *userdata, uint32_t *at, uint64_t *ret_serial);
/* A line that was read; negative: it makes no sense, and so the file does not. */
typedef int (*UndoFileLine)(void *userdata, const UndoLine *l);

/* 1: garbage or of another version, set aside; forget what @line was told. 0; negative errno: no file can be had. */
int undo_file_open(UndoFile *f, int dir_fd, UndoFileLine line, void *userdata);
void undo_file_close(UndoFile *f);
int undo_file_append(UndoFile *f, const UndoLine *l, UndoFileNext next, void *userdata);
/* For when nothing is open. */
int undo_file_empty(UndoFile *f);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The text of the undo journal: one header line, then one line an event. See undo-line.c. */

#include "act/undo.h"

typedef enum UndoVerb {
        UNDO_VERB_BEGIN,
        UNDO_VERB_UPDATE, /* only serial and entry.new_value count */
        UNDO_VERB_END,    /* only serial counts */
        _UNDO_VERB_MAX,
        _UNDO_VERB_INVALID = -EINVAL,
} UndoVerb;

typedef struct UndoLine {
        UndoVerb verb;
        uint64_t serial; /* from 1 */
        UndoEntry entry;
} UndoLine;

/* Room for the longest line, every byte of every field escaped. */
#define UNDO_LINE_MAX 4096
/* Of the kernel's boot id, with its NUL. */
#define UNDO_BOOT_ID_MAX 40

/* What may be journaled at all: what is written back by root must not be any file with any text. */
bool undo_entry_is_valid(const UndoEntry *e);

/* With the newline. Length; -EINVAL for what is not valid. */
int undo_line_format(const UndoLine *l, char *buf, size_t size);
/* Without the newline. 0; -EBADMSG. @ret is untouched on failure. */
int undo_line_parse(const char *s, size_t n, UndoLine *ret);

int undo_header_format(const char *boot_id, char *buf, size_t size);
/* 0 with the boot id; -EBADMSG for another format or version. */
int undo_header_parse(const char *s, size_t n, char ret_boot_id[static UNDO_BOOT_ID_MAX]);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Putting one journaled change back, if it is still ours. See undo-restore.c. */

#include "act/undo.h"

/* Never UNDO_KEPT. @ret_error: why, with UNDO_FAILED; else 0. */
UndoOutcome undo_put_back(const UndoEntry *e, const UndoHost *host, int *ret_error);

/* Is @text, as the kernel or the manager gives it, the value @value? Numbers are compared as numbers. */
bool undo_value_equal(const char *key, const char *text, const char *value);
/* The value that is in @text, as it is journaled and written back. -EBADMSG for an empty one or one too long. */
int undo_value_read(const char *key, const char *text, char ret[static UNDO_VALUE_MAX]);

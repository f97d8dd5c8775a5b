/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Where log entries go. May wait; called by the logger's thread. */

#include "base/macros.h"

typedef struct Sink {
        bool is_journal;    /* standard error is connected to the journal: entries go there with their fields */
        bool is_descriptor; /* ... and lines on standard error carry their priority */
} Sink;

void sink_init(Sink *s, bool may_use_journal);
/* @text: fields "NAME=value", each with its NUL; @n: bytes of it. 0 or negative errno. */
int sink_write(Sink *s, int priority, const char *text, size_t n);
void sink_notify(const char *state);

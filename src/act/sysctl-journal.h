/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The settings in the undo journal. With Restore=never, or without a journal, nothing is noted. */

#include "act/sysctl.h"

/* The open entry of @key; @ret may be NULL. -ENOENT. */
int sysctls_journal_find(const Sysctls *s, Sysctl key, UndoEntry *ret, uint64_t *ret_serial);
/* Before @key is written: 0, also where there is nothing to note; else it must not be written. */
int sysctls_journal_note(const Sysctls *s, Sysctl key, uint64_t old, uint64_t new);
void sysctls_journal_strike(const Sysctls *s, Sysctl key);
/* Everything that is ours, as Restore= says it now. */
void sysctls_journal_anew(const Sysctls *s);

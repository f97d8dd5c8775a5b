/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The highest Committed_AS that was ever seen, for OvercommitRatio=auto: the file "commit-peak" in the runtime
 * directory, which survives a crash, and in the state directory, which survives a boot.
 */

#include "base/macros.h"

/* The file of @dir in bytes; -ENOENT; -EBADMSG where it is none of ours. */
int commit_peak_load(const char *dir, uint64_t *ret);
/* Replaces the file in one go. */
int commit_peak_save(const char *dir, uint64_t peak_bytes);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The files of one recorder in a directory: NAME-REALTIMEUSEC.trace, whose names sort by time. */

#include "base/macros.h"

#define TRACE_FILE_NAME_MAX 256

typedef struct TraceFileName {
        uint64_t usec; /* of its name */
        uint64_t bytes;
} TraceFileName;

/* All there are, oldest first; free() them. Anything else in there is left alone. */
int trace_file_names(int dir_fd, const char *name, TraceFileName **ret, size_t *ret_n);
/* -ENAMETOOLONG */
int trace_file_name_format(const char *name, uint64_t usec, char *ret, size_t size);
/* Removes the oldest until the rest takes at most @bytes. @ret_newest: time of the newest there is or was; 0: none. */
int trace_file_names_cap(int dir_fd, const char *name, uint64_t bytes, uint64_t *ret_newest);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which files a reader reads: paths as they were given, and those of directories by name. */

#include "trace/reader.h"

typedef struct ReaderFiles {
        char **paths;
        size_t n;
} ReaderFiles;

/* Looks at the head of each. 0, or as trace_reader_new() */
int reader_files_list(ReaderFiles *f, int dir_fd, char *const *paths, size_t n_paths, bool salvage, TraceError *ret_error);
void reader_files_done(ReaderFiles *f);
/* A regular file; -EISDIR where it is a directory, -EINVAL where it is neither. */
int reader_files_open(int dir_fd, const char *path);

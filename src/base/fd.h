/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reading small kernel files without stdio and without allocation. All opens are relative to a kept
 * directory fd and O_CLOEXEC; only src/daemon/ and src/ctl/ open "/".
 */

#include "base/macros.h"

/* Opens for reading. Returns the fd or negative errno. */
int fd_open_at(int dir_fd, const char *path);

/*
 * Reads the file from its start into @buf, NUL-terminated. Returns the length; -EFBIG where it does not
 * fit (@buf then holds the beginning, NUL-terminated); other negative errno. Reads in a loop until
 * end of file, since kernel files may hand out less than asked. A file with NUL bytes inside is returned as it is.
 */
int fd_pread_text(int fd, char *buf, size_t size);
int fd_read_text_at(int dir_fd, const char *path, char *buf, size_t size);

/* Same, for the files that hold one number, "max" included (UINT64_MAX). -EBADMSG where it is no number. */
int fd_read_u64_at(int dir_fd, const char *path, uint64_t *ret);
int fd_pread_u64(int fd, uint64_t *ret);

/* One write() of @text with its length; 0 or negative errno (-EIO on a short write). */
int fd_write_text_at(int dir_fd, const char *path, const char *text);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One read() per kernel file. fd_pread_text() of base/ reads until end of file, which costs a second
 * system call; the files read here hand out all they have at once, so that a short read is the end.
 */

#include "base/macros.h"

/* Outcome: the cgroup or process is gone. Normal life, never an error. */
#define READ_E_GONE 1

bool read_is_gone(int error);
int read_once(int fd, char *buf, size_t size);
int read_once_at(int dir_fd, const char *path, char *buf, size_t size);

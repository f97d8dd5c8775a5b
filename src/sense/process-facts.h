/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What rules may look at of one process and no sample holds: its program and its command line. Untrusted text. */

#include "base/macros.h"

/* A command line is matched, and recorded, by its beginning. */
#define CMDLINE_MAX 4096

bool process_is_shortage(int error);
int process_exe_read(int dir_fd, char *buf, size_t size);
int process_cmdline_read(int dir_fd, char *buf, size_t size);
int process_facts_read(int proc_fd, int32_t pid, uint64_t start_ticks, char *exe, size_t exe_size, char *cmdline,
                       size_t cmdline_size);

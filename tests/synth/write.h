/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A generated host as a file, through the encoder and the writer that the daemon has. */

#include "synth/synth.h"
#include "trace/file.h"

/* Until the host ends. *ret_bytes: encoded, before they are compressed. 0; negative errno. */
int synth_write(Synth *s, const TraceFileOptions *options, uint64_t *ret_bytes);

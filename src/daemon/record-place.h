/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Where a trace is written. May wait for a disk: of the recorder's thread, not of the loop. */

#include "base/macros.h"

typedef struct RecordPlace {
        const char *path;
        bool is_option; /* of --record=: an existing directory, or one file. Else a directory, which is made */
} RecordPlace;

typedef struct RecordSpot {
        int dir_fd;       /* the caller's; with it goes the lock */
        const char *name; /* as in TraceFileOptions; a part of the place's path, or static */
        bool is_single;
} RecordSpot;

/*
 * Finds, makes and locks it. Return: 0; -EBUSY: somebody rotates there; -EISDIR: a directory that is missing, where a
 * file is asked for; other negative errno.
 */
int record_place_open(const RecordPlace *p, RecordSpot *ret);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What of a process's memory may be paged out, out of the text of /proc/PID/maps. See measure-maps.c. */

#include "base/macros.h"

typedef struct MapsRegion {
        uint64_t start, end;       /* addresses */
        bool is_private_anonymous; /* and writable */
} MapsRegion;

/* One line, or as much of one as reaches behind the inode number. 0; -EBADMSG. */
int maps_line_parse(const char *s, size_t n, MapsRegion *ret);

/* Lines out of a descriptor of the file, in a fixed buffer: of long ones only the beginning is kept. */
typedef struct MapsReader {
        int fd; /* borrowed */
        size_t len, at;
        char buf[4096];
} MapsReader;

/* 1: the next region that may be paged out; 0: the end; negative errno. */
int maps_next(MapsReader *r, MapsRegion *ret);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The attribute files of one cgroup, read by opening them: for discovery and detailed samples. */

#include "model/snapshot.h"
#include "sense/complaint.h"

/* From where, and what to say when a file is garbled. */
typedef struct CgroupAttrSource {
        int dir_fd;         /* borrowed */
        const char *prefix; /* name of the cgroup under @dir_fd with a slash at the end; "" for @dir_fd itself */
        char *scratch;      /* for memory.stat */
        size_t scratch_size;
        Complaints *complaints;
} CgroupAttrSource;

int cgroup_attr_number_parse(const char *text, bool may_be_max, uint64_t *ret);
void cgroup_attr_read_usage(const CgroupAttrSource *s, CgroupSample *ret);
void cgroup_attr_read_limits(const CgroupAttrSource *s, CgroupSample *ret);
void cgroup_attr_read_pressure(const CgroupAttrSource *s, CgroupSample *ret);
void cgroup_attr_read_events(const CgroupAttrSource *s, CgroupSample *ret);
void cgroup_attr_read_stat(const CgroupAttrSource *s, CgroupSample *ret);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that is not there is an absent field and no complaint: kernels differ, the root has few of
 * them, and the cgroup may be on its way out.
 */
#include "sense/cgroup-attr.h"

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "sense/memory-stat.h"
#include "sense/psi.h"
#include "sense/read.h"

/* A name of at most 255 bytes, a slash, and the longest file name. */
#define ATTR_PATH_MAX 320

static bool attr_path(const CgroupAttrSource *s, const char *file, char buf[ATTR_PATH_MAX]) {
        size_t a = strlen(s->prefix), b = strlen(file);

        if (a + b >= ATTR_PATH_MAX)
                return false;
        memcpy(buf, s->prefix, a);
        memcpy(buf + a, file, b + 1);
        return true;
}

static void attr_complain(const CgroupAttrSource *s, const CgroupSample *sample, const char *file, int error) {
        if (!read_is_gone(error) && error != -EOPNOTSUPP)
                complaint_raise_file(s->complaints, COMPLAINT_CGROUP_FILE, sample->path, file, error);
}

/**
 * cgroup_attr_number_parse() - one number and a newline
 * @may_be_max: "max" is a value of this file, and gives CGROUP_NO_LIMIT
 *
 * Return: 0; -EBADMSG. @ret is set on success only.
 */
int cgroup_attr_number_parse(const char *text, bool may_be_max, uint64_t *ret) {
        const char *end = strchr(text, '\n');
        uint64_t v;

        if (!end || end[1] != '\0')
                return -EBADMSG;
        if (may_be_max && end - text == 3 && memcmp(text, "max", 3) == 0) {
                *ret = CGROUP_NO_LIMIT;
                return 0;
        }
        /* the largest number is taken by "max" */
        if (text_parse_u64_n(text, (size_t)(end - text), &v) < 0 || v == CGROUP_NO_LIMIT)
                return -EBADMSG;
        *ret = v;
        return 0;
}

static void number_read(const CgroupAttrSource *s, const char *file, bool may_be_max, CgroupField f,
                        CgroupSample *ret) {
        char path[ATTR_PATH_MAX], text[32];
        uint64_t v;

        if (!attr_path(s, file, path))
                return;
        int r = read_once_at(s->dir_fd, path, text, sizeof(text));
        if (r == -EFBIG)
                r = -EBADMSG;
        if (r >= 0)
                r = cgroup_attr_number_parse(text, may_be_max, &v);
        if (r < 0)
                attr_complain(s, ret, file, r);
        else
                cgroup_set(ret, f, v);
}

/* memory.current (4.5) and memory.swap.current (4.5); cheap: no flush of statistics. */
void cgroup_attr_read_usage(const CgroupAttrSource *s, CgroupSample *ret) {
        number_read(s, "memory.current", false, CGROUP_CURRENT, ret);
        if (cgroup_has(ret, CGROUP_CURRENT))
                number_read(s, "memory.swap.current", false, CGROUP_SWAP_CURRENT, ret);
}

/* What changes only when someone writes it. */
void cgroup_attr_read_limits(const CgroupAttrSource *s, CgroupSample *ret) {
        number_read(s, "memory.min", true, CGROUP_MIN, ret);
        number_read(s, "memory.low", true, CGROUP_LOW, ret);
        number_read(s, "memory.high", true, CGROUP_HIGH, ret);
        number_read(s, "memory.max", true, CGROUP_MAX, ret);
        number_read(s, "memory.swap.max", true, CGROUP_SWAP_MAX, ret);
        number_read(s, "memory.oom.group", false, CGROUP_OOM_GROUP, ret); /* 4.19 */
}

void cgroup_attr_read_pressure(const CgroupAttrSource *s, CgroupSample *ret) {
        char path[ATTR_PATH_MAX];
        PsiTotals t;

        if (!attr_path(s, "memory.pressure", path))
                return;
        _cleanup_close_ int fd = fd_open_at(s->dir_fd, path);
        int r = fd < 0 ? fd : psi_read(fd, &t);
        if (r != 0) {
                if (r < 0)
                        attr_complain(s, ret, "memory.pressure", r);
                return;
        }
        if (t.has_some)
                cgroup_set(ret, CGROUP_PSI_SOME_USEC, t.some_usec);
        if (t.has_full)
                cgroup_set(ret, CGROUP_PSI_FULL_USEC, t.full_usec);
}

static void text_read(const CgroupAttrSource *s, const char *file, int (*parse)(const char *, CgroupSample *),
                      CgroupSample *ret) {
        char path[ATTR_PATH_MAX];

        if (!attr_path(s, file, path))
                return;
        int r = read_once_at(s->dir_fd, path, s->scratch, s->scratch_size);
        if (r >= 0)
                r = parse(s->scratch, ret);
        if (r < 0)
                attr_complain(s, ret, file, r);
}

/* memory.events, unless @ret has it already; cgroup.events and memory.peak (5.19). */
void cgroup_attr_read_events(const CgroupAttrSource *s, CgroupSample *ret) {
        if (!cgroup_has(ret, CGROUP_EVENT_HIGH))
                text_read(s, "memory.events", memory_events_parse, ret);
        text_read(s, "cgroup.events", cgroup_events_parse, ret);
        number_read(s, "memory.peak", false, CGROUP_PEAK, ret);
}

/* Makes the kernel flush statistics: tens of microseconds, milliseconds on big hosts. */
void cgroup_attr_read_stat(const CgroupAttrSource *s, CgroupSample *ret) {
        text_read(s, "memory.stat", memory_stat_parse, ret);
}

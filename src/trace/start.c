/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/start.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/fd.h"

/* The first line of @text, as far as it fits. */
static void copy(char *ret, size_t size, const char *text) {
        size_t n = MIN(strcspn(text, "\n"), size - 1);

        memcpy(ret, text, n);
        ret[n] = '\0';
}

/* "" where there is no such file. */
static void line_read(int root_fd, const char *path, char *ret, size_t size) {
        char text[256];

        copy(ret, size, fd_read_text_at(root_fd, path, text, sizeof(text)) < 0 ? "" : text);
}

/**
 * trace_start_read() - boot, kernel, machine, page size and CPUs, and who is asking
 * @root_fd: of the host; borrowed
 * @is_live: it is this host, and not a captured tree of another
 * @ret:     the rest is 0; times and intervals are the caller's business
 */
void trace_start_read(int root_fd, bool is_live, TraceStart *ret) {
        TraceStart s = { 0 };
        struct utsname u;

        line_read(root_fd, "proc/sys/kernel/random/boot_id", s.boot_id, sizeof(s.boot_id));
        line_read(root_fd, "proc/sys/kernel/osrelease", s.kernel, sizeof(s.kernel));
        if (is_live && uname(&u) == 0) {
                copy(s.machine, sizeof(s.machine), u.machine);
                if (!s.kernel[0])
                        copy(s.kernel, sizeof(s.kernel), u.release);
        }
        copy(s.recorder, sizeof(s.recorder), HEADROOM_VERSION);
        s.page_size = (uint32_t)sysconf(_SC_PAGESIZE);
        s.n_cpus = is_live ? (uint32_t)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L) : 0;
        *ret = s;
}

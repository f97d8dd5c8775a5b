/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/cgroup-path.h"

#include <string.h>

bool cgroup_path_inside_n(const char *path, const char *ancestor, size_t ancestor_len) {
        if (ancestor_len == 1 && ancestor[0] == '/')
                return path[0] == '/';
        return strncmp(path, ancestor, ancestor_len) == 0 && (path[ancestor_len] == '\0' || path[ancestor_len] == '/');
}

bool cgroup_path_inside(const char *path, const char *ancestor) {
        return cgroup_path_inside_n(path, ancestor, strlen(ancestor));
}

bool cgroup_path_ends(const char *start, size_t n, const char *suffix) {
        size_t k = strlen(suffix);
        return n > k && memcmp(start + n - k, suffix, k) == 0;
}

size_t cgroup_path_unit_length(const char *path) {
        size_t unit = 0;
        for (const char *p = path; *p;) {
                while (*p == '/')
                        p++;
                size_t n = strcspn(p, "/");
                if (cgroup_path_ends(p, n, ".service") || cgroup_path_ends(p, n, ".scope"))
                        unit = (size_t)(p - path) + n;
                p += n;
        }
        return unit;
}

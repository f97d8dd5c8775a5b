/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Names of units and containers out of cgroup paths, as the managers of 2020 and later write them:
 *
 *   systemd driver    docker-ID.scope, libpod-ID.scope, crio-ID.scope, cri-containerd-ID.scope,
 *                     kubepods-burstable-podUID.slice, machine-NAME.scope, systemd-nspawn@NAME.service
 *   cgroupfs driver   docker/ID, kubepods/burstable/podUID/ID (64 hex digits), lxc.payload.NAME
 */

#include "config/unit-name.h"

#include <string.h>

#include "base/text.h"
#include "model/cgroup-path.h"

static bool is_unit(const char *s, size_t n) {
        return cgroup_path_ends(s, n, ".service") || cgroup_path_ends(s, n, ".scope") ||
               cgroup_path_ends(s, n, ".slice");
}

/* The last unit of the path; with @is_system_only the first service or scope ends the search. */
static const char *unit_search(const char *path, bool is_system_only, size_t *ret_len) {
        const char *found = NULL;

        for (const char *s = path; *s;) {
                size_t n = strcspn(s, "/");
                if (is_unit(s, n)) {
                        found = s;
                        *ret_len = n;
                        if (is_system_only && !cgroup_path_ends(s, n, ".slice"))
                                return found;
                }
                s += n;
                s += *s == '/';
        }
        return found;
}

const char *unit_name_find(const char *path, size_t *ret_len) {
        return unit_search(path, /* is_system_only= */ false, ret_len);
}

const char *unit_name_of_system(const char *path, size_t *ret_len) {
        return unit_search(path, /* is_system_only= */ true, ret_len);
}

static const char *leaf(const char *path, size_t *ret_len) {
        const char *slash = strrchr(path, '/'), *s = slash ? slash + 1 : path;
        *ret_len = strlen(s);
        return s;
}

const char *unit_name_of_leaf(const char *path, size_t *ret_len) {
        size_t n;
        const char *s = leaf(path, &n);
        if (!is_unit(s, n))
                return NULL;
        *ret_len = n;
        return s;
}

static bool is_hex_id(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
                        return false;
        return n == 64;
}

const char *container_id_of_leaf(const char *path, size_t *ret_len) {
        static const struct {
                const char *prefix, *suffix;
        } forms[] = {
                { "docker-", ".scope" },  { "libpod-", ".scope" },         { "crio-", ".scope" },
                { "machine-", ".scope" }, { "cri-containerd-", ".scope" }, { "systemd-nspawn@", ".service" },
                { "lxc.payload.", "" },
        };
        size_t n;
        const char *s = leaf(path, &n), *pod = cgroup_path_ends(s, n, ".slice") ? memmem(s, n, "-pod", 4) : NULL;

        if (is_hex_id(s, n)) {
                *ret_len = n;
                return s;
        }
        if (text_has_prefix(s, "kubepods") && pod) {
                *ret_len = n - (size_t)(pod + 1 - s) - strlen(".slice");
                return pod + 1;
        }
        if (text_has_prefix(s, "pod") && strstr(path, "kubepods/") && n > 3) {
                *ret_len = n;
                return s;
        }
        /* the monitor beside the container, not the container */
        if (text_has_prefix(s, "libpod-conmon-") || text_has_prefix(s, "crio-conmon-"))
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                size_t k = strlen(forms[i].prefix), e = strlen(forms[i].suffix);
                if (n <= k + e || !text_has_prefix(s, forms[i].prefix) || !text_has_suffix(s, forms[i].suffix))
                        continue;
                *ret_len = n - k - e;
                return s + k;
        }
        return NULL;
}

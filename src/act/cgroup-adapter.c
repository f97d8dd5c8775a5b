/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The only user of libcgroup: where controllers are mounted, and reading and writing single settings when
 * there is no hurry.
 *
 * Neither sampling nor killing goes through here. libcgroup 2.0 mallocs on each call, takes a lock, walks
 * absolute paths through a table that it filled once, and has no notion of a cgroup's identity, of PSI, of
 * cgroup.kill or of cgroup.events. Those paths keep directory descriptors and use openat() and pread().
 *
 * Its traps, and how this file stays out of them:
 *  - on a hybrid host "memory" silently means v1: the mount's magic number is checked before any use;
 *  - cgroup_get_cgroup() reads every file of the controller (memory.stat flushes the kernel's statistics)
 *    and cgroup_modify_cgroup() writes back every value it was given, and so can revert what somebody else
 *    has just set: reads take one file, writes go through a fresh object that holds one value;
 *  - values are cut at 4095 bytes and errors are numbers above 50000: one number per file, mapped to errno.
 */

#include "act/cgroup-adapter.h"

#include <libcgroup.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/text.h"

#define CONTROLLER "memory"

static int adapter_error(int r) {
        switch (r) {
        case 0:
                return 0;
        case ECGROUPNOTCOMPILED:
        case ECGROUPUNSUPP:
                return -EOPNOTSUPP;
        case ECGROUPNOTMOUNTED:
        case ECGROUPSUBSYSNOTMOUNTED:
        case ECGROUPNOTEXIST:
        case ECGROUPVALUENOTEXIST: /* any failed open but EPERM ends here, so EACCES and EROFS cannot be told apart */
                return -ENOENT;
        case ECGROUPNOTOWNER:
        case ECGROUPNOTALLOWED:
                return -EPERM;
        case ECGINVAL:
                return -EINVAL;
        case ECGMAXVALUESEXCEEDED:
                return -E2BIG;
        case ECGOTHER: {
                int e = cgroup_get_last_errno();
                return e > 0 ? -e : -EIO;
        }
        default:
                return -EIO;
        }
}

/* Fills libcgroup's table; again on each use, since mounts may change and nobody here is in a hurry. */
static int adapter_init(void) {
        return adapter_error(cgroup_init());
}

/**
 * cgroup_adapter_memory_mount() - which hierarchy has the memory controller
 * @path:      mount point; untouched on failure
 * @ret_is_v2: false on a hybrid or v1 host
 *
 * Return: 0; -ENOENT if the controller is mounted nowhere (disabled at boot, or a container without cgroups);
 *         -ENAMETOOLONG; other negative errno.
 */
int cgroup_adapter_memory_mount(char *path, size_t size, bool *ret_is_v2) {
        _cleanup_free_ char *mount = NULL;
        struct statfs fs;

        int r = adapter_init();
        if (r < 0)
                return r;
        r = adapter_error(cgroup_get_subsys_mount_point(CONTROLLER, &mount));
        if (r < 0)
                return r;
        if (statfs(mount, &fs) < 0)
                return -errno;
        if (strlen(mount) >= size)
                return -ENAMETOOLONG;
        memcpy(path, mount, strlen(mount) + 1);
        *ret_is_v2 = fs.f_type == CGROUP2_SUPER_MAGIC;
        return 0;
}

static int adapter_require_v2(void) {
        char path[4096];
        bool is_v2;
        int r = cgroup_adapter_memory_mount(path, sizeof(path), &is_v2);
        if (r < 0)
                return r;
        return is_v2 ? 0 : -EOPNOTSUPP;
}

/* libcgroup pastes names into paths. */
static bool name_is_safe(const char *s) {
        return s[0] != '\0' && s[0] != '/' && !strstr(s, "..");
}

int cgroup_adapter_read_u64(const char *cgroup, const char *file, uint64_t *ret) {
        char name[64], buf[64];
        void *handle = NULL;

        if (!name_is_safe(cgroup) || !name_is_safe(file) || strchr(file, '/') || strlen(file) >= sizeof(name))
                return -EINVAL;
        int r = adapter_require_v2();
        if (r < 0)
                return r;
        memcpy(name, file, strlen(file) + 1); /* the library wants it writable */
        r = cgroup_read_value_begin(CONTROLLER, cgroup, name, &handle, buf, sizeof(buf));
        if (handle)
                (void)cgroup_read_value_end(&handle);
        if (r == ECGEOF)
                return -EBADMSG;
        if (r != 0)
                return adapter_error(r);
        size_t n = strcspn(buf, "\n");
        if (n == 3 && memcmp(buf, "max", 3) == 0) {
                *ret = UINT64_MAX;
                return 0;
        }
        return text_parse_u64_n(buf, n, ret) < 0 ? -EBADMSG : 0;
}

int cgroup_adapter_write_u64(const char *cgroup, const char *file, uint64_t value) {
        char text[32];

        if (!name_is_safe(cgroup) || !name_is_safe(file) || strchr(file, '/'))
                return -EINVAL;
        int r = adapter_require_v2();
        if (r < 0)
                return r;
        if (value == UINT64_MAX)
                (void)snprintf(text, sizeof(text), "max");
        else
                (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);

        struct cgroup *group = cgroup_new_cgroup(cgroup);
        if (!group)
                return -ENOMEM;
        struct cgroup_controller *controller = cgroup_add_controller(group, CONTROLLER);
        r = controller ? adapter_error(cgroup_add_value_string(controller, file, text)) : -ENOMEM;
        if (r == 0)
                r = adapter_error(cgroup_modify_cgroup(group));
        cgroup_free(&group);
        return r;
}

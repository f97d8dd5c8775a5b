/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd (ManagedOOMPreference=) and oomd say by extended attribute which cgroups to spare. A user who
 * owns a delegated cgroup may set user.* on it, and must not be able to exempt himself at the cost of
 * others: systemd-oomd's rule is taken over.
 */
#include "sense/xattr.h"

#include <string.h>
#include <sys/xattr.h>

static const struct {
        const char *name;
        uint32_t mark;
        bool is_user;
} attributes[] = {
        { "user.oomd_omit", CGROUP_MARK_OMIT, true },         { "user.oomd_avoid", CGROUP_MARK_AVOID, true },
        { "user.oomd_prefer", CGROUP_MARK_PREFER, true },     { "trusted.oomd_avoid", CGROUP_MARK_AVOID, false },
        { "trusted.oomd_prefer", CGROUP_MARK_PREFER, false },
};

/* systemd writes "1" and reads any boolean; an attribute that says "0" or nothing sets no mark. */
static bool value_is_true(int fd, const char *name) {
        static const char *const words[] = { "1", "yes", "y", "true", "t", "on" };
        char v[8];
        ssize_t n = fgetxattr(fd, name, v, sizeof(v) - 1);

        if (n <= 0)
                return false;
        v[n] = '\0';
        if (v[n - 1] == '\n')
                v[n - 1] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (strcasecmp(v, words[i]) == 0)
                        return true;
        return false;
}

/**
 * xattr_marks_read() - the marks that are set on a cgroup
 * @dir_fd: open for reading (not O_PATH); borrowed
 *
 * Return: 0, with no mark at all where the file system has no attributes; negative errno of
 *         flistxattr() otherwise. @ret is set on success only.
 */
int xattr_marks_read(int dir_fd, XattrMarks *ret) {
        char list[1024];
        XattrMarks m = {};

        /* Nearly every cgroup has none: one call says so. */
        ssize_t n = flistxattr(dir_fd, list, sizeof(list));
        if (n < 0 && errno != ERANGE)
                return errno == ENOTSUP ? (*ret = m, 0) : -errno;
        if (n != 0)
                for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
                        if (value_is_true(dir_fd, attributes[i].name))
                                *(attributes[i].is_user ? &m.user : &m.trusted) |= attributes[i].mark;
        *ret = m;
        return 0;
}

/*
 * user.* counts only where the directory belongs to root or to the owner of @ancestor: the closest
 * monitored cgroup above it (the root where there is none). Omit outweighs avoid, avoid outweighs prefer.
 * Source: systemd-oomd, ManagedOOMPreference= in systemd.resource-control(5) (systemd 248).
 */
uint32_t xattr_marks_honoured(const XattrMarks *m, uint32_t owner_uid, uint32_t ancestor_uid) {
        uint32_t marks = m->trusted;

        if (owner_uid == 0 || owner_uid == ancestor_uid)
                marks |= m->user;
        if (marks & CGROUP_MARK_OMIT)
                return CGROUP_MARK_OMIT;
        if (marks & CGROUP_MARK_AVOID)
                return CGROUP_MARK_AVOID;
        return marks;
}

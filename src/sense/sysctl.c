/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings are opened and closed each time: they are read a few times a minute, and need no descriptors else. */
#include "sense/sysctl.h"

#include <stdio.h>

#include "base/fd.h"
#include "sense/keyed.h"
#include "sense/read.h"
#include "sense/swap-kind.h"

static bool read_key(int root_fd, const char *key, uint64_t *ret, int32_t *ret_error) {
        char path[64];

        (void)snprintf(path, sizeof(path), "proc/sys/vm/%s", key);
        int r = fd_read_u64_at(root_fd, path, ret);
        if (ret_error)
                *ret_error = r;
        return r == 0;
}

/* Memory in huge pages cannot be committed. A kernel without them has none of the lines. */
static void read_hugetlb(int root_fd, SysctlSample *ret) {
        enum { HUGETLB, PAGES, PAGE_SIZE, _FIELDS };
        static const KeyedKey keys[] = {
                KEYED_KB("Hugetlb", HUGETLB), /* all sizes; Linux 4.16 */
                KEYED("HugePages_Total", PAGES),
                KEYED_KB("Hugepagesize", PAGE_SIZE),
        };
        uint64_t have = 0, value[_FIELDS] = {};
        char text[8192];

        if (read_once_at(root_fd, "proc/meminfo", text, sizeof(text)) < 0 ||
            keyed_parse(text, keys, ARRAY_SIZE(keys), &have, value) > 0)
                return;
        ret->has_hugetlb = true;
        ret->hugetlb_bytes = have & (1u << HUGETLB) ? value[HUGETLB] : u64_mul_sat(value[PAGES], value[PAGE_SIZE]);
}

/**
 * sysctl_sample() - the settings, the kind of swap and the huge pages
 * @root_fd: holds proc and sys; borrowed
 * @ret:     what could not be read is absent, of a setting with the reason in error[]
 *
 * About 20 short reads; opens files, allocates nothing. Block devices are not among it: block_io_read_at().
 * Source: Documentation/admin-guide/sysctl/vm.rst.
 */
void sysctl_sample(int root_fd, SysctlSample *ret) {
        uint64_t v;

        *ret = (SysctlSample){};
        for (Sysctl key = 0; key < _SYSCTL_MAX; key++)
                if (read_key(root_fd, sysctl_to_string(key), &v, &ret->error[key]))
                        sysctl_set(ret, key, v);
        ret->has_panic_on_oom = read_key(root_fd, "panic_on_oom", &ret->panic_on_oom, NULL);
        ret->has_kill_allocating_task =
                read_key(root_fd, "oom_kill_allocating_task", &ret->kill_allocating_task, NULL);
        read_hugetlb(root_fd, ret);
        (void)swap_kind_read_at(root_fd, ret); /* absent says it all */
}

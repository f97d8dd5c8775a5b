/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A device is known by the last part of its name, since /dev itself may be a private one; a file by the device number
 * of its file system. Where that leads nowhere (a file on btrfs, a network) the kind is unknown, never guessed.
 */

#include "sense/swap-kind.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/text.h"
#include "sense/read.h"

/* ---- /proc/swaps ---- */

static const char *next_word(const char **p, const char *end, size_t *ret_len) {
        while (*p < end && (**p == ' ' || **p == '\t'))
                (*p)++;
        const char *word = *p;
        while (*p < end && **p != ' ' && **p != '\t')
                (*p)++;
        *ret_len = (size_t)(*p - word);
        return *ret_len > 0 ? word : NULL;
}

static bool is_octal(char c) {
        return c >= '0' && c <= '7';
}

/* The kernel writes blanks, tabs, newlines and backslashes as \ooo. */
static void unescape(const char *s, size_t n, char *ret, size_t size) {
        size_t k = 0;

        for (size_t i = 0; i < n && k < size; i++) {
                unsigned c = (unsigned char)s[i];
                if (c == '\\' && i + 3 < n && is_octal(s[i + 1]) && is_octal(s[i + 2]) && is_octal(s[i + 3])) {
                        c = (unsigned)((s[i + 1] - '0') * 64 + (s[i + 2] - '0') * 8 + (s[i + 3] - '0'));
                        i += 3;
                }
                ret[k++] = (char)c;
        }
        if (k == size)
                k = 0;
        ret[k] = '\0';
}

static int area_parse(const char *line, const char *end, SwapArea *ret) {
        size_t name_len, type_len, len;
        uint64_t unused;

        const char *name = next_word(&line, end, &name_len), *type = next_word(&line, end, &type_len), *w;
        for (int i = 0; i < 2; i++) {
                w = next_word(&line, end, &len);
                if (!w || text_parse_u64_n(w, len, &unused) < 0)
                        return -EBADMSG;
        }
        w = next_word(&line, end, &len);
        if (!name || !type || !w || text_parse_i64_n(w, len, &ret->priority) < 0)
                return -EBADMSG;
        ret->is_device = type_len == 9 && memcmp(type, "partition", 9) == 0;
        unescape(name, name_len, ret->path, sizeof(ret->path));
        return 0;
}

/**
 * swap_areas_parse() - the swap areas in use, one by one
 * @text: of /proc/swaps, NUL-terminated
 * @ret:  @max of them; what lies behind those that were found is undefined
 *
 * Return: how many; -EBADMSG where the heading is missing, a line is garbled or cut, or there are more than @max.
 */
int swap_areas_parse(const char *text, SwapArea *ret, uint32_t max) {
        uint32_t n = 0;

        if (!text_has_prefix(text, "Filename") || !strchr(text, '\n'))
                return -EBADMSG;
        for (text = strchr(text, '\n') + 1; *text != '\0';) {
                const char *end = strchr(text, '\n');
                if (!end || n == max || area_parse(text, end, &ret[n]) < 0)
                        return -EBADMSG;
                n++;
                text = end + 1;
        }
        return (int)n;
}

/**
 * swap_areas_read_at() - the same of the host
 *
 * Return: how many, 0 also for a kernel without swap; negative errno of /proc/swaps, -EBADMSG as above.
 */
int swap_areas_read_at(int root_fd, SwapArea *ret, uint32_t max) {
        char text[8192];

        int r = fd_read_text_at(root_fd, "proc/swaps", text, sizeof(text));
        if (r == -ENOENT)
                return 0;
        return r < 0 ? r : swap_areas_parse(text, ret, max);
}

/* ---- /sys ---- */

/* "1" for what turns. A partition has no queue of its own: that of the whole device lies above it. */
static SwapKind queue_kind(int root_fd, const char *device) {
        static const char *const queues[] = { "queue/rotational", "../queue/rotational" };
        char path[160];
        uint64_t v;

        for (size_t i = 0; i < ARRAY_SIZE(queues); i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", device, queues[i]);
                if (fd_read_u64_at(root_fd, path, &v) == 0)
                        return v == 0 ? SWAP_SSD : SWAP_DISK;
        }
        return SWAP_UNKNOWN;
}

static bool is_zram(const char *name) {
        uint64_t v;
        return text_has_prefix(name, "zram") && text_parse_u64(name + 4, &v) == 0;
}

/**
 * swap_area_device() - the name that the kernel has for the device of an area
 * @ret: "zram0", "dm-1"; untouched on failure
 *
 * Return: 0; -EBADMSG where the area is no device, or its path does not end in what may be the name of one.
 */
int swap_area_device(const SwapArea *area, char ret[static SWAP_DEVICE_MAX]) {
        static const char deleted[] = " (deleted)";
        char name[SWAP_DEVICE_MAX];

        const char *slash = strrchr(area->path, '/');
        if (!area->is_device || !slash || (size_t)snprintf(name, sizeof(name), "%s", slash + 1) >= sizeof(name))
                return -EBADMSG;
        if (text_has_suffix(name, deleted))
                name[strlen(name) - (sizeof(deleted) - 1)] = '\0';
        if (name[0] == '\0' || name[0] == '.')
                return -EBADMSG;
        memcpy(ret, name, sizeof(name));
        return 0;
}

static SwapKind device_kind(int root_fd, const SwapArea *area) {
        char name[SWAP_DEVICE_MAX], device[96];

        if (swap_area_device(area, name) < 0)
                return SWAP_UNKNOWN;
        if (is_zram(name))
                return SWAP_ZRAM;
        (void)snprintf(device, sizeof(device), "sys/class/block/%s", name);
        return queue_kind(root_fd, device);
}

static SwapKind file_kind(int root_fd, const char *path) {
        struct statx st;
        char device[64];

        path += strspn(path, "/");
        /* nobody is asked over a network */
        if (path[0] == '\0' || statx(root_fd, path, AT_STATX_DONT_SYNC | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                                     STATX_TYPE, &st) < 0)
                return SWAP_UNKNOWN;
        (void)snprintf(device, sizeof(device), "sys/dev/block/%u:%u", st.stx_dev_major, st.stx_dev_minor);
        return queue_kind(root_fd, device);
}

static bool zswap_is_on(int root_fd) {
        char text[8];
        int n = read_once_at(root_fd, "sys/module/zswap/parameters/enabled", text, sizeof(text));
        return n > 0 && text[0] == 'Y';
}

/**
 * swap_kind_read_at() - what swap lies on
 * @ret: has_swap_kind, swap_kind and swap_kinds are set, or made absent
 *
 * Return: 0; negative errno of /proc/swaps, -EBADMSG where it is garbled. That a kernel has no swap at all
 *         (-ENOENT) is no failure: there is none.
 * Source: Documentation/ABI/stable/sysfs-block, queue/rotational; Documentation/admin-guide/mm/zswap.rst.
 */
int swap_kind_read_at(int root_fd, SysctlSample *ret) {
        SwapArea areas[SWAP_AREAS_MAX];

        ret->has_swap_kind = false;
        ret->swap_kind = SWAP_NONE;
        ret->swap_kinds = 0;
        int n = swap_areas_read_at(root_fd, areas, ARRAY_SIZE(areas));
        if (n < 0)
                return n;
        bool zswap = n > 0 && zswap_is_on(root_fd);
        int64_t priority = INT64_MIN;
        for (int i = 0; i < n; i++) {
                SwapKind kind = areas[i].is_device ? device_kind(root_fd, &areas[i]) :
                                                     file_kind(root_fd, areas[i].path);
                if (zswap && kind != SWAP_ZRAM)
                        kind = SWAP_ZSWAP;
                ret->swap_kinds |= UINT32_C(1) << kind;
                if (areas[i].priority > priority) {
                        priority = areas[i].priority;
                        ret->swap_kind = kind;
                } else if (areas[i].priority == priority)
                        ret->swap_kind = MAX(ret->swap_kind, kind);
        }
        ret->has_swap_kind = true;
        return 0;
}

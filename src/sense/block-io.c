/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a page from swap takes and what one of a file takes shows in what the devices were asked for and how long they
 * needed. That tells them apart only where swap has devices of its own: a swap file shares one with other files, and
 * then nothing is said at all. An image behind a loop device is a file.
 *
 * Devices lie upon each other (a disk, its partition, LUKS on that, LVM on that), and each counts what passes through.
 * Only the topmost are added up, those that no other device lies on: swap on LVM would else be among the files, too.
 *
 * zram is counted like any device, by both ways that the kernel has into it (zram_rw_page() until 6.3, a bio since).
 * A page takes less than a clock tick there, and is counted with 0 or with a whole one; over thousands of pages the sum
 * comes out right. What zswap has in its pool never gets here.
 */

#include "sense/block-io.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "sense/swap-kind.h"

/* ---- /proc/diskstats ---- */

static const char *next_word(const char **p, const char *end, size_t *ret_len) {
        while (*p < end && **p == ' ')
                (*p)++;
        const char *word = *p;
        while (*p < end && **p != ' ')
                (*p)++;
        *ret_len = (size_t)(*p - word);
        return *ret_len > 0 ? word : NULL;
}

static int next_number(const char **p, const char *end, uint64_t *ret) {
        size_t len;
        const char *w = next_word(p, end, &len);
        return w ? text_parse_u64_n(w, len, ret) : -EBADMSG;
}

/* major, minor, name, then reads (done, merged, sectors, ms) and writes (the same); what follows is of no interest. */
static int device_parse(const char *line, const char *end, BlockDevice *ret) {
        uint64_t number[2], value[8];
        size_t len;

        for (size_t i = 0; i < ARRAY_SIZE(number); i++)
                if (next_number(&line, end, &number[i]) < 0)
                        return -EBADMSG;
        const char *name = next_word(&line, end, &len);
        if (!name || len >= sizeof(ret->name))
                return -EBADMSG;
        for (size_t i = 0; i < ARRAY_SIZE(value); i++)
                if (next_number(&line, end, &value[i]) < 0)
                        return -EBADMSG;
        *ret = (BlockDevice){ .io = {
                .n_reads = value[0], .read_sectors = value[2], .read_msec = value[3],
                .n_writes = value[4], .write_sectors = value[6], .write_msec = value[7],
        } };
        memcpy(ret->name, name, len);
        return 0;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* sda1 of sda, nvme0n1p2 of nvme0n1: where the name ends in a digit, the kernel puts a p between. */
static bool is_partition_of(const char *name, const char *disk) {
        size_t n = strlen(disk);
        uint64_t unused;

        if (!text_has_prefix(name, disk))
                return false;
        name += n;
        if (n > 0 && is_digit(disk[n - 1]) && *name++ != 'p')
                return false;
        return text_parse_u64(name, &unused) == 0;
}

/**
 * block_devices_parse() - the block devices, one by one
 * @text: of /proc/diskstats, NUL-terminated
 * @ret:  @max of them; what lies behind those that were found is undefined
 *
 * Return: how many; -EBADMSG where a line is garbled or cut, or there are more than @max.
 * Source: Documentation/admin-guide/iostats.rst (8 numbers for partitions, too, since Linux 2.6.25).
 */
int block_devices_parse(const char *text, BlockDevice *ret, uint32_t max) {
        uint32_t n = 0, disk = 0;

        while (*text != '\0') {
                const char *end = strchr(text, '\n');
                if (!end || n == max || device_parse(text, end, &ret[n]) < 0)
                        return -EBADMSG;
                /* partitions follow their disk */
                if (n > 0 && is_partition_of(ret[n].name, ret[disk].name))
                        ret[disk].is_divided = true;
                else
                        disk = n;
                n++;
                text = end + 1;
        }
        return (int)n;
}

/* ---- which of them count ---- */

/* Another device lies on it and is asked in its stead. What cannot be looked at is taken as it is. */
static bool has_holders(int root_fd, const char *name) {
        char path[96], buf[512] __attribute__((aligned(__alignof__(struct dirent64))));

        if (name[0] == '.' || strchr(name, '/'))
                return false;
        (void)snprintf(path, sizeof(path), "sys/class/block/%s/holders", name);
        _cleanup_close_ int fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return false;
        for (ssize_t n; (n = getdents64(fd, buf, sizeof(buf))) > 0;)
                for (ssize_t i = 0; i < n;) {
                        const struct dirent64 *d = (const void *)(buf + i);
                        if (d->d_name[0] != '.')
                                return true;
                        i += d->d_reclen;
                }
        return false;
}

static bool is_numbered(const char *name, const char *prefix) {
        return text_has_prefix(name, prefix) && is_digit(name[strlen(prefix)]);
}

/* Memory, and files once more: what they do is counted elsewhere, or is none of it. */
static bool is_no_storage(const char *name) {
        static const char *const prefixes[] = { "zram", "ram", "loop", "fd", "sr" };
        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
                if (is_numbered(name, prefixes[i]))
                        return true;
        return false;
}

static void add(BlockIo *sum, const BlockIo *io) {
        sum->n_reads = u64_add_sat(sum->n_reads, io->n_reads);
        sum->read_sectors = u64_add_sat(sum->read_sectors, io->read_sectors);
        sum->read_msec = u64_add_sat(sum->read_msec, io->read_msec);
        sum->n_writes = u64_add_sat(sum->n_writes, io->n_writes);
        sum->write_sectors = u64_add_sat(sum->write_sectors, io->write_sectors);
        sum->write_msec = u64_add_sat(sum->write_msec, io->write_msec);
}

/* The swap areas by their devices' names; -EBADMSG where one is a file. */
static int read_swap_names(int root_fd, char ret[static SWAP_AREAS_MAX][SWAP_DEVICE_MAX]) {
        SwapArea areas[SWAP_AREAS_MAX];

        int n = swap_areas_read_at(root_fd, areas, ARRAY_SIZE(areas));
        for (int i = 0; i < n; i++) {
                int r = swap_area_device(&areas[i], ret[i]);
                if (r < 0)
                        return r;
                if (is_numbered(ret[i], "loop"))
                        return -EBADMSG;
        }
        return n;
}

static bool is_among(const char *name, const char (*names)[SWAP_DEVICE_MAX], int n) {
        for (int i = 0; i < n; i++)
                if (strcmp(names[i], name) == 0)
                        return true;
        return false;
}

/**
 * block_io_read_at() - what the devices of swap and those of files did
 * @ret: has_block_io, swap_io, file_io and block_set are set, or made absent
 *
 * Return: 0; negative errno of /proc/swaps or /proc/diskstats; -EBADMSG where one is garbled, or an area is a file;
 *         -ENODATA without swap, or where one is a device that is not in /proc/diskstats.
 * Source: Documentation/admin-guide/iostats.rst; Documentation/ABI/stable/sysfs-block, holders.
 */
int block_io_read_at(int root_fd, SysctlSample *ret) {
        char text[32768], names[SWAP_AREAS_MAX][SWAP_DEVICE_MAX];
        BlockDevice devices[BLOCK_DEVICES_MAX];
        BlockIo swap_io = {}, file_io = {};
        uint64_t set = TEXT_HASH_INIT;
        int n_found = 0;

        ret->has_block_io = false;
        ret->swap_io = ret->file_io = (BlockIo){};
        ret->block_set = 0;
        int n_swap = read_swap_names(root_fd, names);
        if (n_swap < 0)
                return n_swap;
        int n = fd_read_text_at(root_fd, "proc/diskstats", text, sizeof(text));
        if (n >= 0)
                n = block_devices_parse(text, devices, ARRAY_SIZE(devices));
        if (n < 0)
                return n;
        for (int i = 0; i < n; i++) {
                const BlockDevice *d = &devices[i];
                bool is_swap = is_among(d->name, names, n_swap);
                n_found += is_swap;
                /* one that was never read is not looked at any closer */
                if (!is_swap && (d->is_divided || d->io.n_reads == 0 || is_no_storage(d->name) ||
                                 has_holders(root_fd, d->name)))
                        continue;
                add(is_swap ? &swap_io : &file_io, &d->io);
                set = text_hash(set, is_swap ? "s" : "f", 1);
                set = text_hash(set, d->name, sizeof(d->name));
        }
        if (n_found == 0 || n_found < n_swap)
                return -ENODATA;
        ret->swap_io = swap_io;
        ret->file_io = file_io;
        ret->block_set = set;
        ret->has_block_io = true;
        return 0;
}

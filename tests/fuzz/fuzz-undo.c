/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * An undo journal that another process has left, with the header of this boot put before it; and the same text as
 * /proc/PID/maps. What is accepted must be written and read back the same, and be nothing that may not be journaled.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "act/measure-maps.h"
#include "act/undo-line.h"
#include "act/undo.h"
#include "base/text.h"
#include "input.h"

static void lines(const char *text) {
        char again[UNDO_LINE_MAX];
        const char *p = text, *line;
        UndoLine l, back;
        size_t n;

        while ((line = text_next_line(&p, &n))) {
                if (undo_line_parse(line, n, &l) < 0)
                        continue;
                REQUIRE(l.serial > 0);
                if (l.verb == UNDO_VERB_BEGIN)
                        REQUIRE(undo_entry_is_valid(&l.entry) && strcmp(l.entry.key, "cgroup.kill") != 0);
                int len = undo_line_format(&l, again, sizeof(again));
                REQUIRE(len > 0 && undo_line_parse(again, (size_t)len - 1, &back) == 0);
                REQUIRE(back.verb == l.verb && back.serial == l.serial && back.entry.id == l.entry.id &&
                        strcmp(back.entry.path, l.entry.path) == 0 && strcmp(back.entry.key, l.entry.key) == 0 &&
                        strcmp(back.entry.new_value, l.entry.new_value) == 0);
        }
}

static void maps(const uint8_t *data, size_t size) {
        MapsReader reader = { .fd = memfd_create("maps", MFD_CLOEXEC) };
        MapsRegion region;
        unsigned n = 0;

        if (reader.fd < 0)
                return;
        REQUIRE(pwrite(reader.fd, data, size, 0) == (ssize_t)size);
        while (maps_next(&reader, &region) > 0)
                REQUIRE(region.start < region.end && region.is_private_anonymous && n++ < size);
        (void)close(reader.fd);
}

static int write_journal(int dir_fd, const uint8_t *data, size_t size) {
        int fd = openat(dir_fd, "undo", O_WRONLY | O_APPEND | O_CLOEXEC);
        REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
        return close(fd);
}

static void count(void *userdata, const UndoEntry *e, UndoOutcome outcome, int error) {
        (void)error;
        REQUIRE(undo_entry_is_valid(e) && outcome != UNDO_RESTORED && outcome != UNDO_UNCHANGED);
        ++*(unsigned *)userdata;
}

/* On a host that has nothing at all: every entry is gone, foreign, or fails. */
static void journal(const uint8_t *data, size_t size) {
        char path[] = "/tmp/headroom-fuzz-XXXXXX";
        unsigned n = 0;
        Undo *u = NULL;
        int complaint;

        REQUIRE(mkdtemp(path));
        int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        REQUIRE(dir_fd >= 0 && undo_open(dir_fd, NULL, &u) == 0); /* writes the header */
        u = undo_free(u);
        (void)write_journal(dir_fd, data, size);
        for (int life = 0; life < 2; life++) {
                uint32_t before = u ? undo_count(u) : 0;
                u = undo_free(u);
                REQUIRE(undo_open(dir_fd, &complaint, &u) == 0);
                REQUIRE(complaint == 0 || (complaint == -EBADMSG && life == 0 && undo_count(u) == 0));
                REQUIRE(life == 0 || undo_count(u) == before);
        }
        const UndoHost host = { .root_fd = dir_fd, .cgroup_fd = dir_fd };
        uint32_t open_entries = undo_count(u);
        int failed = undo_replay(u, &host, true, count, &n);
        REQUIRE(n == open_entries && undo_count(u) == (uint32_t)failed);
        u = undo_free(u);
        (void)unlinkat(dir_fd, "undo", 0);
        (void)unlinkat(dir_fd, "undo.bad", 0);
        (void)close(dir_fd);
        REQUIRE(rmdir(path) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = input_text(data, size);

        lines(text);
        maps(data, size);
        journal(data, size);
        return 0;
}

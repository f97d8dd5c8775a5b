/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "sense/peak.h"
#include "tree.h"

/* Where the directory is that plays the cgroup @id; its memory.peak is an ordinary file that a reset overwrites. */
typedef struct World {
        Tree tree;
        Peaks peaks;
        Complaints complaints;
} World;

static void world_open(World *w) {
        *w = (World){};
        struct rlimit l;
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
        l.rlim_cur = l.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
        tree_open(&w->tree);
        assert_int_equal(peaks_start(&w->peaks), 0);
}

static void world_close(World *w) {
        peaks_stop(&w->peaks);
        tree_close(&w->tree);
}

static void peak_write(World *w, unsigned id, const char *text) {
        char path[32];
        (void)snprintf(path, sizeof(path), "%u/memory.peak", id);
        tree_write_n(&w->tree, path, text, strlen(text));
}

static CgroupSample look(World *w, unsigned id) {
        CgroupSample s = { .id = id, .path = "/x" };
        char path[32];
        (void)snprintf(path, sizeof(path), "%u", id);
        int fd = openat(w->tree.fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        peaks_read(&w->peaks, fd, &w->complaints, &s);
        (void)close(fd);
        return s;
}

static void test_interval(void **state) {
        (void)state;
        World w;
        world_open(&w);
        peak_write(&w, 7, "4096\n");
        CgroupSample s = look(&w, 7);
        assert_false(cgroup_has(&s, CGROUP_PEAK_INTERVAL));
        peaks_sweep(&w.peaks);
        /* as the kernel would have it by now; the reset of the second look is seen in the file */
        peak_write(&w, 7, "8192\n");
        s = look(&w, 7);
        assert_true(cgroup_has(&s, CGROUP_PEAK_INTERVAL));
        assert_int_equal(s.value[CGROUP_PEAK_INTERVAL], 8192);
        /* "reset" is no number: said, forgotten, and begun anew */
        s = look(&w, 7);
        assert_false(cgroup_has(&s, CGROUP_PEAK_INTERVAL));
        assert_int_equal(w.peaks.n, 0);
        char line[256];
        assert_true(complaint_next(&w.complaints, line, sizeof(line)));
        assert_non_null(strstr(line, "memory.peak"));
        world_close(&w);
}

static void test_off(void **state) {
        (void)state;
        World w;
        world_open(&w);
        peaks_stop(&w.peaks);
        peak_write(&w, 1, "4096\n");
        (void)look(&w, 1);
        peaks_sweep(&w.peaks);
        char text[32] = "";
        int fd = openat(w.tree.fd, "1/memory.peak", O_RDONLY | O_CLOEXEC);
        assert_true(read(fd, text, sizeof(text) - 1) > 0);
        (void)close(fd);
        assert_string_equal(text, "4096\n"); /* nothing was written */
        world_close(&w);
}

/* Many cgroups in any order: each has its own value; those not asked for are closed after a while; there is a cap. */
static void test_many(void **state) {
        (void)state;
        World w;
        world_open(&w);
        for (unsigned i = 0; i < PEAKS_MAX + 5; i++) {
                unsigned id = 1 + i * 7919 % (PEAKS_MAX + 5);
                char text[32];
                (void)snprintf(text, sizeof(text), "%u\n", id * 4096);
                peak_write(&w, id, text);
                (void)look(&w, id);
                peak_write(&w, id, text);
        }
        if (w.peaks.max < PEAKS_MAX)
                skip(); /* a machine that lets a process have so few */
        assert_int_equal(w.peaks.n, PEAKS_MAX);
        const PeakSlot *slots = w.peaks.slots.data;
        for (uint32_t i = 1; i < w.peaks.n; i++)
                assert_true(slots[i - 1].id < slots[i].id);
        unsigned n = 0;
        for (unsigned id = 1; id <= PEAKS_MAX + 5; id++) {
                CgroupSample s = look(&w, id);
                n += cgroup_has(&s, CGROUP_PEAK_INTERVAL);
                assert_true(!cgroup_has(&s, CGROUP_PEAK_INTERVAL) || s.value[CGROUP_PEAK_INTERVAL] == id * 4096);
        }
        assert_int_equal(n, PEAKS_MAX);
        for (unsigned i = 0; i < 20; i++) {
                peak_write(&w, 3, "4096\n");
                (void)look(&w, 3);
                peaks_sweep(&w.peaks);
        }
        assert_int_equal(w.peaks.n, 1);
        world_close(&w);
}

/* Where a process may have few descriptors, most are left to everything else. */
static void test_few(void **state) {
        (void)state;
        World w;
        struct rlimit before;
        world_open(&w);
        peaks_stop(&w.peaks);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        const struct rlimit few = { .rlim_cur = 128, .rlim_max = before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        assert_int_equal(peaks_start(&w.peaks), 0);
        for (unsigned id = 1; id <= 20; id++) {
                peak_write(&w, id, "4096\n");
                (void)look(&w, id);
        }
        assert_int_equal(w.peaks.n, 8);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        world_close(&w);
}

static void test_missing(void **state) {
        (void)state;
        World w;
        world_open(&w);
        tree_mkdir(&w.tree, "5");
        CgroupSample s = look(&w, 5); /* the root cgroup has no such file */
        assert_false(cgroup_has(&s, CGROUP_PEAK_INTERVAL));
        assert_int_equal(w.peaks.n, 0);
        char line[256];
        assert_false(complaint_next(&w.complaints, line, sizeof(line)));
        world_close(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_interval),
                cmocka_unit_test(test_off),
                cmocka_unit_test(test_many),
                cmocka_unit_test(test_few),
                cmocka_unit_test(test_missing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

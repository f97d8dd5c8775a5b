/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <string.h>

#include "daemon/replay.h"
#include "tree.h"

typedef struct Fixture {
        Tree tree;
        sd_event *event;
        Undo *undo;
        UndoHost host;
        unsigned n_done;
        uint32_t n_results, n_failed;
        ReplayResult results[64];
} Fixture;

static void done(void *userdata, const ReplayReport *report) {
        Fixture *f = userdata;
        f->n_done++;
        f->n_results = report->n_results;
        f->n_failed = report->n_failed;
        assert_int_equal(report->n_lost, 0);
        assert_in_range(report->n_results, 0, ARRAY_SIZE(f->results));
        if (report->n_results > 0)
                memcpy(f->results, report->results, report->n_results * sizeof(*report->results));
}

static void change(Fixture *f, const char *key, const char *old, const char *new, bool is_kept) {
        UndoEntry e = { .kind = UNDO_SYSCTL, .is_kept = is_kept };
        uint64_t serial;
        (void)strcpy(e.key, key);
        (void)strcpy(e.old_value, old);
        (void)strcpy(e.new_value, new);
        assert_int_equal(undo_begin(f->undo, &e, &serial), 0);
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));
        if (!f || sd_event_new(&f->event) < 0 || undo_new_volatile(&f->undo) < 0)
                return -1;
        tree_open(&f->tree);
        f->host = (UndoHost){ .root_fd = f->tree.fd, .cgroup_fd = -EBADF };
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;
        f->undo = undo_free(f->undo);
        sd_event_unref(f->event);
        tree_close(&f->tree);
        free(f);
        return 0;
}

static bool stands(Fixture *f, const char *path, const char *value) {
        char buf[64] = "";
        int fd = openat(f->tree.fd, path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        ssize_t n = read(fd, buf, sizeof(buf) - 1);
        (void)close(fd);
        return n > 0 && strncmp(buf, value, strlen(value)) == 0 && buf[strlen(value)] != '0';
}

/* Four changes: ours, somebody else's, one whose file is not there, one that a restart keeps. */
static void change_four(Fixture *f) {
        tree_write(&f->tree, "proc/sys/vm/swappiness", "17\n");
        tree_write(&f->tree, "proc/sys/vm/page-cluster", "5\n");
        tree_write(&f->tree, "proc/sys/vm/watermark_scale_factor", "50\n");
        change(f, "swappiness", "60", "17", false);
        change(f, "page-cluster", "3", "0", false);
        change(f, "no_such", "1", "2", false);
        change(f, "watermark_scale_factor", "10", "50", true);
}

static unsigned count(const Fixture *f, UndoOutcome outcome) {
        unsigned n = 0;
        for (uint32_t i = 0; i < f->n_results; i++)
                n += f->results[i].outcome == outcome;
        return n;
}

static void run_on_thread(Fixture *f, bool all) {
        _cleanup_(replay_freep) Replay *r = NULL;
        unsigned n = f->n_done;

        assert_int_equal(replay_start(f->event, 0, f->undo, &f->host, all, done, f, &r), 0);
        for (unsigned i = 0; i < 1000 && f->n_done == n; i++)
                (void)sd_event_run(f->event, 10 * USEC_PER_MSEC);
        assert_int_equal(f->n_done, n + 1);
        (void)sd_event_run(f->event, 0);
        assert_int_equal(f->n_done, n + 1); /* once */
}

static void test_on_thread(void **state) {
        Fixture *f = *state;

        change_four(f);
        run_on_thread(f, /* all= */ false);
        assert_int_equal(f->n_results, 4);
        assert_int_equal(count(f, UNDO_RESTORED), 1);
        assert_int_equal(count(f, UNDO_FOREIGN), 1);
        assert_int_equal(count(f, UNDO_KEPT), 1);
        assert_true(stands(f, "proc/sys/vm/swappiness", "60"));
        assert_true(stands(f, "proc/sys/vm/page-cluster", "5"));
        assert_true(stands(f, "proc/sys/vm/watermark_scale_factor", "50"));
        /* and what was kept goes, too, when everything is asked for */
        run_on_thread(f, /* all= */ true);
        assert_int_equal(count(f, UNDO_RESTORED), 1);
        assert_true(stands(f, "proc/sys/vm/watermark_scale_factor", "10"));
        assert_int_equal(undo_count(f->undo), f->n_failed);
}

/* Of what was left by an earlier daemon sysctls are not tried again here, and nothing that came later. */
static void test_left_on_thread(void **state) {
        Fixture *f = *state;
        _cleanup_(replay_freep) Replay *r = NULL;
        uint64_t last, serial;

        change_four(f);
        UndoEntry e = { .kind = UNDO_CGROUP, .id = 1, .path = "/gone", .key = "memory.high", .old_value = "max", .new_value = "5" };
        f->host.cgroup_fd = f->tree.fd;
        assert_int_equal(undo_begin(f->undo, &e, &serial), 0);
        last = undo_last_serial(f->undo);
        assert_int_equal(last, serial);
        (void)strcpy(e.path, "/later");
        assert_int_equal(undo_begin(f->undo, &e, &serial), 0);
        assert_int_equal(replay_start_left(f->event, 0, f->undo, &f->host, last, done, f, &r), 0);
        for (unsigned i = 0; i < 1000 && f->n_done == 0; i++)
                (void)sd_event_run(f->event, 10 * USEC_PER_MSEC);
        assert_int_equal(f->n_done, 1);
        assert_int_equal(f->n_results, 1);
        assert_int_equal(f->results[0].outcome, UNDO_GONE);
        assert_string_equal(f->results[0].entry.path, "/gone");
        assert_true(stands(f, "proc/sys/vm/swappiness", "17"));
}

static void test_here(void **state) {
        _cleanup_(replay_freep) Replay *r = NULL;
        Fixture *f = *state;
        ReplayReport report;

        change_four(f);
        assert_int_equal(replay_run(f->undo, &f->host, /* all= */ true, &report, &r), 0);
        done(f, &report);
        assert_int_equal(f->n_results, 4);
        assert_int_equal(count(f, UNDO_RESTORED), 2);
        assert_true(stands(f, "proc/sys/vm/swappiness", "60"));
}

static void test_nothing(void **state) {
        Fixture *f = *state;
        run_on_thread(f, /* all= */ true);
        assert_int_equal(f->n_results, 0);
        assert_int_equal(f->n_failed, 0);
}

/* More than the table begins with, and freed while the thread may still run. */
static void test_many(void **state) {
        Fixture *f = *state;
        char key[32], path[64];

        for (unsigned i = 0; i < 60; i++) {
                (void)snprintf(key, sizeof(key), "k%u", i);
                (void)snprintf(path, sizeof(path), "proc/sys/vm/k%u", i);
                tree_write(&f->tree, path, "2\n");
                change(f, key, "1", "2", false);
        }
        run_on_thread(f, /* all= */ true);
        assert_int_equal(f->n_results, 60);
        assert_int_equal(count(f, UNDO_RESTORED), 60);
        for (unsigned i = 0; i < 20; i++) {
                Replay *r = NULL;
                tree_write(&f->tree, "proc/sys/vm/k0", "2\n");
                change(f, "k0", "1", "2", false);
                assert_int_equal(replay_start(f->event, 0, f->undo, &f->host, true, done, f, &r), 0);
                assert_null(replay_free(r));
                assert_true(stands(f, "proc/sys/vm/k0", "1"));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_on_thread, setup, teardown),
                cmocka_unit_test_setup_teardown(test_left_on_thread, setup, teardown),
                cmocka_unit_test_setup_teardown(test_here, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

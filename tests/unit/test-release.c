/* SPDX-License-Identifier: GPL-2.0-or-later */

/* headroomctl release without a daemon: on a runtime directory of the test, and a process of the test. */

#include "test.h"

#include <jansson.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "act/undo.h"
#include "act/victim-process.h"
#include "base/fd.h"
#include "ctl/commands.h"
#include "tree.h"

/* Runs it; the caller frees *ret_text. Standard error is not looked at. */
static CtlExit release(const char *dir, Format format, char **ret_text) {
        size_t size;
        FILE *out = open_memstream(ret_text, &size);
        assert_non_null(out);
        const Invocation i = { .runtime_dir = dir, .format = format, .out = out };
        CtlExit status = command_release(&i);
        assert_int_equal(fclose(out), 0);
        return status;
}

static void journal(const Tree *t, const UndoEntry *e) {
        Undo *u = NULL;
        uint64_t serial;
        assert_int_equal(undo_open(t->fd, NULL, &u), 0);
        assert_int_equal(undo_begin(u, e, &serial), 0);
        undo_free(u);
}

static uint32_t count_open(const Tree *t) {
        Undo *u = NULL;
        assert_int_equal(undo_open(t->fd, NULL, &u), 0);
        uint32_t n = undo_count(u);
        undo_free(u);
        return n;
}

static void test_nothing(void **state) {
        (void)state;
        _cleanup_free_ char *text = NULL, *again = NULL, *json = NULL;
        Tree t;
        char missing[128];
        tree_open(&t);
        (void)snprintf(missing, sizeof(missing), "%s/missing", t.path);
        assert_int_equal(release(missing, FORMAT_TEXT, &text), CTL_EXIT_OK);
        assert_string_equal(text, "nothing to undo\n");
        assert_int_equal(access(missing, F_OK), -1);
        assert_int_equal(release(t.path, FORMAT_TEXT, &again), CTL_EXIT_OK);
        assert_string_equal(again, "nothing to undo\n");
        assert_int_equal(release(t.path, FORMAT_JSON, &json), CTL_EXIT_OK);
        json_t *o = json_loads(json, 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(o, "released")), 0);
        assert_int_equal(json_integer_value(json_object_get(o, "failed")), 0);
        assert_true(json_is_array(json_object_get(o, "entries")));
        json_decref(o);
        tree_close(&t);
}

static void test_entries(void **state) {
        (void)state;
        _cleanup_free_ char *text = NULL, *json = NULL;
        char path[64], want[256];
        VictimStat stat;
        int32_t old, now;
        Tree t;
        int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        tree_open(&t);
        pid_t pid = fork();
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        (void)pause();
        }
        assert_int_equal(victim_process_read_stat(root_fd, pid, &stat), 0);
        assert_int_equal(victim_process_read_adj(root_fd, pid, &old), 0);
        (void)snprintf(path, sizeof(path), "proc/%d/oom_score_adj", pid);
        assert_int_equal(fd_write_text_at(root_fd, path, "987"), 0);

        UndoEntry e = { .kind = UNDO_OOM_SCORE_ADJ, .id = stat.start_ticks, .pid = pid, .new_value = "987" };
        (void)snprintf(e.old_value, sizeof(e.old_value), "%d", old);
        journal(&t, &e);
        /* kept over a restart, but not over this; and a path that would move the cursor */
        UndoEntry gone = { .kind = UNDO_CGROUP,
                           .id = 4711,
                           .is_kept = true,
                           .path = "/no\033[2J such.service",
                           .key = "memory.high",
                           .old_value = "max",
                           .new_value = "52428800" };
        journal(&t, &gone);
        CtlExit status = release(t.path, FORMAT_TEXT, &text);
        assert_int_equal(victim_process_read_adj(root_fd, pid, &now), 0);
        bool may_lower = now == old;
        /* no cgroup2 here: cannot be said to be gone */
        bool is_gone = strstr(text, "forgotten") != NULL;
        assert_int_equal(status, may_lower && is_gone ? CTL_EXIT_OK : CTL_EXIT_FAILED);
        (void)snprintf(
                want, sizeof(want),
                "no\\x1b[2J such.service: memory.high 52428800 -> max: %s\nprocess %d: oom_score_adj 987 -> %d: %s\n",
                is_gone ? "forgotten, it is gone" : "failed: Operation not supported", pid, old,
                may_lower ? "restored" : "failed: Permission denied");
        assert_string_equal(text, want);
        assert_int_equal(count_open(&t), !may_lower + !is_gone);

        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        if (may_lower)
                journal(&t, &e);
        (void)release(t.path, FORMAT_JSON, &json);
        json_t *o = json_loads(json, 0, NULL), *last = NULL, *entry;
        size_t n;
        json_array_foreach(json_object_get(o, "entries"), n,
                           entry) if (json_integer_value(json_object_get(entry, "pid")) == pid) last = entry;
        assert_non_null(last);
        assert_string_equal(json_string_value(json_object_get(last, "kind")), "oom_score_adj");
        assert_string_equal(json_string_value(json_object_get(last, "outcome")), "gone");
        assert_string_equal(json_string_value(json_object_get(last, "was")), "987");
        assert_true(json_is_null(json_object_get(last, "error")));
        assert_int_equal(json_integer_value(json_object_get(o, "released")), 0);
        json_decref(o);
        tree_close(&t);
        (void)close(root_fd);
}

/* Whoever holds the lock is asked, and nobody else touches the journal. */
static void test_locked(void **state) {
        (void)state;
        _cleanup_free_ char *text = NULL;
        Tree t;
        tree_open(&t);
        const UndoEntry e = { .kind = UNDO_CGROUP,
                              .id = 4711,
                              .path = "/x",
                              .key = "memory.high",
                              .old_value = "max",
                              .new_value = "1" };
        journal(&t, &e);
        int lock = openat(t.fd, ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
        assert_int_equal(release(t.path, FORMAT_TEXT, &text), CTL_EXIT_NOT_RUNNING);
        assert_string_equal(text, "");
        assert_int_equal(count_open(&t), 1);
        (void)close(lock);
        tree_close(&t);
}

static void test_garbage(void **state) {
        (void)state;
        _cleanup_free_ char *text = NULL;
        Tree t;
        tree_open(&t);
        tree_write(&t, "undo", "not a journal\n");
        assert_int_equal(release(t.path, FORMAT_TEXT, &text), CTL_EXIT_FAILED);
        assert_int_equal(faccessat(t.fd, "undo.bad", F_OK, 0), 0);
        tree_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_entries),
                cmocka_unit_test(test_locked),
                cmocka_unit_test(test_garbage),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

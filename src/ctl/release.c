/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * headroomctl release: everything that headroomd has changed for a while is put back, now.
 *
 * Whoever holds the lock of the runtime directory owns the undo journal in it. A running daemon does, so it is asked
 * to do it; without one we take the lock ourselves and hold it to the end, so that a daemon that starts meanwhile
 * waits or gives up instead of working on the same file.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "act/systemd-call.h"
#include "act/undo.h"
#include "ctl/client.h"
#include "ctl/show.h"
#include "report/json.h"
#include "sense/sense.h"

/* ---- without a daemon ---- */

/* 0; -ENOENT: no directory, so there never was a daemon; -EBUSY: one runs; other negative errno. */
static int open_runtime_dir(int *ret_dir_fd, int *ret_lock_fd) {
        const char *env = getenv("RUNTIME_DIRECTORY");
        char path[256];
        TextBuf b = TEXT_BUF(path);

        text_append(&b, "");
        if (env && env[0] == '/')
                text_append_n(&b, env, strcspn(env, ":"));
        else
                text_append(&b, "/run/headroom");
        if (b.truncated)
                return -ENAMETOOLONG;
        _cleanup_close_ int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return -errno;
        _cleanup_close_ int lock_fd =
                openat(dir_fd, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
        if (lock_fd < 0)
                return -errno;
        if (flock(lock_fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        *ret_dir_fd = TAKE_FD(dir_fd);
        *ret_lock_fd = TAKE_FD(lock_fd);
        return 0;
}

typedef struct Collected {
        json_t *entries;
        json_int_t n_released;
} Collected;

static void collect(void *userdata, const UndoEntry *e, UndoOutcome outcome, int error) {
        Collected *c = userdata;
        const char *outcome_name = undo_outcome_to_string(outcome);

        json_t *o = json_pack("{s:s?, s:o, s:o, s:o, s:o, s:s?, s:o}", "kind", undo_kind_to_string(e->kind), "path",
                              json_escaped(e->path), "key", json_escaped(e->key), "was", json_escaped(e->new_value),
                              "value", json_escaped(e->old_value), "outcome", outcome_name, "error",
                              error < 0 ? json_string(strerror(-error)) : json_null());
        if (e->pid > 0)
                (void)json_object_set_new(o, "pid", json_integer(e->pid));
        (void)json_array_append_new(c->entries, o);
        c->n_released += outcome == UNDO_RESTORED;
}

/* The cgroup2 mount of this host; without one cgroups cannot be put back, but all else can. */
static int replay_here(Undo *undo, bool all, Collected *c) {
        _cleanup_(sense_freep) Sense *sense = NULL;
        UndoHost host = {
                .cgroup_fd = -EBADF,
                .set_unit_property = systemd_set_unit_property,
                .get_unit_property = systemd_get_unit_property,
        };

        _cleanup_close_ int root_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root_fd < 0)
                return -errno;
        const SenseOptions options = { .root_fd = root_fd };
        host.root_fd = root_fd;
        if (sense_new(&options, &sense) >= 0)
                host.cgroup_fd = sense_cgroup_root_fd(sense);
        return undo_replay(undo, &host, all, collect, c);
}

static CtlExit say_error(int error, const char *what) {
        (void)fprintf(stderr, "headroomctl: %s: %s\n", what, strerror(-error));
        return error == -EACCES || error == -EPERM ? CTL_EXIT_NOT_PERMITTED : CTL_EXIT_FAILED;
}

static CtlExit release_here(int dir_fd, bool all, json_t **ret) {
        Collected c = { .entries = json_array() };
        _cleanup_(undo_freep) Undo *undo = NULL;
        int complaint = 0, n_failed = 0;

        if (dir_fd >= 0) {
                int r = undo_open(dir_fd, &complaint, &undo);
                if (r >= 0)
                        r = n_failed = replay_here(undo, all, &c);
                if (r < 0) {
                        json_decref(c.entries);
                        return say_error(r, "the undo journal");
                }
        }
        if (complaint < 0)
                (void)fprintf(stderr, "headroomctl: the undo journal was not understood and is now undo.bad\n");
        *ret = json_pack("{s:I, s:i, s:o}", "released", c.n_released, "failed", n_failed, "entries", c.entries);
        return complaint < 0 ? CTL_EXIT_FAILED : CTL_EXIT_OK;
}

/* ---- what came of it ---- */

static const char *describe(const char *outcome) {
        return strcmp(outcome, "unchanged") == 0 ? "had it already"
               : strcmp(outcome, "foreign") == 0 ? "left alone, somebody else has set it since"
               : strcmp(outcome, "gone") == 0    ? "forgotten, it is gone"
                                                 : outcome;
}

static void show_entry(const Invocation *i, const json_t *e) {
        const char *kind = show_string(e, "kind"), *key = show_string(e, "key"), *path = show_string(e, "path");
        const char *was = json_string_value(json_object_get(e, "was"));
        const char *error = json_string_value(json_object_get(e, "error"));

        if (strcmp(kind, "sysctl") == 0)
                (void)fprintf(i->out, "vm.%s", key);
        else if (strcmp(kind, "oom_score_adj") == 0)
                (void)fprintf(i->out, "process %lld: oom_score_adj", (long long)show_int(e, "pid", 0));
        else
                (void)fprintf(i->out, "%s: %s", path[0] == '/' && path[1] ? path + 1 : path, key);
        if (was)
                (void)fprintf(i->out, " %s", was);
        (void)fprintf(i->out, " -> %s: %s%s%s\n", show_string(e, "value"), describe(show_string(e, "outcome")),
                      error ? ": " : "", error ? error : "");
}

static CtlExit show_released(const Invocation *i, const json_t *answer) {
        const json_t *entries = json_object_get(answer, "entries"), *e;
        size_t n;

        if (i->format == FORMAT_JSON)
                show_json(i, answer);
        else if (json_array_size(entries) == 0)
                (void)fprintf(i->out, "nothing to undo\n");
        else {
                json_array_foreach(entries, n, e) {
                        show_entry(i, e);
                }
        }
        return show_int(answer, "failed", 0) > 0 ? CTL_EXIT_FAILED : CTL_EXIT_OK;
}

CtlExit command_release(const Invocation *i) {
        _cleanup_close_ int dir_fd = -EBADF, lock_fd = -EBADF;
        json_t *answer = NULL;

        if (i->runtime_dir && setenv("RUNTIME_DIRECTORY", i->runtime_dir, 1) < 0)
                return say_error(-errno, i->runtime_dir);
        int r = open_runtime_dir(&dir_fd, &lock_fd);
        if (r < 0 && r != -ENOENT && r != -EBUSY)
                return say_error(r, "the runtime directory");
        /* Its start has done it already. */
        if (r == -EBUSY && i->after_crash)
                return CTL_EXIT_OK;
        CtlExit status = r == -EBUSY ? client_ask(json_pack("{s:s}", "verb", "release"), &answer)
                                     : release_here(dir_fd, /* all= */ !i->after_crash, &answer);
        if (answer) {
                CtlExit shown = show_released(i, answer);
                status = status == CTL_EXIT_OK ? shown : status;
        }
        json_decref(answer);
        return status;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Putting one change back.
 *
 * Always in this order: hold what the entry names (the directory of the cgroup, of the process), compare its
 * identity, read what stands there now, compare that with what we wrote, and only then write. Through the held
 * directory nothing else can be reached, whatever happens to path or pid meanwhile.
 *
 * A unit is named by its name and not by its cgroup: a property set at run time outlives the cgroup, it comes back
 * with the next start of the unit. So here a cgroup that is gone does not mean that there is nothing to put back.
 */

#include "act/undo-restore.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "act/victim-cgroup.h"
#include "act/victim-process.h"
#include "base/fd.h"
#include "base/text.h"

/* io.weight has a line for each device; of it only the first is wanted. */
#define VALUE_TEXT_BYTES 256
#define STAT_BYTES       1536

/* ---- values ---- */

int undo_value_read(const char *key, const char *text, char ret[static UNDO_VALUE_MAX]) {
        size_t n = strcspn(text, "\n");

        while (n > 0 && text[n - 1] == ' ')
                n--;
        if (n == 0 || n >= UNDO_VALUE_MAX)
                return -EBADMSG;
        /* Devices have lines of their own after it; those we do not touch. */
        if (strcmp(key, "io.weight") == 0 && !text_has_prefix(text, "default "))
                return -EBADMSG;
        memcpy(ret, text, n);
        ret[n] = '\0';
        return 0;
}

static bool parse_number(const char *s, int64_t *ret_negative, uint64_t *ret) {
        if (strcmp(s, "max") == 0)
                *ret = UINT64_MAX;
        else if (s[0] == '-') {
                if (text_parse_i64_n(s, strlen(s), ret_negative) < 0)
                        return false;
                *ret = 0;
        } else if (text_parse_u64(s, ret) < 0)
                return false;
        return true;
}

bool undo_value_equal(const char *key, const char *text, const char *value) {
        char now[UNDO_VALUE_MAX];
        int64_t negative_a = 0, negative_b = 0;
        uint64_t a, b;

        if (undo_value_read(key, text, now) < 0)
                return false;
        if (parse_number(now, &negative_a, &a) && parse_number(value, &negative_b, &b))
                return a == b && negative_a == negative_b;
        return strcmp(now, value) == 0;
}

/* ---- one file ---- */

static bool is_gone(int error) {
        return error == -ENOENT || error == -ENODEV || error == -ESRCH || error == -ESTALE;
}

static UndoOutcome failed(int error, int *ret_error) {
        if (is_gone(error))
                return UNDO_GONE;
        *ret_error = error;
        return UNDO_FAILED;
}

/* What is to be done, by the value that stands there: UNDO_RESTORED for "write the old one". */
static UndoOutcome judge(const UndoEntry *e, const char *text) {
        if (undo_value_equal(e->key, text, e->old_value))
                return UNDO_UNCHANGED;
        if (undo_value_equal(e->key, text, e->new_value) ||
            (e->before_new[0] != '\0' && undo_value_equal(e->key, text, e->before_new)))
                return UNDO_RESTORED;
        return UNDO_FOREIGN;
}

static UndoOutcome put_back_file(int dir_fd, const char *file, const UndoEntry *e, int *ret_error) {
        char text[VALUE_TEXT_BYTES];

        int r = fd_read_text_at(dir_fd, file, text, sizeof(text));
        if (r < 0 && r != -EFBIG)
                return failed(r, ret_error);
        UndoOutcome outcome = judge(e, text);
        if (outcome != UNDO_RESTORED)
                return outcome;
        /* Never waits for reclaim: it opens with O_NONBLOCK, and the old memory.high is the higher one. */
        r = fd_write_text_at(dir_fd, file, e->old_value);
        return r < 0 ? failed(r, ret_error) : UNDO_RESTORED;
}

static UndoOutcome put_back_cgroup(const UndoEntry *e, const UndoHost *host, int *ret_error) {
        const ActHost act = { .root_fd = host->root_fd, .cgroup_fd = host->cgroup_fd };

        _cleanup_close_ int fd = victim_cgroup_open(&act, e->path, e->id);
        if (fd == -EINVAL) /* a path that no kernel would give */
                return UNDO_GONE;
        if (fd < 0)
                return failed(fd, ret_error);
        return put_back_file(fd, e->key, e, ret_error);
}

static UndoOutcome put_back_sysctl(const UndoEntry *e, const UndoHost *host, int *ret_error) {
        char path[sizeof("proc/sys/vm/") + UNDO_KEY_MAX];

        (void)snprintf(path, sizeof(path), "proc/sys/vm/%s", e->key);
        return put_back_file(host->root_fd, path, e, ret_error);
}

static UndoOutcome put_back_adj(const UndoEntry *e, const UndoHost *host, int *ret_error) {
        char path[32], text[STAT_BYTES];
        VictimStat stat;

        (void)snprintf(path, sizeof(path), "proc/%d", e->pid);
        /* Held like a pidfd: this directory is the process's, and empty once that has gone. */
        _cleanup_close_ int fd = openat(host->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return failed(-errno, ret_error);
        int r = fd_read_text_at(fd, "stat", text, sizeof(text));
        if (r >= 0)
                r = victim_process_parse_stat(text, &stat);
        if (r < 0)
                return failed(r, ret_error);
        if (stat.start_ticks != e->id)
                return UNDO_GONE;
        return put_back_file(fd, "oom_score_adj", e, ret_error);
}

/* ---- a unit ---- */

static UndoOutcome put_back_unit(const UndoEntry *e, const UndoHost *host, int *ret_error) {
        char text[UNDO_VALUE_MAX];

        if (!host->set_unit_property || !host->get_unit_property) {
                *ret_error = -EOPNOTSUPP;
                return UNDO_FAILED;
        }
        int r = host->get_unit_property(e->path, e->key, text, sizeof(text));
        if (r < 0)
                return failed(r, ret_error);
        UndoOutcome outcome = judge(e, text);
        if (outcome != UNDO_RESTORED)
                return outcome;
        r = host->set_unit_property(e->path, e->key, e->old_value);
        return r < 0 ? failed(r, ret_error) : UNDO_RESTORED;
}

UndoOutcome undo_put_back(const UndoEntry *e, const UndoHost *host, int *ret_error) {
        *ret_error = 0;
        switch (e->kind) {
        case UNDO_CGROUP:
                return put_back_cgroup(e, host, ret_error);
        case UNDO_UNIT:
                return put_back_unit(e, host, ret_error);
        case UNDO_SYSCTL:
                return put_back_sysctl(e, host, ret_error);
        case UNDO_OOM_SCORE_ADJ:
                return put_back_adj(e, host, ret_error);
        case _UNDO_KIND_MAX:
        case _UNDO_KIND_INVALID:
                break;
        }
        *ret_error = -EINVAL;
        return UNDO_FAILED;
}

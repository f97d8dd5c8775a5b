/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The undo journal: every change that must not outlive us is written down before it is made, and struck out
 * after it was put back. A daemon that is killed at any point leaves a file from which the next one, or
 * `headroomctl release` without any daemon, puts everything back.
 *
 * It puts back only what is still ours: the same cgroup (inode number) or process (start time), and a value
 * that is one of the last two we wrote (the later of them may not have been written when we died). A value that
 * somebody else has set meanwhile is left alone and forgotten; so is what is gone.
 *
 * The file is "undo" in a directory on tmpfs (/run/headroom): one line an event, appended with one write(2), no
 * fsync; emptied when nothing is open. A torn last line is cut.
 */

#include "base/macros.h"
#include "model/snapshot.h"

#define UNDO_KEY_MAX   40
#define UNDO_VALUE_MAX 64
/* Open entries at once. Beyond it undo_begin() says -ENOBUFS, and the change must not be made. */
#define UNDO_ENTRIES_MAX 4096

typedef enum UndoKind {
        UNDO_CGROUP,        /* a file of a cgroup: key is its name, "memory.high" */
        UNDO_UNIT,          /* a property of a unit, by its manager: path is the cgroup, key "CPUWeight" */
        UNDO_SYSCTL,        /* /proc/sys/vm/KEY */
        UNDO_OOM_SCORE_ADJ, /* of a process */
        _UNDO_KIND_MAX,
        _UNDO_KIND_INVALID = -EINVAL,
} UndoKind;

typedef struct UndoEntry {
        UndoKind kind;
        uint64_t id;  /* cgroup: inode number. process: start_ticks. sysctl: 0 */
        int32_t pid;  /* of a process, else 0 */
        bool is_kept; /* not put back by a replay at start, only by undo_replay(..., all): sysctls with Restore=stop */
        char path[CGROUP_PATH_MAX]; /* cgroup and unit; "" else */
        char key[UNDO_KEY_MAX];
        char old_value[UNDO_VALUE_MAX];
        char new_value[UNDO_VALUE_MAX];
        char before_new[UNDO_VALUE_MAX]; /* the one we wrote before that; "" for none */
} UndoEntry;

typedef enum UndoOutcome {
        UNDO_RESTORED,
        UNDO_UNCHANGED, /* it had the old value already */
        UNDO_FOREIGN,   /* somebody else has set another value: left alone */
        UNDO_GONE,      /* the cgroup or process is gone, or another one by now */
        UNDO_KEPT,      /* is_kept, and not asked for */
        UNDO_FAILED,    /* see the error; stays in the journal */
        _UNDO_OUTCOME_MAX,
        _UNDO_OUTCOME_INVALID = -EINVAL,
} UndoOutcome;

/* What a replay works on. */
typedef struct UndoHost {
        int root_fd;   /* for proc/ */
        int cgroup_fd; /* the cgroup2 mount, -EBADF without one */
        /* Sets and reads a property of the unit whose cgroup is @path; NULL: such entries fail with -EOPNOTSUPP. In
         * earnest systemd_set_unit_property() and systemd_get_unit_property() of act/systemd-call.h. */
        int (*set_unit_property)(const char *path, const char *property, const char *value);
        int (*get_unit_property)(const char *path, const char *property, char *ret, size_t size);
} UndoHost;

typedef struct Undo Undo;

/* @dir_fd: borrowed. Reads what is there, cuts a torn tail; a file of another version or garbage is set aside as
 * "undo.bad" and said by -EBADMSG in *ret_complaint (may be NULL), with a usable empty journal. */
int undo_open(int dir_fd, int *ret_complaint, Undo **ret);
/* An empty journal in memory only, where no directory can be written. */
int undo_new_volatile(Undo **ret);
/* One more owner: whoever may outlive the others. Returns @u; given up by undo_free(). */
Undo *undo_ref(Undo *u);
Undo *undo_free(Undo *u);
DEFINE_TRIVIAL_CLEANUP(Undo, undo_free)

/* Before a change. -EEXIST: kind, id, pid, path and key are open already; -ENOBUFS; or what write(2) said. All calls
 * are safe from several threads. */
int undo_begin(Undo *u, const UndoEntry *e, uint64_t *ret_serial);
/* Before another value is written. */
int undo_update(Undo *u, uint64_t serial, const char *new_value);
/* Around a write that a replay on another thread may meet: with @is_held before it, without when it has returned. What
 * is held, or was since the replay has looked, a replay does not strike out. -ENOENT: it has been struck out already,
 * and must not be written. */
int undo_hold(Undo *u, uint64_t serial, bool is_held);
/* After it was put back, found foreign, or is gone. */
int undo_end(Undo *u, uint64_t serial);
/* Serial of the open entry for this setting; -ENOENT. @ret and @ret_serial may be NULL. */
int undo_find(Undo *u, UndoKind kind, uint64_t id, int32_t pid, const char *path, const char *key, UndoEntry *ret,
              uint64_t *ret_serial);

/* Puts one entry back, as undo_replay() does, and strikes it out unless it failed. */
UndoOutcome undo_restore(Undo *u, uint64_t serial, const UndoHost *host, int *ret_error);
/* Puts everything back, the latest first. @all: what is kept, too. Calls @told for each; returns how many failed. */
int undo_replay(Undo *u, const UndoHost *host, bool all,
                void (*told)(void *userdata, const UndoEntry *e, UndoOutcome outcome, int error), void *userdata);
/* The same with what an earlier daemon has left of cgroups and units, and could not be put back then: entries up to
 * @last_serial. Nothing of this daemon's own is among them; sysctls and oom_score_adj it has taken over. */
int undo_replay_left(Undo *u, const UndoHost *host, uint64_t last_serial,
                     void (*told)(void *userdata, const UndoEntry *e, UndoOutcome outcome, int error), void *userdata);
/* The latest that was ever given out; 0 for none. */
uint64_t undo_last_serial(Undo *u);
uint32_t undo_count(Undo *u);
const char *undo_kind_to_string(UndoKind k);
const char *undo_outcome_to_string(UndoOutcome o);

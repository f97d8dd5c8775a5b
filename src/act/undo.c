/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The undo journal: what is open, in memory, and the same as a file (undo-file.c).
 *
 * The file may hold more than the memory, never less: a line is written before the change that it names, and one
 * that says "end" may be missing, which costs a look at a value that is the old one already.
 *
 * The mutex is held over the write to the file, which is on tmpfs, and over nothing else that could wait: values
 * are put back without it.
 */

#include "act/undo.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "act/adjust-children.h"
#include "act/undo-file.h"
#include "act/undo-restore.h"
#include "base/pages.h"
#include "base/text.h"

/* Apart from the entries, so that looking for one touches few pages. */
typedef struct UndoSlot {
        uint64_t serial; /* 0: free */
        uint64_t hash;
        uint32_t n_holds; /* begun and ended: odd while it is held */
} UndoSlot;

/* What a restore works on, without the mutex. */
typedef struct UndoCopy {
        UndoEntry entry;
        uint64_t serial;
        uint32_t n_holds;
} UndoCopy;

struct Undo {
        pthread_mutex_t lock;
        _Atomic unsigned n_owners;
        UndoFile file;
        uint64_t last_serial;
        uint32_t n_open, n_slots; /* slots in use; the first of them that were ever used */
        UndoSlot slots[UNDO_ENTRIES_MAX];
        UndoEntry entries[UNDO_ENTRIES_MAX];
};

/* ---- what is open ---- */

static uint64_t setting_hash(UndoKind kind, uint64_t id, int32_t pid, const char *path, const char *key) {
        uint64_t h = text_hash(TEXT_HASH_INIT, &kind, sizeof(kind));
        h = text_hash(h, &id, sizeof(id));
        h = text_hash(h, &pid, sizeof(pid));
        h = text_hash(h, key, strlen(key) + 1);
        return text_hash(h, path, strlen(path));
}

static int slot_of_setting(const Undo *u, UndoKind kind, uint64_t id, int32_t pid, const char *path, const char *key) {
        uint64_t h = setting_hash(kind, id, pid, path, key);

        for (uint32_t i = 0; i < u->n_slots; i++) {
                const UndoEntry *e = &u->entries[i];
                if (u->slots[i].serial != 0 && u->slots[i].hash == h && e->kind == kind && e->id == id &&
                    e->pid == pid && strcmp(e->path, path) == 0 && strcmp(e->key, key) == 0)
                        return (int)i;
        }
        return -ENOENT;
}

static int slot_of_serial(const Undo *u, uint64_t serial) {
        for (uint32_t i = 0; serial != 0 && i < u->n_slots; i++)
                if (u->slots[i].serial == serial)
                        return (int)i;
        return -ENOENT;
}

/* The latest one that was begun before @before. */
static int slot_latest(const Undo *u, uint64_t before) {
        int best = -ENOENT;
        for (uint32_t i = 0; i < u->n_slots; i++)
                if (u->slots[i].serial != 0 && u->slots[i].serial < before &&
                    (best < 0 || u->slots[i].serial > u->slots[best].serial))
                        best = (int)i;
        return best;
}

static int slot_free(const Undo *u) {
        if (u->n_open >= UNDO_ENTRIES_MAX)
                return -ENOBUFS;
        for (uint32_t i = 0; i < u->n_slots; i++)
                if (u->slots[i].serial == 0)
                        return (int)i;
        return (int)u->n_slots;
}

static void slot_fill(Undo *u, int at, uint64_t serial, const UndoEntry *e) {
        u->slots[at] = (UndoSlot){
                .serial = serial,
                .hash = setting_hash(e->kind, e->id, e->pid, e->path, e->key),
        };
        u->entries[at] = *e;
        u->entries[at].before_new[0] = '\0';
        u->n_slots = MAX(u->n_slots, (uint32_t)at + 1);
        u->last_serial = MAX(u->last_serial, serial);
        u->n_open++;
}

static void slot_clear(Undo *u, int at) {
        u->slots[at].serial = 0;
        u->n_open--;
        while (u->n_slots > 0 && u->slots[u->n_slots - 1].serial == 0)
                u->n_slots--;
}

static void slot_set_new(Undo *u, int at, const char *new_value) {
        UndoEntry *e = &u->entries[at];
        memcpy(e->before_new, e->new_value, sizeof(e->before_new));
        (void)strcpy(e->new_value, new_value);
}

static const UndoEntry *next_open(void *userdata, uint32_t *at, uint64_t *ret_serial) {
        const Undo *u = userdata;
        for (; *at < u->n_slots; (*at)++)
                if (u->slots[*at].serial != 0) {
                        *ret_serial = u->slots[*at].serial;
                        return &u->entries[(*at)++];
                }
        return NULL;
}

/* A line of a file that was left behind. Nothing of it is new to the file, so nothing is written. */
static int take_line(void *userdata, const UndoLine *l) {
        Undo *u = userdata;
        const UndoEntry *e = &l->entry;

        int at = slot_of_serial(u, l->serial);
        if ((l->verb == UNDO_VERB_BEGIN) != (at < 0))
                return -EBADMSG;
        switch (l->verb) {
        case UNDO_VERB_BEGIN:
                at = slot_free(u);
                if (at < 0 || slot_of_setting(u, e->kind, e->id, e->pid, e->path, e->key) >= 0)
                        return -EBADMSG;
                slot_fill(u, at, l->serial, e);
                return 0;
        case UNDO_VERB_UPDATE:
                slot_set_new(u, at, e->new_value);
                return 0;
        case UNDO_VERB_END:
                slot_clear(u, at);
                return 0;
        case _UNDO_VERB_MAX:
        case _UNDO_VERB_INVALID:
                break;
        }
        return -EBADMSG;
}

/* ---- life ---- */

int undo_new_volatile(Undo **ret) {
        /* 3 MiB of addresses; what is never used never costs memory. */
        Undo *u = pages_new(sizeof(*u));
        if (!u)
                return -ENOMEM;
        u->file = UNDO_FILE_NULL;
        atomic_init(&u->n_owners, 1);
        (void)pthread_mutex_init(&u->lock, NULL);
        *ret = u;
        return 0;
}

/**
 * undo_open() - the journal in a directory, with what an earlier process has left open
 * @dir_fd:        on tmpfs, root's; borrowed during the call. One process at a time: the caller holds its lock
 * @ret_complaint: -EBADMSG where what was there is no journal of ours and was set aside as "undo.bad", else 0;
 *                 may be NULL
 *
 * Return: 0; negative errno where no file can be written there: then undo_new_volatile() is what is left.
 */
int undo_open(int dir_fd, int *ret_complaint, Undo **ret) {
        _cleanup_(undo_freep) Undo *u = NULL;

        int r = undo_new_volatile(&u);
        if (r < 0)
                return r;
        r = undo_file_open(&u->file, dir_fd, take_line, u);
        if (r < 0)
                return r;
        if (r > 0)
                while (u->n_slots > 0)
                        slot_clear(u, (int)u->n_slots - 1);
        if (ret_complaint)
                *ret_complaint = r > 0 ? -EBADMSG : 0;
        *ret = TAKE_PTR(u);
        return 0;
}

Undo *undo_ref(Undo *u) {
        atomic_fetch_add(&u->n_owners, 1);
        return u;
}

Undo *undo_free(Undo *u) {
        if (!u || atomic_fetch_sub(&u->n_owners, 1) > 1)
                return NULL;
        undo_file_close(&u->file);
        (void)pthread_mutex_destroy(&u->lock);
        (void)pages_free(u, sizeof(*u));
        return NULL;
}

/* ---- changes ---- */

static int begin_locked(Undo *u, const UndoEntry *e, uint64_t *ret_serial) {
        UndoLine l = { .verb = UNDO_VERB_BEGIN, .serial = u->last_serial + 1, .entry = *e };

        if (slot_of_setting(u, e->kind, e->id, e->pid, e->path, e->key) >= 0)
                return -EEXIST;
        int at = slot_free(u);
        if (at < 0)
                return at;
        int r = undo_file_append(&u->file, &l, next_open, u);
        if (r < 0)
                return r;
        slot_fill(u, at, l.serial, e);
        *ret_serial = l.serial;
        return 0;
}

/**
 * undo_begin() - write down a change that is about to be made
 * @e: copied; before_new is ignored. What may be changed is a fixed list of keys, values are one printable line
 *
 * Return: 0; -EINVAL for what may not be journaled, -EEXIST if this setting is open already, -ENOBUFS with
 *         UNDO_ENTRIES_MAX open; -ENOSPC and others as write(2) gives them. On failure the change must not be made.
 */
int undo_begin(Undo *u, const UndoEntry *e, uint64_t *ret_serial) {
        if (!undo_entry_is_valid(e))
                return -EINVAL;
        (void)pthread_mutex_lock(&u->lock);
        int r = begin_locked(u, e, ret_serial);
        (void)pthread_mutex_unlock(&u->lock);
        return r;
}

static int update_locked(Undo *u, const UndoLine *l) {
        int at = slot_of_serial(u, l->serial);
        if (at < 0)
                return at;
        int r = undo_file_append(&u->file, l, next_open, u);
        if (r < 0)
                return r;
        slot_set_new(u, at, l->entry.new_value);
        return 0;
}

/**
 * undo_update() - write down that another value is about to be written
 *
 * Where it then could not be written, say so by another undo_update() with the value that stands: only the last
 * two are known as ours.
 *
 * Return: 0; -ENOENT: not open; -EINVAL; as write(2). On failure the change must not be made.
 */
int undo_update(Undo *u, uint64_t serial, const char *new_value) {
        UndoLine l = { .verb = UNDO_VERB_UPDATE, .serial = serial };

        if (strlen(new_value) >= sizeof(l.entry.new_value))
                return -EINVAL;
        (void)strcpy(l.entry.new_value, new_value);
        (void)pthread_mutex_lock(&u->lock);
        int r = update_locked(u, &l);
        (void)pthread_mutex_unlock(&u->lock);
        return r;
}

int undo_hold(Undo *u, uint64_t serial, bool is_held) {
        (void)pthread_mutex_lock(&u->lock);
        int at = slot_of_serial(u, serial);
        if (at >= 0 && (u->slots[at].n_holds & 1) != is_held)
                u->slots[at].n_holds++;
        (void)pthread_mutex_unlock(&u->lock);
        return MIN(at, 0);
}

static int end_locked(Undo *u, uint64_t serial) {
        const UndoLine l = { .verb = UNDO_VERB_END, .serial = serial };

        int at = slot_of_serial(u, serial);
        if (at < 0)
                return at;
        slot_clear(u, at);
        if (u->n_open == 0)
                return undo_file_empty(&u->file);
        int r = undo_file_append(&u->file, &l, next_open, u);
        if (r < 0)
                /* It is still in the file: harmless, unless the same setting is begun once more. */
                u->file.is_behind = true;
        return r;
}

/**
 * undo_end() - strike out a change that has been put back, was found foreign, or is gone
 *
 * Return: 0; -ENOENT: not open; as write(2): it is struck out all the same, and the file is written anew before
 *         anything else is begun.
 */
int undo_end(Undo *u, uint64_t serial) {
        (void)pthread_mutex_lock(&u->lock);
        int r = end_locked(u, serial);
        (void)pthread_mutex_unlock(&u->lock);
        return r;
}

int undo_find(Undo *u, UndoKind kind, uint64_t id, int32_t pid, const char *path, const char *key, UndoEntry *ret,
              uint64_t *ret_serial) {
        (void)pthread_mutex_lock(&u->lock);
        int at = slot_of_setting(u, kind, id, pid, path, key);
        if (at >= 0) {
                if (ret)
                        *ret = u->entries[at];
                if (ret_serial)
                        *ret_serial = u->slots[at].serial;
        }
        (void)pthread_mutex_unlock(&u->lock);
        return MIN(at, 0);
}

uint64_t undo_last_serial(Undo *u) {
        (void)pthread_mutex_lock(&u->lock);
        uint64_t serial = u->last_serial;
        (void)pthread_mutex_unlock(&u->lock);
        return serial;
}

uint32_t undo_count(Undo *u) {
        (void)pthread_mutex_lock(&u->lock);
        uint32_t n = u->n_open;
        (void)pthread_mutex_unlock(&u->lock);
        return n;
}

/* ---- putting back ---- */

/* The latest entry before *@before, which is moved to it; or without @before the one of @serial. */
static int copy_entry(Undo *u, uint64_t serial, uint64_t *before, UndoCopy *ret) {
        (void)pthread_mutex_lock(&u->lock);
        int at = before ? slot_latest(u, *before) : slot_of_serial(u, serial);
        if (at >= 0) {
                *ret = (UndoCopy){ u->entries[at], u->slots[at].serial, u->slots[at].n_holds };
                if (before)
                        *before = ret->serial;
        }
        (void)pthread_mutex_unlock(&u->lock);
        return MIN(at, 0);
}

/* What a process was given, its children may have inherited without an entry of their own. */
static void restore_children(const UndoEntry *e, const UndoHost *host) {
        const char *const given[] = { e->new_value, e->before_new };
        int64_t value, own;

        if (e->kind != UNDO_OOM_SCORE_ADJ || text_parse_i64_n(e->old_value, strlen(e->old_value), &own) < 0)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(given); i++)
                if (text_parse_i64_n(given[i], strlen(given[i]), &value) >= 0)
                        (void)adjust_restore_children(host->root_fd, e->pid, (int32_t)value, (int32_t)own);
}

/* What another thread writes right now may come after what was seen: whoever writes it releases it. */
static void end_unless_held(Undo *u, const UndoCopy *c) {
        (void)pthread_mutex_lock(&u->lock);
        int at = slot_of_serial(u, c->serial);
        if (at >= 0 && u->slots[at].n_holds == c->n_holds && !(c->n_holds & 1))
                (void)end_locked(u, c->serial);
        (void)pthread_mutex_unlock(&u->lock);
}

static UndoOutcome replay_entry(Undo *u, const UndoCopy *c, const UndoHost *host, int *ret_error) {
        UndoOutcome outcome = undo_put_back(&c->entry, host, ret_error);
        if (outcome == UNDO_RESTORED || outcome == UNDO_UNCHANGED)
                restore_children(&c->entry, host);
        if (outcome != UNDO_FAILED)
                end_unless_held(u, c);
        return outcome;
}

/**
 * undo_restore() - put one change back, if it is still ours, and strike it out
 * @ret_error: why it failed, else 0; may be NULL
 *
 * Return: the outcome; UNDO_GONE where nothing is open under @serial.
 */
UndoOutcome undo_restore(Undo *u, uint64_t serial, const UndoHost *host, int *ret_error) {
        UndoOutcome outcome = UNDO_GONE;
        int error = 0;
        UndoCopy c;

        if (serial != 0 && copy_entry(u, serial, NULL, &c) >= 0) {
                outcome = undo_put_back(&c.entry, host, &error);
                if (outcome != UNDO_FAILED)
                        (void)undo_end(u, serial);
        }
        if (ret_error)
                *ret_error = error;
        return outcome;
}

typedef void (*ToldFn)(void *userdata, const UndoEntry *e, UndoOutcome outcome, int error);

/* Those of @kinds with a serial before @before; of what is to be kept only with @all more than a word. */
static int replay_some(Undo *u, const UndoHost *host, uint64_t before, uint32_t kinds, bool all, ToldFn told,
                       void *userdata) {
        int n_failed = 0;
        UndoCopy c;

        while (copy_entry(u, 0, &before, &c) >= 0) {
                int error = 0;
                if (!(kinds & UINT32_C(1) << c.entry.kind))
                        continue;
                UndoOutcome outcome =
                        c.entry.is_kept && !all ? UNDO_KEPT : replay_entry(u, &c, host, &error);
                n_failed += outcome == UNDO_FAILED;
                if (told)
                        told(userdata, &c.entry, outcome, error);
        }
        return n_failed;
}

/**
 * undo_replay() - put everything back, the latest first
 * @all:  also what is to be kept
 * @told: called for each entry, after it; may be NULL
 *
 * Return: how many failed; those stay open.
 */
int undo_replay(Undo *u, const UndoHost *host, bool all,
                void (*told)(void *userdata, const UndoEntry *e, UndoOutcome outcome, int error), void *userdata) {
        return replay_some(u, host, UINT64_MAX, UINT32_MAX, all, told, userdata);
}

/**
 * undo_replay_left() - try once more what was left by an earlier daemon
 * @last_serial: undo_last_serial() when the journal was opened
 *
 * Only of cgroups and units: measures leave a setting alone that has an entry, so these are nobody else's.
 *
 * Return: how many failed; those stay open.
 */
int undo_replay_left(Undo *u, const UndoHost *host, uint64_t last_serial,
                     void (*told)(void *userdata, const UndoEntry *e, UndoOutcome outcome, int error), void *userdata) {
        const uint32_t kinds = UINT32_C(1) << UNDO_CGROUP | UINT32_C(1) << UNDO_UNIT;
        return replay_some(u, host, u64_add_sat(last_serial, 1), kinds, /* all= */ false, told, userdata);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Order of events for each write: the setting is opened (a read-only /proc/sys is found out here, without a trace),
 * the journal is written, the value is written, the value is read back.
 *
 * overcommit_ratio and overcommit_kbytes are two views of one setting: writing one zeroes the other. So whoever
 * writes one takes the other along, and notes it first: undone in reverse order, the one that counted is written last.
 */

#include "act/sysctl.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "act/sysctl-journal.h"
#include "base/fd.h"
#include "base/text.h"

/* ---- one setting ---- */

static int sysctl_open(int root_fd, Sysctl key) {
        char path[64];

        (void)snprintf(path, sizeof(path), "proc/sys/vm/%s", sysctl_to_string(key));
        int fd = openat(root_fd, path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
        return fd < 0 ? -errno : fd;
}

static int write_value(int fd, uint64_t value, uint64_t *ret) {
        char text[24];
        ssize_t n;

        int k = snprintf(text, sizeof(text), "%" PRIu64, value);
        do
                n = pwrite(fd, text, (size_t)k, 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if (n != k)
                return -EIO;
        return fd_pread_u64(fd, ret);
}

/**
 * sysctl_write() - write one setting and read it back
 * @ret: what the kernel made of it; untouched on failure
 *
 * Return: 0; negative errno of openat(), write() or read(); -EIO where it was taken in part.
 */
int sysctl_write(int root_fd, Sysctl key, uint64_t value, uint64_t *ret) {
        _cleanup_close_ int fd = sysctl_open(root_fd, key);
        if (fd < 0)
                return fd;
        return write_value(fd, value, ret);
}

static Sysctl partner_of(Sysctl key) {
        return key == SYSCTL_OVERCOMMIT_RATIO  ? SYSCTL_OVERCOMMIT_KBYTES :
               key == SYSCTL_OVERCOMMIT_KBYTES ? SYSCTL_OVERCOMMIT_RATIO :
                                                 _SYSCTL_INVALID;
}

/* These change a number. The others go around all CPUs, or all zones, and a busy host lets them wait. */
static bool is_quick(Sysctl key) {
        return key == SYSCTL_SWAPPINESS || key == SYSCTL_PAGE_CLUSTER || key == SYSCTL_VFS_CACHE_PRESSURE;
}

/* ---- what is told ---- */

typedef struct Reports {
        SysctlReport *reports;
        uint32_t n;
} Reports;

static void tell(Reports *r, Sysctl key, SysctlEvent event, uint64_t old, uint64_t new, int error) {
        if (r->n < SYSCTL_REPORTS_MAX)
                r->reports[r->n++] =
                        (SysctlReport){ .key = key, .event = event, .old = old, .new = new, .error = error };
}

/* A state that goes on is told once. */
static void tell_once(Sysctls *s, Reports *r, Sysctl key, SysctlEvent event, uint64_t old, uint64_t new, int error) {
        SysctlKey *k = &s->keys[key];

        if (k->is_told && k->told == event && k->told_value == new && k->told_error == error)
                return;
        k->is_told = true;
        k->told = event;
        k->told_value = new;
        k->told_error = error;
        tell(r, key, event, old, new, error);
}

/* ---- life ---- */

static bool entry_values(const UndoEntry *e, uint64_t *ret_old, uint64_t *ret_new) {
        return text_parse_u64(e->old_value, ret_old) == 0 && text_parse_u64(e->new_value, ret_new) == 0;
}

void sysctls_init(Sysctls *s, int root_fd, Undo *undo, bool is_dry_run, SysctlRestore restore) {
        bool is_other_mode = false;

        *s = (Sysctls){ .root_fd = root_fd, .undo = undo, .is_dry_run = is_dry_run, .restore = restore };
        if (is_dry_run)
                return;
        for (Sysctl key = 0; key < _SYSCTL_MAX; key++) {
                SysctlKey *k = &s->keys[key];
                uint64_t serial;
                UndoEntry e;
                if (sysctls_journal_find(s, key, &e, &serial) < 0 || !entry_values(&e, &k->original, &k->ours))
                        continue;
                k->is_ours = true;
                k->asked = k->ours;
                is_other_mode = is_other_mode || restore == SYSCTL_RESTORE_NEVER ||
                                e.is_kept != (restore == SYSCTL_RESTORE_STOP);
        }
        for (Sysctl key = 0; key < _SYSCTL_MAX; key++) {
                Sysctl partner = partner_of(key);
                /* both halves in the journal: the one that is zero was taken along */
                if (partner >= 0 && s->keys[key].is_ours && s->keys[partner].is_ours && s->keys[key].ours == 0)
                        s->keys[key].is_adopted = true;
        }
        if (is_other_mode)
                sysctls_journal_anew(s);
}

void sysctls_set_mode(Sysctls *s, bool is_dry_run, SysctlRestore restore) {
        bool is_new = s->restore != restore;

        if (s->is_dry_run != is_dry_run)
                for (Sysctl key = 0; key < _SYSCTL_MAX; key++)
                        s->keys[key].is_told = false;
        for (Sysctl key = 0; key < _SYSCTL_MAX; key++)
                s->keys[key].is_released = false;
        s->is_dry_run = is_dry_run;
        s->restore = restore;
        if (s->undo && is_new)
                sysctls_journal_anew(s);
}

/* ---- setting ---- */

static bool read_now(const Sysctls *s, Sysctl key, uint64_t *ret) {
        char path[64];
        (void)snprintf(path, sizeof(path), "proc/sys/vm/%s", sysctl_to_string(key));
        return fd_read_u64_at(s->root_fd, path, ret) == 0;
}

static void note_ours(SysctlKey *k, uint64_t original, uint64_t asked, uint64_t value, bool is_adopted) {
        if (!k->is_ours)
                k->original = original;
        k->is_ours = true;
        k->is_adopted = is_adopted;
        k->is_foreign = false;
        k->asked = asked;
        k->ours = value;
}

static void set_failed(Sysctls *s, Reports *r, Sysctl key, uint64_t old, uint64_t new, int error) {
        tell_once(s, r, key, SYSCTL_EVENT_FAILED, old, new, error);
}

/* What the kernel has refused once it refuses again: not tried before another value is wanted. */
static bool is_refused(const SysctlKey *k, uint64_t value) {
        return k->is_told && k->told == SYSCTL_EVENT_FAILED && k->told_error == -EINVAL && k->told_value == value;
}

/* The other half, which the write will zero. False where there is none, or it is zero and of no concern. */
static bool find_partner(const Sysctls *s, Sysctl key, uint64_t *ret_old) {
        Sysctl partner = partner_of(key);
        return partner >= 0 && read_now(s, partner, ret_old) && (*ret_old != 0 || s->keys[partner].is_ours);
}

static int note_and_write(Sysctls *s, int fd, Sysctl key, uint64_t old, uint64_t value, uint64_t *ret) {
        Sysctl partner = partner_of(key);
        uint64_t partner_old;
        bool has_partner = find_partner(s, key, &partner_old);

        int r = has_partner ? sysctls_journal_note(s, partner, partner_old, 0) : 0;
        if (r >= 0)
                r = sysctls_journal_note(s, key, old, value);
        if (r >= 0)
                r = write_value(fd, value, ret);
        if (r < 0) {
                if (!s->keys[key].is_ours)
                        sysctls_journal_strike(s, key);
                if (has_partner && !s->keys[partner].is_ours)
                        sysctls_journal_strike(s, partner);
                return r;
        }
        if (has_partner)
                note_ours(&s->keys[partner], partner_old, 0, 0, /* is_adopted= */ true);
        return 0;
}

static void set_value(Sysctls *s, Reports *r, Sysctl key, uint64_t value, uint64_t old) {
        SysctlKey *k = &s->keys[key];
        uint64_t read_back;

        _cleanup_close_ int fd = sysctl_open(s->root_fd, key);
        int error = fd < 0 ? fd : note_and_write(s, fd, key, old, value, &read_back);
        if (error < 0) {
                set_failed(s, r, key, old, value, error);
                return;
        }
        note_ours(k, old, value, read_back, /* is_adopted= */ false);
        k->is_told = false;
        if (read_back != value) {
                (void)sysctls_journal_note(s, key, k->original, read_back);
                tell(r, key, SYSCTL_EVENT_ROUNDED, value, read_back, 0);
        }
        tell(r, key, SYSCTL_EVENT_SET, old, read_back, 0);
}

/* ---- putting back ---- */

static void forget(Sysctls *s, Sysctl key) {
        Sysctl partner = partner_of(key);

        sysctls_journal_strike(s, key);
        s->keys[key] = (SysctlKey){};
        if (partner >= 0 && s->keys[partner].is_adopted)
                forget(s, partner);
}

/* One setting. The journal, where there is one, does the work: it looks whether the value is still ours. */
static void put_back(Sysctls *s, Reports *r, Sysctl key, uint64_t now) {
        const UndoHost host = { .root_fd = s->root_fd, .cgroup_fd = -EBADF };
        SysctlKey *k = &s->keys[key];
        uint64_t serial, read_back, original = k->original, ours = k->ours;
        int error = 0;

        if (now == original) {
                forget(s, key);
                return;
        }
        if (now != ours) {
                tell_once(s, r, key, SYSCTL_EVENT_DRIFT, ours, now, 0);
                forget(s, key);
                return;
        }
        if (sysctls_journal_find(s, key, NULL, &serial) >= 0) {
                UndoOutcome outcome = undo_restore(s->undo, serial, &host, &error);
                if (outcome != UNDO_FAILED)
                        error = 0;
        } else
                error = sysctl_write(s->root_fd, key, original, &read_back);
        if (error < 0) {
                tell_once(s, r, key, SYSCTL_EVENT_FAILED, now, original, error);
                return;
        }
        s->keys[key] = (SysctlKey){};
        tell(r, key, SYSCTL_EVENT_PUT_BACK, ours, original, 0);
}

/*
 * @key with what was taken along. The values are read anew, since each write may change the other: what was taken
 * along is what counted before, and writing it zeroes the other. Where somebody else has set one of the two, writing
 * either would wipe that out: then both stay.
 */
static void release(Sysctls *s, Reports *r, Sysctl key) {
        Sysctl partner = partner_of(key);
        uint64_t now, now_partner;

        if (!read_now(s, key, &now)) {
                forget(s, key);
                return;
        }
        if (partner >= 0 && s->keys[partner].is_ours && s->keys[partner].is_adopted &&
            read_now(s, partner, &now_partner)) {
                if (now == s->keys[key].ours && now_partner == s->keys[partner].ours)
                        put_back(s, r, partner, now_partner);
                else
                        forget(s, partner);
                if (s->keys[partner].is_ours || !read_now(s, key, &now))
                        return;
        }
        put_back(s, r, key, now);
}

void sysctls_note_released(Sysctls *s) {
        for (Sysctl key = 0; key < _SYSCTL_MAX; key++) {
                const SysctlKey *k = &s->keys[key];
                uint64_t now;
                /* struck out, and as it was: the rest failed, or is somebody else's */
                if (k->is_ours && s->undo && s->restore != SYSCTL_RESTORE_NEVER &&
                    sysctls_journal_find(s, key, NULL, NULL) == -ENOENT && read_now(s, key, &now) && now == k->original)
                        s->keys[key] = (SysctlKey){ .is_released = true };
        }
}

/* ---- all ---- */

static bool settings_equal(const SysctlSetting *a, const SysctlSetting *b) {
        return a->mode == b->mode && a->value == b->value;
}

/* Has somebody else changed it? Told once; another setting in the configuration begins anew. */
static bool look_for_drift(Sysctls *s, Reports *r, Sysctl key, const SysctlSetting *setting, uint64_t now) {
        SysctlKey *k = &s->keys[key];

        if (!k->is_ours || k->is_adopted)
                return false;
        if (now == k->ours) {
                k->is_foreign = false;
                return false;
        }
        if (!k->is_foreign) {
                k->is_foreign = true;
                k->foreign_setting = *setting;
        } else if (!settings_equal(&k->foreign_setting, setting)) {
                /* what is there now is what was there before us */
                forget(s, key);
                return false;
        }
        k->foreign = now;
        tell_once(s, r, key, SYSCTL_EVENT_DRIFT, k->ours, now, 0);
        return true;
}

static bool is_in_force(const Sysctls *s, const TuneDecision *d, Sysctl key) {
        const SysctlAdvice *a = &d->advice[key];
        uint64_t now;

        if (!a->is_wanted || a->is_held)
                return true;
        return read_now(s, key, &now) &&
               (now == a->wanted || (s->keys[key].is_ours && s->keys[key].asked == a->wanted));
}

/* Strict overcommit only when the limit that was weighed is the one in force. */
static bool limit_is_in_force(const Sysctls *s, const TuneDecision *d) {
        return is_in_force(s, d, SYSCTL_OVERCOMMIT_RATIO) && is_in_force(s, d, SYSCTL_OVERCOMMIT_KBYTES);
}

/* What was set and is wanted no more. Where the other half is wanted now, its write takes this one along. */
static void unset(Sysctls *s, Reports *r, Sysctl key, const TuneDecision *d, bool may_wait) {
        const SysctlKey *k = &s->keys[key];
        Sysctl partner = partner_of(key);

        if (!k->is_ours || k->is_adopted || s->is_dry_run || (partner >= 0 && d->advice[partner].is_wanted))
                return;
        if (may_wait || is_quick(key))
                release(s, r, key);
}

static void apply_one(Sysctls *s, Reports *r, const SysctlPolicy *p, const SysctlSample *sample, const TuneDecision *d,
                      Sysctl key, bool may_wait) {
        const SysctlAdvice *a = &d->advice[key];
        SysctlKey *k = &s->keys[key];
        uint64_t now = sample->value[key];

        if (!sysctl_has(sample, key)) {
                if (a->is_wanted)
                        set_failed(s, r, key, 0, a->wanted, sample->error[key]);
                return;
        }
        if (k->is_released || look_for_drift(s, r, key, &p->settings[key], now))
                return;
        if (!a->is_wanted)
                unset(s, r, key, d, may_wait);
        else if (a->is_held)
                tell_once(s, r, key, SYSCTL_EVENT_HELD, now, a->wanted, 0);
        else if (now == a->wanted || (k->is_ours && k->asked == a->wanted))
                k->is_told = false;
        else if (s->is_dry_run)
                tell_once(s, r, key, SYSCTL_EVENT_WOULD_SET, now, a->wanted, 0);
        else if (!is_refused(k, a->wanted) && (may_wait || is_quick(key)) &&
                 (key != SYSCTL_OVERCOMMIT_MEMORY || a->wanted != OVERCOMMIT_STRICT || limit_is_in_force(s, d)))
                set_value(s, r, key, a->wanted, now);
}

uint32_t sysctls_apply(Sysctls *s, const SysctlPolicy *p, const SysctlSample *sample, const TuneDecision *d,
                       bool may_wait, SysctlReport ret[SYSCTL_REPORTS_MAX]) {
        Reports r = { .reports = ret };

        for (size_t i = 0; i < ARRAY_SIZE(d->order); i++)
                apply_one(s, &r, p, sample, d, d->order[i], may_wait);
        return r.n;
}

uint32_t sysctls_release(Sysctls *s, SysctlReport ret[SYSCTL_REPORTS_MAX]) {
        const SysctlKey *mode = &s->keys[SYSCTL_OVERCOMMIT_MEMORY];
        Reports r = { .reports = ret };

        if (s->restore == SYSCTL_RESTORE_NEVER || s->is_dry_run)
                return 0;
        /* As when it was set: strict goes off before its limit changes, and on after. */
        bool mode_last = mode->is_ours && mode->original == OVERCOMMIT_STRICT;
        if (mode->is_ours && !mode_last)
                release(s, &r, SYSCTL_OVERCOMMIT_MEMORY);
        for (Sysctl key = _SYSCTL_MAX; key-- > 0;)
                if (s->keys[key].is_ours && !s->keys[key].is_adopted && key != SYSCTL_OVERCOMMIT_MEMORY)
                        release(s, &r, key);
        if (mode_last)
                release(s, &r, SYSCTL_OVERCOMMIT_MEMORY);
        return r.n;
}

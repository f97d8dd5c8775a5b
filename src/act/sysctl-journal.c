/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "act/sysctl-journal.h"

#include <inttypes.h>
#include <stdio.h>

static bool is_journaled(const Sysctls *s) {
        return s->undo && s->restore != SYSCTL_RESTORE_NEVER;
}

int sysctls_journal_find(const Sysctls *s, Sysctl key, UndoEntry *ret, uint64_t *ret_serial) {
        if (!s->undo)
                return -ENOENT;
        return undo_find(s->undo, UNDO_SYSCTL, 0, 0, "", sysctl_to_string(key), ret, ret_serial);
}

static int journal_begin(const Sysctls *s, Sysctl key, uint64_t old, uint64_t new) {
        UndoEntry e = { .kind = UNDO_SYSCTL, .is_kept = s->restore == SYSCTL_RESTORE_STOP };
        uint64_t serial;

        (void)snprintf(e.key, sizeof(e.key), "%s", sysctl_to_string(key));
        (void)snprintf(e.old_value, sizeof(e.old_value), "%" PRIu64, old);
        (void)snprintf(e.new_value, sizeof(e.new_value), "%" PRIu64, new);
        return undo_begin(s->undo, &e, &serial);
}

/* Before @key is written: 0 where there is nothing to note. */
int sysctls_journal_note(const Sysctls *s, Sysctl key, uint64_t old, uint64_t new) {
        uint64_t serial;
        char text[24];

        if (!is_journaled(s))
                return 0;
        int r = sysctls_journal_find(s, key, NULL, &serial);
        if (r == -ENOENT)
                return journal_begin(s, key, old, new);
        if (r < 0)
                return r;
        (void)snprintf(text, sizeof(text), "%" PRIu64, new);
        return undo_update(s->undo, serial, text);
}

void sysctls_journal_strike(const Sysctls *s, Sysctl key) {
        uint64_t serial;
        if (sysctls_journal_find(s, key, NULL, &serial) >= 0)
                (void)undo_end(s->undo, serial);
}

/* In two rounds, so that the two halves keep their order: the one that was taken along was noted first. */
void sysctls_journal_anew(const Sysctls *s) {
        for (int round = 0; round < 2; round++)
                for (Sysctl key = 0; key < _SYSCTL_MAX; key++) {
                        const SysctlKey *k = &s->keys[key];
                        if (!k->is_ours || k->is_adopted != (round == 0))
                                continue;
                        sysctls_journal_strike(s, key);
                        if (is_journaled(s))
                                (void)journal_begin(s, key, k->original, k->ours);
                }
}

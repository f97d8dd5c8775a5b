/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Carries out what the decision core says of the settings below /proc/sys/vm, and remembers what was there before.
 * It writes where there is a difference and nowhere else, looks at what the kernel made of it, and leaves a setting
 * alone as soon as somebody else has changed it: two that write the same setting in turn are worse than either.
 */

#include "act/undo.h"
#include "base/macros.h"
#include "model/sysctl.h"

/* What happened to one setting; each is handed out once, until it is something else. */
typedef enum SysctlEvent {
        SYSCTL_EVENT_SET,       /* from @old to @new */
        SYSCTL_EVENT_WOULD_SET, /* dry run: it would have been */
        SYSCTL_EVENT_PUT_BACK,  /* from @old to @new, the value from before */
        SYSCTL_EVENT_HELD,      /* wanted, but the decision core holds it back: see its advice */
        SYSCTL_EVENT_DRIFT,     /* somebody else has set @new where we had set @old: left alone */
        SYSCTL_EVENT_FAILED,    /* @new could not be written, see @error: skipped */
        SYSCTL_EVENT_ROUNDED,   /* the kernel made @new of @old */
        _SYSCTL_EVENT_MAX,
        _SYSCTL_EVENT_INVALID = -EINVAL,
} SysctlEvent;

typedef struct SysctlReport {
        Sysctl key;
        SysctlEvent event;
        uint64_t old, new;
        int error; /* negative errno */
} SysctlReport;

/* At most two of one setting at once. */
#define SYSCTL_REPORTS_MAX (2 * _SYSCTL_MAX)

typedef struct SysctlKey {
        bool is_ours;           /* we have written it */
        bool is_adopted;        /* set without being asked for, as the other half of overcommit_ratio and _kbytes */
        bool is_foreign;        /* somebody else has changed it since */
        bool is_released;       /* was put back by hand: left alone until the next reload */
        uint64_t original;
        uint64_t asked, ours; /* what was written last, and what the kernel made of it */
        uint64_t foreign;
        SysctlSetting foreign_setting; /* that was in force then: another one begins anew */
        bool is_told;           /* the last report on it, and its value */
        SysctlEvent told;
        uint64_t told_value;
        int told_error;
} SysctlKey;

typedef struct Sysctls {
        int root_fd; /* borrowed */
        Undo *undo;  /* borrowed; NULL: remembered here only */
        bool is_dry_run;
        SysctlRestore restore;
        SysctlKey keys[_SYSCTL_MAX];
} Sysctls;

/* What an earlier daemon has left in the journal (Restore=stop) counts as ours. */
void sysctls_init(Sysctls *s, int root_fd, Undo *undo, bool is_dry_run, SysctlRestore restore);
/* After a reload. What is in force stays so; the journal follows @restore. */
void sysctls_set_mode(Sysctls *s, bool is_dry_run, SysctlRestore restore);
/*
 * After a replay of the journal by hand: what it has put back is nobody's drift, and is not set again before the next
 * sysctls_set_mode().
 */
void sysctls_note_released(Sysctls *s);
/*
 * @sample: as read right before; @may_wait: also what may take the kernel a while (it talks to all CPUs). Returns how
 * many reports; never fails as a whole.
 */
uint32_t sysctls_apply(Sysctls *s, const SysctlPolicy *p, const SysctlSample *sample, const TuneDecision *d,
                       bool may_wait, SysctlReport ret[SYSCTL_REPORTS_MAX]);
/* At the end: puts everything back, unless restore says never. */
uint32_t sysctls_release(Sysctls *s, SysctlReport ret[SYSCTL_REPORTS_MAX]);

/* One setting: -EROFS, -EACCES ... as the kernel says; -EINVAL: out of its range. *ret: what is there afterwards. */
int sysctl_write(int root_fd, Sysctl key, uint64_t value, uint64_t *ret);

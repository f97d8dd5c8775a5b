/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Settings written to a tree of files that stands in for /proc/sys/vm. The kernel's own reactions (one half of the
 * overcommit pair zeroes the other, values out of range) are played by the test or left to the guest. A file keeps
 * what lies behind a shorter text, /proc does not: so values here have as many digits as those that they replace.
 */

#include "test.h"

#include <inttypes.h>
#include <string.h>

#include "act/sysctl.h"
#include "base/fd.h"
#include "tree.h"

typedef struct Desk {
        Tree tree, run;
        Undo *undo;
        Sysctls s;
        SysctlPolicy policy;
        SysctlSample sample;
        TuneDecision d;
        SysctlReport reports[SYSCTL_REPORTS_MAX];
        uint32_t n;
} Desk;

static const uint64_t defaults[] = {
        [SYSCTL_SWAPPINESS] = 60,          [SYSCTL_OVERCOMMIT_RATIO] = 50,       [SYSCTL_OVERCOMMIT_KBYTES] = 0,
        [SYSCTL_ADMIN_RESERVE_KBYTES] = 8192, [SYSCTL_USER_RESERVE_KBYTES] = 131072, [SYSCTL_OVERCOMMIT_MEMORY] = 0,
        [SYSCTL_MIN_FREE_KBYTES] = 67584,  [SYSCTL_WATERMARK_SCALE_FACTOR] = 10, [SYSCTL_WATERMARK_BOOST_FACTOR] = 15000,
        [SYSCTL_PAGE_CLUSTER] = 3,         [SYSCTL_VFS_CACHE_PRESSURE] = 100,
};

static void host_write(Desk *t, Sysctl key, uint64_t v) {
        char path[64], text[32];
        (void)snprintf(path, sizeof(path), "proc/sys/vm/%s", sysctl_to_string(key));
        (void)snprintf(text, sizeof(text), "%" PRIu64 "\n", v);
        tree_write(&t->tree, path, text);
}

static uint64_t host_read(const Desk *t, Sysctl key) {
        char path[64];
        uint64_t v = UINT64_MAX;
        (void)snprintf(path, sizeof(path), "proc/sys/vm/%s", sysctl_to_string(key));
        (void)fd_read_u64_at(t->tree.fd, path, &v);
        return v;
}

static void desk_open_undo(Desk *t) {
        assert_int_equal(undo_open(t->run.fd, NULL, &t->undo), 0);
}

static void desk_open(Desk *t, SysctlRestore restore) {
        *t = (Desk){ .policy = { .restore = restore } };
        tree_open(&t->tree);
        tree_open(&t->run);
        for (Sysctl k = 0; k < _SYSCTL_MAX; k++) {
                host_write(t, k, defaults[k]);
                t->d.order[k] = k;
        }
        desk_open_undo(t);
        sysctls_init(&t->s, t->tree.fd, t->undo, false, restore);
}

static void desk_close(Desk *t) {
        undo_free(t->undo);
        tree_close(&t->tree);
        tree_close(&t->run);
}

/* As if killed: the file of the journal is all that is left. @is_replayed: what the next start does first. */
static void desk_crash(Desk *t, bool is_replayed, SysctlRestore restore) {
        const UndoHost host = { .root_fd = t->tree.fd, .cgroup_fd = -EBADF };
        undo_free(t->undo);
        desk_open_undo(t);
        if (is_replayed)
                assert_int_equal(undo_replay(t->undo, &host, false, NULL, NULL), 0);
        sysctls_init(&t->s, t->tree.fd, t->undo, false, restore);
}

static void want(Desk *t, Sysctl key, uint64_t v) {
        t->d.advice[key] = (SysctlAdvice){ .is_wanted = true, .wanted = v, .why = SYSCTL_WHY_CONFIGURED };
        t->policy.settings[key] = (SysctlSetting){ .mode = SYSCTL_VALUE, .value = v };
}

static void unwant(Desk *t, Sysctl key) {
        t->d.advice[key] = (SysctlAdvice){};
        t->policy.settings[key] = (SysctlSetting){};
}

static uint32_t apply_when(Desk *t, bool may_wait) {
        t->sample = (SysctlSample){};
        for (Sysctl k = 0; k < _SYSCTL_MAX; k++) {
                uint64_t v = host_read(t, k);
                if (v != UINT64_MAX)
                        sysctl_set(&t->sample, k, v);
                else
                        t->sample.error[k] = -ENOENT;
        }
        memset(t->reports, 0x5a, sizeof(t->reports));
        t->n = sysctls_apply(&t->s, &t->policy, &t->sample, &t->d, may_wait, t->reports);
        return t->n;
}

static uint32_t apply(Desk *t) {
        return apply_when(t, true);
}

static void assert_report(const Desk *t, uint32_t i, Sysctl key, SysctlEvent event, uint64_t old, uint64_t new) {
        assert_true(i < t->n);
        assert_int_equal(t->reports[i].key, key);
        assert_int_equal(t->reports[i].event, event);
        assert_int_equal(t->reports[i].old, old);
        assert_int_equal(t->reports[i].new, new);
}

static void assert_all_default(const Desk *t) {
        for (Sysctl k = 0; k < _SYSCTL_MAX; k++)
                if (host_read(t, k) != defaults[k])
                        fail_msg("%s is %" PRIu64, sysctl_to_string(k), host_read(t, k));
}

/* ---- setting ---- */

static void test_set_and_release(void **state) {
        (void)state;
        for (int with_undo = 0; with_undo < 2; with_undo++) {
                Desk t;
                desk_open(&t, SYSCTL_RESTORE_EXIT);
                if (!with_undo)
                        sysctls_init(&t.s, t.tree.fd, NULL, false, SYSCTL_RESTORE_EXIT);
                want(&t, SYSCTL_SWAPPINESS, 80);
                want(&t, SYSCTL_PAGE_CLUSTER, 3); /* is so already */
                want(&t, SYSCTL_VFS_CACHE_PRESSURE, 150);
                assert_int_equal(apply(&t), 2);
                assert_report(&t, 0, SYSCTL_SWAPPINESS, SYSCTL_EVENT_SET, 60, 80);
                assert_report(&t, 1, SYSCTL_VFS_CACHE_PRESSURE, SYSCTL_EVENT_SET, 100, 150);
                assert_int_equal(host_read(&t, SYSCTL_SWAPPINESS), 80);
                assert_int_equal(undo_count(t.undo), with_undo ? 2 : 0);
                assert_int_equal(apply(&t), 0); /* only on a difference */
                want(&t, SYSCTL_SWAPPINESS, 70);
                assert_int_equal(apply(&t), 1);
                assert_report(&t, 0, SYSCTL_SWAPPINESS, SYSCTL_EVENT_SET, 80, 70);
                assert_int_equal(undo_count(t.undo), with_undo ? 2 : 0);
                t.n = sysctls_release(&t.s, t.reports);
                assert_int_equal(t.n, 2);
                assert_report(&t, 0, SYSCTL_VFS_CACHE_PRESSURE, SYSCTL_EVENT_PUT_BACK, 150, 100);
                assert_report(&t, 1, SYSCTL_SWAPPINESS, SYSCTL_EVENT_PUT_BACK, 70, 60);
                assert_all_default(&t);
                assert_int_equal(undo_count(t.undo), 0);
                assert_int_equal(sysctls_release(&t.s, t.reports), 0);
                desk_close(&t);
        }
}

/* A setting that the configuration says nothing of any more. */
static void test_unset(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        want(&t, SYSCTL_MIN_FREE_KBYTES, 99999);
        assert_int_equal(apply(&t), 1);
        unwant(&t, SYSCTL_MIN_FREE_KBYTES);
        assert_int_equal(apply_when(&t, false), 0); /* not while the host is busy */
        assert_int_equal(apply(&t), 1);
        assert_report(&t, 0, SYSCTL_MIN_FREE_KBYTES, SYSCTL_EVENT_PUT_BACK, 99999, 67584);
        assert_all_default(&t);
        assert_int_equal(undo_count(t.undo), 0);
        desk_close(&t);
}

static void test_never(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_NEVER);
        want(&t, SYSCTL_SWAPPINESS, 80);
        assert_int_equal(apply(&t), 1);
        assert_int_equal(undo_count(t.undo), 0);
        assert_int_equal(sysctls_release(&t.s, t.reports), 0);
        assert_int_equal(host_read(&t, SYSCTL_SWAPPINESS), 80);
        desk_close(&t);
}

static void test_busy(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        for (Sysctl k = 0; k < _SYSCTL_MAX; k++)
                if (k != SYSCTL_OVERCOMMIT_KBYTES)
                        want(&t, k, defaults[k] + 1);
        assert_int_equal(apply_when(&t, false), 3);
        assert_report(&t, 0, SYSCTL_SWAPPINESS, SYSCTL_EVENT_SET, 60, 61);
        assert_report(&t, 1, SYSCTL_PAGE_CLUSTER, SYSCTL_EVENT_SET, 3, 4);
        assert_report(&t, 2, SYSCTL_VFS_CACHE_PRESSURE, SYSCTL_EVENT_SET, 100, 101);
        assert_int_equal(apply(&t), 7);
        desk_close(&t);
}

static void test_dry_run(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        sysctls_init(&t.s, t.tree.fd, t.undo, true, SYSCTL_RESTORE_EXIT);
        want(&t, SYSCTL_SWAPPINESS, 80);
        assert_int_equal(apply(&t), 1);
        assert_report(&t, 0, SYSCTL_SWAPPINESS, SYSCTL_EVENT_WOULD_SET, 60, 80);
        assert_int_equal(apply(&t), 0); /* said once for each difference */
        want(&t, SYSCTL_SWAPPINESS, 70);
        assert_int_equal(apply(&t), 1);
        host_write(&t, SYSCTL_SWAPPINESS, 70);
        assert_int_equal(apply(&t), 0);
        host_write(&t, SYSCTL_SWAPPINESS, 60);
        assert_int_equal(apply(&t), 1);
        assert_int_equal(sysctls_release(&t.s, t.reports), 0);
        assert_int_equal(undo_count(t.undo), 0);
        assert_all_default(&t);
        /* in earnest after a reload: as if it were new */
        sysctls_set_mode(&t.s, false, SYSCTL_RESTORE_EXIT);
        assert_int_equal(apply(&t), 1);
        assert_report(&t, 0, SYSCTL_SWAPPINESS, SYSCTL_EVENT_SET, 60, 70);
        desk_close(&t);
}

static void test_held(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        want(&t, SYSCTL_OVERCOMMIT_MEMORY, 2);
        t.d.advice[SYSCTL_OVERCOMMIT_MEMORY].is_held = true;
        assert_int_equal(apply(&t), 1);
        assert_report(&t, 0, SYSCTL_OVERCOMMIT_MEMORY, SYSCTL_EVENT_HELD, 0, 2);
        assert_int_equal(apply(&t), 0);
        assert_all_default(&t);
        t.d.advice[SYSCTL_OVERCOMMIT_MEMORY].is_held = false;
        assert_int_equal(apply(&t), 1);
        assert_report(&t, 0, SYSCTL_OVERCOMMIT_MEMORY, SYSCTL_EVENT_SET, 0, 2);
        desk_close(&t);
}

/* ---- what goes wrong ---- */

/* A link is not followed, wherever it leads. */
static void test_not_writable(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        want(&t, SYSCTL_SWAPPINESS, 80);
        want(&t, SYSCTL_PAGE_CLUSTER, 0);
        assert_int_equal(unlinkat(t.tree.fd, "proc/sys/vm/swappiness", 0), 0);
        tree_write(&t.tree, "elsewhere", "60\n");
        assert_int_equal(symlinkat("../../../elsewhere", t.tree.fd, "proc/sys/vm/swappiness"), 0);
        assert_int_equal(apply(&t), 2);
        assert_report(&t, 0, SYSCTL_SWAPPINESS, SYSCTL_EVENT_FAILED, 60, 80);
        assert_int_equal(t.reports[0].error, -ELOOP);
        assert_report(&t, 1, SYSCTL_PAGE_CLUSTER, SYSCTL_EVENT_SET, 3, 0); /* the next one all the same */
        assert_int_equal(undo_count(t.undo), 1);                          /* nothing is noted of what was not done */
        assert_int_equal(apply(&t), 0);                                   /* said once */
        want(&t, SYSCTL_SWAPPINESS, 70);
        assert_int_equal(apply(&t), 1);
        desk_close(&t);
}

static void test_read_only(void **state) {
        (void)state;
        Desk t;
        bool is_root = geteuid() == 0;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        assert_int_equal(fchmod(t.tree.fd, 0755), 0);
        assert_int_equal(fchmodat(t.tree.fd, "proc/sys/vm/swappiness", 0444, 0), 0);
        want(&t, SYSCTL_SWAPPINESS, 80);
        if (is_root) /* whom no mode holds back */
                assert_int_equal(seteuid(65534), 0);
        uint32_t n = apply(&t);
        int error = t.reports[0].error;
        uint32_t again = apply(&t);
        if (is_root)
                assert_int_equal(seteuid(0), 0);
        assert_int_equal(n, 1);
        assert_int_equal(error, -EACCES);
        assert_int_equal(again, 0);
        assert_all_default(&t);
        assert_int_equal(undo_count(t.undo), 0);
        desk_close(&t);
}

static void test_vanished(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        want(&t, SYSCTL_WATERMARK_BOOST_FACTOR, 0);
        want(&t, SYSCTL_SWAPPINESS, 80);
        assert_int_equal(unlinkat(t.tree.fd, "proc/sys/vm/watermark_boost_factor", 0), 0);
        assert_int_equal(apply(&t), 2);
        assert_report(&t, 1, SYSCTL_WATERMARK_BOOST_FACTOR, SYSCTL_EVENT_FAILED, 0, 0);
        assert_int_equal(t.reports[1].error, -ENOENT);
        assert_int_equal(apply(&t), 0);
        /* and one that goes after it was set */
        assert_int_equal(unlinkat(t.tree.fd, "proc/sys/vm/swappiness", 0), 0);
        assert_int_equal(apply(&t), 1);
        assert_int_equal(sysctls_release(&t.s, t.reports), 0);
        assert_int_equal(undo_count(t.undo), 0);
        desk_close(&t);
}

/* The kernel makes another value of it: told once, and not tried again and again. 80 over 12345 reads 80345. */
static void test_rounded(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        host_write(&t, SYSCTL_SWAPPINESS, 12345);
        want(&t, SYSCTL_SWAPPINESS, 80);
        assert_int_equal(apply(&t), 2);
        assert_report(&t, 0, SYSCTL_SWAPPINESS, SYSCTL_EVENT_ROUNDED, 80, 80345);
        assert_report(&t, 1, SYSCTL_SWAPPINESS, SYSCTL_EVENT_SET, 12345, 80345);
        for (int i = 0; i < 3; i++)
                assert_int_equal(apply(&t), 0);
        assert_int_equal(sysctls_release(&t.s, t.reports), 1);
        assert_int_equal(host_read(&t, SYSCTL_SWAPPINESS), 12345);
        desk_close(&t);
}

/* ---- drift ---- */

static void test_drift(void **state) {
        (void)state;
        static const uint64_t others[] = { 30, 60 }; /* something else; what was there before */
        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                Desk t;
                desk_open(&t, SYSCTL_RESTORE_EXIT);
                want(&t, SYSCTL_SWAPPINESS, 80);
                assert_int_equal(apply(&t), 1);
                host_write(&t, SYSCTL_SWAPPINESS, others[i]);
                assert_int_equal(apply(&t), 1);
                assert_report(&t, 0, SYSCTL_SWAPPINESS, SYSCTL_EVENT_DRIFT, 80, others[i]);
                for (int k = 0; k < 5; k++)
                        assert_int_equal(apply(&t), 0);
                t.d.advice[SYSCTL_SWAPPINESS].wanted = 70; /* auto goes on; the setting is left alone all the same */
                assert_int_equal(apply(&t), 0);
                assert_int_equal(host_read(&t, SYSCTL_SWAPPINESS), others[i]);
                /* back to ours: ours again */
                host_write(&t, SYSCTL_SWAPPINESS, 80);
                t.d.advice[SYSCTL_SWAPPINESS].wanted = 80;
                assert_int_equal(apply(&t), 0);
                host_write(&t, SYSCTL_SWAPPINESS, others[i]);
                (void)apply(&t);
                /* the configuration says something else: begins anew, with what is there as what was before */
                want(&t, SYSCTL_SWAPPINESS, 90);
                assert_int_equal(apply(&t), 1);
                assert_report(&t, 0, SYSCTL_SWAPPINESS, SYSCTL_EVENT_SET, others[i], 90);
                assert_int_equal(sysctls_release(&t.s, t.reports), 1);
                assert_int_equal(host_read(&t, SYSCTL_SWAPPINESS), others[i]);
                desk_close(&t);
        }
}

/* headroomctl release: what it puts back is no drift, and stays back until the configuration is read again. */
static void test_released_by_hand(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        const UndoHost host = { .root_fd = t.tree.fd, .cgroup_fd = -EBADF };
        want(&t, SYSCTL_SWAPPINESS, 80);
        want(&t, SYSCTL_OVERCOMMIT_RATIO, 70);
        want(&t, SYSCTL_VFS_CACHE_PRESSURE, 150);
        assert_int_equal(apply(&t), 3);
        host_write(&t, SYSCTL_VFS_CACHE_PRESSURE, 300);
        assert_int_equal(undo_replay(t.undo, &host, true, NULL, NULL), 0);
        sysctls_note_released(&t.s);
        assert_int_equal(host_read(&t, SYSCTL_SWAPPINESS), 60);
        /* somebody else's stays somebody else's */
        assert_int_equal(apply(&t), 1);
        assert_report(&t, 0, SYSCTL_VFS_CACHE_PRESSURE, SYSCTL_EVENT_DRIFT, 150, 300);
        t.d.advice[SYSCTL_SWAPPINESS].wanted = 75; /* auto goes on */
        for (int k = 0; k < 3; k++)
                assert_int_equal(apply(&t), 0);
        assert_true(t.s.keys[SYSCTL_SWAPPINESS].is_released);
        assert_false(t.s.keys[SYSCTL_SWAPPINESS].is_foreign);
        assert_int_equal(host_read(&t, SYSCTL_SWAPPINESS), 60);
        assert_int_equal(host_read(&t, SYSCTL_OVERCOMMIT_RATIO), 50);
        /* nothing of it is put back a second time */
        host_write(&t, SYSCTL_SWAPPINESS, 40);
        sysctls_set_mode(&t.s, false, SYSCTL_RESTORE_EXIT);
        assert_int_equal(apply(&t), 2);
        assert_report(&t, 0, SYSCTL_SWAPPINESS, SYSCTL_EVENT_SET, 40, 75);
        assert_report(&t, 1, SYSCTL_OVERCOMMIT_RATIO, SYSCTL_EVENT_SET, 50, 70);
        (void)sysctls_release(&t.s, t.reports);
        assert_int_equal(host_read(&t, SYSCTL_SWAPPINESS), 40);
        assert_int_equal(host_read(&t, SYSCTL_OVERCOMMIT_RATIO), 50);
        desk_close(&t);
}

/* What could not be put back by hand, or is not in the journal, is in force as before. */
static void test_not_released_by_hand(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_NEVER);
        want(&t, SYSCTL_SWAPPINESS, 80);
        assert_int_equal(apply(&t), 1);
        sysctls_note_released(&t.s);
        assert_false(t.s.keys[SYSCTL_SWAPPINESS].is_released);
        assert_int_equal(apply(&t), 0);
        desk_close(&t);
}

static void test_drift_at_the_end(void **state) {
        (void)state;
        for (int with_undo = 0; with_undo < 2; with_undo++) {
                Desk t;
                desk_open(&t, SYSCTL_RESTORE_EXIT);
                if (!with_undo)
                        sysctls_init(&t.s, t.tree.fd, NULL, false, SYSCTL_RESTORE_EXIT);
                want(&t, SYSCTL_SWAPPINESS, 80);
                want(&t, SYSCTL_PAGE_CLUSTER, 0);
                assert_int_equal(apply(&t), 2);
                host_write(&t, SYSCTL_SWAPPINESS, 30);
                t.n = sysctls_release(&t.s, t.reports);
                assert_int_equal(t.n, 2);
                assert_report(&t, 0, SYSCTL_PAGE_CLUSTER, SYSCTL_EVENT_PUT_BACK, 0, 3);
                assert_report(&t, 1, SYSCTL_SWAPPINESS, SYSCTL_EVENT_DRIFT, 80, 30);
                assert_int_equal(host_read(&t, SYSCTL_SWAPPINESS), 30);
                assert_int_equal(undo_count(t.undo), 0);
                desk_close(&t);
        }
}

/* ---- the two halves ---- */

/* What the kernel does when one of them is written. */
static void kernel_zeroes(Desk *t, Sysctl written) {
        host_write(t, written == SYSCTL_OVERCOMMIT_RATIO ? SYSCTL_OVERCOMMIT_KBYTES : SYSCTL_OVERCOMMIT_RATIO, 0);
}

static void test_pair(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        want(&t, SYSCTL_OVERCOMMIT_KBYTES, 500000);
        assert_int_equal(apply(&t), 1);
        kernel_zeroes(&t, SYSCTL_OVERCOMMIT_KBYTES);
        assert_int_equal(undo_count(t.undo), 2); /* the ratio is noted, too */
        for (int i = 0; i < 3; i++)
                assert_int_equal(apply(&t), 0);
        /* the other one instead */
        unwant(&t, SYSCTL_OVERCOMMIT_KBYTES);
        want(&t, SYSCTL_OVERCOMMIT_RATIO, 80);
        assert_int_equal(apply(&t), 1);
        assert_report(&t, 0, SYSCTL_OVERCOMMIT_RATIO, SYSCTL_EVENT_SET, 0, 80);
        kernel_zeroes(&t, SYSCTL_OVERCOMMIT_RATIO);
        for (int i = 0; i < 3; i++)
                assert_int_equal(apply(&t), 0);
        assert_int_equal(sysctls_release(&t.s, t.reports), 1);
        assert_all_default(&t);
        assert_int_equal(undo_count(t.undo), 0);
        desk_close(&t);
}

static void test_pair_released(void **state) {
        (void)state;
        for (int by_crash = 0; by_crash < 2; by_crash++)
                for (int kbytes_first = 0; kbytes_first < 2; kbytes_first++) {
                        Desk t;
                        desk_open(&t, SYSCTL_RESTORE_EXIT);
                        Sysctl key = kbytes_first ? SYSCTL_OVERCOMMIT_RATIO : SYSCTL_OVERCOMMIT_KBYTES;
                        Sysctl other = kbytes_first ? SYSCTL_OVERCOMMIT_KBYTES : SYSCTL_OVERCOMMIT_RATIO;
                        uint64_t other_before = kbytes_first ? 700000 : 50;
                        host_write(&t, key, 0);
                        host_write(&t, other, other_before);
                        want(&t, key, kbytes_first ? 80 : 500000);
                        assert_int_equal(apply(&t), 1);
                        kernel_zeroes(&t, key);
                        if (by_crash)
                                desk_crash(&t, true, SYSCTL_RESTORE_EXIT);
                        else
                                t.n = sysctls_release(&t.s, t.reports);
                        assert_int_equal(host_read(&t, other), other_before);
                        assert_int_equal(undo_count(t.undo), 0);
                        desk_close(&t);
                }
}

/* Somebody sets the ratio while the amount is ours: neither is touched. */
static void test_pair_foreign(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        want(&t, SYSCTL_OVERCOMMIT_KBYTES, 500000);
        assert_int_equal(apply(&t), 1);
        host_write(&t, SYSCTL_OVERCOMMIT_RATIO, 70);
        host_write(&t, SYSCTL_OVERCOMMIT_KBYTES, 0);
        assert_int_equal(apply(&t), 1);
        assert_report(&t, 0, SYSCTL_OVERCOMMIT_KBYTES, SYSCTL_EVENT_DRIFT, 500000, 0);
        (void)sysctls_release(&t.s, t.reports);
        assert_int_equal(host_read(&t, SYSCTL_OVERCOMMIT_RATIO), 70);
        assert_int_equal(host_read(&t, SYSCTL_OVERCOMMIT_KBYTES), 0);
        assert_int_equal(undo_count(t.undo), 0);
        desk_close(&t);
}

/* Strict overcommit does not come in before the limit that was weighed for it is there. */
static void test_strict_needs_its_limit(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        want(&t, SYSCTL_OVERCOMMIT_RATIO, 90);
        want(&t, SYSCTL_OVERCOMMIT_MEMORY, 2);
        assert_int_equal(unlinkat(t.tree.fd, "proc/sys/vm/overcommit_ratio", 0), 0);
        tree_mkdir(&t.tree, "proc/sys/vm/overcommit_ratio");
        assert_int_equal(apply(&t), 1);
        assert_report(&t, 0, SYSCTL_OVERCOMMIT_RATIO, SYSCTL_EVENT_FAILED, 0, 90);
        assert_int_equal(host_read(&t, SYSCTL_OVERCOMMIT_MEMORY), 0);
        assert_int_equal(unlinkat(t.tree.fd, "proc/sys/vm/overcommit_ratio", AT_REMOVEDIR), 0);
        host_write(&t, SYSCTL_OVERCOMMIT_RATIO, 50);
        assert_int_equal(apply(&t), 2);
        assert_report(&t, 0, SYSCTL_OVERCOMMIT_RATIO, SYSCTL_EVENT_SET, 50, 90);
        assert_report(&t, 1, SYSCTL_OVERCOMMIT_MEMORY, SYSCTL_EVENT_SET, 0, 2);
        /* and goes first */
        t.n = sysctls_release(&t.s, t.reports);
        assert_report(&t, 0, SYSCTL_OVERCOMMIT_MEMORY, SYSCTL_EVENT_PUT_BACK, 2, 0);
        assert_report(&t, 1, SYSCTL_OVERCOMMIT_RATIO, SYSCTL_EVENT_PUT_BACK, 90, 50);
        desk_close(&t);
}

/* It was there before us: comes back last. */
static void test_strict_was_there(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        host_write(&t, SYSCTL_OVERCOMMIT_MEMORY, 2);
        want(&t, SYSCTL_OVERCOMMIT_MEMORY, 0);
        want(&t, SYSCTL_OVERCOMMIT_RATIO, 90);
        assert_int_equal(apply(&t), 2);
        t.n = sysctls_release(&t.s, t.reports);
        assert_int_equal(t.n, 2);
        assert_report(&t, 0, SYSCTL_OVERCOMMIT_RATIO, SYSCTL_EVENT_PUT_BACK, 90, 50);
        assert_report(&t, 1, SYSCTL_OVERCOMMIT_MEMORY, SYSCTL_EVENT_PUT_BACK, 0, 2);
        desk_close(&t);
}

/* ---- after a crash ---- */

static void test_crash(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        want(&t, SYSCTL_SWAPPINESS, 80);
        assert_int_equal(apply(&t), 1);
        desk_crash(&t, true, SYSCTL_RESTORE_EXIT);
        assert_all_default(&t);
        assert_int_equal(apply(&t), 1); /* and anew */
        assert_report(&t, 0, SYSCTL_SWAPPINESS, SYSCTL_EVENT_SET, 60, 80);
        desk_close(&t);
}

/* Restore=stop: a crash leaves it in force, the next daemon takes it over and knows what was there before. */
static void test_crash_kept(void **state) {
        (void)state;
        static const SysctlRestore next[] = { SYSCTL_RESTORE_STOP, SYSCTL_RESTORE_EXIT, SYSCTL_RESTORE_NEVER };
        for (size_t i = 0; i < ARRAY_SIZE(next); i++) {
                Desk t;
                desk_open(&t, SYSCTL_RESTORE_STOP);
                want(&t, SYSCTL_SWAPPINESS, 80);
                assert_int_equal(apply(&t), 1);
                desk_crash(&t, true, next[i]);
                assert_int_equal(host_read(&t, SYSCTL_SWAPPINESS), 80);
                assert_true(t.s.keys[SYSCTL_SWAPPINESS].is_ours && t.s.keys[SYSCTL_SWAPPINESS].original == 60);
                assert_int_equal(apply(&t), 0);
                assert_int_equal(undo_count(t.undo), next[i] == SYSCTL_RESTORE_NEVER ? 0 : 1);
                if (next[i] == SYSCTL_RESTORE_EXIT) {
                        /* no longer kept: another crash puts it back */
                        desk_crash(&t, true, next[i]);
                        assert_all_default(&t);
                } else {
                        t.n = sysctls_release(&t.s, t.reports);
                        assert_int_equal(host_read(&t, SYSCTL_SWAPPINESS), next[i] == SYSCTL_RESTORE_STOP ? 60 : 80);
                }
                assert_int_equal(undo_count(t.undo), 0);
                desk_close(&t);
        }
}

/* The next daemon tells the half that was asked for from the one that was taken along. */
static void test_crash_kept_pair(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_STOP);
        want(&t, SYSCTL_OVERCOMMIT_KBYTES, 500000);
        assert_int_equal(apply(&t), 1);
        kernel_zeroes(&t, SYSCTL_OVERCOMMIT_KBYTES);
        desk_crash(&t, true, SYSCTL_RESTORE_STOP);
        assert_true(t.s.keys[SYSCTL_OVERCOMMIT_RATIO].is_adopted && !t.s.keys[SYSCTL_OVERCOMMIT_KBYTES].is_adopted);
        for (int i = 0; i < 3; i++)
                assert_int_equal(apply(&t), 0);
        assert_int_equal(undo_count(t.undo), 2);
        (void)sysctls_release(&t.s, t.reports);
        assert_all_default(&t);
        assert_int_equal(undo_count(t.undo), 0);
        desk_close(&t);
}

/* Restore= changes with a reload: the journal follows. */
static void test_restore_changes(void **state) {
        (void)state;
        Desk t;
        desk_open(&t, SYSCTL_RESTORE_NEVER);
        want(&t, SYSCTL_OVERCOMMIT_KBYTES, 500000);
        assert_int_equal(apply(&t), 1);
        kernel_zeroes(&t, SYSCTL_OVERCOMMIT_KBYTES);
        assert_int_equal(undo_count(t.undo), 0);
        sysctls_set_mode(&t.s, false, SYSCTL_RESTORE_EXIT);
        assert_int_equal(undo_count(t.undo), 2);
        desk_crash(&t, true, SYSCTL_RESTORE_EXIT);
        assert_all_default(&t);
        assert_int_equal(apply(&t), 1);
        kernel_zeroes(&t, SYSCTL_OVERCOMMIT_KBYTES);
        sysctls_set_mode(&t.s, false, SYSCTL_RESTORE_NEVER);
        assert_int_equal(undo_count(t.undo), 0);
        desk_close(&t);
}

/* One value, straight. */
static void test_write(void **state) {
        (void)state;
        Desk t;
        uint64_t v = 0;
        desk_open(&t, SYSCTL_RESTORE_EXIT);
        assert_int_equal(sysctl_write(t.tree.fd, SYSCTL_SWAPPINESS, 90, &v), 0);
        assert_int_equal(v, 90);
        assert_int_equal(unlinkat(t.tree.fd, "proc/sys/vm/swappiness", 0), 0);
        assert_int_equal(sysctl_write(t.tree.fd, SYSCTL_SWAPPINESS, 90, &v), -ENOENT);
        assert_int_equal(v, 90);
        desk_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_set_and_release),
                cmocka_unit_test(test_unset),
                cmocka_unit_test(test_never),
                cmocka_unit_test(test_busy),
                cmocka_unit_test(test_dry_run),
                cmocka_unit_test(test_held),
                cmocka_unit_test(test_not_writable),
                cmocka_unit_test(test_read_only),
                cmocka_unit_test(test_vanished),
                cmocka_unit_test(test_rounded),
                cmocka_unit_test(test_drift),
                cmocka_unit_test(test_drift_at_the_end),
                cmocka_unit_test(test_released_by_hand),
                cmocka_unit_test(test_not_released_by_hand),
                cmocka_unit_test(test_pair),
                cmocka_unit_test(test_pair_released),
                cmocka_unit_test(test_pair_foreign),
                cmocka_unit_test(test_strict_needs_its_limit),
                cmocka_unit_test(test_strict_was_there),
                cmocka_unit_test(test_crash),
                cmocka_unit_test(test_crash_kept),
                cmocka_unit_test(test_crash_kept_pair),
                cmocka_unit_test(test_restore_changes),
                cmocka_unit_test(test_write),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Changing one setting of a cgroup for a while: journal, write, and put back. And the two measures that are
 * nothing more than that: throttle and freeze.
 *
 * The journal knows the last two values we wrote. So that one of them is always the one that stands, what stands is
 * journaled once more before a third is written, and after a write that failed.
 */

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "act/measure-run.h"
#include "act/systemd-call.h"
#include "act/thread-clock.h"
#include "act/undo-restore.h"
#include "act/victim-cgroup.h"
#include "base/fd.h"
#include "base/text.h"

/* The kernel freezes a cgroup in milliseconds, unless a member waits for a disk or a server. */
#define FREEZE_WAIT_USEC (1 * USEC_PER_SEC)

bool measure_run_is_over(const MeasureRun *run) {
        return atomic_load_explicit(run->stop, memory_order_acquire) || thread_now_usec() >= run->deadline_usec;
}

/* ---- the cgroup ---- */

static int gone_is_enoent(int r) {
        return r == -ESRCH || r == -ESTALE || r == -ENODEV ? -ENOENT : r;
}

int measure_open_cgroup(const MeasureRun *run) {
        return gone_is_enoent(victim_cgroup_open(run->host, run->m->cgroup_path, run->m->cgroup_id));
}

/* ENOENT of a file in a directory that we hold is a controller that is off; ENODEV a cgroup that is gone. */
static int file_error(int r) {
        return r == -ENOENT ? -EOPNOTSUPP : gone_is_enoent(r);
}

int measure_read_u64(int cgroup_fd, const char *file, uint64_t *ret) {
        return file_error(fd_read_u64_at(cgroup_fd, file, ret));
}

int measure_read_protection(int cgroup_fd, uint64_t *ret) {
        uint64_t min, low;

        int r = measure_read_u64(cgroup_fd, "memory.min", &min);
        if (r >= 0)
                r = measure_read_u64(cgroup_fd, "memory.low", &low);
        if (r >= 0)
                *ret = MAX(min, low);
        return r;
}

int measure_check_members(const MeasureRun *run, int cgroup_fd) {
        ActSurvey survey;

        int r = victim_cgroup_survey(run->host, cgroup_fd, &survey);
        if (r < 0)
                return gone_is_enoent(r);
        return survey.n_protected > 0 ? -ECANCELED : 0;
}

/* ---- one setting ---- */

UndoHost measure_undo_host(const MeasureRun *run) {
        return (UndoHost){
                .root_fd = run->host->root_fd,
                .cgroup_fd = run->host->cgroup_fd,
                .set_unit_property = systemd_set_unit_property,
                .get_unit_property = systemd_get_unit_property,
        };
}

void measure_setting_entry(const MeasureRun *run, UndoKind kind, const char *key, UndoEntry *ret) {
        *ret = (UndoEntry){ .kind = kind, .id = run->m->cgroup_id };
        (void)snprintf(ret->path, sizeof(ret->path), "%s", run->m->cgroup_path);
        (void)snprintf(ret->key, sizeof(ret->key), "%s", key);
}

static int read_setting(int cgroup_fd, const char *file, char ret[static UNDO_VALUE_MAX]) {
        char text[256];

        int r = fd_read_text_at(cgroup_fd, file, text, sizeof(text));
        if (r < 0 && r != -EFBIG)
                return file_error(r);
        return undo_value_read(file, text, ret);
}

/*
 * Writes a value that is journaled; -ESTALE: struck out meanwhile, by hand. What counts is what stands then:
 * memory.high is set before it reclaims.
 */
static int write_setting(const MeasureRun *run, uint64_t serial, int cgroup_fd, const char *file, const char *value) {
        char now[UNDO_VALUE_MAX];

        if (undo_hold(run->undo, serial, /* is_held= */ true) < 0)
                return -ESTALE;
        int r = file_error(fd_write_text_at(cgroup_fd, file, value));
        (void)undo_hold(run->undo, serial, /* is_held= */ false);
        int q = read_setting(cgroup_fd, file, now);
        if (q < 0)
                return r < 0 ? r : q;
        if (undo_value_equal(file, now, value))
                return 0;
        return r < 0 ? r : -EBUSY;
}

int measure_setting_begin(const MeasureRun *run, int cgroup_fd, const char *file, const char *value) {
        uint64_t serial;
        UndoEntry e;

        measure_setting_entry(run, UNDO_CGROUP, file, &e);
        int r = read_setting(cgroup_fd, file, e.old_value);
        if (r < 0)
                return r;
        if (undo_value_equal(file, e.old_value, value)) /* somebody else has it so: not ours to put back */
                return -EBUSY;
        (void)snprintf(e.new_value, sizeof(e.new_value), "%s", value);
        r = undo_begin(run->undo, &e, &serial);
        if (r < 0)
                return r == -EEXIST ? -EBUSY : r;
        r = write_setting(run, serial, cgroup_fd, file, value);
        if (r < 0) {
                const UndoHost host = measure_undo_host(run);
                /* Most often it has the old value still, and this only strikes it out. Else it is to be released. */
                if (undo_restore(run->undo, serial, &host, NULL) == UNDO_FAILED)
                        return -ETIME;
        }
        return r;
}

int measure_setting_adjust(const MeasureRun *run, int cgroup_fd, const char *file, const char *value) {
        char before[UNDO_VALUE_MAX];
        uint64_t serial;
        UndoEntry e;

        if (undo_find(run->undo, UNDO_CGROUP, run->m->cgroup_id, 0, run->m->cgroup_path, file, &e, &serial) < 0)
                return -ESTALE;
        int r = read_setting(cgroup_fd, file, before);
        if (r < 0)
                return r;
        bool is_newest = undo_value_equal(file, before, e.new_value);
        if (!is_newest && (e.before_new[0] == '\0' || !undo_value_equal(file, before, e.before_new))) {
                (void)undo_end(run->undo, serial);
                return -ESTALE;
        }
        r = is_newest ? 0 : undo_update(run->undo, serial, before);
        if (r >= 0)
                r = undo_update(run->undo, serial, value);
        if (r < 0)
                return r;
        r = write_setting(run, serial, cgroup_fd, file, value);
        if (r < 0)
                (void)undo_update(run->undo, serial, before);
        return r;
}

int measure_setting_release(const MeasureRun *run, UndoKind kind, const char *key) {
        const UndoHost host = measure_undo_host(run);
        uint64_t serial;
        int error;

        if (undo_find(run->undo, kind, run->m->cgroup_id, 0, run->m->cgroup_path, key, NULL, &serial) < 0)
                return 0;
        switch (undo_restore(run->undo, serial, &host, &error)) {
        case UNDO_RESTORED:
        case UNDO_UNCHANGED:
        case UNDO_KEPT:
                return 0;
        case UNDO_FOREIGN:
                return -ESTALE;
        case UNDO_GONE:
                return -ENOENT;
        case UNDO_FAILED:
        case _UNDO_OUTCOME_MAX:
        case _UNDO_OUTCOME_INVALID:
                break;
        }
        return error < 0 ? error : -EIO;
}

void measure_setting_again(const MeasureRun *run, int cgroup_fd, const char *file) {
        char now[UNDO_VALUE_MAX];
        uint64_t serial;
        UndoEntry e;

        if (undo_find(run->undo, UNDO_CGROUP, run->m->cgroup_id, 0, run->m->cgroup_path, file, &e, &serial) < 0 ||
            read_setting(cgroup_fd, file, now) < 0 || !undo_value_equal(file, now, e.old_value))
                return;
        (void)write_setting(run, serial, cgroup_fd, file, e.new_value);
}

/* ---- throttle ---- */

static void high_to_text(uint64_t bytes, char *buf, size_t size) {
        if (bytes == CGROUP_NO_LIMIT)
                (void)snprintf(buf, size, "max");
        else
                (void)snprintf(buf, size, "%llu", (unsigned long long)bytes);
}

static int write_high(const MeasureRun *run, int cgroup_fd, bool is_first, uint64_t bytes) {
        char value[UNDO_VALUE_MAX];

        high_to_text(bytes, value, sizeof(value));
        return is_first ? measure_setting_begin(run, cgroup_fd, "memory.high", value)
                        : measure_setting_adjust(run, cgroup_fd, "memory.high", value);
}

/*
 * Down to @wanted in steps. A write reclaims all that is above it in one go, and on a slow swap disk a call for
 * hundreds of megabytes hears no signal for minutes (6.1, 6.12). Each step holds the cgroup by itself, so running out
 * of time on the way is no failure: it stays where it got.
 */
static int walk_high_down(const MeasureRun *run, int cgroup_fd, uint64_t high, uint64_t wanted) {
        bool is_first = run->m->verb == MEASURE_BEGIN, is_lower = false;
        uint64_t step = high, current, page = (uint64_t)sysconf(_SC_PAGESIZE);

        do {
                int r = measure_read_u64(cgroup_fd, "memory.current", &current);
                if (r < 0)
                        return is_lower ? 0 : r;
                /* From the last step where the use did not fall: the kernel need not reclaim (O_NONBLOCK, 6.16). */
                step = MIN(step, current) / page * page;
                step = step > u64_add_sat(wanted, measure_chunk(current)) ? step - measure_chunk(current) / page * page
                                                                          : wanted;
                r = write_high(run, cgroup_fd, is_first, step);
                if (r < 0)
                        return r;
                is_first = false;
                is_lower = true;
        } while (step != wanted && !measure_run_is_over(run));
        return 0;
}

/**
 * measure_throttle() - hold a cgroup by its memory.high
 *
 * The writes hold this thread for as long as reclaim takes; where the kernel has it (6.16) O_NONBLOCK leaves the
 * reclaim to the cgroup. A limit that the deadline kept above m->value is in force as well, and answered as done.
 *
 * Return: 0; -ENOENT, -EOPNOTSUPP; -ECANCELED below memory.low or memory.min; -EBUSY for a limit that is lower
 *         already or changed by another measure; -ESTALE (adjust, release); other negative errno.
 * Source: Documentation/admin-guide/cgroup-v2.rst (Linux 4.5).
 */
int measure_throttle(MeasureRun *run) {
        const Measure *m = run->m;
        uint64_t protected_bytes, high, page = (uint64_t)sysconf(_SC_PAGESIZE);

        if (m->verb == MEASURE_RELEASE)
                return m->dry_run ? 0 : measure_setting_release(run, UNDO_CGROUP, "memory.high");
        _cleanup_close_ int fd = measure_open_cgroup(run);
        if (fd < 0)
                return fd;
        int r = measure_read_u64(fd, "memory.high", &high);
        if (r >= 0)
                r = measure_read_protection(fd, &protected_bytes);
        if (r < 0)
                return r;
        /* As the kernel rounds it, or we would not know our own value again. */
        uint64_t wanted = m->value == CGROUP_NO_LIMIT ? m->value : m->value / page * page;
        if (wanted < protected_bytes)
                return -ECANCELED;
        if (m->verb == MEASURE_BEGIN && high <= wanted)
                return -EBUSY;
        if (m->dry_run)
                return 0;
        return wanted < high ? walk_high_down(run, fd, high, wanted)
                             : write_high(run, fd, /* is_first= */ false, wanted);
}

/* ---- freeze ---- */

static bool is_frozen(int events_fd) {
        char buf[256];
        const char *p = buf, *line;
        size_t n;

        if (fd_pread_text(events_fd, buf, sizeof(buf)) < 0)
                return false;
        while ((line = text_next_line(&p, &n)))
                if (n == strlen("frozen 1") && memcmp(line, "frozen 1", n) == 0)
                        return true;
        return false;
}

/* A member that waits in the kernel freezes when it comes back; that is no failure, and nothing to wait for. */
static void wait_until_frozen(const MeasureRun *run, int cgroup_fd) {
        uint64_t end = MIN(run->deadline_usec, thread_now_usec() + FREEZE_WAIT_USEC);

        _cleanup_close_ int fd = fd_open_at(cgroup_fd, "cgroup.events");
        if (fd < 0)
                return;
        while (!is_frozen(fd) && !measure_run_is_over(run)) {
                struct pollfd p = { .fd = fd, .events = POLLPRI };
                uint64_t now = thread_now_usec();
                if (now >= end)
                        return;
                (void)poll(&p, 1, (int)MIN((end - now) / USEC_PER_MSEC + 1, UINT64_C(100)));
        }
}

/**
 * measure_freeze() - stop all that runs in a cgroup
 *
 * Return: 0, also where some member is not frozen yet; -ECANCELED where somebody protected is in it; -EBUSY if it is
 *         frozen already; as measure_throttle().
 * Source: Documentation/admin-guide/cgroup-v2.rst (Linux 5.2).
 */
int measure_freeze(MeasureRun *run) {
        const Measure *m = run->m;

        if (m->verb == MEASURE_RELEASE)
                return m->dry_run ? 0 : measure_setting_release(run, UNDO_CGROUP, "cgroup.freeze");
        _cleanup_close_ int fd = measure_open_cgroup(run);
        if (fd < 0)
                return fd;
        int r = measure_check_members(run, fd);
        if (r < 0)
                return r;
        if (m->dry_run) {
                uint64_t frozen;
                return measure_read_u64(fd, "cgroup.freeze", &frozen);
        }
        r = measure_setting_begin(run, fd, "cgroup.freeze", "1");
        if (r >= 0)
                wait_until_frozen(run, fd);
        return r;
}

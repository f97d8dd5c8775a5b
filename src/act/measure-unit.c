/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What concerns a unit: slow it down, restart it, stop it.
 *
 * A weight that is to last belongs to the service manager, which would write its own over ours at the next
 * occasion. Where it does not answer, the weight goes straight into the cgroup; what the manager was asked for may
 * then still happen, so that stays in the journal, too, and the release looks for both.
 */

#include <stdio.h>
#include <string.h>

#include "act/measure-run.h"
#include "act/systemd-call.h"
#include "act/thread-clock.h"
#include "act/victim-cgroup.h"
#include "base/fd.h"
#include "base/text.h"

typedef struct Weight {
        const char *property, *file;
        const char *prefix; /* of the number, in the file */
} Weight;

static const Weight weights[] = {
        { "CPUWeight", "cpu.weight", "" },
        { "IOWeight", "io.weight", "default " },
};

static uint64_t time_left(const MeasureRun *run) {
        return u64_sub_sat(run->deadline_usec, thread_now_usec());
}

/* ---- slow, through the manager ---- */

/* Held until the call has returned. */
static int journal_property(const MeasureRun *run, const char *property, uint64_t old, uint64_t new,
                            uint64_t *ret_serial) {
        UndoEntry e;

        measure_setting_entry(run, UNDO_UNIT, property, &e);
        (void)snprintf(e.old_value, sizeof(e.old_value), "%llu", (unsigned long long)old);
        (void)snprintf(e.new_value, sizeof(e.new_value), "%llu", (unsigned long long)new);
        int r = undo_begin(run->undo, &e, ret_serial);
        if (r >= 0 && undo_hold(run->undo, *ret_serial, /* is_held= */ true) < 0)
                return -ESTALE;
        return r == -EEXIST ? -EBUSY : r;
}

/*
 * Reads both, journals them, sets them, none to more than it had. What is set is left in the journal, and what may yet
 * be: -ETIME.
 */
static int slow_by_manager(const MeasureRun *run, const char *unit) {
        uint64_t old[ARRAY_SIZE(weights)], new[ARRAY_SIZE(weights)], serials[ARRAY_SIZE(weights)] = {};
        /* Half of the time is for the cgroup, should the manager not answer. */
        uint64_t end = u64_add_sat(thread_now_usec(), time_left(run) / 2);
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(weights) && r >= 0; i++)
                r = systemd_get_weight(unit, weights[i].property, u64_sub_sat(end, thread_now_usec()), &old[i]);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(weights); i++)
                new[i] = MIN(old[i], run->m->value); /* not set is the highest */
        if (memcmp(old, new, sizeof(old)) == 0)
                return -EBUSY;
        if (run->m->dry_run)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(weights) && r >= 0; i++)
                r = journal_property(run, weights[i].property, old[i], new[i], &serials[i]);
        if (r >= 0)
                r = systemd_set_weights(unit, new[0], new[1], u64_sub_sat(end, thread_now_usec()));
        for (size_t i = 0; i < ARRAY_SIZE(weights); i++) {
                (void)undo_hold(run->undo, serials[i], /* is_held= */ false);
                if (r < 0 && r != -ETIMEDOUT)
                        (void)undo_end(run->undo, serials[i]);
        }
        return r == -ETIMEDOUT ? -ETIME : r;
}

/* ---- slow, straight ---- */

/* 0; -EBUSY: has no more than @value already. */
static int check_weight(int cgroup_fd, const Weight *w, uint64_t value) {
        char text[256];
        uint64_t now;

        int r = fd_read_text_at(cgroup_fd, w->file, text, sizeof(text));
        if (r < 0 && r != -EFBIG) /* lines of devices follow */
                return r == -ENOENT ? -EOPNOTSUPP : r == -ENODEV ? -ENOENT : r;
        const char *number = text + (text_has_prefix(text, w->prefix) ? strlen(w->prefix) : 0);
        if (text_parse_u64_n(number, strcspn(number, "\n"), &now) < 0)
                return -EBADMSG;
        return now <= value ? -EBUSY : 0;
}

static int slow_by_cgroup(const MeasureRun *run, int cgroup_fd) {
        char value[UNDO_VALUE_MAX];
        int r = 0, n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(weights); i++) {
                (void)snprintf(value, sizeof(value), "%s%u", weights[i].prefix, (unsigned)run->m->value);
                int q = check_weight(cgroup_fd, &weights[i], run->m->value);
                if (q >= 0 && !run->m->dry_run)
                        q = measure_setting_begin(run, cgroup_fd, weights[i].file, value);
                if (q >= 0)
                        n++;
                else if (r == 0 || r == -EOPNOTSUPP)
                        r = q;
        }
        /* One of them is enough: the io controller is often off. */
        return n > 0 ? 0 : r;
}

/*
 * A manager that is told one new weight writes all settings of the unit again, and so lifts a throttle that stands in
 * the cgroup alone: systemd 252 set memory.high back to what the unit file says.
 */
static void hold_again(const MeasureRun *run, int cgroup_fd) {
        measure_setting_again(run, cgroup_fd, "memory.high");
        measure_setting_again(run, cgroup_fd, "cgroup.freeze");
}

static int slow_release(const MeasureRun *run) {
        _cleanup_close_ int fd = measure_open_cgroup(run);
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(weights); i++) {
                int q = measure_setting_release(run, UNDO_CGROUP, weights[i].file);
                r = r < 0 ? r : q;
                q = measure_setting_release(run, UNDO_UNIT, weights[i].property);
                r = r < 0 ? r : q;
        }
        if (fd >= 0)
                hold_again(run, fd);
        return r;
}

/**
 * measure_slow() - less CPU time and disk bandwidth for a cgroup, where others want them
 *
 * Return: 0, run->by_manager says how; -EBUSY if both weights are changed already, or as low; -ETIME: the manager has
 *         not answered and may do it yet, to be released like a 0; as measure_throttle().
 * Source: cpu.weight (Linux 4.15), io.weight (4.5, with a scheduler or cost model that knows it).
 */
int measure_slow(MeasureRun *run) {
        const Measure *m = run->m;
        char unit[SYSTEMD_UNIT_NAME_MAX];

        if (m->verb == MEASURE_RELEASE)
                return m->dry_run ? 0 : slow_release(run);
        if (m->value < 1 || m->value > 10000)
                return -EINVAL;
        _cleanup_close_ int fd = measure_open_cgroup(run);
        if (fd < 0)
                return fd;
        bool is_units = systemd_is_running(run->host->root_fd) &&
                        systemd_unit_of_cgroup(m->cgroup_path, /* is_whole= */ true, unit) >= 0;
        int r = is_units && m->is_to_last ? slow_by_manager(run, unit) : -EOPNOTSUPP;
        run->by_manager = r >= 0;
        if (run->by_manager && !m->dry_run)
                hold_again(run, fd);
        if (r >= 0 || r == -EBUSY)
                return r;
        bool may_follow = r == -ETIME;
        r = slow_by_cgroup(run, fd);
        if (r == -EOPNOTSUPP && is_units && !m->is_to_last) {
                /* The controllers are off for this cgroup: only the manager may switch them on. */
                r = slow_by_manager(run, unit);
                run->by_manager = r >= 0;
                if (run->by_manager && !m->dry_run)
                        hold_again(run, fd);
        }
        return r < 0 && may_follow ? -ETIME : r;
}

/* ---- restart and stop ---- */

/* All of the unit, not only of the cgroup in it that was chosen. @n: of the path up to and with the unit. */
static int check_unit_members(const MeasureRun *run, size_t n) {
        const char *path = run->m->cgroup_path;

        for (; *path == '/' && n > 0; n--)
                path++;
        _cleanup_close_ int fd = victim_cgroup_open_below(run->host->cgroup_fd, path, n);
        return fd < 0 ? (fd == -ENODEV ? -ENOENT : fd) : measure_check_members(run, fd);
}

/**
 * measure_unit() - have a unit restarted or stopped by its manager
 *
 * Slices are refused: a slice is no program, and all that stops with it would not come back. So are units of
 * user managers, which are not reachable, and whatever holds us or somebody protected.
 *
 * Return: 0 once the manager has taken it on; -EOPNOTSUPP: no systemd, or no unit for that; -ECANCELED; -ENOENT;
 *         -ETIMEDOUT: no answer, it may still happen; other negative errno.
 */
int measure_unit(MeasureRun *run) {
        const Measure *m = run->m;
        char unit[SYSTEMD_UNIT_NAME_MAX];

        _cleanup_close_ int fd = measure_open_cgroup(run);
        if (fd < 0)
                return fd;
        if (!systemd_is_running(run->host->root_fd))
                return -EOPNOTSUPP;
        int r = systemd_unit_of_cgroup(m->cgroup_path, /* is_whole= */ false, unit);
        if (r >= 0)
                r = check_unit_members(run, (size_t)r);
        if (r < 0)
                return r;
        /* A scope is a bracket around processes that others have started: nobody could start them again. */
        if (m->step == STEP_RESTART && !text_has_suffix(unit, ".service"))
                return -EOPNOTSUPP;
        run->by_manager = true;
        if (m->dry_run)
                return 0;
        return m->step == STEP_RESTART ? systemd_restart_unit(unit, time_left(run))
                                       : systemd_stop_unit(unit, time_left(run));
}

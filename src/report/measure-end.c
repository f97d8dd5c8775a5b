/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The line of the end of a measure says what came of it; where that is nothing, which step is skipped, for what
 * reason, and what happens instead.
 */

#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "report/measure-words.h"
#include "report/measure.h"

/* @step may be anything: a record is told that is damaged. */
static bool step_lasts(Step step) {
        return step >= 0 && step < _STEP_MAX && (STEPS_LASTING & STEP_BIT(step));
}

/* What the step needs and the kernel or the host does not have. */
static const char *lack_text(Step step) {
        switch ((int)step) {
        case STEP_TRIM:
                return "there is no system bus to ask them by";
        case STEP_RECLAIM:
                return "this kernel has no memory.reclaim (before 5.19), or the cgroup no memory controller";
        case STEP_PAGEOUT:
                return "this kernel has no process_madvise (before 5.10)";
        case STEP_THROTTLE:
                return "the cgroup has no memory.high (no memory controller)";
        case STEP_SLOW:
                return "the cgroup has neither cpu.weight nor io.weight (no such controllers)";
        case STEP_FREEZE:
                return "this kernel has no cgroup.freeze (before 5.2)";
        case STEP_RESTART:
        case STEP_STOP:
                return "no service manager has a unit of this cgroup";
        }
        return "there is no such thing here";
}

/* Also from the worker, while a call on it does not come back. */
static const char *busy_text(const Measure *m) {
        if (m->verb != MEASURE_BEGIN || !step_lasts(m->step))
                return "an earlier call has not come back yet";
        return m->step == STEP_THROTTLE
                       ? "a lower limit or another measure holds it already, or an earlier call has not come back yet"
               : m->step == STEP_SLOW
                       ? "a lower weight or another measure holds it already, or an earlier call has not come back yet"
                       : "another measure holds it already, or an earlier call has not come back yet";
}

/* What keeps us away from it. */
static const char *protection_text(Step step) {
        if (step == STEP_RECLAIM || step == STEP_THROTTLE)
                return "all it uses is protected by memory.low or memory.min";
        return step == STEP_PAGEOUT ? "it is protected, or has locked its memory" : "somebody in it is protected";
}

static void append_error(TextBuf *b, const Measure *m, const MeasureStatus *st) {
        const char *text = strerrordesc_np(-st->error);

        switch (-st->error) {
        case EOPNOTSUPP:
        case ENOSYS:
                text = lack_text(m->step);
                break;
        case ENOENT:
        case ENODEV:
        case ESRCH:
                text = m->step == STEP_PAGEOUT ? "the process is gone, or another one by now"
                                               : "the cgroup is gone, or another one by now";
                break;
        case EBUSY:
                text = busy_text(m);
                break;
        case ECANCELED:
                text = protection_text(m->step);
                break;
        case ESTALE:
                text = "somebody else has set another value since, which is left alone";
                break;
        case EAGAIN:
                text = "there was nothing to be had";
                break;
        case EINTR:
                text = "it was interrupted before anything was done";
                break;
        case ETIMEDOUT:
                text = "the service manager did not answer in time";
                break;
        case EPERM:
        case EACCES:
                text = "it is not permitted";
                break;
        case EROFS:
                text = "the file system is mounted read-only";
                break;
        case ENOBUFS:
        case ENOSPC:
                text = "there is no room in the undo journal, and nothing is changed that could not be put back";
                break;
        case ETIME:
                text_append(b, "it was broken off after ");
                units_append_usec(b, m->limit_usec > 0 ? m->limit_usec : st->run_usec);
                return;
        }
        if (text)
                text_append(b, text);
        else
                text_appendf(b, "error %" PRId32, st->error);
}

/* What happens instead of a step that was skipped. */
static void append_next_step(TextBuf *b, Step step, uint32_t level_steps, Level level) {
        for (int s = (int)step + 1; s < _STEP_MAX; s++)
                if (level_steps & STEP_BIT(s)) {
                        text_appendf(b, "; next step: %s", step_to_string((Step)s));
                        return;
                }
        text_append(b, level < LEVEL_KILL ? "; no further step is left, the condition of [Kill] decides"
                                          : "; no further step is left");
}

static void append_instead(TextBuf *b, const Measure *m) {
        if (m->is_proactive)
                text_append(b, "; [Proactive] leaves it alone for a while");
        else if (m->level_steps == 0)
                text_append(b, "; the ladder goes on to its next step");
        else
                append_next_step(b, m->step, m->level_steps, m->level);
}

void line_append_skipped(TextBuf *b, const StepSkipped *k) {
        const char *step = step_to_string(k->step);

        if (k->domain_id == 0)
                text_append(b, "host");
        else
                text_append_escaped(b, k->domain_path);
        text_appendf(b, ": %s skipped: ", step ? step : "?");
        text_append(b, k->has_controller ? "there is nobody to take it on"
                                         : "without the memory controller there is no memory use to go by");
        append_next_step(b, k->step, k->level_steps, k->level);
}

static bool is_gone(int error) {
        return error == -ENOENT || error == -ENODEV || error == -ESRCH;
}

/* Broken off or with less than was asked for, and yet not in vain. */
static bool is_partly_done(const Measure *m, const MeasureStatus *st) {
        return measure_has_amount(m) && (st->error == -EAGAIN || st->error == -ETIME) && st->done_bytes > 0;
}

/* memory.high is set first, and reclaimed to then: a call that was broken off has changed what it was to change. */
static bool is_changed(const Measure *m, const MeasureStatus *st) {
        if (st->error >= 0)
                return true;
        return m->verb != MEASURE_RELEASE && !measure_has_amount(m) && step_lasts(m->step) &&
               (st->error == -ETIME || (m->verb == MEASURE_ADJUST && st->error == -EAGAIN));
}

bool measure_has_failed(const Measure *m, const MeasureStatus *st) {
        if (is_changed(m, st) || is_partly_done(m, st))
                return false;
        if (m->verb == MEASURE_BEGIN)
                return true;
        return !is_gone(st->error) && st->error != -ESTALE;
}

static void append_took(TextBuf *b, const MeasureStatus *st) {
        text_append(b, " in ");
        units_append_usec(b, st->run_usec);
        if (st->error == -ETIME)
                text_append(b, ", then the call was broken off");
}

static void append_done(TextBuf *b, const Measure *m, const MeasureStatus *st) {
        const StepWords *w = measure_words(m);

        if (measure_has_amount(m)) {
                text_append(b, w->done);
                text_append(b, " ");
                units_append_bytes(b, st->done_bytes);
                measure_append_deed(b, m, " of");
                append_took(b, st);
                if (st->error == -EAGAIN)
                        text_append(b, ": more was not to be had there");
                return;
        }
        measure_append_deed(b, m, w->done);
        if (m->step == STEP_TRIM)
                return;
        if (step_lasts(m->step))
                text_append(b, st->by_manager ? " through its service manager" : " straight in the cgroup");
        append_took(b, st);
}

static void append_begin_end(TextBuf *b, const Measure *m, const MeasureStatus *st) {
        if (st->error >= 0 && m->dry_run) {
                measure_append_noun(b, m);
                text_append(b, " counts as done");
        } else if (is_changed(m, st) || is_partly_done(m, st))
                append_done(b, m, st);
        else {
                measure_append_noun(b, m);
                text_append(b, " skipped: ");
                append_error(b, m, st);
                append_instead(b, m);
        }
}

static void append_adjust_end(TextBuf *b, const Measure *m, const MeasureStatus *st) {
        measure_append_noun(b, m);
        if (is_changed(m, st)) {
                text_append(b, " changed");
                measure_append_change(b, m);
                append_took(b, st);
                return;
        }
        text_append(b, st->error == -ESTALE || is_gone(st->error) ? " ends: " : " not changed: ");
        append_error(b, m, st);
        if (measure_has_failed(m, st))
                text_append(b, "; it stays as it was");
}

static void append_release_end(TextBuf *b, const Measure *m, const MeasureStatus *st) {
        if (st->error >= 0) {
                measure_append_release(b, m, m->dry_run ? "would have thawed " : "thawed ",
                                       m->dry_run ? "would have released " : "released ");
                return;
        }
        measure_append_noun(b, m);
        text_append(b, measure_has_failed(m, st) ? " not put back: " : " is over: ");
        append_error(b, m, st);
        if (measure_has_failed(m, st))
                text_append(b, "; it is tried again, and from the undo journal at the next start");
}

void line_append_measure_end(TextBuf *b, const Measure *m, const MeasureStatus *st) {
        if (m->dry_run)
                text_append(b, "[dry-run] ");
        switch (m->verb) {
        case MEASURE_BEGIN:
                append_begin_end(b, m, st);
                return;
        case MEASURE_ADJUST:
                append_adjust_end(b, m, st);
                return;
        case MEASURE_RELEASE:
                append_release_end(b, m, st);
                return;
        case _MEASURE_VERB_MAX:
        case _MEASURE_VERB_INVALID:
                break;
        }
        measure_append_noun(b, m);
        text_append(b, ": ?");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The line of a measure answers in this order: what is done to whom, from which value to which; why (the
 * condition with its numbers); why this cgroup; who would have been next.
 */

#include "report/measure.h"

#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "report/condition.h"
#include "report/line.h"
#include "report/measure-words.h"

static const StepWords step_words[_STEP_MAX] = {
        [STEP_TRIM] = { "asking programs to shrink", "ask programs to shrink", "asked programs to shrink", "trim", "" },
        [STEP_RECLAIM] = { "reclaiming", "reclaim", "reclaimed", "reclaim", " from " },
        [STEP_PAGEOUT] = { "paging out", "page out", "paged out", "pageout", " of " },
        [STEP_THROTTLE] = { "throttling", "throttle", "throttled", "throttle", " of " },
        [STEP_SLOW] = { "slowing", "slow", "slowed", "slow", " of " },
        [STEP_FREEZE] = { "freezing", "freeze", "froze", "freeze", " of " },
        [STEP_RESTART] = { "restarting", "restart", "restarted", "restart", " of " },
        [STEP_STOP] = { "stopping", "stop", "stopped", "stop", " of " },
};

/* A Measure is data: what is no step of the ladder gets a text all the same. */
const StepWords *measure_words(const Measure *m) {
        static const StepWords unknown = { "doing ? to", "do ? to", "did ? to", "?", " of " };
        bool known = (int)m->step >= 0 && m->step < _STEP_MAX && step_words[m->step].noun;
        return known ? &step_words[m->step] : &unknown;
}

static const char *last_component(const char *path) {
        const char *slash = strrchr(path, '/');
        return slash && slash[1] ? slash + 1 : path;
}

static void append_high(TextBuf *b, uint64_t bytes) {
        if (bytes == CGROUP_NO_LIMIT)
                text_append(b, "max");
        else
                units_append_bytes(b, bytes);
}

static void append_target(TextBuf *b, const Measure *m) {
        if (m->step == STEP_PAGEOUT) {
                text_append_escaped(b, m->comm);
                text_appendf(b, " (pid %" PRId32, m->pid);
                if (m->cgroup_path[0]) {
                        text_append(b, ", ");
                        text_append_escaped(b, last_component(m->cgroup_path));
                }
                text_append(b, ")");
        } else
                text_append_escaped(b, m->cgroup_path[0] ? m->cgroup_path : "?");
}

/* "throttle of X", "reclaim from X", "trim" */
void measure_append_noun(TextBuf *b, const Measure *m) {
        const StepWords *w = measure_words(m);

        text_append(b, w->noun);
        text_append(b, w->target);
        if (w->target[0])
                append_target(b, m);
}

/* " (memory.high max -> 180M, floor 90M)": from which value to which, where the step has one. */
void measure_append_change(TextBuf *b, const Measure *m) {
        switch ((int)m->step) {
        case STEP_TRIM:
                text_appendf(b, " (LowMemoryWarning %" PRIu64 ")", m->value);
                break;
        case STEP_RECLAIM:
                if (m->swappiness >= 0)
                        text_appendf(b, " (swappiness %" PRId32 ")", m->swappiness);
                break;
        case STEP_THROTTLE:
                text_append(b, " (memory.high ");
                append_high(b, m->old_value);
                text_append(b, " -> ");
                append_high(b, m->value);
                if (m->floor_bytes > 0) {
                        text_append(b, ", floor ");
                        units_append_bytes(b, m->floor_bytes);
                }
                text_append(b, ")");
                break;
        case STEP_SLOW:
                text_appendf(b, " (cpu.weight and io.weight -> %" PRIu64 ")", m->value);
                break;
        }
}

/* What a release puts back. */
static void append_back(TextBuf *b, const Measure *m) {
        if (m->step == STEP_THROTTLE) {
                text_append(b, " (memory.high back to ");
                append_high(b, m->old_value);
                text_append(b, ")");
        } else if (m->step == STEP_SLOW)
                text_append(b, " (cpu.weight and io.weight back)");
}

bool measure_has_amount(const Measure *m) {
        return m->step == STEP_RECLAIM || m->step == STEP_PAGEOUT;
}

/* "reclaiming 64M from X", "throttling X (memory.high max -> 180M)" */
void measure_append_deed(TextBuf *b, const Measure *m, const char *verb) {
        const StepWords *w = measure_words(m);

        text_append(b, verb);
        if (measure_has_amount(m)) {
                text_append(b, " ");
                units_append_bytes(b, m->value);
                text_append(b, w->target);
                append_target(b, m);
        } else if (w->target[0]) {
                text_append(b, " ");
                append_target(b, m);
        }
        measure_append_change(b, m);
}

/* ": its time is over"; no name of a level, since whoever greps a log for "kill" wants a kill */
static void append_release_reason(TextBuf *b, const Measure *m) {
        switch (m->end) {
        case MEASURE_END_LEVEL:
                text_append(b, ": ");
                line_append_domain(b, m->domain_path);
                text_append(b, " has recovered");
                if (m->condition.n_terms > 0) {
                        text_append(b, ": ");
                        condition_append(b, &m->condition);
                }
                return;
        case MEASURE_END_TIME:
                text_append(b, ": its time is over");
                return;
        case MEASURE_END_GONE:
                text_append(b, ": nothing is left in the cgroup");
                return;
        case MEASURE_END_FOREIGN:
                text_append(b, ": somebody else has set another value since");
                return;
        case MEASURE_END_SPENT:
                text_append(b, ": swap is spent, it could only stand still");
                return;
        case MEASURE_END_NONE:
        case _MEASURE_END_MAX:
        case _MEASURE_END_INVALID:
                return;
        }
}

void measure_append_release(TextBuf *b, const Measure *m, const char *thaw, const char *release) {
        text_append(b, m->step == STEP_FREEZE ? thaw : release);
        append_target(b, m);
        append_back(b, m);
        if (m->held_usec > 0) {
                text_append(b, " after ");
                units_append_usec(b, m->held_usec);
        }
        append_release_reason(b, m);
}

static void append_reason(TextBuf *b, const Measure *m) {
        text_append(b, ": ");
        if (m->is_proactive) {
                text_append(b, "before there is need ([Proactive])");
                return;
        }
        if (m->verb == MEASURE_ADJUST && m->condition.n_terms > 0 && m->condition.truth != TRUTH_TRUE) {
                line_append_domain(b, m->domain_path);
                text_append(b, " has been quiet");
                return;
        }
        line_append_reason(b, m->reason, m->domain_path);
        if (m->condition.n_terms > 0) {
                text_append(b, ": ");
                condition_append(b, &m->condition);
        }
}

/* Why this one. Who is reclaimed from is cold, so his part in the trouble says nothing about him. */
static void append_part(TextBuf *b, const Measure *m) {
        if (m->step == STEP_TRIM)
                return;
        if (measure_has_amount(m) || !m->has_contribution) {
                if (m->usage_bytes == 0)
                        return;
                text_append(b, "; it uses ");
                units_append_bytes(b, m->usage_bytes);
                if (m->protected_bytes > 0) {
                        text_append(b, ", of which ");
                        units_append_bytes(b, m->protected_bytes);
                        text_append(b, " are protected");
                }
                return;
        }
        text_append(b, "; it grew ");
        units_append_bytes(b, m->growth_bytes);
        if (m->refault_bytes > 0) {
                text_append(b, " and refaulted ");
                units_append_bytes(b, m->refault_bytes);
        }
        text_append(b, " in the last ");
        units_append_usec(b, m->span_usec);
        if (m->stall_permyriad > 0) {
                text_append(b, ", stalled ");
                units_append_share(b, m->stall_permyriad);
                text_append(b, " of the time");
        }
        text_append(b, " (");
        units_append_share(b, m->contribution_permyriad / 100 * 100);
        text_append(b, " of the trouble); next: ");
        if (!m->runner_up_path[0]) {
                text_append(b, "nobody");
                return;
        }
        text_append_escaped(b, last_component(m->runner_up_path));
        text_append(b, " (");
        units_append_share(b, m->runner_up_permyriad / 100 * 100);
        text_append(b, ")");
}

void line_append_measure(TextBuf *b, const Measure *m) {
        const StepWords *w = measure_words(m);

        if (m->dry_run)
                text_append(b, "[dry-run] would ");
        if (m->verb == MEASURE_RELEASE) {
                measure_append_release(b, m, m->dry_run ? "thaw " : "thawing ", m->dry_run ? "release " : "releasing ");
                return;
        }
        if (m->verb == MEASURE_ADJUST)
                measure_append_deed(b, m, m->dry_run ? "change the throttle of" : "changing the throttle of");
        else
                measure_append_deed(b, m, m->dry_run ? w->would : w->doing);
        append_reason(b, m);
        append_part(b, m);
}

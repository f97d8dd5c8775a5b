/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "report/json.h"
#include "report/measure.h"

static void set(json_t *o, const char *key, json_t *value) {
        (void)json_object_set_new(o, key, value);
}

static json_t *json_name(const char *name) {
        return name ? json_string(name) : json_null();
}

static json_t *json_number(uint64_t value) {
        return json_integer((json_int_t)MIN(value, (uint64_t)INT64_MAX));
}

/* The line may have been cut within a character. */
static json_t *json_line(const char *line) {
        json_t *s = json_string(line);
        return s ? s : json_string("?");
}

/* The value means something else for each step, so each has its own key. */
static void set_value(json_t *o, const Measure *m) {
        bool begins = m->verb != MEASURE_RELEASE;

        switch ((int)m->step) {
        case STEP_TRIM:
                set(o, "warning_level", json_number(m->value));
                break;
        case STEP_RECLAIM:
        case STEP_PAGEOUT:
                set(o, "wanted_bytes", json_number(m->value));
                set(o, "swappiness", m->swappiness < 0 ? json_null() : json_integer(m->swappiness));
                break;
        case STEP_THROTTLE:
                set(o, "high_bytes", begins ? json_u64(m->value, CGROUP_NO_LIMIT) : json_null());
                set(o, "high_before_bytes", json_u64(m->old_value, CGROUP_NO_LIMIT));
                set(o, "floor_bytes", json_u64(m->floor_bytes, 0));
                break;
        case STEP_SLOW:
                set(o, "weight", begins ? json_number(m->value) : json_null());
                break;
        }
}

static void set_part(json_t *o, const Measure *m) {
        bool has = m->has_contribution;

        set(o, "usage_bytes", json_number(m->usage_bytes));
        set(o, "protected_bytes", json_number(m->protected_bytes));
        set(o, "growth_bytes", has ? json_number(m->growth_bytes) : json_null());
        set(o, "refault_bytes", has ? json_number(m->refault_bytes) : json_null());
        set(o, "span_usec", has ? json_number(m->span_usec) : json_null());
        set(o, "stall_permyriad", has ? json_integer(m->stall_permyriad) : json_null());
        set(o, "contribution_permyriad", has ? json_integer(m->contribution_permyriad) : json_null());
        set(o, "runner_up", m->runner_up_path[0] ? json_escaped(m->runner_up_path) : json_null());
        set(o, "runner_up_permyriad", m->runner_up_path[0] ? json_integer(m->runner_up_permyriad) : json_null());
}

static json_t *json_status(const Measure *m, const MeasureStatus *st) {
        char line[MEASURE_LINE_MAX];
        TextBuf b = TEXT_BUF(line);
        json_t *o = json_object();

        text_append(&b, "");
        line_append_measure_end(&b, m, st);
        set(o, "text", json_line(line));
        set(o, "failed", json_boolean(measure_has_failed(m, st)));
        set(o, "error", st->error < 0 ? json_name(strerrorname_np(-st->error)) : json_null());
        set(o, "by_manager", json_boolean(st->by_manager));
        set(o, "done_bytes", json_number(st->done_bytes));
        set(o, "run_usec", json_number(st->run_usec));
        set(o, "ended_usec", json_number(st->ended_usec));
        return o;
}

json_t *json_measure(const Measure *m, const MeasureStatus *st) {
        char line[MEASURE_LINE_MAX];
        TextBuf b = TEXT_BUF(line);
        json_t *o = json_object();

        text_append(&b, "");
        line_append_measure(&b, m);
        set(o, "text", json_line(line));
        set(o, "measure_id", json_number(m->measure_id));
        set(o, "step", json_name(step_to_string(m->step)));
        set(o, "verb", json_name(measure_verb_to_string(m->verb)));
        set(o, "end", m->verb == MEASURE_RELEASE ? json_name(measure_end_to_string(m->end)) : json_null());
        set(o, "dry_run", json_boolean(m->dry_run));
        set(o, "proactive", json_boolean(m->is_proactive));
        set(o, "policy", json_escaped(m->policy_name));
        set(o, "domain", json_escaped(m->domain_path));
        set(o, "domain_id", json_number(m->domain_id));
        set(o, "level", json_name(level_to_string(m->level)));
        set(o, "reason", json_name(reason_to_string(m->reason)));
        set(o, "cgroup", m->cgroup_path[0] ? json_escaped(m->cgroup_path) : json_null());
        set(o, "cgroup_id", json_u64(m->cgroup_id, 0));
        set(o, "pid", m->step == STEP_PAGEOUT ? json_integer(m->pid) : json_null());
        set(o, "comm", m->step == STEP_PAGEOUT ? json_escaped(m->comm) : json_null());
        set_value(o, m);
        set(o, "limit_usec", json_number(m->limit_usec));
        set(o, "held_usec", json_u64(m->held_usec, 0));
        set_part(o, m);
        set(o, "condition", json_condition(&m->condition));
        set(o, "status", st ? json_status(m, st) : json_null());
        return o;
}

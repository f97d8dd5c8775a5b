/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The steps below the kill and the undo journal, for headroomctl. */

#include <stdio.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/status.h"
#include "report/json.h"
#include "report/measure.h"

static void set(json_t *o, const char *key, json_t *value) {
        (void)json_object_set_new(o, key, value);
}

static json_t *name_or_null(const char *name) {
        return name ? json_string(name) : json_null();
}

/* A limit that is not there is null; so is a value that the step has not. */
static json_t *value_of(const Measure *m, uint64_t value) {
        return m->step == STEP_FREEZE ? json_boolean(value != 0) : json_u64(value, CGROUP_NO_LIMIT);
}

static json_t *measure(const BookEntry *e, uint64_t now_usec, bool is_privileged) {
        const Measure *m = &e->measure;
        json_t *o = json_object();

        set(o, "measure_id", json_u64(m->measure_id, UINT64_MAX));
        set(o, "step", name_or_null(step_to_string(m->step)));
        set(o, "cgroup", json_escaped(m->cgroup_path));
        set(o, "domain", json_escaped(m->domain_path));
        set(o, "policy", json_escaped(m->policy_name));
        set(o, "level", name_or_null(level_to_string(m->level)));
        set(o, "value", value_of(m, e->value));
        set(o, "old_value", m->step == STEP_THROTTLE ? value_of(m, m->old_value) : json_null());
        set(o, "age_usec", json_u64(u64_sub_sat(now_usec, e->begin_usec), UINT64_MAX));
        set(o, "in_force", json_boolean(e->is_in_force));
        set(o, "by", json_string(e->by_manager ? "manager" : "cgroup"));
        set(o, "dry_run", json_boolean(m->dry_run));
        /* Of the policy before the reload, or released by hand: it will be gone in a moment. */
        set(o, "is_ending", json_boolean(e->is_orphan || e->is_void || m->verb == MEASURE_RELEASE));
        if (is_privileged && m->verb != MEASURE_RELEASE) {
                char line[MEASURE_LINE_MAX];
                TextBuf b = TEXT_BUF(line);
                text_append(&b, "");
                line_append_measure(&b, m);
                set(o, "text", json_string(line));
        }
        return o;
}

json_t *status_measures(const Manager *m, bool is_privileged) {
        uint64_t now = clock_mono_usec();
        json_t *a = json_array();
        const BookEntry *e;

        for (uint32_t i = 0; (e = measure_book_lasting(m->book, i)); i++)
                (void)json_array_append_new(a, measure(e, now, is_privileged));
        return a;
}

json_t *status_undo(const Manager *m) {
        uint64_t now = clock_mono_usec();
        json_t *o = json_object();

        set(o, "entries", json_integer(undo_count(m->undo)));
        /* Only in memory: nothing is put back after a crash. */
        set(o, "is_volatile", json_boolean(m->undo_dir_fd < 0));
        set(o, "is_releasing", json_boolean(m->is_releasing));
        set(o, "pause_left_usec", json_u64(u64_sub_sat(m->measure_pause_usec, now), UINT64_MAX));
        return o;
}

/* ---- release ---- */

static json_t *result_entry(const ReplayResult *r) {
        json_t *o = json_object();

        set(o, "kind", name_or_null(undo_kind_to_string(r->entry.kind)));
        set(o, "path", json_escaped(r->entry.path));
        if (r->entry.pid > 0)
                set(o, "pid", json_integer(r->entry.pid));
        set(o, "key", json_escaped(r->entry.key));
        set(o, "was", json_escaped(r->entry.new_value));
        set(o, "value", json_escaped(r->entry.old_value));
        set(o, "outcome", name_or_null(undo_outcome_to_string(r->outcome)));
        set(o, "error", r->error < 0 ? json_string(strerrordesc_np(-r->error)) : json_null());
        return o;
}

char *status_release(const ReplayReport *report) {
        json_t *a = json_array();
        json_int_t n_restored = 0;
        char *text, *line = NULL;

        for (uint32_t i = 0; i < report->n_results; i++) {
                n_restored += report->results[i].outcome == UNDO_RESTORED;
                (void)json_array_append_new(a, result_entry(&report->results[i]));
        }
        json_t *o = json_pack("{s:b, s:{s:I, s:I, s:o}}", "ok", 1, "result", "released", n_restored, "failed",
                              (json_int_t)report->n_failed, "entries", a);
        text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
        json_decref(o);
        if (!text)
                return NULL;
        if (asprintf(&line, "%s\n", text) < 0)
                line = NULL;
        free(text);
        return line;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* headroomctl status */

#include <inttypes.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/show.h"
#include "ctl/table.h"

static Color level_color(const char *level) {
        return strcmp(level, "calm") == 0 ? COLOR_GREEN : strcmp(level, "kill") == 0 ? COLOR_RED : COLOR_YELLOW;
}

static void show_domains(const Invocation *i, const json_t *domains) {
        static const char *const headings[] = { "CGROUP", "LEVEL", ">FOR",     ">AVAILABLE", ">SWAP FREE",
                                                ">SOME",  ">FULL", ">GONE IN", "POLICY",     NULL };
        _cleanup_(table_freep) Table *t = table_new(headings);
        const json_t *d;
        char buf[32];
        size_t n;

        if (!t)
                return;
        json_array_foreach(domains, n, d) {
                const char *level = show_string(d, "level"), *path = show_string(d, "cgroup");
                table_add(t, COLOR_NONE, strcmp(path, "/") == 0 ? "/ (host)" : path);
                table_add(t, level_color(level), level);
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), d, "level_age_usec", units_append_usec));
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), d, "available_bytes", units_append_bytes));
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), d, "swap_free_bytes", units_append_bytes));
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), d, "some_permyriad", units_append_share));
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), d, "full_permyriad", units_append_share));
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), d, "exhaustion_usec", units_append_usec));
                table_add(t, COLOR_NONE, show_string(d, "policy"));
        }
        table_print(t, i->out, i->color);
}

/* What the value of a measure is: bytes for a throttle, a weight for slow, nothing to say for freeze. */
static const char *show_measure_value(char *buf, size_t size, const json_t *m, const char *key) {
        const json_t *value = json_object_get(m, key);

        if (strcmp(show_string(m, "step"), "throttle") == 0)
                return json_is_null(value) ? "max" : show_value(buf, size, m, key, units_append_bytes);
        if (!json_is_integer(value))
                return "-";
        (void)snprintf(buf, size, "%" PRId64, (int64_t)json_integer_value(value));
        return buf;
}

static void show_measures(const Invocation *i, const json_t *measures) {
        static const char *const headings[] = { "STEP", "CGROUP", ">VALUE", ">BEFORE", ">FOR", "BY", "STATE", NULL };
        const json_t *m;
        char buf[32];
        size_t n;

        if (json_array_size(measures) == 0)
                return;
        _cleanup_(table_freep) Table *t = table_new(headings);
        if (!t)
                return;
        json_array_foreach(measures, n, m) {
                table_add(t, COLOR_YELLOW, show_string(m, "step"));
                table_add(t, COLOR_NONE, show_string(m, "cgroup"));
                table_add(t, COLOR_NONE, show_measure_value(buf, sizeof(buf), m, "value"));
                table_add(t, COLOR_NONE, show_measure_value(buf, sizeof(buf), m, "old_value"));
                table_add(t, COLOR_NONE, show_value(buf, sizeof(buf), m, "age_usec", units_append_usec));
                table_add(t, COLOR_NONE, show_string(m, "by"));
                table_add(t, COLOR_NONE,
                          json_is_true(json_object_get(m, "is_ending"))  ? "ending" :
                          json_is_true(json_object_get(m, "dry_run"))    ? "dry run" :
                          json_is_true(json_object_get(m, "in_force")) ? "in force"
                                                                         : "beginning");
        }
        (void)fprintf(i->out, "\nHeld:\n");
        table_print(t, i->out, i->color);
}

static void show_undo(const Invocation *i, const json_t *undo) {
        int64_t n = show_int(undo, "entries", 0), pause = show_int(undo, "pause_left_usec", 0);
        char buf[32];

        if (n > 0)
                (void)fprintf(i->out, "%" PRId64 " %s to put back%s\n", n, n == 1 ? "change" : "changes",
                              json_is_true(json_object_get(undo, "is_volatile")) ? ", not kept on disk" : "");
        if (pause > 0)
                (void)fprintf(i->out, "released by hand: no step below the kill for %s\n",
                              show_value(buf, sizeof(buf), undo, "pause_left_usec", units_append_usec));
}

static void show_kernel_adjust(const Invocation *i, const json_t *status) {
        const json_t *o = json_object_get(status, "kernel_adjust");
        bool is_dry = json_is_true(json_object_get(status, "dry_run"));

        if (!json_is_object(o))
                return;
        int64_t n = show_int(o, is_dry ? "wanted" : "adjusted", 0);
        (void)fprintf(i->out, "oom_score_adj %s for %" PRId64 " %s", is_dry ? "would be adjusted" : "is adjusted", n,
                      n == 1 ? "process" : "processes");
        if (show_int(o, "refused", 0) > 0)
                (void)fprintf(i->out, ", may not be for %" PRId64, show_int(o, "refused", 0));
        if (show_int(o, "foreign", 0) > 0)
                (void)fprintf(i->out, ", was set by somebody else for %" PRId64, show_int(o, "foreign", 0));
        (void)fputc('\n', i->out);
}

static void show_notes(const Invocation *i, const char *what, const json_t *notes) {
        const json_t *o;
        size_t n;
        json_array_foreach(notes, n, o)(void)
                fprintf(i->out, "%s%s:%s %s: %s\n", color_begin(COLOR_YELLOW, i->color), what,
                        color_end(COLOR_YELLOW, i->color), show_string(o, "key"), show_string(o, "text"));
}

static void show_kills(const Invocation *i, const json_t *kills) {
        const json_t *k;
        char buf[32];
        size_t n;

        if (json_array_size(kills) == 0)
                return;
        (void)fprintf(i->out, "\nLast kills:\n");
        json_array_foreach(kills, n, k) {
                const char *text = json_string_value(json_object_get(k, "text"));
                (void)fprintf(i->out, "  %s  %s\n", show_time(buf, sizeof(buf), k, "real_usec"),
                              text ? text : show_string(k, "reason"));
        }
}

static void show_self(const Invocation *i, const json_t *status) {
        const json_t *self = json_object_get(status, "self"), *meters = json_object_get(self, "meters");
        const json_t *late = json_object_get(meters, "tick_lateness"), *tick = json_object_get(meters, "tick");
        char a[32], b[32], c[32], d[32];

        (void)fprintf(i->out,
                      "\nheadroomd %s%s, up %s: %" PRId64 " ticks, %" PRId64 " kills (%" PRId64 " failed), %" PRId64
                      " by the kernel\n",
                      show_string(status, "version"),
                      json_is_true(json_object_get(status, "dry_run")) ? ", dry run" : "",
                      show_value(a, sizeof(a), self, "uptime_usec", units_append_usec), show_int(self, "ticks", 0),
                      show_int(self, "kills", 0), show_int(self, "kills_failed", 0),
                      show_int(status, "kernel_oom_kills", 0));
        (void)fprintf(i->out, "a tick takes %s (99 %% within %s), comes %s late at most (99 %% within %s)\n",
                      show_value(a, sizeof(a), tick, "mean_usec", units_append_usec),
                      show_value(b, sizeof(b), tick, "p99_usec", units_append_usec),
                      show_value(c, sizeof(c), late, "max_usec", units_append_usec),
                      show_value(d, sizeof(d), late, "p99_usec", units_append_usec));
        const json_t *recent = json_object_get(late, "recent");
        if (show_int(recent, "n", 0) > 0)
                (void)fprintf(i->out, "in the last minute: %s late at most (50 %% within %s, 99 %% within %s)\n",
                              show_value(a, sizeof(a), recent, "max_usec", units_append_usec),
                              show_value(b, sizeof(b), recent, "p50_usec", units_append_usec),
                              show_value(c, sizeof(c), recent, "p99_usec", units_append_usec));
        if (show_int(self, "measures", 0) > 0)
                (void)fprintf(i->out, "%" PRId64 " measures (%" PRId64 " failed), the longest took %s\n",
                              show_int(self, "measures", 0), show_int(self, "measures_failed", 0),
                              show_value(a, sizeof(a), json_object_get(meters, "measure"), "max_usec", units_append_usec));
        if (show_int(self, "log_dropped", 0) > 0)
                (void)fprintf(i->out, "%" PRId64 " log entries were lost\n", show_int(self, "log_dropped", 0));
}

CtlExit command_status(const Invocation *i) {
        json_t *status;

        CtlExit r = client_ask(json_pack("{s:s}", "verb", "status"), &status);
        if (r != CTL_EXIT_OK)
                return r;
        if (i->format == FORMAT_JSON)
                show_json(i, status);
        else {
                show_domains(i, json_object_get(status, "domains"));
                show_measures(i, json_object_get(status, "measures"));
                if (json_array_size(json_object_get(status, "degraded")) +
                            json_array_size(json_object_get(status, "others")) >
                    0)
                        (void)fputc('\n', i->out);
                show_notes(i, "degraded", json_object_get(status, "degraded"));
                show_notes(i, "note", json_object_get(status, "others"));
                show_kills(i, json_object_get(status, "last_kills"));
                show_self(i, status);
                show_kernel_adjust(i, status);
                show_undo(i, json_object_get(status, "undo"));
        }
        json_decref(status);
        return CTL_EXIT_OK;
}

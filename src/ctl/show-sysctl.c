/* SPDX-License-Identifier: GPL-2.0-or-later */

/* headroomctl sysctl */

#include <inttypes.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/show.h"
#include "ctl/table.h"

static Color state_color(const char *state) {
        if (strcmp(state, "in-force") == 0)
                return COLOR_GREEN;
        return strcmp(state, "left-alone") == 0 ? COLOR_NONE : COLOR_YELLOW;
}

static void add_number(Table *t, Color color, const json_t *o, const char *key) {
        const json_t *v = json_object_get(o, key);

        if (json_is_integer(v))
                table_addf(t, color, "%" PRId64, (int64_t)json_integer_value(v));
        else
                table_add(t, color, "-");
}

static void show_settings(const Invocation *i, const json_t *settings) {
        static const char *const headings[] = { "KEY", ">WANTED", ">CURRENT", ">ORIGINAL", "STATE", "WHY", NULL };
        _cleanup_(table_freep) Table *t = table_new(headings);
        const json_t *s;
        size_t n;

        if (!t)
                return;
        json_array_foreach(settings, n, s) {
                const char *state = show_string(s, "state"), *error = json_string_value(json_object_get(s, "error"));
                bool is_auto = strcmp(show_string(s, "setting"), "auto") == 0;
                table_add(t, COLOR_NONE, show_string(s, "key"));
                add_number(t, is_auto ? COLOR_BOLD : COLOR_NONE, s, "wanted");
                add_number(t, COLOR_NONE, s, "current");
                add_number(t, COLOR_NONE, s, "original");
                table_add(t, state_color(state), state);
                table_addf(t, COLOR_NONE, "%s%s%s", show_string(s, "why"), error ? "; " : "", error ? error : "");
        }
        table_print(t, i->out, i->color);
}

static void show_summary(const Invocation *i, const json_t *o) {
        char buf[32];

        (void)fprintf(i->out, "\nswap: %s; highest Committed_AS: %s; put back: %s%s\n", show_string(o, "swap_kind"),
                      show_value(buf, sizeof(buf), o, "commit_peak_bytes", units_append_bytes),
                      show_string(o, "restore"),
                      json_is_true(json_object_get(o, "dry_run")) ? "; dry run, nothing is written" : "");
        if (show_int(o, "panic_on_oom", 0) > 0)
                (void)fprintf(i->out, "note: vm.panic_on_oom is set, a kernel OOM stops the host\n");
        if (show_int(o, "oom_kill_allocating_task", 0) > 0)
                (void)fprintf(i->out, "note: vm.oom_kill_allocating_task is set, the kernel kills whoever asks\n");
}

CtlExit command_sysctl(const Invocation *i) {
        json_t *answer;

        CtlExit r = client_ask(json_pack("{s:s}", "verb", "sysctl"), &answer);
        if (r != CTL_EXIT_OK)
                return r;
        if (i->format == FORMAT_JSON)
                show_json(i, answer);
        else {
                show_settings(i, json_object_get(answer, "sysctls"));
                show_summary(i, answer);
        }
        json_decref(answer);
        return CTL_EXIT_OK;
}

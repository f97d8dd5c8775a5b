/* SPDX-License-Identifier: GPL-2.0-or-later */

/* sysctl: what is wanted of the kernel's memory settings, what is there, what was there before, and why. */

#include <jansson.h>
#include <string.h>

#include "daemon/manager-sysctl.h"
#include "daemon/status.h"
#include "report/json.h"
#include "report/sysctl.h"
#include "sense/sysctl.h"

static void set(json_t *o, const char *key, json_t *value) {
        (void)json_object_set_new(o, key, value);
}

static json_t *number(bool has, uint64_t value) {
        return has ? json_u64(value, UINT64_MAX) : json_null();
}

static const char *state_of(const SysctlRun *run, const SysctlSample *now, Sysctl key) {
        const SysctlKey *k = &run->sysctls.keys[key];
        const SysctlAdvice *a = &run->decision.advice[key];

        if (!sysctl_has(now, key))
                return "not-read";
        if (k->is_released)
                return "released-by-hand";
        if (k->is_foreign)
                return "changed-by-somebody-else";
        if (k->is_ours && k->is_adopted)
                return "zeroed-by-the-kernel";
        if (!a->is_wanted)
                return "left-alone";
        if (a->is_held)
                return "held-back";
        if (now->value[key] == a->wanted || (k->is_ours && now->value[key] == k->ours))
                return "in-force";
        if (run->sysctls.is_dry_run)
                return "dry-run";
        return k->is_told && k->told == SYSCTL_EVENT_FAILED ? "failed" : "pending";
}

static json_t *one(const Manager *m, const SysctlSample *now, Sysctl key) {
        const SysctlRun *run = m->sysctl;
        const SysctlAdvice *a = &run->decision.advice[key];
        const SysctlKey *k = &run->sysctls.keys[key];
        json_t *o = json_object();
        char why[512];
        TextBuf b = TEXT_BUF(why);

        text_append(&b, "");
        sysctl_append_why(&b, key, a);
        set(o, "key", json_sprintf("vm.%s", sysctl_to_string(key)));
        set(o, "setting", json_string(sysctl_mode_to_string(m->policy->daemon.sysctl.settings[key].mode)));
        set(o, "wanted", number(a->is_wanted && !(a->is_held && a->wanted == 0), a->wanted));
        set(o, "current", number(sysctl_has(now, key), now->value[key]));
        set(o, "original", number(k->is_ours || sysctl_has(now, key), k->is_ours ? k->original : now->value[key]));
        set(o, "state", json_string(state_of(run, now, key)));
        set(o, "error", k->is_told && k->told == SYSCTL_EVENT_FAILED ? json_string(strerrordesc_np(-k->told_error)) :
                                                                     json_null());
        set(o, "why_key", json_string(sysctl_why_to_string(a->why)));
        set(o, "why", json_string(why));
        return o;
}

json_t *status_sysctl(const Manager *m) {
        const SysctlRun *run = m->sysctl;
        const char *restore = sysctl_restore_to_string(m->policy->daemon.sysctl.restore);
        SysctlSample now;

        if (!run || !run->has_decision)
                return NULL;
        /* the values of this moment, and the reasons of the latest look */
        sysctl_sample(m->root_fd, &now);
        json_t *o = json_object(), *a = json_array();
        for (Sysctl key = 0; key < _SYSCTL_MAX; key++)
                (void)json_array_append_new(a, one(m, &now, key));
        set(o, "dry_run", json_boolean(run->sysctls.is_dry_run));
        set(o, "restore", restore ? json_string(restore) : json_null());
        set(o, "swap_kind", now.has_swap_kind ? json_string(swap_kind_to_string(now.swap_kind)) : json_null());
        set(o, "commit_peak_bytes", number(run->tune.has_peak, run->tune.peak_bytes));
        set(o, "panic_on_oom", number(now.has_panic_on_oom, now.panic_on_oom));
        set(o, "oom_kill_allocating_task", number(now.has_kill_allocating_task, now.kill_allocating_task));
        set(o, "sysctls", a);
        return o;
}

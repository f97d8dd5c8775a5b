/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The settings below /proc/sys/vm: looked at every ten seconds and after a load, never in a tick that acts. What a
 * busy host should not be asked for (a word with all CPUs) waits until it is calm; swappiness does not, since memory
 * that runs short is when it counts.
 */

#include "daemon/manager-sysctl.h"

#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "daemon/clock.h"
#include "daemon/commit-peak.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "report/peers.h"
#include "report/sysctl.h"
#include "sense/block-io.h"
#include "sense/sysctl.h"

#define LOOK_USEC (10 * USEC_PER_SEC)
/* A peak that is higher by this share is worth a write; it is a file on tmpfs. */
#define SAVE_PERMYRIAD 100

/* ---- what is said ---- */

static const char *failure_hint(int error) {
        switch (-error) {
        case EROFS:
        case EACCES:
        case EPERM:
                return " (/proc/sys is read-only for this service, or not ours to write)";
        case ENOENT:
                return " (this kernel has no such setting)";
        case EINVAL:
                return " (out of the range of this kernel)";
        default:
                return "";
        }
}

static void append_report(TextBuf *b, const SysctlReport *r, const SysctlAdvice *a, uint64_t original) {
        switch (r->event) {
        case SYSCTL_EVENT_SET:
        case SYSCTL_EVENT_WOULD_SET:
                text_append(b, r->event == SYSCTL_EVENT_SET ? "set " : "would set ");
                sysctl_append_name(b, r->key);
                text_appendf(b, " from %" PRIu64 " to %" PRIu64 ": ", r->old, r->new);
                sysctl_append_why(b, r->key, a);
                return;
        case SYSCTL_EVENT_PUT_BACK:
                text_append(b, "put back ");
                sysctl_append_name(b, r->key);
                text_appendf(b, " from %" PRIu64 " to %" PRIu64, r->old, r->new);
                return;
        case SYSCTL_EVENT_HELD:
                sysctl_append_name(b, r->key);
                text_appendf(b, " stays %" PRIu64 ": ", r->old);
                sysctl_append_why(b, r->key, a);
                return;
        case SYSCTL_EVENT_DRIFT:
                sysctl_append_name(b, r->key);
                text_appendf(b, " is %" PRIu64 " and not the %" PRIu64 " that was set", r->new, r->old);
                text_appendf(b, r->new == original ? " (which is what it was before)" : " (%" PRIu64 " before that)",
                             original);
                text_append(b, ": somebody else has changed it, left alone");
                return;
        case SYSCTL_EVENT_FAILED:
                sysctl_append_name(b, r->key);
                text_appendf(b, " is skipped: %" PRIu64 " could not be written: %s%s", r->new,
                             strerrordesc_np(-r->error) ? strerrordesc_np(-r->error) : "unknown error",
                             failure_hint(r->error));
                return;
        case SYSCTL_EVENT_ROUNDED:
                text_appendf(b, "the kernel made %" PRIu64 " of %" PRIu64 " for ", r->new, r->old);
                sysctl_append_name(b, r->key);
                return;
        case _SYSCTL_EVENT_MAX:
        case _SYSCTL_EVENT_INVALID:
                break;
        }
}

static void log_report(Manager *m, const SysctlReport *r, uint64_t original) {
        static const struct {
                int priority;
                const char *id;
        } kinds[_SYSCTL_EVENT_MAX] = {
                [SYSCTL_EVENT_SET] = { LOG_NOTICE, MESSAGE_ID_SYSCTL },
                [SYSCTL_EVENT_WOULD_SET] = { LOG_NOTICE, MESSAGE_ID_WOULD_SYSCTL },
                [SYSCTL_EVENT_PUT_BACK] = { LOG_NOTICE, MESSAGE_ID_SYSCTL },
                [SYSCTL_EVENT_HELD] = { LOG_WARNING, MESSAGE_ID_SYSCTL_SKIPPED },
                [SYSCTL_EVENT_DRIFT] = { LOG_WARNING, MESSAGE_ID_SYSCTL_DRIFT },
                [SYSCTL_EVENT_FAILED] = { LOG_WARNING, MESSAGE_ID_SYSCTL_SKIPPED },
                [SYSCTL_EVENT_ROUNDED] = { LOG_NOTICE, NULL },
        };
        const SysctlAdvice *a = &m->sysctl->decision.advice[r->key];
        const char *why = sysctl_why_to_string(a->why);

        append_report(log_begin(m->log, kinds[r->event].priority, kinds[r->event].id), r, a, original);
        sysctl_append_name(log_field(m->log, "HEADROOM_KEY"), r->key);
        log_fieldf(m->log, "HEADROOM_VALUE", "%" PRIu64, r->new);
        log_fieldf(m->log, "HEADROOM_OLD_VALUE", "%" PRIu64, r->old);
        log_fieldf(m->log, "HEADROOM_SYSCTL_WHY", "%s", why ? why : "?");
        log_commit(m->log);
}

/* ---- the highest Committed_AS ---- */

static const char *state_dir(char *buf, size_t size) {
        const char *env = getenv("STATE_DIRECTORY");
        TextBuf b = { .data = buf, .size = size };

        text_append(&b, "");
        if (!env || env[0] != '/')
                return NULL;
        text_append_n(&b, env, strcspn(env, ":"));
        return b.truncated ? NULL : buf;
}

static bool has_runtime(const Manager *m) {
        return m->runtime.lock_fd >= 0 && !m->options.dry_run;
}

static void load_peak(Manager *m, SysctlRun *run) {
        uint64_t peak = 0, v;
        char buf[RUNTIME_PATH_MAX];
        const char *dir = m->is_live ? state_dir(buf, sizeof(buf)) : NULL;

        if (dir && commit_peak_load(dir, &v) == 0)
                peak = v;
        if (m->is_live && m->runtime.lock_fd >= 0 && commit_peak_load(m->runtime.path, &v) == 0) {
                run->saved_peak_bytes = v;
                peak = MAX(peak, v);
        }
        tune_init(&run->tune, peak > 0, peak);
}

/* In the runtime directory, which is memory; the state directory may be a disk, and waits for the end. */
static void save_peak(Manager *m, SysctlRun *run) {
        const TuneState *t = &run->tune;

        if (!t->has_peak || !has_runtime(m) ||
            t->peak_bytes <= run->saved_peak_bytes + u64_mul_div(run->saved_peak_bytes, SAVE_PERMYRIAD, PERMYRIAD))
                return;
        run->saved_peak_bytes = t->peak_bytes; /* one try: what cannot be written now cannot in ten seconds */
        (void)commit_peak_save(m->runtime.path, t->peak_bytes);
}

static void save_peak_for_good(Manager *m, const SysctlRun *run) {
        char buf[RUNTIME_PATH_MAX];
        const char *dir = state_dir(buf, sizeof(buf));

        if (!run->tune.has_peak || !has_runtime(m))
                return;
        (void)commit_peak_save(m->runtime.path, run->tune.peak_bytes);
        int r = dir ? commit_peak_save(dir, run->tune.peak_bytes) : 0;
        if (r < 0)
                log_linef(m->log, LOG_NOTICE, NULL,
                          "%s/commit-peak was not written (%s): OvercommitRatio=auto begins anew after the next boot",
                          dir, strerrordesc_np(-r));
}

/* ---- life ---- */

static const SysctlPolicy *policy_of(const Manager *m) {
        return &m->policy->daemon.sysctl;
}

static bool is_dry_run(const Manager *m) {
        return m->policy->daemon.dry_run || !m->is_live;
}

int manager_sysctl_start(Manager *m) {
        SysctlRun *run = calloc(1, sizeof(*run));

        if (!run)
                return -ENOMEM;
        sysctls_init(&run->sysctls, m->root_fd, m->undo, is_dry_run(m), policy_of(m)->restore);
        load_peak(m, run);
        m->sysctl = run;
        return 0;
}

void manager_sysctl_reload(Manager *m) {
        if (!m->sysctl)
                return;
        sysctls_set_mode(&m->sysctl->sysctls, is_dry_run(m), policy_of(m)->restore);
        m->sysctl->due_usec = 0;
}

void manager_sysctl_released(Manager *m) {
        if (m->sysctl)
                sysctls_note_released(&m->sysctl->sysctls);
}

/* Set while we run as well as before: the warning comes when it begins. */
static void note_kernel_settings(Manager *m, const SysctlSample *s) {
        uint32_t bits = 1u << PEER_PANIC_ON_OOM | 1u << PEER_KILL_ALLOCATING_TASK, found = 0;

        if (s->has_panic_on_oom && s->panic_on_oom > 0)
                found |= 1u << PEER_PANIC_ON_OOM;
        if (s->has_kill_allocating_task && s->kill_allocating_task > 0)
                found |= 1u << PEER_KILL_ALLOCATING_TASK;
        if (found != (m->peers & bits))
                manager_log_peers(m, (m->peers & ~bits) | found);
}

void manager_sysctl_step(Manager *m) {
        SysctlRun *run = m->sysctl;
        SysctlReport reports[SYSCTL_REPORTS_MAX];
        uint64_t now = clock_mono_usec(), originals[_SYSCTL_MAX];

        if (!run || now < run->due_usec || m->n_rounds == 0 || m->is_releasing)
                return;
        run->due_usec = now + LOOK_USEC;
        sysctl_sample(m->root_fd, &run->sample);
        /* what cannot be read is absent */
        if (policy_of(m)->settings[SYSCTL_SWAPPINESS].mode == SYSCTL_AUTO)
                (void)block_io_read_at(m->root_fd, &run->sample);
        tune_step(&run->tune, policy_of(m), &run->sample, &m->snap, &run->decision);
        run->has_decision = true;
        for (Sysctl key = 0; key < _SYSCTL_MAX; key++)
                originals[key] = run->sysctls.keys[key].original;
        uint32_t n = sysctls_apply(&run->sysctls, policy_of(m), &run->sample, &run->decision, manager_is_calm(m),
                                   reports);
        for (uint32_t i = 0; i < n; i++)
                log_report(m, &reports[i], originals[reports[i].key]);
        note_kernel_settings(m, &run->sample);
        save_peak(m, run);
}

void manager_sysctl_stop(Manager *m) {
        SysctlRun *run = m->sysctl;
        SysctlReport reports[SYSCTL_REPORTS_MAX];
        uint64_t originals[_SYSCTL_MAX];

        if (!run)
                return;
        for (Sysctl key = 0; key < _SYSCTL_MAX; key++)
                originals[key] = run->sysctls.keys[key].original;
        uint32_t n = sysctls_release(&run->sysctls, reports);
        for (uint32_t i = 0; i < n; i++)
                log_report(m, &reports[i], originals[reports[i].key]);
        save_peak_for_good(m, run);
        free(run);
        m->sysctl = NULL;
}

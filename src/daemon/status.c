/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/status.h"

#include <malloc.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/manager-record.h"
#include "report/json.h"
#include "report/line.h"
#include "report/peers.h"

/* In the answer to status: enough to see what has been going on. */
#define STATUS_KILLS_MAX    5
#define HISTORY_KILLS_MAX   64
#define HISTORY_DEFAULT_MAX 20

static void set(json_t *o, const char *key, json_t *value) {
        (void)json_object_set_new(o, key, value);
}

static json_t *count(uint64_t n) {
        return json_u64(n, UINT64_MAX);
}

static json_t *name_or_null(const char *name) {
        return name ? json_string(name) : json_null();
}

json_t *status_domain(const Manager *m, const DomainView *d, uint64_t now_usec) {
        json_t *o = json_object();
        bool has_policy = d->policy >= 0 && (uint32_t)d->policy < m->policy->n_cgroups;

        set(o, "cgroup", json_escaped(d->path));
        set(o, "id", count(d->id));
        set(o, "policy", has_policy ? json_escaped(m->policy->cgroups[d->policy].name) : json_null());
        set(o, "level", name_or_null(level_to_string(d->level)));
        set(o, "level_age_usec", count(u64_sub_sat(now_usec, d->level_since_usec)));
        set(o, "available_bytes", json_u64(d->available_bytes, UINT64_MAX));
        set(o, "swap_free_bytes", json_u64(d->swap_free_bytes, UINT64_MAX));
        set(o, "exhaustion_usec", json_u64(d->exhaustion_usec, USEC_INFINITY));
        set(o, "some_permyriad", json_u64(d->some_permyriad, UINT64_MAX));
        set(o, "full_permyriad", json_u64(d->full_permyriad, UINT64_MAX));
        set(o, "kill_in_flight", d->kill_in_flight ? count(d->kill_in_flight + m->id_base) : json_null());
        set(o, "cooldown_left_usec", count(d->cooldown_left_usec));
        return o;
}

static json_t *domains(Manager *m) {
        uint32_t n = decide_domains(m->state, m->views, DOMAINS_MAX);
        uint64_t now = clock_mono_usec();
        json_t *a = json_array();

        for (uint32_t i = 0; i < n; i++)
                (void)json_array_append_new(a, status_domain(m, &m->views[i], now));
        return a;
}

static json_t *degraded(const Manager *m) {
        uint32_t bits = sense_degraded(m->sense);
        json_t *a = json_array();

        for (Degraded d = 0; d < _DEGRADED_MAX; d++)
                if (bits & (1u << d)) {
                        json_t *o = json_object();
                        set(o, "key", json_string(degraded_to_string(d)));
                        set(o, "text", json_string(degraded_describe(d)));
                        (void)json_array_append_new(a, o);
                }
        return a;
}

static json_t *peers(const Manager *m) {
        json_t *a = json_array();

        for (Peer p = 0; p < _PEER_MAX; p++)
                if (m->peers & (1u << p)) {
                        json_t *o = json_object();
                        set(o, "key", json_string(peer_to_string(p)));
                        set(o, "text", json_string(peer_describe(p)));
                        (void)json_array_append_new(a, o);
                }
        return a;
}

static json_t *meter(const Meter *meter) {
        json_t *o = json_object();

        set(o, "n", count(meter->n));
        set(o, "mean_usec", count(meter_mean(meter)));
        set(o, "p50_usec", count(meter_quantile(meter, 5000)));
        set(o, "p99_usec", count(meter_quantile(meter, 9900)));
        set(o, "max_usec", count(meter->max_usec));
        return o;
}

/* With what came in the last minute or two as "recent". */
static json_t *meter_and_recent(const Meter *all, const MeterRecent *recent) {
        json_t *o = meter(all);
        Meter m;

        meter_recent_get(recent, clock_mono_usec(), &m);
        set(o, "recent", meter(&m));
        return o;
}

/* null where nothing is recorded */
static json_t *recording(const Manager *m) {
        RecorderStats s;

        if (!manager_record_stats(m, &s))
                return json_null();
        json_t *o = json_object();
        set(o, "records", count(s.n_records));
        set(o, "lost_records", count(s.n_lost));
        set(o, "encoded_bytes", count(s.n_encoded_bytes));
        set(o, "disk_errors", count(s.n_disk_errors));
        return o;
}

static json_t *self(const Manager *m) {
        const ManagerStats *s = &m->stats;
        json_t *o = json_object(), *meters = json_object();

        set(o, "uptime_usec", count(clock_mono_usec() - s->start_usec));
        set(o, "ticks", count(s->n_ticks));
        set(o, "trigger_events", count(s->n_trigger_events));
        set(o, "triggers", count(m->n_triggers));
        set(o, "discoveries", count(s->n_discoveries));
        set(o, "sample_errors", count(s->n_sample_errors));
        set(o, "kills", count(s->n_kills));
        set(o, "kills_failed", count(s->n_kills_failed));
        set(o, "kills_not_confirmed", count(s->n_not_confirmed));
        set(o, "measures", count(s->n_measures));
        set(o, "measures_failed", count(s->n_measures_failed));
        set(o, "reloads", count(s->n_reloads));
        set(o, "reloads_refused", count(s->n_reloads_refused));
        set(o, "log_dropped", count(log_dropped(m->log)));
        set(o, "recording", recording(m));
        if (m->control) {
                set(o, "control_clients", count(control_stats(m->control)->n_clients));
                set(o, "control_refused", count(control_stats(m->control)->n_refused));
                set(o, "control_timeouts", count(control_stats(m->control)->n_timeouts));
        }
        set(meters, "tick_lateness", meter_and_recent(&s->lateness, &s->lateness_recent));
        set(meters, "tick", meter_and_recent(&s->tick, &s->tick_recent));
        set(meters, "after_tick", meter(&s->after_tick));
        set(meters, "discover", meter(&s->discover));
        set(meters, "cheap_sample", meter(&s->cheap));
        set(meters, "detailed_sample", meter(&s->detail));
        set(meters, "decide", meter(&s->decide));
        set(meters, "sample_to_signal", meter(&s->kill));
        set(meters, "record", meter(&s->record));
        set(meters, "measure", meter(&s->measure_run));
        set(o, "meters", meters);
        return o;
}

/* Who died is no secret to those who can see processes, but the line names other people's cgroups: root only. */
static json_t *last_kills(const Manager *m, bool is_privileged) {
        json_t *a = json_array();

        for (size_t age = 0; age < STATUS_KILLS_MAX; age++) {
                const KillRecord *r = kill_history_get(m->history, age);
                if (!r)
                        break;
                json_t *o = json_object();
                set(o, "kill_id", count(r->decision.kill_id));
                set(o, "real_usec", count(r->real_usec));
                set(o, "reason", name_or_null(reason_to_string(r->decision.reason)));
                set(o, "outcome", name_or_null(kill_outcome_to_string(r->outcome)));
                set(o, "dry_run", json_boolean(r->is_virtual));
                if (is_privileged) {
                        char line[2048];
                        TextBuf b = TEXT_BUF(line);
                        text_append(&b, "");
                        line_append_kill(&b, r);
                        json_t *text = json_string(line);
                        set(o, "text", text ? text : json_null());
                }
                (void)json_array_append_new(a, o);
        }
        return a;
}

static json_t *kernel_adjust(const Manager *m) {
        AdjustCounts c;
        const char *method = manager_adjust_status(m, &c);
        if (!method)
                return json_null();
        json_t *o = json_object();
        set(o, "method", json_string(method));
        set(o, "adjusted", count(c.n_adjusted));
        set(o, "wanted", count(c.n_wanted));
        set(o, "foreign", count(c.n_foreign));
        set(o, "refused", count(c.n_refused));
        return o;
}

static json_t *status(Manager *m, bool is_privileged) {
        json_t *o = json_object(), *policy = json_object();
        char hash[24];

        (void)snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)m->policy->hash);
        set(policy, "hash", json_string(hash));
        set(policy, "cgroups", count(m->policy->n_cgroups));
        set(policy, "rules", count(m->policy->n_rules));
        set(o, "version", json_string(HEADROOM_VERSION));
        set(o, "dry_run", json_boolean(m->policy->daemon.dry_run));
        set(o, "policy", policy);
        set(o, "domains", domains(m));
        set(o, "measures", status_measures(m, is_privileged));
        set(o, "undo", status_undo(m));
        set(o, "kernel_adjust", kernel_adjust(m));
        set(o, "degraded", degraded(m));
        set(o, "others", peers(m));
        set(o, "kernel_oom_kills", count(m->stats.n_kernel_oom));
        set(o, "last_kills", last_kills(m, is_privileged));
        set(o, "host", json_host(&m->host_last));
        set(o, "self", self(m));
        return o;
}

static json_t *history(const Manager *m, json_int_t max) {
        json_t *o = json_object(), *a = json_array();

        for (size_t age = 0; age < HISTORY_KILLS_MAX && (json_int_t)age < max; age++) {
                const KillRecord *r = kill_history_get(m->history, age);
                if (!r)
                        break;
                (void)json_array_append_new(a, json_kill_record(r, /* full= */ false));
        }
        set(o, "total", count(kill_history_total(m->history)));
        set(o, "kills", a);
        return o;
}

static char *answer(json_t *o) {
        char *text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER), *line = NULL;

        json_decref(o);
        if (!text)
                return NULL;
        if (asprintf(&line, "%s\n", text) < 0)
                line = NULL;
        free(text);
        return line;
}

static char *answer_error(const char *error, const char *message) {
        return answer(json_pack("{s:b, s:s, s:s}", "ok", 0, "error", error, "message", message));
}

static char *answer_result(json_t *result) {
        return result ? answer(json_pack("{s:b, s:o}", "ok", 1, "result", result)) : NULL;
}

static char *answer_release(Manager *m, bool is_privileged) {
        if (!is_privileged)
                return answer_error(STATUS_ERROR_NOT_PERMITTED, "release changes the host: it is for root");
        int r = manager_release(m);
        if (r < 0)
                return answer_error(STATUS_ERROR_FAILED, "nothing could be put back now, try again");
        return CONTROL_LATER;
}

static char *answer_request(Manager *m, const json_t *request, bool is_privileged) {
        const char *verb = json_string_value(json_object_get(request, "verb"));
        const char *target = json_string_value(json_object_get(request, "target")), *error, *message;
        const json_t *max = json_object_get(request, "max");

        if (!verb)
                return answer_error(STATUS_ERROR_BAD_REQUEST, "no verb in the request");
        /* An answer takes memory, and the loop would wait for it when there is none: not for everybody's asking. */
        if (!is_privileged && !manager_is_calm(m))
                return answer_error(STATUS_ERROR_NOT_PERMITTED, "memory is short: only root is answered now");
        if (strcmp(verb, "status") == 0)
                return answer_result(status(m, is_privileged));
        if (strcmp(verb, "release") == 0)
                return answer_release(m, is_privileged);
        if (strcmp(verb, "sysctl") == 0) {
                json_t *settings = status_sysctl(m);
                return settings ? answer_result(settings)
                                : answer_error(STATUS_ERROR_FAILED, "the settings have not been looked at yet");
        }
        if (strcmp(verb, "history") != 0 && strcmp(verb, "explain") != 0)
                return answer_error(STATUS_ERROR_BAD_REQUEST, "this daemon does not know that verb");
        if (!is_privileged)
                return answer_error(STATUS_ERROR_NOT_PERMITTED,
                                    "history and explain name other users' processes: they are for root");
        if (strcmp(verb, "history") == 0)
                return answer_result(history(m, json_is_integer(max) ? json_integer_value(max) : HISTORY_DEFAULT_MAX));
        if (!target || !target[0])
                return answer_error(STATUS_ERROR_BAD_REQUEST, "explain needs a target: last, a pid, or a cgroup");
        json_t *result = status_explain(m, target, &error, &message);
        return result ? answer_result(result) : answer_error(error, message);
}

char *status_answer(void *userdata, const char *request, size_t n, bool is_privileged) {
        json_error_t error;
        json_t *o = json_loadb(request, n, JSON_REJECT_DUPLICATES, &error);
        char *line = json_is_object(o) ? answer_request(userdata, o, is_privileged) :
                                         answer_error(STATUS_ERROR_BAD_REQUEST, "the request is not one JSON object");

        json_decref(o);
        /*
         * An answer is big for a daemon of this size; give its pages back. Not while memory is short: the loop would
         * wait in reclaim to have them again for the next one.
         */
        if (manager_is_calm(userdata))
                (void)malloc_trim(0);
        return line;
}

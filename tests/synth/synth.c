/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The recorder: ticks as the daemon's, and the records that they leave. */

#include "synth/synth.h"

#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "synth/synth-state.h"

#define ROUNDS_MAX 3
#define GAP_USEC   (30 * USEC_PER_SEC)
/* 2026-01-01 00:00:00 UTC: any will do, as long as it is the same each time. */
#define REAL_USEC  (UINT64_C(1767225600) * USEC_PER_SEC)
/* A host is never quite new when somebody begins to record it. */
#define UP_USEC    (100 * USEC_PER_SEC)

static const DecideLimits limits = { .max_domains = 256, .max_cgroups = 8192, .max_processes = 16384 };

static int state_begin(Synth *s) {
        if (!s->o.policy)
                return 0;
        size_t size = decide_state_size(s->o.policy, &limits);
        if (!s->memory)
                s->memory = malloc(size);
        if (!s->memory)
                return -ENOMEM;
        s->need = 0;
        s->n_kills = s->n_measures = 0;
        return decide_state_init(s->memory, size, s->o.policy, &limits, &s->state);
}

static int dump_policy(Synth *s) {
        FILE *f = open_memstream(&s->policy_text, &s->n_policy_text);
        if (!f)
                return -ENOMEM;
        policy_dump(s->o.policy, f);
        return fclose(f) == 0 ? 0 : -ENOMEM;
}

int synth_new(const SynthOptions *o, Synth **ret) {
        _cleanup_(synth_freep) Synth *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        if (o->n_cgroups == 0 || o->n_processes < o->n_cgroups || o->ram_bytes == 0)
                return -EINVAL;
        s->o = *o;
        s->o.interval_usec = o->interval_usec ? o->interval_usec : USEC_PER_SEC;
        s->o.detail_interval_usec = o->detail_interval_usec ? o->detail_interval_usec : 10 * USEC_PER_SEC;
        s->o.monitored_every = o->monitored_every ? o->monitored_every : 5;
        s->o.leak_bytes_per_sec = o->leak_bytes_per_sec ? o->leak_bytes_per_sec : o->ram_bytes / 2 / 7200;
        s->rng = o->seed * UINT64_C(0x9e3779b97f4a7c15) + 88172645463325252u;
        s->now_usec = s->begin_usec = UP_USEC;
        s->end_usec = UP_USEC + o->span_usec;
        s->real_base_usec = REAL_USEC;
        s->decision = calloc(1, sizeof(*s->decision));
        int r = s->decision ? synth_host_init(s) : -ENOMEM;
        if (r >= 0 && o->policy)
                r = dump_policy(s);
        if (r >= 0)
                r = state_begin(s);
        if (r < 0)
                return r;
        synth_host_begin(s);
        s->tick_due_usec = s->now_usec;
        s->next_detail_usec = s->now_usec;
        *ret = TAKE_PTR(s);
        return 0;
}

Synth *synth_free(Synth *s) {
        if (!s)
                return NULL;
        free(s->services);
        free(s->processes);
        free(s->cgroups);
        free(s->samples);
        free(s->policy_text);
        free(s->memory);
        free(s->decision);
        free(s);
        return NULL;
}

const SynthStats *synth_stats(const Synth *s) {
        return &s->stats;
}

/* ---- records ---- */

static void make_start(Synth *s) {
        TraceStart *t = &s->record.start;

        s->record = (TraceRecord){ .kind = TRACE_START };
        *t = (TraceStart){
                .page_size = SYNTH_PAGE, .n_cpus = 2, .mono_usec = s->now_usec, .real_usec = s->real_base_usec + s->now_usec,
                .interval_usec = s->o.interval_usec, .detail_interval_usec = s->o.detail_interval_usec,
                .decides = s->o.policy != NULL, .dry_run = s->o.dry_run || (s->o.policy && s->o.policy->daemon.dry_run),
        };
        (void)snprintf(t->boot_id, sizeof(t->boot_id), "00000000-0000-4000-8000-%012u", s->boot + 1);
        memcpy(t->kernel, "6.1.0-synth", sizeof("6.1.0-synth"));
        memcpy(t->machine, "x86_64", sizeof("x86_64"));
        memcpy(t->recorder, "synth", sizeof("synth"));
        if (t->decides) {
                t->max_domains = limits.max_domains;
                t->max_cgroups = limits.max_cgroups;
                t->max_processes = limits.max_processes;
        }
        s->record.snap.mono_usec = s->now_usec;
        s->record.snap.real_usec = t->real_usec;
        s->next = s->o.policy ? SYNTH_POLICY : SYNTH_TICK;
}

static void make_policy(Synth *s) {
        s->record = (TraceRecord){ .kind = TRACE_POLICY,
                                   .policy = { .hash = s->o.policy->hash, .text = s->policy_text, .n = s->n_policy_text } };
        s->next = SYNTH_TICK;
}

static void answer_measures(Synth *s) {
        for (uint32_t i = 0; i < s->decision->n_measures && s->n_measures < MEASURE_STATUSES_MAX; i++) {
                const Measure *m = &s->decision->measures[i];
                bool is_relief = m->step == STEP_RECLAIM || m->step == STEP_PAGEOUT;
                s->stats.n_measures += m->verb == MEASURE_BEGIN;
                if (is_relief && !m->dry_run)
                        synth_host_reclaim(s, m->cgroup_id, m->value);
                s->measures[s->n_measures++] = (MeasureStatus){ .measure_id = m->measure_id, .verb = m->verb,
                                                                .done_bytes = is_relief ? m->value / 2 : 0, .run_usec = 1500,
                                                                .ended_usec = s->now_usec + 2000 };
        }
}

static void carry_out_kill(Synth *s) {
        const KillDecision *k = &s->decision->kill;

        if (!k->dry_run)
                synth_host_kill(s, k);
        s->stats.n_kills += !k->is_escalation;
        if (s->n_kills < KILLS_MAX)
                s->kills[s->n_kills++] = (KillStatus){ .kill_id = k->kill_id, .outcome = KILL_EXITED,
                                                       .signalled_usec = s->now_usec, .exited_usec = s->now_usec + 5000 };
}

/* One sample, decided on or, where nobody decides, merely taken. */
static void make_tick(Synth *s) {
        Snapshot *snap = &s->record.snap;

        s->record = (TraceRecord){ .kind = TRACE_SAMPLE };
        synth_host_sample(s, s->round > 0 || s->state ? s->need : 0, snap);
        if (s->round == 0) {
                memcpy(snap->kills, s->kills, s->n_kills * sizeof(s->kills[0]));
                memcpy(snap->measures, s->measures, s->n_measures * sizeof(s->measures[0]));
                snap->n_kills = s->n_kills;
                snap->n_measures = s->n_measures;
                s->n_kills = s->n_measures = 0;
        }
        s->stats.n_samples++;
        s->next = SYNTH_TICK;
        uint64_t delay = s->o.interval_usec;
        if (s->state) {
                (void)decide_step(s->state, snap, s->decision);
                trace_decision_from(s->decision, &s->record.decision);
                s->record.has_decision = true;
                uint32_t lacks = s->decision->need & ~snap->detail;
                s->need = s->decision->need;
                answer_measures(s);
                if (s->decision->has_kill)
                        s->next = SYNTH_CONFIRM;
                else if (s->decision->need_now && lacks && ++s->round < ROUNDS_MAX)
                        return;
                delay = MIN(delay, MAX(s->decision->next_usec, 50 * USEC_PER_MSEC));
        }
        s->round = 0;
        s->tick_due_usec = s->now_usec + delay;
}

static void make_confirm(Synth *s) {
        s->record = (TraceRecord){ .kind = TRACE_CONFIRM, .kill_id = s->decision->kill.kill_id };
        synth_host_sample(s, 0, &s->record.snap);
        s->record.snap.mono_usec += 300;
        s->record.hold = decide_confirm(s->state, &s->record.snap, &s->decision->kill);
        s->next = s->record.hold == HOLD_NONE ? SYNTH_TICK : SYNTH_CANCEL;
        if (s->record.hold == HOLD_NONE)
                carry_out_kill(s);
        s->now_usec += 300;
}

static void make_cancel(Synth *s) {
        s->record = (TraceRecord){ .kind = TRACE_CANCEL, .kill_id = s->decision->kill.kill_id, .hold = HOLD_NOT_CONFIRMED };
        decide_cancel(s->state, s->decision->kill.kill_id, HOLD_NOT_CONFIRMED);
        s->next = SYNTH_TICK;
}

static bool make_facts(Synth *s) {
        for (; s->facts_at < s->n_processes; s->facts_at++) {
                Process *p = &s->processes[s->facts_at];
                if (!p->is_alive || p->has_facts)
                        continue;
                p->has_facts = true;
                s->record = (TraceRecord){ .kind = TRACE_FACTS,
                                           .facts = { .pid = p->pid, .start_ticks = p->start_ticks, .has_exe = true,
                                                      .exe = "/usr/bin/service", .has_cmdline = true,
                                                      .cmdline = s->services[p->service].path } };
                return true;
        }
        return false;
}

static void make_detail(Synth *s) {
        s->record = (TraceRecord){ .kind = TRACE_SAMPLE };
        synth_host_sample(s, DETAIL_RECORD, &s->record.snap);
        s->stats.n_samples++;
        s->next_detail_usec += s->o.detail_interval_usec;
        s->next = SYNTH_TICK;
}

static void advance(Synth *s) {
        uint64_t dt = u64_sub_sat(s->tick_due_usec, s->now_usec);
        s->now_usec += dt;
        synth_host_advance(s, dt);
}

static bool is_due(const Synth *s, uint64_t at_usec, bool done) {
        return at_usec > 0 && !done && s->now_usec - s->begin_usec >= at_usec;
}

/* What breaks a recording. Returns true where a record was made of it. */
static bool interrupt(Synth *s) {
        if (is_due(s, s->o.gap_usec, s->has_gapped)) {
                s->has_gapped = true;
                for (uint32_t i = 0; i < GAP_USEC / s->o.interval_usec; i++) {
                        s->now_usec += s->o.interval_usec;
                        synth_host_advance(s, s->o.interval_usec);
                }
                s->tick_due_usec = s->now_usec;
                s->record = (TraceRecord){ .kind = TRACE_GAP, .n_lost = GAP_USEC / s->o.interval_usec };
                s->record.snap.mono_usec = s->now_usec;
                s->record.snap.real_usec = s->real_base_usec + s->now_usec;
                return true;
        }
        bool restart = is_due(s, s->o.restart_usec, s->has_restarted), reboot = is_due(s, s->o.reboot_usec, s->has_rebooted);
        if (!restart && !reboot)
                return false;
        s->has_restarted |= restart;
        if (reboot) {
                s->has_rebooted = true;
                s->boot++;
                /* the monotonic clock begins anew, the other one does not */
                uint64_t left = s->end_usec - s->now_usec;
                s->real_base_usec += s->now_usec;
                s->now_usec = s->begin_usec = 20 * USEC_PER_SEC;
                s->end_usec = s->now_usec + left;
                s->next_detail_usec = s->tick_due_usec = s->now_usec;
                synth_host_begin(s);
                /* times of the boot before mean nothing now */
                s->o.gap_usec = s->o.restart_usec = 0;
        }
        (void)state_begin(s);
        s->round = 0;
        make_start(s);
        return true;
}

static int synth_next(void *userdata, const TraceRecord **ret) {
        Synth *s = userdata;

        *ret = &s->record;
        s->stats.n_records++;
        switch (s->next) {
        case SYNTH_START:
                make_start(s);
                return 1;
        case SYNTH_POLICY:
                make_policy(s);
                return 1;
        case SYNTH_CONFIRM:
                make_confirm(s);
                return 1;
        case SYNTH_CANCEL:
                make_cancel(s);
                return 1;
        case SYNTH_FACTS:
                if (make_facts(s))
                        return 1;
                make_detail(s);
                return 1;
        case SYNTH_END:
                s->record = (TraceRecord){ .kind = TRACE_END };
                s->record.snap.mono_usec = s->now_usec;
                s->next = SYNTH_OVER;
                return 1;
        case SYNTH_OVER:
                s->stats.n_records--;
                return 0;
        case SYNTH_TICK:
        case SYNTH_DETAIL:
                break;
        }
        if (s->round == 0) {
                if (s->now_usec >= s->end_usec) {
                        s->next = SYNTH_END;
                        return synth_next(s, ret);
                }
                if (interrupt(s))
                        return 1;
                if (s->is_started && s->now_usec >= s->next_detail_usec) {
                        s->facts_at = 0;
                        s->next = SYNTH_FACTS;
                        s->stats.n_records--;
                        return synth_next(s, ret);
                }
                if (s->is_started)
                        advance(s);
        }
        s->is_started = true;
        make_tick(s);
        return 1;
}

TraceSource synth_source(Synth *s) {
        return (TraceSource){ .userdata = s, .next = synth_next };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The records in their order, handed to both sides. */

#include "plan/replay.h"

#include <string.h>

#include "plan/replay-state.h"

#define WINDOW_USEC (60 * USEC_PER_SEC)
/* As decide/ credits it: more between two samples is a gap, whoever made it. */
#define SPAN_CREDIT_USEC (60 * USEC_PER_SEC)
/* Where nobody decided while it was recorded, the other side has states of this size. */
#define DOMAINS_DEFAULT   512
#define CGROUPS_DEFAULT   8192
#define PROCESSES_DEFAULT 65536

int plan_replay_new(const ReplayOptions *o, PlanReplay **ret) {
        _cleanup_(plan_replay_freep) PlanReplay *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        r->options = *o;
        if (r->options.window_usec == 0)
                r->options.window_usec = WINDOW_USEC;
        r->limits = (DecideLimits){ DOMAINS_DEFAULT, CGROUPS_DEFAULT, PROCESSES_DEFAULT };
        r->is_void = true;
        r->same.decision = calloc(1, sizeof(*r->same.decision));
        if (!r->same.decision)
                return -ENOMEM;
        int n = o->other ? replay_other_init(r) : 0;
        if (n < 0)
                return n;
        *ret = TAKE_PTR(r);
        return 0;
}

static void side_done(ReplaySide *s) {
        for (uint32_t i = 0; i < s->n_kept; i++)
                free(s->kills[i].decision);
        free(s->kills);
}

PlanReplay *plan_replay_free(PlanReplay *r) {
        if (!r)
                return NULL;
        replay_same_done(r);
        replay_other_done(r);
        side_done(&r->result.recorded);
        side_done(&r->result.other);
        free(r->result.diffs);
        free(r->result.missing);
        r->world = plan_world_free(r->world);
        free(r);
        return NULL;
}

static void begin_boot(PlanReplay *r) {
        r->boot++;
        r->result.n_boots++;
        r->is_void = true;
        r->last_mono_usec = 0;
        replay_same_reset(r);
        if (r->options.other) {
                rematch_forget(r->other.rematch);
                replay_state_end(&r->other.state);
        }
}

/* Each file begins with one: of the same recorder that goes on, of another one, or of another boot. */
static void take_start(PlanReplay *r, const TraceStart *s) {
        bool is_boot = !r->has_start || s->boot_id[0] == '\0' || strcmp(s->boot_id, r->start.boot_id) != 0;

        if (is_boot || s->mono_usec < r->last_mono_usec)
                begin_boot(r);
        r->result.n_recorders++;
        r->start = *s;
        r->has_start = true;
        r->is_dry = s->dry_run;
        if (s->decides && s->max_domains > 0)
                r->limits = (DecideLimits){ s->max_domains, s->max_cgroups, s->max_processes };
        memcpy(r->result.kernel, s->kernel, sizeof(r->result.kernel));
        memcpy(r->result.recorder, s->recorder, sizeof(r->result.recorder));
        r->result.kernel[sizeof(r->result.kernel) - 1] = r->result.recorder[sizeof(r->result.recorder) - 1] = '\0';
}

static void take_time(PlanReplay *r, const Snapshot *s) {
        if (s->mono_usec < r->last_mono_usec)
                begin_boot(r);
        uint64_t dt = s->mono_usec - r->last_mono_usec;
        if (!r->is_void && dt <= SPAN_CREDIT_USEC)
                r->result.span_usec += dt;
        r->is_void = false;
        r->last_mono_usec = s->mono_usec;
        if (r->result.n_samples++ == 0)
                r->result.first_real_usec = s->real_usec;
        r->result.last_real_usec = s->real_usec;
}

static int take_sample(PlanReplay *r, const TraceRecord *record) {
        int n = 0;

        take_time(r, &record->snap);
        r->same.is_stepped = false;
        if (record->has_decision) {
                r->result.has_decisions = true;
                n = replay_same_sample(r, record);
        }
        /* merely observed samples stand between those that somebody decided on; where nobody did, they are all there is */
        if (n >= 0 && r->options.other && (record->has_decision || !r->start.decides))
                n = replay_other_sample(r, record);
        return n;
}

int plan_replay_feed(PlanReplay *r, const TraceRecord *record) {
        int n = r->world ? plan_world_feed(r->world, record) : 0;

        if (n < 0)
                return n;
        r->result.n_records++;
        switch (record->kind) {
        case TRACE_START:
                take_start(r, &record->start);
                break;
        case TRACE_POLICY:
                n = replay_same_policy(r, &record->policy);
                break;
        case TRACE_SAMPLE:
                n = take_sample(r, record);
                break;
        case TRACE_CONFIRM:
                replay_same_confirm(r, record);
                if (r->options.other)
                        n = replay_other_confirm(r, record);
                break;
        case TRACE_CANCEL:
                replay_same_cancel(r, record->kill_id, record->hold);
                if (r->options.other)
                        replay_other_cancel(r, record->kill_id, record->hold);
                break;
        case TRACE_GAP:
                r->result.n_gaps++;
                r->result.n_lost += record->n_lost;
                r->is_void = true;
                replay_open(r, "records were lost, so the state of the recorder is not known");
                break;
        case TRACE_FACTS:
        case TRACE_END:
        case _TRACE_KIND_MAX:
        case _TRACE_KIND_INVALID:
                break;
        }
        return n;
}

static int copy_missing(PlanReplay *r) {
        uint32_t n;
        const RematchMissing *m = rematch_missing(r->other.rematch, &n);

        r->result.missing = calloc(MAX(n, 1u), sizeof(*r->result.missing));
        if (!r->result.missing)
                return -ENOMEM;
        for (uint32_t i = 0; i < n; i++) {
                if (m[i].n == 0)
                        continue;
                ReplayMissing *x = &r->result.missing[r->result.n_missing++];
                *x = (ReplayMissing){ .field = m[i].field, .n = m[i].n, .n_asked = m[i].n_asked };
                strncpy(x->rule, m[i].rule ? m[i].rule : "?", sizeof(x->rule) - 1);
        }
        return 0;
}

int plan_replay_finish(PlanReplay *r, const ReplayResult **ret) {
        r->result.recorded_hash = r->same.policy_hash;
        if (r->options.other && !r->result.has_other) {
                r->result.has_other = true;
                r->result.other_hash = r->options.other->hash;
                int n = copy_missing(r);
                if (n >= 0)
                        n = replay_match(r);
                if (n < 0)
                        return n;
        }
        *ret = &r->result;
        return 0;
}

bool replay_result_differs(const ReplayResult *r) {
        return r->n_differ > 0 || r->n_change[REPLAY_APPEARS] + r->n_change[REPLAY_VANISHES] + r->n_change[REPLAY_MOVES] +
                                                  r->n_change[REPLAY_OTHER_VICTIM] > 0;
}

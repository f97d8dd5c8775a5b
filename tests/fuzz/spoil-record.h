/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Changes one record of a generated host to what no recorder would have written. */

#include "synth/synth.h"

static inline void spoil_snapshot(Snapshot *s, uint8_t how, uint64_t chance) {
        CgroupSample *c = s->n_cgroups > 0 ? &s->cgroups[chance % s->n_cgroups] : NULL;
        ProcessSample *p = s->n_processes > 0 ? &s->processes[chance % s->n_processes] : NULL;

        switch (how % 16) {
        case 1: s->mono_usec = chance; break;
        case 2: s->host.value[chance % _HOST_FIELD_MAX] = chance * 0x9e3779b97f4a7c15u; break;
        case 3: s->host.have &= ~(UINT64_C(1) << chance % 64); break;
        case 4: s->detail = (uint32_t)chance; break;
        case 5: s->page_size = (uint32_t)chance; break;
        case 6: if (c) c->id = chance % 5; break;
        case 7: if (c) c->policy = (int32_t)chance; break;
        case 8: if (c) c->value[chance % _CGROUP_FIELD_MAX] = ~chance; break;
        case 9: if (c) c->path = chance % 2 ? "" : "/a/../\033[2J\n"; break;
        case 10: if (c) c->parent = (uint32_t)chance % s->n_cgroups; break;
        case 11: if (p) p->pid = (int32_t)chance; break;
        case 12: if (p) p->rss_anon = p->swap = chance << 40; break;
        case 13: if (p) p->tier = (Tier)(chance % _TIER_MAX); break;
        case 14:
                s->n_kills = (uint32_t)chance % KILLS_MAX;
                for (uint32_t i = 0; i < s->n_kills; i++)
                        s->kills[i] = (KillStatus){ .kill_id = i + 1, .outcome = (KillOutcome)(chance % _KILL_OUTCOME_MAX), .candidate = (uint32_t)chance };
                break;
        case 15:
                s->n_measures = (uint32_t)chance % MEASURE_STATUSES_MAX;
                for (uint32_t i = 0; i < s->n_measures; i++)
                        s->measures[i] = (MeasureStatus){ .measure_id = i + 1, .verb = (MeasureVerb)(chance % _MEASURE_VERB_MAX), .error = -(int32_t)(chance % 130) };
                break;
        default: break;
        }
}

static inline void spoil(TraceRecord *r, uint8_t how, uint64_t chance) {
        if (r->kind == TRACE_SAMPLE || r->kind == TRACE_CONFIRM)
                spoil_snapshot(&r->snap, how, chance);
        switch (how >> 4) {
        case 1: r->decision.seq = chance % 3; break;
        case 2: r->has_decision = !r->has_decision; break;
        case 3: r->kind = (TraceKind)(chance % _TRACE_KIND_MAX); break;
        case 4: r->kill_id = chance % 4; break;
        case 5: r->hold = (Hold)(chance % _HOLD_MAX); break;
        case 6: r->start.max_domains = r->start.max_processes = (uint32_t)chance; break;
        case 7: r->policy.n = chance % (r->policy.n + 1); break;
        case 8:
                r->decision.has_kill = true;
                r->decision.kill.victim_kind = (CandidateKind)(chance % _CANDIDATE_KIND_MAX);
                r->decision.kill.kill_id = chance % 4;
                memcpy(r->decision.kill.comm, "\033[2J\n", 6);
                break;
        case 9: r->decision.need = (uint32_t)chance; break;
        case 10: r->snap.real_usec = chance % 2 ? UINT64_MAX - chance % 1000 : chance; break;
        case 11: r->start.interval_usec = r->start.detail_interval_usec = UINT64_MAX - chance % 3; break;
        case 12:
                for (HostField f = 0; r->kind == TRACE_SAMPLE && f < _HOST_FIELD_MAX; f++)
                        r->snap.host.value[f] = chance >> f % 3 & 1 ? UINT64_MAX - f : 0;
                break;
        case 13:
                for (uint32_t i = 0; r->kind == TRACE_SAMPLE && i < r->snap.n_cgroups; i++)
                        memset(r->snap.cgroups[i].value, chance % 2 ? 0xff : 0, sizeof(r->snap.cgroups[i].value));
                break;
        case 14:
                for (uint32_t i = 0; r->kind == TRACE_SAMPLE && i < r->snap.n_processes; i++)
                        r->snap.processes[i].oom_score_adj = (int32_t)(chance >> i % 8);
                break;
        case 15: r->snap.mono_usec += chance % (UINT64_C(1) << chance % 40); break;
        default: break;
        }
}

/* The input, a byte for each record; behind its end records stay as they are. */
typedef struct Spoiler {
        const uint8_t *data;
        size_t size, n;
        uint64_t chance; /* xorshift: the same for each input */
} Spoiler;
#define SPOILER(d, s) { .data = (d), .size = (s), .chance = 88172645463325252u }

static inline void spoil_next(Spoiler *s, TraceRecord *r) {
        s->chance ^= s->chance << 13;
        s->chance ^= s->chance >> 7;
        s->chance ^= s->chance << 17;
        if (s->n < s->size)
                spoil(r, s->data[s->n], s->chance >> 8);
        s->n++;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the daemon says. Each event is one entry: a readable line, and everything else in fields. */

#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "config/unit-name.h"
#include "daemon/clock.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "report/condition.h"
#include "report/line.h"
#include "report/measure.h"
#include "report/peers.h"

/* The same thing held back again and again is said this often. */
#define HELD_AGAIN_USEC (30 * USEC_PER_SEC)

static void field_name(Log *l, const char *field, const char *name) {
        text_append(log_field(l, field), name ? name : "?");
}

static void field_escaped(Log *l, const char *field, const char *untrusted) {
        text_append_escaped(log_field(l, field), untrusted);
}

/*
 * `journalctl -u UNIT` takes UNIT= from pid 1 alone, and OBJECT_SYSTEMD_UNIT= from any daemon of root; the
 * former is what others who read the journal look for.
 */
static void fields_of_unit(Log *l, const char *cgroup_path) {
        const char *user = strstr(cgroup_path, "/user@");
        const char *inner = user ? strstr(user, ".service/") : NULL;
        size_t n;
        const char *unit = unit_name_find(cgroup_path, &n);

        if (!unit || n == 0 || n > 256)
                return;
        bool is_user = inner && unit > inner;
        char name[257];
        TextBuf b = TEXT_BUF(name);
        text_append_n(&b, unit, n);
        field_escaped(l, is_user ? "USER_UNIT" : "UNIT", name);
        field_escaped(l, is_user ? "OBJECT_SYSTEMD_USER_UNIT" : "OBJECT_SYSTEMD_UNIT", name);
}

static void fields_of_domain(Log *l, const char *domain_path, const char *policy_name) {
        field_escaped(l, "HEADROOM_DOMAIN", domain_path);
        field_escaped(l, "HEADROOM_POLICY", policy_name);
}

void manager_log_unit_fields(Manager *m, const char *cgroup_path) {
        fields_of_unit(m->log, cgroup_path);
}

void manager_log_domain_fields(Manager *m, const char *domain_path, const char *policy_name) {
        fields_of_domain(m->log, domain_path, policy_name);
}

static void fields_of_victim(Log *l, const KillRecord *r, const Candidate *c) {
        static const char *const kinds[] = {
                [CANDIDATE_PROCESS] = "process",
                [CANDIDATE_CGROUP] = "cgroup",
                [CANDIDATE_GROUP] = "group",
        };
        uint32_t index = (uint32_t)(c - r->decision.candidates);

        field_name(l, "HEADROOM_VICTIM_KIND", (size_t)c->kind < ARRAY_SIZE(kinds) ? kinds[c->kind] : NULL);
        log_fieldf(l, "HEADROOM_VICTIM_PID", "%" PRId32, c->pid);
        field_escaped(l, "HEADROOM_VICTIM_COMM", c->comm);
        log_fieldf(l, "HEADROOM_VICTIM_UID", "%" PRIu32, c->uid);
        field_escaped(l, "HEADROOM_VICTIM_CGROUP", c->cgroup_path);
        log_fieldf(l, "HEADROOM_VICTIM_PROCESSES", "%" PRIu32, c->n_processes);
        log_fieldf(l, "HEADROOM_VICTIM_BADNESS_PAGES", "%" PRId64, c->badness_pages);
        log_fieldf(l, "HEADROOM_VICTIM_SCORE_PAGES", "%" PRId64, c->score_pages);
        log_fieldf(l, "HEADROOM_VICTIM_SIZE_PAGES", "%" PRIu64, c->size_pages);
        log_fieldf(l, "HEADROOM_VICTIM_OOM_SCORE_ADJ", "%" PRId32, c->oom_score_adj);
        log_fieldf(l, "HEADROOM_VICTIM_RULE_ADJUST", "%" PRId32, c->rule_adjust);
        if (r->rule_names[index][0])
                field_escaped(l, "HEADROOM_VICTIM_RULE", r->rule_names[index]);
        field_name(l, "HEADROOM_VICTIM_TIER", tier_to_string(c->tier));
        log_fieldf(l, "HEADROOM_VICTIM_FREEABLE_BYTES", "%" PRIu64, c->freeable_bytes);
        if (c->has_growth) {
                log_fieldf(l, "HEADROOM_VICTIM_GROWTH_BYTES", "%" PRIu64, c->growth_bytes);
                log_fieldf(l, "HEADROOM_VICTIM_GROWTH_SPAN_USEC", "%" PRIu64, c->growth_span_usec);
        }
        fields_of_unit(l, c->cgroup_path);
}

static void fields_of_others(Log *l, const KillRecord *r, const Candidate *victim) {
        const KillDecision *k = &r->decision;

        TextBuf *b = log_field(l, "HEADROOM_RUNNERS_UP");
        for (uint32_t i = 0, n = 0; i < MIN(k->n_candidates, (uint32_t)CANDIDATES_MAX) && n < 3; i++) {
                if (&k->candidates[i] == victim)
                        continue;
                text_append(b, n++ > 0 ? "; " : "");
                line_append_candidate(b, &k->candidates[i]);
        }
        b = log_field(l, "HEADROOM_PASSED_OVER");
        for (uint32_t i = 0; i < MIN(k->n_rejected, 5u); i++) {
                text_append(b, i > 0 ? "; " : "");
                line_append_candidate(b, &k->rejected[i]);
        }
}

void manager_log_kill(Manager *m, const KillRecord *r) {
        const KillDecision *k = &r->decision;
        const Candidate *victim = kill_record_victim(r);
        bool failed = r->outcome == KILL_FAILED || r->error < 0;

        TextBuf *b = log_begin(m->log, failed ? LOG_ERR : LOG_WARNING,
                               failed          ? MESSAGE_ID_KILL_FAILED
                               : r->is_virtual ? MESSAGE_ID_WOULD_KILL
                                               : MESSAGE_ID_KILL);
        line_append_kill(b, r);
        log_fieldf(m->log, "HEADROOM_KILL_ID", "%" PRIu64, k->kill_id);
        field_name(m->log, "HEADROOM_STEP", step_to_string(k->step));
        field_name(m->log, "HEADROOM_REASON", reason_to_string(k->reason));
        field_name(m->log, "HEADROOM_RANK", rank_to_string(k->rank));
        fields_of_domain(m->log, k->domain_path, k->policy_name);
        condition_append(log_field(m->log, "HEADROOM_CONDITION"), &k->condition);
        if (k->available_bytes != UINT64_MAX)
                log_fieldf(m->log, "HEADROOM_AVAILABLE_BYTES", "%" PRIu64, k->available_bytes);
        log_fieldf(m->log, "HEADROOM_DEFICIT_BYTES", "%" PRIu64, k->deficit_bytes);
        log_fieldf(m->log, "HEADROOM_LATENCY_USEC", "%" PRIu64, r->latency_usec);
        log_fieldf(m->log, "HEADROOM_CONSIDERED", "%" PRIu32, k->n_considered);
        if (victim) {
                fields_of_victim(m->log, r, victim);
                fields_of_others(m->log, r, victim);
        }
        log_commit(m->log);
}

void manager_log_end(Manager *m, const KillRecord *r) {
        bool gone = r->outcome == KILL_EXITED;
        const Candidate *victim = kill_record_victim(r);

        TextBuf *b =
                log_begin(m->log, gone ? LOG_NOTICE : LOG_WARNING, gone ? MESSAGE_ID_RELIEF : MESSAGE_ID_KILL_FAILED);
        line_append_end(b, r);
        log_fieldf(m->log, "HEADROOM_KILL_ID", "%" PRIu64, r->decision.kill_id);
        fields_of_domain(m->log, r->decision.domain_path, r->decision.policy_name);
        log_fieldf(m->log, "HEADROOM_TOOK_USEC", "%" PRIu64, u64_sub_sat(r->ended_usec, r->signalled_usec));
        if (r->has_before && r->has_after)
                log_fieldf(m->log, "HEADROOM_FREED_BYTES", "%" PRIu64, u64_sub_sat(r->after_bytes, r->before_bytes));
        if (r->mrelease_done)
                log_fieldf(m->log, "HEADROOM_MRELEASE_USEC", "%" PRIu64, r->mrelease_usec);
        if (victim) {
                log_fieldf(m->log, "HEADROOM_VICTIM_PID", "%" PRId32, victim->pid);
                fields_of_unit(m->log, victim->cgroup_path);
        }
        log_commit(m->log);
}

static void log_level(Manager *m, const LevelChange *c) {
        TextBuf *b = log_begin(m->log, c->to > c->from ? LOG_NOTICE : LOG_INFO, MESSAGE_ID_LEVEL);

        line_append_level(b, c);
        field_name(m->log, "HEADROOM_LEVEL", level_to_string(c->to));
        field_name(m->log, "HEADROOM_LEVEL_FROM", level_to_string(c->from));
        field_name(m->log, "HEADROOM_REASON", reason_to_string(c->reason));
        fields_of_domain(m->log, c->domain_path, c->policy_name);
        condition_append(log_field(m->log, "HEADROOM_CONDITION"), &c->condition);
        log_commit(m->log);
}

/* A kill in flight, the pause after one, a sample on its way: the normal course of things, not worth a line. */
static bool held_is_worth_a_line(Manager *m, const KillHeld *h) {
        if (h->hold == HOLD_NONE || h->hold == HOLD_KILL_IN_FLIGHT || h->hold == HOLD_COOLDOWN ||
            h->hold == HOLD_NEEDS_DETAIL)
                return false;
        return h->hold != m->held_told || h->domain_id != m->held_domain_told ||
               m->snap.mono_usec - m->held_told_usec >= HELD_AGAIN_USEC;
}

static void log_skipped(Manager *m, const StepSkipped *k) {
        uint64_t *told = &m->skipped_told_usec[k->step];

        if (*told > 0 && m->snap.mono_usec - *told < HELD_AGAIN_USEC)
                return;
        *told = m->snap.mono_usec;
        line_append_skipped(log_begin(m->log, LOG_NOTICE, MESSAGE_ID_MEASURE_FAILED), k);
        field_name(m->log, "HEADROOM_STEP", step_to_string(k->step));
        field_name(m->log, "HEADROOM_LEVEL", level_to_string(k->level));
        log_commit(m->log);
}

void manager_log_round(Manager *m, const Decision *d) {
        for (uint32_t i = 0; i < MIN(d->n_changes, (uint32_t)LEVEL_CHANGES_MAX); i++)
                log_level(m, &d->changes[i]);
        if (d->has_held && held_is_worth_a_line(m, &d->held)) {
                m->held_told = d->held.hold;
                m->held_domain_told = d->held.domain_id;
                m->held_told_usec = m->snap.mono_usec;
                line_append_held(log_begin(m->log, LOG_NOTICE, NULL), &d->held);
                log_commit(m->log);
        }
        if (d->has_skipped && d->skipped.step < _STEP_MAX)
                log_skipped(m, &d->skipped);
        if (d->n_changes > 0)
                manager_notify_status(m);
}

void manager_log_kernel_oom(Manager *m) {
        const HostSample *now = &m->snap.host, *last = &m->host_last;

        if (m->has_host_last && host_has(now, HOST_VM_OOM_KILL) && host_has(last, HOST_VM_OOM_KILL)) {
                uint64_t n = u64_sub_sat(now->value[HOST_VM_OOM_KILL], last->value[HOST_VM_OOM_KILL]);
                m->stats.n_kernel_oom += n;
                if (n > 0)
                        log_linef(m->log, LOG_WARNING, MESSAGE_ID_KERNEL_OOM,
                                  "the kernel's OOM killer was faster: %" PRIu64 " ended by it", n);
        }
        m->host_last = *now;
        m->has_host_last = true;
}

void manager_log_complaints(Manager *m) {
        char line[512];

        while (sense_next_complaint(m->sense, line, sizeof(line)) && line[0]) {
                text_append_escaped(log_begin(m->log, LOG_WARNING, NULL), line);
                log_commit(m->log);
        }
}

/* Each mode once, when it begins; swap that is added later takes the mode back in silence. */
void manager_log_degraded(Manager *m) {
        uint32_t degraded = sense_degraded(m->sense), new = degraded & ~m->degraded_told;

        for (Degraded d = 0; d < _DEGRADED_MAX; d++)
                if (new & (1u << d)) {
                        text_appendf(log_begin(m->log, LOG_NOTICE, MESSAGE_ID_DEGRADED), "%s: %s",
                                     degraded_to_string(d), degraded_describe(d));
                        field_name(m->log, "HEADROOM_DEGRADED", degraded_to_string(d));
                        log_commit(m->log);
                }
        m->degraded_told = degraded;
}

void manager_log_peers(Manager *m, uint32_t peers) {
        for (Peer p = 0; p < _PEER_MAX; p++)
                if (peers & ~m->peers & (1u << p)) {
                        text_append(log_begin(m->log, LOG_WARNING, MESSAGE_ID_OTHER_OOM_DAEMON), peer_describe(p));
                        field_name(m->log, "HEADROOM_PEER", peer_to_string(p));
                        log_commit(m->log);
                }
        m->peers = peers;
}

void manager_notify_status(Manager *m) {
        const SenseMonitored *monitored;
        size_t n_monitored = sense_monitored(m->sense, &monitored);
        uint32_t n = decide_domains(m->state, m->views, DOMAINS_MAX), n_not_calm = 0;
        char line[160];
        TextBuf b = TEXT_BUF(line);
        Level host = LEVEL_CALM;

        for (uint32_t i = 0; i < n; i++) {
                if (m->views[i].id == 0)
                        host = m->views[i].level;
                else
                        n_not_calm += m->views[i].level != LEVEL_CALM;
        }
        const char *level = level_to_string(host);
        text_appendf(&b, "STATUS=%shost %s, ", m->policy->daemon.dry_run ? "Dry run: " : "", level ? level : "?");
        if (n_monitored > 0)
                text_appendf(&b, "%" PRIu32 " of %zu cgroups not calm, ", n_not_calm, n_monitored);
        text_appendf(&b, "%" PRIu64 " ended so far", m->stats.n_kills);
        log_notify(m->log, line);
}

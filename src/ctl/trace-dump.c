/* SPDX-License-Identifier: GPL-2.0-or-later */

/* headroomctl trace dump: every record with all that is in it, for reading; what is absent is not printed. */

#include <inttypes.h>
#include <string.h>

#include "ctl/trace-verbs.h"

static void print_escaped(FILE *f, const char *untrusted) {
        char text[4 * CGROUP_PATH_MAX];
        TextBuf b = TEXT_BUF(text);

        text_append(&b, "");
        text_append_escaped(&b, untrusted);
        (void)fputs(text, f);
}

static void dump_start(const TraceStart *s, FILE *f) {
        (void)fprintf(f, "  boot ");
        print_escaped(f, s->boot_id);
        (void)fprintf(f, " kernel ");
        print_escaped(f, s->kernel);
        (void)fprintf(f, " machine ");
        print_escaped(f, s->machine);
        (void)fprintf(f, " recorder ");
        print_escaped(f, s->recorder);
        (void)fprintf(f, "\n  page_size=%u cpus=%u interval_usec=%" PRIu64 " detail_interval_usec=%" PRIu64
                         " max_domains=%u max_cgroups=%u max_processes=%u decides=%d dry_run=%d\n",
                      s->page_size, s->n_cpus, s->interval_usec, s->detail_interval_usec, s->max_domains, s->max_cgroups,
                      s->max_processes, s->decides, s->dry_run);
}

/* A line at a time: the text is the recorder's own, but a file may say anything. */
static void dump_policy(const TracePolicy *p, FILE *f) {
        char line[512];
        size_t at = 0;

        (void)fprintf(f, "  hash=%016" PRIx64 " bytes=%zu\n", p->hash, p->n);
        while (at < p->n) {
                size_t n = 0;
                while (at < p->n && p->text[at] != '\n' && n + 1 < sizeof(line))
                        line[n++] = p->text[at++];
                line[n] = '\0';
                at += at < p->n && p->text[at] == '\n';
                (void)fputs("  | ", f);
                print_escaped(f, line);
                (void)fputc('\n', f);
        }
}

static void dump_cgroup(const CgroupSample *c, FILE *f) {
        (void)fprintf(f, "  cgroup ");
        print_escaped(f, c->path);
        (void)fprintf(f, " id=%" PRIu64 " policy=%d marks=%x", c->id, c->policy, c->marks);
        for (CgroupField k = 0; k < _CGROUP_FIELD_MAX; k++)
                if (cgroup_has(c, k) && c->value[k] == CGROUP_NO_LIMIT)
                        (void)fprintf(f, " %s=max", cgroup_field_to_string(k));
                else if (cgroup_has(c, k))
                        (void)fprintf(f, " %s=%" PRIu64, cgroup_field_to_string(k), c->value[k]);
        (void)fputc('\n', f);
}

static void dump_process(const ProcessSample *p, FILE *f) {
        (void)fprintf(f, "  process %d ", p->pid);
        print_escaped(f, p->comm);
        (void)fprintf(f, " start=%" PRIu64 " ppid=%d uid=%u flags=%x", p->start_ticks, p->ppid, p->uid, p->flags);
        if (p->flags & PROCESS_SCORE)
                (void)fprintf(f, " oom_score=%u", p->oom_score);
        if (p->flags & PROCESS_IDENTITY)
                (void)fprintf(f, " oom_score_adj=%d rule_adjust=%d rule=%d tier=%s", p->oom_score_adj, p->rule_adjust, p->rule,
                              tier_to_string(p->tier));
        if (p->flags & PROCESS_SIZES)
                (void)fprintf(f, " rss_anon=%" PRIu64 " rss_file=%" PRIu64 " rss_shmem=%" PRIu64 " swap=%" PRIu64 " pgtables=%" PRIu64,
                              p->rss_anon, p->rss_file, p->rss_shmem, p->swap, p->pgtables);
        (void)fputs(" cgroup=", f);
        print_escaped(f, p->cgroup_path ? p->cgroup_path : "");
        (void)fputc('\n', f);
}

static void dump_snapshot(const Snapshot *s, FILE *f) {
        (void)fputs("  detail", f);
        for (uint32_t b = 0; trace_detail_name(b); b++)
                if (s->detail >> b & 1)
                        (void)fprintf(f, " %s", trace_detail_name(b));
        (void)fprintf(f, "%s\n  host", s->detail ? "" : " none");
        for (HostField k = 0; k < _HOST_FIELD_MAX; k++)
                if (host_has(&s->host, k))
                        (void)fprintf(f, " %s=%" PRIu64, host_field_to_string(k), s->host.value[k]);
        (void)fputc('\n', f);
        for (uint32_t n = 0; n < s->n_cgroups; n++)
                dump_cgroup(&s->cgroups[n], f);
        for (uint32_t n = 0; n < s->n_processes; n++)
                dump_process(&s->processes[n], f);
        for (uint32_t n = 0; n < s->n_kills; n++)
                (void)fprintf(f, "  told: kill %" PRIu64 " %s\n", s->kills[n].kill_id,
                              kill_outcome_to_string(s->kills[n].outcome));
        for (uint32_t n = 0; n < s->n_measures; n++)
                (void)fprintf(f, "  told: measure %" PRIu64 " %s error=%d done_bytes=%" PRIu64 "\n", s->measures[n].measure_id,
                              measure_verb_to_string(s->measures[n].verb), s->measures[n].error, s->measures[n].done_bytes);
}

static void dump_kill(const TraceKill *k, FILE *f) {
        (void)fprintf(f, "  kill %" PRIu64 ": %s%s", k->kill_id, k->dry_run ? "virtual " : "", step_to_string(k->step));
        (void)fprintf(f, " pid %d ", k->pid);
        print_escaped(f, k->comm);
        (void)fprintf(f, " in ");
        print_escaped(f, k->cgroup_path);
        (void)fprintf(f, ", reason %s, domain ", reason_to_string(k->reason));
        print_escaped(f, k->domain_path);
        (void)fprintf(f, ", policy ");
        print_escaped(f, k->policy_name);
        (void)fprintf(f, ", processes=%u freeable_bytes=%" PRIu64 " available_bytes=%" PRIu64 " deficit_bytes=%" PRIu64 "\n",
                      k->n_processes, k->freeable_bytes, k->available_bytes, k->deficit_bytes);
}

static void dump_decision(const TraceDecision *d, FILE *f) {
        (void)fprintf(f, "  decision seq=%" PRIu64 " digest=%016" PRIx64 " need=%x%s next_usec=%" PRIu64, d->seq, d->digest,
                      d->need, d->need_now ? " now" : "", d->next_usec);
        if (d->hold != HOLD_NONE)
                (void)fprintf(f, " held=%s", hold_to_string(d->hold));
        (void)fputc('\n', f);
        for (uint32_t n = 0; n < MIN(d->n_changes, (uint32_t)LEVEL_CHANGES_MAX); n++) {
                const TraceChange *c = &d->changes[n];
                (void)fprintf(f, "  level of ");
                print_escaped(f, c->domain_path);
                (void)fprintf(f, ": %s -> %s, reason %s\n", level_to_string(c->from), level_to_string(c->to),
                              reason_to_string(c->reason));
        }
        for (uint32_t n = 0; n < MIN(d->n_measures, (uint32_t)MEASURES_MAX); n++) {
                const TraceMeasure *m = &d->measures[n];
                (void)fprintf(f, "  measure %" PRIu64 ": %s %s on ", m->measure_id, measure_verb_to_string(m->verb),
                              step_to_string(m->step));
                print_escaped(f, m->cgroup_path);
                (void)fprintf(f, " value=%" PRIu64 " old=%" PRIu64 "\n", m->value, m->old_value);
        }
        if (d->has_kill)
                dump_kill(&d->kill, f);
}

static void dump_facts(const TraceFacts *t, FILE *f) {
        (void)fprintf(f, "  process %d start=%" PRIu64, t->pid, t->start_ticks);
        if (t->has_exe && t->exe) {
                (void)fputs(" exe=", f);
                print_escaped(f, t->exe);
        }
        if (t->has_cmdline && t->cmdline) {
                (void)fputs(" cmdline=", f);
                print_escaped(f, t->cmdline);
        }
        (void)fputc('\n', f);
}

static void dump(const TraceRecord *r, FILE *f) {
        char time[64];

        (void)fprintf(f, "%s %s mono_usec=%" PRIu64 " offset=%" PRIu64 "\n", trace_kind_to_string(r->kind),
                      trace_time(time, sizeof(time), r->snap.real_usec), r->snap.mono_usec, r->offset);
        switch (r->kind) {
        case TRACE_START:
                dump_start(&r->start, f);
                break;
        case TRACE_POLICY:
                dump_policy(&r->policy, f);
                break;
        case TRACE_SAMPLE:
                dump_snapshot(&r->snap, f);
                if (r->has_decision)
                        dump_decision(&r->decision, f);
                break;
        case TRACE_CONFIRM:
                dump_snapshot(&r->snap, f);
                (void)fprintf(f, "  kill %" PRIu64 ": %s\n", r->kill_id,
                              r->hold == HOLD_NONE ? "confirmed" : hold_to_string(r->hold));
                break;
        case TRACE_CANCEL:
                (void)fprintf(f, "  kill %" PRIu64 ": %s\n", r->kill_id, hold_to_string(r->hold));
                break;
        case TRACE_FACTS:
                dump_facts(&r->facts, f);
                break;
        case TRACE_GAP:
                (void)fprintf(f, "  lost=%" PRIu64 "\n", r->n_lost);
                break;
        case TRACE_END:
        case _TRACE_KIND_MAX:
        case _TRACE_KIND_INVALID:
                break;
        }
}

CtlExit trace_dump(const Invocation *i) {
        const TraceRecord *record;
        TraceInput t;
        int r;

        if (trace_input_open(i, &t) < 0)
                return CTL_EXIT_FAILED;
        while ((r = trace_input_next(&t, &record)) > 0 && !ferror(i->out))
                dump(record, i->out);
        trace_input_done(&t);
        return r < 0 || ferror(i->out) ? CTL_EXIT_FAILED : CTL_EXIT_OK;
}

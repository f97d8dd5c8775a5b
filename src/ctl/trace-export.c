/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * headroomctl trace export: samples for other programs. JSON Lines hold all of a sample, one object each; CSV has one
 * row for each sample (the host) or for each cgroup of each sample. What is absent is left out, or an empty cell.
 */

#include <inttypes.h>
#include <string.h>

#include "ctl/trace-verbs.h"
#include "report/json.h"

/* ---- JSON Lines ---- */

static void set(json_t *o, const char *key, json_t *value) {
        (void)json_object_set_new(o, key, value);
}

static void set_number(json_t *o, const char *key, uint64_t value) {
        /* beyond what the library's integers hold there are only CGROUP_NO_LIMIT and damage */
        set(o, key, value > INT64_MAX ? json_null() : json_integer((json_int_t)value));
}

static json_t *cgroup_json(const CgroupSample *c) {
        json_t *o = json_object();

        set(o, "path", json_escaped(c->path));
        set_number(o, "id", c->id);
        if (c->policy >= 0)
                set_number(o, "policy", (uint64_t)c->policy);
        for (CgroupField f = 0; f < _CGROUP_FIELD_MAX; f++)
                if (cgroup_has(c, f) && c->value[f] == CGROUP_NO_LIMIT)
                        set(o, cgroup_field_to_string(f), json_string("max"));
                else if (cgroup_has(c, f))
                        set_number(o, cgroup_field_to_string(f), c->value[f]);
        return o;
}

static json_t *process_json(const ProcessSample *p) {
        json_t *o = json_object();

        set(o, "pid", json_integer(p->pid));
        set(o, "ppid", json_integer(p->ppid));
        set_number(o, "start_ticks", p->start_ticks);
        set(o, "name", json_escaped(p->comm));
        set(o, "cgroup", json_escaped(p->cgroup_path ? p->cgroup_path : ""));
        if (p->flags & PROCESS_IDENTITY) {
                set_number(o, "uid", p->uid);
                set(o, "oom_score_adj", json_integer(p->oom_score_adj));
        }
        if (p->flags & PROCESS_SCORE)
                set_number(o, "oom_score", p->oom_score);
        if (p->flags & PROCESS_SIZES) {
                set_number(o, "rss_anon_pages", p->rss_anon);
                set_number(o, "rss_file_pages", p->rss_file);
                set_number(o, "rss_shmem_pages", p->rss_shmem);
                set_number(o, "swap_pages", p->swap);
                set_number(o, "pgtables_pages", p->pgtables);
        }
        return o;
}

static json_t *kill_json(const TraceKill *k) {
        json_t *o = json_object();

        set_number(o, "kill_id", k->kill_id);
        set(o, "step", json_string(step_to_string(k->step)));
        set(o, "dry_run", json_boolean(k->dry_run));
        set(o, "reason", json_string(reason_to_string(k->reason)));
        set(o, "pid", json_integer(k->pid));
        set(o, "name", json_escaped(k->comm));
        set(o, "cgroup", json_escaped(k->cgroup_path));
        set(o, "domain", json_escaped(k->domain_path));
        set(o, "policy", json_escaped(k->policy_name));
        set_number(o, "freeable_bytes", k->freeable_bytes);
        return o;
}

static json_t *decision_json(const TraceDecision *d) {
        char digest[20];
        json_t *o = json_object(), *changes = json_array();

        (void)snprintf(digest, sizeof(digest), "%016" PRIx64, d->digest);
        set_number(o, "seq", d->seq);
        set(o, "digest", json_string(digest));
        if (d->hold != HOLD_NONE)
                set(o, "held", json_string(hold_to_string(d->hold)));
        for (uint32_t i = 0; i < MIN(d->n_changes, (uint32_t)LEVEL_CHANGES_MAX); i++)
                (void)json_array_append_new(
                        changes, json_pack("{s:o, s:s?, s:s?}", "domain", json_escaped(d->changes[i].domain_path), "from",
                                           level_to_string(d->changes[i].from), "to", level_to_string(d->changes[i].to)));
        if (d->n_changes > 0)
                set(o, "changes", changes);
        else
                json_decref(changes);
        if (d->has_kill)
                set(o, "kill", kill_json(&d->kill));
        return o;
}

static int export_jsonl(const TraceRecord *r, FILE *f) {
        const Snapshot *s = &r->snap;
        json_t *o = json_object(), *host = json_object();

        set_number(o, "mono_usec", s->mono_usec);
        set_number(o, "real_usec", s->real_usec);
        set_number(o, "page_size_bytes", s->page_size);
        for (HostField k = 0; k < _HOST_FIELD_MAX; k++)
                if (host_has(&s->host, k))
                        set_number(host, host_field_to_string(k), s->host.value[k]);
        set(o, "host", host);
        json_t *cgroups = json_array(), *processes = json_array();
        for (uint32_t i = 0; i < s->n_cgroups; i++)
                (void)json_array_append_new(cgroups, cgroup_json(&s->cgroups[i]));
        for (uint32_t i = 0; i < s->n_processes; i++)
                (void)json_array_append_new(processes, process_json(&s->processes[i]));
        set(o, "cgroups", cgroups);
        if (s->detail & DETAIL_ANY_PROCESSES)
                set(o, "processes", processes);
        else
                json_decref(processes);
        if (r->has_decision)
                set(o, "decision", decision_json(&r->decision));
        int k = json_dumpf(o, f, JSON_COMPACT);
        (void)fputc('\n', f);
        json_decref(o);
        return k < 0 ? -ENOMEM : 0;
}

/* ---- CSV ---- */

/* Quoted, with quotes doubled; escaped first, so that no line break is left. */
static void print_cell(const char *untrusted, FILE *f) {
        char text[4 * CGROUP_PATH_MAX];
        TextBuf b = TEXT_BUF(text);

        text_append(&b, "");
        text_append_escaped(&b, untrusted);
        (void)fputc('"', f);
        for (const char *s = text; *s; s++) {
                if (*s == '"')
                        (void)fputc('"', f);
                (void)fputc(*s, f);
        }
        (void)fputc('"', f);
}

static void csv_head(bool is_cgroups, FILE *f) {
        (void)fprintf(f, "real_usec,mono_usec");
        if (is_cgroups) {
                (void)fprintf(f, ",path,id");
                for (CgroupField k = 0; k < _CGROUP_FIELD_MAX; k++)
                        (void)fprintf(f, ",%s", cgroup_field_to_string(k));
        } else
                for (HostField k = 0; k < _HOST_FIELD_MAX; k++)
                        (void)fprintf(f, ",%s", host_field_to_string(k));
        (void)fputc('\n', f);
}

static void csv_host(const Snapshot *s, FILE *f) {
        (void)fprintf(f, "%" PRIu64 ",%" PRIu64, s->real_usec, s->mono_usec);
        for (HostField k = 0; k < _HOST_FIELD_MAX; k++)
                if (host_has(&s->host, k))
                        (void)fprintf(f, ",%" PRIu64, s->host.value[k]);
                else
                        (void)fputc(',', f);
        (void)fputc('\n', f);
}

static void csv_cgroups(const Snapshot *s, FILE *f) {
        for (uint32_t i = 0; i < s->n_cgroups; i++) {
                const CgroupSample *c = &s->cgroups[i];
                (void)fprintf(f, "%" PRIu64 ",%" PRIu64 ",", s->real_usec, s->mono_usec);
                print_cell(c->path, f);
                (void)fprintf(f, ",%" PRIu64, c->id);
                for (CgroupField k = 0; k < _CGROUP_FIELD_MAX; k++)
                        if (!cgroup_has(c, k))
                                (void)fputc(',', f);
                        else if (c->value[k] == CGROUP_NO_LIMIT)
                                (void)fputs(",max", f);
                        else
                                (void)fprintf(f, ",%" PRIu64, c->value[k]);
                (void)fputc('\n', f);
        }
}

/* ---- the verb ---- */

static const char *const formats[] = { "jsonl", "csv", "csv-cgroups" };

static int format_find(const char *name) {
        for (size_t n = 0; name && n < ARRAY_SIZE(formats); n++)
                if (strcmp(formats[n], name) == 0)
                        return (int)n;
        return name ? -EINVAL : 0;
}

CtlExit trace_export(const Invocation *i) {
        int format = format_find(i->data_format), r;
        const TraceRecord *record;
        TraceInput t;

        if (format < 0) {
                (void)fprintf(stderr, "headroomctl: trace export takes --format=jsonl, csv or csv-cgroups\n");
                return CTL_EXIT_USAGE;
        }
        if (trace_input_open(i, &t) < 0)
                return CTL_EXIT_FAILED;
        if (format > 0)
                csv_head(format == 2, i->out);
        while ((r = trace_input_next(&t, &record)) > 0 && !ferror(i->out)) {
                if (record->kind != TRACE_SAMPLE)
                        continue;
                if (format == 0 && export_jsonl(record, i->out) < 0)
                        break;
                if (format == 1)
                        csv_host(&record->snap, i->out);
                if (format == 2)
                        csv_cgroups(&record->snap, i->out);
        }
        trace_input_done(&t);
        return r < 0 || ferror(i->out) ? CTL_EXIT_FAILED : CTL_EXIT_OK;
}

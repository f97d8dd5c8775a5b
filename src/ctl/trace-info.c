/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * headroomctl trace info: what a trace is of, how much of it there is, and what is missing. One pass; what is kept of
 * it is bounded, whatever the trace says: so many boots, policies and kills, and the numbers of all.
 */

#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "ctl/trace-verbs.h"
#include "report/json.h"

#define BOOTS_MAX    64
#define POLICIES_MAX 64
#define KILLS_SHOWN  32
/* Between two samples of one recorder more than this many times its interval, and these seconds, is a gap. */
#define GAP_FACTOR   4
#define GAP_MIN_USEC (15 * USEC_PER_SEC)
/* Between the clocks: somebody has set the time. */
#define STEP_MIN_USEC (2 * USEC_PER_SEC)
#define DAY_USEC      (86400 * USEC_PER_SEC)

typedef struct Boot {
        TraceStart start; /* of the first recorder in it */
        uint64_t first_real_usec, last_real_usec, n_samples;
} Boot;

typedef struct Info {
        Boot boots[BOOTS_MAX];
        uint32_t n_boots, n_boots_all;
        uint64_t policies[POLICIES_MAX];
        uint32_t n_policies;
        bool is_ended; /* in order, by the latest recorder */
        uint64_t n_samples, n_detailed, n_decisions, n_confirms, n_cancels, n_facts;
        uint64_t n_gaps, n_lost, n_pauses, paused_usec, n_clock_steps;
        uint64_t covered_usec; /* recorded, without the gaps */
        uint64_t n_kills, n_dry_kills, n_kernel_kills;
        TraceKill kills[KILLS_SHOWN]; /* the first ones */
        uint64_t kill_real_usec[KILLS_SHOWN];
        uint32_t max_cgroups, max_processes;
        /* of the sample before */
        bool has_last, is_open; /* is_open: something lies between it and the next one */
        uint64_t last_mono_usec, last_real_usec, last_oom_kills;
        bool has_oom_kills;
        uint64_t interval_usec;
} Info;

/* ---- gathering ---- */

static void see_start(Info *x, const TraceStart *s) {
        Boot *last = x->n_boots > 0 ? &x->boots[x->n_boots - 1] : NULL;

        x->is_ended = false;
        x->interval_usec = s->interval_usec;
        if (last && strcmp(last->start.boot_id, s->boot_id) == 0 && s->boot_id[0])
                return;
        x->n_boots_all++;
        x->has_last = x->has_oom_kills = false;
        if (x->n_boots == BOOTS_MAX)
                return;
        x->boots[x->n_boots++] = (Boot){ .start = *s, .first_real_usec = s->real_usec, .last_real_usec = s->real_usec };
}

static void see_policy(Info *x, uint64_t hash) {
        for (uint32_t i = 0; i < x->n_policies; i++)
                if (x->policies[i] == hash)
                        return;
        if (x->n_policies < POLICIES_MAX)
                x->policies[x->n_policies++] = hash;
}

static void see_time(Info *x, const Snapshot *s) {
        uint64_t limit = MAX(GAP_FACTOR * x->interval_usec, GAP_MIN_USEC);

        if (x->has_last && s->mono_usec >= x->last_mono_usec) {
                uint64_t mono = s->mono_usec - x->last_mono_usec;
                int64_t step = (int64_t)(s->real_usec - x->last_real_usec) - (int64_t)mono;
                if (mono > limit || x->is_open) {
                        x->n_pauses += !x->is_open;
                        x->paused_usec += mono;
                } else {
                        x->covered_usec += mono;
                        x->n_clock_steps += step > (int64_t)STEP_MIN_USEC || step < -(int64_t)STEP_MIN_USEC;
                }
        }
        x->has_last = true;
        x->is_open = false;
        x->last_mono_usec = s->mono_usec;
        x->last_real_usec = s->real_usec;
}

static void see_kernel_kills(Info *x, const HostSample *h) {
        if (!host_has(h, HOST_VM_OOM_KILL))
                return;
        if (x->has_oom_kills)
                x->n_kernel_kills += u64_sub_sat(h->value[HOST_VM_OOM_KILL], x->last_oom_kills);
        x->has_oom_kills = true;
        x->last_oom_kills = h->value[HOST_VM_OOM_KILL];
}

static void see_sample(Info *x, const TraceRecord *r) {
        const Snapshot *s = &r->snap;

        x->n_samples++;
        x->n_detailed += (s->detail & DETAIL_ANY_PROCESSES) && (s->detail & DETAIL_ANY_STATS);
        x->n_decisions += r->has_decision;
        x->max_cgroups = MAX(x->max_cgroups, s->n_cgroups);
        x->max_processes = MAX(x->max_processes, s->n_processes);
        see_time(x, s);
        see_kernel_kills(x, &s->host);
        if (x->n_boots > 0) {
                x->boots[x->n_boots - 1].last_real_usec = s->real_usec;
                x->boots[x->n_boots - 1].n_samples++;
        }
        if (!r->has_decision || !r->decision.has_kill)
                return;
        if (x->n_kills < KILLS_SHOWN) {
                x->kills[x->n_kills] = r->decision.kill;
                x->kill_real_usec[x->n_kills] = s->real_usec;
        }
        x->n_kills++;
        x->n_dry_kills += r->decision.kill.dry_run;
}

static void see(Info *x, const TraceRecord *r) {
        switch (r->kind) {
        case TRACE_START:
                see_start(x, &r->start);
                break;
        case TRACE_POLICY:
                see_policy(x, r->policy.hash);
                break;
        case TRACE_SAMPLE:
                see_sample(x, r);
                break;
        case TRACE_CONFIRM:
                x->n_confirms++;
                break;
        case TRACE_CANCEL:
                x->n_cancels++;
                break;
        case TRACE_FACTS:
                x->n_facts++;
                break;
        case TRACE_GAP:
                x->n_gaps++;
                x->n_lost = u64_add_sat(x->n_lost, r->n_lost);
                x->is_open = true;
                break;
        case TRACE_END:
                x->is_ended = true;
                x->is_open = true;
                break;
        case _TRACE_KIND_MAX:
        case _TRACE_KIND_INVALID:
                break;
        }
}

static uint64_t bytes_per_day(const Info *x, const TraceReaderStats *s) {
        return x->covered_usec > 0 ? u64_mul_div(s->file_bytes, DAY_USEC, x->covered_usec) : 0;
}

/* ---- showing ---- */

static const char *append(char *buf, size_t size, void (*f)(TextBuf *b, uint64_t value), uint64_t value) {
        TextBuf b = { .data = buf, .size = size };

        text_append(&b, "");
        f(&b, value);
        return buf;
}

static const char *escaped(char *buf, size_t size, const char *untrusted) {
        TextBuf b = { .data = buf, .size = size };

        text_append(&b, "");
        text_append_escaped(&b, untrusted);
        return buf;
}

static void show_boots(const Info *x, FILE *f) {
        char a[64], b[64], c[320], d[128], e[128];

        for (uint32_t i = 0; i < x->n_boots; i++) {
                const Boot *boot = &x->boots[i];
                (void)fprintf(f, "boot %s: Linux %s, %s, page size %u, %u CPUs, recorded by %s (%s)\n",
                              boot->start.boot_id[0] ? escaped(c, sizeof(c), boot->start.boot_id) : "not known",
                              escaped(d, sizeof(d), boot->start.kernel[0] ? boot->start.kernel : "not known"),
                              escaped(a, sizeof(a), boot->start.machine[0] ? boot->start.machine : "machine not known"),
                              boot->start.page_size, boot->start.n_cpus, escaped(e, sizeof(e), boot->start.recorder),
                              !boot->start.decides ? "observed only" : boot->start.dry_run ? "dry run" : "in earnest");
                (void)fprintf(f, "  from %s to %s, %" PRIu64 " samples\n", trace_time(a, sizeof(a), boot->first_real_usec),
                              trace_time(b, sizeof(b), boot->last_real_usec), boot->n_samples);
        }
        if (x->n_boots_all > x->n_boots)
                (void)fprintf(f, "and %u boots more\n", x->n_boots_all - x->n_boots);
}

static void show_kills(const Info *x, FILE *f) {
        char a[64], c[128], p[2100];

        for (uint32_t i = 0; i < MIN(x->n_kills, (uint64_t)KILLS_SHOWN); i++) {
                const TraceKill *k = &x->kills[i];
                (void)fprintf(f, "  %s %s%s %s (pid %d) in %s\n", trace_time(a, sizeof(a), x->kill_real_usec[i]),
                              k->dry_run ? "virtual " : "", step_to_string(k->step), escaped(c, sizeof(c), k->comm), k->pid,
                              escaped(p, sizeof(p), k->cgroup_path));
        }
        if (x->n_kills > KILLS_SHOWN)
                (void)fprintf(f, "  and %" PRIu64 " more\n", x->n_kills - KILLS_SHOWN);
}

static void show_text(const Info *x, const TraceReaderStats *s, FILE *f) {
        char a[32], b[32];

        show_boots(x, f);
        (void)fprintf(f, "recorded: %s", append(a, sizeof(a), units_append_usec, x->covered_usec));
        (void)fprintf(f, ", %" PRIu64 " samples, %" PRIu64 " with details, %" PRIu64 " with decisions\n", x->n_samples,
                      x->n_detailed, x->n_decisions);
        (void)fprintf(f, "at most %u cgroups and %u processes in a sample; facts of %" PRIu64 " processes\n", x->max_cgroups,
                      x->max_processes, x->n_facts);
        (void)fprintf(f, "gaps: %" PRIu64 " (%" PRIu64 " records lost), pauses without a mark: %" PRIu64 ", together %s; the clock was set %" PRIu64 " times\n",
                      x->n_gaps, x->n_lost, x->n_pauses, append(a, sizeof(a), units_append_usec, x->paused_usec),
                      x->n_clock_steps);
        (void)fprintf(f, "kills: %" PRIu64 ", of these %" PRIu64 " virtual; not confirmed or not carried out: %" PRIu64 "; by the kernel: %" PRIu64 "\n",
                      x->n_kills, x->n_dry_kills, x->n_cancels, x->n_kernel_kills);
        show_kills(x, f);
        (void)fprintf(f, "policies:");
        for (uint32_t i = 0; i < x->n_policies; i++)
                (void)fprintf(f, " %016" PRIx64, x->policies[i]);
        (void)fprintf(f, "%s\n", x->n_policies > 0 ? "" : " none");
        (void)fprintf(f, "files: %" PRIu64 ", %s", s->n_files, append(a, sizeof(a), units_append_bytes, s->file_bytes));
        (void)fprintf(f, " (%s encoded), %s a day\n", append(a, sizeof(a), units_append_bytes, s->raw_bytes),
                      append(b, sizeof(b), units_append_bytes, bytes_per_day(x, s)));
        (void)fprintf(f, "state: %" PRIu64 " torn tails, %" PRIu64 " damaged pieces, %s\n", s->n_torn, s->n_damaged,
                      x->is_ended ? "ended in order" : "not ended in order, or still being written");
        (void)fprintf(f, "trace hash: %016" PRIx64 "\n", s->hash);
}

static json_t *hex(uint64_t value) {
        char text[20];

        (void)snprintf(text, sizeof(text), "%016" PRIx64, value);
        return json_string(text);
}

static json_t *number(uint64_t value) {
        return json_u64(value, UINT64_MAX);
}

static json_t *boots_json(const Info *x) {
        json_t *a = json_array();

        for (uint32_t i = 0; i < x->n_boots; i++) {
                const Boot *b = &x->boots[i];
                json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:b, s:b}", "boot_id", json_escaped(b->start.boot_id),
                                      "kernel", json_escaped(b->start.kernel), "machine", json_escaped(b->start.machine),
                                      "recorder", json_escaped(b->start.recorder), "page_size_bytes",
                                      (json_int_t)b->start.page_size, "cpus", (json_int_t)b->start.n_cpus, "decides",
                                      b->start.decides, "dry_run", b->start.dry_run);
                (void)json_object_set_new(o, "first_real_usec", number(b->first_real_usec));
                (void)json_object_set_new(o, "last_real_usec", number(b->last_real_usec));
                (void)json_object_set_new(o, "samples", number(b->n_samples));
                (void)json_array_append_new(a, o);
        }
        return a;
}

static json_t *kills_json(const Info *x) {
        json_t *a = json_array();

        for (uint32_t i = 0; i < MIN(x->n_kills, (uint64_t)KILLS_SHOWN); i++) {
                const TraceKill *k = &x->kills[i];
                (void)json_array_append_new(
                        a, json_pack("{s:o, s:b, s:s?, s:o, s:I, s:o, s:o}", "real_usec", number(x->kill_real_usec[i]),
                                     "dry_run", k->dry_run, "step", step_to_string(k->step), "name", json_escaped(k->comm),
                                     "pid", (json_int_t)k->pid, "cgroup", json_escaped(k->cgroup_path), "domain",
                                     json_escaped(k->domain_path)));
        }
        return a;
}

static void show_as_json(const Invocation *i, const Info *x, const TraceReaderStats *s) {
        const struct {
                const char *key;
                uint64_t value;
        } numbers[] = {
                { "samples", x->n_samples },
                { "detailed_samples", x->n_detailed },
                { "decisions", x->n_decisions },
                { "confirms", x->n_confirms },
                { "cancels", x->n_cancels },
                { "facts", x->n_facts },
                { "gaps", x->n_gaps },
                { "lost_records", x->n_lost },
                { "pauses", x->n_pauses },
                { "paused_usec", x->paused_usec },
                { "clock_steps", x->n_clock_steps },
                { "covered_usec", x->covered_usec },
                { "kill_decisions", x->n_kills },
                { "virtual_kills", x->n_dry_kills },
                { "kernel_kills", x->n_kernel_kills },
                { "max_cgroups", x->max_cgroups },
                { "max_processes", x->max_processes },
                { "files", s->n_files },
                { "file_bytes", s->file_bytes },
                { "raw_bytes", s->raw_bytes },
                { "bytes_per_day", bytes_per_day(x, s) },
                { "segments", s->n_segments },
                { "torn", s->n_torn },
                { "damaged", s->n_damaged },
        };
        json_t *o = json_object(), *policies = json_array();

        (void)json_object_set_new(o, "boots", boots_json(x));
        for (size_t n = 0; n < ARRAY_SIZE(numbers); n++)
                (void)json_object_set_new(o, numbers[n].key, number(numbers[n].value));
        (void)json_object_set_new(o, "kills", kills_json(x));
        for (uint32_t n = 0; n < x->n_policies; n++)
                (void)json_array_append_new(policies, hex(x->policies[n]));
        (void)json_object_set_new(o, "policy_hashes", policies);
        (void)json_object_set_new(o, "ended_in_order", json_boolean(x->is_ended));
        (void)json_object_set_new(o, "trace_hash", hex(s->hash));
        show_json(i, o);
        json_decref(o);
}

CtlExit trace_info(const Invocation *i) {
        static Info x; /* some hundred KiB */
        const TraceRecord *record;
        TraceInput t;
        int r;

        x = (Info){ 0 };
        if (trace_input_open(i, &t) < 0)
                return CTL_EXIT_FAILED;
        while ((r = trace_input_next(&t, &record)) > 0)
                see(&x, record);
        if (i->format == FORMAT_JSON)
                show_as_json(i, &x, trace_reader_stats(t.reader));
        else
                show_text(&x, trace_reader_stats(t.reader), i->out);
        trace_input_done(&t);
        return r < 0 ? CTL_EXIT_FAILED : CTL_EXIT_OK;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * headroomctl plan and report. Traces go in, one document a host comes out; many hosts are added up. Tables, pages and
 * files are made from documents alone.
 */

#include "ctl/plan.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ctl/progress.h"
#include "ctl/show.h"
#include "plan/merge.h"

#define DEFAULT_TRACE "/var/lib/headroom/trace"
/* A line of JSON Lines: a host with 256 cgroups and their histograms takes about 1 MiB. */
#define LINE_MAX_BYTES (64u << 20)

typedef struct Sink {
        const Invocation *i;
        Fleet *fleet;     /* NULL: hosts are not added up */
        bool is_single;
} Sink;

static void print_line(const Invocation *i, const json_t *doc) {
        (void)json_dumpf(doc, i->out, JSON_COMPACT | JSON_PRESERVE_ORDER);
        (void)fputc('\n', i->out);
}

/* The whole answer: of one host or of the fleet. */
static CtlExit finish(const Invocation *i, const json_t *doc, bool is_fleet) {
        CtlExit status = CTL_EXIT_OK, r;

        if (!doc) {
                (void)fprintf(stderr, "headroomctl: out of memory\n");
                return CTL_EXIT_FAILED;
        }
        if (i->format == FORMAT_JSON)
                show_json(i, doc);
        else if (i->format == FORMAT_JSONL)
                print_line(i, doc);
        else if (is_fleet)
                plan_show_fleet(i, doc);
        else
                plan_show(i, doc);
        if (i->plan.report && (r = plan_write_report(doc, i->plan.report)) != CTL_EXIT_OK)
                status = r;
        if (i->plan.dropins && !is_fleet && (r = plan_write_dropins(i, doc, i->plan.dropins)) != CTL_EXIT_OK)
                status = r;
        return status;
}

static CtlExit host_done(void *userdata, const json_t *doc) {
        Sink *s = userdata;
        const char *why = NULL;

        if (s->is_single)
                return finish(s->i, doc, false);
        if (s->i->format == FORMAT_JSONL)
                print_line(s->i, doc);
        int r = s->fleet ? fleet_add(s->fleet, doc, &why) : 0;
        if (r < 0)
                (void)fprintf(stderr, "headroomctl: %s\n", why ? why : strerror(-r));
        return r < 0 ? CTL_EXIT_FAILED : CTL_EXIT_OK;
}

/* ---- --merge ---- */

/*
 * The next line, of which no more than LINE_MAX_BYTES and one are kept: whoever sends one without an end shall not have all
 * of the memory. 1; 0 at the end; -ENOMEM.
 */
static int read_line(FILE *f, char **line, size_t *room, size_t *ret_n) {
        size_t n = 0;
        int c;

        while ((c = getc_unlocked(f)) != EOF && c != '\n') {
                if (n > LINE_MAX_BYTES)
                        continue;
                if (n == *room) {
                        size_t want = *room * 2 + 4096;
                        char *p = realloc(*line, want);
                        if (!p)
                                return -ENOMEM;
                        *line = p;
                        *room = want;
                }
                (*line)[n++] = (char)c;
        }
        *ret_n = n;
        return c != EOF || n > 0;
}

/* NULL, or why it could not be added. */
static const char *merge_line(Fleet *fleet, const char *line, size_t n) {
        const char *why = "out of memory";

        if (n > LINE_MAX_BYTES)
                return "too long";
        json_t *doc = json_loadb(line, n, 0, NULL);
        if (!doc)
                return "no JSON, expected one object of headroomctl plan -o jsonl a line";
        int r = fleet_add(fleet, doc, &why);
        json_decref(doc);
        return r < 0 ? why : NULL;
}

/* One file of JSON Lines; "-" is standard input. Each line is freed before the next is read. */
static CtlExit merge_file(Fleet *fleet, const char *path) {
        bool is_stdin = strcmp(path, "-") == 0;
        FILE *f = is_stdin ? stdin : fopen(path, "re");
        _cleanup_free_ char *line = NULL;
        CtlExit status = CTL_EXIT_OK;
        size_t room = 0, number = 0, n;
        int r;

        if (!f) {
                (void)fprintf(stderr, "headroomctl: %s: %s\n", path, strerror(errno));
                return CTL_EXIT_FAILED;
        }
        while ((r = read_line(f, &line, &room, &n)) > 0) {
                number++;
                const char *why = n > 0 ? merge_line(fleet, line, n) : NULL;
                if (why) {
                        (void)fprintf(stderr, "headroomctl: %s:%zu: %s\n", path, number, why);
                        status = CTL_EXIT_FAILED;
                }
        }
        if (r < 0) {
                (void)fprintf(stderr, "headroomctl: %s: out of memory\n", path);
                status = CTL_EXIT_FAILED;
        }
        if (ferror(f)) {
                (void)fprintf(stderr, "headroomctl: %s: read error\n", path);
                status = CTL_EXIT_FAILED;
        }
        if (!is_stdin)
                (void)fclose(f);
        return status;
}

static CtlExit fleet_end(const Invocation *i, Fleet *fleet) {
        if (fleet_hosts(fleet) == 0)
                return CTL_EXIT_FAILED;
        json_t *doc = fleet_document(fleet);
        CtlExit r = finish(i, doc, true);
        json_decref(doc);
        return r;
}

static CtlExit merge(const Invocation *i) {
        _cleanup_(fleet_freep) Fleet *fleet = NULL;
        CtlExit status = CTL_EXIT_OK;

        if (fleet_new(&fleet) < 0) {
                (void)fprintf(stderr, "headroomctl: out of memory\n");
                return CTL_EXIT_FAILED;
        }
        for (int n = 0; n < i->n_args; n++)
                if (merge_file(fleet, i->args[n]) != CTL_EXIT_OK)
                        status = CTL_EXIT_FAILED;
        CtlExit r = fleet_end(i, fleet);
        return r != CTL_EXIT_OK ? r : status;
}

/* ---- traces ---- */

static uint64_t total_bytes(char *const *paths, size_t n, uint64_t passes) {
        uint64_t sum = 0;
        for (size_t k = 0; k < n; k++)
                sum = u64_add_sat(sum, plan_path_bytes(AT_FDCWD, paths[k]));
        return u64_mul_sat(sum, passes);
}

static CtlExit run(const Invocation *i, const PlanRequest *base, char *const *paths, size_t n) {
        _cleanup_(fleet_freep) Fleet *fleet = NULL;
        PlanProgress work = { 0 };
        PlanRequest q = *base;
        Sink sink = { .i = i, .is_single = n == 1 };

        q.salvage = i->salvage;
        q.progress = &work;
        atomic_store(&work.total_bytes, total_bytes(paths, n, q.is_report || (q.n_ram > 0 && q.n_densities == 0) ? 1 : q.n_ram > 0 ? 2 : 3));
        /* Lines are the answer then; the sum is --merge's. */
        if (n > 1 && (i->format != FORMAT_JSONL || i->plan.report) && fleet_new(&fleet) < 0)
                return CTL_EXIT_FAILED;
        sink.fleet = fleet;
        Progress *bar = progress_begin(&work);
        CtlExit status = plan_hosts(&q, paths, n, i->format == FORMAT_JSONL, host_done, &sink);
        (void)progress_end(bar);
        if (!fleet)
                return status;
        CtlExit r = CTL_EXIT_OK;
        if (i->format != FORMAT_JSONL)
                r = fleet_end(i, fleet);
        else {
                json_t *doc = fleet_document(fleet);
                r = doc ? plan_write_report(doc, i->plan.report) : CTL_EXIT_FAILED;
                json_decref(doc);
        }
        return r != CTL_EXIT_OK ? r : status;
}

static CtlExit plan_or_report(const Invocation *i, bool is_report, char *const *paths, size_t n) {
        PlanKeep keep = { 0 };
        PlanRequest q;

        if (i->plan.dropins && n > 1) {
                (void)fprintf(stderr, "headroomctl: --write-dropins is for one host, expected one TRACE\n");
                return CTL_EXIT_USAGE;
        }
        CtlExit status = plan_options_resolve(&i->plan, i->policy, is_report, &q, &keep);
        if (status == CTL_EXIT_OK)
                status = run(i, &q, paths, n);
        plan_keep_done(&keep);
        return status;
}

CtlExit command_plan(const Invocation *i) {
        return i->merge ? merge(i) : plan_or_report(i, false, i->args, (size_t)i->n_args);
}

CtlExit command_report(const Invocation *i) {
        char recorded[] = DEFAULT_TRACE;
        char *paths[] = { recorded };

        return plan_or_report(i, true, i->n_args > 0 ? i->args : paths, i->n_args > 0 ? (size_t)i->n_args : 1);
}

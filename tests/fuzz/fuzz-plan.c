/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A plan of records that no recorder would have made: each byte of the input changes the record at its place of a generated
 * host. The statistics and what-ifs must end; the document, the page and the sum of a fleet must take whatever came out.
 */

#include <stdio.h>

#include "config/config.h"
#include "input.h"
#include "plan/document.h"
#include "plan/html.h"
#include "plan/merge.h"
#include "spoil-record.h"

static const char recorded_text[] =
        "# file: cgroups.d/80-limited.conf\n[Match]\nUnit=*.service\nLimited=yes\n[Kill]\nWhen=usage > 40M\nDo=kill\n"
        "# file: cgroups.d/90-host.conf\n[Match]\nCgroup=/\n[Warn]\nWhen=available < 30%\nDo=notify, reclaim\n"
        "[Kill]\nWhen=available < 10%\nDo=terminate grace=1s, kill\n";

static Policy *load(void) {
        ConfigReport report = { 0 };
        Policy *p = NULL;
        int r = policy_load_text(recorded_text, sizeof(recorded_text) - 1, "fuzz", &report, &p);
        REQUIRE(r == 0);
        config_report_done(&report);
        return p;
}

#define QUESTIONS 3

static void ask(PlanAnswer *a, const Policy *policy) {
        a[0] = (PlanAnswer){ .role = PLAN_ROLE_RECORDED, .question = { .name = "as recorded", .swappiness = -1 } };
        a[1] = (PlanAnswer){ .role = PLAN_ROLE_RAM,
                             .question = { .name = "less", .ram_bytes = UINT64_C(160) << 20, .swappiness = 100, .has_zram = true,
                                           .zram_bytes = UINT64_C(64) << 20, .policy = policy } };
        a[2] = (PlanAnswer){ .role = PLAN_ROLE_ASKED,
                             .question = { .name = "scaled", .swappiness = -1, .overcommit_ratio = 80, .has_swap = true,
                                           .swap_bytes = UINT64_C(32) << 20, .n_scales = 1, .scales = { { "system.slice/*", 25000 } },
                                           .n_limits = 1, .limits = { { "system.slice/l*", UINT64_C(20) << 20 } } } };
}

/*
 * Work goes by the time that a record claims to have been watched, at up to 20 steps a second where it is in trouble, and a
 * spoiled one may claim an hour between any two samples: only a longer step is a gap to the simulation, whatever interval the
 * record claims (SILENCE_MOST_USEC of sim.c). That ends, but not within a fuzzer's patience.
 */
#define CLAIM_MOST_USEC   (300 * USEC_PER_SEC)
#define SILENCE_MOST_USEC (3600 * USEC_PER_SEC)

static bool claims_too_much(const TraceRecord *r, uint64_t *last_usec, uint64_t *claimed_usec) {
        if (r->kind != TRACE_SAMPLE)
                return false;
        uint64_t usec = u64_sub_sat(r->snap.mono_usec, *last_usec);
        *last_usec = r->snap.mono_usec;
        *claimed_usec += usec <= SILENCE_MOST_USEC ? usec : 0;
        return *claimed_usec > CLAIM_MOST_USEC;
}

static void feed(PlanRun *run, PlanSim **sims, const TraceRecord *r) {
        REQUIRE(plan_stats_feed(run->stats, r) == 0);
        for (size_t i = 0; i < QUESTIONS; i++) {
                int error = sims[i] ? plan_sim_feed(sims[i], r) : 0;
                REQUIRE(error == 0 || error == -EBADMSG);
                if (error < 0)
                        sims[i] = plan_sim_free(sims[i]);
        }
}

static void finish(PlanRun *run, PlanSim **sims) {
        RamPoint point;

        plan_stats_finish(run->stats);
        density_result(&run->stats->densities[0], &run->densities[0]);
        run->n_answers = QUESTIONS;
        for (size_t i = 0; i < QUESTIONS; i++)
                run->answers[i].is_done = sims[i] && plan_sim_finish(sims[i], &run->answers[i].outcome) == 0;
        run->has_ram = run->answers[1].is_done;
        if (!run->has_ram)
                return;
        const PlanOutcome *o = &run->answers[1].outcome;
        point = (RamPoint){ run->answers[1].question.ram_bytes, o->is_safe, o->confidence };
        REQUIRE(!o->is_safe || o->n_kills + o->n_kernel_kills == 0);
        ram_answer(&point, 1, /* is_short= */ true, &run->ram);
}

/* Nothing of a name may become markup or reach a terminal raw. */
static void write_page(const json_t *doc) {
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);

        REQUIRE(f && html_write(doc, f) == 0);
        REQUIRE(fclose(f) == 0);
        REQUIRE(!memchr(text, '\033', n) && n < (4 << 20));
        free(text);
}

static void write_all(const PlanRun *run) {
        const PlanRequest request = { .path = "fuzz", .n_densities = 1, .densities = { "system.slice/*" } };
        const DocumentOptions options = { 0 };
        _cleanup_(fleet_freep) Fleet *fleet = NULL;
        const char *why = NULL;

        json_t *doc = plan_document(&request, run, &options);
        REQUIRE(doc);
        write_page(doc);
        REQUIRE(fleet_new(&fleet) == 0);
        REQUIRE(fleet_add(fleet, doc, &why) == 0);
        json_decref(doc);
        doc = fleet_document(fleet);
        write_page(doc);
        json_decref(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char *const patterns[] = { "system.slice/*" };
        _cleanup_(policy_freep) Policy *policy = load();
        _cleanup_(synth_freep) Synth *synth = NULL;
        PlanAnswer answers[QUESTIONS];
        PlanSim *sims[QUESTIONS];
        PlanRun run = { .answers = answers };
        const TraceRecord *r;
        Spoiler spoiler = SPOILER(data, size);
        uint64_t last_usec = 0, claimed_usec = 0;

        const SynthOptions o = { .seed = size > 0 ? data[0] : 0, .n_cgroups = 6, .n_processes = 12, .ram_bytes = UINT64_C(256) << 20,
                                 .span_usec = 30 * USEC_PER_SEC, .detail_interval_usec = 2 * USEC_PER_SEC, .swap_bytes = 32 << 20,
                                 .leak_bytes_per_sec = 16 << 20, .policy = policy, .monitored_every = 2,
                                 .restart_usec = 8 * USEC_PER_SEC, .gap_usec = 15 * USEC_PER_SEC, .reboot_usec = 21 * USEC_PER_SEC };
        REQUIRE(synth_new(&o, &synth) == 0);
        REQUIRE(plan_stats_new(patterns, 1, &run.stats) == 0);
        ask(answers, policy);
        for (size_t i = 0; i < QUESTIONS; i++)
                REQUIRE(plan_sim_new(&answers[i].question, &sims[i]) == 0);
        TraceSource source = synth_source(synth);
        while (trace_next(&source, &r) > 0) {
                TraceRecord copy = *r;
                spoil_next(&spoiler, &copy);
                if (claims_too_much(&copy, &last_usec, &claimed_usec))
                        break;
                feed(&run, sims, &copy);
        }
        finish(&run, sims);
        write_all(&run);
        for (size_t i = 0; i < QUESTIONS; i++) {
                plan_sim_free(sims[i]);
                if (answers[i].is_done)
                        plan_outcome_done(&answers[i].outcome);
        }
        plan_stats_free(run.stats);
        return 0;
}

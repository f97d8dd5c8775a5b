/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Records that no recorder would have made, as a reader could hand them out after somebody has edited a file: each byte of the
 * input changes the record at its place of a generated host. The replay, under the recorded policy and another one, must
 * end, keep its counts together, and print.
 */

#include <stdio.h>

#include "config/config.h"
#include "input.h"
#include "plan/replay.h"
#include "spoil-record.h"

static const char recorded_text[] =
        "# file: cgroups.d/80-limited.conf\n[Match]\nUnit=*.service\nLimited=yes\n[Kill]\nWhen=usage > 40M\nDo=kill\n"
        "# file: cgroups.d/90-host.conf\n[Match]\nCgroup=/\n[Warn]\nWhen=available < 30%\nDo=notify, reclaim\n"
        "[Kill]\nWhen=available < 10%\nDo=terminate grace=1s, kill\n";
static const char other_text[] =
        "# file: cgroups.d/50-all.conf\n[Match]\nCgroup=**\n[Kill]\nWhen=usage > 30M\nDo=kill\nRank=scan\n"
        "# file: cgroups.d/90-host.conf\n[Match]\nCgroup=/\n[Kill]\nWhen=available < 15%\nDo=kill\n"
        "# file: rules.d/a.conf\n[Match]\nExe=/usr/*\n[Score]\nTier=avoid\n";

static Policy *load(const char *text, size_t n) {
        ConfigReport report = { 0 };
        Policy *p = NULL;
        int r = policy_load_text(text, n, "fuzz", &report, &p);
        REQUIRE(r == 0);
        config_report_done(&report);
        return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(policy_freep) Policy *recorded = load(recorded_text, sizeof(recorded_text) - 1),
                                       *other = load(other_text, sizeof(other_text) - 1);
        _cleanup_(synth_freep) Synth *synth = NULL;
        _cleanup_(plan_replay_freep) PlanReplay *replay = NULL;
        const ReplayResult *result;
        const TraceRecord *r;
        Spoiler spoiler = SPOILER(data, size);

        const SynthOptions o = { .seed = size > 0 ? data[0] : 0, .n_cgroups = 6, .n_processes = 12, .ram_bytes = UINT64_C(256) << 20,
                                 .span_usec = 20 * USEC_PER_SEC, .detail_interval_usec = 2 * USEC_PER_SEC,
                                 .leak_bytes_per_sec = 8 << 20, .policy = recorded, .monitored_every = 2,
                                 .restart_usec = 5 * USEC_PER_SEC, .gap_usec = 9 * USEC_PER_SEC, .reboot_usec = 12 * USEC_PER_SEC };
        REQUIRE(synth_new(&o, &synth) == 0);
        REQUIRE(plan_replay_new(&(ReplayOptions){ .other = other }, &replay) == 0);
        TraceSource source = synth_source(synth);
        while (trace_next(&source, &r) > 0) {
                TraceRecord copy = *r;
                spoil_next(&spoiler, &copy);
                REQUIRE(plan_replay_feed(replay, &copy) == 0);
        }
        REQUIRE(plan_replay_finish(replay, &result) == 0);
        REQUIRE(result->n_diffs <= result->recorded.n_kept + result->other.n_kept);
        REQUIRE(result->n_differ <= result->n_compared);
        char *text = NULL;
        size_t n_text = 0;
        FILE *f = open_memstream(&text, &n_text);
        REQUIRE(f);
        replay_print(result, /* verbose= */ true, f);
        REQUIRE(fclose(f) == 0);
        REQUIRE(!memchr(text, '\033', n_text));
        free(text);
        json_t *j = replay_json(result);
        REQUIRE(j);
        json_decref(j);
        return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Replay of generated hosts. The same policy: everything identical, whatever interrupts the recording, and any change of a
 * record shows. Another policy: one that is the same in other words changes nothing; others change what they should.
 */

#include "test.h"

#include <string.h>

#include "config-tree.h"
#include "plan/replay.h"
#include "synth/synth.h"

#define MIB (UINT64_C(1) << 20)

static Policy *load_text(const char *text) {
        ConfigReport report = {};
        Policy *p = NULL;
        int r = policy_load_text(text, strlen(text), "test", &report, &p);
        if (r < 0)
                config_report_print(&report, stderr);
        assert_int_equal(r, 0);
        config_report_done(&report);
        return p;
}

static Policy *builtin(void) {
        ConfigReport report = {};
        Policy *p = NULL;
        assert_int_equal(policy_load(-EBADF, NULL, &report, &p), 0);
        config_report_done(&report);
        return p;
}

/* Ten minutes of a small host with leaks that are killed. */
static SynthOptions small(const Policy *p) {
        return (SynthOptions){
                .seed = 1, .n_cgroups = 12, .n_processes = 30, .span_usec = 600 * USEC_PER_SEC, .ram_bytes = 512 * MIB,
                .leak_bytes_per_sec = MIB / 2, .policy = p,
        };
}

typedef struct Run {
        Synth *synth;
        PlanReplay *replay;
        const ReplayResult *result;
} Run;

/* @change: may spoil a record on its way. */
static Run run(const SynthOptions *o, const Policy *other, bool (*change)(TraceRecord *r)) {
        Run x = {};
        const TraceRecord *r;
        int n;
        assert_int_equal(synth_new(o, &x.synth), 0);
        assert_int_equal(plan_replay_new(&(ReplayOptions){ .other = other }, &x.replay), 0);
        TraceSource source = synth_source(x.synth);
        while ((n = trace_next(&source, &r)) > 0) {
                TraceRecord copy = *r;
                if (change && !change(&copy))
                        continue;
                assert_int_equal(plan_replay_feed(x.replay, &copy), 0);
        }
        assert_int_equal(n, 0);
        assert_int_equal(plan_replay_finish(x.replay, &x.result), 0);
        return x;
}

static void run_done(Run *x) {
        plan_replay_free(x->replay);
        synth_free(x->synth);
}

static void show(const ReplayResult *r) {
        replay_print(r, /* verbose= */ true, stderr);
}

static void assert_identical(const ReplayResult *r) {
        if (r->n_differ > 0 || r->n_compared == 0)
                show(r);
        assert_true(r->n_compared > 0);
        assert_true(r->n_differ == 0);
        assert_false(r->has_first);
}

static void test_same_is_identical(void **state) {
        (void)state;
        Policy *p = builtin();
        for (uint64_t seed = 1; seed <= 4; seed++) {
                SynthOptions o = small(p);
                o.seed = seed;
                o.swap_bytes = seed % 2 ? 0 : 128 * MIB;
                Run x = run(&o, NULL, NULL);
                assert_identical(x.result);
                assert_true(synth_stats(x.synth)->n_kills > 0);
                assert_true(x.result->recorded.n_kills == synth_stats(x.synth)->n_kills);
                assert_true(x.result->n_open == 0);
                assert_true(x.result->recorded_hash == p->hash);
                assert_false(replay_result_differs(x.result));
                run_done(&x);
        }
        policy_free(p);
}

/* A restart and another boot begin new states; a gap leaves the rest of that one open. */
static void test_interruptions(void **state) {
        (void)state;
        Policy *p = builtin();
        SynthOptions o = small(p);
        o.restart_usec = 150 * USEC_PER_SEC;
        o.gap_usec = 250 * USEC_PER_SEC;
        o.reboot_usec = 400 * USEC_PER_SEC;
        Run x = run(&o, NULL, NULL);
        assert_identical(x.result);
        assert_true(x.result->n_boots == 2 && x.result->n_gaps == 1 && x.result->n_lost == 30);
        assert_true(x.result->n_recorders == 3);
        assert_true(x.result->n_open >= 100 && x.result->n_open < x.result->n_samples);
        assert_non_null(strstr(x.result->open, "lost"));
        assert_true(x.result->span_usec < 600 * USEC_PER_SEC);
        run_done(&x);
        policy_free(p);
}

static uint64_t spoil_at, spoil_seen;

static bool spoil_available(TraceRecord *r) {
        if (r->kind == TRACE_SAMPLE && r->has_decision && ++spoil_seen == spoil_at)
                r->snap.host.value[HOST_MEM_AVAILABLE] = MIB;
        return true;
}

static bool spoil_drop(TraceRecord *r) {
        return !(r->kind == TRACE_SAMPLE && r->has_decision && ++spoil_seen == spoil_at);
}

static bool spoil_digest(TraceRecord *r) {
        if (r->kind == TRACE_SAMPLE && r->has_decision && ++spoil_seen == spoil_at)
                r->decision.digest ^= 1;
        return true;
}

/* The comparison compares: what differs is found, where it does. */
static void test_differences_show(void **state) {
        (void)state;
        Policy *p = builtin();
        SynthOptions o = small(p);
        spoil_at = 100;
        spoil_seen = 0;
        Run x = run(&o, NULL, spoil_digest);
        assert_true(x.result->n_differ == 1 && x.result->has_first);
        assert_true(x.result->first.seq == 100);
        assert_true(replay_result_differs(x.result));
        run_done(&x);
        spoil_seen = 0;
        x = run(&o, NULL, spoil_drop);
        assert_true(x.result->n_differ == 0 && x.result->n_compared == 99 && x.result->n_open > 0);
        assert_non_null(strstr(x.result->open, "missing"));
        run_done(&x);
        /* another number in a sample is another decision */
        spoil_seen = 0;
        x = run(&o, NULL, spoil_available);
        assert_true(x.result->n_differ > 0 && x.result->has_first);
        assert_true(x.result->first.seq == 100);
        run_done(&x);
        policy_free(p);
}

static bool drop_head(TraceRecord *r) {
        return !(r->kind == TRACE_SAMPLE && r->snap.mono_usec < 200 * USEC_PER_SEC);
}

/* The oldest files of a rotated trace are gone: nothing to compare, said why, and the kills still counted. */
static void test_tail_only(void **state) {
        (void)state;
        Policy *p = builtin();
        SynthOptions o = small(p);
        Run x = run(&o, NULL, drop_head);
        assert_true(x.result->n_compared == 0 && x.result->n_open > 0 && x.result->n_differ == 0);
        assert_non_null(strstr(x.result->open, "middle"));
        assert_true(x.result->recorded.n_kills > 0);
        run_done(&x);
        policy_free(p);
}

/* The same policy as "another" one: not one kill differs, and no detail is made up. */
static void test_other_that_is_the_same(void **state) {
        (void)state;
        Policy *p = builtin();
        for (uint64_t seed = 1; seed <= 4; seed++) {
                SynthOptions o = small(p);
                o.seed = seed;
                o.swap_bytes = seed % 2 ? 0 : 128 * MIB;
                o.restart_usec = 300 * USEC_PER_SEC;
                Run x = run(&o, p, NULL);
                const ReplayResult *r = x.result;
                if (replay_result_differs(r))
                        show(r);
                assert_identical(r);
                assert_false(replay_result_differs(r));
                assert_false(r->has_diverged);
                assert_true(r->n_change[REPLAY_SAME] == r->recorded.n_kills - r->recorded.n_cancelled);
                assert_true(r->other.n_steps == r->recorded.n_steps);
                assert_true(r->n_synthesised == 0);
                assert_memory_equal(r->other.n_raised, r->recorded.n_raised, sizeof(r->other.n_raised));
                assert_memory_equal(r->other.n_measures, r->recorded.n_measures, sizeof(r->other.n_measures));
                run_done(&x);
        }
        policy_free(p);
}

#define HOST_POLICY(kill) \
        "# file: cgroups.d/90-host.conf\n[Match]\nCgroup=/\n[Kill]\nWhen=" kill "\nDo=kill\n"

/* Kills at 10 % in the record; one that never kills makes them vanish, and says by which comparison. */
static void test_kills_vanish(void **state) {
        (void)state;
        Policy *p = builtin(), *lax = load_text(HOST_POLICY("available < 1%"));
        SynthOptions o = small(p);
        Run x = run(&o, lax, NULL);
        const ReplayResult *r = x.result;
        assert_identical(r);
        assert_true(r->n_change[REPLAY_VANISHES] == r->recorded.n_kills - r->recorded.n_cancelled);
        assert_true(r->n_change[REPLAY_VANISHES] == r->n_diffs && r->n_diffs > 0);
        const ReplayDiff *d = &r->diffs[0];
        assert_null(d->other);
        assert_false(d->is_counterfactual); /* the first one is exact */
        assert_non_null(d->recorded->decision);
        assert_true(d->recorded->other.is_known);
        assert_int_equal(d->recorded->other.condition.n_terms, 1);
        assert_true(d->recorded->other.condition.terms[0].truth == TRUTH_FALSE);
        assert_true(r->has_diverged && r->diverged_mono_usec == d->recorded->mono_usec);
        if (r->n_diffs > 1)
                assert_true(r->diffs[1].is_counterfactual);
        run_done(&x);
        policy_free(p);
        policy_free(lax);
}

/* Nobody killed: every kill of the other one appears, once for each leak, since what it frees counts as free. */
static void test_kills_appear(void **state) {
        (void)state;
        Policy *none = load_text("# file: cgroups.d/90-host.conf\n[Match]\nCgroup=/\n[Warn]\nWhen=available < 10%\nDo=notify\n");
        Policy *strict = load_text(HOST_POLICY("available < 20%"));
        SynthOptions o = small(none);
        o.patterns = 1u << SYNTH_IDLE | 1u << SYNTH_LEAK;
        o.leak_bytes_per_sec = MIB / 16;
        o.span_usec = 600 * USEC_PER_SEC;
        Run x = run(&o, strict, NULL);
        const ReplayResult *r = x.result;
        assert_identical(r);
        assert_true(r->recorded.n_kills == 0 && r->n_change[REPLAY_VANISHES] == 0);
        assert_true(r->n_change[REPLAY_APPEARS] == r->n_diffs && r->n_diffs > 0);
        /* without counting what is freed it would kill at each tick */
        assert_true(r->n_diffs <= 20);
        for (uint32_t i = 0; i < r->n_diffs; i++) {
                assert_true(r->diffs[i].other->is_virtual);
                for (uint32_t k = 0; k < i; k++)
                        assert_true(r->diffs[i].other->kill.pid != r->diffs[k].other->kill.pid);
        }
        assert_true(r->diffs[0].other->kill.available_bytes < 512 * MIB / 5);
        run_done(&x);
        policy_free(none);
        policy_free(strict);
}

/* A bit earlier or later: the same victim, moved. */
static void test_kills_move(void **state) {
        (void)state;
        Policy *p = load_text(HOST_POLICY("available < 10%")), *early = load_text(HOST_POLICY("available < 11%"));
        SynthOptions o = small(p);
        o.patterns = 1u << SYNTH_IDLE | 1u << SYNTH_LEAK;
        Run x = run(&o, early, NULL);
        const ReplayResult *r = x.result;
        assert_identical(r);
        assert_true(r->n_change[REPLAY_MOVES] > 0);
        for (uint32_t i = 0; i < r->n_diffs; i++)
                if (r->diffs[i].change == REPLAY_MOVES) {
                        assert_true(r->diffs[i].moved_usec < 0);
                        assert_true(r->diffs[i].recorded->kill.pid == r->diffs[i].other->kill.pid);
                }
        run_done(&x);
        policy_free(p);
        policy_free(early);
}

/* A rule that spares the recorded victim: another one goes, and it is said how the first was passed over. */
static void test_other_victim(void **state) {
        (void)state;
        Policy *p = load_text(HOST_POLICY("available < 10%"));
        Policy *spare = load_text(HOST_POLICY("available < 10%") "# file: rules.d/spare.conf\n[Match]\nName=leak-*\n[Score]\nTier=never\n");
        SynthOptions o = small(p);
        o.patterns = 1u << SYNTH_IDLE | 1u << SYNTH_LEAK;
        Run x = run(&o, spare, NULL);
        const ReplayResult *r = x.result;
        char *text = NULL;
        size_t n = 0;
        assert_identical(r);
        assert_true(r->n_change[REPLAY_OTHER_VICTIM] > 0 && r->n_change[REPLAY_SAME] == 0);
        for (uint32_t i = 0; i < r->n_diffs; i++)
                if (r->diffs[i].other)
                        assert_true(strncmp(r->diffs[i].other->kill.comm, "leak", 4) != 0);
        FILE *f = open_memstream(&text, &n);
        replay_print(r, false, f);
        assert_int_equal(fclose(f), 0);
        assert_non_null(strstr(text, "is passed over: tier-never"));
        assert_non_null(strstr(text, "counterfactual"));
        free(text);
        run_done(&x);
        policy_free(p);
        policy_free(spare);
}

static bool drop_facts(TraceRecord *r) {
        return r->kind != TRACE_FACTS;
}

/* A rule by command line: works with the facts that were recorded, and says so where they were not. */
static void test_facts(void **state) {
        (void)state;
        Policy *p = load_text(HOST_POLICY("available < 10%"));
        Policy *spare = load_text(HOST_POLICY("available < 10%") "# file: rules.d/spare.conf\n[Match]\nCmdline=*leak-*\n[Score]\nTier=never\n");
        SynthOptions o = small(p);
        o.patterns = 1u << SYNTH_IDLE | 1u << SYNTH_LEAK;
        Run x = run(&o, spare, NULL);
        assert_true(x.result->n_change[REPLAY_OTHER_VICTIM] > 0);
        run_done(&x);
        x = run(&o, spare, drop_facts);
        assert_true(x.result->n_change[REPLAY_OTHER_VICTIM] == 0);
        assert_int_equal(x.result->n_missing, 1);
        assert_string_equal(x.result->missing[0].rule, "spare");
        assert_true(x.result->missing[0].n == x.result->missing[0].n_asked && x.result->missing[0].n > 0);
        run_done(&x);
        policy_free(p);
        policy_free(spare);
}

/* Nobody decided while it was recorded: a log of what would have been killed. */
static void test_without_decisions(void **state) {
        (void)state;
        Policy *p = load_text(HOST_POLICY("available < 10%"));
        SynthOptions o = small(NULL);
        Run x = run(&o, p, NULL);
        const ReplayResult *r = x.result;
        assert_false(r->has_decisions);
        assert_true(r->n_compared == 0 && r->recorded.n_kills == 0);
        assert_true(r->n_change[REPLAY_APPEARS] > 0);
        assert_true(r->n_synthesised > 0 && r->age_max_usec <= 11 * USEC_PER_SEC);
        run_done(&x);
        policy_free(p);
}

/* A recorded dry run: its virtual kills are compared like others. */
static void test_recorded_dry_run(void **state) {
        (void)state;
        Policy *p = load_text("# file: headroomd.conf\n[Daemon]\nDryRun=yes\n" HOST_POLICY("available < 10%"));
        SynthOptions o = small(p);
        Run x = run(&o, p, NULL);
        assert_identical(x.result);
        assert_false(replay_result_differs(x.result));
        assert_true(x.result->n_change[REPLAY_SAME] > 0);
        assert_true(x.result->recorded.kills[0].kill.dry_run);
        run_done(&x);
        policy_free(p);
}

/* A policy that another version wrote: open, with the reason, and no crash. */
static bool newer_policy(TraceRecord *r) {
        static const char text[] = "# file: headroomd.conf\n[Daemon]\nFromTheFuture=1\n";
        if (r->kind == TRACE_POLICY)
                r->policy = (TracePolicy){ .hash = 1, .text = text, .n = sizeof(text) - 1 };
        return true;
}

static void test_policy_that_does_not_load(void **state) {
        (void)state;
        Policy *p = builtin();
        SynthOptions o = small(p);
        Run x = run(&o, p, newer_policy);
        assert_true(x.result->n_compared == 0 && x.result->n_open > 0);
        assert_non_null(strstr(x.result->open, "FromTheFuture"));
        assert_false(replay_result_differs(x.result)); /* the kills are the same all the same */
        run_done(&x);
        policy_free(p);
}

static bool absurd_limits(TraceRecord *r) {
        if (r->kind == TRACE_START)
                r->start.max_domains = r->start.max_cgroups = r->start.max_processes = UINT32_MAX;
        return true;
}

static void test_absurd_limits(void **state) {
        (void)state;
        Policy *p = builtin();
        SynthOptions o = small(p);
        o.span_usec = 60 * USEC_PER_SEC;
        Run x = run(&o, p, absurd_limits);
        assert_true(x.result->n_compared == 0 && x.result->n_open > 0);
        run_done(&x);
        policy_free(p);
}

static void test_json(void **state) {
        (void)state;
        Policy *p = builtin(), *lax = load_text(HOST_POLICY("available < 1%"));
        SynthOptions o = small(p);
        Run x = run(&o, lax, NULL);
        json_t *j = replay_json(x.result);
        assert_non_null(j);
        assert_true(json_is_true(json_object_get(j, "differs")));
        json_t *rec = json_object_get(j, "recorded"), *other = json_object_get(j, "other");
        assert_true(json_is_true(json_object_get(rec, "identical")));
        json_t *changes = json_object_get(other, "kill_changes");
        assert_true(json_array_size(changes) == x.result->n_diffs);
        json_t *first = json_array_get(changes, 0);
        assert_string_equal(json_string_value(json_object_get(first, "change")), "vanishes");
        assert_true(json_is_null(json_object_get(first, "other")));
        assert_true(json_array_size(json_object_get(json_object_get(first, "recorded"), "candidates")) > 0);
        json_decref(j);
        run_done(&x);
        policy_free(p);
        policy_free(lax);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_same_is_identical), cmocka_unit_test(test_interruptions),
                cmocka_unit_test(test_differences_show), cmocka_unit_test(test_tail_only),
                cmocka_unit_test(test_other_that_is_the_same), cmocka_unit_test(test_kills_vanish),
                cmocka_unit_test(test_kills_appear), cmocka_unit_test(test_kills_move), cmocka_unit_test(test_other_victim),
                cmocka_unit_test(test_facts), cmocka_unit_test(test_without_decisions), cmocka_unit_test(test_recorded_dry_run),
                cmocka_unit_test(test_policy_that_does_not_load), cmocka_unit_test(test_absurd_limits), cmocka_unit_test(test_json),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "report/condition.h"
#include "report/line.h"

#define M (UINT64_C(1) << 20)

static TermReport term_available(void) {
        return (TermReport){
                .term = { .metric = METRIC_AVAILABLE, .comparison = COMPARE_LT, .unit = UNIT_SHARE, .limit = 1000 },
                .truth = TRUTH_TRUE,
                .is_decisive = true,
                .has_value = true,
                .value = 41 * M,
                .effective_limit = 51 * M,
                .effective_unit = UNIT_BYTES,
        };
}

static void test_terms(void **state) {
        (void)state;
        const struct {
                TermReport term;
                const char *text;
        } rows[] = {
                { term_available(), "available 41M < 51M (10%)" },
                { { .term = { .metric = METRIC_FULL,
                              .comparison = COMPARE_GT,
                              .unit = UNIT_SHARE,
                              .window_usec = 2 * USEC_PER_SEC },
                    .has_value = true,
                    .value = 4600,
                    .effective_limit = 4000,
                    .effective_unit = UNIT_SHARE,
                    .for_usec = 6 * USEC_PER_SEC },
                  "full 2s 46% > 40% for 6s" },
                { { .term = { .metric = METRIC_SWAP_FREE, .comparison = COMPARE_LT, .unit = UNIT_SHARE, .limit = 1000 },
                    .has_value = true,
                    .value = 0,
                    .effective_limit = 1000,
                    .effective_unit = UNIT_SHARE },
                  "swap-free 0% < 10%" },
                { { .term = { .metric = METRIC_EXHAUSTION, .comparison = COMPARE_LE, .unit = UNIT_USEC },
                    .has_value = true,
                    .value = USEC_INFINITY,
                    .effective_limit = 700 * USEC_PER_MSEC,
                    .effective_unit = UNIT_USEC },
                  "exhaustion infinity <= 700ms" },
                { { .term = { .metric = METRIC_KERNEL_OOM, .comparison = COMPARE_GE, .unit = UNIT_COUNT },
                    .has_value = false,
                    .effective_limit = 1,
                    .effective_unit = UNIT_COUNT },
                  "kernel-oom unknown >= 1" },
                { { .term = { .metric = _METRIC_MAX, .comparison = _COMPARISON_MAX }, .effective_unit = _UNIT_MAX },
                  "? unknown ? ? (0%)" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char buf[128];
                TextBuf b = TEXT_BUF(buf);
                condition_append_term(&b, &rows[i].term);
                assert_string_equal(buf, rows[i].text);
        }
}

/* "a or (b and c)" with b true: only what the truth of the whole rests on is shown */
static void test_condition_decisive_terms_only(void **state) {
        (void)state;
        char buf[256];
        TextBuf b = TEXT_BUF(buf);
        ConditionReport c = { .n_terms = 2, .terms = { term_available(), term_available() } };

        c.terms[0].is_decisive = false; /* although it is true */
        c.terms[1].value = 1 * M;
        condition_append(&b, &c);
        assert_string_equal(buf, "available 1M < 51M (10%)");
        /* where nothing decides, all are shown; a count beyond the array is cut */
        b = TEXT_BUF(buf);
        c.terms[1].is_decisive = false;
        condition_append(&b, &c);
        assert_string_equal(buf, "available 41M < 51M (10%), available 1M < 51M (10%)");
        c.n_terms = UINT32_MAX;
        b = TEXT_BUF(buf);
        condition_append(&b, &c);
}

static KillRecord hog_record(void) {
        KillRecord r = {
                .decision = {
                        .kill_id = 1, .step = STEP_KILL, .domain_path = "/", .policy_name = "host", .reason = REASON_HOST_MEMORY_LOW,
                        .rank = RANK_GROWTH, .condition = { .n_terms = 1, .terms = { term_available() }, .truth = TRUTH_TRUE },
                        .n_candidates = 2,
                        .candidates = {
                                { .kind = CANDIDATE_PROCESS, .pid = 812, .comm = "hog", .cgroup_path = "bench.slice/hog.service",
                                  .n_processes = 1, .freeable_bytes = 214 * M, .has_growth = true, .growth_bytes = 212 * M,
                                  .growth_span_usec = 4 * USEC_PER_SEC, .growth_share = 9650, .tier = TIER_NORMAL },
                                { .kind = CANDIDATE_PROCESS, .pid = 7, .uid = 1000, .comm = "steady", .freeable_bytes = 100 * M, .tier = TIER_NORMAL },
                        },
                },
                .victim = 0, .outcome = KILL_PENDING,
                .n_attempts = 1,
        };
        return r;
}

static void assert_kill_line(const KillRecord *r, const char *text) {
        char buf[2048];
        TextBuf b = TEXT_BUF(buf);
        line_append_kill(&b, r);
        assert_string_equal(buf, text);
}

static void test_kill(void **state) {
        (void)state;
        KillRecord r = hog_record();
        assert_kill_line(
                &r,
                "killed hog (pid 812, uid 0, hog.service) with SIGKILL: host memory low: available 41M < 51M (10%); "
                "it grew 212M in the last 4s (96% of all growth), frees 214M; next: steady (pid 7, uid 1000), frees 100M");
        r.is_virtual = true;
        r.decision.step = STEP_TERMINATE;
        r.decision.rank = RANK_BADNESS;
        r.decision.n_candidates = 1;
        assert_kill_line(&r,
                         "[dry-run] would terminate hog (pid 812, uid 0, hog.service) with SIGTERM: host memory low: "
                         "available 41M < 51M (10%); the highest score, 0 pages, frees 214M; next: nobody");
}

static void test_kill_of_the_second(void **state) {
        (void)state;
        KillRecord r = hog_record();
        r.victim = 1;
        r.n_attempts = 2;
        r.attempts[0] = (RecordAttempt){ 0, -EPERM };
        r.attempts[1] = (RecordAttempt){ 1, 0 };
        r.decision.is_escalation = true;
        r.decision.rank = RANK_SWAP;
        assert_kill_line(
                &r,
                "killed steady (pid 7, uid 1000) with SIGKILL, since SIGTERM did not end it in time: host memory low: "
                "available 41M < 51M (10%); passed over hog (pid 812): Operation not permitted; "
                "it holds the most swap, frees 100M; next: nobody");
}

static void test_kill_of_cgroup(void **state) {
        (void)state;
        KillRecord r = hog_record();
        r.decision.candidates[0].kind = CANDIDATE_CGROUP;
        r.decision.candidates[0].n_processes = 61;
        r.decision.n_candidates = 1;
        r.decision.reason = REASON_CGROUP_OWN_LIMIT;
        strcpy(r.decision.domain_path, "bench.slice/hog.service");
        assert_kill_line(
                &r,
                "killed cgroup bench.slice/hog.service (61 processes, biggest hog pid 812) with cgroup.kill: "
                "bench.slice/hog.service is against its own memory limit, the host is not short: available 41M < 51M (10%); "
                "it grew 212M in the last 4s (96% of all growth), frees 214M; next: nobody");
}

static void test_kill_failed(void **state) {
        (void)state;
        KillRecord r = hog_record();
        r.victim = INDEX_NONE;
        r.outcome = KILL_FAILED;
        r.n_attempts = 2;
        r.attempts[0] = (RecordAttempt){ 0, -ESRCH };
        r.attempts[1] = (RecordAttempt){ 9, -EPERM }; /* no such candidate: left out */
        assert_kill_line(&r, "could not kill anybody in host: host memory low: available 41M < 51M (10%); "
                             "passed over hog (pid 812): No such process");
        r = hog_record();
        r.decision.n_candidates = 0;
        r.error = -EBUSY;
        assert_kill_line(
                &r,
                "could not kill anybody in host (Device or resource busy): host memory low: available 41M < 51M (10%)");
}

/* Names are what the processes chose: nothing in a line may end it or move a cursor. */
static void test_hostile_names(void **state) {
        (void)state;
        char buf[4096];
        KillRecord r = hog_record();
        memcpy(r.decision.candidates[0].comm, "a\n\x1b[2Jb\xff) Z \x80", 14);
        strcpy(r.decision.candidates[0].cgroup_path, "x/\"\n.service");
        strcpy(r.decision.domain_path, "evil\r\nMESSAGE=x");
        r.decision.reason = REASON_OTHER_CONDITION;
        TextBuf b = TEXT_BUF(buf);
        line_append_kill(&b, &r);
        for (const char *p = buf; *p; p++)
                assert_true((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
        assert_non_null(strstr(buf, "a\\x0a\\x1b[2Jb\\xff) Z \\x80"));
        assert_non_null(strstr(buf, "evil\\x0d\\x0aMESSAGE=x"));
        /* and however small the buffer, it is not left */
        for (size_t n = 1; n < 200; n++) {
                memset(buf, '#', sizeof(buf));
                b = (TextBuf){ .data = buf, .size = n };
                line_append_kill(&b, &r);
                assert_int_equal(buf[n - 1], '\0');
                assert_int_equal(buf[n], '#');
        }
}

static void assert_end_line(const KillRecord *r, const char *text) {
        char buf[512];
        TextBuf b = TEXT_BUF(buf);
        line_append_end(&b, r);
        assert_string_equal(buf, text);
}

static void test_end(void **state) {
        (void)state;
        KillRecord r = hog_record();
        r.signalled_usec = 1000000;
        r.ended_usec = 1084000;
        r.outcome = KILL_EXITED;
        assert_end_line(&r, "hog (pid 812, uid 0, hog.service) was gone after 84ms");
        r.has_before = r.has_after = true;
        r.before_bytes = 41 * M;
        r.after_bytes = 272 * M;
        assert_end_line(
                &r, "hog (pid 812, uid 0, hog.service) was gone after 84ms, 231M came back (available 41M -> 272M)");
        r.after_bytes = 40 * M;
        assert_end_line(
                &r, "hog (pid 812, uid 0, hog.service) was gone after 84ms, nothing came back (available 41M -> 40M)");
        r.outcome = KILL_EXPIRED;
        assert_end_line(
                &r,
                "hog (pid 812, uid 0, hog.service) is still there after 84ms (it sleeps in the kernel, is traced, or is very big): "
                "going on without it");
        r.is_virtual = true;
        r.outcome = KILL_EXITED;
        assert_end_line(&r, "[dry-run] hog (pid 812, uid 0, hog.service) counts as gone, 214M as free");
}

static void test_level(void **state) {
        (void)state;
        char buf[512];
        LevelChange c = { .domain_path = "/",
                          .policy_name = "host",
                          .from = LEVEL_CALM,
                          .to = LEVEL_KILL,
                          .reason = REASON_HOST_MEMORY_LOW,
                          .condition = { .n_terms = 1, .terms = { term_available() } } };
        TextBuf b = TEXT_BUF(buf);
        line_append_level(&b, &c);
        assert_string_equal(buf,
                            "host rose from level calm to kill: host memory low: available 41M < 51M (10%) [host]");
        c.from = LEVEL_KILL;
        c.to = LEVEL_CALM;
        c.condition.n_terms = 0;
        b = TEXT_BUF(buf);
        line_append_level(&b, &c);
        assert_string_equal(buf, "host is calm again [host]");
        /* a log is grepped for "kill": coming down must not match */
        c.to = LEVEL_WARN;
        b = TEXT_BUF(buf);
        line_append_level(&b, &c);
        assert_null(strstr(buf, "kill"));
}

/* Where our own throttle is the reason, the line says so in words. */
static void test_held(void **state) {
        (void)state;
        static const struct {
                Hold hold;
                const char *text;
        } rows[] = {
                { HOLD_COOLDOWN, "a\\x0a: held back (cooldown) although available 41M < 51M (10%)" },
                { HOLD_OWN_THROTTLE,
                  "a\\x0a: held back (own-throttle: it stands still since headroomd holds it) although available 41M < 51M (10%)" },
                { _HOLD_MAX, "a\\x0a: held back (?) although available 41M < 51M (10%)" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char buf[256];
                TextBuf b = TEXT_BUF(buf);
                const KillHeld h = { .domain_path = "a\n", .hold = rows[i].hold, .condition = { .n_terms = 1, .terms = { term_available() } } };
                line_append_held(&b, &h);
                assert_string_equal(buf, rows[i].text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_terms),
                cmocka_unit_test(test_condition_decisive_terms_only),
                cmocka_unit_test(test_kill),
                cmocka_unit_test(test_kill_of_the_second),
                cmocka_unit_test(test_kill_of_cgroup),
                cmocka_unit_test(test_kill_failed),
                cmocka_unit_test(test_hostile_names),
                cmocka_unit_test(test_end),
                cmocka_unit_test(test_level),
                cmocka_unit_test(test_held),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

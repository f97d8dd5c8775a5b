/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "report/measure.h"

#define M (UINT64_C(1) << 20)
#define S USEC_PER_SEC

static TermReport stall_term(Comparison comparison, uint64_t window, uint64_t value, uint64_t limit, uint64_t held) {
        return (TermReport){
                .term = { .metric = METRIC_FULL, .comparison = comparison, .unit = UNIT_SHARE, .window_usec = window, .limit = limit },
                .truth = TRUTH_TRUE,
                .is_decisive = true,
                .has_value = true,
                .value = value,
                .effective_limit = limit,
                .effective_unit = UNIT_SHARE,
                .for_usec = held,
        };
}

static Measure base_measure(Step step) {
        return (Measure){
                .measure_id = 7,
                .step = step,
                .verb = MEASURE_BEGIN,
                .policy_name = "90-host",
                .domain_path = "/",
                .level = LEVEL_RELIEVE,
                .reason = REASON_HOST_PRESSURE,
                .cgroup_id = 4711,
                .cgroup_path = "bench.slice/hog.service",
                .swappiness = -1,
                .limit_usec = 2 * S,
                .condition = { .n_terms = 1, .terms = { stall_term(COMPARE_GT, 2 * S, 3100, 1500, 2 * S) }, .truth = TRUTH_TRUE },
                .level_steps = STEP_BIT(STEP_NOTIFY) | STEP_BIT(STEP_RECLAIM) | STEP_BIT(STEP_THROTTLE),
        };
}

static Measure throttle(void) {
        Measure m = base_measure(STEP_THROTTLE);
        m.value = 180 * M;
        m.old_value = CGROUP_NO_LIMIT;
        m.floor_bytes = 90 * M;
        m.usage_bytes = 360 * M;
        m.has_contribution = true;
        m.growth_bytes = 252 * M;
        m.refault_bytes = 3 * M;
        m.span_usec = 8800 * USEC_PER_MSEC;
        m.stall_permyriad = 4100;
        m.contribution_permyriad = 8790;
        (void)strcpy(m.runner_up_path, "bench.slice/steady.service");
        m.runner_up_permyriad = 433;
        return m;
}

static void assert_line(const Measure *m, const char *text) {
        char buf[MEASURE_LINE_MAX];
        TextBuf b = TEXT_BUF(buf);
        line_append_measure(&b, m);
        assert_string_equal(buf, text);
}

static void assert_end(const Measure *m, const MeasureStatus *st, const char *text) {
        char buf[MEASURE_LINE_MAX];
        TextBuf b = TEXT_BUF(buf);
        line_append_measure_end(&b, m, st);
        assert_string_equal(buf, text);
}

#define STALLS "host stalls on memory: full 2s 31% > 15% for 2s"

static void test_begin(void **state) {
        (void)state;
        Measure m = throttle();
        assert_line(&m, "throttling bench.slice/hog.service (memory.high max -> 180M, floor 90M): " STALLS
                        "; it grew 252M and refaulted 3M in the last 8.8s, stalled 41% of the time (87% of the trouble); next: steady.service (4%)");
        m.dry_run = true;
        m.old_value = 200 * M;
        m.floor_bytes = 0;
        m.refault_bytes = 0;
        m.stall_permyriad = 0;
        m.runner_up_path[0] = '\0';
        assert_line(&m, "[dry-run] would throttle bench.slice/hog.service (memory.high 200M -> 180M): " STALLS
                        "; it grew 252M in the last 8.8s (87% of the trouble); next: nobody");
        m.dry_run = false;
        m.verb = MEASURE_ADJUST;
        m.value = 160 * M;
        m.has_contribution = false;
        assert_line(&m, "changing the throttle of bench.slice/hog.service (memory.high 200M -> 160M): " STALLS "; it uses 360M");
        /* on the way up again */
        m.condition.truth = TRUTH_FALSE;
        m.value = 190 * M;
        assert_line(&m, "changing the throttle of bench.slice/hog.service (memory.high 200M -> 190M): host has been quiet; it uses 360M");
        m.condition.truth = TRUTH_TRUE;
        m.value = 160 * M;
        m.dry_run = true;
        m.usage_bytes = 0;
        assert_line(&m, "[dry-run] would change the throttle of bench.slice/hog.service (memory.high 200M -> 160M): " STALLS);
}

static void test_steps(void **state) {
        (void)state;
        Measure m = base_measure(STEP_RECLAIM);
        m.value = 64 * M;
        m.usage_bytes = 214 * M;
        m.protected_bytes = 50 * M;
        m.has_contribution = true; /* of who is cold it says nothing */
        assert_line(&m, "reclaiming 64M from bench.slice/hog.service: " STALLS "; it uses 214M, of which 50M are protected");
        m.swappiness = 0;
        m.protected_bytes = 0;
        assert_line(&m, "reclaiming 64M from bench.slice/hog.service (swappiness 0): " STALLS "; it uses 214M");
        m.is_proactive = true;
        assert_line(&m, "reclaiming 64M from bench.slice/hog.service (swappiness 0): before there is need ([Proactive]); it uses 214M");

        m = base_measure(STEP_PAGEOUT);
        m.value = 30 * M;
        m.pid = 812;
        (void)strcpy(m.comm, "idle");
        assert_line(&m, "paging out 30M of idle (pid 812, hog.service): " STALLS);
        m.cgroup_path[0] = '\0';
        assert_line(&m, "paging out 30M of idle (pid 812): " STALLS);

        m = base_measure(STEP_TRIM);
        m.value = 100;
        m.cgroup_path[0] = '\0';
        m.usage_bytes = 5;
        assert_line(&m, "asking programs to shrink (LowMemoryWarning 100): " STALLS);

        m = base_measure(STEP_SLOW);
        m.value = 10;
        assert_line(&m, "slowing bench.slice/hog.service (cpu.weight and io.weight -> 10): " STALLS);
        m = base_measure(STEP_FREEZE);
        m.value = 1;
        m.reason = REASON_CGROUP_PRESSURE;
        (void)strcpy(m.domain_path, "bench.slice");
        m.condition.n_terms = 0;
        assert_line(&m, "freezing bench.slice/hog.service: bench.slice stalls for want of the host's memory");
        m.step = STEP_RESTART;
        assert_line(&m, "restarting bench.slice/hog.service: bench.slice stalls for want of the host's memory");
        m.step = STEP_STOP;
        m.dry_run = true;
        assert_line(&m, "[dry-run] would stop bench.slice/hog.service: bench.slice stalls for want of the host's memory");
}

static void test_release(void **state) {
        (void)state;
        Measure m = throttle();
        m.verb = MEASURE_RELEASE;
        m.end = MEASURE_END_LEVEL;
        m.held_usec = 23 * S;
        m.condition.terms[0] = stall_term(COMPARE_LT, 10 * S, 40, 200, 20 * S);
        const MeasureStatus ok = { .measure_id = 7, .verb = MEASURE_RELEASE };
        assert_line(&m, "releasing bench.slice/hog.service (memory.high back to max) after 23s: host has recovered: full 10s 0.40% < 2% for 20s");
        assert_end(&m, &ok, "released bench.slice/hog.service (memory.high back to max) after 23s: host has recovered: full 10s 0.40% < 2% for 20s");
        m.condition.n_terms = 0;
        static const struct {
                MeasureEnd end;
                const char *text;
        } rows[] = {
                { MEASURE_END_NONE, "" },
                { MEASURE_END_LEVEL, ": host has recovered" },
                { MEASURE_END_TIME, ": its time is over" },
                { MEASURE_END_GONE, ": nothing is left in the cgroup" },
                { MEASURE_END_FOREIGN, ": somebody else has set another value since" },
                { _MEASURE_END_MAX, "" },
                { _MEASURE_END_INVALID, "" },
        };
        m.held_usec = 0;
        m.old_value = 300 * M;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char want[256];
                (void)snprintf(want, sizeof(want), "released bench.slice/hog.service (memory.high back to 300M)%s", rows[i].text);
                m.end = rows[i].end;
                assert_end(&m, &ok, want);
        }
        m.dry_run = true;
        m.end = MEASURE_END_TIME;
        m.held_usec = 30 * S;
        m.step = STEP_FREEZE;
        assert_line(&m, "[dry-run] would thaw bench.slice/hog.service after 30s: its time is over");
        assert_end(&m, &ok, "[dry-run] would have thawed bench.slice/hog.service after 30s: its time is over");
        m.dry_run = false;
        assert_line(&m, "thawing bench.slice/hog.service after 30s: its time is over");
        assert_end(&m, &ok, "thawed bench.slice/hog.service after 30s: its time is over");
        m.step = STEP_SLOW;
        assert_end(&m, &ok, "released bench.slice/hog.service (cpu.weight and io.weight back) after 30s: its time is over");
}

static void test_done(void **state) {
        (void)state;
        Measure m = base_measure(STEP_RECLAIM);
        MeasureStatus st = { .measure_id = 7, .done_bytes = 60 * M + M / 4, .run_usec = 300 * USEC_PER_MSEC };
        m.value = 64 * M;
        assert_end(&m, &st, "reclaimed 60.2M of 64M from bench.slice/hog.service in 300ms");
        st.error = -EAGAIN;
        assert_end(&m, &st, "reclaimed 60.2M of 64M from bench.slice/hog.service in 300ms: more was not to be had there");
        assert_false(measure_has_failed(&m, &st));
        st.error = -ETIME;
        assert_end(&m, &st, "reclaimed 60.2M of 64M from bench.slice/hog.service in 300ms, then the call was broken off");
        assert_false(measure_has_failed(&m, &st));
        m.dry_run = true;
        st.error = 0;
        assert_end(&m, &st, "[dry-run] reclaim from bench.slice/hog.service counts as done");

        m = throttle();
        st = (MeasureStatus){ .run_usec = 12 * USEC_PER_MSEC };
        assert_end(&m, &st, "throttled bench.slice/hog.service (memory.high max -> 180M, floor 90M) straight in the cgroup in 12ms");
        /* the value is there before the call waits */
        st.error = -ETIME;
        assert_end(&m, &st, "throttled bench.slice/hog.service (memory.high max -> 180M, floor 90M) straight in the cgroup in 12ms, then the call was broken off");
        assert_false(measure_has_failed(&m, &st));
        m.verb = MEASURE_ADJUST;
        assert_end(&m, &st, "throttle of bench.slice/hog.service changed (memory.high max -> 180M, floor 90M) in 12ms, then the call was broken off");
        st.error = -EAGAIN;
        assert_false(measure_has_failed(&m, &st));
        st.error = 0;
        assert_end(&m, &st, "throttle of bench.slice/hog.service changed (memory.high max -> 180M, floor 90M) in 12ms");
        m.verb = MEASURE_RELEASE;
        st.error = -ETIME;
        assert_true(measure_has_failed(&m, &st));
        st.error = 0;
        m = base_measure(STEP_SLOW);
        m.value = 10;
        st.by_manager = true;
        assert_end(&m, &st, "slowed bench.slice/hog.service (cpu.weight and io.weight -> 10) through its service manager in 12ms");
        m.step = STEP_RESTART;
        assert_end(&m, &st, "restarted bench.slice/hog.service in 12ms");
        m.step = STEP_TRIM;
        m.value = 50;
        assert_end(&m, &st, "asked programs to shrink (LowMemoryWarning 50)");
        assert_false(measure_has_failed(&m, &st));
}

/* Each error names the step that is skipped, why, and what happens instead. */
static void test_skipped(void **state) {
        (void)state;
        static const struct {
                Step step;
                int error;
                const char *text;
        } rows[] = {
                { STEP_RECLAIM, -EOPNOTSUPP, "reclaim from a: this kernel has no memory.reclaim (before 5.19), or the cgroup no memory controller; next step: throttle" },
                { STEP_RECLAIM, -EAGAIN, "reclaim from a: there was nothing to be had; next step: throttle" },
                { STEP_RECLAIM, -ETIME, "reclaim from a: it was broken off after 2s; next step: throttle" },
                { STEP_RECLAIM, -EINTR, "reclaim from a: it was interrupted before anything was done; next step: throttle" },
                { STEP_RECLAIM, -ENOENT, "reclaim from a: the cgroup is gone, or another one by now; next step: throttle" },
                { STEP_RECLAIM, -ENODEV, "reclaim from a: the cgroup is gone, or another one by now; next step: throttle" },
                { STEP_RECLAIM, -ECANCELED, "reclaim from a: all it uses is protected by memory.low or memory.min; next step: throttle" },
                { STEP_PAGEOUT, -ECANCELED, "pageout of p (pid 0, a): it is protected, or has locked its memory; next step: throttle" },
                { STEP_FREEZE, -ECANCELED, "freeze of a: somebody in it is protected; no further step is left, the condition of [Kill] decides" },
                { STEP_FREEZE, -EBUSY, "freeze of a: another measure holds it already, or an earlier call has not come back yet; no further step is left, the condition of [Kill] decides" },
                { STEP_RESTART, -ETIME, "restart of a: it was broken off after 2s; no further step is left, the condition of [Kill] decides" },
                { STEP_RECLAIM, -EROFS, "reclaim from a: the file system is mounted read-only; next step: throttle" },
                { STEP_RECLAIM, -EACCES, "reclaim from a: it is not permitted; next step: throttle" },
                { STEP_RECLAIM, -EIO, "reclaim from a: Input/output error; next step: throttle" },
                { STEP_RECLAIM, -99999, "reclaim from a: error -99999; next step: throttle" },
                { STEP_PAGEOUT, -ENOSYS, "pageout of p (pid 0, a): this kernel has no process_madvise (before 5.10); next step: throttle" },
                { STEP_PAGEOUT, -ESRCH, "pageout of p (pid 0, a): the process is gone, or another one by now; next step: throttle" },
                { STEP_TRIM, -EOPNOTSUPP, "trim: there is no system bus to ask them by; next step: reclaim" },
                { STEP_THROTTLE, -EOPNOTSUPP, "throttle of a: the cgroup has no memory.high (no memory controller); no further step is left, the condition of [Kill] decides" },
                { STEP_THROTTLE, -EBUSY, "throttle of a: a lower limit or another measure holds it already, or an earlier call has not come back yet; no further step is left, the condition of [Kill] decides" },
                { STEP_THROTTLE, -ENOBUFS, "throttle of a: there is no room in the undo journal, and nothing is changed that could not be put back; no further step is left, the condition of [Kill] decides" },
                { STEP_SLOW, -EOPNOTSUPP, "slow of a: the cgroup has neither cpu.weight nor io.weight (no such controllers); no further step is left, the condition of [Kill] decides" },
                { STEP_FREEZE, -EOPNOTSUPP, "freeze of a: this kernel has no cgroup.freeze (before 5.2); no further step is left, the condition of [Kill] decides" },
                { STEP_RESTART, -EOPNOTSUPP, "restart of a: no service manager has a unit of this cgroup; no further step is left, the condition of [Kill] decides" },
                { STEP_STOP, -ETIMEDOUT, "stop of a: the service manager did not answer in time; no further step is left, the condition of [Kill] decides" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Measure m = base_measure(rows[i].step);
                const MeasureStatus st = { .error = rows[i].error };
                char want[512];
                const char *colon = strchr(rows[i].text, ':');
                (void)strcpy(m.cgroup_path, "a");
                (void)strcpy(m.comm, "p");
                (void)snprintf(want, sizeof(want), "%.*s skipped%s", (int)(colon - rows[i].text), rows[i].text, colon);
                assert_end(&m, &st, want);
                assert_true(measure_has_failed(&m, &st));
        }
}

static void test_nobody(void **state) {
        (void)state;
        StepSkipped k = { .step = STEP_THROTTLE, .level = LEVEL_RELIEVE, .level_steps = STEP_BIT(STEP_THROTTLE) | STEP_BIT(STEP_FREEZE) };
        char line[MEASURE_LINE_MAX];
        TextBuf b = TEXT_BUF(line);
        line_append_skipped(&b, &k);
        assert_string_equal(line, "host: throttle skipped: without the memory controller there is no memory use to go by; next step: freeze");
        k.has_controller = true;
        k.domain_id = 7;
        k.level_steps = STEP_BIT(STEP_THROTTLE);
        strcpy(k.domain_path, "/a\nb");
        b = (TextBuf)TEXT_BUF(line);
        line_append_skipped(&b, &k);
        assert_string_equal(line, "/a\\x0ab: throttle skipped: there is nobody to take it on; no further step is left, the condition of [Kill] decides");
}

static void test_instead(void **state) {
        (void)state;
        Measure m = base_measure(STEP_RECLAIM);
        MeasureStatus st = { .error = -EBUSY };
        m.level_steps = 0;
        assert_end(&m, &st, "reclaim from bench.slice/hog.service skipped: an earlier call has not come back yet; the ladder goes on to its next step");
        m.is_proactive = true;
        assert_end(&m, &st, "reclaim from bench.slice/hog.service skipped: an earlier call has not come back yet; [Proactive] leaves it alone for a while");
        m = base_measure(STEP_STOP);
        m.level = LEVEL_KILL;
        m.level_steps = STEP_BIT(STEP_STOP) | STEP_BIT(STEP_TERMINATE);
        assert_end(&m, &st, "stop of bench.slice/hog.service skipped: an earlier call has not come back yet; next step: terminate");
        m.level_steps = STEP_BIT(STEP_STOP);
        assert_end(&m, &st, "stop of bench.slice/hog.service skipped: an earlier call has not come back yet; no further step is left");

        /* ADJUST and RELEASE: what somebody else has set, or what is gone, is an end and no failure */
        m = throttle();
        m.verb = MEASURE_ADJUST;
        st.error = -ESTALE;
        assert_end(&m, &st, "throttle of bench.slice/hog.service ends: somebody else has set another value since, which is left alone");
        assert_false(measure_has_failed(&m, &st));
        st.error = -EIO;
        assert_end(&m, &st, "throttle of bench.slice/hog.service not changed: Input/output error; it stays as it was");
        assert_true(measure_has_failed(&m, &st));
        m.verb = MEASURE_RELEASE;
        assert_end(&m, &st, "throttle of bench.slice/hog.service not put back: Input/output error; it is tried again, and from the undo journal at the next start");
        assert_true(measure_has_failed(&m, &st));
        st.error = -EBUSY;
        assert_end(&m, &st, "throttle of bench.slice/hog.service not put back: an earlier call has not come back yet; it is tried again, and from the undo journal at the next start");
        st.error = -ENOENT;
        assert_end(&m, &st, "throttle of bench.slice/hog.service is over: the cgroup is gone, or another one by now");
        assert_false(measure_has_failed(&m, &st));
        st.error = -ESTALE;
        assert_false(measure_has_failed(&m, &st));
}

/* No byte of a name gets into a line as it is, and no line is cut silently. */
static void test_hostile(void **state) {
        (void)state;
        Measure m = throttle();
        (void)strcpy(m.cgroup_path, "a\nb\x1b[31m\xff/\\");
        (void)strcpy(m.domain_path, "x\r");
        (void)strcpy(m.runner_up_path, "y/\n");
        m.reason = REASON_CGROUP_OWN_LIMIT;
        m.condition.n_terms = 0;
        assert_line(&m, "throttling a\\x0ab\\x1b[31m\\xff/\\x5c (memory.high max -> 180M, floor 90M): x\\x0d is against its own memory limit, the host is not short"
                        "; it grew 252M and refaulted 3M in the last 8.8s, stalled 41% of the time (87% of the trouble); next: \\x0a (4%)");
        /* every byte escaped, every field as long as it can be, a whole condition */
        for (Step step = STEP_NOTIFY; step < _STEP_MAX; step++)
                for (MeasureVerb verb = 0; verb <= _MEASURE_VERB_MAX; verb++) {
                        char buf[MEASURE_LINE_MAX];
                        TextBuf b = TEXT_BUF(buf);
                        m = throttle();
                        m.step = step;
                        m.verb = verb;
                        m.end = MEASURE_END_LEVEL;
                        memset(m.cgroup_path, 0xff, CGROUP_PATH_MAX - 1);
                        memset(m.domain_path, 0x01, CGROUP_PATH_MAX - 1);
                        memset(m.runner_up_path, 0x7f, CGROUP_PATH_MAX - 1);
                        memset(m.comm, '\n', COMM_MAX - 1);
                        m.condition.n_terms = CONDITION_TERMS_MAX;
                        for (size_t i = 0; i < CONDITION_TERMS_MAX; i++)
                                m.condition.terms[i] = stall_term(COMPARE_GT, 10 * S, UINT64_MAX, UINT64_MAX, UINT64_MAX);
                        m.value = m.growth_bytes = m.refault_bytes = m.span_usec = m.held_usec = UINT64_MAX;
                        line_append_measure(&b, &m);
                        assert_false(b.truncated);
                        for (const char *s = buf; *s; s++)
                                assert_true(*s >= ' ' && *s < 0x7f);
                        b = TEXT_BUF(buf);
                        const MeasureStatus st = { .error = step % 2 ? 0 : -EIO, .done_bytes = UINT64_MAX, .run_usec = UINT64_MAX };
                        line_append_measure_end(&b, &m, &st);
                        assert_false(b.truncated);
                        for (const char *s = buf; *s; s++)
                                assert_true(*s >= ' ' && *s < 0x7f);
                }
}

static void test_json(void **state) {
        (void)state;
        Measure m = throttle();
        json_t *o = json_measure(&m, NULL);
        assert_string_equal(json_string_value(json_object_get(o, "step")), "throttle");
        assert_string_equal(json_string_value(json_object_get(o, "verb")), "begin");
        assert_string_equal(json_string_value(json_object_get(o, "level")), "relieve");
        assert_string_equal(json_string_value(json_object_get(o, "cgroup")), "bench.slice/hog.service");
        assert_int_equal(json_integer_value(json_object_get(o, "high_bytes")), 180 * M);
        assert_true(json_is_null(json_object_get(o, "high_before_bytes"))); /* max */
        assert_int_equal(json_integer_value(json_object_get(o, "contribution_permyriad")), 8790);
        assert_true(json_is_null(json_object_get(o, "end")) && json_is_null(json_object_get(o, "status")) && json_is_null(json_object_get(o, "pid")));
        assert_int_equal(json_array_size(json_object_get(json_object_get(o, "condition"), "terms")), 1);
        json_decref(o);

        m.verb = MEASURE_RELEASE;
        m.end = MEASURE_END_TIME;
        m.has_contribution = false;
        MeasureStatus st = { .error = -EIO, .run_usec = 5 };
        o = json_measure(&m, &st);
        assert_string_equal(json_string_value(json_object_get(o, "end")), "time-over");
        assert_true(json_is_null(json_object_get(o, "high_bytes")) && json_is_null(json_object_get(o, "growth_bytes")));
        const json_t *status = json_object_get(o, "status");
        assert_string_equal(json_string_value(json_object_get(status, "error")), "EIO");
        assert_true(json_is_true(json_object_get(status, "failed")));
        assert_true(text_has_prefix(json_string_value(json_object_get(status, "text")), "throttle of bench.slice/hog.service not put back: "));
        json_decref(o);
}

/* Every number may be garbage, and still what comes out is whole JSON. */
static void test_json_garbage(void **state) {
        (void)state;
        static Measure m;
        MeasureStatus st;
        for (int fill = 0; fill < 3; fill++) {
                memset(&m, fill == 0 ? 0 : fill == 1 ? 0x7e : 0xff, sizeof(m));
                memset(&st, fill == 0 ? 0 : fill == 1 ? 0x7e : 0xff, sizeof(st));
                m.dry_run = m.is_proactive = m.has_contribution = st.by_manager = fill > 0;
                for (size_t i = 0; i < CONDITION_TERMS_MAX; i++)
                        m.condition.terms[i].is_decisive = m.condition.terms[i].has_value = m.condition.terms[i].term.host = fill > 0;
                m.policy_name[sizeof(m.policy_name) - 1] = '\0';
                m.domain_path[CGROUP_PATH_MAX - 1] = m.cgroup_path[CGROUP_PATH_MAX - 1] = m.runner_up_path[CGROUP_PATH_MAX - 1] = '\0';
                m.comm[COMM_MAX - 1] = '\0';
                json_t *o = json_measure(&m, &st);
                char *text = json_dumps(o, JSON_COMPACT);
                assert_non_null(text);
                assert_true(json_is_string(json_object_get(o, "text")));
                free(text);
                json_decref(o);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_begin),
                cmocka_unit_test(test_steps),
                cmocka_unit_test(test_release),
                cmocka_unit_test(test_done),
                cmocka_unit_test(test_skipped),
                cmocka_unit_test(test_nobody),
                cmocka_unit_test(test_instead),
                cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_json_garbage),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

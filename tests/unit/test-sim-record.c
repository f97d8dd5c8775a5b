/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What a record may hold: decisions and kills of its own, a dry run, gaps, other boots, cgroups that come and go. */

#include "test.h"

#include "config-tree.h"
#include "sim-host.h"

#define GB (1024 * MB)

/* ---- a host that decides: decide_step() is called as the daemon does, and what it kills, ends ---- */

typedef struct Daemon {
        Host *host;
        Policy *policy;
        DecideState *state;
        void *memory;
        char *text;
        size_t n_text;
        bool dry_run;
        uint64_t kill_id;      /* in flight */
        HostProcess *victim;
        uint64_t exit_usec;
        uint64_t kills[8];
        uint32_t n_kills;
        uint64_t next_usec, detail_usec;
        uint32_t need;
} Daemon;

static Daemon *daemon_new(Host *h, bool dry_run) {
        Daemon *d = calloc(1, sizeof(*d));
        ConfigReport report = { 0 };
        FILE *f;

        *d = (Daemon){ .host = h, .dry_run = dry_run, .need = DETAIL_CGROUPS | DETAIL_PROCESSES };
        /* the built-in policy, as text and back: what a recorder would have written */
        Policy *p = NULL;
        ConfigTree nothing;
        tree_init(&nothing);
        assert_int_equal(policy_load(nothing.fd, NULL, &report, &p), 0);
        tree_done(&nothing);
        p->daemon.dry_run = dry_run;
        f = open_memstream(&d->text, &d->n_text);
        policy_dump(p, f);
        fclose(f);
        policy_free(p);
        config_report_done(&report);
        report = (ConfigReport){ 0 };
        assert_int_equal(policy_load_text(d->text, d->n_text, "test", &report, &d->policy), 0);
        config_report_done(&report);
        const DecideLimits limits = { .max_domains = 32, .max_cgroups = 256, .max_processes = 1024 };
        size_t size = decide_state_size(d->policy, &limits);
        d->memory = malloc(size);
        assert_int_equal(decide_state_init(d->memory, size, d->policy, &limits, &d->state), 0);
        return d;
}

static void daemon_free(Daemon *d) {
        policy_free(d->policy);
        free(d->memory);
        free(d->text);
        free(d);
}

static void daemon_start(Daemon *d) {
        Host *h = d->host;
        host_start(h); /* fills the record; fed again below with what a daemon says */
        h->record.start.decides = true;
        h->record.start.dry_run = d->dry_run;
        h->record.start.max_domains = 32;
        h->record.start.max_cgroups = 256;
        h->record.start.max_processes = 1024;
        h->record.start.real_usec++; /* another run */
        host_feed(h, TRACE_START);
        h->record.policy = (TracePolicy){ .hash = d->policy->hash, .text = d->text, .n = d->n_text };
        host_feed(h, TRACE_POLICY);
}

static HostProcess *host_pid(Host *h, int32_t pid) {
        for (uint32_t i = 0; i < h->n_processes; i++)
                if (h->processes[i].pid == pid)
                        return &h->processes[i];
        return NULL;
}

static void daemon_kill(Daemon *d, const KillDecision *k) {
        Host *h = d->host;
        Snapshot kept = h->record.snap;

        host_snapshot(h, false);
        h->record.kill_id = k->kill_id;
        h->record.hold = decide_confirm(d->state, &h->record.snap, k);
        host_feed(h, TRACE_CONFIRM);
        h->record.snap = kept;
        if (h->record.hold != HOLD_NONE) {
                decide_cancel(d->state, k->kill_id, h->record.hold);
                host_feed(h, TRACE_CANCEL);
                return;
        }
        if (k->is_escalation)
                return;
        d->kills[d->n_kills++] = h->now_usec;
        d->kill_id = k->kill_id;
        d->victim = host_pid(h, k->candidates[0].pid);
        d->exit_usec = h->now_usec + 60 * USEC_PER_MSEC;
        if (!d->dry_run)
                d->victim->end_usec = d->exit_usec;
}

static void daemon_step(Daemon *d) {
        static Decision decision;
        Host *h = d->host;
        TraceDecision *t = &h->record.decision;

        /* a recorder looks at all every ten seconds, whether that is decided on or not */
        if (h->now_usec >= d->detail_usec) {
                d->detail_usec = h->now_usec + h->detail_usec;
                h->record.has_decision = false;
                host_snapshot(h, true);
                host_feed(h, TRACE_SAMPLE);
        }
        Snapshot *s = host_snapshot(h, (d->need & (DETAIL_CGROUPS | DETAIL_PROCESSES)) != 0);
        if (s->detail) /* else the recorder's; for a decision all is read */
                s->detail = DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES;
        if (d->kill_id > 0) {
                bool over = h->now_usec >= d->exit_usec;
                s->kills[s->n_kills++] = (KillStatus){
                        .kill_id = d->kill_id, .outcome = over ? KILL_EXITED : KILL_PENDING, .exited_usec = over ? d->exit_usec : 0
                };
                if (over)
                        d->kill_id = 0;
        }
        assert_int_equal(decide_step(d->state, s, &decision), 0);
        *t = (TraceDecision){ .seq = decision.seq, .need = decision.need, .next_usec = decision.next_usec, .has_kill = decision.has_kill };
        if (decision.has_kill) {
                const Candidate *c = &decision.kill.candidates[0];
                t->kill = (TraceKill){
                        .kill_id = decision.kill.kill_id, .step = decision.kill.step, .is_escalation = decision.kill.is_escalation,
                        .dry_run = decision.kill.dry_run, .reason = decision.kill.reason, .victim_kind = c->kind, .pid = c->pid,
                        .start_ticks = c->start_ticks, .cgroup_id = c->cgroup_id, .freeable_bytes = c->freeable_bytes,
                };
                memcpy(t->kill.comm, c->comm, sizeof(c->comm));
                memcpy(t->kill.cgroup_path, c->cgroup_path, sizeof(c->cgroup_path));
        }
        h->record.has_decision = true;
        host_feed(h, TRACE_SAMPLE);
        d->need = decision.need;
        d->next_usec = decision.need_now ? 5 * USEC_PER_MSEC : decision.next_usec;
        if (decision.has_kill)
                daemon_kill(d, &decision.kill);
}

static void daemon_run(Daemon *d, uint64_t usec) {
        Host *h = d->host;
        for (uint64_t end = h->now_usec + usec; h->now_usec < end; h->now_usec += d->next_usec)
                daemon_step(d);
}

static void test_same_question_same_kills(void **state) {
        (void)state;
        Host *h = host_with_leak(GB, 0);
        Daemon *d = daemon_new(h, false);
        PlanQuestion q = { .name = "as recorded", .swappiness = -1 }, said = q, remade = q;
        said.ram_bytes = GB; /* what it has */
        Policy copy = *d->policy;
        copy.hash++; /* another one, as far as anybody knows: the snapshots are made */
        remade.policy = &copy;
        PlanSim *s = host_ask(h, &q), *t = host_ask(h, &said), *u = host_ask(h, &remade);

        daemon_start(d);
        daemon_run(d, 150 * USEC_PER_SEC);
        assert_true(d->n_kills >= 1);
        PlanOutcome o = host_finish(t);
        assert_int_equal(o.n_kills, d->n_kills);
        assert_int_equal(o.confidence, PLAN_REPLAYED);
        plan_outcome_done(&o);
        o = host_finish(u);
        assert_int_equal(o.n_kills, d->n_kills);
        assert_int_equal(event_find(&o, PLAN_EVENT_KILL)->mono_usec, d->kills[0]);
        assert_string_equal(event_find(&o, PLAN_EVENT_KILL)->comm, "leak");
        plan_outcome_done(&o);
        o = host_finish(s);
        assert_int_equal(o.n_kills, d->n_kills);
        assert_int_equal(o.n_saw_kills, d->n_kills);
        assert_int_equal(event_find(&o, PLAN_EVENT_KILL)->mono_usec, d->kills[0]);
        assert_string_equal(event_find(&o, PLAN_EVENT_KILL)->comm, "leak");
        assert_int_equal(event_find(&o, PLAN_EVENT_KILL)->confidence, PLAN_REPLAYED);
        assert_int_equal(event_find(&o, PLAN_EVENT_SAW_KILL)->confidence, PLAN_MEASURED);
        assert_int_equal(o.confidence, PLAN_REPLAYED);
        plan_outcome_done(&o);
        daemon_free(d);
        host_free(h);
}

/* The dry run kills nobody: the question does, from the first kill on in a loop that is closed. */
static void test_dry_run_is_left_at_its_first_kill(void **state) {
        (void)state;
        Host *h = host_with_leak(GB, 0);
        h->processes[1].bytes_max = 880 * MB;
        Daemon *d = daemon_new(h, true);
        PlanQuestion q = { .name = "as recorded", .swappiness = -1 };
        PlanSim *s = host_ask(h, &q);

        daemon_start(d);
        daemon_run(d, 150 * USEC_PER_SEC);
        assert_true(d->n_kills >= 1);
        PlanOutcome o = host_finish(s);
        assert_int_equal(o.n_kills, 1);
        assert_int_equal(o.n_saw_kills, 0);
        assert_int_equal(event_find(&o, PLAN_EVENT_KILL)->mono_usec, d->kills[0]);
        assert_int_equal(event_find(&o, PLAN_EVENT_KILL)->confidence, PLAN_REPLAYED);
        /* what follows is a model's */
        assert_int_equal(o.confidence, PLAN_LOW);
        plan_outcome_done(&o);
        daemon_free(d);
        host_free(h);
}

/* With twice the memory nobody would have been killed: the victim goes on with what it had. */
static void test_unkilled_victim_lives_on(void **state) {
        (void)state;
        Host *h = host_with_leak(GB, 0);
        Daemon *d = daemon_new(h, false);
        PlanQuestion more = { .name = "more", .swappiness = -1, .ram_bytes = 2 * GB }, bit = more;
        bit.ram_bytes = 900 * MB;
        PlanSim *s = host_ask(h, &more), *t = host_ask(h, &bit);

        daemon_start(d);
        daemon_run(d, 150 * USEC_PER_SEC);
        assert_true(d->n_kills >= 1);
        uint64_t had = 20 * MB + (d->kills[0] - h->begin_usec) * 10 * MB / USEC_PER_SEC;
        PlanOutcome o = host_finish(s), p = host_finish(t);
        assert_int_equal(o.n_kills + o.n_kernel_kills, 0);
        assert_true(o.n_unknown_demands >= 1);
        assert_int_equal(p.n_unknown_demands, 0);
        assert_int_equal(o.n_saw_kills, d->n_kills);
        assert_true(o.demand_peak_bytes + 4 * MB >= h->kernel + 100 * MB + had);
        assert_int_equal(o.confidence, PLAN_LOW);
        /* on a smaller host it went earlier, and its end in the record is nothing new */
        assert_int_equal(p.n_kills, 1);
        assert_true(event_find(&p, PLAN_EVENT_KILL)->mono_usec < d->kills[0]);
        plan_outcome_done(&o);
        plan_outcome_done(&p);
        daemon_free(d);
        host_free(h);
}

/* ---- gaps and boots ---- */

static void test_other_boot_begins_anew(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 1500 * MB);
        PlanQuestion q = host_question(h);
        q.ram_bytes = GB;
        PlanSim *s = host_ask(h, &q);

        host_start(h);
        host_record(h, 120 * USEC_PER_SEC);
        /* the clock begins anew, and so does the leak; pids and ids are the same */
        h->boot_id = "boot-2";
        h->now_usec = h->begin_usec = 50 * USEC_PER_SEC;
        for (uint32_t i = 0; i < h->n_processes; i++)
                h->processes[i].begin_usec = h->begin_usec;
        host_start(h);
        host_record(h, 120 * USEC_PER_SEC);
        PlanOutcome o = host_finish(s);
        assert_int_equal(o.n_kills, 2);
        assert_int_equal(o.n_gaps, 1);
        assert_int_equal(o.span_usec, 2 * 119 * USEC_PER_SEC);
        /* the second boot owes nothing to the first: its kill is no consequence of another */
        assert_int_equal(o.events[1].confidence, PLAN_MODELLED);
        plan_outcome_done(&o);
        host_free(h);
}

static void test_gap_is_not_bridged(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 500 * MB);
        PlanQuestion q = host_question(h);
        PlanSim *s = host_ask(h, &q);

        host_start(h);
        host_record(h, 30 * USEC_PER_SEC);
        h->full_usec += 3000 * USEC_PER_SEC; /* whatever happened meanwhile */
        h->now_usec += 3600 * USEC_PER_SEC;  /* a suspend that stops no clock */
        host_record(h, 30 * USEC_PER_SEC);
        h->record.n_lost = 5;
        h->full_usec += 3000 * USEC_PER_SEC;
        host_feed(h, TRACE_GAP);
        h->now_usec += 10 * USEC_PER_SEC;
        host_record(h, 30 * USEC_PER_SEC);
        PlanOutcome o = host_finish(s);
        assert_int_equal(o.n_gaps, 2);
        assert_int_equal(o.stall_usec, 0);
        assert_int_equal(o.span_usec, 3 * 29 * USEC_PER_SEC);
        assert_int_equal(o.n_kills, 0);
        plan_outcome_done(&o);
        host_free(h);
}

/* A victim stays gone over a gap. */
static void test_victim_stays_gone_over_a_gap(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 950 * MB);
        PlanQuestion q = host_question(h);
        q.ram_bytes = GB;
        PlanSim *s = host_ask(h, &q);

        host_start(h);
        host_record(h, 101 * USEC_PER_SEC);
        host_feed(h, TRACE_GAP);
        host_record(h, 60 * USEC_PER_SEC);
        PlanOutcome o = host_finish(s);
        assert_int_equal(o.n_kills, 1);
        plan_outcome_done(&o);
        host_free(h);
}

/* The record starts the leak again, as another process in another cgroup of the same name: it starts here, too. */
static void test_restart_starts(void **state) {
        (void)state;
        Host *h = host_with_leak(2 * GB, 850 * MB);
        uint32_t again = host_cgroup(h, "/bench.slice/leak.service", 1, 0, 0);
        HostProcess *second = host_process(h, "leak", again, 20 * MB, 10 * MB, 950 * MB);
        h->processes[1].end_usec = h->begin_usec + 100 * USEC_PER_SEC;
        second->begin_usec = h->begin_usec + 110 * USEC_PER_SEC;
        h->processes[1].bytes_max = 950 * MB;
        PlanQuestion q = host_question(h);
        q.ram_bytes = GB;
        PlanOutcome o = host_answer(h, &q, 230 * USEC_PER_SEC);
        assert_int_equal(o.n_kills, 2);
        assert_int_equal(o.events[0].pid, h->processes[1].pid);
        assert_int_equal(o.events[1].pid, second->pid);
        assert_int_equal(o.events[0].confidence, PLAN_MODELLED);
        assert_int_equal(o.events[1].confidence, PLAN_LOW);
        plan_outcome_done(&o);
        host_free(h);
}

static void test_what_no_question_can_be_asked_of(void **state) {
        (void)state;
        Host *h = host_with_leak(GB, 0);
        PlanQuestion q = host_question(h);
        PlanSim *s;
        PlanOutcome o;

        /* no START */
        assert_int_equal(plan_sim_new(&q, &s), 0);
        h->record.kind = TRACE_SAMPLE;
        host_snapshot(h, true);
        assert_int_equal(plan_sim_feed(s, &h->record), -EBADMSG);
        assert_int_equal(plan_sim_finish(s, &o), -EBADMSG);
        plan_sim_free(s);
        /* no policy, in the record or with the question */
        q.policy = NULL;
        assert_int_equal(plan_sim_new(&q, &s), 0);
        h->record.kind = TRACE_START;
        assert_int_equal(plan_sim_feed(s, &h->record), 0);
        h->record.kind = TRACE_SAMPLE;
        assert_int_equal(plan_sim_feed(s, &h->record), -EBADMSG);
        h->record.kind = TRACE_POLICY;
        h->record.policy = (TracePolicy){ .text = "nonsense\n", .n = 9 };
        assert_int_equal(plan_sim_feed(s, &h->record), -EBADMSG);
        plan_sim_free(s);
        q.n_scales = PLAN_SCALES_MAX + 1;
        assert_int_equal(plan_sim_new(&q, &s), -EINVAL);
        host_free(h);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_same_question_same_kills),
                cmocka_unit_test(test_dry_run_is_left_at_its_first_kill),
                cmocka_unit_test(test_unkilled_victim_lives_on),
                cmocka_unit_test(test_other_boot_begins_anew),
                cmocka_unit_test(test_gap_is_not_bridged),
                cmocka_unit_test(test_victim_stays_gone_over_a_gap),
                cmocka_unit_test(test_restart_starts),
                cmocka_unit_test(test_what_no_question_can_be_asked_of),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

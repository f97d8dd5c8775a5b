/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Properties over generated histories: a small simulated host whose processes grow, exit, ignore signals and
 * refuse to die, whose values go missing and jump, driven for some hundred steps from each seed.
 *
 *  - nobody protected is ever a candidate
 *  - never two kills in flight in one line of ancestry
 *  - the same history with its cgroups and processes in another order gives the same decisions
 *  - no kill while memory is plentiful, whatever the stall figures say
 *  - no kill in a step in which the values that it would rest on were not read
 *
 * A failing seed is printed; it reproduces exactly.
 */

#include "test.h"

#include "generate.h"

#define SEEDS 300
#define STEPS 300

typedef struct Sim {
        World *w;
        uint64_t rng;
        int32_t next_pid;
        bool plentiful;
        uint64_t ram, in_flight, in_flight_domain, kills;
        int32_t in_flight_pid;
        uint32_t patience; /* steps until the victim goes */
        KillOutcome fate;
} Sim;

static const char *const paths[] = {
        "/system.slice", "/system.slice/db.service", "/system.slice/web.service", "/user.slice",
        "/user.slice/session-1.scope", "/user.slice/session-1.scope/inner",
};
static const uint32_t parents[] = { INDEX_NONE, 0, 0, INDEX_NONE, 3, 4 };

static ProcessSample *sim_spawn(Sim *s) {
        World *w = s->w;
        if (w->snap.n_processes >= WORLD_PROCESSES - 1)
                return NULL;
        static const char *const names[] = { "a", "foo) Z ", "b\nc", "" };
        uint32_t cgroup = (uint32_t)random_below(&s->rng, ARRAY_SIZE(paths) + 1);
        ProcessSample *p = world_process(w, s->next_pid++, names[random_below(&s->rng, ARRAY_SIZE(names))],
                                         random_below(&s->rng, 40 * MB), cgroup < ARRAY_SIZE(paths) ? cgroup : INDEX_NONE);
        p->start_ticks = w->snap.mono_usec / 10000;
        p->pgid = (int32_t)random_below(&s->rng, 6) + 1;
        p->tier = (Tier)random_below(&s->rng, _TIER_MAX);
        if (random_below(&s->rng, 4) != 0)
                p->tier = TIER_NORMAL;
        static const int32_t adjs[] = { 0, 0, 0, 0, 300, 1000, -500, -999, -1000 };
        p->oom_score_adj = adjs[random_below(&s->rng, ARRAY_SIZE(adjs))];
        p->rule_adjust = (int32_t)random_below(&s->rng, 400) - 200;
        static const uint32_t flags[] = { PROCESS_KTHREAD, PROCESS_NO_MM, PROCESS_DYING, PROCESS_VFORK, PROCESS_HAS_TTY, PROCESS_INIT };
        if (random_below(&s->rng, 8) == 0)
                p->flags |= flags[random_below(&s->rng, ARRAY_SIZE(flags))];
        return p;
}

static Sim *sim_new(uint64_t seed, bool plentiful) {
        Sim *s = calloc(1, sizeof(*s));
        assert_non_null(s);
        s->rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        s->next_pid = 100;
        s->plentiful = plentiful;
        s->ram = 512 * MB;
        s->w = world_new(s->ram, random_below(&s->rng, 2) ? 256 * MB : 0);
        world_host_policy(s->w);
        CgroupPolicy *limited = world_limited_policy(s->w);
        limited->victim = (VictimKind)random_below(&s->rng, _VICTIM_KIND_MAX);
        s->w->cgroup_policies[0].victim = (VictimKind)random_below(&s->rng, _VICTIM_KIND_MAX);
        s->w->cgroup_policies[0].rank = (Rank)random_below(&s->rng, _RANK_MAX);
        s->w->cgroup_policies[0].max_processes = 1 + (uint32_t)random_below(&s->rng, 50);
        world_start(s->w);
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                CgroupSample *c = world_cgroup(s->w, 10 + i, paths[i], parents[i], random_below(&s->rng, 3) == 0 ? 1 : -1);
                cgroup_set(c, CGROUP_HIGH, random_below(&s->rng, 2) ? 60 * MB : CGROUP_NO_LIMIT);
                cgroup_set(c, CGROUP_EVENT_HIGH, 0);
                cgroup_set(c, CGROUP_OOM_GROUP, random_below(&s->rng, 6) == 0);
                c->marks = 1u << random_below(&s->rng, 8);
                if (i != 0 && i != 3 && i != 4)
                        c->marks |= CGROUP_MARK_LEAF;
                else
                        c->marks &= ~(uint32_t)CGROUP_MARK_LEAF;
        }
        world_process(s->w, 1, "init", 5 * MB, INDEX_NONE)->flags |= PROCESS_INIT;
        world_process(s->w, 2, "headroomd", 2 * MB, INDEX_NONE)->flags |= PROCESS_SELF;
        for (int i = 0; i < 20; i++)
                sim_spawn(s);
        return s;
}

static void sim_free(Sim *s) {
        world_free(s->w);
        free(s);
}

/* Moves the host on by one step; what happens depends on the random state alone. */
static void sim_advance(Sim *s) {
        World *w = s->w;
        HostSample *h = &w->snap.host;
        uint64_t dt = 20000 + random_below(&s->rng, 400000);
        if (random_below(&s->rng, 60) == 0)
                dt = 3600 * USEC_PER_SEC;
        w->snap.mono_usec += dt;

        uint64_t used = 0;
        for (uint32_t i = 0; i < w->snap.n_processes; i++) {
                ProcessSample *p = &w->processes[i];
                if (p->pid > 2 && random_below(&s->rng, 3) == 0)
                        p->rss_anon += random_below(&s->rng, 800);
                p->flags |= PROCESS_SIZES;
                if (random_below(&s->rng, 30) == 0)
                        p->flags &= ~(uint32_t)PROCESS_SIZES;
                used += (p->rss_anon + p->swap) * WORLD_PAGE;
        }
        if (random_below(&s->rng, 3) == 0)
                sim_spawn(s);
        if (random_below(&s->rng, 10) == 0 && w->snap.n_processes > 10)
                world_exit(w, w->processes[2 + random_below(&s->rng, w->snap.n_processes - 2)].pid);

        h->have = (UINT64_C(1) << _HOST_FIELD_MAX) - 1;
        uint64_t available = u64_sub_sat(s->ram, used);
        if (s->plentiful)
                available = MAX(available, s->ram * 6 / 10);
        h->value[HOST_MEM_AVAILABLE] = available;
        h->value[HOST_SWAP_FREE] = s->plentiful ? h->value[HOST_SWAP_TOTAL] : random_below(&s->rng, h->value[HOST_SWAP_TOTAL] + 1);
        h->value[HOST_PSI_FULL_USEC] += dt * random_below(&s->rng, 101) / 100;
        h->value[HOST_PSI_SOME_USEC] = h->value[HOST_PSI_FULL_USEC];
        h->value[HOST_VM_PGSCAN_DIRECT] += random_below(&s->rng, 100);
        if (random_below(&s->rng, 40) == 0)
                h->value[HOST_PSI_FULL_USEC] = 0;
        if (random_below(&s->rng, 12) == 0)
                h->have &= random_next(&s->rng) | random_next(&s->rng);
        for (uint32_t i = 0; i < w->snap.n_cgroups; i++) {
                CgroupSample *c = &w->cgroups[i];
                c->value[CGROUP_PSI_FULL_USEC] += s->plentiful ? 0 : dt * random_below(&s->rng, 101) / 100;
                c->value[CGROUP_CURRENT] = random_below(&s->rng, 70 * MB);
                c->value[CGROUP_EVENT_HIGH] += random_below(&s->rng, 2);
                if (random_below(&s->rng, 100) == 0)
                        c->id += 1000; /* re-created under the same name */
        }
        for (uint32_t i = 0; i < w->snap.n_processes; i++)
                if (w->processes[i].cgroup != INDEX_NONE)
                        w->processes[i].cgroup_id = w->cgroups[w->processes[i].cgroup].id;
        w->snap.detail = random_below(&s->rng, 8) ? DETAIL_CGROUPS | DETAIL_PROCESSES : 0;
        if (random_below(&s->rng, 8) == 0)
                w->snap.detail = DETAIL_RECORD;
}

/* Everything that a reader of the decision can see, as text: padding does not count. */
static void print_candidates(char *buf, size_t size, size_t *at, const Candidate *c, uint32_t n) {
        for (uint32_t i = 0; i < n; i++)
                *at += (size_t)snprintf(buf + *at, size - *at, " {%d %d %d %d %lu %s %lu %u %ld %ld %lu %u %d %lu %lu %u %lu}",
                                        c[i].kind, c[i].reject, c[i].pid, c[i].pgid, (unsigned long)c[i].start_ticks, c[i].cgroup_path,
                                        (unsigned long)c[i].cgroup_id, c[i].n_processes, (long)c[i].badness_pages,
                                        (long)c[i].score_pages, (unsigned long)c[i].size_pages, c[i].tier, c[i].is_protected,
                                        (unsigned long)c[i].freeable_bytes, (unsigned long)c[i].growth_bytes, c[i].growth_share,
                                        (unsigned long)c[i].rank_value);
}

static void print_condition(char *buf, size_t size, size_t *at, const ConditionReport *r) {
        *at += (size_t)snprintf(buf + *at, size - *at, " cond %d", r->truth);
        for (uint32_t i = 0; i < r->n_terms; i++)
                *at += (size_t)snprintf(buf + *at, size - *at, " [%d %d %lu %lu %lu]", r->terms[i].term.metric, r->terms[i].truth,
                                        (unsigned long)r->terms[i].value, (unsigned long)r->terms[i].effective_limit,
                                        (unsigned long)r->terms[i].held_usec);
}

static void decision_print(const Decision *d, char *buf, size_t size) {
        size_t at = (size_t)snprintf(buf, size, "%lu need %u %d next %lu", (unsigned long)d->seq, d->need, d->need_now, (unsigned long)d->next_usec);
        for (uint32_t i = 0; i < d->n_changes; i++) {
                at += (size_t)snprintf(buf + at, size - at, " change %lu %d-%d %d", (unsigned long)d->changes[i].domain_id,
                                       d->changes[i].from, d->changes[i].to, d->changes[i].reason);
                print_condition(buf, size, &at, &d->changes[i].condition);
        }
        if (d->has_held)
                at += (size_t)snprintf(buf + at, size - at, " held %lu %d", (unsigned long)d->held.domain_id, d->held.hold);
        if (!d->has_kill)
                return;
        const KillDecision *k = &d->kill;
        at += (size_t)snprintf(buf + at, size - at, " kill %lu %d %d %lu %s %d rank %d deficit %lu wait %lu considered %u", (unsigned long)k->kill_id,
                               k->step, k->is_escalation, (unsigned long)k->domain_id, k->policy_name, k->reason, k->rank,
                               (unsigned long)k->deficit_bytes, (unsigned long)k->wait_usec, k->n_considered);
        print_condition(buf, size, &at, &k->condition);
        print_candidates(buf, size, &at, k->candidates, k->n_candidates);
        at += (size_t)snprintf(buf + at, size - at, " rejected");
        print_candidates(buf, size, &at, k->rejected, k->n_rejected);
        for (uint32_t i = 0; i < k->n_members; i++)
                at += (size_t)snprintf(buf + at, size - at, " m%d", k->members[i].pid);
        assert_true(at < size);
}

static bool in_cgroup(const ProcessSample *p, const char *path) {
        size_t n = strlen(path);
        return strncmp(p->cgroup_path, path, n) == 0 && (p->cgroup_path[n] == '\0' || p->cgroup_path[n] == '/');
}

static bool is_untouchable(const ProcessSample *p) {
        return p->pid <= 2 || p->oom_score_adj == -1000 || p->tier == TIER_NEVER || (p->flags & (PROCESS_KTHREAD | PROCESS_INIT));
}

static void check_kill(Sim *s, const KillDecision *k, uint64_t seed) {
        World *w = s->w;
        if (s->plentiful)
                fail_msg("seed %lu: a kill while memory is plentiful", (unsigned long)seed);
        if (k->domain_id == 0 && !(host_has(&w->snap.host, HOST_MEM_AVAILABLE) && host_has(&w->snap.host, HOST_MEM_TOTAL)))
                fail_msg("seed %lu: a kill on values that were not read", (unsigned long)seed);
        if (k->is_escalation ? k->kill_id != s->in_flight : s->in_flight != 0 && (k->domain_id == 0 || s->in_flight_domain == 0))
                fail_msg("seed %lu: two kills in flight", (unsigned long)seed);
        assert_int_equal(k->condition.truth, TRUTH_TRUE);
        assert_in_range(k->n_candidates, 1, CANDIDATES_MAX);
        if (k->is_escalation)
                return;
        if (!(w->snap.detail & DETAIL_PROCESSES) || !(w->snap.detail & DETAIL_ANY_CGROUPS))
                fail_msg("seed %lu: a kill by details that were not read", (unsigned long)seed);
        for (uint32_t i = 0; i < k->n_candidates; i++) {
                const Candidate *c = &k->candidates[i];
                for (uint32_t n = 0; n < w->snap.n_processes; n++) {
                        const ProcessSample *p = &w->processes[n];
                        bool dies = c->kind == CANDIDATE_PROCESS ? p->pid == c->pid
                                    : c->kind == CANDIDATE_CGROUP ? in_cgroup(p, c->cgroup_path) && c->n_processes > 0
                                                                  : false;
                        /* a nested subgroup of a victim cgroup holds others only where oom.group takes the subtree */
                        if (dies && c->kind == CANDIDATE_CGROUP && p->cgroup_id != c->cgroup_id && !(p->flags & PROCESS_KTHREAD) && is_untouchable(p))
                                fail_msg("seed %lu: %s would take pid %d along", (unsigned long)seed, c->cgroup_path, p->pid);
                        if (dies && c->kind == CANDIDATE_PROCESS && (is_untouchable(p) || !(p->flags & PROCESS_SIZES)))
                                fail_msg("seed %lu: pid %d is protected or unread", (unsigned long)seed, p->pid);
                }
        }
        for (uint32_t i = 0; i < k->n_members; i++)
                assert_false(is_untouchable(world_find(w, k->members[i].pid)));
}

/* What act would do: some victims go at once, some later, some never, some cannot be signalled. */
static void sim_settle(Sim *s, const Decision *d) {
        World *w = s->w;
        if (d->has_kill) {
                s->kills++;
                s->in_flight = d->kill.kill_id;
                s->in_flight_domain = d->kill.domain_id;
                s->in_flight_pid = d->kill.candidates[0].pid;
                s->patience = (uint32_t)random_below(&s->rng, 30);
                static const KillOutcome fates[] = { KILL_EXITED, KILL_EXITED, KILL_EXITED, KILL_FAILED, KILL_EXPIRED };
                s->fate = fates[random_below(&s->rng, ARRAY_SIZE(fates))];
        }
        w->snap.n_kills = 0;
        if (s->in_flight == 0)
                return;
        world_kill_status(w, s->in_flight, s->patience > 0 ? KILL_PENDING : s->fate, 0);
        if (s->patience-- > 0)
                return;
        if (s->fate == KILL_EXITED)
                world_exit(w, s->in_flight_pid);
        s->in_flight = 0;
}

static uint64_t run(uint64_t seed, bool plentiful) {
        Sim *s = sim_new(seed, plentiful);
        World *w = s->w;
        /* the same machine, fed with shuffled snapshots */
        const DecideLimits limits = { .max_domains = 32, .max_cgroups = WORLD_CGROUPS, .max_processes = WORLD_PROCESSES };
        size_t size = decide_state_size(&w->policy, &limits);
        void *memory = malloc(size);
        memset(memory, 0xa5, size);
        DecideState *other;
        assert_int_equal(decide_state_init(memory, size, &w->policy, &limits, &other), 0);
        static CgroupSample cgroups[WORLD_CGROUPS];
        static ProcessSample processes[WORLD_PROCESSES];
        static Decision d2;
        static char text1[65536], text2[65536];
        uint64_t shuffle_rng = seed + 1, kills;

        for (int i = 0; i < STEPS; i++) {
                sim_advance(s);
                Snapshot shuffled;
                snapshot_shuffle(&w->snap, &shuffled, cgroups, processes, &shuffle_rng);
                assert_int_equal(decide_step(w->state, &w->snap, &w->decision), 0);
                assert_int_equal(decide_step(other, &shuffled, &d2), 0);
                decision_print(&w->decision, text1, sizeof(text1));
                decision_print(&d2, text2, sizeof(text2));
                if (strcmp(text1, text2) != 0)
                        fail_msg("seed %lu step %d: order matters:\n%s\n%s", (unsigned long)seed, i, text1, text2);
                if (w->decision.has_kill)
                        check_kill(s, &w->decision.kill, seed);
                assert_in_range(w->decision.next_usec, 50 * USEC_PER_MSEC, USEC_PER_SEC);
                sim_settle(s, &w->decision);
        }
        kills = s->kills;
        free(memory);
        sim_free(s);
        return kills;
}

static void test_histories(void **state) {
        (void)state;
        uint64_t kills = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
                kills += run(seed, false);
        /* a generator that never gets into trouble would prove nothing */
        assert_true(kills > SEEDS);
        print_message("# %lu kills in %d histories\n", (unsigned long)kills, SEEDS);
}

static void test_plenty(void **state) {
        (void)state;
        for (uint64_t seed = 1; seed <= SEEDS / 3; seed++)
                assert_int_equal(run(seed, true), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_histories),
                cmocka_unit_test(test_plenty),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
